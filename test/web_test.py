#!/usr/bin/env python3
"""web_test.py PROGRAM SEED sqlite|postgresql: the desk over sockets: who may in, what the API says, what strangers cannot do.

Every path of docs/openapi.yaml is asked, and every answer held against its schema there."""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import gate
import postgres
from desk_rig import OPERATOR, PASSWORD, TOP, Desk
from nameserver import TXT, NameServer, text

try:
    import yaml
except ImportError:
    print("1..0 # SKIP no python3-yaml")
    sys.exit(0)

number = 0
failed = 0


def check(good, sentence, more=""):
    global number, failed
    number += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {number} - {sentence}")
    if not good and more != "":
        print("\n".join("# " + line for line in str(more)[:2000].splitlines()))
    sys.stdout.flush()


def skip(sentence, why):
    global number
    number += 1
    print(f"ok {number} - {sentence} # SKIP {why}")


# ---- docs/openapi.yaml ----

API = yaml.safe_load((TOP / "docs" / "openapi.yaml").read_text())
TYPES = {"string": str, "integer": int, "boolean": bool, "object": dict, "array": list}


def resolve(part):
    while "$ref" in part:
        place = API
        for step in part["$ref"][2:].split("/"):
            place = place[step]
        part = place
    return part


def misfit(value, schema, at="document"):
    """What does not fit the schema: a sentence, or None. A member that the schema does not name is a misfit too."""
    schema = resolve(schema)
    if "allOf" in schema:
        parts = [resolve(p) for p in schema["allOf"]]
        schema = {"type": "object", "required": [r for p in parts for r in p["required"]], "properties": {k: v for p in parts for k, v in p["properties"].items()}}
    if value is None:
        return None if schema.get("nullable") else f"{at} is null"
    kind = schema.get("type")
    if kind and (not isinstance(value, TYPES[kind]) or (kind == "integer" and isinstance(value, bool))):
        return f"{at} is no {kind}: {value!r}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{at} is none of {schema['enum']}: {value!r}"
    for name in schema.get("required", ()):
        if name not in value:
            return f"{at} lacks {name}"
    if kind == "object" and "properties" in schema:
        for name, member in value.items():
            if name not in schema["properties"]:
                return f"{at} has {name}, which is not documented"
            found = misfit(member, schema["properties"][name], f"{at}.{name}")
            if found:
                return found
    if kind == "array":
        for place, item in enumerate(value):
            found = misfit(item, schema["items"], f"{at}[{place}]")
            if found:
                return found
    return None


def documented(path, method, status, headers, body):
    """What is wrong with an answer, by the document."""
    answers = API["paths"][path][method]["responses"]
    if str(status) not in answers:
        return f"status {status} is not documented"
    content = resolve(answers[str(status)])["content"]
    kind = headers["Content-Type"].split(";")[0]
    if kind not in content:
        return f"{kind} is not documented for {status}"
    return misfit(json.loads(body), content[kind]["schema"]) if kind == "application/json" else None


# ---- the tests ----

def test_doors(d):
    for path in ("/", "/messages", "/message/AAAAAAAAAAAA", "/quarantine", "/explain", "/health", "/audit", "/find?q=a"):
        status, headers, _ = d.get(path)
        check(status == 303 and headers["Location"].startswith("/login"), f"{path} asks who is not signed in to do so", (status, headers))
    status, headers, body = d.get("/login")
    policy = headers["Content-Security-Policy"]
    check("default-src 'none'" in policy and "unsafe" not in policy, "no script and no style but our own files", policy)
    check(not re.search(r"<style|style=|<script>|\son[a-z]+=", body), "no page has any inline")
    check(headers["Cache-Control"] == "no-store", "pages are not kept by proxies", headers)
    check(d.get("/nothing")[0] == 404, "what is not there is 404")
    check(d.get("/login", method="PUT")[0] == 405, "a method that is not known is 405")
    check(d.form("/login", name="a" * 20000, password="b")[0] == 413, "a form has its bounds")
    with socket.create_connection(("127.0.0.1", d.port), 20) as s:
        s.sendall(b"POST /explain HTTP/1.1\r\nHost: x\r\nContent-Length: 12000000\r\n\r\n")
        check(s.recv(99).startswith(b"HTTP/1.1 303 "), "a large body is not even taken from who is not signed in")
    check(d.get("/asset/../conf")[0] == 404 and d.get("/asset/%2e%2e%2fconf")[0] == 404, "assets are those built in")


def test_sign_in(d):
    status, headers, body = d.form("/login", name=OPERATOR, password="wrong password")
    check(status == 403 and "Set-Cookie" not in headers, "a wrong password gets no session", status)
    unknown = d.form("/login", name="nobody", password="wrong password")
    check(unknown[0] == 403 and unknown[2].replace('value="nobody"', "") == body.replace(f'value="{OPERATOR}"', ""), "an unknown name looks like a wrong password")
    check(d.form("/login", headers={"Origin": "https://evil.example"}, name=OPERATOR, password=PASSWORD)[0] == 403, "a foreign page cannot sign in")
    for to in ("//evil.example/", "/\\evil.example", "https://evil.example", "/a\r\nX: y"):
        where = d.form("/login", name=OPERATOR, password=PASSWORD, to=to)[1].get("Location")
        check(where == "/", f"the way back never leads elsewhere: {to!r}", where)
    status, headers, _ = d.form("/login", name=OPERATOR, password=PASSWORD, to="/health")
    cookie = headers["Set-Cookie"]
    check(status == 303 and headers["Location"] == "/health", "the right one leads back", headers)
    check("HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie, "the cookie is out of reach of script and of other sites", cookie)
    session = {"Cookie": cookie.split(";")[0]}
    body = d.get("/", headers=session)[2]
    csrf = re.search(r'name="csrf" value="([0-9a-f]{64})"', body).group(1)
    check(d.form("/logout", headers=session)[0] == 403, "a form without its secret is refused")
    check(d.form("/logout", headers=session, csrf="0" * 64)[0] == 403, "and with another")
    check(d.get("/", headers=session)[0] == 200, "and nothing has happened")
    check(d.form("/logout", headers=session, csrf=csrf)[0] == 303, "signing out works")
    check(d.get("/", headers=session)[0] == 303, "the old cookie is worth nothing then")
    check(d.get("/", headers={"Cookie": session["Cookie"][:-1] + "0"})[0] == 303, "nor is a made-up one")


def test_roles(d, admin):
    d.verb("operator", "add", "helpdesk", "--role", "viewer", input="another password\n")
    viewer = d.sign_in("helpdesk", "another password")
    check(d.get("/messages", headers=viewer)[0] == 200, "a viewer may look")
    check(d.get("/audit", headers=viewer)[0] == 403, "but not at the audit trail")
    trail = d.get("/audit", headers=admin)[2]
    check("sign-in.refused" in trail and "operator.add" in trail and OPERATOR in trail, "who did what is kept", trail)
    d.verb("operator", "lock", "helpdesk")
    locked = d.get("/messages", headers=viewer)
    check(locked[0] == 303, "a locked operator is out at once", locked)
    check("active" in d.verb("operator", "list", "--json") and "yescrypt" not in d.verb("operator", "list", "--json"), "operators can be listed, without hashes")


def test_api(d, admin):
    token = d.verb("operator", "token", OPERATOR, "all", "--scopes", "read explain metrics").strip()
    narrow = d.verb("operator", "token", OPERATOR, "prometheus", "--scopes", "metrics").strip()
    auth, metrics = {"Authorization": f"Bearer {token}"}, {"Authorization": f"Bearer {narrow}"}
    asked = set()

    def ask(path, sentence, want=200, place=None, method="GET", headers=auth, body=None):
        place = place or path.split("?")[0]
        status, answer, text = d.get(path, method=method, headers=headers, body=body)
        wrong = documented(place, method.lower(), status, answer, text)
        check(status == want and not wrong, sentence, wrong or (status, text))
        asked.add((place, method.lower()))
        return json.loads(text) if answer["Content-Type"] == "application/json" else text

    ask("/api/v1/health", "without a token the API answers 401, in JSON", 401, headers={})
    ask("/api/v1/health", "with a wrong one too", 401, headers={"Authorization": "Bearer " + "0" * 64})
    ask("/api/v1/health", "health", headers=auth)
    for period in ("24h", "7d", "30d"):
        o = ask(f"/api/v1/overview?period={period}", f"the overview of {period} is as documented")
        check(sum(sum(bar["messages"].values()) for bar in o["bars"]) == sum(o["total"].values()) > 0, f"and its bars add up ({period})")
    page = ask("/api/v1/messages?limit=20", "messages are as documented")
    ids = [m["id"] for m in page["messages"]]
    check(len(ids) == 20 and page["next"] is not None, "a page has as many as it was asked for")
    following = ask(f"/api/v1/messages?limit=20&after={page['next']}", "the next page goes on")
    check(not set(ids) & {m["id"] for m in following["messages"]} and following["messages"][0]["time"] <= page["messages"][-1]["time"], "and repeats nothing")
    refused = ask("/api/v1/messages?action=reject&domain=example.com&client=198.51.100.66&limit=500", "filters are joined by and")
    check(refused["messages"] and all(m["action"] == "reject" and m["domain"] == "example.com" for m in refused["messages"]), "and all fit")
    ask("/api/v1/messages?since=yesterday", "a time that cannot be read is a fault", 400)
    ask("/api/v1/messages?limit=0", "a limit out of bounds is a fault", 400)
    ask("/api/v1/messages?after=%00%ff", "a cursor that is none of ours is a fault", 400)
    m = ask(f"/api/v1/messages/{d.ids['forged-reject']}", "one message is as documented", place="/api/v1/messages/{id}")
    check(m["story"]["decision"]["reason"] == "dmarc.reject" and m["recipients"][0]["address"] == "rosa@example.net", "and has its story")
    ask("/api/v1/messages/AAAAAAAAAAAA", "an unknown message is 404", 404, place="/api/v1/messages/{id}")
    ask("/api/v1/messages/../../x", "a name that is no id too", 404, place="/api/v1/messages/{id}")
    ask("/api/v1/reasons", "reasons are as documented")
    bounce = "550 5.7.509 Access denied, sending domain example.com does not pass DMARC verification"
    x = ask("/api/v1/explain", "a reply is explained", method="POST", body=bounce)
    check(x["reports"][0]["reason"] == "authfailure", "by its cause", x)
    x = ask("/api/v1/explain", "a reply is held against the operator's rules", method="POST", body="452 4.3.1 spool is 97 percent full")
    check(x["reports"][0]["rule"] == "relay-full", "before those of the program", x)
    check(all(r["checked"] == [] for r in x["reports"]), "and DNS is not asked", x)
    report = ("From: MAILER-DAEMON@mx.example.net\nTo: anna@example.org\nSubject: Undelivered Mail Returned to Sender\n\n<ben@example.net>: 550 5.1.1 User unknown\n\n"
              "------ This is a copy of the message, including all the headers. ------\n\nFrom: anna@example.org\nMessage-ID: <{}@mail.invalid>\n\n")
    x = ask("/api/v1/explain", "a report about a mail that passed here", method="POST", body=report.format("good"))
    check(x["proven"] is True and x["account"], "is proven", x)
    x = ask("/api/v1/explain", "a report about one that nobody knows", method="POST", body=report.format("nobody-knows-it"))
    check(x["proven"] is False and x["account"] is None, "is not", x)
    live = ask("/api/v1/explain?live=1", "it can be checked against DNS", method="POST", body=bounce)
    check([c["state"] for c in live["reports"][0]["checked"] if c["check"] == "dmarc"] == ["fine"], "which says more", live)
    answers = [d.get("/api/v1/explain?live=1", method="POST", headers=auth, body=bounce)[0] for _ in range(10)]
    check(set(answers[:8]) == {200} and answers[-1] == 429, "but only so often", answers)
    ask("/api/v1/explain?live=1", "which is told", 429, method="POST", body=bounce)
    page = d.form("/explain", headers=admin, csrf=csrf_of(d, admin), text=bounce, live="1")
    check(page[0] == 429 and "DNS was asked often" in page[2] and "authfailure" in page[2], "an operator and his tokens count together; what the report tells is told", page)
    page = d.form("/explain", headers=admin, csrf=csrf_of(d, admin), text=report.format("good"))[2]
    check('passed here: <a href="/message/' in page, "the page leads to the mail that a report is about", page)
    page = d.form("/explain", headers=admin, csrf=csrf_of(d, admin), text=report.format("nobody-knows-it"))[2]
    check("Unproven: nothing is kept here" in page, "or says that none is known", page)
    ask("/api/v1/explain", "an empty report is a fault", 400, method="POST", body="")
    ask("/api/v1/explain", "a report has its bounds", 413, method="POST", body=b"x" * (4 << 20) + b"x")
    ask("/api/v1/explain", "a token does what its scopes say, and no more", 403, method="POST", body=bounce, headers=metrics)
    metrics_text = ask("/metrics", "metrics need their scope", headers=metrics)
    check(all(re.match(r"(# (HELP|TYPE) mailreeve_\w+ .+|mailreeve_\w+(\{[^}]*\})? [0-9.]+)$", line) for line in metrics_text.splitlines()), "metrics are in the text format", metrics_text)
    check("mailreeve_store_queued" in metrics_text and "mailreeve_dns_questions_total" in metrics_text and
          'mailreeve_check_seconds_bucket{check="dkim"' in metrics_text, "of DNS, checks and store")
    ask("/healthz", "the health of the web side is open to all", headers={})
    api_quarantine(d, ask, auth)
    api_tickets(d, ask)
    every = {(path, method) for path, row in API["paths"].items() for method in row}
    check(asked == every, "every path of the document was asked", every - asked)
    d.verb("operator", "untoken", OPERATOR, "all")
    gone = d.get("/api/v1/health", headers=auth)
    check(gone[0] == 401, "a token that was taken back is worth nothing", gone)


def api_quarantine(d, ask, auth):
    change = {"Authorization": "Bearer " + d.verb("operator", "token", OPERATOR, "keeper", "--scopes", "read change").strip()}
    one, release, delete = "/api/v1/quarantine/{id}", "/api/v1/quarantine/{id}/release", "/api/v1/quarantine/{id}/delete"
    nobody = "/api/v1/quarantine/AAAAAAAAAAAA"
    ask("/api/v1/quarantine?state=released", "the quarantine is as documented")
    ask("/api/v1/quarantine?limit=501", "a limit out of bounds is a fault there too", 400)
    ask("/api/v1/quarantine?after=x", "and a cursor that is none", 400)
    ask("/api/v1/quarantine?state=%ff", "and a state that is none", 400)
    ask(nobody, "what is not kept is 404", 404, place=one)
    ask(nobody + "/release", "also for release", 404, place=release, method="POST", headers=change)
    ask(nobody + "/delete", "and delete", 404, place=delete, method="POST", headers=change)
    if d.postfix is None:
        skip("a kept message through the API, 9 tests", gate.why_not())
        return
    ids = [keep_one(d, mark) for mark in ("api-1", "api-2", "api-3")]
    page = ask("/api/v1/quarantine?limit=2", "what is kept comes in pages")
    rest = ask(f"/api/v1/quarantine?limit=2&after={page['next']}", "one behind the other")
    check([m["id"] for m in page["messages"] + rest["messages"]] == ids[::-1] and rest["next"] is None, "newest first, each once", (page, rest, ids))
    m = ask(f"/api/v1/quarantine/{ids[0]}", "one is as documented", place=one)
    check("X-Mark: api-1" in m["text"] and m["complete"] and m["recipients"] == ["rosa@example.net"], "with its text", m)
    ask(f"/api/v1/quarantine/{ids[0]}/release", "a token that may only read releases nothing", 403, place=release, method="POST")
    m = ask(f"/api/v1/quarantine/{ids[0]}/release", "a release is as documented", place=release, method="POST", headers=change)
    check(m["state"] == "released" and m["changed_by"] == OPERATOR and d.postfix.delivered("X-Mark: api-1") is not None, "and arrives", m)
    ask(f"/api/v1/quarantine/{ids[0]}/delete", "what was released cannot be deleted", 409, place=delete, method="POST", headers=change)
    for id in ids[1:]:
        m = ask(f"/api/v1/quarantine/{id}/delete", "deleting is as documented", place=delete, method="POST", headers=change)
    check(m["state"] == "deleted" and held(d) == [], "and nothing is left", m)


def api_tickets(d, ask):
    change = {"Authorization": "Bearer " + d.verb("operator", "token", OPERATOR, "clerk", "--scopes", "read change").strip()}
    check("Ask the postmaster to look" in why(d, d.ids["forged-reject"])[2], "the why page takes tickets")
    for n in range(3):
        filed = again(d, d.ids["forged-reject"], do="ask", contact=f"clara{n}@example.com", note="<script>alert(1)</script>\n\x1b[31mplease" * (n + 1))
        check(filed[0] == 303 and filed[1]["Location"] == d.ids["forged-reject"] + "#ask", f"ticket {n + 1} is filed", filed)
    check("has been asked" in why(d, d.ids["forged-reject"])[2] and 'value="ask"' not in why(d, d.ids["forged-reject"])[2], "three are enough for one refusal")
    check(again(d, d.ids["forged-reject"], do="ask")[0] == 400, "a fourth is refused")
    check(again(d, d.ids["eleven-lookups"], do="ask", note="x" * 5000)[0] == 400, "a ticket has its bounds")
    check(again(d, d.ids["eleven-lookups"], do="ask", note="hello")[0] == 429, "and so has an address")
    page = ask("/api/v1/tickets?limit=2", "tickets are as documented")
    rest = ask(f"/api/v1/tickets?limit=2&after={page['next']}", "page by page")
    tickets = page["tickets"] + rest["tickets"]
    check([t["contact"] for t in tickets] == ["clara2@example.com", "clara1@example.com", "clara0@example.com"] and rest["next"] is None, "newest first", tickets)
    check(all(t["account"] == d.ids["forged-reject"] for t in tickets), "each with its account")
    ask("/api/v1/tickets?limit=x", "a limit that is none is a fault", 400)
    one = f"/api/v1/tickets/{tickets[0]['id']}"
    close, reopen = "/api/v1/tickets/{id}/close", "/api/v1/tickets/{id}/open"
    ask(f"{one}/close", "a token that may only read closes nothing", 403, place=close, method="POST")
    ask(f"{one}/close", "closing is as documented", place=close, method="POST", headers=change)
    ask(f"{one}/close", "twice is a conflict", 409, place=close, method="POST", headers=change)
    ask(f"{one}/open", "it can be opened again", place=reopen, method="POST", headers=change)
    ask(f"{one}/open", "which is a conflict too when it is open", 409, place=reopen, method="POST", headers=change)
    ask(f"{one}/close", "and closed", place=close, method="POST", headers=change)
    ask("/api/v1/tickets?state=lost", "a state that is none is a fault", 400)
    check(ask("/api/v1/tickets?state=closed", "the closed ones are listed")["tickets"][0]["changed_by"] == OPERATOR, "with who closed them")
    check(ask("/api/v1/overview", "the overview counts them")["tickets"] == 2, "two are open")


def test_tickets(d, admin):
    page = d.get("/tickets", headers=admin)[2]
    id = re.search(r'action="/tickets/([A-Z2-7]{12})"', page).group(1)
    check("clara1@example.com" in page and "<script>alert" not in page and "\x1b" not in page and "&lt;script&gt;" in page, "tickets of strangers are text", page)
    check("2</strong> refused senders ask you to look" in d.get("/", headers=admin)[2], "the overview says that they wait")
    check(d.form(f"/tickets/{id}", headers=admin, do="close")[0] == 403, "without the secret of the form nothing is closed")
    status, _, body = d.get(f"/api/v1/tickets/{id}/close", method="POST", headers=admin)
    check(status == 403 and "X-CSRF-Token" in body, "nor through the API, which names the header", (status, body))
    status, headers, _ = d.form(f"/tickets/{id}", headers=admin, do="close", csrf=csrf_of(d, admin))
    check(status == 303 and id not in d.get("/tickets", headers=admin)[2] and id in d.get("/tickets?state=closed", headers=admin)[2], "one is closed", status)
    check(d.form(f"/tickets/{id}", headers=admin, do="close", csrf=csrf_of(d, admin))[0] == 409, "and not twice")
    trail = d.get("/audit", headers=admin)[2]
    check("ticket.filed" in trail and "ticket.close" in trail, "that is in the audit trail")


def csrf_of(d, who, path="/"):
    return re.search(r'name="csrf" value="([0-9a-f]{64})"', d.get(path, headers=who)[2]).group(1)


def held(d, state="held"):
    return [json.loads(line) for line in d.verb("quarantine", "list", "--json", "--state", state).splitlines()]


def keep_one(d, mark):
    """The id of a message that is set aside now."""
    before = {row["id"] for row in held(d)}
    reply = d.send("forged-quarantine", mark)
    after = gate.wait_for(lambda: [row["id"] for row in held(d) if row["id"] not in before])
    check(reply.startswith("250") and after and len(after) == 1, f"a message is set aside ({mark})", (reply, after))
    return after[0]


def forget_row(d):
    """A copy without a row, as a kill may leave it; its id."""
    id, copy = "BBBBBBBBBBBB", next(pathlib.Path(d.work, "vault").glob("*/*.eml"))
    lost = copy.with_name(id + ".eml")
    lost.write_bytes(b"X-Mark: lost\n" + copy.read_bytes())
    os.utime(lost, (time.time() - 7200,) * 2)
    return id


def test_unconfirmed(d, admin, id):
    check([row["id"] for row in held(d, "unconfirmed")] == [id], "a copy without its row is listed after a start")
    page = d.get(f"/quarantine/{id}", headers=admin)[2]
    check("X-Mark: lost" in page and 'value="release"' not in page and 'value="delete"' in page and "nobody knows for whom it was" in page,
          "one can look at it and delete it, and is told why it is not released", page)
    answer = d.form(f"/quarantine/{id}", headers=admin, do="release", csrf=csrf_of(d, admin))
    check(answer[0] == 409 and "nobody knows for whom it was" in answer[2], "nor released all the same", answer)
    shell = subprocess.run((d.program, "quarantine", "release", id, "--config", d.config), capture_output=True, text=True)
    check(shell.returncode == 2 and "nobody knows for whom it was" in shell.stderr, "at the shell neither", shell)
    check(held(d, "unconfirmed")[0]["changed_by"] == "mailreeve", "nobody has touched it")


def test_why_alone(d):
    """The why page without a dashboard: rules for bounces are no business of it; and what a reload cannot change is said."""
    port, work = gate.free_port(), pathlib.Path(d.work)
    text = re.sub(r"    listen = inet:\S+\n", "", pathlib.Path(d.config).read_text()).replace(f"why_listen = inet:127.0.0.1:{d.why_port}", f"why_listen = inet:127.0.0.1:{port}")
    text = re.sub(r"rules = \S+", f"rules = {work}/rules.bad", text.replace("/milter.sock", "/other.sock"))
    (work / "rules.bad").write_text("rule {\n")
    config, log = work / "conf.alone", work / "alone.log"
    config.write_text(text)
    with open(log, "w") as to:
        process = subprocess.Popen([d.program, "serve", "--config", str(config)], stderr=to)
    try:
        answer = gate.wait_for(lambda: d.get("/why/x", port=port, raw=True))
        check(answer is not None and answer[0] == 404, "a faulty file of rules does not keep the why page from its work", log.read_text())
        config.write_text(text + "store { release_to = inet:127.0.0.1:9 }\n" if "release_to" not in text else re.sub(r"release_to = \S+", "release_to = inet:127.0.0.1:9", text))
        process.send_signal(signal.SIGHUP)
        check(gate.wait_for(lambda: "settings.restart" in log.read_text() and "store.release_to" in log.read_text()), "a reload says which setting waits for the next start", log.read_text())
    finally:
        process.terminate()
        process.wait(20)


def test_digest(d):
    ask = (d.program, "quarantine", "digest", "--config", d.config)
    before = held(d)
    told = subprocess.run(ask, capture_output=True, text=True)
    check(told.stdout == "1 letter sent\n", "a recipient is told of what is kept", told)
    letter = d.postfix.delivered("Subject: 1 message is kept for you at gate.example.net")
    id = held(d)[0]["id"]
    check(letter is not None and id.encode() in letter and b"From     orders@shop.example" in letter and b"postmaster@example.net" in letter, "by a letter with its id", letter)
    check(subprocess.run(ask, capture_output=True, text=True).stdout == "0 letters sent\n", "and only once")
    check(held(d) == before, "and who last changed the message still stands there", (before, held(d)))
    server = Server(rcpt=b"550 5.1.1 nobody here")
    refused = subprocess.run((d.program, "quarantine", "release", id, "--to", f"inet:127.0.0.1:{server.port}", "--config", d.config), capture_output=True, text=True)
    check(refused.returncode == 2 and "stays held" in refused.stderr and held(d)[0]["changed_by"] != before[0]["changed_by"], "a release that the server refuses is noted", (refused, held(d)))
    check(subprocess.run(ask, capture_output=True, text=True).stdout == "0 letters sent\n", "and is not told as new")
    keep_one(d, "fourth")
    other = pathlib.Path(d.work, "conf.other")
    other.write_text(re.sub(r"release_to = \S+", f"release_to = inet:127.0.0.1:{server.port}", pathlib.Path(d.config).read_text()))
    relay = Server(rcpt=b"554 5.7.1 Relay access denied")
    wrong = pathlib.Path(d.work, "conf.wrong")
    wrong.write_text(re.sub(r"release_to = \S+", f"release_to = inet:127.0.0.1:{relay.port}", pathlib.Path(d.config).read_text()))
    told = subprocess.run((*ask[:-1], str(wrong)), capture_output=True, text=True)
    check(told.returncode == 75 and "will be tried again" in told.stderr, "a server that refuses us is set up wrongly, and nobody counts as told", told)
    told = subprocess.run((*ask[:-1], str(other)), capture_output=True, text=True)
    check(told.stdout == "0 letters sent\n" and "1 refused by the server for good" in told.stderr, "a recipient whom the server refuses for good is told of", told)
    check(subprocess.run(ask, capture_output=True, text=True).stdout == "0 letters sent\n", "once")
    d.verb("quarantine", "delete", held(d)[0]["id"])
    keep_one(d, "fifth")
    text = pathlib.Path(d.config).read_text()
    pathlib.Path(d.config).write_text(text.replace("quarantine = store", "quarantine = tag") + "store { digest_every = 1h }\n")
    d.restart()
    letter = gate.wait_for(lambda: (lambda text: text if text and b"TOLD BEFORE" in text else None)(d.postfix.delivered("TOLD BEFORE", 1)))
    check(letter is not None and letter.index(b"NEW") < letter.index(b"TOLD BEFORE") < letter.index(id.encode()), "the daemon does so by itself, also when no more is kept, and lists what was told", letter)
    d.verb("quarantine", "delete", held(d)[0]["id"])


class Server:
    """Takes one message at a time as slowly as it is told: `got` is set when one is there, and it is answered after `go`. `rcpt`: to recipients."""

    def __init__(self, rcpt=b"250 fine"):
        self.rcpt = rcpt
        self.got, self.go, self.count = threading.Event(), threading.Event(), 0
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                self.serve(self.door.accept()[0].makefile("rwb", 0))
            except OSError:
                pass  # it hung up without waiting for the answer to QUIT

    def serve(self, talk):
        talk.write(b"220 slow\r\n")
        for line in talk:
            data = line.upper().startswith(b"DATA")
            talk.write(b"354 go on\r\n" if data else self.rcpt + b"\r\n" if line.upper().startswith(b"RCPT") else b"250 fine\r\n")
            if data:
                while talk.readline() not in (b".\r\n", b""):
                    pass
                self.count += 1
                self.got.set()
                self.go.wait(20)
                talk.write(b"250 taken\r\n")


def test_two_release(d, admin):
    """While one release is on its way nobody else releases that message."""
    id, server = keep_one(d, "both"), Server()
    words = ("quarantine", "release", id, "--to", f"inet:127.0.0.1:{server.port}", "--config", d.config)
    first = subprocess.Popen([d.program, *words], stdout=subprocess.PIPE, text=True)
    check(server.got.wait(20), "a release is on its way")
    second = d.form(f"/quarantine/{id}", headers=admin, do="release", csrf=csrf_of(d, admin))
    check(second[0] == 409 and "is on its way" in second[2], "then another is refused", second)
    third = subprocess.run([d.program, *words], capture_output=True, text=True)
    check(third.returncode == 2 and "is on its way" in third.stderr, "at the shell too", third)
    server.go.set()
    out = first.communicate(timeout=20)[0]
    check(first.returncode == 0 and "released" in out and server.count == 1, "and the first is done once", (out, server.count))
    check(d.postfix.delivered("X-Mark: both", 0) is None, "nobody else got it")


def test_quarantine(d, admin):
    if d.postfix is None:
        skip("the quarantine at the desk", gate.why_not())
        return
    id = keep_one(d, "first")
    listed = d.get("/quarantine", headers=admin)[2]
    check(f"/quarantine/{id}" in listed, "what is kept is listed", listed)
    page = d.get(f"/quarantine/{id}", headers=admin)[2]
    check("X-Mark: first" in page and "Release to its recipients" in page, "one can look at it", page)
    check(f'href="/quarantine/{id}"' in d.get(f"/message/{id}", headers=admin)[2], "its story leads there")
    other = pathlib.Path(d.work, "conf.elsewhere")
    other.write_text(re.sub(r"quarantine_dir = \S+", "quarantine_dir = elsewhere", pathlib.Path(d.config).read_text()))
    for deed in ("release", "delete"):
        far = subprocess.run((d.program, "quarantine", deed, id, "--config", str(other)), capture_output=True, text=True)
        check(far.returncode == 2 and f"with the name {held(d)[0]['vault']}: do this there" in far.stderr and len(held(d)) == 1, f"a gateway that has not its copy does not {deed} it", far)
    csrf = csrf_of(d, admin)
    check(d.form(f"/quarantine/{id}", headers=admin, do="release")[0] == 403, "without the secret of the form nothing is released")
    check(d.form(f"/quarantine/{id}", headers=admin, do="eat", csrf=csrf)[0] == 400, "nor with another word")
    d.verb("operator", "add", "looker", "--role", "viewer", input="another password\n")
    viewer = d.sign_in("looker", "another password")
    seen = d.get(f"/quarantine/{id}", headers=viewer)
    check(seen[0] == 200 and "X-Mark: first" in seen[2] and 'value="release"' not in seen[2], "a viewer sees it, and no buttons", seen)
    check(d.form(f"/quarantine/{id}", headers=viewer, do="release", csrf=csrf_of(d, viewer))[0] == 403, "a viewer releases nothing")
    check([row["id"] for row in held(d)] == [id], "so far it is kept")
    status, headers, _ = d.form(f"/quarantine/{id}", headers=admin, do="release", csrf=csrf)
    check(status == 303 and headers["Location"] == f"/quarantine/{id}", "released, one is led back", (status, headers))
    got = d.postfix.delivered("X-Mark: first")
    check(got is not None and f"X-Mailreeve: released; reason=dmarc.quarantine; id={id}".encode() in got, "and it arrives", got)
    page = d.get(f"/quarantine/{id}", headers=admin)[2]
    check("Was released" in page and OPERATOR in page and "X-Mark" not in page, "its page says by whom", page)
    again = d.form(f"/quarantine/{id}", headers=admin, do="release", csrf=csrf)
    check(again[0] == 409 and "cannot be released" in again[2], "twice is refused", again[0])
    other = keep_one(d, "second")
    check(d.form(f"/quarantine/{other}", headers=admin, do="delete", csrf=csrf)[0] == 303 and held(d) == [], "another is deleted")
    trail = d.get("/audit", headers=admin)[2]
    check(all(f"<code>quarantine.{deed}</code>" in trail for deed in ("read", "release", "delete", "release-failed")), "all of it is in the audit trail", trail)
    check(d.get("/quarantine/AAAAAAAAAAAA", headers=admin)[0] == 404 and d.get("/quarantine/../x", headers=admin)[0] == 404, "what is not kept is not found")
    test_two_release(d, admin)
    third = keep_one(d, "third")
    lost = forget_row(d)
    test_digest(d)
    test_unconfirmed(d, admin, lost)
    d.postfix.end()
    failed = d.form(f"/quarantine/{third}", headers=admin, do="release", csrf=csrf)
    check(failed[0] == 503 and "It was not released" in failed[2] and [row["id"] for row in held(d)] == [third], "what cannot be handed on stays kept", failed)


def test_hostile(d, admin):
    pages = {f"/message/{d.ids['hostile']}": admin, "/messages?domain=%3Cscript%3Ealert(1)%3C/script%3E": admin, "/find?q=%22%3E%3Cscript%3E": admin,
             "/login?to=%22%3E%3Cscript%3Ealert(1)": {}, "/explain": admin, "/?period=%3Cscript%3E": admin}
    for path, who in pages.items():
        body = d.get(path, headers=who)[2]
        check("<script>" not in body and "<img src=x" not in body and "<b>helo" not in body and "\x1b" not in body, f"markup is shown as text: {path}", body)
    story = d.get(f"/message/{d.ids['hostile']}", headers=admin)[2]
    check("&lt;img src=x onerror=alert(1)&gt;" in story and "\\x1b[31m" in story, "and can be read", story)
    csrf = re.search(r'name="csrf" value="([0-9a-f]{64})"', d.get("/", headers=admin)[2]).group(1)
    body = d.form("/explain", headers=admin, csrf=csrf, text="550 <script>alert(1)</script> user unknown")[2]
    check("<script>alert" not in body and "&lt;script&gt;alert" in body, "in a pasted bounce too", body)


def why(d, id):
    return d.get(f"/why/{id}", port=d.why_port)


def test_why(d):
    status, headers, body = why(d, d.ids["forged-reject"])
    check(status == 200 and "Your mail was refused" in body and "v=spf1 ip4:192.0.2.0/24 ip4:198.51.100.66 -all" in body, "the why page tells what to publish", body)
    check("noindex" in headers["X-Robots-Tag"] and "default-src 'none'" in headers["Content-Security-Policy"], "and is kept out of search engines")
    for name, id in d.ids.items():
        body = why(d, id)[2]
        check("rosa@" not in body and "gate.sock" not in body and "dmarc.on_reject" not in body, f"it names no recipient and no rule of ours: {name}", body)
    nothing = why(d, "AAAAAAAAAAAA")
    check(nothing[0] == 404, "an id that never was has no page")
    for what, id in (("an accepted message", d.ids["good"]), ("a quarantined one", d.ids["forged-quarantine"]), ("no id at all", "x"), ("a path", "../health")):
        other = why(d, id)
        check(other[0] == 404 and other[2] == nothing[2], f"{what} looks the same", other[0])
    check(why(d, d.ids["forged-reject"].lower())[0] == 200, "an id may be typed in lower case")
    check(d.get("/messages", port=d.why_port)[0] == 404 and d.get("/login", port=d.why_port)[0] == 404, "nothing of the desk is at that door")
    answers = [why(d, "AAAAAAAAAAAA")[0] for _ in range(90)]
    check(429 in answers, "one address gets so many pages and no more", set(answers))


def again(d, id, headers=None, **fields):
    return d.get(f"/why/{id}", port=d.why_port, method="POST", body=urllib.parse.urlencode(fields or {"do": "check"}),
                 headers={"Content-Type": "application/x-www-form-urlencoded", **(headers or {})})


def test_again(program, seed):
    """DNS answers from a server whose records change."""
    records = {("example.com", TXT): [text("v=spf1 ip4:192.0.2.0/24 -all")], ("_dmarc.example.com", TXT): [text("v=DMARC1; p=reject")],
               ("elsewhere.example", TXT): [text("v=spf1 -all")]}
    server = NameServer(records, slow="down.example", delay=None)
    server.start()
    with Desk(program, seed, zone=False, more=f"dns {{ resolver = 127.0.0.1:{server.port}\ndnssec = off\ntimeout = 1s }}\n") as d:
        id = d.ids["forged-reject"]
        check("Check again now" in why(d, id)[2], "a refusal can be checked again")
        status, _, body = again(d, id)
        check(status == 200 and "Such a mail would still be refused" in body and "198.51.100.66 is not allowed by v=spf1 ip4:192.0.2.0/24 -all" in body,
              "as long as nothing is mended that is said", (status, body))
        check("198.51.100.66 has no reverse DNS name" in body, "with what DNS says of its name", body)
        records[("example.com", TXT)] = [text("v=spf1 ip4:192.0.2.0/24 ip4:198.51.100.66 -all")]
        for _ in range(3):  # what was answered is soon forgotten
            time.sleep(3)
            status, _, body = again(d, id)
            if "Now such a mail passes" in body:
                break
        check("Now such a mail passes" in body and "198.51.100.66 is allowed by ip4:198.51.100.66" in body, "once the record is mended the page says so", body)
        check("v=spf1 ip4:192.0.2.0/24 ip4:198.51.100.66 -all" in body and ">✕</span> fail" in body, "beside what was found then", body)
        check("rosa@" not in body and "dmarc.on_reject" not in body, "and nothing else is told")
        check(again(d, id, {"Origin": "https://evil.example"})[0] == 403 and again(d, id, {"Sec-Fetch-Site": "cross-site"})[0] == 403,
              "a foreign page makes nobody ask")
        check("Ask the postmaster" not in body and again(d, id, do="ask", note="x")[0] == 400, "tickets are taken only where the settings say so")
        check(again(d, d.ids["good"])[0] == 404 and again(d, "AAAAAAAAAAAA")[0] == 404, "what has no page cannot be checked")
        began = time.monotonic()
        slow = threading.Thread(target=again, args=(d, d.ids["dns-down"]))
        slow.start()
        others = [why(d, id)[0] for _ in range(5)]
        check(others == [200] * 5 and slow.is_alive(), "while one waits for DNS the page is there for others", (others, time.monotonic() - began))
        slow.join()
        answers = [again(d, id)[0] for _ in range(5)]
        check(answers[0] == 200 and answers[-1] == 429, "and it can be asked for only so often", answers)
    check(d.exit == 0, "the daemon ends well", d.exit)
    server.socket.close()


def test_forwarded(d, admin):
    with socket.create_connection(("127.0.0.1", d.port), 20) as s:
        s.sendall(b"POST /login HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.1, 192.0.2.2\r\nX-Forwarded-For: 192.0.2.3, 198.51.100.7\r\n"
                  b"Content-Length: 17\r\nConnection: close\r\n\r\nname=x&password=y")
        check(s.recv(99).startswith(b"HTTP/1.1 403 "), "a wrong password from far away")
    trail = d.get("/audit", headers=admin)[2]
    check("198.51.100.7" in trail and "192.0.2.1" not in trail, "is told of the address that the server in front wrote", trail)


def test_limits(d):
    answers = [d.form("/login", name="guessed", password="x" * 12)[0] for _ in range(12)]
    check(answers[0] == 403 and answers[-1] == 429, "passwords cannot be guessed at speed", answers)


def main():
    engine = sys.argv[3]
    if engine == "postgresql" and (os.geteuid() != 0 or postgres.programs() is None):
        print("1..0 # SKIP no PostgreSQL 15 or not root: run tools/setup test")
        return 0
    with Desk(sys.argv[1], sys.argv[2], more="web {\n    why_tickets = yes\n    forwarded = yes\n}\n", engine=engine) as d:
        begin = time.monotonic()
        admin = d.sign_in()
        test_doors(d)
        test_api(d, admin)
        test_tickets(d, admin)
        test_hostile(d, admin)
        test_why(d)
        test_forwarded(d, admin)
        test_limits(d)
        d.restart()
        test_quarantine(d, d.sign_in())
        d.restart()
        test_sign_in(d)
        d.restart()
        test_roles(d, d.sign_in())
        if engine == "sqlite":
            test_why_alone(d)
        print(f"# {time.monotonic() - begin:.1f} s")
    check(d.exit == 0, "the daemon ends well", d.exit)
    if engine == "sqlite":  # what is asked again is not the store's
        test_again(sys.argv[1], sys.argv[2])
    print(f"1..{number}")
    return 1 if failed else 0


sys.exit(main())

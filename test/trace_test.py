#!/usr/bin/env python3
"""trace_test.py PROGRAM [sqlite|postgresql] [WORD...]: what passed a real, private Postfix is found, told and judged again. TAP; each test is a sentence that is true when it passes."""
import csv
import http.client
import io
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import threading
import time
import traceback

import gate
import postgres
from cases import CASES

TESTS = []
KILLS = 100 if os.environ.get("MAILREEVE_LONG") else None
STRANGER = {"client": "198.51.100.66", "helo": "pc.stranger.example"}


def test(sentence, only=None):
    """`only`: the database that it is about."""
    def keep(function):
        TESTS.append((sentence, function, only))
        return function
    return keep


def same(got, want):
    if got != want:
        raise AssertionError(f"wanted:\n{want}\ngot:\n{got}")


def holds(condition, what):
    if not condition:
        raise AssertionError(what)


def run(g, *words, config=None, code=0, text=None):
    done = subprocess.run([g.reeve.program, *words, "--config", config or g.reeve.config], capture_output=True, input=text, text=True, timeout=60)
    if done.returncode != code:
        raise AssertionError(f"{' '.join(words)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def trace(g, *words):
    return [json.loads(line) for line in run(g, "trace", "--json", *words).splitlines()]


def found(g, *words, count=1):
    """The stories that were told a moment ago are kept within a tenth of a second."""
    rows = gate.wait_for(lambda: (lambda r: r if len(r) >= count else None)(trace(g, *words)))
    holds(rows and len(rows) == count, f"{words}: {rows}")
    return rows


def send(g, case, octets=None):
    s = g.client(client=case.client, helo=case.helo)
    reply = s.send(case.sender, octets or (gate.EXAMPLES / f"{case.name}.eml").read_bytes())
    s.close()
    return reply


@test("each mail of the demo is found, with its decision, by the id in its reply")
def _(g):
    for case in CASES:
        reply = send(g, case)
        ids = re.findall(r"\[([A-Z2-7]{12})\]", reply)
        row = found(g, "--queue-id", re.search(r"queued as (\S+)", reply)[1])[0] if not ids else None
        story = gate.wait_for(lambda: subprocess.run([g.reeve.program, "trace", ids[0] if ids else row["id"], "--json", "--config", g.reeve.config],
                                                     capture_output=True, text=True).stdout)
        story = json.loads(story)
        holds(story["decision"]["action"] == {"2": story["decision"]["action"], "4": "defer", "5": "reject"}[reply[0]], reply)
        if ids:
            text = run(g, "trace", ids[0])
            for line in reply.splitlines():
                holds(line in text, f"the story does not hold {line}")
        same(story["kept"]["recipients"][0]["address"], "rosa@example.net")


@test("filters find what they say and nothing else")
def _(g):
    refused = trace(g, "--action", "reject", "--recipient", "rosa@example.net")
    holds(refused and all(r["action"] == "reject" for r in refused), refused)
    same({r["client"] for r in trace(g, "--client", "192.0.2.99")}, {"192.0.2.99"})
    same(trace(g, "--sender", "nobody@nowhere.example"), [])
    same([r["message_id"] for r in trace(g, "--message-id", "<dns-down@mail.invalid>")], ["<dns-down@mail.invalid>"])


@test("hostile text does no harm in list, story, spreadsheet and JSON")
def _(g):
    subject = '=HYPERLINK("http://x.example","\x1b]0;owned\x07") <script>alert(1)</script>'
    octets = f"From: orders@shop.example\nSubject: {subject}\nMessage-ID: <\x1b[31mred@x>\n\nhello\n".encode()
    holds(send(g, CASES[2], octets).startswith("250"), "not accepted")
    row = found(g, "--message-id", "<\x1b[31mred@x>")[0]
    same(row["subject"], subject)
    for text in (run(g, "trace"), run(g, "trace", row["id"]), run(g, "trace", "--csv")):
        holds("\x1b" not in text and "\x07" not in text, f"an escape came through: {text!r}")
    cells = list(csv.DictReader(io.StringIO(run(g, "trace", "--csv", "--message-id", "<\x1b[31mred@x>"), newline="")))
    same(cells[0]["message_subject"], "'" + subject.replace("\x1b", "\\x1b").replace("\x07", "\\x07"))
    same(cells[0]["recipient_address"], "rosa@example.net")


UNSEEN = "\x1b\x07\x9b\u202e\u2066\u061c\u2028\U000e0041"


@test("nor do escapes of one character and overrides of direction, wherever they are shown")
def _(g):
    subject = "=1+1 \x9b31m \u202egpj.exe \u2066\u061c \u2028 \U000e0041 <img src=x onerror=alert(1)>"
    octets = (f"From: \"{subject}\" <orders@shop.example>\nSubject: {subject}\nMessage-ID: <unseen@x>\nX-Mark: unseen.\n\n"
              f"{subject}\x1b[2J\n").encode()
    holds(send(g, CASES[2], octets).startswith("250"), "not accepted")
    s = g.client("keep", **STRANGER)
    holds(s.send("orders@shop.example", octets, "rosa@example.net").startswith("250"), "not set aside")
    s.close()
    row = found(g, "--message-id", "<unseen@x>")[0]
    same(row["subject"], subject)
    mine = held(g)[0]
    same(mine["subject"], subject)
    shown = {"list": run(g, "trace", "--message-id", "<unseen@x>"), "story": run(g, "trace", row["id"]), "json": run(g, "trace", row["id"], "--json"),
             "lines": run(g, "trace", "--json", "--message-id", "<unseen@x>"), "csv": run(g, "trace", "--csv", "--message-id", "<unseen@x>"),
             "quarantine": keep(g, "quarantine", "list"), "its json": keep(g, "quarantine", "list", "--json"),
             "show": keep(g, "quarantine", "show", mine["id"]), "log": g.reeve.log(), "its log": g.reeves["keep"].log()}
    for what, text in shown.items():
        holds(not set(UNSEEN) & set(text), f"{what} lets through {set(UNSEEN) & set(text)}")
    same(json.loads(shown["json"])["kept"]["subject"], subject)
    cell = next(csv.DictReader(io.StringIO(shown["csv"], newline="")))["message_subject"]
    holds(cell.startswith("'=1+1 \\xc2\\x9b31m"), cell)
    keep(g, "quarantine", "delete", mine["id"])


@test("what became of a message behind us is joined from the MTA's log")
def _(g):
    log = f"{g.work}/log/maillog"
    holds(gate.wait_for(lambda: "status=sent" in g.postfix.log()), "nothing was delivered")
    run(g, "trace", "import-log", log)
    row = trace(g, "--message-id", "<good@mail.invalid>")[-1]
    same((row["recipients"][0]["status"], row["recipients"][0]["next_hop"]), ("delivered", "delivered to maildir"))


@test("kept messages are judged again under other settings, and what would change is counted")
def _(g):
    new = f"{g.work}/new.conf"
    pathlib.Path(new).write_text(pathlib.Path(g.reeve.config).read_text() + "dmarc {\n on_reject = strict\n}\ndomain shop.example {\n action = refuse\n}\n")
    same(json.loads(run(g, "trace", "replay", "--json"))["changed"], 0)
    result = json.loads(run(g, "trace", "replay", "--json", "--since", "7d", config=new))
    ways = {(c["from"]["reason"], c["to"]["reason"], c["rule"]): c["count"] for c in result["changes"]}
    same(ways, {("dmarc.quarantine", "domain.rule", "domain shop.example"): 3,
                ("accept.trusted-sealer", "dmarc.reject", "dmarc.on_reject"): 1,
                ("dmarc.mailing-list", "dmarc.reject", "dmarc.on_reject"): 1,
                ("dmarc.altered", "dmarc.reject", "dmarc.on_reject"): 1})
    same(result["unreadable"], 0)


@test("stories that are queued when the daemon is told to end are kept")
def _(g):
    marks = [f"<end-{n}@x>" for n in range(5)]
    for mark in marks:
        octets = f"From: orders@shop.example\nMessage-ID: {mark}\n\nhello\n".encode()
        send(g, CASES[2], octets)
    same(g.reeve.end(), 0)
    for mark in marks:
        same(len(trace(g, "--message-id", mark)), 1)
    g.reeve.start()


# ---- quarantine = store: a daemon of its own, whose store and vault are its own ----

KEEP = "dmarc {\n quarantine = store\n}\nstore {\n quarantine_dir = vault\n}"


def keep(g, *words, code=0):
    return run(g, *words, config=g.reeves["keep"].config, code=code)


def held(g, state="held"):
    return [json.loads(line) for line in keep(g, "quarantine", "list", "--json", "--limit", "100000", "--state", state).splitlines()]


def forged(mark):
    return f"X-Mark: {mark}\n".encode() + (gate.EXAMPLES / "forged-quarantine.eml").read_bytes()


def send_forged(g, mark, octets=None):
    s = g.client("keep", **STRANGER)
    try:
        return s.send("orders@shop.example", octets or forged(mark), "rosa@example.net", "Ben@example.net")
    finally:
        s.socket.close()


def copies(g):
    return {f.stem: f.read_bytes() for f in pathlib.Path(f"{g.work}/vault").rglob("*.eml")}


@test("a message that is set aside is kept here and not delivered")
def _(g):
    same(send_forged(g, "aside")[:9], "250 2.0.0")
    rows = held(g)
    same(len(rows), 1)
    same((rows[0]["sender"], rows[0]["recipients"], rows[0]["reason"], rows[0]["state"]),
         ("orders@shop.example", ["rosa@example.net", "Ben@example.net"], "dmarc.quarantine", "held"))
    holds(b"X-Mark: aside\r\n" in copies(g)[rows[0]["id"]], "the copy is another message")
    same(g.postfix.delivered("X-Mark: aside", 0.5), None)
    same(len(g.postfix.queue()), 0)
    holds("X-Mark: aside" in keep(g, "quarantine", "show", rows[0]["id"]), "show shows something else")
    story = json.loads(keep(g, "trace", rows[0]["id"], "--json"))
    same((story["decision"]["action"], story["decision"]["reason"]), ("quarantine", "dmarc.quarantine"))


@test("a message that is released arrives as it came, with our fields in front")
def _(g):
    row = held(g)[0]
    to = f"inet:127.0.0.1:{g.postfix.ports['plain']}"
    holds("released" in keep(g, "quarantine", "release", row["id"], "--to", to), "not released")
    got = g.postfix.delivered("X-Mark: aside")
    holds(got is not None, "it did not arrive")
    came = forged("aside").replace(b"\r\n", b"\n")
    holds(came in got.replace(b"\r\n", b"\n"), "it is not as it came")
    holds(f"X-Mailreeve: released; reason=dmarc.quarantine; id={row['id']}".encode() in got, got)
    same([r["id"] for r in held(g, "released")], [row["id"]])
    same(held(g), [])
    keep(g, "quarantine", "release", row["id"], "--to", to, code=2)


@test("what the server behind us refuses stays held")
def _(g):
    s = g.client("keep", **STRANGER)
    holds(s.send("orders@shop.example", forged("stays"), "rosa@example.net").startswith("250"), "not set aside")
    s.close()
    row = held(g)[0]
    keep(g, "quarantine", "release", row["id"], "--to", "inet:127.0.0.1:1", code=75)
    same([r["id"] for r in held(g)], [row["id"]])
    holds("deleted" in keep(g, "quarantine", "delete", row["id"]), "not deleted")
    same((held(g), copies(g)), ([], {}))


@test("dots, a large body and a missing line end survive being kept and released")
def _(g):
    octets = forged("large").rstrip(b"\n") + b"\n.\n..\n.two\n" + b"x" * 900 + b"\n" + b"0123456789abcdef\n" * 60000 + b"no line end"
    holds(send_forged(g, "large", octets).startswith("250"), "not set aside")
    row = held(g)[0]
    keep(g, "quarantine", "release", row["id"], "--to", f"inet:127.0.0.1:{g.postfix.ports['plain']}")
    got = g.postfix.delivered("X-Mark: large")
    holds(got is not None and octets + b"\n" in got.replace(b"\r\n", b"\n"), "it is not as it came")


@test("where nothing can be kept the client is told to try again")
def _(g):
    os.chmod(f"{g.work}/vault", 0o000)
    os.rename(f"{g.work}/vault", f"{g.work}/gone")
    try:
        for day in pathlib.Path(f"{g.work}/gone").iterdir():
            day.chmod(0o500)
        reply = send_forged(g, "nowhere")
        same(reply[:9], "451-4.3.0")
        same(g.postfix.delivered("X-Mark: nowhere", 0.3), None)
    finally:
        os.rename(f"{g.work}/gone", f"{g.work}/vault")
        os.chmod(f"{g.work}/vault", 0o700)
        for day in pathlib.Path(f"{g.work}/vault").iterdir():
            day.chmod(0o700)


@test("a release that is killed is brought back, and the message arrives all the same")
def _(g):
    to = f"inet:127.0.0.1:{g.postfix.ports['plain']}"
    rounds = 50 if KILLS else 8
    for number in range(rounds):
        holds(send_forged(g, f"cut-{number}.").startswith("250"), "not set aside")
    for number, row in enumerate(held(g)):
        p = subprocess.Popen([g.reeve.program, "quarantine", "release", row["id"], "--to", to, "--config", g.reeves["keep"].config],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(random.random() * 0.08)
        p.kill()
        p.wait()
    keep(g, "quarantine", "expire", "--time", str(int(time.time()) + 3600))
    same(held(g, "releasing"), [])
    left = held(g)
    for row in left:
        keep(g, "quarantine", "release", row["id"], "--to", to)
    for number in range(rounds):
        holds(g.postfix.delivered(f"X-Mark: cut-{number}.") is not None, f"message {number} did not arrive; {len(left)} had been brought back")
    # Killed between the row and the file: the copy goes at a start when it is an hour old.
    same(sorted(set(copies(g)) - {row["id"] for row in held(g, "released")}), [])
    same(held(g), [])


class Load:
    """Four clients that send what is to be set aside. `taken`: the marks of what was answered 250."""

    def __init__(self, g):
        self.g, self.taken, self.faults, self.put_off = g, set(), [], 0
        self.stop, self.lock = threading.Event(), threading.Lock()
        self.workers = [threading.Thread(target=self.run, args=(n,)) for n in range(4)]

    def run(self, worker):
        number = 0
        while not self.stop.is_set():
            number += 1
            mark = f"kill-{worker}-{number}."
            try:
                reply = send_forged(self.g, mark)
            except OSError:
                continue
            with self.lock:
                if reply.startswith("250"):
                    self.taken.add(mark)
                elif reply and reply[0] != "4":
                    self.faults.append(reply)
                else:
                    self.put_off += 1

    def __enter__(self):
        for worker in self.workers:
            worker.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for worker in self.workers:
            worker.join()

    def goes_on(self, more=5, seconds=10):
        before = len(self.taken)
        return gate.wait_for(lambda: len(self.taken) > before + more, seconds)


def again(reeve):
    reeve.process.kill()
    reeve.process.wait()
    os.unlink(reeve.socket)
    reeve.start()


def nothing_is_lost(g, load):
    """What was taken has its copy, its row and its story, and every row its copy."""
    same(load.faults, [])
    kept = copies(g)
    rows = {row["id"] for row in held(g)}
    accounts = {json.loads(line)["id"] for line in keep(g, "trace", "--json", "--limit", "100000", "--action", "quarantine").splitlines()}
    marks = {re.search(rb"X-Mark: (\S+)", text)[1].decode() for name, text in kept.items() if name in rows and name in accounts}
    same(sorted(load.taken - marks), [])
    same(sorted(rows - set(kept)), [])


@test("of the messages that were taken none is lost when the daemon is killed again and again under load")
def _(g):
    with Load(g) as load:
        for _ in range(KILLS or (20 if g.postgres is None else 5)):
            load.goes_on()
            time.sleep(random.random() / 20)
            again(g.reeves["keep"])
    nothing_is_lost(g, load)
    holds(len(load.taken) > 25, f"only {len(load.taken)} messages came through")


@test("nor when the database is killed, alone or with the daemon", only="postgresql")
def _(g):
    with Load(g) as load:
        for number in range(KILLS or 6):
            load.goes_on()
            time.sleep(random.random() / 20)
            g.postgres.kill()
            if number % 2:
                g.reeves["keep"].process.kill()
                g.reeves["keep"].process.wait()
                os.unlink(g.reeves["keep"].socket)
            g.postgres.start()
            if number % 2:
                g.reeves["keep"].start()
            holds(load.goes_on(seconds=60), "nothing is taken after the database came back")
    nothing_is_lost(g, load)


@test("while the database is away mail flows, what depends on it is put off, and its stories come later", only="postgresql")
def _(g):
    g.postgres.kill()
    marks = [f"<away-{n}@x>" for n in range(20)]
    for mark in marks:
        holds(send(g, CASES[2], f"From: orders@shop.example\nMessage-ID: {mark}\n\nhello\n".encode()).startswith("250"), "mail waits for the database")
    same(send_forged(g, "away.")[:9], "451-4.3.0")
    same([name for name, text in copies(g).items() if b"X-Mark: away." in text], [])
    run(g, "trace", code=75)
    g.postgres.start()
    for mark in marks:
        found(g, "--message-id", mark)


def figure(g, name):
    """One of the figures for Prometheus; None where the daemon cannot look up the token."""
    ask = http.client.HTTPConnection("127.0.0.1", g.web, timeout=20)
    ask.request("GET", "/metrics", headers={"Authorization": f"Bearer {g.token}"})
    answer = ask.getresponse()
    return float(re.search(rf"^{name} (\S+)$", answer.read().decode(), re.M)[1]) if answer.status == 200 else None


@test("of what is too much to wait for the database, trace and figures tell how much is missing", only="postgresql")
def _(g):
    load = pathlib.Path(g.reeve.program).parent / "bench/milter_load"
    message = pathlib.Path(g.work) / "many.eml"
    message.write_text("From: orders@shop.example\nMessage-ID: <many@x>\n\nhello\n")
    run(g, "operator", "add", "anna", text="a long password\n")
    g.token = run(g, "operator", "token", "anna", "prometheus", "--scopes", "metrics").strip()
    same(figure(g, "mailreeve_store_dropped_total"), 0)  # and so the token is known before the database goes
    g.postgres.kill()
    try:
        done = subprocess.run([load, "-u", g.reeve.socket, "-c", "20", "-n", "62000", "-a", "192.0.2.10", "-f", "<orders@shop.example>", "-t", "<rosa@example.net>",
                               "-m", message], capture_output=True, text=True, timeout=600)
    finally:
        g.postgres.start()
    holds(done.returncode == 0 and " c=62000" in done.stdout, done.stdout + done.stderr)
    holds(gate.wait_for(lambda: subprocess.run([g.reeve.program, "trace", "--limit", "1", "--config", g.reeve.config], capture_output=True).returncode == 0, 60), "trace has no store")
    holds(gate.wait_for(lambda: figure(g, "mailreeve_store_queued") == 0, 120), "what waited is not written")
    lost = figure(g, "mailreeve_store_dropped_total")
    holds(1000 < lost <= 12000, f"{lost} of 62000 were dropped; 50000 may wait, and one batch was in hand")
    said = subprocess.run([g.reeve.program, "trace", "--limit", "1", "--config", g.reeve.config], capture_output=True, text=True, timeout=60).stderr
    counts = re.findall(r"(\d+) accounts between \S+ and \S+ are missing: the queue of the writer was full", said)
    holds(sum(map(int, counts)) == lost, f"{lost} were dropped; trace says: {said}")


@test("two daemons on one database serve one trace", only="postgresql")
def _(g):
    for name in ("main", "second"):
        s = g.client(name, client="192.0.2.10", helo="mail.shop.example")
        s.send("orders@shop.example", f"From: orders@shop.example\nMessage-ID: <two-{name}@x>\n\nhello\n".encode())
        s.close()
    for config in (g.reeve.config, g.reeves["second"].config):
        for name in ("main", "second"):
            holds(gate.wait_for(lambda: run(g, "trace", "--json", "--message-id", f"<two-{name}@x>", config=config)), f"{name} is not seen by {config}")
    # Both go on when one of them is killed, and it comes back to the same trace.
    again(g.reeves["second"])
    s = g.client("second", client="192.0.2.10", helo="mail.shop.example")
    s.send("orders@shop.example", b"From: orders@shop.example\nMessage-ID: <two-again@x>\n\nhello\n")
    s.close()
    found(g, "--message-id", "<two-again@x>")


def run_all(program, engine, wanted):
    tests = [t for t in TESTS if t[2] in (None, engine) and (not wanted or any(word in t[0] for word in wanted))]
    print(f"1..{len(tests)}", flush=True)
    bad = 0
    folder = gate.tempfile.mkdtemp(prefix="mailreeve-pg-")
    os.chmod(folder, 0o755)
    database = postgres.Postgres(f"{folder}/server", ["stories", "kept"]) if engine == "postgresql" else None
    try:
        if database:
            database.make().start()
        web = gate.free_port()
        stores = [f"store = {database.url(name)}\n" if database else f"store = {name}.db\n" for name in ("stories", "kept")]
        doors = {"main": stores[0], "keep": stores[1] + KEEP}
        if database:
            doors["second"] = stores[0]
            doors["main"] += f"web {{\nlisten = inet:127.0.0.1:{web}\nsecure_cookies = no\n}}\n"
        g = gate.Gate(program, doors)
        g.postgres, g.web = database, web
        g.postfix.doors["plain"] = []  # for what is released
        g.postfix.ports["plain"] = gate.free_port()
        os.chmod(g.work, 0o777)  # the daemon is nobody, and makes its files there
        with g:
            for number, (sentence, function, _) in enumerate(tests, 1):
                try:
                    function(g)
                    print(f"ok {number} - {sentence}", flush=True)
                except Exception as fault:
                    bad += 1
                    print(f"not ok {number} - {sentence}")
                    where = "" if isinstance(fault, AssertionError) else traceback.format_exc()
                    for line in f"{fault}\n{where}".splitlines():
                        print(f"#   {line}", flush=True)
    finally:
        if database:
            database.end()
        gate.shutil.rmtree(folder, ignore_errors=True)
    return 1 if bad else 0


def main():
    hindrance = gate.why_not()
    if hindrance and os.geteuid() != 0 and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        os.execvp("sudo", ["sudo", "-n", "--preserve-env", sys.executable, *sys.argv])
    if hindrance:
        print(f"1..0 # SKIP the {len(TESTS)} tests with Postfix: {hindrance}")
        return 0
    engine = sys.argv[2] if len(sys.argv) > 2 and sys.argv[2] in ("sqlite", "postgresql") else None
    if engine == "postgresql" and postgres.programs() is None:
        print("1..0 # SKIP no PostgreSQL 15: run tools/setup test")
        return 0
    return run_all(sys.argv[1], engine or "sqlite", sys.argv[3 if engine else 2:])


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""trace_test.py PROGRAM: what passed a real, private Postfix is found, told and judged again. TAP; each test is a sentence that is true when it passes."""
import csv
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import traceback

import gate
from cases import CASES

TESTS = []
STRANGER = {"client": "198.51.100.66", "helo": "pc.stranger.example"}


def test(sentence):
    def keep(function):
        TESTS.append((sentence, function))
        return function
    return keep


def same(got, want):
    if got != want:
        raise AssertionError(f"wanted:\n{want}\ngot:\n{got}")


def holds(condition, what):
    if not condition:
        raise AssertionError(what)


def run(g, *words, config=None, code=0):
    done = subprocess.run([g.reeve.program, *words, "--config", config or g.reeve.config], capture_output=True, text=True, timeout=60)
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
    same(ways, {("dmarc.quarantine", "domain.rule", "domain shop.example"): 2,
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


def run_all(program, wanted):
    tests = [t for t in TESTS if not wanted or any(word in t[0] for word in wanted)]
    print(f"1..{len(tests)}", flush=True)
    bad = 0
    g = gate.Gate(program, {"main": "store = stories.db"})
    os.chmod(g.work, 0o777)  # the daemon is nobody, and makes its files there
    with g:
        for number, (sentence, function) in enumerate(tests, 1):
            try:
                function(g)
                print(f"ok {number} - {sentence}", flush=True)
            except Exception as fault:
                bad += 1
                print(f"not ok {number} - {sentence}")
                where = "" if isinstance(fault, AssertionError) else traceback.format_exc()
                for line in f"{fault}\n{where}".splitlines():
                    print(f"#   {line}", flush=True)
    return 1 if bad else 0


def main():
    hindrance = gate.why_not()
    if hindrance and os.geteuid() != 0 and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        os.execvp("sudo", ["sudo", "-n", "--preserve-env", sys.executable, *sys.argv])
    if hindrance:
        print(f"1..0 # SKIP the {len(TESTS)} tests with Postfix: {hindrance}")
        return 0
    return run_all(sys.argv[1], sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""demo.py PROGRAM: sends the mails of examples/ through a private Postfix and shows what becomes of them.

For each: what the client saw (by swaks), and the account, replayed with `mailreeve check`. At the
end the dashboard is open: on a terminal until Enter is pressed, else it is fetched, with one why page."""
import http.client
import os
import re
import secrets
import shutil
import subprocess
import sys
import urllib.parse

import gate
from cases import CASES

BOLD, DIM, PLAIN = ("\033[1m", "\033[2m", "\033[0m") if sys.stdout.isatty() else ("", "", "")


OPERATOR = "demo"
SETTINGS = """
store = kept/stories.db
store {{ quarantine_dir = kept/vault }}
why_url = http://127.0.0.1:{why}/why
web {{
    listen = inet:127.0.0.1:{desk}
    why_listen = inet:127.0.0.1:{why}
    why_tickets = yes
    secure_cookies = no
}}
"""


def swaks(port, case):
    """The dialogue from MAIL on, as lines "C: ..." and "S: ...", without the message itself."""
    command = ["swaks", "--server", f"127.0.0.1:{port}", "--xclient-addr", case.client, "--ehlo", case.helo, "--from", case.sender,
               "--to", "rosa@example.net", "--data", f"@{gate.EXAMPLES}/{case.name}.eml"]
    out = subprocess.run(command, capture_output=True, text=True, errors="replace").stdout
    lines = []
    for line in out.splitlines():
        found = re.match(r"(?: ->|<-|<\*\*) +(.*)", line)
        if found:
            lines.append(("C: " if line.startswith(" ->") else "S: ") + found.group(1))
    begin = next((n for n, line in enumerate(lines) if line.startswith("C: MAIL")), 0)
    end = next((n for n, line in enumerate(lines) if line == "C: QUIT"), len(lines))
    lines = lines[begin:end]
    data = lines.index("C: DATA") if "C: DATA" in lines else len(lines)
    dot = lines.index("C: .") if "C: ." in lines else len(lines)
    return lines[:data + 1] + ([f"C: (the message: examples/{case.name}.eml)"] if dot < len(lines) else []) + lines[dot:]


def message_id(case):
    return re.search(r"^Message-ID: <(.*)>$", (gate.EXAMPLES / f"{case.name}.eml").read_text(), re.M).group(1)


def show(g, number, case):
    """Whether it was answered as it should be, and the id in the reply, if any."""
    print(f"\n{BOLD}{number}. {case.title}{PLAIN}\n{DIM}   client {case.client}, HELO {case.helo}, examples/{case.name}.eml{PLAIN}\n")
    dialogue = swaks(g.postfix.ports["main"], case)
    for line in dialogue:
        last = line.startswith("S: ") and line[3:6] == case.code and line in dialogue[-4:]
        print(f"   {BOLD if last else ''}{line}{PLAIN if last else ''}")
    delivered = g.postfix.delivered(f"<{message_id(case)}>") if case.code == "250" else None
    if delivered:
        print("\n   Delivered, with " + re.search(rb"^X-Mailreeve: .*$", delivered, re.M).group().decode())
    print(f"\n{DIM}   The same message asked again by hand (a new account, so another id):\n   build/mailreeve check --config examples/mailreeve.conf "
          f"--dns examples/zone --ip {case.client} \\\n      --helo {case.helo} --mail-from {case.sender} examples/{case.name}.eml{PLAIN}\n")
    replay = g.reeve.replay(gate.EXAMPLES / f"{case.name}.eml", case.client, case.helo, case.sender)
    for line in (replay.stdout + replay.stderr).rstrip().splitlines():
        print("   " + line)
    sys.stdout.flush()
    answer = dialogue[-1][3:6] if dialogue else "nothing"
    if answer != case.code:
        print(f"\n   This should have been answered with {case.code}, not with {answer}.")
    told = re.search(r"\[([A-Z2-7]{12})\]", "\n".join(dialogue))
    return answer == case.code, told and told.group(1)


# ---- the dashboard ----

def fetch(port, path, headers=None, form=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    body = urllib.parse.urlencode(form) if form else None
    connection.request("POST" if form else "GET", path, body, {**({"Content-Type": "application/x-www-form-urlencoded"} if form else {}), **(headers or {})})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.getheader("Set-Cookie", ""), text


def stories(port, password):
    """How many messages the dashboard lists, as somebody who signs in sees it."""
    _, cookie, _ = fetch(port, "/login", form={"name": OPERATOR, "password": password})
    _, _, page = fetch(port, "/messages", {"Cookie": cookie.split(";")[0]})
    return len(set(re.findall(r'href="/message/([A-Z2-7]{12})"', page)))


def visit(port, why, password, refused):
    """The dashboard and one why page over HTTP, for want of somebody who looks."""
    if not refused:
        print("No reply had an id, so there is no why page to look at.")
        return False
    count = gate.wait_for(lambda: (lambda n: n if n >= len(CASES) else None)(stories(port, password)), 10) or stories(port, password)
    status, _, page = fetch(why, f"/why/{refused[0][1]}")
    told = status == 200 and "Your mail was refused" in page
    print(f"The dashboard at http://127.0.0.1:{port}/ lists {count} messages. The page behind the first refusal "
          + ("tells its sender why." if told else f"does not tell why: {status}."))
    return count == len(CASES) and told


def wait(port, why, password, refused):
    print(f"""{BOLD}The dashboard is open: http://127.0.0.1:{port}/{PLAIN}   name {OPERATOR}, password {password}

What the refused senders find behind the link in their reply:""")
    for case, id in refused:
        print(f"   http://127.0.0.1:{why}/why/{id}   {case.title}")
    print(f"\nFrom another machine: ssh -L {port}:127.0.0.1:{port} -L {why}:127.0.0.1:{why} {os.uname().nodename}")
    try:
        input("Press Enter to end it all. ")
    except (EOFError, KeyboardInterrupt):
        print()
    return True


def open_desk(g, ports, refused):
    password = secrets.token_hex(6)
    subprocess.run([g.reeve.program, "operator", "add", OPERATOR, "--config", g.reeve.config], input=password + "\n", capture_output=True, text=True, check=True)
    print()
    seen = wait if sys.stdin.isatty() and sys.stdout.isatty() else visit
    return seen(*ports, password, refused)


def main():
    sys.stdout.reconfigure(errors="replace")
    hindrance = gate.why_not()
    if hindrance:
        print(f"demo: {hindrance}", file=sys.stderr)
        return 2
    print("A private Postfix starts on a loopback port with mailreeve as its milter. Clients are pretended (XCLIENT).")
    ports = gate.free_port(), gate.free_port()
    g = gate.Gate(sys.argv[1], {"main": SETTINGS.format(desk=ports[0], why=ports[1])})
    os.mkdir(f"{g.work}/kept", 0o700)
    shutil.chown(f"{g.work}/kept", "nobody")  # who the daemon becomes
    with g:
        shown = [show(g, number, case) for number, case in enumerate(CASES, 1)]
        right = [good for good, _ in shown]
        seen = open_desk(g, ports, [(case, id) for case, (_, id) in zip(CASES, shown) if id])
    print(f"\n{sum(right)} of {len(right)} mails were answered as they should be. Postfix and mailreeve have ended; nothing is left behind.")
    print("To put it behind your own Postfix, see README.md.")
    return 0 if all(right) and seen else 1


if __name__ == "__main__":
    sys.exit(main())

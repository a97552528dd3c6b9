#!/usr/bin/env python3
"""demo.py PROGRAM: sends the mails of examples/ through a private Postfix and shows what becomes of them.

For each: what the client saw (by swaks), and the account, replayed with `mailreeve check`."""
import re
import subprocess
import sys

import gate
from cases import CASES

BOLD, DIM, PLAIN = ("\033[1m", "\033[2m", "\033[0m") if sys.stdout.isatty() else ("", "", "")


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
    return answer == case.code


def main():
    sys.stdout.reconfigure(errors="replace")
    hindrance = gate.why_not()
    if hindrance:
        print(f"demo: {hindrance}", file=sys.stderr)
        return 2
    print("A private Postfix starts on a loopback port with mailreeve as its milter. Clients are pretended (XCLIENT).")
    with gate.Gate(sys.argv[1]) as g:
        right = [show(g, number, case) for number, case in enumerate(CASES, 1)]
    print(f"\n{sum(right)} of {len(right)} mails were answered as they should be. Postfix and mailreeve have ended; nothing is left behind.")
    print("To put it behind your own Postfix, see README.md.")
    return 0 if all(right) else 1


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""replies_test.py PROGRAM: single replies as servers word them, and the reason that each is given. TAP.

replies.tsv has a reason and a reply in each line. "alive" stands for any reason, as long as no address is called dead:
what is said of a certificate, a header or a policy must never cost a recipient."""
import json
import os
import pathlib
import subprocess
import sys

PROGRAM = os.path.abspath(sys.argv[1])
LINES = (pathlib.Path(__file__).resolve().parent / "replies.tsv").read_text(encoding="utf8").splitlines()
ROWS = [line.split("\t", 1) for line in LINES if line and not line.startswith("#")]


def told(reply):
    done = subprocess.run([PROGRAM, "explain", "--json", reply], capture_output=True, text=True, check=True)
    reports = json.loads(done.stdout)["reports"]
    return reports[0] if reports else {"reason": "none", "hard": False, "suppress": "no", "rule": None}


def main():
    bad = 0
    print(f"1..{len(ROWS)}")
    for number, (reason, reply) in enumerate(ROWS, 1):
        said = told(reply)
        fine = not said["hard"] and said["suppress"] != "yes" if reason == "alive" else said["reason"] == reason
        bad += not fine
        print(f"{'ok' if fine else 'not ok'} {number} - {reason}: {reply[:100]}".replace("#", "\\#"))
        if not fine:
            print(f"#   found {said['reason']}, hard {said['hard']}, suppress {said['suppress']} (rule {said['rule']})")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

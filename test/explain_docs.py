#!/usr/bin/env python3
"""explain_docs.py PROGRAM SOURCE_ROOT [--write]: each output in docs/explain.md is what the program prints now.

A block that begins with "$ mailreeve explain ..." is run, in the top folder, and compared. --write puts the new output in. TAP."""
import os
import re
import subprocess
import sys

program, root = os.path.abspath(sys.argv[1]), sys.argv[2]
path = root + "/docs/explain.md"
text = open(path, encoding="utf8").read()
count = failed = 0
out = []


def run(match):
    global count, failed
    count += 1
    command = match.group(1)
    done = subprocess.run(["sh", "-c", command.replace("mailreeve ", '"$0" ', 1), program], cwd=root, capture_output=True, text=True)
    now = "```\n$ " + command + "\n" + done.stdout.rstrip("\n") + "\n```"
    same = now == match.group(0)
    failed += not same
    out.append("%s %d - docs/explain.md shows what is printed by: %s" % ("ok" if same else "not ok", count, command))
    return now


fresh = re.sub(r"```\n\$ (mailreeve explain [^\n]*)\n(.*?)\n?```", run, text, flags=re.S)
if "--write" in sys.argv:
    open(path, "w", encoding="utf8").write(fresh)
    sys.exit(0)
count += 1
rules = open(root + "/examples/explain-rules.conf", encoding="utf8").read()
failed += "```\n" + rules + "```" not in text
out.append("%s %d - docs/explain.md shows examples/explain-rules.conf" % ("ok" if "```\n" + rules + "```" in text else "not ok", count))
print("1..%d" % count)
print("\n".join(out))
sys.exit(1 if failed or count == 0 else 0)

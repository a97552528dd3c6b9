#!/usr/bin/env python3
"""bounce_suite.py PROGRAM: `explain` over the public corpus of bounces, compared with its truth table.

Skipped unless MAILREEVE_CORPUS names a directory that holds bounces/truth.tsv. Prints the figures, and fails where one
is below what this program once reached. TAP."""
import collections
import csv
import json
import os
import subprocess
import sys

LEAST = {"detected": 0.99, "recipient": 0.98, "reason": 0.95, "not hard": 1, "left alone": 1}

program = sys.argv[1]
corpus = os.environ.get("MAILREEVE_CORPUS", "")
root = os.path.join(corpus, "bounces")
if not corpus or not os.path.exists(root + "/truth.tsv"):
    print("1..0 # SKIP MAILREEVE_CORPUS is not set: the public corpus of bounces was not run")
    sys.exit(0)
truth = list(csv.DictReader(open(root + "/truth.tsv", encoding="utf8"), delimiter="\t", quoting=csv.QUOTE_NONE))
files = sorted({row["file"] for row in truth})
reports = collections.defaultdict(list)
kinds = {}
for start in range(0, len(files), 200):
    chunk = [os.path.join(root, name) for name in files[start:start + 200]]
    run = subprocess.run([program, "explain", "--json"] + chunk, capture_output=True, check=True)
    for line in run.stdout.decode("utf8").splitlines():
        document = json.loads(line)
        name = document["file"][len(root) + 1:]
        kinds[name] = document["kind"]
        reports[name] += document["reports"]

score = collections.OrderedDict((key, [0, 0]) for key in LEAST)
wrong = []


def count(key, good, row, said):
    score[key][0] += bool(good)
    score[key][1] += 1
    if not good:
        wrong.append("%s: %s %s: %s" % (key, row["file"], row["n"], said))


for row in truth:
    said = reports[row["file"]]
    if row["kind"] == "notbounce":
        # A notice that mail is late is no bounce: it is reported, as delayed, with the reason of the reply, and suppresses nobody.
        alone = all(r["reason"] in ("vacation", "feedback", "delivered") or (r["action"] == "delayed" and r["suppress"] == "no") for r in said)
        count("left alone", alone, row, kinds.get(row["file"]))
        continue
    if row["kind"] == "unresolved":
        continue
    n = int(row["n"])
    same = [r for r in said if (r["recipient"] or "").lower() == row["recipient"].lower()]
    best = same[0] if row["recipient"] and same else said[n - 1] if n <= len(said) else None
    if len(said) >= n and row["recipient"] and (said[n - 1]["recipient"] or "").lower() == row["recipient"].lower():
        best = said[n - 1]
    if row["recipient"]:
        count("recipient", same, row, [r["recipient"] for r in said])
    count("detected", best, row, kinds.get(row["file"]))
    if row["reason"]:
        count("reason", best and best["reason"] in row["accept_reason"].split("|"), row, best and (best["reason"], best["rule"]))
    if row["kind"] == "bounce" and row["hardbounce"] == "0" and "1" not in row["accept_hard"].split("|"):
        count("not hard", not (best and best["hard"]), row, best and (best["reason"], best["rule"]))

if "-v" in sys.argv:
    print("\n".join("# " + line for line in wrong))
print("1..%d" % len(score))
failed = 0
for number, (key, (good, of)) in enumerate(score.items(), 1):
    ok = good >= LEAST[key] * of
    failed += not ok
    print("%s %d - %s %d of %d (%.2f %%)" % ("ok" if ok else "not ok", number, key, good, of, 100 * good / max(of, 1)))
sys.exit(1 if failed else 0)

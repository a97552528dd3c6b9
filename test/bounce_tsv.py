#!/usr/bin/env python3
"""bounce_tsv.py: the documents of `mailreeve explain --json FILE...` on standard input made rows of file, n, recipient,
reply code, status, reason and hardness (0 or 1), separated by tabs, as tools that compare readers of bounces like them."""
import collections
import json
import sys

count = collections.Counter()
for line in sys.stdin:
    document = json.loads(line)
    if not document["reports"]:
        print(document["file"], 0, sep="\t")
    for report in document["reports"]:
        count[document["file"]] += 1  # an mbox has several documents
        reply = report["reply"]
        cells = (document["file"], count[document["file"]], report["recipient"], reply["code"], reply["enhanced"], report["reason"], int(report["hard"]))
        print(*("" if cell is None else str(cell).translate({9: " ", 10: " ", 13: " "}) for cell in cells), sep="\t")

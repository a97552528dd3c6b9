#!/usr/bin/env python3
"""demo_test.py PROGRAM: the demo, as it runs without a terminal."""
import pathlib
import subprocess
import sys

import gate
from cases import CASES

hindrance = gate.why_not()
if hindrance:
    print(f"1..0 # SKIP {hindrance}")
    sys.exit(0)
out = subprocess.run([sys.executable, str(pathlib.Path(__file__).with_name("demo.py")), sys.argv[1]], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                     errors="replace")
said = out.stdout + out.stderr
checks = (
    ("it ends well", out.returncode == 0),
    ("each mail is answered as it should be", f"{len(CASES)} of {len(CASES)} mails were answered as they should be" in said),
    ("their stories are in the dashboard", f"lists {len(CASES)} messages" in said),
    ("and a refused sender finds out why", "tells its sender why" in said),
)
print(f"1..{len(checks)}")
for number, (sentence, good) in enumerate(checks, 1):
    print(f"{'ok' if good else 'not ok'} {number} - {sentence}")
if not all(good for _, good in checks):
    print("\n".join("# " + line for line in said.splitlines()[-60:]))
    sys.exit(1)

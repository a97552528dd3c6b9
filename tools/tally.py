#!/usr/bin/env python3
"""tally.py FOLDER: adds up TAP files (*.tap) and Meson's test logs (*.json).

Prints what failed (with what it said) and what was skipped, then as the last
line "N passed, N failed, N skipped". Exits 1 if anything failed or nothing ran."""
import itertools
import json
import pathlib
import re
import sys

LINE = re.compile(r"^(not )?ok\b *\d* *-? *(.*?)(?: *# *(skip|todo)\S*\b *(.*))?$", re.I)
NONE = re.compile(r"^1\.\.0\b *(?:# *skip\S* *(.*))?$", re.I)


class Tally:
    def __init__(self):
        self.passed = 0
        self.failed, self.skipped = [], []

    def tap(self, suite, text):
        """True if anything in it failed. A comment belongs to the line above it."""
        lines = text.splitlines()
        bad = False
        ran = planned = 0
        for at, line in enumerate(lines):
            if none := NONE.match(line):
                self.skipped.append((suite, none.group(1) or "no reason given"))
            elif plan := re.match(r"^1\.\.(\d+)", line):
                planned = int(plan.group(1))
            if not (found := LINE.match(line)):
                continue
            ran += 1
            wrong, name, directive, why = found.groups()
            if directive and directive.lower() == "skip":
                self.skipped.append((f"{suite}: {name}", why))
            elif wrong:
                bad = True
                said = itertools.takewhile(lambda line: not LINE.match(line), lines[at + 1:])
                self.failed.append((f"{suite}: {name}", "\n".join([line for line in said if line.startswith("#")][-40:])))
            else:
                self.passed += 1
        if planned and ran < planned:
            bad = True
            self.failed.append((suite, f"{planned} tests were planned, {ran} ran"))
        return bad

    def meson(self, label, path):
        for row in path.read_text(errors="replace").splitlines():
            test = json.loads(row)
            name = f"{label} {test['name'].split(' / ')[-1]}"
            out = test.get("stdout") or ""
            tap = any(LINE.match(line) or NONE.match(line) for line in out.splitlines())
            bad = self.tap(name, out) if tap else False
            if test["result"] in ("OK", "EXPECTEDFAIL"):
                self.passed += not tap
            elif test["result"] == "SKIP":
                if not tap:
                    self.skipped.append((name, (out.strip().splitlines() or ["no reason given"])[-1]))
            elif not bad:
                tail = "\n".join(((test.get("stderr") or "") + "\n" + out).strip().splitlines()[-40:])
                self.failed.append((name, f"{test['result']}, exit status {test.get('returncode')}\n{tail}"))


def main():
    folder = pathlib.Path(sys.argv[1])
    tally = Tally()
    for path in sorted(folder.glob("*.tap")):
        tally.tap(path.stem, path.read_text(errors="replace"))
    for path in sorted(folder.glob("log-*.json")):
        tally.meson(path.stem.removeprefix("log-") + ":", path)
    for name, why in tally.skipped:
        print(f"skipped: {name}: {why}")
    for name, why in tally.failed:
        print(f"FAILED: {name}")
        print("\n".join("    " + line for line in why.splitlines()))
    print(f"{tally.passed} passed, {len(tally.failed)} failed" + (f", {len(tally.skipped)} skipped" if tally.skipped else ""))
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())

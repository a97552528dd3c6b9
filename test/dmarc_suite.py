#!/usr/bin/env python3
"""dmarc_suite.py RUNNER: the DMARC cases of $MAILREEVE_CORPUS/dmarcbis/cases.json against auth/dmarc.

RUNNER (test/dmarc_suite.c) judges each; what it says is compared here, and
reported as TAP. Where a case allows several answers, its list is taken as it is."""
import json
import os
import pathlib
import subprocess
import sys

FIELDS = ("result", "policy", "applied", "policy_domain", "org_domain", "queries", "rua", "reason")


def skip(why):
    print(f"1..0 # SKIP {why}")
    sys.exit(0)


def quoted(text):
    return '"' + "".join(chr(b) if 32 <= b < 127 and chr(b) not in '\\"' else f"\\{b:03d}" for b in text.encode()) + '"'


def lines_of(name, entries):
    for entry in entries:
        if entry == "TIMEOUT":
            yield f"{name} ANY !timeout"
            continue
        (kind, value), = entry.items()
        parts = value if isinstance(value, list) else [value]
        yield f"{name} {kind} " + " ".join(quoted(p) if kind == "TXT" else str(p) for p in parts)


def plain(case):
    yield "zone"
    for name, entries in case["zone"].items():
        yield from lines_of(name, entries)
    yield "end"
    yield f"from {case['from']}"
    if case["spf"]:
        yield f"spf {case['spf']['result']} {case['spf']['domain']}"
    for signature in case["dkim"]:
        yield f"dkim {signature['result']} {signature['domain']}"
    yield f"judge {case['id']}"


def faults(expect, have):
    """Sentences; empty when all is as expected."""
    for key, want in expect.items():
        if key == "max_queries":
            if len(have["queries"].split()) > want:
                yield f"{len(have['queries'].split())} queries are more than {want}"
            continue
        if key in ("queries", "rua"):
            want = " ".join(want)
        allowed = want if isinstance(want, list) else [want]
        if have[key] not in [a or "" for a in allowed]:
            yield f"{key} is {have[key]!r}, not {want!r}"


def main():
    corpus = os.environ.get("MAILREEVE_CORPUS")
    if not corpus:
        skip("MAILREEVE_CORPUS is not set: 75 DMARC cases were not run")
    path = pathlib.Path(corpus) / "dmarcbis" / "cases.json"
    if not path.exists():
        skip(f"{path} is not there")
    cases = json.loads(path.read_text(encoding="utf-8"))["cases"]
    text = "\n".join(line for case in cases for line in plain(case)) + "\n"
    ran = subprocess.run([sys.argv[1]], input=text.encode(), stdout=subprocess.PIPE, check=True)
    said = {fields[0]: dict(zip(FIELDS, fields[1:])) for fields in (line.split("\t") for line in ran.stdout.decode().splitlines())}
    print(f"1..{len(cases)}")
    failed = 0
    for number, case in enumerate(cases, 1):
        wrong = list(faults(case["expect"], said[case["id"]])) if case["id"] in said else ["no answer"]
        failed += bool(wrong)
        print(f"{'not ok' if wrong else 'ok'} {number} - {case['id']}")
        for sentence in wrong:
            print(f"# {sentence}")
    print(f"# {len(cases) - failed} of {len(cases)} pass")
    sys.exit(1 if failed else 0)


main()

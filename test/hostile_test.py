#!/usr/bin/env python3
"""hostile_test.py PROGRAM REFUSE.SO: broken mail and refused memory crash nothing, and let nothing in.

`mailreeve check` judges every message of examples/ (and of MAILREEVE_CORPUS)
cut at each of its first 2,000 octets and then at every 64th; and it judges a
forged message with its n-th allocation refused. A sample of both, or with
MAILREEVE_LONG=1 all of it. TAP."""
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

from cases import CASES

TOP = pathlib.Path(__file__).resolve().parent.parent
EXAMPLES = TOP / "examples"
LONG = bool(os.environ.get("MAILREEVE_LONG"))
PROGRAM = os.path.abspath(sys.argv[1])
ARGUMENTS = ["--config", f"{EXAMPLES}/mailreeve.conf", "--dns", f"{EXAMPLES}/zone", "--ip", "198.51.100.66", "--helo", "pc.stranger.example",
             "--mail-from", "clara@example.com"]
FINE = (0, 1, 75)  # accept; reject and the like; defer


def complaint(done, allowed):
    """A sentence if the process died or a sanitizer spoke."""
    err = done.stderr.decode(errors="replace")
    if done.returncode not in allowed:
        return f"exit status {done.returncode}: {err[-2000:]}"
    if "Sanitizer" in err or "runtime error:" in err:
        return err[-4000:]
    return None


def cuts(size):
    every = 1 if LONG else 37
    return sorted(set(range(0, min(size, 2000), every)) | set(range(2000, size, 64 if LONG else 64 * 37)))


def judged(folder, files):
    """Each of the files is answered by one JSON document."""
    done = subprocess.run([PROGRAM, "check", "--json", *ARGUMENTS, *files], capture_output=True, cwd=folder)
    fault = complaint(done, FINE)
    if fault:
        return fault
    documents = done.stdout.decode().strip("\n").split("\n")
    if len(documents) != len(files):
        return f"{len(files)} messages, {len(documents)} documents"
    for document in documents:
        json.loads(document)
    return None


def cut_fault(octets):
    with tempfile.TemporaryDirectory(prefix="mailreeve-cuts-") as folder:
        names = []
        for at in cuts(len(octets)):
            pathlib.Path(folder, f"{at}.eml").write_bytes(octets[:at])
            names.append(f"{at}.eml")
        for first in range(0, len(names), 500):
            batch = names[first:first + 500]
            fault = judged(folder, batch)
            if fault:
                lone = next((f"{name}: {one}" for name in batch if (one := judged(folder, [name]))), "only together")
                return f"{fault}\n{lone}"
    return None


def cut_examples():
    for case in CASES:
        fault = cut_fault((EXAMPLES / f"{case.name}.eml").read_bytes())
        if fault:
            return f"examples/{case.name}.eml: {fault}"
    return None


def is_message(path):
    """By name, or because it begins with a header field or an mbox line."""
    with path.open("rb") as file:
        begins = re.match(rb"From |[!-9;-~]+:[ \t]?[^\n]*\r?\n([!-9;-~]+:|[ \t])", file.read(4096)) is not None
    return path.suffix in (".eml", ".msg") or (begins and path.suffix in (".txt", ".message", ".mbox", ""))


def a_million_fields():
    """More than memory allows is answered all the same."""
    with tempfile.TemporaryDirectory(prefix="mailreeve-fields-") as folder:
        pathlib.Path(folder, "a.eml").write_bytes(b"From: clara@example.com\n" + b"a:\n" * 1000000 + b"\nx\n")
        done = subprocess.run([PROGRAM, "check", "--json", *ARGUMENTS, "a.eml"], capture_output=True, cwd=folder)
        fault = complaint(done, (75,))
        if fault or json.loads(done.stdout)["decision"]["reason"] != "limit.memory":
            return fault or done.stdout.decode()[:2000]
    return None


def cut_corpus():
    files = sorted(p for p in pathlib.Path(os.environ["MAILREEVE_CORPUS"]).rglob("*") if p.is_file() and is_message(p))
    if not LONG:
        files = random.Random(1).sample(files, min(25, len(files)))
    for file in files:
        fault = cut_fault(file.read_bytes())
        if fault:
            return f"{file}: {fault}"
    return None if files else "no message was found"


def refusals(how):
    """One allocation refused (or all from there on), at each place: no crash, and the forgery never gets in."""
    with tempfile.TemporaryDirectory(prefix="mailreeve-refuse-") as folder:
        environment = dict(os.environ, LD_PRELOAD=os.path.abspath(sys.argv[2]), REFUSE_COUNT=f"{folder}/count")
        command = [PROGRAM, "check", *ARGUMENTS, f"{EXAMPLES}/altered.eml"]
        whole = subprocess.run(command, capture_output=True, env=environment)
        if whole.returncode != 1:
            return f"without refusals it is quarantined (1), not {whole.returncode}: {whole.stderr.decode()[-500:]}"
        total = int(pathlib.Path(folder, "count").read_text())
        places = range(1, total + 1) if LONG else sorted(random.Random(2).sample(range(1, total + 1), min(150, total)))
        for place in places:
            done = subprocess.run(command, capture_output=True, env=dict(environment, REFUSE_AT=str(place), **how))
            fault = complaint(done, (1, 2, 75))
            if fault:
                return f"allocation {place} of {total} refused: {fault}"
    return None


def sanitized():
    return b"__asan_init" in pathlib.Path(PROGRAM).read_bytes()


def main():
    corpus = None if os.environ.get("MAILREEVE_CORPUS") else "MAILREEVE_CORPUS is not set"
    asan = "the sanitizer brings an allocator of its own" if sanitized() else None
    extent = "all" if LONG else "a sample of"
    tests = (
        (f"{extent} cuts of our own messages: no crash, one document each", cut_examples, None),
        (f"{extent} cuts of the messages of the corpus: no crash, one document each", cut_corpus, corpus),
        ("a million fields are answered with 452", a_million_fields, None),
        (f"one allocation refused, {extent} places: no crash, and nothing gets in", lambda: refusals({}), asan),
        (f"all allocations refused from some place on, {extent} places: no crash, and nothing gets in", lambda: refusals({"REFUSE_ALL": "1"}), asan),
    )
    print(f"1..{len(tests)}", flush=True)
    bad = 0
    for number, (sentence, run, skip) in enumerate(tests, 1):
        fault = None if skip else run()
        bad += fault is not None
        print(f"{'not ok' if fault else 'ok'} {number} - {sentence}" + (f" # SKIP {skip}" if skip else ""))
        for line in (fault or "").splitlines():
            print(f"#   {line}")
        sys.stdout.flush()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""hostile_explain_test.py PROGRAM: no report, however broken, crashes `explain` or keeps it busy.

Each report of examples/bounces and test/bounces (and of MAILREEVE_CORPUS/bounces)
cut at every 64th octet and with NUL in it; nested a thousand deep; 100 MB large.
Each gives a document or a clear refusal, in bounded time. A sample, or with
MAILREEVE_LONG=1 all of it. TAP."""
import gzip
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import zlib

TOP = pathlib.Path(__file__).resolve().parent.parent
LONG = bool(os.environ.get("MAILREEVE_LONG"))
PROGRAM = os.path.abspath(sys.argv[1])
BATCH_SECONDS = 300  # for 500 pieces, under the sanitizers on a busy machine
LARGE_SECONDS = 120
LARGE = 100 << 20


def run(arguments, folder, seconds):
    """A sentence if the process died, hung, or a sanitizer spoke; and what it printed."""
    try:
        done = subprocess.run([PROGRAM, "explain", "--json", *arguments], capture_output=True, cwd=folder, timeout=seconds)
    except subprocess.TimeoutExpired:
        return f"no answer in {seconds} s", b""
    err = done.stderr.decode(errors="replace")
    if done.returncode not in (0, 2) or "Sanitizer" in err or "runtime error:" in err:
        return f"exit status {done.returncode}: {err[-3000:]}", b""
    if done.returncode == 2 and not err.startswith("mailreeve explain: "):
        return f"a refusal without a sentence: {err[-500:]}", b""
    return None, done.stdout


def all_told(pieces):
    """Each piece, in a file of its own, gets a document of its own."""
    with tempfile.TemporaryDirectory(prefix="mailreeve-explain-") as folder:
        for first in range(0, len(pieces), 500):
            names = []
            for number, octets in enumerate(pieces[first:first + 500]):
                pathlib.Path(folder, f"{number}.eml").write_bytes(octets)
                names.append(f"{number}.eml")
            # Twice the first: several files give one line for each document.
            fault, out = run([names[0], *names], folder, BATCH_SECONDS)
            if fault:
                lone = next((octets for octets, name in zip(pieces[first:], names) if run([name], folder, BATCH_SECONDS)[0]), None)
                return f"{fault}\n{lone[-300:] if lone is not None else 'only together'!r}"
            documents = [json.loads(line) for line in out.split(b"\n") if line]
            if {d["file"] for d in documents} != set(names):
                return f"{len(names)} reports, {len({d['file'] for d in documents})} with a document"
    return None


def cuts(octets):
    return range(0, len(octets) + 1, 64) if LONG else range(0, len(octets) + 1, 64 * 11)


def broken(octets):
    for at in cuts(octets):
        yield octets[:at]
        if at > 0:
            yield octets[:at // 2] + b"\0" + octets[at // 2 + 1:at]


def pieces_of(files):
    return [piece for file in files for piece in broken(file.read_bytes())]


def cut_own():
    return all_told(pieces_of(sorted([*(TOP / "examples/bounces").iterdir(), *(TOP / "test/bounces").iterdir()])))


def cut_corpus():
    folder = pathlib.Path(os.environ["MAILREEVE_CORPUS"], "bounces")
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".tsv")
    if not files:
        return "no report was found"
    for file in files if LONG else random.Random(3).sample(files, min(15, len(files))):
        fault = all_told(pieces_of([file]))
        if fault:
            return f"{file}: {fault}"
    return None


HEAD = b"From: MAILER-DAEMON@mx.example.net\nTo: anna@example.org\nSubject: Undelivered Mail Returned to Sender\n"
FORMS = {
    "multipart in multipart": (b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", True),
    "a message in a message": (b"Content-Type: message/rfc822\n\n" + HEAD, False),
    "a report in a report": (b"Content-Type: multipart/report; report-type=delivery-status; boundary=b%d\n\n--b%d\n", True),
}


def nested():
    pieces = []
    for lead, numbered in FORMS.values():
        body = b"".join(lead % (n, n) if numbered else lead for n in range(1000))
        pieces.append(HEAD + body + b"\n<ben@example.net>: 550 5.1.1 User unknown\n")
    pieces.append(b"[" * 100000 + b"]" * 100000)
    pieces.append(b'{"a":' * 100000)
    pieces.append(HEAD + b"Content-Type: text/html\n\n" + b"<div>" * 200000 + b"550 5.1.1 User unknown")
    return all_told(pieces)


def large():
    """More than is read of one message: what is in front is explained, and a hundred megabytes of one kind hold nobody up."""
    report = HEAD + b"\n<ben@example.net>: 550 5.1.1 User unknown\n\n"
    kinds = (b"x" * 70 + b"\n", b"<ben@example.net>: 550 spam\n", b"\0") if LONG else (b"<ben@example.net>: 550 spam\n",)
    with tempfile.TemporaryDirectory(prefix="mailreeve-large-") as folder:
        for kind in kinds:
            pathlib.Path(folder, "a.eml").write_bytes(report + kind * (LARGE // len(kind)))
            fault, out = run(["a.eml"], folder, LARGE_SECONDS)
            if fault or json.loads(out)["reports"][0]["recipient"] != "ben@example.net":
                return f"{kind[:20]!r}: {fault or out[:500]}"
        pathlib.Path(folder, "a.eml").write_bytes(b"a:\n" * (LARGE // 3))
        fault, _ = run(["a.eml"], folder, LARGE_SECONDS)
        return fault


def no_text():
    """Programs, archives and noise: nobody is said to have bounced."""
    noise = random.Random(7)
    octets = pathlib.Path(PROGRAM).read_bytes()
    pieces = [noise.randbytes(size) for size in (30, 300, 3000, 30000, 300000) for _ in range(200 if LONG else 20)]
    pieces += [octets[at:at + 65536] for at in range(0, len(octets), 65536 if LONG else 65536 * 7)]
    pieces += [gzip.compress(octets[:200000]), zlib.compress(octets[:3000]), b"\x89PNG\r\n\x1a\n" + zlib.compress(noise.randbytes(5000))]
    with tempfile.TemporaryDirectory(prefix="mailreeve-noise-") as folder:
        for number, piece in enumerate(pieces):
            pathlib.Path(folder, f"{number}.bin").write_bytes(piece)
        fault, out = run(["."], folder, BATCH_SECONDS)
    if fault:
        return fault
    documents = [json.loads(line) for line in out.split(b"\n") if line]
    taken = [d["file"] for d in documents if d["kind"] != "not-a-bounce"]
    if len(documents) != len(pieces) or taken:
        return f"{len(pieces)} files, {len(documents)} documents; taken for reports: {taken[:5]}"
    return None


def main():
    corpus = os.environ.get("MAILREEVE_CORPUS", "")
    skip = None if corpus and os.path.isdir(corpus + "/bounces") else "MAILREEVE_CORPUS is not set, or has no bounces"
    extent = "all" if LONG else "a sample of"
    tests = (
        (f"{extent} cuts of our own reports, whole and with NUL: one document each", cut_own, None),
        (f"{extent} cuts of the reports of the corpus, whole and with NUL: one document each", cut_corpus, skip),
        ("a thousand levels give a document", nested, None),
        ("100 MB give a document or a clear refusal", large, None),
        ("noise, archives and pieces of a program are no reports", no_text, None),
    )
    print(f"1..{len(tests)}", flush=True)
    bad = 0
    for number, (sentence, test, why) in enumerate(tests, 1):
        fault = None if why else test()
        bad += fault is not None
        print(f"{'not ok' if fault else 'ok'} {number} - {sentence}" + (f" # SKIP {why}" if why else ""))
        for line in (fault or "").splitlines():
            print(f"#   {line}")
        sys.stdout.flush()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

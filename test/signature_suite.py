#!/usr/bin/env python3
"""signature_suite.py arc|dkim RUNNER: public DKIM and ARC messages against auth/dkim and auth/arc.

arc   $MAILREEVE_CORPUS/valimail-arc, the 171 cases of the chain validation suite.
dkim  $MAILREEVE_CORPUS/mailauth and dkimpy: the examples of RFC 6376 and RFC
      8463 must verify; a message signed here by dkimpy must verify under each
      good key record and canonicalization, and under none of the bad records.

RUNNER (test/signature_suite.c) gets zones and messages as plain text and prints TAP."""
import json
import os
import pathlib
import subprocess
import sys


def skip(why):
    print(f"1..0 # SKIP {why}")
    sys.exit(0)


def zone(records):
    """records: name to text, as octets a zone file can hold."""
    lines = [b"zone"]
    for name, text in records.items():
        octets = "".join(chr(b) if 32 <= b < 127 and chr(b) not in '\\"' else f"\\{b:03d}" for b in text.encode())
        parts = [octets] if "\\" in octets else [octets[i : i + 200] for i in range(0, len(octets), 200)] or [""]
        lines.append(f"{name} TXT {' '.join(chr(34) + p + chr(34) for p in parts)}".encode())
    return b"\n".join(lines) + b"\nend\n"


def crlf(octets):
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def case(name, method, want, message):
    return f"case {name}\nmethod {method}\nwant {want}\nmessage {len(message)}\n".encode() + message


def arc_cases(corpus):
    import yaml

    path = corpus / "valimail-arc" / "arc-draft-validation-tests.yml"
    if not path.exists():
        skip(f"the 171 cases of the ARC validation suite: there is no {path}")
    # The suite's word for "so broken that no cv can be given" is the empty one; such a chain has failed.
    words = {"None": "none", "Pass": "pass", "Fail": "fail", "": "fail"}
    for document in yaml.safe_load_all(path.read_text()):
        yield zone(document["txt-records"])
        for name, test in document["tests"].items():
            yield case(name, "arc", words[test["cv"] or ""], test["message"].encode())


def dkim_cases(corpus):
    import dkim

    data, ec = corpus / "dkimpy", corpus / "mailauth" / "ec"
    for path in (data, ec):
        if not path.exists():
            skip(f"the DKIM examples of dkimpy and mailauth: there is no {path}")
    records = {n: "".join(r["TXT"][0]) for n, r in json.loads((ec / "dns.json").read_text()).items() if "TXT" in r}
    yield zone(records)
    yield case("RFC 8463 appendix A", "dkim", "pass pass", (ec / "signed.eml").read_bytes())
    yield case("RFC 6376 appendix A, as dkimpy signed it", "dkim", "pass pass", (data / "rfc6376.signed.msg").read_bytes())
    plain, key = crlf((data / "test.message").read_bytes()), (data / "test.private").read_bytes()
    for record, want in (("test", "pass"), ("test2", "pass"), ("badk", "!pass"), ("badversion", "!pass"), ("test_bad", "!pass"), ("test_tlsrpt", "!pass")):
        yield zone({"test._domainkey.example.com": (data / f"{record}.txt").read_text().strip()})
        for canon in ("simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"):
            for length in (False, True):
                halves = tuple(c.encode() for c in canon.split("/"))
                signature = dkim.sign(plain, b"test", b"example.com", key, canonicalize=halves, length=length)
                yield case(f"{record} {canon}{' l=' if length else ''}", "dkim", want, signature + plain)
    yield zone({"test._domainkey.example.com": (data / "ed25519test.dns").read_text().strip()})
    for name in ("ed25519test.msg", "ed25519test2.msg"):
        message = crlf((data / name).read_bytes())
        signed = dkim.sign(message, b"test", b"example.com", (data / "ed25519test.key").read_bytes(), signature_algorithm=b"ed25519-sha256") + message
        count = signed.lower().count(b"dkim-signature:")
        yield case(f"{name} signed with Ed25519", "dkim", " ".join(["pass"] + ["!pass"] * (count - 1)), signed)


method, runner = sys.argv[1:]
corpus = os.environ.get("MAILREEVE_CORPUS")
if not corpus:
    skip(f"the public {method} messages: MAILREEVE_CORPUS is not set")
try:
    text = b"".join({"arc": arc_cases, "dkim": dkim_cases}[method](pathlib.Path(corpus)))
except ImportError as missing:
    skip(f"the public {method} messages: {missing}")
sys.exit(subprocess.run([runner], input=text).returncode)

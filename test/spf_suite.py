#!/usr/bin/env python3
"""spf_suite.py RUNNER: the public RFC 7208 suite against auth/spf.

Reads $MAILREEVE_CORPUS/openspf-rfc7208/rfc7208-tests.yml and gives RUNNER
(test/spf_suite.c) zones and cases as plain text. RUNNER prints TAP. The suite
writes policies as SPF records, which a name without a TXT record of its own
means as TXT; TIMEOUT alone is for each type that is not listed."""
import os
import pathlib
import subprocess
import sys


def skip(why):
    print(f"1..0 # SKIP {why}")
    sys.exit(0)


def escaped(text):
    """Octets as a zone file wants them. The suite writes \\xNN for an octet, not for a character."""
    return "".join(chr(b) if 33 <= b < 127 and chr(b) not in '\\"#' else f"\\{b:03d}" for b in text.encode("latin-1"))


def text_of(value):
    parts = value if isinstance(value, list) else [value]
    return " ".join(f'"{escaped(p)}"' for p in parts) or '""'


def line_of(name, kind, value):
    """One record in a line; None for what has no place in a zone."""
    if value == "TIMEOUT":
        return f"{name} {kind} !timeout"
    if kind == "TXT":
        return f"{name} TXT {text_of(value)}"
    if kind == "MX":
        return f"{name} MX {value[0]} {escaped(value[1]) or '.'}"
    if kind in ("PTR", "CNAME"):
        return f"{name} {kind} {escaped(value)}"
    return f"{name} {kind} {value}"


def records_of(name, entries):
    pairs = [("ANY", e) if isinstance(e, str) else next(iter(e.items())) for e in entries]
    own_text = any(kind == "TXT" for kind, _ in pairs)
    for kind, value in pairs:
        if kind == "SPF":
            if own_text:
                continue
            kind = "TXT"
        elif value == "NONE":
            continue
        yield line_of(escaped(name), kind, value)


def plain(documents):
    for document in documents:
        yield "zone"
        for name, entries in document["zonedata"].items():
            yield from records_of(name, entries)
        yield "end"
        for name, case in document["tests"].items():
            want = case["result"]
            yield f"case {name}"
            yield f"ip {case['host']}"
            yield f"helo {case['helo']}"
            yield f"mail_from {case['mailfrom']}"
            yield f"receiver {case.get('receiver', '')}"
            yield f"want {want if isinstance(want, str) else ' '.join(want)}"
            if "explanation" in case:
                text = case["explanation"]
                yield f"explanation {'' if text == 'DEFAULT' else text}"
            yield "run"


corpus = os.environ.get("MAILREEVE_CORPUS")
if not corpus:
    skip("the 203 cases of the RFC 7208 suite: MAILREEVE_CORPUS is not set")
path = pathlib.Path(corpus) / "openspf-rfc7208" / "rfc7208-tests.yml"
if not path.exists():
    skip(f"the 203 cases of the RFC 7208 suite: there is no {path}")
try:
    import yaml
except ImportError:
    skip("the 203 cases of the RFC 7208 suite: python3-yaml is not installed")

lines = "\n".join(plain(yaml.safe_load_all(path.read_text("utf-8")))) + "\n"
sys.exit(subprocess.run([sys.argv[1]], input=lines.encode("utf-8"), check=False).returncode)

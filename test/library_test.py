#!/usr/bin/env python3
"""library_test.py PROGRAM: what becomes of a run when a shared library is not there.

An empty file of its name stands before the library, so that the loader cannot
use it. A verb that does not want it works as ever; one that does says what to
install, and the daemon says so before it opens a door. TAP."""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = os.path.abspath(sys.argv[1])
ZONE = ("--dns", f"{TOP}/examples/zone")
FORGED = ("--ip", "198.51.100.66", "--helo", "pc.stranger.example", "--mail-from", "clara@example.com", f"{TOP}/examples/forged-reject.eml")
START_SECONDS = 60

PACKAGES = {
    "libcrypto.so.3": "libssl3", "libidn2.so.0": "libidn2-0", "libpsl.so.5": "libpsl5", "libunbound.so.8": "libunbound8",
    "libsqlite3.so.0": "libsqlite3-0", "libcrypt.so.1": "libcrypt1", "libmicrohttpd.so.12": "libmicrohttpd12", "libpq.so.5": "libpq5",
}
# A mail from a domain whose name is not ASCII.
BEYOND_ASCII = """Authentication-Results: mx.example.net; spf=pass smtp.mailfrom=ann@b\u00fccher.example
From: Ann <ann@b\u00fccher.example>
To: clara@example.com
Subject: hello

A word.
"""

PLAIN = ""
WEB = "web {{ listen = unix:{folder}/web }}\n"
POSTGRES = "store = postgres://127.0.0.1:1/none\n"

# What must go on as if nothing were missing.
INDIFFERENT = [
    ("--version",), ("--help",), ("reasons",), ("explain", f"{TOP}/examples/bounces/dmarc.eml"), ("explain", "--json", f"{TOP}/examples/bounces/dmarc.eml"),
]
# library, verb and words, what is given on standard input
VERBS = [
    ("libcrypto.so.3", ("check", *ZONE, *FORGED), None),
    ("libidn2.so.0", ("check", *ZONE, *FORGED), None),
    ("libpsl.so.5", ("check", *ZONE, *FORGED), None),
    ("libunbound.so.8", ("check", *FORGED), None),
    ("libidn2.so.0", ("explain", "{folder}/beyond.eml"), None),
    ("libsqlite3.so.0", ("trace", "--config", "{folder}/plain.conf"), None),
    ("libcrypt.so.1", ("operator", "add", "ann", "--config", "{folder}/plain.conf"), "correct horse battery staple\n"),
]
# library, settings
DAEMONS = [
    ("libcrypto.so.3", PLAIN), ("libidn2.so.0", PLAIN), ("libpsl.so.5", PLAIN), ("libunbound.so.8", PLAIN), ("libsqlite3.so.0", PLAIN),
    ("libcrypt.so.1", WEB), ("libmicrohttpd.so.12", WEB), ("libpq.so.5", POSTGRES),
]


def without(folder, *libraries):
    """An environment in which these cannot be loaded."""
    place = pathlib.Path(folder, "-".join(libraries))
    place.mkdir(exist_ok=True)
    for library in libraries:
        (place / library).touch()
    return dict(os.environ, LD_LIBRARY_PATH=f"{place}:{os.environ.get('LD_LIBRARY_PATH', '')}")


def sentence(library):
    return f"{library} cannot be loaded: apt-get install {PACKAGES[library]} ("


def run(words, environment, text=None):
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, input=text or "", env=environment, timeout=START_SECONDS)


def indifferent(folder, words):
    usual, lacking = run(words, dict(os.environ)), run(words, without(folder, *PACKAGES))
    same = (usual.returncode, usual.stdout, usual.stderr) == (lacking.returncode, lacking.stdout, lacking.stderr)
    return None if same and usual.returncode == 0 else f"{usual}\n{lacking}"


def told(folder, library, words, text):
    words = [word.format(folder=folder) for word in words]
    lacking, usual = run(words, without(folder, library), text), run(words, dict(os.environ), text)
    if "cannot be loaded" in usual.stderr:
        return f"told even where it is there: {usual}"
    fine = lacking.returncode == 2 and lacking.stdout == "" and lacking.stderr.count("\n") == 1 and sentence(library) in lacking.stderr
    return None if fine else str(lacking)


def daemon(folder, settings, environment):
    """Its exit status, None if it started; and its log."""
    config, log = pathlib.Path(folder, "daemon.conf"), pathlib.Path(folder, "daemon.log")
    config.write_text(settings_of(folder, settings))
    with open(log, "w", encoding="utf-8") as to:
        process = subprocess.Popen([PROGRAM, "serve", "--config", config], stderr=to, env=environment)
        end = time.monotonic() + START_SECONDS
        while process.poll() is None and "started " not in log.read_text(encoding="utf-8") and time.monotonic() < end:
            time.sleep(0.05)
        status = process.poll()
        if status is None:
            process.send_signal(signal.SIGTERM)
            process.wait(START_SECONDS)
    return status, log.read_text(encoding="utf-8")


def refuses_to_start(folder, library, settings):
    status, log = daemon(folder, settings, dict(os.environ))
    if status is not None or "started " not in log:
        return f"with all libraries it starts: {status}\n{log}"
    status, log = daemon(folder, settings, without(folder, library))
    fine = status == 2 and sentence(library) in log and "started " not in log and "Sanitizer" not in log
    return None if fine else f"{status}\n{log}"


def settings_of(folder, more):
    store = "" if "store =" in more else f"store = {folder}/store.db\n"
    return f"listen = unix:{folder}/sock\nauthserv_id = mx.example.net\ndns {{ resolver = 127.0.0.1:9; dnssec = off }}\n{store}{more.format(folder=folder)}"


def main():
    with tempfile.TemporaryDirectory(prefix="mailreeve-library-") as folder:
        pathlib.Path(folder, "beyond.eml").write_text(BEYOND_ASCII, encoding="utf-8")
        pathlib.Path(folder, "plain.conf").write_text(settings_of(folder, PLAIN), encoding="utf-8")
        tests = [(f"mailreeve {' '.join(words[:2])} wants none of {len(PACKAGES)} libraries", indifferent, (words,)) for words in INDIFFERENT]
        # First: they make the store that the verbs read.
        tests += [(f"the daemon{' with a web side' if more == WEB else ''} does not start without {library}", refuses_to_start, (library, more))
                  for library, more in DAEMONS]
        tests += [(f"{words[0]} says what to install where {library} is missing", told, (library, words, text)) for library, words, text in VERBS]
        print(f"1..{len(tests)}", flush=True)
        bad = 0
        for number, (name, fn, arguments) in enumerate(tests, 1):
            fault = fn(folder, *arguments)
            bad += fault is not None
            print(f"{'not ok' if fault else 'ok'} {number} - {name}")
            print("".join(f"# {line}\n" for line in (fault or "").splitlines()), end="", flush=True)
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())

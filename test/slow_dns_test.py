#!/usr/bin/env python3
"""slow_dns_test.py PROGRAM: a name server that does not speak delays only the messages that need it. TAP.

No clock is asked: the server keeps an answer back until the others have been
judged, so what counts is the order in which they are."""
import pathlib
import signal
import subprocess
import sys
import tempfile

from gate import wait_for
from nameserver import TXT, Mta, NameServer, text

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent / "examples"
SETTINGS = """listen = unix:{folder}/sock
socket_mode = 0666
hostname = gate.example.net
threads = 2
message_deadline = 120s
dns {{
	resolver = 127.0.0.1:{port}
	dnssec = off
	timeout = 30s
}}
"""
SLOW = b"From: a@slow.example\nTo: rosa@example.net\nSubject: slow\nDate: Mon, 02 Jun 2025 12:00:00 +0000\nMessage-ID: <1@slow.example>\n\nText.\n"


def records():
    """What examples/zone says of example.com, and a slow domain."""
    known = {("slow.example", TXT): [text("v=spf1 ip4:192.0.2.0/24 -all")], ("_dmarc.slow.example", TXT): [text("v=DMARC1; p=reject")]}
    for line in (EXAMPLES / "zone").read_text().splitlines():
        words = line.split(None, 2)
        if len(words) == 3 and words[1] == "TXT" and words[2].startswith('"') and words[0].endswith("example.com"):
            known[(words[0], TXT)] = [text(words[2].strip('"'))]
    return known


def slow_ones(path, count):
    """So many messages that wait for the slow server; connections go to the loops in turn."""
    waiting = [Mta(path) for _ in range(count)]
    for mta in waiting:
        mta.content("a@slow.example", SLOW)
    return waiting


def others(path, count):
    """The answers to so many messages of another domain, one connection each."""
    letters = []
    for _ in range(count):
        mta = Mta(path)
        letters.append(mta.send("clara@example.com", (EXAMPLES / "good.eml").read_bytes())[0])
        mta.close()
    return letters


def story(server, path):
    """Yields (sentence, whether it is true)."""
    waiting = slow_ones(path, 2)
    yield "the slow server has been asked", server.keeps.wait(30)
    yield "messages of another domain are judged meanwhile, on every loop", others(path, 8) == ["c"] * 8
    yield "those of the slow domain wait", not any(mta.has_answer() for mta in waiting)
    waiting += slow_ones(path, 100)
    yield "with a hundred waiting, others are judged still", others(path, 8) == ["c"] * 8
    yield "the hundred wait", not any(mta.has_answer() for mta in waiting)
    server.release()
    yield "when the server speaks, all that waited are judged", [mta.verdict() for mta in waiting] == ["c"] * len(waiting)
    for mta in waiting:
        mta.close()


def main():
    with tempfile.TemporaryDirectory(prefix="mailreeve-slow-") as folder:
        server = NameServer(records(), slow="slow.example")
        server.start()
        config = pathlib.Path(folder, "conf")
        config.write_text(SETTINGS.format(folder=folder, port=server.port))
        log = pathlib.Path(folder, "log")
        with log.open("w") as out:
            daemon = subprocess.Popen([sys.argv[1], "serve", "--config", config], stderr=out)
        number, failed = 0, 0
        try:
            if not wait_for(lambda: "started " in log.read_text() or daemon.poll() is not None, 60) or daemon.poll() is not None:
                raise RuntimeError("the daemon did not start")
            for number, (sentence, true) in enumerate(story(server, f"{folder}/sock"), 1):
                failed += not true
                print(f"{'ok' if true else 'not ok'} {number} - {sentence}", flush=True)
        except Exception as trouble:  # a test that stops half-way has failed
            number, failed = number + 1, failed + 1
            print(f"not ok {number} - the test ran to its end\n# {trouble!r}")
        finally:
            server.release()
            daemon.send_signal(signal.SIGTERM)
            status = daemon.wait(60)
        number += 1
        fine = status == 0 and "Sanitizer" not in log.read_text()
        failed += not fine
        print(f"{'ok' if fine else 'not ok'} {number} - the daemon ends by itself, without complaint\n1..{number}")
        if failed:
            print("".join(f"# {line}\n" for line in log.read_text().splitlines()[-20:]))
        return failed > 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""forgery_test.py PROGRAM: messages that show one domain and would prove another.

The attacks of "Composition Kills" (Chen, Paxson, Jiang 2020) and their kin, each
through `mailreeve check` and through the milter of `mailreeve serve`, as an MTA
hands it on (header names with their blanks). A stranger, for whose own domain SPF
passes, writes as victim.example: he is refused, or at least nothing says
dmarc=pass. One honest mail shows that the test can tell the difference. TAP."""
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

PROGRAM = os.path.abspath(sys.argv[1])
CLIENT, HELO = "198.51.100.66", "pc.stranger.example"
ZONE = """victim.example TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.victim.example TXT "v=DMARC1; p=reject"
stranger.example TXT "v=spf1 ip4:198.51.100.66 -all"
pc.stranger.example TXT "v=spf1 ip4:198.51.100.66 -all"
_dmarc.stranger.example TXT "v=DMARC1; p=none"
s1._domainkey.stranger.example TXT "v=DKIM1; p="
"""
SIGNATURE = (b"DKIM-Signature: v=1; a=rsa-sha256; d=%s; s=%s; h=from;\r\n"
             b" bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n")
BAD, GOOD = b"boss@victim.example", b"x@stranger.example"
MINE = "x@stranger.example"

# (sentence, envelope sender, header, how it ends: "refused", or "no pass")
ATTACKS = [
    ("two From fields", MINE, b"From: %s\r\nFrom: %s\r\n" % (BAD, GOOD), "refused"),
    ("two From fields, ours first", MINE, b"From: %s\r\nFrom: %s\r\n" % (GOOD, BAD), "refused"),
    ("a second From in other letters", MINE, b"From: %s\r\nfRoM: %s\r\n" % (GOOD, BAD), "refused"),
    ("a second From with a blank before the colon", MINE, b"From : %s\r\nFrom: %s\r\n" % (BAD, GOOD), "refused"),
    ("a second From with a tab before the colon", MINE, b"From: %s\r\nFrom\t: %s\r\n" % (GOOD, BAD), "refused"),
    ("From with a blank before the colon alone", MINE, b"From : %s\r\n" % BAD, "refused"),
    ("From folded before the colon", MINE, b"From\r\n : %s\r\nFrom: %s\r\n" % (BAD, GOOD), "refused"),
    ("a From that begins with a blank, and another", MINE, b"X: y\r\n From: %s\r\nFrom: %s\r\nFrom: a@b\r\n" % (BAD, GOOD), "refused"),
    ("a Sender that passes is nobody's From", MINE, b"Sender: %s\r\nFrom: %s\r\n" % (GOOD, BAD), "refused"),
    ("a Resent-From is nobody's From", MINE, b"Resent-From: %s\r\nFrom: %s\r\n" % (GOOD, BAD), "refused"),
    ("no From at all", MINE, b"Sender: %s\r\n" % GOOD, "refused"),
    ("an empty From", MINE, b"From:\r\nSender: %s\r\n" % GOOD, "refused"),
    ("two addresses", MINE, b"From: %s, %s\r\n" % (BAD, GOOD), "refused"),
    ("two addresses, ours first", MINE, b"From: %s, %s\r\n" % (GOOD, BAD), "refused"),
    ("two angles in a row", MINE, b"From: <%s><%s>\r\n" % (BAD, GOOD), "refused"),
    ("an address behind the angle", MINE, b"From: <%s>%s\r\n" % (GOOD, BAD), "refused"),
    ("an address as unquoted name", MINE, b"From: %s <%s>\r\n" % (BAD, GOOD), "refused"),
    ("an address in an open bracket", MINE, b"From: <%s, <%s>\r\n" % (BAD, GOOD), "refused"),
    ("an escaped comma", MINE, b"From: <%s>\\,<%s>\r\n" % (BAD, GOOD), "refused"),
    ("an encoded address", MINE, b"From: =?utf-8?B?Ym9zc0B2aWN0aW0uZXhhbXBsZQ==?=, %s\r\n" % GOOD, "refused"),
    ("an encoded address with its angles", MINE, b"From: =?utf-8?B?PGJvc3NAdmljdGltLmV4YW1wbGU+?= <%s>\r\n" % GOOD, "refused"),
    ("an encoded local part with an @", MINE, b"From: =?utf-8?Q?boss=40victim.example?=@stranger.example\r\n", "refused"),
    ("a comment that closes the angle", MINE, b"From: <%s(>, <%s)>\r\n" % (GOOD, BAD), "refused"),
    ("a comment inside the address", MINE, b"From: boss@victim.example(.stranger.example)\r\n", "refused"),
    ("a comment before the domain", MINE, b"From: <boss@(x)victim.example>\r\n", "refused"),
    ("a quoted local part with an address", MINE, b"From: \"%s\"@stranger.example\r\n" % BAD, "refused"),
    ("a quote that does not end", MINE, b"From: \"<%s> <%s>\r\n" % (BAD, GOOD), "refused"),
    ("a source route", MINE, b"From: <@stranger.example:%s>\r\n" % BAD, "refused"),
    ("a route with victims", MINE, b"From: <@victim.example,@stranger.example:%s>\r\n" % GOOD, "refused"),
    ("a group", MINE, b"From: Board: %s, %s;\r\n" % (BAD, GOOD), "refused"),
    ("two @", MINE, b"From: boss@victim.example@stranger.example\r\n", "refused"),
    ("a control character in the domain", MINE, b"From: boss@victim.example\x01.stranger.example\r\n", "refused"),
    ("a bare CR in the field", MINE, b"From: %s\rFrom: %s\r\n" % (GOOD, BAD), "refused"),
    ("a blank in the domain", MINE, b"From: boss@victim.example .stranger.example\r\n", "refused"),
    ("a full-width dot", MINE, "From: boss@victim\uff0eexample\r\n".encode(), "refused"),
    ("a full-width @", MINE, "From: boss\uff20victim.example@stranger.example\r\n".encode(), "refused"),
    ("a zero-width blank", MINE, "From: boss@vic\u200btim.example\r\n".encode(), "refused"),
    ("a very long list in front", MINE, b"From: " + b"%s, " % GOOD * 600 + BAD + b"\r\n", "refused"),
    ("d= with a NUL as DNS writes it", MINE, SIGNATURE % (rb"victim.example\000.stranger.example", b"s1") + b"From: %s\r\n" % BAD, "refused"),
    ("d= with a control character", MINE, SIGNATURE % (b"victim.example\x02.stranger.example", b"s1") + b"From: %s\r\n" % BAD, "refused"),
    ("d= with a blank", MINE, SIGNATURE % (b"victim.example .stranger.example", b"s1") + b"From: %s\r\n" % BAD, "refused"),
    ("d= of a top level", MINE, SIGNATURE % (b"example", b"s1._domainkey.stranger") + b"From: %s\r\n" % BAD, "refused"),
    ("s= that would ask another domain", MINE, SIGNATURE % (b"victim.example", b"s1._domainkey.stranger.example.x") + b"From: %s\r\n" % BAD, "refused"),
    ("s= with a NUL as DNS writes it", MINE, SIGNATURE % (b"victim.example", rb"s1._domainkey.stranger.example\000") + b"From: %s\r\n" % BAD, "refused"),
    ("d= twice", MINE, SIGNATURE % (b"stranger.example; d=victim.example", b"s1") + b"From: %s\r\n" % BAD, "refused"),
    ("MAIL FROM with two @", "boss@victim.example@stranger.example", b"From: %s\r\n" % BAD, "refused"),
    ("MAIL FROM with two addresses", "boss@victim.example,x@stranger.example", b"From: %s\r\n" % BAD, "refused"),
    ("MAIL FROM with a route", "@victim.example:x@stranger.example", b"From: %s\r\n" % BAD, "refused"),
    ("MAIL FROM with a comment", "x@stranger.example(boss@victim.example", b"From: %s\r\n" % BAD, "refused"),
    ("MAIL FROM with a NUL as DNS writes it", "x@victim.example\\000.stranger.example", b"From: %s\r\n" % BAD, "refused"),
    ("no MAIL FROM, and a HELO that passes", "", b"From: %s\r\n" % BAD, "refused"),
    ("MAIL FROM without a domain, and a HELO that passes", "stranger.example", b"From: a@pc.stranger.example\r\n", "no pass"),
    ("a field in our name says pass", MINE, b"Authentication-Results: gate.example.net; dmarc=pass header.from=victim.example\r\nFrom: %s\r\n" % BAD, "refused"),
    ("a Received-SPF that says pass", MINE, b"Received-SPF: pass\r\nFrom: %s\r\n" % BAD, "refused"),
    ("an X-Mailreeve that says accept", MINE, b"X-Mailreeve: accept; reason=accept.aligned\r\nFrom: %s\r\n" % BAD, "refused"),
    ("an ARC set that says pass and was never sealed", MINE,
     b"ARC-Seal: i=1; a=rsa-sha256; d=victim.example; s=s1; cv=none; b=AAAA\r\nARC-Authentication-Results: i=1; victim.example; dmarc=pass\r\n"
     b"ARC-Message-Signature: i=1; a=rsa-sha256; d=victim.example; s=s1; h=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n"
     b"From: %s\r\n" % BAD, "refused"),
]
HONEST = ("an honest mail passes", MINE, b"From: %s\r\n" % GOOD, "pass")


def fault_of(want, refused, passed, seen):
    good = {"refused": refused and not passed, "no pass": not passed, "pass": passed and not refused}[want]
    return None if good else seen


def checked(folder, sender, header, want):
    done = subprocess.run([PROGRAM, "check", "--json", "--config", "/dev/null", "--dns", f"{folder}/zone", "--ip", CLIENT, "--helo", HELO,
                           "--mail-from", sender, "-"], input=header + b"\r\nbody\r\n", capture_output=True)
    if done.returncode not in (0, 1, 75):
        return f"exit status {done.returncode}: {done.stderr.decode()[-500:]}"
    account = json.loads(done.stdout)
    said = f"{account['decision']['action']}, {account['dmarc']['result']}, {account['authentication_results']}"
    return fault_of(want, account["decision"]["action"] == "reject", account["dmarc"]["result"] == "pass", said)


def fields_of(header):
    """Names and values as an MTA has them; what is no field ends the header."""
    for whole in re.findall(rb"[^\r\n]*(?:\r(?!\n)[^\r\n]*)*(?:\r\n[ \t][^\r\n]*)*\r\n", header):
        name, colon, value = whole.removesuffix(b"\r\n").partition(b":")
        if not colon or b"\r\n" in name or not name.strip():
            return
        yield name, value.replace(b"\r\n", b"\n")


class Milter:
    """An MTA's side of one connection; everything is answered."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(path)
        self.say(b"O", struct.pack("!III", 6, 0x1ff, 0x100000))
        self.hear()

    def say(self, command, payload=b""):
        self.socket.sendall(struct.pack("!I", len(payload) + 1) + command + payload)

    def take(self, n):
        octets = b""
        while len(octets) < n:
            more = self.socket.recv(n - len(octets))
            if not more:
                raise EOFError("the milter has hung up")
            octets += more
        return octets

    def hear(self):
        frame = self.take(struct.unpack("!I", self.take(4))[0])
        return frame[:1], frame[1:]

    def ask(self, command, payload=b""):
        self.say(command, payload)
        return self.hear()[0]


def milted(path, sender, header, want):
    m = Milter(path)
    m.ask(b"C", b"unknown\0" b"4" + struct.pack("!H", 4711) + CLIENT.encode() + b"\0")
    m.ask(b"H", HELO.encode() + b"\0")
    m.ask(b"M", f"<{sender}>".encode() + b"\0")
    m.ask(b"R", b"<r@example.net>\0")
    m.ask(b"T")
    for name, value in fields_of(header):
        m.ask(b"L", name + b"\0" + value + b"\0")
    m.ask(b"N")
    m.ask(b"B", b"body\r\n")
    m.say(b"E")
    answer, payload = m.hear()
    inserted = b""
    while answer in b"imq":
        inserted += payload if answer == b"i" else b""
        answer, payload = m.hear()
    m.socket.close()
    return fault_of(want, answer == b"y" and payload.startswith(b"550"), b"dmarc=pass" in inserted, f"{answer} {payload} {inserted}")


def serve(folder):
    pathlib.Path(folder, "conf").write_text(f"listen = unix:{folder}/socket\nhostname = gate.example.net\nthreads = 1\n"
                                            f"dns {{ zone_file = {folder}/zone }}\n")
    process = subprocess.Popen([PROGRAM, "serve", "--config", f"{folder}/conf"], stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 20
    while not os.path.exists(f"{folder}/socket") and process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    return process


def main():
    with tempfile.TemporaryDirectory(prefix="mailreeve-forgery-") as folder:
        pathlib.Path(folder, "zone").write_text(ZONE)
        process = serve(folder)
        cases = [HONEST, *ATTACKS]
        print(f"1..{2 * len(cases) + 1}", flush=True)
        number = bad = 0
        for sentence, sender, header, want in cases:
            for door, run, where in (("check", checked, folder), ("milter", milted, f"{folder}/socket")):
                number += 1
                try:
                    fault = run(where, sender, header, want)
                except (EOFError, OSError) as e:
                    fault = str(e)
                bad += fault is not None
                print(f"{'not ok' if fault else 'ok'} {number} - {door}: {sentence}: {want}")
                for line in (fault or "").splitlines():
                    print(f"#   {line}")
        process.send_signal(signal.SIGTERM)
        err = process.communicate(timeout=60)[1]
        clean = process.returncode == 0 and "Sanitizer" not in err and "runtime error:" not in err
        print(f"{'ok' if clean else 'not ok'} {number + 1} - the gateway lives through all of it")
        if not clean:
            print("#   " + err[-3000:].replace("\n", "\n#   "))
        return 1 if bad or not clean else 0


if __name__ == "__main__":
    sys.exit(main())

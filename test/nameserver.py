"""nameserver.py: a name server on loopback that knows what it is told, and keeps some answers back.

`records` maps (name in lower case, type number) to lists of rdata. Questions for
`slow` or below it wait: for `delay` seconds, or with None until release()."""
import socket
import struct
import threading
import time

A, SOA, MX, TXT = 1, 6, 15, 16
NO_ERROR, NXDOMAIN = 0, 3


def text(value):
    """The rdata of a TXT record."""
    octets = value.encode()
    pieces = [octets[at:at + 255] for at in range(0, len(octets), 255)] or [b""]
    return b"".join(bytes([len(p)]) + p for p in pieces)


def read_name(packet, at):
    """The name in lower case, and where it ends. Questions hold no pointers."""
    labels = []
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]])
        at += 1 + packet[at]
    return b".".join(labels).decode("latin-1").lower(), at + 1


class NameServer(threading.Thread):
    def __init__(self, records, slow=None, delay=None):
        super().__init__(daemon=True)
        self.records = records
        self.slow, self.delay = slow, delay
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.kept = []
        self.keeps = threading.Event()  # a question waits
        self.lock = threading.Lock()
        self.released = False

    def answer(self, packet):
        name, end = read_name(packet, 12)
        kind = struct.unpack("!H", packet[end:end + 2])[0]
        found = self.records.get((name, kind), [])
        known = any(n == name or n.endswith("." + name) for n, _ in self.records)
        body = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 300, len(rdata)) + rdata for rdata in found)
        if not found:  # the root's SOA says how long there is nothing
            rdata = b"\0\0" + struct.pack("!5I", 1, 3600, 600, 86400, 300)
            body = b"\0" + struct.pack("!HHIH", SOA, 1, 300, len(rdata)) + rdata
        flags = 0x8580 | (NO_ERROR if known else NXDOMAIN)
        return packet[:2] + struct.pack("!5H", flags, 1, len(found), 0 if found else 1, 0) + packet[12:end + 4] + body, name

    def is_slow(self, name):
        return self.slow is not None and (name == self.slow or name.endswith("." + self.slow))

    def run(self):
        while True:
            try:
                packet, peer = self.socket.recvfrom(4096)
            except OSError:
                return
            reply, name = self.answer(packet)
            if not self.is_slow(name):
                self.socket.sendto(reply, peer)
            elif self.delay is not None:
                threading.Timer(self.delay, self.socket.sendto, (reply, peer)).start()
            else:
                self.keep(reply, peer)

    def keep(self, reply, peer):
        with self.lock:
            if self.released:
                self.socket.sendto(reply, peer)
            else:
                self.kept.append((reply, peer))
        self.keeps.set()

    def release(self):
        with self.lock:
            self.released = True
            for reply, peer in self.kept:
                self.socket.sendto(reply, peer)
            self.kept.clear()


# The bit of the negotiation by which a milter says that it will not answer this step.
QUIET = {"C": 0x1000, "H": 0x2000, "M": 0x4000, "R": 0x8000, "L": 0x80, "N": 0x40000, "B": 0x80000}


class Mta:
    """The MTA's part of the milter protocol: one connection, version 6, all steps offered."""

    def __init__(self, path, client="192.0.2.10", helo="mail.example.com"):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(path)
        self.put("O", struct.pack("!3I", 6, 0x1ff, 0x1fffff))
        self.steps = struct.unpack("!3I", self.hear()[1][:12])[2]
        self.say("C", b"mail.example.com\0" + b"4" + struct.pack("!H", 25) + client.encode() + b"\0")
        self.say("H", helo.encode() + b"\0")

    def put(self, command, payload=b""):
        self.socket.sendall(struct.pack("!I", len(payload) + 1) + command.encode() + payload)

    def octets(self, count):
        got = b""
        while len(got) < count:
            more = self.socket.recv(count - len(got))
            if not more:
                raise ConnectionError("the milter hung up")
            got += more
        return got

    def hear(self):
        frame = self.octets(struct.unpack("!I", self.octets(4))[0])
        return chr(frame[0]), frame[1:]

    def say(self, command, payload=b""):
        """The letter of the answer; "" where none is due."""
        self.put(command, payload)
        return "" if self.steps & QUIET[command] else self.hear()[0]

    def content(self, sender, message, recipient="rosa@example.net"):
        """A message up to its end, whose answer verdict() awaits."""
        head, _, body = message.replace(b"\r\n", b"\n").partition(b"\n\n")
        self.say("M", b"<" + sender.encode() + b">\0")
        self.say("R", b"<" + recipient.encode() + b">\0")
        for field in head.replace(b"\n ", b"\r ").replace(b"\n\t", b"\r\t").split(b"\n"):
            name, _, value = field.partition(b":")
            self.say("L", name + b"\0" + value.replace(b"\r", b"\n") + b"\0")
        self.say("N")
        self.say("B", body.replace(b"\n", b"\r\n"))
        self.put("E")

    def verdict(self):
        """The letter of the answer to a message; changes before it are passed over."""
        while True:
            letter, _ = self.hear()
            if letter in "ardtcy":
                return letter

    def send(self, sender, message):
        began = time.monotonic()
        self.content(sender, message)
        return self.verdict(), time.monotonic() - began

    def has_answer(self):
        """Whether an octet of an answer lies there."""
        self.socket.setblocking(False)
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return False
        finally:
            self.socket.settimeout(60)

    def close(self):
        self.put("Q")
        self.socket.close()

#!/usr/bin/env python3
"""e2e_test.py PROGRAM: mailreeve behind a real, private Postfix. TAP; each test is a sentence that is true when it passes.

Replies are compared whole, as the client sees them; only ids differ from run to run."""
import email.parser
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback

import gate
from cases import CASES

ID = re.compile(r"\b[A-Z2-7]{12}\b")
TESTS = []

# Doors, each with a daemon of its own; what stands here comes behind the settings of examples/.
DOORS = {
    "main": "",
    "monitor": "mode = monitor",
    "hold": "dmarc {\n quarantine = hold\n}",
    "iana": "code_style = iana\nwhy_url = https://gate.example.net/why",
    "strict": "dmarc {\n on_reject = strict\n}",
    gate.CHROOTED: "",  # its smtpd sees the queue directory only
    "signing": "",  # OpenDKIM is asked before us
    "mortal": "",  # this one is killed
    "reload": "",
    "drain": "",
}
TROUBLES = ("timeout", "servfail", "bogus")


def zone():
    """examples/zone and domains with every kind of DNS trouble at every place that matters."""
    more = []
    for kind in TROUBLES:
        more += [f"spf-{kind}.example TXT !{kind}", f'_dmarc.spf-{kind}.example TXT "v=DMARC1; p=reject"',
                 f'key-{kind}.example TXT "v=spf1 -all"', f"s1._domainkey.key-{kind}.example TXT !{kind}",
                 f'_dmarc.key-{kind}.example TXT "v=DMARC1; p=reject"',
                 f'record-{kind}.example TXT "v=spf1 -all"', f"_dmarc.record-{kind}.example TXT !{kind}"]
    return (gate.EXAMPLES / "zone").read_text() + "\n".join(more) + "\n"


def test(sentence):
    def keep(function):
        TESTS.append((sentence, function))
        return function
    return keep


def same(got, want):
    if got != want:
        raise AssertionError(f"wanted:\n{want}\ngot:\n{got}")


def holds(condition, what):
    if not condition:
        raise AssertionError(what)


def masked(reply):
    """The reply without what differs from run to run; all its account ids must be one."""
    ids = set(ID.findall(reply))
    holds(len(ids) <= 1, f"one reply names several accounts: {reply}")
    return re.sub(r"queued as \S+", "queued as QUEUE", ID.sub("ID", reply))


def example(name):
    return (gate.EXAMPLES / f"{name}.eml").read_bytes()


def marked(octets, mark):
    """The same message with an unsigned field to find it by."""
    return f"X-Mark: {mark}\n".encode() + octets


def forged(mark):
    return marked(example("forged-reject"), mark)


STRANGER = {"client": "198.51.100.66", "helo": "pc.stranger.example"}
ACCEPTED = "250 2.0.0 Ok: queued as QUEUE"
REFUSED = ("550-5.7.509 Access denied, sending domain example.com does not pass DMARC verification and has a DMARC policy of reject. [ID]\n"
           "550 5.7.509 SPF fail for 198.51.100.66, DKIM none; the owner of example.com can fix this [ID]")

# What the client of each mail of the demo reads, and the field a delivered one carries.
REPLIES = {
    "good": (ACCEPTED, "accept; reason=accept.aligned; id=ID"),
    "forged-reject": (REFUSED, None),
    "forged-quarantine": (ACCEPTED, "quarantine; reason=dmarc.quarantine; id=ID"),
    "mailing-list": (ACCEPTED, "quarantine; reason=dmarc.mailing-list; id=ID"),
    "arc": (ACCEPTED, "accept; reason=accept.trusted-sealer; id=ID"),
    "eleven-lookups": (
        "550-5.7.509 Access denied, sending domain many.example does not pass DMARC verification and has a DMARC policy of reject. [ID]\n"
        "550 5.7.509 SPF permerror for 192.0.2.99 of many.example (spf.too-many-lookups: 11 of 10 lookups, at include:p11.many.example), "
        "DKIM none; the owner of many.example can fix this [ID]", None),
    "two-from": (
        "550-5.7.512 Access denied, message must be RFC 5322 section 3.6.2 compliant: it has more than one From. [ID]\n"
        "550 5.7.512 2 From fields; the sender can fix this [ID]", None),
    "dns-down": (
        "451-4.7.26 Temporary DNS failures prevent authentication of down.example; try again later. [ID]\n"
        "451 4.7.26 SPF fail for 198.51.100.70, DKIM none, DMARC temperror (dmarc.dns-timeout: timeout at _dmarc.down.example); "
        "the owner of down.example can fix this [ID]", None),
    "forged-list": (
        "550-5.7.509 Access denied, sending domain example.com does not pass DMARC verification and has a DMARC policy of reject. [ID]\n"
        "550 5.7.509 SPF pass for 198.51.100.66 of stranger.example, which is not aligned with From, DKIM none; "
        "the owner of example.com can fix this [ID]", None),
    "altered": (ACCEPTED, "quarantine; reason=dmarc.altered; id=ID"),
}


def fields(octets, name):
    message = email.parser.BytesParser().parsebytes(octets)
    return [re.sub(r"\s+", " ", str(value)) for value in message.get_all(name, [])]


def tag(octets):
    """The one X-Mailreeve field, id masked."""
    found = fields(octets, "X-Mailreeve")
    holds(len(found) == 1, f"one X-Mailreeve field, not {found}")
    return ID.sub("ID", found[0])


# ---- the mails of the demo ----

def demo_case(case):
    @test(f"as the client sees it: {case.title[0].lower()}{case.title[1:]}")
    def run(g):
        reply, field = REPLIES[case.name]
        smtp = g.client(client=case.client, helo=case.helo)
        got = smtp.send(case.sender, marked(example(case.name), f"demo-{case.name}") if case.name != "two-from" else example(case.name))
        smtp.close()
        same(masked(got), reply)
        if field is None:
            accounts = ID.findall(got)
            holds(accounts and gate.wait_for(lambda: accounts[0] in g.reeve.log()), "the log has the account's id")
            holds(not g.postfix.queue(), "nothing is left in the queue")
        else:
            delivered = g.postfix.delivered(f"X-Mark: demo-{case.name}\n")
            holds(delivered, "it was delivered")
            same(tag(delivered), field)
            results = fields(delivered, "Authentication-Results")
            holds(results and results[0].startswith("gate.example.net;"), f"our Authentication-Results come first: {results}")


for one in CASES:
    demo_case(one)


@test("code_style = iana and why_url: registered codes, and a third line with the link")
def iana(g):
    smtp = g.client("iana", **STRANGER)
    same(masked(smtp.send("clara@example.com", forged("iana"))),
         "550-5.7.26 Access denied, sending domain example.com does not pass DMARC verification and has a DMARC policy of reject. [ID]\n"
         "550-5.7.26 SPF fail for 198.51.100.66, DKIM none; the owner of example.com can fix this [ID]\n"
         "550 5.7.26 https://gate.example.net/why/ID")
    smtp.close()


@test("on_reject = strict refuses list mail and altered mail too")
def strict(g):
    for name, client, helo, sender, *_ in CASES:
        if name in ("mailing-list", "altered"):
            smtp = g.client("strict", client=client, helo=helo)
            reply = smtp.send(sender, example(name))
            holds(reply.startswith("550-5.7.509 Access denied, sending domain example.com"), f"{name}: {reply}")
            smtp.close()


# ---- DNS trouble ----

def trouble_case(place, kind):
    word = {"spf": "spf", "key": "dkim", "record": "dmarc"}[place]

    @test(f"{kind} for the {place}: 451, and the reply names what happened")
    def run(g):
        domain = f"{place}-{kind}.example"
        mail = (f"From: a@{domain}\nTo: rosa@example.net\nSubject: x\nDate: Mon, 02 Jun 2025 12:00:00 +0000\nMessage-ID: <{domain}@mail.invalid>\n\n"
                "Text.\n")
        if place == "key":
            mail = (f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s=s1; h=from:to:subject;\n"
                    " bh=" + "A" * 43 + "=; b=" + "A" * 342 + "==\n" + mail)
        smtp = g.client(client="198.51.100.70", helo="mail.stranger.example")
        reply = masked(smtp.send(f"a@{domain}", mail.encode()))
        smtp.close()
        first, _, second = reply.partition("\n")
        same(first, f"451-4.7.26 Temporary DNS failures prevent authentication of {domain}; try again later. [ID]")
        holds(re.match(rf"451 4\.7\.26 .*\b{word}\.dns-{kind}\b.*; the owner of {domain} can fix this \[ID\]$", second), second)


for a_place in ("spf", "key", "record"):
    for a_kind in TROUBLES:
        trouble_case(a_place, a_kind)


# ---- whose mail is judged ----

def recorded(g, smtp, mark, reason):
    """A forged mail that is let in, for this reason, and logged with what it would have been judged by."""
    same(masked(smtp.send("clara@example.com", forged(mark))), ACCEPTED)
    smtp.close()
    delivered = g.postfix.delivered(f"X-Mark: {mark}\n")
    holds(delivered, "it was delivered")
    same(tag(delivered), f"accept; reason={reason}; id=ID")
    account = ID.search(fields(delivered, "X-Mailreeve")[0]).group()
    line = next(line for line in g.reeve.log().splitlines() if account in line)
    holds(reason in line, f"the log names the reason: {line}")


@test("a client that has logged in is recorded, never refused")
def authenticated(g):
    smtp = g.client(login=True, **STRANGER)
    same(smtp.login, "235 2.7.0 Authentication successful")
    recorded(g, smtp, "authenticated", "accept.authenticated")


@test("a client that failed to log in is judged like any other")
def not_authenticated(g):
    smtp = g.client(**STRANGER)
    same(smtp.say("AUTH PLAIN AHJvc2EAd3Jvbmc=")[:3], "535")
    same(masked(smtp.send("clara@example.com", forged("not-authenticated"))), REFUSED)
    smtp.close()


@test("a client in internal_networks is recorded, never refused")
def internal(g):
    recorded(g, g.client(client="203.0.113.200", helo="desk.example.net"), "internal", "accept.internal")


@test("mail submitted on this host is recorded, never refused")
def local(g):
    done = g.postfix.command("sendmail", "-f", "clara@example.com", "rosa@example.net", text=forged("local").decode())
    same(done.returncode, 0)
    delivered = g.postfix.delivered("X-Mark: local\n")
    holds(delivered, "it was delivered")
    same(tag(delivered), "accept; reason=accept.local; id=ID")


def hop(octets, client, name):
    return (f"Received: from {name} ({name} [{client}])\n\tby mx2.example.net (Postfix) with ESMTP id 4ABC\n"
            "\tfor <rosa@example.net>; Mon, 02 Jun 2025 12:00:01 +0000 (UTC)\n").encode() + octets


@test("behind trusted_hops the first foreign hop is judged: refused by its address")
def hop_forged(g):
    smtp = g.client(client="203.0.113.53", helo="mx2.example.net")
    same(masked(smtp.send("clara@example.com", hop(forged("hop"), "198.51.100.66", "pc.stranger.example"))), REFUSED)
    smtp.close()


@test("behind trusted_hops the first foreign hop is judged: accepted by its address")
def hop_good(g):
    smtp = g.client(client="203.0.113.53", helo="mx2.example.net")
    same(masked(smtp.send("clara@example.com", hop(forged("hop-good"), "192.0.2.10", "mail.example.com"))), ACCEPTED)
    smtp.close()
    delivered = g.postfix.delivered("X-Mark: hop-good\n")
    same(tag(delivered), "accept; reason=accept.aligned; id=ID")
    holds("spf=pass" in fields(delivered, "Authentication-Results")[0], "SPF passed for the client of the backup MX")


@test("a Received field of a stranger is not believed")
def hop_stranger(g):
    smtp = g.client(**STRANGER)
    same(masked(smtp.send("clara@example.com", hop(forged("hop-stranger"), "192.0.2.10", "mail.example.com"))), REFUSED)
    smtp.close()


# ---- what is done to the message ----

FOREIGN = (b"Authentication-Results:   other.example.org ;\n\t dmarc=pass (p=none)  header.from=example.com;\n  spf=pass\n",
           b"AUTHENTICATION-results: gate.example.net.evil.example; dkim=pass\n",
           b"Authentication-Results: \"a b\" 1; none\n")
OURS = (b"Authentication-Results: gate.example.net; dmarc=pass header.from=example.com (forged-1)\n",
        b"authentication-results:\n\tGATE.example.net 1; spf=pass (forged-2)\n",
        b"Authentication-Results: (a comment) \"gate.example.net\"; none (forged-3)\n")


@test("Authentication-Results forged in our name are removed; foreign ones stay byte for byte")
def results(g):
    mail = OURS[0] + FOREIGN[0] + OURS[1] + FOREIGN[1] + FOREIGN[2] + b"X-Mailreeve: accept; reason=forged\n" + OURS[2] + \
        marked(example("good"), "results")
    smtp = g.client()
    same(masked(smtp.send("clara@example.com", mail)), ACCEPTED)
    smtp.close()
    delivered = g.postfix.delivered("X-Mark: results\n")
    holds(b"forged" not in delivered, f"nothing forged is left:\n{delivered.decode()}")
    for field in FOREIGN:
        holds(field in delivered, f"left as it was: {field}")
    header = delivered.split(b"\n\n")[0]
    same(len(re.findall(rb"(?im)^authentication-results:", header)), 4)
    holds(delivered.index(b"Authentication-Results: gate.example.net") < delivered.index(FOREIGN[0]), "ours comes first")
    same(delivered[delivered.index(b"DKIM-Signature:"):], example("good"))


@test("quarantine = hold puts the message in the hold queue, with the reason in a field; released, it is delivered")
def hold(g):
    smtp = g.client("hold", **STRANGER)
    same(masked(smtp.send("orders@shop.example", marked(example("forged-quarantine"), "hold"))), ACCEPTED)
    smtp.close()
    holds(gate.wait_for(lambda: len(g.postfix.queue("hold")) == 1), "it is in the hold queue")
    same(g.postfix.delivered("X-Mark: hold\n", 0.5), None)
    same(g.postfix.command("postsuper", "-H", "ALL").returncode, 0)
    g.postfix.command("postqueue", "-f")
    delivered = g.postfix.delivered("X-Mark: hold\n")
    holds(delivered, "released, it was delivered")
    same(tag(delivered), "hold; reason=dmarc.quarantine; id=ID")


@test("mode = monitor lets the forged mail in, and logs what it would have done")
def monitor(g):
    smtp = g.client("monitor", **STRANGER)
    same(masked(smtp.send("clara@example.com", forged("monitor"))), ACCEPTED)
    smtp.close()
    same(tag(g.postfix.delivered("X-Mark: monitor\n")), "accept; mode=monitor; would=reject; reason=dmarc.reject; id=ID")
    line = next((line for line in g.reeves["monitor"].log().splitlines() if "dmarc.reject" in line), "")
    holds("monitor" in line, f"the log line says so: {line or g.reeves['monitor'].log()}")


@test("an smtpd in a chroot reaches a socket in the queue directory")
def chroot(g):
    smtp = g.client(gate.CHROOTED, **STRANGER)
    same(masked(smtp.send("clara@example.com", forged("chroot"))), REFUSED)
    smtp.close()


@test("several recipients and several mails in one session are each answered")
def several(g):
    smtp = g.client()
    for mark in ("several-1", "several-2"):
        same(masked(smtp.send("clara@example.com", marked(example("good"), mark), "rosa@example.net", "tom@example.net")), ACCEPTED)
        holds(g.postfix.delivered(f"X-Mark: {mark}\n"), mark)
    smtp.close()


@test("RSET forgets the sender; the next mail is judged by its own")
def rset(g):
    smtp = g.client(**STRANGER)
    smtp.envelope("nobody@stranger.example")
    same(smtp.say("RSET")[:3], "250")
    same(masked(smtp.send("clara@example.com", forged("rset"))), REFUSED)
    smtp.close()


@test("a mail of nine megabytes is judged and delivered whole")
def large(g):
    text = b"".join(b"%07d the quick brown fox jumps over the lazy dog and on\n" % n for n in range(150000))
    mail = b"X-Mark: large\n" + example("forged-quarantine").split(b"\n\n")[0] + b"\n\n" + text
    smtp = g.client(client="192.0.2.80", helo="out.shop.example")
    same(masked(smtp.send("orders@shop.example", mail)), ACCEPTED)
    smtp.close()
    delivered = g.postfix.delivered("X-Mark: large\n")
    holds(delivered.endswith(b"\n\n" + text), "the body is the same")


@test("OpenDKIM in Mode s beside us signs mail that goes out, and we verify what it signed")
def opendkim(g):
    if g.signer is None:
        return "opendkim is not under build/root"
    smtp = g.client("signing", login=True, **STRANGER)
    mail = marked(b"From: Rosa <rosa@example.net>\nTo: tom@example.net\nSubject: signed\nDate: Mon, 02 Jun 2025 12:00:00 +0000\n\nText.\n", "signed")
    same(masked(smtp.send("rosa@example.net", mail)), ACCEPTED)
    smtp.close()
    delivered = g.postfix.delivered("X-Mark: signed\n")
    holds(delivered and any("d=example.net; s=s1" in f for f in fields(delivered, "DKIM-Signature")), f"it is signed:\n{delivered}")
    same(tag(delivered), "accept; reason=accept.authenticated; id=ID")
    file = pathlib.Path(g.work, "signed.eml")
    file.write_bytes(delivered)
    check = g.reeve.replay(file, "203.0.113.9", "other.example.org", "rosa@example.net")
    holds(check.returncode == 0 and "dkim.verified" in check.stdout + check.stderr, check.stdout + check.stderr)
    return None


@test("OpenDKIM in Mode s beside us leaves foreign mail alone, and the forgery is refused")
def opendkim_foreign(g):
    if g.signer is None:
        return "opendkim is not under build/root"
    smtp = g.client("signing", **STRANGER)
    same(masked(smtp.send("clara@example.com", forged("signing-forged"))), REFUSED)
    same(masked(smtp.send("orders@shop.example", marked(example("forged-quarantine"), "signing-foreign"))), ACCEPTED)
    smtp.close()
    delivered = g.postfix.delivered("X-Mark: signing-foreign\n")
    same(fields(delivered, "DKIM-Signature"), [])
    same(tag(delivered), "quarantine; reason=dmarc.quarantine; id=ID")
    return None


# ---- the daemon's life ----

@test("killed in mid-message: the client gets 451, the queue stays empty, and the next daemon goes on")
def killed(g):
    reeve = g.reeves["mortal"]
    smtp = g.client("mortal")
    smtp.envelope("clara@example.com")
    same(smtp.say("DATA")[:3], "354")
    whole = smtp.dotted(marked(example("good"), "killed"))
    smtp.socket.sendall(whole[:400])
    same(reeve.end(signal.SIGKILL), -9)
    smtp.socket.sendall(whole[400:] + b".\r\n")
    same(smtp.reply(), "451 4.7.1 Service unavailable - try again later")
    smtp.close()
    same(g.postfix.queue(), [])
    same(g.postfix.delivered("X-Mark: killed\n", 0.5), None)
    reeve.start()
    smtp = g.client("mortal")
    same(masked(smtp.send("clara@example.com", marked(example("good"), "killed-again"))), ACCEPTED)
    smtp.close()
    holds(g.postfix.delivered("X-Mark: killed-again\n"), "tried again, it was delivered")


def load(g, door, clients, mails, replies):
    def work(number):
        try:
            smtp = g.client(door)
            for n in range(mails):
                replies.append((f"{door}-{number}-{n}.", masked(smtp.send("clara@example.com", marked(example("good"), f"{door}-{number}-{n}.")))))
            smtp.close()
        except Exception as fault:  # counted as a lost mail
            replies.append((f"{door}-{number}", repr(fault)))
    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    return threads


@test("reloading under load loses nothing")
def reload_under_load(g):
    replies, reloads = [], 0
    threads = load(g, "reload", 6, 40, replies)
    while any(thread.is_alive() for thread in threads):
        g.reeves["reload"].tell(signal.SIGHUP)
        reloads += 1
        time.sleep(0.01)
    for thread in threads:
        thread.join()
    holds(reloads >= 5, f"reloaded only {reloads} times")
    same([reply for reply in replies if reply[1] != ACCEPTED], [])
    same(len(replies), 240)
    for mark, _ in replies:
        holds(g.postfix.delivered(f"X-Mark: {mark}\n"), f"{mark} was delivered")


@test("reloading changes settings, for a transaction that begins afterwards")
def reload_settings(g):
    reeve = g.reeves["reload"]
    smtp = g.client("reload", **STRANGER)
    smtp.envelope("clara@example.com")
    reeve.settings("code_style = iana")
    reeve.tell(signal.SIGHUP)
    time.sleep(0.5)
    same(masked(smtp.data(forged("reload-before"))), REFUSED)
    second = smtp.send("clara@example.com", forged("reload-after"))
    smtp.close()
    holds(second.startswith("550-5.7.26 "), second)


@test("settings that are wrong are refused at reload, with their line; the old ones stay")
def reload_wrong(g):
    reeve = g.reeves["reload"]
    reeve.settings("code_style = martian")
    reeve.tell(signal.SIGHUP)
    line = gate.wait_for(lambda: next((line for line in reeve.log().splitlines() if "martian" in line or "reload.conf:" in line), None))
    holds(line, f"the log names the fault:\n{reeve.log()[-2000:]}")
    smtp = g.client("reload", **STRANGER)
    holds(smtp.send("clara@example.com", forged("reload-wrong")).startswith("550-5.7.26 "), "the last good settings hold")
    smtp.close()


@test("SIGTERM drains: a message under way is answered, then the daemon ends with 0")
def drain(g):
    reeve = g.reeves["drain"]
    smtp = g.client("drain")
    smtp.envelope("clara@example.com")
    reeve.tell(signal.SIGTERM)
    time.sleep(0.5)
    same(reeve.process.poll(), None)
    late = g.client("drain")
    refused = [reply for reply in late.envelope("clara@example.com") if reply[0] != "2"]
    holds(refused and refused[0][0] == "4", f"a session that comes now is told to try again later: {refused}")
    late.close()
    same(masked(smtp.data(marked(example("good"), "drain"))), ACCEPTED)
    smtp.close()
    holds(g.postfix.delivered("X-Mark: drain\n"), "it was delivered")
    process, reeve.process = reeve.process, None
    try:
        same(process.wait(45), 0)
    finally:
        process.kill()


@test("at the end nothing is left in the queue, and no daemon has died or complained of a fault of its own")
def the_end(g):
    holds(gate.wait_for(lambda: not g.postfix.queue()), f"left in the queue: {g.postfix.queue()}")
    for name, reeve in g.reeves.items():
        if name != "drain":
            same((name, reeve.process.poll()), (name, None))
        holds("AddressSanitizer" not in reeve.log() and "runtime error" not in reeve.log(), reeve.log()[-4000:])
    bad = [line for line in g.postfix.log().splitlines() if re.search(r"milter.*(unreasonable|can't read|malformed|unexpected)", line)
           and not any(f"{name}.sock" in line for name in ("mortal", "drain"))]
    same(bad, [])


# ---- OpenDKIM beside us ----

class Signer:
    """opendkim in Mode s, from build/root, with the key of example.net."""

    def __init__(self, work):
        self.socket = f"{work}/opendkim.sock"
        key = f"{work}/example.net.pem"
        shutil.copy(gate.EXAMPLES / "keys/example.net.pem", key)
        os.chmod(key, 0o600)
        config = pathlib.Path(work, "opendkim.conf")
        config.write_text(f"Mode s\nDomain example.net\nSelector s1\nKeyFile {key}\nSocket local:{self.socket}\nUMask 000\n"
                          f"Canonicalization relaxed/simple\nSyslog no\nRequireSafeKeys no\nInternalHosts 127.0.0.1\n")
        self.process = subprocess.Popen([f"{gate.ROOT}/usr/sbin/opendkim", "-f", "-x", str(config)], stdout=open(f"{work}/log/opendkim", "w"),
                                        stderr=subprocess.STDOUT, env={"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": gate.LIBRARIES})
        if not gate.wait_for(lambda: os.path.exists(self.socket)):
            raise RuntimeError("opendkim did not start: " + pathlib.Path(f"{work}/log/opendkim").read_text())

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(7)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def run_all(program, wanted):
    tests = [t for t in TESTS if not wanted or any(word in t[0] for word in wanted)]
    print(f"1..{len(tests)}", flush=True)
    bad = 0
    g = gate.Gate(program, DOORS, zone())
    g.signer = None
    try:
        if (gate.ROOT / "usr/sbin/opendkim").exists():
            g.signer = Signer(g.work)
            g.postfix.beside("signing", g.signer.socket)
        g.__enter__()
        for number, (sentence, function) in enumerate(tests, 1):
            try:
                skipped = function(g)
                print(f"ok {number} - {sentence}" + (f" # SKIP {skipped}" if skipped else ""), flush=True)
            except Exception as fault:
                bad += 1
                print(f"not ok {number} - {sentence}")
                where = "" if isinstance(fault, AssertionError) else traceback.format_exc()
                for line in f"{fault}\n{where}".splitlines():
                    print(f"#   {line}", flush=True)
    finally:
        if g.signer:
            g.signer.end()
        g.__exit__()
    return 1 if bad else 0


def main():
    hindrance = gate.why_not()
    if hindrance and os.geteuid() != 0 and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        os.execvp("sudo", ["sudo", "-n", "--preserve-env", sys.executable, *sys.argv])
    if hindrance:
        print(f"1..0 # SKIP the {len(TESTS)} tests with Postfix: {hindrance}")
        return 0
    return run_all(sys.argv[1], sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())

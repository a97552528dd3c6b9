"""gate.py: a private Postfix with mailreeve as its milter, for the demo and the end-to-end tests.

Everything lives under one temporary folder: configuration, queue, log, mail
boxes. Postfix runs from build/root (see tools/setup) under accounts that every
Debian has (its daemons as news, its set-gid group uucp, mail boxes of irc), so
no user, file or service of the host is touched. It must be started as root.
Clients are simulated with XCLIENT: any address may be pretended from loopback."""
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
ROOT = pathlib.Path(os.environ.get("MAILREEVE_ROOT", TOP / "build" / "root"))
EXAMPLES = TOP / "examples"
LIBRARIES = ":".join(f"{ROOT}/{path}" for path in ("usr/lib/postfix", f"usr/lib/{os.uname().machine}-linux-gnu", "usr/lib"))

# The door of this name has its smtpd in a chroot, as Debian has it: it sees the queue directory only.
CHROOTED = "chroot"

MAIN_CF = """compatibility_level = 3.6
queue_directory = {work}/spool
data_directory = {work}/data
command_directory = {root}/usr/sbin
daemon_directory = {root}/usr/lib/postfix/sbin
meta_directory = {root}/etc/postfix
shlib_directory = {root}/usr/lib/postfix
sendmail_path = {root}/usr/sbin/sendmail
mail_owner = news
setgid_group = uucp
default_privs = nobody
import_environment = MAIL_CONFIG TZ LANG=C LD_LIBRARY_PATH
export_environment = MAIL_CONFIG TZ LANG LD_LIBRARY_PATH
maillog_file = {work}/log/maillog
maillog_file_prefixes = {work}
myhostname = gate.example.net
myorigin = example.net
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 192.168.255.255/32
smtpd_authorized_xclient_hosts = 127.0.0.0/8
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_sasl_authenticated reject_unauth_destination
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = unix:{work}/auth
smtpd_tls_security_level = none
smtpd_client_connection_count_limit = 0
smtpd_error_sleep_time = 0
smtpd_hard_error_limit = 1000
smtpd_soft_error_limit = 1000
alias_maps =
alias_database =
local_recipient_maps =
default_transport = discard:
virtual_mailbox_domains = example.net
virtual_mailbox_base = {work}/mail
virtual_mailbox_maps = static:inbox/
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
milter_protocol = 6
milter_default_action = tempfail
non_smtpd_milters = {local}
"""
MASTER_CF = """{doors}pickup unix n - n 1 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
discard unix - - n - - discard
retry unix - - n - - error
virtual unix - n n - - virtual
showq unix n - n - - showq
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


def why_not():
    """A sentence when no private Postfix can be run here, else None."""
    if os.geteuid() != 0:
        return "a private Postfix must be started as root"
    if not (ROOT / "usr/sbin/postfix").exists():
        return "no Postfix under build/root: run tools/setup test"
    return None


def wait_for(what, seconds=30):
    """The first true value of what(), or None when the time is up."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value or time.monotonic() > end:
            return value or None
        time.sleep(0.02)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Reeve:
    """`mailreeve serve` with the settings and zone of examples/, and `more` settings behind them."""

    def __init__(self, program, work, more="", zone=None, name="main"):
        self.program, self.work, self.name = os.path.abspath(program), work, name
        self.socket = f"{work}/spool/mailreeve/milter.sock" if name == CHROOTED else f"{work}/{name}.sock"
        os.makedirs(os.path.dirname(self.socket), exist_ok=True)
        self.config = f"{work}/{name}.conf"
        self.zone = f"{work}/zone"
        self.log_path = f"{work}/log/{name}"
        pathlib.Path(self.zone).write_text(zone or (EXAMPLES / "zone").read_text())
        self.process = None
        self.settings(more)

    def settings(self, more=""):
        pathlib.Path(self.config).write_text(f"listen = unix:{self.socket}\nsocket_mode = 0666\nuser = nobody\ngroup = nogroup\n"
                                             + (EXAMPLES / "mailreeve.conf").read_text() + more + "\n")

    def start(self):
        log = open(self.log_path, "a")
        self.process = subprocess.Popen([self.program, "serve", "--config", self.config, "--dns", self.zone], stdout=log, stderr=log, cwd="/")
        if not wait_for(lambda: self.process.poll() is not None or self.answers()) or self.process.poll() is not None:
            raise RuntimeError(f"mailreeve serve did not start:\n{self.log()}")
        return self

    def answers(self):
        with socket.socket(socket.AF_UNIX) as s:
            try:
                s.connect(self.socket)
                return True
            except OSError:
                return False

    def log(self):
        return pathlib.Path(self.log_path).read_text(errors="replace")

    def tell(self, number):
        self.process.send_signal(number)

    def end(self, number=signal.SIGTERM, seconds=15):
        """The exit status; one that does not go is killed, which gives -9."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.process = None
        return status

    def replay(self, file, client, helo, sender, recipient="rosa@example.net", more=()):
        """What `mailreeve check` says of the same message from the same client."""
        command = [self.program, "check", "--config", self.config, "--dns", self.zone, "--ip", client, "--helo", helo, "--mail-from", sender,
                   "--rcpt", recipient, *more, str(file)]
        return subprocess.run(command, capture_output=True, text=True, errors="replace")


class AuthServer(threading.Thread):
    """The few words of Dovecot's authentication protocol that Postfix needs; knows rosa, password rose."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o666)
        self.listener.listen(20)

    def run(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    @staticmethod
    def serve(peer):
        peer.sendall(b"VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\t00112233445566778899aabbccddeeff\nDONE\n")
        for line in peer.makefile("rb"):
            words = line.rstrip(b"\n").split(b"\t")
            if words[0] == b"AUTH":
                right = b"resp=AHJvc2EAcm9zZQ==" in words  # \0rosa\0rose
                peer.sendall(b"OK\t%s\tuser=rosa\n" % words[1] if right else b"FAIL\t%s\n" % words[1])


class Postfix:
    """One smtpd for each door, on a port of its own, with the milter sockets that the door names."""

    def __init__(self, work, doors):
        self.work = work
        self.etc = f"{work}/etc"
        owner = pwd.getpwnam("irc")
        for folder, uid in (("etc", 0), ("spool", 0), ("log", 0), ("data", pwd.getpwnam("news").pw_uid), ("mail", owner.pw_uid)):
            os.makedirs(f"{work}/{folder}", exist_ok=True)
            os.chown(f"{work}/{folder}", uid, -1)
        self.ports = {door: free_port() for door in doors}
        self.doors = {door: list(sockets) for door, sockets in doors.items()}
        self.owner = owner
        self.auth = AuthServer(f"{work}/auth")
        self.auth.start()
        self.process = None

    def beside(self, door, path):
        """Another milter at this door, asked before the others. Before start()."""
        self.doors[door].insert(0, path)

    def write_settings(self):
        def milters(door):
            return " ".join("unix:" + (os.path.relpath(s, f"{self.work}/spool") if door == CHROOTED else s) for s in self.doors[door])
        services = "".join(f"127.0.0.1:{port} inet n - {'y' if door == CHROOTED else 'n'} - 50 smtpd\n  -o {{ smtpd_milters = {milters(door)} }}\n"
                           + ("  -o smtpd_sasl_auth_enable=no\n" if door == CHROOTED else "")
                           for door, port in self.ports.items())
        pathlib.Path(f"{self.etc}/master.cf").write_text(MASTER_CF.format(doors=services))
        pathlib.Path(f"{self.etc}/main.cf").write_text(
            MAIN_CF.format(work=self.work, root=ROOT, uid=self.owner.pw_uid, gid=self.owner.pw_gid, local=milters(next(iter(self.doors)))))

    def environment(self):
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LD_LIBRARY_PATH": LIBRARIES, "MAIL_CONFIG": self.etc}

    def command(self, name, *words, text=""):
        return subprocess.run([f"{ROOT}/usr/sbin/{name}", *words], env=self.environment(), input=text, capture_output=True, text=True, cwd="/")

    def start(self):
        self.write_settings()
        out = open(f"{self.work}/log/postfix", "a")
        self.process = subprocess.Popen([f"{ROOT}/usr/sbin/postfix", "start-fg"], env=self.environment(), stdin=subprocess.DEVNULL, stdout=out,
                                        stderr=out, cwd="/")
        if not wait_for(self.greets):
            raise RuntimeError("Postfix did not start:\n" + self.log() + pathlib.Path(f"{self.work}/log/postfix").read_text())
        return self

    def master(self):
        """The pid of our master(8), None if it does not run."""
        try:
            pid = int(pathlib.Path(f"{self.work}/spool/pid/master.pid").read_text())
            ours = self.work in pathlib.Path(f"/proc/{pid}/environ").read_text(errors="replace")
        except (OSError, ValueError):
            return None
        return pid if ours else None

    def greets(self):
        try:
            with socket.create_connection(("127.0.0.1", next(iter(self.ports.values()))), 5) as s:
                return s.recv(100).startswith(b"220")
        except OSError:
            return False

    def log(self):
        path = pathlib.Path(f"{self.work}/log/maillog")
        return path.read_text(errors="replace") if path.exists() else ""

    def queue(self, *names):
        """Files in these queues (all of them by default)."""
        found = []
        for name in names or ("maildrop", "incoming", "active", "deferred", "hold"):
            found += [f for f in pathlib.Path(f"{self.work}/spool/{name}").rglob("*") if f.is_file()]
        return found

    def delivered(self, marker, seconds=30):
        """The octets of the delivered message that holds `marker`, or None."""
        def look():
            for f in pathlib.Path(f"{self.work}/mail").glob("inbox/new/*"):
                octets = f.read_bytes()
                if marker.encode() in octets:
                    return octets
        return wait_for(look, seconds)

    def end(self):
        """start-fg is only a shell around master(8), which must be ended by its own pid, and takes its children along."""
        master = self.master()
        if master:
            os.kill(master, signal.SIGTERM)
            if not wait_for(lambda: self.master() is None):
                os.killpg(master, signal.SIGKILL)
        if self.process:
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
        self.auth.listener.close()


class Smtp:
    """A client of one SMTP session that pretends to be `client`. Replies are texts as sent, lines joined by \\n."""

    def __init__(self, port, client="192.0.2.10", helo="mail.example.com", login=False):
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.lines = self.socket.makefile("rb")
        self.greeting = self.reply()
        self.say("EHLO localhost")
        if client:
            self.say(f"XCLIENT ADDR={client} NAME=[UNAVAILABLE] PROTO=ESMTP")
        self.hello = self.say(f"EHLO {helo}")
        if login:
            self.login = self.say("AUTH PLAIN AHJvc2EAcm9zZQ==")

    def reply(self):
        got = []
        while True:
            line = self.lines.readline().decode("utf-8", "replace").rstrip("\r\n")
            got.append(line)
            if line[3:4] != "-":
                return "\n".join(got)

    def say(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        return self.reply()

    def envelope(self, sender, *recipients):
        return [self.say(f"MAIL FROM:<{sender}>")] + [self.say(f"RCPT TO:<{r}>") for r in recipients or ("rosa@example.net",)]

    @staticmethod
    def dotted(octets):
        octets = octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        return octets.replace(b"\r\n.", b"\r\n..") + (b"" if octets.endswith(b"\r\n") else b"\r\n")

    def data(self, octets):
        """The reply to the whole message (or to DATA, where that is refused)."""
        first = self.say("DATA")
        if not first.startswith("354"):
            return first
        self.socket.sendall(self.dotted(octets) + b".\r\n")
        return self.reply()

    def send(self, sender, octets, *recipients):
        for reply in self.envelope(sender, *recipients):
            if reply[0] != "2":
                return reply
        return self.data(octets)

    def close(self):
        try:
            self.say("QUIT")
        except OSError:
            pass
        self.socket.close()


class Gate:
    """The whole: a folder, Postfix, and a daemon for each door. Use it in a `with`; nothing is left behind.

    `doors` maps a name to settings that come behind those of examples/."""

    def __init__(self, program, doors=None, zone=None):
        doors = doors or {"main": ""}
        self.work = tempfile.mkdtemp(prefix="mailreeve-")
        os.makedirs(f"{self.work}/log")
        os.chmod(self.work, 0o755)
        self.reeves = {name: Reeve(program, self.work, more, zone, name) for name, more in doors.items()}
        self.reeve = next(iter(self.reeves.values()))
        self.postfix = Postfix(self.work, {name: [r.socket] for name, r in self.reeves.items()})

    def __enter__(self):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that a test that is timed out still ends its servers
        try:
            for reeve in self.reeves.values():
                reeve.start()
            self.postfix.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.postfix.end()
        for reeve in self.reeves.values():
            reeve.end()
        if os.environ.get("MAILREEVE_KEEP"):
            print(f"# kept: {self.work}")
        else:
            shutil.rmtree(self.work, ignore_errors=True)

    def client(self, door="main", **named):
        return Smtp(self.postfix.ports[door], **named)

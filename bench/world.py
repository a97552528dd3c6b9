"""world.py: what the programs that are compared have in common: a key, a zone, a
signed message, a name server, and processes that are measured and ended."""
import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "test"))
import gate  # noqa: E402
import nameserver  # noqa: E402

# Not loopback: some filters do not look at mail from there. See namespace() in bench.py.
CLIENT = "198.51.100.10"
SENDER, RECIPIENT, HELO = "user@bench.example", "rosa@example.net", "mail.bench.example"
ZONE = [
    ("bench.example", "TXT", f"v=spf1 ip4:192.0.2.0/24 ip4:{CLIENT} -all"),
    ("_dmarc.bench.example", "TXT", "v=DMARC1; p=reject"),
    (HELO, "A", CLIENT),
    (HELO, "TXT", f"v=spf1 ip4:{CLIENT} -all"),
    ("10.100.51.198.in-addr.arpa", "PTR", HELO),
]
FIELDS = f"""From: User <{SENDER}>
To: Rosa <{RECIPIENT}>
Subject: a message to be measured with
Date: Fri, 20 Nov 2026 10:00:00 +0000
Message-ID: <measured@bench.example>
MIME-Version: 1.0
Content-Type: text/plain; charset=us-ascii
User-Agent: bench

"""
LINE = "These words say nothing, but they have to be hashed like any others.\n"
SIGN = """import dkim, sys
message = sys.stdin.buffer.read()
names = [b"From", b"To", b"Subject", b"Date", b"Message-ID", b"MIME-Version", b"Content-Type"]
head = dkim.sign(message, b"s1", b"bench.example", open(sys.argv[1], "rb").read(), canonicalize=(b"relaxed", b"relaxed"), include_headers=names)
sys.stdout.buffer.write(head + message)"""


def output(*command, **named):
    return subprocess.run(command, capture_output=True, check=True, **named).stdout


def program(name):
    """Where a program is: on the host, or unpacked under build/root. None: nowhere."""
    path = os.pathsep.join(["/usr/sbin", "/usr/bin", os.environ.get("PATH", ""), f"{gate.ROOT}/usr/sbin", f"{gate.ROOT}/usr/bin"])
    return shutil.which(name, path=path)


def version(package):
    """Debian's version of a package that is installed; else what lies under build/root."""
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True)
    return done.stdout if done.returncode == 0 and done.stdout else "unpacked under build/root"


class World:
    """A folder with everything in it. Use it in a `with`; processes and folder are gone behind it."""

    def __init__(self, size=3500):
        self.work = tempfile.mkdtemp(prefix="mailreeve-bench-")
        os.chmod(self.work, 0o755)
        for name in ("log", "sock"):
            os.makedirs(f"{self.work}/{name}")
        os.chmod(f"{self.work}/sock", 0o1777)
        self.processes = []
        self.make_key()
        self.make_message(size)
        pathlib.Path(self.zone_file()).write_text("".join(f'{n} {t} "{v}"\n' if t == "TXT" else f"{n} {t} {v}\n" for n, t, v in self.zone))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.work, ignore_errors=True)

    def zone_file(self):
        return f"{self.work}/zone"

    def message_file(self):
        return f"{self.work}/signed.eml"

    def make_key(self):
        self.key = f"{self.work}/key.pem"
        output("openssl", "genrsa", "-traditional", "-out", self.key, "2048")
        public = output("openssl", "rsa", "-in", self.key, "-pubout", text=True).split("-----")[2].replace("\n", "")
        self.zone = ZONE + [("s1._domainkey.bench.example", "TXT", f"v=DKIM1; k=rsa; p={public}")]

    def make_message(self, size):
        plain = (FIELDS + LINE * ((size - len(FIELDS)) // len(LINE))).replace("\n", "\r\n").encode()
        self.message = output("/usr/bin/python3", "-c", SIGN, self.key, input=plain)
        pathlib.Path(self.message_file()).write_bytes(self.message.replace(b"\r\n", b"\n"))

    def records(self):
        return {(name, nameserver.TXT): [nameserver.text(value)] for name, kind, value in self.zone if kind == "TXT"}

    # ---- processes ----

    def start(self, name, *command, socket=None, seconds=30, **named):
        """A process with its output in log/; when `socket` is given, it is there on return."""
        out = open(f"{self.work}/log/{name}", "a")
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.work, **named)
        self.processes.append(process)
        if socket and (not gate.wait_for(lambda: process.poll() is not None or os.path.exists(socket), seconds) or process.poll() is not None):
            raise RuntimeError(f"{name} did not start: " + pathlib.Path(f"{self.work}/log/{name}").read_text()[-500:])
        return process

    def start_nsd(self):
        """The zone on port 53 of this network, for those who can ask nowhere else."""
        lines = ["$TTL 3600", ". SOA ns.bench.example. hostmaster.bench.example. 1 3600 600 86400 300", ". NS ns.bench.example."]
        for name, kind, value in self.zone:
            if kind == "TXT":
                value = " ".join(f'"{value[at:at + 250]}"' for at in range(0, len(value), 250))
            lines.append(f"{name}. {kind} {value}{'.' if kind == 'PTR' else ''}")
        pathlib.Path(f"{self.work}/root.zone").write_text("\n".join(lines) + "\n")
        pathlib.Path(f"{self.work}/nsd.conf").write_text(
            f"""server:
  ip-address: 127.0.0.1
  username: root
  zonesdir: {self.work}
  database: ""
  pidfile: ""
  xfrdfile: {self.work}/xfrd
  zonelistfile: {self.work}/zonelist
  xfrdir: {self.work}
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: "."
  zonefile: root.zone
""")
        self.start("nsd", program("nsd"), "-d", "-c", f"{self.work}/nsd.conf", env=dict(os.environ, LD_LIBRARY_PATH=gate.LIBRARIES))
        time.sleep(1)

    def own(self, path, user):
        owner = pwd.getpwnam(user)
        os.chown(path, owner.pw_uid, owner.pw_gid)


# ---- what a process takes ----

def children(pid):
    found = [pid]
    for tasks in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            for child in tasks.read_text().split():
                found += children(int(child))
        except OSError:
            pass
    return found


def cpu_seconds(pids):
    """User and system time of these processes and what they started, as long as it lives."""
    ticks = 0
    for pid in {p for root in pids for p in children(root)}:
        try:
            ticks += sum(map(int, pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]))
        except OSError:
            pass
    return ticks / os.sysconf("SC_CLK_TCK")


def pss_mib(pids):
    kib = 0
    for pid in {p for root in pids for p in children(root)}:
        try:
            kib += sum(int(line.split()[1]) for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines() if line.startswith("Pss:"))
        except OSError:
            pass
    return kib / 1024

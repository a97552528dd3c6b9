"""bench.py BUILD [PART...]: what mailreeve costs, beside what is installed of opendkim, opendmarc, rspamd,
python3-spf and libsisimai-perl.

PART: thinkers, explain, alone, idle, slow, postfix, store (all of them by default). --rounds N,
--messages N, --accounts N (of store). Called by tools/bench. All that is compared runs in one network of
its own with one name server; rounds are interleaved, so that a busy machine hits
all alike, and medians are printed. Nothing is asserted: compare within one run."""
import argparse
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import peers
import world
from world import CLIENT, HELO, RECIPIENT, SENDER, gate, nameserver

HERE = pathlib.Path(__file__).resolve().parent


def say(text=""):
    print(text, flush=True)


def table(heads, rows):
    """Columns as wide as they must be; the first to the left, numbers to the right."""
    cells = [[str(c) for c in row] for row in [heads, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(heads))]
    for row in cells:
        say("  " + "  ".join(c.ljust(n) if i == 0 else c.rjust(n) for i, (c, n) in enumerate(zip(row, widths))).rstrip())


def load():
    return "load %s" % " ".join(f"{n:.1f}" for n in os.getloadavg())


def title(text):
    say(f"\n{text} ({load()})")


def median(values):
    return statistics.median(values) if values else float("nan")


# ---- in process ----

def thinkers(w, args):
    """Evaluations a second on one core, answers of DNS at hand."""
    found = {}
    for _ in range(args.rounds):
        out = world.output(f"{args.build}/bench/auth_bench", w.zone_file(), w.message_file(), CLIENT, HELO, SENDER, "1", text=True)
        for name, rate in re.findall(r"^(\w+)\s+(\d+) /s", out, re.M):
            found.setdefault(("mailreeve", name), []).append(int(rate))
        command = ["/usr/bin/python3", f"{HERE}/python_loop.py", w.zone_file(), w.message_file(), CLIENT, HELO, SENDER, "1"]
        for name, rate in re.findall(r"^(\w+) (\d+)$", subprocess.run(command, capture_output=True, text=True).stdout, re.M):
            found.setdefault((f"python3-{name}", name), []).append(int(rate))
    title("In process, one core: a second of processor time")
    table(("", "SPF", "DKIM", "whole check"), [
        (who, *(f"{median(found[who, what]):.0f}" if (who, what) in found else "-" for what in ("spf", "dkim", "check")))
        for who in dict.fromkeys(k[0] for k in found)])


# ---- reports explained ----

def spent(command, text=None):
    """Processor seconds of a command, and the most memory it had, in MiB."""
    child = subprocess.Popen(command, stdin=subprocess.PIPE if text else subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)
    if text:
        child.stdin.write(text)
        child.stdin.close()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {child.returncode}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


# So often, that the start of a program counts for little.
EXPLAIN_TIMES = 20


def as_mbox(files):
    """All of them in one file, RFC 4155."""
    box = b""
    for file in files:
        octets = pathlib.Path(file).read_bytes()
        octets = octets.replace(b"\r\n", b"\n") if b"\n" in octets else octets.replace(b"\r", b"\n")
        octets = octets.partition(b"\n")[2] if octets.startswith(b"From ") else octets
        box += b"From MAILER-DAEMON Sun Nov 22 10:00:00 2026\n" + octets.rstrip(b"\n").replace(b"\nFrom ", b"\n>From ") + b"\n\n"
    return box


def explain(w, args):
    """Reports a second of processor time over MAILREEVE_CORPUS/bounces: a file each, in a folder, as one mbox; and once, so that the start counts."""
    root = pathlib.Path(os.environ.get("MAILREEVE_CORPUS", "")) / "bounces"
    if not (root / "truth.tsv").exists():
        say("\nexplain: left out, MAILREEVE_CORPUS names no directory with bounces/truth.tsv")
        return
    names = sorted({line.split("\t")[0] for line in (root / "truth.tsv").read_text().splitlines()[1:]})
    files = [f"{root}/{name}" for name in names]
    perl = subprocess.run(["perl", "-MSisimai", "-e", "1"], capture_output=True).returncode == 0
    with tempfile.NamedTemporaryFile() as box, tempfile.TemporaryDirectory() as folder:
        box.write(as_mbox(files))
        box.flush()
        for number, file in enumerate(files):
            shutil.copy(file, f"{folder}/{number:05}")
        copies = sorted(str(path) for path in pathlib.Path(folder).iterdir())
        inputs = {  # what mailreeve is given, what libsisimai-perl, and how many times the reports are in it
            "an mbox": ([box.name] * EXPLAIN_TIMES, [box.name] * EXPLAIN_TIMES, EXPLAIN_TIMES),
            "a folder": ([folder] * EXPLAIN_TIMES, copies * EXPLAIN_TIMES, EXPLAIN_TIMES),
            "a file each": (files * EXPLAIN_TIMES, files * EXPLAIN_TIMES, EXPLAIN_TIMES),
            "a file each, once": (files, files, 1),
        }
        found = {}
        for _ in range(args.rounds):
            for how, (ours, theirs, _times) in inputs.items():
                found.setdefault(("mailreeve", how), []).append(spent([f"{args.build}/mailreeve", "explain", "--json", *ours]))
                if perl:
                    found.setdefault(("libsisimai-perl", how), []).append(spent(["perl", f"{HERE}/sisimai_loop.pl"], "\n".join(theirs) + "\n"))
    title(f"Reports explained, one core: {len(files)}, {EXPLAIN_TIMES} times over, or once; processor time of the whole run, start and end included")
    rows = []
    for (who, how), runs in found.items():
        count = len(files) * inputs[how][2]
        seconds = median([s for s, _ in runs])
        times = median([other / own for (own, _), (other, _) in zip(found["mailreeve", how], runs)])
        rows.append((who, how, f"{count / seconds:.0f}", f"{seconds / count * 1e6:.1f}", f"{times:.1f}", f"{max(m for _, m in runs):.0f}"))
    table(("", "from", "reports/s", "us each", "times the first", "MiB"), rows)


# ---- the milter alone ----

LOAD_LINE = re.compile(r"(\d+) a second; ms p50 ([\d.]+) p99 ([\d.]+) max ([\d.]+)")


def milter_load(w, args, filter, sessions, messages, *more):
    """What milter_load printed; and the processor time of the filter a message, in µs."""
    spent = world.cpu_seconds(filter.pids)
    done = subprocess.run([f"{args.build}/bench/milter_load", "-u", filter.sockets[0], "-c", str(sessions), "-n", str(messages), "-a", CLIENT, "-f",
                           f"<{SENDER}>", "-t", f"<{RECIPIENT}>", "-m", filter.message or w.message_file(), *more], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{filter.name}: {done.stderr.strip()}")
    return done.stdout, (world.cpu_seconds(filter.pids) - spent) / messages * 1e6


def alone(w, args):
    found = {}
    for f in w.filters:  # caches are filled, and it is seen to do its work
        f.saw = milter_load(w, args, f, 10, 500)[0]
    for _ in range(args.rounds):
        for sessions in (20, 100):
            for f in w.filters:
                out, cpu = milter_load(w, args, f, sessions, args.messages * 3)
                rate, middle, tail, longest = map(float, LOAD_LINE.search(out).groups())
                found.setdefault((f.name, sessions), []).append((rate, cpu, middle, tail, longest, world.pss_mib(f.pids)))
    title(f"The filter alone, a milter session after the other, ten messages each; message of {len(w.message)} octets")
    rows = []
    for f in w.filters:
        for sessions in (20, 100):
            m = [median(column) for column in zip(*found[f.name, sessions])]
            passes = " ".join(word for word in ("spf=pass", "dkim=pass", "dmarc=pass") if word in f.saw)
            rows.append((f.name, f.checks, sessions, f"{m[0]:.0f}", f"{m[1]:.0f}", f"{m[2]:.1f}", f"{m[3]:.1f}", f"{m[4]:.1f}", f"{m[5]:.1f}", passes or "-"))
    table(("", "checks", "sessions", "messages/s", "CPU us", "p50 ms", "p99 ms", "max ms", "PSS MiB", "it said"), rows)


def idle(w, args):
    title("4000 sessions that have said HELO and wait")
    f = peers.mailreeve(w, args.build, "crowd")
    out, _ = milter_load(w, args, f, 10, 1000, "-i", "4000", "-P", str(f.pids[0]))
    for line in out.splitlines():
        say("  " + re.sub(r"\s+", " ", line))


# ---- a slow name server ----

def fast_ones(path, w, count):
    took = []
    for _ in range(count):
        mta = nameserver.Mta(path, CLIENT, HELO)
        letter, seconds = mta.send(SENDER, w.message)
        took.append(seconds * 1000)
        mta.close()
        if letter != "c":
            raise RuntimeError(f"a message was answered {letter}")
    return took


def slow(w, args):
    """One name server takes 2 s for one domain: what do messages of others wait?"""
    records = w.records()
    records["slow.example", nameserver.TXT] = [nameserver.text(f"v=spf1 ip4:{CLIENT} -all")]
    server = nameserver.NameServer(records, slow="slow.example", delay=2)
    server.start()
    f = peers.mailreeve(w, args.build, "patient", f"127.0.0.1:{server.port}")
    fast_ones(f.sockets[0], w, 5)
    before = fast_ones(f.sockets[0], w, 200)
    began, waiting = time.monotonic(), [nameserver.Mta(f.sockets[0], CLIENT, HELO) for _ in range(50)]
    for mta in waiting:
        mta.content("a@slow.example", f"From: a@slow.example\nSubject: x\nMessage-ID: <1@slow.example>\n\n{'Text.' * 20}\n".encode())
    meanwhile = fast_ones(f.sockets[0], w, 200)
    still = sum(not mta.has_answer() for mta in waiting)
    letters = {mta.verdict() for mta in waiting}
    all_done = time.monotonic() - began
    title("A name server that takes 2 s for one domain")
    table(("", "p50 ms", "max ms"), [("other domains, before", f"{median(before):.2f}", f"{max(before):.2f}"),
                                    (f"other domains, while {still} messages wait", f"{median(meanwhile):.2f}", f"{max(meanwhile):.2f}")])
    say(f"  the 50 of the slow domain: all answered {'/'.join(sorted(letters))} after {all_done:.1f} s")


# ---- Postfix ----

class Postfix(gate.Postfix):
    """The private Postfix of the tests, on all addresses, and it throws away what it accepted."""

    def write_settings(self):
        super().write_settings()
        for name, change in (("main.cf", lambda t: t.replace("inet_interfaces = 127.0.0.1", "inet_interfaces = all").replace(
                "smtpd_authorized_xclient_hosts = 127.0.0.0/8", f"smtpd_authorized_xclient_hosts = 127.0.0.0/8 {CLIENT}") + "virtual_transport = discard:\n"),
                             ("master.cf", lambda t: t.replace("127.0.0.1:", ""))):
            path = pathlib.Path(f"{self.etc}/{name}")
            path.write_text(change(path.read_text()))

    def source(self, port, messages, message):
        """Messages a second of ten clients at once, a connection each."""
        began = time.monotonic()
        done = subprocess.run([f"{gate.ROOT}/usr/sbin/smtp-source", "-s", "10", "-m", str(messages), "-f", SENDER, "-t", RECIPIENT, "-M", HELO,
                               "-F", message, f"inet:{CLIENT}:{port}"], env=self.environment(), capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"smtp-source: {done.stderr.strip()}")
        return messages / (time.monotonic() - began)

    def latency(self, port, message, count):
        """Milliseconds from MAIL to the last reply, one client that sends one after the other."""
        smtp = gate.Smtp(port, client=CLIENT, helo=HELO)
        took = []
        for _ in range(count):
            began = time.monotonic()
            reply = smtp.send(SENDER, message, RECIPIENT)
            took.append((time.monotonic() - began) * 1000)
            if reply[0] != "2":
                raise RuntimeError(f"refused: {reply}")
        smtp.close()
        return took


def postfix(w, args):
    rows = [peers.Filter("Postfix without a milter", "-", [], []), *peers.chains(w.filters)]
    doors = {f.name: f.sockets for f in rows}
    os.makedirs(f"{w.work}/postfix/log")
    mta = Postfix(f"{w.work}/postfix", doors)
    found = {f.name: [] for f in rows}
    try:
        mta.start()
        for turn in range(args.rounds):
            first = turn * 3 % len(rows)
            for f in rows[first:] + rows[:first]:
                port = mta.ports[f.name]
                mta.source(port, 100, w.message_file())  # smtpd processes are there
                spent = world.cpu_seconds(f.pids)
                rate = mta.source(port, args.messages, w.message_file())
                spent = (world.cpu_seconds(f.pids) - spent) / args.messages * 1000
                took = sorted(mta.latency(port, w.message, 100))
                found[f.name].append((rate, spent, took[50], took[95]))
                gate.wait_for(lambda: not mta.queue("incoming", "active"), 60)
    finally:
        mta.end()
    title(f"Behind Postfix {world.version('postfix')}, ten clients at once, a connection for each message")
    middles = {name: [median(column) for column in zip(*values)] for name, values in found.items()}
    bare, nothing = middles[rows[0].name], middles[rows[1].name]
    table(("", "checks", "messages/s", "of bare", "of nothing", "p50 ms", "p95 ms", "p50 above nothing", "filter CPU ms"), [
        (f.name, f.checks, f"{m[0]:.0f}", f"{m[0] / bare[0]:.2f}", f"{m[0] / nothing[0]:.2f}", f"{m[2]:.2f}", f"{m[3]:.2f}",
         f"{m[2] - nothing[2]:+.2f}", f"{m[1]:.2f}")
        for f in rows for m in [middles[f.name]]])


# ---- the store ----

def keeping(w, args):
    """Two daemons under the same load in turn; one keeps the stories. Both are waited for: stories are written behind the mail."""
    folder = f"{w.work}/kept"
    os.makedirs(folder)
    w.own(folder, "nobody")
    pair = [peers.mailreeve(w, args.build, "forgets"), peers.mailreeve(w, args.build, "keeps", more=f"store = {folder}/stories.db\n")]
    found = {f.name: [] for f in pair}
    for turn in range(args.rounds * 2 + 1):
        for f in pair if turn % 2 == 0 else reversed(pair):
            before = world.cpu_seconds(f.pids)
            out, _ = milter_load(w, args, f, 20, args.messages * 10, "-v")
            time.sleep(1)
            spent = (world.cpu_seconds(f.pids) - before) / (args.messages * 10) * 1e6
            if turn > 0:  # caches are filled in the first
                found[f.name].append((spent, *map(float, LOAD_LINE.search(out).groups())))
    title("What it costs to keep the stories: two daemons, the same load in turn, each message from another sender to another recipient")
    rows = [[median(column) for column in zip(*found[f.name])] for f in pair]
    differences = [b[0] - a[0] for a, b in zip(*(found[f.name] for f in pair))]
    table(("", "messages/s", "CPU us", "p50 ms", "p99 ms", "PSS MiB"), [
        (name, f"{m[1]:.0f}", f"{m[0]:.0f}", f"{m[2]:.1f}", f"{m[3]:.1f}", f"{world.pss_mib(f.pids):.1f}")
        for name, f, m in zip(("nothing is kept", "in SQLite"), pair, rows)])
    say(f"  the store: {median(differences):.0f} us of processor time a message (from {min(differences):.0f} to {max(differences):.0f} in {len(differences)} pairs)")


def store(w, args):
    if args.root:
        keeping(w, args)
    title(f"The store by itself, SQLite, {args.accounts} accounts over 30 days")
    done = subprocess.run([f"{args.build}/bench/store_bench", f"{w.work}/many.db", str(args.accounts), "30", "400"], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"store_bench: {done.stderr.strip()}")
    for line in done.stdout.splitlines():
        say("  " + line)


# ---- main ----

PARTS = {"thinkers": thinkers, "explain": explain, "alone": alone, "idle": idle, "slow": slow, "postfix": postfix, "store": store}


def namespace():
    """Once more, in a network and a mount namespace of our own: port 53, an address for the client, a resolv.conf."""
    if os.environ.get("MAILREEVE_BENCH") != "inside":
        os.environ["MAILREEVE_BENCH"] = "inside"
        os.execvp("unshare", ["unshare", "-n", "-m", "--propagation", "private", sys.executable, *sys.argv])


def join(w):
    world.output("ip", "link", "set", "lo", "up")
    world.output("ip", "addr", "add", f"{CLIENT}/32", "dev", "lo")
    pathlib.Path(f"{w.work}/resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    world.output("mount", "--bind", f"{w.work}/resolv.conf", "/etc/resolv.conf")


def processor():
    found = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    return found.group(1) if found else os.uname().machine


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0], usage="tools/bench [--rounds N] [--messages N] [--accounts N] [PART...]")
    p.add_argument("build")
    p.add_argument("parts", nargs="*", metavar="PART")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--messages", type=int, default=1000)
    p.add_argument("--accounts", type=int, default=300000)
    args = p.parse_intermixed_args()
    args.build = os.path.abspath(args.build)
    parts = args.parts or list(PARTS)
    if not set(parts) <= set(PARTS):
        p.error(f"parts are {', '.join(PARTS)}")
    args.root = root = os.geteuid() == 0 and all(map(world.program, ("ip", "unshare")))
    if root:
        namespace()
    with world.World() as w:
        say(f"{time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}, {os.cpu_count()} processors ({processor()}), {load()}; "
            f"{world.output(f'{args.build}/mailreeve', '--version', text=True).strip()}, {args.rounds} rounds, medians")
        if root:
            join(w)
            w.start_nsd()
            w.filters = peers.start_all(w, args.build, say) if set(parts) & {"alone", "postfix"} else []
        for name in parts:
            if not root and name not in ("thinkers", "explain", "store"):
                say(f"\n{name}: left out, it needs root, ip(8) and unshare(1)")
            elif name == "postfix" and gate.why_not():
                say(f"\n{name}: left out: {gate.why_not()}")
            else:
                PARTS[name](w, args)


if __name__ == "__main__":
    sys.exit(main())

"""postgres.py: a PostgreSQL server of the test's own, on a UNIX socket in a folder of its own; it can be killed and started again."""
import os
import pathlib
import signal
import subprocess
import time

import gate

PORT = 5439  # only a part of the socket's name


def programs():
    """The folder with initdb and postgres, or None: from tools/setup, or of the host."""
    for root in (gate.ROOT, pathlib.Path("/")):
        for version in ("15", "16", "17"):
            folder = root / f"usr/lib/postgresql/{version}/bin"
            if (folder / "postgres").exists():
                return folder
    return None


class Postgres:
    """It runs as nobody. `databases` are made besides the one called postgres."""

    def __init__(self, folder, databases):
        self.folder, self.databases, self.process = folder, databases, None
        os.makedirs(folder)
        os.chmod(folder, 0o755)
        gate.shutil.chown(folder, "nobody")

    def url(self, database):
        return f"postgres://mailreeve@/{database}?host={self.folder}&port={PORT}"

    def run(self, name, *words, text=None):
        subprocess.run([programs() / name, *words], input=text, text=True, user="nobody", group="nogroup", cwd="/", check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def make(self):
        data = f"{self.folder}/data"
        self.run("initdb", "-D", data, "-A", "trust", "-U", "mailreeve", "-E", "UTF8", "--locale=C", "--no-sync")
        for name in self.databases:
            self.run("postgres", "--single", "-D", data, "postgres", text=f"CREATE DATABASE {name};\n")
        return self

    def start(self):
        """Again and again, since what is left of one that was killed has to go first."""
        for _ in range(100):
            log = open(f"{self.folder}/log", "a")
            self.process = subprocess.Popen(
                [programs() / "postgres", "-D", f"{self.folder}/data", "-k", self.folder, "-c", "listen_addresses=", "-c", f"port={PORT}",
                 "-c", "max_connections=40", "-c", "shared_buffers=32MB"], user="nobody", group="nogroup", cwd="/", stdout=log, stderr=log)
            if gate.wait_for(lambda: self.process.poll() is not None or self.answers(), 60) and self.process.poll() is None:
                return self
            self.process.wait()
            time.sleep(0.1)
        raise RuntimeError("PostgreSQL does not start: " + pathlib.Path(f"{self.folder}/log").read_text()[-500:])

    def answers(self):
        try:
            words = pathlib.Path(f"{self.folder}/data/postmaster.pid").read_text().split()
        except FileNotFoundError:  # it is written anew
            return False
        return words[-1:] == ["ready"] and words[0] == str(self.process.pid)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait()

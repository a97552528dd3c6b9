"""desk_rig.py: a mailreeve with dashboard and why page, on loopback, over a store that web_seed filled.

Where a private Postfix can be run (gate.py) it is the milter of one, keeps what it
quarantines, and releases it to a door of Postfix that asks no milter."""
import http.client
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import urllib.parse

import gate
import postgres
from cases import CASES

TOP = pathlib.Path(__file__).resolve().parent.parent
EXAMPLES = TOP / "examples"
WEIGHTS = {"good": 900, "mailing-list": 60, "arc": 25, "forged-reject": 90, "forged-quarantine": 40, "eleven-lookups": 18,
           "two-from": 7, "dns-down": 22, "forged-list": 14, "altered": 12}
OPERATOR, PASSWORD = "anna", "correct horse battery"

HOSTILE = """From: "<script>alert(1)</script>" <evil@example.com>\r
To: rosa@example.net\r
Subject: <img src=x onerror=alert(1)> =cmd() \x1b[31mred\r
Message-ID: <"><script>alert(2)</script>@example.com>\r
Date: Mon, 02 Jun 2025 12:00:00 +0000\r
\r
Hello.\r
"""


KEPT = """
socket_mode = 0666
dmarc {{ quarantine = store }}
store {{
    quarantine_dir = {work}/vault
    release_to = inet:127.0.0.1:{plain}
}}
"""


class Desk:
    """`with Desk(program, seed) as d`: d.port, d.why_port, d.ids (newest id by case). `more` settings, {work} filled in;
    `zone` False: the settings say how DNS is asked; `engine` is where stories are kept. d.postfix is None where none can be run."""

    def __init__(self, program, seed, more="", zone=True, engine="sqlite"):
        self.more, self.zone = more, zone
        self.program, self.seed = os.path.abspath(program), os.path.abspath(seed)
        self.work = tempfile.mkdtemp(prefix="mailreeve-desk-")
        self.port, self.why_port = gate.free_port(), gate.free_port()
        self.database = None
        self.store = f"{self.work}/store.db"
        if engine == "postgresql":
            os.chmod(self.work, 0o755)
            self.database = postgres.Postgres(f"{self.work}/server", ["desk"])
            self.store = self.database.url("desk")
        self.process = None
        self.postfix = None
        if gate.why_not() is None:
            os.chmod(self.work, 0o755)
            self.postfix = gate.Postfix(self.work, {"main": [f"{self.work}/milter.sock"], "plain": []})

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self):
        if self.database:
            self.database.make().start()
        common = f"""include "{EXAMPLES}/mailreeve.conf"
listen = unix:{self.work}/milter.sock
explain {{ rules = "{EXAMPLES}/explain-rules.conf" }}
store = {self.store}
why_url = http://127.0.0.1:{self.why_port}/why
"""
        zone = f"dns {{ zone_file = {EXAMPLES}/zone }}\n"
        web = f"""web {{
    listen = inet:127.0.0.1:{self.port}
    why_listen = inet:127.0.0.1:{self.why_port}
    secure_cookies = no
}}
"""
        kept = KEPT.format(work=self.work, plain=self.postfix.ports["plain"]) if self.postfix else ""
        seeding = pathlib.Path(self.work, "seeding")
        seeding.write_text(common + zone)
        config = pathlib.Path(self.work, "conf")
        config.write_text(common + (zone if self.zone else "") + web + kept + self.more.replace("{work}", self.work))
        self.config = str(config)
        hostile = pathlib.Path(self.work, "hostile.eml")
        hostile.write_bytes(HOSTILE.encode("latin-1"))
        cases = [f"{c.name},{EXAMPLES}/{c.name}.eml,{c.client},{c.helo},{c.sender},{WEIGHTS[c.name]}" for c in CASES]
        cases.append(f"hostile,{hostile},198.51.100.66,<b>helo</b>,\"<i>x</i>\"@stranger.example,2")
        out = subprocess.run([self.seed, "--config", str(seeding), "--store", self.store, *cases], check=True, capture_output=True, text=True).stdout
        self.ids = dict(line.split() for line in out.splitlines())
        self.log = open(f"{self.work}/desk.log", "a")
        self.run()
        self.verb("operator", "add", OPERATOR, input=PASSWORD + "\n")
        if self.postfix:
            self.postfix.start()

    def send(self, name, mark):
        """The mail of a case through Postfix, marked; the reply."""
        case = next(c for c in CASES if c.name == name)
        client = gate.Smtp(self.postfix.ports["main"], client=case.client, helo=case.helo)
        try:
            return client.send(case.sender, f"X-Mark: {mark}\n".encode() + (EXAMPLES / f"{name}.eml").read_bytes())
        finally:
            client.close()

    def run(self):
        self.process = subprocess.Popen([self.program, "serve", "--config", self.config], stderr=self.log)
        end = time.monotonic() + 20
        while self.get("/healthz", raw=True) is None:
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError("the daemon did not start: " + pathlib.Path(self.work, "desk.log").read_text())
            time.sleep(0.05)

    def restart(self):
        """The limits of sign-in are forgotten with the process."""
        self.process.terminate()
        self.process.wait(20)
        self.run()

    def verb(self, *words, input=None):
        return subprocess.run([self.program, *words, "--config", self.config], input=input, capture_output=True, text=True, check=True).stdout

    def get(self, path, port=None, method="GET", body=None, headers=None, raw=False):
        """(status, headers, body), or None when nobody answers and `raw`."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=20)
        try:
            try:
                connection.request(method, path, body=body, headers=headers or {})
            except BrokenPipeError:
                pass  # the answer came before the body was over
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()
        except OSError:
            if raw:
                return None
            raise
        finally:
            connection.close()

    def form(self, path, headers=None, **fields):
        return self.get(path, method="POST", body=urllib.parse.urlencode(fields),
                        headers={"Content-Type": "application/x-www-form-urlencoded", **(headers or {})})

    def sign_in(self, name=OPERATOR, password=PASSWORD, **more):
        """The Cookie header of a new session."""
        status, headers, _ = self.form("/login", name=name, password=password, **more)
        assert status == 303, status
        return {"Cookie": headers["Set-Cookie"].split(";")[0]}

    def __exit__(self, *_):
        if self.postfix:
            self.postfix.end()
        if self.process is not None:
            self.process.terminate()
            self.exit = self.process.wait(20)
            self.log.close()
        if self.database:
            self.database.end()
        shutil.rmtree(self.work, ignore_errors=True)

"""peers.py: the filters that are compared, each started with the settings that make it do as much of SPF, DKIM, ARC and DMARC as it can.

A filter has a name, what it checks, the sockets an MTA would be given (two for
OpenDKIM with OpenDMARC), and processes. One that is not installed is left out by name."""
import os
import pathlib

import world
from world import CLIENT, RECIPIENT, gate

NEVER = "192.0.2.254"  # an address that nobody has: these filters pass over "our own" hosts, which would include loopback


class Filter:
    def __init__(self, name, checks, sockets, processes, message=None):
        self.name, self.checks, self.sockets = name, checks, sockets
        self.pids = [p.pid for p in processes]
        self.message = message


def write(path, text):
    pathlib.Path(path).write_text(text)
    return path


def null(w, build):
    path = f"{w.work}/sock/null"
    return Filter("a filter that does nothing", "-", [path], [w.start("null", f"{build}/bench/null_milter", path, socket=path)])


def mailreeve(w, build, name="mailreeve", dns="127.0.0.1", more=""):
    path = f"{w.work}/sock/{name}"
    conf = write(f"{w.work}/{name}.conf", f"""listen = unix:{path}
socket_mode = 0666
user = nobody
group = nogroup
hostname = gate.example.net
dns {{
	resolver = {dns}
	dnssec = off
}}
{more}""")
    process = w.start(name, f"{build}/mailreeve", "serve", "--config", conf, socket=path)
    return Filter(name, "SPF DKIM ARC DMARC", [path], [process])


def opendkim(w, _):
    path = f"{w.work}/sock/opendkim"
    conf = write(f"{w.work}/opendkim.conf", f"""Mode v
Socket local:{path}
UMask 000
AuthservID gate.example.net
InternalHosts {NEVER}
PeerList {NEVER}
Nameservers 127.0.0.1
AlwaysAddARHeader yes
Syslog yes
UserID nobody
""")
    environment = dict(os.environ, LD_LIBRARY_PATH=gate.LIBRARIES)
    return Filter("opendkim", "DKIM", [path], [w.start("opendkim", world.program("opendkim"), "-f", "-x", conf, socket=path, env=environment)])


def opendmarc(w, _):
    path = f"{w.work}/sock/opendmarc"
    conf = write(f"{w.work}/opendmarc.conf", f"""Socket local:{path}
UMask 000
AuthservID gate.example.net
TrustedAuthservIDs gate.example.net
IgnoreHosts {write(f"{w.work}/ignored", NEVER)}
SPFSelfValidate true
SPFIgnoreResults true
RejectFailures true
Syslog true
UserID nobody
""")
    behind = write(f"{w.work}/verified.eml", "Authentication-Results: gate.example.net;\n"
                   "\tdkim=pass (2048-bit key) header.d=bench.example header.i=@bench.example\n" + pathlib.Path(w.message_file()).read_text())
    return Filter("opendmarc", "SPF DMARC", [path], [w.start("opendmarc", world.program("opendmarc"), "-f", "-c", conf, socket=path)], behind)


SYMBOLS = """R_SPF_ALLOW R_SPF_FAIL R_SPF_SOFTFAIL R_SPF_NEUTRAL R_SPF_NA R_SPF_DNSFAIL R_SPF_PERMFAIL R_DKIM_ALLOW R_DKIM_REJECT R_DKIM_TEMPFAIL
R_DKIM_PERMFAIL R_DKIM_NA DKIM_TRACE ARC_NA ARC_ALLOW ARC_REJECT ARC_INVALID ARC_DNSFAIL DMARC_POLICY_ALLOW DMARC_POLICY_REJECT
DMARC_POLICY_QUARANTINE DMARC_POLICY_SOFTFAIL DMARC_NA""".split()


def rspamd(w, _):
    """Only its authentication modules, and one worker that scans by itself: as lean as it gets."""
    folder, path = f"{w.work}/rspamd", f"{w.work}/sock/rspamd"
    os.makedirs(folder)
    w.own(folder, "nobody")
    lua = write(f"{w.work}/start.lua", 'require "global_functions"()\nconfig["regexp"] = {}\nrspamd_maps = {}\n')
    share = "/usr/share/rspamd"
    conf = write(f"{w.work}/rspamd.conf", f"""options {{
    filters = "dkim"; pidfile = "{folder}/pid"; tempdir = "{folder}"; url_tld = "{share}/effective_tld_names.dat";
    cache_file = "{folder}/symbols"; hs_cache_dir = "{folder}/"; control_socket = "{folder}/control mode=0600";
    dns {{ nameserver = ["127.0.0.1"]; timeout = 2s; }}
    local_addrs = ["{NEVER}"]; explicit_modules = ["settings"];
}}
logging {{ type = "file"; filename = "{folder}/log"; level = "warning"; }}
lang_detection {{ languages = "{folder}/none"; }}
lua = "{lua}";
worker "rspamd_proxy" {{
    bind_socket = "{path} mode=0666"; milter = yes; count = 1; timeout = 120s;
    upstream "self" {{ default = yes; self_scan = yes; }}
}}
modules {{ {" ".join(f'path = "{share}/plugins/{m}.lua";' for m in ("spf", "dmarc", "arc", "milter_headers"))} }}
spf {{ spf_cache_size = 2k; }}
dkim {{ trusted_only = false; }}
arc {{ sign_inbound = false; sign_local = false; sign_authenticated = false; }}
dmarc {{ actions {{ reject = "reject"; quarantine = "add header"; }} }}
milter_headers {{ use = ["authentication-results"]; }}
group "policies" {{ symbols {{ {" ".join(f'"{s}" {{ weight = 0.0; }}' for s in SYMBOLS)} }} }}
actions {{ reject = 15; add_header = 6; }}
""")
    variables = [f"--var={name}={value}" for name, value in (
        ("SHAREDIR", share), ("PLUGINSDIR", f"{share}/plugins"), ("RULESDIR", f"{share}/rules"), ("LUALIBDIR", f"{share}/lualib"),
        ("CONFDIR", folder), ("LOCAL_CONFDIR", folder), ("DBDIR", folder), ("RUNDIR", folder), ("LOGDIR", folder))]
    process = w.start("rspamd", world.program("rspamd"), "-f", "-u", "nobody", "-g", "nogroup", "-c", conf, *variables, socket=path, seconds=120)
    return Filter("rspamd", "SPF DKIM ARC DMARC", [path], [process])


# Debian's package, and who starts it.
PEERS = (("opendkim", opendkim), ("opendmarc", opendmarc), ("rspamd", rspamd))


def start_all(w, build, say):
    """Our daemon, the filter that does nothing, and every peer that is installed."""
    found = [null(w, build), mailreeve(w, build)]
    for name, start in PEERS:
        if world.program(name) is None:
            say(f"{name}: not installed, left out")
            continue
        try:
            found.append(start(w, build))
            say(f"{name} {world.version(name)}")
        except (RuntimeError, OSError) as trouble:
            say(f"{name}: left out: {str(trouble).strip().splitlines()[-1]}")
    return found


def chains(filters):
    """What a Postfix is given, one row each; OpenDMARC only makes sense behind OpenDKIM."""
    by_name = {f.name: f for f in filters}
    rows = [f for f in filters if f.name != "opendmarc"]
    if "opendkim" in by_name and "opendmarc" in by_name:
        both = Filter("opendkim + opendmarc", "SPF DKIM DMARC", by_name["opendkim"].sockets + by_name["opendmarc"].sockets, [])
        both.pids = by_name["opendkim"].pids + by_name["opendmarc"].pids
        rows.append(both)
    return rows


__all__ = ["CLIENT", "RECIPIENT", "Filter", "chains", "mailreeve", "start_all"]

"""python_loop.py ZONE MESSAGE IP HELO SENDER SECONDS: python3-spf and python3-dkim in the same loop as auth_bench, the answers of DNS at hand.

Prints a line for each that is installed: its name and how many a second of processor time."""
import sys
import time


def zone(path):
    known = {}
    for line in open(path):
        name, kind, value = line.rstrip("\n").split(None, 2)
        known.setdefault((name, kind), []).append(value.strip('"'))
    return known


def rate(work, seconds):
    count, began = 0, time.process_time()
    while (now := time.process_time()) - began < seconds:
        for _ in range(20):
            work()
        count += 20
    return count / (now - began)


def main():
    known, message = zone(sys.argv[1]), open(sys.argv[2], "rb").read().replace(b"\n", b"\r\n")
    ip, helo, sender, seconds = *sys.argv[3:6], float(sys.argv[6])
    try:
        import spf
        spf.DNSLookup = lambda name, qtype, *_, **__: [
            ((name, qtype), (v.encode(),) if qtype == "TXT" else v) for v in known.get((name.lower().rstrip("."), qtype), [])]
        if spf.check2(ip, sender, helo)[0] == "pass":
            print(f"spf {rate(lambda: spf.check2(ip, sender, helo), seconds):.0f}")
    except ImportError:
        pass
    try:
        import dkim

        def look(name, timeout=5):
            name = name.decode() if isinstance(name, bytes) else name
            return known[(name.rstrip("."), "TXT")][0].encode()
        if dkim.verify(message, dnsfunc=look):
            print(f"dkim {rate(lambda: dkim.verify(message, dnsfunc=look), seconds):.0f}")
    except ImportError:
        pass


main()

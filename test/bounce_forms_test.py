#!/usr/bin/env python3
"""bounce_forms_test.py PROGRAM: the reports of test/bounces are read as their readers would.

They are synthetic, in the current style of Exchange Online, Proofpoint and
Barracuda, in English, German, French, Spanish and Japanese. One row for each
file: what must be found, and the name that the rule begins with. TAP."""
import json
import os
import pathlib
import subprocess
import sys

PROGRAM = os.path.abspath(sys.argv[1])
FOLDER = pathlib.Path(__file__).resolve().parent / "bounces"
EXCHANGE = "exchange-online-"
MAILBOX_SERVER = "DB9PR01MB1234.eurprd01.prod.outlook.com"

# file, kind, recipient, host that refused, reply, reason, owner, scope, rule family, words that the cause must hold
ROWS = (
    ("o365-unknown-en", "bounce", "ben@example.net", MAILBOX_SERVER, "550 5.1.10", "userunknown", "sender-user", "recipient", EXCHANGE + "5.1.10", "ben@example.net"),
    ("o365-quota-de", "bounce", "ben@example.net", MAILBOX_SERVER, "554 5.2.2", "mailboxfull", "recipient", "recipient", EXCHANGE + "5.2.2", "ben@example.net"),
    ("o365-group-fr", "bounce", "equipe@example.net", MAILBOX_SERVER, "550 5.7.133", "securityerror", "recipient-admin", "recipient", EXCHANGE + "5.7.13", "equipe@example.net"),
    ("o365-spf-es", "bounce", "ben@example.net", "mx.example.net", "550 5.7.23", "authfailure", "sender-admin", "sender", EXCHANGE + "5.7.23", "198.51.100.7"),
    ("o365-dmarc-ja", "bounce", "ben@example.net", "example-net.mail.protection.outlook.com", "550 5.7.509", "authfailure", "sender-admin", "sender", EXCHANGE + "5.7.509", "example.org"),
    ("o365-loop-de", "bounce", "ben@example.net", "DB9EUR01FT001.eop-EUR01.prod.protection.outlook.com", "554 5.4.14", "networkerror", "recipient-admin", "domain", EXCHANGE + "5.4.", "circles"),
    ("o365-tenant-fr", "bounce", "ben@example.net", None, "550 5.7.705", "exceedlimit", "sender-admin", "tenant", EXCHANGE + "5.7.705", ""),
    ("o365-html-only-es", "bounce", "bea@example.net", MAILBOX_SERVER, "550 5.1.1", "userunknown", "sender-user", "recipient", EXCHANGE + "5.1.1", "bea@example.net"),
    ("proofpoint-unknown-en", "bounce", "ben@example.net", "mx0a-00123401.pphosted.com", "550 5.1.1", "userunknown", "sender-user", "recipient", "unknown-", "ben@example.net"),
    ("proofpoint-reputation-de", "bounce", "ben@example.net", "mx0b-00123401.pphosted.com", "554 5.7.0", "badreputation", "sender-admin", "ip", "proofpoint-", "198.51.100.7"),
    ("proofpoint-policy-fr", "bounce", "ben@example.net", "mx0a-00123401.pphosted.com", "550 5.7.0", "policyviolation", "recipient-admin", "sender", "", ""),
    ("proofpoint-dmarc-es", "bounce", "ben@example.net", "mx0a-00123401.pphosted.com", "550 5.7.0", "authfailure", "sender-admin", "sender", "proofpoint-", "example.org"),
    ("proofpoint-delay-en", "delayed", "ben@example.net", "mx0a-00123401.pphosted.com", "421 4.7.0", "toomanyconn", "sender-admin", "ip", "connections", "198.51.100.7"),
    ("barracuda-blocked-en", "bounce", "ben@example.net", "d12345a.ess.barracudanetworks.com", "550 5.0.0", "policyviolation", "recipient-admin", "sender", "barracuda-", ""),
    ("barracuda-unknown-es", "bounce", "bea@example.net", "d12345a.ess.barracudanetworks.com", "550 5.1.1", "userunknown", "sender-user", "recipient", "", "bea@example.net"),
    ("barracuda-reputation-de", "bounce", "ben@example.net", "barracuda.example.net", "554 5.0.0", "blocked", "sender-admin", "ip", "barracuda-", "198.51.100.7"),
    ("barracuda-url-fr", "bounce", "ben@example.net", "barracuda.example.net", "554 5.0.0", "spamdetected", "sender-admin", "message", "barracuda-", ""),
)


def told(name):
    """The row that the program makes of a file; a list of one text when it fails."""
    done = subprocess.run([PROGRAM, "explain", "--json", str(FOLDER / f"{name}.eml")], capture_output=True, text=True)
    if done.returncode != 0:
        return [f"exit {done.returncode}: {done.stderr}"], None
    document = json.loads(done.stdout)
    if len(document["reports"]) != 1:
        return [f"{len(document['reports'])} recipients"], None
    report = document["reports"][0]
    reply = f"{report['reply']['code']} {report['reply']['enhanced']}"
    return [document["kind"], report["recipient"], report["rejected_by"]["host"], reply, report["reason"], report["owner"], report["scope"]], report


def check(row):
    name, *wanted, family, cause = row
    found, report = told(name)
    if found != wanted:
        return f"wanted {wanted}\nfound  {found}"
    if not (report["rule"] or "").startswith(family):
        return f"rule {report['rule']}, wanted one that begins with {family}"
    if cause not in report["cause"]:
        return f"'{cause}' is not in the cause: {report['cause']}"
    if "X-Synthetic: yes" not in (FOLDER / f"{name}.eml").read_text():
        return "not marked as synthetic"
    return None


def main():
    files = {path.stem for path in FOLDER.glob("*.eml")}
    bad = int(files != {row[0] for row in ROWS})
    print(f"1..{len(ROWS) + 1}")
    print(f"{'not ok' if bad else 'ok'} 1 - each report has a row")
    for number, row in enumerate(ROWS, 2):
        fault = check(row)
        bad += fault is not None
        print(f"{'not ok' if fault else 'ok'} {number} - {row[0]}: {row[5]}, {row[6]}")
        for line in (fault or "").splitlines():
            print(f"#   {line}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""rules.py: src/diagnose/rules/*.rules made C tables, or refused with file:line.

usage: rules.py OUT_TABLE.c OUT_EXAMPLES.c FILE.rules...

The language is described in src/diagnose/rules/README. Refused are rules that
are unsourced, not ASCII, without an example, or lead to no known answer. That
each example finds its own rule (none is shadowed) is tested by rules_test.c."""
import re
import sys

TIERS = {"provider": 0, "program": 1, "phrase": 2, "code": 3, "vague": 4, "meaning": 5}
STAGES = ["none", "connect", "helo", "mail", "rcpt", "data", "eom"]
OWNERS = {"nobody", "sender-user", "sender-admin", "recipient", "recipient-admin", "third-party"}
RETRY = {"never", "later", "after-fix"}
SUPPRESS = {"no", "provisional", "yes", "complaint"}
SCOPE = {"recipient", "domain", "message", "sender", "ip", "tenant", "unknown"}
ANSWER_KEYS = {"reason", "category", "owner", "permanent", "retry", "suppress", "scope", "expect", "cause", "admin", "user"}
FACTS = {"recipient", "domain", "sender", "sender_domain", "from_domain", "ip", "host", "code", "enhanced", "text", "list", "delist", "selector",
         "reporter", "subject", "groups", "rdomain"}
REASONS = set("""authfailure badreputation blocked contenterror delivered exceedlimit expired failedstarttls feedback filtered hasmoved
hostunknown mailboxfull mailererror mesgtoobig networkerror norelaying notaccept notcompliantrfc onhold policyviolation rejected requireptr
securityerror spamdetected speeding suppressed suspend syntaxerror systemerror systemfull toomanyconn undefined userunknown vacation
virusdetected""".split())
CATEGORIES = set("""authentication reputation recipient mailbox policy content routing relay transport rate account size syntax system
unknown""".split())
STARS_MAX = 7  # GLOB_PARTS_MAX of rules.h, less one
MARK_MAX = 64  # PROVIDER_MARK_MAX of rules_table.h
HARD = {"userunknown", "hostunknown", "hasmoved", "notaccept"}

faults = []
answers, rules, patterns, providers, marks, examples = {}, [], [], {}, [], []


def fault(where, text):
    faults.append(f"{where[0]}:{where[1]}: {text}")


def c(text):
    """A C string literal of UTF-8 octets."""
    if text is None:
        return "NULL"
    out = []
    for b in text.encode():
        if b in (34, 92):
            out.append("\\" + chr(b))
        elif b == 10:
            out.append("\\n")
        elif 32 <= b < 127:
            out.append(chr(b))
        else:
            out.append("\\%03o" % b)
    return '"' + "".join(out).replace("??", "?\\?") + '"'


def unescape(text):
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m.group(1), 16)), text)


def add_pattern(where, rule, text, unless):
    """Words, `*` for any text of at most 300 octets between them, or an expression and a word that it cannot do without."""
    match = re.match(r'^/(.*)/ "([^"]+)"$', text)
    glob = None
    if match:
        regex, word = unescape(match.group(1)), unescape(match.group(2))
        try:
            re.compile(regex)
        except re.error as e:
            fault(where, f"the expression does not compile: {e}")
        if re.search(r"\\[1-9]|\(\?P=", regex):
            fault(where, "the expression refers to a group, and rules.c keeps none")
    else:
        text = unescape(text).replace('" "', "  ")
        word = max(text.split("*"), key=len)
        glob = text if "*" in text else None
        regex = None
        if text.count("*") > STARS_MAX:
            fault(where, f"a text has at most {STARS_MAX} stars; write an expression")
    if word != word.lower() or "  " in word:
        fault(where, "the texts of rules are compared with folded text: lower case, single blanks")
    if len(word.encode()) < 3:
        fault(where, f"a word of fewer than three octets finds too much: {word}")
    rule["patterns"].append((word, regex, glob, unless))


def read(path):
    tier = source = date = current = None
    for number, raw in enumerate(open(path, encoding="utf-8", newline="\n"), 1):
        where = (path, number)
        line = raw.rstrip("\n")
        if not line.isascii():
            fault(where, "not ASCII: write \\uXXXX")
        if not line.strip() or line.startswith("#"):
            continue
        word, _, rest = line.strip().partition(" ")
        if not line.startswith((" ", "\t")):
            current = None
            if word == "tier":
                tier = TIERS[rest]
            elif word == "source":
                source, _, date = (x.strip() for x in rest.rpartition("|"))
                if not source or not re.match(r"^\d{4}(-\d\d)?(-\d\d)?$", date):
                    fault(where, "write: source WHERE FROM | YYYY-MM")
            elif word == "provider":
                ident, name, hosts = [x.strip() for x in rest.split("|")]
                providers[ident] = (len(providers) + 1, name)
                marks.extend((len(providers), host) for host in hosts.split())
                if any(len(host) >= MARK_MAX or host.startswith(".") or host != host.lower() for host in hosts.split()):
                    fault(where, "the end of a host name begins with a letter or digit, is in lower case and not longer than others")
            elif word == "answer":
                if rest in answers:
                    fault(where, f"a second answer {rest}")
                current = answers.setdefault(rest, {"id": rest, "where": where, "admin": [], "user": []})
            elif word == "rule":
                if source is None:
                    fault(where, "a rule before any source")
                ident, target, *conditions = rest.split()
                current = {"id": ident, "answer": target, "where": where, "tier": tier, "source": source, "date": date, "patterns": [],
                           "examples": [], "provider": None, "code": (0, 0), "status": None, "stages": 0, "klass": 0, "delist": None}
                for condition in conditions:
                    key, _, value = condition.partition("=")
                    if key == "code":
                        low, _, high = value.partition("-")
                        current["code"] = (int(low), int(high or low))
                    elif key == "class":
                        current["klass"] = ord(value)
                    elif key == "stage":
                        for s in value.split(","):
                            current["stages"] |= 1 << STAGES.index(s)
                    elif key in ("provider", "status", "delist"):
                        current[key] = value
                    else:
                        fault(where, f"no such condition: {key}")
                rules.append(current)
            else:
                fault(where, f"no such statement: {word}")
            continue
        if current is None:
            fault(where, "belongs to nothing")
        elif "patterns" in current:
            if word == "|":
                add_pattern(where, current, rest.strip(), False)
            elif word == "!":
                add_pattern(where, current, rest.strip(), True)
            elif word == "=":
                current["examples"].append(rest.strip())
            else:
                fault(where, f"no such line in a rule: {word}")
        elif word == "is":
            values = rest.split()
            if len(values) != 7:
                fault(where, "is: seven words")
            current.update(zip(("reason", "category", "owner", "permanent", "retry", "suppress", "scope"), values))
        elif word in ("admin", "user"):
            current[word].append(rest.strip())
        elif word in ANSWER_KEYS:
            current[word] = rest.strip()
        else:
            fault(where, f"no such line in an answer: {word}")


def check():
    for a in answers.values():
        w = a["where"]
        for key in ANSWER_KEYS - {"expect"}:
            if not a.get(key):
                fault(w, f"answer {a['id']} has no {key}")
                a.setdefault(key, "")
        for key, words in (("owner", OWNERS), ("retry", RETRY), ("suppress", SUPPRESS), ("scope", SCOPE), ("reason", REASONS), ("category", CATEGORIES)):
            if a[key] not in words:
                fault(w, f"{key} {a[key]!r} is not a word of the contract")
        for text in [a["cause"], a.get("expect") or ""] + a["admin"] + a["user"]:
            for name in re.findall(r"\{(\w+)\}", text):
                if name not in FACTS:
                    fault(w, f"no such fact: {{{name}}}")
        # Only what is about the address, or the domain behind it, may be held against the address.
        if a["suppress"] in ("yes", "provisional") and a["scope"] not in ("recipient", "domain"):
            fault(w, f"answer {a['id']} suppresses a recipient for something that is not about him")
    used = {r["answer"] for r in rules}
    for r in rules:
        if r["answer"] not in answers:
            fault(r["where"], f"no such answer: {r['answer']}")
        if r["provider"] and r["provider"] not in providers:
            fault(r["where"], f"no such provider: {r['provider']}")
        if not r["examples"]:
            fault(r["where"], f"rule {r['id']} has no example")
        if not [p for p in r["patterns"] if not p[3]] and r["code"] == (0, 0) and not r["status"] and not r["klass"] and not r["provider"] and not r["stages"]:
            fault(r["where"], f"rule {r['id']} holds for everything")
    seen = {}
    for r in rules:
        if r["id"] in seen:
            fault(r["where"], f"a second rule {r['id']}")
        seen[r["id"]] = 1
    for a in answers.values():
        if a["id"] not in used and not a["id"].startswith("kind-") and a["id"] != "undefined":
            fault(a["where"], f"no rule leads to answer {a['id']}")


def enum(prefix, word):
    return prefix + word.upper().replace("-", "_")


def write(table, example_file):
    order = list(answers)
    with open(table, "w") as out:
        p = lambda s: out.write(s + "\n")
        p("/* Made by tools/rules.py from src/diagnose/rules: do not edit. */")
        p('#include "diagnose/rules_table.h"\n')
        p("const struct answer_row answer_rows[] = {")
        for a in answers.values():
            p("\t{ %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s }," % (
                c(a["id"]), c(a["reason"]), c(a["category"]), enum("OWNER_", a["owner"]), "true" if a["permanent"] == "yes" else "false",
                "true" if a["reason"] in HARD and a["suppress"] == "yes" else "false", enum("RETRY_", a["retry"]), enum("SUPPRESS_", a["suppress"]), enum("SCOPE_", a["scope"]),
                c(a.get("expect")), c(a["cause"]), c("\n".join(a["admin"])), c("\n".join(a["user"]))))
        p("};\nconst size_t answer_rows_count = sizeof(answer_rows) / sizeof(answer_rows[0]);\n")
        first = 0
        p("const struct rule_row rule_rows[] = {")
        for r in sorted(rules, key=lambda r: r["tier"]):
            number = providers[r["provider"]][0] if r["provider"] else 0
            p("\t{ %s, %s, %s, %s, %d, %d, %d, %d, %d, %d, %s, 0x%x, %d, %d }," % (
                c(r["id"]), c(r["source"]), c(r["date"]), c(r["delist"]), order.index(r["answer"]), r["tier"], number, r["klass"],
                r["code"][0], r["code"][1], c(r["status"]), r["stages"], first, len(r["patterns"])))
            first += len(r["patterns"])
        p("};\nconst size_t rule_rows_count = sizeof(rule_rows) / sizeof(rule_rows[0]);\n")
        p("const struct pattern_row pattern_rows[] = {")
        for i, r in enumerate(sorted(rules, key=lambda r: r["tier"])):
            for word, regex, glob, unless in r["patterns"]:
                p("\t{ %d, %s, %s, %s, %s }," % (i, "true" if unless else "false", c(word), c(regex), c(glob)))
        p("};\nconst size_t pattern_rows_count = sizeof(pattern_rows) / sizeof(pattern_rows[0]);\n")
        p("const struct provider_row provider_rows[] = {\n\t{ NULL, NULL },")
        for ident, (_, name) in providers.items():
            p("\t{ %s, %s }," % (c(ident), c(name)))
        p("};\nconst size_t provider_rows_count = sizeof(provider_rows) / sizeof(provider_rows[0]);\n")
        p("const struct provider_mark provider_marks[] = {")
        marks.sort(key=lambda mark: (len(mark[1]), mark))
        for number, host in marks:
            p("\t{ %d, B_INIT(%s) }," % (number, c(host)))
        p("};\nconst size_t provider_marks_count = sizeof(provider_marks) / sizeof(provider_marks[0]);")
        p("const uint16_t provider_marks_from[PROVIDER_MARK_MAX] = { %s };" % ", ".join(str(sum(len(host) < n for _, host in marks)) for n in range(MARK_MAX)))
    with open(example_file, "w") as out:
        out.write('/* Made by tools/rules.py: do not edit. */\n#include "diagnose/rules.h"\n\nconst struct example_row rule_examples[] = {\n')
        for r in rules:
            for e in r["examples"]:
                out.write("\t{ %s, %s },\n" % (c(r["id"]), c(unescape(e))))
        out.write("};\nconst size_t rule_examples_count = sizeof(rule_examples) / sizeof(rule_examples[0]);\n")


for path in sys.argv[3:]:
    read(path)
if not faults:
    check()
if faults:
    print("\n".join(faults), file=sys.stderr)
    sys.exit(1)
write(sys.argv[1], sys.argv[2])

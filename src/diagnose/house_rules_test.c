/* diagnose/house_rules_test.c: files of own rules: what they lead to, and what
 * is said of faulty ones. */
#include "base/rows.h"

#include <stdio.h>
#include <string.h>

#include "diagnose/explain.h"
#include "diagnose/house_rules.h"

static bool
text_of(void *arg, struct arena *a, struct bytes path, struct bytes *text_out, struct bytes *why_out)
{
	(void)a, (void)path, (void)why_out;
	*text_out = bytes_of(arg);
	return true;
}

static struct house_rules *
read_text(struct arena *a, const char *text, struct conf_faults *faults)
{
	struct conf_host host = { text_of, NULL, NULL, (void *)text };

	return house_rules_read(a, &host, B("own.conf"), faults);
}

#define FROM   "source = \"a letter\"\ndate = 2026-11\n"
#define ANSWER "reason = policyviolation\ncause = \"{host} said so.\"\nsteps = \"Ask {rdomain}.\"\n"
#define HELD   "rule aside {\n" FROM ANSWER "text = \"held for * review\"\nexample = \"450 Held for manual review\"\n}\n"

static const struct match_row {
	const char *name, *rules;
	const char *code, *enhanced, *text, *host;
	const char *rule; /* "": one of the program's, or none */
	const char *reason;
} matches[] = {
	{ "an own rule is tried before those of the program", "rule mine {\n" FROM ANSWER "text = \"user unknown\"\nexample = \"550 user unknown\"\n}", "550", "5.1.1", "User unknown", "", "mine", "policyviolation" },
	{ "where none holds, the program judges", HELD, "550", "5.1.1", "User unknown", "", "", "userunknown" },
	{ "a star stands for any text", HELD, "450", "4.7.1", "Message HELD  for the\tmanual review", "", "aside", "policyviolation" },
	{ "but not for the wrong order", HELD, "450", "4.7.1", "a review is held for nobody", "", "", NULL },
	{ "several stars", "rule x {\n" FROM ANSWER "text = \"held*for*review\"\nexample = \"450 held for my review\"\n}", "450", "4.7.1", "held, held, held, held, held, held, held, held, held, held, held, held, held, held, held, held, held, held, held, held: for, for, for, for, for, for, for, for, for, for, for, for, for, for, for, for: a review", "", "x", "policyviolation" },
	{ "what must not be found", "rule aside {\n" FROM ANSWER "text = \"user unknown\"\nunless = \"perhaps\"\nexample = \"550 user unknown\"\n}", "550", "5.1.1", "User unknown, perhaps", "", "", "userunknown" },
	{ "a regular expression, in any case", "rule full {\n" FROM ANSWER "pattern = \"Spool is [0-9]+ percent\"\nexample = \"452 spool is 9 percent full\"\n}", "452", "4.3.1", "SPOOL IS 97 PERCENT FULL", "", "full", "policyviolation" },
	{ "several texts: any of them", "rule x {\n" FROM ANSWER "text = \"first text\"\ntext = \"second text\"\nexample = \"550 first text\"\n}", "550", "", "the second text", "", "x", "policyviolation" },
	{ "a range of codes that holds", "rule x {\n" FROM ANSWER "code = 450-459\nexample = \"451 zzz\"\n}", "459", "", "zzz", "", "x", "policyviolation" },
	{ "a range of codes that does not", "rule x {\n" FROM ANSWER "code = 450-459\nexample = \"451 zzz\"\n}", "550", "", "zzz", "", "", "undefined" },
	{ "an enhanced code of any class", "rule x {\n" FROM ANSWER "enhanced = x.9.9*\nexample = \"550 5.9.91 zzz\"\n}", "450", "4.9.98", "zzz", "", "x", "policyviolation" },
	{ "a class", "rule x {\n" FROM ANSWER "class = 4\nexample = \"450 zzz\"\n}", "451", "", "zzz", "", "x", "policyviolation" },
	{ "a host below the one named", "rule x {\n" FROM ANSWER "host = example.net\nexample = \"550 zzz\"\n}", "550", "", "zzz", "mx.example.net", "x", "policyviolation" },
	{ "a host that only ends like it", "rule x {\n" FROM ANSWER "host = example.net\nexample = \"550 zzz\"\n}", "550", "", "zzz", "mx.anexample.net", "", "undefined" },
	{ "a provider", "rule x {\n" FROM ANSWER "provider = google\nexample = \"550 zzz\"\n}", "550", "", "zzz", "mx.google.com", "x", "policyviolation" },
	{ "a stage", "rule x {\n" FROM ANSWER "stage = rcpt data\nexample = \"550 zzz (in reply to RCPT TO command)\"\n}", "550", "", "zzz (in reply to DATA command)", "", "x", "policyviolation" },
	{ "the answer of a rule of the program", "rule x {\n" FROM "like = iana-2.2\ntext = \"gone fishing\"\nexample = \"550 gone fishing\"\n}", "550", "", "gone fishing", "", "x", "mailboxfull" },
	{ "the first rule in the file wins", "rule a {\n" FROM ANSWER "text = \"some words\"\nexample = \"550 some words\"\n}\nrule b {\n" FROM ANSWER "text = \"words here\"\nexample = \"550 words here\"\n}", "550", "", "some words here", "", "a",
	  "policyviolation" },
	{ "an expression that searches for ever is not found", "rule x {\n" FROM ANSWER "pattern = \"(a+)+$\"\nexample = \"550 aaa\"\n}", "550", "", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "", "", "undefined" },
};

static void
check_match(void **state)
{
	const struct match_row *row = *state;
	struct arena           *a = arena_new((size_t)16 << 20);
	struct conf_faults      faults = { .count = 0 };
	struct rules           *rules = rules_new();

	rules_adopt(rules, read_text(a, row->rules, &faults));
	house_rules_try(rules, a, &faults);
	if (faults.count > 0)
		fail_msg("line %u: %.*s", faults.at[0].at.line, B_FMT(faults.at[0].text));
	struct explained *x = explain_reply(a, rules, bytes_of(row->code), bytes_of(row->enhanced), bytes_of(row->text), bytes_of(row->host));
	assert_non_null(x);
	const struct bounce_verdict *v = &x->list[0];
	bool                         own = v->rule != NULL && strcmp(v->rule->source, "a letter") == 0;
	assert_string_equal(own ? v->rule->id : "", row->rule);
	if (row->reason != NULL)
		assert_string_equal(v->answer->reason, row->reason);
	assert_true(advice_cause(a, v).len > 0 && advice_steps(a, v, FOR_ADMIN).len > 0 && advice_steps(a, v, FOR_USER).len > 0);
	rules_free(rules);
	arena_free(a);
}

/* The words stand in what the reporter writes, the exception in what it quotes. */
static void
an_exception_counts_wherever_it_stands(void **state)
{
	static const char message[] = "From: MAILER-DAEMON@example.org\nTo: a@example.org\nSubject: Undelivered Mail Returned to Sender\nMIME-Version: 1.0\n"
	                              "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\n"
	                              "I could not deliver your mail, it was set aside.\n\n<b@example.net>: host mx.example.net[192.0.2.1] said: 550 5.7.1 it %s\n\n"
	                              "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\nFinal-Recipient: rfc822; b@example.net\n"
	                              "Action: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp; 550 5.7.1 it %s\n\n--b--\n";
	static const char own[] = "rule aside {\n" FROM ANSWER "text = \"set aside\"\nunless = \"released\"\nexample = \"550 set aside\"\n}\n";

	(void)state;
	for (int released = 0; released < 2; released++) {
		struct arena      *a = arena_new((size_t)16 << 20);
		struct conf_faults faults = { .count = 0 };
		struct rules      *rules = rules_new();
		const char        *end = released ? "was released" : "stays";
		char               text[2000];

		rules_adopt(rules, read_text(a, own, &faults));
		assert_int_equal(faults.count, 0);
		struct explained *x = explain_message(a, rules, bytes_make(text, (size_t)snprintf(text, sizeof(text), message, end, end)));
		assert_non_null(x);
		assert_int_equal(x->count, 1);
		bool held = x->list[0].rule != NULL && strcmp(x->list[0].rule->id, "aside") == 0;
		assert_int_equal(held, !released);
		rules_free(rules);
		arena_free(a);
	}
}

static const struct fault_row {
	const char *name, *rules;
	unsigned    line;
	const char *text;
} fault_rows[] = {
	{ "what is no rule", "threads = 2\n", 1, "only rules stand here: rule NAME { ... }" },
	{ "a rule without a name", "rule {\n}\n", 1, "a rule has a name of letters, digits and hyphens: rule partner-quarantine { ... }" },
	{ "a name that is taken", HELD HELD, 10, "there is a rule aside already, in line 1" },
	{ "a name that the program has", "rule iana-2.2 {\n}\n", 1, "the program has a rule iana-2.2 already: choose another name, or write like = iana-2.2" },
	{ "a mistyped key", "rule x {\n" FROM ANSWER "txt = \"abc\"\n}\n", 7, "unknown key \"txt\" of a rule; did you mean \"text\"?" },
	{ "a section in a rule", "rule x {\n" FROM "text { }\n}\n", 4, "a section cannot stand in a rule" },
	{ "a key without a value", "rule x {\ntext =\n}\n", 2, NULL },
	{ "an unquoted text", "rule x {\n" FROM ANSWER "text = user unknown\n}\n", 7, "put the whole text of \"text\" into double quotes" },
	{ "two words for one", "rule x {\n" FROM ANSWER "code = 550 551\n}\n", 7, "\"code\" is one word" },
	{ "a text that is found everywhere", "rule x {\n" FROM ANSWER "text = \"a*b\"\n}\n", 7, "a text of fewer than three octets is found everywhere" },
	{ "more stars than are looked at", "rule x {\n" FROM ANSWER "text = \"abc*d*e*f*g*h*i*j*k\"\n}\n", 7, "a text has at most 7 stars; write an expression" },
	{ "an expression that is found everywhere", "rule x {\n" FROM ANSWER "pattern = \"a*\"\n}\n", 7, "the expression is found everywhere, even in no text at all" },
	{ "an expression that does not compile", "rule x {\n" FROM ANSWER "pattern = \"quota (is\"\n}\n", 7, "the expression does not compile, behind \"quota (is\": missing closing parenthesis" },
	{ "an expression that is deeper than any needs to be", "rule x {\n" FROM ANSWER "pattern = \"((((((((((((((((((((((a))))))))))))))))))))))\"\n}\n", 7, NULL },
	{ "a code that refuses nothing", "rule x {\n" FROM ANSWER "code = 250\n}\n", 7, "\"code\" is a reply code from 400 to 599, or two with a hyphen between, not \"250\"" },
	{ "a range the wrong way round", "rule x {\n" FROM ANSWER "code = 559-500\n}\n", 7, "\"code\" is a reply code from 400 to 599, or two with a hyphen between, not \"559-500\"" },
	{ "a wrong enhanced code", "rule x {\n" FROM ANSWER "enhanced = 7.1\n}\n", 7, "\"enhanced\" is a code such as 5.7.1, x.7.26 or 5.7.6*, not \"7.1\"" },
	{ "a wrong class", "rule x {\n" FROM ANSWER "class = 2\n}\n", 7, "\"class\" is 4 or 5, not \"2\"" },
	{ "a wrong stage", "rule x {\n" FROM ANSWER "stage = rcpt quit\n}\n", 7, "\"stage\" is connect, helo, mail, rcpt, data or eom, not \"quit\"" },
	{ "a wrong host", "rule x {\n" FROM ANSWER "host = \"a b\"\n}\n", 7, "\"host\" is a name such as mx.example.net or example.net, not \"a b\"" },
	{ "a mistyped provider", "rule x {\n" FROM ANSWER "provider = gogle\n}\n", 7, "unknown provider \"gogle\"; did you mean \"google\"?" },
	{ "a mistyped reason", "rule x {\n" FROM "reason = userunknwon\n}\n", 4, "unknown reason \"userunknwon\"; did you mean \"userunknown\"?" },
	{ "a mistyped owner", "rule x {\n" FROM ANSWER "owner = sender-amdin\n}\n", 7, "unknown owner \"sender-amdin\"; did you mean \"sender-admin\"?" },
	{ "like a rule that is not there", "rule x {\n" FROM "like = iana-2.9\n}\n", 4, "the program has no rule \"iana-2.9\"; did you mean \"iana-2.2\"?" },
	{ "a fact that is not there", "rule x {\n" FROM ANSWER "expect = \"after {delay} hours\"\n}\n", 7, "there is no fact {delay}" },
	{ "a brace that is not closed", "rule x {\n" FROM ANSWER "expect = \"after {host\"\n}\n", 7, "{host is not closed" },
	{ "a wrong date", "rule x {\n" FROM "date = 2026\n}\n", 4, NULL },
	{ "a key set twice", "rule x {\n" FROM ANSWER "class = 4\nclass = 5\n}\n", 8, "\"class\" is set twice; the first is in line 7" },
	{ "no source", "rule x {\n" ANSWER "class = 4\nexample = \"450 zzz\"\n}\n", 1, "the rule x does not say where it is from: write source = \"...\" and date = 2026-11" },
	{ "no condition", "rule x {\n" FROM ANSWER "example = \"450 zzz\"\n}\n", 1, "the rule x holds for every reply: write text, pattern, code, enhanced, class, stage, host or provider" },
	{ "only an exception is no condition", "rule x {\n" FROM ANSWER "unless = \"abc\"\nexample = \"450 zzz\"\n}\n", 1, "the rule x holds for every reply: write text, pattern, code, enhanced, class, stage, host or provider" },
	{ "no answer", "rule x {\n" FROM "class = 4\nexample = \"450 zzz\"\n}\n", 1, "the rule x leads to no answer: write reason, cause and steps, or like = the name of a rule of the program" },
	{ "no cause", "rule x {\n" FROM "reason = blocked\nsteps = \"a\"\nclass = 4\nexample = \"450 zzz\"\n}\n", 1, "the rule x has no cause" },
	{ "a recipient is suppressed for what he has nothing to do with", "rule x {\n" FROM ANSWER "suppress = yes\nscope = ip\nclass = 4\nexample = \"450 zzz\"\n}\n", 1, "the rule x suppresses a recipient for what concerns the ip: write suppress = no" },
	{ "no example", "rule x {\n" FROM ANSWER "class = 4\n}\n", 1, "the rule x has no example: a reply that must lead to it" },
	{ "an example of something else", "rule x {\n" FROM ANSWER "class = 4\ntext = \"spool full\"\nexample = \"450 4.3.1 zzz\"\n}\n", 9,
	  "the conditions of x do not hold for this example: its code is 450, the enhanced one 4.3.1, the stage none, and the text \"zzz\"" },
	{ "an example that an earlier rule takes", HELD "rule x {\n" FROM ANSWER "text = \"manual\"\nexample = \"450 held for manual review\"\n}\n", 17, "the rule aside stands before this one and takes this example" },
};

static void
check_fault(void **state)
{
	const struct fault_row *row = *state;
	struct arena           *a = arena_new((size_t)16 << 20);
	struct conf_faults      faults = { .count = 0 };
	struct rules           *rules = rules_new();
	struct house_rules     *house = read_text(a, row->rules, &faults);

	rules_adopt(rules, house);
	if (faults.count == 0)
		house_rules_try(rules, a, &faults);
	else
		assert_null(house);
	assert_true(faults.count > 0);
	if (row->text != NULL)
		assert_bytes(faults.at[0].text, bytes_of(row->text));
	assert_int_equal(faults.at[0].at.line, row->line);
	rules_free(rules);
	arena_free(a);
}

int
main(void)
{
	ROWS_ADD(matches, check_match);
	ROWS_ADD(fault_rows, check_fault);
	rows_add("an exception counts wherever in the report it stands", an_exception_counts_wherever_it_stands, NULL);
	return rows_run("house_rules");
}

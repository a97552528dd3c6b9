/* desk/check.c: see check.h. check, dkim and dmarc are one verb that prints more
 * or less of the same account; spf needs no message. */
#include "desk/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/spf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/utf8.h"
#include "desk/account_text.h"
#include "desk/judgement.h"
#include "desk/settings_load.h"
#include "mail/address.h"
#include "policy/settings.h"
#include "session/account_json.h"

/* A message may be large, but not without end. */
#define MESSAGE_MAX ((size_t)256 << 20)

struct own {
	const char      *ip, *helo, *mail_from, *authserv_id;
	struct cli_texts rcpt;
};

static const struct cli_option message_options[] = {
	{ "ip", CLI_TEXT, "ADDRESS", "address of the SMTP client; without it SPF is left out", offsetof(struct own, ip) },
	{ "helo", CLI_TEXT, "NAME", "what it said in HELO", offsetof(struct own, helo) },
	{ "mail-from", CLI_TEXT, "ADDRESS", "the envelope sender; <> for none", offsetof(struct own, mail_from) },
	{ "rcpt", CLI_TEXTS, "ADDRESS", "an envelope recipient; may be given again", offsetof(struct own, rcpt) },
	{ "authserv-id", CLI_TEXT, "ID", "our name in Authentication-Results", offsetof(struct own, authserv_id) },
};

/* What is printed of an account, and what the process ends with. */
struct face {
	const char *part; /* the check whose lines are printed; NULL: all */
	void (*json)(struct json *, const struct account *);
	int (*exit)(const struct account *);
};

struct run {
	const struct cli  *cli;
	const struct face *face;
	struct buf         out;
	int                exit;
};

/* ---- exit codes ---- */

static int
exit_of_decision(const struct account *account)
{
	switch (account->decision.action) {
	case ACTION_ACCEPT:
		return CLI_FINE;
	case ACTION_DEFER:
		return CLI_UNKNOWN;
	default:
		return CLI_FAULT;
	}
}

static int
exit_of_result(enum result r)
{
	switch (r) {
	case RESULT_FAIL:
	case RESULT_SOFTFAIL:
	case RESULT_PERMERROR:
		return CLI_FAULT;
	case RESULT_TEMPERROR:
		return CLI_UNKNOWN;
	default:
		return CLI_FINE;
	}
}

/* One good signature is enough; else the best known of the others. */
static int
exit_of_dkim(const struct account *account)
{
	int worst = CLI_FINE;

	for (size_t i = 0; i < account->facts.dkim_count; i++) {
		enum result r = account->facts.dkim[i].finding.result;
		if (r == RESULT_PASS)
			return CLI_FINE;
		if (exit_of_result(r) > worst)
			worst = exit_of_result(r);
	}
	return worst;
}

static int
exit_of_dmarc(const struct account *account)
{
	return exit_of_result(account->facts.dmarc.result);
}

/* ---- printing ---- */

static void
json_dkim(struct json *j, const struct account *account)
{
	json_open_object(j);
	json_key(j, "dkim");
	account_json_dkim(j, account);
	json_key(j, "account");
	account_json_lines(j, account, "dkim");
	json_close_object(j);
}

static void
json_dmarc(struct json *j, const struct account *account)
{
	json_open_object(j);
	json_key(j, "dmarc");
	account_json_dmarc(j, account);
	json_key(j, "account");
	account_json_lines(j, account, "dmarc");
	json_close_object(j);
}

static const struct face check_face = { NULL, account_json, exit_of_decision };
static const struct face dkim_face = { "dkim", json_dkim, exit_of_dkim };
static const struct face dmarc_face = { "dmarc", json_dmarc, exit_of_dmarc };

static void
told(void *arg, const struct account *account)
{
	struct run *run = arg;
	int         exit = run->face->exit(account);

	if (run->cli->json) {
		struct json j = json_to(&run->out, false);
		run->face->json(&j, account);
		buf_add_c(&run->out, '\n');
	} else {
		if (run->out.len > 0)
			buf_add_c(&run->out, '\n');
		account_text(&run->out, run->cli, account, run->face->part);
		if (run->face == &dkim_face && account->facts.dkim_count == 0)
			buf_printf(&run->out, "  dkim      none  %s [%s]\n", reason_row(REASON_DKIM_NONE)->line, reason_word(REASON_DKIM_NONE));
	}
	/* Of several messages the worst is told; trouble is worse than a fault. */
	if (exit > run->exit)
		run->exit = exit;
}

static struct bytes
text_or_empty(const char *s)
{
	return s != NULL ? bytes_of(s) : B("");
}

/* False when the process is to end with cli->exit. */
static bool
read_ip(struct cli *cli, const char *text, struct ip *ip_out)
{
	if (text == NULL || ip_parse(bytes_of(text), ip_out))
		return true;
	cli->exit = cli_fault(cli, "--ip: '%s' is not an IPv4 or IPv6 address", text);
	return false;
}

static int
judge_file(struct run *run, const struct session_env *env, struct oracle *oracle, struct judgement_input *in, const char *path)
{
	struct buf text = { .limit = MESSAGE_MAX };
	enum rc    rc = file_read(path, &text);

	if (rc != RC_OK) {
		buf_free(&text);
		return cli_fault(run->cli, "%s: %s", path,
		                 rc == RC_LIMIT    ? "larger than 256 MiB"
		                 : rc == RC_MEMORY ? "not enough memory"
		                                   : strerror(errno));
	}
	in->text = buf_bytes(&text);
	bool judged = judgement_run(env, oracle, in, told, run);
	buf_free(&text);
	return judged ? CLI_FINE : cli_fault(run->cli, "%s: not enough memory", path);
}

static int
judge_files(const struct cli_verb *verb, const struct face *face, int argc, char **argv)
{
	struct own      own = { .ip = NULL };
	struct cli      cli;
	struct run      run = { .cli = &cli, .face = face };
	struct desk_env desk = { .settings = NULL };
	struct oracle  *oracle = NULL;
	int             fault = CLI_FINE;

	if (!cli_parse(&cli, argc, argv, verb, &own))
		return cli.exit;
	struct judgement_input in = {
		.helo = text_or_empty(own.helo), .mail_from = text_or_empty(own.mail_from), .rcpt = own.rcpt, .now = cli.time
	};
	if (!read_ip(&cli, own.ip, &in.ip) || !desk_env_open(&desk, &cli, own.authserv_id))
		return cli.exit;
	log_open(LOG_STDERR, AT_WARNING); /* the account is printed: no need to log it */
	oracle = oracle_new(&cli, desk.settings);
	if (oracle == NULL) {
		desk_env_close(&desk);
		return CLI_USE;
	}
	for (int i = 0; i < cli.arg_count && fault == CLI_FINE; i++)
		fault = judge_file(&run, &desk.env, oracle, &in, cli.args[i]);
	oracle_free(oracle);
	desk_env_close(&desk);
	if (fault != CLI_FINE) {
		buf_free(&run.out);
		return fault;
	}
	int put = cli_put(&cli, &run.out);
	return put != CLI_FINE ? put : run.exit;
}

int
desk_check(int argc, char **argv)
{
	static const struct cli_verb verb = {
		"check",
		"[--ip A] [--helo H] [--mail-from M] [--rcpt R]... [--authserv-id ID] MESSAGE...",
		"Judge a message as the gateway would: SPF, DKIM, ARC, DMARC, the decision and the reply its sender would see.",
		"mailreeve check --dns examples/zone --ip 203.0.113.66 --helo mail.example.net --mail-from a@example.net examples/forged-reject.eml",
		message_options,
		NELEMS(message_options),
		1,
		-1,
	};
	return judge_files(&verb, &check_face, argc, argv);
}

int
desk_dkim(int argc, char **argv)
{
	static const struct cli_verb verb = {
		"dkim",
		"MESSAGE...",
		"Verify the DKIM signatures of a message.",
		"mailreeve dkim --dns examples/zone examples/good.eml",
		message_options,
		NELEMS(message_options),
		1,
		-1,
	};
	return judge_files(&verb, &dkim_face, argc, argv);
}

int
desk_dmarc(int argc, char **argv)
{
	static const struct cli_verb verb = {
		"dmarc",
		"[--ip A] [--helo H] [--mail-from M] MESSAGE...",
		"Does the From domain answer for this message, and what does it ask to do if not?",
		"mailreeve dmarc --dns examples/zone --ip 192.0.2.25 --mail-from a@example.com examples/good.eml",
		message_options,
		NELEMS(message_options),
		1,
		-1,
	};
	return judge_files(&verb, &dmarc_face, argc, argv);
}

/* ---- spf ---- */

static const struct cli_option spf_options[] = {
	{ "ip", CLI_TEXT, "ADDRESS", "address of the SMTP client", offsetof(struct own, ip) },
	{ "helo", CLI_TEXT, "NAME", "what it said in HELO", offsetof(struct own, helo) },
	{ "mail-from", CLI_TEXT, "ADDRESS", "the envelope sender; <> or nothing: postmaster@HELO", offsetof(struct own, mail_from) },
};

/* The thinker is stepped here, with an account of its own to tell the story. */
static bool
evaluate(struct arena *a, struct oracle *oracle, const struct spf_query *query, struct account *account)
{
	struct spf          *spf = spf_new(a, query, SPF_MAILFROM);
	const struct answer *answer = NULL;
	struct ask           ask;
	struct finding       finding;

	if (spf == NULL)
		return false;
	while (spf_step(spf, answer, &ask, &finding) == STEP_ASKS) {
		answer = answer_hold(a, oracle_answer(oracle, &ask));
		account_asked(a, account, "spf", &ask, answer, 0);
	}
	account_concluded(a, account, "spf", finding, 0);
	account->facts.spf = (struct spf_fact){ true, finding, spf_report(spf) };
	return !arena_overdrawn(a);
}

int
desk_spf(int argc, char **argv)
{
	static const struct cli_verb verb = {
		"spf",
		"--ip A [--helo H] [--mail-from M]",
		"May this client use this sender? (RFC 7208)",
		"mailreeve spf --dns examples/zone --ip 192.0.2.25 --helo mail.example.com --mail-from a@example.com",
		spf_options,
		NELEMS(spf_options),
		0,
		0,
	};
	struct own      own = { .ip = NULL };
	struct cli      cli;
	struct desk_env desk = { .settings = NULL };

	if (!cli_parse(&cli, argc, argv, &verb, &own))
		return cli.exit;
	struct spf_query query = { .helo = text_or_empty(own.helo), .mail_from = path_address(text_or_empty(own.mail_from)), .now = cli.time };
	if (own.ip == NULL)
		return cli_fault(&cli, "--ip is missing: SPF asks about the address of a client");
	if (!read_ip(&cli, own.ip, &query.ip) || !desk_env_open(&desk, &cli, NULL))
		return cli.exit;

	query.receiver = desk.env.hostname;
	struct oracle *oracle = oracle_new(&cli, desk.settings);
	struct arena  *a = arena_new((size_t)8 << 20);
	struct account account = { .facts = { .mail_from = query.mail_from } };
	struct buf     out = { 0 };
	int            exit = CLI_USE;
	if (oracle == NULL)
		goto end;
	if (!evaluate(a, oracle, &query, &account)) {
		exit = cli_fault(&cli, "not enough memory");
		goto end;
	}
	if (cli.json) {
		struct json j = json_to(&out, false);
		account_json_spf(&j, &account, &account.facts.spf, "spf");
		buf_add_c(&out, '\n');
	} else {
		account_text(&out, &cli, &account, "spf");
		if (account.facts.spf.report->explanation.len > 0) {
			buf_add_str(&out, "  the domain explains: ");
			text_add_safe(&out, account.facts.spf.report->explanation);
			buf_add_c(&out, '\n');
		}
	}
	exit = cli_put(&cli, &out);
	if (exit == CLI_FINE)
		exit = exit_of_result(account.facts.spf.finding.result);
end:
	buf_free(&out);
	arena_free(a);
	oracle_free(oracle);
	desk_env_close(&desk);
	return exit;
}

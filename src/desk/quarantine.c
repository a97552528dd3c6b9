/* desk/quarantine.c: see quarantine.h. */
#include "desk/quarantine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/json.h"
#include "base/utf8.h"
#include "desk/digest.h"
#include "desk/release.h"
#include "desk/settings_load.h"
#include "desk/store_open.h"
#include "desk/trace_view.h"

#define LISTED         1000
#define RELEASE_MEMORY ((size_t)256 << 20)
#define SHOWN_OCTETS   ((size_t)64 << 10)
#define SMTP_WAIT_MS   60000

struct own {
	const char *state, *to;
	int64_t     limit;
};

static const struct cli_option options[] = {
	{ "state", CLI_TEXT, "WORD", "of a list: held (default), unconfirmed, releasing, released, deleted, expired", offsetof(struct own, state) },
	{ "limit", CLI_NUMBER, "N", "of a list: at most so many (1000)", offsetof(struct own, limit) },
	{ "to", CLI_TEXT, "SOCKET", "of release: an SMTP server such as inet:127.0.0.1:10025, instead of release_to", offsetof(struct own, to) },
};

static const struct cli_verb verb = {
	"quarantine",
	"list [--state WORD]\nshow ID\nrelease ID...\ndelete ID...\nexpire\ndigest",
	"Messages that quarantine = store keeps here. show prints a message as safe text; release hands it to the MTA for the recipients it had;\n"
	"delete and expire remove the copy. The row stays, and says who did it. expire also brings back what a release that was cut short left;\n"
	"digest tells recipients by mail what is newly kept for them.",
	"mailreeve quarantine list\nmailreeve quarantine release 4QXYZ7KM2PAC",
	options,
	NELEMS(options),
	1,
	-1,
};

struct job {
	struct cli      cli;
	struct own      own;
	struct desk_env desk;
	struct store   *store;
	struct vault   *vault;
	struct buf      out;
};

static struct bytes
whoami(struct arena *a)
{
	const char *login = getlogin();

	return login != NULL ? arena_copy(a, bytes_of(login)) : arena_printf(a, "uid %ld", (long)getuid());
}

static struct release
release_of(const struct job *job, struct arena *a)
{
	return (struct release){ job->store, job->vault, job->desk.env.hostname, whoami(a), SMTP_WAIT_MS };
}

/* ---- list ---- */

static void
json_held(struct json *j, const struct store_held *h)
{
	char         time[VIEW_TIME_MAX];
	struct bytes rest = h->recipients, one;

	json_open_object(j);
	json_kv_text(j, "id", h->id);
	view_time(h->at_us, time);
	json_kv_str(j, "at", time);
	json_kv_text_or_null(j, "sender", h->sender);
	json_key(j, "recipients");
	json_open_array(j);
	while (rest.len > 0 && bytes_cut(&rest, '\n', &one))
		json_text(j, one);
	json_close_array(j);
	json_kv_text_or_null(j, "header_from", h->header_from);
	json_kv_text_or_null(j, "subject", h->subject);
	json_kv_text_or_null(j, "reason", h->reason);
	json_kv_int(j, "size", h->size);
	json_kv_text(j, "state", h->state);
	view_time(h->expires_us, time);
	json_kv_str(j, "expires", time);
	json_kv_text_or_null(j, "changed_by", h->changed_by);
	json_kv_text_or_null(j, "vault", h->vault);
	json_close_object(j);
}

static bool
show_held(void *arg, const struct store_held *h)
{
	struct job *job = arg;
	char        time[VIEW_TIME_MAX];

	if (job->cli.json) {
		struct json j = json_to(&job->out, false);
		json_held(&j, h);
		buf_add_c(&job->out, '\n');
		return true;
	}
	view_time(h->at_us, time);
	buf_printf(&job->out, "%.10s %.8s  ", time, time + 11);
	text_add_safe(&job->out, h->id);
	buf_add_str(&job->out, "  ");
	text_add_safe(&job->out, h->reason);
	buf_add_str(&job->out, "  ");
	text_add_safe(&job->out, h->header_from.len > 0 ? h->header_from : h->sender);
	buf_add_str(&job->out, " -> ");
	struct bytes rest = h->recipients, first = B("");
	bytes_cut(&rest, '\n', &first);
	text_add_safe(&job->out, first);
	buf_add_str(&job->out, rest.len > 0 ? " and others  \"" : "  \"");
	text_add_safe(&job->out, h->subject);
	buf_add_str(&job->out, "\"\n");
	return true;
}

static int
do_list(struct job *job)
{
	struct bytes state = job->own.state != NULL ? bytes_of(job->own.state) : B(HELD_HELD);
	size_t       limit = job->own.limit > 0 ? (size_t)job->own.limit : LISTED;

	enum rc rc = held_list(job->store, state, 0, B(""), limit, show_held, job);
	return rc == RC_OK ? cli_put(&job->cli, &job->out) : desk_store_fault(&job->cli, job->store, rc);
}

/* ---- one message ---- */

static bool
get(struct job *job, struct arena *a, const char *word, struct store_held *held_out)
{
	if (!id_is(bytes_of(word))) {
		job->cli.exit = cli_fault(&job->cli, "'%s' is not the id of a message", word);
		return false;
	}
	enum rc rc = held_get(job->store, a, id_kept(a, bytes_of(word)), held_out);
	if (rc == RC_LIMIT)
		job->cli.exit = cli_fault(&job->cli, "%s is not in the quarantine", word);
	else if (rc != RC_OK)
		job->cli.exit = desk_store_fault(&job->cli, job->store, rc);
	return rc == RC_OK;
}

/* What became of it, told; the exit status. */
static int
told(struct job *job, enum rc rc, struct bytes why)
{
	if (rc == RC_OK)
		return CLI_FINE;
	cli_fault(&job->cli, "%.*s", B_FMT(why));
	return rc == RC_IO ? CLI_UNKNOWN : CLI_USE;
}

static int
show_one(struct job *job, struct arena *a, const char *word)
{
	struct release    r = release_of(job, a);
	struct store_held h;
	struct buf        text = { 0 };
	struct bytes      rest, line, why = B("");

	if (!get(job, a, word, &h))
		return job->cli.exit;
	if (release_read(&r, a, &h, SHOWN_OCTETS + 1, &text, &why) != RC_OK) {
		buf_free(&text);
		return cli_fault(&job->cli, "%.*s", B_FMT(why));
	}
	rest = bytes_sub(buf_bytes(&text), 0, SHOWN_OCTETS);
	while (rest.len > 0 && bytes_cut_line(&rest, &line)) {
		text_add_safe(&job->out, line);
		buf_add_c(&job->out, '\n');
	}
	if (text.len > SHOWN_OCTETS)
		buf_printf(&job->out, "(the first %zu of %" PRId64 " octets)\n", SHOWN_OCTETS, h.size);
	buf_free(&text);
	return cli_put(&job->cli, &job->out);
}

static int
release_one(struct job *job, struct arena *a, const char *word, const struct endpoint *to)
{
	struct release    r = release_of(job, a);
	struct store_held h;
	struct bytes      why = B("");

	if (!get(job, a, word, &h))
		return job->cli.exit;
	int exit = told(job, release_send(&r, a, &h, to, &why), why);
	if (exit == CLI_FINE)
		buf_printf(&job->out, "%.*s released\n", B_FMT(h.id));
	return exit;
}

static int
delete_one(struct job *job, struct arena *a, const char *word)
{
	struct release    r = release_of(job, a);
	struct store_held h;
	struct bytes      why = B("");

	if (!get(job, a, word, &h))
		return job->cli.exit;
	int exit = told(job, release_delete(&r, a, &h, &why), why);
	if (exit == CLI_FINE)
		buf_printf(&job->out, "%.*s deleted\n", B_FMT(h.id));
	return exit;
}

static int
do_show(struct job *job)
{
	struct arena *a = arena_new((size_t)1 << 20);
	int           exit = show_one(job, a, job->cli.args[1]);

	arena_free(a);
	return exit;
}

static int
for_each(struct job *job, const struct endpoint *to)
{
	int worst = CLI_FINE;

	for (int i = 1; i < job->cli.arg_count; i++) {
		struct arena *a = arena_new(RELEASE_MEMORY);
		int           exit = to != NULL ? release_one(job, a, job->cli.args[i], to) : delete_one(job, a, job->cli.args[i]);
		worst = exit > worst ? exit : worst;
		arena_free(a);
	}
	int put = cli_put(&job->cli, &job->out);
	return worst != CLI_FINE ? worst : put;
}

static int
do_release(struct job *job)
{
	const struct bytes_list *set = &job->desk.settings->store_release_to;
	struct endpoint          to;
	const char              *why;

	if (job->own.to == NULL && set->count == 0)
		return cli_fault(&job->cli, "to whom? set release_to in store { ... }, or --to inet:127.0.0.1:10025");
	if (endpoint_parse(job->own.to != NULL ? bytes_of(job->own.to) : set->at[0], &to, &why) != RC_OK)
		return cli_fault(&job->cli, "--to: %s", why);
	return for_each(job, &to);
}

static int
do_delete(struct job *job)
{
	return for_each(job, NULL);
}

/* ---- expiry ---- */

#define DUE_AT_A_TIME 100

struct due {
	struct arena     *arena;
	struct store_held rows[DUE_AT_A_TIME];
	size_t            count;
};

static bool
note_due(void *arg, const struct store_held *h)
{
	struct due *due = arg;

	due->rows[due->count++] = (struct store_held){ .id = arena_copy(due->arena, h->id), .vault = arena_copy(due->arena, h->vault), .path = arena_copy(due->arena, h->path), .state = arena_copy(due->arena, h->state) };
	return due->count < DUE_AT_A_TIME;
}

enum rc
quarantine_expire(struct vault *vault, struct store *store, int64_t now_us, struct bytes by, size_t *count_out)
{
	struct due due = { .arena = arena_new((size_t)1 << 20) };
	enum rc    rc;

	*count_out = 0;
	do {
		due.count = 0;
		rc = held_due(store, vault_name(vault), now_us, now_us - ABANDONED_US, DUE_AT_A_TIME, note_due, &due);
		for (size_t i = 0; i < due.count && rc == RC_OK; i++) {
			rc = held_change(store, due.rows[i].id, due.rows[i].state, B(HELD_EXPIRED), now_us, by);
			if (rc == RC_OK && bytes_eq(due.rows[i].vault, vault_name(vault)))
				rc = vault_remove(vault, due.rows[i].path);
			else if (rc == RC_LIMIT)
				rc = RC_OK; /* somebody was quicker */
			*count_out += rc == RC_OK;
		}
	} while (rc == RC_OK && due.count == DUE_AT_A_TIME);
	arena_free(due.arena);
	return rc;
}

static void
tell_recovered(void *arg, const struct store_held *h)
{
	struct job *job = arg;

	buf_printf(&job->out, "%.*s %.*s: its release was cut short\n", B_FMT(h->id), B_FMT(h->state));
}

static int
do_expire(struct job *job)
{
	struct arena *a = arena_new((size_t)1 << 12);
	int64_t       now_us = job->cli.time * 1000000;
	size_t        count;
	enum rc       rc = vault_recover(job->vault, job->store, now_us, tell_recovered, job);

	if (rc == RC_OK)
		rc = quarantine_expire(job->vault, job->store, now_us, whoami(a), &count);
	arena_free(a);
	if (rc != RC_OK)
		return desk_store_fault(&job->cli, job->store, rc);
	buf_printf(&job->out, "%zu expired\n", count);
	return cli_put(&job->cli, &job->out);
}

static int
do_digest(struct job *job)
{
	struct arena       *a = arena_new(DIGEST_MEMORY);
	struct digest_run       d = { job->store, job->desk.settings, job->cli.time * 1000000, NULL };
	struct digest_count n;
	struct bytes        why = B("");
	enum rc             rc = digest_send(&d, a, &n, &why);
	int                 exit = told(job, rc == RC_SYNTAX || rc == RC_OK ? rc : RC_IO, why);

	arena_free(a);
	if (exit != CLI_FINE)
		return exit;
	buf_printf(&job->out, "%zu %s sent\n", n.sent, n.sent == 1 ? "letter" : "letters");
	exit = cli_put(&job->cli, &job->out);
	if (n.refused > 0)
		cli_fault(&job->cli, "%zu refused by the server for good: those recipients count as told", n.refused);
	if (n.failed > 0)
		cli_fault(&job->cli, "%zu could not be sent, and will be tried again the next time", n.failed);
	return n.failed > 0 ? CLI_UNKNOWN : exit;
}

/* ---- the verb ---- */

static const struct {
	const char *name;
	int (*run)(struct job *);
	int  least, most; /* words, with its name; most -1: any number */
	bool copies; /* it has to do with them */
} jobs[] = {
	{ "list", do_list, 1, 1, false },       { "show", do_show, 2, 2, true },     { "release", do_release, 2, -1, true },
	{ "delete", do_delete, 2, -1, true },   { "expire", do_expire, 1, 1, true }, { "digest", do_digest, 1, 1, false },
};

static bool
open_all(struct job *job, bool copies)
{
	struct bytes  why = B("");
	struct arena *a = arena_new((size_t)1 << 16);

	settings_of_host(&job->cli);
	if (desk_env_open(&job->desk, &job->cli, NULL)) {
		job->store = desk_store_open(&job->cli, job->desk.settings, STORE_WRITE);
		if (job->store != NULL && copies && vault_open(job->desk.settings->store_quarantine_dir.at, a, &job->vault, &why) != RC_OK)
			job->cli.exit = cli_fault(&job->cli, "quarantine_dir: %.*s", B_FMT(why));
	}
	arena_free(a);
	return job->store != NULL && (job->vault != NULL || !copies);
}

int
desk_quarantine(int argc, char **argv)
{
	struct job job = { .store = NULL };
	size_t     i = 0;
	int        exit;

	if (!cli_parse(&job.cli, argc, argv, &verb, &job.own))
		return job.cli.exit;
	while (i < NELEMS(jobs) && strcmp(jobs[i].name, job.cli.args[0]) != 0)
		i++;
	if (i == NELEMS(jobs))
		return cli_fault(&job.cli, "no such job: %s; there are list, show, release, delete, expire and digest", job.cli.args[0]);
	if (job.cli.arg_count < jobs[i].least)
		return cli_fault(&job.cli, "%s wants an id", jobs[i].name);
	if (jobs[i].most >= 0 && job.cli.arg_count > jobs[i].most)
		return cli_fault(&job.cli, "\"%s\" is one word too many", job.cli.args[jobs[i].most]);
	exit = open_all(&job, jobs[i].copies) ? jobs[i].run(&job) : job.cli.exit;
	vault_close(job.vault);
	store_close(job.store);
	if (job.desk.settings != NULL)
		desk_env_close(&job.desk);
	buf_free(&job.out);
	return exit;
}

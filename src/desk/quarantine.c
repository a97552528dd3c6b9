/* desk/quarantine.c: see quarantine.h. A message goes from one state to another
 * only if it is still in the one that was seen, so of two people who release it
 * one is told; a copy is removed only after its row says so. */
#include "desk/quarantine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/utf8.h"
#include "desk/settings_load.h"
#include "desk/store_open.h"
#include "desk/trace_view.h"
#include "net/smtp_client.h"

#define HELD_RELEASING "releasing"
#define LISTED         1000
#define MESSAGE_MAX    ((size_t)256 << 20)
#define SHOWN_OCTETS   ((size_t)64 << 10)
#define SMTP_WAIT_MS   60000

struct own {
	const char *state, *to;
	int64_t     limit;
};

static const struct cli_option options[] = {
	{ "state", CLI_TEXT, "WORD", "of a list: held (default), unconfirmed, released, deleted, expired", offsetof(struct own, state) },
	{ "limit", CLI_NUMBER, "N", "of a list: at most so many (1000)", offsetof(struct own, limit) },
	{ "to", CLI_TEXT, "SOCKET", "of release: an SMTP server such as inet:127.0.0.1:10025, instead of release_to", offsetof(struct own, to) },
};

static const struct cli_verb verb = {
	"quarantine",
	"list [--state WORD]\nshow ID\nrelease ID...\ndelete ID...\nexpire",
	"Messages that quarantine = store keeps here. show prints a message as safe text; release hands it to the MTA for the recipients it had;\n"
	"delete and expire remove the copy. The row stays, and says who did it.",
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
	char id[ID_LEN];

	if (!id_is(bytes_of(word))) {
		job->cli.exit = cli_fault(&job->cli, "'%s' is not the id of a message", word);
		return false;
	}
	for (size_t i = 0; i < ID_LEN; i++)
		id[i] = byte_is_alpha(word[i]) ? (char)(word[i] & ~0x20) : word[i];
	enum rc rc = held_get(job->store, a, bytes_make(id, ID_LEN), held_out);
	if (rc == RC_LIMIT)
		job->cli.exit = cli_fault(&job->cli, "%s is not in the quarantine", word);
	else if (rc != RC_OK)
		job->cli.exit = desk_store_fault(&job->cli, job->store, rc);
	return rc == RC_OK;
}

static bool
read_copy(struct job *job, const struct store_held *h, struct buf *out)
{
	enum rc rc = vault_read(job->vault, h->path, out);

	if (rc != RC_OK)
		job->cli.exit = cli_fault(&job->cli, "%.*s: its copy cannot be read: %s", B_FMT(h->id), rc == RC_IO ? strerror(errno) : "it is too large");
	return rc == RC_OK;
}

static int
show_one(struct job *job, struct arena *a, const char *word)
{
	struct store_held h;
	struct buf        text = { .limit = MESSAGE_MAX };
	struct bytes      rest, line;

	if (!get(job, a, word, &h) || !read_copy(job, &h, &text)) {
		buf_free(&text);
		return job->cli.exit;
	}
	rest = bytes_sub(buf_bytes(&text), 0, SHOWN_OCTETS);
	while (rest.len > 0 && bytes_cut_line(&rest, &line)) {
		text_add_safe(&job->out, line);
		buf_add_c(&job->out, '\n');
	}
	if (text.len > SHOWN_OCTETS)
		buf_printf(&job->out, "(the first %zu of %zu octets)\n", SHOWN_OCTETS, text.len);
	buf_free(&text);
	return cli_put(&job->cli, &job->out);
}

/* Ours in front: what a filter behind us goes by. */
static bool
make_letter(struct job *job, struct arena *a, const struct store_held *h, struct buf *message)
{
	struct store_account row;
	struct buf           copy = { .limit = MESSAGE_MAX };

	if (!read_copy(job, h, &copy)) {
		buf_free(&copy);
		return false;
	}
	if (store_account_get(job->store, a, h->id, &row) == RC_OK && row.results.len > 0)
		buf_printf(message, "Authentication-Results: %.*s\r\n", B_FMT(row.results));
	buf_printf(message, "X-Mailreeve: released; reason=%.*s; id=%.*s\r\n", B_FMT(h->reason), B_FMT(h->id));
	buf_add(message, buf_bytes(&copy));
	buf_free(&copy);
	return !message->spoilt;
}

static bool
send_letter(struct job *job, struct arena *a, const struct store_held *h, const struct endpoint *to)
{
	struct buf   message = { 0 };
	struct bytes rest = h->recipients, one, why = B("");
	size_t       count = 0;

	for (size_t i = 0; i < rest.len; i++)
		count += rest.at[i] == '\n';
	struct bytes       *all = arena_take_array(a, count + 1, sizeof(*all));
	struct smtp_answer *answers = arena_take_array(a, count + 1, sizeof(*answers)), end;
	for (count = 0; all != NULL && rest.len > 0 && bytes_cut(&rest, '\n', &one);)
		if (one.len > 0)
			all[count++] = one;
	struct smtp_letter letter = { .helo = job->desk.env.hostname, .sender = h->sender, .recipients = all, .count = count };
	bool               good = all != NULL && answers != NULL && make_letter(job, a, h, &message);
	if (good) {
		letter.message = buf_bytes(&message);
		enum rc rc = smtp_send(to, &letter, SMTP_WAIT_MS, a, answers, &end, &why);
		good = rc == RC_OK;
		if (!good)
			job->cli.exit = cli_fault(&job->cli, "%.*s stays held: %.*s", B_FMT(h->id), B_FMT(why));
		if (!good && rc != RC_SYNTAX)
			job->cli.exit = CLI_UNKNOWN;
	}
	for (size_t i = 0; i < count && answers != NULL; i++)
		if (answers[i].code / 100 > 3)
			cli_fault(&job->cli, "  %.*s: %u %.*s", B_FMT(all[i]), answers[i].code, B_FMT(answers[i].text));
	buf_free(&message);
	return good;
}

/* The state is taken first, so that nobody else releases it too; a crash in
 * between leaves it "releasing", and a person decides: twice is better than never. */
static int
release_one(struct job *job, struct arena *a, const char *word, const struct endpoint *to)
{
	struct store_held h;
	struct bytes      by = whoami(a);

	if (!get(job, a, word, &h))
		return job->cli.exit;
	bool open = bytes_eq(h.state, B(HELD_HELD)) || bytes_eq(h.state, B(HELD_UNCONFIRMED)) || bytes_eq(h.state, B(HELD_RELEASING));
	if (!open || held_change(job->store, h.id, h.state, B(HELD_RELEASING), store_now_us(), by) != RC_OK)
		return cli_fault(&job->cli, "%.*s is %.*s, and cannot be released", B_FMT(h.id), B_FMT(h.state));
	if (!send_letter(job, a, &h, to)) {
		if (held_change(job->store, h.id, B(HELD_RELEASING), B(HELD_HELD), store_now_us(), by) != RC_OK)
			cli_fault(&job->cli, "%.*s: its row stays in the state releasing", B_FMT(h.id));
		return job->cli.exit;
	}
	enum rc rc = held_change(job->store, h.id, B(HELD_RELEASING), B(HELD_RELEASED), store_now_us(), by);
	if (rc != RC_OK)
		return desk_store_fault(&job->cli, job->store, rc);
	(void)!vault_remove(job->vault, h.path); /* a copy that stays is found at the next start */
	buf_printf(&job->out, "%.*s released\n", B_FMT(h.id));
	return CLI_FINE;
}

static int
delete_one(struct job *job, struct arena *a, const char *word)
{
	struct store_held h;

	if (!get(job, a, word, &h))
		return job->cli.exit;
	bool open = bytes_eq(h.state, B(HELD_HELD)) || bytes_eq(h.state, B(HELD_UNCONFIRMED));
	if (!open || held_change(job->store, h.id, h.state, B(HELD_DELETED), store_now_us(), whoami(a)) != RC_OK)
		return cli_fault(&job->cli, "%.*s is %.*s, and cannot be deleted", B_FMT(h.id), B_FMT(h.state));
	if (vault_remove(job->vault, h.path) != RC_OK)
		return cli_fault(&job->cli, "%.*s: its copy cannot be removed: %s", B_FMT(h.id), strerror(errno));
	buf_printf(&job->out, "%.*s deleted\n", B_FMT(h.id));
	return CLI_FINE;
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
		struct arena *a = arena_new(MESSAGE_MAX);
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

	due->rows[due->count++] = (struct store_held){ .id = arena_copy(due->arena, h->id), .path = arena_copy(due->arena, h->path), .state = arena_copy(due->arena, h->state) };
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
		rc = held_due(store, now_us, DUE_AT_A_TIME, note_due, &due);
		for (size_t i = 0; i < due.count && rc == RC_OK; i++) {
			rc = held_change(store, due.rows[i].id, due.rows[i].state, B(HELD_EXPIRED), now_us, by);
			if (rc == RC_OK)
				rc = vault_remove(vault, due.rows[i].path);
			else if (rc == RC_LIMIT)
				rc = RC_OK; /* somebody was quicker */
			*count_out += rc == RC_OK;
		}
	} while (rc == RC_OK && due.count == DUE_AT_A_TIME);
	arena_free(due.arena);
	return rc;
}

static int
do_expire(struct job *job)
{
	struct arena *a = arena_new((size_t)1 << 12);
	size_t        count;
	enum rc       rc = quarantine_expire(job->vault, job->store, job->cli.time * 1000000, whoami(a), &count);

	arena_free(a);
	if (rc != RC_OK)
		return desk_store_fault(&job->cli, job->store, rc);
	buf_printf(&job->out, "%zu expired\n", count);
	return cli_put(&job->cli, &job->out);
}

/* ---- the verb ---- */

static const struct {
	const char *name;
	int (*run)(struct job *);
	int least, most; /* words, with its name; most -1: any number */
} jobs[] = {
	{ "list", do_list, 1, 1 }, { "show", do_show, 2, 2 }, { "release", do_release, 2, -1 }, { "delete", do_delete, 2, -1 }, { "expire", do_expire, 1, 1 },
};

static bool
open_all(struct job *job)
{
	struct bytes  why = B("");
	struct arena *a = arena_new((size_t)1 << 16);

	settings_of_host(&job->cli);
	if (desk_env_open(&job->desk, &job->cli, NULL)) {
		job->store = desk_store_open(&job->cli, job->desk.settings, STORE_WRITE);
		if (job->store != NULL && vault_open(job->desk.settings->store_quarantine_dir.at, a, &job->vault, &why) != RC_OK)
			job->cli.exit = cli_fault(&job->cli, "quarantine_dir: %.*s", B_FMT(why));
	}
	arena_free(a);
	return job->vault != NULL;
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
		return cli_fault(&job.cli, "no such job: %s; there are list, show, release, delete and expire", job.cli.args[0]);
	if (job.cli.arg_count < jobs[i].least)
		return cli_fault(&job.cli, "%s wants an id", jobs[i].name);
	if (jobs[i].most >= 0 && job.cli.arg_count > jobs[i].most)
		return cli_fault(&job.cli, "\"%s\" is one word too many", job.cli.args[jobs[i].most]);
	exit = open_all(&job) ? jobs[i].run(&job) : job.cli.exit;
	vault_close(job.vault);
	store_close(job.store);
	if (job.desk.settings != NULL)
		desk_env_close(&job.desk);
	buf_free(&job.out);
	return exit;
}

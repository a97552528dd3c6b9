/* desk/trace.c: see trace.h. The switches, the search, and the walk that its
 * neighbours use too. */
#include "desk/trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/near.h"
#include "base/utf8.h"
#include "desk/store_open.h"
#include "desk/trace_job.h"
#include "desk/trace_view.h"
#include "policy/decision.h"
#include "session/record.h"

/* Accounts that are in memory at a time, and what one may take. */
#define PAGE         200
#define PAGE_MEMORY  ((size_t)256 << 20)
/* What a person is shown when he does not say how much. */
#define SHOWN        100

static const struct cli_option options[] = {
	{ "sender", CLI_TEXT, "ADDRESS", "the envelope sender", offsetof(struct trace_own, sender) },
	{ "recipient", CLI_TEXT, "ADDRESS", "one of the recipients", offsetof(struct trace_own, recipient) },
	{ "domain", CLI_TEXT, "DOMAIN", "the domain of From", offsetof(struct trace_own, domain) },
	{ "client", CLI_TEXT, "IP", "the client that was judged", offsetof(struct trace_own, client) },
	{ "message-id", CLI_TEXT, "ID", "the Message-ID", offsetof(struct trace_own, message_id) },
	{ "queue-id", CLI_TEXT, "ID", "the MTA's queue id", offsetof(struct trace_own, queue_id) },
	{ "reason", CLI_TEXT, "WORD", "such as dmarc.reject", offsetof(struct trace_own, reason) },
	{ "action", CLI_TEXT, "WORD", "accept, quarantine, hold, defer or reject", offsetof(struct trace_own, action) },
	{ "since", CLI_TEXT, "TIME", "7d, 12h, 2026-11-21 or 2026-11-21T03:00:00Z", offsetof(struct trace_own, since) },
	{ "until", CLI_TEXT, "TIME", "the same", offsetof(struct trace_own, until) },
	{ "limit", CLI_NUMBER, "N", "at most so many; else 100, or all with --csv and replay", offsetof(struct trace_own, limit) },
	{ "csv", CLI_FLAG, NULL, "a spreadsheet (RFC 4180), a row for each recipient", offsetof(struct trace_own, csv) },
	{ "store", CLI_TEXT, "WHERE", "the store to read, instead of the one in the settings", offsetof(struct trace_own, store) },
};

static const struct cli_verb verb = {
	"trace",
	"[--sender A] [--recipient A] [--domain D] [--client IP] [--since 7d] ... [--csv|--json]\n"
	"ID\n"
	"follow [filters]\n"
	"replay ID|[filters] --config NEW\n"
	"import-log FILE|-",
	"What became of messages: search, the whole story of one, and what new settings would have done.\n"
	"follow prints accounts as they come. replay judges kept messages again, from the answers that were kept, under other settings.\n"
	"import-log reads the log of Postfix, so that the story goes on to the next hop.",
	"mailreeve trace --recipient rosa@example.net --since 2d\nmailreeve trace 4QXYZ7KM2PAC\nmailreeve trace replay --since 7d --config new.conf",
	options,
	NELEMS(options),
	0,
	2,
};

bool
trace_put(struct trace_job *job)
{
	struct buf  *b = &job->out;
	bool         good = !b->spoilt && (b->len == 0 || fwrite(b->at, 1, b->len, stdout) == b->len) && fflush(stdout) == 0;

	buf_clear(b);
	return good;
}

/* ---- the switches ---- */

/* "7d" is so long ago. */
static bool
read_time(struct bytes text, int64_t now, int64_t *at_us_out)
{
	static const size_t parts[][2] = { { 0, 4 }, { 5, 2 }, { 8, 2 }, { 11, 2 }, { 14, 2 }, { 17, 2 } };
	uint64_t            n[NELEMS(parts)] = { 0 }, ago_ms;

	if (conf_msec(text, &ago_ms)) {
		*at_us_out = now * 1000000 - (int64_t)ago_ms * 1000;
		return true;
	}
	size_t count = text.len == 10 ? 3 : text.len == 19 || text.len == 20 ? 6 : 0;
	for (size_t i = 0; i < count; i++)
		if (!bytes_number(bytes_sub(text, parts[i][0], parts[i][1]), 9999, &n[i]))
			return false;
	if (count == 0 || n[1] < 1 || n[1] > 12 || n[2] < 1 || n[2] > 31 || n[3] > 23 || n[4] > 59 || n[5] > 60)
		return false;
	/* Days since 1970 of a Gregorian date; March begins the year, so that leap days end it. */
	int64_t year = (int64_t)n[0] - (n[1] <= 2), month = ((int64_t)n[1] + 9) % 12;
	int64_t days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + (int64_t)n[2] - 1 - 719468;
	*at_us_out = ((days * 24 + (int64_t)n[3]) * 60 + (int64_t)n[4]) * 60000000 + (int64_t)n[5] * 1000000;
	return true;
}

static bool
take_time(struct trace_job *job, const char *name, const char *text, int64_t *at_us_out)
{
	if (text == NULL || read_time(bytes_of(text), job->cli.time, at_us_out))
		return true;
	cli_fault(&job->cli, "--%s: '%s' is no time such as 7d, 2026-11-21 or 2026-11-21T03:00:00Z", name, text);
	return false;
}

static bool
check_action(struct trace_job *job, const char *text)
{
	for (enum action x = ACTION_ACCEPT; text != NULL && x <= ACTION_REJECT; x++)
		if (strcmp(action_word(x), text) == 0)
			return true;
	if (text != NULL)
		cli_fault(&job->cli, "--action: '%s' is not accept, quarantine, hold, defer or reject", text);
	return text == NULL;
}

static bool
check_reason(struct trace_job *job, const char *text)
{
	enum reason reason;
	struct near near = { .asked = bytes_of(text) };

	if (text == NULL || reason_of(bytes_of(text), &reason))
		return true;
	for (reason = (enum reason)0; reason < REASON_COUNT; reason++)
		near_offer(&near, bytes_of(reason_word(reason)));
	cli_fault(&job->cli, "--reason: there is no '%s'%s%.*s", text, near.best.len > 0 ? "; did you mean " : "", B_FMT(near.best));
	return false;
}

/* Addresses are kept in one form; so is what is looked for. */
static bool
take_client(struct trace_job *job, const char *text)
{
	struct ip ip;
	char      normal[IP_TEXT_MAX];

	if (text == NULL)
		return true;
	if (!ip_parse(bytes_of(text), &ip)) {
		cli_fault(&job->cli, "--client: '%s' is not an IPv4 or IPv6 address", text);
		return false;
	}
	job->search.client = arena_copy(job->arena, bytes_make(normal, ip_format(&ip, normal)));
	return true;
}

static struct bytes
without_brackets(const char *text)
{
	struct bytes b = bytes_of(text);

	return b.len >= 2 && b.at[0] == '<' && b.at[b.len - 1] == '>' ? bytes_sub(b, 1, b.len - 2) : b;
}

static bool
take_filters(struct trace_job *job)
{
	const struct trace_own *own = &job->own;
	struct search          *q = &job->search;

	q->sender = without_brackets(own->sender);
	q->recipient = without_brackets(own->recipient);
	q->domain = bytes_of(own->domain);
	q->message_id = bytes_of(own->message_id);
	q->queue_id = bytes_of(own->queue_id);
	q->reason = bytes_of(own->reason);
	q->action = bytes_of(own->action);
	q->limit = (size_t)own->limit;
	return take_client(job, own->client) && check_action(job, own->action) && check_reason(job, own->reason) &&
	       take_time(job, "since", own->since, &q->from_us) && take_time(job, "until", own->until, &q->to_us);
}

/* ---- the walk ---- */

struct page {
	struct arena         *arena;
	struct store_account *rows;
	size_t                count, room;
};

static bool
gather(void *arg, const struct store_account *row)
{
	struct page *page = arg;

	if (page->count == page->room)
		return false;
	/* The rest of the row is fetched anew, with what belongs to it. */
	page->rows[page->count++] = (struct store_account){ .id = arena_copy(page->arena, row->id) };
	return true;
}

static enum rc
give_page(struct trace_job *job, struct page *page, bool whole, trace_fn *fn, void *arg, bool *go_on)
{
	struct arena *one = arena_new(PAGE_MEMORY);
	enum rc       rc = RC_OK;

	for (size_t i = 0; i < page->count && *go_on && rc == RC_OK; i++) {
		struct store_account row;
		rc = store_account_get(job->store, one, page->rows[i].id, &row);
		if (rc == RC_OK) {
			if (!whole)
				row.story = B("");
			*go_on = fn(arg, &row);
		} else if (rc == RC_LIMIT) {
			rc = RC_OK; /* forgotten meanwhile */
		}
		arena_reset(one);
	}
	arena_free(one);
	return rc;
}

enum rc
trace_each(struct trace_job *job, bool whole, trace_fn *fn, void *arg)
{
	struct search     q = job->search;
	struct search_end end = { .complete = false };
	size_t            left = job->search.limit > 0 ? job->search.limit : SIZE_MAX;
	bool              go_on = true;
	enum rc           rc = RC_OK;

	while (rc == RC_OK && go_on && !end.complete && left > 0) {
		struct page page = { .arena = arena_new((size_t)1 << 20), .room = left < PAGE ? left : PAGE };
		page.rows = arena_take_array(page.arena, page.room, sizeof(*page.rows));
		q.limit = page.room;
		rc = page.rows == NULL ? RC_MEMORY : search_run(job->store, &q, gather, &page, &end);
		if (rc == RC_OK)
			rc = give_page(job, &page, whole, fn, arg, &go_on);
		q.after = end.next;
		left -= page.count;
		arena_free(page.arena);
	}
	return rc;
}

/* ---- the search ---- */

static bool
show(void *arg, const struct store_account *row)
{
	struct trace_job *job = arg;

	if (job->own.csv) {
		view_csv(&job->out, row);
	} else if (job->cli.json) {
		struct json j = json_to(&job->out, false);
		view_json(&j, row);
		buf_add_c(&job->out, '\n');
	} else {
		view_line(&job->out, &job->cli, row);
	}
	return job->out.len < 65536 || trace_put(job);
}

/* What is missing belongs to the answer: on standard error, so that a list stays a list. */
static bool
tell_gap(void *arg, const struct gap *gap)
{
	const struct trace_job *job = arg;
	char                    from[VIEW_TIME_MAX], to[VIEW_TIME_MAX];

	view_time(gap->from_us, from);
	view_time(gap->to_us, to);
	cli_fault(&job->cli, "%lld accounts between %s and %s are missing: %.*s", (long long)gap->n, from, to, B_FMT(gap->why));
	return true;
}

int
trace_search(struct trace_job *job)
{
	int64_t until = job->search.to_us > 0 ? job->search.to_us : store_now_us();

	if (job->search.limit == 0 && !job->own.csv)
		job->search.limit = SHOWN;
	if (job->own.csv)
		view_csv_head(&job->out);
	enum rc rc = trace_each(job, false, show, job);
	if (rc == RC_OK)
		rc = gap_list(job->store, job->search.from_us, until, tell_gap, job);
	if (rc != RC_OK)
		return desk_store_fault(&job->cli, job->store, rc);
	return trace_put(job) ? CLI_FINE : cli_fault(&job->cli, "standard output cannot be written");
}

/* ---- follow ---- */

#define FOLLOW_MS      500
/* Several gateways' clocks and commits: look again at so much of the past. */
#define FOLLOW_BEHIND  ((int64_t)10 * 1000000)
#define FOLLOW_SEEN    20000

/* Ids of late, in a ring. */
struct seen {
	char   ids[FOLLOW_SEEN][ID_LEN];
	size_t count, next;
};

static bool
note_seen(struct seen *seen, struct bytes id)
{
	if (id.len != ID_LEN)
		return false;
	for (size_t i = 0; i < seen->count; i++)
		if (memcmp(seen->ids[i], id.at, ID_LEN) == 0)
			return false;
	memcpy(seen->ids[seen->next], id.at, ID_LEN);
	seen->next = (seen->next + 1) % FOLLOW_SEEN;
	seen->count += seen->count < FOLLOW_SEEN;
	return true;
}

struct fresh {
	struct arena         *arena;
	struct seen          *seen;
	struct store_account *rows;
	size_t                count;
};

static bool
add_fresh(void *arg, const struct store_account *row)
{
	struct fresh *f = arg;

	if (!note_seen(f->seen, row->id))
		return true;
	struct store_account *copy = &f->rows[f->count++];
	*copy = (struct store_account){ .id = arena_copy(f->arena, row->id) };
	return f->count < PAGE;
}

static enum rc
follow_once(struct trace_job *job, struct seen *seen, int64_t *since_us, size_t *left)
{
	struct arena     *a = arena_new(PAGE_MEMORY);
	struct fresh      f = { .arena = a, .seen = seen, .rows = arena_take_array(a, PAGE, sizeof(struct store_account)) };
	struct search     q = job->search;
	struct search_end end;
	bool              go_on = true;

	q.from_us = *since_us;
	q.limit = SEARCH_LIMIT;
	enum rc rc = f.rows == NULL ? RC_MEMORY : search_run(job->store, &q, add_fresh, &f, &end);
	for (size_t i = f.count; rc == RC_OK && go_on && i > 0 && *left > 0; i--) {
		struct store_account row;
		rc = store_account_get(job->store, a, f.rows[i - 1].id, &row);
		if (rc != RC_OK)
			break;
		if (row.at_us - FOLLOW_BEHIND > *since_us)
			*since_us = row.at_us - FOLLOW_BEHIND;
		go_on = show(job, &row);
		--*left;
	}
	if (!go_on || !trace_put(job))
		*left = 0;
	arena_free(a);
	return rc == RC_LIMIT ? RC_OK : rc;
}

int
trace_follow(struct trace_job *job)
{
	struct seen *seen = calloc(1, sizeof(*seen));
	int64_t      since = job->search.from_us > 0 ? job->search.from_us : store_now_us();
	size_t       left = job->search.limit > 0 ? job->search.limit : SIZE_MAX;
	enum rc      rc = seen == NULL ? RC_MEMORY : RC_OK;

	while (rc == RC_OK || rc == RC_AGAIN) {
		rc = follow_once(job, seen, &since, &left);
		if (left == 0)
			break;
		usleep(FOLLOW_MS * 1000);
	}
	free(seen);
	return rc == RC_OK || rc == RC_AGAIN ? CLI_FINE : desk_store_fault(&job->cli, job->store, rc);
}

/* ---- the verb ---- */

static int
run_search(struct trace_job *job, const char *word)
{
	(void)word;
	return trace_search(job);
}

static int
run_follow(struct trace_job *job, const char *word)
{
	(void)word;
	return trace_follow(job);
}

static int
run_replay(struct trace_job *job, const char *word)
{
	if (word != NULL && !id_is(bytes_of(word)))
		return cli_fault(&job->cli, "'%s' is not the id of an account", word);
	return trace_replay(job, word != NULL ? id_kept(job->arena, bytes_of(word)) : B(""));
}

static int
run_import(struct trace_job *job, const char *word)
{
	return trace_import_log(job, word);
}

static const struct job_row {
	const char *name;
	int         least, most; /* words behind the name */
	bool        writes;
	int (*run)(struct trace_job *, const char *word);
} jobs[] = {
	{ "follow", 0, 0, false, run_follow },
	{ "replay", 0, 1, false, run_replay },
	{ "import-log", 1, 1, true, run_import },
};
static const struct job_row search_row = { "", 0, 0, false, run_search };

static const struct job_row *
find_job(struct cli *cli)
{
	struct near near = { .asked = bytes_of(cli->args[0]) };

	for (size_t i = 0; i < NELEMS(jobs); i++) {
		if (strcmp(jobs[i].name, cli->args[0]) == 0) {
			int words = cli->arg_count - 1;
			if (words >= jobs[i].least && words <= jobs[i].most)
				return &jobs[i];
			cli_fault(cli, words < jobs[i].least ? "%s wants a file" : "too many words behind %s", jobs[i].name);
			return NULL;
		}
		near_offer(&near, bytes_of(jobs[i].name));
	}
	if (near.best.len > 0)
		cli_fault(cli, "'%s' is no id of an account; did you mean %.*s?", cli->args[0], B_FMT(near.best));
	else
		cli_fault(cli, "'%s' is no id of an account; there are follow, replay and import-log", cli->args[0]);
	return NULL;
}

static bool
open_store(struct trace_job *job, bool writes)
{
	struct settings with = { .store = bytes_of(job->own.store) };

	if (writes && job->own.store == NULL && store_where(job->desk.settings) == NULL)
		writes = false; /* to be told that nothing is kept */
	job->store = desk_store_open(&job->cli, job->own.store != NULL ? &with : job->desk.settings, writes ? STORE_WRITE : STORE_READ);
	return job->store != NULL;
}

int
desk_trace(int argc, char **argv)
{
	struct trace_job      job = { .store = NULL };
	const struct job_row *row = &search_row;
	int                   exit;

	if (!cli_parse(&job.cli, argc, argv, &verb, &job.own))
		return job.cli.exit;
	settings_of_host(&job.cli);
	bool story = job.cli.arg_count == 1 && id_is(bytes_of(job.cli.args[0]));
	if (job.cli.arg_count > 0 && !story && (row = find_job(&job.cli)) == NULL)
		return CLI_USE;
	if (job.own.csv && (story || row != &search_row))
		return cli_fault(&job.cli, "--csv is for a search");
	job.arena = arena_new((size_t)1 << 20);
	exit = CLI_USE;
	if (take_filters(&job)) {
		exit = CLI_UNKNOWN;
		if (!desk_env_open(&job.desk, &job.cli, NULL) || !open_store(&job, row->writes))
			exit = job.cli.exit;
		else
			exit = story ? trace_story(&job, id_kept(job.arena, bytes_of(job.cli.args[0]))) : row->run(&job, job.cli.arg_count > 1 ? job.cli.args[1] : NULL);
	}
	store_close(job.store);
	if (job.desk.settings != NULL)
		desk_env_close(&job.desk);
	arena_free(job.arena);
	buf_free(&job.out);
	return exit;
}

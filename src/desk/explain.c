/* desk/explain.c: `mailreeve explain`: messages, mboxes, directories, pasted
 * text and lines of JSON in; explanations out. What is judged, and how, is the
 * business of diagnose/; here is only reading, asking and writing. */
#include "desk/explain.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/file.h"
#include "base/heap.h"
#include "base/json.h"
#include "base/library.h"
#include "base/utf8.h"
#include "desk/cli.h"
#include "desk/explain_rules.h"
#include "desk/explainer.h"
#include "desk/oracle.h"
#include "desk/proof.h"
#include "desk/settings_load.h"
#include "desk/store_open.h"
#include "desk/trace_job.h"
#include "diagnose/explain.h"
#include "diagnose/live.h"
#include "diagnose/mbox.h"
#include "diagnose/summary.h"

#define FILE_MAX      ((size_t)256 << 20)
#define MESSAGE_MAX   ((size_t)16 << 20) /* of one message; what is behind is not read */
#define MEMORY_MAX    ((size_t)96 << 20) /* for one message */
#define DIRECTORY_MAX 8 /* levels */
#define PROGRESS_STEP 200
#define LIVE_MAX      20 /* recipients of one report that are checked */
#define HEAP          ((size_t)1000 << 10) /* what the rules and a report of the usual size take */

struct own {
	bool        live, summary, lines;
	const char *reader, *store, *rules;
};

static const struct cli_option options[] = {
	{ "live", CLI_FLAG, NULL, "check now against DNS what the report says", offsetof(struct own, live) },
	{ "for", CLI_TEXT, "user|admin", "whom the steps speak to (admin)", offsetof(struct own, reader) },
	{ "summary", CLI_FLAG, NULL, "count the causes of many reports instead", offsetof(struct own, summary) },
	{ "lines", CLI_FLAG, NULL, "read JSON lines {code, enhanced, text, host} from standard input", offsetof(struct own, lines) },
	{ "store", CLI_TEXT, "WHERE", "the store that knows our mail, instead of the one of --config", offsetof(struct own, store) },
	{ "rules", CLI_TEXT, "FILE", "own rules to try first, instead of those of --config", offsetof(struct own, rules) },
};

static const struct cli_verb verb = {
	"explain",
	"[--for user|admin] [--live] [--summary] [--json] FILE|DIRECTORY|-|TEXT...\nexplain --lines\nexplain ID",
	"Reads a bounce and says who refused the message, why, who can mend it and how. FILE is a message, an mbox, a report of a sending "
	"service (JSON) or a text with a pasted reply; a DIRECTORY holds such files or is a Maildir; TEXT is a reply, or the visible text of a report; "
	"ID is that of an account of this gateway. With --store or --config FILE it is looked up whether a report is about a mail that passed here.",
	"mailreeve explain bounce.eml\nmailreeve explain --for user \"550 5.7.509 Access denied, sending domain example.com does not pass DMARC verification\"\n"
	"mailreeve explain --summary Maildir/",
	options,
	NELEMS(options),
	0,
	-1,
};

/* Of the host we run on, for ids: opened at the first. --live may have read the defaults, which know nothing of it. */
struct host {
	bool            asked;
	struct cli      cli;
	struct desk_env desk;
	struct store   *store; /* NULL: a fault was told, cli.exit is its */
};

struct run {
	struct cli       cli;
	struct own       own;
	enum reader      reader;
	struct rules    *rules;
	struct arena    *arena;
	struct summary  *summary;
	struct oracle   *oracle; /* with --live */
	struct desk_env  desk; /* opened when it is needed */
	struct store    *store; /* NULL: nobody knows what we sent */
	struct host      host;
	struct buf       in, out; /* kept from file to file */
	char             time[CLOCK_TEXT_MAX]; /* of this run, as it is written */
	size_t           done; /* messages explained */
	bool             many; /* more than one document */
};

static void
flush(struct run *run, bool always)
{
	if (run->out.len < 65536 && !always)
		return;
	if (run->out.len > 0)
		fwrite(run->out.at, 1, run->out.len, stdout);
	fflush(stdout);
	buf_clear(&run->out);
}

/* Text of strangers made safe to show, its own line ends kept. */
static void
add_safe(struct buf *out, struct bytes text)
{
	struct bytes line;

	while (bytes_cut_line(&text, &line)) {
		text_add_safe(out, line);
		buf_add_c(out, '\n');
	}
}

static void
write_document(struct run *run, const struct explained *x)
{
	if (run->cli.json) {
		struct json j = json_to(&run->out, !run->many && !run->own.lines);
		explained_json(&j, run->arena, x, run->reader, run->time);
		buf_add_c(&run->out, '\n');
		return;
	}
	struct buf text = { 0 };
	if (run->many && x->file.len > 0)
		buf_printf(&text, "== %.*s\n", B_FMT(x->file));
	explained_text(&text, run->arena, x, run->reader);
	add_safe(&run->out, buf_bytes(&text));
	run->out.spoilt |= text.spoilt;
	buf_free(&text);
}

/* Ask what the explanation wants to know now. */
static void
look_up(struct run *run, struct explained *x)
{
	for (size_t i = 0; i < x->count && i < LIVE_MAX; i++) {
		struct live         *l = live_new(run->arena, x, &x->list[i], run->cli.time);
		const struct answer *answer = NULL;
		struct ask           ask;
		while (l != NULL && live_step(l, answer, &ask) == STEP_ASKS)
			answer = answer_hold(run->arena, oracle_answer(run->oracle, &ask));
	}
}

/* A store that fails is told once, and what it would know stays unknown. */
static void
prove(struct run *run, struct explained *x)
{
	enum rc rc = proof_find(run->store, run->arena, x);

	if (rc == RC_OK)
		return;
	desk_store_fault(&run->cli, run->store, rc);
	store_close(run->store);
	run->store = NULL;
}

static int
finish(struct run *run, struct explained *x, struct bytes file)
{
	int    rc = CLI_FINE;
	size_t before = run->out.len;

	if (x != NULL && run->oracle != NULL)
		look_up(run, x);
	if (x != NULL && run->store != NULL)
		prove(run, x);

	if (x != NULL) {
		x->file = file;
		if (run->summary == NULL)
			write_document(run, x);
		else if (summary_add(run->summary, x) != RC_OK)
			rc = cli_fault(&run->cli, "not enough memory to count");
	}
	if (x == NULL || arena_overdrawn(run->arena)) { /* a document may lack something then */
		const char *missing = library_trouble();
		run->out.len = before;
		rc = cli_fault(&run->cli, "%.*s: %s", B_FMT(file.len > 0 ? file : B("the text")), missing != NULL ? missing : "not enough memory");
	} else {
		run->done++;
	}
	arena_reset(run->arena);
	flush(run, false);
	if (run->summary != NULL && run->done % PROGRESS_STEP == 0 && isatty(STDERR_FILENO))
		fprintf(stderr, "\r%zu messages", run->done);
	return rc;
}

static int
explain_octets(struct run *run, struct bytes text, struct bytes file)
{
	struct bytes message;
	int          rc = CLI_FINE;

	if (!mbox_is(text))
		return finish(run, explain_message(run->arena, run->rules, bytes_sub(text, 0, MESSAGE_MAX)), file);
	struct bytes first = text, second;
	run->many |= mbox_cut(&first, &second) && bytes_trim(first).len > 0;
	while (mbox_cut(&text, &message)) {
		int one = finish(run, explain_message(run->arena, run->rules, bytes_sub(message, 0, MESSAGE_MAX)), file);
		rc = one > rc ? one : rc;
	}
	return rc;
}

static int
no_dots(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

/* What was opened; `path` is what it is called. */
struct source {
	int         fd;
	const char *path;
	unsigned    depth; /* of the directory that it is in */
};

static int explain_open(struct run *, const struct source *);

static int
explain_entry(struct run *run, const struct source *directory, const struct dirent *e)
{
	struct buf path = { 0 };
	/* A pipe that lies there has perhaps nobody at its other end: it is not waited for. */
	int fd = openat(directory->fd, e->d_name, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc;

	buf_printf(&path, "%s/%s", directory->path, e->d_name);
	buf_add_c(&path, '\0');
	if (path.spoilt)
		rc = cli_fault(&run->cli, "not enough memory");
	else if (fd < 0)
		rc = cli_fault(&run->cli, "%s: %s", path.at, strerror(errno));
	else
		rc = explain_open(run, &(struct source){ fd, path.at, directory->depth + 1 });
	if (fd >= 0)
		close(fd);
	buf_free(&path);
	return rc;
}

static int
explain_directory(struct run *run, const struct source *directory)
{
	struct dirent **names;
	size_t          before = run->done;

	if (directory->depth >= DIRECTORY_MAX)
		return cli_fault(&run->cli, "%s: not read, folders are %d deep at most", directory->path, DIRECTORY_MAX);
	int n = scandirat(directory->fd, ".", &names, no_dots, alphasort), rc = CLI_FINE;
	if (n < 0)
		return cli_fault(&run->cli, "%s: %s", directory->path, strerror(errno));
	run->many = true;
	for (int i = 0; i < n; i++) {
		int one = explain_entry(run, directory, names[i]);
		rc = one > rc ? one : rc;
		free(names[i]);
	}
	free(names);
	/* No fault: a folder that bounces come to may be empty. But silence would be no answer. */
	if (directory->depth == 0 && rc == CLI_FINE && run->done == before)
		fprintf(stderr, "mailreeve explain: %s: there is no message in it\n", directory->path);
	return rc;
}

static int
explain_open(struct run *run, const struct source *source)
{
	struct buf *text = &run->in;
	int         rc;

	buf_clear(text);
	text->limit = FILE_MAX;
	switch (file_read_fd(source->fd, text)) {
	case RC_OK:
		rc = explain_octets(run, buf_bytes(text), bytes_of(source->path));
		break;
	case RC_LIMIT:
		rc = cli_fault(&run->cli, "%s: larger than %zu MB", source->path, FILE_MAX >> 20);
		break;
	default:
		rc = errno == EISDIR ? explain_directory(run, source) : cli_fault(&run->cli, "%s: %s", source->path, strerror(errno));
	}
	if (text->room > MESSAGE_MAX)
		buf_free(text);
	return rc;
}

/* False, with errno set, when there is nothing of that name, or it cannot be opened. */
static bool
explain_found(struct run *run, const char *path, int *rc_out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	*rc_out = explain_open(run, &(struct source){ fd, path, 0 });
	close(fd);
	return true;
}

static bool
is_text(struct bytes arg)
{
	return explainer_is_reply(arg) || bytes_has(arg, ' ') || bytes_has(arg, '\n');
}

static bool
open_desk(struct run *run)
{
	return run->desk.settings != NULL || desk_env_open(&run->desk, &run->cli, NULL);
}

/* False when a fault was told: end with cli.exit. */
static bool
open_store(struct run *run)
{
	struct settings with = { .store = bytes_of(run->own.store) };

	if (run->store == NULL && (run->own.store != NULL || open_desk(run)))
		run->store = desk_store_open(&run->cli, run->own.store != NULL ? &with : run->desk.settings, STORE_READ);
	return run->store != NULL;
}

static void
open_host(struct run *run)
{
	struct host *h = &run->host;

	if (h->asked)
		return;
	h->asked = true;
	h->cli = run->cli;
	settings_of_host(&h->cli);
	if (desk_env_open(&h->desk, &h->cli, NULL))
		h->store = desk_store_open(&h->cli, h->desk.settings, STORE_READ);
}

/* Our own reply is the best report of all: the whole story is here. */
static int
explain_account(struct run *run, const char *id)
{
	struct trace_job job = { .cli = run->cli, .store = run->store };
	int              exit;

	if (job.store == NULL) {
		open_host(run);
		job.cli = run->host.cli;
		job.store = run->host.store;
	}
	flush(run, true);
	exit = job.store != NULL ? trace_story(&job, id_kept(run->arena, bytes_of(id))) : job.cli.exit;
	buf_free(&job.out);
	arena_reset(run->arena);
	return exit;
}

static int
explain_argument(struct run *run, const char *arg)
{
	struct bytes text = bytes_of(arg);
	int          rc;

	if (bytes_trim(text).len == 0)
		return cli_fault(&run->cli, "there is nothing to explain: the argument is empty");
	if (strcmp(arg, "-") == 0)
		return explain_open(run, &(struct source){ STDIN_FILENO, "-", 0 });
	if (explain_found(run, arg, &rc))
		return rc;
	if (errno != ENOENT && errno != ENOTDIR && errno != ENAMETOOLONG)
		return cli_fault(&run->cli, "%s: %s", arg, strerror(errno));
	if (is_text(text))
		return finish(run, explain_paste(run->arena, run->rules, text), B_NONE);
	if (id_is(text))
		return explain_account(run, arg);
	return cli_fault(&run->cli, "%s: no such file", arg);
}

/* One long-lived process for programs that send: each line is answered at once. */
static int
explain_lines(struct run *run)
{
	char   *line = NULL;
	size_t  room = 0;
	ssize_t n;
	int     rc = CLI_FINE;

	run->many = run->cli.json = true;
	while ((n = getline(&line, &room, stdin)) > 0) {
		struct bytes text = bytes_trim(bytes_make(line, (size_t)n));
		if (text.len == 0)
			continue;
		struct explained *x = explain_line(run->arena, run->rules, text);
		if (x == NULL && !arena_overdrawn(run->arena)) {
			struct json j = json_to(&run->out, false);
			json_open_object(&j);
			json_kv_str(&j, "error", "not a JSON object with code, enhanced, text and host");
			json_close_object(&j);
			buf_add_c(&run->out, '\n');
		} else {
			rc = finish(run, x, B_NONE);
		}
		flush(run, true);
	}
	free(line);
	return rc;
}

static int
explain_all(struct run *run)
{
	int rc = CLI_FINE;

	if (run->own.lines)
		return explain_lines(run);
	if (run->cli.arg_count == 0)
		return cli_fault(&run->cli, "what is to be explained? Name a file, - or a text; --help tells more");
	run->many |= run->cli.arg_count > 1;
	for (int i = 0; i < run->cli.arg_count; i++) {
		int one = explain_argument(run, run->cli.args[i]);
		rc = one > rc ? one : rc;
	}
	if (run->summary != NULL && rc == CLI_FINE) {
		struct json j = json_to(&run->out, true);
		struct buf  text = { 0 };
		if (run->cli.json)
			summary_json(&j, run->summary);
		else
			summary_text(&text, run->summary);
		add_safe(&run->out, buf_bytes(&text));
		if (run->cli.json)
			buf_add_c(&run->out, '\n');
		buf_free(&text);
	}
	return rc;
}

/* Whom the switches let us ask: DNS, and the store of what passed here. */
static bool
open_helpers(struct run *run)
{
	run->cli.exit = CLI_USE;
	if (run->own.live) {
		if (!open_desk(run))
			return false;
		run->oracle = oracle_new(&run->cli, run->desk.settings);
		if (run->oracle == NULL)
			return false;
	}
	if (run->own.store != NULL)
		return open_store(run);
	if (run->cli.config == NULL)
		return true;
	if (!open_desk(run))
		return false;
	/* The settings were perhaps given for DNS: without their store it stays unknown what passed here. */
	if (store_where(run->desk.settings) != NULL && !open_store(run))
		run->cli.exit = CLI_FINE;
	return true;
}

static void
close_helpers(struct run *run)
{
	store_close(run->host.store);
	if (run->host.desk.settings != NULL)
		desk_env_close(&run->host.desk);
	store_close(run->store);
	oracle_free(run->oracle);
	if (run->desk.settings != NULL)
		desk_env_close(&run->desk);
}

static bool
open_rules(struct run *run)
{
	struct bytes path = run->own.rules != NULL ? bytes_of(run->own.rules) : run->desk.settings != NULL ? run->desk.settings->explain_rules : B_NONE;

	run->cli.exit = CLI_USE;
	run->rules = explain_rules_open(&run->cli, path);
	return run->rules != NULL;
}

int
desk_explain(int argc, char **argv)
{
	struct run run = { 0 };
	int        rc = CLI_USE;

	if (!cli_parse(&run.cli, argc, argv, &verb, &run.own))
		return run.cli.exit;
	if (run.own.reader != NULL && strcmp(run.own.reader, "user") != 0 && strcmp(run.own.reader, "admin") != 0)
		return cli_fault(&run.cli, "--for takes user or admin");
	run.reader = run.own.reader != NULL && strcmp(run.own.reader, "user") == 0 ? FOR_USER : FOR_ADMIN;
	clock_format(run.cli.time, run.time);
	heap_ready(HEAP);
	if (!open_helpers(&run) || !open_rules(&run)) {
		close_helpers(&run);
		return run.cli.exit;
	}
	run.arena = arena_new(MEMORY_MAX);
	run.summary = run.own.summary ? summary_new() : NULL;
	if (run.arena == NULL || (run.own.summary && run.summary == NULL))
		cli_fault(&run.cli, "not enough memory");
	else
		rc = explain_all(&run);
	flush(&run, true);
	buf_free(&run.in);
	buf_free(&run.out);
	summary_free(run.summary);
	arena_free(run.arena);
	rules_free(run.rules);
	close_helpers(&run);
	return rc;
}

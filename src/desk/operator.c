/* desk/operator.c: `mailreeve operator`: accounts of the dashboard and tokens
 * of its API, straight in the store. Passwords are read from the terminal
 * without showing them, or from standard input. */
#include "desk/operator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/json.h"
#include "base/utf8.h"
#include "desk/cli.h"
#include "desk/settings_load.h"
#include "desk/signin.h"
#include "desk/store_open.h"

#define DAY_S 86400

struct own {
	const char *role, *scopes;
	int64_t     days;
};

static const struct cli_option options[] = {
	{ "role", CLI_TEXT, "admin|viewer", "what the account may do (admin)", offsetof(struct own, role) },
	{ "scopes", CLI_TEXT, "WORDS", "of a token: read, explain, metrics, change (\"read\")", offsetof(struct own, scopes) },
	{ "days", CLI_NUMBER, "N", "of a token: how long it holds; 0: for ever (365)", offsetof(struct own, days) },
};

static const struct cli_verb verb = {
	"operator",
	"add NAME [--role admin|viewer]\npassword NAME\nlock NAME\nunlock NAME\nremove NAME\nlist\ntoken NAME TOKEN [--scopes \"read explain\"] [--days N]\nuntoken NAME TOKEN\ntokens",
	"Accounts of the dashboard, and tokens of its API. A password is asked for on the terminal, or read as one line from standard input. "
	"A token is shown once.",
	"mailreeve operator add anna\nmailreeve operator token anna prometheus --scopes metrics",
	options,
	NELEMS(options),
	1,
	3,
};

struct run {
	struct cli    cli;
	struct own    own;
	struct arena *arena;
	struct store *store;
	struct buf    out;
	struct json   json;
	struct bytes  name;
};

/* ---- passwords ---- */

/* One line, without its end; false when there is none. */
static bool
read_line(struct arena *a, const char *prompt, struct bytes *line_out)
{
	struct termios was, silent;
	bool           terminal = tcgetattr(STDIN_FILENO, &was) == 0;
	char          *line = NULL;
	size_t         room = 0;

	if (terminal) {
		fputs(prompt, stderr);
		silent = was;
		silent.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
	}
	ssize_t n = getline(&line, &room, stdin);
	if (terminal) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
		fputc('\n', stderr);
	}
	while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
		n--;
	if (n > 0)
		*line_out = arena_copy(a, bytes_make(line, (size_t)n));
	if (line != NULL)
		explicit_bzero(line, room);
	free(line);
	return n > 0;
}

/* The hash of a new password; false when a fault was told. */
static bool
new_password(struct run *run, struct bytes *hash_out)
{
	struct bytes once, twice;
	const char  *missing = library_missing(&password_library);

	if (missing != NULL) {
		cli_fault(&run->cli, "%s", missing);
		return false;
	}
	if (!read_line(run->arena, "Password: ", &once)) {
		cli_fault(&run->cli, "no password was given");
		return false;
	}
	if (isatty(STDIN_FILENO) && (!read_line(run->arena, "Again: ", &twice) || !bytes_eq(once, twice))) {
		cli_fault(&run->cli, "the two are not the same");
		return false;
	}
	if (once.len < PASSWORD_LEAST || once.len > PASSWORD_MOST) {
		cli_fault(&run->cli, "a password has %d to %d octets", PASSWORD_LEAST, PASSWORD_MOST);
		return false;
	}
	*hash_out = password_hash(run->arena, once);
	if (hash_out->len == 0)
		cli_fault(&run->cli, "the password cannot be hashed");
	return hash_out->len > 0;
}

/* ---- accounts ---- */

static int
store_fault(struct run *run, enum rc rc, const char *what)
{
	if (rc == RC_LIMIT)
		return cli_fault(&run->cli, "there is no such %s", what);
	cli_fault(&run->cli, "the store: %.*s", B_FMT(store_trouble(run->store)));
	return CLI_UNKNOWN;
}

static int
set_operator(struct run *run, struct store_operator *row, const char *deed)
{
	row->changed_us = store_now_us();
	enum rc rc = operator_set(run->store, row);
	if (rc == RC_OK)
		audit_note(run->store, B("(command line)"), deed, row->name, row->role, B(""));
	return rc == RC_OK ? CLI_FINE : store_fault(run, rc, "operator");
}

static int
add(struct run *run)
{
	struct bytes          role = bytes_of(run->own.role != NULL ? run->own.role : ROLE_ADMIN);
	struct store_operator row = { .name = run->name, .role = role, .state = B("active"), .created_us = store_now_us() }, there;

	if (role_scopes(role) == 0)
		return cli_fault(&run->cli, "--role takes admin or viewer");
	if (operator_get(run->store, run->arena, run->name, &there) == RC_OK)
		return cli_fault(&run->cli, "%.*s is there already; `mailreeve operator password` changes the password", B_FMT(run->name));
	if (!new_password(run, &row.hash))
		return CLI_USE;
	return set_operator(run, &row, "operator.add");
}

/* Whoever is signed in is signed out. */
static int
change(struct run *run, bool password, const char *state, const char *deed)
{
	struct store_operator row;
	enum rc               rc = operator_get(run->store, run->arena, run->name, &row);

	if (rc != RC_OK)
		return store_fault(run, rc, "operator");
	if (password && !new_password(run, &row.hash))
		return CLI_USE;
	row.state = state != NULL ? bytes_of(state) : row.state;
	int exit = set_operator(run, &row, deed);
	if (exit == CLI_FINE && sessions_drop(run->store, run->name) == RC_IO)
		return store_fault(run, RC_IO, "operator");
	return exit;
}

static int
set_password(struct run *run)
{
	return change(run, true, NULL, "operator.password");
}

static int
lock(struct run *run)
{
	return change(run, false, "locked", "operator.lock");
}

static int
unlock(struct run *run)
{
	return change(run, false, "active", "operator.unlock");
}

static int
remove_operator(struct run *run)
{
	enum rc rc = operator_remove(run->store, run->name);

	if (rc != RC_OK)
		return store_fault(run, rc, "operator");
	audit_note(run->store, B("(command line)"), "operator.remove", run->name, B(""), B(""));
	return CLI_FINE;
}

static bool
show_operator(void *arg, const struct store_operator *o)
{
	struct run *run = arg;

	if (run->cli.json) {
		json_open_object(&run->json);
		json_kv_text(&run->json, "name", o->name);
		json_kv_text(&run->json, "role", o->role);
		json_kv_text(&run->json, "state", o->state);
		json_kv_time(&run->json, "created", o->created_us);
		json_close_object(&run->json);
	} else {
		text_add_safe(&run->out, o->name);
		buf_printf(&run->out, "  %.*s  %.*s\n", B_FMT(o->role), B_FMT(o->state));
	}
	return true;
}

static bool
show_token(void *arg, const struct store_token *t)
{
	struct run *run = arg;

	if (run->cli.json) {
		json_open_object(&run->json);
		json_kv_text(&run->json, "operator", t->operator);
		json_kv_text(&run->json, "name", t->name);
		json_kv_text(&run->json, "scopes", t->scopes);
		json_kv_time(&run->json, "expires", t->expires_us);
		json_kv_time(&run->json, "used", t->used_us);
		json_close_object(&run->json);
	} else {
		text_add_safe(&run->out, t->operator);
		buf_add_str(&run->out, "  ");
		text_add_safe(&run->out, t->name);
		buf_printf(&run->out, "  %.*s\n", B_FMT(t->scopes));
	}
	return true;
}

static int
show(struct run *run, bool tokens)
{
	if (run->cli.json)
		json_open_array(&run->json);
	enum rc rc = tokens ? token_list(run->store, show_token, run) : operator_list(run->store, show_operator, run);
	if (rc != RC_OK)
		return store_fault(run, rc, "row");
	if (run->cli.json) {
		json_close_array(&run->json);
		buf_add_c(&run->out, '\n');
	}
	return CLI_FINE;
}

static int
list(struct run *run)
{
	return show(run, false);
}

static int
tokens(struct run *run)
{
	return show(run, true);
}

/* ---- tokens ---- */

static int
add_token(struct run *run)
{
	struct bytes          scopes = bytes_of(run->own.scopes != NULL ? run->own.scopes : "read");
	struct bytes          secret = secret_new(run->arena);
	struct store_operator there;
	unsigned              bits = 0;
	int64_t               now = store_now_us();

	if (!scopes_parse(scopes, &bits) || bits == 0)
		return cli_fault(&run->cli, "--scopes takes read, explain, metrics and change, with blanks between them");
	enum rc rc = operator_get(run->store, run->arena, run->name, &there);
	if (rc != RC_OK)
		return store_fault(run, rc, "operator");
	struct store_token row = {
		.hash = secret_hash(run->arena, secret),
		.name = bytes_of(run->cli.args[2]),
		.operator = run->name,
		.scopes = scopes,
		.created_us = now,
		.expires_us = run->own.days > 0 ? now + run->own.days * DAY_S * 1000000 : 0,
	};
	if (secret.len == 0 || row.hash.len == 0)
		return cli_fault(&run->cli, "there is no randomness, or no memory");
	rc = token_add(run->store, &row);
	if (rc != RC_OK)
		return store_fault(run, rc, "operator");
	audit_note(run->store, B("(command line)"), "token.add", run->name, row.name, B(""));
	buf_printf(&run->out, "%.*s\n", B_FMT(secret));
	return CLI_FINE;
}

static int
remove_token(struct run *run)
{
	enum rc rc = token_remove(run->store, run->name, bytes_of(run->cli.args[2]));

	if (rc != RC_OK)
		return store_fault(run, rc, "token");
	audit_note(run->store, B("(command line)"), "token.remove", run->name, bytes_of(run->cli.args[2]), B(""));
	return CLI_FINE;
}

/* ---- the verb ---- */

static const struct {
	const char *word;
	int         names; /* how many follow */
	int (*run)(struct run *);
} deeds[] = {
	{ "add", 1, add },
	{ "password", 1, set_password },
	{ "lock", 1, lock },
	{ "unlock", 1, unlock },
	{ "remove", 1, remove_operator },
	{ "list", 0, list },
	{ "token", 2, add_token },
	{ "untoken", 2, remove_token },
	{ "tokens", 0, tokens },
};

static int
do_deed(struct run *run)
{
	for (size_t i = 0; i < NELEMS(deeds); i++) {
		if (strcmp(run->cli.args[0], deeds[i].word) != 0)
			continue;
		if (run->cli.arg_count != deeds[i].names + 1)
			return cli_fault(&run->cli, "%s takes %d word%s", deeds[i].word, deeds[i].names, deeds[i].names == 1 ? "" : "s");
		run->name = bytes_of(run->cli.arg_count > 1 ? run->cli.args[1] : "");
		if (deeds[i].names > 0 && !operator_name_is(run->name))
			return cli_fault(&run->cli, "a name has letters, digits, dots, dashes and @, and at most %d of them", OPERATOR_NAME_MOST);
		return deeds[i].run(run);
	}
	return cli_fault(&run->cli, "there is no 'operator %s'; --help lists what there is", run->cli.args[0]);
}

int
desk_operator(int argc, char **argv)
{
	struct run      run = { .own = { .days = 365 } };
	struct desk_env env;
	int             exit = CLI_USE;

	if (!cli_parse(&run.cli, argc, argv, &verb, &run.own))
		return run.cli.exit;
	settings_of_host(&run.cli);
	if (!desk_env_open(&env, &run.cli, NULL))
		return run.cli.exit;
	run.arena = arena_new((size_t)4 << 20);
	run.json = json_to(&run.out, true);
	run.store = desk_store_open(&run.cli, env.settings, STORE_WRITE);
	exit = run.store != NULL ? do_deed(&run) : run.cli.exit;
	if (exit == CLI_FINE)
		exit = cli_put(&run.cli, &run.out);
	buf_free(&run.out);
	store_close(run.store);
	arena_free(run.arena);
	desk_env_close(&env);
	return exit;
}

/* desk/store_open.c: see store_open.h. */
#include "desk/store_open.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

const char *
store_where(const struct settings *s)
{
	if (bytes_eq(s->store, B("none")))
		return NULL;
	if (!bytes_eq(s->store, B("auto")))
		return s->store.at;
	return access(STORE_FOLDER, W_OK | X_OK) == 0 ? STORE_FOLDER "/mailreeve.db" : NULL;
}

static bool
is_file(const char *where)
{
	return bytes_find(bytes_of(where), B("://")) == strlen(where);
}

struct store *
desk_store_open(struct cli *cli, const struct settings *s, enum store_mode mode)
{
	const char   *where = store_where(s);
	struct store *store = NULL;
	struct bytes  why = B("");

	cli->exit = CLI_USE;
	if (where == NULL) {
		cli_fault(cli, "nothing is kept: set store, or let %s be a folder of ours", STORE_FOLDER);
		return NULL;
	}
	if (is_file(where) && access(where, R_OK) != 0) {
		cli_fault(cli, "%s: %s", where, strerror(errno));
		return NULL;
	}
	struct arena *a = arena_new((size_t)1 << 16);
	enum rc       rc = store_open(where, mode, a, &store, &why);
	if (rc != RC_OK) {
		cli_fault(cli, "the store cannot be opened: %.*s", B_FMT(why));
		cli->exit = rc == RC_IO || rc == RC_AGAIN ? CLI_UNKNOWN : CLI_USE;
		store = NULL;
	}
	arena_free(a);
	return store;
}

int
desk_store_fault(const struct cli *cli, const struct store *store, enum rc rc)
{
	if (rc == RC_MEMORY) {
		cli_fault(cli, "not enough memory");
		return CLI_USE;
	}
	cli_fault(cli, "the store: %.*s", B_FMT(store_trouble(store)));
	return rc == RC_IO || rc == RC_AGAIN ? CLI_UNKNOWN : CLI_USE;
}

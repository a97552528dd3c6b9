/* desk/proof.c: see proof.h. */
#include "desk/proof.h"

#include "diagnose/claim.h"
#include "store/search.h"

/* What one kept story may take. */
#define STORY_MEMORY ((size_t)256 << 20)

struct found {
	struct arena *arena;
	struct bytes  id;
};

static bool
take_id(void *arg, const struct store_account *row)
{
	struct found *f = arg;

	f->id = arena_copy(f->arena, row->id);
	return false;
}

static enum rc
by_account(struct store *store, struct bytes id, struct found *f)
{
	struct arena        *story = arena_new(STORY_MEMORY);
	struct store_account row;
	enum rc              rc = story == NULL ? RC_MEMORY : store_account_get(store, story, id, &row);

	if (rc == RC_OK)
		f->id = arena_copy(f->arena, id);
	arena_free(story);
	return rc == RC_LIMIT ? RC_OK : rc;
}

static enum rc
by_mark(struct store *store, struct bytes message_id, struct bytes queue_id, struct found *f)
{
	struct search     q = { .message_id = message_id, .queue_id = queue_id, .limit = 1 };
	struct search_end end;

	return search_run(store, &q, take_id, f, &end);
}

enum rc
proof_find(struct store *store, struct arena *a, struct explained *x)
{
	struct found f = { .arena = a };
	struct claim c;
	enum rc      rc = RC_OK;

	if (!claim_take(a, x, &c))
		return RC_OK;
	for (size_t i = 0; i < c.account_count && rc == RC_OK && f.id.len == 0; i++)
		rc = by_account(store, c.accounts[i], &f);
	if (rc == RC_OK && f.id.len == 0 && c.message_id.len > 0)
		rc = by_mark(store, c.message_id, B_NONE, &f);
	for (size_t i = 0; i < c.queue_count && rc == RC_OK && f.id.len == 0; i++)
		rc = by_mark(store, B_NONE, c.queue_ids[i], &f);
	if (rc == RC_OK) {
		x->proven = f.id.len > 0 ? PROVEN_YES : PROVEN_NO;
		x->account = f.id;
	}
	return rc;
}

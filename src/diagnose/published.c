/* diagnose/published.c: see published.h. */
#include "diagnose/published.h"

#include "auth/key.h"

enum record { NO_KEY, REVOKED, KEY };

static enum record
record_of(struct bytes text)
{
	struct taglist list;

	if (!key_is(text, &list))
		return NO_KEY;
	return taglist_get(&list, B("p"))->value.len > 0 ? KEY : REVOKED;
}

static struct checked
checked_of(struct arena *a, enum check_state state, const char *words, struct bytes name, const char *more)
{
	return (struct checked){ "dkim", state, arena_printf(a, "%s %.*s%s", words, B_FMT(name), more) };
}

struct checked
key_published(struct arena *a, struct bytes name, const struct answer *answer)
{
	enum record best = NO_KEY;
	size_t      count = 0, keys = 0;

	if (answer_is_trouble(answer))
		return checked_of(a, CHECK_UNKNOWN, "the key at", name, " could not be looked up");
	/* As many as are tried when a signature is verified. */
	for (; answer->status == ANSWER_OK && count < answer->count && count < KEY_RECORDS_MAX && keys < KEY_COUNT_MAX; count++) {
		enum record one = record_of(answer_txt(a, answer->rdata[count]));
		keys += one != NO_KEY;
		best = one > best ? one : best;
	}
	if (best == KEY)
		return checked_of(a, CHECK_FINE, "there is a key at", name, "");
	if (best == REVOKED)
		return checked_of(a, CHECK_FAULT, "the key at", name, " is empty: it was revoked");
	return checked_of(a, CHECK_FAULT, count > 0 ? "there is a record, but no key, at" : "there is no key at", name, "");
}

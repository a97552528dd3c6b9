/* diagnose/published.c: see published.h. */
#include "diagnose/published.h"

#include "auth/taglist.h"

#define RECORDS_MAX 4 /* at one name; others may stand beside the key */

enum record { NO_KEY, REVOKED, KEY };

/* RFC 6376 section 3.6.1: v, if it is there, is DKIM1; an empty p is a key that was revoked. */
static enum record
record_of(struct bytes text)
{
	struct taglist    list;
	bool              whole = taglist_parse(text, &list);
	const struct tag *v = taglist_get(&list, B("v")), *p = taglist_get(&list, B("p"));

	if (!whole || p == NULL || (v != NULL && !bytes_eq(v->value, B("DKIM1"))))
		return NO_KEY;
	return p->value.len > 0 ? KEY : REVOKED;
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
	size_t      count = 0;

	if (answer_is_trouble(answer))
		return checked_of(a, CHECK_UNKNOWN, "the key at", name, " could not be looked up");
	for (; answer->status == ANSWER_OK && count < answer->count && count < RECORDS_MAX; count++) {
		enum record one = record_of(answer_txt(a, answer->rdata[count]));
		best = one > best ? one : best;
	}
	if (best == KEY)
		return checked_of(a, CHECK_FINE, "there is a key at", name, "");
	if (best == REVOKED)
		return checked_of(a, CHECK_FAULT, "the key at", name, " is empty: it was revoked");
	return checked_of(a, CHECK_FAULT, count > 0 ? "there is a record, but no key, at" : "there is no key at", name, "");
}

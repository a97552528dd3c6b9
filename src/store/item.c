/* store/item.c: see item.h. */
#include "store/item.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/engine.h"
#include "store/shelf.h"

#define HOUR_US ((int64_t)3600 * 1000000)

/* What nine indexes add to an account (what was accepted has eight), and one to a recipient; measured. */
#define ACCOUNT_WEIGHT   700
#define RECIPIENT_WEIGHT 150

/* The shelves of the days of one batch. */
#define SHELVES_LIMIT ((size_t)16 << 20)

/* ---- one block with all that the rows point to ---- */

/* The text members of the structs: each is found, measured and copied alike. */
#define TEXTS(type, ...)                                                          \
	static const size_t type##_texts[] = { __VA_ARGS__ }
#define AT(member) offsetof(struct store_account, member)
TEXTS(account, AT(id), AT(client), AT(client_name), AT(helo), AT(peer), AT(listener), AT(standing), AT(sender), AT(domain), AT(header_from),
      AT(subject), AT(message_id), AT(queue_id), AT(tls), AT(login), AT(mode), AT(action), AT(reason), AT(rule), AT(override), AT(reply),
      AT(spf), AT(spf_reason), AT(dkim), AT(dkim_reason), AT(arc), AT(arc_reason), AT(dmarc), AT(dmarc_reason), AT(results), AT(story),
      AT(blamed));
#undef AT
#define AT(member) offsetof(struct store_recipient, member)
TEXTS(recipient, AT(address), AT(action), AT(reason), AT(status), AT(next_hop));
#undef AT
#define AT(member) offsetof(struct store_held, member)
TEXTS(held, AT(id), AT(vault), AT(path), AT(sender), AT(recipients), AT(header_from), AT(subject), AT(reason), AT(state), AT(changed_by));
#undef AT

static size_t
texts_length(const void *row, const size_t *offsets, size_t count)
{
	size_t       sum = 0;
	struct bytes text;

	for (size_t i = 0; i < count; i++) {
		memcpy(&text, (const char *)row + offsets[i], sizeof(text));
		sum += text.len;
	}
	return sum;
}

static char *
texts_move(void *row, const size_t *offsets, size_t count, char *to)
{
	struct bytes text;

	for (size_t i = 0; i < count; i++) {
		memcpy(&text, (char *)row + offsets[i], sizeof(text));
		if (text.len > 0)
			memcpy(to, text.at, text.len);
		text.at = to;
		to += text.len;
		memcpy((char *)row + offsets[i], &text, sizeof(text));
	}
	return to;
}

static size_t
rows_length(const struct store_account *account, const struct store_held *held)
{
	size_t sum = texts_length(account, account_texts, NELEMS(account_texts));

	for (size_t i = 0; i < account->recipient_count; i++)
		sum += texts_length(&account->recipients[i], recipient_texts, NELEMS(recipient_texts));
	return sum + (held != NULL ? texts_length(held, held_texts, NELEMS(held_texts)) : 0);
}

struct item *
item_new(const struct store_account *account, const struct store_held *held)
{
	size_t       recipients = account->recipient_count * sizeof(struct store_recipient);
	size_t       octets = sizeof(struct item) + recipients + rows_length(account, held);
	struct item *item = malloc(octets);

	if (item == NULL)
		return NULL;
	*item = (struct item){ .octets = octets, .since_us = clock_mono_us(), .account = *account, .has_held = held != NULL };
	struct store_recipient *list = (struct store_recipient *)(item + 1);
	char                   *to = (char *)(item + 1) + recipients;
	if (recipients > 0)
		memcpy(list, account->recipients, recipients);
	item->account.recipients = list;
	to = texts_move(&item->account, account_texts, NELEMS(account_texts), to);
	for (size_t i = 0; i < account->recipient_count; i++)
		to = texts_move(&list[i], recipient_texts, NELEMS(recipient_texts), to);
	if (held != NULL) {
		item->held = *held;
		texts_move(&item->held, held_texts, NELEMS(held_texts), to);
	}
	return item;
}

int64_t
item_weight(const struct item *item)
{
	size_t recipients = item->account.recipient_count;

	return (int64_t)(item->octets - sizeof(*item) - recipients * sizeof(struct store_recipient)) + ACCOUNT_WEIGHT +
	       (int64_t)recipients * RECIPIENT_WEIGHT;
}

/* ---- counters ---- */

/* One for an hour and one for a blamed domain of each item. Equal
 * ones become one before they are written, in one order for all daemons, so that
 * two never wait for each other. */
struct tally {
	enum statement which;
	int64_t        day, hour; /* hour: of SQL_HOURLY_ADD alone */
	struct bytes   a, b;
	int64_t        n;
};

static int
tally_order(const void *x, const void *y)
{
	const struct tally *a = x, *b = y;

	if (a->which != b->which)
		return a->which < b->which ? -1 : 1;
	if (a->day != b->day)
		return a->day < b->day ? -1 : 1;
	if (a->hour != b->hour)
		return a->hour < b->hour ? -1 : 1;
	int order = bytes_order(a->a, b->a);
	return order != 0 ? order : bytes_order(a->b, b->b);
}

static enum rc
tally_write(struct store *s, const struct tally *t)
{
	union value hour[] = { VALUE_INT(t->day), VALUE_INT(t->hour), VALUE_TEXT(t->a), VALUE_TEXT(t->b), VALUE_INT(t->n) };
	union value domain[] = { VALUE_INT(t->day), VALUE_TEXT(t->a), VALUE_INT(t->n) };

	return store_run(s, t->which, t->which == SQL_HOURLY_ADD ? hour : domain, NULL, NULL);
}

/* `each`: 1 for accounts that come, -1 for one that goes. */
static size_t
tally_up(struct arena *a, struct tally *tallies, struct item *const *items, size_t count, int each)
{
	size_t used = 0, kept = 0;

	for (size_t i = 0; i < count; i++) {
		const struct store_account *account = &items[i]->account;
		int64_t                     day = store_day(account->at_us);
		struct bytes                action = store_key(a, account->action, false), reason = store_key(a, account->reason, false);
		tallies[used++] = (struct tally){ SQL_HOURLY_ADD, day, account->at_us / HOUR_US, action, reason, each };
		if (account->blamed.len > 0)
			tallies[used++] = (struct tally){ SQL_BLAMED_ADD, day, 0, store_key(a, account->blamed, true), B_NONE, each };
	}
	qsort(tallies, used, sizeof(*tallies), tally_order);
	for (size_t i = 0; i < used; i++) {
		if (kept > 0 && tally_order(&tallies[kept - 1], &tallies[i]) == 0)
			tallies[kept - 1].n += tallies[i].n;
		else
			tallies[kept++] = tallies[i];
	}
	return kept;
}

static enum rc
tallies_write(struct store *s, struct item *const *items, size_t count, int each)
{
	struct arena *a = arena_new((size_t)64 << 20);
	struct tally *tallies = arena_take_array(a, count * 2 + 1, sizeof(*tallies));
	size_t        used = tallies != NULL ? tally_up(a, tallies, items, count, each) : 0;
	enum rc       rc = arena_overdrawn(a) ? RC_MEMORY : RC_OK;

	for (size_t i = 0; i < used && rc == RC_OK; i++)
		rc = tally_write(s, &tallies[i]);
	arena_free(a);
	return rc;
}

/* ---- rows ---- */

static enum rc
item_write(struct store *s, struct shelves *shelves, const struct item *item)
{
	int64_t shelf = 0;
	enum rc rc = shelf_take(shelves, item->account.at_us, 1, item_weight(item), &shelf);

	if (rc == RC_OK)
		rc = store_account_add(s, shelf, &item->account);
	return rc == RC_OK && item->has_held ? held_add(s, &item->held) : rc;
}

enum rc
items_write(struct store *s, struct item *const *items, size_t count)
{
	struct shelves shelves = { .store = s, .arena = arena_new(SHELVES_LIMIT) };
	enum rc        rc = RC_OK;

	for (size_t i = 0; i < count && rc == RC_OK; i++)
		rc = item_write(s, &shelves, items[i]);
	if (rc == RC_OK)
		rc = shelves_write(&shelves);
	arena_free(shelves.arena);
	return rc == RC_OK ? tallies_write(s, items, count, 1) : rc;
}

static bool
note_there(void *arg, const union value *columns)
{
	(void)columns;
	*(bool *)arg = true;
	return true;
}

static enum rc
remove_rows(struct store *s, const struct item *item, int64_t shelf, bool *was_there)
{
	union value id = VALUE_TEXT(item->account.id), row[] = { VALUE_INT(shelf), id };
	union value list[] = { row[0], VALUE_INT(item->account.at_us), id };
	enum rc     rc = store_run(s, SQL_ACCOUNT_REMOVE, row, note_there, was_there);

	if (rc == RC_OK)
		rc = store_run(s, SQL_RECIPIENT_REMOVE, list, NULL, NULL);
	return rc == RC_OK && item->has_held ? store_run(s, SQL_HELD_REMOVE, &id, NULL, NULL) : rc;
}

enum rc
item_remove(struct store *s, struct item *item)
{
	struct shelves shelves = { .store = s, .arena = arena_new(SHELVES_LIMIT) };
	int64_t        shelf = 0;
	bool           was_there = false;
	enum rc        rc = shelf_take(&shelves, item->account.at_us, -1, -item_weight(item), &shelf);

	if (rc == RC_OK)
		rc = remove_rows(s, item, shelf, &was_there);
	if (rc == RC_OK && was_there)
		rc = shelves_write(&shelves);
	arena_free(shelves.arena);
	return rc == RC_OK && was_there ? tallies_write(s, &item, 1, -1) : rc;
}

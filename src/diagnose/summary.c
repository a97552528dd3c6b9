/* diagnose/summary.c: see summary.h. */
#include "diagnose/summary.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/map.h"
#include "mail/domain.h"

#define SHOWN       10
#define KEYS_MAX    ((size_t)100000) /* of one kind; what comes later is counted together */
#define MEMORY_MAX  ((size_t)64 << 20)

enum by { BY_CAUSE, BY_SENDER, BY_DOMAIN, BY_HOST, BY_COUNT };

static const char *const by_words[BY_COUNT] = { [BY_CAUSE] = "causes", [BY_SENDER] = "senders", [BY_DOMAIN] = "recipient_domains", [BY_HOST] = "hosts" };

struct count {
	struct bytes             key;
	size_t                   times;
	size_t                   others[BY_COUNT]; /* how many different keys of the other kinds came with it, up to 2 */
	struct bytes             first[BY_COUNT]; /* the first of them */
	const struct answer_row *answer; /* of a cause */
	struct bytes             cause, step; /* of the first report with it */
};

struct summary {
	struct arena *arena;
	struct map    by[BY_COUNT];
	size_t        reports, failures, hard;
	size_t        kinds[KIND_NOT_A_BOUNCE + 1];
};

struct summary *
summary_new(void)
{
	struct summary *s = calloc(1, sizeof(*s));

	if (s != NULL && (s->arena = arena_new(MEMORY_MAX)) == NULL) {
		free(s);
		return NULL;
	}
	return s;
}

void
summary_free(struct summary *s)
{
	if (s == NULL)
		return;
	for (int i = 0; i < BY_COUNT; i++)
		map_free(&s->by[i]);
	arena_free(s->arena);
	free(s);
}

static struct count *
count_of(struct summary *s, enum by by, struct bytes key)
{
	if (key.len == 0)
		key = B("(not named)");
	struct bytes  lower = arena_lower(s->arena, bytes_sub(key, 0, 300));
	struct count *c = map_get(&s->by[by], lower);
	if (c != NULL)
		return c;
	if (s->by[by].count >= KEYS_MAX) {
		lower = B("(others)");
		c = map_get(&s->by[by], lower);
	}
	if (c == NULL && (c = arena_take(s->arena, sizeof(*c))) != NULL) {
		c->key = lower;
		if (map_set(&s->by[by], lower, c) != RC_OK)
			return NULL;
	}
	return c;
}

static void
relate(struct count *c, enum by other, struct bytes key)
{
	if (c->others[other] == 0)
		c->first[other] = key;
	if (c->others[other] == 0 || (c->others[other] == 1 && !bytes_eq(c->first[other], key)))
		c->others[other]++;
}

static bool
add_verdict(struct summary *s, const struct bounce_verdict *v)
{
	const struct bounce_facts *f = bounce_facts_of(v, FACTS_SENDER | (v->answer->scope == SCOPE_IP ? FACTS_IP : 0));
	struct bytes  ip = v->answer->scope == SCOPE_IP ? f->ip : v->answer->scope == SCOPE_SENDER ? f->from_domain : B_NONE;
	struct bytes  cause = arena_printf(s->arena, "%s%s%.*s", v->rule != NULL ? v->rule->id : v->answer->id, ip.len > 0 ? " for " : "", B_FMT(ip));
	struct bytes  keys[BY_COUNT] = { [BY_CAUSE] = cause, [BY_SENDER] = f->sender, [BY_DOMAIN] = f->rdomain, [BY_HOST] = v->reply.host };
	struct count *counts[BY_COUNT];

	for (enum by i = 0; i < BY_COUNT; i++) {
		if ((counts[i] = count_of(s, i, keys[i])) == NULL)
			return false;
		counts[i]->times++;
	}
	for (enum by i = 0; i < BY_COUNT; i++)
		for (enum by k = 0; k < BY_COUNT; k++)
			relate(counts[i], k, counts[k]->key);
	struct count *c = counts[BY_CAUSE];
	if (c->answer == NULL) {
		c->answer = v->answer;
		c->cause = arena_copy(s->arena, advice_cause(s->arena, v));
		struct bytes steps = advice_steps(s->arena, v, FOR_ADMIN);
		bytes_cut(&steps, '\n', &c->step);
	}
	return true;
}

enum rc
summary_add(struct summary *s, const struct explained *x)
{
	s->kinds[x->reading->kind]++;
	for (size_t i = 0; i < x->count; i++) {
		const struct bounce_verdict *v = &x->list[i];
		s->reports++;
		s->hard += v->hard;
		if (v->kind != KIND_BOUNCE && v->kind != KIND_DELAYED)
			continue;
		s->failures++;
		if (!add_verdict(s, v))
			return RC_MEMORY;
	}
	return arena_overdrawn(s->arena) ? RC_MEMORY : RC_OK;
}

static int
more_first(const void *a, const void *b)
{
	const struct count *x = *(struct count *const *)a, *y = *(struct count *const *)b;

	return x->times != y->times ? (x->times < y->times ? 1 : -1) : bytes_order(x->key, y->key);
}

/* Sorted by number; NULL when memory is spent or there are none. */
static struct count **
sorted(const struct map *m, size_t *count_out)
{
	struct count **list = m->count > 0 ? malloc(m->count * sizeof(struct count *)) : NULL;
	size_t         n = 0, i = 0;

	for (const struct map_slot *slot; list != NULL && (slot = map_next(m, &i)) != NULL;)
		list[n++] = slot->value;
	if (n > 0)
		qsort(list, n, sizeof(struct count *), more_first);
	*count_out = n;
	return list;
}

/* "one recipient domain", "several senders": whether it is one, or everybody. */
static void
add_spread(struct buf *out, const struct count *c)
{
	buf_printf(out, "%s, %s, %s", c->others[BY_SENDER] > 1 ? "several senders" : "one sender", c->others[BY_DOMAIN] > 1 ? "several recipient domains" : "one recipient domain",
	           c->others[BY_HOST] > 1 ? "several hosts" : "one host");
}

void
summary_json(struct json *j, const struct summary *s)
{
	json_open_object(j);
	json_kv_int(j, "reports", (int64_t)s->reports);
	json_kv_int(j, "failures", (int64_t)s->failures);
	json_kv_int(j, "hard", (int64_t)s->hard);
	json_key(j, "kinds");
	json_open_object(j);
	for (enum bounce_kind k = 0; k <= KIND_NOT_A_BOUNCE; k++)
		json_kv_int(j, kind_word(k), (int64_t)s->kinds[k]);
	json_close_object(j);
	for (enum by b = 0; b < BY_COUNT; b++) {
		size_t         n = 0;
		struct count **list = sorted(&s->by[b], &n);
		json_key(j, by_words[b]);
		json_open_array(j);
		for (size_t i = 0; i < n; i++) {
			json_open_object(j);
			json_kv_text(j, "key", list[i]->key);
			json_kv_int(j, "count", (int64_t)list[i]->times);
			if (list[i]->answer != NULL) {
				json_kv_str(j, "reason", list[i]->answer->reason);
				json_kv_str(j, "category", list[i]->answer->category);
				json_kv_str(j, "owner", owner_word(list[i]->answer->owner));
				json_kv_str(j, "scope", scope_word(list[i]->answer->scope));
				json_kv_text(j, "cause", list[i]->cause);
				json_kv_text_or_null(j, "first_step", list[i]->step);
				json_kv_bool(j, "one_sender", list[i]->others[BY_SENDER] <= 1);
				json_kv_bool(j, "one_recipient_domain", list[i]->others[BY_DOMAIN] <= 1);
				json_kv_bool(j, "one_host", list[i]->others[BY_HOST] <= 1);
			}
			json_close_object(j);
		}
		json_close_array(j);
		free(list);
	}
	json_close_object(j);
}

void
summary_text(struct buf *out, const struct summary *s)
{
	static const char *const titles[BY_COUNT] = { [BY_CAUSE] = "Causes", [BY_SENDER] = "Senders", [BY_DOMAIN] = "Recipient domains", [BY_HOST] = "Hosts that refused" };

	buf_printf(out, "%zu reports, %zu of them failures or delays, %zu hard.\n\n", s->reports, s->failures, s->hard);
	for (enum by b = 0; b < BY_COUNT; b++) {
		size_t         n = 0;
		struct count **list = sorted(&s->by[b], &n);
		if (b == BY_CAUSE && n > 0) {
			buf_printf(out, "%zu of %zu share one cause: %.*s (", list[0]->times, s->failures, B_FMT(list[0]->key));
			add_spread(out, list[0]);
			buf_printf(out, ").\n  %.*s\n  The one change that mends most: %.*s\n\n", B_FMT(list[0]->cause), B_FMT(list[0]->step));
		}
		buf_printf(out, "%s\n", titles[b]);
		for (size_t i = 0; i < n && i < SHOWN; i++)
			buf_printf(out, "  %6zu  %.*s\n", list[i]->times, B_FMT(list[i]->key));
		if (n > SHOWN)
			buf_printf(out, "          and %zu more\n", n - SHOWN);
		buf_add_c(out, '\n');
		free(list);
	}
}

/* base/ask.c: see ask.h. An answer is one heap block: struct, table, octets. */
#include "base/ask.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct answer *
answer_new(enum answer_status status, enum dns_type type, uint32_t ttl, const struct bytes *rdata, size_t count,
           struct bytes canon, struct bytes why)
{
	size_t octets = canon.len + why.len;

	for (size_t i = 0; i < count; i++)
		octets += rdata[i].len;
	struct answer *a = malloc(sizeof(*a) + count * sizeof(struct bytes) + octets);
	if (a == NULL)
		return NULL;
	struct bytes *table = (struct bytes *)(void *)(a + 1);
	char         *p = (char *)(table + count);

	*a = (struct answer){ .status = status, .type = type, .ttl = ttl, .count = count, .rdata = table };
	atomic_init(&a->refs, 1);
	atomic_init(&a->made, NULL);
	for (size_t i = 0; i < count; i++) {
		if (rdata[i].len > 0)
			memcpy(p, rdata[i].at, rdata[i].len);
		table[i] = bytes_make(p, rdata[i].len);
		p += rdata[i].len;
	}
	if (canon.len > 0)
		memcpy(p, canon.at, canon.len);
	a->canon = bytes_make(p, canon.len);
	p += canon.len;
	if (why.len > 0)
		memcpy(p, why.at, why.len);
	a->why = bytes_make(p, why.len);
	return a;
}

struct answer *
answer_ref(const struct answer *a)
{
	/* The count and the slot are the two things that change in a shared answer. */
	struct answer *shared = (struct answer *)(uintptr_t)a;

	atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);
	return shared;
}

/* The slot holds a pointer to this, so that value and mark are set at once. */
struct made {
	void *value;
	void (*free)(void *);
};

void
answer_unref(const struct answer *a)
{
	struct answer *shared = (struct answer *)(uintptr_t)a;

	if (a == NULL || atomic_fetch_sub_explicit(&shared->refs, 1, memory_order_acq_rel) != 1)
		return;
	struct made *made = atomic_load_explicit(&shared->made, memory_order_acquire);
	if (made != NULL) {
		made->free(made->value);
		free(made);
	}
	free(shared);
}

static void
unref(void *a)
{
	answer_unref(a);
}

const struct answer *
answer_hold(struct arena *arena, const struct answer *a)
{
	if (a == NULL || !arena_on_free(arena, unref, (void *)(uintptr_t)a))
		return NULL;
	return a;
}

void *
answer_made(const struct answer *a, void (*free)(void *))
{
	const struct made *made = atomic_load_explicit(&((struct answer *)(uintptr_t)a)->made, memory_order_acquire);

	return made != NULL && made->free == free ? made->value : NULL;
}

bool
answer_keep(const struct answer *a, void *value, void (*free_value)(void *))
{
	struct answer *shared = (struct answer *)(uintptr_t)a;
	struct made   *made = malloc(sizeof(*made));
	void          *expected = NULL;

	if (made == NULL)
		return false;
	*made = (struct made){ value, free_value };
	if (atomic_compare_exchange_strong(&shared->made, &expected, made))
		return true;
	free(made);
	return false;
}

bool
answer_is_trouble(const struct answer *a)
{
	return a == NULL || a->status == ANSWER_TIMEOUT || a->status == ANSWER_SERVFAIL || a->status == ANSWER_BOGUS;
}

const char *
answer_status_word(enum answer_status status)
{
	static const char *const words[] = {
		[ANSWER_OK] = "ok",           [ANSWER_EMPTY] = "no data",     [ANSWER_NXDOMAIN] = "nxdomain",
		[ANSWER_TIMEOUT] = "timeout", [ANSWER_SERVFAIL] = "servfail", [ANSWER_BOGUS] = "bogus",
	};
	return words[status];
}

struct bytes
answer_txt(struct arena *arena, struct bytes rdata)
{
	size_t total = 0;
	size_t strings = 0;

	for (struct bytes r = rdata; r.len > 0;) {
		size_t n = (unsigned char)r.at[0];
		if (n > r.len - 1)
			break;
		total += n;
		strings++;
		bytes_skip(&r, n + 1);
	}
	if (strings <= 1)
		return bytes_sub(rdata, 1, total);
	char *out = arena_take(arena, total);
	if (out == NULL)
		return B_NONE;
	size_t used = 0;
	while (used < total || strings > 0) {
		size_t n = (unsigned char)rdata.at[0];
		memcpy(out + used, rdata.at + 1, n);
		used += n;
		bytes_skip(&rdata, n + 1);
		if (--strings == 0)
			break;
	}
	return bytes_make(out, used);
}

struct bytes
answer_name(struct arena *arena, struct bytes rdata)
{
	char   text[DNS_NAME_MAX + 2];
	size_t used = 0;

	for (;;) {
		if (rdata.len == 0)
			return B_NONE;
		size_t n = (unsigned char)rdata.at[0];
		if (n == 0)
			break;
		if (n > DNS_LABEL_MAX || n > rdata.len - 1 || used + n + (used > 0) > DNS_NAME_MAX)
			return B_NONE;
		if (used > 0)
			text[used++] = '.';
		for (size_t i = 0; i < n; i++)
			text[used++] = byte_lower(rdata.at[1 + i]);
		bytes_skip(&rdata, n + 1);
	}
	return arena_copy(arena, bytes_make(text, used));
}

bool
answer_mx(struct arena *arena, struct bytes rdata, unsigned *preference_out, struct bytes *name_out)
{
	if (rdata.len < 3)
		return false;
	struct bytes name = answer_name(arena, bytes_from(rdata, 2));
	if (name.at == NULL)
		return false;
	*preference_out = (unsigned)(unsigned char)rdata.at[0] << 8 | (unsigned char)rdata.at[1];
	*name_out = name;
	return true;
}

bool
answer_ip(const struct answer *a, size_t index, struct ip *ip_out)
{
	assert(index < a->count);
	size_t want = a->type == DNS_AAAA ? 16 : 4;

	if ((a->type != DNS_A && a->type != DNS_AAAA) || a->rdata[index].len != want)
		return false;
	*ip_out = a->type == DNS_A ? ip_from_4(a->rdata[index].at) : ip_from_16(a->rdata[index].at);
	return true;
}

bool
dns_name_to_wire(struct bytes name, char wire[256], size_t *len_out)
{
	size_t       used = 0;
	struct bytes label;

	if (name.len > DNS_NAME_MAX)
		return false;
	while (name.len > 0 && bytes_cut(&name, '.', &label)) {
		if (label.len == 0 || label.len > DNS_LABEL_MAX)
			return false;
		wire[used++] = (char)label.len;
		memcpy(wire + used, label.at, label.len);
		used += label.len;
		if (name.at != NULL && name.len == 0)
			return false; /* a trailing dot */
	}
	wire[used++] = '\0';
	*len_out = used;
	return true;
}

static const struct {
	struct bytes  word;
	enum dns_type type;
} types[] = {
	{ B_INIT("A"), DNS_A },     { B_INIT("NS"), DNS_NS },   { B_INIT("CNAME"), DNS_CNAME },
	{ B_INIT("SOA"), DNS_SOA }, { B_INIT("PTR"), DNS_PTR }, { B_INIT("MX"), DNS_MX },
	{ B_INIT("TXT"), DNS_TXT }, { B_INIT("AAAA"), DNS_AAAA }, { B_INIT("TLSA"), DNS_TLSA },
	{ B_INIT("CAA"), DNS_CAA }, { B_INIT("ANY"), DNS_ANY },
};

bool
dns_type_of(struct bytes word, enum dns_type *type_out)
{
	for (size_t i = 0; i < NELEMS(types); i++)
		if (bytes_eq_nocase(types[i].word, word)) {
			*type_out = types[i].type;
			return true;
		}
	return false;
}

const char *
dns_type_word(enum dns_type type)
{
	for (size_t i = 0; i < NELEMS(types); i++)
		if (types[i].type == type)
			return types[i].word.at;
	return "TYPE";
}

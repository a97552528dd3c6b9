/* session/recorder.c: see recorder.h. */
#include "session/recorder.h"

#include <stdatomic.h>
#include <stdlib.h>

struct recorder {
	struct writer   *writer;
	_Atomic unsigned subject, header_from;
	_Atomic uint64_t unmade; /* for want of memory */
};

void
recorder_renew(struct recorder *r, const struct settings *s)
{
	if (r == NULL)
		return;
	atomic_store_explicit(&r->subject, s->store_subject, memory_order_relaxed);
	atomic_store_explicit(&r->header_from, s->store_header_from, memory_order_relaxed);
}

enum rc
recorder_start(const char *where, const struct settings *s, struct arena *a, struct recorder **recorder_out, struct bytes *why_out)
{
	struct recorder       *r = calloc(1, sizeof(*r));
	struct writer_settings with = {
		.where = where,
		.keep = { .keep_days = s->store_keep_days, .keep_octets = (int64_t)s->store_keep_size },
	};

	if (r == NULL)
		return RC_MEMORY;
	recorder_renew(r, s);
	enum rc rc = writer_start(&with, a, &r->writer, why_out);
	if (rc != RC_OK) {
		free(r);
		return rc;
	}
	*recorder_out = r;
	return RC_OK;
}

void
recorder_told(void *arg, const struct account *account)
{
	struct recorder     *r = arg;
	struct store_account row;

	if (r == NULL || account->kept)
		return;
	struct record_rules rules = {
		(enum store_text)atomic_load_explicit(&r->subject, memory_order_relaxed),
		(enum store_text)atomic_load_explicit(&r->header_from, memory_order_relaxed),
	};
	struct arena *a = arena_new(RECORD_MEMORY);
	if (record_account(a, &rules, account, store_now_us(), &row))
		(void)writer_put(r->writer, &row); /* the writer counts what it has no room for */
	else
		atomic_fetch_add_explicit(&r->unmade, 1, memory_order_relaxed);
	arena_free(a);
}

size_t
recorder_stop(struct recorder *r, unsigned drain_ms)
{
	if (r == NULL)
		return 0;
	size_t lost = writer_stop(r->writer, drain_ms) + (size_t)atomic_load_explicit(&r->unmade, memory_order_relaxed);
	free(r);
	return lost;
}

struct writer *
recorder_writer(struct recorder *r)
{
	return r->writer;
}

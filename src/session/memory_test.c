/* session/memory_test.c: every allocation refused in turn.
 *
 * The linker routes our own malloc calls through here (--wrap). Whatever is
 * refused, a message is either judged rightly or deferred with 4xx: never lost,
 * never let through unjudged, never a crash. */
#include "base/rows.h"

#include <stdlib.h>

#include "session/stage.h"

void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_realloc(void *, size_t);

static long countdown = -1; /* at 0 an allocation is refused; below, none */
static bool was_refused;

static bool
refuse(void)
{
	if (countdown < 0 || countdown-- > 0)
		return false;
	was_refused = true;
	return true;
}

void *
__wrap_malloc(size_t n)
{
	return refuse() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t m)
{
	return refuse() ? NULL : __real_calloc(n, m);
}

void *
__wrap_realloc(void *p, size_t n)
{
	return refuse() ? NULL : __real_realloc(p, n);
}

static const struct memory_row {
	const char  *name;
	struct scene scene;
	bool         later;
} rows[] = {
	{ "a refusal, each allocation refused in turn", { "203.0.113.5", "a@reject.example", "From: A <a@reject.example>\r\n", NULL }, false },
	{ "a refusal, answers later, each allocation refused in turn",
	  { "203.0.113.5", "a@reject.example", "From: A <a@reject.example>\r\n", NULL },
	  true },
	{ "a list, each allocation refused in turn",
	  { "198.51.100.7", "b@list.example",
	    "List-Id: <talk.list.example>\r\nAuthentication-Results: gate.example; none\r\n"
	    "DKIM-Signature: v=1; a=rsa-sha256; d=reject.example; s=s1; h=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n"
	    "ARC-Seal: i=1; a=rsa-sha256; t=1; cv=none; d=x.example; s=s; b=AAAA\r\n"
	    "From: A <a@reject.example>\r\n",
	    NULL },
	  false },
};

static void
check(void **state)
{
	const struct memory_row *row = *state;
	struct settings         *settings = stage_settings(NULL);
	struct session_env       env = { .settings = settings, .hostname = B("gate.example") };
	struct arena            *a = arena_new((size_t)1 << 22);
	enum action              right = ACTION_ACCEPT;
	struct bytes             why;
	struct zone             *zone;
	long                     n;

	assert_non_null(settings);
	assert_int_equal(zone_parse(a, bytes_of(stage_zone), &zone, &why), RC_OK);
	for (n = -1; n < 5000; n++) {
		struct host h = { .zone = zone, .later = row->later };
		assert_true(buf_reserve(&h.reply, 8192) && buf_reserve(&h.edits, 8192)); /* the test's own */
		was_refused = false;
		countdown = n;
		bool began = stage_play(&h, &row->scene, &env);
		countdown = -1;
		if (began) {
			assert_int_equal(h.verdict_count, 1);
			if (n < 0)
				right = h.action;
			else if (!(h.told && h.action == right))
				assert_true(h.verdict_kind == VERDICT_REPLY && h.reply.len > 0 && h.reply.at[0] == '4');
		}
		stage_end(&h);
		if (n >= 0 && !was_refused)
			break;
	}
	assert_true(n > 10 && n < 5000); /* something was refused, and in the end nothing was */
	settings_unref(settings);
	arena_free(a);
}

int
main(void)
{
	log_open(LOG_STDERR, AT_ERROR); /* thousands of decisions are no news */
	return ROWS_RUN("memory", rows, check);
}

/* front/milter_memory_test.c: every allocation of a conversation refused in turn.
 *
 * The linker routes our own malloc calls through here (--wrap). Whatever is
 * refused, the message is accepted with all its changes, deferred, or the
 * connection is given up, which the MTA takes for a 4xx. */
#include "base/rows.h"

#include <stdlib.h>
#include <string.h>

#include "front/milter.h"
#include "front/milter_codec.h"
#include "front/scripted.h"

void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
char *__real_strndup(const char *, size_t);
void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_realloc(void *, size_t);
char *__wrap_strndup(const char *, size_t);

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

char *
__wrap_strndup(const char *s, size_t n)
{
	return refuse() ? NULL : __real_strndup(s, n);
}

/* ---- a door that has nothing to give ---- */

static uint64_t
now_us(void *door)
{
	(void)door;
	return 0;
}

static int64_t
epoch(void *door)
{
	(void)door;
	return 0;
}

static void
random_octets(void *door, uint8_t octets[8])
{
	(void)door;
	memset(octets, 0, 8);
}

static const struct answer *
look(void *door, const struct ask *ask)
{
	(void)door, (void)ask;
	return NULL;
}

static bool
ask(void *door, const struct ask *question, uint64_t ticket)
{
	(void)door, (void)question, (void)ticket;
	return false;
}

static void
deadline(void *door, uint32_t ms)
{
	(void)door, (void)ms;
}

static void
told(void *door, const struct account *account)
{
	(void)door, (void)account;
}

static const struct session_host host = { now_us, epoch, random_octets, look, ask, deadline, told, NULL };

static const char talk[] = "\0\0\0\x0dO\0\0\0\6\0\0\1\xff\0\x1f\xff\xff"
                           "\0\0\0\x10" "Ca\0" "4\0\1" "192.0.2.1\0"
                           "\0\0\0\x1a" "DM{auth_authen}\0user\0" "i\0Q1\0"
                           "\0\0\0\x0d" "M<a>\0SIZE=10\0"
                           "\0\0\0\5R<r>\0"
                           "\0\0\0\x0b" "LX\0 a\n\tb\nc\0"
                           "\0\0\0\1N"
                           "\0\0\0\5Ebody";

/* The last answer; how many changes came before it. '\0': none was due yet. */
static char
last_answer(struct bytes out, unsigned *changes_out)
{
	struct milter_frame frame;
	char                last = '\0';

	*changes_out = 0;
	while (out.len > 0) {
		assert_int_equal(milter_take(&out, &frame), RC_OK);
		last = frame.command;
		*changes_out += last == MILTER_INSHEADER || last == MILTER_CHGHEADER;
	}
	return last;
}

/* True when all went as with memory enough. */
static bool
converse(void)
{
	static const struct session_env env = { 0 };
	struct bytes                    in = bytes_make(talk, sizeof(talk) - 1);
	unsigned                        changes;

	struct milter *m = milter_new(&env, &host, NULL);
	if (m == NULL)
		return false;
	enum rc rc = milter_on(m, &in);
	bool    spoilt = milter_output(m)->spoilt;
	char    last = last_answer(buf_bytes(milter_output(m)), &changes);
	if (rc == RC_OK) {
		assert_int_equal(in.len, 0);
		assert_true((last == MILTER_CONTINUE && changes == 3) || last == MILTER_TEMPFAIL || spoilt);
	} else {
		assert_int_equal(rc, RC_MEMORY);
		assert_true(milter_why(m).len > 0);
	}
	milter_free(m);
	assert_int_equal(scripted_alive(), 0);
	return rc == RC_OK && last == MILTER_CONTINUE && changes == 3;
}

static void
each_allocation_refused_in_turn(void **state)
{
	static const struct scripted_rule rule = { EV_EOM, "", DO_EDIT };
	long                              n = -1;

	(void)state;
	scripted_begin(EV_BIT(EV_EOM), &rule, 1);
	scripted_log_keep(false);
	do {
		was_refused = false;
		countdown = n;
		bool whole = converse();
		countdown = -1;
		assert_true(whole || was_refused);
		n++;
	} while (n == 0 || was_refused);
	assert_true(n > 5);
}

int
main(void)
{
	rows_add("a message is accepted whole, deferred or given up, whichever allocation is refused", each_allocation_refused_in_turn, NULL);
	int failed = rows_run("milter_memory");
	scripted_end();
	return failed;
}

/* fuzz/milter_fuzz.c: an MTA that says anything, and a session that answers
 * anything. The first octet picks the script, the second how the input is cut;
 * the rest are frames as they come over the wire, behind a valid beginning if
 * the script says so. Every octet we answer must be part of a whole frame. */
#include <stdlib.h>
#include <string.h>

#include "front/milter.h"
#include "front/milter_codec.h"
#include "front/scripted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t asked;
static bool     timed;

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
	(void)door, (void)question;
	asked = ticket;
	return true;
}

static void
deadline(void *door, uint32_t ms)
{
	(void)door;
	timed = ms != 0;
}

static void
told(void *door, const struct account *account)
{
	(void)door, (void)account;
}

static const struct session_host host = { now_us, epoch, random_octets, look, ask, deadline, told, NULL };

static void
check_output(struct milter *m)
{
	struct bytes        rest = buf_bytes(milter_output(m));
	struct milter_frame frame;

	while (rest.len > 0)
		if (milter_take(&rest, &frame) != RC_OK)
			abort();
	buf_clear(milter_output(m));
}

/* The world answers what the session waits for. */
static void
world(struct milter *m)
{
	if (!milter_waits(m))
		return;
	if (timed) {
		timed = false;
		milter_deadline(m);
	} else if (asked != 0) {
		milter_answer(m, asked, NULL);
	}
}

static void
converse(struct milter *m, struct bytes in, size_t cut)
{
	struct buf buf = { 0 };
	enum rc    rc = RC_OK;

	while (rc == RC_OK && (in.len > 0 || milter_waits(m))) {
		struct bytes piece = bytes_sub(in, 0, cut);
		buf_add(&buf, piece);
		bytes_skip(&in, piece.len);
		struct bytes rest = buf_bytes(&buf);
		rc = milter_on(m, &rest);
		buf_take(&buf, buf.len - rest.len);
		check_output(m);
		if (in.len == 0 || cut % 2 == 0) {
			world(m);
			check_output(m);
		}
	}
	buf_free(&buf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct session_env env = { 0 };
	static const char               begin[] = "\0\0\0\x0dO\0\0\0\6\0\0\1\xff\0\x1f\xff\xff"
	                                          "\0\0\0\x10" "Ca\0" "4\0\1" "192.0.2.1" /* its NUL ends the string */;
	struct scripted_rule            rule = { EV_COUNT, "", DO_GO_ON };
	struct buf                      in = { 0 };

	if (size < 3)
		return 0;
	rule.on = (enum event_kind)(data[0] % EV_COUNT);
	rule.act = (enum scripted_act)(data[0] / EV_COUNT % (DO_EDIT + 1));
	if (rule.on != EV_EOM && rule.act >= DO_HOLD)
		rule.act = DO_WAIT;
	scripted_begin(EV_BIT(rule.on) & ~(EV_BIT(EV_ABORT) | EV_BIT(EV_QUIT)), &rule, 1);
	asked = 0;
	timed = false;
	struct milter *m = milter_new(&env, &host, NULL);
	if (data[2] & 1)
		buf_add(&in, bytes_make(begin, sizeof(begin)));
	buf_add(&in, bytes_make(data + 3, size - 3));
	converse(m, buf_bytes(&in), data[1] == 0 ? SIZE_MAX : data[1]);
	milter_free(m);
	buf_free(&in);
	if (scripted_alive() != 0)
		abort();
	return 0;
}

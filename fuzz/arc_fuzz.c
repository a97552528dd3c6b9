/* fuzz/arc_fuzz.c: ARC chains. The first line of the input is the key record
 * that every question gets, the rest is the message. */
#include <stdlib.h>

#include "auth/arc.h"
#include "mail/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
judge(struct arena *a, const struct message *m, struct bytes record)
{
	struct bodyhash *body = bodyhash_new(a);
	char             length = (char)(record.len < 255 ? record.len : 255);
	struct bytes     rdata = arena_join(a, bytes_make(&length, 1), bytes_sub(record, 0, 255));
	struct answer   *answer = answer_new(ANSWER_OK, DNS_TXT, 60, &rdata, 1, B_NONE, B_NONE);
	struct arc      *arc = body != NULL ? arc_new(a, &m->header, body, 1700000000) : NULL;
	struct ask       ask;
	struct finding   f;
	unsigned         asked = 0;

	if (arc != NULL) {
		enum step step = arc_step(arc, NULL, &ask, &f);
		bodyhash_feed(body, m->body);
		bodyhash_end(body);
		for (; step == STEP_ASKS; step = arc_step(arc, answer, &ask, &f))
			if (++asked > ARC_MAX + 1 || ask.name.len == 0)
				abort();
		if (f.method != METHOD_ARC || (f.result == RESULT_PASS && arc_report(arc)->count == 0))
			abort();
	}
	answer_unref(answer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena  *a = arena_new((size_t)2 << 20);
	struct bytes   text = bytes_make(data, size), record;
	struct message m;

	if (size > 0 && bytes_cut_line(&text, &record) && message_split(a, text, &m))
		judge(a, &m, record);
	arena_free(a);
	return 0;
}

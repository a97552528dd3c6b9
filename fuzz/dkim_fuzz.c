/* fuzz/dkim_fuzz.c: DKIM from field to verdict. The first line of the input is
 * the key record that every question gets, the rest is the message. */
#include <stdlib.h>

#include "auth/dkim.h"
#include "mail/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct answer *
answer_of(struct arena *a, struct bytes record)
{
	struct bytes rdata = arena_join(a, B("\xff"), bytes_sub(record, 0, 255));

	if (record.len < 255 && rdata.len > 0)
		*(char *)(uintptr_t)rdata.at = (char)record.len;
	return answer_new(record.len > 0 ? ANSWER_OK : ANSWER_NXDOMAIN, DNS_TXT, 60, &rdata, record.len > 0, B_NONE, B_NONE);
}

static void
judge(struct arena *a, const struct message *m, const struct answer *answer)
{
	struct bodyhash *body = bodyhash_new(a);
	struct dkim     *all[4];
	struct ask       ask;
	struct finding   f;
	size_t           count = 0;

	for (size_t i = 0; body != NULL && count < 4 && (i = header_find(&m->header, B("dkim-signature"), i)) < m->header.count; i++)
		if ((all[count] = dkim_new(a, &m->header, i, body, 1700000000)) != NULL)
			count++;
	if (body == NULL)
		return;
	bodyhash_feed(body, m->body);
	bodyhash_end(body);
	for (size_t i = 0; i < count; i++) {
		if (dkim_step(all[i], NULL, &ask, &f) == STEP_ASKS && (ask.name.len == 0 || dkim_step(all[i], answer, &ask, &f) == STEP_ASKS))
			abort();
		if (f.method != METHOD_DKIM || (f.result == RESULT_PASS && (answer == NULL || f.domain.len == 0)))
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena  *a = arena_new((size_t)1 << 20);
	struct bytes   text = bytes_make(data, size), record;
	struct message m;

	if (size > 0 && bytes_cut_line(&text, &record) && message_split(a, text, &m)) {
		struct answer *answer = answer_of(a, record);
		judge(a, &m, answer);
		answer_unref(answer);
	}
	arena_free(a);
	return 0;
}

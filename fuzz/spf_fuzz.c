/* fuzz/spf_fuzz.c: a whole SPF evaluation. The input is lines: sender, HELO,
 * then an answer a line, by turns, whatever was asked: its first octet is the
 * status, the rest rdatas, separated by bars. */
#include <assert.h>

#include "auth/spf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RDATA_MAX 16

/* Texts and names are given without the lengths that the wire has. */
static struct bytes
rdata_of(struct arena *a, enum dns_type type, struct bytes text)
{
	char   wire[256];
	char   length = (char)text.len;
	size_t n;

	switch (type) {
	case DNS_TXT:
		return text.len > 255 ? text : arena_join(a, bytes_make(&length, 1), text);
	case DNS_MX:
	case DNS_PTR:
		if (text.len == 0 || !dns_name_to_wire(text, wire, &n))
			return text;
		return arena_join(a, type == DNS_MX ? B("\0\1") : B(""), bytes_make(wire, n));
	default:
		return text;
	}
}

static struct answer *
answer_of(struct arena *a, const struct ask *ask, struct bytes line)
{
	struct bytes       rdata[RDATA_MAX], one;
	size_t             count = 0;
	enum answer_status status = line.len > 0 ? (enum answer_status)((unsigned char)line.at[0] % 8) : ANSWER_NXDOMAIN;

	if (status > ANSWER_BOGUS)
		status = ANSWER_OK;
	bytes_skip(&line, line.len > 0);
	while (status == ANSWER_OK && count < RDATA_MAX && bytes_cut(&line, '|', &one))
		rdata[count++] = rdata_of(a, ask->type, one);
	if (status == ANSWER_OK && count == 0)
		status = ANSWER_EMPTY;
	return answer_new(status, ask->type, 60, rdata, count, B_NONE, B_NONE);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena        *a = arena_new((size_t)1 << 20);
	struct bytes         rest = bytes_make(data, size), line, again;
	struct spf_query     q = { .ip = { 4, { 192, 0, 2, 1 } } };
	const struct answer *answer = NULL;
	struct ask           ask;
	struct finding       f;
	unsigned             asked = 0;

	if (size > 0 && data[0] & 1)
		q.ip = (struct ip){ 6, { 0x20, 0x01, 0x0d, 0xb8 } };
	bytes_cut(&rest, '\n', &q.mail_from);
	bytes_cut(&rest, '\n', &q.helo);
	again = rest;
	struct spf *s = spf_new(a, &q, SPF_MAILFROM);
	while (s != NULL && spf_step(s, answer, &ask, &f) == STEP_ASKS) {
		assert(ask.name.len > 0 && ask.name.len <= DNS_NAME_MAX);
		assert(++asked <= 130);
		if (!bytes_cut(&rest, '\n', &line)) {
			rest = again;
			line = B_NONE;
		}
		answer = answer_hold(a, answer_of(a, &ask, line));
	}
	if (s != NULL)
		assert(f.method == METHOD_SPF && spf_report(s)->lookups <= 11 && spf_report(s)->voids <= 3);
	arena_free(a);
	return 0;
}

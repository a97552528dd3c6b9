/* A stored story, whatever it holds, as parts of a page: no octet of it may be markup. */
#include <assert.h>

#include "desk/query.h"
#include "desk/told.h"

/* Behind each '<' of the page stands a tag of ours: never one that only an input can bring. */
static void
check_markup(struct bytes page)
{
	assert(bytes_find_nocase(page, B("<script")) == page.len);
	assert(bytes_find_nocase(page, B("<img")) == page.len);
	assert(!bytes_has(page, '\x1b') && !bytes_has(page, '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes         text = bytes_make(data, size);
	struct arena        *a = arena_new((size_t)16 << 20);
	const struct doc    *story = doc_read(a, text);
	struct buf           page = { .limit = (size_t)16 << 20 };
	struct store_account row = { .reason = doc_text(story, "decision.reason"),
		                     .action = doc_text(story, "decision.action"),
		                     .client = doc_text(story, "client.ip"),
		                     .domain = doc_text(story, "message.from_domain") };
	int64_t              at_us = 0;

	told_advice(&page, a, &row, story);
	told_checks(&page, a, story);
	told_records(&page, a, &row, story);
	check_markup(buf_bytes(&page));

	/* A record that is given is a record that is longer by the term. */
	struct bytes term = B("ip4:192.0.2.1"), with = told_spf_with(a, text, term);
	assert(arena_overdrawn(a) || bytes_find(with, term) < with.len);
	(void)query_time(text, 0, &at_us);
	buf_free(&page);
	arena_free(a);
	return 0;
}

/* Fields of a form, and the filters of a search, from any octets: what was read
 * is written into a URL so that it is read the same again. */
#include <assert.h>

#include "desk/form.h"
#include "desk/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_US ((int64_t)1800000000 * 1000000)

static struct bytes
filter(const struct search *q, size_t i)
{
	return *(const struct bytes *)(const void *)((const char *)q + query_fields[i].at);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena       *a = arena_new((size_t)16 << 20);
	struct http_request r = { .arena = a, .query = bytes_make(data, size), .body = bytes_make(data, size) };
	struct search       q = { .limit = 0 }, again = { .limit = 0 };
	const char         *why = NULL;
	struct buf          url = { 0 };

	assert(http_form(&r, "text").len <= size);
	if (!query_read(&r, NOW_US, &q, &why)) {
		assert(why != NULL);
	} else if (!arena_overdrawn(a)) {
		assert(q.limit >= 1 && q.limit <= QUERY_PAGE_MOST);
		query_write(&url, &r);
		for (size_t i = 0; i < url.len; i++)
			assert(url.at[i] > ' ' && url.at[i] < 0x7f);
		struct http_request second = { .arena = a, .query = buf_bytes(&url) };
		assert(query_read(&second, NOW_US, &again, &why));
		assert(q.from_us == again.from_us && q.to_us == again.to_us && q.limit == again.limit);
		for (size_t i = 0; i < query_field_count; i++)
			assert(bytes_eq(filter(&q, i), filter(&again, i)));
	}
	buf_free(&url);
	arena_free(a);
	return 0;
}

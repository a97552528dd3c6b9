/* fuzz/store_fuzz.c: text from senders becomes keys, and text from links becomes cursors. */
#include <assert.h>
#include <string.h>

#include "base/utf8.h"
#include "store/search.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes         text = bytes_make(data, size);
	struct arena        *a = arena_new((size_t)1 << 22);
	struct search_cursor cursor, again;
	char                 link[SEARCH_CURSOR_MAX];

	if (search_cursor_parse(text, &cursor)) {
		search_cursor_format(&cursor, link);
		assert(search_cursor_parse(bytes_of(link), &again));
		assert(again.at_us == cursor.at_us && strcmp(again.id, cursor.id) == 0);
	}
	struct bytes key = store_key(a, text, true);
	assert(key.len <= STORE_KEY_MAX && utf8_valid(key) && !bytes_has(key, '\0'));
	assert(bytes_eq(store_key(a, key, true), key) || key.len > STORE_KEY_MAX - 20);
	arena_free(a);
	return 0;
}

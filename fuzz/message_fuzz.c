/* fuzz/message_fuzz.c: a message is cut into slices of itself, in order, and
 * nothing of the body is lost. */
#include <assert.h>

#include "mail/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena  *a = arena_new((size_t)8 << 20);
	struct message m;

	if (message_split(a, bytes_make(data, size), &m)) {
		const char *end = NULL;
		for (size_t i = 0; i < m.header.count; i++) {
			const struct field *f = &m.header.fields[i];
			assert(f->name.len > 0 && f->value.at == f->name.at + f->name.len + 1);
			assert(end == NULL || f->name.at >= end);
			end = f->value.at + f->value.len;
		}
		assert(m.broken.len == 0 || m.body.at == m.broken.at);
	}
	arena_free(a);
	return 0;
}

/* fuzz/endpoint_fuzz.c: where to listen, as a person wrote it; what is accepted must read the same when written. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "net/endpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct endpoint first, again;
	const char     *why = NULL;
	char            text[ENDPOINT_TEXT_MAX];

	if (endpoint_parse(bytes_make(data, size), &first, &why) != RC_OK) {
		assert(why != NULL);
		return 0;
	}
	size_t len = endpoint_format(&first, text);
	assert(len < sizeof(text));
	assert(endpoint_parse(bytes_make(text, len), &again, &why) == RC_OK);
	assert(endpoint_eq(&first, &again));
	return 0;
}

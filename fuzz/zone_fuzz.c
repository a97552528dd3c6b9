/* fuzz/zone_fuzz.c: the zone file reader and its look-ups. */
#include "base/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new((size_t)1 << 20);
	struct zone  *zone;
	struct bytes  why;

	if (zone_parse(a, bytes_make(data, size), &zone, &why) == RC_OK) {
		struct ask ask = { DNS_TXT, B("a.example.com") };
		answer_unref(zone_answer(zone, &ask));
	}
	arena_free(a);
	return 0;
}

/* fuzz/packet_fuzz.c: a DNS response from anywhere. The first octet chooses the
 * type that was asked for; the name is fixed and short enough to be hit. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ask.h"
#include "net/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum dns_type types[] = { DNS_A, DNS_NS, DNS_CNAME, DNS_SOA, DNS_PTR, DNS_MX, DNS_TXT, DNS_AAAA };
	struct answer             *answer = NULL;

	if (size == 0)
		return 0;
	struct ask    ask = { types[data[0] % 8], B("a.b") };
	struct arena *arena = arena_new(1 << 20);
	if (packet_answer(bytes_make(data + 1, size - 1), &ask, &answer) == RC_OK) {
		assert(answer != NULL && (answer->count > 0) == (answer->status == ANSWER_OK));
		for (size_t i = 0; i < answer->count; i++) {
			struct bytes name;
			unsigned     preference;
			/* What was uncompressed must be readable. */
			if (ask.type == DNS_MX)
				assert(answer_mx(arena, answer->rdata[i], &preference, &name) || arena_overdrawn(arena));
			else if (ask.type == DNS_PTR || ask.type == DNS_NS || ask.type == DNS_CNAME)
				assert(answer_name(arena, answer->rdata[i]).at != NULL || arena_overdrawn(arena));
			else if (ask.type == DNS_TXT)
				(void)answer_txt(arena, answer->rdata[i]);
		}
		answer_unref(answer);
	}
	arena_free(arena);
	return 0;
}

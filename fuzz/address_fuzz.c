/* fuzz/address_fuzz.c: whatever From holds, a domain that is read out of it is
 * normal and stands in the address, and the address reads the same by itself. */
#include <assert.h>

#include "mail/address.h"
#include "mail/domain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_mailbox(struct arena *a, const struct mailbox *m)
{
	struct mailbox *again;
	struct bytes    why;
	size_t          count;

	assert(m->domain.len > 0 && bytes_eq(m->domain, domain_normal(a, m->domain)));
	if (mailbox_list_parse(a, m->address, &again, &count, &why)) {
		assert(count == 1);
		assert(bytes_eq(again[0].domain, m->domain));
		assert(bytes_eq(again[0].address, m->address));
	} else {
		assert(arena_overdrawn(a));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena   *a = arena_new((size_t)4 << 20);
	struct bytes    value = bytes_make(data, size), why;
	struct header   h = { 0 };
	struct mailbox *list, from;
	size_t          count;

	assert(header_add(a, &h, B("From"), value));
	if (from_of(a, &h, &from).result == RESULT_PASS)
		check_mailbox(a, &from);
	if (mailbox_list_parse(a, value, &list, &count, &why))
		for (size_t i = 0; i < count && i < 20 && !arena_overdrawn(a); i++)
			check_mailbox(a, &list[i]);
	path_address(value);
	arena_free(a);
	return 0;
}

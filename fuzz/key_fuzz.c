/* fuzz/key_fuzz.c: key records, one a line: as tag lists, and asked both ways. */
#include <stdlib.h>

#include "auth/key.h"
#include "auth/taglist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever parses has distinct names and values inside what was given. */
static void
check_tags(struct bytes text)
{
	struct taglist list;

	(void)taglist_parse(text, &list);
	for (size_t i = 0; i < list.count; i++) {
		const struct tag *t = &list.tags[i];
		if (taglist_get(&list, t->name) != t || t->raw.at < text.at || t->raw.at + t->raw.len > text.at + text.len || t->value.len > t->raw.len)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t hash[32];
	static const char    b[256];
	struct arena        *a = arena_new((size_t)1 << 20);
	struct bytes         text = bytes_make(data, size), line, rdata[8];
	size_t               count = 0;
	struct signature     s = { .b = { b, 128 }, .domain = B_INIT("example.com"), .identity_domain = B_INIT("example.com") };

	while (size > 0 && count < NELEMS(rdata) && bytes_cut(&text, '\n', &line)) {
		char length = (char)(line.len < 255 ? line.len : 255);
		check_tags(line);
		rdata[count] = arena_join(a, bytes_make(&length, 1), bytes_sub(line, 0, 255));
		if (line.len > 255) {
			length = (char)(line.len - 255 < 255 ? line.len - 255 : 255);
			rdata[count] = arena_join(a, rdata[count], arena_join(a, bytes_make(&length, 1), bytes_sub(line, 255, 255)));
		}
		count++;
	}
	struct answer *answer = answer_new(count > 0 ? ANSWER_OK : ANSWER_EMPTY, DNS_TXT, 60, rdata, count, B_NONE, B_NONE);
	for (int i = 0; i < 2 && answer != NULL; i++) {
		s.algorithm = i == 0 ? RSA_SHA256 : ED25519_SHA256;
		s.b.len = i == 0 ? 128 : 64;
		struct key_verdict v = key_ask(a, answer, &s, hash);
		/* Zeros sign nothing but under keys made for it, which Ed25519 has. */
		if (v.word == KEY_AGREES && i == 0)
			abort();
	}
	answer_unref(answer);
	arena_free(a);
	return 0;
}

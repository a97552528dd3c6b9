/* test/suffix_suite.c: the registrable domains of the Public Suffix List's own
 * tests, $MAILREEVE_CORPUS/publicsuffix: lines "input registrable-domain", null
 * for none. Prints TAP. A leading dot is no domain name, and so has none. */
#include <stdio.h>
#include <stdlib.h>

#include "auth/suffix.h"
#include "base/file.h"
#include "mail/domain.h"

static int
skip(const char *why)
{
	printf("1..0 # SKIP %s\n", why);
	return 0;
}

static bool
read_corpus(const char *corpus, const char *name, struct buf *out)
{
	char path[4096];

	if ((size_t)snprintf(path, sizeof(path), "%s/publicsuffix/%s", corpus, name) >= sizeof(path))
		return false;
	return file_read(path, out) == RC_OK;
}

static bool
agrees(struct arena *a, const struct suffix *s, struct bytes input, struct bytes want)
{
	struct bytes domain = domain_normal(a, input);
	struct bytes have = domain.len > 0 ? suffix_registrable(s, domain) : B("");
	struct bytes normal = bytes_eq(want, B("null")) ? B("") : domain_normal(a, want);

	if (!bytes_eq(have, normal))
		printf("# have %.*s, want %.*s\n", B_FMT(have), B_FMT(normal));
	return bytes_eq(have, normal);
}

static int
run(const struct suffix *s, struct bytes tests)
{
	struct bytes line, input;
	unsigned     count = 0, failed = 0;

	while (bytes_cut_line(&tests, &line)) {
		if (line.len == 0 || bytes_starts(line, B("//")))
			continue;
		struct arena *a = arena_new(100000);
		bytes_cut(&line, ' ', &input);
		bool good = agrees(a, s, input, line);
		failed += !good;
		printf("%s %u - %.*s\n", good ? "ok" : "not ok", ++count, B_FMT(input));
		arena_free(a);
	}
	printf("1..%u\n# %u of %u pass\n", count, count - failed, count);
	return failed > 0 || count == 0;
}

int
main(void)
{
	const char *corpus = getenv("MAILREEVE_CORPUS");
	struct buf  list = { 0 }, tests = { 0 };

	if (corpus == NULL || corpus[0] == '\0')
		return skip("MAILREEVE_CORPUS is not set: 78 suffix cases were not run");
	if (!read_corpus(corpus, "public_suffix_list.dat", &list) || !read_corpus(corpus, "tests.txt", &tests))
		return skip("no publicsuffix in MAILREEVE_CORPUS");
	struct suffix *s = suffix_new(buf_bytes(&list));
	int            failed = s == NULL || run(s, buf_bytes(&tests));
	if (s == NULL)
		puts("Bail out! the list cannot be read");
	suffix_free(s);
	buf_free(&list);
	buf_free(&tests);
	return failed;
}

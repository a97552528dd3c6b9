/* auth/suffix.c: see suffix.h. libpsl compares without folding case, so names
 * come here normal (mail/domain.h). */
#include "auth/suffix.h"

#include <libpsl.h>
#include <stdio.h>
#include <stdlib.h>

#define PSL_FUNCTIONS(X) X(psl_builtin) X(psl_free) X(psl_load_fp) X(psl_registrable_domain) X(psl_suffix_count)

static struct {
	PSL_FUNCTIONS(LIBRARY_POINTER)
} lib;
struct library suffix_library = LIBRARY("libpsl.so.5", "libpsl5", PSL_FUNCTIONS, &lib);

struct suffix {
	psl_ctx_t       *own; /* read from a text, to be freed */
	const psl_ctx_t *list;
};

struct suffix *
suffix_new(struct bytes list)
{
	struct suffix *s = library_missing(&suffix_library) == NULL ? calloc(1, sizeof(*s)) : NULL;

	if (s == NULL)
		return NULL;
	if (list.len == 0) {
		s->list = lib.psl_builtin();
	} else {
		/* libpsl reads streams; the octets are already here. */
		FILE *stream = fmemopen((void *)(uintptr_t)list.at, list.len, "r");
		s->list = s->own = stream != NULL ? lib.psl_load_fp(stream) : NULL;
		if (stream != NULL)
			fclose(stream);
	}
	if (s->list == NULL || lib.psl_suffix_count(s->list) == 0) {
		suffix_free(s);
		return NULL;
	}
	return s;
}

void
suffix_free(struct suffix *s)
{
	if (s == NULL)
		return;
	lib.psl_free(s->own);
	free(s);
}

struct bytes
suffix_registrable(const struct suffix *s, struct bytes domain)
{
	char name[256];

	if (domain.len == 0 || domain.len >= sizeof(name) || bytes_has(domain, '\0'))
		return B("");
	snprintf(name, sizeof(name), "%.*s", B_FMT(domain));
	const char *found = lib.psl_registrable_domain(s->list, name);
	return found != NULL ? bytes_from(domain, (size_t)(found - name)) : B("");
}

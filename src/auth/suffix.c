/* auth/suffix.c: see suffix.h. libpsl compares without folding case, so names
 * come here normal (mail/domain.h). */
#include "auth/suffix.h"

#include <libpsl.h>
#include <stdio.h>
#include <stdlib.h>

struct suffix {
	psl_ctx_t       *own; /* read from a text, to be freed */
	const psl_ctx_t *list;
};

struct suffix *
suffix_new(struct bytes list)
{
	struct suffix *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	if (list.len == 0) {
		s->list = psl_builtin();
	} else {
		/* libpsl reads streams; the octets are already here. */
		FILE *stream = fmemopen((void *)(uintptr_t)list.at, list.len, "r");
		s->list = s->own = stream != NULL ? psl_load_fp(stream) : NULL;
		if (stream != NULL)
			fclose(stream);
	}
	if (s->list == NULL || psl_suffix_count(s->list) == 0) {
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
	psl_free(s->own);
	free(s);
}

struct bytes
suffix_registrable(const struct suffix *s, struct bytes domain)
{
	char name[256];

	if (domain.len == 0 || domain.len >= sizeof(name) || bytes_has(domain, '\0'))
		return B("");
	snprintf(name, sizeof(name), "%.*s", B_FMT(domain));
	const char *found = psl_registrable_domain(s->list, name);
	return found != NULL ? bytes_from(domain, (size_t)(found - name)) : B("");
}

/* auth/canon.c: see canon.h. Only CRLF is folding; a bare CR or LF in a value
 * is an octet like any other. */
#include "auth/canon.h"

/* Where the value of a relaxed field stands, between the pieces it comes in. */
struct relax {
	bool begun; /* something was written: white space before it goes */
	bool blank; /* white space was seen since */
};

static bool
is_plain(char c)
{
	return c != ' ' && c != '\t' && c != '\r';
}

static void
relax_value(struct digest *d, struct relax *r, struct bytes piece)
{
	size_t i = 0;

	while (i < piece.len) {
		if (byte_is_wsp(piece.at[i])) {
			r->blank = true;
			i++;
			continue;
		}
		if (piece.at[i] == '\r' && i + 1 < piece.len && piece.at[i + 1] == '\n') {
			i += 2;
			continue;
		}
		size_t from = i++;
		while (i < piece.len && is_plain(piece.at[i]))
			i++;
		if (r->blank && r->begun)
			digest_add(d, B(" "));
		digest_add(d, bytes_sub(piece, from, i - from));
		r->begun = true;
		r->blank = false;
	}
}

static void
relax_name(struct digest *d, struct bytes name)
{
	char   lower[64];
	size_t n = 0;

	name = bytes_trim(name);
	for (size_t i = 0; i < name.len; i++) {
		if (n == sizeof(lower)) {
			digest_add(d, bytes_make(lower, n));
			n = 0;
		}
		lower[n++] = byte_lower(name.at[i]);
	}
	digest_add(d, bytes_make(lower, n));
}

static void
pieces(struct digest *d, enum canon canon, struct bytes name, struct bytes head, struct bytes tail)
{
	struct relax r = { 0 };

	if (canon == CANON_SIMPLE) {
		digest_add(d, name);
		digest_add(d, B(":"));
		digest_add(d, head);
		digest_add(d, tail);
		return;
	}
	relax_name(d, name);
	digest_add(d, B(":"));
	relax_value(d, &r, head);
	relax_value(d, &r, tail);
}

void
canon_field(struct digest *d, enum canon canon, const struct field *f)
{
	pieces(d, canon, f->name, f->value, B(""));
	digest_add(d, B("\r\n"));
}

void
canon_signature(struct digest *d, enum canon canon, const struct field *f, struct bytes cut)
{
	size_t from = cut.at != NULL ? (size_t)(cut.at - f->value.at) : f->value.len;

	pieces(d, canon, f->name, bytes_sub(f->value, 0, from), bytes_from(f->value, from + cut.len));
}

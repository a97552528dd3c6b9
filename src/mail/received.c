/* mail/received.c: see received.h. The forms of the MTAs differ in what the
 * comment behind the HELO name holds:
 *     from helo (name [192.0.2.1])            Postfix, Sendmail, Exchange
 *     from name ([192.0.2.1] helo=helo)       Exim
 *     from name (192.0.2.1) ; from [192.0.2.1] (helo helo) */
#include "mail/received.h"

#include "mail/field.h"

static struct bytes
cut_word(struct bytes *rest)
{
	*rest = bytes_trim(*rest);
	size_t n = 0;
	while (n < rest->len && !byte_is_space(rest->at[n]) && rest->at[n] != '(' && rest->at[n] != ';')
		n++;
	struct bytes word = bytes_sub(*rest, 0, n);
	bytes_skip(rest, n);
	return word;
}

/* A comment, its parentheses gone; nested ones are inside. */
static struct bytes
cut_comment(struct bytes *rest)
{
	size_t depth = 0, i = 0;

	for (; i < rest->len; i++) {
		if (rest->at[i] == '\\' && i + 1 < rest->len) {
			i++;
		} else if (rest->at[i] == '(') {
			depth++;
		} else if (rest->at[i] == ')' && --depth == 0) {
			break;
		}
	}
	struct bytes inside = bytes_sub(*rest, 1, i - (i > 0));
	*rest = i < rest->len ? bytes_from(*rest, i + 1) : B("");
	return inside;
}

static bool
parse_literal(struct bytes text, struct ip *ip_out)
{
	if (text.len > 2 && text.at[0] == '[') {
		size_t close = bytes_index(text, ']');
		text = bytes_sub(text, 1, close - 1);
	}
	if (bytes_starts_nocase(text, B("IPv6:")))
		text = bytes_from(text, 5);
	return ip_parse(text, ip_out);
}

static void
read_from_comment(struct bytes comment, struct received *r)
{
	bool first = true;

	for (;; first = false) {
		comment = bytes_trim(comment);
		if (comment.len > 0 && comment.at[0] == '(') {
			cut_comment(&comment);
			continue;
		}
		struct bytes word = cut_word(&comment);
		if (word.len == 0)
			break;
		if (bytes_starts_nocase(word, B("helo=")))
			r->helo = bytes_from(word, 5);
		else if (r->ip.family == 0 && parse_literal(word, &r->ip))
			continue;
		else if (first && bytes_has(word, '.') && !bytes_has(word, '=') && !bytes_has(word, '['))
			r->host = word;
	}
}

static void
set_helo(struct received *r, struct bytes word)
{
	r->helo = word;
	(void)parse_literal(word, &r->ip);
}

struct received
received_parse(struct arena *a, struct bytes value)
{
	struct received r = { .helo = B_NONE };
	struct bytes    rest = field_unfold(a, value);
	struct bytes    clause = B_NONE;

	for (;;) {
		rest = bytes_trim(rest);
		if (rest.len == 0)
			break;
		if (rest.at[0] == ';') {
			r.date = bytes_trim(bytes_from(rest, 1));
			break;
		}
		if (rest.at[0] == '(') {
			struct bytes comment = cut_comment(&rest);
			if (bytes_eq(clause, B("from")))
				read_from_comment(comment, &r);
			continue;
		}
		struct bytes word = cut_word(&rest);
		if (bytes_eq_nocase(word, B("from")) && r.helo.len == 0) {
			clause = B("from");
			rest = bytes_trim(rest);
			if (rest.len > 0 && rest.at[0] != '(')
				set_helo(&r, cut_word(&rest));
		} else if (bytes_eq_nocase(word, B("by")) && r.by.len == 0) {
			clause = B("by");
			r.by = cut_word(&rest);
		} else if (bytes_eq_nocase(word, B("with")) && r.with.len == 0) {
			clause = B("with");
			r.with = cut_word(&rest);
		} else if (word.len == 0) {
			bytes_skip(&rest, 1);
		}
	}
	return r;
}

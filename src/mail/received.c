/* mail/received.c: see received.h. The forms of the MTAs differ in what the
 * comment behind the HELO name holds:
 *     from helo (name [192.0.2.1])            Postfix, Sendmail, Exchange
 *     from name ([192.0.2.1] helo=helo)       Exim
 *     from [192.0.2.1] (helo=helo)            Exim, of a client without a name
 *     from name (HELO helo) (192.0.2.1)       qmail
 * What is hard: the client chose the HELO name, and may have chosen one that
 * looks like an address of somebody we trust. */
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

/* What vouches for an address, the least first. The word behind "from" is the
 * client's, unless nothing else stands there: then it is Exim's, who says
 * "from [192.0.2.1] (helo=helo)" of a client without a name. */
enum voucher { NOBODY, HELO_WORD, BARE, BRACKETED };

struct reader {
	struct received r;
	enum voucher    ip_by;
};

static void
take_ip(struct reader *rd, struct bytes word, enum voucher least)
{
	struct ip    ip;
	enum voucher by = word.len > 0 && word.at[0] == '[' && least > HELO_WORD ? BRACKETED : least;

	if (by < rd->ip_by || !parse_literal(word, &ip))
		return;
	rd->r.ip = ip;
	rd->ip_by = by;
}

/* Only the first comment with an address is the MTA's word on it: later ones may
 * quote a certificate. Within it the last is: idents stand before the address. */
static void
read_from_comment(struct reader *rd, struct bytes comment)
{
	struct received *r = &rd->r;
	bool             settled = rd->ip_by >= BARE;
	bool             first = true;

	for (;; first = false) {
		comment = bytes_trim(comment);
		if (comment.len > 0 && comment.at[0] == '(') {
			cut_comment(&comment);
			continue;
		}
		struct bytes word = cut_word(&comment);
		if (word.len == 0)
			break;
		if (bytes_starts_nocase(word, B("helo="))) {
			r->helo = bytes_from(word, 5);
		} else if (first && (bytes_eq_nocase(word, B("helo")) || bytes_eq_nocase(word, B("ehlo")))) {
			r->helo = cut_word(&comment); /* qmail; whatever it looks like, it is the client's */
		} else {
			if (!settled)
				take_ip(rd, word, BARE);
			if (first && bytes_has(word, '.') && !bytes_has(word, '=') && !bytes_has(word, '['))
				r->host = word;
		}
	}
}

struct received
received_parse(struct arena *a, struct bytes value)
{
	struct reader    rd = { .r = { .helo = B_NONE } };
	struct received *r = &rd.r;
	struct bytes     rest = field_unfold(a, value);
	bool             from = false;

	for (;;) {
		rest = bytes_trim(rest);
		if (rest.len == 0)
			break;
		if (rest.at[0] == ';') {
			r->date = bytes_trim(bytes_from(rest, 1));
			break;
		}
		if (rest.at[0] == '(') {
			struct bytes comment = cut_comment(&rest);
			if (from)
				read_from_comment(&rd, comment);
			continue;
		}
		struct bytes word = cut_word(&rest);
		if (bytes_eq_nocase(word, B("from")) && r->helo.len == 0) {
			from = true;
			rest = bytes_trim(rest);
			if (rest.len > 0 && rest.at[0] != '(') {
				r->helo = cut_word(&rest);
				take_ip(&rd, r->helo, HELO_WORD);
			}
		} else if (bytes_eq_nocase(word, B("by")) && r->by.len == 0) {
			from = false;
			r->by = cut_word(&rest);
		} else if (bytes_eq_nocase(word, B("with")) && r->with.len == 0) {
			from = false;
			r->with = cut_word(&rest);
		} else if (bytes_eq_nocase(word, B("id")) && r->id.len == 0) {
			from = false;
			r->id = cut_word(&rest);
		} else if (word.len == 0) {
			bytes_skip(&rest, 1);
		}
	}
	return rd.r;
}

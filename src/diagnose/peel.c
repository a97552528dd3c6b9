/* diagnose/peel.c: see peel.h. */
#include "diagnose/peel.h"

#include <string.h>

#include "base/eight.h"
#include "base/ip.h"
#include "base/rc.h"
#include "diagnose/address_find.h"
#include "diagnose/wordset.h"

#define PEEL_MAX 16384

/* Words behind which another server's reply is quoted; folded. */
static const struct bytes wrappers[] = {
	B_INIT(" said: "),
	B_INIT("remote host said: "),
	B_INIT("remote server returned "),
	B_INIT("remote server returned: "),
	B_INIT("the response from the remote server was: "),
	B_INIT("the response was: "),
	B_INIT("error that the other server returned was: "),
	B_INIT("the error was: "),
	B_INIT("responded with: "),
	B_INIT("responded: "),
	B_INIT("responded as follows: ["),
	B_INIT("last error: "),
	B_INIT("lasterror= "),
	B_INIT("server replied: "),
	B_INIT("remote server replied: "),
	B_INIT("received >>> "),
	B_INIT("<<< "),
	B_INIT("reason: "),
	B_INIT("diagnostic-code: smtp; "),
	B_INIT("diagnostic code: smtp;"),
	B_INIT("smtp; "),
	B_INIT("after rcpt command: "),
	B_INIT("failed after i sent the message. "),
	B_INIT("error message: "),
	B_INIT("error description: "),
	B_INIT("but sender was rejected. "),
	B_INIT("but greeting failed. "),
	B_INIT("did not like our "),
	B_INIT("does not like recipient. "),
	B_INIT("status from remote: "),
	B_INIT("with error: "),
	B_INIT("upstream error, please check https://developers.cloudflare.com/email-routing/postmaster for possible reasons why. upstream error: "),
	B_INIT("transcript: "),
	B_INIT("issued an error. hrm: "),
	B_INIT("smtp error code "),
};

/* Words that tell at which command it was said; folded. */
static const struct {
	struct bytes words;
	enum stage   stage;
} stages[] = {
	{ B_INIT("in reply to rcpt to"), STAGE_RCPT },
	{ B_INIT("in reply to end of data"), STAGE_EOM },
	{ B_INIT("in reply to data"), STAGE_DATA },
	{ B_INIT("in reply to mail from"), STAGE_MAIL },
	{ B_INIT("in reply to ehlo"), STAGE_HELO },
	{ B_INIT("in reply to helo"), STAGE_HELO },
	{ B_INIT("while sending end of data"), STAGE_EOM },
	{ B_INIT("while sending rcpt to"), STAGE_RCPT },
	{ B_INIT("while sending mail from"), STAGE_MAIL },
	{ B_INIT("while receiving the initial server greeting"), STAGE_CONNECT },
	{ B_INIT("while performing the ehlo"), STAGE_HELO },
	{ B_INIT("after rcpt to"), STAGE_RCPT },
	{ B_INIT("after rcpt command"), STAGE_RCPT },
	{ B_INIT("following rcpt command"), STAGE_RCPT },
	{ B_INIT("after mail from"), STAGE_MAIL },
	{ B_INIT("after end of data"), STAGE_EOM },
	{ B_INIT("after pipelined end of data"), STAGE_EOM },
	{ B_INIT("after sending data block"), STAGE_EOM },
	{ B_INIT("after data command"), STAGE_DATA },
	{ B_INIT("after initial connection"), STAGE_CONNECT },
	{ B_INIT("after ehlo"), STAGE_HELO },
	{ B_INIT("after helo"), STAGE_HELO },
	{ B_INIT("failed after i sent the message"), STAGE_EOM },
	{ B_INIT("does not like recipient"), STAGE_RCPT },
	{ B_INIT("did not like our rcpt to"), STAGE_RCPT },
	{ B_INIT("did not like our mail from"), STAGE_MAIL },
	{ B_INIT("did not like our data"), STAGE_DATA },
	{ B_INIT("did not like our final data"), STAGE_EOM },
	{ B_INIT("did not like our ehlo"), STAGE_HELO },
	{ B_INIT("sender was rejected"), STAGE_MAIL },
	{ B_INIT("greeting failed"), STAGE_CONNECT },
	{ B_INIT("my name was rejected"), STAGE_HELO },
	{ B_INIT("refused to talk to me"), STAGE_CONNECT },
	{ B_INIT("smtp:rcpt"), STAGE_RCPT },
	{ B_INIT(">>> rcpt to"), STAGE_RCPT },
	{ B_INIT("<<< rcpt to"), STAGE_RCPT },
	{ B_INIT("(state 14)"), STAGE_RCPT },
	{ B_INIT("(state 13)"), STAGE_RCPT },
	{ B_INIT("(state 18)"), STAGE_EOM },
	{ B_INIT("(state 17)"), STAGE_EOM },
	{ B_INIT(">>> mail from"), STAGE_MAIL },
	{ B_INIT(">>> data"), STAGE_DATA },
	{ B_INIT(">>> ehlo"), STAGE_HELO },
	{ B_INIT(">>> helo"), STAGE_HELO },
};

/* Words right before the name or address of the server that is spoken of. */
static const struct bytes host_leads[] = {
	B_INIT("while talking to "),   B_INIT("host "),        B_INIT("connected to "),      B_INIT("connect to "),
	B_INIT("recipient domain "),   B_INIT("smtp server <"), B_INIT("remote mail server "), B_INIT("remote server ("),
	B_INIT("giving up on "),       B_INIT("mx "),          B_INIT("lost connection with "), B_INIT("conversation with "),
};

/* Words right behind it: qmail and DragonFly say "mx.example.net [192.0.2.1] did not like our RCPT TO". */
static const struct bytes host_tails[] = {
	B_INIT(" does not like recipient"), B_INIT(" did not like our "), B_INIT(" failed after i sent"), B_INIT(" gave this error"), B_INIT(" rejected your message"),
};

/* Where a quotation ends and the one who quotes goes on. */
static const struct bytes ends[] = {
	B_INIT(" (in reply to "), B_INIT(" >>> "), B_INIT(" giving up on "), B_INIT("' (delivery attempts"), B_INIT(" (state 1"),
	B_INIT(" original message headers"), B_INIT(" message headers follow"), B_INIT("] the attachment "), B_INIT(" i'm not going to try again"),
};

/* The words of all tables are looked for in one pass, under one run of numbers. */
enum {
	WRAPPER_FIRST = 0,
	STAGE_FIRST = WRAPPER_FIRST + NELEMS(wrappers),
	LEAD_FIRST = STAGE_FIRST + NELEMS(stages),
	TAIL_FIRST = LEAD_FIRST + NELEMS(host_leads),
	END_FIRST = TAIL_FIRST + NELEMS(host_tails),
	WORDS_COUNT = END_FIRST + NELEMS(ends),
};

static struct bytes
word_of(size_t number)
{
	if (number < STAGE_FIRST)
		return wrappers[number];
	if (number < LEAD_FIRST)
		return stages[number - STAGE_FIRST].words;
	if (number < TAIL_FIRST)
		return host_leads[number - LEAD_FIRST];
	return number < END_FIRST ? host_tails[number - TAIL_FIRST] : ends[number - END_FIRST];
}

struct wordset *
peel_words(void)
{
	struct wordset *t = wordset_new();
	bool             fine = t != NULL;

	for (size_t i = 0; fine && i < WORDS_COUNT; i++)
		fine = wordset_add(t, word_of(i), (uint32_t)i) == RC_OK;
	if (fine && wordset_ready(t) == RC_OK)
		return t;
	wordset_free(t);
	return NULL;
}

/* Where words were found: by number, and there in the order of the text. What a hostile text has more of is not looked at. */
#define PLACES_MAX 256

struct places {
	struct place {
		uint16_t number, next; /* the next of that number, plus one */
		uint32_t end;
	} at[PLACES_MAX];
	size_t   count;
	uint64_t seen[WORDS_COUNT / 64 + 1]; /* bits, by number */
	uint16_t first[WORDS_COUNT], last[WORDS_COUNT]; /* plus one; of those that were seen */
};

static bool
place_hit(void *arg, uint32_t number, size_t end)
{
	struct places *p = arg;

	if (p->count == PLACES_MAX)
		return false;
	p->at[p->count++] = (struct place){ (uint16_t)number, 0, (uint32_t)end };
	uint16_t here = (uint16_t)p->count;
	if ((p->seen[number / 64] >> number % 64 & 1) == 0)
		p->first[number] = here;
	else
		p->at[p->last[number] - 1].next = here;
	p->seen[number / 64] |= UINT64_C(1) << number % 64;
	p->last[number] = here;
	return true;
}

/* The first number from `number` on that was seen, or `past`: a text has few of the words. */
static size_t
number_seen(const struct places *p, size_t number, size_t past)
{
	while (number < past) {
		uint64_t rest = p->seen[number / 64] >> number % 64;
		if (rest != 0) {
			number += (size_t)__builtin_ctzll(rest);
			return number < past ? number : past;
		}
		number += 64 - number % 64;
	}
	return past;
}

#define EACH_SEEN(i, p, from, past) (size_t i = number_seen((p), (from), (past)); i < (past); i = number_seen((p), i + 1, (past)))

/* White space with an empty line in it, when it is made one octet. */
#define PARAGRAPH '\n'

static bool
is_gap(char c)
{
	return c == ' ' || c == PARAGRAPH;
}

/* Copies what is above the blank at the front of `text`; its length. What is behind it in `out`, up to text.len, is
 * spoilt. */
static inline size_t
copy_word(char *out, struct bytes text)
{
	size_t n = 0;

	for (; n + 8 <= text.len; n += 8) {
		uint64_t blank = eight_below(eight_at(text.at + n), ' ' + 1);
		memcpy(out + n, text.at + n, 8);
		if (blank != 0)
			return n + eight_first(blank);
	}
	for (; n < text.len && (unsigned char)text.at[n] > ' '; n++)
		out[n] = text.at[n];
	return n;
}

/* All white space one blank, or the mark of a paragraph. */
static struct bytes
flatten(struct arena *a, struct bytes text)
{
	text = bytes_sub(text, 0, PEEL_MAX);
	char    *out = text.len > 0 ? arena_room(a, text.len + 1) : NULL;
	size_t   n = 0;
	unsigned lines = 0;

	if (out == NULL)
		return B_NONE;
	for (size_t i = 0; i < text.len; i++) {
		size_t word = copy_word(out + n, bytes_make(text.at + i, text.len - i));
		n += word;
		i += word;
		if (i == text.len)
			return bytes_make(out, n);
		char c = text.at[i];
		if (!byte_is_space(c) && c != '\0' && c != '\v' && c != '\f') {
			out[n++] = c;
			continue;
		}
		if (word > 0 || (n > 0 && !is_gap(out[n - 1]))) {
			out[n++] = ' ';
			lines = 0;
		}
		if (c == '\n' && n > 0 && ++lines == 2)
			out[n - 1] = PARAGRAPH;
	}
	while (n > 0 && is_gap(out[n - 1]))
		n--;
	return bytes_make(out, n);
}

size_t
enhanced_length(struct bytes b)
{
	size_t n = 0, digits;

	if (b.len < 5 || (b.at[0] != '2' && b.at[0] != '4' && b.at[0] != '5') || b.at[1] != '.')
		return 0;
	n = 2;
	for (int part = 0; part < 2; part++) {
		for (digits = 0; n < b.len && byte_is_digit(b.at[n]) && digits < 4; n++)
			digits++;
		if (digits == 0 || digits > 3)
			return 0;
		if (part == 0 && (n >= b.len || b.at[n++] != '.'))
			return 0;
	}
	if (n < b.len && (byte_is_digit(b.at[n]) || (b.at[n] == '.' && n + 1 < b.len && byte_is_digit(b.at[n + 1]))))
		return 0;
	return n;
}

static bool
is_code(struct bytes text, size_t i)
{
	if (i + 3 > text.len || (text.at[i] != '2' && text.at[i] != '4' && text.at[i] != '5') || text.at[i + 1] > '7' || !byte_is_digit(text.at[i + 1]) || !byte_is_digit(text.at[i + 2]))
		return false;
	if (i > 0 && (byte_is_alnum(text.at[i - 1]) || text.at[i - 1] == '.' || text.at[i - 1] == '-' || text.at[i - 1] == '+' || text.at[i - 1] == '/' || text.at[i - 1] == '='))
		return false;
	if (i + 3 == text.len)
		return true;
	char c = text.at[i + 3];
	return is_gap(c) || c == '-' || c == ':' || c == '\'' || c == '"' || c == ',' || c == ']' || c == ')' || c == ';' || c == '#' || c == '>';
}

/* "550 5.1.1", "550-5.1.1", "550 #5.1.1", "550:": true and where the words begin. */
static bool
code_at(struct bytes text, size_t i, struct reply_found *f, size_t *after_out)
{
	if (!is_code(text, i))
		return false;
	size_t n = i + 3;
	while (n < text.len && (is_gap(text.at[n]) || text.at[n] == '-' || text.at[n] == ':' || text.at[n] == '#' || text.at[n] == '(' || text.at[n] == '\''))
		n++;
	size_t len = enhanced_length(bytes_from(text, n));
	f->code = bytes_sub(text, i, 3);
	f->enhanced = bytes_sub(text, n, len);
	*after_out = n + len;
	return true;
}

/* Where the innermost quoted reply begins: behind the last wrapper that a code follows closely. */
static size_t
inner_start(struct bytes whole, const struct places *p, struct reply_found *f, size_t *after_out)
{
	size_t best = whole.len;

	for EACH_SEEN (i, p, WRAPPER_FIRST, STAGE_FIRST) {
		for (unsigned n = p->first[i]; n != 0; n = p->at[n - 1].next) {
			size_t             pos = p->at[n - 1].end, near = pos, after;
			struct reply_found trial = *f;
			while (near < whole.len && near < pos + 24 && !code_at(whole, near, &trial, &after))
				near++;
			bool first_only = bytes_eq(wrappers[i], B("<<< ")); /* a transcript's later replies only follow from the first */
			if (near < whole.len && near < pos + 24 && trial.code.at[0] != '2' && (best == whole.len || (near > best && !first_only))) {
				best = near;
				*f = trial;
				*after_out = after;
			}
		}
	}
	return best;
}

static size_t
code_next(struct bytes text, size_t i, struct bytes code)
{
	while (i < text.len) {
		i += bytes_index(bytes_from(text, i), code.at[0]);
		if (i == text.len || bytes_starts(bytes_from(text, i), code))
			return i;
		i++;
	}
	return text.len;
}

/* How much of the text at `i`, where the code is, is only said again in front of a further line. */
static size_t
repeated_at(struct bytes text, size_t i, const struct reply_found *f)
{
	struct bytes rest = bytes_from(text, i);

	if ((i > 0 && !is_gap(text.at[i - 1])) || rest.len < 4 || (rest.at[3] != '-' && (rest.at[3] != ' ' || f->enhanced.len == 0)))
		return 0;
	size_t len = enhanced_length(bytes_from(rest, 4)), n = 4 + len;
	if (rest.at[3] != '-' && len == 0)
		return 0;
	while (n < rest.len && is_gap(rest.at[n]))
		n++;
	return n;
}

/* Codes repeated at the front of a reply's further lines are not part of its words. */
static struct bytes
words_of(struct arena *a, struct bytes text, const struct reply_found *f)
{
	size_t at = f->code.len == 3 ? code_next(text, 0, f->code) : text.len;

	if (at == text.len)
		return bytes_trim(text);
	char  *out = arena_room(a, text.len + 1);
	size_t n = 0, kept = 0; /* what begins there is not written yet */

	if (out == NULL)
		return B_NONE;
	while (at < text.len) {
		size_t again = repeated_at(text, at, f);
		if (again > 0) {
			memcpy(out + n, text.at + kept, at - kept);
			n += at - kept;
			kept = at + again;
		}
		at = code_next(text, again > 0 ? kept : at + 1, f->code);
	}
	memcpy(out + n, text.at + kept, text.len - kept);
	n += text.len - kept;
	return bytes_trim(bytes_make(out, n));
}

/* What is quoted from `from` on. */
static struct bytes
quotation(struct bytes whole, size_t from, const struct places *p)
{
	size_t end = whole.len;

	for EACH_SEEN (i, p, END_FIRST, WORDS_COUNT)
		for (unsigned n = p->first[i]; n != 0; n = p->at[n - 1].next) {
			size_t start = p->at[n - 1].end - ends[i - END_FIRST].len;
			if (start < from)
				continue;
			end = start < end ? start : end;
			break;
		}
	return bytes_sub(whole, from, end - from);
}

static void
stage_find(const struct places *p, struct reply_found *f)
{
	size_t i = number_seen(p, STAGE_FIRST, LEAD_FIRST);

	if (i < LEAD_FIRST)
		f->stage = stages[i - STAGE_FIRST].stage;
}

/* "mx.example.net[192.0.2.1]", "mx.example.net (192.0.2.1)", "192.0.2.1". */
static bool
host_take(struct bytes text, struct reply_found *f)
{
	size_t    n = 0, k;
	struct ip ip;

	if (bytes_starts(text, B("[")))
		text = bytes_from(text, 1);
	while (n < text.len && (byte_is_alnum(text.at[n]) || text.at[n] == '-' || text.at[n] == '.' || text.at[n] == '_' || text.at[n] == ':'))
		n++;
	while (n > 0 && (text.at[n - 1] == '.' || text.at[n - 1] == ':'))
		n--;
	struct bytes name = bytes_sub(text, 0, n);
	bool         is_ip = ip_parse(name, &ip);
	if (is_ip)
		f->ip = name;
	else if (host_like(name))
		f->host = name;
	else
		return false;
	k = n;
	while (k < text.len && k < n + 3 && (text.at[k] == ' ' || text.at[k] == '[' || text.at[k] == '(' || text.at[k] == ':' || text.at[k] == '.' || text.at[k] == ']'))
		k++;
	for (n = k; n < text.len && (byte_hex(text.at[n]) >= 0 || text.at[n] == '.' || text.at[n] == ':'); n++)
		;
	if (!is_ip && ip_parse(bytes_sub(text, k, n - k), &ip))
		f->ip = bytes_sub(text, k, n - k);
	return true;
}

static void
host_find(struct bytes whole, const struct places *p, struct reply_found *f)
{
	for EACH_SEEN (i, p, LEAD_FIRST, TAIL_FIRST)
		for (unsigned n = p->first[i]; n != 0; n = p->at[n - 1].next)
			if (host_take(bytes_from(whole, p->at[n - 1].end), f))
				return;
	size_t i = number_seen(p, TAIL_FIRST, END_FIRST);
	if (i < END_FIRST) {
		size_t at = p->at[p->first[i] - 1].end - host_tails[i - TAIL_FIRST].len, start = at;
		while (start > 0 && at - start < 120 && !is_gap(whole.at[start - 1]) && whole.at[start - 1] != '(')
			start--;
		if (whole.at[start] == '[')
			for (start -= start > 0; start > 0 && !is_gap(whole.at[start - 1]); start--)
				;
		host_take(bytes_from(whole, start), f);
	}
}

/* Where no wrapper tells it: the first failure code there is. */
static size_t
first_code(struct bytes whole, struct reply_found *f, size_t *after_out)
{
	size_t i = 0;

	for (; i + 8 <= whole.len; i += 8) {
		/* Of a 4 or a 5 no bit is left, of others more than the lowest: no borrow of one reaches them. */
		uint64_t digits = eight_is(eight_at(whole.at + i) | EACH(1), '5');
		for (; digits != 0; digits &= digits - 1) {
			size_t at = i + eight_first(digits);
			if (code_at(whole, at, f, after_out))
				return at;
		}
	}
	for (; i + 3 <= whole.len; i++)
		if ((whole.at[i] | 1) == '5' && code_at(whole, i, f, after_out))
			return i;
	return whole.len;
}

/* An enhanced code in the middle of the words: dots are rarer than they. */
static struct bytes
first_enhanced(struct bytes text)
{
	for (size_t dot = bytes_index(text, '.'); dot < text.len; dot += 1 + bytes_index(bytes_from(text, dot + 1), '.')) {
		size_t len = dot > 0 ? enhanced_length(bytes_from(text, dot - 1)) : 0;
		char   before = dot > 1 ? text.at[dot - 2] : ' ';
		if (len > 0 && !byte_is_alnum(before) && before != '.' && before != '-')
			return bytes_sub(text, dot - 1, len);
	}
	return B_NONE;
}

/* With a blank for each mark of a paragraph. */
static struct bytes
unmarked(struct arena *a, struct bytes text)
{
	char *out = bytes_has(text, PARAGRAPH) ? arena_room(a, text.len + 1) : NULL;

	if (out == NULL)
		return text;
	for (size_t i = 0; i < text.len; i++)
		out[i] = text.at[i] == PARAGRAPH ? ' ' : text.at[i];
	return bytes_make(out, text.len);
}

struct reply_found
peel(struct arena *a, const struct wordset *words, struct bytes text)
{
	struct reply_found f = { .whole = flatten(a, text) };
	struct places      p;
	size_t             after = 0, start;

	if (f.whole.len == 0)
		return f;
	p.count = 0;
	memset(p.seen, 0, sizeof(p.seen));
	wordset_scan(words, f.whole, place_hit, &p);
	start = inner_start(f.whole, &p, &f, &after);
	if (start == f.whole.len)
		start = first_code(f.whole, &f, &after);
	if (start < f.whole.len) {
		f.text = quotation(f.whole, after, &p);
		f.text = words_of(a, bytes_sub(f.text, 0, bytes_index(f.text, PARAGRAPH)), &f); /* no reply has an empty line in it */
	} else {
		f.text = unmarked(a, quotation(f.whole, 0, &p));
	}
	if (f.enhanced.len == 0)
		f.enhanced = first_enhanced(f.text);
	stage_find(&p, &f);
	host_find(f.whole, &p, &f);
	return f;
}

/* diagnose/forms.c: see forms.h. */
#include "diagnose/forms.h"

#include "diagnose/address_find.h"
#include "diagnose/wordset.h"

/* ---- where the returned message begins ---- */

/* Announcements of it: the words, and what the line must look like besides. */
static const struct announcement {
	struct bytes words;
	bool         rule; /* only with a run of dashes, stars or the like in front */
} announcements[] = {
	{ B_INIT("below this line is a copy"), true },
	{ B_INIT("below the next line is a copy"), true },
	{ B_INIT("below this line is the original"), true },
	{ B_INIT("this is a copy of"), true },
	{ B_INIT("copy of the message"), true },
	{ B_INIT("copy of your message"), true },
	{ B_INIT("original message"), true },
	{ B_INIT("orignal message"), true },
	{ B_INIT("original mail"), true },
	{ B_INIT("message header"), true },
	{ B_INIT("message follows"), true },
	{ B_INIT("message text follows"), true },
	{ B_INIT("unsent message"), true },
	{ B_INIT("undelivered message"), true },
	{ B_INIT("returned message"), true },
	{ B_INIT("returned mail"), true },
	{ B_INIT("rejected message"), true },
	{ B_INIT("header of the original"), true },
	{ B_INIT("headers of the original"), true },
	{ B_INIT("the body of the message is"), true },
	{ B_INIT("message headers follow"), false },
	{ B_INIT("message header follows"), false },
	{ B_INIT("original message follows"), false },
	{ B_INIT("original message headers follow"), false },
	{ B_INIT("original message headers:"), false },
	{ B_INIT("original message header:"), false },
	{ B_INIT("original message as received"), false },
	{ B_INIT("headers of the original message"), false },
	{ B_INIT("header of the original message"), false },
	{ B_INIT("here is a copy of"), false },
	{ B_INIT("copy of the original message"), false },
	{ B_INIT("a copy of your message"), false },
	{ B_INIT("your message reads (in part)"), false },
	{ B_INIT("the text of the original message"), false },
	{ B_INIT("your original message is"), false },
	{ B_INIT("returned message follows"), false },
};

/* A header that begins in the middle of the text, quoted or not. */
static const struct bytes header_firsts[] = {
	B_INIT("received: "), B_INIT("return-path: <"), B_INIT("x-sender: "),     B_INIT("delivered-to: "),
	B_INIT("dkim-signature: "), B_INIT("message-id: "), B_INIT("mime-version: 1"), B_INIT("x-mailer: "),
};

/* Words before an address that make it somebody to write to, not the one who was missed. */
static const struct bytes helpers[] = {
	B_INIT("contact"), B_INIT("please"), B_INIT("postmaster"), B_INIT("mailto:"), B_INIT("sender"), B_INIT("send mail to"), B_INIT("forward"),
	B_INIT("message from"), B_INIT("your message from"), B_INIT("sent by"), B_INIT("email us"), B_INIT("write to"), B_INIT("by mail"), B_INIT("mail from"), B_INIT("support"),
	B_INIT("help"), B_INIT("questions"), B_INIT("abuse"), B_INIT("assistance"), B_INIT("delist"), B_INIT("from:"), B_INIT("from <"), B_INIT("on behalf of"),
	B_INIT("message-id"), B_INIT("originator"),
};

/* The words of all three tables, under one run of numbers. */
enum {
	HEADER_FIRST = NELEMS(announcements),
	HELPER_FIRST = HEADER_FIRST + NELEMS(header_firsts),
	WORDS_COUNT = HELPER_FIRST + NELEMS(helpers),
};

static struct bytes
word_of(uint32_t number)
{
	if (number < HEADER_FIRST)
		return announcements[number].words;
	return number < HELPER_FIRST ? header_firsts[number - HEADER_FIRST] : helpers[number - HELPER_FIRST];
}

enum rc
forms_words(struct wordset *t, uint32_t first, uint32_t *next_out)
{
	enum rc rc = RC_OK;

	for (uint32_t i = 0; rc == RC_OK && i < WORDS_COUNT; i++)
		rc = wordset_add(t, word_of(i), first + i);
	*next_out = first + WORDS_COUNT;
	return rc;
}

void
forms_begin(struct forms *f, struct bytes text)
{
	f->text = text;
	f->first_word = 0;
	while (f->first_word < text.len && byte_is_space(text.at[f->first_word]))
		f->first_word++;
	f->human_end = f->returned_at = f->announced_at = text.len;
	f->helper_count = 0;
}

/* No announcement is longer, with the marks before it. */
#define ANNOUNCING_MAX 400

/* Where the line of this offset begins; false when that is too far to the front. */
static bool
line_start(struct bytes text, size_t at, size_t *start_out)
{
	size_t least = at > ANNOUNCING_MAX ? at - ANNOUNCING_MAX : 0;

	while (at > least && text.at[at - 1] != '\n')
		at--;
	*start_out = at;
	return at == 0 || text.at[at - 1] == '\n';
}

/* The marks that stand before the words of an announcement; what is left of it. */
static struct bytes
unmarked(struct bytes line, bool *marked_out)
{
	line = bytes_trim(line);
	*marked_out = false;
	while (line.len > 0 && (line.at[0] == '-' || line.at[0] == '=' || line.at[0] == '*' || line.at[0] == '+' || line.at[0] == '|' || line.at[0] == '_' ||
	                        line.at[0] == '>' || line.at[0] == ' ')) {
		*marked_out = true;
		bytes_skip(&line, 1);
	}
	return line;
}

static void
announces(struct forms *f, const struct announcement *by, size_t from)
{
	size_t start, end = from + bytes_index(bytes_sub(f->text, from, ANNOUNCING_MAX), '\n');
	bool   marked;

	if (!line_start(f->text, from, &start) || start <= f->first_word)
		return;
	struct bytes words = unmarked(bytes_sub(f->text, start, end - start), &marked);
	if (words.len < 12 || words.len > 120 || (by->rule && !marked))
		return;
	f->announced_at = from;
	f->human_end = start;
	f->returned_at = end < f->text.len ? end + 1 : end;
}

static void
begins_header(struct forms *f, size_t from)
{
	struct bytes rest = bytes_from(f->text, from), line, next;
	size_t       start;

	if (!line_start(f->text, from, &start) || start <= f->first_word)
		return;
	struct bytes before = bytes_sub(f->text, start, from - start);
	if (before.len > 0 && (before.at[0] != '>' || bytes_trim(bytes_from(before, 1)).len > 0))
		return;
	bytes_cut_line(&rest, &line);
	if (!bytes_cut_line(&rest, &next) || next.len == 0)
		return;
	f->announced_at = from;
	f->human_end = f->returned_at = start;
}

/* They come nearly in order. */
static void
helper_add(struct forms *f, size_t from, size_t end)
{
	size_t i = f->helper_count;

	if (i == FORMS_HELPERS_MAX)
		return;
	for (; i > 0 && f->helpers[i - 1].from > from; i--)
		f->helpers[i] = f->helpers[i - 1];
	f->helpers[i] = (struct helper){ (uint32_t)from, (uint32_t)end };
	f->helper_count++;
}

bool
forms_hit(struct forms *f, uint32_t number, size_t end)
{
	struct bytes word = word_of(number);
	size_t       from = end - word.len;

	/* Words over the end of a line are none. */
	if (end < word.len || !bytes_eq_nocase(bytes_sub(f->text, from, word.len), word))
		return true;
	if (from >= f->announced_at)
		return from < f->returned_at;
	if (number < HEADER_FIRST)
		announces(f, &announcements[number], from);
	else if (number < HELPER_FIRST)
		begins_header(f, from);
	else
		helper_add(f, from, end);
	return true;
}

void
forms_end(struct forms *f)
{
	while (f->helper_count > 0 && f->helpers[f->helper_count - 1].from >= f->announced_at)
		f->helper_count--;
}

struct bytes
forms_human(const struct forms *f)
{
	return bytes_sub(f->text, 0, f->human_end);
}

struct bytes
forms_returned(const struct forms *f)
{
	return f->returned_at < f->text.len ? bytes_from(f->text, f->returned_at) : B_NONE;
}

/* ---- lines that name a recipient ---- */

/* How sure a line is that the address in it could not be reached. */
enum shape { SHAPE_NONE, SHAPE_ANYWHERE, SHAPE_LABEL, SHAPE_ALONE, SHAPE_ENTRY };

/* Words right before an address that make it the recipient; folded, at the end of what precedes. */
static const struct bytes labels[] = {
	B_INIT("to"),           B_INIT("to:"),        B_INIT("recipient"),     B_INIT("recipient:"),   B_INIT("recipients:"),
	B_INIT("recipient(s):"), B_INIT("address:"),  B_INIT("addresses:"),    B_INIT("recipient address:"), B_INIT("email address"),
	B_INIT("user:"),        B_INIT("user"),       B_INIT("mailbox"),       B_INIT("mailbox:"),     B_INIT("full:"),
	B_INIT("size:"),        B_INIT("userid:"),    B_INIT("account:"),      B_INIT("account"),      B_INIT("for"),
	B_INIT("reached:"),     B_INIT("users:"),     B_INIT("following:"),    B_INIT("reach"),        B_INIT("an"),
	B_INIT("to the following recipients:"), B_INIT("unknown:"), B_INIT("failed:"), B_INIT("invalid:"), B_INIT("quota:"),
	B_INIT("generated from"), B_INIT("expanded from"), B_INIT("to='"), B_INIT("to '"), B_INIT("to ''"), B_INIT("to:'"), B_INIT("host:"),
	B_INIT("adresse"), B_INIT("destinatario"), B_INIT("empf\xc3\xa4nger"), B_INIT("for user"), B_INIT("al"), B_INIT("\xc3\xa0"),
	B_INIT("the recipient"), B_INIT("email:"), B_INIT("e-mail:"), B_INIT("error:"), B_INIT("was not delivered to"),
	B_INIT("rejected recipient"), B_INIT("adressen"), B_INIT("person"), B_INIT("mailing list"), B_INIT("was addressed,"),
};

/* A line that begins so never names one. */
static const struct bytes strangers[] = {
	B_INIT("from:"),     B_INIT("from "),       B_INIT("sender:"),   B_INIT("reply-to:"), B_INIT("subject:"),    B_INIT("message-id"),
	B_INIT("<<<"),       B_INIT("mail from"),   B_INIT(">>> mail"),  B_INIT("return-path"), B_INIT("date:"),     B_INIT("message identifier"),
	B_INIT("original sender"), B_INIT("cc:"),   B_INIT("received:"), B_INIT("errors-to"), B_INIT("http"),        B_INIT("message id"),
	B_INIT("the sender"), B_INIT("sent by"),    B_INIT("generated by"), B_INIT("bcc:"),   B_INIT("posting"),     B_INIT("x-"),
	B_INIT("sender "),   B_INIT("in-reply-to"), B_INIT("references:"), B_INIT("> from:"), B_INIT("message from"), B_INIT("sent:"),
};

static bool
ends_with_label(struct bytes before)
{
	while (before.len > 0 && (before.at[before.len - 1] == '<' || before.at[before.len - 1] == '"' || before.at[before.len - 1] == '(' ||
	                          before.at[before.len - 1] == '\'' || byte_is_wsp(before.at[before.len - 1]) || before.at[before.len - 1] == '['))
		before.len--;
	for (size_t i = 0; i < NELEMS(labels); i++) {
		struct bytes l = labels[i];
		if (bytes_ends_nocase(before, l) && (before.len == l.len || !byte_is_alnum(before.at[before.len - l.len - 1]) || !byte_is_alnum(l.at[0])))
			return true;
	}
	return false;
}

/* What stands before the address counts as nothing: marks and list numbers, but no reply code. */
static bool
leads_nothing(struct bytes before)
{
	struct bytes t = bytes_trim(before);

	if (t.len >= 4 && (t.at[0] == '4' || t.at[0] == '5') && byte_is_digit(t.at[1]) && byte_is_digit(t.at[2]) && (t.at[3] == ' ' || t.at[3] == '-'))
		return false;
	for (size_t i = 0; i < before.len; i++) {
		char c = before.at[i];
		if (byte_is_alpha(c) || (unsigned char)c >= 0x80)
			return false;
	}
	return before.len < 24;
}

/* What follows ends the entry: nothing, a colon, a bracket, dots, a dash. */
static bool
trails_entry(struct bytes after)
{
	while (after.len > 0 && (after.at[0] == '>' || after.at[0] == '"' || after.at[0] == '\''))
		after = bytes_from(after, 1);
	struct bytes t = bytes_trim(after);
	return t.len == 0 || t.at[0] == ':' || t.at[0] == '[' || t.at[0] == '(' || t.at[0] == '<' || t.at[0] == ';' || t.at[0] == ',' ||
	       bytes_starts(t, B("...")) || bytes_starts(t, B("- ")) || bytes_starts(t, B("-->")) || bytes_starts_nocase(t, B("on ")) ||
	       bytes_starts_nocase(t, B("was ")) || bytes_starts_nocase(t, B("is ")) || bytes_starts_nocase(t, B("not ")) || t.at[0] == '.' || t.at[0] == '|' || t.at[0] == '*';
}

/* Words of help stand on the line before the address, and not far from it. */
#define HELPER_REACH 300

static bool
helper_before(const struct forms *f, struct bytes before)
{
	size_t end = (size_t)(before.at - f->text.at) + before.len, least = before.len > HELPER_REACH ? end - HELPER_REACH : end - before.len;
	size_t low = 0, high = f->helper_count;

	while (low < high) { /* the first that begins behind it */
		size_t middle = (low + high) / 2;
		if (f->helpers[middle].from >= end)
			high = middle;
		else
			low = middle + 1;
	}
	for (; low > 0 && f->helpers[low - 1].from >= least; low--)
		if (f->helpers[low - 1].end <= end)
			return true;
	return false;
}

static enum shape
shape_of(const struct forms *f, struct bytes line, struct bytes address, size_t end)
{
	struct bytes t = bytes_trim(line);
	size_t       start = (size_t)(address.at - line.at);
	struct bytes before = bytes_sub(line, 0, start), after = bytes_from(line, end);

	for (size_t i = 0; i < NELEMS(strangers); i++)
		if (bytes_starts_nocase(t, strangers[i]))
			return SHAPE_NONE;
	if (helper_before(f, before))
		return SHAPE_NONE;
	/* "550 <user@example.com>... User unknown" names him; "550 <sender@example.com> From: ..." does not. */
	struct bytes first = bytes_trim(before);
	if (first.len >= 4 && byte_is_digit(first.at[0]) && byte_is_digit(first.at[2]) && bytes_starts(bytes_trim(bytes_from(after, bytes_starts(after, B(">")))), B("...")))
		return SHAPE_LABEL;
	if (leads_nothing(before))
		return trails_entry(after) ? SHAPE_ENTRY : SHAPE_ALONE;
	if (bytes_ends_nocase(bytes_trim(before), B("smtp=")) || bytes_ends_nocase(before, B("rcpt to:<")))
		return SHAPE_LABEL;
	/* `"name" <address>` and `name <address>` alone on the line. */
	struct bytes lead = bytes_trim(before);
	if (lead.len > 2 && lead.at[lead.len - 1] == '<' && trails_entry(after) && lead.at[0] == '"')
		return SHAPE_ENTRY;
	if (ends_with_label(before))
		return SHAPE_LABEL;
	return SHAPE_ANYWHERE;
}

/* The line's best address. */
struct hit {
	size_t       line_at; /* offset of the line in the text */
	struct bytes address;
	enum shape   shape;
};

static enum shape
line_hit(const struct forms *f, struct bytes line, struct bytes own, struct bytes *address_out)
{
	enum shape   best = SHAPE_NONE;
	struct bytes address;
	size_t       from = 0;

	for (int n = 0; n < 4 && address_find(line, from, &address, &from); n++) {
		struct bytes real;
		size_t       end;
		/* An address as the display name of the real one: "a@example.com <b@example.com>". */
		if (bytes_starts(bytes_from(line, from), B(" <")) && address_find(line, from, &real, &end) && real.at == line.at + from + 2)
			address = real;
		enum shape s = shape_of(f, line, address, from);
		if (bytes_eq_nocase(address, own) && s < SHAPE_ENTRY)
			s = SHAPE_NONE;
		if (s > best) {
			best = s;
			*address_out = address;
		}
	}
	return best;
}

#define HITS_MAX 300
#define LINE_MAX 2000

/* The last line with words before a line ends so. */
static bool
line_before_ends(struct bytes text, size_t line_at, struct bytes words)
{
	while (line_at > 0 && byte_is_space(text.at[line_at - 1]))
		line_at--;
	return bytes_ends_nocase(bytes_sub(text, 0, line_at), words);
}

static size_t
hits_find(const struct forms *f, struct bytes own, struct hit hits[HITS_MAX])
{
	struct bytes text = forms_human(f);
	size_t       count = 0;

	for (size_t done = 0; count < HITS_MAX;) {
		size_t start = done + bytes_index(bytes_from(text, done), '@');
		if (start >= text.len)
			break;
		size_t end = start + bytes_index(bytes_from(text, start), '\n');
		while (start > done && text.at[start - 1] != '\n')
			start--;
		done = end;
		struct bytes line = bytes_sub(text, start, end - start);
		line.len -= line.len > 0 && line.at[line.len - 1] == '\r';
		struct hit h = { .line_at = start };
		h.shape = line_hit(f, bytes_sub(line, 0, LINE_MAX), own, &h.address);
		/* "to the address" and then a line of its own: an offer of help. */
		if (h.shape != SHAPE_NONE && !line_before_ends(text, start, B("to the address")))
			hits[count++] = h;
	}
	return count;
}

static bool
listed(const struct said_list *l, struct bytes address)
{
	for (size_t i = 0; i < l->count; i++)
		if (bytes_eq_nocase(l->at[i].recipient, address))
			return true;
	return false;
}

/* "554 <user@example.com>... Host unknown": of several recipients' lines, such a one is all that is said of him. */
static struct bytes
own_line(struct bytes passage, struct bytes recipient)
{
	struct bytes rest = passage, line;

	if (!bytes_cut_line(&rest, &line) || line.len < 4 || (line.at[0] != '4' && line.at[0] != '5') || !byte_is_digit(line.at[1]) || !byte_is_digit(line.at[2]))
		return passage;
	struct bytes after = bytes_from(line, (size_t)(recipient.at - line.at) + recipient.len);
	after = bytes_from(after, bytes_starts(after, B(">")));
	if (!bytes_starts(after, B("... ")))
		return passage;
	while (rest.len > 0 && byte_is_wsp(rest.at[0]))
		bytes_cut_line(&rest, &line);
	return bytes_sub(passage, 0, passage.len - rest.len);
}

void
forms_read(struct arena *a, const struct forms *f, struct bytes own, bool loose, struct said_list *list)
{
	struct hit   hits[HITS_MAX];
	struct bytes human = forms_human(f);
	size_t       count = hits_find(f, own, hits), from = list->count;
	enum shape   best = SHAPE_NONE;

	for (size_t i = 0; i < count; i++)
		if (hits[i].shape > best)
			best = hits[i].shape;
	if (best == SHAPE_ENTRY)
		best = SHAPE_ALONE;
	if (best == SHAPE_ANYWHERE && !loose)
		return;
	for (size_t i = 0; i < count; i++) {
		if (hits[i].shape < best || listed(list, hits[i].address))
			continue;
		struct said *s = said_add(a, list);
		if (s == NULL)
			return;
		s->recipient = hits[i].address;
		s->passage = bytes_from(human, hits[i].line_at);
		if (best == SHAPE_ANYWHERE)
			break;
	}
	/* A passage ends where the next one begins. */
	for (size_t i = from; i + 1 < list->count; i++)
		list->at[i].passage.len -= list->at[i + 1].passage.len;
	if (list->count == from + 1)
		list->at[from].passage = human;
	else
		for (size_t i = from; i < list->count; i++)
			list->at[i].passage = own_line(list->at[i].passage, list->at[i].recipient);
}

void
forms_passages(const struct forms *f, struct said_list *list)
{
	struct hit   hits[HITS_MAX];
	struct bytes human = forms_human(f);
	size_t       count = hits_find(f, B_NONE, hits);

	for (size_t k = 0; k < list->count; k++) {
		struct said *s = &list->at[k];
		for (size_t i = 0; i < count && s->passage.at == NULL; i++) {
			if (!bytes_eq_nocase(hits[i].address, s->recipient) || hits[i].shape < SHAPE_LABEL)
				continue;
			size_t end = human.len;
			for (size_t j = i + 1; j < count; j++)
				if (hits[j].shape >= SHAPE_ALONE && !bytes_eq_nocase(hits[j].address, s->recipient)) {
					end = hits[j].line_at;
					break;
				}
			s->passage = bytes_sub(human, hits[i].line_at, end - hits[i].line_at);
		}
	}
}

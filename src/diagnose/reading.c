/* diagnose/reading.c: see reading.h. The order of questions is that of trust:
 * complaint reports, answers of people and machines, receipts, then the fields
 * of RFC 3464, then the text. */
#include "diagnose/reading.h"

#include "diagnose/address_find.h"
#include "diagnose/addressee.h"
#include "diagnose/charset.h"
#include "diagnose/dsn.h"
#include "diagnose/forms.h"
#include "diagnose/hook.h"
#include "diagnose/mime.h"
#include "diagnose/wordset.h"

#define NESTED_MAX 3 /* reports inside reports */
#define CLUES_MAX  32768 /* octets of a text that are looked at for what kind it is */

const char *
kind_word(enum bounce_kind k)
{
	static const char *const words[] = {
		[KIND_BOUNCE] = "bounce",       [KIND_DELAYED] = "delayed", [KIND_DELIVERED] = "delivered", [KIND_FEEDBACK] = "feedback",
		[KIND_AUTOREPLY] = "autoreply", [KIND_MDN] = "mdn",         [KIND_CHALLENGE] = "challenge", [KIND_NOT_A_BOUNCE] = "not-a-bounce",
	};
	return words[k];
}

/* ---- what tells the kinds apart ---- */

/* Words, folded, that are looked for in one place of the report. */
enum place { IN_FROM, IN_SUBJECT, IN_TEXT };

static const struct clue {
	enum place       place;
	enum bounce_kind kind;
	struct bytes     words;
} clues[] = {
	/* who writes reports */
	{ IN_FROM, KIND_BOUNCE, B_INIT("mailer-daemon") },
	{ IN_FROM, KIND_BOUNCE, B_INIT("mailer daemon") },
	{ IN_FROM, KIND_BOUNCE, B_INIT("maildaemon") },
	{ IN_FROM, KIND_BOUNCE, B_INIT("mdaemon") },
	{ IN_FROM, KIND_BOUNCE, B_INIT("postmaster") },
	{ IN_FROM, KIND_BOUNCE, B_INIT("mail delivery") },
	{ IN_FROM, KIND_BOUNCE, B_INIT("mail.delivery") },
	{ IN_FROM, KIND_BOUNCE, B_INIT("delivery sub") },
	{ IN_FROM, KIND_BOUNCE, B_INIT("delivery system") },
	{ IN_FROM, KIND_BOUNCE, B_INIT("mail administrator") },
	{ IN_FROM, KIND_BOUNCE, B_INIT("system administrator") },
	{ IN_FROM, KIND_BOUNCE, B_INIT("microsoftexchange") },
	{ IN_FROM, KIND_BOUNCE, B_INIT("mail system") },
	{ IN_FROM, KIND_BOUNCE, B_INIT("content-filter") },
	{ IN_FROM, KIND_BOUNCE, B_INIT("bounces@") },
	{ IN_FROM, KIND_BOUNCE, B_INIT("bounce@") },
	{ IN_FROM, KIND_BOUNCE, B_INIT("imss@") },
	{ IN_FROM, KIND_BOUNCE, B_INIT("-admin@") },
	{ IN_FROM, KIND_BOUNCE, B_INIT("-owner@") },
	{ IN_FROM, KIND_BOUNCE, B_INIT("no-reply@accounts") },
	/* what they write above it */
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("undeliver") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("not deliver") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("non-deliver") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("non deliver") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("nondeliver") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("delivery fail") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("delivery problem") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("delivery error") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("delivery status") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("delivery notif") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("delivery has failed") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("delivery report") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("failure notice") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("failure delivery") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("failed mail") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("failed delivery") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("returned mail") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("returned to sender") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("mail could not be delivered") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("could not be delivered") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("mail system error") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("mail delivery") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("message delayed") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("delayed mail") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("could not send") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("cannot be sent") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("error sending your mail") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("mail rejected") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("message rejected") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("rejected mail") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("user unknown") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("notificacion de entrega") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("not been delivered") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("postmaster notify") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("processing error") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("mail failure") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("are not member") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("\xe3\x83\xa1\xe3\x83\xbc\xe3\x83\xab\xe3\x82\xa8\xe3\x83\xa9\xe3\x83\xbc") }, /* "mail error" in Japanese */
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("unzustellbar") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("no se puede entregar") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("non remis") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("onbestelbaar") },
	{ IN_SUBJECT, KIND_BOUNCE, B_INIT("olevererbart") },
	/* what they write in it */
	{ IN_TEXT, KIND_BOUNCE, B_INIT("could not be delivered") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("cannot be delivered") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("couldn't be delivered") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("can't be delivered") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("not be delivered") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("not been delivered") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("wasn't delivered") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("was not delivered") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("were not delivered") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("not yet been delivered") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("unable to deliver") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("could not deliver") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("wasn't able to deliver") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("not able to deliver") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("undeliverable") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("delivery failed") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("failed to deliver") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("delivery to the following") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("did not reach") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("error delivering your mail") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("delivery errors") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("fatal errors") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("delivery problems") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("delivery error") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("failed permanently") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("trouble delivering") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("been returned because") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("non-delivery") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("has been rejected") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("was rejected") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("not a valid user") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("did not exactly match") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("giving up on") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("transcript of session follows") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("remote host said") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("smtp error from remote") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("is unable to receive mail") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("mailbox is full") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("user unknown") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("unknown user") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("no such user") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("user not known") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("userid") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("automatically rejected") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("failed addresses") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("not a member of this mailing list") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("not delivered to the following") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("exceeds allowed size") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("blocked by our") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("not listed in") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("konnte nicht zugestellt") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("nicht zugestellt werden") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("n'a pas pu \xc3\xaatre remis") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("no se pudo entregar") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("no se ha podido entregar") },
	{ IN_TEXT, KIND_BOUNCE, B_INIT("\xe9\x80\x81\xe4\xbf\xa1\xe3\x81\xa7\xe3\x81\x8d\xe3\x81\xbe\xe3\x81\x9b\xe3\x82\x93") },
	/* only late */
	{ IN_SUBJECT, KIND_DELAYED, B_INIT("(delay)") },
	{ IN_SUBJECT, KIND_DELAYED, B_INIT("delayed") },
	{ IN_SUBJECT, KIND_DELAYED, B_INIT("not yet been delivered") },
	{ IN_SUBJECT, KIND_DELAYED, B_INIT("still being retried") },
	{ IN_TEXT, KIND_DELAYED, B_INIT("warning message only") },
	{ IN_TEXT, KIND_DELAYED, B_INIT("this is a warning only") },
	{ IN_TEXT, KIND_DELAYED, B_INIT("just a warning") },
	{ IN_TEXT, KIND_DELAYED, B_INIT("not yet been delivered") },
	{ IN_TEXT, KIND_DELAYED, B_INIT("has been delayed") },
	{ IN_TEXT, KIND_DELAYED, B_INIT("do not need to resend") },
	{ IN_TEXT, KIND_DELAYED, B_INIT("delivery attempts will continue") },
	/* people who are away */
	{ IN_SUBJECT, KIND_AUTOREPLY, B_INIT("out of office") },
	{ IN_SUBJECT, KIND_AUTOREPLY, B_INIT("out of the office") },
	{ IN_SUBJECT, KIND_AUTOREPLY, B_INIT("out-of-office") },
	{ IN_SUBJECT, KIND_AUTOREPLY, B_INIT("automatic reply") },
	{ IN_SUBJECT, KIND_AUTOREPLY, B_INIT("automatische antwort") },
	{ IN_SUBJECT, KIND_AUTOREPLY, B_INIT("abwesenheit") },
	{ IN_SUBJECT, KIND_AUTOREPLY, B_INIT("autoreply") },
	{ IN_SUBJECT, KIND_AUTOREPLY, B_INIT("auto-reply") },
	{ IN_SUBJECT, KIND_AUTOREPLY, B_INIT("auto reply") },
	{ IN_SUBJECT, KIND_AUTOREPLY, B_INIT("auto response") },
	{ IN_SUBJECT, KIND_AUTOREPLY, B_INIT("autoresponse") },
	{ IN_SUBJECT, KIND_AUTOREPLY, B_INIT("vacation") },
	{ IN_SUBJECT, KIND_AUTOREPLY, B_INIT("away from") },
	{ IN_SUBJECT, KIND_AUTOREPLY, B_INIT("respuesta autom") },
	{ IN_SUBJECT, KIND_AUTOREPLY, B_INIT("ponse automatique") },
	{ IN_SUBJECT, KIND_AUTOREPLY, B_INIT("automatisch antwoord") },
	{ IN_TEXT, KIND_AUTOREPLY, B_INIT("i am out of") },
	{ IN_TEXT, KIND_AUTOREPLY, B_INIT("i'm out of") },
	{ IN_TEXT, KIND_AUTOREPLY, B_INIT("i am currently out") },
	{ IN_TEXT, KIND_AUTOREPLY, B_INIT("i will be out") },
	{ IN_TEXT, KIND_AUTOREPLY, B_INIT("on vacation") },
	/* prove that you are human */
	{ IN_TEXT, KIND_CHALLENGE, B_INIT("boxbe") },
	{ IN_TEXT, KIND_CHALLENGE, B_INIT("bluebottle") },
	{ IN_TEXT, KIND_CHALLENGE, B_INIT("requires confirmation") },
	{ IN_TEXT, KIND_CHALLENGE, B_INIT("to confirm this mail server") },
	{ IN_TEXT, KIND_CHALLENGE, B_INIT("verify that you are a human") },
	{ IN_TEXT, KIND_CHALLENGE, B_INIT("confirm that you are a human") },
	{ IN_TEXT, KIND_CHALLENGE, B_INIT("prove you are human") },
	{ IN_TEXT, KIND_CHALLENGE, B_INIT("approved senders list") },
	{ IN_TEXT, KIND_CHALLENGE, B_INIT("challenge-response") },
	{ IN_TEXT, KIND_CHALLENGE, B_INIT("spam arrest") },
	{ IN_FROM, KIND_CHALLENGE, B_INIT("boxbe.com") },
	/* a complaint, and a receipt that is none */
	{ IN_TEXT, KIND_FEEDBACK, B_INIT("this is an email abuse report") },
	{ IN_TEXT, KIND_MDN, B_INIT("automatically rejected") },
};

/* The clues have the numbers from 0 on, behind them come the words of forms.h. */
struct wordset *
reading_words(void)
{
	struct wordset *t = wordset_new();
	uint32_t         next;
	bool             fine = t != NULL;

	for (size_t i = 0; fine && i < NELEMS(clues); i++)
		fine = wordset_add(t, clues[i].words, (uint32_t)i) == RC_OK;
	if (fine && forms_words(t, (uint32_t)NELEMS(clues), &next) == RC_OK && wordset_ready(t) == RC_OK)
		return t;
	wordset_free(t);
	return NULL;
}

/* Which kinds have a clue in one place. */
struct clue_scan {
	enum place    place;
	size_t        first[KIND_NOT_A_BOUNCE]; /* where the first clue of each kind begins, plus one */
	struct forms *forms; /* NULL: only clues are looked for */
};

static bool
clue_hit(void *arg, uint32_t number, size_t end)
{
	struct clue_scan *c = arg;

	if (number >= NELEMS(clues))
		return c->forms == NULL || forms_hit(c->forms, number - (uint32_t)NELEMS(clues), end);
	const struct clue *clue = &clues[number];
	size_t            *first = &c->first[clue->kind], start = end < clue->words.len ? 1 : end - clue->words.len + 1;
	if (clue->place == c->place && end <= CLUES_MAX && (*first == 0 || start < *first))
		*first = start;
	return c->forms == NULL || start <= c->forms->returned_at;
}

/* The kinds that have a clue in front of an offset: bits of enum bounce_kind. */
static uint32_t
clue_kinds(const struct clue_scan *c, size_t until)
{
	uint32_t kinds = 0;

	for (size_t kind = 0; kind < NELEMS(c->first); kind++)
		if (c->first[kind] != 0 && c->first[kind] <= until)
			kinds |= 1u << kind;
	return kinds;
}

/* What is known of the report while it is read. */
struct scan {
	struct arena   *arena;
	struct reading *r;
	struct mime    *mime;
	const struct wordset *words;
	struct forms   *forms; /* of the text */
	struct bytes    from; /* of the report, trimmed */
	uint32_t        clues[IN_TEXT + 1]; /* kinds that have one, by place */
	bool            looked[IN_TEXT + 1]; /* those of a place are known */
	bool            has_status; /* a message/delivery-status part */
	bool            has_feedback, has_mdn;
	bool            weak; /* the recipients are a guess */
	struct dsn      dsn;
};

static uint32_t
clues_find(struct scan *s, enum place place, struct bytes text)
{
	struct clue_scan c = { .place = place };

	wordset_scan(s->words, text_is_plain(text) ? text : text_fold(s->arena, text), clue_hit, &c);
	return clue_kinds(&c, text.len);
}

/* Of the header it is looked for when it matters: of most reports it does not. That of the text is there. */
static bool
clue_in(struct scan *s, enum place place, enum bounce_kind kind)
{
	if (!s->looked[place])
		s->clues[place] = clues_find(s, place, place == IN_FROM ? s->r->from : s->r->subject);
	s->looked[place] = true;
	return (s->clues[place] & 1u << kind) != 0;
}

static bool
type_is(const struct mime_part *p, const char *type)
{
	return bytes_eq(p->type, bytes_of(type));
}

static void
returned_take(struct scan *s, struct bytes text)
{
	struct bytes rest;

	while (text.len > 0 && byte_is_space(text.at[0]))
		text = bytes_from(text, 1);
	if (s->r->returned.count == 0)
		mime_header(s->arena, bytes_sub(text, 0, 65536), true, &s->r->returned, &rest);
}

static void
text_take(struct scan *s, struct bytes text)
{
	struct reading *r = s->r;

	if (r->text.len == 0)
		r->text = text;
	else if (r->text.len + text.len < 2 * MIME_TEXT_MAX)
		r->text = arena_printf(s->arena, "%.*s\n%.*s", B_FMT(r->text), B_FMT(text));
}

static void
parts_take(struct scan *s)
{
	struct arena *a = s->arena;
	bool          had_plain = false, over = false;

	for (size_t i = 0; i < s->mime->count; i++) {
		const struct mime_part *p = &s->mime->parts[i];
		if (type_is(p, "message/delivery-status") || type_is(p, "message/global-delivery-status") || type_is(p, "message/feedback-report") ||
		    type_is(p, "text/delivery-status")) {
			s->has_feedback |= type_is(p, "message/feedback-report");
			s->has_status |= !type_is(p, "message/feedback-report");
			struct mime_part flat = *p;
			flat.type = B("text/plain");
			dsn_read(a, mime_text(a, &flat), &s->dsn, &s->r->said);
			over = true;
		} else if (type_is(p, "message/disposition-notification")) {
			s->has_mdn = true;
		} else if (type_is(p, "message/rfc822") || type_is(p, "text/rfc822-headers") || type_is(p, "message/rfc822-headers") ||
		           type_is(p, "message/global") || type_is(p, "message/partial") || type_is(p, "message/global-headers")) {
			struct mime_part flat = *p;
			flat.type = B("text/plain");
			returned_take(s, p->encoding.len > 0 && !bytes_starts(p->encoding, B("7bit")) && !bytes_starts(p->encoding, B("8bit")) ? mime_text(a, &flat) : p->body);
			over = true;
		} else if (bytes_starts(p->type, B("text/")) && (!over || s->r->text.len == 0)) {
			struct bytes text = mime_text(a, p);
			if (bytes_eq(p->type, B("text/html")) && had_plain)
				continue;
			had_plain |= bytes_trim(text).len > 0 && !bytes_eq(p->type, B("text/html"));
			text_take(s, text);
		}
	}
}

static struct bytes
address_of(struct bytes value)
{
	struct bytes address = B_NONE;
	size_t       lt = bytes_rindex(value, '<'), end;

	if (lt < value.len && address_find(value, lt, &address, &end))
		return address;
	return address_find(value, 0, &address, &end) ? address : B_NONE;
}

static void
add_recipient(struct scan *s, struct bytes address)
{
	for (size_t i = 0; i < s->r->said.count; i++)
		if (bytes_eq_nocase(s->r->said.at[i].recipient, address))
			return;
	struct said *said = said_add(s->arena, &s->r->said);
	if (said != NULL)
		said->recipient = address;
}

static void
add_addresses(struct scan *s, struct bytes value)
{
	struct bytes address;
	size_t       from = 0;

	for (int n = 0; n < 64 && address_find(value, from, &address, &from); n++)
		add_recipient(s, address);
}

/* ---- reports inside text ---- */

/* "> " in front of lines, as mail clients quote: taken off where a quoted report is in there. */
static struct bytes
unquoted(struct arena *a, struct bytes text)
{
	char  *out = arena_room(a, text.len + 1);
	size_t n = 0;

	if (out == NULL)
		return B_NONE;
	for (size_t i = 0; i < text.len;) {
		size_t marks = 0;
		while (i + marks < text.len && marks < 8 && text.at[i + marks] == '>')
			marks++;
		i += marks + (marks == 1 && i + 1 < text.len && text.at[i + 1] == ' ');
		size_t end = bytes_index(bytes_from(text, i), '\n');
		/* "<<<" and ">>>" of a transcript stay. */
		if (marks >= 3)
			for (size_t k = 0; k < 3; k++)
				out[n++] = '>';
		for (size_t k = 0; k < end; k++)
			out[n++] = text.at[i + k];
		i += end;
		if (i < text.len)
			out[n++] = text.at[i++];
	}
	return bytes_make(out, n);
}

/* The fields of RFC 3464 in the middle of a text, where the MIME structure is broken or was lost on the way. */
static void
inline_status(struct scan *s, struct bytes text)
{
	static const struct bytes firsts[] = { B_INIT("Reporting-MTA:"), B_INIT("Original-Recipient:"), B_INIT("Final-Recipient:") };
	struct bytes              found[NELEMS(firsts)] = { 0 };

	/* Colons are rarer than lines. */
	for (size_t at = bytes_index(text, ':'); at < text.len; at += 1 + bytes_index(bytes_from(text, at + 1), ':'))
		for (size_t i = 0; i < NELEMS(firsts); i++) {
			size_t start = at + 1 - firsts[i].len;
			if (at >= firsts[i].len && text.at[start - 1] == '\n' && found[i].at == NULL && bytes_eq_nocase(bytes_sub(text, start, firsts[i].len), firsts[i]))
				found[i] = bytes_sub(text, start, 16384);
		}
	for (size_t i = 0; i < NELEMS(firsts) && s->r->said.count == 0; i++) {
		if (found[i].at == NULL)
			continue;
		dsn_read(s->arena, found[i], &s->dsn, &s->r->said);
		s->has_status = s->r->said.count > 0;
	}
}

/* ---- complaint reports, RFC 5965 ---- */

static bool
read_feedback(struct scan *s)
{
	static const struct bytes named[] = { B_INIT("Original-Rcpt-To"), B_INIT("Removal-Recipient"), B_INIT("X-HmXmrOriginalRecipient") };
	struct header             h;
	struct bytes              rest;
	bool                      apple = header_count(&s->r->header, B("X-Apple-Unsubscribe")) > 0;
	bool                      jmrp = mime_field(s->arena, &s->r->returned, B("X-HmXmrOriginalRecipient")).len > 0;

	if (!s->has_feedback && !jmrp && !apple && !clue_in(s, IN_TEXT, KIND_FEEDBACK))
		return false;
	s->r->kind = KIND_FEEDBACK;
	s->r->said = (struct said_list){ 0 };
	for (size_t i = 0; i < s->mime->count; i++) {
		const struct mime_part *p = &s->mime->parts[i];
		if (!type_is(p, "message/feedback-report"))
			continue;
		struct mime_part flat = *p;
		flat.type = B("text/plain");
		mime_header(s->arena, mime_text(s->arena, &flat), true, &h, &rest);
		for (size_t k = 0; k < h.count; k++)
			for (size_t n = 0; n < NELEMS(named); n++)
				if (field_is(&h.fields[k], named[n]))
					add_addresses(s, h.fields[k].value);
	}
	if (s->r->said.count == 0 && jmrp)
		add_addresses(s, mime_field(s->arena, &s->r->returned, B("X-HmXmrOriginalRecipient")));
	if (s->r->said.count == 0 && apple)
		add_recipient(s, address_of(s->r->from));
	if (s->r->said.count == 0)
		add_addresses(s, mime_field(s->arena, &s->r->returned, B("To")));
	if (s->r->said.count == 0)
		said_add(s->arena, &s->r->said);
	return true;
}

/* ---- people's and machines' answers ---- */

static bool
from_a_person(struct scan *s)
{
	return s->from.len > 0 && bytes_has(s->from, '@') && !clue_in(s, IN_FROM, KIND_BOUNCE) && !bytes_starts_nocase(s->from, B("noreply@"));
}

static bool
answers_itself(struct scan *s)
{
	struct arena        *a = s->arena;
	const struct header *h = &s->r->header;
	struct bytes         submitted = arena_lower(a, mime_field(a, h, B("Auto-Submitted")));
	struct bytes         precedence = arena_lower(a, mime_field(a, h, B("Precedence")));

	if (bytes_starts(submitted, B("auto-replied")) || bytes_starts(submitted, B("vacation")))
		return true;
	if (bytes_starts(precedence, B("auto_reply")) || bytes_starts(precedence, B("auto-reply")))
		return true;
	return header_count(h, B("X-Autoreply")) + header_count(h, B("X-Autorespond")) + header_count(h, B("X-Autogenerated")) +
	       header_count(h, B("X-Apple-Action")) > 0 || clue_in(s, IN_SUBJECT, KIND_AUTOREPLY);
}

static bool
read_autoreply(struct scan *s)
{
	if (s->has_status || !from_a_person(s))
		return false;
	if (!answers_itself(s) && !(clue_in(s, IN_TEXT, KIND_AUTOREPLY) && !clue_in(s, IN_SUBJECT, KIND_BOUNCE)))
		return false;
	if (clue_in(s, IN_SUBJECT, KIND_BOUNCE) && clue_in(s, IN_TEXT, KIND_BOUNCE))
		return false;
	s->r->kind = KIND_AUTOREPLY;
	add_recipient(s, address_of(s->r->from));
	return true;
}

static bool
read_challenge(struct scan *s)
{
	if (!clue_in(s, IN_TEXT, KIND_CHALLENGE) && !clue_in(s, IN_FROM, KIND_CHALLENGE))
		return false;
	s->r->kind = KIND_CHALLENGE;
	s->r->said = (struct said_list){ 0 };
	return true;
}

/* ---- reports of delivery ---- */

static void
kind_of_actions(struct scan *s)
{
	bool failed = false, delayed = false;

	for (size_t i = 0; i < s->r->said.count; i++) {
		enum dsn_action act = s->r->said.at[i].action;
		failed |= act == ACTION_FAILED || act == ACTION_NONE;
		delayed |= act == ACTION_DELAYED;
	}
	s->r->kind = failed ? KIND_BOUNCE : delayed ? KIND_DELAYED : KIND_DELIVERED;
}

static void
own_address(struct scan *s, struct bytes *own_out)
{
	*own_out = address_of(s->r->to);
}

/* The recipients that some field of the report names outside the groups. */
static void
recipients_of_fields(struct scan *s)
{
	static const struct bytes names[] = { B_INIT("X-Failed-Recipients"), B_INIT("X-Failed-Recipient") };

	for (size_t n = 0; n < NELEMS(names); n++)
		for (size_t i = header_find(&s->r->header, names[n], 0); i < s->r->header.count; i = header_find(&s->r->header, names[n], i + 1))
			add_addresses(s, s->r->header.fields[i].value);
}

static void
recipients_of_returned(struct scan *s)
{
	static const struct bytes names[] = { B_INIT("To"), B_INIT("Delivered-To"), B_INIT("Envelope-To"), B_INIT("X-Envelope-To"), B_INIT("Apparently-To") };

	for (size_t n = 0; n < NELEMS(names) && s->r->said.count == 0; n++)
		add_addresses(s, mime_field(s->arena, &s->r->returned, names[n]));
}

/* "The following recipients could not be reached:" and then a bare name: of the domain that reports. */
static void
recipient_without_domain(struct scan *s)
{
	struct bytes rest = s->r->text, line, from = address_of(s->r->from);
	bool         announced = false;

	for (int n = 0; n < 40 && bytes_cut_line(&rest, &line); n++) {
		struct bytes t = bytes_trim(line);
		size_t       k = 0;
		while (k < t.len && (byte_is_alnum(t.at[k]) || t.at[k] == '.' || t.at[k] == '_' || t.at[k] == '-'))
			k++;
		if (announced && k > 0 && (k == t.len || (k + 2 < t.len && t.at[k] == ' ' && t.at[k + 1] == ' '))) {
			if (from.len > 0)
				add_recipient(s, arena_printf(s->arena, "%.*s@%.*s", (int)k, t.at, B_FMT(bytes_from(from, bytes_index(from, '@') + 1))));
			return;
		}
		if (t.len > 0)
			announced = bytes_ends_nocase(t, B(":")) && (bytes_find_nocase(t, B("recipient")) < t.len || bytes_find_nocase(t, B("following")) < t.len);
	}
}

/* A group may name a file or a program; the text says for whom it was. */
static void
mend_recipients(struct scan *s)
{
	static const struct bytes leads[] = { B_INIT("generated by "), B_INIT("generated from "), B_INIT("expanded from: <"), B_INIT("expanded from ") };
	struct bytes              address;
	size_t                    end;

	for (size_t i = 0; i < s->r->said.count; i++) {
		struct said *said = &s->r->said.at[i];
		if (bytes_has(said->recipient, '@'))
			continue;
		if (bytes_has(said->original, '@')) {
			said->recipient = said->original;
			continue;
		}
		for (size_t k = 0; k < NELEMS(leads); k++) {
			size_t at = bytes_find_nocase(s->r->text, leads[k]);
			if (at < s->r->text.len && address_find(bytes_sub(s->r->text, at + leads[k].len, 300), 0, &address, &end)) {
				said->recipient = address;
				break;
			}
		}
	}
}

/* The field and the text name the same person at two domains: the text tells which delivery failed. */
static bool
same_local_part(const struct said *a, const struct said *b)
{
	size_t n = bytes_index(a->recipient, '@');

	return n == bytes_index(b->recipient, '@') && bytes_eq_nocase(bytes_sub(a->recipient, 0, n), bytes_sub(b->recipient, 0, n));
}

static void
read_text_report(struct scan *s)
{
	struct bytes own;

	own_address(s, &own);
	recipients_of_fields(s);
	struct said_list named = { 0 };
	forms_read(s->arena, s->forms, own, false, &named);
	if (s->r->said.count == 0 || (s->r->said.count == 1 && named.count == 1 && same_local_part(s->r->said.at, named.at)))
		s->r->said = named;
	else
		forms_passages(s->forms, &s->r->said);
	s->weak = s->r->said.count == 0;
	if (s->weak)
		recipient_without_domain(s);
	if (s->r->said.count == 0)
		forms_read(s->arena, s->forms, own, true, &s->r->said);
	if (s->r->said.count == 0)
		recipients_of_returned(s);
	if (s->r->said.count == 0)
		said_add(s->arena, &s->r->said);
}

/* Is it a report at all? Two independent signs, or the whole form of one. */
static bool
looks_like_report(struct scan *s)
{
	struct arena *a = s->arena;
	struct bytes  path = mime_field(a, &s->r->header, B("Return-Path"));
	struct bytes  type = arena_lower(a, mime_field(a, &s->r->header, B("Content-Type")));
	unsigned      signs = 0;

	signs += clue_in(s, IN_FROM, KIND_BOUNCE) || s->from.len == 0 || bytes_eq(s->from, B("<>")) || bytes_ends_nocase(s->from, B(" <>"));
	signs += bytes_eq(path, B("<>")) || bytes_find_nocase(path, B("mailer-daemon")) < path.len;
	signs += 2 * (unsigned)(header_count(&s->r->header, B("X-Failed-Recipients")) > 0);
	signs += clue_in(s, IN_SUBJECT, KIND_BOUNCE);
	signs += bytes_find(type, B("report-type=delivery-status")) < type.len || bytes_find(type, B("report-type=\"delivery-status")) < type.len;
	bool text = clue_in(s, IN_TEXT, KIND_BOUNCE);
	return signs >= 2 || (signs >= 1 && text);
}

static bool
read_report(struct scan *s)
{
	struct reading *r = s->r;

	if (s->has_status && r->said.count > 0) {
		mend_recipients(s);
		kind_of_actions(s);
		forms_passages(s->forms, &r->said);
		return true;
	}
	if (!s->has_status && !looks_like_report(s))
		return false;
	r->kind = clue_in(s, IN_SUBJECT, KIND_DELAYED) || clue_in(s, IN_TEXT, KIND_DELAYED) ? KIND_DELAYED : KIND_BOUNCE;
	read_text_report(s);
	return true;
}

/* One pass over the text: where the returned message begins, and what was said before it. False when memory is spent. */
static bool
text_survey(struct scan *s, struct bytes *returned_out)
{
	struct reading  *r = s->r;
	struct clue_scan c = { .place = IN_TEXT };

	c.forms = s->forms = arena_room(s->arena, sizeof(*s->forms));
	if (s->forms == NULL)
		return false;
	forms_begin(s->forms, r->text);
	wordset_scan(s->words, r->text, clue_hit, &c);
	forms_end(s->forms);
	r->text = forms_human(s->forms);
	*returned_out = forms_returned(s->forms);
	struct bytes looked_at = bytes_sub(r->text, 0, CLUES_MAX);
	s->clues[IN_TEXT] = text_is_plain(looked_at) ? clue_kinds(&c, s->forms->announced_at) : clues_find(s, IN_TEXT, looked_at);
	s->looked[IN_TEXT] = true;
	s->from = bytes_trim(r->from);
	if (returned_out->len > 0)
		returned_take(s, *returned_out);
	return true;
}

static void
head_take(struct scan *s)
{
	struct arena   *a = s->arena;
	struct reading *r = s->r;

	r->header = s->mime->header;
	r->from = mime_words(a, mime_field(a, &r->header, B("From")));
	r->to = mime_field(a, &r->header, B("To"));
	r->subject = mime_words(a, mime_field(a, &r->header, B("Subject")));
}

static struct bytes
reporter_of(struct scan *s)
{
	if (s->dsn.reporter.len > 0)
		return s->dsn.reporter;
	struct bytes from = address_of(s->r->from);
	return bytes_from(from, bytes_index(from, '@') + (from.len > 0));
}

/* A report that names nobody may carry, as an attachment or as text, the report that does. */
static struct reading *read_once(struct arena *, const struct wordset *, struct bytes text, unsigned depth);

static struct reading *
read_nested(struct scan *s, struct bytes returned, unsigned depth)
{
	for (size_t i = 0; i <= s->mime->count; i++) {
		struct bytes inner = i < s->mime->count ? s->mime->parts[i].body : returned;
		if (inner.len == 0 || (i < s->mime->count && !type_is(&s->mime->parts[i], "message/rfc822")))
			continue;
		struct reading *within = read_once(s->arena, s->words, inner, depth + 1);
		if (within != NULL && (within->kind == KIND_BOUNCE || within->kind == KIND_DELAYED) && within->said.count > 0 && within->said.at[0].recipient.len > 0)
			return within;
	}
	return NULL;
}

/* Is there a line that "> " quotes? */
static bool
quotes_lines(struct bytes text)
{
	for (size_t i = bytes_index(text, '>'); i < text.len; i += 1 + bytes_index(bytes_from(text, i + 1), '>'))
		if (i > 0 && text.at[i - 1] == '\n' && i + 1 < text.len && text.at[i + 1] == ' ')
			return true;
	return false;
}

static bool
scan_text(struct scan *s, struct bytes *returned_out)
{
	if (s->r->said.count == 0) {
		if (quotes_lines(s->r->text) && bytes_find_nocase(s->r->text, B("forwarded message")) < s->r->text.len)
			s->r->text = unquoted(s->arena, s->r->text);
		inline_status(s, s->r->text);
		struct bytes body = bytes_sub(s->mime->body, 0, 65536);
		if (s->r->said.count == 0 && (s->r->text.at != body.at || s->r->text.len < body.len))
			inline_status(s, body);
	}
	return text_survey(s, returned_out);
}

static struct reading *
read_once(struct arena *a, const struct wordset *words, struct bytes text, unsigned depth)
{
	struct reading *r = arena_take(a, sizeof(*r));
	struct scan     s = { .arena = a, .r = r, .mime = mime_scan(a, text), .words = words };
	struct bytes    returned = B_NONE;

	if (r == NULL || s.mime == NULL)
		return NULL;
	head_take(&s);
	parts_take(&s);
	struct reading *hook = hook_read(a, r->text);
	if (hook != NULL)
		return hook;
	if (!scan_text(&s, &returned))
		return NULL;
	r->reporter = reporter_of(&s);
	r->feedback_type = s.dsn.feedback_type;
	r->source_ip = s.dsn.source_ip;
	if (s.has_mdn && !clue_in(&s, IN_TEXT, KIND_MDN))
		r->kind = KIND_MDN;
	else if (!read_feedback(&s) && !read_challenge(&s) && !read_autoreply(&s) && !read_report(&s))
		r->kind = KIND_NOT_A_BOUNCE;
	if (s.weak && depth < NESTED_MAX) {
		struct reading *within = read_nested(&s, returned, depth);
		if (within != NULL)
			return within;
	}
	return arena_overdrawn(a) ? NULL : r;
}

struct reading *
reading_message(struct arena *a, const struct wordset *words, struct bytes text)
{
	struct reading *r = hook_read(a, text);

	return r != NULL ? r : read_once(a, words, text, 0);
}

/* "... from=<a@example.org> to=<b@example.net> proto=ESMTP", as a log ends a line. */
static void
recipient_of_log(struct scan *s)
{
	struct bytes text = s->r->text, address;
	size_t       at = bytes_find(text, B(" to=<")), end;

	if (at < text.len && address_find(bytes_sub(text, at + 5, 320), 0, &address, &end) && address.at == text.at + at + 5)
		add_recipient(s, address);
}

/* "550 5.7.1 <a@example.org>: Sender address rejected": the one who wrote, not the one who was missed. */
static void
sender_set_apart(struct reading *r)
{
	struct bytes address = r->said.at[0].recipient;

	if (address.len == 0)
		return;
	struct bytes after = bytes_from(r->text, (size_t)(address.at - r->text.at) + address.len);
	while (after.len > 0 && (byte_is_space(after.at[0]) || after.at[0] == '>' || after.at[0] == ':' || after.at[0] == '.'))
		after = bytes_from(after, 1);
	if (bytes_starts_nocase(after, B("sender ")) || bytes_starts_nocase(after, B("domain of sender "))) {
		r->to = address;
		r->said.at[0].recipient = B_NONE;
	}
}

/* Of several addresses the words around them tell who was to be reached: those for whom they tell it best. Where they
 * tell it of nobody, all stay but the one who wrote. */
static void
recipients_weigh(struct scan *s)
{
	struct role roles[ROLES_MAX];
	size_t      count = roles_find(s->r->text, roles);
	int         best = 0;

	for (size_t i = 0; i < count; i++) {
		best = role_worth(&roles[i]) > best ? role_worth(&roles[i]) : best;
		if (roles[i].sender && s->r->to.len == 0)
			s->r->to = roles[i].address;
	}
	if (count < 2)
		return;
	struct said_list had = s->r->said;
	s->r->said = (struct said_list){ 0 };
	for (size_t i = 0; i < count; i++) {
		struct said *old = NULL;
		for (size_t k = 0; k < had.count; k++)
			if (bytes_eq_nocase(had.at[k].recipient, roles[i].address))
				old = &had.at[k];
		bool         stays = best > 0 ? role_worth(&roles[i]) == best : old != NULL && roles[i].bad == 0;
		struct said *said = stays ? said_add(s->arena, &s->r->said) : NULL;
		if (said != NULL)
			*said = old != NULL ? *old : (struct said){ .recipient = roles[i].address };
	}
}

struct reading *
reading_paste(struct arena *a, const struct wordset *words, struct bytes text)
{
	struct reading *r = arena_take(a, sizeof(*r));
	struct scan     s = { .arena = a, .r = r, .words = words };
	struct bytes    returned;

	if (r == NULL)
		return NULL;
	bool html = bytes_find_nocase(bytes_sub(text, 0, 4096), B("<html")) < 4096 && bytes_find_nocase(bytes_sub(text, 0, 4096), B("<html")) < text.len;
	r->text = mime_lines(a, bytes_sub(text, 0, MIME_TEXT_MAX));
	if (html)
		r->text = mime_html_text(a, r->text);
	if (!text_survey(&s, &returned))
		return NULL;
	r->kind = clue_in(&s, IN_TEXT, KIND_DELAYED) ? KIND_DELAYED : KIND_BOUNCE;
	r->worded = clue_in(&s, IN_TEXT, KIND_DELAYED) || clue_in(&s, IN_TEXT, KIND_BOUNCE);
	recipient_of_log(&s);
	if (r->said.count == 0) {
		forms_read(a, s.forms, B_NONE, true, &r->said);
		recipients_weigh(&s);
	}
	struct said *said = r->said.count == 0 ? said_add(a, &r->said) : &r->said.at[0];
	if (said != NULL && r->said.count == 1) {
		said->passage = r->text;
		sender_set_apart(r);
	}
	return arena_overdrawn(a) ? NULL : r;
}

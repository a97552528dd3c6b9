/* fuzz/live_fuzz.c: --live, and a refused mail held against DNS again, with
 * answers chosen by the input. Whatever DNS says, it ends soon, and trouble is
 * never a fault. */
#include <assert.h>

#include "diagnose/again.h"
#include "diagnose/live.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ASKS_MAX 64

static const struct bytes reports[] = {
	B_INIT("From: MAILER-DAEMON@a.example\nSubject: failure notice\n\n<b@example.net>: host mx.example.net[192.0.2.25] said: 554 5.7.1 Service unavailable; "
	       "Client host [198.51.100.7] blocked using zen.spamhaus.org\n\n------ This is a copy of the message, including all the headers. ------\n\n"
	       "Return-Path: <a@example.org>\nDKIM-Signature: d=mail.example.org; s=k1\nFrom: a@example.org\n\n"),
	B_INIT("550 5.7.23 <b@example.net>: 2001:db8::7 is not allowed to send mail from example.org, Sender Policy Framework violation; sending domain example.org"),
	B_INIT("550 5.7.509 Access denied, sending domain example.org does not pass DMARC verification and has a DMARC policy of reject. [198.51.100.7]"),
};

static const struct bytes texts[] = {
	B_INIT("\032v=spf1 ip4:192.0.2.1 ~all "), B_INIT("\030v=spf1 a mx ptr -exists:%"), B_INIT("\022v=DMARC1; p=reject"), B_INIT("\016v=DKIM1; p=AAA"), B_INIT("\003p= "),
};
static const struct bytes names[] = { B_INIT("\002mx\007example\003net\000"), B_INIT("\000"), B_INIT("\377\001a") };

static uint8_t
take(struct bytes *in)
{
	uint8_t c = in->len > 0 ? (uint8_t)in->at[0] : 0;

	if (in->len > 0)
		bytes_skip(in, 1);
	return c;
}

static struct bytes
take_rdata(struct arena *a, struct bytes *in, enum dns_type type)
{
	uint8_t which = take(in);

	if (which >= 0xe0 && in->at != NULL) {
		struct bytes raw = B_NONE;
		bytes_cut(in, '\n', &raw);
		return bytes_sub(raw, 0, 512);
	}
	switch (type) {
	case DNS_TXT:
		return texts[which % NELEMS(texts)];
	case DNS_PTR:
		return names[which % NELEMS(names)];
	case DNS_MX:
		return arena_join(a, B("\000\012"), names[which % NELEMS(names)]);
	case DNS_A:
		return which & 1 ? B("\306\063\144\007") : B("\177\000\000\002");
	default:
		return B("\040\001\015\270\000\000\000\000\000\000\000\000\000\000\000\007");
	}
}

static struct answer *
take_answer(struct arena *a, struct bytes *in, enum dns_type type, bool *trouble)
{
	uint8_t            what = take(in);
	enum answer_status status = (enum answer_status)(what % (ANSWER_BOGUS + 1));
	struct bytes       rdata[3];
	size_t             count = 0;

	if (what >= 0xfe) {
		*trouble = true;
		return NULL;
	}
	while (status == ANSWER_OK && count < (size_t)(1 + (what >> 6)) && count < NELEMS(rdata))
		rdata[count++] = take_rdata(a, in, type);
	struct answer *answer = answer_new(status, type, 60, rdata, count, B(""), B(""));
	*trouble = answer_is_trouble(answer);
	return answer;
}

static void
play_live(struct arena *a, struct bytes *in, uint8_t flags)
{
	static struct rules *rules;
	struct answer       *answer = NULL;
	struct ask           ask;
	bool                 trouble, only_trouble = true;

	if (rules == NULL)
		rules = rules_new();
	struct explained *x = explain_message(a, rules, reports[flags % NELEMS(reports)]);
	assert(x != NULL && x->count == 1);
	struct live *l = live_new(a, x, &x->list[0], 1795230000);
	for (int n = 0; live_step(l, answer, &ask) == STEP_ASKS; n++) {
		assert(n < ASKS_MAX);
		answer_unref(answer);
		answer = take_answer(a, in, ask.type, &trouble);
		only_trouble &= trouble;
	}
	answer_unref(answer);
	for (size_t i = 0; i < x->list[0].checked_count; i++)
		assert(!only_trouble || x->list[0].checked[i].state == CHECK_UNKNOWN);
}

static void
play_again(struct arena *a, struct bytes *in, uint8_t flags)
{
	static const struct bytes    words[] = { B_INIT("dkim.no-key"), B_INIT("dkim.body-changed"), B_INIT("dkim.verified") };
	const struct again_signature s = { B("example.org"), B("k1"), flags & 1 ? RESULT_PASS : RESULT_FAIL, words[flags % NELEMS(words)] };
	const struct again_signature both[] = { s, { B("example.net"), B("k2"), RESULT_FAIL, B("dkim.no-key") } };
	struct again_facts           f = { .helo = B("mail.example.org"), .mail_from = B("a@example.org"), .from_domain = B("mail.example.org"),
		                             .signatures = both, .signature_count = flags % 3, .now = 1795230000 };
	struct answer               *answer = NULL;
	struct ask                   ask;
	bool                         trouble, only_trouble = true;

	(void)ip_parse(flags & 2 ? B("198.51.100.7") : B("2001:db8::7"), &f.client);
	struct again *g = again_new(a, &f);
	for (int n = 0; again_step(g, answer, &ask) == STEP_ASKS; n++) {
		assert(n < ASKS_MAX);
		answer_unref(answer);
		answer = take_answer(a, in, ask.type, &trouble);
		only_trouble &= trouble;
	}
	answer_unref(answer);
	const struct again_report *r = again_report(g);
	assert(!only_trouble || r->end == AGAIN_UNKNOWN);
	for (size_t i = 0; i < r->count; i++)
		assert(!only_trouble || r->lines[i].checked.state == CHECK_UNKNOWN);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes  in = bytes_make(data, size);
	uint8_t       flags = take(&in);
	struct arena *a = arena_new((size_t)8 << 20);

	if (flags & 0x80)
		play_again(a, &in, flags);
	else
		play_live(a, &in, flags);
	arena_free(a);
	return 0;
}

/* session/stage.c: see stage.h. */
#include "session/stage.h"

#include <stdio.h>
#include <string.h>

const char stage_zone[] = "reject.example TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
                                  "_dmarc.reject.example TXT \"v=DMARC1; p=reject\"\n"
                                  "quar.example TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
                                  "_dmarc.quar.example TXT \"v=DMARC1; p=quarantine\"\n"
                                  "none.example TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
                                  "_dmarc.none.example TXT \"v=DMARC1; p=none\"\n"
                                  "test.example TXT \"v=spf1 -all\"\n"
                                  "_dmarc.test.example TXT \"v=DMARC1; p=reject; t=y\"\n"
                                  "testq.example TXT \"v=spf1 -all\"\n"
                                  "_dmarc.testq.example TXT \"v=DMARC1; p=quarantine; t=y\"\n"
                                  "nothing.example A 192.0.2.9\n"
                                  "sub.none.example TXT \"v=spf1 ip4:203.0.113.5 -all\"\n"
                                  "_dmarc.sub.none.example TXT !servfail\n"
                                  "_dmarc.np.example TXT \"v=DMARC1; p=none; np=reject\"\n"
                                  "ghost.np.example A !servfail\n"
                                  "list.example TXT \"v=spf1 ip4:198.51.100.7 -all\"\n"
                                  "stranger.example TXT \"v=spf1 ip4:198.51.100.66 -all\"\n"
                                  "spftimeout.example TXT !timeout\n"
                                  "_dmarc.spftimeout.example TXT \"v=DMARC1; p=reject\"\n"
                                  "spfservfail.example TXT !servfail\n"
                                  "_dmarc.spfservfail.example TXT \"v=DMARC1; p=reject\"\n"
                                  "spfbogus.example TXT !bogus\n"
                                  "_dmarc.spfbogus.example TXT \"v=DMARC1; p=reject\"\n"
                                  "spftimeoutq.example TXT !timeout\n"
                                  "_dmarc.spftimeoutq.example TXT \"v=DMARC1; p=quarantine\"\n"
                                  "s1._domainkey.reject.example TXT \"v=DKIM1; p=\"\n"
                                  "t._domainkey.reject.example TXT !timeout\n"
                                  "f._domainkey.reject.example TXT !servfail\n"
                                  "b._domainkey.reject.example TXT !bogus\n"
                                  "rectimeout.example TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
                                  "_dmarc.rectimeout.example TXT !timeout\n"
                                  "recservfail.example TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
                                  "_dmarc.recservfail.example TXT !servfail\n"
                                  "recbogus.example TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
                                  "_dmarc.recbogus.example TXT !bogus\n";

static uint64_t
now_us(void *door)
{
	return ((struct host *)door)->now += 10;
}

static int64_t
epoch(void *door)
{
	(void)door;
	return 1800000000;
}

static void
random_octets(void *door, uint8_t octets[8])
{
	(void)door;
	memset(octets, 7, 8);
}

static const struct answer *
look(void *door, const struct ask *ask)
{
	struct host *h = door;

	return h->later ? NULL : zone_answer(h->zone, ask);
}

static bool
ask_later(void *door, const struct ask *ask, uint64_t ticket)
{
	struct host *h = door;

	if (h->asked_count == ASKED_MAX)
		return false;
	h->asked[h->asked_count].answer = zone_answer(h->zone, ask);
	h->asked[h->asked_count++].ticket = ticket;
	return true;
}

static void
deadline(void *door, uint32_t ms)
{
	((struct host *)door)->deadline_ms = ms;
}

static void
told(void *door, const struct account *account)
{
	struct host *h = door;

	h->told = true;
	h->action = account->decision.action;
	h->reason = account->decision.reason;
	h->override = account->decision.override;
}

static void
go_on(void *door)
{
	(void)door;
}

static void
reply(void *door, const struct reply *r)
{
	reply_write(&((struct host *)door)->reply, r, true);
}

static void
verdict(void *door, const struct verdict *v)
{
	struct host *h = door;

	h->verdict_count++;
	h->verdict_came = true;
	h->verdict_kind = (int)v->kind;
	if (v->kind == VERDICT_REPLY)
		reply_write(&h->reply, &v->reply, true);
	for (size_t i = 0; i < v->edit_count; i++) {
		const struct edit *e = &v->edits[i];
		buf_printf(&h->edits, "%s %.*s %u %.*s\n", e->kind == EDIT_DELETE ? "delete" : "insert", B_FMT(e->name), e->index,
		           B_FMT(e->value));
	}
}

const struct session_face stage_face = { go_on, reply, verdict };
const struct session_host stage_host = { now_us, epoch, random_octets, look, ask_later, deadline, told, NULL };

static bool
no_file(void *arg, struct arena *a, struct bytes path, struct bytes *text_out, struct bytes *why_out)
{
	(void)path;
	(void)why_out;
	*text_out = arena_copy(a, bytes_of(arg));
	return true;
}

struct settings *
stage_settings(const char *text)
{
	struct arena      *a = arena_new((size_t)1 << 22);
	struct conf_host   h = { .file = no_file, .arg = (void *)(uintptr_t)(text != NULL ? text : "") };
	struct conf_faults faults = { .count = 0 };
	struct settings   *s = settings_read(a, &h, B("test.conf"), B("gate.example"), &faults);

	for (size_t i = 0; i < faults.count; i++)
		fprintf(stderr, "%u: %.*s\n", faults.at[i].at.line, B_FMT(faults.at[i].text));
	arena_free(a);
	return s;
}

void
stage_answer_all(struct host *h)
{
	while (h->asked_count > 0) {
		h->asked_count--;
		session_answer(h->session, h->asked[h->asked_count].ticket, h->asked[h->asked_count].answer);
	}
}

void
stage_fields(struct session *s, const char *message)
{
	struct bytes rest = bytes_of(message), line;

	while (rest.len > 0) {
		size_t end = 0;
		do {
			end += bytes_find(bytes_from(rest, end), B("\r\n")) + 2;
		} while (end < rest.len && byte_is_wsp(rest.at[end]));
		line = bytes_sub(rest, 0, end - 2);
		size_t colon = bytes_index(line, ':');
		session_on(s, &(struct event){ .kind = EV_HEADER, .text = bytes_sub(line, 0, colon), .more = bytes_from(line, colon + 1) });
		rest = bytes_from(rest, end);
	}
}

bool
stage_play(struct host *h, const struct scene *row, const struct session_env *env)
{
	struct session *s = h->session = session_new(env, &stage_face, &stage_host, h);
	struct event    connect = { .kind = EV_CONNECT };

	if (s == NULL)
		return false;
	if (row->ip[0] != '\0' && !ip_parse(bytes_of(row->ip), &connect.ip))
		return false;
	session_on(s, &connect);
	session_on(s, &(struct event){ .kind = EV_HELO, .text = B("client.example") });
	if (row->login != NULL)
		session_on(s, &(struct event){ .kind = EV_AUTH, .text = bytes_of(row->login), .more = B("PLAIN") });
	session_on(s, &(struct event){ .kind = EV_MAIL, .text = bytes_of(row->mail_from) });
	session_on(s, &(struct event){ .kind = EV_RCPT, .text = B("<r@here.example>") });
	session_on(s, &(struct event){ .kind = EV_DATA });
	if (row->message != NULL)
		stage_fields(s, row->message);
	for (int i = 0; row->message == NULL && i < 10000; i++)
		stage_fields(s, "X-Filler: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n");
	session_on(s, &(struct event){ .kind = EV_EOH });
	session_on(s, &(struct event){ .kind = EV_BODY, .text = B("hello\r\n") });
	session_on(s, &(struct event){ .kind = EV_EOM, .text = B("4ABCDE") });
	stage_answer_all(h);
	return true;
}

void
stage_end(struct host *h)
{
	stage_answer_all(h);
	session_free(h->session);
	buf_free(&h->reply);
	buf_free(&h->edits);
}

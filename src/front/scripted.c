/* front/scripted.c: see scripted.h. */
#include "front/scripted.h"

#include "session/keep.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/utf8.h"

struct session {
	const struct session_env  *env;
	const struct session_face *face;
	const struct session_host *host;
	void                      *door;
	uint64_t                   ticket;
	enum event_kind            pending; /* what an answer is owed to; EV_COUNT: nothing */
	bool                       busy;
};

static struct {
	uint32_t                    wants;
	const struct scripted_rule *rules;
	size_t                      count;
	struct buf                  log;
	bool                        mute, spent;
	atomic_uint                 alive;
} script;

void
scripted_begin(uint32_t wants, const struct scripted_rule *rules, size_t count)
{
	script.wants = wants;
	script.rules = rules;
	script.count = count;
	script.mute = script.spent = false;
	buf_clear(&script.log);
}

void
scripted_spend(bool spent)
{
	script.spent = spent;
}

void
scripted_log_keep(bool keep)
{
	script.mute = !keep;
}

struct bytes
scripted_log(void)
{
	return buf_bytes(&script.log);
}

unsigned
scripted_alive(void)
{
	return atomic_load(&script.alive);
}

void
scripted_end(void)
{
	buf_free(&script.log);
}

struct session *
session_new(const struct session_env *env, const struct session_face *face, const struct session_host *host, void *door)
{
	struct session *s = script.spent ? NULL : calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	*s = (struct session){ .env = env, .face = face, .host = host, .door = door, .pending = EV_COUNT };
	atomic_fetch_add(&script.alive, 1);
	return s;
}

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	atomic_fetch_sub(&script.alive, 1);
	free(s);
}

uint32_t
session_wants(const struct session_env *env)
{
	(void)env;
	return script.wants;
}

static const char *const words[EV_COUNT] = {
	"connect", "helo", "tls", "auth", "mail", "rcpt", "data", "header", "eoh", "body", "eom", "abort", "quit",
};

static void
log_part(struct bytes text)
{
	if (text.len == 0)
		return;
	buf_add_c(&script.log, ' ');
	text_add_safe(&script.log, text);
}

static void
log_line(const struct event *ev)
{
	char ip[IP_TEXT_MAX];

	if (script.mute)
		return;
	buf_add_str(&script.log, words[ev->kind]);
	if (ev->kind == EV_CONNECT) {
		ip_format(&ev->ip, ip);
		log_part(bytes_of(ip));
		buf_printf(&script.log, " %u", ev->port);
	}
	log_part(ev->host);
	log_part(ev->listener);
	log_part(ev->text);
	if (ev->kind == EV_HEADER)
		buf_add_c(&script.log, ':');
	log_part(ev->more);
	log_part(ev->subject);
	buf_add_c(&script.log, '\n');
}

static enum scripted_act
act_of(const struct event *ev)
{
	for (size_t i = 0; i < script.count; i++) {
		const struct scripted_rule *rule = &script.rules[i];
		if (rule->on == ev->kind && bytes_find(ev->text, bytes_of(rule->has)) + bytes_of(rule->has).len <= ev->text.len)
			return rule->act;
	}
	return DO_GO_ON;
}

static void
conclude(struct session *s, const struct reply *reply, const struct verdict *verdict)
{
	struct account account = { .decision = { .action = ACTION_ACCEPT } };
	bool           eom = s->pending == EV_EOM;

	s->pending = EV_COUNT;
	if (!eom) {
		if (reply != NULL)
			s->face->reply(s->door, reply);
		else
			s->face->go_on(s->door);
		return;
	}
	s->busy = false;
	if (reply != NULL) {
		account.decision.action = reply->code < 500 ? ACTION_DEFER : ACTION_REJECT;
		s->host->told(s->door, &account);
		s->face->verdict(s->door, &(struct verdict){ .kind = VERDICT_REPLY, .reply = *reply });
		return;
	}
	s->host->told(s->door, &account);
	s->face->verdict(s->door, verdict != NULL ? verdict : &(struct verdict){ .kind = VERDICT_ACCEPT });
}

static void
do_go_on(struct session *s)
{
	conclude(s, NULL, NULL);
}

static void
do_reply(struct session *s)
{
	struct reply reply = { .code = 550, .enhanced = B("5.7.1"), .lines = { B("one"), B("two") }, .count = 2 };

	conclude(s, &reply, NULL);
}

static void
do_defer(struct session *s)
{
	struct reply reply = { .code = 451, .enhanced = B("4.4.3"), .lines = { B("late") }, .count = 1 };

	conclude(s, &reply, NULL);
}

static void
do_ask(struct session *s)
{
	struct ask ask = { DNS_TXT, B("example.com") };

	if (!s->host->ask(s->door, &ask, ++s->ticket))
		do_defer(s);
}

static void
do_wait(struct session *s)
{
	s->host->deadline(s->door, 20);
}

static void
do_hold(struct session *s)
{
	conclude(s, NULL, &(struct verdict){ .kind = VERDICT_HOLD, .hold_reason = B("look at it") });
}

static void
do_edit(struct session *s)
{
	struct edit edits[] = {
		{ EDIT_DELETE, B("X-Old"), B_NONE, 1 },
		{ EDIT_DELETE, B("X-Old"), B_NONE, 3 },
		{ EDIT_INSERT, B("X-New"), B("a;\r\n\tb"), 0 },
	};

	conclude(s, NULL, &(struct verdict){ .kind = VERDICT_ACCEPT, .edits = edits, .edit_count = NELEMS(edits) });
}

static void (*const acts[])(struct session *) = {
	[DO_GO_ON] = do_go_on, [DO_REPLY] = do_reply, [DO_ASK] = do_ask, [DO_WAIT] = do_wait, [DO_HOLD] = do_hold, [DO_EDIT] = do_edit,
};

void
session_on(struct session *s, const struct event *ev)
{
	log_line(ev);
	if (ev->kind == EV_ABORT || ev->kind == EV_QUIT) {
		if (s->pending != EV_COUNT)
			s->host->deadline(s->door, 0);
		s->pending = EV_COUNT;
		s->ticket++;
		s->busy = false;
		return;
	}
	/* The promise of session.h: no event but those two while an answer is owed. */
	assert(s->pending == EV_COUNT);
	if (ev->kind == EV_MAIL)
		s->busy = true;
	if (!((script.wants | EV_BIT(EV_EOM)) & EV_BIT(ev->kind)))
		return;
	s->pending = ev->kind;
	acts[act_of(ev)](s);
}

void
session_answer(struct session *s, uint64_t ticket, const struct answer *answer)
{
	bool trouble = answer_is_trouble(answer);

	answer_unref(answer);
	if (ticket != s->ticket || s->pending == EV_COUNT)
		return;
	if (!script.mute)
		buf_add_str(&script.log, trouble ? "no answer\n" : "answer\n");
	if (trouble)
		do_defer(s);
	else
		do_go_on(s);
}

void
keep_free(struct keep *keep)
{
	(void)keep; /* nothing is ever kept here */
}

void
session_kept(struct session *s, uint64_t ticket, bool ok)
{
	(void)s;
	(void)ticket;
	(void)ok;
}

void
session_deadline(struct session *s)
{
	if (s->pending == EV_COUNT)
		return;
	if (!script.mute)
		buf_add_str(&script.log, "deadline\n");
	do_defer(s);
}

void
session_env_set(struct session *s, const struct session_env *env)
{
	s->env = env;
}

bool
session_busy(const struct session *s)
{
	return s->busy;
}

/* desk/judgement.c: see judgement.h. Every question is answered on the spot, so
 * the session never waits: `ask` is never reached but when memory is spent. */
#include "desk/judgement.h"

#include <sys/random.h>

#include "base/clock.h"
#include "mail/message.h"
#include "policy/settings.h"

struct judgement {
	struct oracle *oracle;
	int64_t        now;
	void (*told)(void *arg, const struct account *);
	void *arg;
	bool  was_told;
};

static uint64_t
host_now_us(void *door)
{
	(void)door;
	return clock_mono_us();
}

static int64_t
host_epoch(void *door)
{
	return ((struct judgement *)door)->now;
}

static void
host_random(void *door, uint8_t octets[8])
{
	(void)door;
	if (getrandom(octets, 8, 0) != 8)
		for (int i = 0; i < 8; i++)
			octets[i] = (uint8_t)(clock_mono_us() >> i);
}

static const struct answer *
host_look(void *door, const struct ask *ask)
{
	return oracle_answer(((struct judgement *)door)->oracle, ask);
}

static bool
host_ask(void *door, const struct ask *ask, uint64_t ticket)
{
	(void)door;
	(void)ask;
	(void)ticket;
	return false;
}

static void
host_deadline(void *door, uint32_t ms)
{
	(void)door;
	(void)ms;
}

static void
host_told(void *door, const struct account *account)
{
	struct judgement *j = door;

	j->was_told = true;
	j->told(j->arg, account);
}

static void
face_go_on(void *door)
{
	(void)door;
}

static void
face_reply(void *door, const struct reply *reply)
{
	(void)door;
	(void)reply;
}

static void
face_verdict(void *door, const struct verdict *verdict)
{
	(void)door; /* the account tells the whole of it */
	(void)verdict;
}

static const struct session_host host = {
	.now_us = host_now_us,
	.epoch = host_epoch,
	.random = host_random,
	.look = host_look,
	.ask = host_ask,
	.deadline = host_deadline,
	.told = host_told,
};

static const struct session_face face = { face_go_on, face_reply, face_verdict };

static void
play(struct session *s, const struct judgement_input *in, const struct message *m)
{
	session_on(s, &(struct event){ .kind = EV_CONNECT, .ip = in->ip, .unknown = in->ip.family == 0 });
	session_on(s, &(struct event){ .kind = EV_HELO, .text = in->helo });
	session_on(s, &(struct event){ .kind = EV_MAIL, .text = in->mail_from });
	for (size_t i = 0; i < in->rcpt.count; i++)
		session_on(s, &(struct event){ .kind = EV_RCPT, .text = bytes_of(in->rcpt.at[i]) });
	session_on(s, &(struct event){ .kind = EV_DATA });
	for (size_t i = 0; i < m->header.count; i++)
		session_on(s, &(struct event){ .kind = EV_HEADER, .text = m->header.fields[i].name, .more = m->header.fields[i].value });
	session_on(s, &(struct event){ .kind = EV_EOH });
	if (m->body.len > 0)
		session_on(s, &(struct event){ .kind = EV_BODY, .text = m->body });
	session_on(s, &(struct event){ .kind = EV_EOM });
}

bool
judgement_run(const struct session_env *env, struct oracle *oracle, const struct judgement_input *in,
              void (*told)(void *arg, const struct account *), void *arg)
{
	struct judgement j = { .oracle = oracle, .now = in->now, .told = told, .arg = arg };
	/* More fields than fit here overdraw the transaction too, so what was split
	 * before memory ran out suffices for its answer: 452. */
	struct arena    *a = arena_new(in->text.len * 4 + 2 * (size_t)env->settings->message_memory);
	struct session  *s = session_new(env, &face, &host, &j);
	struct message   m;

	(void)message_split(a, in->text, &m);
	if (s != NULL)
		play(s, in, &m);
	session_free(s);
	arena_free(a);
	return j.was_told;
}

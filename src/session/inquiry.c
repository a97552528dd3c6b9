/* session/inquiry.c: see inquiry.h.
 *
 * A job is one thinker under way. Its key may be at hand before the body has
 * ended; then the answer is kept until it has. A ticket names the transaction,
 * the job and the question, because an answer may come after its question was
 * given up. */
#include "session/inquiry.h"

#include <assert.h>
#include <string.h>

#include "mail/domain.h"
#include "policy/judge.h"
#include "policy/settings.h"

enum job_state { JOB_RUNS, JOB_WAITS, JOB_KEEPS, JOB_DONE };

struct job {
	const char *check;
	void       *thinker;
	enum step (*step)(void *, const struct answer *, struct ask *, struct finding *);
	bool                 after_body; /* answers are of use only when the body has ended */
	enum job_state       state;
	struct ask           ask;
	uint64_t             asked_at;
	uint16_t             question; /* how many it has asked */
	const struct answer *kept; /* JOB_KEEPS */
	struct finding       finding;
	uint64_t             began_at;
};

struct inquiry {
	struct arena              *arena;
	const struct session_env  *env;
	const struct session_host *host;
	void                      *door;
	struct account            *account;
	uint32_t                   generation;

	struct bodyhash *body;
	struct job      *jobs;
	size_t           count, room;
	size_t           spf, spf_helo, arc, dmarc; /* indexes; NO_JOB */
	size_t           dkim_from, dkim_count; /* jobs of signatures, in order */
	size_t          *dkim_fact; /* which fact each fills */
	bool             ended;
	bool             late;
};

#define NO_JOB SIZE_MAX

/* ---- thinkers as jobs ---- */

static enum step
step_spf(void *thinker, const struct answer *answer, struct ask *ask, struct finding *finding)
{
	return spf_step(thinker, answer, ask, finding);
}

static enum step
step_dkim(void *thinker, const struct answer *answer, struct ask *ask, struct finding *finding)
{
	return dkim_step(thinker, answer, ask, finding);
}

static enum step
step_arc(void *thinker, const struct answer *answer, struct ask *ask, struct finding *finding)
{
	return arc_step(thinker, answer, ask, finding);
}

static enum step
step_dmarc(void *thinker, const struct answer *answer, struct ask *ask, struct finding *finding)
{
	return dmarc_step(thinker, answer, ask, finding);
}

static size_t
job_add(struct inquiry *q, const char *check, void *thinker,
        enum step (*step)(void *, const struct answer *, struct ask *, struct finding *))
{
	if (thinker == NULL || q->count == q->room) {
		arena_spoil(q->arena); /* the rooms are counted beforehand: only spent memory comes here */
		return NO_JOB;
	}
	q->jobs[q->count] = (struct job){ .check = check, .thinker = thinker, .step = step, .began_at = q->host->now_us(q->door) };
	return q->count++;
}

static uint64_t
ticket_of(const struct inquiry *q, size_t job)
{
	return (uint64_t)q->generation << 32 | (uint64_t)q->jobs[job].question << 16 | job;
}

static uint64_t
since(const struct inquiry *q, uint64_t then)
{
	return q->host->now_us(q->door) - then;
}

static void
answered(struct inquiry *q, struct job *j, const struct answer *answer)
{
	account_asked(q->arena, q->account, j->check, &j->ask, answer, since(q, j->asked_at));
}

/* Step until the job waits, or is done. The first call brings no answer. */
static void
job_run(struct inquiry *q, size_t index, const struct answer *answer)
{
	struct job *j = &q->jobs[index];

	j->state = JOB_RUNS;
	for (;;) {
		enum step step = j->step(j->thinker, answer, &j->ask, &j->finding);
		if (step == STEP_DONE) {
			j->state = JOB_DONE;
			account_concluded(q->arena, q->account, j->check, j->finding, since(q, j->began_at));
			return;
		}
		j->asked_at = q->host->now_us(q->door);
		j->question++;
		answer = answer_hold(q->arena, q->host->look(q->door, &j->ask));
		if (answer == NULL && !q->late && q->host->ask(q->door, &j->ask, ticket_of(q, index))) {
			j->state = JOB_WAITS;
			return;
		}
		answered(q, j, answer);
		if (j->after_body && !q->ended) {
			j->kept = answer;
			j->state = JOB_KEEPS;
			return;
		}
	}
}

/* ---- DMARC, when all else is known ---- */

/* A valid signature whose key the operator finds too short. */
static struct finding
with_minimum(const struct inquiry *q, struct finding f, const struct dkim_report *r)
{
	bool rsa = bytes_starts(r->algorithm, B("rsa"));

	if (f.result == RESULT_PASS && rsa && r->bits < q->env->settings->dkim_minimum_bits) {
		f.result = RESULT_POLICY;
		f.reason = REASON_DKIM_KEY_SHORT;
		f.detail = arena_printf(q->arena, "%u bits, dkim minimum_bits is %u", r->bits, q->env->settings->dkim_minimum_bits);
	}
	return f;
}

static bool
all_done(const struct inquiry *q)
{
	for (size_t i = 0; i < q->count; i++)
		if (q->jobs[i].state != JOB_DONE)
			return false;
	return true;
}

static struct finding
finding_at(const struct inquiry *q, size_t job)
{
	return job != NO_JOB ? q->jobs[job].finding : (struct finding){ .method = METHOD_SPF };
}

static void
collect(struct inquiry *q)
{
	struct facts *f = &q->account->facts;

	if (q->spf != NO_JOB)
		f->spf = (struct spf_fact){ true, q->jobs[q->spf].finding, spf_report(q->jobs[q->spf].thinker) };
	if (q->spf_helo != NO_JOB)
		f->spf_helo = (struct spf_fact){ true, q->jobs[q->spf_helo].finding, spf_report(q->jobs[q->spf_helo].thinker) };
	struct dkim_fact *facts = (struct dkim_fact *)(uintptr_t)f->dkim;
	for (size_t i = 0; i < q->dkim_count; i++) {
		const struct job *j = &q->jobs[q->dkim_from + i];
		const struct dkim_report *report = dkim_report(j->thinker);
		facts[q->dkim_fact[i]] = (struct dkim_fact){ .finding = with_minimum(q, j->finding, report), .report = report };
	}
	if (q->arc != NO_JOB) {
		f->arc = q->jobs[q->arc].finding;
		f->arc_report = arc_report(q->jobs[q->arc].thinker);
	}
}

static void
begin_dmarc(struct inquiry *q)
{
	struct facts          *f = &q->account->facts;
	const struct settings *s = q->env->settings;
	struct finding         spf = finding_at(q, q->spf);
	struct dmarc_identity *dkim = arena_take_array(q->arena, f->dkim_count, sizeof(*dkim));

	collect(q);
	if (dkim == NULL)
		return;
	for (size_t i = 0; i < f->dkim_count; i++)
		dkim[i] = (struct dmarc_identity){ f->dkim[i].finding.domain, f->dkim[i].finding.result };
	struct dmarc_query query = {
		.from_domain = f->mailbox.domain,
		.spf = { spf.domain, spf.result },
		.dkim = dkim,
		.dkim_count = f->dkim_count,
		.discovery = s->dmarc_discovery,
		.suffix = q->env->suffix,
	};
	q->dmarc = job_add(q, "dmarc", dmarc_new(q->arena, &query), step_dmarc);
	if (q->dmarc != NO_JOB)
		job_run(q, q->dmarc, NULL);
}

static void
finish_dmarc(struct inquiry *q)
{
	struct facts *f = &q->account->facts;

	f->dmarc = q->jobs[q->dmarc].finding;
	f->dmarc_report = dmarc_report(q->jobs[q->dmarc].thinker);
	struct dkim_fact *facts = (struct dkim_fact *)(uintptr_t)f->dkim;
	for (size_t i = 0; i < f->dkim_count; i++)
		facts[i].aligned = f->dmarc_report->dkim_aligned[i];
	q->account->arc_trusted = judge_arc_trusted(q->env->settings, f);
}

/* After every step that may have been the last one. */
static void
proceed(struct inquiry *q)
{
	struct facts *f = &q->account->facts;

	if (!q->ended || arena_overdrawn(q->arena) || !all_done(q))
		return;
	if (q->dmarc == NO_JOB && f->from.result == RESULT_PASS)
		begin_dmarc(q);
	else if (q->dmarc == NO_JOB)
		collect(q);
	if (q->dmarc != NO_JOB && q->jobs[q->dmarc].state == JOB_DONE && f->dmarc_report == NULL)
		finish_dmarc(q);
}

bool
inquiry_done(const struct inquiry *q)
{
	/* With memory spent nothing more will come; the decision is made of that alone. */
	return q->ended && (arena_overdrawn(q->arena) || all_done(q));
}

/* ---- the stages of a message ---- */

struct inquiry *
inquiry_new(struct arena *a, const struct session_env *env, const struct session_host *host, void *door, struct account *account,
            uint32_t generation)
{
	struct inquiry *q = arena_take(a, sizeof(*q));

	if (q == NULL)
		return NULL;
	*q = (struct inquiry){ .arena = a, .env = env, .host = host, .door = door, .account = account, .generation = generation };
	q->spf = q->spf_helo = q->arc = q->dmarc = NO_JOB;
	q->room = env->settings->dkim_max_signatures + 5U;
	q->jobs = arena_take_array(a, q->room, sizeof(*q->jobs));
	q->body = bodyhash_new(a);
	return q->jobs != NULL && q->body != NULL ? q : NULL;
}

/* Submitted on this host, or nobody knows by whom. */
static void
no_client(struct inquiry *q)
{
	struct facts      *f = &q->account->facts;
	struct spf_report *report = arena_take(q->arena, sizeof(*report));

	if (f->standing != STANDING_FOREIGN || report == NULL)
		return;
	report->domain = domain_normal(q->arena, address_domain(f->mail_from));
	f->spf = (struct spf_fact){
		.checked = true,
		.finding = { METHOD_SPF, RESULT_NONE, REASON_SPF_NO_CLIENT, report->domain, B_NONE },
		.report = report,
	};
	account_concluded(q->arena, q->account, "spf", f->spf.finding, 0);
}

void
inquiry_client(struct inquiry *q)
{
	const struct facts *f = &q->account->facts;
	struct spf_query    query = {
                .ip = f->client,
                .helo = f->helo,
                .mail_from = f->mail_from,
                .receiver = q->env->hostname,
                .now = q->account->began,
	};
	struct spf_query *kept = arena_take(q->arena, sizeof(*kept));

	if (kept == NULL)
		return;
	if (f->client.family == 0) {
		no_client(q);
		return;
	}
	*kept = query;
	q->spf = job_add(q, "spf", spf_new(q->arena, kept, SPF_MAILFROM), step_spf);
	if (q->spf != NO_JOB)
		job_run(q, q->spf, NULL);
	if (f->mail_from.len == 0 || !q->env->settings->spf_helo_check)
		return; /* a null sender is checked as postmaster@HELO already */
	q->spf_helo = job_add(q, "spf-helo", spf_new(q->arena, kept, SPF_HELO), step_spf);
	if (q->spf_helo != NO_JOB)
		job_run(q, q->spf_helo, NULL);
}

static void
begin_dkim(struct inquiry *q, const struct header *header)
{
	struct facts     *f = &q->account->facts;
	size_t            limit = q->env->settings->dkim_max_signatures;
	size_t            total = header_count(header, B("DKIM-Signature"));
	struct dkim_fact *facts = arena_take_array(q->arena, total, sizeof(*facts));

	q->dkim_fact = arena_take_array(q->arena, limit, sizeof(*q->dkim_fact));
	if (facts == NULL || q->dkim_fact == NULL)
		return;
	f->dkim = facts;
	f->dkim_count = total;
	q->dkim_from = q->count;
	size_t at = header_find(header, B("DKIM-Signature"), 0);
	for (size_t i = 0; i < total; i++, at = header_find(header, B("DKIM-Signature"), at + 1)) {
		if (i >= limit) {
			facts[i].finding =
			    (struct finding){ .method = METHOD_DKIM, .result = RESULT_POLICY, .reason = REASON_DKIM_TOO_MANY };
			continue;
		}
		size_t job = job_add(q, "dkim", dkim_new(q->arena, header, at, q->body, q->account->began), step_dkim);
		if (job == NO_JOB)
			return;
		q->jobs[job].after_body = true;
		q->dkim_fact[q->dkim_count++] = i;
	}
}

static bool
domain_in_brackets(struct bytes value, struct bytes *inside_out)
{
	size_t open = bytes_rindex(value, '<');

	if (open == value.len)
		return false;
	struct bytes rest = bytes_from(value, open + 1);
	*inside_out = bytes_sub(rest, 0, bytes_index(rest, '>'));
	return true;
}

/* List-Id (RFC 2919) or List-Post (RFC 2369): the domain it speaks for. */
static struct bytes
list_domain(struct arena *a, const struct header *header)
{
	struct bytes inside;
	size_t       at = header_find(header, B("List-Id"), 0);

	if (at < header->count && domain_in_brackets(field_uncomment(a, header->fields[at].value), &inside))
		return domain_normal(a, bytes_trim(inside));
	at = header_find(header, B("List-Post"), 0);
	if (at < header->count && domain_in_brackets(field_uncomment(a, header->fields[at].value), &inside))
		return domain_normal(a, address_domain(bytes_sub(inside, 0, bytes_index(inside, '?'))));
	return B_NONE;
}

/* The DMARC record will be wanted last, so it is asked for first: its answer
 * comes while SPF and the keys are under way. */
static void
ask_early(struct inquiry *q)
{
	struct bytes domain = q->account->facts.mailbox.domain;
	struct ask   ask = { DNS_TXT, arena_printf(q->arena, "_dmarc.%.*s", B_FMT(domain)) };

	if (domain.len == 0 || arena_overdrawn(q->arena))
		return;
	const struct answer *at_hand = q->host->look(q->door, &ask);
	if (at_hand != NULL)
		answer_unref(at_hand);
	else
		(void)q->host->ask(q->door, &ask, (uint64_t)q->generation << 32 | 0xffff);
}

void
inquiry_header(struct inquiry *q, const struct header *header)
{
	struct facts *f = &q->account->facts;

	f->from = from_of(q->arena, header, &f->mailbox);
	account_concluded(q->arena, q->account, "from", f->from, 0);
	f->list_domain = list_domain(q->arena, header);
	f->arc = (struct finding){ .method = METHOD_ARC, .result = RESULT_NONE, .reason = REASON_ARC_NONE };
	f->dmarc = (struct finding){ .method = METHOD_DMARC, .result = RESULT_PERMERROR, .reason = REASON_DMARC_NO_FROM_DOMAIN };
	begin_dkim(q, header);
	if (header_find(header, B("ARC-Seal"), 0) < header->count) {
		q->arc = job_add(q, "arc", arc_new(q->arena, header, q->body, q->account->began), step_arc);
		if (q->arc != NO_JOB)
			q->jobs[q->arc].after_body = true;
	}
	if (f->from.result == RESULT_PASS)
		ask_early(q);
	/* Only now: every signature has said which body hash it wants. */
	for (size_t i = q->dkim_from; i < q->count && q->dkim_count + (q->arc != NO_JOB) > 0; i++)
		job_run(q, i, NULL);
}

void
inquiry_body(struct inquiry *q, struct bytes chunk)
{
	bodyhash_feed(q->body, chunk);
}

void
inquiry_end(struct inquiry *q)
{
	bodyhash_end(q->body);
	q->ended = true;
	for (size_t i = 0; i < q->count; i++) {
		struct job *j = &q->jobs[i];
		if (j->state == JOB_KEEPS)
			job_run(q, i, j->kept);
	}
	proceed(q);
}

void
inquiry_answer(struct inquiry *q, uint64_t ticket, const struct answer *answer)
{
	size_t index = ticket & 0xffff;

	answer = answer_hold(q->arena, answer);
	if (ticket >> 32 != q->generation || index >= q->count)
		return;
	struct job *j = &q->jobs[index];
	if (j->state != JOB_WAITS || (ticket >> 16 & 0xffff) != j->question)
		return;
	answered(q, j, answer);
	if (j->after_body && !q->ended) {
		j->kept = answer;
		j->state = JOB_KEEPS;
		return;
	}
	job_run(q, index, answer);
	proceed(q);
}

void
inquiry_late(struct inquiry *q)
{
	q->late = true;
	q->account->facts.late = true;
	for (size_t i = 0; i < q->count; i++)
		if (q->jobs[i].state == JOB_WAITS) {
			answered(q, &q->jobs[i], NULL);
			job_run(q, i, NULL);
		}
	proceed(q);
}

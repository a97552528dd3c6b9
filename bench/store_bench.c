/* bench/store_bench.c: what the store takes in, and how quickly it answers.
 *
 *     store_bench WHERE [ACCOUNTS [DAYS [STORY_OCTETS]]]
 *
 * WHERE is a new SQLite file, or the URL of an empty PostgreSQL database; with 0
 * ACCOUNTS it is one that was filled by an earlier run, over as many days.
 * put:      accounts spread over days, through the writer, with all indexes
 * search:   each way in, for values that are there, the newest fifty
 * overview: two weeks by hour and by reason, and the blamed domains of a week
 * prune:    the oldest day goes while accounts come in */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "store/search.h"
#include "store/writer.h"

#define ROUNDS 200

static struct arena *a;
static uint64_t      seed = 88172645463325252U;
static char          story[65536];
static size_t        story_len = 1200;

static uint64_t
draw(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Few are met often and many seldom, as among correspondents. */
static unsigned
draw_one(unsigned of)
{
	uint64_t r = draw();

	return (unsigned)((r & 3) == 0 ? (r >> 8) % 100 : (r >> 8) % of);
}

static struct bytes
sender_of(unsigned n)
{
	return arena_printf(a, "person%u@d%u.example.org", n, n % 20000);
}

static struct bytes
recipient_of(unsigned n)
{
	return arena_printf(a, "user%u@example.net", n);
}

static struct store_account
make(unsigned n, int64_t at_us)
{
	static const char *const reasons[] = { "dmarc.reject", "dmarc.temperror", "from.none", "spf.fail", "policy.hold" };
	struct store_recipient  *r = arena_take_array(a, 1, sizeof(*r));
	uint64_t                 random = draw();
	unsigned                 who = draw_one(300000);
	bool                     bad = random % 5 == 0;
	char                     id[ID_LEN + 1];

	if (r == NULL)
		abort();
	id_format((const uint8_t *)&random, id);
	struct bytes reason = bad ? bytes_of(reasons[random / 5 % NELEMS(reasons)]) : B("none");
	*r = (struct store_recipient){ .address = recipient_of(draw_one(100000)), .action = bad ? B("reject") : B("accept"), .reason = reason };
	struct bytes domain = arena_printf(a, "d%u.example.org", who % 20000);
	return (struct store_account){
		.id = arena_copy(a, bytes_of(id)), .at_us = at_us, .client = arena_printf(a, "198.51.%u.%u", who % 200, who / 200 % 250),
		.client_name = B("mx.example.org"), .helo = B("mx.example.org"), .standing = B("foreign"), .sender = sender_of(who), .domain = domain,
		.header_from = domain, .subject = B("Minutes of the last meeting, and the agenda of the next"),
		.message_id = arena_printf(a, "<%u.%llx@mx.example.org>", n, (unsigned long long)random),
		.queue_id = arena_printf(a, "4D%llX", (unsigned long long)(random >> 24)), .size = 20000, .tls = B("TLSv1.3"), .mode = B("enforce"),
		.action = r->action, .reason = reason, .rule = B("dmarc.on_reject"),
		.reply = bad ? B("550 5.7.509 Access denied, sending domain does not pass DMARC verification") : B_NONE, .spf = B("pass"),
		.spf_reason = B("spf.matched"), .dkim = B("pass"), .dkim_reason = B("dkim.verified"), .arc = B("none"), .arc_reason = B("arc.none"),
		.dmarc = B("pass"), .dmarc_reason = B("dmarc.aligned"), .results = B("gate.example.net; spf=pass; dkim=pass; dmarc=pass"),
		.took_us = 900, .story = bytes_make(story, story_len), .blamed = bad ? domain : B_NONE, .recipients = r, .recipient_count = 1
	};
}

static double
cpu_us(clockid_t which)
{
	struct timespec ts;

	clock_gettime(which, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

/* ---- taking in ---- */

static void
fill(struct writer *w, unsigned count, int64_t from_us, int64_t span_us)
{
	double   put_us = 0, cpu = cpu_us(CLOCK_PROCESS_CPUTIME_ID), made_us = 0;
	uint64_t start = clock_mono_us(), last = start;

	for (unsigned n = 0; n < count; n++) {
		struct writer_stats  st;
		double               before = cpu_us(CLOCK_THREAD_CPUTIME_ID);
		struct store_account account = make(n, from_us + (int64_t)((double)span_us * n / count));
		double               made = cpu_us(CLOCK_THREAD_CPUTIME_ID);
		made_us += made - before;
		if (!writer_put(w, &account))
			abort();
		put_us += cpu_us(CLOCK_THREAD_CPUTIME_ID) - made;
		arena_reset(a);
		if (n % 1000 != 999)
			continue;
		for (writer_count(w, &st); st.queued > 20000; writer_count(w, &st))
			usleep(20000);
		if ((n + 1) % 1000000 == 0) {
			printf("put       %8u accounts, the last million at %.0f/s\n", n + 1, 1e12 / (double)(clock_mono_us() - last));
			fflush(stdout);
			last = clock_mono_us();
		}
	}
	writer_flush(w, 600000);
	double took = (double)(clock_mono_us() - start);
	printf("put       %u accounts in %.1f s: %.0f/s\n", count, took / 1e6, count * 1e6 / took);
	printf("put       the caller pays %.2f us of CPU an account, the whole process %.1f us\n", put_us / count,
	       (cpu_us(CLOCK_PROCESS_CPUTIME_ID) - cpu - made_us) / count);
}

static int
by_size(const void *x, const void *y)
{
	double a_ = *(const double *)x, b_ = *(const double *)y;

	return a_ < b_ ? -1 : a_ > b_;
}

static void
show(const char *what, double *ms, size_t count, size_t rows)
{
	qsort(ms, count, sizeof(*ms), by_size);
	printf("%-22s median %8.2f ms   95%% %8.2f ms   worst %8.2f ms   %.1f rows\n", what, ms[count / 2], ms[count * 95 / 100], ms[count - 1],
	       (double)rows / (double)count);
	fflush(stdout);
}

/* ---- looking for ---- */

struct sample {
	char sender[80], recipient[80], domain[80], client[80], message_id[120], queue_id[80], id[16];
};

struct sampling {
	struct sample *samples;
	size_t         count;
};

static void
copy_text(char *to, size_t room, struct bytes from)
{
	snprintf(to, room, "%.*s", B_FMT(from));
}

static bool
take_sample(void *arg, const struct store_account *account)
{
	struct sampling *s = arg;
	struct sample   *one = &s->samples[s->count++];

	copy_text(one->sender, sizeof(one->sender), account->sender);
	copy_text(one->domain, sizeof(one->domain), account->domain);
	copy_text(one->client, sizeof(one->client), account->client);
	copy_text(one->message_id, sizeof(one->message_id), account->message_id);
	copy_text(one->queue_id, sizeof(one->queue_id), account->queue_id);
	copy_text(one->id, sizeof(one->id), account->id);
	snprintf(one->recipient, sizeof(one->recipient), "user%u@example.net", draw_one(100000));
	return false;
}

static bool
count_row(void *arg, const struct store_account *account)
{
	(void)account;
	++*(size_t *)arg;
	return true;
}

static const struct way {
	const char *name;
	size_t      filter, sample;
} ways[] = {
#define WAY(name, member) { (name), offsetof(struct search, member), offsetof(struct sample, member) }
	WAY("search recipient", recipient),   WAY("search sender", sender),     WAY("search domain", domain), WAY("search client", client),
	WAY("search message-id", message_id), WAY("search queue id", queue_id),
};

static void
search_all(struct store *s, int64_t from_us, int64_t span_us)
{
	static struct sample samples[ROUNDS];
	struct sampling      sampling = { samples, 0 };
	struct search_end    end;
	double               ms[ROUNDS];
	size_t               rows;

	while (sampling.count < ROUNDS) {
		struct search q = { .to_us = from_us + span_us / 1000 + (int64_t)(draw() % (uint64_t)span_us), .limit = 1 };
		if (search_run(s, &q, take_sample, &sampling, &end) != RC_OK)
			abort();
	}
	for (size_t i = 0; i < NELEMS(ways); i++) {
		rows = 0;
		for (size_t n = 0; n < ROUNDS; n++) {
			struct search q = { .limit = 50 };
			struct bytes  text = bytes_of((const char *)&samples[n] + ways[i].sample);
			memcpy((char *)&q + ways[i].filter, &text, sizeof(text));
			uint64_t before = clock_mono_us();
			if (search_run(s, &q, count_row, &rows, &end) != RC_OK)
				abort();
			ms[n] = (double)(clock_mono_us() - before) / 1e3;
		}
		show(ways[i].name, ms, ROUNDS, rows);
	}
	rows = 0;
	for (size_t n = 0; n < ROUNDS; n++) {
		struct search q = { .limit = 50, .reason = B("dmarc.reject"), .recipient = bytes_of(samples[n].recipient) };
		uint64_t      before = clock_mono_us();
		if (search_run(s, &q, count_row, &rows, &end) != RC_OK)
			abort();
		ms[n] = (double)(clock_mono_us() - before) / 1e3;
	}
	show("recipient and reason", ms, ROUNDS, rows);
	for (size_t n = 0; n < ROUNDS; n++) {
		struct store_account account;
		uint64_t             before = clock_mono_us();
		if (store_account_get(s, a, bytes_of(samples[n].id), &account) != RC_OK)
			abort();
		ms[n] = (double)(clock_mono_us() - before) / 1e3;
		arena_reset(a);
	}
	show("one account by id", ms, ROUNDS, ROUNDS);
}

static bool
count_count(void *arg, const struct count *c)
{
	(void)c;
	++*(size_t *)arg;
	return true;
}

static void
overview(struct store *s, int64_t now_us)
{
	double ms[20];
	size_t rows = 0;

	for (size_t n = 0; n < NELEMS(ms); n++) {
		uint64_t before = clock_mono_us();
		if (count_hours(s, now_us - 14 * DAY_US, now_us, count_count, &rows) != RC_OK ||
		    count_reasons(s, now_us - 7 * DAY_US, now_us, count_count, &rows) != RC_OK ||
		    count_reasons(s, now_us - 14 * DAY_US, now_us - 7 * DAY_US, count_count, &rows) != RC_OK ||
		    count_domains(s, now_us - 7 * DAY_US, now_us, 10, count_count, &rows) != RC_OK)
			abort();
		ms[n] = (double)(clock_mono_us() - before) / 1e3;
	}
	show("overview", ms, NELEMS(ms), rows);
}

/* ---- forgetting ---- */

#define WRITES_MOST 10000

/* Accounts somebody waits for, one after the other, as long as there is something to prune. */
static void
write_some(const struct writer_settings *set, const char *what)
{
	static double       ms[WRITES_MOST];
	struct writer      *w;
	struct bytes        why;
	struct writer_stats st = { 0 };
	uint64_t            start = clock_mono_us(), pruned = 0;
	size_t              n = 0, idle = 0;

	if (writer_start(set, a, &w, &why) != RC_OK)
		abort();
	for (; n < WRITES_MOST && (n < ROUNDS || idle < 20); n++) {
		struct store_account account = make((unsigned)n, store_now_us());
		uint64_t             before = clock_mono_us();
		if (writer_wait_now(w, &account, NULL) != RC_OK)
			abort();
		ms[n] = (double)(clock_mono_us() - before) / 1e3;
		arena_reset(a);
		usleep(20000);
		writer_count(w, &st);
		idle = st.pruned == pruned ? idle + 1 : 0;
		pruned = st.pruned;
	}
	show(what, ms, n, n);
	if (st.pruned > 0)
		printf("prune     %llu accounts in %.1f s, the longest step %.1f ms\n", (unsigned long long)st.pruned,
		       (double)(clock_mono_us() - start) / 1e6, (double)st.prune_longest_us / 1e3);
	writer_stop(w, 60000);
}

/* How long a day's pruning keeps others waiting, beside what they wait anyhow. */
static void
prune(struct writer_settings set, unsigned days)
{
	write_some(&set, "write, nothing else");
	set.keep.keep_days = days - 2;
	set.prune_ms = 1;
	write_some(&set, "write while pruning");
}

int
main(int argc, char **argv)
{
	unsigned               count = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 100000;
	unsigned               days = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 30;
	struct writer_settings set = { .where = argc > 1 ? argv[1] : NULL, .queue_rows = 100000 };
	int64_t                span_us = (int64_t)days * DAY_US, now_us = store_now_us();
	struct writer         *w;
	struct store          *s;
	struct bytes           why = B_NONE;

	if (set.where == NULL || days == 0) {
		fprintf(stderr, "usage: store_bench FILE|postgres://... [ACCOUNTS [DAYS [STORY_OCTETS]]]\n");
		return 2;
	}
	story_len = argc > 4 ? strtoul(argv[4], NULL, 10) : story_len;
	if (story_len > sizeof(story))
		story_len = sizeof(story);
	a = arena_new((size_t)1 << 20);
	seed ^= clock_mono_us(); /* other ids than those that are there */
	for (size_t i = 0; i < sizeof(story); i++)
		story[i] = (char)('a' + draw() % 26);
	if (a == NULL || writer_start(&set, a, &w, &why) != RC_OK || why.len > 0) {
		fprintf(stderr, "store_bench: %.*s\n", B_FMT(why));
		return 75;
	}
	if (count > 0)
		fill(w, count, now_us - span_us, span_us);
	struct writer_stats st;
	writer_count(w, &st);
	printf("put       the slowest transaction took %.1f ms\n", (double)st.slowest_us / 1e3);
	writer_stop(w, 60000);
	if (store_open(set.where, STORE_READ, a, &s, &why) != RC_OK)
		abort();
	search_all(s, now_us - span_us, span_us);
	overview(s, now_us);
	store_close(s);
	prune(set, days);
	arena_free(a);
	return 0;
}

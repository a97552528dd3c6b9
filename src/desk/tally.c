/* desk/tally.c: see tally.h. */
#include "desk/tally.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/rc.h"

#define ACTIONS 5

/* Upper bounds of the buckets of a histogram. */
static const struct {
	uint64_t    us;
	const char *le; /* in seconds */
} bounds[] = {
	{ 500, "0.0005" }, { 1000, "0.001" }, { 2500, "0.0025" }, { 5000, "0.005" }, { 10000, "0.01" }, { 25000, "0.025" },
	{ 50000, "0.05" }, { 100000, "0.1" }, { 250000, "0.25" }, { 500000, "0.5" }, { 1000000, "1" },  { 2500000, "2.5" },
	{ 5000000, "5" },  { 25000000, "25" },
};

struct histogram {
	_Atomic uint64_t buckets[NELEMS(bounds) + 1];
	_Atomic uint64_t sum_us;
};

/* Each check's questions together; "message" is the whole, from its end to the decision. */
static const char *const checks[] = { "message", "spf", "spf-helo", "dkim", "arc", "dmarc" };

struct tally {
	_Atomic uint64_t decided[ACTIONS][REASON_COUNT];
	struct histogram took[NELEMS(checks)];
};

struct tally *
tally_new(void)
{
	return calloc(1, sizeof(struct tally));
}

void
tally_free(struct tally *t)
{
	free(t);
}

static void
add(_Atomic uint64_t *to, uint64_t n)
{
	atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

static uint64_t
value(const _Atomic uint64_t *of)
{
	return atomic_load_explicit(of, memory_order_relaxed);
}

static void
took(struct histogram *h, uint64_t us)
{
	size_t i = 0;

	while (i < NELEMS(bounds) && us > bounds[i].us)
		i++;
	add(&h->buckets[i], 1);
	add(&h->sum_us, us);
}

void
tally_told(struct tally *t, const struct account *account)
{
	uint64_t us[NELEMS(checks)] = { account->took_us };
	bool     seen[NELEMS(checks)] = { true };

	add(&t->decided[account->decision.action][account->decision.reason], 1);
	for (size_t i = 0; i < account->line_count; i++)
		for (size_t c = 1; c < NELEMS(checks); c++)
			if (strcmp(account->lines[i].check, checks[c]) == 0) {
				seen[c] = true;
				us[c] += account->lines[i].concludes ? 0 : account->lines[i].took_us;
			}
	for (size_t c = 0; c < NELEMS(checks); c++)
		if (seen[c])
			took(&t->took[c], us[c]);
}

uint64_t
tally_count(const struct tally *t, enum action action)
{
	uint64_t n = 0;

	for (size_t r = 0; r < REASON_COUNT; r++)
		n += value(&t->decided[action][r]);
	return n;
}

static void
add_head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void
metric(struct buf *out, const char *name, const char *type, const char *help, uint64_t n)
{
	add_head(out, name, type, help);
	buf_printf(out, "%s %" PRIu64 "\n", name, n);
}

static void
add_histogram(struct buf *out, const char *name, const char *check, const struct histogram *h)
{
	uint64_t n = 0;

	for (size_t i = 0; i < NELEMS(bounds); i++) {
		n += value(&h->buckets[i]);
		buf_printf(out, "%s_bucket{check=\"%s\",le=\"%s\"} %" PRIu64 "\n", name, check, bounds[i].le, n);
	}
	n += value(&h->buckets[NELEMS(bounds)]);
	buf_printf(out, "%s_bucket{check=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name, check, n);
	buf_printf(out, "%s_sum{check=\"%s\"} %.6f\n", name, check, (double)value(&h->sum_us) / 1e6);
	buf_printf(out, "%s_count{check=\"%s\"} %" PRIu64 "\n", name, check, n);
}

void
tally_metrics(const struct tally *t, struct buf *out)
{
	add_head(out, "mailreeve_messages_total", "counter", "Transactions by what was decided, and why.");
	for (size_t a = 0; a < ACTIONS; a++)
		for (size_t r = 0; r < REASON_COUNT; r++)
			if (value(&t->decided[a][r]) > 0)
				buf_printf(out, "mailreeve_messages_total{action=\"%s\",reason=\"%s\"} %" PRIu64 "\n", action_word((enum action)a),
				           reason_word((enum reason)r), value(&t->decided[a][r]));
	add_head(out, "mailreeve_check_seconds", "histogram", "Waiting for DNS by check; message: from its end to the decision.");
	for (size_t c = 0; c < NELEMS(checks); c++)
		add_histogram(out, "mailreeve_check_seconds", checks[c], &t->took[c]);
}

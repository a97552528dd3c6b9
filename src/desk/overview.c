/* desk/overview.c: see overview.h. */
#include "desk/overview.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "mail/reason.h"
#include "store/held.h"

#define HOUR_US ((int64_t)3600 * 1000000)

const struct overview_period overview_periods[] = {
	{ "24h", "24 hours", "the same hours a week before", 24, 1, 7 },
	{ "7d", "7 days", "the week before", 28, 6, 7 },
	{ "30d", "30 days", "the 30 days before", 30, 24, 30 },
};
const size_t overview_period_count = NELEMS(overview_periods);

const struct overview_period *
overview_period(struct bytes word)
{
	for (size_t i = 0; i < NELEMS(overview_periods); i++)
		if (bytes_eq(word, bytes_of(overview_periods[i].word)))
			return &overview_periods[i];
	return &overview_periods[0];
}

static bool
action_of(struct bytes word, enum action *action_out)
{
	for (int i = 0; i < CHART_SERIES; i++)
		if (bytes_eq(word, bytes_of(action_word((enum action)i)))) {
			*action_out = (enum action)i;
			return true;
		}
	return false;
}

struct gathering {
	struct overview    *o;
	struct arena       *arena;
	bool                before;
	struct overview_row old[OVERVIEW_NAMES]; /* of the period before */
	size_t              old_count;
};

static bool
on_hour(void *arg, const struct count *c)
{
	struct overview *o = ((struct gathering *)arg)->o;
	int64_t          at_us = c->hour * HOUR_US - o->from_us;
	enum action      action;

	if (at_us < 0 || !action_of(c->action, &action))
		return true;
	size_t bar = (size_t)(at_us / (HOUR_US * o->period->bar_hours));
	if (bar < o->bar_count)
		o->bars[bar].n[action] += (uint64_t)c->n;
	return true;
}

static bool
on_reason(void *arg, const struct count *c)
{
	struct gathering *g = arg;
	struct overview  *o = g->o;
	enum action       action;

	if (!action_of(c->action, &action))
		return true;
	(g->before ? o->before : o->total)[action] += (uint64_t)c->n;
	struct overview_row row = { .action = arena_copy(g->arena, c->action), .name = arena_copy(g->arena, c->reason), .n = (uint64_t)c->n };
	if (!g->before && o->reason_count < OVERVIEW_REASONS)
		o->reasons[o->reason_count++] = row;
	else if (g->before && g->old_count < OVERVIEW_NAMES)
		g->old[g->old_count++] = row;
	return true;
}

static bool
on_domain(void *arg, const struct count *c)
{
	struct gathering   *g = arg;
	struct overview    *o = g->o;
	struct overview_row row = { .action = B(""), .name = arena_copy(g->arena, c->domain), .n = (uint64_t)c->n };

	if (!g->before && o->domain_count < OVERVIEW_DOMAINS)
		o->domains[o->domain_count++] = row;
	else if (g->before && g->old_count < OVERVIEW_NAMES)
		g->old[g->old_count++] = row;
	return true;
}

static bool
on_gap(void *arg, const struct gap *gap)
{
	((struct gathering *)arg)->o->missing += (uint64_t)gap->n;
	return true;
}

static void
compare(struct overview_row *rows, size_t count, const struct gathering *g)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < g->old_count; k++)
			if (bytes_eq(rows[i].name, g->old[k].name) && bytes_eq(rows[i].action, g->old[k].action))
				rows[i].before = g->old[k].n;
}

/* Bars begin at whole hours; days begin at midnight. */
static void
lay_out(struct overview *o, int64_t now_us)
{
	int64_t wide = HOUR_US * o->period->bar_hours;

	o->to_us = (now_us / HOUR_US + 1) * HOUR_US;
	o->from_us = ((now_us / wide) - (int64_t)o->period->bars + 1) * wide;
	o->bar_count = o->period->bars;
	for (size_t i = 0; i < o->bar_count; i++) {
		char    text[CLOCK_TEXT_MAX];
		int64_t at_us = o->from_us + (int64_t)i * wide;
		bool    midnight = at_us / HOUR_US % 24 == 0;
		o->bar_us[i] = at_us;
		clock_format(at_us / 1000000, text);
		snprintf(o->bars[i].title, sizeof(o->bars[i].title), "%.10s%s%.5s", text, wide < 24 * HOUR_US ? " " : "",
		         wide < 24 * HOUR_US ? text + 11 : "");
		if (o->period->bar_hours == 1 && i % 6 == 0)
			snprintf(o->bars[i].tick, sizeof(o->bars[i].tick), "%.5s", text + 11);
		else if ((o->period->bar_hours == 6 && midnight) || (o->period->bar_hours == 24 && i % 5 == 0))
			snprintf(o->bars[i].tick, sizeof(o->bars[i].tick), "%.5s", text + 5);
	}
}

static bool
on_held(void *arg, const struct store_held *h)
{
	(void)h;
	((struct overview *)arg)->held++;
	return true;
}

static bool
on_ticket(void *arg, const struct store_ticket *t)
{
	(void)t;
	((struct overview *)arg)->tickets++;
	return true;
}

enum rc
overview_read(struct store *s, struct arena *a, const struct overview_period *period, int64_t now_us, struct overview *o)
{
	*o = (struct overview){ .period = period };
	lay_out(o, now_us);
	struct gathering g = { .o = o, .arena = a }, old = { .o = o, .arena = a, .before = true };
	int64_t          back = (int64_t)period->back_days * DAY_US;
	enum rc          rc = count_hours(s, o->from_us, o->to_us, on_hour, &g);

	if (rc == RC_OK)
		rc = count_reasons(s, o->from_us, o->to_us, on_reason, &g);
	if (rc == RC_OK)
		rc = count_reasons(s, o->from_us - back, o->to_us - back, on_reason, &old);
	compare(o->reasons, o->reason_count, &old);
	old.old_count = 0;
	if (rc == RC_OK)
		rc = count_domains(s, o->from_us, o->to_us, OVERVIEW_DOMAINS, on_domain, &g);
	if (rc == RC_OK)
		rc = count_domains(s, o->from_us - back, o->to_us - back, OVERVIEW_NAMES, on_domain, &old);
	compare(o->domains, o->domain_count, &old);
	if (rc == RC_OK)
		rc = gap_list(s, o->from_us, o->to_us, on_gap, &g);
	if (rc == RC_OK)
		rc = held_list(s, B(HELD_HELD), 0, B(""), OVERVIEW_WAITING, on_held, o);
	if (rc == RC_OK)
		rc = ticket_list(s, B(TICKET_OPEN), 0, B(""), OVERVIEW_WAITING, on_ticket, o);
	return rc == RC_OK && arena_overdrawn(a) ? RC_MEMORY : rc;
}

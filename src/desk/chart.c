/* desk/chart.c: see chart.h. The width of the drawing is stretched, its height
 * is not: so patterns are made of lines across, and words stand outside. */
#include "desk/chart.h"

#include <inttypes.h>

#include "base/rc.h"
#include "desk/html.h"

#define HEIGHT 180
#define WIDTH  12 /* of one bar with the gap behind it */

/* As the reader calls it, and the shape that stands for it. */
static const struct {
	const char *name;
	const char *mark;
} actions[CHART_SERIES] = {
	[ACTION_ACCEPT] = { "accepted", "✓" },     [ACTION_QUARANTINE] = { "quarantined", "◪" }, [ACTION_HOLD] = { "held", "‖" },
	[ACTION_DEFER] = { "deferred", "↻" }, [ACTION_REJECT] = { "refused", "✕" },
};

void
chart_action(struct buf *out, struct bytes action)
{
	for (size_t i = 0; i < CHART_SERIES; i++) {
		const char *word = action_word((enum action)i);
		if (bytes_eq(action, bytes_of(word))) {
			html_put(out, "<span class=\"action $\"><span aria-hidden=\"true\">$</span> $</span>", H_STR(word), H_STR(actions[i].mark),
			         H_STR(actions[i].name));
			return;
		}
	}
	html_put(out, "<span class=\"action\">$</span>", H_TEXT(action));
}

void
chart_legend(struct buf *out, unsigned series)
{
	buf_add_str(out, "<ul class=\"legend\">");
	for (size_t i = 0; i < CHART_SERIES; i++)
		if (series & 1U << i)
			html_put(out, "<li><svg class=\"key\" viewBox=\"0 0 14 14\" aria-hidden=\"true\"><rect class=\"seg $\" width=\"14\" height=\"14\"/>"
			              "<rect class=\"grain $\" width=\"14\" height=\"14\"/></svg> <span aria-hidden=\"true\">$</span> $</li>",
			         H_STR(action_word((enum action)i)), H_STR(action_word((enum action)i)), H_STR(actions[i].mark), H_STR(actions[i].name));
	buf_add_str(out, "</ul>");
}

/* The next of 1, 2, 5, 10, 20, 50 ... */
static uint64_t
round_up(uint64_t n)
{
	static const unsigned steps[] = { 1, 2, 5 };
	uint64_t              scale = 1;

	for (;;) {
		for (size_t i = 0; i < NELEMS(steps); i++)
			if (steps[i] * scale >= n || scale > UINT64_MAX / 100)
				return steps[i] * scale;
		scale *= 10;
	}
}

static uint64_t
sum_of(const struct chart_bar *bar, unsigned series)
{
	uint64_t n = 0;

	for (size_t i = 0; i < CHART_SERIES; i++)
		n += series & 1U << i ? bar->n[i] : 0;
	return n;
}

static void
add_bar(struct buf *out, const struct chart_bar *bar, size_t x, uint64_t top, unsigned series)
{
	double y = HEIGHT;

	buf_add_str(out, "<g>");
	html_put(out, "<title>$", H_STR(bar->title));
	for (size_t i = 0; i < CHART_SERIES; i++)
		if (series & 1U << i && bar->n[i] > 0)
			html_put(out, ", $ $", H_NUM(bar->n[i]), H_STR(actions[i].name));
	buf_add_str(out, "</title>");
	buf_printf(out, "<rect class=\"reach\" x=\"%zu\" y=\"0\" width=\"%d\" height=\"%d\"/>", x, WIDTH, HEIGHT);
	for (size_t i = 0; i < CHART_SERIES; i++) {
		if (!(series & 1U << i) || bar->n[i] == 0)
			continue;
		double high = (double)bar->n[i] * HEIGHT / (double)top;
		high = high < 1.5 ? 1.5 : high; /* one message among thousands is still seen */
		y = y > high ? y - high : 0;
		for (int grain = 0; grain < 2; grain++)
			buf_printf(out, "<rect class=\"%s %s\" x=\"%zu\" y=\"%.1f\" width=\"%d\" height=\"%.1f\"/>", grain ? "grain" : "seg",
			           action_word((enum action)i), x + 1, y, WIDTH - 2, high);
	}
	buf_add_str(out, "</g>");
}

/* Lines across, as wide as each action's grain wants. */
static void
add_patterns(struct buf *out)
{
	static const struct {
		enum action action;
		unsigned    step, thick;
	} grains[] = {
		{ ACTION_QUARANTINE, 6, 3 },
		{ ACTION_HOLD, 3, 1 },
		{ ACTION_DEFER, 4, 1 },
	};

	buf_add_str(out, "<svg class=\"patterns\" width=\"0\" height=\"0\" aria-hidden=\"true\" focusable=\"false\"><defs>");
	for (size_t i = 0; i < NELEMS(grains); i++)
		buf_printf(out,
		           "<pattern id=\"grain-%s\" patternUnits=\"userSpaceOnUse\" width=\"%u\" height=\"%u\">"
		           "<rect class=\"line\" width=\"%u\" height=\"%u\"/></pattern>",
		           action_word(grains[i].action), grains[i].step, grains[i].step, grains[i].step, grains[i].thick);
	buf_add_str(out, "</defs></svg>");
}

/* As many places as bars, so that each word stands below its own. */
static void
add_ticks(struct buf *out, const struct chart_bar *bars, size_t count)
{
	buf_add_str(out, "<div class=\"ticks\" aria-hidden=\"true\">");
	for (size_t i = 0; i < count; i++)
		html_put(out, "<span>$</span>", H_STR(bars[i].tick));
	buf_add_str(out, "</div>");
}

void
chart_stacked(struct buf *out, const struct chart_bar *bars, size_t count, unsigned series, const char *label, const char *described_by)
{
	uint64_t most = 1;

	for (size_t i = 0; i < count; i++)
		most = sum_of(&bars[i], series) > most ? sum_of(&bars[i], series) : most;
	uint64_t top = round_up(most);
	add_patterns(out);
	buf_add_str(out, "<div class=\"chart\"><div class=\"scale\" aria-hidden=\"true\">");
	html_put(out, "<span>$</span><span>$</span><span>0</span></div>", H_NUM(top), H_NUM(top / 2));
	html_put(out, "<svg class=\"bars\" viewBox=\"0 0 $ $\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"$\" aria-describedby=\"$\">",
	         H_INT(count * WIDTH), H_INT(HEIGHT), H_STR(label), H_STR(described_by));
	for (int i = 0; i <= 2; i++)
		buf_printf(out, "<line class=\"rule\" x1=\"0\" x2=\"%zu\" y1=\"%d\" y2=\"%d\"/>", count * WIDTH, i * HEIGHT / 2, i * HEIGHT / 2);
	for (size_t i = 0; i < count; i++)
		add_bar(out, &bars[i], i * WIDTH, top, series);
	buf_add_str(out, "</svg>");
	add_ticks(out, bars, count);
	buf_add_str(out, "</div>");
}

void
chart_share(struct buf *out, uint64_t n, uint64_t most)
{
	buf_printf(out, "<svg class=\"share\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
	                "<rect width=\"%.1f\" height=\"8\"/></svg>",
	           most > 0 ? 100.0 * (double)n / (double)most : 0.0);
}

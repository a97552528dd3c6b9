/* desk/trace_story.c: `trace ID`: the story of one message, as `check` tells it,
 * and what became of it behind us. */
#include "base/utf8.h"
#include "desk/account_text.h"
#include "desk/store_open.h"
#include "desk/story.h"
#include "desk/trace_job.h"
#include "desk/trace_view.h"
#include "session/account_json.h"
#include "store/held.h"

#define STORY_MEMORY ((size_t)256 << 20)

static void
add_deliveries(struct trace_job *job, const struct store_account *row)
{
	struct buf *out = &job->out;

	for (size_t i = 0; i < row->recipient_count; i++) {
		const struct store_recipient *r = &row->recipients[i];
		buf_add_str(out, i == 0 ? "recipients\n  " : "  ");
		text_add_safe(out, r->address);
		buf_add_str(out, "  ");
		text_add_safe(out, r->status.len > 0 ? r->status : r->action);
		if (r->next_hop.len > 0) {
			buf_add_str(out, ": ");
			text_add_safe(out, r->next_hop);
		}
		if (r->delivered_us > 0) {
			char time[VIEW_TIME_MAX];
			view_time(r->delivered_us, time);
			buf_printf(out, "  (%s)", time);
		}
		buf_add_c(out, '\n');
	}
}

static void
add_place(struct trace_job *job, const struct store_account *row)
{
	char time[VIEW_TIME_MAX];

	view_time(row->at_us, time);
	buf_printf(&job->out, "%-12s %s\n", "at", time);
	if (row->queue_id.len > 0) {
		buf_printf(&job->out, "%-12s ", "queue id");
		text_add_safe(&job->out, row->queue_id);
		buf_add_c(&job->out, '\n');
	}
}

/* What people made of a message that was kept here. */
static void
add_held(struct trace_job *job, struct arena *a, const struct store_account *row)
{
	struct store_held held;
	char              time[VIEW_TIME_MAX];

	if (held_get(job->store, a, row->id, &held) != RC_OK)
		return;
	view_time(held.changed_us, time);
	buf_printf(&job->out, "%-12s ", "quarantine");
	text_add_safe(&job->out, held.state);
	buf_printf(&job->out, " since %s, by ", time);
	text_add_safe(&job->out, held.changed_by);
	buf_add_c(&job->out, '\n');
}

/* The document that `check` prints, with one member more. */
static void
add_json(struct trace_job *job, const struct account *account, const struct store_account *row)
{
	struct json j = json_to(&job->out, false);

	account_json(&j, account);
	job->out.len -= job->out.len > 0; /* its brace */
	buf_add_str(&job->out, ",\"kept\":");
	view_json(&j, row);
	buf_add_str(&job->out, "}\n");
}

static int
tell(struct trace_job *job, struct arena *a, const struct store_account *row)
{
	struct bytes    why = B("");
	struct account *account = story_read(a, row->story, &why);

	if (account == NULL)
		return cli_fault(&job->cli, "%.*s: %.*s", B_FMT(row->id), B_FMT(why));
	if (job->cli.json) {
		add_json(job, account, row);
	} else {
		add_place(job, row);
		add_held(job, a, row);
		account_text(&job->out, &job->cli, account, NULL);
		add_deliveries(job, row);
	}
	return trace_put(job) ? CLI_FINE : cli_fault(&job->cli, "standard output cannot be written");
}

int
trace_story(struct trace_job *job, struct bytes id)
{
	struct arena        *a = arena_new(STORY_MEMORY);
	struct store_account row;
	int                  exit;

	enum rc rc = store_account_get(job->store, a, id, &row);
	if (rc == RC_LIMIT)
		exit = cli_fault(&job->cli, "%.*s is not kept: no such account, or already forgotten", B_FMT(id));
	else if (rc != RC_OK)
		exit = desk_store_fault(&job->cli, job->store, rc);
	else
		exit = tell(job, a, &row);
	arena_free(a);
	return exit;
}

/* desk/trace_replay.c: `trace replay`: judge kept messages again, under other
 * settings, from the answers that were kept. Nothing is asked anew. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/map.h"
#include "base/utf8.h"
#include "desk/store_open.h"
#include "desk/story.h"
#include "desk/trace_job.h"
#include "policy/judge.h"

#define STORY_MEMORY ((size_t)256 << 20)
#define EXAMPLES     3

/* Messages whose decision would change in the same way. */
struct change {
	struct bytes from_action, from_reason, to_action, to_reason, to_rule;
	uint64_t     count;
	struct bytes examples[EXAMPLES]; /* "ID  client  from domain" */
	struct bytes ids[EXAMPLES];
};

struct replay {
	struct trace_job *job;
	struct arena     *kept; /* for changes */
	struct arena     *one; /* for the account at hand */
	struct map        changes;
	uint64_t          judged, unreadable;
};

/* Whose mail is judged follows from the settings too, as far as the client is known. */
static void
stand_anew(const struct settings *s, struct facts *f)
{
	if (f->client.family == 0 || (f->standing != STANDING_FOREIGN && f->standing != STANDING_INTERNAL))
		return;
	f->standing = ip_in_list(&f->client, s->internal_networks.at, s->internal_networks.count) ? STANDING_INTERNAL : STANDING_FOREIGN;
}

static struct change *
change_for(struct replay *r, const struct decision *was, const struct decision *is)
{
	struct bytes name = arena_printf(r->one, "%d %d %d %d %.*s", was->action, was->reason, is->action, is->reason, B_FMT(is->rule));
	struct change *c = map_get(&r->changes, name);

	if (c != NULL)
		return c;
	c = arena_take(r->kept, sizeof(*c));
	if (c == NULL || map_set(&r->changes, arena_copy(r->kept, name), c) != RC_OK)
		return NULL;
	*c = (struct change){
		.from_action = bytes_of(action_word(was->action)),
		.from_reason = bytes_of(reason_word(was->reason)),
		.to_action = bytes_of(action_word(is->action)),
		.to_reason = bytes_of(reason_word(is->reason)),
		.to_rule = arena_copy(r->kept, is->rule),
	};
	return c;
}

static void
note_change(struct replay *r, const struct account *account, const struct decision *is)
{
	struct change *c = change_for(r, &account->decision, is);
	char           ip[IP_TEXT_MAX];

	if (c == NULL)
		return;
	if (c->count < EXAMPLES) {
		ip_format(&account->facts.client, ip);
		c->ids[c->count] = arena_copy(r->kept, bytes_of(account->id));
		c->examples[c->count] = arena_printf(r->kept, "%s  %s  %.*s", account->id, ip, B_FMT(account->facts.mailbox.domain));
	}
	c->count++;
}

static bool
judge_again(void *arg, const struct store_account *row)
{
	struct replay  *r = arg;
	struct bytes    why;
	struct account *account = story_read(r->one, row->story, &why);

	if (account == NULL) {
		r->unreadable++;
	} else {
		stand_anew(r->job->desk.settings, &account->facts);
		struct decision d = judge(r->one, r->job->desk.settings, r->job->desk.suffix, &account->facts, account->id);
		r->judged++;
		if (d.action != account->decision.action || d.reason != account->decision.reason)
			note_change(r, account, &d);
	}
	arena_reset(r->one);
	return true;
}

/* ---- telling ---- */

static int
most_first(const void *a, const void *b)
{
	const struct change *x = *(const struct change *const *)a, *y = *(const struct change *const *)b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	int order = bytes_order(x->to_reason, y->to_reason);
	return order != 0 ? order : bytes_order(x->from_reason, y->from_reason);
}

static struct change **
in_order(struct replay *r, uint64_t *sum_out)
{
	struct change        **all = arena_take_array(r->kept, r->changes.count, sizeof(struct change *));
	const struct map_slot *slot;
	size_t                 count = 0;

	*sum_out = 0;
	for (size_t i = 0; all != NULL && (slot = map_next(&r->changes, &i)) != NULL;) {
		all[count++] = slot->value;
		*sum_out += all[count - 1]->count;
	}
	if (all != NULL)
		qsort(all, count, sizeof(struct change *), most_first);
	return all;
}

static void
tell_text(struct replay *r, struct change *const *all, uint64_t sum)
{
	struct buf *out = &r->job->out;
	bool        monitor = r->job->desk.settings->mode == MODE_MONITOR;

	buf_printf(out, "%llu judged again, %llu would change", (unsigned long long)r->judged, (unsigned long long)sum);
	if (r->unreadable > 0)
		buf_printf(out, ", %llu could not be read", (unsigned long long)r->unreadable);
	buf_add_str(out, monitor ? " (and none of it be enforced: mode = monitor)\n" : "\n");
	for (size_t i = 0; i < r->changes.count; i++) {
		const struct change *c = all[i];
		buf_printf(out, "\n%8llu  ", (unsigned long long)c->count);
		text_add_safe(out, c->from_action);
		buf_printf(out, " [%.*s] -> ", B_FMT(c->from_reason));
		cli_paint(&r->job->cli, out, bytes_eq(c->to_action, B("accept")) ? CLI_GOOD : CLI_BAD, c->to_action);
		buf_printf(out, " [%.*s]  by ", B_FMT(c->to_reason));
		text_add_safe(out, c->to_rule);
		buf_add_c(out, '\n');
		for (size_t k = 0; k < EXAMPLES && k < c->count; k++) {
			buf_add_str(out, "            ");
			text_add_safe(out, c->examples[k]);
			buf_add_c(out, '\n');
		}
	}
}

static void
json_side(struct json *j, const char *key, struct bytes action, struct bytes reason)
{
	json_key(j, key);
	json_open_object(j);
	json_kv_text(j, "action", action);
	json_kv_text(j, "reason", reason);
	json_close_object(j);
}

static void
tell_json(struct replay *r, struct change *const *all, uint64_t sum)
{
	struct json j = json_to(&r->job->out, false);

	json_open_object(&j);
	json_kv_int(&j, "judged", (int64_t)r->judged);
	json_kv_int(&j, "changed", (int64_t)sum);
	json_kv_int(&j, "unreadable", (int64_t)r->unreadable);
	json_kv_bool(&j, "monitor", r->job->desk.settings->mode == MODE_MONITOR);
	json_key(&j, "changes");
	json_open_array(&j);
	for (size_t i = 0; i < r->changes.count; i++) {
		json_open_object(&j);
		json_kv_int(&j, "count", (int64_t)all[i]->count);
		json_side(&j, "from", all[i]->from_action, all[i]->from_reason);
		json_side(&j, "to", all[i]->to_action, all[i]->to_reason);
		json_kv_text_or_null(&j, "rule", all[i]->to_rule);
		json_key(&j, "examples");
		json_open_array(&j);
		for (size_t k = 0; k < EXAMPLES && k < all[i]->count; k++)
			json_text(&j, all[i]->ids[k]);
		json_close_array(&j);
		json_close_object(&j);
	}
	json_close_array(&j);
	json_close_object(&j);
	buf_add_c(&r->job->out, '\n');
}

static int
tell(struct replay *r)
{
	uint64_t        sum;
	struct change **all = in_order(r, &sum);

	if (all == NULL || arena_overdrawn(r->kept))
		return cli_fault(&r->job->cli, "not enough memory");
	if (r->job->cli.json)
		tell_json(r, all, sum);
	else
		tell_text(r, all, sum);
	return trace_put(r->job) ? CLI_FINE : cli_fault(&r->job->cli, "standard output cannot be written");
}

int
trace_replay(struct trace_job *job, struct bytes id)
{
	struct replay r = { .job = job, .kept = arena_new(STORY_MEMORY), .one = arena_new(STORY_MEMORY) };
	int           exit;
	enum rc       rc;

	if (id.len > 0) {
		struct arena        *a = arena_new(STORY_MEMORY);
		struct store_account row;
		rc = store_account_get(job->store, a, id, &row);
		if (rc == RC_OK)
			judge_again(&r, &row);
		arena_free(a);
	} else {
		rc = trace_each(job, true, judge_again, &r);
	}
	if (rc == RC_LIMIT)
		exit = cli_fault(&job->cli, "%.*s is not kept: no such account, or already forgotten", B_FMT(id));
	else if (rc != RC_OK)
		exit = desk_store_fault(&job->cli, job->store, rc);
	else
		exit = tell(&r);
	map_free(&r.changes);
	arena_free(r.kept);
	arena_free(r.one);
	return exit;
}

/* diagnose/report_json.c: the document of `mailreeve explain --json`. */
#include "diagnose/explain.h"

#include "base/json.h"
#include "diagnose/path.h"

static void
json_lines(struct json *j, const char *key, struct bytes lines)
{
	struct bytes line;

	json_key(j, key);
	json_open_array(j);
	while (lines.len > 0 && bytes_cut(&lines, '\n', &line))
		if (line.len > 0)
			json_text(j, line);
	json_close_array(j);
}

static void
json_rejected_by(struct json *j, const struct bounce_verdict *v)
{
	json_key(j, "rejected_by");
	json_open_object(j);
	json_kv_text_or_null(j, "host", v->reply.host);
	json_kv_text_or_null(j, "ip", v->reply.ip);
	json_kv_word(j, "provider", provider_word(v->providers));
	json_close_object(j);
}

/* The contract knows no "eom": a refusal after the message is one of DATA. */
static const char *
stage_of(enum stage s)
{
	return s == STAGE_EOM ? "data" : stage_word(s);
}

static void
json_reply(struct json *j, const struct bounce_verdict *v)
{
	json_key(j, "reply");
	json_open_object(j);
	json_kv_text_or_null(j, "code", v->reply.code);
	json_kv_text_or_null(j, "enhanced", v->reply.enhanced);
	json_kv_text_or_null(j, "text", v->reply.text);
	json_kv_word(j, "stage", stage_of(v->reply.stage));
	json_close_object(j);
}

static void
json_checked(struct json *j, const struct bounce_verdict *v, const char *at)
{
	json_key(j, "checked");
	json_open_array(j);
	for (size_t i = 0; i < v->checked_count; i++) {
		json_open_object(j);
		json_kv_word(j, "check", v->checked[i].check);
		json_kv_word(j, "state", check_state_word(v->checked[i].state));
		json_kv_text_or_null(j, "evidence", v->checked[i].evidence);
		json_kv_str(j, "at", at);
		json_close_object(j);
	}
	json_close_array(j);
}

static void
json_verdict(struct json *j, struct arena *a, const struct explained *x, size_t i, enum reader reader, const char *at)
{
	const struct bounce_verdict    *v = &x->list[i];
	const struct answer_row *w = v->answer;

	json_open_object(j);
	json_kv_text_or_null(j, "recipient", v->said->recipient);
	json_kv_text_or_null(j, "original_recipient", v->said->original);
	json_kv_int(j, "n", (int64_t)i + 1);
	json_rejected_by(j, v);
	json_kv_text_or_null(j, "reported_by", x->reading->reporter);
	json_reply(j, v);
	json_kv_word(j, "category", w->category);
	json_kv_word(j, "reason", w->reason);
	json_kv_str(j, "rule", v->own != NULL ? v->own->word : v->rule != NULL ? v->rule->id : NULL);
	json_kv_word(j, "confidence", confidence_word(v->confidence));
	json_kv_bool(j, "permanent", v->permanent);
	json_kv_bool(j, "hard", v->hard);
	json_kv_word(j, "retry", retry_word(v->kind == KIND_DELAYED ? RETRY_LATER : w->retry));
	json_kv_word(j, "suppress", suppress_word(v->suppress));
	json_kv_word(j, "scope", scope_word(w->scope));
	json_kv_word(j, "owner", owner_word(w->owner));
	json_kv_text_or_null(j, "cause", advice_cause(a, v));
	json_lines(j, "steps", advice_steps(a, v, reader));
	json_kv_text_or_null(j, "expect", advice_expect(a, v));
	json_kv_bool(j, "contradiction", v->contradiction);
	json_kv_word(j, "action", kind_word(v->kind));
	json_kv_str(j, "source", v->rule != NULL ? v->rule->source : NULL);
	json_checked(j, v, at);
	json_close_object(j);
}

void
explained_json(struct json *j, struct arena *a, const struct explained *x, enum reader reader, const char *at)
{
	json_open_object(j);
	json_kv_word(j, "kind", kind_word(x->reading->kind));
	json_kv_text_or_null(j, "file", x->file);
	if (x->proven == PROVEN_UNKNOWN)
		json_kv_null(j, "proven");
	else
		json_kv_bool(j, "proven", x->proven == PROVEN_YES);
	json_kv_text_or_null(j, "account", x->account);
	json_key(j, "reports");
	json_open_array(j);
	for (size_t i = 0; i < x->count; i++)
		json_verdict(j, a, x, i, reader, at);
	json_close_array(j);
	path_json(j, a, x);
	json_close_object(j);
}

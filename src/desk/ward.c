/* desk/ward.c: see ward.h. */
#include "desk/ward.h"

#include "base/codec.h"
#include "policy/settings.h"

/* A person waits for it. */
#define SMTP_WAIT_MS 20000

enum rc
ward_find(struct visit *v, struct bytes id, struct ward *w)
{
	struct store *s = desk_store(v->desk, v->arena);

	*w = (struct ward){ .visit = v };
	if (s == NULL)
		return RC_IO;
	return id_is(id) ? held_get(s, v->arena, id_kept(v->arena, id), &w->held) : RC_LIMIT;
}

void
ward_note(struct ward *w, const char *deed, struct bytes detail)
{
	struct visit *v = w->visit;

	audit_note(v->desk->store, v->who->name, deed, w->held.id, bytes_sub(detail, 0, 500), visit_client(v));
}

bool
ward_has(const struct ward *w)
{
	struct bytes        why;
	const struct vault *v = desk_vault(w->visit->desk, w->visit->arena, &why);

	return v == NULL || bytes_eq(w->held.vault, vault_name(v));
}

/* False: `why_out` says why there is no vault. */
static bool
open_release(struct ward *w, struct arena *a, struct release *r, struct bytes *why_out)
{
	struct desk *d = w->visit->desk;

	*r = (struct release){ d->store, desk_vault(d, a, why_out), d->with.settings->hostname, w->visit->who->name, SMTP_WAIT_MS };
	return r->vault != NULL;
}

static enum rc
conclude(struct ward *w, struct arena *a, enum rc rc, const char *good, const char *bad, struct bytes why)
{
	struct store_held now;

	ward_note(w, rc == RC_OK ? good : bad, why);
	if (rc == RC_OK && held_get(w->visit->desk->store, a, w->held.id, &now) == RC_OK)
		w->held = now;
	return rc;
}

enum rc
ward_release(struct ward *w, struct arena *a, struct bytes *why_out)
{
	const struct bytes_list *set = &w->visit->desk->with.settings->store_release_to;
	struct release           r;
	struct endpoint          to;
	const char              *sentence = "";
	enum rc                  rc = RC_IO;

	if (set->count == 0)
		*why_out = B("store { release_to = ... } is not set");
	else if (endpoint_parse(set->at[0], &to, &sentence) != RC_OK)
		*why_out = bytes_of(sentence);
	else if (open_release(w, a, &r, why_out))
		rc = release_send(&r, a, &w->held, &to, why_out);
	return conclude(w, a, rc, "quarantine.release", "quarantine.release-failed", *why_out);
}

enum rc
ward_delete(struct ward *w, struct arena *a, struct bytes *why_out)
{
	struct release r;
	enum rc        rc = open_release(w, a, &r, why_out) ? release_delete(&r, a, &w->held, why_out) : RC_IO;

	return conclude(w, a, rc, "quarantine.delete", "quarantine.delete-failed", *why_out);
}

enum rc
ward_text(struct ward *w, struct arena *a, struct bytes *text_out, bool *more_out, struct bytes *why_out)
{
	struct buf     copy = { 0 };
	struct release r;
	enum rc        rc = RC_IO;

	if (open_release(w, a, &r, why_out))
		rc = release_read(&r, a, &w->held, WARD_SHOWN + 1, &copy, why_out);
	if (rc == RC_OK) {
		*text_out = arena_copy(a, bytes_sub(buf_bytes(&copy), 0, WARD_SHOWN));
		*more_out = copy.len > WARD_SHOWN;
	}
	buf_free(&copy);
	return rc;
}

unsigned
ward_status(enum rc rc)
{
	switch (rc) {
	case RC_LIMIT:
		return 409;
	case RC_SYNTAX:
		return 502;
	default:
		return 503;
	}
}

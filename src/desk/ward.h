/* desk/ward.h: one kept message as the web side handles it: found, read, sent on,
 * deleted, each noted in the audit trail. For pages and API alike. */
#ifndef DESK_WARD_H
#define DESK_WARD_H

#include "desk/release.h"
#include "desk/visit.h"

struct ward {
	struct visit     *visit;
	struct store_held held;
};

/* RC_LIMIT: no such message; else the store's trouble. The row lies in the arena. */
enum rc ward_find(struct visit *, struct bytes id, struct ward *ward_out) MUST_USE;

/* As for release.h; what was done or not is noted. On success `held` is as it is now. */
enum rc ward_release(struct ward *, struct arena *, struct bytes *why_out) MUST_USE;
enum rc ward_delete(struct ward *, struct arena *, struct bytes *why_out) MUST_USE;
/* Its text as it came, up to WARD_SHOWN octets; *more_out: there is more. */
#define WARD_SHOWN ((size_t)64 << 10)
enum rc ward_text(struct ward *, struct arena *, struct bytes *text_out, bool *more_out, struct bytes *why_out) MUST_USE;

/* Does its copy lie in our vault? Also where the vault cannot be opened: reading will say why. */
bool     ward_has(const struct ward *);
void     ward_note(struct ward *, const char *deed, struct bytes detail);
/* Of HTTP, for what was not done. */
unsigned ward_status(enum rc);

#endif

/* desk/story.h: a kept story (docs/json.md, session/account_json.h) back as an
 * account, to be told or judged again. */
#ifndef DESK_STORY_H
#define DESK_STORY_H

#include "session/account.h"

/* Everything lies in the arena. NULL and a sentence when it is not the story of
 * an account, was made by a version that knows more words than this one, or
 * memory is spent. */
struct account *story_read(struct arena *, struct bytes text, struct bytes *why_out);

#endif

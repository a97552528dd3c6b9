/* desk/account_text.h: an account as an indented story for a person. */
#ifndef DESK_ACCOUNT_TEXT_H
#define DESK_ACCOUNT_TEXT_H

#include "desk/cli.h"
#include "session/account.h"

/* Everything from outside is made safe to show. `check` NULL: the whole story,
 * with decision, reply and header; else only the lines of that check. */
void account_text(struct buf *, const struct cli *, const struct account *, const char *check);

#endif

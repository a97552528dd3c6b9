/* session/account_json.h: an account as the JSON that docs/json.md describes. */
#ifndef SESSION_ACCOUNT_JSON_H
#define SESSION_ACCOUNT_JSON_H

#include "base/json.h"
#include "session/account.h"

/* The whole document of `check`. Lean, it is what is kept: without what is null,
 * and without lines that stand there twice; story_read() of the desk takes both. */
void account_json(struct json *, const struct account *);
/* Its parts, each a value. */
void account_json_spf(struct json *, const struct account *, const struct spf_fact *, const char *check);
void account_json_dkim(struct json *, const struct account *);
void account_json_dmarc(struct json *, const struct account *);
void account_json_lines(struct json *, const struct account *, const char *check); /* NULL: all lines */

#endif

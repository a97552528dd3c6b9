/* desk/settings_load.h: settings for a verb: --config FILE, or the defaults. */
#ifndef DESK_SETTINGS_LOAD_H
#define DESK_SETTINGS_LOAD_H

#include "auth/suffix.h"
#include "base/conf.h"
#include "desk/cli.h"
#include "session/session.h"

struct settings;

struct desk_env {
	const struct settings *settings;
	struct suffix         *suffix;
	struct session_env     env; /* points into the two above */
};

/* Each with its place, on standard error. */
void desk_tell_faults(const struct cli *, const struct conf_faults *);

/* For verbs of the running gateway: without --config, the file of this host if it is there. */
void settings_of_host(struct cli *);

/* What the settings say of public suffixes, for who needs it longer than them. NULL: a fault was told. */
struct suffix *desk_suffix_open(const struct cli *, const struct settings *) MUST_USE;

/* False when a fault was told on standard error: end with cli->exit. With
 * `authserv_id` the settings' own is replaced; NULL leaves it. */
bool desk_env_open(struct desk_env *, struct cli *, const char *authserv_id);
void desk_env_close(struct desk_env *);

#endif

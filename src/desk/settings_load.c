/* desk/settings_load.c: see settings_load.h. */
#include "desk/settings_load.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "auth/openssl.h"
#include "base/file.h"
#include "desk/conf_files.h"
#include "mail/domain.h"
#include "policy/settings.h"

void
desk_tell_faults(const struct cli *cli, const struct conf_faults *faults)
{
	for (size_t i = 0; i < faults->count; i++) {
		const struct conf_fault *f = &faults->at[i];
		cli_fault(cli, "%.*s:%u:%u: %.*s", B_FMT(f->at.file), f->at.line, f->at.column, B_FMT(f->text));
	}
	if (faults->more)
		cli_fault(cli, "and more faults");
}

struct suffix *
desk_suffix_open(const struct cli *cli, const struct settings *s)
{
	struct buf     list = { .limit = (size_t)64 << 20 };
	struct suffix *suffix = NULL;

	if (s->dmarc_suffix_list.len > 0 && file_read(s->dmarc_suffix_list.at, &list) != RC_OK) {
		cli_fault(cli, "%s: %s", s->dmarc_suffix_list.at, strerror(errno));
		return NULL;
	}
	suffix = suffix_new(buf_bytes(&list));
	if (suffix == NULL && s->dmarc_suffix_list.len > 0)
		cli_fault(cli, "%s: no Public Suffix List in it", s->dmarc_suffix_list.at);
	else if (suffix == NULL)
		cli_fault(cli, "libpsl has no list built in; set dmarc { suffix_list = ... }");
	buf_free(&list);
	return suffix;
}

void
settings_of_host(struct cli *cli)
{
	if (cli->config == NULL && access(SETTINGS_FILE, F_OK) == 0)
		cli->config = SETTINGS_FILE;
}

/* Judging must not find them missing in the middle of a mail: its verdict would hang on them. */
static bool
may_judge(const struct cli *cli)
{
	struct library *const wanted[] = { &openssl_library, &domain_library, &suffix_library };
	const char           *missing = NULL;

	for (size_t i = 0; i < NELEMS(wanted) && missing == NULL; i++)
		missing = library_missing(wanted[i]);
	if (missing != NULL)
		cli_fault(cli, "%s", missing);
	return missing == NULL;
}

bool
desk_env_open(struct desk_env *d, struct cli *cli, const char *authserv_id)
{
	struct arena      *a = arena_new(CONF_MEMORY_MAX);
	struct conf_faults faults = { .count = 0 };
	char               hostname[256] = "";
	struct settings   *s;

	*d = (struct desk_env){ .settings = NULL };
	if (gethostname(hostname, sizeof(hostname) - 1) != 0)
		hostname[0] = '\0';
	struct bytes path = cli->config != NULL ? bytes_of(cli->config) : B("");
	s = may_judge(cli) ? settings_read(a, conf_files(), path, bytes_of(hostname), &faults) : NULL;
	if (s == NULL)
		desk_tell_faults(cli, &faults);
	arena_free(a);
	d->suffix = s != NULL ? desk_suffix_open(cli, s) : NULL;
	if (d->suffix == NULL) {
		settings_unref(s);
		cli->exit = CLI_USE;
		return false;
	}
	/* Nobody else has it yet, so it may still be changed. */
	if (authserv_id != NULL)
		s->authserv_id = bytes_of(authserv_id);
	d->settings = s;
	d->env = (struct session_env){ .settings = s, .suffix = d->suffix, .hostname = s->hostname };
	return true;
}

void
desk_env_close(struct desk_env *d)
{
	settings_unref(d->settings);
	suffix_free(d->suffix);
	*d = (struct desk_env){ .settings = NULL };
}

/* desk/conf_files.c: see conf_files.h. */
#include "desk/conf_files.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

static bool
file_text(void *arg, struct arena *a, struct bytes path, struct bytes *text_out, struct bytes *why_out)
{
	struct buf   text = { .limit = CONF_FILE_MAX };
	struct bytes name = arena_copy(a, path);

	(void)arg;
	if (name.at == NULL || bytes_has(name, '\0')) {
		*why_out = B("not a path");
		return false;
	}
	enum rc rc = file_read(name.at, &text);
	if (rc == RC_OK)
		*text_out = arena_copy(a, buf_bytes(&text));
	else
		*why_out = rc == RC_IO ? arena_copy(a, bytes_of(strerror(errno))) : B("larger than one megabyte");
	buf_free(&text);
	return rc == RC_OK && text_out->at != NULL;
}

/* Canonical, so that one file by two names is seen to be one. */
static struct bytes
canonical(struct arena *a, const char *path)
{
	char        real[PATH_MAX];
	const char *name = realpath(path, real) != NULL ? real : path;

	return arena_copy(a, bytes_of(name));
}

static bool
file_names(void *arg, struct arena *a, struct bytes pattern, struct bytes **paths_out, size_t *count_out)
{
	struct bytes name = arena_copy(a, pattern);
	glob_t       found;
	int          flags = 0;

	(void)arg;
	if (name.at == NULL || bytes_has(name, '\0'))
		return false;
	/* A plain name stands for itself, so that a missing file is told. */
	if (strpbrk(name.at, "*?[") == NULL)
		flags |= GLOB_NOCHECK;
	int rc = glob(name.at, flags, NULL, &found);
	if (rc == GLOB_NOMATCH) {
		*count_out = 0;
		return true;
	}
	if (rc != 0)
		return false;
	struct bytes *paths = arena_take_array(a, found.gl_pathc, sizeof(*paths));
	for (size_t i = 0; paths != NULL && i < found.gl_pathc; i++)
		paths[i] = canonical(a, found.gl_pathv[i]);
	*paths_out = paths;
	*count_out = found.gl_pathc;
	globfree(&found);
	return paths != NULL;
}

static bool
variable(void *arg, struct arena *a, struct bytes name, struct bytes *value_out)
{
	struct bytes copy = arena_copy(a, name);
	const char  *value = copy.at != NULL ? getenv(copy.at) : NULL;

	(void)arg;
	*value_out = bytes_of(value);
	return value != NULL;
}

const struct conf_host *
conf_files(void)
{
	static const struct conf_host host = { file_text, file_names, variable, NULL };

	return &host;
}

/* desk/caught.h: for tests only: what a verb writes to standard output or error. */
#ifndef DESK_CAUGHT_H
#define DESK_CAUGHT_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

struct caught {
	FILE *file;
	int   fd, saved;
};

static inline FILE *
caught_stream(int fd)
{
	return fd == STDOUT_FILENO ? stdout : stderr;
}

static inline struct caught
caught_begin(int fd)
{
	struct caught c = { tmpfile(), fd, -1 };

	fflush(caught_stream(fd));
	c.saved = dup(fd);
	if (c.file == NULL || c.saved < 0 || dup2(fileno(c.file), fd) < 0)
		abort();
	return c;
}

static inline struct buf
caught_end(struct caught *c)
{
	struct buf text = { 0 };

	fflush(caught_stream(c->fd));
	if (dup2(c->saved, c->fd) < 0 || fseek(c->file, 0, SEEK_SET) != 0 || file_read_fd(fileno(c->file), &text) != RC_OK)
		abort();
	close(c->saved);
	fclose(c->file);
	return text;
}

#endif

/* base/file.h: whole files into memory. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"

/* Read all of `path` ("-": standard input) into `out`, at most out->limit
 * octets (0: no limit). RC_IO with errno set, RC_LIMIT, RC_MEMORY. */
enum rc file_read(const char *path, struct buf *out) MUST_USE;
enum rc file_read_fd(int fd, struct buf *out) MUST_USE;

#endif

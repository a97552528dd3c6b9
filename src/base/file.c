/* base/file.c: see file.h. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Read until there is no more: to ask for the size first would cost as much as the last, empty read. */
enum rc
file_read_fd(int fd, struct buf *out)
{
	size_t limit = out->limit;
	enum rc rc = RC_OK;

	out->limit = 0; /* ours to judge: a read may ask for more room than is left */
	for (;;) {
		if (!buf_reserve(out, 65536)) {
			rc = RC_MEMORY;
			break;
		}
		ssize_t n = read(fd, out->at + out->len, out->room - out->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			rc = RC_IO;
		if (n <= 0)
			break;
		out->len += (size_t)n;
		if (limit != 0 && out->len > limit) {
			rc = RC_LIMIT;
			break;
		}
	}
	out->limit = limit;
	return rc;
}

enum rc
file_read(const char *path, struct buf *out)
{
	if (strcmp(path, "-") == 0)
		return file_read_fd(STDIN_FILENO, out);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return RC_IO;
	enum rc rc = file_read_fd(fd, out);
	int     saved = errno;
	close(fd);
	errno = saved;
	return rc;
}

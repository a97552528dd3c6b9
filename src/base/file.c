/* base/file.c: see file.h. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a file holds; 0 where that is not known before it is read. */
static size_t
size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 && st.st_size < (off_t)1 << 30 ? (size_t)st.st_size : 0;
}

enum rc
file_read_fd(int fd, struct buf *out)
{
	size_t limit = out->limit;
	enum rc rc = RC_OK;

	out->limit = 0; /* ours to judge: a read may ask for more room than is left */
	size_t left = size_of(fd); /* as far as it is known */

	for (;;) {
		if (!buf_reserve(out, left > 0 ? left : 65536)) {
			rc = RC_MEMORY;
			break;
		}
		ssize_t n = read(fd, out->at + out->len, left > 0 ? left : out->room - out->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			rc = RC_IO;
		if (n <= 0)
			break;
		out->len += (size_t)n;
		bool whole = (size_t)n == left;
		left -= (size_t)n < left ? (size_t)n : left;
		if (limit != 0 && out->len > limit) {
			rc = RC_LIMIT;
			break;
		}
		if (whole)
			break;
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

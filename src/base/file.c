/* base/file.c: see file.h. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define READ_ROOM 65536
#define SECTOR    512

/* What has places at all (a pipe has none) is a file, and less than was asked for is its end (POSIX, read()), or what
 * stands in front of a fault of the disk, which is whole sectors. The empty read that would say so is spared of others,
 * and to ask for the size would cost as much. */
static bool
read_at_once(int fd, struct buf *out)
{
	ssize_t n = pread(fd, out->at + out->len, out->room - out->len, 0);

	if (n < 0 || (size_t)n == out->room - out->len || n % SECTOR == 0)
		return false;
	out->len += (size_t)n;
	return true;
}

enum rc
file_read_fd(int fd, struct buf *out)
{
	size_t limit = out->limit;
	enum rc rc = RC_OK;

	out->limit = 0; /* ours to judge: a read may ask for more room than is left */
	for (;;) {
		if (!buf_reserve(out, READ_ROOM)) {
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
file_read_opened(int fd, struct buf *out)
{
	/* A buffer that may not have so much room asks bit by bit. */
	if ((out->limit != 0 && out->limit - out->len < READ_ROOM) || !buf_reserve(out, READ_ROOM) || !read_at_once(fd, out))
		return file_read_fd(fd, out);
	return out->limit != 0 && out->len > out->limit ? RC_LIMIT : RC_OK;
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

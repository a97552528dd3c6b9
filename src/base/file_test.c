/* base/file_test.c: a file is read whole, whatever its size and whatever it is. */
#include "base/rows.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

static char folder[] = "/tmp/file_test.XXXXXX";

/* ---- a disk that has a fault ---- */

static off_t fault_at; /* 0: none */

ssize_t __real_read(int, void *, size_t);
ssize_t __wrap_read(int, void *, size_t);

/* A read goes up to the fault; the next one meets it. */
ssize_t
__wrap_read(int fd, void *at, size_t n)
{
	off_t from = fault_at != 0 ? lseek(fd, 0, SEEK_CUR) : 0;

	if (fault_at != 0 && from == fault_at) {
		errno = EIO;
		return -1;
	}
	return __real_read(fd, at, fault_at != 0 && n > (size_t)(fault_at - from) ? (size_t)(fault_at - from) : n);
}

/* ---- the rows ---- */

static const char *
name_of(const char *file)
{
	static char name[sizeof(folder) + 40];

	snprintf(name, sizeof(name), "%s/%s", folder, file);
	return name;
}

static char
octet_at(size_t i)
{
	return (char)(i * 7 + i / 251);
}

static void
assert_read(const char *path, size_t size)
{
	struct buf text = { 0 };

	assert_int_equal(file_read(path, &text), RC_OK);
	assert_int_equal(text.len, size);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(text.at[i], octet_at(i));
	buf_free(&text);
}

static void
write_octets(int fd, size_t from, size_t n)
{
	for (size_t i = from; i < from + n; i++) {
		char c = octet_at(i);
		if (write(fd, &c, 1) != 1)
			_exit(1);
	}
}

static const struct size_row {
	const char *claim;
	size_t      size;
} sizes[] = {
	{ "an empty file", 0 },
	{ "a file of one octet", 1 },
	{ "a file of a sector", 512 },
	{ "a file of one octet less than is asked for", 65535 },
	{ "a file of just as much", 65536 },
	{ "a file of one octet more", 65537 },
	{ "a file of several times as much", 200000 },
};

static void
check_size(void **state)
{
	const struct size_row *row = *state;
	int                    fd = open(name_of("a"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	write_octets(fd, 0, row->size);
	close(fd);
	assert_read(name_of("a"), row->size);
}

static void
a_pipe_is_read_until_it_is_closed(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(name_of("pipe"), 0600), 0);
	pid_t child = fork();
	if (child == 0) {
		int fd = open(name_of("pipe"), O_WRONLY);
		write_octets(fd, 0, 1000); /* an octet each: no read sees it all */
		usleep(20000);
		write_octets(fd, 1000, 70000);
		_exit(0);
	}
	assert_true(child > 0);
	assert_read(name_of("pipe"), 71000);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	unlink(name_of("pipe"));
}

/* What stands in front of it must not pass for the whole. */
static void
a_fault_of_the_disk_is_told(void **state)
{
	int fd = open(name_of("a"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	(void)state;
	write_octets(fd, 0, 10000);
	close(fd);
	struct buf text = { 0 };
	fault_at = 4096;
	enum rc rc = file_read(name_of("a"), &text);
	fault_at = 0;
	assert_int_equal(rc, RC_IO);
	assert_int_equal(errno, EIO);
	buf_free(&text);
}

/* The kernel gives of them what is ready, a page or less. */
static void
what_is_made_while_it_is_read_is_read_whole(void **state)
{
	struct buf text = { 0 };
	char       first[65536];

	(void)state;
	int fd = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		skip();
	ssize_t n = read(fd, first, sizeof(first));
	close(fd);
	assert_in_range(n, 1, sizeof(first) - 1);
	assert_int_equal(file_read("/proc/self/smaps", &text), RC_OK);
	assert_true(text.len > (size_t)n);
	buf_free(&text);
}

static void
what_was_begun_is_read_on(void **state)
{
	struct buf text = { 0 };
	char       c;

	(void)state;
	int fd = open(name_of("a"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	write_octets(fd, 0, 10);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(read(fd, &c, 1), 1);
	assert_int_equal(file_read_fd(fd, &text), RC_OK);
	assert_int_equal(text.len, 9);
	buf_free(&text);
	close(fd);
}

static const struct limit_row {
	const char *claim;
	size_t      size, limit;
	enum rc     want;
} limits[] = {
	{ "a file that is as large as it may be", 100, 100, RC_OK },
	{ "a file that is larger", 101, 100, RC_LIMIT },
	{ "a file as large as it may be, of more than is asked for at once", 70000, 70000, RC_OK },
	{ "such a file that is larger", 70001, 70000, RC_LIMIT },
};

static void
check_limit(void **state)
{
	const struct limit_row *row = *state;
	struct buf              text = { 0 };
	int                     fd = open(name_of("a"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	write_octets(fd, 0, row->size);
	close(fd);
	for (size_t room = 0; room < 300000; room += 250000) { /* an empty buffer, and one that was used before */
		assert_true(room == 0 || buf_reserve(&text, room));
		buf_clear(&text);
		text.limit = row->limit;
		assert_int_equal(file_read(name_of("a"), &text), row->want);
		assert_int_equal(text.limit, row->limit);
		if (row->want == RC_OK)
			assert_int_equal(text.len, row->size);
		text.limit = 0;
	}
	buf_free(&text);
}

static void
what_is_no_file_is_told(void **state)
{
	struct buf text = { 0 };

	(void)state;
	assert_int_equal(file_read(folder, &text), RC_IO);
	assert_int_equal(errno, EISDIR);
	assert_int_equal(file_read(name_of("missing"), &text), RC_IO);
	assert_int_equal(errno, ENOENT);
	buf_free(&text);
}

int
main(void)
{
	if (mkdtemp(folder) == NULL)
		return 1;
	ROWS_ADD(sizes, check_size);
	rows_add("a pipe is read until it is closed", a_pipe_is_read_until_it_is_closed, NULL);
	rows_add("a fault of the disk is told", a_fault_of_the_disk_is_told, NULL);
	rows_add("what is made while it is read is read whole", what_is_made_while_it_is_read_is_read_whole, NULL);
	rows_add("of what somebody has read from, the rest is read", what_was_begun_is_read_on, NULL);
	ROWS_ADD(limits, check_limit);
	rows_add("a directory and what is not there are told apart", what_is_no_file_is_told, NULL);
	int status = rows_run("file");
	unlink(name_of("a"));
	unlink(name_of("pipe"));
	rmdir(folder);
	return status;
}

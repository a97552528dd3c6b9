/* refuse.c: a library for LD_PRELOAD that refuses memory once main() runs.
 *
 * REFUSE_AT=n      the n-th allocation is refused (from 1)
 * REFUSE_ALL=1     and every later one
 * REFUSE_COUNT=f   at the end, the number of allocations is written to file f */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
int          __libc_start_main(int (*entry)(int, char **, char **), int argc, char **argv, void (*init)(void), void (*fini)(void),
                               void (*rtld_fini)(void), void *stack_end);

static _Atomic unsigned long count;
static unsigned long         refuse_at;
static bool                  refuse_all, running;
static const char           *count_path;
static int (*real_main)(int, char **, char **);

static bool
refused(void)
{
	if (!running)
		return false;
	unsigned long n = atomic_fetch_add(&count, 1) + 1;
	if (refuse_at == 0 || n < refuse_at || (n > refuse_at && !refuse_all))
		return false;
	errno = ENOMEM;
	return true;
}

void *
malloc(size_t n)
{
	return refused() ? NULL : __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	return refused() ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *old, size_t n)
{
	return refused() ? NULL : __libc_realloc(old, n);
}

static void
tell(void)
{
	running = false;
	int fd = count_path != NULL ? open(count_path, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;
	if (fd < 0)
		return;
	dprintf(fd, "%lu\n", atomic_load(&count));
	close(fd);
}

static int
counted_main(int argc, char **argv, char **environment)
{
	const char *at = getenv("REFUSE_AT");

	refuse_at = at != NULL ? strtoul(at, NULL, 10) : 0;
	refuse_all = getenv("REFUSE_ALL") != NULL;
	count_path = getenv("REFUSE_COUNT");
	atexit(tell);
	running = true;
	return real_main(argc, argv, environment);
}

int
__libc_start_main(int (*entry)(int, char **, char **), int argc, char **argv, void (*init)(void), void (*fini)(void),
                  void (*rtld_fini)(void), void *stack_end)
{
	__typeof__(&__libc_start_main) real;

	*(void **)&real = dlsym(RTLD_NEXT, "__libc_start_main");
	real_main = entry;
	return real(counted_main, argc, argv, init, fini, rtld_fini, stack_end);
}

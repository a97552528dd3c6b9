/* base/library.c: see library.h. */
#include "base/library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { UNASKED, HERE, MISSING };

static pthread_mutex_t     lock = PTHREAD_MUTEX_INITIALIZER;
static const char *_Atomic trouble;

/* All is bound at once: what does not fit together shows here, not in a later call. */
static bool
fill(struct library *l)
{
	char *place = l->table;
	void *library = dlopen(l->file, RTLD_NOW | RTLD_LOCAL), *at = library;

	for (size_t i = 0; at != NULL && l->names[i] != NULL; i++, place += sizeof(at)) {
		at = dlsym(library, l->names[i]);
		memcpy(place, &at, sizeof(at));
	}
	return at != NULL;
}

static int
ask(struct library *l)
{
	if (fill(l))
		return HERE;
	const char *said = dlerror();
	snprintf(l->why, sizeof(l->why), "%s cannot be loaded: apt-get install %s (%s)", l->file, l->package, said != NULL ? said : "out of memory");
	atomic_store(&trouble, l->why);
	return MISSING;
}

const char *
library_missing(struct library *l)
{
	if (atomic_load_explicit(&l->state, memory_order_acquire) == UNASKED) {
		pthread_mutex_lock(&lock);
		if (atomic_load(&l->state) == UNASKED)
			atomic_store_explicit(&l->state, ask(l), memory_order_release);
		pthread_mutex_unlock(&lock);
	}
	return atomic_load_explicit(&l->state, memory_order_acquire) == HERE ? NULL : l->why;
}

const char *
library_trouble(void)
{
	return atomic_load(&trouble);
}

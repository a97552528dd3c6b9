/* base/library.c: see library.h. */
#include "base/library.h"

#include <dlfcn.h>
#include <string.h>

bool
library_open(const char *file, const struct library_symbol *symbols, size_t count)
{
	void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);

	if (library == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		void *at = dlsym(library, symbols[i].name);
		if (at == NULL)
			return false;
		memcpy(symbols[i].at_out, &at, sizeof(at));
	}
	return true;
}

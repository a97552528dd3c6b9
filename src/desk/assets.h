/* desk/assets.h: style, script and icon of the pages, built into the program
 * from desk/web/ by tools/embed.py. */
#ifndef DESK_ASSETS_H
#define DESK_ASSETS_H

#include "base/bytes.h"

struct asset {
	const char          *name, *type;
	const unsigned char *at;
	size_t               len;
};

extern const struct asset assets[];
extern const size_t       assets_count;
extern const char         assets_version[]; /* changes when any of them does */

#endif

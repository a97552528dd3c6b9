/* base/clock.h: the two clocks, and times as text. Thinkers are told the time. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t  clock_epoch(void); /* seconds since 1970, UTC */
uint64_t clock_mono_us(void); /* microseconds, never goes back */

#define CLOCK_TEXT_MAX 32
/* RFC 3339 UTC, "2026-11-21T03:00:00Z"; returns its length. */
unsigned clock_format(int64_t epoch, char text[CLOCK_TEXT_MAX]);

#endif

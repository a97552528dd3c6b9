/* base/clock.c: see clock.h. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

int64_t
clock_epoch(void)
{
	return (int64_t)time(NULL);
}

uint64_t
clock_mono_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000U + (uint64_t)ts.tv_nsec / 1000U;
}

unsigned
clock_format(int64_t epoch, char text[CLOCK_TEXT_MAX])
{
	time_t    t = (time_t)epoch;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL)
		return (unsigned)snprintf(text, CLOCK_TEXT_MAX, "%s", "0000-00-00T00:00:00Z");
	return (unsigned)strftime(text, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

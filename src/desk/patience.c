/* desk/patience.c: see patience.h. */
#include "desk/patience.h"

#include "base/clock.h"

struct patience
patience_begin(struct resolver *resolver, unsigned each_ms, unsigned all_ms)
{
	return (struct patience){ resolver, each_ms, clock_mono_us() + (uint64_t)all_ms * 1000 };
}

const struct answer *
patience_answer(const struct patience *p, struct arena *a, const struct ask *ask)
{
	uint64_t now_us = clock_mono_us();
	unsigned left_ms = now_us < p->end_us ? (unsigned)((p->end_us - now_us) / 1000) : 0;
	unsigned wait_ms = left_ms < p->each_ms ? left_ms : p->each_ms;

	return wait_ms > 0 ? answer_hold(a, resolver_wait(p->resolver, ask, wait_ms)) : NULL;
}

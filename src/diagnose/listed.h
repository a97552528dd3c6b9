/* diagnose/listed.h: the blocklist that a reply names. */
#ifndef DIAGNOSE_LISTED_H
#define DIAGNOSE_LISTED_H

#include "base/arena.h"
#include "base/bytes.h"

struct wordset;

struct listed {
	struct bytes name; /* "Spamhaus"; empty: none is named */
	struct bytes zone; /* where it is asked in DNS; may be empty */
	struct bytes delist; /* where to ask for removal; may be empty */
};

/* The words that it looks for, made ready once. NULL when memory is spent. */
struct wordset *listed_words(void);

struct listed listed_find(struct arena *, const struct wordset *, struct bytes text);

#endif

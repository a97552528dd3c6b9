/* diagnose/wordtree.h: many words looked for in one pass over a text
 * (Aho and Corasick, 1975). */
#ifndef DIAGNOSE_WORDTREE_H
#define DIAGNOSE_WORDTREE_H

#include "base/bytes.h"
#include "base/rc.h"

struct wordtree;

/* An empty one; NULL when memory is spent. */
struct wordtree *wordtree_new(void);
void             wordtree_free(struct wordtree *);
/* Before wordtree_ready(). `number` is what a hit reports; words may repeat. */
enum rc wordtree_add(struct wordtree *, struct bytes word, uint32_t number) MUST_USE;
enum rc wordtree_ready(struct wordtree *) MUST_USE;
/* Calls `hit` for each word that ends at each position; `end` is behind it. */
void wordtree_scan(const struct wordtree *, struct bytes text, void (*hit)(void *, uint32_t number, size_t end), void *arg);

#endif

/* diagnose/wordtree.h: many words looked for in one pass over a text.
 *
 * Words are folded, see text_fold(). A text need not be: ASCII letters count in
 * either case, and a run of white space and control characters is one blank.
 * Only what is typographic has to be folded before. */
#ifndef DIAGNOSE_WORDTREE_H
#define DIAGNOSE_WORDTREE_H

#include "base/bytes.h"
#include "base/rc.h"

struct wordtree;

/* An empty one; NULL when memory is spent. */
struct wordtree *wordtree_new(void);
void             wordtree_free(struct wordtree *);
/* Other words are not taken; and of the shortest only some sixty. */
#define WORDTREE_WORD_MIN 3
#define WORDTREE_WORD_MAX 10000

/* Before wordtree_ready(). `number` is what a hit reports; words may repeat.
 * RC_LIMIT: the word is too short or too long. */
enum rc wordtree_add(struct wordtree *, struct bytes word, uint32_t number) MUST_USE;
/* RC_LIMIT: too many of the shortest. */
enum rc wordtree_ready(struct wordtree *) MUST_USE;
/* Calls `hit` for each word in the text, in the order of where they begin; `end`
 * is behind the word. Stops where `hit` says false. */
void wordtree_scan(const struct wordtree *, struct bytes text, bool (*hit)(void *, uint32_t number, size_t end), void *arg);

#endif

/* diagnose/wordset.h: many words looked for in one pass over a text.
 *
 * Words are folded, see text_fold(). A text need not be: ASCII letters count in
 * either case, and a run of white space and control characters is one blank.
 * Only what is typographic has to be folded before. */
#ifndef DIAGNOSE_WORDSET_H
#define DIAGNOSE_WORDSET_H

#include "base/bytes.h"
#include "base/rc.h"

struct wordset;

/* An empty one; NULL when memory is spent. */
struct wordset *wordset_new(void);
void            wordset_free(struct wordset *);
/* Other words are not taken. */
#define WORDSET_WORD_MIN 3
#define WORDSET_WORD_MAX 10000

/* Before wordset_ready(). `number` is what a hit reports; words may repeat. The
 * octets are borrowed. RC_LIMIT: the word is too short or too long. */
enum rc wordset_add(struct wordset *, struct bytes word, uint32_t number) MUST_USE;
/* RC_LIMIT: more than some 32,000 words. */
enum rc wordset_ready(struct wordset *) MUST_USE;
/* Calls `hit` for each place of each word in the text; `end` is behind it. The places of one
 * word come in the order of the text, those of several nearly so. Stops where `hit` says false. */
void wordset_scan(const struct wordset *, struct bytes text, bool (*hit)(void *, uint32_t number, size_t end), void *arg);

#endif

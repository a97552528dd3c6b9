/* diagnose/wordset.c: see wordset.h. Each word is looked for by the four octets
 * in a row that are the rarest it has. Nearly every place of a text has none of
 * these, so that is asked first, and it must cost next to nothing: the last four
 * octets, folded, are looked up in a small set. Where they are in it, those
 * before them must fit too, and only then are words compared. Nothing of one
 * place depends on the place before it, which is what processors like. */
#include "diagnose/wordset.h"

#include <stdlib.h>

/* Octets that are looked at together. */
#define GRAM 4
_Static_assert(WORDSET_WORD_MIN == GRAM - 1, "words of one octet less are found with whatever follows them");

/* Bits of the set: small enough that those of several stay in the first cache. */
#define FILTER_SHIFT 16
/* Bits of the table in which grams are counted: two in one place do little harm. */
#define COUNT_SHIFT 14

struct word {
	struct bytes text;
	uint32_t     gram_end; /* offset in it */
	bool         solid; /* its gram has no blank: as many octets of a text */
	uint32_t     number;
	uint32_t     next; /* with this gram, plus one */
	uint32_t     same; /* with the same text, plus one */
};

/* Where a gram leads. */
struct start {
	uint32_t gram; /* 0: the place is free */
	uint32_t before, mask; /* what all its words have in front of it, where bits are set */
	uint32_t word; /* the first, plus one */
};

#define TWO_BLANKS (' ' << 8 | ' ')

/* Words of one octet less: few, and found with whatever follows them. */
#define SHORT_MAX 32

struct short_word {
	uint32_t octets;
	uint32_t word; /* plus one */
};

struct wordset {
	struct word  *words;
	size_t        count, room;
	uint8_t       fold[256];
	uint32_t      filter[(1u << FILTER_SHIFT) / 32];
	struct start *starts;
	unsigned      start_bits; /* of their number */

	struct short_word shorts[SHORT_MAX];
	size_t            short_count;
};

struct wordset *
wordset_new(void)
{
	struct wordset *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	for (unsigned i = 0; i < 256; i++)
		w->fold[i] = i <= ' ' ? ' ' : (uint8_t)byte_lower((char)i);
	return w;
}

void
wordset_free(struct wordset *w)
{
	if (w == NULL)
		return;
	free(w->words);
	free(w->starts);
	free(w);
}

enum rc
wordset_add(struct wordset *w, struct bytes word, uint32_t number)
{
	if (word.len < WORDSET_WORD_MIN || word.len > WORDSET_WORD_MAX)
		return RC_LIMIT;
	if (w->count == w->room) {
		size_t       room = w->room == 0 ? 512 : w->room * 2;
		struct word *wide = realloc(w->words, room * sizeof(*wide));
		if (wide == NULL)
			return RC_MEMORY;
		w->words = wide;
		w->room = room;
	}
	w->words[w->count++] = (struct word){ .text = word, .number = number };
	return RC_OK;
}

static inline uint32_t
mixed(uint32_t gram)
{
	return gram * 0x9e3779b1u;
}

static inline bool
may_start(const struct wordset *w, uint64_t gram)
{
	uint32_t bit = mixed((uint32_t)gram) >> (32 - FILTER_SHIFT);

	return (w->filter[bit / 32] >> (bit % 32) & 1) != 0;
}

static void
filter_add(struct wordset *w, uint32_t gram)
{
	uint32_t bit = mixed(gram) >> (32 - FILTER_SHIFT);

	w->filter[bit / 32] |= 1u << bit % 32;
}

/* Where a gram is, or would be. */
static struct start *
start_of(const struct wordset *w, uint32_t gram)
{
	size_t i = mixed(gram) >> (32 - w->start_bits), mask = ((size_t)1 << w->start_bits) - 1;

	while (w->starts[i].gram != 0 && w->starts[i].gram != gram)
		i = (i + 1) & mask;
	return &w->starts[i];
}

static void
grams_count(const struct wordset *w, uint16_t *counts)
{
	for (size_t i = 0; i < w->count; i++) {
		uint32_t gram = 0;
		for (size_t k = 0; k < w->words[i].text.len; k++) {
			gram = gram << 8 | (uint8_t)w->words[i].text.at[k];
			uint16_t *count = &counts[mixed(gram) >> (32 - COUNT_SHIFT)];
			if (k + 1 >= GRAM && *count < UINT16_MAX)
				(*count)++;
		}
	}
}

/* The letters of English, the most used one first. */
static const struct bytes usual = B_INIT(" etaionsrlhdcumpfgybwv");

/* How rarely a text has these four: what few words have, of letters that are not used much. */
static unsigned
commonness(uint32_t gram, const uint16_t *counts, const uint8_t *use)
{
	return counts[mixed(gram) >> (32 - COUNT_SHIFT)] * 16u + use[gram >> 24] + use[gram >> 16 & 255] + use[gram >> 8 & 255] + use[gram & 255];
}

/* The gram by which a word is looked for: of equals the last, which has the most in front of it. */
static uint32_t
gram_choose(struct word *word, const uint16_t *counts, const uint8_t *use)
{
	uint32_t gram = 0, best = 0;
	unsigned least = UINT32_MAX;

	for (size_t k = 0; k < word->text.len; k++) {
		gram = gram << 8 | (uint8_t)word->text.at[k];
		if (k + 1 < GRAM || commonness(gram, counts, use) > least)
			continue;
		least = commonness(gram, counts, use);
		best = gram;
		word->gram_end = (uint32_t)k + 1;
	}
	word->solid = !bytes_has(bytes_sub(word->text, word->gram_end - GRAM, GRAM), ' ');
	return best;
}

/* In front of a list of words, or to those of it that read the same. */
static void
word_list(struct wordset *w, uint32_t *link, uint32_t i)
{
	while (*link != 0 && !bytes_eq(w->words[*link - 1].text, w->words[i].text))
		link = &w->words[*link - 1].next;
	if (*link == 0) {
		*link = i + 1;
		return;
	}
	w->words[i].same = w->words[*link - 1].same;
	w->words[*link - 1].same = i + 1;
}

static void
word_place(struct wordset *w, uint32_t i, uint32_t gram)
{
	const struct word *word = &w->words[i];
	struct start      *start = start_of(w, gram);
	uint32_t           before = 0, mask = 0;

	for (size_t k = GRAM; k < 2 * GRAM && k < word->gram_end; k++) {
		before |= (uint32_t)(uint8_t)word->text.at[word->gram_end - k - 1] << 8 * (k - GRAM);
		mask |= 0xffu << 8 * (k - GRAM);
	}
	if (start->gram == 0)
		*start = (struct start){ gram, before, mask, 0 };
	start->mask &= mask & ~(start->before ^ before);
	start->before &= start->mask;
	filter_add(w, gram);
	word_list(w, &start->word, i);
}

static bool
short_place(struct wordset *w, uint32_t i)
{
	uint32_t octets = 0;

	for (size_t k = 0; k < GRAM - 1; k++)
		octets = octets << 8 | (uint8_t)w->words[i].text.at[k];
	for (size_t k = 0; k < w->short_count; k++)
		if (w->shorts[k].octets == octets) {
			word_list(w, &w->shorts[k].word, i);
			return true;
		}
	if (w->short_count == SHORT_MAX)
		return false;
	w->shorts[w->short_count++] = (struct short_word){ octets, i + 1 };
	for (unsigned next = 0; next < 256; next++)
		if (w->fold[next] == next)
			filter_add(w, octets << 8 | next);
	return true;
}

static bool
words_place(struct wordset *w, const uint16_t *counts)
{
	uint8_t use[256] = { 0 };
	bool    fine = true;

	for (size_t k = 0; k < usual.len; k++)
		use[(uint8_t)usual.at[k]] = (uint8_t)(usual.len - k);
	for (uint32_t i = 0; i < w->count && fine; i++)
		if (w->words[i].text.len < GRAM)
			fine = short_place(w, i);
		else
			word_place(w, i, gram_choose(&w->words[i], counts, use));
	return fine;
}

enum rc
wordset_ready(struct wordset *w)
{
	uint16_t *counts = calloc((size_t)1 << COUNT_SHIFT, sizeof(*counts));
	bool      fine = false;

	for (w->start_bits = 4; (size_t)1 << w->start_bits < w->count + w->count / 2; w->start_bits++)
		;
	w->starts = calloc((size_t)1 << w->start_bits, sizeof(*w->starts));
	if (counts != NULL && w->starts != NULL) {
		grams_count(w, counts);
		fine = words_place(w, counts);
	}
	enum rc rc = counts == NULL || w->starts == NULL ? RC_MEMORY : fine ? RC_OK : RC_LIMIT;
	free(counts);
	return rc;
}

struct scan {
	const struct wordset *set;
	struct bytes          text;
	bool (*hit)(void *, uint32_t, size_t);
	void *arg;
};

/* Does this word stand where its gram does? `end` is that of the gram, then that of the word. */
static bool
word_stands(const struct scan *s, const struct word *word, size_t *end)
{
	const uint8_t *fold = s->set->fold, *text = (const uint8_t *)s->text.at;
	size_t         at = *end;

	for (size_t k = word->gram_end; k < word->text.len; k++) {
		while (word->text.at[k - 1] == ' ' && at < s->text.len && fold[text[at]] == ' ')
			at++;
		if (at >= s->text.len || fold[text[at++]] != (uint8_t)word->text.at[k])
			return false;
	}
	size_t known = word->solid ? GRAM : 0, from = *end - known;
	for (size_t k = word->gram_end - known; k-- > 0;) {
		if (from == 0 || fold[text[--from]] != (uint8_t)word->text.at[k])
			return false;
		while (word->text.at[k] == ' ' && from > 0 && fold[text[from - 1]] == ' ')
			from--;
	}
	*end = at;
	return true;
}

/* A word and those that read the same. */
static bool
tell(const struct scan *s, uint32_t word, size_t end)
{
	for (; word != 0; word = s->set->words[word - 1].same)
		if (!s->hit(s->arg, s->set->words[word - 1].number, end))
			return false;
	return true;
}

/* A word of one octet less than a gram. */
static bool
short_tell(const struct scan *s, uint32_t octets, size_t end)
{
	for (size_t i = 0; i < s->set->short_count; i++)
		if (s->set->shorts[i].octets == octets)
			return tell(s, s->set->shorts[i].word, end);
	return true;
}

/* The words whose gram ends here. False when the scan is to stop. */
static bool
words_at(const struct scan *s, uint64_t gram, size_t gram_end)
{
	const struct start *start = start_of(s->set, (uint32_t)gram);

	if (!short_tell(s, (uint32_t)gram >> 8, gram_end - 1))
		return false;
	if (start->gram == 0 || ((uint32_t)(gram >> 32) & start->mask) != start->before)
		return true;
	for (uint32_t i = start->word; i != 0; i = s->set->words[i - 1].next) {
		size_t end = gram_end;
		if (word_stands(s, &s->set->words[i - 1], &end) && !tell(s, i, end))
			return false;
	}
	return true;
}

/* The next place where a word's gram may end: behind it; or behind the text. The last octets are kept. */
static size_t
gram_next(const struct wordset *w, struct bytes text, size_t i, uint64_t *last_io)
{
	uint64_t last = *last_io;

	while (i < text.len) {
		uint64_t here = last << 8 | w->fold[(uint8_t)text.at[i++]];
		if ((here & 0xffff) == TWO_BLANKS) /* one question: each word has a blank, and two are rare */
			continue;
		last = here;
		if (!may_start(w, last))
			continue;
		*last_io = last;
		return i;
	}
	*last_io = last;
	return text.len + 1;
}

void
wordset_scan(const struct wordset *w, struct bytes text, bool (*hit)(void *, uint32_t, size_t), void *arg)
{
	const struct scan s = { w, text, hit, arg };
	uint64_t          last = 0;

	for (size_t i = gram_next(w, text, 0, &last); i <= text.len; i = gram_next(w, text, i, &last))
		if (!words_at(&s, last, i))
			return;
	/* A short word at the very end has nothing behind it. */
	short_tell(&s, last & 0xffffff, text.len);
}

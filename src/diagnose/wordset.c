/* diagnose/wordset.c: see wordset.h. A word is looked for by five octets in a row
 * that are the rarest it has: by the first four of them and by the last four, so
 * that only every second place of a text need be looked at. Nearly every place
 * has none of these, and to say so must cost next to nothing: four octets are
 * looked up in a small set. Only where they are in it words are compared. Nothing
 * of one place depends on the place before it, which is what processors like.
 *
 * For that the text is folded, a chunk at a time, and a run of white space in it
 * becomes one blank; it is kept where the runs were, since hits are told by their
 * place in the text as it is. */
#include "diagnose/wordset.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/eight.h"

/* Octets that are looked at together, and the distance of the places. Shorter words are found by their first three. */
#define GRAM 4
#define STEP 2
#define CORE 3
_Static_assert(WORDSET_WORD_MIN == CORE, "the shortest words are all core");

/* Bits of the set: more, and those of several leave the nearest cache; fewer, and too many places pass. */
#define FILTER_SHIFT 17
/* And of the one that says of three octets whether they may be a core. */
#define CORE_SHIFT 10
/* Bits of the table in which grams are counted: two in one place do little harm. */
#define COUNT_SHIFT 14

struct word {
	struct bytes text;
	uint32_t     number;
	uint32_t     same; /* with the same text, plus one */
};

/* Four octets, of which those count whose bits are set in the mask. */
struct near {
	uint32_t octets, mask;
};

/* Octets that lead to a word. Those of a core have none in the highest place. */
struct look {
	uint32_t    octets;
	struct near before, behind; /* what else the word has there */
	uint32_t    word, from; /* which it is, and where in it they are */
	uint32_t    next; /* with the same hash */
};

struct wordset {
	struct word  *words;
	size_t        count, room;
	uint8_t       fold[256];
	uint32_t      filter[(1u << FILTER_SHIFT) / 32];
	uint32_t      cores[(1u << CORE_SHIFT) / 32];
	struct look  *looks; /* the first is none */
	size_t        look_count;
	uint16_t     *heads; /* by hash: the first look */
	unsigned      head_bits; /* of their number */
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
	free(w->looks);
	free(w->heads);
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

/* Four octets, the first one lowest. */
static inline uint32_t
gram_at(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline uint32_t
mixed(uint32_t octets)
{
	return octets * 0x9e3779b1u;
}

static inline bool
bit_is_set(const uint32_t *bits, uint32_t i)
{
	return (bits[i / 32] >> (i % 32) & 1) != 0;
}

static void
bit_set(uint32_t *bits, uint32_t i)
{
	bits[i / 32] |= 1u << i % 32;
}

static inline bool
may_start(const struct wordset *w, uint32_t gram)
{
	return bit_is_set(w->filter, mixed(gram) >> (32 - FILTER_SHIFT));
}

static void
filter_add(struct wordset *w, uint32_t gram)
{
	bit_set(w->filter, mixed(gram) >> (32 - FILTER_SHIFT));
}

/* What octets may lead to begins there. */
static inline uint16_t *
head_of(const struct wordset *w, uint32_t octets)
{
	return &w->heads[mixed(octets) >> (32 - w->head_bits)];
}

/* ---- which octets a word is looked for by ---- */

static uint32_t
word_gram(const struct word *word, size_t from)
{
	return gram_at((const uint8_t *)word->text.at + from);
}

static void
grams_count(const struct wordset *w, uint16_t *counts)
{
	for (size_t i = 0; i < w->count; i++)
		for (size_t k = 0; k + GRAM <= w->words[i].text.len; k++) {
			uint16_t *count = &counts[mixed(word_gram(&w->words[i], k)) >> (32 - COUNT_SHIFT)];
			*count = (uint16_t)(*count + (*count < UINT16_MAX));
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

/* Where the rarest five octets are, of equals the last, which have the most in front of them; or the word's length. */
static size_t
grams_choose(const struct word *word, const uint16_t *counts, const uint8_t *use)
{
	size_t   best = word->text.len;
	unsigned least = UINT32_MAX, common = 0;

	for (size_t k = 0; k + GRAM <= word->text.len; k++) {
		unsigned last = common;
		common = commonness(word_gram(word, k), counts, use);
		if (k > 0 && last + common <= least) {
			least = last + common;
			best = k - 1;
		}
	}
	return best;
}

/* What a word has at `from`, which may be in front of it or behind it. */
static struct near
near_at(struct bytes word, ptrdiff_t from)
{
	struct near n = { 0 };

	for (ptrdiff_t k = 0; k < GRAM; k++)
		if (from + k >= 0 && from + k < (ptrdiff_t)word.len) {
			n.octets |= (uint32_t)(uint8_t)word.at[from + k] << 8 * k;
			n.mask |= 0xffu << 8 * k;
		}
	return n;
}

/* In front of those with the same hash. */
static void
look_add(struct wordset *w, uint32_t octets, size_t len, uint32_t word, size_t from)
{
	uint16_t    *head = head_of(w, octets);
	struct bytes text = w->words[word].text;

	w->looks[++w->look_count] = (struct look){ octets, near_at(text, (ptrdiff_t)from - GRAM), near_at(text, (ptrdiff_t)(from + len)), word, (uint32_t)from, *head };
	*head = (uint16_t)w->look_count;
}

/* Is there a word that reads the same behind these octets? Then this one goes with it. */
static bool
goes_with(struct wordset *w, uint32_t octets, uint32_t i)
{
	for (uint32_t k = *head_of(w, octets); k != 0; k = w->looks[k].next) {
		struct word *other = &w->words[w->looks[k].word];
		if (bytes_eq(other->text, w->words[i].text)) {
			w->words[i].same = other->same;
			other->same = i + 1;
			return true;
		}
	}
	return false;
}

/* In a text a core has any octet behind it or in front of it, or is the last. */
static void
core_place(struct wordset *w, uint32_t i)
{
	uint32_t core = near_at(w->words[i].text, 0).octets & 0xffffff;

	if (goes_with(w, core, i))
		return;
	look_add(w, core, CORE, i, 0);
	bit_set(w->cores, mixed(core) >> (32 - CORE_SHIFT));
	filter_add(w, core);
	for (unsigned any = ' '; any < 256; any++) {
		filter_add(w, core | any << 24);
		filter_add(w, core << 8 | any);
	}
}

static void
word_place(struct wordset *w, uint32_t i, const uint16_t *counts, const uint8_t *use)
{
	size_t from = grams_choose(&w->words[i], counts, use);

	if (from == w->words[i].text.len) {
		core_place(w, i);
		return;
	}
	if (goes_with(w, word_gram(&w->words[i], from), i))
		return;
	for (size_t k = from; k < from + STEP; k++) {
		look_add(w, word_gram(&w->words[i], k), GRAM, i, k);
		filter_add(w, word_gram(&w->words[i], k));
	}
}

static void
words_place(struct wordset *w, const uint16_t *counts)
{
	uint8_t use[256] = { 0 };

	for (size_t k = 0; k < usual.len; k++)
		use[(uint8_t)usual.at[k]] = (uint8_t)(usual.len - k);
	for (uint32_t i = 0; i < w->count; i++)
		word_place(w, i, counts, use);
}

enum rc
wordset_ready(struct wordset *w)
{
	size_t looks = w->count * STEP;

	if (looks > UINT16_MAX)
		return RC_LIMIT;
	for (w->head_bits = 4; (size_t)1 << w->head_bits < looks * 2; w->head_bits++)
		;
	uint16_t *counts = calloc((size_t)1 << COUNT_SHIFT, sizeof(*counts));
	w->heads = calloc((size_t)1 << w->head_bits, sizeof(*w->heads));
	w->looks = calloc(looks + 1, sizeof(*w->looks));
	bool fine = counts != NULL && w->heads != NULL && w->looks != NULL;
	if (fine) {
		grams_count(w, counts);
		words_place(w, counts);
	}
	free(counts);
	return fine ? RC_OK : RC_MEMORY;
}

/* ---- the scan ---- */

/* Of a text so much is looked at in one go, with what stands near it in front and behind. */
#define CHUNK 2048
#define BEFORE GRAM
#define BEHIND (2 * GRAM)
#define MANY   32 /* octets that are folded at once */
_Static_assert((CHUNK - BEHIND) % STEP == 0, "each chunk begins at a place that is looked at");

/* White space that became one blank. */
struct run {
	uint32_t past; /* the octet of the chunk behind the blank */
	size_t   dropped; /* octets, by this and all runs of the chunk before it */
};

struct scan {
	const struct wordset *set;
	struct bytes          text;
	bool (*hit)(void *, uint32_t, size_t);
	void      *arg;
	size_t     base; /* where in the text the chunk begins */
	size_t     len; /* of it */
	size_t     run_count;
	struct run runs[CHUNK / 2];
	uint16_t   passed[CHUNK / STEP]; /* places of the chunk whose octets are in the set */
	uint8_t    chunk[BEFORE + CHUNK + MANY]; /* folded; 0 where there is no text */
};

/* How many octets there are up to the first of two blanks in a row, with it; all of them when there are none. What is
 * read behind them is in the chunk. */
static size_t
blanks_find(const uint8_t *at, size_t len)
{
	for (size_t n = 0; n < len; n += 8) {
		uint64_t two = eight_is(eight_at(at + n) | (eight_at(at + n + 1) ^ EACH(' ')), ' ');
		if (two != 0)
			return n + eight_first(two) < len ? n + eight_first(two) + 1 : len;
	}
	return len;
}

/* What is `dropped` in front of the octet `past` of the chunk, perhaps more of a run that goes on. */
static void
run_add(struct scan *s, size_t past, size_t dropped)
{
	if (dropped == 0)
		return;
	size_t before = s->run_count > 0 ? s->runs[s->run_count - 1].dropped : 0;
	if (s->run_count == 0 || s->runs[s->run_count - 1].past != past)
		s->run_count++;
	s->runs[s->run_count - 1] = (struct run){ (uint32_t)past, before + dropped };
}

/* Makes one blank of each run in `n` octets that were added to `from` of the chunk; how many it then has. */
static size_t
runs_drop(struct scan *s, size_t from, size_t n)
{
	uint8_t *out = s->chunk + BEFORE;
	size_t   to = from, at = from, end = from + n;

	while (at < end) {
		size_t first = at;
		if (to > 0 && out[to - 1] == ' ')
			while (at < end && out[at] == ' ')
				at++;
		run_add(s, to, at - first);
		size_t keep = blanks_find(out + at, end - at);
		memmove(out + to, out + at, keep);
		to += keep;
		at += keep;
	}
	return to;
}

/* As w->fold says it, in a form that is done to many octets at once; to some behind them too. */
static void
fold_many(uint8_t *at, size_t n)
{
	for (; n > 0; n -= n < MANY ? n : MANY, at += MANY)
		for (size_t i = 0; i < MANY; i++) {
			uint8_t c = at[i] < ' ' ? ' ' : at[i];
			at[i] = (uint8_t)(c + (c >= 'A' && c <= 'Z' ? 'a' - 'A' : 0));
		}
}

/* Makes a chunk of what is at `base`. How many places of it are to be looked at; behind the last ones more of the text may follow. */
static size_t
chunk_make(struct scan *s)
{
	const uint8_t *in = (const uint8_t *)s->text.at + s->base;
	uint8_t       *out = s->chunk + BEFORE;
	size_t         rest = s->text.len - s->base, len = 0;

	s->run_count = 0;
	while (rest > 0 && len < CHUNK) {
		size_t n = rest < CHUNK - len ? rest : CHUNK - len;
		memcpy(out + len, in, n);
		memset(out + len + n, 0, MANY);
		fold_many(out + len, n);
		len = runs_drop(s, len, n);
		in += n;
		rest -= n;
	}
	memset(out + len, 0, BEHIND);
	s->len = len;
	return rest > 0 ? CHUNK - BEHIND : len;
}

/* Where in the text an octet of the chunk is, or the one behind the last. */
static size_t
place_of(const struct scan *s, size_t at)
{
	size_t least = 0, most = s->run_count;

	while (least < most) {
		size_t middle = (least + most) / 2;
		if (s->runs[middle].past <= at)
			least = middle + 1;
		else
			most = middle;
	}
	return s->base + at + (least > 0 ? s->runs[least - 1].dropped : 0);
}

/* Does a word stand in the text that does not end, or did not begin, in this chunk? Its `len` octets at `from` are at `at`. */
static bool
word_crosses(const struct scan *s, struct bytes word, size_t from, size_t at, size_t len, size_t *end_out)
{
	const uint8_t *fold = s->set->fold, *text = (const uint8_t *)s->text.at;
	size_t         start = place_of(s, at), end = place_of(s, at + len - 1) + 1;

	for (size_t k = from + len; k < word.len; k++) {
		while (word.at[k - 1] == ' ' && end < s->text.len && fold[text[end]] == ' ')
			end++;
		if (end >= s->text.len || fold[text[end++]] != (uint8_t)word.at[k])
			return false;
	}
	for (size_t k = from; k-- > 0;) {
		while (word.at[k + 1] == ' ' && start > 0 && fold[text[start - 1]] == ' ')
			start--;
		if (start == 0 || fold[text[--start]] != (uint8_t)word.at[k])
			return false;
	}
	*end_out = end;
	return true;
}

static bool
word_stands(const struct scan *s, struct bytes word, size_t from, size_t at, size_t len, size_t *end_out)
{
	size_t end = at - from + word.len;

	if (at < from || end > s->len)
		return word_crosses(s, word, from, at, len, end_out);
	if (memcmp(s->chunk + BEFORE + (at - from), word.at, word.len) != 0)
		return false;
	*end_out = place_of(s, end - 1) + 1;
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

/* The words that octets of the chunk lead to. False when the scan is to stop. */
static bool
words_at(const struct scan *s, uint32_t octets, size_t len, size_t at)
{
	const struct wordset *w = s->set;
	uint32_t              before = gram_at(s->chunk + BEFORE + at - GRAM), behind = gram_at(s->chunk + BEFORE + at + len);

	for (uint32_t i = *head_of(w, octets); i != 0; i = w->looks[i].next) {
		const struct look *look = &w->looks[i];
		size_t             end;
		if ((look->octets ^ octets) | ((before ^ look->before.octets) & look->before.mask) | ((behind ^ look->behind.octets) & look->behind.mask))
			continue;
		if (word_stands(s, w->words[look->word].text, look->from, at, len, &end) && !tell(s, look->word + 1, end))
			return false;
	}
	return true;
}

static bool
core_at(const struct scan *s, uint32_t core, size_t at)
{
	return !bit_is_set(s->set->cores, mixed(core) >> (32 - CORE_SHIFT)) || words_at(s, core, CORE, at);
}

/* The places that pass are written down without a branch, which would be guessed wrong at each of them. */
static size_t
places_pass(struct scan *s, size_t places)
{
	const struct wordset *w = s->set;
	const uint8_t        *chunk = s->chunk + BEFORE;
	size_t                n = 0;

	for (size_t i = 0; i < places; i += STEP) {
		s->passed[n] = (uint16_t)i;
		n += may_start(w, gram_at(chunk + i));
	}
	return n;
}

static bool
chunk_scan(struct scan *s, size_t places)
{
	const struct wordset *w = s->set;
	const uint8_t        *chunk = s->chunk + BEFORE;
	size_t                n = places_pass(s, places);

	/* What they lead to lies far apart: it is fetched for all before it is wanted for one. */
	for (size_t k = 0; k < n; k++)
		__builtin_prefetch(w->looks + *head_of(w, gram_at(chunk + s->passed[k])));
	for (size_t k = 0; k < n; k++) {
		size_t   i = s->passed[k];
		uint32_t gram = gram_at(chunk + i);
		bool     whole = gram >> 24 != 0; /* at the very end there is only a core */
		if ((whole && !words_at(s, gram, GRAM, i)) || !core_at(s, gram & 0xffffff, i) || !core_at(s, gram >> 8, i + 1))
			return false;
	}
	return true;
}

void
wordset_scan(const struct wordset *w, struct bytes text, bool (*hit)(void *, uint32_t, size_t), void *arg)
{
	struct scan s;
	bool        more = true;

	s.set = w;
	s.text = text;
	s.hit = hit;
	s.arg = arg;
	s.base = 0;
	memset(s.chunk, 0, BEFORE);
	while (more && s.base < text.len) {
		size_t places = chunk_make(&s);
		more = chunk_scan(&s, places);
		s.base = place_of(&s, places);
		memmove(s.chunk, s.chunk + places, BEFORE);
	}
}

/* diagnose/wordset_test.c: what a set finds is what a search for each word
 * alone finds in the folded text, on texts made of little so that words overlap. */
#include "base/rows.h"

#include <string.h>

#include "diagnose/charset.h"
#include "diagnose/wordset.h"

#define WORDS_MAX 40

struct search {
	const char *claim;
	const char *letters; /* that words and texts are made of */
	size_t      word_max;
	unsigned    words, texts;
	size_t      padding; /* octets in front of a text, of one more letter */
};

static const struct search searches[] = {
	{ "words of two letters and blanks, many inside one another", "ab ", 6, 40, 3000, 0 },
	{ "words of one letter", "a", 9, 7, 300, 0 },
	{ "words in both cases and runs of white space", "aB \n\t", 7, 40, 3000, 0 },
	{ "short words at the end of a text", "abc", 3, 20, 3000, 0 },
	{ "short words that begin or end in a blank", "ab ", 3, 20, 3000, 0 },
	{ "octets above ASCII", "\xc3\xa4z ", 8, 30, 3000, 0 },
	{ "longer words of a few letters", "abcd", 12, 40, 3000, 0 },
	{ "words across the end of the part of a text that is looked at together", "ab ", 9, 40, 3000, 2028 },
	{ "runs of white space across it", "ab \n\t", 7, 40, 3000, 2034 },
	{ "words across the end of the second part", "aB ", 6, 40, 300, 4064 },
};

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static struct bytes
made(struct arena *a, const char *letters, size_t least, size_t most, uint32_t *seed)
{
	size_t n = least + next_random(seed) % (most - least + 1);
	char  *text = arena_take(a, n + 1);

	for (size_t i = 0; i < n; i++)
		text[i] = letters[next_random(seed) % strlen(letters)];
	return bytes_make(text, n);
}

/* As a scan sees a text: lower case, each run of white space one blank, also those at its ends. */
static struct bytes
folded(struct arena *a, struct bytes text)
{
	char  *out = arena_take(a, text.len + 1);
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = (unsigned char)text.at[i] <= ' ' ? ' ' : byte_lower(text.at[i]);
		if (c != ' ' || n == 0 || out[n - 1] != ' ')
			out[n++] = c;
	}
	return bytes_make(out, n);
}

#define TEXT_MAX 40

struct have {
	struct arena *a;
	struct bytes  text; /* behind the padding */
	size_t        padding;
	unsigned      ends[WORDS_MAX][TEXT_MAX + 1]; /* of each word, at each place of the folded text, how often */
};

/* The end is one in the text as it is: the folded text ends with that octet, too. */
static bool
count_hit(void *arg, uint32_t number, size_t end)
{
	struct have *have = arg;

	assert_in_range(end, have->padding + 1, have->padding + have->text.len);
	have->ends[number][folded(have->a, bytes_sub(have->text, 0, end - have->padding)).len]++;
	return true;
}

static void
check_search(void **state)
{
	const struct search *s = *state;
	struct arena        *a = arena_new((size_t)1 << 26);
	struct wordset     *t = wordset_new();
	struct bytes         words[WORDS_MAX];
	uint32_t             seed = 7;

	for (unsigned i = 0; i < s->words; i++) {
		do
			words[i] = folded(a, made(a, s->letters, WORDSET_WORD_MIN, s->word_max, &seed));
		while (words[i].len < WORDSET_WORD_MIN);
		assert_int_equal(wordset_add(t, words[i], i), RC_OK);
	}
	assert_int_equal(wordset_ready(t), RC_OK);
	for (unsigned n = 0; n < s->texts; n++) {
		size_t       padding = s->padding > 0 ? s->padding + next_random(&seed) % 16 : 0;
		struct bytes text = made(a, s->letters, 0, TEXT_MAX, &seed), plain = folded(a, text);
		struct have  have = { a, text, padding, { { 0 } } };
		char         whole[4096 + TEXT_MAX];
		memset(whole, '#', padding);
		memcpy(whole + padding, text.at != NULL ? text.at : "", text.len);
		wordset_scan(t, bytes_make(whole, padding + text.len), count_hit, &have);
		for (unsigned i = 0; i < s->words; i++)
			for (size_t end = 0; end <= plain.len; end++) {
				unsigned want = end >= words[i].len && bytes_eq(bytes_sub(plain, end - words[i].len, words[i].len), words[i]);
				if (have.ends[i][end] != want)
					fail_msg("\"%.*s\" in \"%.*s\": found %u times with its end at %zu, not %u", B_FMT(words[i]), B_FMT(plain), have.ends[i][end], end, want);
			}
	}
	wordset_free(t);
	arena_free(a);
}

static bool
first_hit(void *arg, uint32_t number, size_t end)
{
	*(size_t *)arg = end;
	(void)number;
	return false;
}

static void
check_end(void **state)
{
	struct wordset *t = wordset_new();
	size_t           end = 0;

	(void)state;
	assert_int_equal(wordset_add(t, B("no such user"), 0), RC_OK);
	assert_int_equal(wordset_add(t, B("no"), 1), RC_LIMIT);
	assert_int_equal(wordset_ready(t), RC_OK);
	wordset_scan(t, B("550 No \r\n such\tuser: no such user"), first_hit, &end);
	assert_int_equal(end, sizeof("550 No \r\n such\tuser") - 1);
	wordset_free(t);
}

/* Where nothing is typographic, a text is scanned as it stands. */
static const struct {
	const char *text;
	bool        plain;
} texts[] = {
	{ "No such User\r\n here", true },      { "Empf\xc3\xa4nger unbekannt", true },  { "\xe3\x83\xa1\xe3\x83\xbc\xe3\x83\xab", true },
	{ "couldn\xe2\x80\x99t", false },      { "no\xc2\xa0such user", false },        { "non\xe2\x80\x93" "delivery", false },
	{ "user\xe3\x80\x80unknown", false },  { "un\xc2\xad" "known", false },         { "un\xe2\x80\x8bknown", false },
	{ "no\xffsuch user", false },           { "cut \xc3", false },                   { "minus \xe2\x88\x92 1", false },
};

static void
check_plain(void **state)
{
	struct arena *a = arena_new((size_t)1 << 16);

	(void)state;
	for (size_t i = 0; i < NELEMS(texts); i++) {
		struct bytes text = bytes_of(texts[i].text), lower = text_fold(a, folded(a, text));
		assert_int_equal(text_is_plain(text), texts[i].plain);
		if (texts[i].plain) /* and then folding does nothing more */
			assert_true(bytes_eq(text_fold(a, text), lower) && bytes_eq(lower, folded(a, text)));
	}
	arena_free(a);
}

int
main(void)
{
	ROWS_ADD(searches, check_search);
	rows_add("the end of a word is told in the text as it is, and the scan stops when told to", check_end, NULL);
	rows_add("a text is plain where only what is typographic would be folded", check_plain, NULL);
	return rows_run("wordset");
}

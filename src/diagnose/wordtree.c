/* diagnose/wordtree.c: see wordtree.h. Nearly every octet of a text begins no
 * word, so that is asked first, and it must cost next to nothing: the last four
 * octets, folded, are looked up in a small set. Where four of them begin a
 * word the tree is walked from there. Nothing of one place depends on the place
 * before it, which is what processors like. */
#include "diagnose/wordtree.h"

#include <stdlib.h>
#include <string.h>

/* Octets that are looked at together. */
#define GRAM 4
_Static_assert(WORDTREE_WORD_MIN == GRAM - 1, "words of one octet less have a list of their own");

/* Bits of the set: small enough that those of several trees stay in the first cache. */
#define FILTER_SHIFT 15

/* While words are added: one octet each. */
struct twig {
	uint32_t child, next; /* first child, next brother; 0: none */
	uint32_t hits; /* first of its hits, plus one */
	uint8_t  octet;
};

/* Then twigs in a row are one node; brothers stand side by side. */
struct node {
	uint32_t label; /* its octets */
	uint32_t child; /* the first */
	uint32_t hits;
	uint16_t label_len, children;
};

struct found {
	uint32_t number;
	uint32_t next; /* plus one */
};

/* Where a gram leads. */
struct start {
	uint32_t gram; /* 0: the place is free */
	uint32_t node; /* the tree goes on in this one */
	uint32_t used; /* octets of its label that the gram has */
};

/* Words of GRAM - 1 octets are few, and found with whatever follows them. */
#define SHORT_MAX 64

struct short_word {
	uint32_t gram;
	uint32_t node; /* where it ends */
};

struct wordtree {
	struct twig      *twigs;
	size_t            twig_count, twig_room;
	struct node      *nodes;
	uint32_t          node_count;
	uint8_t          *labels;
	uint32_t          label_count;
	uint8_t          *firsts; /* by node: the first octet of its label */
	struct found     *found;
	size_t            found_count, found_room;
	uint8_t           fold[256];
	uint32_t          filter[(1u << FILTER_SHIFT) / 32];
	struct start     *starts;
	size_t            gram_count, start_room; /* the room is a power of two */
	struct short_word shorts[SHORT_MAX];
	size_t            short_count;
};

static uint32_t
twig_add(struct wordtree *t, uint32_t parent, uint8_t octet)
{
	if (t->twig_count == t->twig_room) {
		size_t       room = t->twig_room == 0 ? 1024 : t->twig_room * 2;
		struct twig *wide = realloc(t->twigs, room * sizeof(*wide));
		if (wide == NULL)
			return 0;
		t->twigs = wide;
		t->twig_room = room;
	}
	t->twigs[t->twig_count] = (struct twig){ .octet = octet, .next = t->twig_count > 0 ? t->twigs[parent].child : 0 };
	t->twigs[parent].child = (uint32_t)t->twig_count;
	return (uint32_t)t->twig_count++;
}

struct wordtree *
wordtree_new(void)
{
	struct wordtree *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	twig_add(t, 0, 0);
	if (t->twig_count == 0) {
		free(t);
		return NULL;
	}
	for (unsigned i = 0; i < 256; i++)
		t->fold[i] = i <= ' ' ? ' ' : (uint8_t)byte_lower((char)i);
	return t;
}

void
wordtree_free(struct wordtree *t)
{
	if (t == NULL)
		return;
	free(t->twigs);
	free(t->nodes);
	free(t->labels);
	free(t->firsts);
	free(t->found);
	free(t->starts);
	free(t);
}

enum rc
wordtree_add(struct wordtree *t, struct bytes word, uint32_t number)
{
	uint32_t at = 0;

	if (word.len < WORDTREE_WORD_MIN || word.len > WORDTREE_WORD_MAX)
		return RC_LIMIT;
	for (size_t i = 0; i < word.len; i++) {
		uint8_t  octet = (uint8_t)word.at[i];
		uint32_t c = t->twigs[at].child;
		while (c != 0 && t->twigs[c].octet != octet)
			c = t->twigs[c].next;
		if (c == 0) {
			c = twig_add(t, at, octet);
			t->gram_count += i + 1 == GRAM;
		}
		if (c == 0)
			return RC_MEMORY;
		at = c;
	}
	if (t->found_count == t->found_room) {
		size_t        room = t->found_room == 0 ? 512 : t->found_room * 2;
		struct found *wide = realloc(t->found, room * sizeof(*wide));
		if (wide == NULL)
			return RC_MEMORY;
		t->found = wide;
		t->found_room = room;
	}
	t->found[t->found_count] = (struct found){ number, t->twigs[at].hits };
	t->twigs[at].hits = (uint32_t)++t->found_count;
	return RC_OK;
}

/* A twig and those that follow it without a choice, or an end of a word, made a node; gives the last of them. */
static uint32_t
node_from(struct wordtree *t, uint32_t twig, struct node *n)
{
	*n = (struct node){ .label = t->label_count };
	t->labels[t->label_count++] = t->twigs[twig].octet;
	while (t->twigs[twig].hits == 0 && t->twigs[twig].child != 0 && t->twigs[t->twigs[twig].child].next == 0) {
		twig = t->twigs[twig].child;
		t->labels[t->label_count++] = t->twigs[twig].octet;
	}
	n->label_len = (uint16_t)(t->label_count - n->label);
	n->hits = t->twigs[twig].hits;
	return t->twigs[twig].child;
}

/* The twigs are given up for nodes, in the order of their depth. */
static bool
nodes_make(struct wordtree *t)
{
	uint32_t *child = calloc(t->twig_count, sizeof(*child)); /* by node: the twig of its first child */

	t->nodes = calloc(t->twig_count, sizeof(*t->nodes));
	t->labels = calloc(t->twig_count, 1);
	t->firsts = calloc(t->twig_count, 1);
	if (child == NULL || t->nodes == NULL || t->labels == NULL || t->firsts == NULL) {
		free(child);
		return false;
	}
	child[0] = t->twigs[0].child;
	t->node_count = 1;
	for (uint32_t at = 0; at < t->node_count; at++) {
		t->nodes[at].child = t->node_count;
		for (uint32_t c = child[at]; c != 0; c = t->twigs[c].next) {
			t->firsts[t->node_count] = t->twigs[c].octet;
			child[t->node_count] = node_from(t, c, &t->nodes[t->node_count]);
			t->node_count++;
			t->nodes[at].children++;
		}
	}
	free(child);
	free(t->twigs);
	t->twigs = NULL;
	struct node *tight = realloc(t->nodes, t->node_count * sizeof(*tight));
	t->nodes = tight != NULL ? tight : t->nodes;
	return true;
}

static inline uint32_t
mixed(uint32_t gram)
{
	return gram * 0x9e3779b1u;
}

static inline bool
may_start(const struct wordtree *t, uint32_t gram)
{
	uint32_t bit = mixed(gram) >> (32 - FILTER_SHIFT);

	return (t->filter[bit / 32] >> (bit % 32) & 1) != 0;
}

/* Where a gram is, or would be. */
static struct start *
start_of(const struct wordtree *t, uint32_t gram)
{
	size_t i = mixed(gram) & (t->start_room - 1);

	while (t->starts[i].gram != 0 && t->starts[i].gram != gram)
		i = (i + 1) & (t->start_room - 1);
	return &t->starts[i];
}

static void
filter_add(struct wordtree *t, uint32_t gram)
{
	uint32_t bit = mixed(gram) >> (32 - FILTER_SHIFT);

	t->filter[bit / 32] |= 1u << bit % 32;
}

static bool
short_add(struct wordtree *t, uint32_t node, uint32_t gram)
{
	if (t->short_count == SHORT_MAX)
		return false;
	t->shorts[t->short_count++] = (struct short_word){ gram, node };
	for (unsigned i = 0; i < 256; i++)
		if (t->fold[i] == i)
			filter_add(t, gram << 8 | i);
	return true;
}

/* All grams that words begin with. `gram` has the `depth` octets before this node. */
static bool
starts_fill(struct wordtree *t, uint32_t node, uint32_t gram, unsigned depth)
{
	const struct node *n = &t->nodes[node];

	for (uint32_t used = 0; used < n->label_len; used++) {
		gram = gram << 8 | t->labels[n->label + used];
		if (++depth < GRAM)
			continue;
		*start_of(t, gram) = (struct start){ gram, node, used + 1 };
		filter_add(t, gram);
		return true;
	}
	if (depth == GRAM - 1 && n->hits != 0 && !short_add(t, node, gram))
		return false;
	for (uint32_t i = 0; i < n->children; i++)
		if (!starts_fill(t, n->child + i, gram, depth))
			return false;
	return true;
}

enum rc
wordtree_ready(struct wordtree *t)
{
	if (!nodes_make(t))
		return RC_MEMORY;
	for (t->start_room = 64; t->start_room < 2 * t->gram_count; t->start_room *= 2)
		;
	t->starts = calloc(t->start_room, sizeof(*t->starts));
	if (t->starts == NULL)
		return RC_MEMORY;
	return starts_fill(t, 0, 0, 0) ? RC_OK : RC_LIMIT;
}

struct scan {
	const struct wordtree *tree;
	struct bytes           text;
	bool (*hit)(void *, uint32_t, size_t);
	void *arg;
};

static bool
tell(const struct scan *s, const struct node *n, size_t end)
{
	for (uint32_t f = n->hits; f != 0; f = s->tree->found[f - 1].next)
		if (!s->hit(s->arg, s->tree->found[f - 1].number, end))
			return false;
	return true;
}

/* The next octet, folded; 0 behind the end. */
static inline uint8_t
octet_next(const struct scan *s, size_t *end, uint8_t last)
{
	uint8_t octet;

	do {
		if (*end >= s->text.len)
			return 0;
		octet = s->tree->fold[(uint8_t)s->text.at[(*end)++]];
	} while (octet == ' ' && last == ' ');
	return octet;
}

static const struct node *
child_of(const struct wordtree *t, const struct node *n, uint8_t octet)
{
	const uint8_t *firsts = t->firsts + n->child, *found = memchr(firsts, octet, n->children);

	return found != NULL ? &t->nodes[n->child + (size_t)(found - firsts)] : NULL;
}

/* The words that begin as these octets do; `end` is behind them. False when the scan is to stop. */
static bool
words_from(const struct scan *s, uint32_t gram, size_t end)
{
	const struct wordtree *t = s->tree;
	const struct start    *start = start_of(t, gram);
	uint8_t                last = (uint8_t)gram;
	uint32_t               used = start->used;

	for (size_t i = 0; i < t->short_count; i++)
		if (t->shorts[i].gram == gram >> 8 && !tell(s, &t->nodes[t->shorts[i].node], end - 1))
			return false;
	if (start->gram != gram)
		return true;
	for (const struct node *n = &t->nodes[start->node]; n != NULL; n = child_of(t, n, last), used = 1) {
		for (; used < n->label_len; used++) {
			last = octet_next(s, &end, last);
			if (last != t->labels[n->label + used])
				return true;
		}
		if (n->hits != 0 && !tell(s, n, end))
			return false;
		if (n->children == 0)
			return true;
		last = octet_next(s, &end, last);
	}
	return true;
}

void
wordtree_scan(const struct wordtree *t, struct bytes text, bool (*hit)(void *, uint32_t, size_t), void *arg)
{
	const struct scan    s = { t, text, hit, arg };
	const unsigned char *p = (const unsigned char *)text.at;
	uint32_t             gram = 0;

	for (size_t i = 0; i < text.len; i++) {
		uint32_t octet = t->fold[p[i]];
		if (octet == ' ' && (uint8_t)gram == ' ')
			continue;
		gram = gram << 8 | octet;
		if (may_start(t, gram) && !words_from(&s, gram, i + 1))
			return;
	}
	/* A short word at the very end has nothing behind it. */
	if ((uint8_t)gram != ' ' && may_start(t, gram << 8 | ' '))
		words_from(&s, gram << 8 | ' ', text.len + 1);
}

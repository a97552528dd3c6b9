/* diagnose/wordtree.c: see wordtree.h. The trie is built with child lists. The
 * states next to the root, where nearly all of a text is spent, then get a row
 * of a table by classes of octets (octets that occur in no word share class 0,
 * which always leads back to the root); the deep ones stay lists, so that
 * making it ready is cheap and the table stays in the cache. */
#include "diagnose/wordtree.h"

#include <stdlib.h>
#include <string.h>

/* States this far from the root have a row. */
#define DENSE_DEPTH 3

struct node {
	uint32_t child, next; /* first child, next sibling; 0: none */
	uint32_t hits; /* first of its hits, plus one */
	uint32_t fail;
	uint32_t more; /* nearest node behind `fail` that has hits; 0: none */
	uint8_t  octet;
};

struct found {
	uint32_t number;
	uint32_t next; /* plus one */
};

struct wordtree {
	struct node  *nodes;
	size_t        count, room;
	struct found *found;
	size_t        found_count, found_room;
	uint8_t       class_of[256];
	unsigned      classes;
	uint32_t      dense; /* nodes with a row; the first ones */
	uint32_t      silent; /* so many of the first nodes end no word */
	uint32_t     *go; /* dense * classes */
};

static bool
more_nodes(struct wordtree *t)
{
	if (t->count < t->room)
		return true;
	size_t       room = t->room == 0 ? 1024 : t->room * 2;
	struct node *wide = realloc(t->nodes, room * sizeof(*wide));
	if (wide == NULL)
		return false;
	t->nodes = wide;
	t->room = room;
	return true;
}

struct wordtree *
wordtree_new(void)
{
	struct wordtree *t = calloc(1, sizeof(*t));

	if (t == NULL || !more_nodes(t)) {
		wordtree_free(t);
		return NULL;
	}
	t->nodes[t->count++] = (struct node){ 0 };
	t->classes = 1;
	return t;
}

void
wordtree_free(struct wordtree *t)
{
	if (t == NULL)
		return;
	free(t->nodes);
	free(t->found);
	free(t->go);
	free(t);
}

static uint32_t
child_of(const struct wordtree *t, uint32_t at, uint8_t octet)
{
	uint32_t c = t->nodes[at].child;

	while (c != 0 && t->nodes[c].octet != octet)
		c = t->nodes[c].next;
	return c;
}

enum rc
wordtree_add(struct wordtree *t, struct bytes word, uint32_t number)
{
	uint32_t at = 0;

	for (size_t i = 0; i < word.len; i++) {
		uint8_t  octet = (uint8_t)word.at[i];
		uint32_t c = child_of(t, at, octet);
		if (t->class_of[octet] == 0)
			t->class_of[octet] = (uint8_t)t->classes++;
		if (c == 0) {
			if (!more_nodes(t))
				return RC_MEMORY;
			c = (uint32_t)t->count++;
			t->nodes[c] = (struct node){ .octet = octet, .next = t->nodes[at].child };
			t->nodes[at].child = c;
		}
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
	t->found[t->found_count] = (struct found){ number, t->nodes[at].hits };
	t->nodes[at].hits = (uint32_t)++t->found_count;
	return RC_OK;
}

/* Where `at` leads with this octet. */
static uint32_t
step(const struct wordtree *t, uint32_t at, uint8_t octet)
{
	unsigned k = t->class_of[octet];

	if (k == 0)
		return 0;
	for (; at >= t->dense; at = t->nodes[at].fail) {
		uint32_t c = child_of(t, at, octet);
		if (c != 0)
			return c;
	}
	return t->go[(size_t)at * t->classes + k];
}

/* The nodes anew in the order of their depth, so that the shallow ones come first. */
static bool
by_depth(struct wordtree *t)
{
	struct node *sorted = calloc(t->count, sizeof(*sorted));
	size_t       tail = 1;

	if (sorted == NULL)
		return false;
	sorted[0] = t->nodes[0];
	t->dense = 1;
	for (size_t head = 0, level = 1, depth = 0; head < tail; head++) {
		if (head == level) {
			level = tail;
			if (++depth < DENSE_DEPTH)
				t->dense = (uint32_t)tail;
		}
		uint32_t c = sorted[head].child, *link = &sorted[head].child;
		for (; c != 0; c = t->nodes[c].next) {
			sorted[tail] = t->nodes[c];
			*link = (uint32_t)tail;
			link = &sorted[tail].next;
			tail++;
		}
		*link = 0;
	}
	free(t->nodes);
	t->nodes = sorted;
	t->room = t->count;
	return true;
}

enum rc
wordtree_ready(struct wordtree *t)
{
	if (!by_depth(t))
		return RC_MEMORY;
	free(t->go);
	t->go = calloc((size_t)t->dense * t->classes, sizeof(*t->go));
	if (t->go == NULL)
		return RC_MEMORY;
	for (uint32_t at = 0; at < t->count; at++) {
		struct node *n = &t->nodes[at];
		uint32_t    *row = t->go + (size_t)at * t->classes;
		if (at != 0 && at < t->dense)
			memcpy(row, t->go + (size_t)n->fail * t->classes, t->classes * sizeof(*row));
		if (at != 0)
			n->more = t->nodes[n->fail].hits != 0 ? n->fail : t->nodes[n->fail].more;
		for (uint32_t c = n->child; c != 0; c = t->nodes[c].next) {
			t->nodes[c].fail = at == 0 ? 0 : step(t, n->fail, t->nodes[c].octet);
			if (at < t->dense)
				row[t->class_of[t->nodes[c].octet]] = c;
		}
	}
	t->silent = 0;
	while (t->silent < t->count && t->nodes[t->silent].hits == 0 && t->nodes[t->silent].more == 0)
		t->silent++;
	return RC_OK;
}

void
wordtree_scan(const struct wordtree *t, struct bytes text, void (*hit)(void *, uint32_t, size_t), void *arg)
{
	uint32_t at = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (at < t->dense)
			at = t->go[at * t->classes + t->class_of[(uint8_t)text.at[i]]];
		else
			at = step(t, at, (uint8_t)text.at[i]);
		if (at < t->silent)
			continue;
		for (uint32_t n = t->nodes[at].hits != 0 ? at : t->nodes[at].more; n != 0; n = t->nodes[n].more)
			for (uint32_t f = t->nodes[n].hits; f != 0; f = t->found[f - 1].next)
				hit(arg, t->found[f - 1].number, i + 1);
	}
}

/* diagnose/wordtree.c: see wordtree.h. The trie is built with child lists and
 * then made one table of states by classes of octets: octets that occur in no
 * word share class 0, which always leads back to the root. */
#include "diagnose/wordtree.h"

#include <stdlib.h>
#include <string.h>

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
	uint32_t     *go; /* count * classes */
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

enum rc
wordtree_ready(struct wordtree *t)
{
	uint32_t *queue = calloc(t->count, sizeof(*queue));
	size_t    head = 0, tail = 0;

	free(t->go);
	t->go = calloc(t->count * t->classes, sizeof(*t->go));
	if (queue == NULL || t->go == NULL) {
		free(queue);
		return RC_MEMORY;
	}
	queue[tail++] = 0;
	while (head < tail) {
		uint32_t     at = queue[head++];
		struct node *n = &t->nodes[at];
		uint32_t    *row = t->go + (size_t)at * t->classes;
		if (at != 0) {
			memcpy(row, t->go + (size_t)n->fail * t->classes, t->classes * sizeof(*row));
			n->more = t->nodes[n->fail].hits != 0 ? n->fail : t->nodes[n->fail].more;
		}
		for (uint32_t c = n->child; c != 0; c = t->nodes[c].next) {
			uint8_t k = t->class_of[t->nodes[c].octet];
			t->nodes[c].fail = at == 0 ? 0 : row[k];
			row[k] = c;
			queue[tail++] = c;
		}
	}
	free(queue);
	return RC_OK;
}

void
wordtree_scan(const struct wordtree *t, struct bytes text, void (*hit)(void *, uint32_t, size_t), void *arg)
{
	uint32_t at = 0;

	for (size_t i = 0; i < text.len; i++) {
		at = t->go[(size_t)at * t->classes + t->class_of[(uint8_t)text.at[i]]];
		for (uint32_t n = t->nodes[at].hits != 0 ? at : t->nodes[at].more; n != 0; n = t->nodes[n].more)
			for (uint32_t f = t->nodes[n].hits; f != 0; f = t->found[f - 1].next)
				hit(arg, t->found[f - 1].number, i + 1);
	}
}

/* auth/bodyhash.c: see bodyhash.h.
 *
 * Two streams, one for each canonicalization, each feeding the hashes that want
 * it. Line ends are held back until something follows them, because those at
 * the end of the body do not count. "simple" changes nothing else, so whole
 * stretches go to the hash uncopied; "relaxed" is made in a buffer. */
#include "auth/bodyhash.h"

#include <string.h>

#include "auth/digest.h"
#include "auth/openssl.h"

#define STREAM_ROOM 8192

struct stream {
	bool     wanted;
	bool     cr; /* a CR was seen, its LF perhaps not yet */
	bool     blank; /* relaxed: white space was seen, not yet written */
	uint64_t line_ends; /* CRLFs seen, not yet written */
	uint64_t total; /* canonical octets written */
	char    *room;
	size_t   used;
};

struct wish {
	enum canon  canon;
	uint64_t    length;
	uint64_t    left; /* of length */
	EVP_MD_CTX *md; /* NULL: failed */
	uint8_t     hash[BODYHASH_LEN];
};

struct bodyhash {
	struct arena *arena;
	struct stream streams[2];
	struct wish   wishes[BODYHASH_WISHES];
	int           count;
};

static void
release(void *arg)
{
	struct bodyhash *h = arg;

	for (int i = 0; i < h->count; i++)
		openssl.EVP_MD_CTX_free(h->wishes[i].md);
}

struct bodyhash *
bodyhash_new(struct arena *a)
{
	struct bodyhash *h = arena_take(a, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->arena = a;
	return arena_on_free(a, release, h) ? h : NULL;
}

int
bodyhash_want(struct bodyhash *h, enum canon canon, uint64_t length)
{
	struct stream *s = &h->streams[canon];
	struct wish   *w = &h->wishes[h->count];

	for (int i = 0; i < h->count; i++)
		if (h->wishes[i].canon == canon && h->wishes[i].length == length)
			return i;
	if (h->count == BODYHASH_WISHES)
		return -1;
	if (s->room == NULL)
		s->room = arena_take(h->arena, STREAM_ROOM);
	EVP_MD_CTX *md = s->room != NULL ? digest_md() : NULL;
	if (md == NULL) {
		arena_spoil(h->arena);
		return -1;
	}
	s->wanted = true;
	*w = (struct wish){ .canon = canon, .length = length, .left = length, .md = md };
	return h->count++;
}

/* Give canonical octets to every hash that wants this stream. */
static void
pour(struct bodyhash *h, enum canon canon, struct bytes b)
{
	h->streams[canon].total += b.len;
	for (int i = 0; i < h->count; i++) {
		struct wish *w = &h->wishes[i];
		size_t       n = b.len < w->left ? b.len : (size_t)w->left;
		if (w->canon != canon || n == 0)
			continue;
		if (w->md != NULL && openssl.EVP_DigestUpdate(w->md, b.at, n) != 1) {
			arena_spoil(h->arena);
			openssl.EVP_MD_CTX_free(w->md);
			w->md = NULL;
		}
		if (w->left != BODYHASH_ALL)
			w->left -= n;
	}
}

static void
flush(struct bodyhash *h, enum canon canon)
{
	struct stream *s = &h->streams[canon];

	pour(h, canon, bytes_make(s->room, s->used));
	s->used = 0;
}

static void
write_byte(struct bodyhash *h, enum canon canon, char c)
{
	struct stream *s = &h->streams[canon];

	if (s->used == STREAM_ROOM)
		flush(h, canon);
	s->room[s->used++] = c;
}

static void
write_line_ends(struct bodyhash *h, enum canon canon)
{
	struct stream *s = &h->streams[canon];

	for (; s->line_ends > 0; s->line_ends--) {
		write_byte(h, canon, '\r');
		write_byte(h, canon, '\n');
	}
}

static void
write_bytes(struct bodyhash *h, enum canon canon, struct bytes b)
{
	struct stream *s = &h->streams[canon];

	if (b.len > STREAM_ROOM - s->used) {
		flush(h, canon);
		if (b.len > STREAM_ROOM / 2) {
			pour(h, canon, b);
			return;
		}
	}
	memcpy(s->room + s->used, b.at, b.len);
	s->used += b.len;
}

/* One octet of CR or LF, or the octet behind a CR. */
static void
simple_byte(struct bodyhash *h, char c)
{
	struct stream *s = &h->streams[CANON_SIMPLE];

	if (s->cr) {
		s->cr = false;
		if (c == '\n') {
			s->line_ends++;
			return;
		}
		write_line_ends(h, CANON_SIMPLE);
		write_byte(h, CANON_SIMPLE, '\r');
	}
	if (c == '\r') {
		s->cr = true;
		return;
	}
	write_line_ends(h, CANON_SIMPLE);
	write_byte(h, CANON_SIMPLE, c);
}

static void
simple_feed(struct bodyhash *h, struct bytes b)
{
	size_t kept = b.len;

	if (b.len > 0 && h->streams[CANON_SIMPLE].cr) {
		simple_byte(h, b.at[0]);
		bytes_skip(&b, 1);
		kept = b.len;
	}
	while (kept > 0 && (b.at[kept - 1] == '\r' || b.at[kept - 1] == '\n'))
		kept--;
	/* After the octet above a CR may be held again; it is no line end if anything but LF follows. */
	if (kept > 0 && !h->streams[CANON_SIMPLE].cr) {
		write_line_ends(h, CANON_SIMPLE);
		write_bytes(h, CANON_SIMPLE, bytes_sub(b, 0, kept));
		bytes_skip(&b, kept);
	}
	for (size_t i = 0; i < b.len; i++)
		simple_byte(h, b.at[i]);
}

/* What ordinary octets do in "relaxed" before they are written: the line ends
 * and the white space that was held back turn out to count. */
static void
relaxed_settle(struct bodyhash *h)
{
	struct stream *s = &h->streams[CANON_RELAXED];

	write_line_ends(h, CANON_RELAXED);
	if (s->blank)
		write_byte(h, CANON_RELAXED, ' ');
	s->blank = false;
	if (s->cr)
		write_byte(h, CANON_RELAXED, '\r');
	s->cr = false;
}

static bool
is_plain(char c)
{
	return (unsigned char)c > ' ' || (c != ' ' && c != '\t' && c != '\r');
}

static void
relaxed_feed(struct bodyhash *h, struct bytes b)
{
	struct stream *s = &h->streams[CANON_RELAXED];
	size_t         i = 0;

	while (i < b.len) {
		char c = b.at[i];
		if (c == '\n' && s->cr) {
			s->cr = s->blank = false; /* white space at the end of a line goes */
			s->line_ends++;
			i++;
		} else if (c == '\r') {
			if (s->cr)
				relaxed_settle(h);
			s->cr = true;
			i++;
		} else if (byte_is_wsp(c)) {
			if (s->cr)
				relaxed_settle(h);
			s->blank = true;
			i++;
		} else {
			size_t from = i;
			if (s->cr || s->blank || s->line_ends > 0)
				relaxed_settle(h);
			while (i < b.len && is_plain(b.at[i]))
				i++;
			write_bytes(h, CANON_RELAXED, bytes_sub(b, from, i - from));
		}
	}
}

void
bodyhash_feed(struct bodyhash *h, struct bytes chunk)
{
	if (h->streams[CANON_SIMPLE].wanted)
		simple_feed(h, chunk);
	if (h->streams[CANON_RELAXED].wanted)
		relaxed_feed(h, chunk);
}

/* Every body ends in one CRLF, but for the empty one under "relaxed" (3.4.4). */
static void
finish(struct bodyhash *h, enum canon canon)
{
	struct stream *s = &h->streams[canon];

	if (!s->wanted)
		return;
	if (s->cr && canon == CANON_RELAXED)
		relaxed_settle(h);
	if (s->cr) {
		write_line_ends(h, canon);
		write_byte(h, canon, '\r');
	}
	if (canon == CANON_SIMPLE || s->used > 0 || s->total > 0) {
		s->line_ends = 1;
		write_line_ends(h, canon);
	}
	flush(h, canon);
}

void
bodyhash_end(struct bodyhash *h)
{
	finish(h, CANON_SIMPLE);
	finish(h, CANON_RELAXED);
	for (int i = 0; i < h->count; i++)
		if (h->wishes[i].md != NULL && openssl.EVP_DigestFinal_ex(h->wishes[i].md, h->wishes[i].hash, NULL) != 1)
			arena_spoil(h->arena);
}

void
bodyhash_value(const struct bodyhash *h, int handle, uint8_t hash_out[BODYHASH_LEN], uint64_t *length_out)
{
	const struct wish *w = &h->wishes[handle];

	memcpy(hash_out, w->hash, BODYHASH_LEN);
	*length_out = h->streams[w->canon].total;
}

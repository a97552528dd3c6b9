/* store/vault.c: see vault.h. Names are made by us and checked when they come
 * back; files are reached from the directory of the vault and links are not
 * followed, so that no row and no neighbour can lead elsewhere. */
#include "store/vault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/file.h"

/* What is larger goes to a file as it comes. */
#define IN_MEMORY ((size_t)256 << 10)
#define YOUNG_S   3600
#define BEGUN     ".begun-"
#define SENT      ".sent-"


struct vault {
	int  dir;
	char name[ID_LEN + 1];
};

struct copy {
	struct vault *vault;
	struct buf    text; /* what is not in the file yet */
	int           day_fd, fd; /* -1: none */
	int64_t       day;
	int           trouble; /* errno */
	char          id[ID_LEN + 1];
	bool          begun; /* the file is there, under its first name */
};

/* ---- open and close ---- */

static bool
read_name(struct vault *v)
{
	int     fd = openat(v->dir, VAULT_NAME_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, v->name, ID_LEN);

	if (fd >= 0)
		close(fd);
	if (n >= 0 && !id_is(bytes_make(v->name, (size_t)n)))
		errno = EINVAL;
	return n == ID_LEN && id_is(bytes_make(v->name, ID_LEN));
}

/* Under another name first, and linked: whoever finds it finds all of it. Readable, since
 * an operator may be the first who opens a vault that is the daemon's. */
static bool
make_name(struct vault *v)
{
	uint8_t random[8];
	char    begun[48];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return false;
	id_format(random, v->name);
	snprintf(begun, sizeof(begun), BEGUN "name-%s", v->name);
	int  fd = openat(v->dir, begun, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	bool fine = fd >= 0 && fchmod(fd, 0644) == 0 && write(fd, v->name, ID_LEN) == ID_LEN && fsync(fd) == 0 && (linkat(v->dir, begun, v->dir, VAULT_NAME_FILE, 0) == 0 || errno == EEXIST) &&
	            fsync(v->dir) == 0;
	int saved = errno;
	if (fd >= 0) {
		close(fd);
		(void)unlinkat(v->dir, begun, 0);
	}
	errno = saved;
	return fine && read_name(v); /* perhaps another was quicker */
}

enum rc
vault_open(const char *dir, struct arena *a, struct vault **vault_out, struct bytes *why_out)
{
	struct vault *v = calloc(1, sizeof(*v));

	if (v == NULL) {
		*why_out = B("memory is spent");
		return RC_MEMORY;
	}
	v->dir = -1;
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		goto fail;
	v->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (v->dir < 0 || faccessat(v->dir, ".", W_OK | X_OK, AT_EACCESS) != 0)
		goto fail;
	if (!read_name(v) && (errno != ENOENT || !make_name(v))) {
		*why_out = arena_printf(a, "%s/" VAULT_NAME_FILE ": %s", dir, errno == EINVAL ? "this is not what we wrote there" : strerror(errno));
		vault_close(v);
		return RC_IO;
	}
	*vault_out = v;
	return RC_OK;

fail:
	*why_out = arena_printf(a, "%s: %s", dir, strerror(errno));
	vault_close(v);
	return RC_IO;
}

void
vault_close(struct vault *v)
{
	if (v == NULL)
		return;
	if (v->dir >= 0)
		close(v->dir);
	free(v);
}

struct bytes
vault_name(const struct vault *v)
{
	return bytes_make(v->name, ID_LEN);
}

/* ---- a copy to be ---- */

struct copy *
copy_new(struct vault *v, struct bytes id, int64_t at_us)
{
	struct copy *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	*c = (struct copy){ .vault = v, .day_fd = -1, .fd = -1, .day = store_day(at_us) };
	if (id_is(id))
		snprintf(c->id, sizeof(c->id), "%.*s", B_FMT(id));
	else
		c->trouble = EINVAL;
	return c;
}

struct bytes
copy_vault(const struct copy *c)
{
	return vault_name(c->vault);
}

static void
note(struct copy *c)
{
	if (c->trouble == 0)
		c->trouble = errno != 0 ? errno : EIO;
}

static void
begin_file(struct copy *c)
{
	char day[24], name[48];

	snprintf(day, sizeof(day), "%" PRId64, c->day);
	snprintf(name, sizeof(name), BEGUN "%s", c->id);
	if (mkdirat(c->vault->dir, day, 0700) != 0 && errno != EEXIST) {
		note(c);
		return;
	}
	c->day_fd = openat(c->vault->dir, day, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	c->fd = c->day_fd < 0 ? -1 : openat(c->day_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	c->begun = c->fd >= 0;
	if (c->fd < 0)
		note(c);
}

static void
write_out(struct copy *c)
{
	struct bytes rest = buf_bytes(&c->text);

	if (c->trouble == 0 && !c->begun)
		begin_file(c);
	while (c->trouble == 0 && rest.len > 0) {
		ssize_t n = write(c->fd, rest.at, rest.len);
		if (n > 0)
			bytes_skip(&rest, (size_t)n);
		else if (n == 0 || errno != EINTR)
			note(c);
	}
	buf_clear(&c->text);
}

void
copy_add(struct copy *c, struct bytes chunk)
{
	while (chunk.len > 0 && c->trouble == 0) {
		struct bytes some = bytes_sub(chunk, 0, IN_MEMORY);
		buf_add(&c->text, some);
		bytes_skip(&chunk, some.len);
		if (c->text.spoilt)
			c->trouble = ENOMEM;
		else if (c->text.len >= IN_MEMORY)
			write_out(c);
	}
}

void
copy_free(struct copy *c)
{
	char name[48];

	if (c == NULL)
		return;
	snprintf(name, sizeof(name), BEGUN "%s", c->id);
	if (c->begun)
		unlinkat(c->day_fd, name, 0);
	if (c->fd >= 0)
		close(c->fd);
	if (c->day_fd >= 0)
		close(c->day_fd);
	buf_free(&c->text);
	free(c);
}

enum rc
vault_keep(struct copy *c, char path_out[VAULT_PATH_MAX])
{
	char from[48], to[48];

	write_out(c); /* an empty message has a file too */
	snprintf(from, sizeof(from), BEGUN "%s", c->id);
	snprintf(to, sizeof(to), "%s.eml", c->id);
	/* The names last: of the file in its day, and of the day in the vault. */
	if (c->trouble == 0 && fsync(c->fd) != 0)
		note(c);
	if (c->trouble == 0 && renameat(c->day_fd, from, c->day_fd, to) != 0)
		note(c);
	if (c->trouble == 0)
		c->begun = false;
	if (c->trouble == 0 && (fsync(c->day_fd) != 0 || fsync(c->vault->dir) != 0)) {
		note(c);
		unlinkat(c->day_fd, to, 0);
	}
	if (c->trouble != 0) {
		errno = c->trouble;
		return RC_IO;
	}
	snprintf(path_out, VAULT_PATH_MAX, "%" PRId64 "/%s.eml", c->day, c->id);
	return RC_OK;
}

void
copy_drop(struct copy *c)
{
	char name[48];

	snprintf(name, sizeof(name), "%s.eml", c->id);
	if (c->day_fd >= 0)
		(void)unlinkat(c->day_fd, name, 0);
}

/* ---- copies that are kept ---- */

static bool
path_is_ours(struct bytes path, char text[VAULT_PATH_MAX])
{
	struct bytes day, rest = path;
	uint64_t     number;

	if (path.len >= VAULT_PATH_MAX || !bytes_cut(&rest, '/', &day) || day.len == 0 || day.len > 9 || !bytes_number(day, UINT32_MAX, &number) ||
	    rest.len != ID_LEN + 4 || !id_is(bytes_sub(rest, 0, ID_LEN)) || !bytes_eq(bytes_from(rest, ID_LEN), B(".eml")))
		return false;
	snprintf(text, VAULT_PATH_MAX, "%.*s", B_FMT(path));
	return true;
}

/* The directory of the day, itself no link. */
static int
open_day(struct vault *v, const char *path)
{
	char day[VAULT_PATH_MAX];

	snprintf(day, sizeof(day), "%.*s", (int)strcspn(path, "/"), path);
	return openat(v->dir, day, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static enum rc
read_head(int fd, size_t most, struct buf *out)
{
	size_t end = out->len + most;

	if (!buf_reserve(out, most))
		return RC_MEMORY;
	for (ssize_t n = 1; n > 0 && out->len < end;) {
		n = read(fd, out->at + out->len, end - out->len);
		if (n < 0 && errno != EINTR)
			return RC_IO;
		out->len += n > 0 ? (size_t)n : 0;
		n = n < 0 ? 1 : n;
	}
	return RC_OK;
}

enum rc
vault_read(struct vault *v, struct bytes path, size_t most, struct buf *out)
{
	char text[VAULT_PATH_MAX];

	if (!path_is_ours(path, text))
		return RC_SYNTAX;
	int day = open_day(v, text);
	if (day < 0)
		return RC_IO;
	int fd = openat(day, strchr(text, '/') + 1, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int saved = errno;
	close(day);
	errno = saved;
	if (fd < 0)
		return RC_IO;
	enum rc rc = most > 0 ? read_head(fd, most, out) : file_read_fd(fd, out);
	saved = errno;
	close(fd);
	errno = saved;
	return rc;
}

static void
sent_name(const char *path, char name[VAULT_PATH_MAX])
{
	snprintf(name, VAULT_PATH_MAX, SENT "%.*s", ID_LEN, strchr(path, '/') + 1);
}

enum rc
vault_remove(struct vault *v, struct bytes path)
{
	char text[VAULT_PATH_MAX], sent[VAULT_PATH_MAX];

	if (!path_is_ours(path, text))
		return RC_SYNTAX;
	int day = open_day(v, text);
	if (day < 0)
		return errno == ENOENT ? RC_OK : RC_IO;
	int result = unlinkat(day, strchr(text, '/') + 1, 0), saved = errno;
	sent_name(text, sent);
	(void)unlinkat(day, sent, 0);
	close(day);
	errno = saved;
	return result == 0 || saved == ENOENT ? RC_OK : RC_IO;
}

enum rc
vault_note_sent(struct vault *v, struct bytes path)
{
	char text[VAULT_PATH_MAX], sent[VAULT_PATH_MAX];

	if (!path_is_ours(path, text))
		return RC_SYNTAX;
	int day = open_day(v, text);
	if (day < 0)
		return RC_IO;
	sent_name(text, sent);
	int fd = openat(day, sent, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	close(day);
	return fd >= 0 ? RC_OK : RC_IO;
}

static bool
was_sent(struct vault *v, struct bytes path)
{
	char        text[VAULT_PATH_MAX], sent[VAULT_PATH_MAX];
	struct stat st;

	if (!path_is_ours(path, text))
		return false;
	int day = open_day(v, text);
	if (day < 0)
		return false;
	sent_name(text, sent);
	bool there = fstatat(day, sent, &st, AT_SYMLINK_NOFOLLOW) == 0;
	close(day);
	return there;
}

/* ---- copies and rows, compared ---- */

struct reconciling {
	struct vault *vault;
	struct store *store;
	int64_t       now_us, expires_us;
	vault_fn     *fn;
	void         *arg;
	enum rc       rc;
	int64_t       last_us; /* of the rows */
	char          last_id[ID_LEN + 1];
	size_t        rows;
};

static bool
is_ours(const struct vault *v, const struct store_held *held)
{
	return bytes_eq(held->vault, vault_name(v));
}

/* Its copy was about to be removed. */
static bool
is_done_with(struct bytes state)
{
	return bytes_eq(state, B(HELD_RELEASED)) || bytes_eq(state, B(HELD_DELETED)) || bytes_eq(state, B(HELD_EXPIRED));
}

static enum rc
meet_copy(struct reconciling *r, const char *day, const char *name, const struct stat *st)
{
	char              path[VAULT_PATH_MAX], text[VAULT_PATH_MAX];
	struct arena     *a = arena_new((size_t)1 << 20);
	struct store_held held;
	int               n = snprintf(path, sizeof(path), "%s/%s", day, name);
	enum rc           rc = RC_OK;

	if (n > 0 && (size_t)n < sizeof(path) && path_is_ours(bytes_of(path), text)) {
		struct bytes id = bytes_make(name, ID_LEN);
		rc = held_get(r->store, a, id, &held);
		if (rc == RC_OK && is_done_with(held.state)) {
			rc = vault_remove(r->vault, bytes_of(path));
		} else if (rc == RC_OK && !is_ours(r->vault, &held)) {
			rc = held_adopt(r->store, id, vault_name(r->vault));
		} else if (rc == RC_LIMIT) {
			held = (struct store_held){ .id = id, .at_us = (int64_t)st->st_mtime * 1000000, .vault = vault_name(r->vault),
				                    .path = bytes_of(path), .size = st->st_size, .state = B(HELD_UNCONFIRMED), .expires_us = r->expires_us, .changed_us = r->now_us,
				                    .changed_by = B("mailreeve") };
			rc = held_add(r->store, &held);
			if (rc == RC_OK && r->fn != NULL)
				r->fn(r->arg, &held, true);
		}
	}
	arena_free(a);
	return rc;
}

/* A note without its copy: the kill came while both were removed. */
static void
drop_note(int day, const char *name)
{
	char        copy[48];
	struct stat st;

	snprintf(copy, sizeof(copy), "%.*s.eml", ID_LEN, name + strlen(SENT));
	if (fstatat(day, copy, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
		(void)unlinkat(day, name, 0);
}

static enum rc
walk_day(struct reconciling *r, const char *day)
{
	int  fd = openat(r->vault->dir, day, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	enum rc              rc = RC_OK;

	if (d == NULL) {
		if (fd >= 0)
			close(fd);
		return errno == ENOENT ? RC_OK : RC_IO;
	}
	while (rc == RC_OK && (e = readdir(d)) != NULL) {
		struct stat st;
		if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
			continue;
		if ((int64_t)st.st_mtime > r->now_us / 1000000 - YOUNG_S)
			continue;
		if (bytes_starts(bytes_of(e->d_name), B(SENT)))
			drop_note(fd, e->d_name);
		else if (bytes_starts(bytes_of(e->d_name), B(BEGUN)))
			(void)unlinkat(fd, e->d_name, 0); /* nobody was told that it is kept */
		else
			rc = meet_copy(r, day, e->d_name, &st);
	}
	closedir(d);
	return rc;
}

static enum rc
walk_copies(struct reconciling *r)
{
	int            fd = openat(r->vault->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR           *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	uint64_t       number;
	enum rc        rc = RC_OK;

	if (d == NULL) {
		if (fd >= 0)
			close(fd);
		return RC_IO;
	}
	while (rc == RC_OK && (e = readdir(d)) != NULL) {
		if (!bytes_number(bytes_of(e->d_name), UINT32_MAX, &number))
			continue;
		rc = walk_day(r, e->d_name);
		/* An empty day goes, unless somebody may be about to put a copy there. */
		if ((int64_t)number < store_day(r->now_us) - 1)
			(void)unlinkat(r->vault->dir, e->d_name, AT_REMOVEDIR);
	}
	closedir(d);
	return rc;
}

static bool
has_copy(struct vault *v, struct bytes path)
{
	char        text[VAULT_PATH_MAX];
	struct stat st;

	return path_is_ours(path, text) && fstatat(v->dir, text, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

static bool
meet_row(void *arg, const struct store_held *held)
{
	struct reconciling *r = arg;

	r->rows++;
	r->last_us = held->at_us;
	snprintf(r->last_id, sizeof(r->last_id), "%.*s", B_FMT(held->id));
	if (r->fn != NULL && is_ours(r->vault, held) && !has_copy(r->vault, held->path))
		r->fn(r->arg, held, false);
	return true;
}

#define ROWS_AT_ONCE 500

enum rc
vault_reconcile(struct vault *v, struct store *s, int64_t now_us, int64_t expires_us, vault_fn *fn, void *arg)
{
	struct reconciling r = { .vault = v, .store = s, .now_us = now_us, .expires_us = expires_us, .fn = fn, .arg = arg };
	enum rc            rc = RC_OK;
	char               from[ID_LEN + 1];

	do {
		r.rows = 0;
		memcpy(from, r.last_id, sizeof(from));
		rc = held_list(s, B(HELD_HELD), r.last_us, bytes_of(from), ROWS_AT_ONCE, meet_row, &r);
	} while (rc == RC_OK && r.rows == ROWS_AT_ONCE);
	return rc != RC_OK ? rc : walk_copies(&r);
}

/* ---- releases that were cut short ---- */

#define RECOVERED_AT_ONCE 100

struct stuck {
	struct arena     *arena;
	struct store_held rows[RECOVERED_AT_ONCE]; /* what is needed of them */
	size_t            count;
};

static bool
note_stuck(void *arg, const struct store_held *held)
{
	struct stuck *stuck = arg;

	stuck->rows[stuck->count++] = (struct store_held){ .id = arena_copy(stuck->arena, held->id), .at_us = held->at_us, .changed_us = held->changed_us,
		                                           .vault = arena_copy(stuck->arena, held->vault), .path = arena_copy(stuck->arena, held->path), .changed_by = arena_copy(stuck->arena, held->changed_by) };
	return stuck->count < RECOVERED_AT_ONCE;
}

static enum rc
recover_one(struct vault *v, struct store *s, struct arena *a, struct store_held *held, int64_t now_us, recover_fn *fn, void *arg)
{
	bool sent = was_sent(v, held->path);

	held->state = sent ? B(HELD_RELEASED) : B(HELD_HELD);
	if (!sent) /* he who was named stays named */
		held->changed_by = arena_printf(a, "mailreeve: the release by %.*s was cut short, it may have been delivered", B_FMT(held->changed_by));
	enum rc rc = held_change(s, held->id, B(HELD_RELEASING), held->state, now_us, held->changed_by);
	if (rc == RC_OK && fn != NULL)
		fn(arg, held);
	if (rc == RC_OK && sent)
		rc = vault_remove(v, held->path);
	return rc == RC_LIMIT ? RC_OK : rc; /* somebody was quicker */
}

enum rc
vault_recover(struct vault *v, struct store *s, int64_t now_us, recover_fn *fn, void *arg)
{
	int64_t last_us = 0;
	char    id[ID_LEN + 1] = "";
	enum rc rc;
	bool    more;

	do {
		struct stuck stuck = { .arena = arena_new((size_t)1 << 20) };
		rc = held_list(s, B(HELD_RELEASING), last_us, bytes_of(id), RECOVERED_AT_ONCE, note_stuck, &stuck);
		for (size_t i = 0; i < stuck.count && rc == RC_OK; i++)
			if (stuck.rows[i].changed_us < now_us - (is_ours(v, &stuck.rows[i]) ? RELEASE_LONGEST_US : ABANDONED_US))
				rc = recover_one(v, s, stuck.arena, &stuck.rows[i], now_us, fn, arg);
		more = stuck.count == RECOVERED_AT_ONCE;
		if (more) {
			last_us = stuck.rows[stuck.count - 1].at_us;
			snprintf(id, sizeof(id), "%.*s", B_FMT(stuck.rows[stuck.count - 1].id));
		}
		arena_free(stuck.arena);
	} while (rc == RC_OK && more);
	return rc;
}

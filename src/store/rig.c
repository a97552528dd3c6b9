/* store/rig.c: see rig.h. */
#include "store/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/engine.h"

static char  dir[64] = "/tmp/mailreeve-store-XXXXXX";
static char  where[256], bin[256];
static bool  sqlite;
static pid_t server;

static void
die(const char *what)
{
	fprintf(stderr, "rig: %s: %s\n", what, strerror(errno));
	abort();
}

static _Noreturn void
skip(const char *why)
{
	printf("1..0 # SKIP %s\n", why);
	exit(0);
}

/* The server refuses to run as root. */
static void
become_somebody(void)
{
	const struct passwd *who = getpwnam("nobody");

	if (geteuid() == 0 && (who == NULL || setgroups(0, NULL) != 0 || setgid(who->pw_gid) != 0 || setuid(who->pw_uid) != 0))
		_exit(127);
}

static pid_t
start(const char *name, char *const argv[])
{
	char path[320];

	fflush(NULL);
	pid_t pid = fork();
	if (pid < 0)
		die("fork");
	if (pid > 0)
		return pid;
	int log = open(dir, O_TMPFILE | O_WRONLY, 0600);
	become_somebody();
	prctl(PR_SET_PDEATHSIG, SIGQUIT);
	snprintf(path, sizeof(path), "%s/%s", bin, name);
	if (log < 0)
		log = open("/dev/null", O_WRONLY);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	execv(path, argv);
	_exit(127);
}

static void
start_server(void)
{
	char data[80];

	snprintf(data, sizeof(data), "%s/data", dir);
	char *const argv[] = { "postgres", "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "port=5439", "-c", "max_connections=20",
		               "-c", "shared_buffers=32MB", NULL };
	server = start("postgres", argv);
	for (int i = 0; i < 300; i++) {
		void      *db = NULL;
		struct buf why = { .limit = 1024 };
		enum rc    rc = postgres_engine.open(where, STORE_WRITE, &db, &why);
		buf_free(&why);
		if (db != NULL)
			postgres_engine.close(db);
		if (rc == RC_OK)
			return;
		usleep(100000);
	}
	die("the PostgreSQL server does not answer");
}

static void
make_server(void)
{
	char data[80];
	int  status;

	snprintf(data, sizeof(data), "%s/data", dir);
	const struct passwd *who = getpwnam("nobody");
	if (geteuid() == 0 && (who == NULL || chown(dir, who->pw_uid, who->pw_gid) != 0))
		die("chown");
	char *const argv[] = { "initdb", "-D", data, "-A", "trust", "-U", "mailreeve", "-E", "UTF8", "--locale=C", "--no-sync", NULL };
	pid_t pid = start("initdb", argv);
	if (waitpid(pid, &status, 0) != pid || status != 0)
		die("initdb failed");
	start_server();
}

/* Can nobody run it from here? A checkout below a closed folder says no. */
static bool
runs(const char *folder)
{
	char *const argv[] = { "initdb", "--version", NULL };
	int         status;

	snprintf(bin, sizeof(bin), "%s", folder);
	pid_t pid = start("initdb", argv);
	return waitpid(pid, &status, 0) == pid && status == 0;
}

/* tools/setup unpacks it under build/root, where $MAILREEVE_ROOT points. */
static void
find_postgres(void)
{
	static const char *const versions[] = { "15", "16", "17" };
	const char              *roots[] = { getenv("MAILREEVE_ROOT"), "" };
	char                     path[256];

	for (size_t i = 0; i < NELEMS(roots) * NELEMS(versions); i++) {
		const char *root = roots[i / NELEMS(versions)];
		if (root == NULL)
			continue;
		int n = snprintf(path, sizeof(path), "%s/usr/lib/postgresql/%s/bin", root, versions[i % NELEMS(versions)]);
		if (n < (int)sizeof(path) && access(path, X_OK) == 0 && runs(path))
			return;
	}
	skip("no PostgreSQL 15 that the user nobody can run (Debian: postgresql-15, or tools/setup test)");
}

void
rig_begin(int argc, char **argv)
{
	sqlite = argc < 2 || strcmp(argv[1], "postgresql") != 0;
#ifndef MAILREEVE_LIBPQ
	if (!sqlite)
		skip("this build knows no PostgreSQL");
#endif
	if (!sqlite)
		find_postgres();
	if (mkdtemp(dir) == NULL)
		die(dir);
	if (sqlite) {
		snprintf(where, sizeof(where), "%s/store.db", dir);
		return;
	}
	snprintf(where, sizeof(where), "postgres://mailreeve@/postgres?host=%s&port=5439", dir);
	make_server();
}

void
rig_end(void)
{
	char        command[128];
	char *const argv[] = { "sh", "-c", command, NULL };

	if (server > 0) {
		kill(server, SIGINT);
		waitpid(server, NULL, 0);
	}
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	pid_t pid = fork();
	if (pid == 0) {
		execv("/bin/sh", argv);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

bool
rig_is_sqlite(void)
{
	return sqlite;
}

const char *
rig_dir(void)
{
	return dir;
}

bool
rig_script(const char *sql)
{
	const struct engine *e = sqlite ? &sqlite_engine : &postgres_engine;
	void                *db = NULL;
	struct buf           why = { .limit = 1024 };
	enum rc              rc = e->open(where, STORE_WRITE, &db, &why);

	if (rc == RC_OK)
		rc = e->script(db, sql);
	if (rc != RC_OK)
		fprintf(stderr, "rig: %.*s %s\n", B_FMT(buf_bytes(&why)), db != NULL ? e->trouble(db) : "");
	if (db != NULL)
		e->close(db);
	buf_free(&why);
	return rc == RC_OK;
}

static void
remove_file(const char *suffix)
{
	char path[300];

	snprintf(path, sizeof(path), "%s%s", where, suffix);
	unlink(path);
}

const char *
rig_where(void)
{
	if (sqlite) {
		rmdir(where); /* left by a test that failed */
		remove_file("");
		remove_file("-wal");
		remove_file("-shm");
	} else if (!rig_script("DROP SCHEMA public CASCADE; CREATE SCHEMA public")) {
		die("the schema could not be dropped");
	}
	return where;
}

/* SQLite: a directory stands where the file was; nothing opens there. They change
 * places in one step, since a new file would be made in between, and written to. */
static void
move_file(const char *suffix, bool away, unsigned how)
{
	char here[300], there[300];

	snprintf(here, sizeof(here), "%s%s", where, suffix);
	snprintf(there, sizeof(there), "%s/away%s", dir, suffix);
	if (renameat2(AT_FDCWD, away ? here : there, AT_FDCWD, away ? there : here, how) != 0 && (how != 0 || errno != ENOENT))
		die("rename");
}

static void
away_path(char path[300])
{
	snprintf(path, 300, "%s/away", dir);
}

void
rig_take_away(void)
{
	char path[300];

	if (sqlite) {
		away_path(path);
		if (mkdir(path, 0700) != 0)
			die("mkdir");
		move_file("", true, RENAME_EXCHANGE);
		move_file("-wal", true, 0);
		move_file("-shm", true, 0);
		return;
	}
	kill(server, SIGKILL); /* its children notice, as after the kernel killed it */
	waitpid(server, NULL, 0);
	server = 0;
}

void
rig_bring_back(void)
{
	char path[300];

	if (!sqlite) {
		snprintf(path, sizeof(path), "%s/data/postmaster.pid", dir);
		usleep(300000);
		start_server();
		return;
	}
	move_file("-wal", false, 0);
	move_file("-shm", false, 0);
	move_file("", false, RENAME_EXCHANGE);
	away_path(path);
	if (rmdir(path) != 0)
		die("rmdir");
}

struct store *
rig_open(enum store_mode mode)
{
	struct arena *a = arena_new(65536);
	struct store *s = NULL;
	struct bytes  why = B_NONE;

	if (store_open(where, mode, a, &s, &why) != RC_OK) {
		fprintf(stderr, "rig: the store does not open: %.*s\n", B_FMT(why));
		abort();
	}
	arena_free(a);
	return s;
}

struct store_account
rig_account(struct arena *a, unsigned n, int64_t at_us)
{
	struct store_recipient *r = arena_take_array(a, 2, sizeof(*r));

	if (r == NULL)
		abort();
	r[0] = (struct store_recipient){ arena_printf(a, "user%u@Example.NET", n % 10), B("reject"), B("dmarc.reject"), B_NONE, 0, B_NONE };
	r[1] = (struct store_recipient){ B("all@example.net"), B("accept"), B("none"), B("delivered"), at_us + 5, B("250 2.0.0 kept") };
	return (struct store_account){
		.id = arena_printf(a, "ID%c%c%c%c%c%c%c%c%c%c", 'A' + n / 456976 % 26, 'A' + n / 17576 % 26, 'A' + n / 676 % 26, 'A' + n / 26 % 26,
		                   'A' + n % 26, 'X', 'Y', 'Z', '2', '3'),
		.at_us = at_us,
		.client = arena_printf(a, "192.0.2.%u", n % 200),
		.client_name = B("mx.example.org"),
		.helo = B("helo.example.org"),
		.peer = B("198.51.100.1"),
		.listener = B("unix:/run/x"),
		.standing = B("foreign"),
		.sender = arena_printf(a, "Sender%u@example.ORG", n % 7),
		.domain = arena_printf(a, "d%u.Example.org", n % 5),
		.header_from = B("A <a@example.org>"),
		.subject = B("hello"),
		.message_id = arena_printf(a, "<m%u@example.org>", n),
		.queue_id = arena_printf(a, "Q%u", n),
		.size = 1000 + n,
		.tls = B("TLSv1.3"),
		.login = B("login"),
		.mode = B("enforce"),
		.action = n % 3 == 0 ? B("reject") : B("accept"),
		.reason = n % 3 == 0 ? B("dmarc.reject") : B("none"),
		.rule = B("dmarc.on_reject"),
		.override = B("mailing_list"),
		.reply = B("550 5.7.509 Access denied"),
		.spf = B("fail"),
		.spf_reason = B("spf.matched"),
		.dkim = B("none"),
		.dkim_reason = B("dkim.none"),
		.arc = B("none"),
		.arc_reason = B("arc.none"),
		.dmarc = B("fail"),
		.dmarc_reason = B("dmarc.no-pass"),
		.results = B("gate.example.net; spf=fail"),
		.took_us = 1234,
		.story = B("{\"lines\":[]}"),
		.blamed = n % 3 == 0 ? arena_printf(a, "d%u.Example.org", n % 5) : B_NONE,
		.recipients = r,
		.recipient_count = 2,
	};
}

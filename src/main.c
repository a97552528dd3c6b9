/* main.c: picks the verb; and the daemon: reads settings, opens, drops
 * privileges, runs.
 *
 * The main thread only waits for signals: SIGHUP reads settings anew, SIGUSR1
 * logs figures, SIGTERM and SIGINT drain. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "auth/digest.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/near.h"
#include "base/utf8.h"
#include "desk/check.h"
#include "desk/config.h"
#include "desk/crew.h"
#include "desk/digest.h"
#include "desk/explain.h"
#include "desk/explain_rules.h"
#include "desk/operator.h"
#include "desk/oracle.h"
#include "desk/quarantine.h"
#include "desk/reasons.h"
#include "desk/settings_load.h"
#include "desk/store_open.h"
#include "desk/tally.h"
#include "desk/trace.h"
#include "desk/web.h"
#include "diagnose/rules.h"
#include "front/door.h"
#include "net/listen.h"
#include "net/notify.h"
#include "policy/settings.h"
#include "session/keeper.h"
#include "session/recorder.h"

#define DOORS_MAX 16
/* At the end: for what is queued to be written. */
#define STORE_DRAIN_MS 5000
#define HOUSE_SECONDS 600

struct daemon {
	struct cli       cli;
	struct desk_env *env; /* the newest */
	struct settings *first; /* those of the start: some hold until the end */
	struct oracle   *oracle;
	char            *where; /* the store, as it was at start; NULL: nothing is kept */
	struct recorder *recorder; /* NULL likewise */
	struct vault    *vault; /* NULL: no messages are kept, and none were */
	struct keeper   *keeper;
	struct crew     *clerk; /* writes the letters about what is kept */
	atomic_bool      ending; /* for him */
	struct door     *door;
	struct listener *listeners[DOORS_MAX];
	size_t           listener_count;
	struct tally    *tally;
	struct listener *desk, *why; /* of the web side; NULL: none */
	struct oracle   *live; /* for the web side: DNS as it is now */
	struct suffix   *suffix; /* likewise: the settings' own goes with them */
	struct web      *web;
	atomic_bool      monitor; /* as `env` says; for the web threads */
};

/* ---- settings ---- */

static struct desk_env *
env_new(struct daemon *d)
{
	struct desk_env *env = calloc(1, sizeof(*env));

	if (env == NULL) {
		d->cli.exit = cli_fault(&d->cli, "not enough memory");
		return NULL;
	}
	if (!desk_env_open(env, &d->cli, NULL)) {
		free(env);
		return NULL;
	}
	return env;
}

static void
env_release(void *arg)
{
	struct desk_env *env = arg;

	desk_env_close(env);
	free(env);
}

/* ---- the quarantine ---- */

/* Waiting for the disk, side by side. */
#define KEEPER_THREADS 4

static void
tell_lost(void *arg, const struct store_held *held, bool has_copy)
{
	(void)arg;
	log_event(AT_WARNING, has_copy ? "quarantine.unconfirmed" : "quarantine.lost", F_TEXT("id", held->id), F_TEXT("path", held->path),
	          F_WORD("done", has_copy ? "a copy without its row; listed as unconfirmed" : "a row without its copy; nothing to release"));
}

static void
tell_recovered(void *arg, const struct store_held *held)
{
	(void)arg;
	log_event(AT_WARNING, "quarantine.recovered", F_TEXT("id", held->id), F_TEXT("state", held->state), F_TEXT("by", held->changed_by),
	          F_WORD("done", "a release was cut short; what may not have been sent is held again"));
}

/* Copies in a vault that this store knows nothing of may be another store's: only who keeps messages takes them for his own. */
static bool
compare(const struct daemon *d, const struct settings *s, struct store *store, int64_t now)
{
	bool    ours = s->keeps_messages;
	enum rc rc = ours ? RC_OK : held_any(store, vault_name(d->vault), &ours);

	if (rc == RC_OK && ours)
		rc = vault_reconcile(d->vault, store, now, now + (int64_t)s->store_quarantine_days * DAY_US, tell_lost, NULL);
	return rc == RC_OK;
}

/* What a kill left behind. */
static void
reconcile(const struct daemon *d, const struct settings *s)
{
	struct arena *a = arena_new((size_t)1 << 16);
	struct store *store = NULL;
	struct bytes  why;
	int64_t       now = store_now_us();

	if (store_open(d->where, STORE_WRITE, a, &store, &why) != RC_OK || vault_recover(d->vault, store, now, tell_recovered, NULL) != RC_OK ||
	    !compare(d, s, store, now))
		log_event(AT_WARNING, "quarantine.unchecked", F_WORD("done", "copies and rows are compared at the next start"));
	if (store != NULL)
		store_close(store);
	arena_free(a);
}

/* Where it was at the start, as the web side has it. */
static void
find_vault(struct daemon *d, const struct settings *s, struct arena *a, struct bytes *why_out)
{
	const char *dir = d->first->store_quarantine_dir.at;

	if (d->recorder == NULL)
		*why_out = s->keeps_messages ? B("quarantine = store needs a store") : B("");
	else if (s->keeps_messages || access(arena_printf(a, "%s/" VAULT_NAME_FILE, dir).at, F_OK) == 0)
		(void)!vault_open(dir, a, &d->vault, why_out);
}

/* Where messages are kept. Settings that keep none still have those to look after
 * that others kept before. False: they keep some and cannot, which the operator has to mend. */
static bool
open_vault(struct daemon *d, struct desk_env *env)
{
	const struct settings *s = env->settings;
	struct arena          *a = arena_new((size_t)1 << 16);
	struct bytes           why = B("");
	bool                   begins = d->vault == NULL;

	if (begins)
		find_vault(d, s, a, &why);
	if (s->keeps_messages && d->vault != NULL && d->keeper == NULL) {
		d->keeper = keeper_start(recorder_writer(d->recorder), KEEPER_THREADS);
		why = d->keeper != NULL ? B("") : B("no threads for it");
		begins = true;
	}
	if (begins && d->vault != NULL)
		reconcile(d, s);
	if (why.len > 0 && s->keeps_messages)
		cli_fault(&d->cli, "quarantine_dir: %.*s", B_FMT(why));
	else if (why.len > 0)
		log_event(AT_WARNING, "quarantine.unchecked", F_TEXT("why", why), F_WORD("done", "what was kept before is not looked after"));
	arena_free(a);
	env->env.vault = d->vault;
	return !s->keeps_messages || d->keeper != NULL;
}

/* What nobody released in time, and what was left half released. */
static void
expire_held(struct daemon *d)
{
	struct arena *a = arena_new((size_t)1 << 16);
	struct store *store = NULL;
	struct bytes  why;
	size_t        count = 0;

	if (d->vault != NULL && store_open(d->where, STORE_WRITE, a, &store, &why) == RC_OK) {
		if (vault_recover(d->vault, store, store_now_us(), tell_recovered, NULL) != RC_OK ||
		    quarantine_expire(d->vault, store, store_now_us(), B("mailreeve"), &count) != RC_OK)
			log_event(AT_WARNING, "quarantine.unexpired", F_WORD("done", "tried again in ten minutes"));
		store_close(store);
	}
	if (count > 0)
		log_event(AT_INFO, "quarantine.expired", F_INT("messages", count));
	arena_free(a);
}

/* On a thread of its own: the server that takes the letters may be slow. The
 * settings are those of the moment. */
static void
write_letters(void *hand, void *job)
{
	struct daemon         *d = hand;
	const struct settings *s = job;
	struct arena          *a = arena_new(DIGEST_MEMORY);
	struct digest_run      letters = { .settings = s, .now_us = store_now_us(), .stop = &d->ending };
	struct digest_count    n = { .sent = 0 };
	struct bytes           why = B("");

	if (store_open(d->where, STORE_WRITE, a, &letters.store, &why) == RC_OK && digest_is_due(letters.store, s->store_digest_every_ms, letters.now_us)) {
		if (digest_send(&letters, a, &n, &why) != RC_OK)
			log_event(AT_WARNING, "quarantine.digest", F_TEXT("trouble", why), F_WORD("done", "tried again the next time"));
		else if (n.sent + n.failed + n.refused > 0)
			log_event(AT_INFO, "quarantine.told", F_INT("letters", n.sent), F_INT("failed", n.failed), F_INT("refused", n.refused));
	}
	store_close(letters.store);
	settings_unref(s);
	arena_free(a);
}

static void
drop_letters(void *job)
{
	settings_unref(job);
}

static void
tell_recipients(struct daemon *d)
{
	struct settings     *s = settings_ref(d->env->settings);
	void                *hands[] = { d };
	struct crew_settings with = { "clerk", 1, hands, 1, write_letters, drop_letters };

	bool wanted = s->store_digest_every_ms > 0 && d->vault != NULL;
	if (wanted && d->clerk == NULL && crew_start(&with, &d->clerk) != RC_OK)
		d->clerk = NULL;
	if (!wanted || d->clerk == NULL || !crew_put(d->clerk, s))
		settings_unref(s);
}

/* What is due each ten minutes, however many signals come between. */
static void
keep_house(struct daemon *d)
{
	expire_held(d);
	tell_recipients(d);
}

static bool
keep_message(void *arg, struct keep *keep, void (*fn)(void *fn_arg, bool ok), void *fn_arg)
{
	struct daemon *d = arg;

	if (d->keeper != NULL)
		return keeper_put(d->keeper, keep, fn, fn_arg);
	keep_free(keep);
	return false;
}

/* Of settings that are as they were at start (mailreeve.conf(5) lists them): these are the ones that mislead. */
static void
tell_restart(const struct settings *first, const struct settings *now)
{
	struct bytes old_to = first->store_release_to.count > 0 ? first->store_release_to.at[0] : B("");
	struct bytes new_to = now->store_release_to.count > 0 ? now->store_release_to.at[0] : B("");
	const struct {
		const char *setting, *done;
		bool        other;
	} rows[] = {
		{ "store", "the old store is used until the next start", !bytes_eq(first->store, now->store) },
		{ "store.quarantine_dir", "the old folder is used until the next start",
		  !bytes_eq(first->store_quarantine_dir, now->store_quarantine_dir) },
		{ "store.release_to", "the web side uses the old one until the next start", !bytes_eq(old_to, new_to) },
	};

	for (size_t i = 0; i < NELEMS(rows); i++)
		if (rows[i].other)
			log_event(AT_WARNING, "settings.restart", F_WORD("setting", rows[i].setting), F_WORD("done", rows[i].done));
}

static void
reload(struct daemon *d)
{
	notify_state("RELOADING=1");
	struct desk_env *env = env_new(d);
	if (env != NULL && !open_vault(d, env)) {
		env_release(env);
		env = NULL;
	}
	if (env == NULL || door_reload(d->door, &env->env, env_release, env) != RC_OK) {
		log_event(AT_WARNING, "settings.kept", F_WORD("done", "the new settings have faults; the old ones hold"));
		if (env != NULL)
			env_release(env);
	} else {
		tell_restart(d->first, env->settings);
		recorder_renew(d->recorder, env->settings);
		d->env = env;
		atomic_store(&d->monitor, env->settings->mode == MODE_MONITOR);
		log_event(AT_INFO, "settings.reloaded", F_WORD("mode", env->settings->mode == MODE_MONITOR ? "monitor" : "enforce"));
	}
	notify_state("READY=1");
}

/* ---- privileges ---- */

struct identity {
	uid_t uid; /* (uid_t)-1: stay */
	gid_t gid;
	char  name[64];
};

static bool
find_group(struct daemon *d, struct bytes name, gid_t *gid_out)
{
	struct group *g = getgrnam(name.at);

	if (g == NULL) {
		cli_fault(&d->cli, "there is no group '%s'", name.at);
		return false;
	}
	*gid_out = g->gr_gid;
	return true;
}

static bool
find_identity(struct daemon *d, struct identity *who)
{
	const struct settings *s = d->env->settings;

	*who = (struct identity){ .uid = (uid_t)-1, .gid = (gid_t)-1 };
	if (s->user.len > 0) {
		struct passwd *p = getpwnam(s->user.at);
		if (p == NULL) {
			cli_fault(&d->cli, "there is no user '%s'", s->user.at);
			return false;
		}
		who->uid = p->pw_uid;
		who->gid = p->pw_gid;
		snprintf(who->name, sizeof(who->name), "%s", s->user.at);
	}
	return s->group.len == 0 || find_group(d, s->group, &who->gid);
}

static bool
drop_privileges(struct daemon *d, const struct identity *who)
{
	if (geteuid() == 0 && who->uid == (uid_t)-1)
		log_event(AT_WARNING, "privileges.kept", F_WORD("done", "running as root, since user is not set"));
	if (geteuid() == 0 && who->uid != (uid_t)-1) {
		if (initgroups(who->name, who->gid) != 0 || setgid(who->gid) != 0 || setuid(who->uid) != 0) {
			cli_fault(&d->cli, "cannot become %s: %s", who->name, strerror(errno));
			return false;
		}
	}
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

/* ---- doors ---- */

static bool
open_listeners(struct daemon *d, const struct identity *who)
{
	const struct settings *s = d->env->settings;
	struct listen_rights   rights = { .owner = who->uid, .group = who->gid, .mode = (mode_t)s->socket_mode };
	struct arena          *a = arena_new((size_t)1 << 16);
	struct bytes           why = B_NONE;
	bool                   ok = true;

	if (s->socket_owner.len > 0) {
		struct passwd *p = getpwnam(s->socket_owner.at);
		ok = p != NULL;
		if (ok)
			rights.owner = p->pw_uid;
		else
			cli_fault(&d->cli, "there is no user '%s'", s->socket_owner.at);
	}
	if (s->socket_group.len > 0)
		ok = find_group(d, s->socket_group, &rights.group) && ok;
	for (size_t i = 0; ok && i < s->listen.count && i < DOORS_MAX; i++) {
		ok = listener_open(s->listen.at[i], &rights, a, &d->listeners[i], &why) == RC_OK;
		if (ok)
			d->listener_count++;
		else
			cli_fault(&d->cli, "listen: %.*s", B_FMT(why));
	}
	arena_free(a);
	return ok;
}

/* On a loop thread. */
static void
told(void *arg, const struct account *account)
{
	struct daemon *d = arg;

	tally_told(d->tally, account);
	recorder_told(d->recorder, account);
}

static bool
open_doors(struct daemon *d)
{
	const struct settings *s = d->env->settings;
	struct door_settings   with = door_defaults();
	char                   text[ENDPOINT_TEXT_MAX];

	if (s->threads > 0)
		with.loops = s->threads;
	with.idle_ms = s->idle_timeout_ms;
	with.dns_ms = s->dns_timeout_ms;
	with.max_sessions = s->max_sessions;
	with.told = told;
	with.told_arg = d;
	with.keep = keep_message;
	with.keep_arg = d;
	d->door = door_new(&with, oracle_resolver(d->oracle), &d->env->env, env_release, d->env);
	if (d->door == NULL)
		return false;
	for (size_t i = 0; i < d->listener_count; i++) {
		if (door_listen(d->door, d->listeners[i]) != RC_OK)
			return false;
		endpoint_format(listener_endpoint(d->listeners[i]), text);
		log_event(AT_INFO, "door.open", F_WORD("listen", text));
	}
	return door_run(d->door) == RC_OK;
}

/* ---- the store ---- */

/* False when the operator has to mend something; a store that is away for now is no fault. */
static bool
open_store(struct daemon *d)
{
	const char   *where = store_where(d->env->settings);
	struct arena *a = arena_new((size_t)1 << 16);
	struct bytes  why = B("");

	if (where == NULL) {
		log_event(AT_INFO, "store.none", F_WORD("done", "no stories are kept"));
		arena_free(a);
		return true;
	}
	d->where = strdup(where);
	enum rc rc = d->where != NULL ? recorder_start(d->where, d->env->settings, a, &d->recorder, &why) : RC_MEMORY;
	if (rc != RC_OK)
		cli_fault(&d->cli, "the store cannot be opened: %.*s", B_FMT(why));
	else if (why.len > 0)
		log_event(AT_WARNING, "store.away", F_TEXT("why", why), F_WORD("done", "stories are queued until it is back"));
	arena_free(a);
	return rc == RC_OK;
}

/* When no session runs any more, and before its loops are gone: they are still told. */
static void
close_store(struct daemon *d)
{
	keeper_stop(d->keeper);
	size_t lost = recorder_stop(d->recorder, STORE_DRAIN_MS);

	if (lost > 0)
		log_event(AT_WARNING, "store.lost", F_INT("stories", lost), F_WORD("done", "the mail itself was answered"));
}

/* ---- the web side ---- */

/* Over TCP only from this host: what comes from elsewhere comes through the web server in front. */
static bool
open_web_listener(struct daemon *d, const struct bytes_list *list, const char *name, const struct listen_rights *rights, struct listener **out)
{
	struct arena *a = arena_new((size_t)1 << 16);
	struct bytes  why = B_NONE;
	struct ip_net here[2];
	bool          ok = list->count == 0 || listener_open(list->at[0], rights, a, out, &why) == RC_OK;

	if (!ok) {
		cli_fault(&d->cli, "web: %s: %.*s", name, B_FMT(why));
	} else if (list->count > 0) {
		unsigned  port;
		struct ip ip = endpoint_ip(listener_endpoint(*out), &port);
		ok = ip_net_parse(B("127.0.0.0/8"), true, &here[0]) && ip_net_parse(B("::1"), true, &here[1]) &&
		     (ip.family == 0 || ip_in_list(&ip, here, NELEMS(here)));
		if (!ok)
			cli_fault(&d->cli, "web: %s is to be unix:/path or a loopback address, such as inet:127.0.0.1:8025", name);
	}
	arena_free(a);
	return ok;
}

static bool
open_web_listeners(struct daemon *d, const struct identity *who)
{
	const struct settings *s = d->env->settings;
	struct listen_rights   rights = { .owner = who->uid, .group = who->gid, .mode = (mode_t)s->socket_mode };

	if (s->web_listen.count + s->web_why_listen.count > 0 && store_where(s) == NULL) {
		cli_fault(&d->cli, "web needs a store: set store");
		return false;
	}
	return open_web_listener(d, &s->web_listen, "listen", &rights, &d->desk) &&
	       open_web_listener(d, &s->web_why_listen, "why_listen", &rights, &d->why);
}

/* On a web thread. */
static void
web_figures(void *arg, struct web_figures *f)
{
	struct daemon    *d = arg;
	struct door_stats s = door_count(d->door);

	*f = (struct web_figures){ .monitor = atomic_load(&d->monitor),
		                   .sessions = s.open,
		                   .sessions_total = s.opened,
		                   .turned_away = s.turned_away,
		                   .faults = s.faults,
		                   .cut_off = s.cut_off,
		                   .stores = d->recorder != NULL };
	if (f->stores)
		writer_count(recorder_writer(d->recorder), &f->writer);
}

/* What is wrong with the operator's rules is told here; each thread of the desk then reads them for itself. */
static bool
rules_are_sound(struct daemon *d)
{
	struct rules *rules = d->desk != NULL ? explain_rules_open(&d->cli, d->env->settings->explain_rules) : NULL;

	rules_free(rules);
	return d->desk == NULL || rules != NULL;
}

static bool
open_web(struct daemon *d)
{
	struct web_settings with = {
		.settings = d->env->settings,
		.store = d->where,
		.desk_fd = d->desk != NULL ? listener_fd(d->desk) : -1,
		.why_fd = d->why != NULL ? listener_fd(d->why) : -1,
		.started = clock_epoch(),
		.tally = d->tally,
		.resolver = oracle_resolver(d->oracle),
		.figures = web_figures,
		.arg = d,
	};
	struct listener *both[] = { d->desk, d->why };
	char             text[ENDPOINT_TEXT_MAX];

	if (d->desk == NULL && d->why == NULL)
		return true;
	d->live = oracle_forgetful(&d->cli, d->env->settings);
	d->suffix = desk_suffix_open(&d->cli, d->env->settings);
	if (d->live == NULL || d->suffix == NULL || !rules_are_sound(d))
		return false;
	with.live = oracle_resolver(d->live);
	with.suffix = d->suffix;
	if (web_start(&with, &d->web) != RC_OK)
		return false;
	for (size_t i = 0; i < NELEMS(both); i++)
		if (both[i] != NULL) {
			endpoint_format(listener_endpoint(both[i]), text);
			log_event(AT_INFO, "web.open", F_WORD("serves", i == 0 ? "desk" : "why"), F_WORD("listen", text));
		}
	return true;
}

static void
close_web(struct daemon *d)
{
	web_stop(d->web);
	d->web = NULL;
	oracle_free(d->live);
	suffix_free(d->suffix);
	listener_free(d->desk);
	listener_free(d->why);
}

/* ---- the daemon's life ---- */

static void
log_figures(const struct daemon *d)
{
	struct door_stats     s = door_count(d->door);
	struct resolver_stats r = resolver_count(oracle_resolver(d->oracle));

	log_event(AT_INFO, "figures", F_INT("open", s.open), F_INT("opened", s.opened), F_INT("messages", s.messages),
	          F_INT("accept", s.actions[ACTION_ACCEPT]), F_INT("quarantine", s.actions[ACTION_QUARANTINE]),
	          F_INT("hold", s.actions[ACTION_HOLD]), F_INT("defer", s.actions[ACTION_DEFER]), F_INT("reject", s.actions[ACTION_REJECT]), F_INT("turned_away", s.turned_away), F_INT("faults", s.faults),
	          F_INT("cut_off", s.cut_off), F_INT("dns_hits", r.hits), F_INT("dns_questions", r.questions),
	          F_INT("dns_timeouts", r.answers[ANSWER_TIMEOUT]), F_INT("dns_servfails", r.answers[ANSWER_SERVFAIL]),
	          F_INT("dns_cached", r.cached));
	if (d->recorder == NULL)
		return;
	struct writer_stats w;
	writer_count(recorder_writer(d->recorder), &w);
	log_event(AT_INFO, "figures.store", F_INT("put", w.put), F_INT("written", w.written), F_INT("dropped", w.dropped), F_INT("refused", w.refused),
	          F_INT("queued", w.queued), F_USEC("lag", w.lag_us), F_USEC("slowest", w.slowest_us), F_INT("pruned", w.pruned), F_INT("away", w.away),
	          F_WORD("trouble", w.trouble));
}

/* Everything that a thread of ours must not take: the main thread waits for it. */
static void
block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Until `due_us` of the monotonic clock; 0: none came. */
static int
next_signal(const sigset_t *signals, uint64_t due_us)
{
	uint64_t        now = clock_mono_us(), left = due_us > now ? due_us - now : 0;
	struct timespec wait = { .tv_sec = (time_t)(left / 1000000), .tv_nsec = (long)(left % 1000000) * 1000 };
	int             got = sigtimedwait(signals, NULL, &wait);

	return got > 0 ? got : 0;
}

static void
live(struct daemon *d, const sigset_t *signals)
{
	uint64_t due_us = 0; /* at once */

	log_event(AT_INFO, "started", F_WORD("version", MAILREEVE_VERSION),
	          F_WORD("mode", d->env->settings->mode == MODE_MONITOR ? "monitor" : "enforce"),
	          F_TEXT("authserv_id", d->env->settings->authserv_id));
	notify_state("READY=1");
	for (int got = 0; got != SIGTERM && got != SIGINT; got = next_signal(signals, due_us)) {
		if (got == SIGHUP)
			reload(d);
		else if (got == SIGUSR1)
			log_figures(d);
		if (clock_mono_us() < due_us)
			continue;
		keep_house(d);
		due_us = clock_mono_us() + HOUSE_SECONDS * 1000000;
	}
	notify_state("STOPPING=1");
	log_event(AT_INFO, "draining", F_INT("open", door_count(d->door).open));
	door_drain(d->door);
	door_wait(d->door);
	log_figures(d);
	log_event(AT_INFO, "stopped", F_WORD("version", MAILREEVE_VERSION));
}

static void
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int
serve(int argc, char **argv)
{
	static const struct cli_verb verb = {
		"serve",
		"[--config FILE]",
		"Run the gateway in the foreground: a milter for Postfix and Sendmail. SIGHUP reads the settings anew, SIGTERM ends it when the messages under way are done.",
		"mailreeve serve --config " SETTINGS_FILE,
		NULL,
		0,
		0,
		0,
	};
	struct daemon   d = { .door = NULL };
	struct identity who;
	sigset_t        signals;
	int             exit = CLI_USE;

	if (!cli_parse(&d.cli, argc, argv, &verb, NULL))
		return d.cli.exit;
	settings_of_host(&d.cli);
	block_signals(&signals);
	raise_descriptors();
	d.env = env_new(&d);
	if (d.env == NULL)
		return d.cli.exit;
	d.first = settings_ref(d.env->settings);
	log_open(d.env->settings->log, d.env->settings->log_level);
	d.tally = tally_new();
	atomic_store(&d.monitor, d.env->settings->mode == MODE_MONITOR);
	if (d.tally == NULL || digest_sha256() == NULL) {
		cli_fault(&d.cli, "not enough memory to begin");
		goto end;
	}
	if (!find_identity(&d, &who) || !open_listeners(&d, &who) || !open_web_listeners(&d, &who) || !drop_privileges(&d, &who))
		goto end;
	d.oracle = oracle_new(&d.cli, d.env->settings);
	if (d.oracle == NULL || !open_store(&d) || !open_vault(&d, d.env))
		goto end;
	if (!open_doors(&d)) {
		cli_fault(&d.cli, "cannot start: %s", strerror(errno));
		goto end;
	}
	if (!open_web(&d)) {
		cli_fault(&d.cli, "the web side cannot start");
		door_drain(d.door);
		door_wait(d.door);
		goto end;
	}
	live(&d, &signals);
	exit = CLI_FINE;
end:
	atomic_store(&d.ending, true);
	crew_free(d.clerk);
	close_web(&d);
	for (size_t i = 0; i < d.listener_count; i++)
		listener_free(d.listeners[i]);
	oracle_free(d.oracle);
	close_store(&d);
	if (d.door != NULL)
		door_free(d.door);
	else
		env_release(d.env);
	tally_free(d.tally);
	vault_close(d.vault);
	free(d.where);
	settings_unref(d.first);
	return exit;
}

/* ---- verbs ---- */

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *about;
} verbs[] = {
	{ "serve", serve, "run the gateway" },
	{ "check", desk_check, "judge a message as the gateway would" },
	{ "spf", desk_spf, "may this client use this sender?" },
	{ "dkim", desk_dkim, "verify the signatures of a message" },
	{ "dmarc", desk_dmarc, "does the From domain answer for a message?" },
	{ "trace", desk_trace, "what became of messages, and what other settings would do" },
	{ "operator", desk_operator, "who may sign in to the dashboard, and tokens of its API" },
	{ "quarantine", desk_quarantine, "messages that are kept here: list, show, release, delete" },
	{ "config", desk_config, "check, show and explain settings" },
	{ "explain", desk_explain, "read a bounce: who refused, why, who can mend it" },
	{ "reasons", desk_reasons, "the catalogue of reasons" },
};

static void
print_help(FILE *to)
{
	fprintf(to, "usage: mailreeve VERB [switches]\n\n");
	for (size_t i = 0; i < NELEMS(verbs); i++)
		fprintf(to, "  %-10s %s\n", verbs[i].name, verbs[i].about);
	fprintf(to, "\nmailreeve VERB --help tells more, with an example. Manual: mailreeve(1), mailreeve.conf(5).\n");
}

static int
unknown_verb(const char *name)
{
	struct near near = { .asked = bytes_of(name) };
	struct buf  text = { .limit = 4096 };

	for (size_t i = 0; i < NELEMS(verbs); i++)
		near_offer(&near, bytes_of(verbs[i].name));
	text_add_safe(&text, bytes_of(name));
	fprintf(stderr, "mailreeve: there is no verb '%.*s'", B_FMT(buf_bytes(&text)));
	if (near.best.len > 0)
		fprintf(stderr, ", did you mean '%.*s'?", B_FMT(near.best));
	fprintf(stderr, "\nmailreeve --help lists them.\n");
	buf_free(&text);
	return CLI_USE;
}

int
main(int argc, char **argv)
{
	uint64_t seed[2];

	if (getrandom(seed, sizeof(seed), 0) == (ssize_t)sizeof(seed))
		map_seed(seed[0], seed[1]);
	if (argc < 2) {
		print_help(stderr);
		return CLI_USE;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0) {
		printf("mailreeve %s\n", MAILREEVE_VERSION);
		return CLI_FINE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
		print_help(stdout);
		return CLI_FINE;
	}
	for (size_t i = 0; i < NELEMS(verbs); i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	return unknown_verb(argv[1]);
}

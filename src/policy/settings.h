/* policy/settings.h: what the operator has set: one immutable snapshot.
 *
 * Reload reads a new one, checks it whole and swaps; a transaction keeps the
 * snapshot it began with, by reference. The fields are rows of settings.def. */
#ifndef POLICY_SETTINGS_H
#define POLICY_SETTINGS_H

#include <stdatomic.h>

#include "auth/dmarc.h"
#include "base/arena.h"
#include "base/conf.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/map.h"
#include "mail/reason.h"

#define SETTINGS_FILE "/etc/mailreeve/mailreeve.conf"

enum gate_mode { MODE_ENFORCE, MODE_MONITOR };
enum use_dnssec { USE_DNSSEC_AUTO, USE_DNSSEC_ON, USE_DNSSEC_OFF };
enum on_reject { ON_REJECT_JUDGE, ON_REJECT_STRICT };
enum on_temperror { ON_TEMPERROR_DEFER, ON_TEMPERROR_ACCEPT };
enum quarantine_way { QUARANTINE_TAG, QUARANTINE_HOLD, QUARANTINE_STORE };
enum list_exception { LIST_EXCEPTION_NO, LIST_EXCEPTION_YES };
enum store_text { STORE_TEXT_KEEP, STORE_TEXT_HASH, STORE_TEXT_DROP };
enum rule_action { RULE_JUDGE, RULE_ACCEPT, RULE_REFUSE, RULE_QUARANTINE };

struct bytes_list {
	const struct bytes *at;
	size_t              count;
};

struct net_list {
	const struct ip_net *at; /* for ip_in_list() */
	size_t               count;
};

/* The C type and field name of each TYPE in settings.def. */
#define CELL_FLAG(name)    bool name
#define CELL_NUMBER(name)  uint32_t name
#define CELL_MSEC(name)    uint32_t name##_ms
#define CELL_SIZE(name)    uint64_t name
#define CELL_MODE(name)    uint32_t name
#define CELL_NAME(name)    struct bytes name
#define CELL_PATH(name)    struct bytes name
#define CELL_URL(name)     struct bytes name
#define CELL_HOST(name)    struct bytes name
#define CELL_ID(name)      struct bytes name
#define CELL_DOORS(name)   struct bytes_list name
#define CELL_DOMAINS(name) struct bytes_list name
#define CELL_NETS(name)    struct net_list name
#define CELL_STORE(name)   struct bytes name /* "auto", "none", a path, or postgres://... */
#define CELL_SERVERS(name) struct bytes_list name /* "192.0.2.53:53", "[2001:db8::53]:53" */

/* One "domain NAME { ... }", with what it does not set filled in from dmarc. */
struct domain_rule {
	struct bytes domain; /* normal; with the leading dot if it is for subdomains */
#define RULE_CHOICE(name, tag, fallback, words, help) enum tag name;
#include "policy/settings.def"
};

/* Texts, lists and rules live in the arena. Empty texts are settings not made.
 * All names are normal (mail/domain.h); texts are followed by a NUL. */
struct settings {
	atomic_uint   refs;
	struct arena *arena;
	struct map    rule_of; /* domain to struct domain_rule */
	bool          rules_below; /* some rule is for subdomains */
	bool          keeps_messages; /* quarantine is `store`, for all or for some domain */

	const struct domain_rule *rules;
	size_t                    rule_count;

#define SETTING(name, type, min, max, fallback, help)         CELL_##type(name);
#define CHOICE(name, tag, fallback, words, help)              enum tag name;
#define MEMBER(section, name, type, min, max, fallback, help) CELL_##type(section##_##name);
#define MEMBER_CHOICE(section, name, tag, fallback, words, help) enum tag section##_##name;
#include "policy/settings.def"
};

/* Read settings. `path` empty: all defaults. `hostname` is the host's own name,
 * used where none is set; one that is no domain name becomes "localhost". Faults
 * lie in `a`, which is also used for work. NULL when there are faults, each with
 * its place, or memory is spent (which is a fault too). One reference is the caller's. */
struct settings *settings_read(struct arena *a, const struct conf_host *, struct bytes path, struct bytes hostname, struct conf_faults *) MUST_USE;

struct settings *settings_ref(const struct settings *);
void             settings_unref(const struct settings *); /* takes NULL */

/* The rule for a From domain (normal): its own, else that of the nearest
 * ".parent"; NULL: none, so the settings of dmarc hold. */
const struct domain_rule *settings_rule(const struct settings *, struct bytes domain);

#endif

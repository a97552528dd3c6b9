/* desk/oracle.c: see oracle.h. */
#include "desk/oracle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/zone.h"
#include "net/resolver.h"
#include "policy/settings.h"

#define ZONE_MAX ((size_t)64 << 20)
/* Seconds: long enough for one check, in which a record may be asked for twice. */
#define FORGETFUL_S     1U
#define FORGETFUL_CACHE ((size_t)1 << 20)

struct oracle {
	struct resolver *resolver;
	struct arena    *arena; /* of the zone */
	struct buf       text;
	uint32_t         timeout_ms;
};

/* False when a fault was told. */
static bool
open_zone(struct oracle *o, const struct cli *cli, const char *path)
{
	struct zone *zone;
	struct bytes why = B_NONE;
	const char  *sentence = NULL;

	o->text.limit = ZONE_MAX;
	enum rc rc = file_read(path, &o->text);
	if (rc != RC_OK) {
		cli_fault(cli, "%s: %s", path, rc == RC_LIMIT ? "larger than 64 MiB" : strerror(errno));
		return false;
	}
	o->arena = arena_new(o->text.len * 64 + ((size_t)1 << 20));
	if (zone_parse(o->arena, buf_bytes(&o->text), &zone, &why) != RC_OK) {
		cli_fault(cli, "%s:%.*s", path, B_FMT(why));
		return false;
	}
	if (resolver_open_zone(zone, false, &o->resolver, &sentence) != RC_OK) {
		cli_fault(cli, "%s: %s", path, sentence);
		return false;
	}
	return true;
}

static bool
open_dns(struct oracle *o, const struct cli *cli, const struct settings *s, bool forgetful)
{
	struct resolver_settings with = resolver_defaults();
	struct bytes             given = bytes_of(cli->resolver);
	const char              *sentence = NULL;

	with.resolv_conf = "/etc/resolv.conf";
	with.cache_octets = forgetful ? FORGETFUL_CACHE : (size_t)s->dns_cache_size;
	if (forgetful)
		with.ttl_min = with.ttl_max = with.negative_max = with.trouble_ttl = FORGETFUL_S;
	with.dnssec = s->dns_dnssec == USE_DNSSEC_ON ? DNSSEC_ON : s->dns_dnssec == USE_DNSSEC_OFF ? DNSSEC_OFF : DNSSEC_AUTO;
	with.servers = s->dns_resolver.at;
	with.server_count = s->dns_resolver.count;
	if (cli->resolver != NULL) {
		with.servers = &given;
		with.server_count = 1;
		/* A server named by hand is asked as it is; probing it for the root's key would only cost time. */
		if (with.dnssec == DNSSEC_AUTO)
			with.dnssec = DNSSEC_OFF;
	}
	if (resolver_open(&with, &o->resolver, &sentence) == RC_OK)
		return true;
	cli_fault(cli, "DNS: %s", sentence != NULL ? sentence : "not enough memory");
	return false;
}

static struct oracle *
open_oracle(const struct cli *cli, const struct settings *s, bool forgetful)
{
	struct oracle *o = calloc(1, sizeof(*o));
	const char    *zone = cli->dns;

	if (o == NULL) {
		cli_fault(cli, "not enough memory");
		return NULL;
	}
	o->timeout_ms = s->dns_timeout_ms;
	if (zone == NULL && cli->resolver == NULL && s->dns_zone_file.len > 0)
		zone = s->dns_zone_file.at;
	if (zone != NULL ? open_zone(o, cli, zone) : open_dns(o, cli, s, forgetful))
		return o;
	oracle_free(o);
	return NULL;
}

struct oracle *
oracle_new(const struct cli *cli, const struct settings *s)
{
	return open_oracle(cli, s, false);
}

struct oracle *
oracle_forgetful(const struct cli *cli, const struct settings *s)
{
	return open_oracle(cli, s, true);
}

void
oracle_free(struct oracle *o)
{
	if (o == NULL)
		return;
	resolver_free(o->resolver);
	arena_free(o->arena);
	buf_free(&o->text);
	free(o);
}

struct resolver *
oracle_resolver(struct oracle *o)
{
	return o->resolver;
}

const struct answer *
oracle_answer(struct oracle *o, const struct ask *ask)
{
	return resolver_wait(o->resolver, ask, o->timeout_ms);
}

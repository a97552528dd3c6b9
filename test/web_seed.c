/* test/web_seed.c: fills a store with what a gateway would have kept, for tests
 * of the web side: `web_seed --config FILE --dns ZONE --store FILE CASES...`.
 *
 * A case is NAME,MESSAGE,IP,HELO,SENDER,WEIGHT. Each message is judged once, as
 * `check` does, and its story kept as often as its weight says, spread over the
 * sixteen days before now by a fixed pseudo-random sequence. Prints for each
 * case its name and the newest id. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "desk/judgement.h"
#include "desk/settings_load.h"
#include "policy/settings.h"
#include "session/record.h"
#include "store/writer.h"

#define DAYS 16

struct own {
	const char *store;
};

static const struct cli_option options[] = {
	{ "store", CLI_TEXT, "FILE", "the store to fill", offsetof(struct own, store) },
};

static const struct cli_verb verb = { "web_seed", "--store FILE CASES...", "Fills a store.", "", options, NELEMS(options), 1, -1 };

struct seed {
	struct writer         *writer;
	const struct settings *settings;
	const char            *name;
	uint64_t               count;
	uint64_t               state; /* of the sequence */
	bool                   ok;
};

static uint64_t
next_number(struct seed *s)
{
	s->state = s->state * 6364136223846793005ULL + 1442695040888963407ULL;
	return s->state >> 33;
}

/* More mail by day than by night, and less at the weekend. */
static int64_t
some_time(struct seed *s, int64_t now_us)
{
	for (;;) {
		int64_t  at = now_us - (int64_t)(next_number(s) % (DAYS * 86400)) * 1000000 - (int64_t)(next_number(s) % 1000000);
		int64_t  hour = at / 3600000000 % 24, day = (at / DAY_US + 4) % 7;
		uint64_t chance = hour < 6 ? 20 : hour < 20 ? 100 : 40;
		if (next_number(s) % 100 < (day == 0 || day == 6 ? chance / 3 : chance))
			return at;
	}
}

/* The id stands in each line of the reply. */
static struct bytes
with_id(struct arena *a, struct bytes line, const char *old, const char *new)
{
	size_t at = bytes_find(line, bytes_of(old));

	if (at == line.len)
		return line;
	return arena_printf(a, "%.*s%s%.*s", (int)at, line.at, new, B_FMT(bytes_from(line, at + ID_LEN)));
}

static void
keep(struct seed *s, const struct account *account, int64_t at_us, bool last)
{
	struct arena        *a = arena_new(RECORD_MEMORY);
	struct record_rules  rules = record_rules_of(s->settings);
	struct account       copy = *account;
	struct store_account row;
	uint8_t              octets[8];
	uint64_t             random = next_number(s) << 32 ^ next_number(s);

	memcpy(octets, &random, sizeof(octets));
	id_format(octets, copy.id);
	copy.began = at_us / 1000000;
	for (size_t i = 0; i < copy.decision.reply.count; i++)
		copy.decision.reply.lines[i] = with_id(a, account->decision.reply.lines[i], account->id, copy.id);
	s->ok = record_account(a, &rules, &copy, at_us, &row) && writer_put(s->writer, &row) && s->ok;
	if (last)
		printf("%s %s\n", s->name, copy.id);
	arena_free(a);
}

static void
told(void *arg, const struct account *account)
{
	struct seed *s = arg;
	int64_t      now = store_now_us();

	for (uint64_t i = 0; i + 1 < s->count; i++)
		keep(s, account, some_time(s, now), false);
	keep(s, account, now - 60000000, true);
}

static bool
play(struct seed *s, struct oracle *oracle, const struct desk_env *env, struct bytes text)
{
	struct judgement_input in = { .now = 0 };
	struct bytes           part[6];
	char                   path[512], name[64];
	struct buf             message = { 0 };
	uint64_t               weight;

	for (size_t i = 0; i < NELEMS(part); i++)
		if (!bytes_cut(&text, ',', &part[i]))
			return false;
	snprintf(name, sizeof(name), "%.*s", B_FMT(part[0]));
	snprintf(path, sizeof(path), "%.*s", B_FMT(part[1]));
	if (!ip_parse(part[2], &in.ip) || !bytes_number(part[5], 1000000, &weight) || file_read(path, &message) != RC_OK)
		return false;
	in.helo = part[3];
	in.mail_from = part[4];
	in.rcpt = (struct cli_texts){ .at = { "rosa@example.net" }, .count = 1 };
	in.text = buf_bytes(&message);
	in.now = store_now_us() / 1000000;
	s->name = name;
	s->count = weight;
	bool done = judgement_run(&env->env, oracle, &in, told, s);
	buf_free(&message);
	return done && s->ok;
}

int
main(int argc, char **argv)
{
	struct own      own = { .store = NULL };
	struct cli      cli;
	struct desk_env env;
	struct seed     s = { .state = 2026, .ok = true };
	struct bytes    why = B("");

	if (!cli_parse(&cli, argc, argv, &verb, &own) || own.store == NULL || !desk_env_open(&env, &cli, NULL))
		return 2;
	struct oracle         *oracle = oracle_new(&cli, env.settings);
	struct arena          *a = arena_new((size_t)1 << 16);
	struct writer_settings with = { .where = own.store, .queue_rows = 1000000 };
	bool                   ok = oracle != NULL && writer_start(&with, a, &s.writer, &why) == RC_OK;
	s.settings = env.settings;
	for (int i = 0; ok && i < cli.arg_count; i++) {
		ok = play(&s, oracle, &env, bytes_of(cli.args[i]));
		if (!ok)
			fprintf(stderr, "web_seed: %s\n", cli.args[i]);
	}
	if (s.writer != NULL)
		ok = writer_stop(s.writer, 60000) == 0 && ok;
	oracle_free(oracle);
	arena_free(a);
	desk_env_close(&env);
	return ok ? 0 : 1;
}

/* test/gate_test.c: an MTA, the milter door and the real session, with DNS from
 * a zone: what goes over the wire for a whole message. */
#include "base/rows.h"

#include <string.h>
#include <sys/socket.h>

#include "base/zone.h"
#include "front/door.h"
#include "milter_client.h"
#include "policy/settings.h"

static const char zone_text[] = "example.org TXT \"v=spf1 ip4:192.0.2.0/24 -all\"\n"
                                "_dmarc.example.org TXT \"v=DMARC1; p=reject\"\n"
                                "down.example.org TXT !servfail\n"
                                "_dmarc.down.example.org TXT !servfail\n";

static const struct row {
	const char  *name;
	const char  *client; /* payload of CONNECT behind the name, without its NUL */
	const char  *login; /* "": none */
	const char  *mail_from, *from, *results; /* a field Authentication-Results that is there before; "": none */
	char         answer;
	const char  *reply; /* of answer 'y': what its first line begins with */
	const char  *inserted; /* of answer 'c': words in the field that is inserted */
	unsigned     deleted; /* which Authentication-Results; 0: none */
} rows[] = {
	{ "mail from where the domain says is accepted, and the field says pass", "4\x04\xd2" "192.0.2.1", "", "<a@example.org>", " a@example.org", "",
	  'c', "", "dmarc=pass", 0 },
	{ "mail from elsewhere is refused in the words the field knows", "4\x04\xd2" "198.51.100.10", "", "<a@example.org>", " a@example.org", "", 'y',
	  "550-5.7.509 Access denied, sending domain example.org does not pass DMARC verification and has a DMARC policy of reject. [", "", 0 },
	{ "a field that claims to be ours is removed", "4\x04\xd2" "192.0.2.1", "", "<a@example.org>", " a@example.org", " gate.example.net; dmarc=pass", 'c',
	  "", "spf=pass", 1 },
	{ "a field of somebody else stays", "4\x04\xd2" "192.0.2.1", "", "<a@example.org>", " a@example.org", " other.example; dmarc=pass", 'c', "",
	  "spf=pass", 0 },
	{ "DNS that fails under way is a 4xx", "4\x04\xd2" "192.0.2.1", "", "<a@down.example.org>", " a@down.example.org", "", 'y', "451", "", 0 },
	{ "a client that has logged in is not refused", "4\x04\xd2" "198.51.100.10", "user", "<a@example.org>", " a@example.org", "", 'c', "", "", 0 },
	{ "mail submitted on this host is not refused", "4\0\0" "127.0.0.1", "", "<a@example.org>", " a@example.org", "", 'c', "", "", 0 },
};

static struct {
	struct arena    *arena;
	struct settings *settings;
	struct resolver *resolver;
	struct door     *door;
} gate;

static bool
no_file(void *arg, struct arena *a, struct bytes path, struct bytes *text_out, struct bytes *why_out)
{
	(void)arg, (void)a, (void)path, (void)why_out;
	*text_out = B("");
	return true;
}

static void
gate_begin(void)
{
	static struct session_env env = { .hostname = B_INIT("gate.example.net") };
	struct conf_host          host = { .file = no_file };
	struct conf_faults        faults = { .count = 0 };
	struct door_settings      settings = door_defaults();
	struct zone              *zone;
	struct bytes              why = B_NONE;
	const char               *because;

	gate.arena = arena_new((size_t)8 << 20);
	gate.settings = settings_read(gate.arena, &host, B("none.conf"), B("gate.example.net"), &faults);
	assert_non_null(gate.settings);
	assert_int_equal(zone_parse(gate.arena, B(zone_text), &zone, &why), RC_OK);
	assert_int_equal(resolver_open_zone(zone, false, &gate.resolver, &because), RC_OK);
	env.settings = gate.settings;
	settings.loops = 1;
	gate.door = door_new(&settings, gate.resolver, &env, NULL, NULL);
	assert_non_null(gate.door);
	assert_int_equal(door_run(gate.door), RC_OK);
}

static void
gate_end(void)
{
	door_drain(gate.door);
	door_wait(gate.door);
	resolver_free(gate.resolver);
	door_free(gate.door);
	settings_unref(gate.settings);
	arena_free(gate.arena);
}

static void
put_field(struct mta *m, const char *name, const char *value)
{
	struct buf b = { 0 };

	buf_add_str(&b, name);
	buf_add_c(&b, '\0');
	buf_add_str(&b, value);
	buf_add_c(&b, '\0');
	assert_int_equal(mta_say(m, MILTER_HEADER, buf_bytes(&b)), '-');
	buf_free(&b);
}

static void
say_string(struct mta *m, char command, const char *before, size_t before_len, const char *text)
{
	struct buf b = { 0 };

	buf_add(&b, bytes_make(before, before_len));
	buf_add_str(&b, text);
	buf_add_c(&b, '\0');
	assert_int_not_equal(mta_say(m, command, buf_bytes(&b)), '\0');
	buf_free(&b);
}

static void
say_message(struct mta *m, const struct row *row)
{
	struct buf connect = { 0 };

	assert_int_equal(mta_negotiate(m), MILTER_OPTNEG);
	buf_add(&connect, B("mail.example.org\0"));
	buf_add(&connect, bytes_make(row->client, 3)); /* the port may hold a NUL */
	buf_add_str(&connect, row->client + 3);
	buf_add_c(&connect, '\0');
	assert_int_equal(mta_say(m, MILTER_CONNECT, buf_bytes(&connect)), '-');
	buf_free(&connect);
	assert_int_equal(mta_say(m, MILTER_HELO, B("mail.example.org\0")), '-');
	if (*row->login != '\0')
		say_string(m, MILTER_MACRO, "M{auth_authen}\0", 15, row->login);
	say_string(m, MILTER_MAIL, "", 0, row->mail_from);
	say_string(m, MILTER_RCPT, "", 0, "<r@example.com>");
	assert_int_equal(mta_say(m, MILTER_DATA, B_NONE), '-');
	put_field(m, "Received", " from mail.example.org\n\tby mx.example.com");
	if (*row->results != '\0')
		put_field(m, "Authentication-Results", row->results);
	put_field(m, "From", row->from);
	put_field(m, "Subject", " none");
	assert_int_equal(mta_say(m, MILTER_EOH, B_NONE), '-');
	assert_int_equal(mta_say(m, MILTER_BODY, B("text\r\n")), '-');
}

static void
check_row(void **state)
{
	const struct row *row = *state;
	struct buf        inserted = { 0 };
	unsigned          deleted = 0;
	struct mta        m;
	int               pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	door_take(gate.door, pair[0]);
	mta_on(&m, pair[1]);
	say_message(&m, row);
	char c = mta_say(&m, MILTER_EOM, B_NONE);
	for (; c == MILTER_INSHEADER || c == MILTER_CHGHEADER; c = mta_hear(&m)) {
		if (c == MILTER_INSHEADER)
			buf_add(&inserted, m.payload);
		else
			deleted = (unsigned char)m.payload.at[3];
	}
	assert_int_equal(c, row->answer);
	if (c == MILTER_REPLYCODE)
		assert_bytes(bytes_sub(m.payload, 0, strlen(row->reply)), bytes_of(row->reply));
	else
		assert_true(bytes_find(buf_bytes(&inserted), bytes_of(row->inserted)) + strlen(row->inserted) <= inserted.len);
	assert_int_equal(deleted, row->deleted);
	buf_free(&inserted);
	mta_close(&m);
}

int
main(void)
{
	ROWS_ADD(rows, check_row);
	gate_begin();
	int failed = rows_run("gate");
	gate_end();
	return failed;
}

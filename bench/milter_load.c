/* bench/milter_load.c: plays the MTA against any milter and measures it.
 *
 *     milter_load -u /run/mailreeve/milter.sock -c 20 -n 20000 -P $(pidof mailreeve) -m message.eml
 *
 * -u PATH or -p PORT (127.0.0.1)   where the milter is
 * -c SESSIONS   that run at once                -n MESSAGES  in all
 * -k MESSAGES   of one connection               -i IDLE      more sessions, left alone behind HELO
 * -m FILE       message to send (CRLF or LF)    -f, -t, -a   MAIL FROM, RCPT TO, client address
 * -v            each message from another sender to another recipient, under another queue id
 * -P PID        whose processor time and memory are told
 *
 * Prints messages a second, the time from MAIL to the last answer (median, 99th
 * of a hundred, longest), answers by letter, and how many Authentication-Results
 * say pass, so that speed without work is seen. */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/ip.h"
#include "milter_client.h"

struct load_step {
	char       command;
	uint32_t   quiet;
	struct buf payload;
	size_t     varied; /* where the number of the message goes; 0: nowhere */
};

struct session {
	struct mta mta;
	size_t     step; /* the one whose answer is awaited */
	unsigned   left; /* messages on this connection */
	uint64_t   began_us;
	bool       idle;
	bool       fresh; /* the answer to the negotiation is awaited */
};

static struct {
	const char *path, *from, *rcpt, *address, *file;
	unsigned    port, sessions, messages, per_connection, idle;
	int         pid;
	bool        vary;
} opt = { .from = "<user@example.org>",
	  .rcpt = "<user@example.com>",
	  .address = "192.0.2.1",
	  .sessions = 10,
	  .messages = 10000,
	  .per_connection = 10 };

#define STEPS_MAX 512
static struct load_step steps[STEPS_MAX];
static size_t           step_count, first_of_message;
static int              epoll;
static unsigned         begun, done;
static uint64_t        *took_us;
static unsigned         answers[256], passes[3];
static const char      *pass_words[3] = { "spf=pass", "dkim=pass", "dmarc=pass" };

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

/* ---- the script of a session ---- */

static struct buf *
add_step(char command, uint32_t quiet, struct bytes payload)
{
	if (step_count == STEPS_MAX)
		return NULL;
	struct load_step *s = &steps[step_count++];
	s->command = command;
	s->quiet = quiet;
	buf_add(&s->payload, payload);
	return &s->payload;
}

static void
add_string_step(char command, uint32_t quiet, const char *text)
{
	struct buf *b = add_step(command, quiet, bytes_of(text));
	if (b != NULL)
		buf_add_c(b, '\0');
}

/* Fields as Postfix sends them: folded with LF, the blank behind the colon kept. */
static void
add_field_line(struct bytes line, struct buf **value)
{
	struct bytes name;

	if (line.len > 0 && byte_is_wsp(line.at[0]) && *value != NULL) {
		(*value)->at[(*value)->len - 1] = '\n'; /* the NUL gives way */
		buf_add(*value, line);
		buf_add_c(*value, '\0');
		return;
	}
	if (!bytes_cut(&line, ':', &name) || line.at == NULL)
		return;
	*value = add_step(MILTER_HEADER, MILTER_QUIET_HEADER, name);
	if (*value == NULL)
		return;
	buf_add_c(*value, '\0');
	buf_add(*value, line);
	buf_add_c(*value, '\0');
}

static void
add_body(struct bytes rest)
{
	struct buf   body = { 0 };
	struct bytes line;

	while (bytes_cut_line(&rest, &line)) {
		buf_add(&body, line);
		buf_add_str(&body, "\r\n");
	}
	for (size_t at = 0; at < body.len; at += 65535)
		add_step(MILTER_BODY, MILTER_QUIET_BODY, bytes_sub(buf_bytes(&body), at, 65535));
	buf_free(&body);
}

static void
add_content(void)
{
	static const char made_up[] = "From: user@example.org\r\nTo: user@example.com\r\nSubject: a message of no interest\r\n"
	                              "Date: Fri, 20 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\nHello.\r\n";
	struct buf        text = { 0 };
	struct buf       *value = NULL;
	struct bytes      rest, line;

	if (opt.file == NULL)
		buf_add_str(&text, made_up);
	else if (file_read(opt.file, &text) != RC_OK)
		die(opt.file);
	rest = buf_bytes(&text);
	while (bytes_cut_line(&rest, &line) && line.len > 0)
		add_field_line(line, &value);
	add_step(MILTER_EOH, MILTER_QUIET_EOH, B_NONE);
	add_body(rest);
	buf_free(&text);
}

static void
write_script(void)
{
	struct buf *b = add_step(MILTER_CONNECT, MILTER_QUIET_CONNECT, B("mail.example.org\0"));
	struct ip   ip;

	if (!ip_parse(bytes_of(opt.address), &ip)) {
		fprintf(stderr, "milter_load: no address: %s\n", opt.address);
		exit(2);
	}
	buf_add_str(b, ip.family == 4 ? "4\x30\x39" : "6\x30\x39");
	buf_add_str(b, opt.address);
	buf_add_c(b, '\0');
	add_string_step(MILTER_HELO, MILTER_QUIET_HELO, "mail.example.org");
	first_of_message = step_count;
	add_string_step(MILTER_MAIL, MILTER_QUIET_MAIL, opt.from);
	steps[step_count - 1].varied = 1;
	add_string_step(MILTER_RCPT, MILTER_QUIET_RCPT, opt.rcpt);
	steps[step_count - 1].varied = 1;
	add_step(MILTER_MACRO, UINT32_MAX, B("Ti\0004QXYZ7KM2\0"));
	steps[step_count - 1].varied = 3;
	add_step(MILTER_DATA, MILTER_QUIET_DATA, B_NONE);
	add_content();
	add_step(MILTER_EOM, 0, B_NONE);
}

/* ---- sessions ---- */

/* Without an order: an index takes neighbours more cheaply than strangers. */
static void
put_step(struct session *s, const struct load_step *step)
{
	struct bytes payload = buf_bytes(&step->payload);
	struct buf   other = { 0 };

	if (opt.vary && step->varied > 0) {
		buf_add(&other, bytes_sub(payload, 0, step->varied));
		buf_printf(&other, "%08" PRIX32, (uint32_t)begun * UINT32_C(2654435761));
		buf_add(&other, bytes_from(payload, step->varied));
		payload = buf_bytes(&other);
	}
	mta_put(&s->mta, step->command, payload);
	buf_free(&other);
}

/* Say everything up to the next command that is answered. */
static void
go_on(struct session *s)
{
	for (;; s->step++) {
		struct load_step *step = &steps[s->step];
		if (s->step == first_of_message)
			s->began_us = clock_mono_us();
		put_step(s, step);
		if (step->quiet == UINT32_MAX || (s->mta.agreed.steps & step->quiet))
			continue;
		mta_flush(&s->mta);
		return;
	}
}

static void
connect_to_milter(struct session *s)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)opt.port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int                one = 1;

	if (opt.path != NULL) {
		if (!mta_connect(&s->mta, opt.path))
			die(opt.path);
	} else {
		mta_on(&s->mta, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
		if (s->mta.fd < 0 || connect(s->mta.fd, (struct sockaddr *)&at, sizeof(at)) != 0)
			die("connect");
		setsockopt(s->mta.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	}
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = s };
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, s->mta.fd, &ev) != 0)
		die("epoll_ctl");
	s->left = opt.per_connection;
	s->step = 0;
}

/* The answer is not waited for: meanwhile the clocks of other sessions run. */
static void
dial(struct session *s)
{
	connect_to_milter(s);
	mta_put(&s->mta, MILTER_OPTNEG, B("\0\0\0\6\0\0\1\xff\0\x1f\xff\xff"));
	mta_flush(&s->mta);
	s->fresh = true;
}

static void
no_negotiation(void)
{
	fprintf(stderr, "milter_load: no negotiation\n");
	exit(1);
}

static void
hang_up(struct session *s)
{
	mta_put(&s->mta, MILTER_QUIT, B_NONE);
	mta_flush(&s->mta);
	mta_close(&s->mta);
}

static void
next_message(struct session *s)
{
	if (begun >= opt.messages) {
		hang_up(s);
		return;
	}
	begun++;
	if (s->left == 0) {
		hang_up(s);
		dial(s);
		s->left--;
		return;
	}
	s->step = first_of_message;
	s->left--;
	go_on(s);
}

static void
count_passes(struct bytes payload)
{
	for (size_t i = 0; i < NELEMS(passes); i++)
		passes[i] += bytes_find(payload, bytes_of(pass_words[i])) < payload.len;
}

/* False: the session has gone over to something else. */
static bool
on_frame(struct session *s, const struct milter_frame *frame)
{
	char c = frame->command;

	if (s->fresh) {
		if (c != MILTER_OPTNEG || !milter_options_parse(frame->payload, &s->mta.agreed))
			no_negotiation();
		s->fresh = false;
		go_on(s);
		return true;
	}
	if (c == MILTER_INSHEADER)
		count_passes(frame->payload);
	if (c == MILTER_INSHEADER || c == MILTER_CHGHEADER || c == MILTER_QUARANTINE || c == MILTER_PROGRESS || c == 'h')
		return true;
	if (c == MILTER_CONTINUE && steps[s->step].command != MILTER_EOM) {
		s->step++;
		go_on(s);
		return true;
	}
	answers[(unsigned char)c]++;
	took_us[done++] = clock_mono_us() - s->began_us;
	if (steps[s->step].command != MILTER_EOM)
		mta_put(&s->mta, MILTER_ABORT, B_NONE);
	next_message(s);
	return false;
}

static void
on_readable(struct session *s)
{
	char                chunk[16384];
	struct milter_frame frame;

	ssize_t n = recv(s->mta.fd, chunk, sizeof(chunk), MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		fprintf(stderr, "milter_load: the milter hung up%s\n", s->idle ? " on an idle session" : "");
		exit(1);
	}
	buf_add(&s->mta.in, bytes_make(chunk, (size_t)n));
	struct bytes rest = buf_bytes(&s->mta.in);
	while (milter_take(&rest, &frame) == RC_OK)
		if (!on_frame(s, &frame))
			break; /* nothing may follow the last answer */
	if (s->mta.fd < 0)
		return;
	buf_take(&s->mta.in, rest.len <= s->mta.in.len ? s->mta.in.len - rest.len : 0);
}

/* ---- the milter's process ---- */

/* User and system time, in microseconds: /proc/PID/schedstat counts all threads'
 * leader only, so the fields 14 and 15 of stat. */
static uint64_t
cpu_us(void)
{
	char         path[64];
	struct buf   text = { 0 };
	struct bytes rest, word;
	uint64_t     sum = 0, v;

	snprintf(path, sizeof(path), "/proc/%d/stat", opt.pid);
	if (opt.pid == 0 || file_read(path, &text) != RC_OK)
		return 0;
	rest = bytes_from(buf_bytes(&text), bytes_rindex(buf_bytes(&text), ')') + 2);
	for (int field = 3; bytes_cut(&rest, ' ', &word) && field <= 15; field++)
		if (field >= 14 && bytes_number(word, UINT64_MAX, &v))
			sum += v;
	buf_free(&text);
	return sum * 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

static void
print_memory(const char *when)
{
	char         path[64];
	struct buf   text = { 0 };
	struct bytes rest, line;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", opt.pid);
	if (opt.pid == 0 || file_read(path, &text) != RC_OK)
		return;
	rest = buf_bytes(&text);
	while (bytes_cut_line(&rest, &line))
		if (bytes_starts(line, B("Pss:")))
			printf("%s: %.*s\n", when, B_FMT(line));
	buf_free(&text);
}

/* ---- main ---- */

static int
by_time(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void
report(uint64_t wall_us, uint64_t spent_us)
{
	qsort(took_us, done, sizeof(*took_us), by_time);
	printf("%u messages in %.2f s: %.0f a second; ms p50 %.3f p99 %.3f max %.3f;", done, (double)wall_us / 1e6,
	       (double)done * 1e6 / (double)wall_us, (double)took_us[done / 2] / 1e3, (double)took_us[(size_t)done * 99 / 100] / 1e3,
	       (double)took_us[done - 1] / 1e3);
	if (opt.pid != 0)
		printf(" CPU %.1f us a message;", (double)spent_us / done);
	for (int i = 0; i < 256; i++)
		if (answers[i] > 0)
			printf(" %c=%u", i, answers[i]);
	for (size_t i = 0; i < NELEMS(passes); i++)
		if (passes[i] > 0)
			printf(" %s=%u", pass_words[i], passes[i]);
	printf("\n");
}

static unsigned
number(const char *text)
{
	uint64_t v;

	if (!bytes_number(bytes_of(text), 100000000, &v)) {
		fprintf(stderr, "milter_load: no number: %s\n", text);
		exit(2);
	}
	return (unsigned)v;
}

static void
read_options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "u:p:c:n:k:i:m:f:t:a:P:v")) != -1) {
		switch (c) {
		case 'u': opt.path = optarg; break;
		case 'p': opt.port = number(optarg); break;
		case 'c': opt.sessions = number(optarg); break;
		case 'n': opt.messages = number(optarg); break;
		case 'k': opt.per_connection = number(optarg); break;
		case 'i': opt.idle = number(optarg); break;
		case 'm': opt.file = optarg; break;
		case 'f': opt.from = optarg; break;
		case 't': opt.rcpt = optarg; break;
		case 'a': opt.address = optarg; break;
		case 'v': opt.vary = true; break;
		case 'P': opt.pid = (int)number(optarg); break;
		default: exit(2);
		}
	}
	if ((opt.path == NULL && opt.port == 0) || opt.sessions == 0 || opt.messages < opt.sessions || opt.per_connection == 0) {
		fprintf(stderr, "milter_load: -u PATH or -p PORT; at least one session, and as many messages\n");
		exit(2);
	}
}

static void
open_idle(struct session *all)
{
	for (unsigned i = 0; i < opt.idle; i++) {
		struct session *s = &all[i];
		s->idle = true;
		connect_to_milter(s);
		if (mta_negotiate(&s->mta) != MILTER_OPTNEG)
			no_negotiation();
		buf_clear(&s->mta.in);
		s->mta.payload = B_NONE;
		for (s->step = 0; s->step < first_of_message; s->step++)
			mta_say(&s->mta, steps[s->step].command, buf_bytes(&steps[s->step].payload));
		buf_free(&s->mta.in);
		buf_free(&s->mta.out);
		s->mta.payload = B_NONE;
	}
	if (opt.idle > 0) {
		sleep(1);
		print_memory("with the idle sessions");
	}
}

int
main(int argc, char **argv)
{
	struct rlimit files;

	read_options(argc, argv);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	took_us = calloc(opt.messages, sizeof(*took_us));
	struct session *all = calloc(opt.sessions + opt.idle, sizeof(*all));
	if (took_us == NULL || all == NULL)
		die("memory");
	write_script();
	print_memory("at rest");
	open_idle(all + opt.sessions);

	uint64_t spent = cpu_us(), began = clock_mono_us();
	for (unsigned i = 0; i < opt.sessions; i++) {
		dial(&all[i]);
		begun++;
		all[i].left--;
	}
	while (done < opt.messages) {
		struct epoll_event evs[64];
		int                n = epoll_wait(epoll, evs, 64, 30000);
		if (n == 0) {
			fprintf(stderr, "milter_load: no answer for 30 s, %u of %u messages done\n", done, opt.messages);
			return 1;
		}
		for (int i = 0; i < n; i++)
			on_readable(evs[i].data.ptr);
	}
	report(clock_mono_us() - began, cpu_us() - spent);
	print_memory("after the messages");
	free(all);
	return 0;
}

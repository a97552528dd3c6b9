/* fuzz/smtp_client_fuzz.c: a server that says the input, whatever it is asked, and hangs up. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/smtp_client.h"

#define SAID_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct bytes to[] = { B_INIT("rosa@example.net"), B_INIT("ben@example.net") };
	struct smtp_letter        letter = { B("gate.example.net"), B("a@example.org"), to, 2, B("Subject: x\r\n\r\n.hello\r\n") };
	struct smtp_answer        answers[2], end;
	struct bytes              why = B_NONE;
	int                       ends[2];

	if (size > SAID_MAX || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
		return 0;
	struct arena *arena = arena_new((size_t)1 << 20);
	if (send(ends[1], data, size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)size) {
		shutdown(ends[1], SHUT_WR);
		enum rc rc = smtp_send_on(ends[0], &letter, 1000, arena, answers, &end, &why);
		/* All was said before it was asked, unless the kernel cut it where a reply ends. */
		assert(rc == RC_OK ? end.code / 100 == 2 && answers[0].code / 100 == 2 && answers[1].code / 100 == 2 : why.len > 0);
	}
	close(ends[0]);
	close(ends[1]);
	arena_free(arena);
	return 0;
}

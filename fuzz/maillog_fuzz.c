/* fuzz/maillog_fuzz.c: lines of a log, of any text. */
#include "desk/maillog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes   rest = bytes_make(data, size), line;
	struct maillog m;
	int64_t        at_us;

	while (rest.len > 0 && bytes_cut_line(&rest, &line)) {
		if (maillog_parse(line, &m))
			(void)maillog_time(m.stamp, 1800000000, &at_us);
		else
			(void)maillog_time(line, 1800000000, &at_us);
	}
	return 0;
}

/* fuzz/replay.c: main() for a fuzz target built without libFuzzer: runs each
 * file it is given, once. */
#include <stdio.h>

#include "base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct buf b = { 0 };
		if (file_read(argv[i], &b) != RC_OK) {
			perror(argv[i]);
			return 2;
		}
		LLVMFuzzerTestOneInput((const uint8_t *)b.at, b.len);
		buf_free(&b);
	}
	return 0;
}

/* Any bytes as a file that vic-corpora counts lines in, as a tar and as a zip that it looks through. The first byte: a
 * prefix of so many of the next bytes; the rest is the file. Counts are compared with a slow count of the unpacked
 * bytes. */
#include "corpora/check.h"
#include "corpora/files.h"
#include "corpora/members.h"
#include "pipeline/files/io.h"
#include "pipeline/files/unpack.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[200], path[220];

static void remove_all(void)
{
	unlink(path);
	rmdir(folder);
}

static void make_folder(void)
{
	const char *tmp = getenv("TMPDIR");
	snprintf(folder, sizeof folder, "%.150s/vic-fuzz-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(folder))
		abort();
	snprintf(path, sizeof path, "%s/file", folder);
	atexit(remove_all);
}

static uint64_t slow_count(const unsigned char *text, size_t n, const char *prefix)
{
	uint64_t found = 0;
	size_t len = strlen(prefix);
	for (size_t at = 0; at < n;) {
		size_t end = at;
		while (end < n && text[end] != '\n')
			end++;
		found += end - at >= len && !memcmp(text + at, prefix, len);
		at = end + 1;
	}
	return found;
}

static void count(const uint8_t *data, size_t size, const char *prefix)
{
	struct err err = ERR_NONE, other = ERR_NONE;
	unsigned char *text = NULL;
	size_t n = size;
	uint64_t got;
	int packed = unpack_kind(data, size < UNPACK_HEAD ? size : UNPACK_HEAD, NULL) != NULL;
	int bad = packed && unpack_memory(data, size, 64 << 20, &text, &n, &other);
	if (bad && strstr(other.msg, "unpacks to more"))
		return;
	if (count_lines(path, prefix, &got, &err) != (bad ? -1 : 0))
		abort();
	if (bad ? !err.msg[0] : got != slow_count(text ? text : data, n, prefix))
		abort();
	free(text);
}

static void facts(const char *prefix, size_t size)
{
	const struct fact fact[] = { { FACT_LINES, "file", prefix, 3 },
				     { FACT_BYTES, "none|file", NULL, size },
				     { FACT_FILES, ".", "le", 1 },
				     { FACT_LINES, "none", NULL, 1 },
				     { 0 } };
	const struct dataset d = { .name = "fuzz", .fact = fact };
	struct err err = ERR_NONE;
	int differ;
	if (!check_facts(&d, folder, NULL, NULL, &differ, &err) && differ != 1 &&
	    differ != 2) /* one is missing; the lines may be 3 */
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char prefix[8] = "";
	struct err err = ERR_NONE;
	size_t n = size ? data[0] % 7 : 0;
	if (size < 1 + n)
		return 0;
	memcpy(prefix, data + 1, n);
	if (memchr(prefix, '\n', n)) /* none of the registry's has one */
		return 0;
	if (!folder[0])
		make_folder();
	data += 1 + n;
	size -= 1 + n;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size || close(fd))
		abort();
	count(data, size, prefix);
	facts(prefix, size);
	if ((members_of_tar(path, &err) && !err.msg[0]) || (members_of_zip(path, &err) && !err.msg[0]))
		abort();
	return 0;
}

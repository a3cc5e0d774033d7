/* scratch: where tests put files: under $TMPDIR, else /tmp. tests/prove.sh gives each test a $TMPDIR of its own and
 * fails the one that leaves something there. */
#ifndef VIC_TEST_SCRATCH_H
#define VIC_TEST_SCRATCH_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SCRATCH_PATH = 4096 };

/* "$TMPDIR/TOPIC-XXXXXX" into path[SCRATCH_PATH], for mkstemp() or mkdtemp(). Returns path. */
static inline char *scratch_template(char *path, const char *topic)
{
	const char *folder = getenv("TMPDIR");
	snprintf(path, SCRATCH_PATH, "%s/%s-XXXXXX", folder && *folder ? folder : "/tmp", topic);
	return path;
}

/* Makes an empty file, or a folder, and puts its name into path. 0, or -1 with errno. */
static inline int scratch_file(char *path, const char *topic)
{
	int fd = mkstemp(scratch_template(path, topic));
	return fd < 0 ? -1 : close(fd);
}

static inline int scratch_folder(char *path, const char *topic)
{
	return mkdtemp(scratch_template(path, topic)) ? 0 : -1;
}

/* Makes `bytes` the file's whole content. Not by O_TRUNC: ext4 then waits for the disk when the file is closed. 0, or
 * -1 with errno. */
static inline int scratch_put(const char *path, const void *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	int rc = write(fd, bytes, n) == (ssize_t)n && !ftruncate(fd, (off_t)n) ? 0 : -1;
	return close(fd) ? -1 : rc;
}

#endif

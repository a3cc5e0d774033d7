/* The window over a file of word vectors. A mapped file is one window, which is the last from the start and whose
 * bytes stay in place. Anything else passes through `buf`: fill() moves what is left to its front and tops it up, so
 * pointers into a window do not survive bytes_skip. A regular file that is not packed is mapped; where
 * mapping is refused it is read like a pipe. */
#include "bytes.h"
#include "pipeline/base/mem.h"
#include "pipeline/files/retry.h"
#include "pipeline/files/unpack.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Tops the window up to at least BYTES_WINDOW bytes, or to the end. */
static int fill_window(struct bytes *s, struct err *err)
{
	size_t got, room = 2 * (size_t)BYTES_WINDOW - s->n;
	if (s->last || s->n >= BYTES_WINDOW)
		return 0;
	memmove(s->buf, s->at, s->n);
	s->at = s->buf;
	if (input_read(&s->in, s->buf + s->n, room, &got, err))
		return -1;
	s->n += got;
	s->last = got < room;
	return 0;
}

static int start_stream(struct bytes *s, const char *path, struct err *err)
{
	size_t cap = 0;
	if (!strcmp(path, "-"))
		s->name = "stdin";
	if (input_open(&s->in, path, err) || mem_grow(&s->buf, &cap, 2 * (size_t)BYTES_WINDOW, 1, err))
		return -1;
	s->at = s->buf;
	return fill_window(s, err);
}

/* 1 when the file was mapped, 0 when it must be streamed. */
static int try_map(struct bytes *s, const char *path, struct err *err)
{
	struct stat st;
	unsigned char first[UNPACK_HEAD];
	int fd = retry_open(AT_FDCWD, path, O_RDONLY), rc = 0;
	if (fd < 0)
		return io_cannot_open(path, err);
	ssize_t n = !fstat(fd, &st) && S_ISREG(st.st_mode) ? retry_read_at(fd, first, sizeof first, 0) : 0;
	if (n > 0 && !unpack_kind(first, (size_t)n, NULL)) {
		struct io_mark mark = io_mark_of(&st);
		rc = mapped_open(&s->map, fd, &mark, path, err);
	}
	close(fd);
	if (rc != 1)
		return rc;
	/* advice: if it is not taken, reading is slower and nothing else */
	madvise((void *)(uintptr_t)s->map.bytes, s->map.size, MADV_SEQUENTIAL);
	s->at = s->map.bytes;
	s->n = s->map.size;
	s->last = 1;
	return 1;
}

int bytes_open(struct bytes *s, const char *path, struct err *err)
{
	*s = (struct bytes){ .name = path };
	int mapped = strcmp(path, "-") ? try_map(s, path, err) : 0;
	if (mapped > 0 || (!mapped && !start_stream(s, path, err)))
		return 0;
	bytes_release(s);
	return -1;
}

int bytes_skip(struct bytes *s, size_t used, struct err *err)
{
	s->at += used;
	s->n -= used;
	s->bytes += used;
	return s->map.bytes ? 0 : fill_window(s, err);
}

int bytes_unchanged(const struct bytes *s, struct err *err)
{
	return mapped_unchanged(&s->map, err);
}

void bytes_release(struct bytes *s)
{
	mapped_release(&s->map);
	input_release(&s->in);
	free(s->buf);
	*s = (struct bytes){ 0 };
}

#include "bytes.h"
#include "pipeline/gzip.h"
#include "pipeline/mem.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Tops the window up to at least BYTES_WINDOW bytes, or to the end. */
static int fill(struct bytes *s, struct err *err)
{
	size_t got, room = 2 * (size_t)BYTES_WINDOW - s->n;
	if (s->last || s->n >= BYTES_WINDOW)
		return 0;
	memmove(s->buf, s->at, s->n);
	s->at = s->buf;
	if (gzip_read(s->gz, s->buf + s->n, room, &got, err))
		return -1;
	s->n += got;
	s->last = got < room;
	return 0;
}

static int refuse_zip(struct bytes *s, const unsigned char *first, size_t n, struct err *err)
{
	if (n >= 4 && !memcmp(first, "PK\3\4", 4))
		return err_set(
			err,
			"%s: is a zip archive; unzip it first, or: unzip -p FILE MEMBER | vic-embed --vectors - TOKENS",
			s->name);
	return 0;
}

static int start_stream(struct bytes *s, const char *path, struct err *err)
{
	size_t cap = 0;
	if (!strcmp(path, "-"))
		s->name = "stdin";
	if (gzip_open(&s->gz, path, err) || mem_grow(&s->buf, &cap, 2 * (size_t)BYTES_WINDOW, 1, err))
		return -1;
	s->at = s->buf;
	if (fill(s, err))
		return -1;
	return gzip_packed(s->gz) ? 0 : refuse_zip(s, (const unsigned char *)s->at, s->n, err);
}

/* 1 when the file was mapped, 0 when it must be streamed. */
static int try_map(struct bytes *s, const char *path, struct err *err)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "%s", path);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size < 4) {
		close(fd);
		return 0;
	}
	size_t n = (size_t)st.st_size;
	void *p = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		return 0;
	const unsigned char *first = p;
	s->map = p;
	s->map_size = n;
	if (first[0] == 0x1F && first[1] == 0x8B) {
		munmap(p, n);
		s->map = NULL;
		return 0;
	}
	if (refuse_zip(s, first, n, err))
		return -1;
	madvise(p, n, MADV_SEQUENTIAL); /* advice: if it is not taken, reading is slower and nothing else */
	s->at = p;
	s->n = n;
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
	return s->map ? 0 : fill(s, err);
}

void bytes_release(struct bytes *s)
{
	if (s->map)
		munmap(s->map, s->map_size);
	gzip_close(s->gz);
	free(s->buf);
	*s = (struct bytes){ 0 };
}

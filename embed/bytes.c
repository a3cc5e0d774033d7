#include "bytes.h"
#include "pipeline/io.h"
#include "pipeline/mem.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { RAW = 256 * 1024 };

/* What is not mapped: an input, decompressed where it is gzip, and the buffer that windows lie in. */
struct inflater {
	struct input in;
	z_stream z;
	int open, gzip, between;  /* between: a gzip member has ended and none has begun */
	unsigned char *raw, *buf; /* [RAW], [2 * BYTES_WINDOW] */
};

/* Decompresses into to[0..n); *got < n only at the clean end. */
static int inflate_some(struct bytes *s, unsigned char *to, size_t n, size_t *got, struct err *err)
{
	struct inflater *f = s->z;
	z_stream *z = &f->z;
	z->next_out = to;
	z->avail_out = (uInt)n;
	while (z->avail_out) {
		if (!z->avail_in) {
			size_t k;
			if (input_read(&f->in, f->raw, RAW, &k, err))
				return -1;
			z->next_in = f->raw;
			z->avail_in = (uInt)k;
			if (!k && f->between)
				break;
			if (!k)
				return err_set(err, "%s: the gzip data is truncated; get the file again", s->name);
		}
		if (f->between) {
			if (z->next_in[0] != 0x1F)
				return err_set(err, "%s: bytes that are no gzip data follow its end", s->name);
			if (inflateReset(z) != Z_OK)
				return err_set(err, "%s: zlib cannot start again", s->name);
			f->between = 0;
		}
		int rc = inflate(z, Z_NO_FLUSH);
		if (rc == Z_STREAM_END)
			f->between = 1;
		else if (rc != Z_OK && rc != Z_BUF_ERROR)
			return err_set(err, "%s: the gzip data is damaged (%s); get the file again", s->name,
				       z->msg ? z->msg : "zlib error");
	}
	*got = n - z->avail_out;
	return 0;
}

/* Tops the window up to at least BYTES_WINDOW bytes, or to the end. */
static int fill(struct bytes *s, struct err *err)
{
	struct inflater *f = s->z;
	size_t got = 0;
	if (s->last || s->n >= BYTES_WINDOW)
		return 0;
	memmove(f->buf, s->at, s->n);
	size_t room = 2 * (size_t)BYTES_WINDOW - s->n;
	if (f->gzip ? inflate_some(s, f->buf + s->n, room, &got, err)
		    : input_read(&f->in, f->buf + s->n, room, &got, err))
		return -1;
	s->at = (const char *)f->buf;
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
	struct inflater *f;
	size_t n, cap = 0;
	if (mem_alloc(&s->z, 1, sizeof *s->z, err))
		return -1;
	f = s->z;
	f->in.fd = -1;
	if (input_open(&f->in, path, err))
		return -1;
	s->name = f->in.name;
	if (mem_alloc(&f->raw, RAW, 1, err) || mem_grow(&f->buf, &cap, 2 * (size_t)BYTES_WINDOW, 1, err) ||
	    input_read(&f->in, f->raw, RAW, &n, err) || refuse_zip(s, f->raw, n, err))
		return -1;
	s->at = (const char *)f->buf;
	f->gzip = n >= 2 && f->raw[0] == 0x1F && f->raw[1] == 0x8B;
	if (!f->gzip) {
		memcpy(f->buf, f->raw, n);
		s->n = n;
		s->last = n < RAW;
	} else if (inflateInit2(&f->z, 15 + 16) != Z_OK) {
		return err_set(err, "%s: zlib cannot start", s->name);
	} else {
		f->open = 1;
		f->z.next_in = f->raw;
		f->z.avail_in = (uInt)n;
	}
	return fill(s, err);
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
	if (s->z) {
		if (s->z->open)
			inflateEnd(&s->z->z);
		input_release(&s->z->in);
		free(s->z->raw);
		free(s->z->buf);
		free(s->z);
	}
	*s = (struct bytes){ 0 };
}

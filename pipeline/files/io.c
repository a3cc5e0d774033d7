/* Inputs: unpacked, read in blocks, by lines, ahead and whole. Outputs are in output.c.
 * buf[used..have) was read and is not yet handed out. The size of buf is not stored: it is at least INPUT_BUFFER and
 * at least `have`, and input_line, the only one that replaces buf by a larger one, relies on no more.
 * Small reads fetch only 16 KiB ahead, because a large read copies what was fetched once more; of what is packed a
 * whole buffer, because a call of a decoder costs more than a copy. Each file that is opened by name is shown to
 * place_reading: it may be the one that an output is about to replace. */
#include "io.h"
#include "pipeline/base/mem.h"
#include "place.h"
#include "retry.h"
#include "unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a folder is told that was given where a file is read. */
static const char io_folder[] = "is a folder, not a file; vic-images reads folders of images, vic-tokenize those of "
				"its formats mr, imdb and trec";

enum { IN_BUF = INPUT_BUFFER, AHEAD = 16 * 1024, PIPE = 1024 * 1024 };

struct io_mark io_mark_of(const struct stat *st)
{
	return (struct io_mark){ (int64_t)st->st_size, (int64_t)st->st_mtim.tv_sec, (int64_t)st->st_mtim.tv_nsec };
}

int io_unchanged(int fd, const struct io_mark *was, const char *name, struct err *err)
{
	struct stat st;
	if (fstat(fd, &st))
		return err_sys(err, "%s", name);
	struct io_mark now = io_mark_of(&st);
	if (now.size != was->size)
		return err_system(err, "%s: became %s while it was read", name,
				  now.size < was->size ? "shorter" : "longer");
	return now.s == was->s && now.ns == was->ns ? 0 : err_system(err, "%s: was written to while it was read", name);
}

const char *io_kind(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "a file";
	case S_IFDIR:
		return "a folder";
	case S_IFLNK:
		return "a link";
	case S_IFIFO:
		return "a FIFO";
	case S_IFSOCK:
		return "a socket";
	default:
		return "a device";
	}
}

static int must_be_regular(const struct stat *st, const char *path, struct err *err)
{
	return S_ISREG(st->st_mode) ? 0 : err_set(err, "%s: is %s, where a file is wanted", path, io_kind(st->st_mode));
}

int io_regular(const char *path, struct err *err)
{
	struct stat st;
	return stat(path, &st) ? err_sys(err, "%s", path) : must_be_regular(&st, path, err);
}

int io_cannot_open(const char *path, struct err *err)
{
	struct stat st;
	int why = errno;
	if (why == ENXIO && !stat(path, &st) && S_ISSOCK(st.st_mode))
		return must_be_regular(&st, path, err);
	errno = why;
	return err_sys(err, "%s", path);
}

int io_open_regular(const char *path, struct err *err)
{
	struct stat st;
	int fd = retry_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return io_cannot_open(path, err);
	if (!(fstat(fd, &st) ? err_sys(err, "%s", path) : must_be_regular(&st, path, err)) &&
	    !place_reading(fd, path, err))
		return fd;
	close(fd);
	return -1;
}

static int open_input(struct input *in, const char *path, int as_is, struct err *err)
{
	struct stat st;
	*in = (struct input){ .fd = -1, .as_is = as_is };
	if (!strcmp(path, "-")) {
		in->name = "stdin";
		in->fd = STDIN_FILENO;
		in->standard = 1;
	} else {
		in->name = path;
		in->fd = retry_open(AT_FDCWD, path, O_RDONLY);
		if (in->fd < 0)
			return io_cannot_open(path, err);
	}
	if (!fstat(in->fd, &st)) {
		int folder = !in->standard && S_ISDIR(st.st_mode);
		if (folder || (!in->standard && place_reading(in->fd, path, err))) {
			input_release(in);
			return folder ? err_set(err, "%s: %s", path, io_folder) : -1;
		}
		in->mark = io_mark_of(&st);
		in->regular = S_ISREG(st.st_mode);
	}
	/* A pipe of 64 KiB has both ends woken 16 times a block; where the system grants no more, that is how it
	 * stays. */
	(void)fcntl(in->fd, F_SETPIPE_SZ, PIPE);
	if (!mem_alloc(&in->buf, IN_BUF, 1, err))
		return 0;
	input_release(in);
	return -1;
}

int input_open(struct input *in, const char *path, struct err *err)
{
	return open_input(in, path, 0, err);
}

int input_open_as_is(struct input *in, const char *path, struct err *err)
{
	return open_input(in, path, 1, err);
}

int input_over(struct input *in, int fd, const char *name, struct err *err)
{
	*in = (struct input){ .fd = -1, .name = name };
	if (mem_alloc(&in->buf, IN_BUF, 1, err))
		return -1;
	in->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (in->fd >= 0)
		return 0;
	err_sys(err, "%s", name);
	input_release(in);
	return -1;
}

/* What stands between the file and who reads it. */
struct packed_input {
	const char *kind;
	struct supply from;
	struct unpack *unpack;
	unsigned char raw[IN_BUF];
};

const char *input_packed(const struct input *in)
{
	return in->packed ? in->packed->kind : NULL;
}

void input_release(struct input *in)
{
	if (in->name && in->fd >= 0 && !in->standard) /* of one never opened, fd is 0: somebody's stdin */
		close(in->fd);
	if (in->packed)
		unpack_close(in->packed->unpack);
	free(in->packed);
	free(in->buf);
	*in = (struct input){ .fd = -1 };
}

static int read_raw(struct input *in, void *to, size_t n, size_t *got, struct err *err)
{
	ssize_t k = retry_read(in->fd, to, n);
	if (k < 0)
		return err_sys(err, "%s: read", in->name);
	*got = (size_t)k;
	return k || !in->regular ? 0 : io_unchanged(in->fd, &in->mark, in->name, err);
}

static int fill_packed(struct supply *s, struct err *err)
{
	struct input *in = s->arg;
	s->p = in->packed->raw;
	return read_raw(in, in->packed->raw, sizeof in->packed->raw, &s->n, err);
}

/* The first read, of at most IN_BUF bytes: as many as tell what the bytes are. What is packed goes to `packed`. */
static int begin_input(struct input *in, unsigned char *to, size_t n, size_t *got, struct err *err)
{
	const char *kind = NULL;
	size_t k = 1;
	int more = 1;
	in->begun = 1;
	for (*got = 0; more && k && *got < n; *got += k) {
		if (read_raw(in, to + *got, n - *got, &k, err))
			return -1;
		kind = in->as_is ? NULL : unpack_kind(to, *got + k < UNPACK_HEAD ? *got + k : UNPACK_HEAD, &more);
		more = more && !in->as_is;
	}
	if (!kind)
		return 0;
	if (mem_alloc(&in->packed, 1, sizeof *in->packed, err))
		return -1;
	in->packed->kind = kind;
	memcpy(in->packed->raw, to, *got);
	in->packed->from = (struct supply){ fill_packed, in, in->packed->raw, *got };
	return unpack_open(&in->packed->unpack, kind, &in->packed->from, in->name, err);
}

/* Some bytes, none only at the end. n is at least AHEAD. */
static int read_some(struct input *in, void *to, size_t n, size_t *got, struct err *err)
{
	int rc = 0, first = !in->begun;
	if (first)
		rc = begin_input(in, to, n < IN_BUF ? n : IN_BUF, got, err);
	else if (!in->packed)
		rc = read_raw(in, to, n, got, err);
	if (!rc && in->packed) {
		in->packed->from.arg = in; /* which may have been moved since it was opened */
		rc = unpack_read(in->packed->unpack, to, n, got, err);
	}
	in->eof = !rc && !*got;
	return rc;
}

int input_read(struct input *in, void *to, size_t n, size_t *got, struct err *err)
{
	unsigned char *p = to;
	size_t done = 0, k;
	while (done < n) {
		size_t ahead = in->packed ? IN_BUF : AHEAD;
		if (in->used < in->have) {
			k = in->have - in->used < n - done ? in->have - in->used : n - done;
			memcpy(p + done, in->buf + in->used, k);
			in->used += k;
			done += k;
			continue;
		}
		if (in->eof)
			break;
		if (n - done >= ahead) {
			if (read_some(in, p + done, n - done, &k, err))
				return -1;
			done += k;
		} else {
			in->used = in->have = 0;
			/* What a small read fetches ahead is copied once more by the large read after it. */
			if (read_some(in, in->buf, ahead, &in->have, err))
				return -1;
		}
	}
	in->at += done;
	*got = done;
	return 0;
}

int input_read_grown(struct input *in, unsigned char **buf, size_t *cap, size_t at, size_t n, size_t limit, size_t *got,
		     struct err *err)
{
	enum { STEP = 8 << 20 };
	*got = 0;
	while (*got < n) {
		size_t step = n - *got < STEP ? n - *got : STEP, end = at + *got + step, k;
		if (end > *cap) {
			size_t want = *cap > limit / 2 ? limit : *cap * 2 > end ? *cap * 2 : end;
			unsigned char *bigger;
			if (mem_alloc(&bigger, want, 1, err))
				return -1;
			if (*cap)
				memcpy(bigger, *buf, at + *got);
			free(*buf);
			*buf = bigger;
			*cap = want;
		}
		if (input_read(in, *buf + at + *got, step, &k, err))
			return -1;
		*got += k;
		if (k < step)
			return 0;
	}
	return 0;
}

int input_peek(struct input *in, size_t n, const unsigned char **p, size_t *got, struct err *err)
{
	if (in->used) {
		memmove(in->buf, in->buf + in->used, in->have - in->used);
		in->have -= in->used;
		in->used = 0;
	}
	while (in->have < n && !in->eof) {
		size_t k;
		if (read_some(in, in->buf + in->have, AHEAD, &k, err))
			return -1;
		in->have += k;
	}
	*p = in->buf;
	*got = in->have < n ? in->have : n;
	return 0;
}

int input_line(struct input *in, size_t max, const char **line, size_t *len, int *lf, struct err *err)
{
	size_t scanned = 0, cap = in->have > IN_BUF ? in->have : IN_BUF;
	for (;;) {
		unsigned char *from = in->buf + in->used;
		size_t n = in->have - in->used;
		unsigned char *nl = n > scanned ? memchr(from + scanned, '\n', n - scanned) : NULL;
		size_t k = nl ? (size_t)(nl - from) : n;
		if (k > max)
			return err_set(err, "%s: a line is longer than %zu bytes", in->name, max);
		if (nl || (in->eof && n)) {
			*line = (const char *)from;
			*len = k;
			if (lf)
				*lf = nl != NULL;
			in->used += k + (nl != NULL);
			in->at += k + (nl != NULL);
			return 1;
		}
		if (in->eof)
			return 0;
		scanned = n;
		memmove(in->buf, from, n); /* make room after what is kept */
		in->used = 0;
		in->have = n;
		if (n > cap / 2) {
			unsigned char *bigger;
			if (mem_alloc(&bigger, cap * 2, 1, err))
				return -1;
			memcpy(bigger, in->buf, n);
			free(in->buf);
			in->buf = bigger;
			cap *= 2;
		}
		size_t got;
		if (read_some(in, in->buf + n, cap - n, &got, err))
			return -1;
		in->have += got;
	}
}

int io_read_at(int fd, uint64_t at, void *to, size_t n)
{
	ssize_t k = retry_read_at(fd, to, n, (off_t)at);
	if (k >= 0 && (size_t)k < n)
		errno = 0;
	return k < 0 || (size_t)k < n ? -1 : 0;
}

int input_slurp(struct input *in, size_t max, char **data, size_t *len, struct err *err)
{
	char *buf = NULL;
	size_t cap = 0, n = 0, got;
	do {
		if (mem_grow(&buf, &cap, n + 65536 + 1, 1, err) || input_read(in, buf + n, cap - n - 1, &got, err))
			goto fail;
		n += got;
		if (n > max) {
			err_set(err, "%s: longer than %zu bytes", in->name, max);
			goto fail;
		}
	} while (got);
	buf[n] = 0;
	*data = buf;
	*len = n;
	return 0;
fail:
	free(buf);
	return -1;
}

int io_slurp(const char *path, size_t max, char **data, size_t *len, struct err *err)
{
	struct input in;
	if (input_open(&in, path, err))
		return -1;
	int rc = input_slurp(&in, max, data, len, err);
	input_release(&in);
	return rc;
}

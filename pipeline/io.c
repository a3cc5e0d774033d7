#include "io.h"
#include "mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { IN_BUF = INPUT_BUFFER, OUT_BUF = 1024 * 1024, AHEAD = 16 * 1024, PIPE = 1024 * 1024 };

int input_open(struct input *in, const char *path, struct err *err)
{
	*in = (struct input){ .fd = -1 };
	if (!strcmp(path, "-")) {
		in->name = "stdin";
		in->fd = STDIN_FILENO;
	} else {
		struct stat st;
		in->name = path;
		in->fd = open(path, O_RDONLY | O_CLOEXEC);
		if (in->fd < 0)
			return err_sys(err, "%s", path);
		if (!fstat(in->fd, &st) && S_ISDIR(st.st_mode)) {
			input_release(in);
			return err_set(err, "%s: is a folder", path);
		}
	}
	/* A pipe of 64 KiB has both ends woken 16 times a block; where the system grants no more, that is how it
	 * stays. */
	(void)fcntl(in->fd, F_SETPIPE_SZ, PIPE);
	if (!mem_alloc(&in->buf, IN_BUF, 1, err))
		return 0;
	input_release(in);
	return -1;
}

void input_release(struct input *in)
{
	if (in->fd > STDIN_FILENO)
		close(in->fd);
	free(in->buf);
	*in = (struct input){ .fd = -1 };
}

static int read_some(struct input *in, void *to, size_t n, size_t *got, struct err *err)
{
	ssize_t k;
	do
		k = read(in->fd, to, n);
	while (k < 0 && errno == EINTR);
	if (k < 0)
		return err_sys(err, "%s: read", in->name);
	if (k == 0)
		in->eof = 1;
	*got = (size_t)k;
	return 0;
}

int input_read(struct input *in, void *to, size_t n, size_t *got, struct err *err)
{
	unsigned char *p = to;
	size_t done = 0, k;
	while (done < n) {
		if (in->used < in->have) {
			k = in->have - in->used < n - done ? in->have - in->used : n - done;
			memcpy(p + done, in->buf + in->used, k);
			in->used += k;
			done += k;
			continue;
		}
		if (in->eof)
			break;
		if (n - done >= AHEAD) {
			if (read_some(in, p + done, n - done, &k, err))
				return -1;
			done += k;
		} else {
			in->used = in->have = 0;
			/* What a small read fetches ahead is copied once more by the large read behind it. */
			if (read_some(in, in->buf, AHEAD, &in->have, err))
				return -1;
		}
	}
	in->at += done;
	*got = done;
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
		memmove(in->buf, from, n); /* make room behind what is kept */
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
	unsigned char *p = to;
	while (n) {
		ssize_t k = pread(fd, p, n, (off_t)at);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return -1;
		p += k;
		at += (uint64_t)k;
		n -= (size_t)k;
	}
	return 0;
}

int output_open(struct output *out, const char *path, struct err *err)
{
	*out = (struct output){ .fd = -1 };
	struct stat st;
	int to_stdout = !strcmp(path, "-");
	/* A device or a pipe is written in place: there is nothing to rename. */
	int special = !to_stdout && !stat(path, &st) && !S_ISREG(st.st_mode);
	if (mem_alloc(&out->buf, OUT_BUF, 1, err) || mem_text(&out->name, to_stdout ? "stdout" : path,
							    to_stdout ? 6 : strlen(path), err))
		goto fail;
	if (to_stdout) {
		out->fd = STDOUT_FILENO;
		return 0;
	}
	if (special) {
		out->fd = open(path, O_WRONLY | O_CLOEXEC);
	} else {
		size_t n = strlen(path) + 8;
		if (mem_alloc(&out->temp, n, 1, err))
			goto fail;
		snprintf(out->temp, n, "%s.XXXXXX", path);
		out->fd = mkstemp(out->temp);
		mode_t mask = umask(0); /* mkstemp makes 0600; give what open() would have given */
		umask(mask);
		if (out->fd >= 0 && fchmod(out->fd, 0666 & ~mask)) {
			err_sys(err, "%s", path);
			goto fail;
		}
	}
	if (out->fd >= 0)
		return 0;
	free(out->temp);
	out->temp = NULL;
	err_sys(err, "%s", path);
fail:
	output_release(out);
	return -1;
}

static int write_all(struct output *out, const unsigned char *p, size_t n, struct err *err)
{
	while (n) {
		ssize_t k = write(out->fd, p, n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return err_sys(err, "%s: write", out->name);
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

int output_flush(struct output *out, struct err *err)
{
	size_t n = out->used;
	out->used = 0;
	return write_all(out, out->buf, n, err);
}

int output_write(struct output *out, const void *from, size_t n, struct err *err)
{
	out->at += n;
	if (n > OUT_BUF - out->used && output_flush(out, err))
		return -1;
	if (n >= OUT_BUF)
		return write_all(out, from, n, err);
	memcpy(out->buf + out->used, from, n);
	out->used += n;
	return 0;
}

int output_printf(struct output *out, struct err *err, const char *fmt, ...)
{
	char small[512], *big = small;
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(small, sizeof small, fmt, ap), rc = 0;
	if (n < 0)
		rc = err_set(err, "%s: cannot format", out->name);
	else if ((size_t)n >= sizeof small) {
		rc = mem_alloc(&big, (size_t)n + 1, 1, err);
		if (!rc)
			vsnprintf(big, (size_t)n + 1, fmt, again);
		else
			big = small;
	}
	va_end(again);
	va_end(ap);
	if (!rc)
		rc = output_write(out, big, (size_t)n, err);
	if (big != small)
		free(big);
	return rc;
}

int output_commit(struct output *out, struct err *err)
{
	if (output_flush(out, err))
		return -1;
	if (out->fd == STDOUT_FILENO)
		return 0; /* stage_main closes it and reports what the device says late */
	if (out->temp && fsync(out->fd))
		return err_sys(err, "%s: fsync", out->name);
	int fd = out->fd;
	out->fd = -1;
	if (close(fd))
		return err_sys(err, "%s: close", out->name);
	if (out->temp && rename(out->temp, out->name))
		return err_sys(err, "%s: rename", out->name);
	free(out->temp);
	out->temp = NULL;
	return 0;
}

void output_release(struct output *out)
{
	if (!out->name) /* zeroed, or never opened */
		goto memory;
	if (out->fd > STDOUT_FILENO)
		close(out->fd);
	if (out->temp)
		unlink(out->temp);
memory:
	free(out->name);
	free(out->temp);
	free(out->buf);
	*out = (struct output){ .fd = -1 };
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

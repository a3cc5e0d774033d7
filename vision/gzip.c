#include "archive.h"
#include "pipeline/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

enum { CHUNK = 256 << 10 };

/* Takes in whatever bytes come and gives them out unpacked. zlib's gzFile would take bytes behind the last member for
 * nothing. */
struct inflater {
	z_stream z;
	int on, between; /* z is in use; a member has ended and none has begun */
};

/* Inflates `in` as far as it or the room goes. 0, or -1. */
static int step(struct inflater *f, struct err *err)
{
	if (f->between) { /* another member, or something else */
		if (*f->z.next_in != 0x1f)
			return err_set(err, "bytes that are no gzip follow the end of the gzip data");
		if (inflateReset(&f->z) != Z_OK)
			return err_set(err, "gzip: cannot go on");
		f->between = 0;
	}
	int rc = inflate(&f->z, Z_NO_FLUSH);
	if (rc == Z_STREAM_END)
		f->between = 1;
	else if (rc != Z_OK && rc != Z_BUF_ERROR)
		return err_set(err, "gzip data is damaged (%s)", f->z.msg ? f->z.msg : "zlib error");
	return 0;
}

static int inflater_open(struct inflater *f, struct err *err)
{
	memset(f, 0, sizeof *f);
	if (inflateInit2(&f->z, 15 + 16) != Z_OK)
		return err_set(err, "out of memory");
	f->on = 1;
	return 0;
}

int gunzip(const unsigned char *data, size_t len, size_t max, unsigned char **out, size_t *out_len, struct err *err)
{
	struct inflater f;
	unsigned char *buf = NULL;
	size_t cap = 0, n = 0;
	if (inflater_open(&f, err))
		return -1;
	while (len || f.z.avail_in) {
		if (!f.z.avail_in) {
			f.z.next_in = (unsigned char *)(uintptr_t)data;
			f.z.avail_in = len < 1u << 30 ? (unsigned)len : 1u << 30;
			data += f.z.avail_in;
			len -= f.z.avail_in;
		}
		if (mem_grow(&buf, &cap, n + CHUNK + 1, 1, err))
			goto fail;
		f.z.next_out = buf + n;
		f.z.avail_out = CHUNK;
		if (step(&f, err))
			goto fail;
		n += CHUNK - f.z.avail_out;
		if (n > max) {
			err_set(err, "unpacks to more than %zu bytes", max);
			goto fail;
		}
	}
	while (!f.between) { /* what inflate still holds back */
		if (mem_grow(&buf, &cap, n + CHUNK + 1, 1, err))
			goto fail;
		f.z.next_out = buf + n;
		f.z.avail_out = CHUNK;
		if (step(&f, err))
			goto fail;
		n += CHUNK - f.z.avail_out;
		if (f.z.avail_out == CHUNK && !f.between) {
			err_set(err, "gzip data is truncated");
			goto fail;
		}
		if (n > max) {
			err_set(err, "unpacks to more than %zu bytes", max);
			goto fail;
		}
	}
	buf[n] = 0;
	inflateEnd(&f.z);
	*out = buf;
	*out_len = n;
	return 0;
fail:
	inflateEnd(&f.z);
	free(buf);
	return -1;
}

static int write_all(int fd, const unsigned char *p, size_t n)
{
	while (n) {
		ssize_t k = write(fd, p, n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return -1;
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

static ssize_t read_some(int fd, unsigned char *p, size_t n)
{
	ssize_t k;
	do
		k = read(fd, p, n);
	while (k < 0 && errno == EINTR);
	return k;
}

static int unnamed(const char **dir, struct err *err)
{
	char path[4096];
	*dir = getenv("TMPDIR");
	if (!*dir || !**dir)
		*dir = "/tmp";
	int fd = open(*dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	if (snprintf(path, sizeof path, "%s/vic-XXXXXX", *dir) >= (int)sizeof path)
		return err_set(err, "TMPDIR is too long");
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "a temporary file in %s (TMPDIR names another place)", *dir);
	unlink(path);
	return fd;
}

static int copy(int from, int to, const char *what, const char *dir, unsigned char *in, unsigned char *out,
		struct err *err)
{
	struct inflater f = { .on = 0 };
	ssize_t k;
	int first = 1, rc = -1;
	while ((k = read_some(from, in, CHUNK)) > 0) {
		if (first && k >= 2 && in[0] == 0x1f && in[1] == 0x8b && inflater_open(&f, err))
			return -1;
		first = 0;
		if (!f.on) {
			if (write_all(to, in, (size_t)k))
				goto full;
			continue;
		}
		f.z.next_in = in;
		f.z.avail_in = (unsigned)k;
		do { /* also while the last call filled the room: inflate may hold more */
			f.z.next_out = out;
			f.z.avail_out = CHUNK;
			if (step(&f, err)) {
				err_context(err, "%s", what);
				goto done;
			}
			if (write_all(to, out, CHUNK - f.z.avail_out))
				goto full;
		} while (f.z.avail_in || (!f.z.avail_out && !f.between));
	}
	if (k < 0)
		err_sys(err, "%s: read", what);
	else if (f.on && !f.between)
		err_set(err, "%s: gzip data is truncated", what);
	else
		rc = 0;
	goto done;
full:
	err_sys(err, "%s: unpacking to a temporary file in %s (TMPDIR names another place)", what, dir);
done:
	if (f.on)
		inflateEnd(&f.z);
	return rc;
}

int spool(int fd, const char *what, struct err *err)
{
	unsigned char *in = NULL, *out = NULL;
	const char *dir;
	int to = unnamed(&dir, err);
	if (to < 0)
		return -1;
	if (mem_alloc(&in, CHUNK, 1, err) || mem_alloc(&out, CHUNK, 1, err) || copy(fd, to, what, dir, in, out, err)) {
		close(to);
		to = -1;
	}
	free(in);
	free(out);
	return to;
}

#include "tarball.h"
#include "pipeline/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { BLOCK = 512, GZ_BUFFER = 256 * 1024, PAX_MAX = 1 << 20 };

struct tarball {
	gzFile gz;
	const char *path; /* borrowed */
	uint64_t size;    /* of the present file */
	uint64_t left;    /* of it, unread, with the padding to a whole block */
};

int tarball_open(struct tarball **out, const char *path, struct err *err)
{
	struct tarball *a;
	if (mem_alloc(&a, 1, sizeof *a, err))
		return -1;
	a->path = path;
	errno = 0;
	a->gz = gzopen(path, "rb");
	if (!a->gz) {
		free(a);
		return errno ? err_sys(err, "%s", path) : err_set(err, "%s: out of memory", path);
	}
	gzbuffer(a->gz, GZ_BUFFER); /* a hint: zlib's 8 KiB would do */
	*out = a;
	return 0;
}

void tarball_close(struct tarball *a)
{
	if (!a)
		return;
	gzclose_r(a->gz);
	free(a);
}

static int damaged(struct tarball *a, struct err *err)
{
	int code;
	const char *what = gzerror(a->gz, &code);
	if (code == Z_ERRNO)
		return err_sys(err, "%s: read", a->path);
	/* zlib puts its own name of the file in front of the text: leave that out */
	if (code == Z_BUF_ERROR || code == Z_OK)
		return err_set(err, "%s: the archive is cut short; fetch it again", a->path);
	return err_set(err, "%s: the archive is damaged (%s); fetch it again", a->path,
		       strrchr(what, ':') ? strrchr(what, ':') + 2 : what);
}

/* Exactly n bytes. */
static int get(struct tarball *a, void *to, size_t n, struct err *err)
{
	unsigned char *p = to;
	while (n) {
		unsigned k = n > 1 << 20 ? 1 << 20 : (unsigned)n;
		int got = gzread(a->gz, p, k);
		if (got <= 0)
			return damaged(a, err);
		p += got;
		n -= (size_t)got;
	}
	return 0;
}

static int pass(struct tarball *a, struct err *err)
{
	unsigned char away[8192];
	while (a->left) {
		size_t k = a->left < sizeof away ? (size_t)a->left : sizeof away;
		if (get(a, away, k, err))
			return -1;
		a->left -= k;
	}
	return 0;
}

int tarball_read(struct tarball *a, void *to, struct err *err)
{
	if (get(a, to, (size_t)a->size, err))
		return -1;
	a->left -= a->size;
	return pass(a, err);
}

/* Octal digits between leading spaces and a closing NUL or space. */
static int octal(const unsigned char *p, size_t n, uint64_t *out)
{
	uint64_t x = 0;
	size_t i = 0, digits = 0;
	while (i < n && p[i] == ' ')
		i++;
	for (; i < n && p[i] >= '0' && p[i] <= '7'; i++, digits++)
		x = x * 8 + (uint64_t)(p[i] - '0');
	*out = x;
	return digits && (i == n || p[i] == 0 || p[i] == ' ') ? 0 : -1;
}

/* The header's checksum: the sum of its bytes, with its own field as spaces. */
static int is_header(const unsigned char *h)
{
	uint64_t sum = 0, said;
	for (int i = 0; i < BLOCK; i++)
		sum += i >= 148 && i < 156 ? ' ' : h[i];
	return !octal(h + 148, 8, &said) && said == sum;
}

static void name_of(const unsigned char *h, char name[TARBALL_NAME])
{
	size_t n = 0, k = 0;
	if (!memcmp(h + 257, "ustar\0", 6)) /* only here is 345 a prefix */
		k = strnlen((const char *)h + 345, 155);
	memcpy(name, h + 345, k);
	n = k;
	if (k)
		name[n++] = '/';
	k = strnlen((const char *)h, 100);
	memcpy(name + n, h, k);
	name[n + k] = 0;
}

/* A pax header is passed over unless it changes what is read here. */
static int pax(struct tarball *a, struct err *err)
{
	char *text;
	int rc = 0;
	if (a->size > PAX_MAX)
		return err_set(err, "%s: a pax header of %llu bytes", a->path, (unsigned long long)a->size);
	if (mem_alloc(&text, (size_t)a->size + 1, 1, err))
		return -1;
	if (tarball_read(a, text, err))
		rc = -1;
	else if (memmem(text, (size_t)a->size, " path=", 6) || memmem(text, (size_t)a->size, " size=", 6))
		rc = err_set(err, "%s: has pax names or sizes, which are not read here; unpack it and give the folder",
			     a->path);
	free(text);
	return rc;
}

/* Behind the closing blocks only padding follows; reading it makes zlib check the sum. */
static int at_end(struct tarball *a, struct err *err)
{
	unsigned char rest[8192];
	int code;
	while (gzread(a->gz, rest, sizeof rest) > 0)
		;
	gzerror(a->gz, &code);
	return code == Z_OK || code == Z_STREAM_END ? 0 : damaged(a, err);
}

int tarball_next(struct tarball *a, char name[TARBALL_NAME], uint64_t *size, struct err *err)
{
	static const unsigned char zeros[BLOCK];
	unsigned char h[BLOCK];
	for (;;) {
		if (pass(a, err) || get(a, h, BLOCK, err))
			return -1;
		if (!memcmp(h, zeros, BLOCK))
			return at_end(a, err);
		if (!is_header(h) || octal(h + 124, 12, &a->size))
			return err_set(err, "%s: is not a tar archive, or damaged", a->path);
		a->left = (a->size + BLOCK - 1) / BLOCK * BLOCK;
		switch (h[156]) {
		case 0:
		case '0':
			name_of(h, name);
			*size = a->size;
			return 1;
		case 'x':
		case 'g':
			if (pax(a, err))
				return -1;
			break;
		case 'L':
		case 'S':
			return err_set(err, "%s: has GNU long names or sparse files, which are not read here; "
				       "unpack it and give the folder", a->path);
		default: /* folders, links, devices */
			break;
		}
	}
}

#include "archive.h"
#include "pipeline/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* POSIX.1-1988 ustar: 512-byte headers. Offsets of the fields that say where a file is and what it is called. */
enum {
	BLOCK = 512,
	NAME = 0,
	SIZE = 124,
	CHECK = 148,
	TYPE = 156,
	MAGIC = 257,
	PREFIX = 345,
	LONG_MAX_BYTES = 1 << 20
};

int read_at(int fd, uint64_t at, void *to, size_t n)
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

/* An octal field, or GNU's base 256 where the first bit is set; -1 when it is neither. */
static int64_t number(const unsigned char *p, size_t n)
{
	uint64_t v = 0;
	if (*p & 0x80) {
		v = *p & 0x3f;
		for (size_t i = 1; i < n; i++) {
			if (v >> 54)
				return -1;
			v = v << 8 | p[i];
		}
		return *p & 0x40 ? -1 : (int64_t)v;
	}
	size_t i = 0;
	while (i < n && p[i] == ' ')
		i++;
	for (; i < n && p[i] >= '0' && p[i] <= '7'; i++)
		v = v << 3 | (uint64_t)(p[i] - '0');
	return i < n && p[i] && p[i] != ' ' ? -1 : (int64_t)v;
}

static int header_right(const unsigned char *h)
{
	uint64_t sum = 8 * ' ';
	for (int i = 0; i < BLOCK; i++)
		if (i < CHECK || i >= CHECK + 8)
			sum += h[i];
	return number(h + CHECK, 8) == (int64_t)sum;
}

static int zero(const unsigned char *h)
{
	for (int i = 0; i < BLOCK; i++)
		if (h[i])
			return 0;
	return 1;
}

int tar_is(int fd, uint64_t at)
{
	unsigned char h[BLOCK];
	return !read_at(fd, at, h, BLOCK) && !zero(h) && header_right(h);
}

/* What a pax or GNU header says about the entry behind it. */
struct extra {
	char *name;   /* owned, or NULL */
	int64_t size; /* -1: as its own header says */
};

/* pax records: "LENGTH KEY=VALUE\n", LENGTH counting all of it. */
static int take_pax(struct extra *x, char *text, size_t n, struct err *err)
{
	for (char *p = text, *end = text + n; p < end;) {
		char *after;
		long len = strtol(p, &after, 10);
		char *eq = after < end ? memchr(after, '=', (size_t)(end - after)) : NULL;
		if (len <= 0 || len > end - p || *after != ' ' || !eq || eq > p + len - 2 || p[len - 1] != '\n')
			return err_set(err, "damaged pax header");
		size_t key = (size_t)(eq - after - 1), value = (size_t)(p + len - 1 - (eq + 1));
		if (key == 4 && !memcmp(after + 1, "path", 4)) {
			free(x->name);
			x->name = NULL;
			if (mem_text(&x->name, eq + 1, value, err))
				return -1;
		} else if (key == 4 && !memcmp(after + 1, "size", 4)) {
			p[len - 1] = 0;
			errno = 0;
			x->size = strtoll(eq + 1, &after, 10);
			if (errno || *after || after == eq + 1 || x->size < 0)
				return err_set(err, "damaged pax size");
		}
		p += len;
	}
	return 0;
}

static int take_extra(struct extra *x, int type, int fd, uint64_t at, uint64_t size, struct err *err)
{
	char *text;
	if (size > LONG_MAX_BYTES)
		return err_set(err, "a name or pax header of %llu bytes", (unsigned long long)size);
	if (mem_alloc(&text, size + 1, 1, err))
		return -1;
	int rc = read_at(fd, at, text, size) ? err_set(err, "truncated") : 0;
	if (!rc && type == 'x')
		rc = take_pax(x, text, size, err);
	if (!rc && type == 'L') {
		free(x->name);
		x->name = NULL;
		rc = mem_text(&x->name, text, strlen(text), err);
	}
	free(text);
	return rc;
}

/* prefix + name without "./" in front; components that begin with a dot, or an empty name: nothing is added. */
static int add_file(struct archive *a, int root, const char *prefix, const char *name, uint64_t at, uint64_t size,
		    int depth, struct err *err)
{
	char full[8192];
	while (name[0] == '.' && name[1] == '/')
		name += 2;
	while (*name == '/')
		name++;
	int n = snprintf(full, sizeof full, "%s%s", prefix, name);
	if (n >= (int)sizeof full)
		return err_set(err, "a name longer than %zu bytes", sizeof full);
	if (*name == '.' || !*name || strstr(name, "/."))
		return 0;
	if (!depth && n > 4 && !strcmp(full + n - 4, ".tar")) {
		full[n - 4] = '/';
		full[n - 3] = 0;
		return tar_list(a, root, at, size, full, 1, err);
	}
	return archive_add(a, root, full, (size_t)n, at, size, err);
}

static int one_entry(struct archive *a, int root, const unsigned char *h, uint64_t at, uint64_t size,
		     const char *prefix, int depth, struct extra *x, struct err *err)
{
	char name[260];
	int type = h[TYPE] ? h[TYPE] : '0', ustar = !memcmp(h + MAGIC, "ustar", 5);
	if (type == 'L' || type == 'x')
		return take_extra(x, type, a->root[root].fd, at, size, err);
	if (type == 'K' || type == 'g') /* a long link's target; global remarks */
		return 0;
	if (ustar && h[MAGIC + 5] == 0 && h[PREFIX])
		snprintf(name, sizeof name, "%.155s/%.100s", (const char *)h + PREFIX, (const char *)h + NAME);
	else
		snprintf(name, sizeof name, "%.100s", (const char *)h + NAME);
	const char *full = x->name ? x->name : name;
	int rc = 0;
	if (type == '0' || type == '7') {
		/* before POSIX a folder was a file whose name ended in a slash */
		if (!*full || full[strlen(full) - 1] != '/')
			rc = add_file(a, root, prefix, full, at, size, depth, err);
	} else if (type != '5') {
		rc = err_set(
			err,
			"'%s' is a link or device (type '%c'); pack the files themselves (tar -h --hard-dereference)",
			full, type >= 32 && type < 127 ? type : '?');
	}
	free(x->name);
	*x = (struct extra){ NULL, -1 };
	return rc;
}

int tar_list(struct archive *a, int root, uint64_t at, uint64_t size, const char *prefix, int depth, struct err *err)
{
	unsigned char h[BLOCK];
	struct extra x = { NULL, -1 };
	uint64_t end = at + size;
	int fd = a->root[root].fd, zeros = 0;
	for (; end - at >= BLOCK; at += BLOCK) {
		if (read_at(fd, at, h, BLOCK))
			goto cut;
		if (zero(h)) {
			zeros++;
			continue;
		}
		if (zeros) {
			err_set(err, "bytes follow the end of the tar (several tars in one file?)");
			goto fail;
		}
		int64_t n = number(h + SIZE, 12);
		if (!header_right(h) || n < 0) {
			err_set(err, "damaged tar header at byte %llu", (unsigned long long)at);
			goto fail;
		}
		int type = h[TYPE];
		if (x.size >= 0 && type != 'x' && type != 'L' && type != 'K' && type != 'g')
			n = x.size;
		if ((uint64_t)n > end - at - BLOCK)
			goto cut;
		if (type >= '1' && type <= '6' && type != '5')
			n = 0; /* links and devices carry no bytes, whatever the field says */
		if (one_entry(a, root, h, at + BLOCK, (uint64_t)n, prefix, depth, &x, err))
			goto fail;
		at += ((uint64_t)n + BLOCK - 1) / BLOCK * BLOCK;
		if (at > end - BLOCK)
			goto cut;
	}
	if (!zeros || end != at)
		goto cut;
	free(x.name);
	return 0;
cut:
	err_set(err, "truncated tar");
fail:
	free(x.name);
	return -1;
}

/* Reads tar archives, header by header. t->next is where the next header lies; pass reaches it by reading in a
 * stream, by moving t->at in a part of a file. tar_next compares a claimed size with t->end before anything is
 * skipped or allocated. What 'x' and 'L' headers say holds for one entry; a 'g' header may not name or size files.
 * At least one closing block of zeros is demanded, since an archive without one was cut, and nothing but zeros may
 * follow it. */
#include "tar.h"
#include "pipeline/files/io.h"
#include "pipeline/base/mem.h"
#include "pipeline/stream/sniff.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* What a pax or GNU header says about the entry after it. */
struct extra {
	char *name;   /* owned, or NULL */
	int64_t size; /* -1: as its own header says */
};

struct tar {
	struct input in;  /* the stream; without a buffer: [at, end) of fd */
	const char *path; /* of the stream */
	int fd;
	uint64_t at, end, next; /* the byte to be read; where there is no more; the next header */
	uint64_t size;          /* of the present entry */
	int zeros;              /* the closing blocks have begun */
	char name[260];
	struct extra extra;
};

static int fault(const struct tar *t, struct err *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static int fault(const struct tar *t, struct err *err, const char *fmt, ...)
{
	char text[512];
	va_list args;
	va_start(args, fmt);
	err_vphrase(text, sizeof text, fmt, args);
	va_end(args);
	return t->path ? err_set(err, "%s: %s", t->path, text) : err_set(err, "%s", text);
}

static int truncated(const struct tar *t, struct err *err)
{
	return fault(t, err, "truncated tar archive; get the file again");
}

/* Up to n bytes; *got < n at the end. */
static int some(struct tar *t, void *to, size_t n, size_t *got, struct err *err)
{
	if (t->in.buf) {
		if (input_read(&t->in, to, n, got, err))
			return -1;
	} else {
		*got = n < t->end - t->at ? n : (size_t)(t->end - t->at);
		if (io_read_at(t->fd, t->at, to, *got))
			return errno ? err_sys(err, "reading the archive") : truncated(t, err);
	}
	t->at += *got;
	return 0;
}

static int exactly(struct tar *t, void *to, size_t n, struct err *err)
{
	size_t got;
	if (some(t, to, n, &got, err))
		return -1;
	return got == n ? 0 : truncated(t, err);
}

/* On to the next header. */
static int skip_data(struct tar *t, struct err *err)
{
	unsigned char away[8192];
	if (!t->in.buf)
		t->at = t->next;
	while (t->at < t->next) {
		uint64_t left = t->next - t->at;
		if (exactly(t, away, left < sizeof away ? (size_t)left : sizeof away, err))
			return -1;
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

int tar_is(int fd, struct err *err)
{
	unsigned char h[BLOCK];
	if (io_read_at(fd, 0, h, BLOCK))
		return errno ? err_sys(err, "reading") : 0;
	return !zero(h) && header_right(h);
}

/* pax records: "LENGTH KEY=VALUE\n", LENGTH counting all of it. */
static int take_pax(struct tar *t, struct extra *x, char *text, size_t n, struct err *err)
{
	for (char *p = text, *end = text + n; p < end;) {
		char *after;
		long len = strtol(p, &after, 10);
		char *eq = after < end ? memchr(after, '=', (size_t)(end - after)) : NULL;
		if (len <= 0 || len > end - p || *after != ' ' || !eq || eq > p + len - 2 || p[len - 1] != '\n')
			return fault(t, err, "damaged pax header");
		size_t key = (size_t)(eq - after - 1), value = (size_t)(p + len - 1 - (eq + 1));
		if (key == 4 && !memcmp(after + 1, "path", 4)) {
			free(x->name);
			x->name = NULL;
			if (memchr(eq + 1, 0, value))
				return fault(t, err, "damaged pax header");
			if (mem_text(&x->name, eq + 1, value, err))
				return -1;
		} else if (key == 4 && !memcmp(after + 1, "size", 4)) {
			p[len - 1] = 0;
			errno = 0;
			x->size = strtoll(eq + 1, &after, 10);
			if (errno || *after || after == eq + 1 || x->size < 0)
				return fault(t, err, "damaged pax size");
		}
		p += len;
	}
	return 0;
}

/* The header of type 'x', 'g' or 'L' that is to be read. */
static int take_extra(struct tar *t, int type, struct err *err)
{
	struct extra all = { NULL, -1 }, *x = &t->extra;
	char *text;
	if (t->size > LONG_MAX_BYTES)
		return fault(t, err, "a name or pax header of %llu bytes", (unsigned long long)t->size);
	if (mem_alloc(&text, t->size + 1, 1, err))
		return -1;
	int rc = exactly(t, text, t->size, err);
	if (!rc && type == 'x')
		rc = take_pax(t, x, text, t->size, err);
	if (!rc && type == 'g') {
		rc = take_pax(t, &all, text, t->size, err);
		if (!rc && (all.name || all.size >= 0))
			rc = fault(t, err, "a pax header gives one name or size to all files");
		free(all.name);
	}
	if (!rc && type == 'L') {
		free(x->name);
		x->name = NULL;
		rc = mem_text(&x->name, text, strlen(text), err);
	}
	free(text);
	return rc;
}

/* 1 and the next header that is none of the closing blocks; 0 at the end. */
static int read_header(struct tar *t, unsigned char *h, struct err *err)
{
	for (;;) {
		size_t got;
		if (skip_data(t, err) || some(t, h, BLOCK, &got, err))
			return -1;
		if (!got && t->zeros)
			return 0;
		if (!t->next && t->path) { /* the first */
			struct sniffed s;
			sniff(&s, h, got, t->path);
			if (s.known && !strstr(s.what, "tar"))
				return sniff_refuse(t->path, h, got, "a tar archive", err);
		}
		if (got < BLOCK)
			return truncated(t, err);
		t->next = t->at;
		if (!zero(h))
			break;
		t->zeros = 1;
	}
	if (t->zeros)
		return fault(t, err, "bytes follow the end of the tar (several tars in one file?)");
	if (header_right(h) && number(h + SIZE, 12) >= 0)
		return 1;
	if (t->at == BLOCK)
		return fault(t, err, "is not a tar archive, or damaged");
	return fault(t, err, "damaged tar header at byte %llu", (unsigned long long)(t->at - BLOCK));
}

static const char *name_of(struct tar *t, const unsigned char *h)
{
	const char *name = (const char *)h + NAME, *prefix = (const char *)h + PREFIX;
	if (t->extra.name)
		return t->extra.name;
	if (!memcmp(h + MAGIC, "ustar\0", 6) && *prefix) /* only here is it a prefix */
		snprintf(t->name, sizeof t->name, "%.155s/%.100s", prefix, name);
	else
		snprintf(t->name, sizeof t->name, "%.100s", name);
	return t->name;
}

int tar_next(struct tar *t, struct tar_entry *e, struct err *err)
{
	unsigned char h[BLOCK];
	int rc;
	free(t->extra.name);
	t->extra = (struct extra){ NULL, -1 };
	while ((rc = read_header(t, h, err)) == 1) {
		int type = h[TYPE] ? h[TYPE] : '0', about = type == 'x' || type == 'g' || type == 'L' || type == 'K';
		t->size = (uint64_t)number(h + SIZE, 12);
		if (!about && t->extra.size >= 0)
			t->size = (uint64_t)t->extra.size;
		if (type >= '1' && type <= '6' && type != '5')
			t->size = 0; /* links and devices carry no bytes, whatever the field says */
		uint64_t blocks = t->size / BLOCK + (t->size % BLOCK != 0);
		if (blocks > (t->end - t->at) / BLOCK)
			return truncated(t, err);
		t->next = t->at + blocks * BLOCK;
		if (type == 'K') /* a long link's target */
			continue;
		if (about) {
			if (take_extra(t, type, err))
				return -1;
			continue;
		}
		*e = (struct tar_entry){ .name = name_of(t, h), .type = type, .at = t->at, .size = t->size };
		size_t n = strlen(e->name);
		if (type == 'S')
			return fault(t, err, "'%s' is a sparse file, which is not read here", e->name);
		if (type == '7') /* a file that is contiguous on the disk it came from */
			e->type = '0';
		if (e->type == '0' && n && e->name[n - 1] == '/') /* so folders were written before POSIX */
			e->type = '5';
		return 1;
	}
	return rc;
}

int tar_plain(const struct tar_entry *e, struct err *err)
{
	if (e->type == '0' || e->type == '5')
		return 0;
	return err_set(err,
		       "'%s' is a link or device (type '%c'); pack the files themselves (tar -h --hard-dereference)",
		       e->name, e->type >= 32 && e->type < 127 ? e->type : '?');
}

int tar_read(struct tar *t, void *to, struct err *err)
{
	return exactly(t, to, (size_t)t->size, err);
}

static int make(struct tar **out, struct tar is, struct err *err)
{
	if (mem_alloc(out, 1, sizeof **out, err))
		return -1;
	**out = is;
	return 0;
}

int tar_open(struct tar **out, const char *path, struct err *err)
{
	struct tar is = { .path = strcmp(path, "-") ? path : "stdin", .fd = -1, .end = UINT64_MAX, .extra.size = -1 };
	if (input_open(&is.in, path, err))
		return -1;
	if (!make(out, is, err))
		return 0;
	input_release(&is.in);
	return -1;
}

int tar_over(struct tar **out, int fd, uint64_t at, uint64_t size, struct err *err)
{
	return make(out, (struct tar){ .fd = fd, .at = at, .next = at, .end = at + size, .extra.size = -1 }, err);
}

void tar_close(struct tar *t)
{
	if (!t)
		return;
	input_release(&t->in);
	free(t->extra.name);
	free(t);
}

/* Local headers are followed one after the other; the list at the end (central directory) is walked to its end, which
 * is how a cut archive shows. Sizes may stand behind a deflated file (flag 8): its end is then inflate's. A size that
 * the header has bounds what is read, so neither a false one nor a bomb gives more than it says. */
#include "zip.h"
#include "pipeline/base/crc.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { LOCAL = 0x04034b50, CENTRAL = 0x02014b50, END = 0x06054b50, END64 = 0x06064b50, LOCATOR = 0x07064b50 };
enum { DESCRIPTOR = 0x08074b50, SPLIT_MARK = 0x30304b50 };
enum { STORED = 0, DEFLATED = 8, NAME_BYTES = 65536 };

struct zip {
	struct supply *from;
	const char *path;
	unsigned method, later; /* later: checksum and sizes stand behind the bytes */
	int open, wide;		/* a file is being read; its sizes behind it have 8 bytes */
	uint64_t packed, size;	/* as announced, or 0 with `later` */
	uint64_t taken, given;	/* so far */
	uint32_t crc, sum;	/* announced; so far */
	uint64_t files;		/* local headers met */
	uint32_t next;		/* signature that was read ahead, or 0 */
	z_stream z;
	int ready; /* z is in use */
	char name[NAME_BYTES];
	unsigned char extra[NAME_BYTES];
};

static int zip_fault(const struct zip *z, const char *what, struct err *err)
{
	return z->path ? err_set(err, "%s: the zip archive %s", z->path, what)
		       : err_set(err, "the zip archive %s", what);
}

/* Exactly n bytes; to NULL: passed over. */
static int zip_take(struct zip *z, void *to, uint64_t n, struct err *err)
{
	unsigned char *p = to;
	while (n) {
		if (!z->from->n && z->from->fill(z->from, err))
			return -1;
		if (!z->from->n)
			return zip_fault(z, "is truncated; get it again", err);
		size_t k = z->from->n < n ? z->from->n : (size_t)n;
		if (p) {
			memcpy(p, z->from->p, k);
			p += k;
		}
		z->from->p += k;
		z->from->n -= k;
		n -= k;
	}
	return 0;
}

static uint32_t le(const unsigned char *p, int n)
{
	uint32_t v = 0;
	while (n--)
		v = v << 8 | p[n];
	return v;
}

static uint64_t le64(const unsigned char *p)
{
	return (uint64_t)le(p + 4, 4) << 32 | le(p, 4);
}

int zip_open(struct zip **z, struct supply *from, const char *name, struct err *err)
{
	if (mem_alloc(z, 1, sizeof **z, err))
		return -1;
	(*z)->from = from;
	(*z)->path = name;
	return 0;
}

void zip_close(struct zip *z)
{
	if (z && z->ready)
		inflateEnd(&z->z);
	free(z);
}

/* The sizes that stand in the extra field because they are too long for the header. */
static void zip_extra(struct zip *z, const unsigned char *extra, size_t n)
{
	while (n >= 4) {
		size_t size = le(extra + 2, 2);
		if (size > n - 4)
			return;
		if (le(extra, 2) == 1) {
			z->wide = 1;
			if (size >= 8 && z->size == UINT32_MAX)
				z->size = le64(extra + 4);
			if (size >= 16 && z->packed == UINT32_MAX)
				z->packed = le64(extra + 12);
			return;
		}
		extra += 4 + size;
		n -= 4 + size;
	}
}

/* Folders end in '/' (APPNOTE 4.4.17.1), and in a backslash where .NET before 4.6.1 and some tools of Windows wrote the
 * archive: of a name that has the one and not the other that is what it means, as every unzip reads it. */
static void name_folders(char *name)
{
	if (!strchr(name, '/'))
		for (; *name; name++)
			*name = *name == '\\' ? '/' : *name;
}

static int zip_begin(struct zip *z, struct err *err)
{
	unsigned char h[26];
	if (zip_take(z, h, sizeof h, err))
		return -1;
	unsigned flags = le(h + 2, 2), name = le(h + 22, 2), more = le(h + 24, 2);
	z->method = le(h + 4, 2);
	z->crc = le(h + 10, 4);
	z->packed = le(h + 14, 4);
	z->size = le(h + 18, 4);
	z->wide = 0;
	z->later = flags & 8;
	if (zip_take(z, z->name, name, err) || zip_take(z, z->extra, more, err))
		return -1;
	z->name[name] = 0;
	if (strlen(z->name) != name)
		return zip_fault(z, "has a name with a NUL byte in it", err);
	name_folders(z->name);
	zip_extra(z, z->extra, more);
	if (flags & 1)
		return zip_fault(z, "is encrypted; unzip it with its password", err);
	if ((z->method != STORED && z->method != DEFLATED) || (z->method == STORED && z->later && z->packed != z->size))
		return zip_fault(z, "is packed by a method that is not read here; unzip it and zip it anew", err);
	if (z->method == STORED && z->later && !z->packed && name && z->name[name - 1] != '/')
		return zip_fault(z, "does not say how long a file in it is; unzip it and zip it anew", err);
	if (z->method == DEFLATED && (z->ready ? inflateReset(&z->z) : inflateInit2(&z->z, -MAX_WBITS)) != Z_OK)
		return err_memory(err);
	z->ready |= z->method == DEFLATED;
	z->open = 1;
	z->taken = z->given = z->sum = 0;
	z->files++;
	return 0;
}

/* Behind a file's last byte. */
static int zip_end(struct zip *z, struct err *err)
{
	unsigned char d[24];
	z->open = 0;
	if (z->later) {
		if (zip_take(z, d, 4, err) || (le(d, 4) == DESCRIPTOR && zip_take(z, d, 4, err)) ||
		    zip_take(z, d + 4, z->wide ? 16 : 8, err))
			return -1;
		z->crc = le(d, 4);
		z->packed = z->wide ? le64(d + 4) : le(d + 4, 4);
		z->size = z->wide ? le64(d + 12) : le(d + 8, 4);
	}
	return z->crc == z->sum && z->packed == z->taken && z->size == z->given
		       ? 0
		       : zip_fault(z, "is damaged (a checksum or length is wrong); get it again", err);
}

static int zip_stored(struct zip *z, unsigned char *to, size_t n, size_t *got, struct err *err)
{
	*got = n < z->size - z->given ? n : (size_t)(z->size - z->given);
	if (zip_take(z, to, *got, err))
		return -1;
	z->taken += *got;
	return 0;
}

static int zip_inflate(struct zip *z, unsigned char *to, size_t n, size_t *got, int *ended, struct err *err)
{
	z->z.next_out = to;
	z->z.avail_out = (uInt)n;
	while (z->z.avail_out && !*ended) {
		if (!z->from->n && z->from->fill(z->from, err))
			return -1;
		if (!z->from->n)
			return zip_fault(z, "is truncated; get it again", err);
		size_t k = z->from->n < 1u << 30 ? z->from->n : 1u << 30;
		z->z.next_in = (Bytef *)(uintptr_t)z->from->p;
		z->z.avail_in = (uInt)k;
		int rc = inflate(&z->z, Z_NO_FLUSH);
		k -= z->z.avail_in;
		z->from->p += k;
		z->from->n -= k;
		z->taken += k;
		*ended = rc == Z_STREAM_END;
		if (rc == Z_MEM_ERROR)
			return err_memory(err);
		if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
			return zip_fault(z, "is damaged; get it again", err);
	}
	*got = n - z->z.avail_out;
	return 0;
}

int zip_read(struct zip *z, void *to, size_t n, size_t *got, struct err *err)
{
	int ended = 0;
	*got = 0;
	if (!z->open || !n)
		return 0;
	n = n < 1u << 30 ? n : 1u << 30;
	if (z->method == STORED ? zip_stored(z, to, n, got, err) : zip_inflate(z, to, n, got, &ended, err))
		return -1;
	z->given += *got;
	z->sum = crc32_of(z->sum, to, *got);
	if (!z->later && z->given > z->size)
		return zip_fault(z, "is damaged (a file is longer than it says); get it again", err);
	return ended || (z->method == STORED && z->given == z->size) ? zip_end(z, err) : 0;
}

/* The list of files and what follows it, to the last byte. */
static int zip_list(struct zip *z, uint32_t sign, struct err *err)
{
	unsigned char h[52];
	uint64_t listed = 0;
	for (;; listed++) {
		if (sign != CENTRAL)
			break;
		if (zip_take(z, h, 42, err) || zip_take(z, NULL, le(h + 24, 2) + le(h + 26, 2) + le(h + 28, 2), err) ||
		    zip_take(z, h, 4, err))
			return -1;
		sign = le(h, 4);
	}
	if (sign == END64) {
		if (zip_take(z, h, 8, err) || zip_take(z, NULL, le64(h), err) || zip_take(z, h, 4, err))
			return -1;
		sign = le(h, 4);
	}
	if (sign == LOCATOR && (zip_take(z, h, 20, err)))
		return -1;
	if (sign == LOCATOR)
		sign = le(h + 16, 4);
	if (sign != END)
		return zip_fault(z, "is damaged; get it again", err);
	if (zip_take(z, h, 18, err) || zip_take(z, NULL, le(h + 16, 2), err))
		return -1;
	if (listed != z->files)
		return zip_fault(z, "lists other files than it holds; unzip it and zip it anew", err);
	if (!z->from->n && z->from->fill(z->from, err))
		return -1;
	return z->from->n ? zip_fault(z, "is followed by other bytes", err) : 0;
}

int zip_next(struct zip *z, const char **name, struct err *err)
{
	unsigned char h[4], skip[4096];
	size_t got = 1;
	while (z->open && got)
		if (zip_read(z, skip, sizeof skip, &got, err))
			return -1;
	if (zip_take(z, h, 4, err))
		return -1;
	uint32_t sign = le(h, 4);
	if (sign == SPLIT_MARK && !z->files) { /* was to be split, and fitted into one */
		if (zip_take(z, h, 4, err))
			return -1;
		sign = le(h, 4);
	}
	if (sign != LOCAL)
		return zip_list(z, sign, err);
	if (zip_begin(z, err))
		return -1;
	if (!z->size && !z->packed && !z->later && zip_end(z, err))
		return -1;
	*name = z->name;
	return 1;
}

/* NPZ archives, in memory. The directory's end is looked for at the file's end, with its comment; what the entries and
 * their local headers say must tile the file, so that no byte is passed over and no two members share one. Lengths are
 * 64 bits wide here, whether they come from the 32-bit fields or from the zip64 extra field that takes their place. */
#include "npz.h"
#include "pipeline/base/crc.h"
#include "pipeline/base/mem.h"
#include "pipeline/files/io.h"
#include "pipeline/files/unpack.h"
#include "pipeline/stream/sniff.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { STORED = 0, DEFLATED = 8, END_LEN = 22, ENTRY_LEN = 46, LOCAL_LEN = 30, LOCATOR_LEN = 20, END64_LEN = 56 };
enum { MAX_MEMBERS = 4096 };
#define WIDE 0xFFFFFFFFu /* a 32-bit field whose value is in the zip64 extra field */

struct entry {
	char *name; /* owned; NULL: no array */
	uint64_t packed, size, at; /* at: of its local header */
	uint32_t crc;
	unsigned method, flags;
	uint64_t data; /* where its bytes begin */
};

struct npz {
	const char *name; /* of the file, for messages */
	unsigned char *bytes;
	uint64_t len;
	struct entry *entry; /* [n], in the order of the directory; arrays first */
	size_t n, arrays, cap;
};

struct npz_member {
	const struct entry *entry;
	char *label; /* "FILE: array 'x'" */
	z_stream inflater;
	const unsigned char *next; /* stored: what is not yet handed out */
	uint64_t left, out;        /* packed bytes not yet taken; bytes handed out */
	uint32_t crc;
	int ended;
};

static uint64_t number(const unsigned char *p, int bytes)
{
	uint64_t v = 0;
	for (int i = bytes; i-- > 0;)
		v = v << 8 | p[i];
	return v;
}

static int damaged(const struct npz *z, const char *what, struct err *err)
{
	return err_set(err, "%s: the zip archive is damaged or no NPZ: %s", z->name, what);
}

/* The zip64 extra field: the values of those fields that are WIDE, in this order. */
static int widen(const unsigned char *extra, size_t n, struct entry *e)
{
	uint64_t *const field[] = { &e->size, &e->packed, &e->at };
	while (n >= 4) {
		size_t len = (size_t)number(extra + 2, 2);
		if (len > n - 4)
			return -1;
		const unsigned char *p = extra + 4, *end = p + len;
		for (size_t i = 0; number(extra, 2) == 1 && i < 3; i++) {
			if (*field[i] != WIDE)
				continue;
			if (end - p < 8)
				return -1;
			*field[i] = number(p, 8);
			p += 8;
		}
		extra = end;
		n -= len + 4;
	}
	return 0; /* fewer than 4 bytes are what aligned the data */
}

/* A local field is the directory's, or stands elsewhere: in a zip64 field, or behind the bytes that were streamed. */
static int agrees(const unsigned char *p, uint64_t value, const struct entry *e)
{
	uint64_t local = number(p, 4);
	return local == value || local == WIDE || (!local && (e->flags & 8));
}

/* The local header must be the same member's; e->data is behind it. */
static int check_local(const struct npz *z, struct entry *e, const unsigned char *name, size_t name_len,
		       struct err *err)
{
	const unsigned char *p = z->bytes + e->at;
	if (e->at > z->len || z->len - e->at < LOCAL_LEN || memcmp(p, "PK\3\4", 4))
		return damaged(z, "a member is not where the directory says", err);
	uint64_t room = z->len - e->at - LOCAL_LEN, names = number(p + 26, 2), extra = number(p + 28, 2);
	if (names != name_len || names + extra > room || memcmp(p + LOCAL_LEN, name, name_len))
		return damaged(z, "a member has another name than in the directory", err);
	if (number(p + 8, 2) != e->method || number(p + 6, 2) != e->flags)
		return damaged(z, "a member is packed otherwise than the directory says", err);
	if (!agrees(p + 14, e->crc, e) || !agrees(p + 18, e->packed, e) || !agrees(p + 22, e->size, e))
		return damaged(z, "a member has another length or checksum than in the directory", err);
	if (e->packed > room - names - extra)
		return damaged(z, "a member is longer than the archive", err);
	e->data = e->at + LOCAL_LEN + names + extra;
	return 0;
}

/* One entry of the directory, of which n bytes are left; *took: its length. */
static int take_entry(struct npz *z, const unsigned char *p, size_t n, size_t *took, struct err *err)
{
	if (n < ENTRY_LEN || memcmp(p, "PK\1\2", 4))
		return damaged(z, "its directory ends early", err);
	size_t name = (size_t)number(p + 28, 2), extra = (size_t)number(p + 30, 2), note = (size_t)number(p + 32, 2);
	struct entry e = { .flags = (unsigned)number(p + 8, 2), .method = (unsigned)number(p + 10, 2),
			   .crc = (uint32_t)number(p + 16, 4), .packed = number(p + 20, 4), .size = number(p + 24, 4),
			   .at = number(p + 42, 4) };
	*took = ENTRY_LEN + name + extra + note;
	if (*took > n || widen(p + ENTRY_LEN + name, extra, &e))
		return damaged(z, "its directory ends early", err);
	if (check_local(z, &e, p + ENTRY_LEN, name, err) ||
	    mem_grow(&z->entry, &z->cap, z->n + 1, sizeof *z->entry, err))
		return -1;
	int is_array = name > 4 && !memcmp(p + ENTRY_LEN + name - 4, ".npy", 4) && !memchr(p + ENTRY_LEN, 0, name);
	if (is_array && mem_text(&e.name, (const char *)p + ENTRY_LEN, name - 4, err))
		return -1;
	z->entry[z->n++] = e;
	z->arrays += (size_t)is_array;
	return 0;
}

static int by_place(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	return (x->at > y->at) - (x->at < y->at);
}

/* After a member whose lengths were not known when it was begun: a signature or none, CRC, two lengths. */
static int is_descriptor(const struct npz *z, const struct entry *e, uint64_t n)
{
	const unsigned char *p = z->bytes + e->data + e->packed;
	int mark = n == 16 || n == 24, width = n > 16 ? 8 : 4;
	if (!(e->flags & 8) || (n != 12 && n != 16 && n != 20 && n != 24) || (mark && memcmp(p, "PK\7\10", 4)))
		return 0;
	p += mark ? 4 : 0;
	return number(p, 4) == e->crc && number(p + 4, width) == e->packed && number(p + 4 + width, width) == e->size;
}

/* Members follow each other from the first byte to the directory. */
static int check_tiling(struct npz *z, uint64_t directory, struct err *err)
{
	if (z->n)
		qsort(z->entry, z->n, sizeof *z->entry, by_place);
	uint64_t at = z->n ? z->entry[0].at : directory;
	if (at)
		return damaged(z, "bytes stand before its first member", err);
	for (size_t i = 0; i < z->n; i++) {
		const struct entry *e = &z->entry[i];
		uint64_t end = e->data + e->packed, next = i + 1 < z->n ? z->entry[i + 1].at : directory;
		if (end > next)
			return damaged(z, "members overlap", err);
		if (end < next && !is_descriptor(z, e, next - end))
			return damaged(z, "bytes stand between members", err);
	}
	return 0;
}

/* The directory's place and number of entries, from the end of the file; *end: where it must end. */
static int find_directory(const struct npz *z, uint64_t *at, uint64_t *entries, uint64_t *end, struct err *err)
{
	uint64_t p = z->len < END_LEN ? 0 : z->len - END_LEN, far;
	const unsigned char *b = z->bytes;
	while (z->len >= END_LEN && p && z->len - END_LEN - p < 0xFFFF &&
	       (memcmp(b + p, "PK\5\6", 4) || number(b + p + 20, 2) != z->len - END_LEN - p))
		p--;
	if (z->len < END_LEN || memcmp(b + p, "PK\5\6", 4) || number(b + p + 20, 2) != z->len - END_LEN - p)
		return damaged(z, "its end is missing (cut, or bytes follow it)", err);
	*entries = number(b + p + 10, 2);
	*at = number(b + p + 16, 4);
	*end = p;
	if (number(b + p + 4, 2) || number(b + p + 6, 2) || number(b + p + 8, 2) != *entries)
		return damaged(z, "it has several parts", err);
	if (p < LOCATOR_LEN + END64_LEN || memcmp(b + p - LOCATOR_LEN, "PK\6\7", 4))
		return 0;
	far = number(b + p - LOCATOR_LEN + 8, 8);
	if (far != p - LOCATOR_LEN - END64_LEN || memcmp(b + far, "PK\6\6", 4))
		return damaged(z, "its zip64 end is not where it says", err);
	*entries = number(b + far + 32, 8);
	*at = number(b + far + 48, 8);
	*end = far;
	return 0;
}

static int refuse_twins(const struct npz *z, struct err *err)
{
	for (size_t i = 0; i < z->n; i++)
		for (size_t j = 0; j < i && z->entry[i].name; j++)
			if (z->entry[j].name && !strcmp(z->entry[i].name, z->entry[j].name))
				return err_set(err, "%s: holds two arrays named '%s'", z->name, z->entry[i].name);
	return 0;
}

/* Whether the file is of another kind by its beginning and name; then *err says which. */
static int is_other(const struct npz *z, struct err *err)
{
	struct sniffed s;
	size_t n = z->len < SNIFF_BYTES ? (size_t)z->len : SNIFF_BYTES;
	sniff(&s, z->bytes, n, z->name);
	return !strstr(s.what, "NPZ") && sniff_refuse(z->name, z->bytes, n, "an NPZ archive with arrays", err);
}

static int read_directory(struct npz *z, struct err *err)
{
	uint64_t at = 0, entries = 0, end = 0, start;
	if (z->len < 4 || (memcmp(z->bytes, "PK\3\4", 4) && memcmp(z->bytes, "PK\5\6", 4)))
		return is_other(z, err) ? -1 : damaged(z, "its beginning is missing", err);
	if (find_directory(z, &at, &entries, &end, err))
		return -1;
	if (entries > MAX_MEMBERS)
		return err_set(err, "%s: has %" PRIu64 " members; at most %d are read", z->name, entries, MAX_MEMBERS);
	if (at > end)
		return damaged(z, "its directory is not where it says", err);
	start = at;
	for (uint64_t i = 0; i < entries; i++) {
		size_t took = 0;
		if (take_entry(z, z->bytes + at, (size_t)(end - at), &took, err))
			return -1;
		at += took;
	}
	if (at != end ? damaged(z, "bytes follow its directory", err) :
			check_tiling(z, start, err) || refuse_twins(z, err))
		return -1;
	if (!z->arrays && !is_other(z, err))
		err_set(err, "%s: none of its %zu members is called NAME.npy, as arrays are", z->name, z->n);
	return z->arrays ? 0 : -1;
}

/* A zip as it lies, whatever its first file is; what it is packed in is taken off. */
static int slurp_zip(const char *path, char **bytes, size_t *len, struct err *err)
{
	struct input in;
	unsigned char *zip;
	int rc = input_open_as_is(&in, path, err) || input_slurp(&in, SIZE_MAX / 4, bytes, len, err);
	input_release(&in);
	size_t head = *len < UNPACK_HEAD ? *len : UNPACK_HEAD;
	const char *kind = rc ? NULL : unpack_kind((unsigned char *)*bytes, head, NULL);
	if (!kind || !strcmp(kind, "zip"))
		return rc;
	rc = unpack_memory((unsigned char *)*bytes, *len, SIZE_MAX / 4, &zip, len, err) ? err_context(err, "%s", path)
											: 0;
	free(*bytes);
	*bytes = rc ? NULL : (char *)zip;
	return rc;
}

int npz_open(struct npz **out, const char *path, struct err *err)
{
	struct npz *z;
	char *bytes;
	size_t len;
	if (mem_alloc(&z, 1, sizeof *z, err))
		return -1;
	z->name = !strcmp(path, "-") ? "stdin" : path;
	if (slurp_zip(path, &bytes, &len, err)) {
		free(z);
		return -1;
	}
	z->bytes = (unsigned char *)bytes;
	z->len = len;
	if (read_directory(z, err)) {
		if (err->cause == CAUSE_DATA)
			(void)is_other(z, err); /* its damage matters less */
		npz_close(z);
		return -1;
	}
	*out = z;
	return 0;
}

void npz_close(struct npz *z)
{
	if (!z)
		return;
	for (size_t i = 0; i < z->n; i++)
		free(z->entry[i].name);
	free(z->entry);
	free(z->bytes);
	free(z);
}

size_t npz_arrays(const struct npz *z)
{
	return z->arrays;
}

static const struct entry *array_at(const struct npz *z, size_t i)
{
	const struct entry *e = z->entry;
	for (;; e++)
		if (e->name && !i--)
			return e;
}

const char *npz_array_name(const struct npz *z, size_t i)
{
	return array_at(z, i)->name;
}

/* n bytes at most, n < 2^30, unpacked or as they are. */
static int take_bytes(struct npz_member *m, unsigned char *to, size_t n, size_t *got, struct err *err)
{
	if (m->entry->method == STORED) {
		*got = m->left < n ? (size_t)m->left : n;
		if (*got)
			memcpy(to, m->next, *got);
		m->next += *got;
		m->left -= *got;
		return 0;
	}
	m->inflater.next_out = to;
	m->inflater.avail_out = (uInt)n;
	while (m->inflater.avail_out && !m->ended) {
		if (!m->inflater.avail_in) {
			m->inflater.avail_in = m->left < 1u << 30 ? (uInt)m->left : 1u << 30;
			m->left -= m->inflater.avail_in;
		}
		int rc = inflate(&m->inflater, Z_NO_FLUSH);
		m->ended = rc == Z_STREAM_END;
		if (rc == Z_MEM_ERROR)
			return err_memory(err);
		if (rc != Z_OK && !m->ended)
			return err_set(err, "%s: its packed bytes are damaged; get the file again", m->label);
	}
	*got = n - m->inflater.avail_out;
	return 0;
}

/* What must hold when no more bytes come. */
static int check_end(const struct npz_member *m, struct err *err)
{
	if (m->left || m->inflater.avail_in)
		return err_set(err, "%s: bytes follow the packed ones", m->label);
	if (m->out != m->entry->size || m->crc != m->entry->crc)
		return err_set(err, "%s: does not match its length or checksum in the archive; get the file again",
			       m->label);
	return 0;
}

static int member_read(void *from, void *to, size_t n, size_t *got, struct err *err)
{
	struct npz_member *m = from;
	unsigned char *p = to;
	for (*got = 0; *got < n;) {
		size_t want = n - *got < 1u << 30 ? n - *got : 1u << 30, k = 0;
		if (take_bytes(m, p + *got, want, &k, err))
			return -1;
		m->crc = crc32_of(m->crc, p + *got, k);
		m->out += k;
		*got += k;
		if (k < want)
			return check_end(m, err);
	}
	return 0;
}

int npz_begin(struct npz *z, size_t i, struct npz_member **out, struct npy_reader *r, struct err *err)
{
	const struct entry *e = array_at(z, i);
	struct npz_member *m;
	if (e->flags & 1)
		return err_set(err, "%s: array '%s' is encrypted", z->name, e->name);
	if (e->method != STORED && e->method != DEFLATED)
		return err_set(err, "%s: array '%s' is packed by method %u; numpy.savez and savez_compressed are read",
			       z->name, e->name, e->method);
	if (mem_alloc(&m, 1, sizeof *m, err))
		return -1;
	*m = (struct npz_member){ .entry = e, .next = z->bytes + e->data, .left = e->packed };
	m->inflater.next_in = z->bytes + e->data;
	if (e->method == DEFLATED && inflateInit2(&m->inflater, -MAX_WBITS) != Z_OK) {
		free(m);
		return err_memory(err);
	}
	if (mem_printf(&m->label, err, "%s: array '%s'", z->name, e->name) ||
	    npy_over(r, member_read, m, m->label, err)) {
		npz_end(m);
		return -1;
	}
	*out = m;
	return 0;
}

void npz_end(struct npz_member *m)
{
	if (!m)
		return;
	if (m->entry->method == DEFLATED)
		inflateEnd(&m->inflater);
	free(m->label);
	free(m);
}

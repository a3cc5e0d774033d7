/* Zip archives are written here in every form that is read (stored, deflated, sizes behind the bytes, zip64, comments,
 * extra fields, folders), and come out again: front to back through a supply of any step (zip.h), and by the directory
 * as NPZ (npz.h); the one file of an archive is read as packed data are (unpack.h). A byte that is changed, missing or
 * too many is never passed over. */
#include "tests/scratch.h"
#include "pipeline/base/crc.h"
#include "pipeline/base/philox.h"
#include "pipeline/files/zip.h"
#include "pipeline/formats/npz.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <zlib.h>

enum { MOST = 5, LONGEST = 3000, ROOM = 1 << 16 };

struct member {
	char name[32];
	unsigned char bytes[LONGEST + 128], packed[2 * LONGEST + 256];
	size_t n, packed_n, at;
	int deflated, later, wide, wide_later;
	uint32_t crc;
};

static struct member m[MOST];
static unsigned char file[ROOM];
static size_t len, directory;
static int members;

static void le(uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		file[len++] = (unsigned char)(v >> 8 * i);
}

static void bytes(const void *p, size_t n)
{
	if (n)
		memcpy(file + len, p, n);
	len += n;
}

/* An extra field of no meaning here. */
static void other_field(size_t n)
{
	if (n < 4) { /* what aligns the data, as zipalign leaves it */
		le(0, (int)n);
		return;
	}
	le(0x5455, 2);
	le(n - 4, 2);
	for (size_t i = 4; i < n; i++)
		le(i, 1);
}

/* An NPY array of bytes. */
static void draw_array(struct member *x, struct rng *r, size_t n)
{
	char head[96];
	size_t h =
		(size_t)snprintf(head, sizeof head, "{'descr': '|u1', 'fortran_order': False, 'shape': (%zu,), }", n);
	unsigned char lead[10] = { 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (unsigned char)(h + 1), 0 };
	memcpy(x->bytes, lead, sizeof lead);
	memcpy(x->bytes + sizeof lead, head, h);
	x->bytes[sizeof lead + h] = '\n';
	x->n = sizeof lead + h + 1 + n;
	for (size_t i = x->n - n; i < x->n; i++)
		x->bytes[i] = (unsigned char)(rng_below(r, 3) ? 7 : rng_u32(r));
}

static void pack(struct member *x)
{
	z_stream z = { 0 };
	if (!x->deflated) {
		memcpy(x->packed, x->bytes, x->n);
		x->packed_n = x->n;
		return;
	}
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = x->bytes;
	z.avail_in = (uInt)x->n;
	z.next_out = x->packed;
	z.avail_out = sizeof x->packed;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	x->packed_n = z.total_out;
	deflateEnd(&z);
}

/* A local header, its bytes and what follows them. */
static void put_member(struct member *x, size_t extra)
{
	int known = !x->later;
	x->at = len;
	le(0x04034b50, 4);
	le(20, 2);
	le(x->later ? 8 : 0, 2);
	le(x->deflated ? 8 : 0, 2);
	le(0, 4);
	le(known ? x->crc : 0, 4);
	le(x->wide ? 0xFFFFFFFF : known ? x->packed_n : 0, 4);
	le(x->wide ? 0xFFFFFFFF : known ? x->n : 0, 4);
	le(strlen(x->name), 2);
	le(extra + (x->wide ? 20 : 0), 2);
	bytes(x->name, strlen(x->name));
	other_field(extra);
	if (x->wide) {
		le(1, 2);
		le(16, 2);
		le(known ? x->n : 0, 8);
		le(known ? x->packed_n : 0, 8);
	}
	bytes(x->packed, x->packed_n);
	if (known)
		return;
	le(0x08074b50, 4);
	le(x->crc, 4);
	le(x->packed_n, x->wide ? 8 : 4);
	le(x->n, x->wide ? 8 : 4);
}

static void put_entry(const struct member *x, size_t extra, size_t note)
{
	le(0x02014b50, 4);
	le(20, 2);
	le(20, 2);
	le(x->later ? 8 : 0, 2);
	le(x->deflated ? 8 : 0, 2);
	le(0, 4);
	le(x->crc, 4);
	le(x->wide ? 0xFFFFFFFF : x->packed_n, 4);
	le(x->wide ? 0xFFFFFFFF : x->n, 4);
	le(strlen(x->name), 2);
	le(extra + (x->wide ? 28 : 0), 2);
	le(note, 2);
	le(0, 8);
	le(x->wide ? 0xFFFFFFFF : x->at, 4);
	bytes(x->name, strlen(x->name));
	other_field(extra);
	if (x->wide) {
		le(1, 2);
		le(24, 2);
		le(x->n, 8);
		le(x->packed_n, 8);
		le(x->at, 8);
	}
	for (size_t i = 0; i < note; i++)
		le('n', 1);
}

static size_t a_few(struct rng *r)
{
	return rng_below(r, 2) ? 0 : 4 + rng_below(r, 9);
}

/* Arrays only; with `folders` also what is none. */
static void draw(struct rng *r, int folders)
{
	members = 1 + (int)rng_below(r, MOST);
	len = 0;
	for (int i = 0; i < members; i++) {
		struct member *x = &m[i];
		int folder = folders && rng_below(r, 4) == 0;
		memset(x, 0, offsetof(struct member, bytes));
		const char *in = folders && rng_below(r, 4) == 0 ? "__MACOSX/a" : rng_below(r, 2) ? "a" : "some/x";
		snprintf(x->name, sizeof x->name, "%s%d%s", in, i, folder ? "/" : ".npy");
		x->n = 0;
		if (!folder)
			draw_array(x, r, rng_below(r, 4) ? rng_below(r, LONGEST) : 0);
		x->deflated = !folder && rng_below(r, 2);
		x->later = x->deflated && rng_below(r, 2);
		x->wide = rng_below(r, 4) == 0;
		x->crc = (uint32_t)crc32(0, x->bytes, (uInt)x->n);
		pack(x);
		put_member(x, a_few(r));
	}
	directory = len;
	for (int i = 0; i < members; i++)
		put_entry(&m[i], m[i].wide || rng_below(r, 4) ? a_few(r) : rng_below(r, 4),
			  rng_below(r, 3) ? 0 : rng_below(r, 9));
	size_t end = len;
	int far = rng_below(r, 3) == 0;
	if (far) {
		le(0x06064b50, 4);
		le(44, 8);
		le(20, 4);
		le(0, 8);
		le((uint64_t)members, 8);
		le((uint64_t)members, 8);
		le(end - directory, 8);
		le(directory, 8);
		le(0x07064b50, 4);
		le(0, 4);
		le(end, 8);
		le(1, 4);
	}
	size_t note = a_few(r);
	le(0x06054b50, 4);
	le(0, 4);
	le(far ? 0xFFFF : (uint64_t)members, 2);
	le(far ? 0xFFFF : (uint64_t)members, 2);
	le(far ? 0xFFFFFFFF : end - directory, 4);
	le(far ? 0xFFFFFFFF : directory, 4);
	le(note, 2);
	for (size_t i = 0; i < note; i++)
		le('c', 1);
	assert_true(len < ROOM);
}

/* Hands out the file by steps. */
struct steps {
	struct rng *r;
	size_t at, n, most;
};

static int fill(struct supply *s, struct err *err)
{
	struct steps *t = s->arg;
	(void)err;
	size_t left = t->n - t->at, n = 1 + rng_below(t->r, (uint32_t)t->most);
	s->p = file + t->at;
	s->n = n < left ? n : left;
	t->at += s->n;
	return 0;
}

/* Reads n bytes of `file` front to back, three members in four whole; 0, or -1 with err. */
static int stream_through(struct rng *r, size_t n, int compare, struct err *err)
{
	static unsigned char got[LONGEST + 256];
	struct steps t = { r, 0, n, 1 + rng_below(r, 400) };
	struct supply s = { .fill = fill, .arg = &t };
	struct zip *z;
	const char *name;
	int rc, i = 0;
	assert_int_equal(zip_open(&z, &s, "z.zip", err), 0);
	while ((rc = zip_next(z, &name, err)) == 1) {
		if (compare)
			assert_string_equal(name, m[i].name);
		size_t used = 0, k = 1;
		for (int whole = rng_below(r, 4) != 0; whole && k;) {
			size_t want = 1 + rng_below(r, 700);
			if (used + want > sizeof got)
				break;
			if (zip_read(z, got + used, want, &k, err)) {
				zip_close(z);
				return -1;
			}
			used += k;
			if (k == want)
				continue;
			if (compare)
				assert_true(used == m[i].n && !memcmp(got, m[i].bytes, used));
			k = 0;
		}
		i++;
	}
	if (!rc && compare)
		assert_int_equal(i, members);
	zip_close(z);
	return rc;
}

/* Where some byte of a stored member lies. (Of deflated ones some bits mean nothing, and others the same.) */
static size_t stored_byte(const struct member *x, struct rng *r)
{
	size_t data = x->at + 30 + strlen(x->name) + file[x->at + 28];
	return data + rng_below(r, (uint32_t)x->packed_n);
}

static void front_to_back(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 1500; i++) {
		struct rng r;
		struct err err = ERR_NONE;
		rng_init(&r, 41, RNG_TEST, i, 0);
		draw(&r, 1);
		if (stream_through(&r, len, 1, &err))
			fail_msg("%u: %s", i, err.msg);
		/* cut, or with a byte more */
		size_t cut = rng_below(&r, (uint32_t)len);
		if (!stream_through(&r, cut, 0, &err))
			fail_msg("%u: cut at %zu of %zu", i, cut, len);
		file[len] = 'x';
		if (!stream_through(&r, len + 1, 0, &err))
			fail_msg("%u: a byte more", i);
		/* a byte of a member is another */
		struct member *x = &m[rng_below(&r, (uint32_t)members)];
		if (x->packed_n && !x->deflated) {
			file[stored_byte(x, &r)] ^= (unsigned char)(1 + rng_below(&r, 255));
			struct zip *z;
			struct steps t = { &r, 0, len, 300 };
			struct supply s = { .fill = fill, .arg = &t };
			const char *name;
			int rc;
			assert_int_equal(zip_open(&z, &s, NULL, &err), 0);
			while ((rc = zip_next(z, &name, &err)) == 1)
				;
			assert_int_equal(rc, -1);
			zip_close(z);
		}
	}
}

/* What is read of an archive of one file: that file, past folders and what macOS puts in; none and several are
 * errors. */
static void as_packed_data(void **state)
{
	static unsigned char got[LONGEST + 256];
	(void)state;
	for (uint32_t i = 0; i < 500; i++) {
		struct rng r;
		struct err err = ERR_NONE;
		struct unpack *u;
		int files = 0, first = -1;
		rng_init(&r, 43, RNG_TEST, i, 0);
		draw(&r, 1);
		for (int k = members; k-- > 0;)
			if (m[k].name[strlen(m[k].name) - 1] != '/' && strncmp(m[k].name, "__MACOSX/", 9)) {
				first = k;
				files++;
			}
		struct steps t = { &r, 0, len, 1 + rng_below(&r, 400) };
		struct supply s = { .fill = fill, .arg = &t };
		if (unpack_open(&u, "zip", &s, "z.zip", &err)) {
			assert_int_equal(files, 0);
			assert_string_equal(err.msg, "z.zip: the zip archive holds no file");
			continue;
		}
		assert_true(files > 0);
		size_t used = 0, k, want;
		int rc;
		do {
			want = 1 + rng_below(&r, 700);
			rc = unpack_read(u, got + used, used + want > sizeof got ? sizeof got - used : want, &k, &err);
			used += rc ? 0 : k;
		} while (!rc && k == want);
		unpack_close(u);
		assert_int_equal(rc, files > 1 ? -1 : 0);
		if (files > 1)
			assert_non_null(strstr(err.msg, "z.zip: the zip archive holds several files"));
		else
			assert_true(used == m[first].n && !memcmp(got, m[first].bytes, used));
	}
}

/* All arrays of the file; 0, or -1 with err. */
static int arrays_of(const char *path, int compare, struct err *err)
{
	static int64_t value[LONGEST];
	struct npz *z;
	int rc = 0;
	if (npz_open(&z, path, err))
		return -1;
	if (compare)
		assert_int_equal(npz_arrays(z), members);
	for (size_t i = 0; !rc && i < npz_arrays(z); i++) {
		struct npz_member *member;
		struct npy_reader r = { 0 };
		if (compare)
			assert_true(!strncmp(npz_array_name(z, i), m[i].name, strlen(m[i].name) - 4) &&
				    strlen(npz_array_name(z, i)) == strlen(m[i].name) - 4);
		rc = npz_begin(z, i, &member, &r, err);
		if (rc)
			break;
		size_t n = (size_t)npy_values(&r.head);
		rc = n > LONGEST || npy_read_whole(&r, value, n, err) || npy_at_end(&r, err) ? -1 : 0;
		for (size_t k = 0; compare && !rc && k < n; k++)
			assert_int_equal(value[k], m[i].bytes[m[i].n - n + k]);
		npy_release(&r);
		npz_end(member);
	}
	npz_close(z);
	return rc;
}

static void by_directory(void **state)
{
	(void)state;
	char path[SCRATCH_PATH];
	assert_int_equal(scratch_file(path, "a.npz"), 0);
	for (uint32_t i = 0; i < 600; i++) {
		struct rng r;
		struct err err = ERR_NONE;
		rng_init(&r, 42, RNG_TEST, i, 0);
		draw(&r, 0);
		assert_int_equal(scratch_put(path, file, len), 0);
		if (arrays_of(path, 1, &err))
			fail_msg("%u: %s", i, err.msg);
		assert_int_equal(scratch_put(path, file, rng_below(&r, (uint32_t)len)), 0);
		assert_int_equal(arrays_of(path, 0, &err), -1);
		struct member *x = &m[rng_below(&r, (uint32_t)members)];
		size_t at = rng_below(&r, 2) && !x->deflated ? stored_byte(x, &r) : x->at + 26 + rng_below(&r, 4);
		file[at] ^= (unsigned char)(1 + rng_below(&r, 255));
		assert_int_equal(scratch_put(path, file, len), 0);
		if (!arrays_of(path, 0, &err))
			fail_msg("%u: byte %zu is another", i, at);
	}
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(front_to_back), cmocka_unit_test(as_packed_data),
					   cmocka_unit_test(by_directory) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* gzip: members of random sizes and levels, read by random steps, are the bytes that went in; every cut and every
 * addition is noticed. What is not packed passes as it is. */
#include "pipeline/files/io.h"
#include "pipeline/files/unpack.h"
#include "pipeline/base/philox.h"

#include <fcntl.h>
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

enum { MOST = 1 << 20, BUFFER = 256 * 1024 }; /* what gzip.c holds at once */

static char path[4096];

static void keep(const unsigned char *data, size_t n)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0600);
	assert_int_equal(write(fd, data, n), n);
	close(fd);
}

/* Bytes that pack well, badly or not at all. */
static size_t draw(struct rng *r, unsigned char *data)
{
	static const uint32_t edge[] = { 0, 1, 2, BUFFER - 1, BUFFER, BUFFER + 1, 2 * BUFFER };
	size_t n = rng_below(r, 3) ? rng_below(r, rng_below(r, 3) ? 5000 : MOST)
				   : edge[rng_below(r, sizeof edge / sizeof *edge)];
	uint32_t kinds = rng_below(r, 3);
	uint64_t x = rng_below(r, 1000000) + 1;
	for (size_t i = 0; i < n; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		data[i] = kinds == 0   ? (unsigned char)(x >> 56)
			  : kinds == 1 ? (unsigned char)('a' + (x >> 62))
				       : (unsigned char)(i / 997);
	}
	return n;
}

/* One member, appended at `to`. */
static size_t pack(struct rng *r, const unsigned char *data, size_t n, unsigned char *to)
{
	z_stream z = {
		.next_in = (unsigned char *)(uintptr_t)data, .avail_in = (uInt)n, .next_out = to, .avail_out = 2 * MOST
	};
	assert_int_equal(deflateInit2(&z, (int)rng_below(r, 3) * 4, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	size_t size = z.total_out;
	deflateEnd(&z);
	return size;
}

/* Reads all by random steps; -1 or the number of bytes. */
static ptrdiff_t read_all(struct input *g, struct rng *r, unsigned char *to, struct err *err)
{
	size_t n = 0, got, want;
	uint32_t most = rng_below(r, 3) ? 2 * MOST : 50 + rng_below(r, 70000);
	do {
		want = rng_below(r, most);
		if (input_read(g, to + n, want, &got, err))
			return -1;
		assert_true(got <= want);
		n += got;
	} while (got == want);
	assert_int_equal(input_read(g, to + n, 10, &got, err), 0); /* and it stays at its end */
	assert_int_equal(got, 0);
	return (ptrdiff_t)n;
}

static ptrdiff_t read_file(struct rng *r, unsigned char *to, int packed, struct err *err)
{
	struct input g;
	if (input_open(&g, path, err))
		return -1;
	ptrdiff_t n = read_all(&g, r, to, err);
	assert_int_equal(input_packed(&g) != NULL, packed);
	input_release(&g);
	return n;
}

static void members(void **state)
{
	unsigned char *data = malloc(3 * MOST), *file = malloc(8 * MOST), *back = malloc(8 * MOST), *out;
	(void)state;
	for (uint32_t round = 0; round < 25; round++) {
		struct err err = ERR_NONE;
		struct rng r;
		rng_init(&r, 9, RNG_TEST, round, 0);
		size_t n = 0, size = 0, len;
		for (uint32_t k = 1 + rng_below(&r, 3); k; k--) {
			size_t part = draw(&r, data + n);
			size += pack(&r, data + n, part, file + size);
			n += part;
		}
		keep(file, size);
		assert_int_equal(read_file(&r, back, 1, &err), n);
		assert_int_equal(memcmp(back, data, n), 0);
		assert_int_equal(unpack_memory(file, size, n, &out, &len, &err), 0);
		assert_int_equal(len, n);
		assert_int_equal(memcmp(out, data, n) || out[n], 0);
		free(out);
		if (n) {
			assert_int_equal(unpack_memory(file, size, n - 1, &out, &len, &err), -1);
			assert_non_null(strstr(err.msg, "more than"));
		}
		/* a cut; after the first member it may be at a member's end */
		size_t at = 3 + rng_below(&r, (uint32_t)size - 3);
		keep(file, at);
		ptrdiff_t got = read_file(&r, back, 1, &err);
		assert_true(got == -1 ? strstr(err.msg, "truncated") != NULL : (size_t)got < n || size == at);
		file[size] = 'x';
		keep(file, size + 1);
		assert_int_equal(read_file(&r, back, 1, &err), -1);
		assert_non_null(strstr(err.msg, "no gzip data follow"));
		assert_non_null(strstr(err.msg, path));
		assert_int_equal(unpack_memory(file, size + 1, n, &out, &len, &err), -1);
		file[size - 5] ^= 0x10; /* the last member's checksum */
		keep(file, size);
		assert_int_equal(read_file(&r, back, 1, &err), -1);
		assert_non_null(strstr(err.msg, "damaged"));
	}
	free(data);
	free(file);
	free(back);
}

static void what_is_not_packed(void **state)
{
	unsigned char *data = malloc(2 * MOST), *back = malloc(4 * MOST);
	(void)state;
	for (uint32_t round = 0; round < 25; round++) {
		struct err err = ERR_NONE;
		struct input g;
		struct rng r;
		rng_init(&r, 10, RNG_TEST, round, 0);
		size_t n = draw(&r, data), skip = rng_below(&r, 3) * (n / 2);
		if (n)
			data[0] = 'x';
		if (n > skip)
			data[skip] = round % 2 ? 0x1F : 'y'; /* half of gzip's mark is none */
		if (n > skip + 1)
			data[skip + 1] = round % 3 ? 'z' : 0x8B + (round % 2);
		keep(data, n);
		assert_int_equal(read_file(&r, back, n > 1 && data[0] == 0x1F && data[1] == 0x8B, &err), n);
		assert_int_equal(memcmp(back, data, n), 0);
		int fd = open(path, O_RDONLY);
		skip = skip < n ? skip : n;
		assert_int_equal(lseek(fd, (off_t)skip, SEEK_SET), skip);
		assert_int_equal(input_over(&g, fd, "it", &err), 0);
		assert_int_equal(read_all(&g, &r, back, &err), n - skip);
		assert_int_equal(memcmp(back, data + skip, n - skip), 0);
		input_release(&g);
		assert_int_equal(fcntl(fd, F_GETFD) >= 0, 1); /* it stays the caller's */
		close(fd);
	}
	free(data);
	free(back);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(members), cmocka_unit_test(what_is_not_packed) };
	snprintf(path, sizeof path, "%s/vic-gzip-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	close(mkstemp(path));
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return rc;
}

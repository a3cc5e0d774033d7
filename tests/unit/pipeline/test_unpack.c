/* Packed bytes of every kind that the build reads: members of random sizes, one after the other, come out as what went
 * in, however the packed bytes arrive and by whatever steps they are asked for, by bytes and by lines. What is cut,
 * changed or followed by something else is refused. The bytes arrive through a socket that keeps messages apart, so
 * that each read() gives one message, however short. */
#include "pipeline/base/philox.h"
#include "pipeline/files/io.h"
#include "pipeline/files/unpack_coders.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

enum { LONGEST = 3000, MEMBERS = 3, MOST = 2 * MEMBERS * LONGEST, ROOM = 2 * MOST + 1000, MESSAGES = 150 };
enum kind { PLAIN, GZIP, BZIP2, XZ, ZSTD, KINDS };

static unsigned char data[MOST], file[ROOM], back[4 * ROOM];
static size_t n_data, len, last; /* last: where the last member begins */

/* One member at file + len; 0 where the build is without its library. */
static int pack(enum kind kind, const unsigned char *from, size_t n)
{
	size_t room = ROOM - len;
	if (kind == PLAIN) {
		memcpy(file + len, from, n);
		len += n;
		return 1;
	}
	if (kind == GZIP) {
		z_stream z = { .next_in = (unsigned char *)(uintptr_t)from,
			       .avail_in = (uInt)n,
			       .next_out = file + len,
			       .avail_out = (uInt)room };
		assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
		assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
		len += z.total_out;
		deflateEnd(&z);
		return 1;
	}
#ifdef VIC_LIB_bz2
	if (kind == BZIP2) {
		unsigned got = (unsigned)room;
		assert_int_equal(BZ2_bzBuffToBuffCompress((char *)file + len, &got, (char *)(uintptr_t)from,
							  (unsigned)n, 1, 0, 0),
				 BZ_OK);
		len += got;
		return 1;
	}
#endif
#ifdef VIC_LIB_lzma
	if (kind == XZ) {
		assert_int_equal(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, NULL, from, n, file, &len, ROOM),
				 LZMA_OK);
		return 1;
	}
#endif
#ifdef VIC_LIB_zstd
	if (kind == ZSTD) {
		ZSTD_CCtx *c = ZSTD_createCCtx();
		ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
		size_t got = ZSTD_compress2(c, file + len, room, from, n);
		assert_int_equal(ZSTD_isError(got), 0);
		ZSTD_freeCCtx(c);
		len += got;
		return 1;
	}
#endif
	return 0;
}

/* Random members, packed; lines of some letters or bytes that do not pack. */
static int draw(struct rng *r, enum kind kind)
{
	n_data = len = 0;
	for (uint32_t k = kind == PLAIN ? 1 : 1 + rng_below(r, MEMBERS); k; k--) {
		size_t n = rng_below(r, 5) ? rng_below(r, rng_below(r, 2) ? 40 : LONGEST) : 0;
		int noise = rng_below(r, 3) == 0;
		for (size_t i = 0; i < n; i++)
			data[n_data + i] = (unsigned char)(noise	      ? rng_u32(r)
							   : rng_below(r, 12) ? 'a' + rng_below(r, 3)
									      : '\n');
		if (kind == PLAIN && n)
			data[0] = 'x'; /* is none of the others' marks */
		last = len;
		if (!pack(kind, data + n_data, n))
			return 0;
		n_data += n;
	}
	return 1;
}

/* The first n bytes of `file` as an input, in messages of any size. */
static void arrive(struct input *in, struct rng *r, size_t n)
{
	struct err err = ERR_NONE;
	int end[2], room = 1 << 20;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, end), 0);
	(void)setsockopt(end[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
	size_t at = 0, slow = rng_below(r, 30);
	for (int i = 0; at < n; i++) {
		size_t most = i == MESSAGES - 1 ? n : at < slow ? 2 : 400;
		size_t k = i == MESSAGES - 1 ? n - at : 1 + rng_below(r, (uint32_t)most);
		k = k < n - at ? k : n - at;
		assert_int_equal(send(end[1], file + at, k, MSG_DONTWAIT), k);
		at += k;
	}
	close(end[1]);
	assert_int_equal(input_over(in, end[0], "it", &err), 0);
	close(end[0]);
	errno = EINTR; /* left by an earlier call: it says nothing of the next */
}

/* All of it by random steps; -1, or the number of bytes. */
static ptrdiff_t by_bytes(struct rng *r, size_t n, struct err *err)
{
	struct input in;
	size_t used = 0, got, want;
	uint32_t most = rng_below(r, 2) ? 50 : 2 * ROOM;
	arrive(&in, r, n);
	alarm(20); /* an end that is none would never come */
	do {
		want = 1 + rng_below(r, most);
		if (input_read(&in, back + used, want, &got, err)) {
			input_release(&in);
			return -1;
		}
		assert_true(got <= want);
		used += got;
	} while (got == want);
	assert_int_equal(in.at, used);
	alarm(0);
	input_release(&in);
	return (ptrdiff_t)used;
}

/* The same by lines, put together again. */
static ptrdiff_t by_lines(struct rng *r, size_t n, struct err *err)
{
	struct input in;
	const char *line;
	size_t used = 0, k;
	int rc, lf;
	arrive(&in, r, n);
	alarm(20);
	while ((rc = input_line(&in, MOST, &line, &k, &lf, err)) == 1) {
		assert_null(memchr(line, '\n', k));
		memcpy(back + used, line, k);
		used += k;
		if (lf)
			back[used++] = '\n';
	}
	assert_int_equal(in.at, used);
	alarm(0);
	input_release(&in);
	return rc ? -1 : (ptrdiff_t)used;
}

static int whole(ptrdiff_t got)
{
	return got == (ptrdiff_t)n_data && !memcmp(back, data, n_data);
}

static void what_is_whole_comes_back(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 100 * KINDS; i++) {
		struct rng r;
		struct err err = ERR_NONE;
		rng_init(&r, 61, RNG_TEST, i, 0);
		if (!draw(&r, i % KINDS))
			continue;
		if (!whole(by_bytes(&r, len, &err)) || !whole(by_lines(&r, len, &err)))
			fail_msg("%u: %s", i, err.msg);
		if (i % KINDS == PLAIN)
			continue;
		unsigned char *out;
		size_t n;
		assert_int_equal(unpack_memory(file, len, n_data, &out, &n, &err), 0);
		assert_true(n == n_data && !memcmp(out, data, n) && !out[n]);
		free(out);
	}
}

static void what_is_not_is_refused(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 60 * KINDS; i++) {
		struct rng r;
		struct err err = ERR_NONE;
		enum kind kind = i % KINDS;
		rng_init(&r, 62, RNG_TEST, i, 0);
		if (kind == PLAIN || !draw(&r, kind))
			continue;
		/* cut in the last member; a beginning of fewer bytes is no packed data at all */
		size_t least = last ? last + 1 : 12, size = len;
		if (least < len) {
			assert_int_equal(by_bytes(&r, least + rng_below(&r, (uint32_t)(len - least)), &err), -1);
			assert_non_null(strstr(err.msg, "truncated"));
		}
		/* zeros after the end are xz's padding where they are a multiple of four, and else none's */
		size_t zeros = 1 + rng_below(&r, 12);
		memset(file + len, 0, zeros);
		ptrdiff_t got = by_bytes(&r, len + zeros, &err);
		assert_true(kind == XZ && zeros % 4 == 0 ? whole(got) : got == -1);
		file[len] = 'x';
		assert_int_equal(by_bytes(&r, len + 1, &err), -1);
		assert_non_null(strstr(err.msg, "follow"));
		/* a byte that is another: found, or of no meaning */
		if (len > 20) {
			file[12 + rng_below(&r, (uint32_t)(size - 12))] ^= (unsigned char)(1 + rng_below(&r, 255));
			got = by_bytes(&r, len, &err);
			assert_true(got == -1 || whole(got));
		}
	}
}

/* Frames that a reader of Zstandard passes over, and padding of xz between two members. */
static void what_is_passed_over(void **state)
{
	static const unsigned char skipped[] = { 0x53, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 'a', 'b', 'c' };
	(void)state;
	for (uint32_t i = 0; i < 40; i++) {
		struct rng r;
		struct err err = ERR_NONE;
		enum kind kind = i % 2 ? XZ : ZSTD;
		rng_init(&r, 63, RNG_TEST, i, 0);
		if (!draw(&r, kind))
			continue;
		size_t one = len, zeros = 4 * rng_below(&r, 3);
		memcpy(file + len, skipped, sizeof skipped);
		if (kind == XZ)
			memset(file + len, 0, zeros);
		len += kind == XZ ? zeros : sizeof skipped;
		memmove(file + len, file, one);
		len += one;
		memcpy(back, data, n_data);
		memcpy(data + n_data, back, n_data);
		n_data *= 2;
		if (!whole(by_bytes(&r, len, &err)))
			fail_msg("%u: %s", i, err.msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(what_is_whole_comes_back),
					    cmocka_unit_test(what_is_not_is_refused),
					    cmocka_unit_test(what_is_passed_over) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

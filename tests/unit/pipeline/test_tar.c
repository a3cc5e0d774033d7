/* A tar as a stream and as a part of a file gives the same entries and bytes; gzip's ways to be wrong are all
 * noticed. */
#include "tests/scratch.h"
#include "pipeline/files/io.h"
#include "pipeline/formats/tar.h"

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

static char path[SCRATCH_PATH];
static unsigned char tar[1 << 17];
static size_t tar_n;

static void header_of(unsigned char *h, const char *name, int type, size_t n)
{
	unsigned sum = 0;
	memset(h, 0, 512);
	snprintf((char *)h, 100, "%s", name);
	snprintf((char *)h + 124, 12, "%011zo", n);
	h[156] = (unsigned char)type;
	memcpy(h + 257, "ustar\00000", 8);
	memset(h + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += h[i];
	snprintf((char *)h + 148, 8, "%06o", sum);
}

static void add(const char *name, int type, const void *data, size_t n)
{
	unsigned char *h = tar + tar_n;
	header_of(h, name, type, n);
	memset(h + 512, 0, (n + 511) / 512 * 512);
	memcpy(h + 512, data, n);
	tar_n += 512 + (n + 511) / 512 * 512;
}

static void end(void)
{
	memset(tar + tar_n, 0, 1024);
	tar_n += 1024;
}

static void put(const void *bytes, size_t n)
{
	FILE *f = fopen(path, "wb");
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void put_gzip(const void *bytes, size_t n, const char *mode)
{
	gzFile f = gzopen(path, mode);
	assert_int_equal(gzwrite(f, bytes, (unsigned)n), (int)n);
	assert_int_equal(gzclose(f), Z_OK);
}

/* "name type size first..last;" for each entry; every `skip`th is not read. */
static int walk(struct tar *t, int skip, char *text, size_t size, struct err *err)
{
	struct tar_entry e;
	size_t n = 0;
	int rc, i = 0;
	text[0] = 0;
	while ((rc = tar_next(t, &e, err)) == 1) {
		unsigned char *data = calloc(e.size + 1, 1);
		if (++i % skip && tar_read(t, data, err))
			rc = -1;
		n += (size_t)snprintf(text + n, size - n, "%.20s %c %d %d..%d;", e.name, e.type, (int)e.size, data[0],
				      e.size ? data[e.size - 1] : 0);
		free(data);
		if (rc < 0)
			break;
	}
	return rc;
}

static int walk_stream(int skip, char *text, size_t size, struct err *err)
{
	struct tar *t;
	assert_int_equal(tar_open(&t, path, err), 0);
	int rc = walk(t, skip, text, size, err);
	tar_close(t);
	return rc;
}

static void fill(void)
{
	static unsigned char large[70000];
	for (size_t i = 0; i < sizeof large; i++)
		large[i] = (unsigned char)(1 + i * i % 251);
	tar_n = 0;
	add("d/", '5', "", 0);
	add("d/a", '0', "first", 5);
	add("d/large", 0, large, sizeof large);
	add("hard", '1', "", 0);
	add("x", 'x', "15 path=longer\n", 15);
	add("cut", '0', large, 512);
	add("last", '7', "z", 1);
	end();
}

static void stream_and_part_agree(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	char want[1024], got[1024];
	fill();
	for (int skip = 2; skip < 9; skip++) {
		put("before!", 7);
		FILE *f = fopen(path, "ab");
		assert_int_equal(fwrite(tar, 1, tar_n, f), tar_n);
		fclose(f);
		int fd = open(path, O_RDONLY);
		struct tar *t;
		assert_int_equal(tar_over(&t, fd, 7, tar_n, &err), 0);
		assert_int_equal(walk(t, skip, want, sizeof want, &err), 0);
		tar_close(t);
		close(fd);
		put(tar, tar_n);
		assert_int_equal(walk_stream(skip, got, sizeof got, &err), 0);
		assert_string_equal(got, want);
		put_gzip(tar, 1000, "wb");
		put_gzip(tar + 1000, tar_n - 1000, "ab");
		assert_int_equal(walk_stream(skip, got, sizeof got, &err), 0);
		assert_string_equal(got, want);
	}
	assert_string_equal(want,
			    "d/ 5 0 0..0;d/a 0 5 102..116;d/large 0 70000 1..148;hard 1 0 0..0;longer 0 512 1..82;"
			    "last 0 1 122..122;");
}

static void refused(const char *says)
{
	struct err err = ERR_NONE;
	char text[1024];
	for (int skip = 1; skip < 3; skip++) {
		assert_int_equal(walk_stream(skip, text, sizeof text, &err), -1);
		if (!strstr(err.msg, says) || strstr(err.msg, path) != err.msg || strstr(err.msg + 1, path))
			fail_msg("'%s' does not name the file once and say '%s'", err.msg, says);
	}
}

static void damage_is_noticed(void **state)
{
	(void)state;
	static unsigned char packed[1 << 17];
	fill();
	for (size_t keep = 110; keep < tar_n - 512; keep += 211) {
		put(tar, keep);
		refused("truncated tar");
	}
	put_gzip(tar, tar_n, "wb");
	FILE *f = fopen(path, "rb");
	size_t n = fread(packed, 1, sizeof packed - 8, f);
	fclose(f);
	for (size_t keep = 2; keep < n; keep += keep < n - 30 ? 97 : 1) {
		put(packed, keep);
		refused("gzip data is truncated");
	}
	memcpy(packed + n, "more", 4);
	put(packed, n + 4);
	refused("no gzip data follow");
	packed[n - 6] ^= 1; /* the checksum */
	put(packed, n);
	refused("gzip data is damaged");
	tar[2] ^= 1;
	put(tar, tar_n);
	refused("is not a tar archive, or damaged");
	tar[2] ^= 1;
	tar[512 + 2] ^= 1;
	put(tar, tar_n);
	refused("damaged tar header at byte 512");
	fill();
	add("a", '0', "", 0);
	put(tar, tar_n);
	refused("bytes follow the end");
	tar_n = 0;
	add("g", 'g', "11 path=ab\n", 11);
	add("a", '0', "", 0);
	end();
	put(tar, tar_n);
	refused("to all files");
	tar_n = 0;
	add("a", 'S', "", 0);
	end();
	put(tar, tar_n);
	refused("sparse");
}

/* A pax size stands for the header's, 0 as well; records that are not what they say are damage. */
static void pax_is_read_as_written(void **state)
{
	(void)state;
	static const char *const damaged[] = { "0 path=longer\n",  "-15 path=longer\n", "25 path=longer\n",
					       "16 path=longer\n", "15 path=longer",	"15 path=longer ",
					       "14 pathlonger\n",  "14xpath=longe\n",	"15" };
	struct err err = ERR_NONE;
	char got[256];
	tar_n = 0;
	add("x", 'x', "9 size=0\n", 9);
	header_of(tar + tar_n, "none", '0', 700);
	tar_n += 512;
	add("x", 'x', "9 size=3\n", 9);
	header_of(tar + tar_n, "three", '0', 0);
	memset(tar + tar_n + 512, 7, 512);
	tar_n += 1024;
	add("last", '0', "z", 1);
	end();
	put(tar, tar_n);
	assert_int_equal(walk_stream(9, got, sizeof got, &err), 0);
	assert_string_equal(got, "none 0 0 0..0;three 0 3 7..7;last 0 1 122..122;");
	for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
		tar_n = 0;
		add("x", 'x', damaged[i], strlen(damaged[i]));
		add("a", '0', "", 0);
		end();
		put(tar, tar_n);
		refused("damaged pax header");
	}
}

/* Reads smaller, as large and larger than the buffer behind them give the same bytes. */
static void reads_of_every_size(void **state)
{
	(void)state;
	static unsigned char all[3 << 20], back[3 << 20];
	static const size_t step[] = { 1000, 262143, 262144, 262145, 1 << 20, sizeof back };
	for (size_t i = 0; i < sizeof all; i++)
		all[i] = (unsigned char)(i * 2654435761u >> 13);
	for (int packed = 0; packed < 2; packed++) {
		if (packed)
			put_gzip(all, sizeof all, "wb");
		else
			put(all, sizeof all);
		for (size_t k = 0; k < sizeof step / sizeof *step; k++) {
			struct err err = ERR_NONE;
			struct input g;
			size_t n = 0, got, turn = 0;
			int fd = open(path, O_RDONLY);
			assert_int_equal(input_over(&g, fd, path, &err), 0);
			close(fd);
			do { /* a small read now and then, so that large ones begin in the buffer */
				size_t want = turn++ % 3 == 1 ? 7 : step[k];
				want = want < sizeof back - n ? want : sizeof back - n;
				assert_int_equal(input_read(&g, back + n, want, &got, &err), 0);
				assert_int_equal(got, want);
				n += got;
			} while (n < sizeof back);
			assert_int_equal(input_read(&g, back, 1, &got, &err), 0);
			assert_int_equal(got, 0);
			assert_memory_equal(back, all, sizeof all);
			assert_int_equal(input_packed(&g) != NULL, packed);
			input_release(&g);
		}
	}
}

/* Files and folders alone are taken; of anything else its type is told, where it can be shown. */
static void types_are_told(void **state)
{
	(void)state;
	for (int type = 0; type < 256; type++) {
		struct err err = ERR_NONE;
		struct tar_entry e = { .name = "x", .type = type };
		char want[40];
		snprintf(want, sizeof want, "(type '%c')", type < ' ' || type > '~' ? '?' : type);
		assert_int_equal(tar_plain(&e, &err), type == '0' || type == '5' ? 0 : -1);
		assert_true(type == '0' || type == '5' || strstr(err.msg, want));
	}
}

int main(void)
{
	if (scratch_file(path, "tar"))
		return 1;
	const struct CMUnitTest tests[] = { cmocka_unit_test(stream_and_part_agree),
					    cmocka_unit_test(damage_is_noticed),
					    cmocka_unit_test(pax_is_read_as_written),
					    cmocka_unit_test(types_are_told),
					    cmocka_unit_test(reads_of_every_size) };
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return rc;
}

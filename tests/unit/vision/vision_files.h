/* vision_files: a folder of small data sets, made here, and what comes of packing them. For the tests of vision/. */
#ifndef VIC_TEST_VISION_FILES_H
#define VIC_TEST_VISION_FILES_H

#include "tests/scratch.h"
#include "pipeline/files/io.h"
#include "vision/records/pack.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[SCRATCH_PATH];

static inline const char *in_dir(const char *name)
{
	static char path[4][SCRATCH_PATH + 64];
	static int turn;
	char *p = path[turn++ % 4];
	snprintf(p, 512, "%s/%s", dir, name);
	return p;
}

static inline void put(const char *name, const void *bytes, size_t n)
{
	char path[SCRATCH_PATH + 64];
	snprintf(path, sizeof path, "%s", in_dir(name));
	for (char *p = path + strlen(dir) + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = 0;
		mkdir(path, 0777);
	}
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static inline void put_text(const char *name, const char *text)
{
	put(name, text, strlen(text));
}

static inline int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static inline int clean(void **state)
{
	(void)state;
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return mkdir(dir, 0777);
}

/* What a run is asked for, and what came of it. */
struct run {
	enum source_format format;
	const char *path;
	struct source_options so;
	int fold; /* one more than --fold, so that zero is none */
	struct filter_options fo;
	struct pack_options po;
	struct pack_report report;
	struct err err;
};

/* Packs into dir/out.vic. */
static inline int pack(struct run *r, int threads)
{
	struct source s;
	struct source_options so = r->so;
	struct pool *pool;
	struct output out;
	struct progress progress = { .on = 0 };
	char *paths[1] = { (char *)(uintptr_t)in_dir(r->path) };
	r->err = ERR_NONE;
	so.codec.max_pixels = so.codec.max_pixels ? so.codec.max_pixels : 1 << 20;
	so.fold = r->fold - 1;
	memset(&r->report, 0, sizeof r->report);
	if (source_open(&s, r->format, paths, 1, &so, &r->err))
		return -1;
	assert_int_equal(pool_open(&pool, threads, &r->err), 0);
	assert_int_equal(output_open(&out, in_dir("out.vic"), &r->err), 0);
	int rc = pack_source(&s, &r->fo, &r->po, pool, &out, NULL, &progress, &r->report, &r->err);
	if (!rc)
		assert_int_equal(output_commit(&out, &r->err), 0);
	output_release(&out);
	pool_close(pool);
	source_release(&s);
	pack_report_release(&r->report);
	return rc;
}

/* Opens dir/out.vic at its first block (there is one only). */
static inline struct stream_reader *unpack(struct block *b)
{
	struct err err = ERR_NONE;
	struct stream_reader *r;
	assert_int_equal(stream_open(&r, in_dir("out.vic"), &err), 0);
	assert_int_equal(stream_next_of(r, STREAM_IMAGES, &err), 1);
	assert_int_equal(stream_next_block(r, b, &err), 1);
	return r;
}

static inline void refused(struct run *r, const char *says)
{
	if (!pack(r, 1))
		fail_msg("%s is taken", r->path);
	if (!strstr(r->err.msg, says))
		fail_msg("'%s' does not say '%s'", r->err.msg, says);
}

/* Value of channel c at (y, x) in record i of the data sets made here. */
static inline unsigned char value(int i, int c, int y, int x)
{
	return (unsigned char)(i * 31 + c * 80 + y * 3 + x * 2 + (x > y));
}

static inline void check_pixels(const struct block *b, uint32_t k, int i, int h, int w, int channels)
{
	const unsigned char *px = b->data + (size_t)k * (size_t)(h * w * channels);
	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++)
			for (int c = 0; c < channels; c++)
				if (*px++ != value(i, c, y, x))
					fail_msg("record %d: pixel %d, %d, %d", i, y, x, c);
}

/* n records of CIFAR's binary form into buf; label[i] (and coarse label 9 - label) in front. Returns bytes. */
static inline size_t cifar(unsigned char *buf, int first, int n, int hundred)
{
	unsigned char *p = buf;
	for (int i = first; i < first + n; i++) {
		if (hundred)
			*p++ = (unsigned char)(19 - i);
		*p++ = (unsigned char)(i % 10);
		for (int c = 0; c < 3; c++)
			for (int y = 0; y < 32; y++)
				for (int x = 0; x < 32; x++)
					*p++ = value(i, c, y, x);
	}
	return (size_t)(p - buf);
}

#define TEST(f) cmocka_unit_test_setup(f, clean)

/* main of a test over such folders. */
static inline int run_in_folder(const struct CMUnitTest *tests, size_t n)
{
	if (scratch_folder(dir, "sources"))
		return 1;
	int rc = _cmocka_run_group_tests("vision", tests, n, NULL, NULL);
	clean(NULL);
	rmdir(dir);
	return rc;
}

#endif

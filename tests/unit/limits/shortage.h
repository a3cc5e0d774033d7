/* Memory that runs out: each allocation of a function fails in its turn, alone. Each time the function must say so, and
 * what it was to fill must be as its header has it, so that releasing it, as callers do, leaves nothing (MODE=asan) and
 * frees nothing twice.
 *
 * pipeline/base/mem.c, through which the evaluator asks for memory, is compiled into the test with allocators that
 * count. A case is a row of a table: */
#ifndef VIC_TEST_SHORTAGE_H
#define VIC_TEST_SHORTAGE_H

#include <stdlib.h>

static void *take_aligned(size_t line, size_t n);
static void *take_plain(size_t n);
static void *take_again(void *p, size_t n);
#define aligned_alloc take_aligned
#define malloc take_plain
#define realloc take_again
#include "pipeline/base/mem.c"
#undef aligned_alloc
#undef malloc
#undef realloc

#include "eval/metrics/score.h"
#include "eval/show/score_columns.h"
#include "pipeline/base/pool.h"
#include "tests/scratch.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/eval/plain_rows.h"

struct shortage_case {
	const char *name;
	int (*run)(void); /* 0, or -1 and err; either way all is released */
	int times;	  /* how many different runs there are */
};

/* How many more allocations there are before the one that fails; below 0: it has. */
static atomic_long left;
static atomic_int failed;
static struct err err;

static int fails(void)
{
	if (atomic_fetch_sub(&left, 1))
		return 0;
	failed = 1;
	errno = ENOMEM;
	return 1;
}

static void *take_aligned(size_t line, size_t n)
{
	return fails() ? NULL : aligned_alloc(line, n);
}

static void *take_plain(size_t n)
{
	return fails() ? NULL : malloc(n);
}

static void *take_again(void *p, size_t n)
{
	return fails() ? NULL : realloc(p, n);
}

/* Of the allocations beyond the first `every`, most of which are the same ones again for another record, round or row,
 * each seventh fails. */
static void each_allocation_fails(const struct shortage_case *cases, size_t m, long every)
{
	for (size_t c = 0; c < m; c++)
		for (int done = 0; done < cases[c].times; done++) {
			long n = 0;
			for (int rc = -1; rc; n += n < every ? 1 : 7) {
				err = ERR_NONE;
				failed = 0;
				left = n;
				rc = cases[c].run();
				if (failed ? rc != -1 || err.cause != CAUSE_SYSTEM : rc)
					fail_msg("%s: allocation %ld failed, and it returned %d (%s)", cases[c].name,
						 failed ? n + 1 : 0, rc, err.msg);
			}
			assert_true(n > 2);
		}
	left = -1;
}

enum { N = 40, BINS = 5 };

/* What cases read. */
static struct pool *pool;
static FILE *nowhere;
static struct plain_file stream, other, two_documents; /* the first two of the same records */
static char path[SCRATCH_PATH];			       /* what a case reads */
static struct rows in, two; /* all columns, of three classes; the like of two */
static const struct score_options full = { .bins = { BINS, 8 }, .n_bins = 2, .rounds = 4, .level = 0.9,
					   .floor_rounds = 3, .threads = 1 };
static const struct column_asked asked = { .coverage = 0.5, .risk = 0.4, .confidence = 0.9 };

enum { ALL = 8192 * 2 - 1 - COL_NAME };
static const struct rows_options whole = { .split = ROWS_ALL, .columns = ALL, .class_bins = BINS, .threads = 1 };

static inline void put(const char *text)
{
	assert_int_equal(scratch_put(path, text, strlen(text)), 0);
}

/* Printed, where nothing failed so far, and released. */
static inline int print(struct table *t, int rc)
{
	rc = rc || table_print(t, TABLE_TEXT, nowhere, &err) ? -1 : 0;
	table_release(t);
	return rc;
}

static int set_up(void **state)
{
	(void)state;
	struct plain d, e;
	struct plain_shape shape = { .classes = 3, .samples = 1, .n = N, .scale = 2 };
	struct rng r;
	left = -1;
	rng_init(&r, 3, RNG_TEST, 0, 0);
	plain_file_open(&stream);
	plain_file_open(&other);
	plain_file_open(&two_documents);
	plain_make(&d, &shape, &r);
	for (int i = 0; i < N; i++)
		d.r[i].label = i % 3 ? d.r[i].winner : i / 3 % 3;
	plain_write(&d, &stream, 0, 1, 1, 0, &r);
	plain_write(&d, &two_documents, 0, 1, 2, 0, &r);
	for (int i = 0; i < 3 * N; i++)
		d.v[i] = (float)(d.v[i] + rng_normal(&r));
	plain_write(&d, &other, 0, 1, 1, 0, &r);
	shape.classes = 2;
	plain_make(&e, &shape, &r);
	for (int i = 0; i < N; i++)
		e.r[i].label = i % 3 ? e.r[i].winner : i / 3 % 2;
	struct plain_file third;
	plain_file_open(&third);
	plain_write(&e, &third, 0, 1, 1, 0, &r);
	int rc = scratch_file(path, "shortage") || rows_read(&in, stream.path, &whole, &err) ||
		 rows_read(&two, third.path, &whole, &err) || pool_open(&pool, 1, &err);
	rc = rc || keys_sort(in.key, in.n, &err) || keys_sort(two.key, two.n, &err);
	nowhere = fopen("/dev/null", "w");
	close(third.fd);
	plain_release(&d);
	plain_release(&e);
	return rc || !nowhere ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	rows_release(&in);
	rows_release(&two);
	pool_close(pool);
	fclose(nowhere);
	close(stream.fd);
	close(other.fd);
	close(two_documents.fd);
	return remove(path);
}

#endif

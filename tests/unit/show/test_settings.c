/* What programs ask the evaluator about their settings: splits by name, bins of other tools, resamples that are too
 * few, records that were left out, streams read as one; and numbers printed so that they read back. */
#include "eval/metrics/metrics.h"
#include "eval/metrics/score.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/eval/plain_rows.h"

static struct err err;

/* The nth choice of --split, its name and back. */
static void splits_by_name(void **state)
{
	(void)state;
	static const int meant[] = { ROWS_AUTO, ROWS_ALL, SPLIT_TRAIN, SPLIT_DEV, SPLIT_TEST, SPLIT_EXTRA };
	char all[] = ROWS_SPLITS, *name = all;
	for (int i = 0; i < 6; i++) {
		int split = 99;
		size_t n = strcspn(name, "|");
		name[n] = 0;
		assert_int_equal(rows_split_chosen(i), meant[i]);
		assert_int_equal(rows_split_of(name, &split, &err), 0);
		assert_int_equal(split, meant[i]);
		if (i)
			assert_string_equal(rows_split_name(split), name);
		name += n + 1;
	}
	for (const char *const *none = (const char *const[]){ "", "tests", "Auto", "unknown", NULL }; *none; none++) {
		int split;
		assert_int_equal(rows_split_of(*none, &split, &err), -1);
		assert_int_equal(err.status, VIC_USAGE);
		err = ERR_NONE;
	}
}

/* Where any of several results has a test record those are meant, else all; what is asked for by name stays. */
static void splits_that_are_there(void **state)
{
	(void)state;
	for (unsigned where = 0; where < 8; where++) {
		struct rows list[3] = { 0 };
		for (int d = 0; d < 3; d++) {
			list[d].in_split[SPLIT_TEST] = where >> d & 1;
			list[d].in_split[SPLIT_DEV] = list[d].in_split[SPLIT_TRAIN] = 2;
		}
		for (size_t n = 1; n <= 3; n++)
			assert_int_equal(rows_split_found(ROWS_AUTO, list, n),
					 where & ((1u << n) - 1) ? SPLIT_TEST : ROWS_ALL);
		assert_int_equal(rows_split_found(ROWS_ALL, list, 3), ROWS_ALL);
		assert_int_equal(rows_split_found(SPLIT_DEV, list, 3), SPLIT_DEV);
	}
}

static void records_left_out(void **state)
{
	(void)state;
	struct plain_file file;
	plain_file_open(&file);
	for (uint32_t i = 0; i < 20; i++) {
		struct rng r;
		struct plain d;
		struct rows w;
		struct plain_shape s = {
			.classes = 2, .samples = 1, .scale = 1, .splits = 1, .unlabelled = 3, .n = 40
		};
		int split = i % 5 ? (int)(i % 5) - 1 : ROWS_ALL, dropped = 0, any = 0;
		rng_init(&r, 41, RNG_TEST, i, 0);
		plain_make(&d, &s, &r);
		plain_write(&d, &file, 0, 1, 1, 0, &r);
		for (int j = 0; j < s.n; j++) {
			int in = split == ROWS_ALL || d.r[j].split == split;
			dropped += in && d.r[j].label < 0;
			any += in && d.r[j].label >= 0;
		}
		struct rows_options o = { .split = split, .unlabelled = ROWS_DROP, .threads = 1 };
		assert_int_equal(rows_read(&w, file.path, &o, &err), any ? 0 : -1);
		if (any)
			assert_int_equal(rows_dropped(&w), dropped);
		rows_release(&w);
		plain_release(&d);
	}
	close(file.fd);
}

/* Three models' files at once, or their results one by one. */
static void several_streams_as_one(void **state)
{
	(void)state;
	struct plain_file file[3];
	char *path[3];
	struct plain d;
	struct rng r;
	struct plain_shape s = { .classes = 3, .samples = 3, .scale = 2, .splits = 1, .unlabelled = 4, .n = 50 };
	rng_init(&r, 42, RNG_TEST, 0, 0);
	plain_make(&d, &s, &r);
	for (int k = 0; k < 3; k++) {
		plain_file_open(&file[k]);
		plain_write(&d, &file[k], k, 1, 1, 0, &r);
		path[k] = file[k].path;
	}
	for (int m = 2; m <= 3; m++) {
		struct rows in[3], got, want;
		char name[100];
		struct rows_options every = { .split = ROWS_ALL,
					      .unlabelled = ROWS_KEEP,
					      .threads = 1,
					      .columns = COL_VALUES | COL_ID | COL_LABEL | COL_SPLIT },
				    o = { .split = SPLIT_TRAIN,
					  .unlabelled = ROWS_DROP,
					  .columns = COL_NLL | COL_ID,
					  .threads = 1,
					  .class_bins = 4 };
		for (int k = 0; k < m; k++)
			assert_int_equal(rows_read(&in[k], path[k], &every, &err), 0);
		assert_int_equal(rows_ensemble(&want, in, m, &o, &err), 0);
		assert_int_equal(rows_read_ensemble(&got, path, m, &o, &err), 0);
		snprintf(name, sizeof name, "%s and %d more", in[0].name, m - 1);
		assert_string_equal(got.name, name);
		assert_int_equal(got.n, want.n);
		assert_memory_equal(got.key, want.key, want.n * sizeof *want.key);
		assert_memory_equal(got.nll, want.nll, want.n * sizeof *want.nll);
		assert_memory_equal(got.id, want.id, want.n * sizeof *want.id);
		assert_memory_equal(got.class_cell, want.class_cell, 12 * sizeof *want.class_cell);
		for (int k = 0; k < m; k++)
			rows_release(&in[k]);
		rows_release(&got);
		rows_release(&want);
	}
	struct rows got;
	path[1] = (char *)(uintptr_t) "/nowhere";
	assert_int_equal(rows_read_ensemble(&got, path, 3, &(struct rows_options){ .split = ROWS_ALL }, &err), -1);
	assert_non_null(strstr(err.msg, "/nowhere"));
	err = ERR_NONE;
	for (int k = 0; k < 3; k++)
		close(file[k].fd);
	plain_release(&d);
}

/* Each tool's own bins and type, and its kind of Brier score. */
static void other_tools(void **state)
{
	(void)state;
	static const struct {
		enum compat c;
		int bins, f32;
		double two, three; /* of a sum of 0.5 over two and over three classes */
	} tool[] = { { COMPAT_GUO, 15, 1, 0.5, 0.5 },
		     { COMPAT_TORCHMETRICS, 15, 1, 0.5, 0.5 },
		     { COMPAT_NETCAL, 10, 0, 0.5, 0.5 },
		     { COMPAT_TFP, 15, 1, -0.5, -0.5 },
		     { COMPAT_SKLEARN, 5, 0, 0.25, 0.5 } };
	for (size_t i = 0; i < sizeof tool / sizeof *tool; i++) {
		assert_int_equal(compat_bins(tool[i].c), tool[i].bins);
		assert_int_equal(compat_float32(tool[i].c) != 0, tool[i].f32);
		assert_true(compat_brier(tool[i].c, 0.5, 2) == tool[i].two);
		assert_true(compat_brier(tool[i].c, 0.5, 3) == tool[i].three);
	}
}

/* 2 / (1 - level) resamples have one beyond either end. */
static void resamples_that_are_too_few(void **state)
{
	(void)state;
	static const struct {
		double level;
		int least;
	} of[] = { { 0.5, 4 }, { 0.8, 10 }, { 0.9, 20 }, { 0.95, 40 }, { 0.99, 200 }, { 0.999, 2000 }, { 0.7, 7 } };
	char text[TOO_FEW_TEXT], want[TOO_FEW_TEXT];
	for (size_t i = 0; i < sizeof of / sizeof *of; i++)
		for (int rounds = 0; rounds <= of[i].least + 1; rounds++) {
			int few = bootstrap_too_few(rounds, of[i].level, text);
			assert_int_equal(few, rounds > 0 && rounds < of[i].least);
			snprintf(want, sizeof want,
				 "caution: %d resamples are too few for intervals at %g, which take %d", rounds,
				 of[i].level, of[i].least);
			assert_true(!few || !strcmp(text, want));
		}
}

/* In as few digits as will do, 15 or more. */
static void numbers_read_back(void **state)
{
	(void)state;
	static const double some[] = {
		0.1, 1.0 / 3, 0.1 + 0.2, 1e300, 5e-324, 0, 123456, 2.5, -0.7, INFINITY, -INFINITY
	};
	for (uint32_t i = 0; i < 200; i++) {
		struct rng r;
		struct table t = { 0 };
		char *got, want[100], number[40];
		size_t len;
		rng_init(&r, 43, RNG_TEST, i, 0);
		double v =
			i < sizeof some / sizeof *some ? some[i] : rng_real(&r) * pow(10, (int)rng_below(&r, 9) - 6.0);
		assert_int_equal(table_column(&t, "c", &err) | table_real(&t, "v", v, &err), 0);
		FILE *to = open_memstream(&got, &len);
		assert_int_equal(table_print(&t, TABLE_TSV, to, &err), 0);
		fclose(to);
		snprintf(number, sizeof number, "%.15g", v);
		for (int places = 16; places < 18 && strtod(number, NULL) != v; places++)
			snprintf(number, sizeof number, "%.*g", places, v);
		snprintf(want, sizeof want, "metric\tc\nv\t%s\n", number);
		assert_string_equal(got, want);
		free(got);
		table_release(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_by_name),    cmocka_unit_test(splits_that_are_there),
		cmocka_unit_test(records_left_out),  cmocka_unit_test(several_streams_as_one),
		cmocka_unit_test(other_tools),	     cmocka_unit_test(resamples_that_are_too_few),
		cmocka_unit_test(numbers_read_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

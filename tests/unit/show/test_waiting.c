/* What the lines of progress count: every resample, deal and group, each once and in order, up to the total that the
 * line was begun with. pipeline/frame/progress.c is replaced by notes of what it is told. */
#include "eval/compare/compare.h"
#include "eval/metrics/cells.h"
#include "eval/show/score_groups.h"
#include "pipeline/base/pool.h"
#include "pipeline/frame/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/eval/plain_rows.h"

enum { TOLD = 5000, RECORDS = CELLS_FROM + 1 };
static struct err err;

/* Each begins where the last has ended, but for those of a group's resamples, which are never shown. */
struct line {
	const char *name;
	uint64_t total, at[TOLD];
	int n, quiet, ended;
};
static struct line line[3];
static int lines;

void progress_begin(struct progress *p, const char *name, uint64_t total, int quiet)
{
	*p = (struct progress){ .name = name, .total = total };
	if (lines && !line[lines - 1].ended) {
		assert_true(quiet && !name);
		return;
	}
	assert_true(lines < 3);
	p->on = 1;
	line[lines].name = name;
	line[lines].total = total;
	line[lines].n = line[lines].ended = 0;
	line[lines++].quiet = quiet;
}

void progress_at(struct progress *p, uint64_t done, const char *note)
{
	struct line *l = &line[lines - 1];
	if (!p->on)
		return;
	assert_true(p->total == l->total && !l->ended && l->n < TOLD && !note);
	l->at[l->n++] = done;
}

double progress_left(const struct progress *p, uint64_t done)
{
	return (double)(p->total - done);
}

int progress_logs(struct progress *p)
{
	(void)p;
	return 0;
}

void progress_end(struct progress *p)
{
	line[lines - 1].ended |= p->on;
}

static void is_quiet_without_a_name(const struct line *l, const char *name)
{
	assert_true(l->ended && l->name == name && l->quiet == !name);
}

/* All of 0 .. total - 1, with one thread. */
static void counts_all(const struct line *l, uint64_t total)
{
	assert_int_equal(l->total, total);
	assert_int_equal(l->n, total);
	for (uint64_t i = 0; i < total; i++)
		assert_int_equal(l->at[i], i);
}

/* What is told when several work is what the first of them begins: rising, and below the total. */
static void counts_some(const struct line *l, uint64_t total)
{
	assert_int_equal(l->total, total);
	for (int i = 0; i < l->n; i++)
		assert_true(l->at[i] < total && (!i || l->at[i] > l->at[i - 1]));
}

static conf_key key[2][RECORDS];
static double nll[2][RECORDS], brier[2][RECORDS];
static uint32_t group[RECORDS];

static struct rows make(int side, size_t n)
{
	struct rng r;
	struct rows w = { .name = (char *)(uintptr_t) "s",
			  .n = n,
			  .key = key[side],
			  .nll = nll[side],
			  .brier = brier[side],
			  .head.n_classes = 3,
			  .head.samples = 1,
			  .sum.n = n };
	rng_init(&r, 31, RNG_TEST, (uint32_t)n, (uint32_t)side);
	for (size_t i = 0; i < n; i++) {
		double p = 0.4 + 0.6 * rng_real(&r);
		int right = rng_real(&r) < p;
		w.key[i] = conf_pack(p, 1 - p, right);
		w.nll[i] = -log(right ? p : 1 - p);
		w.brier[i] = 2 * (right ? (1 - p) * (1 - p) : p * p);
		w.sum.right += (uint64_t)right;
		w.sum.conf += fix_of(p);
		w.sum.nll += fix_of(w.nll[i]);
		w.sum.brier += fix_of(w.brier[i]);
	}
	return w;
}

/* Of few groups all deals are made at once; of many twice, in batches, since their means come first. */
static void deals(void **state)
{
	(void)state;
	static const struct {
		size_t n;
		int groups, times;
	} of[] = { { 200, 2, 1 }, { 300, 3, 1 }, { 2000, 1900, 2 } };
	for (int i = 0; i < 3; i++)
		for (int threads = 1; threads <= 2; threads++) {
			const char *name = threads == i % 2 + 1 ? "deals" : NULL;
			struct rows w = make(0, of[i].n);
			struct differ d;
			for (size_t j = 0; j < w.n; j++)
				group[j] = (uint32_t)(j % (size_t)of[i].groups);
			lines = 0;
			assert_int_equal(differ_of(&d, &w, group, of[i].groups, 10, 3, threads, name, &err), 0);
			assert_int_equal(lines, 1);
			is_quiet_without_a_name(&line[0], name);
			(threads == 1 ? counts_all : counts_some)(&line[0],
								  (uint64_t)of[i].times * ((uint64_t)d.rounds + 1));
		}
}

/* Resamples, and draws of a calibrated model, as many as those but 200 at most (score_boot.c). */
static void resamples(void **state)
{
	(void)state;
	static const struct {
		size_t n;
		int rounds, draws;
	} of[] = { { 50, 30, 30 }, { 20, 350, 200 }, { 2100, 20, 20 } };
	for (int i = 0; i < 3; i++)
		for (int threads = 1; threads <= 2; threads++) {
			struct rows w = make(0, of[i].n);
			struct score s = { 0 };
			struct score_options o = { .bins = { 9 },
						   .n_bins = 1,
						   .brief = 1,
						   .level = 0.9,
						   .threads = threads,
						   .rounds = of[i].rounds,
						   .progress = i ? "resamples" : NULL };
			lines = 0;
			assert_int_equal(score_rows(&s, &w, &o, &err), 0);
			assert_int_equal(lines, 1);
			is_quiet_without_a_name(&line[0], o.progress);
			(threads == 1 ? counts_all : counts_some)(&line[0], (uint64_t)(of[i].rounds + of[i].draws));
		}
}

/* Resamples, as many swaps, and draws of calibrated models, which are not made where records are counted by pairs. */
static void rounds_of_a_comparison(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		for (int threads = 1; threads <= 2; threads++) {
			struct rows a = make(0, i ? RECORDS : 60), b = make(1, i ? RECORDS : 60);
			struct compare_options o = {
				.bins = 10, .rounds = 40, .level = 0.9, .progress = i ? "rounds" : NULL
			};
			struct comparison c;
			struct pool *pool;
			lines = 0;
			assert_int_equal(pool_open(&pool, threads, &err), 0);
			assert_int_equal(compare_rows(&a, &b, &o, pool, &c, &err), 0);
			pool_close(pool);
			assert_int_equal(lines, 1);
			is_quiet_without_a_name(&line[0], o.progress);
			assert_true(i || line[0].total > 80);
			(threads == 1 ? counts_all : counts_some)(&line[0], i ? 80 : line[0].total);
		}
}

/* Deals, resamples of all records, then the groups that have any: how many are through is told before each of the small
 * ones, and again before each of the large. */
static void groups_scored(void **state)
{
	(void)state;
	struct plain_file file;
	plain_file_open(&file);
	for (uint32_t i = 0; i < 3; i++) {
		struct rng r;
		struct plain d;
		struct plain_shape shape = { .classes = 4, .samples = 1, .scale = 2, .n = i < 2 ? 100 : 9000 };
		struct grouping g;
		struct score_groups groups = { .grouping = &g };
		struct score_columns c = { 0 };
		struct column_asked asked = { 0 };
		struct score_options o = { .bins = { 5 },
					   .n_bins = 1,
					   .brief = 1,
					   .level = 0.9,
					   .rounds = 20,
					   .threads = 1,
					   .progress = "r",
					   .groups_progress = i % 2 ? "g" : NULL,
					   .deals_progress = i % 2 ? NULL : "d" };
		struct rows_options all_of = { .split = ROWS_ALL,
					       .unlabelled = ROWS_KEEP,
					       .columns = SCORE_GROUPS_COLUMNS },
				    own = { .split = SPLIT_TEST, .unlabelled = ROWS_DROP };
		struct rows in, all;
		size_t n[4] = { 0 };
		rng_init(&r, 32, RNG_TEST, i, 0);
		plain_make(&d, &shape, &r);
		for (int j = 0; j < shape.n;
		     j++) { /* of the third class none is chosen; of many, most are of the second */
			d.r[j].label = j % 30 ? 1 : j / 30 % 4;
			d.r[j].split = d.r[j].label == 2 ? SPLIT_DEV : SPLIT_TEST;
		}
		plain_write(&d, &file, 0, 1, 1, 0, &r);
		assert_int_equal(rows_read(&in, file.path, &all_of, &err), 0);
		assert_int_equal(grouping_open(&g, "label", &err), 0);
		lines = 0;
		assert_int_equal(groups_add(&c, &groups, &all, &in, "s", &own, &o, &asked, &err), 0);
		assert_int_equal(lines, 3);
		is_quiet_without_a_name(&line[0], o.deals_progress);
		is_quiet_without_a_name(&line[1], "r");
		is_quiet_without_a_name(&line[2], o.groups_progress);
		counts_all(&line[0], (uint64_t)groups.differ.rounds + 1);
		uint64_t through = 0, there = 0;
		int told = 0;
		for (int k = 0; k < g.n; k++) {
			for (size_t j = 0; j < in.n; j++)
				n[k] += in.split_of[j] == SPLIT_TEST &&
					!strcmp(in.head.classes[in.label[j]], strchr(g.name[k], '=') + 1);
			there += n[k] > 0;
		}
		assert_true(g.n == 4 && there == 3 && (i < 2 || n[0] > 8192 || n[1] > 8192));
		assert_int_equal(line[2].total, there);
		for (int large = 0; large < 2; large++)
			for (int k = 0; k < g.n; k++) {
				assert_int_equal(line[2].at[told++], through);
				through += n[k] > 0 && (n[k] > 8192) == large;
			}
		assert_int_equal(line[2].n, told);
		columns_release(&c);
		grouping_release(&g);
		rows_release(&in);
		rows_release(&all);
		plain_release(&d);
	}
	close(file.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deals),
		cmocka_unit_test(resamples),
		cmocka_unit_test(rounds_of_a_comparison),
		cmocka_unit_test(groups_scored),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

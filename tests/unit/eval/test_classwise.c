/* Class-wise and top-label bins against counting one record after the other, at numbers of rows on either side of every
 * move from the fast form, dealt to any number of workers and merged in any order. */
#include "eval/records/bins.h"
#include "eval/records/classwise.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { WORKERS = 4, MOST_CLASSES = 70, MOST_BINS = 20 };

static struct err err;

struct plain {
	uint64_t n[2][MOST_CLASSES][MOST_BINS], right[2][MOST_CLASSES][MOST_BINS]; /* class-wise, top-label */
	long double conf[2][MOST_CLASSES][MOST_BINS];
};

static void count(struct plain *c, int which, int class, int bins, double p, int right)
{
	int b = bin_of(bins, p);
	c->n[which][class][b]++;
	c->right[which][class][b] += (uint64_t)right;
	c->conf[which][class][b] += p;
}

/* One record of random probabilities. z: logits, p: [classes]. */
static int draw(struct rng *r, int k, double *z, double *p)
{
	double max = -INFINITY, sum = 0;
	int win = 0;
	for (int c = 0; c < k; c++) {
		z[c] = 3 * rng_normal(r);
		if (z[c] > max) {
			max = z[c];
			win = c;
		}
	}
	for (int c = 0; c < k; c++)
		sum += p[c] = exp(z[c] - max);
	for (int c = 0; c < k; c++)
		p[c] /= sum;
	return win;
}

/* n records into a random worker each, and into the plain count. */
static void fill(struct classwise *w, struct plain *c, struct rng *r, int k, int bins, size_t lanes, int n)
{
	double z[MOST_CLASSES], p[MOST_CLASSES];
	static double x[(MOST_CLASSES + LANES) * LANES] __attribute__((aligned(64)));
	double weight[LANES] __attribute__((aligned(64)));
	while (n > 0) {
		int32_t label[LANES], winner[LANES] = { 0 };
		int some = lanes == 1 ? 1 : 1 + (int)rng_below(r, LANES);
		struct classwise *to = &w[rng_below(r, WORKERS)];
		memset(x, 0, sizeof x);
		for (int j = 0; j < (int)lanes; j++) {
			int win = draw(r, k, z, p), dropped = j >= some || (lanes > 1 && rng_below(r, 9) == 0);
			label[j] = dropped && j < some ? -1 : (int32_t)rng_below(r, (uint32_t)k);
			/* as the kernels leave them: the winner's e is 1 */
			winner[j] = win;
			weight[j] = dropped ? 0 : p[win];
			for (int q = 0; q < k; q++)
				x[(size_t)q * lanes + (size_t)j] = q == win ? 1 : p[q] / p[win];
			for (int q = 0; q < k && !dropped; q++)
				count(c, 0, q, bins, x[(size_t)q * lanes + (size_t)j] * weight[j], q == label[j]);
			if (!dropped)
				count(c, 1, win, bins, p[win], win == label[j]);
			n -= !dropped;
		}
		if (lanes == 1)
			classwise_row(to, x, weight[0], label[0], winner[0]);
		else
			classwise_lanes(to, x, weight, label, winner);
	}
}

static void compare(const struct rows_cell *cell, const struct plain *c, int which, int k, int bins)
{
	for (int q = 0; q < k; q++)
		for (int b = 0; b < bins; b++) {
			const struct rows_cell *got = &cell[q * bins + b];
			assert_int_equal(got->n, c->n[which][q][b]);
			assert_int_equal(got->right, c->right[which][q][b]);
			/* a term is off by 2^-49, and the first bin is what is left of all */
			assert_true(fabsl(fix_real(got->conf) - c->conf[which][q][b]) <
				    1e-12 * (1 + (double)got->n * bins));
		}
}

static void one(struct rng *r, int k, int bins, int room, int n)
{
	size_t lanes = k < SMALL_CLASSES ? LANES : 1;
	struct classwise w[WORKERS], all = { 0 };
	struct rows_cell *class_cell, *top_cell;
	struct plain *c = calloc(1, sizeof *c);
	assert_non_null(c);
	for (int i = 0; i < WORKERS; i++)
		assert_int_equal(classwise_init(&w[i], k, bins, lanes, room, &err), 0);
	fill(w, c, r, k, bins, lanes, n);
	uint32_t order[WORKERS] = { 0, 1, 2, 3 };
	rng_shuffle(r, order, WORKERS);
	for (int i = 0; i < WORKERS; i++)
		classwise_merge(&all, &w[order[i]]);
	classwise_finish(&all, &class_cell, &top_cell);
	compare(class_cell, c, 0, k, bins);
	compare(top_cell, c, 1, k, bins);
	free(class_cell);
	free(top_cell);
	free(c);
}

static void small_rooms(void **state)
{
	(void)state;
	struct rng r;
	rng_init(&r, 5, RNG_TEST, 0, 0);
	for (int i = 0; i < (getenv("VIC_THOROUGH") ? 4000 : 1000); i++) {
		int k = 1 + (int)rng_below(&r, MOST_CLASSES), bins = 1 + (int)rng_below(&r, MOST_BINS),
		    room = 1 + (int)rng_below(&r, 6);
		one(&r, k, bins, room, 1 + (int)rng_below(&r, 80));
	}
}

/* The limit itself, for all workers' rows together and a record or two to either side. */
static void the_real_room(void **state)
{
	(void)state;
	struct rng r;
	rng_init(&r, 6, RNG_TEST, 0, 0);
	for (int d = -2; d <= 2; d++)
		one(&r, SMALL_CLASSES, 3, 0, WORKERS * SUM_ROWS + d * 40);
	one(&r, 2, 15, 0, SUM_ROWS * LANES / 2 * WORKERS);
}

/* One worker at exactly as many rows as fit, one less and one more. */
static void on_the_edge(void **state)
{
	(void)state;
	for (int room = 1; room < 5; room++)
		for (int n = 0; n < 3 * room + 2; n++) {
			struct classwise w;
			struct rows_cell *class_cell, *top_cell;
			double x[LANES] __attribute__((aligned(64)));
			assert_int_equal(classwise_init(&w, 3, 4, 1, room, &err), 0);
			for (int i = 0; i < n; i++) {
				memcpy(x, (double[LANES]){ 0.75, 0.125, 0.125 }, sizeof x);
				classwise_row(&w, x, 1, i % 2, 0);
				assert_true(w.rows < room);
			}
			classwise_finish(&w, &class_cell, &top_cell);
			assert_int_equal(top_cell[2].n, n);
			assert_int_equal(top_cell[2].right, (n + 1) / 2);
			assert_true(fix_real(top_cell[2].conf) == 0.75 * n);
			assert_int_equal(class_cell[2].n, n);
			assert_int_equal(class_cell[4].n, n);
			assert_int_equal(class_cell[4].right, n / 2);
			assert_true(fix_real(class_cell[4].conf) == 0.125 * n);
			free(class_cell);
			free(top_cell);
		}
}

static void nothing_was_added(void **state)
{
	(void)state;
	struct classwise a = { 0 }, b = { 0 };
	struct rows_cell *class_cell, *top_cell;
	classwise_merge(&a, &b);
	classwise_finish(&a, &class_cell, &top_cell);
	assert_null(class_cell);
	assert_null(top_cell);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(small_rooms), cmocka_unit_test(the_real_room),
					    cmocka_unit_test(on_the_edge), cmocka_unit_test(nothing_was_added) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Claims held against random tables, whose rows come in any order, with runs that pair or do not: each judgement by
 * looking for its rows in the open. */
#include "eval/results/verdict.h"
#include "pipeline/base/philox.h"
#include "pipeline/base/stats.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { PLACES = 4, SEEDS = 7, ROWS = 200, CLAIMS = 12 };
static struct err err;

static const char *const data[PLACES] = { "d", "d", "e", "e" }, *const model[PLACES] = { "m", "n", "m", "n" };
static const char *const method[2] = { "mixup\t0.4", "baseline\t-" }, *const name[2] = { "mixup 0.4", "baseline" };
static const char *const seed[SEEDS] = { "all", "1", "2", "3", "fold0", "fold1", "fold2" };

/* What was measured: [place][method][seed], and of METRIC less the other's; NaN: nothing. */
struct made {
	double value[PLACES][2][SEEDS], low[PLACES][2], high[PLACES][2];
	double less[PLACES][2], less_low[PLACES][2], less_high[PLACES][2];
	int order[PLACES], places; /* as they come first */
};

#define near(got, want)                                                                                                \
	do {                                                                                                           \
		double g_ = (got), w_ = (want);                                                                        \
		if (!(fabs(g_ - w_) <= 1e-9) && !(isnan(g_) && isnan(w_)))                                             \
			fail_msg("%s:%d: %s is %.12g, not %.12g", __func__, __LINE__, #got, g_, w_);                   \
	} while (0)

static void put(char *row, int p, int m, const char *of, const char *less, double v, double low, double high)
{
	char ends[64] = "\t";
	if (!isnan(low))
		snprintf(ends, sizeof ends, "%.9g\t%.9g", low, high);
	snprintf(row, 120, "f\t%s\t%s\t%s\t%s\t9\tece%s%s\t%.9g\t%s\tc\n", data[p], model[p], method[m], of,
		 *less ? " less " : "", less, v, ends);
}

static double draw(struct rng *r)
{
	return rng_below(r, 2000) / 1000.0 - 1;
}

static void make(struct made *t, struct rng *r, struct result_table *table)
{
	static char row[ROWS][120];
	uint32_t order[ROWS], n = 0;
	int place[ROWS], seen[PLACES] = { 0 };
	size_t len;
	char *text;
	FILE *to = open_memstream(&text, &len);
	memset(t, 0, sizeof *t);
	for (int p = 0; p < PLACES; p++) {
		uint32_t runs = rng_below(r, 4);
		for (int m = 0; m < 2; m++) {
			for (int s = 0; s < SEEDS; s++) {
				int folds = s > 3,
				    is_there = s == 0	   ? rng_below(r, 8) > 0
					       : runs == 3 ? rng_below(r, 3) > 0
							   : runs == 1 + (uint32_t)folds && rng_below(r, 4) > 0;
				double v = t->value[p][m][s] = is_there ? draw(r) : NAN;
				int ends = rng_below(r, 3) > 0;
				if (s == 0) {
					t->low[p][m] = ends ? v - 0.0625 : NAN;
					t->high[p][m] = ends ? v + 0.125 : NAN;
				}
				place[n] = p;
				if (is_there)
					put(row[n++], p, m, seed[s], "", v, s ? NAN : t->low[p][m], t->high[p][m]);
			}
			int is_there = rng_below(r, 3) == 0, ends = rng_below(r, 5) > 0;
			double v = t->less[p][m] = is_there ? draw(r) : NAN;
			t->less_low[p][m] = ends ? v - 0.25 : NAN;
			t->less_high[p][m] = ends ? v + 0.0625 : NAN;
			place[n] = p;
			if (is_there)
				put(row[n++], p, m, "all", name[!m], v, t->less_low[p][m], t->less_high[p][m]);
		}
	}
	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	rng_shuffle(r, order, n);
	fprintf(to, "%s\n", RESULTS_HEADER);
	for (uint32_t i = 0; i < n; i++) {
		int p = place[order[i]];
		fputs(row[order[i]], to);
		if (!seen[p])
			t->order[t->places++] = p;
		seen[p] = 1;
	}
	fclose(to);
	*table = (struct result_table){ 0 };
	if (result_table_take(table, "t", text, len, &err))
		fail_msg("%s", err.msg);
}

static void draw_claim(struct claim *c, struct rng *r)
{
	uint32_t other = rng_below(r, 3);
	int a = (int)rng_below(r, 2);
	*c = (struct claim){ .id = "i",
			     .figure = rng_below(r, 9) ? "f" : "g",
			     .data = rng_below(r, 3) ? "*" : "d",
			     .model = "*",
			     .metric = "ece",
			     .a = name[a],
			     .b = name[!a],
			     .paper_a = NAN,
			     .paper_b = NAN };
	c->direction = (enum direction)(rng_below(r, 8) ? 1 + rng_below(r, 2) : CLAIM_VALUE);
	if (other == 1) {
		c->b_is_number = 1;
		c->b = "0.25";
		c->number = 0.25;
	}
	if (other == 2)
		c->b_model = rng_below(r, 2) ? "m" : "n";
}

static enum verdict verdict(const struct claim *c, double low, double high)
{
	if (high < 0)
		return c->direction == CLAIM_BELOW ? VERDICT_CONFIRMED : VERDICT_REFUTED;
	if (low > 0)
		return c->direction == CLAIM_ABOVE ? VERDICT_CONFIRMED : VERDICT_REFUTED;
	return VERDICT_OPEN;
}

/* From the runs that pair. */
static void check_runs(const struct judgement *j, const double *a, const double *b, int n, int folds)
{
	double mean_a = 0, mean_b = 0, square = 0;
	for (int i = 0; i < n; i++) {
		mean_a += a[i] / n;
		mean_b += b[i] / n;
	}
	double mean = mean_a - mean_b;
	for (int i = 0; i < n; i++)
		square += (a[i] - b[i] - mean) * (a[i] - b[i] - mean) / (n - 1);
	double half = student_quantile_two_sided(0.95, n - 1) * sqrt(square * (1.0 / n + (folds ? 1.0 / (n - 1) : 0)));
	near(j->a, mean_a);
	near(j->b, mean_b);
	near(j->difference, mean);
	near(j->low, mean - half);
	near(j->high, mean + half);
	assert_int_equal(j->basis, folds ? BASIS_FOLDS : BASIS_SEEDS);
	assert_int_equal(j->runs, n);
}

/* From a single run of each: vic-compare's row, either way, or both intervals. q: b's place. */
static void check_single(const struct made *t, const struct judgement *j, int p, int q, int a)
{
	const struct claim *c = j->claim;
	double va = t->value[p][a][0], vb = t->value[q][!a][0], want[3];
	enum verdict_basis basis = BASIS_RECORDS;
	if (c->b_is_number) {
		want[0] = va - 0.25;
		want[1] = t->low[p][a] - 0.25;
		want[2] = t->high[p][a] - 0.25;
	} else if (!c->b_model && !isnan(t->less[p][a])) {
		want[0] = t->less[p][a];
		want[1] = t->less_low[p][a];
		want[2] = t->less_high[p][a];
	} else if (!c->b_model && !isnan(t->less[p][!a])) {
		want[0] = -t->less[p][!a];
		want[1] = -t->less_high[p][!a];
		want[2] = -t->less_low[p][!a];
	} else {
		basis = BASIS_INTERVALS;
		want[0] = va - vb;
		want[1] = va - vb - hypot(va - t->low[p][a], t->high[q][!a] - vb);
		want[2] = va - vb + hypot(t->high[p][a] - va, vb - t->low[q][!a]);
	}
	near(j->a, va);
	near(j->b, c->b_is_number ? 0.25 : vb);
	near(j->difference, want[0]);
	near(j->low, want[1]);
	near(j->high, want[2]);
	assert_int_equal(j->basis, isnan(want[1]) || isnan(want[2]) ? BASIS_NONE : basis);
	assert_int_equal(j->runs, 1);
}

/* Whether there is something to judge, and whether j says it. */
static int check(const struct made *t, const struct claim *c, int p, const struct judgement *j, int *basis)
{
	int a = strcmp(c->a, name[0]) != 0, q = c->b_model ? p / 2 * 2 + (*c->b_model == 'n') : p, n = 0, folds = 1;
	double va[SEEDS], vb[SEEDS];
	if (c->direction == CLAIM_VALUE || strcmp(c->figure, "f") || (*c->data == 'd' && strcmp(data[p], "d")) ||
	    isnan(t->value[p][a][0]) || (!c->b_is_number && isnan(t->value[q][!a][0])))
		return 0;
	for (int s = 1; s < SEEDS; s++)
		if (!isnan(t->value[p][a][s]) && (c->b_is_number || !isnan(t->value[q][!a][s]))) {
			va[n] = t->value[p][a][s];
			vb[n++] = c->b_is_number ? 0.25 : t->value[q][!a][s];
			folds &= s > 3;
		}
	assert_ptr_equal(j->claim, c);
	assert_string_equal(j->place->dataset, data[p]);
	assert_string_equal(j->place->model, model[p]);
	near(j->all_a, t->value[p][a][0]);
	near(j->all_b, c->b_is_number ? 0.25 : t->value[q][!a][0]);
	if (n > 1)
		check_runs(j, va, vb, n, folds);
	else
		check_single(t, j, p, q, a);
	assert_int_equal(j->verdict, verdict(c, j->low, j->high));
	basis[j->basis]++;
	return 1;
}

static void claims_against_tables(void **state)
{
	(void)state;
	int basis[BASIS_INTERVALS + 1] = { 0 };
	for (uint32_t i = 0; i < 150; i++) {
		struct rng r;
		struct made t;
		struct result_table table;
		struct claim claim[CLAIMS];
		struct claims c = { .claim = claim, .n = CLAIMS };
		struct judgement *list;
		size_t n, at = 0;
		rng_init(&r, 19, RNG_TEST, i, 0);
		make(&t, &r, &table);
		for (int k = 0; k < CLAIMS; k++)
			draw_claim(&claim[k], &r);
		assert_int_equal(verdicts(&table, &c, &list, &n, &err), 0);
		struct judgement none = { 0 };
		for (int k = 0; k < CLAIMS; k++)
			for (int p = 0; p < t.places; p++)
				at += (size_t)check(&t, &claim[k], t.order[p], at < n ? &list[at] : &none, basis);
		assert_int_equal(n, at);
		free(list);
		result_table_release(&table);
	}
	for (int b = BASIS_NONE; b <= BASIS_INTERVALS; b++)
		assert_true(basis[b] > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(claims_against_tables),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

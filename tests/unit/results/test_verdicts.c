/* Claims held against random tables, whose rows come in any order, with runs that pair or do not: each judgement by
 * looking for its rows in the open, and the sheets that say so. */
#include "eval/results/sheet.h"
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
	static const char *const statement[] = { "s", "t", "u" };
	uint32_t other = rng_below(r, 3);
	int a = (int)rng_below(r, 2);
	*c = (struct claim){ .id = "i",
			     .figure = rng_below(r, 9) ? "f" : "g",
			     .data = rng_below(r, 3) ? "*" : "d",
			     .model = "*",
			     .metric = "ece",
			     .a = name[a],
			     .b = name[!a],
			     .where = "Fig. 9",
			     .statement = statement[rng_below(r, 3)],
			     .paper_a = rng_below(r, 3) ? 0.5 : NAN,
			     .paper_b = rng_below(r, 3) ? 0.25 : NAN };
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

static int same_place(const struct judgement *a, const struct judgement *b)
{
	return !strcmp(a->place->dataset, b->place->dataset) && !strcmp(a->place->model, b->place->model);
}

/* A line a claim that was judged, a column a place, as they come first. */
static void check_in_short(const struct judgement *j, size_t n)
{
	const struct judgement *column[PLACES] = { NULL };
	struct sheet s;
	char place[16];
	size_t columns = 0, lines = 0, k;
	assert_int_equal(sheet_of_verdicts(&s, j, n, &err), 0);
	for (size_t i = 0; i < n; i++) {
		for (k = 0; k < columns && !same_place(column[k], &j[i]); k++)
			;
		if (k == columns)
			column[columns++] = &j[i];
	}
	assert_int_equal(s.columns, columns);
	for (k = 0; k < columns; k++) {
		snprintf(place, sizeof place, "%s, %s", column[k]->place->dataset, column[k]->place->model);
		assert_string_equal(s.column[k], place);
	}
	for (size_t i = 0, end; i < n; i = end, lines++) {
		const char *want[PLACES] = { NULL };
		for (end = i; end < n && j[end].claim == j[i].claim; end++)
			for (k = 0; k < columns; k++)
				if (same_place(column[k], &j[end]))
					want[k] = verdict_name(j[end].verdict);
		assert_true(lines < s.n);
		assert_string_equal(s.row[lines].head, j[i].claim->statement);
		assert_string_equal(s.row[lines].note, "Fig. 9");
		for (k = 0; k < columns; k++) {
			const struct sheet_cell *c = &s.row[lines].cell[k];
			assert_int_equal(c->text != NULL, want[k] != NULL);
			assert_true(!want[k] || (c->is_verdict && !strcmp(c->text, want[k]) &&
						 !strcmp(verdict_name(c->verdict), want[k])));
		}
	}
	assert_int_equal(s.n, lines);
	sheet_release(&s);
}

static void number_is(const char *text, double v)
{
	char want[SHEET_NUMBER];
	sheet_number(want, v);
	assert_string_equal(text, want);
}

/* A heading a claim, below it a line a place. */
static void check_evidence(const struct judgement *j, size_t n)
{
	struct sheet s;
	char text[200], a[SHEET_NUMBER], b[SHEET_NUMBER];
	size_t at = 0;
	assert_int_equal(sheet_of_evidence(&s, j, n, &err), 0);
	assert_int_equal(s.columns, 5);
	for (size_t i = 0; i < n; i++, at++) {
		const struct claim *c = j[i].claim;
		if (!i || c != j[i - 1].claim) {
			assert_true(at + 1 < s.n);
			assert_null(s.row[at].cell);
			assert_string_equal(s.row[at].head, c->statement);
			snprintf(text, sizeof text, "Fig. 9. A: ECE of %s, %s than B: %s%s%s.%s", c->a,
				 c->direction == CLAIM_BELOW ? "lower" : "higher", c->b_model ? c->b_model : "",
				 c->b_model ? "'s " : "", c->b,
				 isnan(c->paper_a) || isnan(c->paper_b) ? "" : " The paper: 0.5 and 0.25.");
			assert_string_equal(s.row[at++].note, text);
		}
		const struct sheet_cell *cell = s.row[at].cell;
		snprintf(text, sizeof text, "%s, %s", j[i].place->dataset, j[i].place->model);
		assert_string_equal(s.row[at].head, text);
		assert_string_equal(s.row[at].note, "f");
		assert_string_equal(cell[0].text, verdict_name(j[i].verdict));
		assert_true(cell[0].is_verdict && cell[0].verdict == j[i].verdict);
		number_is(cell[1].text, j[i].difference);
		number_is(cell[2].text, j[i].a);
		number_is(cell[3].text, j[i].b);
		assert_int_equal(cell[1].small != NULL, !isnan(j[i].low) && !isnan(j[i].high));
		verdict_basis_text(&j[i], text, sizeof text);
		assert_string_equal(cell[4].text, text);
		sheet_number(a, j[i].all_a);
		sheet_number(b, j[i].all_b);
		snprintf(text, sizeof text, "pooled %s and %s", a, b);
		int pooled = j[i].basis == BASIS_FOLDS && (strcmp(a, cell[2].text) || strcmp(b, cell[3].text));
		assert_int_equal(cell[4].small != NULL, pooled);
		assert_true(!pooled || !strcmp(cell[4].small, text));
	}
	assert_int_equal(s.n, at);
	sheet_release(&s);
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
		if (n) {
			check_in_short(list, n);
			check_evidence(list, n);
		}
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

/* Paired tests of areas against counting all pairs; claim and table say what the numbers say. */
#include "eval/compare/compare.h"
#include "eval/metrics/cells.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { N = 90 };

static const uint32_t *const no_order[2] = { NULL, NULL };

struct made {
	double p1[N]; /* P(class 1), on a grid so that records tie */
	conf_key key[N];
	int32_t label[N], predicted[N];
	struct rows rows;
};

static void make(struct made *m, uint32_t which, const int32_t *label)
{
	memset(&m->rows, 0, sizeof m->rows);
	for (uint32_t i = 0; i < N; i++) {
		struct rng r;
		rng_init(&r, 11, RNG_TEST, i, which);
		double u = 0.35 + 0.3 * label[i] + 0.3 * rng_normal(&r);
		m->p1[i] = round(16 * (u < 0 ? 0 : u > 1 ? 1 : u)) / 16;
		m->label[i] = label[i];
		m->predicted[i] = m->p1[i] > 0.5;
		double conf = m->predicted[i] ? m->p1[i] : 1 - m->p1[i];
		m->key[i] = conf_pack(conf, 1 - conf, m->predicted[i] == label[i]);
	}
	m->rows.n = N;
	m->rows.key = m->key;
	m->rows.label = m->label;
	m->rows.predicted = m->predicted;
	m->rows.head.n_classes = 2;
}

/* Area and each record's share in its error, by pairs. */
static double by_pairs(size_t records, const double *score, const int *positive, double *share)
{
	double m = 0, n = 0, wins = 0, beats[N] = { 0 };
	for (int i = 0; i < (int)records; i++)
		*(positive[i] ? &m : &n) += 1;
	for (int i = 0; i < (int)records; i++)
		for (int j = 0; j < (int)records; j++) {
			if (!positive[i] || positive[j])
				continue;
			double win = score[i] > score[j] ? 1 : score[i] == score[j] ? 0.5 : 0;
			wins += win;
			beats[i] += win / n;
			beats[j] += win / m;
		}
	for (int i = 0; i < (int)records; i++)
		share[i] = (beats[i] - wins / (m * n)) / (positive[i] ? m : n);
	return wins / (m * n);
}

static double p_of(double d, double variance)
{
	return erfc(fabs(d) / sqrt(variance) / sqrt(2));
}

static void areas_by_pairs(void **state)
{
	(void)state;
	int32_t label[N];
	static struct made a, b;
	struct comparison c = { 0 };
	struct err err = ERR_NONE;
	for (int i = 0; i < N; i++)
		label[i] = i % 5 < 2;
	make(&a, 1, label);
	make(&b, 2, label);
	assert_int_equal(compare_auroc(&a.rows, &b.rows, no_order, 0.95, &c, &err), 0);
	double sa[N], sb[N], ca[N], cb[N], side[2] = { 0 }, count[2] = { 0 }, all = 0;
	int one[N], right_a[N], right_b[N];
	for (int i = 0; i < N; i++) {
		one[i] = label[i];
		right_a[i] = conf_right(a.key[i]);
		right_b[i] = conf_right(b.key[i]);
		ca[i] = conf_p(a.key[i]);
		cb[i] = conf_p(b.key[i]);
	}
	double area_a = by_pairs(N, a.p1, one, sa), area_b = by_pairs(N, b.p1, one, sb);
	for (int i = 0; i < N; i++) {
		side[one[i]] += (sb[i] - sa[i]) * (sb[i] - sa[i]);
		count[one[i]]++;
	}
	/* DeLong: sample variances of the placements, each over its side's size */
	double delong = side[0] * count[0] / (count[0] - 1) + side[1] * count[1] / (count[1] - 1);
	const struct difference *d = difference_of(&c, "auroc");
	assert_true(fabs(d->a - area_a) < 1e-14 && fabs(d->b - area_b) < 1e-14);
	assert_true(fabs(d->p - p_of(area_b - area_a, delong)) < 1e-12);
	assert_true(fabs((d->high - d->low) / 2 - 1.959963984540054 * sqrt(delong)) < 1e-12);

	area_a = by_pairs(N, ca, right_a, sa);
	area_b = by_pairs(N, cb, right_b, sb);
	for (int i = 0; i < N; i++)
		all += (sb[i] - sa[i]) * (sb[i] - sa[i]);
	d = difference_of(&c, "auroc_correct");
	assert_true(fabs(d->a - area_a) < 1e-14 && fabs(d->b - area_b) < 1e-14);
	assert_true(fabs(d->p - p_of(area_b - area_a, all * N / (N - 1))) < 1e-12);
}

/* Any number of records and any labels, one side empty or of one record too: the same by pairs. */
static void areas_of_any_records(void **state)
{
	(void)state;
	int empty = 0, same = 0;
	for (uint32_t i = 0; i < 400; i++) {
		struct rng r;
		struct err err = ERR_NONE;
		struct comparison c = { 0 };
		static struct made a, b;
		int32_t label[N];
		double level = 0.5 + 0.4 * (i % 10) / 9.0, z = 0;
		rng_init(&r, 12, RNG_TEST, i, 0);
		size_t n = 1 + rng_below(&r, i % 2 ? 8 : 60);
		uint32_t share = rng_below(&r, 5);
		for (int j = 0; j < N; j++)
			label[j] = rng_below(&r, 4) < share;
		make(&a, 2 * i, label);
		make(&b, i % 7 ? 2 * i + 1 : 2 * i, label);
		a.rows.n = b.rows.n = n;
		for (int k = 0; k < compared_count(); k++)
			c.of[k].a = c.of[k].b = NAN;
		assert_int_equal(compare_auroc(&a.rows, &b.rows, no_order, level, &c, &err), 0);
		for (double step = 8; step > 1e-15; step /= 2)
			z += erfc((z + step) / sqrt(2)) > 1 - level ? step : 0;
		for (int correct = 0; correct < 2; correct++) {
			const struct difference *d = difference_of(&c, correct ? "auroc_correct" : "auroc");
			const struct made *m[2] = { &a, &b };
			double area[2] = { NAN, NAN }, share_of[2][N], all = 0, side[2] = { 0 }, count[2] = { 0 };
			for (int s = 0; s < 2; s++) {
				double score[N];
				int positive[N], some = 0;
				for (size_t j = 0; j < n; j++) {
					score[j] = correct ? conf_p(m[s]->key[j]) : m[s]->p1[j];
					positive[j] = correct ? conf_right(m[s]->key[j]) : label[j];
					some += positive[j];
				}
				if (some && some < (int)n)
					area[s] = by_pairs(n, score, positive, share_of[s]);
			}
			if (isnan(area[0]) || isnan(area[1])) {
				assert_false(d->there);
				assert_true(isnan(area[0]) ? isnan(d->a) : fabs(d->a - area[0]) < 1e-13);
				assert_true(isnan(area[1]) ? isnan(d->b) : fabs(d->b - area[1]) < 1e-13);
				empty++;
				continue;
			}
			for (size_t j = 0; j < n; j++) {
				double off = share_of[1][j] - share_of[0][j];
				side[label[j]] += off * off;
				count[label[j]]++;
				all += off * off;
			}
			double v = correct ? all * (double)n / (double)(n - 1)
					   : side[0] * count[0] / (count[0] - 1) + side[1] * count[1] / (count[1] - 1);
			double off = area[1] - area[0];
			assert_true(fabs(d->a - area[0]) < 1e-13 && fabs(d->b - area[1]) < 1e-13);
			assert_int_equal(d->there, isfinite(v));
			if (!isfinite(v))
				continue;
			assert_true(fabs(d->low - (off - z * sqrt(v))) < 1e-11 &&
				    fabs(d->high - (off + z * sqrt(v))) < 1e-11);
			if (v > 1e-20)
				assert_true(fabs(d->p - p_of(off, v)) < 1e-9);
			else if (fabs(off) < 1e-15)
				assert_true(d->p == 1 && ++same);
		}
	}
	assert_true(empty > 20 && same > 5);
}

static void a_stream_against_itself(void **state)
{
	(void)state;
	int32_t label[N];
	static struct made a;
	struct comparison c = { 0 };
	struct err err = ERR_NONE;
	for (int i = 0; i < N; i++)
		label[i] = i % 3 == 0;
	make(&a, 1, label);
	assert_int_equal(compare_auroc(&a.rows, &a.rows, no_order, 0.95, &c, &err), 0);
	const struct difference *d = difference_of(&c, "auroc");
	assert_true(d->there && d->p == 1 && d->low == 0);
}

/* One model tells all records apart and the other takes each for its opposite: no pair says anything else, so nothing
 * is left to chance. */
static void opposites_differ_for_certain(void **state)
{
	(void)state;
	int32_t label[N];
	static struct made side[2];
	struct comparison c = { 0 };
	struct err err = ERR_NONE;
	for (int i = 0; i < N; i++)
		label[i] = i % 3 == 0;
	for (int s = 0; s < 2; s++) {
		make(&side[s], 1, label);
		for (int i = 0; i < N; i++) {
			side[s].predicted[i] = label[i] ^ s;
			side[s].key[i] = conf_pack(0.9, 0.1, !s);
		}
	}
	assert_int_equal(compare_auroc(&side[0].rows, &side[1].rows, no_order, 0.95, &c, &err), 0);
	const struct difference *d = difference_of(&c, "auroc");
	assert_true(d->there && d->a == 1 && d->b == 0 && d->low == -1 && d->high == -1 && d->p == 0);
}

static void the_claim_follows_the_numbers(void **state)
{
	(void)state;
	struct comparison c = { .a = "old", .b = "new", .n = 7, .level = 0.95 };
	struct err err = ERR_NONE;
	char *text;
	*difference_of(&c, "accuracy") = (struct difference){ 1, 0.7, 0.8, 0.05, 0.15, 0.001, 0.003 };
	*difference_of(&c, "ece") = (struct difference){ 1, 0.1, 0.2, 0.05, 0.15, 0.001, 0.003 };
	*difference_of(&c, "nll") = (struct difference){ 1, 0.5, 0.4, -0.3, 0.1, 0.04, 0.06 };
	assert_int_equal(compare_claim(&c, &text, &err), 0);
	assert_non_null(strstr(text, "new may be called better than old in accuracy (by 0.1, 0.05 to 0.15)"));
	assert_non_null(strstr(text, "and old may be called better than new in ECE"));
	assert_non_null(strstr(text, "no difference may be claimed in NLL"));
	assert_null(strstr(text, "Brier"));
	free(text);
}

/* A comparison of any numbers: equal ones, ends at 0, values that are not there. */
static void any_comparison(struct comparison *c, struct rng *r)
{
	*c = (struct comparison){ .a = "old", .b = "new", .n = rng_below(r, 1000), .level = 0.95 };
	c->only_a = rng_below(r, 50);
	c->only_b = rng_below(r, 50);
	for (int i = 0; i < compared_count(); i++) {
		struct difference *d = &c->of[i];
		double p[] = { 0, 0.001, 1 - c->level, 0.3 }, off = (rng_below(r, 21) - 10.0) / 64;
		d->a = rng_below(r, 6) ? rng_below(r, 64) / 64.0 : NAN;
		d->b = rng_below(r, 6) ? d->a + off : NAN;
		d->there = !isnan(d->a) && !isnan(d->b) && rng_below(r, 4);
		d->low = off - rng_below(r, 12) / 64.0;
		d->high = off + rng_below(r, 12) / 64.0;
		d->p = p[rng_below(r, 4)];
		d->holm = p[rng_below(r, 4)];
	}
}

/* 1: the second is better in it, -1: the first, 0: no one may say. */
static int plain_verdict(const struct comparison *c, int i)
{
	const struct difference *d = &c->of[i];
	int sure = d->holm < 1 - c->level && (d->low > 0 || d->high < 0);
	int more = d->b > d->a, higher = compared_metric(i)->flags & METRIC_HIGHER;
	return !sure ? 0 : more == !!higher ? 1 : -1;
}

/* What is said of the metrics with this verdict; the caller's. */
static char *plain_list(const struct comparison *c, int verdict)
{
	char *text;
	size_t len;
	FILE *to = open_memstream(&text, &len);
	int n = 0;
	for (int i = 0; i < compared_count(); i++) {
		const struct metric *m = compared_metric(i);
		const struct difference *d = &c->of[i];
		if (!d->there || plain_verdict(c, i) != verdict)
			continue;
		fprintf(to, "%s%s", n++ ? ", " : "", m->in_text ? m->in_text : m->label);
		if (verdict && d->b < d->a)
			fprintf(to, " (by %.3g, %.3g to %.3g)", d->a - d->b, -d->high, -d->low);
		else if (verdict)
			fprintf(to, " (by %.3g, %.3g to %.3g)", d->b - d->a, d->low, d->high);
	}
	fclose(to);
	return text;
}

static char *plain_sentence(const struct comparison *c)
{
	char *text, *worse = plain_list(c, -1), *none = plain_list(c, 0), *better = plain_list(c, 1);
	size_t len;
	FILE *to = open_memstream(&text, &len);
	fprintf(to, "On these %zu records ", c->n);
	if (*better)
		fprintf(to, "new may be called better than old in %s", better);
	if (*worse)
		fprintf(to, "%sold may be called better than new in %s", *better ? ", and " : "", worse);
	if (!*worse && !*better)
		fprintf(to, "neither old nor new may be called better in anything measured here");
	else if (*none)
		fprintf(to, "; no difference may be claimed in %s", none);
	fprintf(to, " (95 %% intervals;");
	fclose(to);
	free(worse);
	free(none);
	free(better);
	return text;
}

/* That of the row and column, or none; NULL and no row at all are alike. */
static const struct table_cell *cell(const struct table *t, const char *key, size_t column)
{
	static const struct table_cell none = { .type = CELL_NONE };
	for (size_t i = 0; i < t->n_rows; i++)
		if (!strcmp(table_key(t, i), key))
			return table_at(t, i, column);
	return &none;
}

static void any_comparison_is_said_plainly(void **state)
{
	(void)state;
	static const char *const heads[] = { "old", "new", "difference", "p", "p_holm" };
	for (uint32_t n = 0; n < 300; n++) {
		struct rng r;
		struct err err = ERR_NONE;
		struct comparison c;
		struct table t = { 0 };
		char *said, *want;
		rng_init(&r, 13, RNG_TEST, n, 0);
		any_comparison(&c, &r);
		want = plain_sentence(&c);
		assert_int_equal(compare_claim(&c, &said, &err), 0);
		if (strncmp(said, want, strlen(want)))
			fail_msg("%s\nis not\n%s", said, want);
		free(said);
		free(want);
		assert_int_equal(compare_table(&c, &t, &err), 0);
		assert_int_equal(t.n_columns, 5);
		for (size_t k = 0; k < 5; k++) {
			const struct table_cell *all = cell(&t, "n", k), *only = cell(&t, "only_right", k);
			assert_string_equal(t.column[k], heads[k]);
			assert_true(k < 2 ? all->type == CELL_COUNT && all->count == c.n : all->type == CELL_NONE);
			assert_true(k < 2 ? only->count == (k ? c.only_b : c.only_a) : only->type == CELL_NONE);
			for (int i = 0; i < compared_count(); i++) {
				const struct difference *d = &c.of[i];
				const struct table_cell *got = cell(&t, compared_metric(i)->key, k);
				double v[] = { d->a, d->b, d->b - d->a, d->p, d->holm };
				if (k < 2 ? isnan(v[k]) : !d->there) {
					assert_int_equal(got->type, CELL_NONE);
					continue;
				}
				assert_true(got->type == (k == 2 ? CELL_INTERVAL : CELL_REAL) && got->value == v[k]);
				assert_true(k != 2 || (got->low == d->low && got->high == d->high));
			}
		}
		table_release(&t);
	}
}

/* From CELLS_FROM records on rounds go by kinds of pair, not by record; what is found of one record more is nearly the
 * same. */
static void one_record_more(void **state)
{
	(void)state;
	enum { RECORDS = CELLS_FROM + 1 };
	static conf_key key[2][RECORDS];
	static double nll[2][RECORDS], brier[2][RECORDS];
	struct err err = ERR_NONE;
	struct pool *pool;
	assert_int_equal(pool_open(&pool, 2, &err), 0);
	struct rng r;
	struct comparison c[2];
	struct rows side[2] = { { .name = (char *)(uintptr_t) "a", .head.n_classes = 3 },
				{ .name = (char *)(uintptr_t) "b", .head.n_classes = 3 } };
	struct compare_options o = { .bins = 15, .rounds = 80, .level = 0.9 };
	rng_init(&r, 24, RNG_TEST, 0, 0);
	for (int j = 0; j < RECORDS; j++) {
		double hard = rng_real(&r);
		for (int s = 0; s < 2; s++) {
			double p = 0.34 + 0.6 * rng_real(&r);
			int right = hard + 0.2 * rng_real(&r) < p - 0.05 * s;
			key[s][j] = conf_pack(p, 1 - p, right);
			nll[s][j] = -log(right ? p : 1 - p);
			brier[s][j] = 2 * (right ? (1 - p) * (1 - p) : p * p);
		}
	}
	for (size_t more = 0; more < 2; more++) {
		for (int s = 0; s < 2; s++) {
			struct rows *w = &side[s];
			w->n = w->sum.n = CELLS_FROM + more;
			w->key = key[s];
			w->nll = nll[s];
			w->brier = brier[s];
			w->sum.nll = w->sum.brier = 0;
			for (size_t j = 0; j < w->n; j++) {
				w->sum.nll += fix_of(nll[s][j]);
				w->sum.brier += fix_of(brier[s][j]);
			}
		}
		assert_int_equal(compare_rows(&side[0], &side[1], &o, pool, &c[more], &err), 0);
	}
	for (int k = 0; k < compared_count(); k++) {
		const struct difference *x = &c[0].of[k], *y = &c[1].of[k];
		double width = x->high - x->low;
		assert_int_equal(x->there, y->there);
		if (!x->there)
			continue;
		assert_true(fabs(x->a - y->a) < 1e-3 && fabs(x->b - y->b) < 1e-3);
		if (!(fabs(x->low - y->low) < 0.25 * width && fabs(x->high - y->high) < 0.25 * width))
			fail_msg("%s: %g to %g, not %g to %g", compared_metric(k)->key, y->low, y->high, x->low,
				 x->high);
		assert_true(fabs(x->p - y->p) < 0.15);
	}
	pool_close(pool);
}

/* Of models that are far apart no swap differs as much as they do, on either way of counting: each p is the least that
 * there is. */
static void far_apart_for_certain(void **state)
{
	(void)state;
	enum { RECORDS = CELLS_FROM + 1, ROUNDS = 15 };
	static const size_t size[] = { 400, RECORDS };
	static conf_key key[2][RECORDS];
	static double nll[2][RECORDS], brier[2][RECORDS];
	struct err err = ERR_NONE;
	struct pool *pool;
	assert_int_equal(pool_open(&pool, 1, &err), 0);
	for (int k = 0; k < 2; k++) {
		struct rng r;
		struct rows side[2];
		rng_init(&r, 25, RNG_TEST, (uint32_t)k, 0);
		for (int s = 0; s < 2; s++) {
			side[s] = (struct rows){ .name = (char *)(uintptr_t) "s",
						 .n = size[k],
						 .key = key[s],
						 .nll = nll[s],
						 .brier = brier[s],
						 .head.n_classes = 3,
						 .sum.n = size[k] };
			for (size_t j = 0; j < size[k]; j++) {
				double p = 0.7 + 0.3 * rng_real(&r);
				int right = rng_real(&r) < (s ? 0.4 : p);
				key[s][j] = conf_pack(p, 1 - p, right);
				nll[s][j] = -log(right ? p : 1 - p);
				brier[s][j] = 2 * (right ? (1 - p) * (1 - p) : p * p);
				side[s].sum.nll += fix_of(nll[s][j]);
				side[s].sum.brier += fix_of(brier[s][j]);
			}
		}
		for (uint64_t seed = 0; seed < 8; seed++) {
			struct compare_options o = { .bins = 15, .rounds = ROUNDS, .level = 0.9, .seed = seed };
			struct comparison c;
			int tested = 0;
			assert_int_equal(compare_rows(&side[0], &side[1], &o, pool, &c, &err), 0);
			for (int i = 0; i < compared_count(); i++) {
				if (compared_metric(i)->test != TEST_SWAP || !c.of[i].there)
					continue;
				if (c.of[i].p != 1.0 / (ROUNDS + 1))
					fail_msg("%s of %zu records: p is %g", compared_metric(i)->key, size[k],
						 c.of[i].p);
				tested++;
			}
			assert_true(tested >= 5);
		}
	}
	pool_close(pool);
}

/* The interval of a difference of accuracies, after Agresti and Min 2005, is cut off at -1 and 1, which few records
 * that all speak for one model reach. */
static void accuracies_of_few_records(void **state)
{
	(void)state;
	int cut = 0;
	struct err err = ERR_NONE;
	struct pool *pool;
	assert_int_equal(pool_open(&pool, 1, &err), 0);
	for (int n = 1; n <= 12; n++)
		for (int only = 0; only <= n; only++)
			for (int which = 0; which < 2; which++) { /* the model that alone is right of `only` */
				conf_key key[2][12];
				double loss[12] = { 0 }, m = n + 2, x = (which ? 0 : only) + 0.5,
				       y = (which ? only : 0) + 0.5;
				double half = 1.959963984540054 * sqrt((x + y) / m - pow((y - x) / m, 2)) / sqrt(m);
				struct rows side[2];
				struct comparison c;
				struct compare_options o = { .bins = 5, .rounds = 20, .level = 0.95 };
				for (int s = 0; s < 2; s++) {
					for (int i = 0; i < n; i++)
						key[s][i] = conf_pack(0.75, 0.25, i < only && s == which);
					side[s] = (struct rows){ .name = (char *)(uintptr_t) "s",
								 .n = (size_t)n,
								 .key = key[s],
								 .nll = loss,
								 .brier = loss,
								 .head.n_classes = 3,
								 .sum.n = (uint64_t)n };
				}
				assert_int_equal(compare_rows(&side[0], &side[1], &o, pool, &c, &err), 0);
				const struct difference *d = difference_of(&c, "accuracy");
				assert_true(fabs(d->low - fmax(-1, (y - x) / m - half)) < 1e-9);
				assert_true(fabs(d->high - fmin(1, (y - x) / m + half)) < 1e-9);
				assert_int_equal(c.only_a, which ? 0 : only);
				assert_int_equal(c.only_b, which ? only : 0);
				cut += d->high == 1 || d->low == -1;
			}
	assert_true(cut > 3);
	pool_close(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(areas_by_pairs),
		cmocka_unit_test(areas_of_any_records),
		cmocka_unit_test(a_stream_against_itself),
		cmocka_unit_test(opposites_differ_for_certain),
		cmocka_unit_test(the_claim_follows_the_numbers),
		cmocka_unit_test(any_comparison_is_said_plainly),
		cmocka_unit_test(one_record_more),
		cmocka_unit_test(far_apart_for_certain),
		cmocka_unit_test(accuracies_of_few_records),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Sketches of records: the smallest prints and how often they came; what two of them say of the records that they have
 * in common, for copies and for sets that have nothing in common but their kind. */
#include "pipeline/base/philox.h"
#include "pipeline/formats/sketch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static int rising(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* The smallest different prints, whatever the order, and how often each came. */
static void sketches_hold_the_smallest(void **state)
{
	(void)state;
	static struct sketch s;
	static uint64_t all[6000];
	for (uint32_t i = 0; i < 60; i++) {
		struct rng r;
		uint64_t sum = 0;
		size_t u = 0;
		rng_init(&r, 9, RNG_TEST, i, 0);
		size_t m = rng_below(&r, 4) ? rng_below(&r, 6000) : SKETCH - 2 + rng_below(&r, 5);
		uint32_t range = i % 3 ? 9000 : SKETCH + 4;
		s = (struct sketch){ 0 };
		for (size_t j = 0; j < m; j++) {
			all[j] = i % 2 ? (uint64_t)rng_below(&r, range) << 40 : (uint64_t)(m - j) * 3;
			sketch_add(&s, all[j], 1);
			sum += all[j];
		}
		assert_true(s.records == m && s.sum == sum);
		qsort(all, m, sizeof *all, rising);
		for (size_t j = 0, n; j < m; j += n, u++) {
			for (n = 0; j + n < m && all[j + n] == all[j]; n++)
				;
			if (u < SKETCH)
				assert_true(s.at[u].print == all[j] && s.at[u].count <= n &&
					    (s.n < SKETCH ? s.at[u].count == n : s.at[u].count > 0));
		}
		assert_int_equal(s.n, u < SKETCH ? u : SKETCH);
	}
}

/* A print depends on each value, on their order and on their number, and on nothing else. */
static void prints_tell_values_apart(void **state)
{
	(void)state;
	enum { MANY = 4000 };
	static uint64_t print[MANY];
	uint64_t high = 0;
	double v[4] = { 1, 2, 3, 4 };
	for (uint64_t i = 0; i < MANY; i++) {
		double w[4] = { 1, 2, 3, 4 };
		w[i % 4] += (double)(i + 1) / 4;
		print[i] = record_print(w, 4);
		high += print[i] >> 63;
	}
	assert_true(record_print(v, 3) != record_print(v, 4));
	assert_true(record_print((double[]){ 2, 1, 3, 4 }, 4) != record_print(v, 4));
	assert_true(record_print((double[]){ 0, -1 }, 2) == record_print((double[]){ -0.0, -1 }, 2));
	double exact[2] = { (double)0.1f, -2.5e-7 }, text[2] = { 0.100000001, -2.50000001e-7 };
	assert_true(record_print(exact, 2) == record_print(text, 2));
	text[0] = 0.10000001;
	assert_true(record_print(exact, 2) != record_print(text, 2));
	assert_true(high > MANY / 2 - 200 && high < MANY / 2 + 200);
	qsort(print, MANY, sizeof *print, rising);
	for (int i = 1; i < MANY; i++)
		assert_true(print[i] != print[i - 1]);
	/* maps keep prints: what is computed today must be found in the files of yesterday */
	assert_true(record_print(v, 4) == 0xf3c98ec28a27c10cu);
	assert_true(record_print((double[]){ 0.5, -7.25 }, 2) == 0xe04d4f9a16e434f0u);
}

/* Record i of a stream of its own: any real number, or shares of so many votes that lean to the first class. */
static uint64_t drawn(uint32_t stream, uint32_t i, int votes)
{
	struct rng r;
	double v[3] = { 0 };
	rng_init(&r, stream, RNG_TEST, i, 7);
	if (!votes) {
		v[0] = rng_normal(&r);
		v[1] = rng_normal(&r);
		return record_print(v, 3);
	}
	double lean = rng_real(&r);
	for (int j = 0; j < votes; j++)
		v[rng_real(&r) < lean ? 0 : 1 + rng_below(&r, 2)] += 1.0 / votes;
	return record_print(v, 3);
}

static void fill(struct sketch *s, uint32_t stream, uint32_t from, uint32_t n, int votes)
{
	for (uint32_t i = 0; i < n; i++)
		sketch_add(s, drawn(stream, from + i, votes), 1);
}

/* Sets of one kind that share no record: the bound on the chance holds at every size and every coarseness, at 1 in 4
 * as at 1 in 100, and nothing is ever sure. */
static void chance_accuses_nobody(void **state)
{
	(void)state;
	static struct sketch a, b;
	static const int votes[] = { 3, 10, 30, 100, 500, 0 };
	int rounds = 0, quarter = 0, hundredth = 0;
	for (uint32_t i = 0; i < 600; i++) {
		struct rng r;
		struct overlap o;
		rng_init(&r, 11, RNG_TEST, i, 0);
		a = b = (struct sketch){ 0 };
		fill(&a, 2 * i + 100, 0, 1 + rng_below(&r, i % 10 ? 300 : 4000), votes[i % 6]);
		fill(&b, 2 * i + 101, 0, 1 + rng_below(&r, i % 10 ? 300 : 4000), votes[i % 6]);
		sketch_overlap(&a, &b, &o);
		assert_true(o.log_p <= 0);
		rounds++;
		quarter += o.log_p < log(0.25);
		hundredth += o.log_p < log(0.01);
		assert_true(o.log_p > OVERLAP_SURE && o.log_p <= 0);
	}
	assert_true(quarter <= rounds / 4 && hundredth <= rounds / 50);
}

/* Chernoff's bound at t, written out: each value that came g times lies in both sets with the probability that g of
 * n + m balls drawn are not all of one colour. */
static double plain_bound(const uint32_t (*count)[2], int values, double n, double m, double t)
{
	double sum = 0;
	for (int i = 0; i < values; i++) {
		double one = 1, other = 1, g = count[i][0] + count[i][1];
		for (double k = 0; k < g; k++) {
			one *= n > k ? (n - k) / (n + m - k) : 0;
			other *= m > k ? (m - k) / (n + m - k) : 0;
		}
		if (g > 1)
			sum += log(one + other + (1 - one - other) * exp(t)) - (count[i][0] && count[i][1] ? t : 0);
	}
	return sum;
}

/* Sets that a sketch holds whole, and some of which it holds a part: then what lies before its last print counts. */
static void bound_by_definition(void **state)
{
	enum { MOST = 2800 };
	static struct sketch set[2];
	static uint32_t count[MOST][2];
	(void)state;
	for (uint32_t i = 0; i < 150; i++) {
		struct rng r;
		double lo = 0, hi = 40, both = 0, inside = 0, records = 0;
		size_t kept[2] = { 0, 0 };
		rng_init(&r, 13, RNG_TEST, i, 0);
		int drawn = i % 50 ? 1 + (int)rng_below(&r, 60) : MOST, values = drawn;
		int shared = (int)(i / 50 + rng_below(&r, 2));
		set[0] = set[1] = (struct sketch){ 0 };
		for (int k = 0; k < drawn; k++) {
			count[k][0] = rng_below(&r, 5) ? 1 + rng_below(&r, 2) : 0;
			count[k][1] = count[k][0] && (int)rng_below(&r, 4) > shared ? 0 : 1 + rng_below(&r, 3);
			for (int s = 0; s < 2; s++)
				if (count[k][s]) {
					sketch_add(&set[s], 1000 * (uint64_t)k + i, count[k][s]);
					values = ++kept[s] == SKETCH && k < values ? k : values;
				}
		}
		for (int k = 0; k < values; k++) {
			both += count[k][0] && count[k][1];
			inside += count[k][1] ? count[k][0] : 0;
			records += count[k][0];
		}
		double n = (double)set[0].records, m = (double)set[1].records;
		for (int k = 0; k < 60; k++) {
			double a = lo + (hi - lo) / 3, b = hi - (hi - lo) / 3;
			if (plain_bound(count, values, n, m, a) < plain_bound(count, values, n, m, b))
				hi = b;
			else
				lo = a;
		}
		double want = plain_bound(count, values, n, m, lo);
		struct overlap o;
		sketch_overlap(&set[0], &set[1], &o);
		if (!(fabs(o.log_p - fmin(0, want)) < 1e-6 * (1 - want)))
			fail_msg("%u: log p %.9g, not %.9g", i, o.log_p, want);
		assert_true(o.seen == (uint64_t)both && fabs(o.shared - (records ? inside / records * n : 0)) < 1e-6);
	}
}

/* Copies: all of the records or a share of them, among others or not, in any order, once or thrice each. */
static void copies_are_found(void **state)
{
	(void)state;
	static struct sketch a, b;
	static const struct copy {
		uint32_t fitted, common, others;
		int votes, times;
	} copies[] = {
		{ 30, 30, 0, 0, 1 },	     { 200, 200, 0, 0, 1 },	   { 200, 40, 0, 0, 1 },
		{ 200, 200, 2000, 0, 1 },    { 200, 200, 0, 0, 3 },	   { 5000, 5000, 0, 0, 1 },
		{ 5000, 500, 0, 0, 1 },	     { 50000, 2500, 47500, 0, 1 }, { 50000, 50000, 0, 0, 1 },
		{ 1000, 1000, 50000, 0, 1 }, { 50000, 100, 0, 0, 1 },	   { 2000, 2000, 0, 1000, 1 },
	};
	for (size_t i = 0; i < sizeof copies / sizeof *copies; i++) {
		const struct copy *c = &copies[i];
		struct overlap o;
		a = b = (struct sketch){ 0 };
		fill(&a, 50, 0, c->fitted, c->votes);
		fill(&b, 51, 0, c->others, c->votes);
		for (int t = 0; t < c->times; t++)
			for (uint32_t j = c->common; j-- > 0;)
				sketch_add(&b, drawn(50, j, c->votes), 1);
		sketch_overlap(&a, &b, &o);
		if (!(o.log_p <= OVERLAP_SURE))
			fail_msg("copy %zu: log p %g", i, o.log_p);
		if (!c->votes)
			assert_true(fabs(o.shared - c->common) <= 4 * sqrt((double)c->common * c->fitted / SKETCH));
	}
	/* too few to tell */
	struct overlap o;
	a = b = (struct sketch){ 0 };
	fill(&a, 50, 0, 10, 0);
	fill(&b, 50, 0, 10, 0);
	sketch_overlap(&a, &b, &o);
	assert_true(o.log_p > OVERLAP_SURE && o.seen == 10 && o.shared == 10);
	/* the same record again and again */
	a = b = (struct sketch){ 0 };
	sketch_add(&a, 5, 100);
	sketch_add(&b, 5, 100);
	sketch_overlap(&a, &b, &o);
	assert_true(o.log_p == 0 && o.seen == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sketches_hold_the_smallest),
		cmocka_unit_test(prints_tell_values_apart),
		cmocka_unit_test(chance_accuses_nobody),
		cmocka_unit_test(bound_by_definition),
		cmocka_unit_test(copies_are_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Rounds by cells and by kinds of pair against the same rounds written out record by record. */
#include "eval/compare/compare.h"
#include "eval/compare/pairs.h"
#include "eval/metrics/cells.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { N = 12000, PAIRS = 10000, ROUNDS = 250, KEYS = 40, BINS = 15 };

static struct err err;

/* Values of all metrics with an interval that come from keys; returns how many. */
static int values_of(const struct measured *m, double *v)
{
	int n = 0;
	for (const struct metric *row = metric_table; row->key; row++)
		if (row->interval && row->parts & PARTS_OF_KEYS && !(row->parts & PART_MEANS))
			v[n++] = row->value(m);
	return n;
}

static const char *key_of(int i)
{
	for (const struct metric *row = metric_table; row->key; row++)
		if (row->interval && row->parts & PARTS_OF_KEYS && !(row->parts & PART_MEANS) && !i--)
			return row->key;
	return NULL;
}

/* values: how many confidences there are; 0: no two alike. */
static void make_keys(conf_key *key, size_t n, uint32_t values, double over, uint32_t at)
{
	struct rng r;
	rng_init(&r, 31, RNG_TEST, at, 0);
	for (size_t i = 0; i < n; i++) {
		double p = values ? 0.1 + 0.9 * (double)(1 + rng_below(&r, values)) / values : 0.1 + 0.9 * rng_real(&r);
		key[i] = conf_pack(p, 1 - p, rng_real(&r) < pow(p, over));
	}
	assert_int_equal(keys_sort(key, n, &err), 0);
}

/* The records of a tally, whichever of a cell's they are: those that tie are all alike. */
static size_t write_out(conf_key *to, const struct cells *c, const struct tally *t)
{
	size_t n = 0;
	for (size_t i = 0; i < c->n; i++)
		for (int k = 0; k < (int)t[i].n; k++) {
			conf_key key = conf_order(c->key[c->cell[i].end - 1]);
			to[n++] = key | (k >= (int)(t[i].n - t[i].right) ? CONF_RIGHT : 0);
		}
	return n;
}

static void cells_of_ties_are_exact(void **state)
{
	(void)state;
	static conf_key key[3000], drawn[8000];
	static struct tally t[3000];
	for (uint32_t i = 0; i < 60; i++) {
		struct measured cells = { 0 }, keys = { 0 };
		struct cells c;
		struct rng r;
		double got[KEYS], want[KEYS];
		int bins = 1 + (int)(i * 7 % 40);
		size_t n = 20 + (size_t)i * 49;
		make_keys(key, n, i % 3 ? 1 + i * i : 0, i % 2 ? 1 : 1.5, i);
		assert_int_equal(cells_cut(&c, key, n, &bins, 1, &err), 0);
		rng_init(&r, 5, RNG_BOOTSTRAP, i, 0);
		if (i % 4)
			cells_resample(&c, &r, t);
		else
			cells_calibrate(&c, &r, t);
		size_t m = write_out(drawn, &c, t);
		assert_int_equal(measure_cells(&cells, &c, t, bins, PARTS_OF_KEYS, &err), 0);
		assert_int_equal(measure_keys(&keys, drawn, m, bins, PARTS_OF_KEYS, &err), 0);
		assert_int_equal(cells.n, m);
		assert_int_equal(cells.sweep_bins, keys.sweep_bins);
		int values = values_of(&keys, want);
		values_of(&cells, got);
		for (int k = 0; k < values; k++)
			if (!(fabs(got[k] - want[k]) <= 1e-9))
				fail_msg("%s of set %u: %.15g, not %.15g", key_of(k), i, got[k], want[k]);
		cells_release(&c);
	}
}

struct spread {
	double sum[KEYS], square[KEYS];
	int near[KEYS]; /* rounds below 0.05 */
};

static void add_round(struct spread *s, const double *v, int n)
{
	for (int k = 0; k < n; k++) {
		s->sum[k] += v[k] / ROUNDS;
		s->square[k] += v[k] * v[k] / ROUNDS;
		s->near[k] += fabs(v[k]) < 0.05;
	}
}

static double spread_sd(const struct spread *s, int k)
{
	return sqrt(fmax(0, s->square[k] - s->sum[k] * s->sum[k]));
}

/* Of n values, no two alike, which no cell holds exactly: deviations within a fifth (4 standard errors of a deviation
 * over ROUNDS), means within 0.4 deviations. */
static void compare_spreads(const struct spread *got, const struct spread *want, int n, const char *what)
{
	for (int k = 0; k < n; k++) {
		double g = spread_sd(got, k), w = spread_sd(want, k);
		if (!(fabs(g / w - 1) < 0.2) || !(fabs(got->sum[k] - want->sum[k]) < 0.4 * w))
			fail_msg("%s, %s: %.4g with deviation %.4g, not %.4g with %.4g", what, key_of(k), got->sum[k],
				 g, want->sum[k], w);
	}
}

static void rounds_by_cells(void **state)
{
	(void)state;
	static conf_key key[N], drawn[3 * N];
	static struct tally t[N];
	static uint8_t weight[N];
	static const int bins = BINS;
	for (int calibrated = 0; calibrated < 2; calibrated++) {
		struct spread cells = { 0 }, records = { 0 };
		struct cells c;
		int values = 0;
		make_keys(key, N, 0, 1.3, 1);
		assert_int_equal(cells_cut(&c, key, N, &bins, 1, &err), 0);
		assert_true(c.n < N * 2 / 3 && c.n > 4000);
		for (size_t i = 0, from = 0; i < c.n; from = c.cell[i++].end)
			assert_int_equal(bin_of(BINS, conf_p(key[from])), bin_of(BINS, conf_p(key[c.cell[i].end - 1])));
		for (uint32_t round = 0; round < ROUNDS; round++) {
			struct measured m = { 0 };
			struct rng r;
			double v[KEYS];
			size_t n = 0;
			rng_init(&r, 6, RNG_BOOTSTRAP, round, 0);
			calibrated ? cells_calibrate(&c, &r, t) : cells_resample(&c, &r, t);
			assert_int_equal(measure_cells(&m, &c, t, BINS, PARTS_OF_KEYS, &err), 0);
			values = values_of(&m, v);
			add_round(&cells, v, values);
			bootstrap_weights(7, round, 0, N, weight);
			for (size_t i = 0; i < N && !calibrated; i++)
				for (int k = 0; k < weight[i]; k++)
					drawn[n++] = key[i];
			if (calibrated)
				calibrated_keys(drawn, key, n = N, 7, round);
			assert_int_equal(measure_keys(&m, drawn, n, BINS, PARTS_OF_KEYS, &err), 0);
			values_of(&m, v);
			add_round(&records, v, values);
		}
		compare_spreads(&cells, &records, values, calibrated ? "calibrated" : "resampled");
		cells_release(&c);
	}
}

struct stream {
	conf_key key[PAIRS];
	double nll[PAIRS], brier[PAIRS];
	uint32_t order[PAIRS];
	struct rows rows;
};

/* Two models of the same records; apart: how far their logits are from each other; 0: right on the same records. */
static void make_pair(struct stream s[2], double apart, uint32_t at)
{
	struct rng r;
	static uint64_t key[PAIRS];
	rng_init(&r, 32, RNG_TEST, at, 0);
	for (size_t i = 0; i < PAIRS; i++) {
		double z = 2 * rng_normal(&r), y = rng_real(&r) < 1 / (1 + exp(-z));
		for (int side = 0; side < 2; side++) {
			double own = 1.3 * z + side * apart * (0.5 * z + rng_normal(&r));
			own *= side && !(apart > 0) ? 0.8 + 0.4 * rng_real(&r) : 1;
			double p = 1 / (1 + exp(-fabs(own)));
			int right = (own > 0) == (y > 0);
			s[side].key[i] = conf_pack(p, 1 - p, right);
			s[side].nll[i] = -log(right ? p : 1 - p);
			s[side].brier[i] = right ? 2 * (1 - p) * (1 - p) : 2 * p * p;
		}
	}
	s[1].nll[77] += 3000 * apart; /* one record has much of the loss */
	for (int side = 0; side < 2; side++) {
		for (size_t i = 0; i < PAIRS; i++)
			key[i] = conf_order(s[side].key[i]);
		assert_int_equal(order_falling(key, PAIRS, s[side].order, &err), 0);
		s[side].rows = (struct rows){
			.n = PAIRS, .key = s[side].key, .nll = s[side].nll, .brier = s[side].brier
		};
	}
}

/* Differences of the measures that vic-compare swaps. */
static int differences(const struct measured m[2], double *v)
{
	int n = 0;
	for (int i = 0; i < compared_count(); i++)
		if (compared_metric(i)->test == TEST_SWAP)
			v[n++] = compared_metric(i)->value(&m[1]) - compared_metric(i)->value(&m[0]);
	return n;
}

static void round_of_records(const struct stream s[2], uint32_t round, int swap, int bins, struct measured m[2])
{
	static uint8_t weight[PAIRS + 16], coin[PAIRS + 16];
	static conf_key drawn[2][3 * PAIRS];
	bootstrap_weights(9, round, 0, PAIRS, weight);
	swap_coins(9, round, PAIRS, coin);
	for (int side = 0; side < 2; side++) {
		size_t n = 0;
		m[side] = (struct measured){ 0 };
		for (size_t i = 0; i < PAIRS; i++) {
			const struct stream *from = &s[side ^ (swap && coin[i / 8] >> i % 8 & 1)];
			for (int k = swap ? 1 : weight[i]; k > 0; k--) {
				drawn[side][n++] = from->key[i];
				m[side].nll += from->nll[i];
				m[side].brier += from->brier[i];
			}
		}
		m[side].nll /= (double)n;
		m[side].brier /= (double)n;
		assert_int_equal(keys_sort(drawn[side], n, &err), 0);
		assert_int_equal(measure_keys(&m[side], drawn[side], n, bins, PAIRS_PARTS, &err), 0);
	}
}

static void rounds_by_pairs(void **state)
{
	(void)state;
	static struct stream s[2];
	static const double apart[] = { 0.5, 0.02, 0 };
	assert_int_equal(metric_parts(0, TEST_SWAP) & ~(unsigned)PAIRS_PARTS, 0);
	for (uint32_t a = 0; a < 3; a++) {
		int bins = a < 2 ? BINS : 1; /* of one bin all that moves is the sums of confidences */
		const struct rows *const rows[2] = { &s[0].rows, &s[1].rows };
		const uint32_t *const order[2] = { s[0].order, s[1].order };
		struct pairs *p;
		make_pair(s, apart[a], a);
		assert_int_equal(pairs_open(&p, rows, order, bins, &err), 0);
		for (int swap = 0; swap < 2; swap++) {
			struct spread pairs = { 0 }, records = { 0 };
			int values = 0;
			for (uint32_t round = 0; round < ROUNDS; round++) {
				struct measured m[2] = { { 0 }, { 0 } };
				struct rng r;
				double v[KEYS];
				rng_init(&r, 8, RNG_SWAP, round, (uint32_t)swap);
				assert_int_equal((swap ? pairs_swap : pairs_resample)(p, &r, m, &err), 0);
				values = differences(m, v);
				add_round(&pairs, v, values);
				round_of_records(s, round, swap, bins, m);
				differences(m, v);
				add_round(&records, v, values);
			}
			/* the third is nll: exchanged, it is as far as the one great loss, this way or that */
			assert_true(!swap || a || (pairs.near[2] == 0 && records.near[2] == 0));
			for (int k = 0; k < values; k++) {
				double got = spread_sd(&pairs, k), want = spread_sd(&records, k);
				double mean = swap || k < 2 ? records.sum[k] : 0; /* ece and oe, then means */
				if (!(fabs(got / want - 1) < 0.2) || !(fabs(pairs.sum[k] - mean) < 0.4 * want))
					fail_msg("measure %d, apart %g, swap %d: %.4g with deviation %.4g, not %.4g "
						 "with %.4g",
						 k, apart[a], swap, pairs.sum[k], got, records.sum[k], want);
			}
		}
		pairs_close(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cells_of_ties_are_exact),
		cmocka_unit_test(rounds_by_cells),
		cmocka_unit_test(rounds_by_pairs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Consistency bands: what curves of perfectly calibrated models with these confidences look like. */
#include "curves.h"
#include "eval/metrics/metrics.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/philox.h"
#include "pipeline/base/stats.h"

#include <math.h>
#include <stdlib.h>

/* Sorts v[rounds] and gives its two quantiles. */
static void two_sided(double *v, int rounds, double level, double *low, double *high)
{
	sort_rising(v, (size_t)rounds);
	*low = quantile_of(v, rounds, (1 - level) / 2);
	*high = quantile_of(v, rounds, (1 + level) / 2);
}

int null_bands(const conf_key *k, size_t n, int bins, const struct curve_options *options, double *low, double *high,
	       struct err *err)
{
	double *off, *v;
	struct bins b;
	if (mem_alloc(&off, (size_t)bins * (size_t)options->rounds, sizeof *off, err))
		return -1;
	if (bins_init(&b, bins, err)) {
		free(off);
		return -1;
	}
	int rc = null_draws(k, n, bins, options->rounds, options->seed, options->pool, off, err);
	bins_add(&b, k, n);
	for (int i = 0; i < bins && !rc; i++) {
		v = off + (size_t)i * (size_t)options->rounds;
		low[i] = high[i] = NAN;
		if (!b.bin[i].n)
			continue;
		two_sided(v, options->rounds, options->level, &low[i], &high[i]);
		low[i] = fmax(0, bin_conf(&b.bin[i]) + low[i] / (double)b.bin[i].n);
		high[i] = fmin(1, bin_conf(&b.bin[i]) + high[i] / (double)b.bin[i].n);
	}
	bins_release(&b);
	free(off);
	return rc;
}

/* Neighbouring tie groups that are drawn and pooled as one. */
struct cell {
	size_t end;		/* one past its last record */
	double variance, third; /* of the number right: sum p (1 - p), sum p (1 - p) (1 - 2 p) */
	double mean;		/* of p */
};

struct drawing {
	const conf_key *key;
	size_t n;
	struct cell *cell;
	size_t cells;
	const size_t *at;
	size_t m;
	const struct curve_options *options;
	struct pav_block *block; /* [threads][cells] */
	double *value;		 /* [m][rounds] */
};

static size_t group_end(const conf_key *k, size_t n, size_t from)
{
	size_t to = from + 1;
	while (to < n && conf_order(k[to]) == conf_order(k[from]))
		to++;
	return to;
}

/* A cell each, or as many as make 1/4096 of the records and 1/64 of those between them and the nearer end. */
static int cut_cells(struct drawing *d, struct err *err)
{
	size_t groups = 0, cap = 0, from = 0;
	for (size_t at = 0; at < d->n && groups <= CORP_CELLS; groups++)
		at = group_end(d->key, d->n, at);
	for (size_t to; from < d->n; from = to) {
		size_t beyond = from < d->n - from ? from : d->n - from, most = beyond / 64;
		struct cell c = { 0 };
		fix sum = 0;
		most = groups <= CORP_CELLS ? 1 : most < d->n / 4096 ? most : d->n / 4096;
		to = group_end(d->key, d->n, from);
		for (size_t next = to; next < d->n && (next = group_end(d->key, d->n, next)) - from <= most;)
			to = next;
		for (size_t i = from; i < to; i++) {
			double p = conf_p(d->key[i]), q = conf_rest(d->key[i]);
			sum += fix_of(p);
			c.variance += p * q;
			c.third += p * q * (q - p);
		}
		c.end = to;
		c.mean = fix_real(sum) / (double)(to - from);
		if (mem_grow(&d->cell, &cap, d->cells + 1, sizeof *d->cell, err))
			return -1;
		d->cell[d->cells++] = c;
	}
	return 0;
}

/* How many of n happen, each with probability p, by inversion; n p is not large. */
static double draw_binomial(struct rng *r, double n, double p)
{
	double u = rng_real(r), odds = p / (1 - p), term = exp(n * log1p(-p)), k = 0;
	for (; u >= term && k < n; k++) {
		u -= term;
		term *= odds * (n - k) / (k + 1);
	}
	return k;
}

/* Records of a few are drawn one by one; of many, which have nearly one confidence, their number. */
static double draw_cell(const struct drawing *d, const struct cell *c, size_t from, struct rng *r)
{
	enum { FEW = 64 };
	double n = (double)(c->end - from), right = 0;
	if (c->end - from <= FEW) {
		for (size_t i = from; i < c->end; i++)
			right += rng_real(r) < conf_p(d->key[i]);
		return right;
	}
	if (c->variance > FLOOR_NORMAL) { /* Cornish and Fisher's first correction */
		double z = rng_normal(r), skew = c->third / (c->variance * sqrt(c->variance));
		right = rint(c->mean * n + sqrt(c->variance) * (z + skew / 6 * (z * z - 1)));
		return fmin(n, fmax(0, right));
	}
	if (c->mean > 0.5)
		return n - draw_binomial(r, n, 1 - c->mean);
	return draw_binomial(r, n, c->mean);
}

static void draw_pav(void *arg, int round, int worker)
{
	struct drawing *d = arg;
	struct rng r;
	struct pav_block *block = d->block + (size_t)worker * d->cells;
	size_t from = 0, b = 0;
	rng_init(&r, d->options->seed, RNG_FLOOR, (uint32_t)round, UINT32_MAX);
	for (size_t i = 0; i < d->cells; i++) {
		block[i] = (struct pav_block){ d->cell[i].end, (uint64_t)draw_cell(d, &d->cell[i], from, &r) };
		from = d->cell[i].end;
	}
	(void)pav_blocks(block, d->cells);
	for (size_t i = 0; i < d->m; i++) {
		while (block[b].end <= d->at[i])
			b++;
		d->value[i * (size_t)d->options->rounds + (size_t)round] =
			(double)block[b].right / (double)(block[b].end - (b ? block[b - 1].end : 0));
	}
}

int pav_bands(const conf_key *k, size_t n, const size_t *at, size_t m, const struct curve_options *options, double *low,
	      double *high, struct err *err)
{
	struct drawing d = { .key = k, .n = n, .at = at, .m = m, .options = options };
	size_t rounds = (size_t)options->rounds;
	int rc = cut_cells(&d, err) ||
		 mem_alloc(&d.block, (size_t)pool_threads(options->pool) * d.cells, sizeof *d.block, err) ||
		 mem_alloc(&d.value, m * rounds, sizeof *d.value, err);
	if (!rc)
		pool_run(options->pool, options->rounds, draw_pav, &d);
	for (size_t i = 0; i < m && !rc; i++)
		two_sided(d.value + i * rounds, options->rounds, options->level, &low[i], &high[i]);
	free(d.cell);
	free(d.block);
	free(d.value);
	return rc ? -1 : 0;
}

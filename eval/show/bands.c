/* Consistency bands: what curves of perfectly calibrated models with these confidences look like. */
#include "curves.h"
#include "eval/metrics/cells.h"
#include "pipeline/base/mem.h"
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

struct drawing {
	struct cells cells;
	const size_t *at;
	size_t m;
	const struct curve_options *options;
	struct pav_block *block; /* [threads][cells] */
	double *value;		 /* [m][rounds] */
};

static void draw_pav(void *arg, int round, int worker)
{
	struct drawing *d = arg;
	struct rng r;
	struct pav_block *block = d->block + (size_t)worker * d->cells.n;
	size_t b = 0;
	rng_init(&r, d->options->seed, RNG_FLOOR, (uint32_t)round, UINT32_MAX);
	for (size_t i = 0; i < d->cells.n; i++)
		block[i] = (struct pav_block){ d->cells.cell[i].end, (uint64_t)cell_draw(&d->cells, i, &r) };
	(void)pav_blocks(block, d->cells.n);
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
	struct drawing d = { .at = at, .m = m, .options = options };
	size_t rounds = (size_t)options->rounds;
	int rc = cells_cut(&d.cells, k, n, NULL, 0, err) ||
		 mem_alloc(&d.block, (size_t)pool_threads(options->pool) * d.cells.n, sizeof *d.block, err) ||
		 mem_alloc(&d.value, m * rounds, sizeof *d.value, err);
	if (!rc)
		pool_run(options->pool, options->rounds, draw_pav, &d);
	for (size_t i = 0; i < m && !rc; i++)
		two_sided(d.value + i * rounds, options->rounds, options->level, &low[i], &high[i]);
	cells_release(&d.cells);
	free(d.block);
	free(d.value);
	return rc ? -1 : 0;
}

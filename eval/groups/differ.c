/* The permutation test. A deal is one walk over the records, which adds each to a cell (group, bin). Sums are taken in
 * the order of the records, whose groups alone change, so that the given deal is measured as any other. */
#include "differ.h"
#include "eval/records/bins.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Visits of records that a test may take. */
#define DIFFER_VISITS 400000000.0

const char *const differ_key[DIFFER_METRICS] = { "accuracy", "ece", "oe", "nll", "brier", "gap" };

struct deal_cell {
	double n, right, conf;
};
struct deal_loss {
	double nll, brier;
};

struct dealing {
	const struct rows *w;
	const uint32_t *group;
	size_t groups, bins;
	uint64_t seed;
	double *size;	/* [groups] records */
	double *conf;	/* [n] */
	uint32_t *bin;	/* [n] */
	double *value;	/* [rounds + 1][groups][DIFFER_METRICS] */
	uint32_t **dealt;	   /* [threads] of [n] */
	struct deal_cell **cell;   /* [threads] of [groups][bins] */
	struct deal_loss **loss;   /* [threads] of [groups] */
};

static void measure_group(const struct deal_cell *cell, size_t bins, const struct deal_loss *loss, double n, double *v)
{
	double right = 0, conf = 0, ece = 0, oe = 0;
	for (size_t b = 0; b < bins; b++) {
		double gap = cell[b].conf - cell[b].right;
		right += cell[b].right;
		conf += cell[b].conf;
		ece += fabs(gap);
		oe += gap > 0 ? cell[b].conf / cell[b].n * gap : 0;
	}
	v[0] = right / n;
	v[1] = ece / n;
	v[2] = oe / n;
	v[3] = loss->nll / n;
	v[4] = loss->brier / n;
	v[5] = (conf - right) / n;
}

/* Deal 0 is the given one. */
static void deal_round(void *arg, int task, int worker)
{
	struct dealing *d = arg;
	const struct rows *w = d->w;
	uint32_t *group = d->dealt[worker];
	struct deal_cell *cell = d->cell[worker];
	struct deal_loss *loss = d->loss[worker];
	double *value = d->value + (size_t)task * d->groups * DIFFER_METRICS;
	memcpy(group, d->group, w->n * sizeof *group);
	if (task) {
		struct rng rng;
		rng_init(&rng, d->seed, RNG_GROUPS, (uint32_t)task, 0);
		rng_shuffle(&rng, group, w->n);
	}
	memset(cell, 0, d->groups * d->bins * sizeof *cell);
	memset(loss, 0, d->groups * sizeof *loss);
	for (size_t i = 0; i < w->n; i++) {
		struct deal_cell *c = &cell[group[i] * d->bins + d->bin[i]];
		c->n += 1;
		c->right += conf_right(w->key[i]);
		c->conf += d->conf[i];
		loss[group[i]].nll += w->nll[i];
		loss[group[i]].brier += w->brier[i];
	}
	for (size_t g = 0; g < d->groups; g++)
		measure_group(cell + g * d->bins, d->bins, &loss[g], d->size[g], value + g * DIFFER_METRICS);
}

/* T of a deal. mean: [groups], of this metric. */
static double spread_of_deal(const struct dealing *d, int deal, int metric, const double *mean)
{
	double sum = 0;
	for (size_t g = 0; g < d->groups; g++) {
		double off = d->value[((size_t)deal * d->groups + g) * DIFFER_METRICS + (size_t)metric] - mean[g];
		sum += d->size[g] * off * off;
	}
	return sum;
}

static double p_of_metric(const struct dealing *d, int rounds, int metric, double *mean)
{
	int as_large = 0;
	for (size_t g = 0; g < d->groups; g++) {
		mean[g] = 0;
		for (int r = 0; r <= rounds; r++)
			mean[g] += d->value[((size_t)r * d->groups + g) * DIFFER_METRICS + (size_t)metric];
		mean[g] /= rounds + 1;
	}
	double given = spread_of_deal(d, 0, metric, mean);
	if (!isfinite(given))
		return NAN;
	/* Deals that are equal but for rounding are equal. */
	for (int r = 0; r <= rounds; r++)
		as_large += spread_of_deal(d, r, metric, mean) >= given - 1e-9 * fabs(given) - 1e-15;
	return as_large / (rounds + 1.0);
}

static int dealing_init(struct dealing *d, int rounds, int threads, struct err *err)
{
	size_t n = d->w->n, t = (size_t)threads;
	if (mem_alloc(&d->size, d->groups, sizeof *d->size, err) || mem_alloc(&d->conf, n, sizeof *d->conf, err) ||
	    mem_alloc(&d->bin, n, sizeof *d->bin, err) || mem_alloc(&d->dealt, t, sizeof *d->dealt, err) ||
	    mem_alloc(&d->cell, t, sizeof *d->cell, err) || mem_alloc(&d->loss, t, sizeof *d->loss, err) ||
	    mem_alloc(&d->value, ((size_t)rounds + 1) * d->groups, DIFFER_METRICS * sizeof *d->value, err))
		return -1;
	for (size_t i = 0; i < t; i++)
		if (mem_alloc(&d->dealt[i], n, sizeof **d->dealt, err) ||
		    mem_alloc(&d->cell[i], d->groups * d->bins, sizeof **d->cell, err) ||
		    mem_alloc(&d->loss[i], d->groups, sizeof **d->loss, err))
			return -1;
	for (size_t i = 0; i < n; i++) {
		d->conf[i] = conf_p(d->w->key[i]);
		d->bin[i] = (uint32_t)bin_of((int)d->bins, d->conf[i]);
		d->size[d->group[i]] += 1;
	}
	return 0;
}

static void dealing_release(struct dealing *d, int threads)
{
	for (int i = 0; i < threads; i++) {
		if (d->dealt)
			free(d->dealt[i]);
		if (d->cell)
			free(d->cell[i]);
		if (d->loss)
			free(d->loss[i]);
	}
	free(d->dealt);
	free(d->cell);
	free(d->loss);
	free(d->value);
	free(d->size);
	free(d->conf);
	free(d->bin);
}

int differ_of(struct differ *d, const struct rows *w, const uint32_t *group, int groups, int bins, uint64_t seed,
	      int threads, struct err *err)
{
	struct dealing deal = { .w = w, .group = group, .groups = (size_t)groups, .bins = (size_t)bins, .seed = seed };
	struct pool *pool;
	double *mean = NULL, rounds = fmin(DIFFER_ROUNDS, fmax(DIFFER_LEAST, floor(DIFFER_VISITS / (double)w->n)));
	int rc = -1;
	*d = (struct differ){ .rounds = (int)rounds };
	for (int m = 0; m < DIFFER_METRICS; m++)
		d->p[m] = NAN;
	if (groups < 2)
		return 0;
	if (w->n > UINT32_MAX)
		return err_set(err, "%s: more than 2^32 records", w->name);
	if (pool_open(&pool, threads, err))
		return -1;
	if (!mem_alloc(&mean, deal.groups, sizeof *mean, err) &&
	    !dealing_init(&deal, d->rounds, pool_threads(pool), err)) {
		pool_run(pool, d->rounds + 1, deal_round, &deal);
		for (int m = 0; m < DIFFER_METRICS; m++)
			d->p[m] = p_of_metric(&deal, d->rounds, m, mean);
		rc = 0;
	}
	free(mean);
	dealing_release(&deal, pool_threads(pool));
	pool_close(pool);
	return rc;
}

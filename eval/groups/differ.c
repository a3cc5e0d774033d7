/* The permutation test. A deal is one walk over the records, which adds each to a cell (group, bin). Sums are taken in
 * the order of the records, whose groups alone change, so that the given deal is measured as any other. */
#include "differ.h"
#include "eval/records/bins.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/philox.h"
#include "pipeline/frame/progress.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Visits of records that a test may take. */
#define DIFFER_VISITS 400000000.0
/* Deals times groups whose values are kept at once: 50 MB. */
#define DIFFER_VALUES 1000000.0

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
	double *value;	/* [batch][groups][DIFFER_METRICS] */
	int batch, from, again; /* deals at a time; the first of these; the second time */
	int rounds;
	struct progress progress;
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
	int deal = d->from + task;
	if (worker == 0)
		progress_at(&d->progress, (uint64_t)(deal + (d->again ? d->rounds + 1 : 0)), NULL);
	memcpy(group, d->group, w->n * sizeof *group);
	if (deal) {
		struct rng rng;
		rng_init(&rng, d->seed, RNG_GROUPS, (uint32_t)deal, 0);
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

/* Adds a batch's values up in the order of the deals. mean: [groups][DIFFER_METRICS]. */
static void add_values(const struct dealing *d, int deals, double *mean)
{
	for (int r = 0; r < deals; r++)
		for (size_t i = 0; i < d->groups * DIFFER_METRICS; i++)
			mean[i] += d->value[(size_t)r * d->groups * DIFFER_METRICS + i];
}

/* T of the deal of a batch, for each metric. */
static void spread_of_deal(const struct dealing *d, int deal, const double *mean, double *t)
{
	const double *value = d->value + (size_t)deal * d->groups * DIFFER_METRICS;
	for (int m = 0; m < DIFFER_METRICS; m++)
		t[m] = 0;
	for (size_t g = 0; g < d->groups; g++)
		for (int m = 0; m < DIFFER_METRICS; m++) {
			double off = value[g * DIFFER_METRICS + (size_t)m] - mean[g * DIFFER_METRICS + (size_t)m];
			t[m] += d->size[g] * off * off;
		}
}

/* t: [rounds + 1][DIFFER_METRICS] */
static double p_of_metric(const double *t, int rounds, int metric)
{
	double given = t[metric];
	int as_large = 0;
	if (!isfinite(given))
		return NAN;
	/* Deals that are equal but for rounding are equal. */
	for (int r = 0; r <= rounds; r++)
		as_large += t[r * DIFFER_METRICS + metric] >= given - 1e-9 * fabs(given) - 1e-15;
	return as_large / (rounds + 1.0);
}

/* Deals `from` to from + d->batch, or the last. Returns how many. */
static int deal_batch(struct dealing *d, struct pool *pool, int from, int rounds)
{
	int n = rounds + 1 - from < d->batch ? rounds + 1 - from : d->batch;
	d->from = from;
	pool_run(pool, n, deal_round, d);
	return n;
}

/* All deals twice, for their means and for how far each is from these; once where their values find room. */
static void deal_all(struct dealing *d, struct pool *pool, int rounds, double *mean, double *t)
{
	int whole = d->batch > rounds;
	for (int from = 0; from <= rounds; from += d->batch)
		add_values(d, deal_batch(d, pool, from, rounds), mean);
	for (size_t i = 0; i < d->groups * DIFFER_METRICS; i++)
		mean[i] /= rounds + 1;
	d->again = 1;
	for (int from = 0; from <= rounds; from += d->batch) {
		int n = whole ? rounds + 1 : deal_batch(d, pool, from, rounds);
		for (int r = 0; r < n; r++)
			spread_of_deal(d, r, mean, t + (size_t)(from + r) * DIFFER_METRICS);
	}
}

static int dealing_init(struct dealing *d, int threads, struct err *err)
{
	size_t n = d->w->n, t = (size_t)threads;
	if (mem_alloc(&d->size, d->groups, sizeof *d->size, err) || mem_alloc(&d->conf, n, sizeof *d->conf, err) ||
	    mem_alloc(&d->bin, n, sizeof *d->bin, err) || mem_alloc(&d->dealt, t, sizeof *d->dealt, err) ||
	    mem_alloc(&d->cell, t, sizeof *d->cell, err) || mem_alloc(&d->loss, t, sizeof *d->loss, err) ||
	    mem_alloc(&d->value, (size_t)d->batch * d->groups, DIFFER_METRICS * sizeof *d->value, err))
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
	      int threads, const char *progress, struct err *err)
{
	struct dealing deal = {
		.w = w, .group = group, .groups = (size_t)groups, .bins = (size_t)bins, .seed = seed
	};
	struct pool *pool;
	double *mean = NULL, *t = NULL;
	double rounds = fmin(DIFFER_ROUNDS, fmax(DIFFER_LEAST, floor(DIFFER_VISITS / (double)w->n)));
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
	deal.rounds = d->rounds;
	deal.batch = (int)fmin(rounds + 1, fmax(DIFFER_VALUES / groups, 16));
	if (!mem_alloc(&mean, deal.groups, DIFFER_METRICS * sizeof *mean, err) &&
	    !mem_alloc(&t, (size_t)d->rounds + 1, DIFFER_METRICS * sizeof *t, err) &&
	    !dealing_init(&deal, pool_threads(pool), err)) {
		int times = deal.batch > d->rounds ? 1 : 2;
		progress_begin(&deal.progress, progress, (uint64_t)times * ((uint64_t)d->rounds + 1), !progress);
		deal_all(&deal, pool, d->rounds, mean, t);
		progress_end(&deal.progress);
		for (int m = 0; m < DIFFER_METRICS; m++)
			d->p[m] = p_of_metric(t, d->rounds, m);
		rc = 0;
	}
	free(t);
	free(mean);
	dealing_release(&deal, pool_threads(pool));
	pool_close(pool);
	return rc;
}

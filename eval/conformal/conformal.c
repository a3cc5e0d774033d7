/* Conformal scores and thresholds. Sums run from the least probability up, so they depend on no order of classes, and
 * the sum below a class is exact to its own last digits however near to 1 the sum above it is. */
#include "conformal.h"
#include "eval/metrics/metrics.h"
#include "eval/metrics/roc.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/philox.h"
#include "pipeline/base/stats.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *conformal_name(enum conformal_method method)
{
	static const char *const name[CONFORMAL_METHODS] = { "lac", "aps", "raps" };
	return name[method];
}

int ranked_init(struct ranked *r, int k, struct err *err)
{
	*r = (struct ranked){ .k = k };
	if (!mem_alloc(&r->rising, (size_t)k, sizeof *r->rising, err) &&
	    !mem_alloc(&r->below, (size_t)k + 1, sizeof *r->below, err))
		return 0;
	ranked_release(r);
	return -1;
}

void ranked_release(struct ranked *r)
{
	free(r->rising);
	free(r->below);
	*r = (struct ranked){ 0 };
}

void ranked_set(struct ranked *r, const double *p)
{
	memcpy(r->rising, p, (size_t)r->k * sizeof *p);
	sort_rising(r->rising, (size_t)r->k);
	for (int i = 0; i < r->k; i++)
		r->below[i + 1] = r->below[i] + r->rising[i];
}

/* 1 - s of the classes rising[from..to), which tie. */
static double complement_of(const struct conformal *c, const struct ranked *r, int from, int to, double u)
{
	double p = r->rising[from], over = 0;
	if (c->method == CONFORMAL_LAC)
		return p;
	if (c->method == CONFORMAL_RAPS)
		over = c->lambda * fmax(0, (double)r->k - from - (double)c->k_reg);
	return r->below[from] + (1 - u) * (to - from) * p - over;
}

/* The first of rising[] that is at least p. */
static int first_of(const struct ranked *r, double p)
{
	int lo = 0, hi = r->k;
	while (lo < hi) {
		int mid = lo + (hi - lo) / 2;
		if (r->rising[mid] < p)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

double conformal_complement(const struct conformal *c, const struct ranked *r, double p, double u)
{
	int from = first_of(r, p), to = from;
	while (to < r->k && r->rising[to] == p)
		to++;
	return complement_of(c, r, from, to, u);
}

/* The complement falls with p, so the set is cut at the first group of ties, from above, that is out. */
double conformal_cut(const struct conformal *c, const struct ranked *r, double u)
{
	double cut = INFINITY;
	for (int to = r->k; to > 0;) {
		int from = to - 1;
		while (from > 0 && r->rising[from - 1] == r->rising[from])
			from--;
		if (!(complement_of(c, r, from, to, u) >= c->complement))
			break;
		cut = r->rising[from];
		to = from;
	}
	return cut;
}

double conformal_u(const struct conformal *c, uint64_t seed, int applied, uint64_t i)
{
	struct rng r;
	if (!c->randomised)
		return 1;
	rng_init(&r, seed, RNG_CONFORMAL, (uint32_t)i, (uint32_t)(i >> 32) << 1 | (uint32_t)applied);
	return rng_real(&r);
}

/* x, or the whole number that it is but for rounding. */
static double but_for_rounding(double x)
{
	double whole = round(x);
	return fabs(x - whole) <= 4 * DBL_EPSILON * x ? whole : x;
}

uint64_t conformal_rank(uint64_t n, double alpha)
{
	return n + 1 - (uint64_t)floor(but_for_rounding(((double)n + 1) * alpha));
}

uint64_t conformal_least(double alpha)
{
	return (uint64_t)ceil(but_for_rounding(1 / alpha)) - 1;
}

int conformal_fit(struct conformal *c, const double *complement, size_t n, struct err *err)
{
	uint64_t *key;
	c->n = n;
	c->rank = conformal_rank(n, c->alpha);
	c->tied = 0;
	c->complement = -INFINITY;
	if (c->rank > n)
		return 0;
	if (mem_room(&key, n * sizeof *key, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		key[i] = roc_key(complement[i]);
	int rc = whole_sort(key, n, err);
	if (!rc) { /* the rank-th smallest score has the rank-th largest complement */
		uint64_t threshold = key[n - c->rank];
		c->complement = roc_score(threshold);
		for (size_t i = 0; i < n; i++)
			c->tied += key[i] == threshold;
		c->tied--;
	}
	free(key);
	return rc;
}

double conformal_coverage(const struct conformal *c, double q)
{
	double lo = 0, hi = 1;
	if (c->rank > c->n)
		return 1;
	for (int i = 0; i < 60; i++) {
		double mid = lo + (hi - lo) / 2;
		if (beta_inc((double)c->rank, (double)(c->n + 1 - c->rank), mid) < q)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

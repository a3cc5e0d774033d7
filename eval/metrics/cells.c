/* Cells cut and drawn. */
#include "cells.h"
#include "pipeline/base/mem.h"

#include <math.h>
#include <stdlib.h>

static size_t group_end(const conf_key *k, size_t n, size_t from)
{
	size_t to = from + 1;
	while (to < n && conf_order(k[to]) == conf_order(k[from]))
		to++;
	return to;
}

static int same_bins(conf_key a, conf_key b, const int *bins, int n_bins)
{
	for (int i = 0; i < n_bins; i++)
		if (bin_of(bins[i], conf_p(a)) != bin_of(bins[i], conf_p(b)))
			return 0;
	return 1;
}

static struct cell cell_of(const conf_key *k, size_t from, size_t to)
{
	struct cell c = { .end = to };
	fix sum = 0;
	for (size_t i = from; i < to; i++) {
		double p = conf_p(k[i]), q = conf_rest(k[i]);
		sum += fix_of(p);
		c.variance += p * q;
		c.third += p * q * (q - p);
		c.right += (uint64_t)conf_right(k[i]);
	}
	c.mean = fix_real(sum) / (double)(to - from);
	return c;
}

int cells_cut(struct cells *c, const conf_key *k, size_t n, const int *bins, int n_bins, struct err *err)
{
	size_t groups = 0, cap = 0;
	*c = (struct cells){ .key = k, .records = n };
	for (size_t at = 0; at < n && groups <= CELLS_FROM; groups++)
		at = group_end(k, n, at);
	for (size_t from = 0, to; from < n; from = to) {
		size_t beyond = from < n - from ? from : n - from, most = beyond / 64;
		most = groups <= CELLS_FROM ? 1 : most < n / 4096 ? most : n / 4096;
		to = group_end(k, n, from);
		for (size_t next = to; next < n && (next = group_end(k, n, next)) - from <= most;) {
			if (!same_bins(k[from], k[next - 1], bins, n_bins))
				break;
			to = next;
		}
		if (mem_grow(&c->cell, &cap, c->n + 1, sizeof *c->cell, err)) {
			cells_release(c);
			return -1;
		}
		c->cell[c->n++] = cell_of(k, from, to);
	}
	return 0;
}

void cells_release(struct cells *c)
{
	free(c->cell);
	*c = (struct cells){ 0 };
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

double cell_draw(const struct cells *cells, size_t i, struct rng *r)
{
	enum { FEW = 64 };
	const struct cell *c = &cells->cell[i];
	size_t size = cell_size(cells, i);
	double n = (double)size, right = 0;
	if (size <= FEW) {
		for (size_t at = c->end - size; at < c->end; at++)
			right += rng_real(r) < conf_p(cells->key[at]);
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

void cells_resample(const struct cells *c, struct rng *r, struct tally *t)
{
	for (size_t i = 0; i < c->n; i++) {
		double right = (double)c->cell[i].right;
		t[i].right = rng_poisson(r, right);
		t[i].n = t[i].right + rng_poisson(r, (double)cell_size(c, i) - right);
	}
}

void cells_calibrate(const struct cells *c, struct rng *r, struct tally *t)
{
	for (size_t i = 0; i < c->n; i++)
		t[i] = (struct tally){ (double)cell_size(c, i), cell_draw(c, i, r) };
}

/* Smooth ECE. Residuals right - conf are laid on a fine grid once; for a width sigma the grid is coarsened to sigma/8
 * and smoothed with a Gaussian that is reflected at 0 and 1, so one trial costs O(1/sigma) and not O(n). */
#include "metrics.h"
#include "pipeline/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FINE = 1 << 16, PER_WIDTH = 8, REACH = 6 }; /* cells a width; widths a Gaussian reaches: 2e-9 is cut off */

struct grid {
	double *fine;		 /* [FINE + 1] mass at i / FINE */
	double *coarse, *padded; /* scratch */
	double n;
};

/* Mass m at x in [0,1] goes to the two nearest nodes, nearer more: its mean stays where it was. */
static void deposit(double *node, size_t cells, double x, double m)
{
	double at = x * (double)cells;
	size_t i = (size_t)at;
	if (i >= cells)
		i = cells - 1;
	double u = at - (double)i;
	node[i] += m * (1 - u);
	node[i + 1] += m * u;
}

/* Integral over [0,1] of |smoothed residuals|. */
static double error_at(struct grid *g, double sigma)
{
	size_t cells = (size_t)ceil(PER_WIDTH / sigma);
	if (cells > FINE)
		cells = FINE;
	if (cells < 128)
		cells = 128;
	double *node = g->coarse, h = 1.0 / (double)cells;
	memset(node, 0, (cells + 1) * sizeof *node);
	for (size_t i = 0; i <= FINE; i++)
		if (g->fine[i] != 0)
			deposit(node, cells, (double)i / FINE, g->fine[i]);
	/* Spreading over two nodes has already smoothed, by h^2/6 on average. */
	double variance = sigma * sigma - h * h / 6, width = variance > h * h / 36 ? sqrt(variance) : h / 6;
	size_t reach = (size_t)ceil(REACH * width / h);
	if (reach > 8 * (size_t)FINE)
		reach = 8 * (size_t)FINE;
	double total = 0, *kernel = g->padded;
	for (size_t d = 0; d <= reach; d++) {
		double x = (double)d * h / width;
		kernel[d] = exp(-0.5 * x * x);
		total += d ? 2 * kernel[d] : kernel[d];
	}
	/* The line is continued evenly beyond 0 and 1: a node's mirror images. The end nodes are their own images and
	 * count twice. */
	double *line = kernel + reach + 1, sum = 0;
	long period = 2 * (long)cells;
	for (long i = -(long)reach; i <= (long)(cells + reach); i++) {
		long j = ((i % period) + period) % period;
		if (j > (long)cells)
			j = period - j;
		line[i + (long)reach] = node[j] * (j == 0 || j == (long)cells ? 2 : 1);
	}
	for (size_t i = 0; i <= cells; i++) {
		const double *c = line + i + reach;
		double v = kernel[0] * c[0];
		for (size_t d = 1; d <= reach; d++)
			v += kernel[d] * (c[-(long)d] + c[d]);
		sum += fabs(v) * (i == 0 || i == cells ? 0.5 : 1);
	}
	return sum / total / g->n;
}

/* The error falls as the width rises, smoothly: bisection on the logarithm of the width down to a ratio of 1.02, then
 * one straight line between the ends. A trial costs O(1/width), so the few trials matter where the error is small. */
static void solve(struct grid *g, double *value, double *width)
{
	double lo = log(4.0 / FINE), hi = 0, above = 0, below = error_at(g, 1) - 1;
	int crossed = 0;
	while (hi - lo > 0.02) {
		double mid = 0.5 * (lo + hi), d = error_at(g, exp(mid)) - exp(mid);
		if (d > 0) {
			lo = mid;
			above = d;
			crossed = 1;
		} else {
			hi = mid;
			below = d;
		}
	}
	*width = exp(crossed ? lo + (hi - lo) * above / (above - below) : hi);
	*value = error_at(g, *width);
}

static int grid_open(struct grid *g, size_t n, struct err *err)
{
	*g = (struct grid){ .n = (double)n };
	/* REACH * width / h <= REACH * PER_WIDTH + 1 cells on either side, or 16 times that on the coarsest grid. */
	return mem_alloc(&g->fine, FINE + 1, sizeof *g->fine, err) ||
			       mem_alloc(&g->coarse, FINE + 1, sizeof *g->coarse, err) ||
			       mem_alloc(&g->padded, FINE + 1 + 4 * (REACH * PER_WIDTH * 16 + 2), sizeof *g->padded,
					 err)
		       ? -1
		       : 0;
}

static void grid_release(struct grid *g)
{
	free(g->fine);
	free(g->coarse);
	free(g->padded);
}

int smooth_ece(const conf_key *k, size_t n, double *value, double *width, struct err *err)
{
	struct grid g;
	int rc = grid_open(&g, n, err);
	if (!rc) {
		for (size_t i = 0; i < n; i++)
			deposit(g.fine, FINE, conf_p(k[i]), conf_right(k[i]) ? conf_rest(k[i]) : -conf_p(k[i]));
		solve(&g, value, width);
	}
	grid_release(&g);
	return rc;
}

int smooth_residuals(const double *x, const double *residual, size_t n, double *value, struct err *err)
{
	struct grid g;
	double width;
	int rc = grid_open(&g, n, err);
	if (!rc) {
		for (size_t i = 0; i < n; i++)
			deposit(g.fine, FINE, x[i], residual[i]);
		solve(&g, value, &width);
	}
	grid_release(&g);
	return rc;
}

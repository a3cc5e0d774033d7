/* Smooth ECE. Residuals right - conf are laid on a fine grid once, and that is halved again and again; for a width
 * sigma the grid whose cells are just below sigma/8 is smoothed with a Gaussian that is reflected at 0 and 1. So one
 * trial costs O(1/sigma) and not O(n). */
#include "metrics.h"
#include "pipeline/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Grids of 2^LEAST to 2^MOST cells. PER_WIDTH: cells a width, at least; REACH: widths a Gaussian reaches. */
enum { LEAST = 7, MOST = 16, FINE = 1 << MOST, PER_WIDTH = 8, REACH = 6 };
_Static_assert((int)FINE == (int)TERMS_FINE, "residuals are laid on the finest grid");

struct grid {
	double *memory;
	double *node[MOST + 1]; /* [level][2^level + 1]: mass at i / 2^level */
	double *padded;		/* scratch */
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

/* The line is continued evenly beyond 0 and 1: a node's mirror images. The end nodes are their own images and count
 * twice. line: [cells + 1 + 2 reach] */
static void lay_line(double *line, const double *node, size_t cells, size_t reach)
{
	size_t at = reach % (2 * cells);
	int step = at > cells ? 1 : -1;
	at = at > cells ? 2 * cells - at : at; /* the image of -reach */
	for (size_t i = 0; i < cells + 1 + 2 * reach; i++) {
		line[i] = node[at] * (at == 0 || at == cells ? 2 : 1);
		step = at == 0 ? 1 : at == cells ? -1 : step;
		at = step > 0 ? at + 1 : at - 1;
	}
}

/* Pairs are what every processor's registers hold. */
enum { NEIGHBOURS = 8 };
typedef double pair __attribute__((vector_size(16)));

static inline pair pair_at(const double *p)
{
	pair v;
	memcpy(&v, p, sizeof v);
	return v;
}

/* Integral over [0,1] of |smoothed residuals|. */
static double error_at(struct grid *g, double sigma)
{
	int level = LEAST;
	while (level < MOST && (1 << level) * sigma < PER_WIDTH)
		level++;
	size_t cells = (size_t)1 << level;
	const double *node = g->node[level];
	double h = 1.0 / (double)cells;
	/* Spreading over two nodes has already smoothed, by h^2/6 on average. */
	double variance = sigma * sigma - h * h / 6, width = variance > h * h / 36 ? sqrt(variance) : h / 6;
	size_t reach = (size_t)ceil(REACH * width / h);
	double total = 0, *kernel = g->padded;
	for (size_t d = 0; d <= reach; d++) {
		double x = (double)d * h / width;
		kernel[d] = exp(-0.5 * x * x);
		total += d ? 2 * kernel[d] : kernel[d];
	}
	double *line = kernel + reach + 1, sum = 0;
	lay_line(line, node, cells, reach);
	/* Eight neighbours at a time, so that no addition waits for the one before it; the places after the last node
	 * are padding and not summed. */
	for (size_t i = 0; i <= cells; i += NEIGHBOURS) {
		const double *c = line + i + reach;
		pair v0 = kernel[0] * pair_at(c), v1 = kernel[0] * pair_at(c + 2);
		pair v2 = kernel[0] * pair_at(c + 4), v3 = kernel[0] * pair_at(c + 6);
		for (size_t d = 1; d <= reach; d++) {
			const double *left = c - d, *right = c + d;
			v0 += kernel[d] * (pair_at(left) + pair_at(right));
			v1 += kernel[d] * (pair_at(left + 2) + pair_at(right + 2));
			v2 += kernel[d] * (pair_at(left + 4) + pair_at(right + 4));
			v3 += kernel[d] * (pair_at(left + 6) + pair_at(right + 6));
		}
		const double v[NEIGHBOURS] = { v0[0], v0[1], v1[0], v1[1], v2[0], v2[1], v3[0], v3[1] };
		for (size_t j = 0; j < NEIGHBOURS && i + j <= cells; j++)
			sum += fabs(v[j]) * (i + j == 0 || i + j == cells ? 0.5 : 1);
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

/* At the least level a width of 1 is 2^LEAST cells, above it a width is at most 2 PER_WIDTH. */
static int grid_open(struct grid *g, double n, struct err *err)
{
	*g = (struct grid){ .n = n };
	if (mem_alloc(&g->memory, 2 * FINE + MOST, sizeof *g->memory, err) ||
	    mem_alloc(&g->padded, FINE + 8 + 4 * ((REACH << LEAST) + 2), sizeof *g->padded, err))
		return -1;
	g->node[MOST] = g->memory;
	for (int l = MOST - 1; l >= LEAST; l--)
		g->node[l] = g->node[l + 1] + (2 << l) + 1;
	return 0;
}

/* Every second node of a level; what lies between goes to both neighbours. */
static void grid_halve(struct grid *g)
{
	for (int l = MOST - 1; l >= LEAST; l--) {
		const double *fine = g->node[l + 1];
		double *node = g->node[l];
		size_t cells = (size_t)1 << l;
		for (size_t i = 0; i <= cells; i++)
			node[i] = fine[2 * i] + 0.5 * ((i ? fine[2 * i - 1] : 0) + (i < cells ? fine[2 * i + 1] : 0));
	}
}

static void grid_release(struct grid *g)
{
	free(g->memory);
	free(g->padded);
}

int smoothing_begin(struct smoothing *s, size_t n, struct err *err)
{
	*s = (struct smoothing){ 0 };
	if (mem_alloc(&s->grid, 1, sizeof *s->grid, err) || grid_open(s->grid, (double)n, err)) {
		smoothing_release(s);
		return -1;
	}
	return 0;
}

/* deposit of every residual, to the same bits: while records follow each other into one cell both of its nodes are
 * held, and no addition waits for memory. */
void smoothing_add(struct smoothing *s, size_t n, const struct key_terms *t)
{
	double *node = s->grid->node[MOST], lower = s->lower, upper = s->upper;
	int64_t cell = s->cell;
	for (size_t i = 0; i < n; i++) {
		if (t->cell[i] != cell) {
			node[cell] = lower;
			node[cell + 1] = upper;
			cell = t->cell[i];
			lower = node[cell];
			upper = node[cell + 1];
		}
		lower += t->lower[i];
		upper += t->upper[i];
	}
	s->cell = cell;
	s->lower = lower;
	s->upper = upper;
}

void smoothing_end(struct smoothing *s, double *value, double *width)
{
	double *node = s->grid->node[MOST];
	node[s->cell] = s->lower;
	node[s->cell + 1] = s->upper;
	grid_halve(s->grid);
	solve(s->grid, value, width);
	smoothing_release(s);
}

void smoothing_release(struct smoothing *s)
{
	if (s->grid)
		grid_release(s->grid);
	free(s->grid);
	s->grid = NULL;
}

int smooth_ece(const conf_key *k, size_t n, double *value, double *width, struct err *err)
{
	struct smoothing s;
	struct key_terms t;
	if (smoothing_begin(&s, n, err))
		return -1;
	for (size_t at = 0, m; (m = keys_terms(k, n, at, &t)); at += m)
		smoothing_add(&s, m, &t);
	smoothing_end(&s, value, width);
	return 0;
}

int smooth_residuals(const double *x, const double *residual, size_t m, double n, double *value, struct err *err)
{
	struct grid g;
	double width;
	int rc = grid_open(&g, n, err);
	if (!rc) {
		for (size_t i = 0; i < m; i++)
			deposit(g.node[MOST], FINE, x[i], residual[i]);
		grid_halve(&g);
		solve(&g, value, &width);
	}
	grid_release(&g);
	return rc;
}

/* Smooth ECE: the width of the Gaussian that equals the error after smoothing by it. */
#include "metrics.h"
#include "eval/records/grid.h"
#include "pipeline/base/mem.h"

#include <math.h>
#include <stdlib.h>

/* Widths that are tried: from 4 / GRID_FINE to 1, in 2^TRIALS equal steps of the logarithm, each of a ratio below
 * 1.02. */
enum { TRIALS = 9, WIDEST = 1 << TRIALS };

/* By halving, whose roundings are part of the value. */
static double log_width(int i)
{
	double lo = log(4.0 / GRID_FINE), hi = 0;
	for (int a = 0, b = WIDEST; a < i && i < b;) {
		double mid = 0.5 * (lo + hi);
		if (i < (a + b) / 2) {
			b = (a + b) / 2;
			hi = mid;
		} else {
			a = (a + b) / 2;
			lo = mid;
		}
	}
	return i == WIDEST ? hi : lo;
}

/* Widths between which error - width changes its sign; NaN where it has not been looked at. */
struct bracket {
	int lo, hi;
	double above, below;
};

/* Where noise alone would have the two meet: residuals of a sum of squares S n^2 over half of the line have an error of
 * sqrt(S / (2 pi sqrt(pi) sigma)). And an error is the mean residual, or more. */
static double first_guess(const struct grid *g)
{
	const struct level *l = &g->level[GRID_LEAST];
	const double *mass = l->node ? l->node : l->mass;
	double sum = 0, square = 0;
	for (size_t i = 0, n = l->node ? (1 << GRID_LEAST) + 1 : l->n; i < n; i++) {
		sum += mass[i];
		square += mass[i] * mass[i];
	}
	return fmax(cbrt(square / (g->n * g->n) / 11.1), fabs(sum) / g->n);
}

/* The error falls as the width rises, smoothly, so one step of the widths holds the place where they are equal, however
 * it is found: near powers of each other, they are nearly straight lines of logarithms. */
static void find(struct grid *g, struct bracket *b)
{
	const double per_step = -log(4.0 / GRID_FINE) / WIDEST, usual = 0.3;
	double guess = log(first_guess(g)), last_x = NAN, last_y = NAN;
	for (int trial = 0; b->hi - b->lo > 1; trial++) {
		double place = fmin(fmax(floor(WIDEST + guess / per_step), b->lo), b->hi);
		int i = (int)place <= b->lo ? b->lo + 1 : (int)place >= b->hi ? b->hi - 1 : (int)place;
		if (trial > TRIALS)
			i = (b->lo + b->hi) / 2;
		double x = log_width(i), error = grid_error(g, exp(x)), d = error - exp(x);
		if (d > 0) {
			b->lo = i;
			b->above = d;
		} else {
			b->hi = i;
			b->below = d;
		}
		double y = log(error), slope = (last_y - y) / (x - last_x);
		slope = slope >= 0 && slope <= 4 ? slope : usual;
		guess = (y + slope * x) / (1 + slope);
		last_x = x;
		last_y = y;
	}
}

/* One straight line between the ends of the step. A trial costs O(1/width), so the few trials matter where the error is
 * small. */
static void solve(struct grid *g, double *value, double *width)
{
	struct bracket b = { 0, WIDEST, NAN, NAN };
	find(g, &b);
	double lo = log_width(b.lo), hi = log_width(b.hi);
	if (isnan(b.below))
		b.below = grid_error(g, 1) - 1;
	*width = exp(b.lo ? lo + (hi - lo) * b.above / (b.above - b.below) : hi);
	*value = grid_error(g, *width);
}

int smoothing_begin(struct smoothing *s, size_t n, struct err *err)
{
	*s = (struct smoothing){ 0 };
	if (mem_alloc(&s->grid, 1, sizeof *s->grid, err) || grid_open(s->grid, (double)n, n, 1, err)) {
		smoothing_release(s);
		return -1;
	}
	return 0;
}

/* grid_add of every residual, to the same bits: while records follow each other into one cell both of its nodes are
 * held, and no addition waits for memory. */
void smoothing_add(struct smoothing *s, size_t n, const struct key_terms *t)
{
	double *node = s->grid->level[GRID_MOST].node, lower = s->lower, upper = s->upper;
	int64_t cell = s->cell;
	for (size_t i = 0; i < n && !node; i++)
		grid_add(s->grid, (uint32_t)t->cell[i], t->lower[i], t->upper[i]);
	for (size_t i = 0; i < n && node; i++) {
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
	double *node = s->grid->level[GRID_MOST].node;
	if (node) {
		node[s->cell] = s->lower;
		node[s->cell + 1] = s->upper;
	}
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
	int rising = 1;
	for (size_t i = 1; i < m; i++)
		rising &= x[i - 1] <= x[i];
	int rc = grid_open(&g, n, m, rising, err);
	if (!rc) {
		for (size_t i = 0; i < m; i++)
			grid_add_at(&g, x[i], residual[i]);
		grid_halve(&g);
		solve(&g, value, &width);
	}
	grid_release(&g);
	return rc;
}

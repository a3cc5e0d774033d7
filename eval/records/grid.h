/* grid: masses on [0,1], laid on a fine grid that is halved again and again, and the integral of their absolute value
 * when smoothed by a Gaussian that is reflected at 0 and 1: smooth ECE's, of residuals right - conf.
 *
 *   grid_open(&g, n, m, rising, err); grid_add_at(&g, x, mass); ... grid_halve(&g); grid_error(&g, sigma);
 *
 * For a width sigma the grid whose cells are just below sigma/8 is smoothed, so a call costs O(1/sigma); the rest
 * follows the number of masses. */
#ifndef VIC_EVAL_GRID_H
#define VIC_EVAL_GRID_H

#include "pipeline/base/err.h"

#include <stddef.h>
#include <stdint.h>

/* Grids of 2^LEAST to 2^MOST cells. */
enum { GRID_LEAST = 7, GRID_MOST = 16, GRID_FINE = 1 << GRID_MOST };

struct level {
	double *node;	/* [2^level + 1]: mass at i / 2^level; NULL: a list */
	uint32_t *at;	/* [n] nodes with mass, rising */
	double *mass;	/* [n] theirs */
	size_t n;
};

struct grid {
	double *memory;
	uint32_t *places;
	struct level level[GRID_MOST + 1];
	double *padded; /* scratch */
	int32_t *image; /* scratch */
	double n;
};

/* An empty grid for at most m masses, whose sum of absolute values is n or less; rising: they come by rising place. On
 * failure it is still to be released. */
int grid_open(struct grid *g, double n, size_t m, int rising, struct err *err) VIC_CHECKED;
/* Mass m at x in [0,1] goes to the two nearest nodes, nearer more: its mean stays where it was. */
void grid_add_at(struct grid *g, double x, double m);
/* What goes to the lower and the upper end of a cell of the finest grid. */
void grid_add(struct grid *g, uint32_t cell, double lower, double upper);
/* Once all masses are there, before any grid_error. */
void grid_halve(struct grid *g);
/* Integral over [0,1] of |smoothed masses|, divided by n. sigma: 4 / GRID_FINE to 1. */
double grid_error(struct grid *g, double sigma);
void grid_release(struct grid *g);

#endif

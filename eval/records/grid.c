/* Few records leave most of a fine grid empty. Its levels are lists of the nodes that have any mass, from the finest to
 * the first that is no longer sparse, so that what a grid costs follows its records; the sums are those of whole levels
 * to the bit. */
#include "grid.h"
#include "key_terms.h"
#include "softmax.h"
#include "pipeline/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* PER_WIDTH: cells a width, at least; REACH: widths a Gaussian reaches. */
enum { FINE = GRID_FINE, LEAST = GRID_LEAST, MOST = GRID_MOST, PER_WIDTH = 8, REACH = 6 };
_Static_assert((int)FINE == (int)TERMS_FINE, "residuals are laid on the finest grid");
/* A list pays where a level has so many cells, or more, a node of it. */
enum { SPARSE = 4 };

void grid_add(struct grid *g, uint32_t cell, double lower, double upper)
{
	struct level *fine = &g->level[MOST];
	if (fine->node) {
		fine->node[cell] += lower;
		fine->node[cell + 1] += upper;
		return;
	}
	size_t n = fine->n;
	if (n && fine->at[n - 1] == cell + 1) {
		fine->mass[n - 2] += lower;
		fine->mass[n - 1] += upper;
		return;
	}
	if (n && fine->at[n - 1] == cell) {
		fine->mass[n - 1] += lower;
	} else {
		fine->at[n] = cell;
		fine->mass[n++] = lower;
	}
	fine->at[n] = cell + 1;
	fine->mass[n++] = upper;
	fine->n = n;
}

void grid_add_at(struct grid *g, double x, double m)
{
	double at = x * (double)FINE;
	size_t i = (size_t)at;
	if (i >= FINE)
		i = FINE - 1;
	double u = at - (double)i;
	grid_add(g, (uint32_t)i, m * (1 - u), m * u);
}

/* The line is continued evenly beyond 0 and 1: a node's mirror images. The end nodes are their own images and count
 * twice. line: [cells + 1 + 2 reach] */
static void lay_nodes(double *line, const double *node, size_t cells, size_t reach)
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

/* m at the place of a node and wherever the line comes back to it on the same way. */
static void lay_images(double *line, size_t places, size_t first, size_t period, double m)
{
	for (size_t i = first % period; i < places; i += period)
		line[i] = m;
}

/* Places that nodes from *i on reach without a gap, *from to *to; *i becomes the first node beyond. What a mirror image
 * reaches, its node does. Returns 0 where there are none. */
static int next_range(const struct level *l, size_t cells, size_t reach, size_t *i, size_t *from, size_t *to)
{
	if (*i == l->n)
		return 0;
	*from = l->at[*i] > reach ? l->at[*i] - reach : 0;
	while (++*i < l->n && l->at[*i] <= l->at[*i - 1] + 2 * reach + LINE_BEYOND)
		;
	*to = l->at[*i - 1] + reach < cells ? l->at[*i - 1] + reach : cells;
	return 1;
}

/* The same line from a list, where it will be read. */
static void lay_list(double *line, const struct level *l, size_t cells, size_t reach)
{
	size_t places = cells + 1 + 2 * reach, period = 2 * cells;
	size_t turns = (reach + period - 1) / period * period; /* so that no difference below is negative */
	for (size_t i = 0, from, to; next_range(l, cells, reach, &i, &from, &to);)
		memset(line + from, 0, (to + 1 - from + 2 * reach + LINE_BEYOND) * sizeof *line);
	for (size_t i = 0; i < l->n; i++) {
		int end = l->at[i] == 0 || l->at[i] == cells;
		double m = end ? 2 * l->mass[i] : l->mass[i];
		lay_images(line, places, reach + l->at[i], period, m);
		if (!end)
			lay_images(line, places, reach + turns + period - l->at[i], period, m);
	}
}

/* A line of more cells is mostly out of the reach of a few points. */
enum { POINT_CELLS = 2048 };

/* Points of mass are fewer than taps of the Gaussian, which reaches 2^LEAST REACH cells at most. */
static int are_few(const struct level *l, size_t cells, size_t reach)
{
	return !l->node && cells <= POINT_CELLS && l->n * (cells + 2 * reach) <= reach * cells;
}
enum { IMAGES = 3 * (REACH << LEAST) }; /* of a node (cells + 2 reach) / cells, and two more, at most */

/* Where nodes and their mirror images are, and their masses; returns how many. */
static size_t list_images(int32_t *at, double *mass, const struct level *l, int32_t cells, int32_t reach)
{
	int32_t period = 2 * cells, first = -(reach / period + 1) * period;
	size_t n = 0;
	for (size_t i = 0; i < l->n; i++) {
		int32_t node = (int32_t)l->at[i];
		int end = node == 0 || node == cells;
		for (int32_t turn = first - node; turn <= cells + reach; turn += period)
			for (int32_t place = turn; place <= turn + (end ? 0 : 2 * node); place += 2 * node + end) {
				if (place < -reach || place > cells + reach)
					continue;
				at[n] = place;
				mass[n++] = end ? 2 * l->mass[i] : l->mass[i];
			}
	}
	return n;
}

/* The same integral of a few points of mass, each of which adds its Gaussian to all places; equal to rounding. width:
 * in cells. Scratch holds a Gaussian, zeros at both its sides, and the masses. */
static double point_error(struct grid *g, const struct level *l, size_t cells, double width, size_t reach)
{
	size_t side = (cells + reach + LINE_BEYOND + LANES) / LANES * LANES, reached = (reach + LANES) / LANES * LANES;
	double *shape = g->padded + side, *mass = shape + side, total = 0;
	for (size_t d = 0; d < reached; d++) {
		double x = (double)d / width;
		shape[d] = d <= reach ? -0.5 * x * x : -INFINITY;
	}
	softmax_ops()->exp_many(shape, reached);
	memset(shape + reached, 0, (side - reached) * sizeof *shape);
	for (size_t d = 1; d < side; d++)
		shape[-(int64_t)d] = shape[d];
	for (size_t d = 0; d <= reach; d++)
		total += d ? 2 * shape[d] : shape[d];
	size_t n = list_images(g->image, mass, l, (int32_t)cells, (int32_t)reach);
	return softmax_ops()->smooth_points(g->image, mass, n, shape, cells) / total / g->n;
}

/* Smoothed by kernel[0..reach], which is not normed. */
static double line_error(const struct level *l, const double *kernel, double *line, size_t cells, size_t reach)
{
	double sum = 0;
	if (l->node) {
		lay_nodes(line, l->node, cells, reach);
		memset(line + cells + 1 + 2 * reach, 0, LINE_BEYOND * sizeof *line);
		return softmax_ops()->smooth_line(line, kernel, reach, cells, 0, cells, sum);
	}
	lay_list(line, l, cells, reach);
	for (size_t i = 0, from, to; next_range(l, cells, reach, &i, &from, &to);)
		sum = softmax_ops()->smooth_line(line, kernel, reach, cells, from, to, sum);
	return sum;
}

double grid_error(struct grid *g, double sigma)
{
	int level = LEAST;
	while (level < MOST && (1 << level) * sigma < PER_WIDTH)
		level++;
	size_t cells = (size_t)1 << level;
	const struct level *l = &g->level[level];
	double h = 1.0 / (double)cells;
	/* Spreading over two nodes has already smoothed, by h^2/6 on average. */
	double variance = sigma * sigma - h * h / 6, width = variance > h * h / 36 ? sqrt(variance) : h / 6;
	size_t reach = (size_t)ceil(REACH * width / h);
	double total = 0, *kernel = g->padded;
	if (are_few(l, cells, reach))
		return point_error(g, l, cells, width / h, reach);
	for (size_t d = 0; d <= reach; d++) {
		double x = (double)d * h / width;
		kernel[d] = exp(-0.5 * x * x);
		total += d ? 2 * kernel[d] : kernel[d];
	}
	return line_error(l, kernel, kernel + reach + 1, cells, reach) / total / g->n;
}

/* At the least level a width of 1 is 2^LEAST cells, above it a width is at most 2 PER_WIDTH. */
int grid_open(struct grid *g, double n, size_t m, int rising, struct err *err)
{
	int list = rising && m <= FINE / SPARSE / 2;
	size_t of_lists = list ? 2 * m * (MOST + 1 - LEAST) : 0;
	*g = (struct grid){ .n = n };
	if (mem_room(&g->memory, (2 * FINE + MOST + of_lists) * sizeof *g->memory, err) ||
	    mem_room(&g->places, of_lists * sizeof *g->places, err) ||
	    mem_room(&g->image, IMAGES * sizeof *g->image, err) ||
	    mem_room(&g->padded, (FINE + LINE_BEYOND + 4 * ((REACH << LEAST) + 2)) * sizeof *g->padded, err))
		return -1;
	for (int l = MOST; l >= LEAST && list; l--) {
		g->level[l].at = g->places + (size_t)(MOST - l) * 2 * m;
		g->level[l].mass = g->memory + 2 * FINE + MOST + (size_t)(MOST - l) * 2 * m;
	}
	if (!list) {
		g->level[MOST].node = g->memory;
		memset(g->memory, 0, (FINE + 1) * sizeof *g->memory);
	}
	return 0;
}

/* Every second node of a level; what lies between goes to both neighbours. */
static void halve_nodes(double *node, const double *fine, size_t cells)
{
	for (size_t i = 0; i <= cells; i++)
		node[i] = fine[2 * i] + 0.5 * ((i ? fine[2 * i - 1] : 0) + (i < cells ? fine[2 * i + 1] : 0));
}

/* The same of a list. A record's mass lies on two neighbours at most at every level, so no list grows. Which nodes are
 * odd cannot be foretold, so nothing branches on it: what is not complete yet is written over. */
static void halve_list(struct level *to, const struct level *fine)
{
	double middle = 0, sides = 0;
	uint32_t at = fine->n ? fine->at[0] / 2 : 0;
	size_t n = 0;
	for (size_t i = 0; i < fine->n; i++) {
		uint32_t half = fine->at[i] / 2, odd = fine->at[i] % 2;
		double mass = fine->mass[i];
		n += half != at;
		middle = half != at ? 0 : middle;
		sides = half != at ? 0 : sides;
		to->at[n] = half;
		to->mass[n] = middle + 0.5 * (sides + mass); /* an odd node's lower neighbour */
		n += odd;
		at = half + odd;
		middle = odd ? 0 : mass;
		sides = odd ? mass : sides;
		to->at[n] = at;
		to->mass[n] = middle + 0.5 * sides;
	}
	to->n = n + (fine->n > 0);
}

/* A list that is too long to be one. */
static void fill_level(struct level *l, double *node, size_t cells)
{
	memset(node, 0, (cells + 1) * sizeof *node);
	for (size_t i = 0; i < l->n; i++)
		node[l->at[i]] = l->mass[i];
	l->node = node;
}

void grid_halve(struct grid *g)
{
	double *node = g->memory;
	for (int l = MOST - 1; l >= LEAST; l--) {
		size_t cells = (size_t)1 << l;
		struct level *to = &g->level[l];
		node += 2 * cells + 1;
		if (to[1].node) {
			to->node = node;
			halve_nodes(node, to[1].node, cells);
			continue;
		}
		halve_list(to, &to[1]);
		if (to->n * SPARSE > cells)
			fill_level(to, node, cells);
	}
}

void grid_release(struct grid *g)
{
	free(g->memory);
	free(g->places);
	free(g->padded);
	free(g->image);
}

/* Class-wise and top-label bins: the fast form that fills up, and the one place that empties it. */
#include "classwise.h"
#include "bins.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

/* At most SUM_ROWS * LANES records; conf in units of 2^-48. In half the memory of a whole cell: 1,000 classes then fit
 * the cache that their records run through. */
struct small_cell {
	uint32_t n, right;
	uint64_t conf;
};
enum { SMALL_SHIFT = 48 };

size_t classwise_size(int classes, int bins)
{
	return (size_t)classes * (size_t)bins * 2 * (sizeof(struct rows_cell) + sizeof(struct small_cell));
}

int classwise_init(struct classwise *c, int classes, int bins, size_t lanes, int room, struct err *err)
{
	size_t k = (size_t)classes, cells = k * (size_t)bins, sums = padded(classes) * lanes;
	*c = (struct classwise){ .ops = softmax_ops(), .classes = classes, .bins = bins, .lanes = lanes };
	c->edge = 1.0 / bins * (1 - 1e-12);
	c->room = room > 0 && room < SUM_ROWS ? room : SUM_ROWS;
	if (mem_alloc(&c->found, sums + LANES, sizeof *c->found, err) ||
	    mem_alloc(&c->class_cell, cells, sizeof *c->class_cell, err) ||
	    mem_alloc(&c->top_cell, cells, sizeof *c->top_cell, err) ||
	    mem_alloc(&c->class_small, cells, sizeof *c->class_small, err) ||
	    mem_alloc(&c->top_small, cells, sizeof *c->top_small, err) ||
	    mem_alloc(&c->sums, sums, sizeof *c->sums, err) || mem_alloc(&c->labels, k, sizeof *c->labels, err) ||
	    mem_alloc(&c->total, k, sizeof *c->total, err)) {
		classwise_release(c);
		return -1;
	}
	return 0;
}

void classwise_release(struct classwise *c)
{
	free(c->found);
	free(c->class_cell);
	free(c->top_cell);
	free(c->class_small);
	free(c->top_small);
	free(c->sums);
	free(c->labels);
	free(c->total);
	*c = (struct classwise){ 0 };
}

static void move_cells(struct rows_cell *to, struct small_cell *from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		to[i].n += from[i].n;
		to[i].right += from[i].right;
		to[i].conf += (fix)from[i].conf << (FIX_BITS - SMALL_SHIFT);
	}
	memset(from, 0, n * sizeof *from);
}

/* What is under way to where it stays. */
static void move_on(struct classwise *c)
{
	size_t cells = (size_t)c->classes * (size_t)c->bins;
	for (size_t k = 0; k < (size_t)c->classes; k++)
		for (size_t j = 0; j < c->lanes; j++)
			c->total[k] += (fix)(c->sums[k * c->lanes + j] - (uint64_t)c->rows * SUM_BIAS_BITS)
				       << (FIX_BITS - SUM_SHIFT);
	memset(c->sums, 0, padded(c->classes) * c->lanes * sizeof *c->sums);
	move_cells(c->class_cell, c->class_small, cells);
	move_cells(c->top_cell, c->top_small, cells);
	c->rows = 0;
}

/* Last in every way of adding: the row is whole. */
static void row_added(struct classwise *c)
{
	if (++c->rows == c->room)
		move_on(c);
}

static inline void add_cell(struct small_cell *c, double p, int right)
{
	c->n++;
	c->right += (uint32_t)right;
	c->conf += (uint64_t)(p * 0x1p48 + 0.5);
}

static inline void add_class(struct classwise *c, int k, double p, int label)
{
	int b = bin_of(c->bins, p);
	if (b > 0)
		add_cell(&c->class_small[(size_t)k * (size_t)c->bins + (size_t)b], p, k == label);
}

static inline void add_top(struct classwise *c, int winner, double p, int label)
{
	add_cell(&c->top_small[(size_t)winner * (size_t)c->bins + (size_t)bin_of(c->bins, p)], p, winner == label);
	c->labels[label]++;
	c->n++;
}

void classwise_row(struct classwise *c, double *x, double scale, int label, int winner, double p)
{
	double each[LANES];
	int32_t skip[LANES];
	for (int j = 0; j < LANES; j++) {
		each[j] = scale;
		skip[j] = winner % LANES == j ? winner : -1;
	}
	int n = c->ops->class_sums(x, padded(c->classes), each, skip, c->edge, c->sums, c->found);
	for (int i = 0; i < n; i++)
		add_class(c, c->found[i], x[c->found[i]], label);
	add_top(c, winner, p, label);
	row_added(c);
}

void classwise_lanes(struct classwise *c, double *x, const double *weight, const int32_t *label,
		     const int32_t *winner)
{
	int32_t skip[LANES];
	for (int j = 0; j < LANES; j++)
		skip[j] = winner[j] * LANES + j;
	int n = c->ops->class_sums(x, (size_t)c->classes * LANES, weight, skip, c->edge, c->sums, c->found);
	for (int i = 0; i < n; i++)
		add_class(c, c->found[i] / LANES, x[c->found[i]], label[c->found[i] % LANES]);
	for (int j = 0; j < LANES; j++)
		if (weight[j] > 0)
			add_top(c, winner[j], x[skip[j]], label[j]);
	row_added(c);
}

static void add_cells(struct rows_cell *a, const struct rows_cell *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		a[i].n += b[i].n;
		a[i].right += b[i].right;
		a[i].conf += b[i].conf;
	}
}

void classwise_merge(struct classwise *a, struct classwise *b)
{
	size_t cells = (size_t)b->classes * (size_t)b->bins;
	if (!b->total)
		return;
	if (!a->total) {
		*a = *b;
		*b = (struct classwise){ 0 };
		return;
	}
	move_on(a);
	move_on(b);
	add_cells(a->class_cell, b->class_cell, cells);
	add_cells(a->top_cell, b->top_cell, cells);
	for (size_t k = 0; k < (size_t)b->classes; k++) {
		a->total[k] += b->total[k];
		a->labels[k] += b->labels[k];
	}
	a->n += b->n;
	classwise_release(b);
}

void classwise_finish(struct classwise *c, struct rows_cell **class_cell, struct rows_cell **top_cell)
{
	size_t bins = (size_t)c->bins;
	if (c->total)
		move_on(c);
	for (size_t k = 0; k < (size_t)c->classes; k++) {
		struct rows_cell *cell = &c->class_cell[k * bins];
		add_cells(cell, &c->top_cell[k * bins], bins);
		cell[0] = (struct rows_cell){ c->n, c->labels[k], c->total[k] };
		for (size_t b = 1; b < bins; b++) {
			cell[0].n -= cell[b].n;
			cell[0].right -= cell[b].right;
			cell[0].conf -= cell[b].conf;
		}
		if (cell[0].conf < 0) /* the totals' terms are rounded at 2^-51, the cells' at 2^-49 */
			cell[0].conf = 0;
	}
	*class_cell = c->class_cell;
	*top_cell = c->top_cell;
	c->class_cell = c->top_cell = NULL;
	classwise_release(c);
}

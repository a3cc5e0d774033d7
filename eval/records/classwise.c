/* Class-wise and top-label bins: the fast form that fills up, and the one place that empties it. */
#include "classwise.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

/* At most SUM_ROWS * LANES records; conf as class_found has it, with as many biases. In half the memory of a whole
 * cell: 1,000 classes then fit the cache that their records run through. */
struct small_cell {
	uint64_t n_right; /* n, and right in the upper half */
	uint64_t conf;
};

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
	if (mem_alloc(&c->found.cell, sums + LANES, sizeof *c->found.cell, err) ||
	    mem_alloc(&c->found.conf, sums + LANES, sizeof *c->found.conf, err) ||
	    mem_alloc(&c->class_cell, cells, sizeof *c->class_cell, err) ||
	    mem_alloc(&c->top_cell, cells, sizeof *c->top_cell, err) ||
	    mem_alloc(&c->small, 2 * cells, sizeof *c->small, err) ||
	    mem_alloc(&c->sums, sums, sizeof *c->sums, err) || mem_alloc(&c->labels, k, sizeof *c->labels, err) ||
	    mem_alloc(&c->total, k, sizeof *c->total, err)) {
		classwise_release(c);
		return -1;
	}
	return 0;
}

void classwise_release(struct classwise *c)
{
	free(c->found.cell);
	free(c->found.conf);
	free(c->class_cell);
	free(c->top_cell);
	free(c->small);
	free(c->sums);
	free(c->labels);
	free(c->total);
	*c = (struct classwise){ 0 };
}

static void move_cells(struct rows_cell *to, struct small_cell *from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t records = from[i].n_right & 0xffffffff;
		to[i].n += records;
		to[i].right += from[i].n_right >> 32;
		to[i].conf += (fix)(from[i].conf - records * FOUND_BIAS) << (FIX_BITS - FOUND_SHIFT);
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
	move_cells(c->class_cell, c->small, cells);
	move_cells(c->top_cell, c->small + cells, cells);
	c->rows = 0;
}

/* Last in every way of adding: the row is whole. */
static void row_added(struct classwise *c)
{
	if (++c->rows == c->room)
		move_on(c);
}

static void add_classes(struct classwise *c, double *x, size_t n, const double *scale, const int32_t *winner,
			const int32_t *label)
{
	const struct class_adds adds = { c->lanes == 1, c->classes, c->bins, c->edge };
	struct small_cell *small = c->small;
	int found = c->ops->class_sums(x, n, &adds, scale, winner, label, c->sums, c->found);
	for (int i = 0; i < found; i++) {
		uint64_t cell = c->found.cell[i];
		struct small_cell *to = &small[cell & ~FOUND_RIGHT];
		to->n_right += 1 + (cell >> 63 << 32);
		to->conf += c->found.conf[i];
	}
	row_added(c);
}

void classwise_row(struct classwise *c, double *x, double scale, int label, int winner)
{
	double scales[LANES];
	int32_t winners[LANES], labels[LANES];
	for (int j = 0; j < LANES; j++) {
		scales[j] = scale;
		winners[j] = winner;
		labels[j] = label;
	}
	c->labels[label]++;
	c->n++;
	add_classes(c, x, padded(c->classes), scales, winners, labels);
}

void classwise_lanes(struct classwise *c, double *x, const double *weight, const int32_t *label,
		     const int32_t *winner)
{
	uint64_t n = 0;
	for (int j = 0; j < LANES; j++)
		if (weight[j] > 0) {
			c->labels[label[j]]++;
			n++;
		}
	c->n += n;
	add_classes(c, x, (size_t)c->classes * LANES, weight, winner, label);
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

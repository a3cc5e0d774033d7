/* classwise: class-wise and top-label bins of labelled records, summed exactly. Private to eval/records/.
 *
 * Most of P(class) lies in the first bin, and there are classes x records of it. So bins above the first are counted
 * one by one and the first is what is left of each class's total, which is summed eight classes at a time. Both are
 * kept in a fast form that has room for a limited number of rows and is then moved on. Nobody outside can tell: adding
 * moves it on when it is full, and merging and finishing do before they look, whatever was added. */
#ifndef VIC_EVAL_CLASSWISE_H
#define VIC_EVAL_CLASSWISE_H

#include "rows.h"
#include "softmax.h"

struct small_cell;
struct classwise {
	const struct softmax_ops *ops;
	int classes, bins;
	size_t lanes;	/* LANES or 1: what is added at a time */
	double edge;	/* of class_adds */
	struct class_found found; /* scratch */
	/* Moved on so far. class_cell: only bins above the first, without the records predicted as the class, which
	 * are in top_cell; both [classes][bins]. */
	struct rows_cell *class_cell, *top_cell;
	fix *total;	  /* [classes] sum of P(class) */
	uint64_t *labels; /* [classes] records with the label */
	uint64_t n;	  /* labelled records */
	/* Under way: rows added since, at most `room`. */
	struct small_cell *small; /* class_cell's, then top_cell's */
	uint64_t *sums; /* [padded] or [classes][LANES] */
	int rows, room;
};

/* lanes: LANES or 1. room: rows between two moves; 0: as many as fit, more is not possible. */
int classwise_init(struct classwise *c, int classes, int bins, size_t lanes, int room, struct err *err) VIC_CHECKED;
/* Bytes of one, but for what each class has once. */
size_t classwise_size(int classes, int bins);
void classwise_release(struct classwise *c);
/* One labelled record. x: [padded(classes)], probabilities once multiplied by scale, which is done in place. winner:
 * the predicted class. */
void classwise_row(struct classwise *c, double *x, double scale, int label, int winner);
/* LANES records. x: [classes][LANES], weighed in place by weight[LANES]; weight: the records' scale, or 0: does not
 * count. winner: the predicted classes. */
void classwise_lanes(struct classwise *c, double *x, const double *weight, const int32_t *label,
		     const int32_t *winner);
/* a += b, of one shape; b is used up and released. a may be all zero: it then takes what b has. */
void classwise_merge(struct classwise *a, struct classwise *b);
/* All that was added: *class_cell and *top_cell, [classes][bins], owned by the caller; c is released. NULL where c is
 * all zero. */
void classwise_finish(struct classwise *c, struct rows_cell **class_cell, struct rows_cell **top_cell);

#endif

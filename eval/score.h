/* score: the table of one stream. */
#ifndef VIC_EVAL_SCORE_H
#define VIC_EVAL_SCORE_H

#include "bins.h"
#include "rows.h"
#include "table.h"

enum { SCORE_BINS = 16 };

struct score_ask {
	int bins[SCORE_BINS], n_bins; /* equal-width bin counts; the first is "the" ECE, the others are ece@M */
};

/* Adds the column of w to t: n accuracy ece oe nll brier gap bins, and what else was asked for. */
int score_rows(struct table *t, struct rows *w, const struct score_ask *ask, struct err *err) VIC_CHECKED;

#endif

/* weights: a stream's numbers where each record counts as its weight says. */
#ifndef VIC_WEIGHTS_H
#define VIC_WEIGHTS_H

#include "id_lines.h"
#include "eval/metrics/score.h"

struct weights {
	struct id_lines lines;
	double *line_weight; /* [lines.n], by item; finite, not negative */
};

/* A file as id_lines.h has it. Errors: id_lines_read's; a weight that is no number, negative, not finite or,
 * above 0, below DBL_MIN. */
int weights_read(struct weights *w, const char *path, struct err *err) VIC_CHECKED;
/* Weights of all records: *of (owned) of [rows->n]. rows, errors: as id_lines_match's. */
int weights_of(const struct weights *w, const struct rows *rows, double **of, struct err *err) VIC_CHECKED;
/* Keeps of them, in place, those of the records of `in` that rows_subset(chosen, in, NULL, ...) kept.
 * in: with COL_SPLIT and COL_LABEL. */
void weights_keep(double *weight, const struct rows *in, const struct rows *chosen);
void weights_release(struct weights *w);

/* The columns that score_weighted reads. */
enum { WEIGHTED_COLUMNS = COL_NLL | COL_BRIER | COL_ENTROPY };
/* n, weight (the sum), n_effective = (sum w)^2 / sum w^2 (Kish 1965), and of those that are means over records or bins
 * of such means the weighted ones: accuracy, ece, oe, nll, brier, gap, bins, entropy, uce, mce, rmsce; ece and oe at
 * every number of bins. weight: [rows->n]; keys in the order of records. Errors: a sum of 0. */
int score_weighted(struct score *s, const struct rows *rows, const double *weight, const struct score_options *options,
		   struct err *err) VIC_CHECKED;

#endif

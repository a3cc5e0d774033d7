/* posterior: the true P(class | record) of synthetic data, and the errors that can be known with it. */
#ifndef VIC_EVAL_POSTERIOR_H
#define VIC_EVAL_POSTERIOR_H

#include "pipeline/base/err.h"

#include <stddef.h>
#include <stdint.h>

/* A TSV whose header is "record" and class names; a line a record: its id and one probability for each class. */
struct posterior {
	int classes;
	char **name; /* [classes] */
	size_t n;
	uint64_t *id; /* [n], ascending */
	double *p;    /* [n][classes] */
};
/* Errors, with file and line: what is no number, probabilities that do not sum to 1 within 1e-6, a record twice. */
int posterior_read(struct posterior *p, const char *path, struct err *err) VIC_CHECKED;
void posterior_release(struct posterior *p);

/* t_i = true P(predicted class of record i | record i), c_i its confidence:
 *   accuracy  mean t_i: the accuracy in expectation over labels
 *   ece       sum over `bins` equal-width bins of w |mean c - mean t|: what the ECE estimates, without label noise
 *   smooth    the smooth ECE (metrics.h) with t_i in place of right: E |c - P(right | c)| without bins
 *   point     mean |c_i - t_i|: also counts records of one confidence that differ in truth; never below the others */
struct truth {
	double accuracy, ece, smooth, point;
};
struct rows;
/* Needs COL_ID and COL_PREDICTED, before keys are sorted. Errors: a record without posterior; unknown class names. */
int truth_of(const struct posterior *p, const struct rows *w, int bins, struct truth *t, struct err *err) VIC_CHECKED;

#endif

/* roc: how well a score tells positives from negatives, exactly, with mid-ranks for ties; and resamples of that.
 *
 * A higher score should mean positive.
 *   auroc   P(pos > neg) + P(pos = neg)/2: Mann and Whitney's U over n_pos n_neg.
 *   aupr    average precision, sum over falling distinct thresholds of (recall step) x precision: no interpolation,
 *           tied scores enter together. aupr_pos takes the positives as the class to be found; aupr_neg the negatives,
 *           by the negated score.
 *   fpr95   share of negatives at or above the highest threshold at which at least 95 % of the positives are (first
 *           TPR >= 0.95 by whole counts, so 19 of 20 is enough); key95 is that threshold.
 * Intervals of auroc: DeLong, DeLong and Clarke-Pearson 1988, by mid-ranks as in Sun and Xu 2014. Where the sample
 * variance is zero (perfect separation) Newcombe 2006's method 5 gives an interval that is not a point. */
#ifndef VIC_ROC_H
#define VIC_ROC_H

#include "pipeline/base/err.h"
#include "pipeline/base/pool.h"

#include <stddef.h>
#include <stdint.h>

struct roc {
	size_t n_pos, n_neg;
	uint64_t *pos, *neg; /* keys of either side, sorted, rising; owned */
};

/* Where a walk from the highest score down stands: the keys below pos[i] and neg[j] are still to come. */
struct roc_walk {
	size_t i, j;
	uint64_t key; /* of the last step */
};

struct roc_numbers {
	double auroc, aupr_pos, aupr_neg, fpr95;
	uint64_t key95;
};

/* A score as a whole number of the same order; -0 and +0 are one. Not for NaN. And back. */
uint64_t roc_key(double score);
double roc_score(uint64_t key);

/* Makes room for n_pos and n_neg keys (roc_key, or conf_order of conf.h, which never saturates), which the caller then
 * writes into pos and neg. Errors: none of one side, no memory. */
int roc_open(struct roc *r, size_t n_pos, size_t n_neg, struct err *err) VIC_CHECKED;
/* Sorts them: before what follows. */
int roc_sort(struct roc *r, struct err *err) VIC_CHECKED;
void roc_release(struct roc *r);
struct roc_walk roc_begin(const struct roc *r);
/* The next threshold: how many positives and negatives have this score. 0: there is none. */
int roc_next(const struct roc *r, struct roc_walk *w, double *pos, double *neg);

void roc_measure(const struct roc *r, struct roc_numbers *out);
/* DeLong's variance of auroc. Needs two of each side; NaN otherwise. */
double roc_variance(const struct roc *r, double auroc);

/* Poisson bootstrap: each record counts Poisson(1) times, so those of one score count Poisson(their number) times, and
 * that is what is drawn. Where there are more than ROC_GROUPS different scores, neighbouring ones are drawn together,
 * as a cell of at most 1/2048 of either side (of 1/64 of what lies beyond it, near an end), within which the curve is
 * taken as straight; the values are moved by what that changes in the records as they are. Precision depends on how
 * many of either side there are, so resampled sides are scaled back to n_pos and n_neg. Depends on the seed alone.
 * value: [3][rounds]: aupr_pos, aupr_neg, fpr95; NaN where a side came out empty. */
enum { ROC_GROUPS = 8192, ROC_VALUES = 3 };
int roc_resample(const struct roc *r, int rounds, uint64_t seed, struct pool *pool, double *value,
		 struct err *err) VIC_CHECKED;

struct interval {
	double low, high;
};
/* auroc -+ z sd, held within [0, 1]; Newcombe's where variance is 0 or cannot be had. z: 1.96 for 95 %. */
struct interval auroc_interval(double auroc, double variance, size_t n_pos, size_t n_neg, double z);

#endif

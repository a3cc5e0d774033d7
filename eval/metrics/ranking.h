/* ranking: how well a score tells positives from negatives, exactly, with mid-ranks for ties.
 *
 * Records 0..n_pos-1 are the positives, n_pos..n_pos+n_neg-1 the negatives. A higher score should mean positive.
 *   auroc   P(pos > neg) + P(pos = neg)/2: Mann and Whitney's U over n_pos n_neg.
 *   aupr    average precision, sum over falling distinct thresholds of (recall step) x precision: no interpolation,
 *           tied scores enter together. aupr_pos takes the positives as the class to be found; aupr_neg the negatives,
 *           by the negated score.
 *   fpr95   share of negatives at or above the highest threshold at which at least 95 % of the positives are (first
 *           TPR >= 0.95 by whole counts, so 19 of 20 is enough); at95 is a record that has this threshold as its score.
 * Intervals of auroc: DeLong, DeLong and Clarke-Pearson 1988, by mid-ranks as in Sun and Xu 2014. Where the sample
 * variance is zero (perfect separation) Newcombe 2006's method 5 gives an interval that is not a point. */
#ifndef VIC_RANKING_H
#define VIC_RANKING_H

#include "pipeline/base/err.h"
#include <stddef.h>
#include <stdint.h>

struct ranking {
	size_t n_pos, n_neg;
	uint32_t *order; /* [n] records by falling score; ties by record number; owned */
	uint8_t *ends;	 /* [n] 1 where the last record of a tie group stands; owned */
};

struct ranking_numbers {
	double auroc, aupr_pos, aupr_neg, fpr95;
	uint32_t at95;
};

/* A score as a whole number of the same order; -0 and +0 are one. Not for NaN. */
uint64_t ranking_key(double score);
/* key: [n_pos + n_neg], rising with the score (ranking_key, or conf_order of conf.h, which never saturates); copied.
 * Errors: none of one side, more than 2^32 - 1 records, no memory. */
int ranking_init(struct ranking *r, const uint64_t *key, size_t n_pos, size_t n_neg, struct err *err) VIC_CHECKED;
void ranking_release(struct ranking *r);
/* order: [n], filled with the records by falling key, ties by number; n < 2^32. */
int order_falling(const uint64_t *key, size_t n, uint32_t *order, struct err *err) VIC_CHECKED;

/* weight: how often each record counts ([n_pos + n_neg], a bootstrap resample), or NULL for once. Precision depends on
 * how many of either side there are, so weighted sides are scaled back to n_pos and n_neg. Where the weights leave no
 * positive or no negative all numbers are NaN. */
void ranking_measure(const struct ranking *r, const uint32_t *weight, struct ranking_numbers *out);

/* DeLong's structural components: place[i] is the share of the other side that record i beats (ties half); for
 * negatives the share of positives that beat it. The mean over either side is auroc. place: [n_pos + n_neg]. */
void ranking_placements(const struct ranking *r, double *place);

/* Variance of one AUROC and, where b is not NULL, of the difference of two over the same records. Needs two of each
 * side; NaN otherwise. a, b: placements. */
double delong_variance(const double *a, const double *b, size_t n_pos, size_t n_neg);

struct interval {
	double low, high;
};
/* auroc -+ z sd, held within [0, 1]; Newcombe's where variance is 0 or cannot be had. z: 1.96 for 95 %. */
struct interval auroc_interval(double auroc, double variance, size_t n_pos, size_t n_neg, double z);

#endif

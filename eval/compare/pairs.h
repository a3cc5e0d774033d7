/* pairs: resamples and swaps of many pairs of records, in O(kinds of pair) a round.
 *
 * Records that lie in the same bins of both sides and were right or wrong alike are of one kind. How many of a kind are
 * drawn (Poisson) or exchanged (fair coins) decides all counts of the bins; the sums of their confidences, given that
 * number, are drawn from the normal distribution with their exact means, variances and covariance: confidences of a
 * kind differ by a bin's width at most. Means over records (nll, brier; aurc by its influence function, exact to order
 * 1/n) change by sums of the records' differences: a resample's is normal; a swap's is, but for the TOP largest, whose
 * coins are thrown one by one, since a few records may hold most of a loss. */
#ifndef VIC_COMPARE_PAIRS_H
#define VIC_COMPARE_PAIRS_H

#include "eval/metrics/metric_table.h"
#include "pipeline/base/philox.h"

/* What a round measures; of PART_SELECTIVE only aurc. */
enum { PAIRS_PARTS = PART_BINS | PART_MEANS | PART_SELECTIVE };

struct pairs;

/* rows: the same records, with nll and brier; order[side]: its records by falling confidence. Errors: out of memory. */
int pairs_open(struct pairs **p, const struct rows *const rows[2], const uint32_t *const order[2], int bins,
	       struct err *err) VIC_CHECKED;
void pairs_close(struct pairs *p);

/* Both sides of a round, PAIRS_PARTS. Of nll, brier and aurc the difference of the sides alone has a meaning: in a swap
 * it is what it says, in a resample how far it is from that of the records as they are. */
int pairs_resample(const struct pairs *p, struct rng *r, struct measured m[2], struct err *err) VIC_CHECKED;
int pairs_swap(const struct pairs *p, struct rng *r, struct measured m[2], struct err *err) VIC_CHECKED;

#endif

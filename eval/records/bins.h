/* bins: equal-width bins with exact edges, and the errors that are sums over bins.
 *
 * Bin m of M (m = 0..M-1) holds p with m/M < p <= (m+1)/M; bin 0 also p = 0. The comparison is fma(M, p, -i) <= 0: one
 * rounding, so its sign is exact, on every machine, for every double and any M; there is no table of rounded edges.
 * An empty bin weighs nothing. Formulas: Thulasidasan et al. 2019, section 3.2, for ECE and OE. */
#ifndef VIC_EVAL_BINS_H
#define VIC_EVAL_BINS_H

#include "conf.h"
#include "fix.h"
#include "pipeline/base/binof.h"
#include "pipeline/base/err.h"

#include <stddef.h>

struct bin {
	uint64_t n, right;
	fix conf; /* sum of confidences */
};

struct bins {
	int m;
	struct bin *bin; /* [m], owned */
};

int bins_init(struct bins *b, int m, struct err *err) VIC_CHECKED;
void bins_release(struct bins *b);
void bins_add(struct bins *b, const conf_key *key, size_t n);
/* Of n sorted keys: one past the last that is in key[from]'s bin of m. */
size_t bins_end(const conf_key *sorted, size_t n, size_t from, int m);

/* Over the non-empty bins, with w = n_m/n, gap = conf_m - acc_m (bin means):
 *   ece = sum w |gap|       oe = sum w conf_m max(gap, 0)      uce = sum w (1 - conf_m) max(-gap, 0)
 *   mce = max |gap|, mce_n records in that bin                 rmsce = sqrt(sum w gap^2)
 *   l2_debiased = sqrt(max(0, sum w (gap^2 - acc_m (1 - acc_m) / (n_m - 1))))   (Kumar, Liang, Ma 2019; n_m >= 2)
 *   over = sum w max(gap, 0), under = sum w max(-gap, 0): ece = over + under */
struct bin_errors {
	uint64_t n;
	double accuracy, conf, gap; /* means over all; gap = conf - accuracy */
	double ece, oe, uce, mce, rmsce, l2_debiased, over, under;
	uint64_t mce_n;
	int filled; /* non-empty bins */
};
void bins_errors(const struct bins *b, struct bin_errors *e);

/* Mean confidence and accuracy of a non-empty bin. */
static inline double bin_conf(const struct bin *b)
{
	return fix_real(b->conf) / (double)b->n;
}
static inline double bin_accuracy(const struct bin *b)
{
	return (double)b->right / (double)b->n;
}

#endif

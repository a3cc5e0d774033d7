/* differ: whether groups of records differ, by a permutation test for each of six metrics.
 *
 * Under the null hypothesis the groups were dealt to the records by chance. They are dealt anew `rounds` times, each
 * group keeping its size; with v_g the metric of group g in a deal and m_g its mean over all deals, the given one among
 * them, the statistic is T = sum_g n_g (v_g - m_g)^2, and p = (deals with T at least the given one's) / (rounds + 1),
 * the given one counted (Fisher 1935; Phipson and Smyth 2010). For accuracy this is the chi-squared statistic of
 * homogeneity but for a factor. m_g takes out that the errors of small groups are larger by their noise. The test holds
 * its level at every size. */
#ifndef VIC_DIFFER_H
#define VIC_DIFFER_H

#include "eval/records/rows.h"

enum { DIFFER_METRICS = 6, DIFFER_ROUNDS = 999, DIFFER_LEAST = 99 };
extern const char *const differ_key[DIFFER_METRICS]; /* keys of metric_table */

struct differ {
	int rounds; /* DIFFER_ROUNDS; of more than 400,000 records fewer, but DIFFER_LEAST */
	double p[DIFFER_METRICS]; /* NaN where there is one group, or a value is not finite */
};

/* w: with COL_NLL and COL_BRIER, keys in the order of records. group: [w->n], below `groups`, each of which has a
 * record. bins: of equal width. threads: as for pool_open; the result does not depend on them. progress: name of the
 * line that shows the deals, or NULL. Errors: memory, 2^32 records. */
int differ_of(struct differ *d, const struct rows *w, const uint32_t *group, int groups, int bins, uint64_t seed,
	      int threads, const char *progress, struct err *err) VIC_CHECKED;

#endif

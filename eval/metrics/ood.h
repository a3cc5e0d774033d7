/* ood: how well scores tell in-distribution records from others. All scores are oriented so that higher means in.
 *
 *   msp        largest probability, ordered by eval/conf.h's keys: as z_max - logsumexp(rest) orders it,
 *              while that is below 708                              Hendrycks and Gimpel 2017
 *   max_logit  largest logit                                        Hendrycks et al. 2022
 *   energy     logsumexp(z): minus the free energy at T = 1         Liu et al. 2020
 *   entropy    minus the entropy of the probabilities
 *   margin     largest probability less the second
 *   mutual     minus the mutual information of several samples (entropy of the mean less mean entropy); one sample:
 *              refused
 * In-distribution is the positive class of auroc and fpr95; aupr is given both ways. */
#ifndef VIC_OOD_H
#define VIC_OOD_H

#include "roc.h"
#include "table.h"
#include "eval/records/rows.h"

enum ood_score { OOD_MSP, OOD_MAX_LOGIT, OOD_ENERGY, OOD_ENTROPY, OOD_MARGIN, OOD_MUTUAL, OOD_SCORES };
#define OOD_CHOICES "all|msp|max_logit|energy|entropy|margin|mutual"
enum { OOD_COLUMNS = COL_ENTROPY | COL_MUTUAL | COL_MAX_LOGIT | COL_ENERGY | COL_MARGIN };

const char *ood_score_name(enum ood_score score);
/* NULL where these streams can be scored so, else why not. */
const char *ood_score_lacks(enum ood_score score, const struct rows *in, const struct rows *out);

/* Errors: other numbers of classes. */
int ood_one_model(const struct rows *in, const struct rows *out, struct err *err) VIC_CHECKED;

/* The keys of both sides, sorted; the caller releases, on failure too. And the score a key stands for. Errors: no
 * memory. */
int ood_sides(struct roc *roc, const struct rows *in, const struct rows *out, enum ood_score score,
	      struct err *err) VIC_CHECKED;
double ood_score_of(uint64_t key, int score);

struct ood_result {
	struct roc_numbers value; /* aupr_pos: in as the class to find; aupr_neg: out */
	struct interval auroc, aupr_in, aupr_out, fpr95;
	double threshold95; /* the score itself, sign as above */
};

struct ood_ask {
	int rounds;   /* bootstrap resamples for aupr and fpr95; 0: no intervals for them (NaN) */
	double level; /* 0.95 */
	uint64_t seed;
};
/* in, out: read with OOD_COLUMNS. The auroc interval is DeLong's. Errors: no memory. */
int ood_measure(const struct rows *in, const struct rows *out, enum ood_score score, const struct ood_ask *options,
		struct pool *pool, struct ood_result *result, struct err *err) VIC_CHECKED;
/* A column of its numbers. */
int ood_column(struct table *t, const char *name, const struct rows *in, const struct rows *out,
	       const struct ood_ask *options, const struct ood_result *r, struct err *err) VIC_CHECKED;

#endif

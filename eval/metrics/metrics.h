/* metrics: estimates of calibration and selective prediction from the confidences and correctness of n records.
 *
 * "Sorted" keys are ascending in confidence (keys_sort). Ties are one group and never split, so that no result depends
 * on the order of records. Every function takes n >= 1. */
#ifndef VIC_EVAL_METRICS_H
#define VIC_EVAL_METRICS_H

#include "eval/records/bins.h"
#include "eval/records/conf.h"
#include "eval/records/key_terms.h"
#include "eval/sort/keys_sort.h"
#include "pipeline/base/err.h"
#include "pipeline/base/pool.h"

#include <stddef.h>
#include <stdint.h>

/* What passes over sorted keys have in common: the terms of the keys from `at` on, a multiple of TERMS. Returns how
 * many keys, 0 where there is none left. A pass that goes with others is begun, gets each chunk in turn, and
 * is ended. */
size_t keys_terms(const conf_key *sorted, size_t n, size_t at, struct key_terms *t);

/* Means over all records. */
struct selective {
	double aurc;  /* mean over k = 1..n of the error rate of the k most confident (Geifman et al. 2018); a tie group
		       * counts with its expected risk under random order */
	double augrc; /* mean over k = 1..n of (errors among the k most confident) / n (Traub et al. 2024) */
};
void selective_of(const conf_key *sorted, size_t n, struct selective *s);
/* A walk over confidences from the highest down, from {0}: how many records have at least this one, and how many of
 * them are wrong. 0: there is no other. */
struct risk_step {
	size_t taken, wrong;
	double conf;
};
int risk_next(const conf_key *sorted, size_t n, struct risk_step *s);

/* Sums over the first records, every RUNNING_STRIDE records, so that those of any range are soon known. */
enum { RUNNING_STRIDE = TERMS };
struct running_sum {
	uint64_t right;
	fix conf;
};
struct running {
	const conf_key *key; /* [n] sorted, borrowed */
	size_t n;
	struct running_sum *before; /* [n / RUNNING_STRIDE + 1], owned */
};
int running_open(struct running *r, const conf_key *sorted, size_t n, struct err *err) VIC_CHECKED;
/* The same in passes with others, from the chunk at `at`. */
int running_begin(struct running *r, const conf_key *sorted, size_t n, struct err *err) VIC_CHECKED;
void running_add(struct running *r, size_t at, const struct key_terms *t);
void running_close(struct running *r);
/* Of the records before `at`, 0..n. */
struct running_sum running_before(const struct running *r, size_t at);
/* Fills bins of equal width, which were empty. */
void running_bins(const struct running *r, struct bins *b);

/* Quantile bins: about n/bins records each, a tie group kept whole in the bin where its middle falls. */
double ece_equal_mass(const struct running *r, int bins);
/* How many records lie in bins before bin i of these. */
size_t mass_cut(const conf_key *sorted, size_t n, size_t bins, size_t i);
/* Roelofs et al. 2022: equal-mass bins, one more at a time while accuracy does not fall from bin to bin; at most
 * 1000. */
void ece_sweep(const struct running *r, double *value, int *bins);

/* Blasiok and Nakkiran 2023: reflected Gaussian smoothing of residuals at the width that equals the error. */
int smooth_ece(const conf_key *sorted, size_t n, double *value, double *width, struct err *err) VIC_CHECKED;

struct smoothing {
	struct grid *grid; /* owned */
	int64_t cell;	   /* where the last residual went, and what is at the cell's ends */
	double lower, upper;
};
int smoothing_begin(struct smoothing *s, size_t n, struct err *err) VIC_CHECKED;
void smoothing_add(struct smoothing *s, size_t n, const struct key_terms *t);
void smoothing_end(struct smoothing *s, double *value, double *width);
void smoothing_release(struct smoothing *s);

/* The same of residuals of n records that come to residual[i] at x[i] in [0,1]; x, residual: [m]. */
int smooth_residuals(const double *x, const double *residual, size_t m, double n, double *value,
		     struct err *err) VIC_CHECKED;

/* Arrieta-Ibarra et al. 2022: D_k = sum of (right - conf) over the k least confident; sigma = sqrt(sum conf (1 -
 * conf)). ks = max |D_k| / sigma, kuiper = (max D_k - min D_k) / sigma with D_0 = 0, k at ends of tie groups; p-values
 * of the limiting Brownian motion. sigma = 0: where no confidence leaves doubt, a calibrated model is right as it says;
 * statistics are 0 and p 1 where this one is, else Inf and 0. */
struct cumulative {
	double ks, ks_p, kuiper, kuiper_p;
	double ks_error, kuiper_error; /* max |D_k| / n and the range / n: sizes, not tests */
	double doubt, doubt_square; /* over tie groups, of the sum of conf (1 - conf) in each: sum, sum of squares */
};
double ks_tail(double ks);	   /* P(max |B| > ks) */
double kuiper_tail(double kuiper); /* P(max B - min B > kuiper) */
void cumulative_of(const conf_key *sorted, size_t n, struct cumulative *c);
/* The running sum D_k and its extremes; zeroed before the first chunk. */
struct drift {
	fix at, low, high;
	double variance;
	double group, doubt, doubt_square; /* group: of the tie group that is not at its end yet */
};
void drift_add(struct drift *w, size_t n, const struct key_terms *t);
void drift_end(const struct drift *w, size_t n, struct cumulative *c);

/* CORP (Dimitriadis, Gneiting, Jordan 2021): isotonic regression of right on conf. The Brier score of the top label
 * s = mean (conf - right)^2 = miscalibration - discrimination + uncertainty. */
struct corp {
	double score, miscalibration, discrimination, uncertainty;
};
/* Pool adjacent violators over tie groups. Block b covers records up to end[b] (exclusive) with accuracy right[b]/size.
 * *block (owned by the caller) has *n_blocks. */
struct pav_block {
	size_t end;
	uint64_t right;
};
int pav(const conf_key *sorted, size_t n, struct pav_block **block, size_t *n_blocks, struct err *err) VIC_CHECKED;
/* The same of records that were counted in m blocks: pooled in place; returns how many blocks are left. */
size_t pav_blocks(struct pav_block *block, size_t m);
int corp_of(const conf_key *sorted, size_t n, struct corp *c, struct err *err) VIC_CHECKED;
/* The same chunk by chunk of sorted keys, begun as { .n = records in all }. Blocks so far, and the one that is being
 * put together: records begin to next.end. Whatever follows records that are all right is pooled with them, and so is
 * what is all wrong with whatever stands before it; so a block ends only where a right record, or a tie group with one,
 * follows a wrong one. */
struct pooling {
	fix score;		       /* sum of (conf - right)^2 */
	struct pav_block *block, next; /* block: [m], owned */
	size_t m, cap, begin, n;
	size_t at;	/* records so far; beyond next.end lies a tie group that is not at its end yet, */
	uint64_t group; /* so many of which are right */
};
int pooling_add(struct pooling *p, size_t n, const struct key_terms *t, struct err *err) VIC_CHECKED;
int pooling_end(struct pooling *p, struct err *err) VIC_CHECKED;
void pooling_release(struct pooling *p);
void corp_of_pooling(const struct pooling *p, struct corp *c);

/* What a perfectly calibrated model with these confidences would score: right[i] drawn anew with probability conf[i],
 * `rounds` times (consistency resampling: Broecker and Smith 2007; Vaicenavicius et al. 2019). Seeded; the same at any
 * thread count. A bin whose variance sum conf (1 - conf) exceeds FLOOR_NORMAL draws its number of right records from a
 * normal with the binomial sum's first three moments instead of record by record. */
enum { FLOOR_NORMAL = 50 };
struct floor_of {
	double mean, q95; /* of the error under the null */
	double p;	  /* (1 + rounds with an error >= the observed one) / (rounds + 1) */
};
struct floors {
	struct floor_of ece, oe, mce, rmsce;
};
int null_floor(const conf_key *sorted, size_t n, int bins, int rounds, uint64_t seed, struct pool *pool,
	       struct floors *f, struct err *err) VIC_CHECKED;

/* The draws themselves: off[bin][round] is the number of right records in a bin minus the sum of its confidences. */
int null_draws(const conf_key *sorted, size_t n, int bins, int rounds, uint64_t seed, struct pool *pool, double *off,
	       struct err *err) VIC_CHECKED;

/* The p-value of the Kuiper statistic: uniform for a calibrated model with these confidences, whatever n and ties. That
 * of the limit (of->kuiper_p) where the walk's variance exceeds WALK_LONG and no tie group has a large
 * share of it, else the rank among 999 draws of the walk, ties broken by the seed; with drawn 0 always of the limit.
 * 1 or 0 where no record has any doubt, as of->kuiper_p. */
enum { WALK_LONG = 1000 };
int null_walk(const conf_key *sorted, size_t n, const struct cumulative *of, int drawn, uint64_t seed,
	      struct pool *pool, double *p, struct err *err) VIC_CHECKED;

/* Poisson(1) resampling weights of round b for records from..from+n-1: the number of times each is drawn (Hanley and
 * MacGibbon 2006). Depends on (seed, b, record) alone: two streams with the same records are resampled alike. */
void bootstrap_weights(uint64_t seed, uint32_t b, uint64_t from, size_t n, uint8_t *weight);
/* Which b stands for round `round` of n records: that itself, or, where it would draw none of them, the next of its own
 * that draws some (drawing anew until there are records). round < 2^24. */
uint32_t bootstrap_round(uint64_t seed, uint32_t round, size_t n);
/* 1 where `rounds` are fewer than it takes for one to lie beyond each end of an interval at `level`, with the sentence
 * that says so; else, and of no rounds at all, 0. */
enum { TOO_FEW_TEXT = 128 };
int bootstrap_too_few(int rounds, double level, char text[TOO_FEW_TEXT]);
/* Keys of a calibrated model with the same confidences: right drawn anew. to: [n], may not be `sorted`. */
void calibrated_keys(conf_key *to, const conf_key *sorted, size_t n, uint64_t seed, uint32_t draw);
/* Fair coins of round b, one a record: swap[i / 8] >> i % 8 & 1, [(n + 7) / 8 rounded up to 16 bytes]. */
void swap_coins(uint64_t seed, uint32_t b, size_t n, uint8_t *swap);

#endif

/* conformal: sets of classes that hold the label of a new record with a wanted probability (split-conformal
 * prediction; Vovk, Gammerman, Shafer 2005; Papadopoulos et al. 2002).
 *
 * Every class of a record has a score s, which is large where the class is unlikely:
 *   lac   s = 1 - p_k                                                      Sadinle, Lei, Wasserman 2019
 *   aps   s = (sum of the p_j above p_k) + u p_k, u = 1 unless randomised  Romano, Sesia, Candes 2020
 *   raps  aps + lambda max(0, rank of k - k_reg), ranks from 1             Angelopoulos, Bates, Malik, Jordan 2021
 * From the scores of the labels of n records comes a threshold, the ceil((n + 1)(1 - alpha))-th smallest of them; the
 * set of a record holds every class whose score is at most that. Where records are exchangeable, the set of a new one
 * holds its label with probability at least 1 - alpha, whatever the model is. Where that number is above n there are
 * too few records for alpha: the threshold is infinite, and every set holds every class.
 *
 * Classes that tie are taken together, at the last of their ranks, so no set depends on the order of classes.
 *
 * A score is kept as its complement 1 - s: of lac p_k itself, of aps the probability of all classes below k. Doubles
 * hold both to 1e-308, so that a model which is sure (scores of 1 - 1e-20) does not have all of its classes tie at
 * 1. */
#ifndef VIC_CONFORMAL_H
#define VIC_CONFORMAL_H

#include "pipeline/base/err.h"

#include <stddef.h>
#include <stdint.h>

/* In the order of CONFORMAL_CHOICES. */
enum conformal_method { CONFORMAL_LAC, CONFORMAL_APS, CONFORMAL_RAPS, CONFORMAL_METHODS };
#define CONFORMAL_CHOICES "lac|aps|raps"
const char *conformal_name(enum conformal_method method);

struct conformal {
	enum conformal_method method;
	int randomised; /* aps, raps: u is drawn for each record, uniform in [0, 1) */
	double alpha;	/* in (0, 1): the share of records whose set may miss the label */
	double lambda;	/* raps */
	int64_t k_reg;	/* raps: ranks up to this one cost nothing */
	uint64_t n;	/* records of the fit */
	uint64_t rank;	/* of the threshold among their scores, from 1; above n: the threshold is infinite */
	uint64_t tied;	/* other records whose score is the threshold: so many more sets hold their label */
	double complement; /* 1 - threshold; -INFINITY: every class is in every set */
};

/* A record's probabilities, sorted, with their sums. Release with ranked_release. */
struct ranked {
	int k;
	double *rising; /* [k], owned */
	double *below;	/* [k + 1]: below[i] = rising[0] + ... + rising[i - 1]; owned */
};
int ranked_init(struct ranked *r, int k, struct err *err) VIC_CHECKED;
void ranked_release(struct ranked *r);
/* p: [k] probabilities. */
void ranked_set(struct ranked *r, const double *p);

/* 1 - s of a class of probability p, which must be one of r's. u: 1 where c is not randomised. */
double conformal_complement(const struct conformal *c, const struct ranked *r, double p, double u);
/* The least probability that is in the record's set, which is {k: p_k >= this}; INFINITY where it is empty. */
double conformal_cut(const struct conformal *c, const struct ranked *r, double u);
/* The u of record i (its place in the stream). applied: 0 for a fit, 1 for sets: the draws of one seed are different
 * ones. */
double conformal_u(const struct conformal *c, uint64_t seed, int applied, uint64_t i);

/* ceil((n + 1)(1 - alpha)), alpha being the decimal number that was written, not the double nearest to it. */
uint64_t conformal_rank(uint64_t n, double alpha);
/* The smallest n whose rank is not above it. */
uint64_t conformal_least(double alpha);
/* Sets n, rank, tied and complement. complement: [n >= 1] of the labels. Errors: no memory. */
int conformal_fit(struct conformal *c, const double *complement, size_t n, struct err *err) VIC_CHECKED;
/* The coverage that thresholds of such a fit have: where scores do not tie it is distributed as Beta(rank,
 * n + 1 - rank) over fits (Vovk 2012). Its q-quantile; 1 where the threshold is infinite. */
double conformal_coverage(const struct conformal *c, double q);

#endif

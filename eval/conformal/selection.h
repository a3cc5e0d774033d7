/* selection: answers given only where the model is confident enough, and how often they are wrong.
 *
 * Keys: ascending in confidence, n >= 1 of them. Records that tie are accepted together. */
#ifndef VIC_SELECTION_H
#define VIC_SELECTION_H

#include "eval/metrics/table.h"
#include "eval/records/conf.h"

#include <stddef.h>

struct selection {
	double coverage;  /* share of records accepted */
	double threshold; /* those of at least this confidence are; INFINITY: none is */
	double risk;	  /* share of them that is wrong; NaN where there are none */
	/* selection_at_risk: the risk is below it with the confidence asked for; NaN where there are none */
	double bound;
};

/* The ceil(coverage n) most confident, the last group of ties at its expectation. 0 < coverage <= 1. bound is NaN. */
void selection_at_coverage(struct selection *s, const conf_key *sorted, size_t n, double coverage);
/* The largest selection, by binary search, whose risk is below `risk` with probability `confidence` over the draw of
 * the records: Geifman and El-Yaniv 2017, algorithm 1, and before its search a step for all records, which that never
 * looks at. Every step's bound is the exact one of the binomial at level (1 - confidence) / steps, with steps =
 * ceil(log2 n) + 1. Where no step's bound is below, nothing is accepted. */
void selection_at_risk(struct selection *s, const conf_key *sorted, size_t n, double risk, double confidence);
/* The largest p at which Binomial(n, p) is at most k with probability `level`: Clopper and Pearson's one-sided bound.
 * k <= n, n >= 1. */
double binomial_upper(size_t k, size_t n, double level);

/* Its numbers in the last column of a table, as rows "risk@ASKED", "threshold@ASKED" and so on; `suffix` stands before
 * the @. A number that is NaN has no row. */
int selection_rows(struct table *t, const struct selection *s, double asked, const char *suffix,
		   struct err *err) VIC_CHECKED;

#endif

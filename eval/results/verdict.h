/* verdict: whether results bear a claim out.
 *
 * "A is below B" is confirmed where the 95 % interval of A - B lies wholly below 0, refuted where it lies wholly above,
 * else open; "above" the other way round. The interval is of what the claim is about, differences between trainings:
 *   BASIS_SEEDS      mean -+ t sd / sqrt(k) of the k differences of runs with the same seed (Student's t, k - 1)
 *   BASIS_FOLDS      mean -+ t sd sqrt(1 / k + 1 / (k - 1)) of the k folds': their training records overlap, so they
 *                    are no independent runs (Nadeau and Bengio 2003, with test / train = 1 / (k - 1))
 *   BASIS_RECORDS    one run of each: vic-compare's interval on the same records, of other records and not of other
 *                    trainings; the row of metric "METRIC less B" of A, or "METRIC less A" of B with its sign turned
 *   BASIS_INTERVALS  no two runs that pair: the intervals of both rows of all, as if independent (too wide where the
 *                    records are the same)
 * Where b is a number the differences are A - b, and a single run's interval is A's own less b. */
#ifndef VIC_VERDICT_H
#define VIC_VERDICT_H

#include "claims.h"

enum verdict { VERDICT_OPEN, VERDICT_CONFIRMED, VERDICT_REFUTED };
enum verdict_basis { BASIS_NONE, BASIS_SEEDS, BASIS_FOLDS, BASIS_RECORDS, BASIS_INTERVALS };

struct judgement {
	const struct claim *claim;
	const struct result *place; /* a row of that figure, data set and model */
	double a, b; /* means of the runs that pair, so that a - b is the difference; where none do, as the next */
	double all_a, all_b; /* the rows of all runs: of folds, of their records together */
	double difference, low, high;
	enum verdict_basis basis;
	int runs; /* pairs behind the difference */
	enum verdict verdict;
};

/* differences: [n >= 1] */
void verdict_of_runs(struct judgement *j, const double *differences, int n, int folds);
/* From j's interval and its claim's direction; open where an end is NaN. */
enum verdict verdict_of_interval(const struct judgement *j);

/* One judgement for each claim and each figure, data set and model that it is about and that has rows of A and of B in
 * that metric, in the order of claims, then of rows. *list: [*n], owned by the caller, freed with free(). */
int verdicts(const struct result_table *r, const struct claims *c, struct judgement **list, size_t *n,
	     struct err *err) VIC_CHECKED;

const char *verdict_name(enum verdict v);
/* "10 folds", "5 seeds", "one run, by records", ... */
void verdict_basis_text(const struct judgement *j, char *text, size_t size);

#endif

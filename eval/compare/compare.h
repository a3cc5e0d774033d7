/* compare: two models on the same records, pair by pair.
 *
 * Differences are B - A. Accuracy: McNemar's test, exact (binomial, two-sided) at any size. TEST_SWAP: the null is that
 * the two models' outputs on a record might as well be exchanged; in each round every record's are, or are not, by a
 * fair coin, and p = (1 + rounds whose difference is as large) / (rounds + 1), exact at any size (Fisher 1935; Good
 * 2005). The intervals of these come from a paired bootstrap, both streams resampled by the same weights
 * (bootstrap_weights of metrics.h), and hold whatever the models are. auroc (two classes: P(class 1) against label):
 * DeLong's paired test. auroc_correct (confidence against having been right): the two streams are right on different
 * records, so DeLong's placements serve as influence values and the variance is that of their difference; the same as
 * DeLong's to order 1/n where labels agree. p-values of one table are adjusted together after Holm 1979. */
#ifndef VIC_COMPARE_H
#define VIC_COMPARE_H

#include "eval/metrics/metric_table.h"
#include "eval/metrics/table.h"

enum { COMPARED_MOST = 16 }; /* rows of metric_table.h with a test: at most so many */
enum { COMPARE_COLUMNS = COL_ID | COL_LABEL | COL_PREDICTED | COL_NLL | COL_BRIER };

struct comparison {
	const char *a, *b; /* names, borrowed */
	size_t n;
	uint64_t only_a, only_b; /* records that only one got right */
	double level;
	struct difference {
		int there;   /* a difference there is: both finite, and asked of these streams */
		double a, b; /* NaN where undefined */
		double low, high, p, holm;
	} of[COMPARED_MOST]; /* [compared_count()] by compared_metric() */
};

struct compare_options {
	int bins, rounds; /* rounds >= compare_least_rounds(level) */
	double level;
	uint64_t seed;
	const char *progress; /* name of the line that shows the rounds; NULL: none is shown */
};

/* Fewer resamples than this could never give a p-value small enough to claim anything after Holm's adjustment. */
int compare_least_rounds(double level);

/* 0 where the streams hold the same records in the same order; else -1 and the first that differs. */
int compare_same_records(const struct rows *a, const struct rows *b, struct err *err) VIC_CHECKED;
/* a, b: the same records, labelled, read with COMPARE_COLUMNS. */
int compare_rows(const struct rows *a, const struct rows *b, const struct compare_options *options, struct pool *pool,
		 struct comparison *c, struct err *err) VIC_CHECKED;

/* The areas' part of compare_rows. order: each side's records by falling confidence, or NULLs. */
int compare_auroc(const struct rows *a, const struct rows *b, const uint32_t *const order[2], double level,
		  struct comparison *c, struct err *err) VIC_CHECKED;

/* The rows with a test, in the table's order; NULL beyond the last. */
const struct metric *compared_metric(int i);
int compared_count(void);
/* That of the row with this key, which must have a test. */
struct difference *difference_of(struct comparison *c, const char *key);
/* Holm's step-down adjustment, in place; p: [n], n <= COMPARED_MOST, NaN left alone. */
void holm(double *p, int n);
/* The share of swaps whose difference is as large within `slack` (sums in another order differ in their last bits),
 * that of the models as they are counted with them. v: [rounds]. */
double swap_p(const double *v, int rounds, double difference, double slack);
/* One sentence: what may be claimed of these records, and what may not. text: owned by the caller. */
int compare_claim(const struct comparison *c, char **text, struct err *err) VIC_CHECKED;
/* Columns: A, B, difference, p, p (Holm). */
int compare_table(const struct comparison *c, struct table *t, struct err *err) VIC_CHECKED;

#endif

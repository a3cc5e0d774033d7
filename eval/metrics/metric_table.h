/* metric_table: every number about a stream of logits, a row each. vic-score prints the rows in their order,
 * --bootstrap gives intervals to those with a range, vic-report shows those of a group and vic-compare tests those with
 * a test. Formula and source of each are in docs/METRICS.md under its key; docs/CONTRIBUTING.md says how to add one. */
#ifndef VIC_METRIC_TABLE_H
#define VIC_METRIC_TABLE_H

#include "eval/records/rows.h"
#include "metrics.h"
#include "posterior.h"

/* Parts of struct measured. A metric is printed where its parts are there. */
enum metric_part {
	PART_BINS = 1,
	PART_MEANS = 2,
	PART_SWEEP = 4,
	PART_SMOOTH = 8,
	PART_CORP = 16,
	PART_CUMULATIVE = 32,
	PART_SELECTIVE = 64,
	PART_MASS = 16384,
	PARTS_OF_KEYS = 127 | PART_MASS, /* what a resample has; the rest is of the whole stream */
	PART_ROWS = 128,
	PART_SIX_CLASSES = 256,	 /* rows, of more than five classes */
	PART_SAMPLES = 512,	 /* rows, of several samples a record */
	PART_CLASS_CELLS = 1024, /* rows, with class_cell and top_cell */
	PART_FLOOR = 2048,
	PART_TRUTH = 4096,
	PART_WALK = 8192
};

/* What metrics are read from: the records of a stream, or of a resample. */
struct measured {
	const conf_key *key; /* [n >= 1] sorted, borrowed; NULL where they were only counted (cells.h) */
	size_t n;
	int bins;		      /* of equal width: of bin and floor; of equal mass: of mass */
	struct bin_errors bin;	      /* PART_BINS */
	double nll, brier;	      /* PART_MEANS: over labelled records */
	double mass;		      /* PART_MASS */
	double sweep;		      /* PART_SWEEP */
	int sweep_bins;		      /* PART_SWEEP */
	double smooth;		      /* PART_SMOOTH */
	struct corp corp;	      /* PART_CORP */
	struct cumulative cumulative; /* PART_CUMULATIVE */
	struct selective selective;   /* PART_SELECTIVE */
	const struct rows *rows;      /* PART_ROWS; borrowed */
	struct floors floor;	      /* PART_FLOOR */
	struct truth truth;	      /* PART_TRUTH */
	double walk_p;		      /* PART_WALK */
};

enum metric_flag {
	METRIC_BRIEF = 1,   /* printed with --brief too */
	METRIC_COUNT = 2,   /* a whole number */
	METRIC_AT_BINS = 4, /* also printed as key@M for each further number of bins; reads bin and floor alone */
	METRIC_HIGHER = 8,  /* higher is better; matters where there is a test or an interval */
	METRIC_NEUTRAL = 16 /* neither is: of the data, not of the model */
};

/* How vic-compare tests a difference. TEST_SWAP needs no more than PARTS_OF_KEYS and PART_MEANS. */
enum metric_test { TEST_NONE, TEST_MCNEMAR, TEST_SWAP, TEST_DELONG };

/* How an interval comes about, from the values of a metric over resamples of the records and over draws of a calibrated
 * model.
 *
 * t: Student's, two-sided at `level`, n - 1 degrees of freedom. sd: the larger of the standard deviations over the
 * resamples and over the draws: records that are all right say nothing of their own spread.
 *   INTERVAL_WILSON   Wilson 1927, of round(value n) of n
 *   INTERVAL_SPREAD   value -+ t sd
 *   INTERVAL_RATIO    value / exp(t sd / value) to value exp(t sd / value): of the logarithm, since losses and risks
 *                     are skewed to the right; of 0 as INTERVAL_SPREAD
 *   INTERVAL_ERROR    value - noise - t sd to value + t sd, noise the mean of metric->noise over the draws
 *   INTERVAL_NORM     the same with an sd of no less than that of the gap, confidence less accuracy over all records:
 *                     where all confidences lean one way such an error is |gap|, whose spread seems smaller near 0
 * An error is a convex and subadditive function of the gaps between confidence and accuracy (a norm, or a part of one),
 * so its expectation lies between the truth and the truth plus the error of pure noise. Both ends allow for that: the
 * bias is somewhere from 0 to that of a calibrated model, and no estimate of it is needed. Every interval holds its
 * value; one record has the whole range. */
enum metric_interval { INTERVAL_NONE, INTERVAL_WILSON, INTERVAL_SPREAD, INTERVAL_RATIO, INTERVAL_ERROR, INTERVAL_NORM };

/* Groups of the report's rows, in their order. */
enum metric_group {
	REPORT_NONE,
	REPORT_FIRST,
	REPORT_TOP_LABEL,
	REPORT_CLASSES,
	REPORT_CORP,
	REPORT_SELECTIVE,
	REPORT_GROUPS
};

struct metric {
	const char *key;
	double (*value)(const struct measured *m); /* NULL: only vic-compare has it */
	unsigned parts, flags;			   /* enum metric_part, enum metric_flag */
	enum metric_interval interval;
	double least, most; /* range of the metric, where it has an interval */
	enum metric_test test;
	enum metric_group group;
	int place;		  /* in its group; the table's order where places are equal; below REPORT_PLACES */
	const char *label, *note; /* for readers; note: may be NULL */
	const char *in_text;	  /* the label inside a sentence, where it differs; or NULL */
	double (*noise)(const struct measured *m); /* of errors; NULL: value itself */
	const char *like; /* the interval is that of this key, a row before, and holds the value too; or NULL */
};
enum { REPORT_PLACES = 5 };

extern const struct metric metric_table[]; /* ends with a NULL key */

/* The sum of the parts that rows read: those of --brief, or all; with a test, or all. */
unsigned metric_parts(int brief, enum metric_test test);
/* The same of rows with an interval. */
unsigned metric_parts_resampled(int brief);

/* Fills `parts` of PARTS_OF_KEYS but PART_MEANS; the rest of m is left as it is. Errors: out of memory. */
int measure_keys(struct measured *m, const conf_key *sorted, size_t n, int bins, unsigned parts,
		 struct err *err) VIC_CHECKED;
/* Fills PART_MEANS from the exact sums of w. */
void measure_means(struct measured *m, const struct rows *w);

struct interval_data {
	size_t n; /* records, >= 1 */
	double level;
	const double *resampled; /* [rounds >= 1] */
	int rounds;
	const double *drawn, *noise; /* [draws] of a calibrated model; draws may be 0 */
	int draws;
	double gap_sd;
	double t; /* interval_t(level, n), for who has many intervals of these */
};
double interval_t(double level, size_t n);

/* The larger of both deviations. */
double interval_sd(const struct interval_data *data);
/* Mean and, divided by n, standard deviation. v: [n >= 1]. */
double mean_of(const double *v, int n, double *sd);
void interval_of(const struct metric *metric, double value, const struct interval_data *data, double *low,
		 double *high);

#endif

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
	PARTS_OF_KEYS = 127, /* what a resample has; the rest is of the whole stream */
	PART_ROWS = 128,
	PART_SIX_CLASSES = 256,	 /* rows, of more than five classes */
	PART_SAMPLES = 512,	 /* rows, of several samples a record */
	PART_CLASS_CELLS = 1024, /* rows, with class_cell and top_cell */
	PART_FLOOR = 2048,
	PART_TRUTH = 4096
};

/* What metrics are read from: the records of a stream, or of a resample. */
struct measured {
	const conf_key *key; /* [n >= 1] sorted, borrowed */
	size_t n;
	int bins;		      /* of equal width: of bin, floor and ece_mass */
	struct bin_errors bin;	      /* PART_BINS */
	double nll, brier;	      /* PART_MEANS: over labelled records */
	double sweep;		      /* PART_SWEEP */
	int sweep_bins;		      /* PART_SWEEP */
	double smooth;		      /* PART_SMOOTH */
	struct corp corp;	      /* PART_CORP */
	struct cumulative cumulative; /* PART_CUMULATIVE */
	struct selective selective;   /* PART_SELECTIVE */
	const struct rows *rows;      /* PART_ROWS; borrowed */
	struct floors floor;	      /* PART_FLOOR */
	struct truth truth;	      /* PART_TRUTH */
};

enum metric_flag {
	METRIC_BRIEF = 1,   /* printed with --brief too */
	METRIC_COUNT = 2,   /* a whole number */
	METRIC_AT_BINS = 4, /* also printed as key@M for each further number of bins; reads bin and floor alone */
	METRIC_HIGHER = 8   /* higher is better; matters where there is a test */
};

/* How vic-compare tests a difference. TEST_BOOTSTRAP needs no more than PARTS_OF_KEYS. */
enum metric_test { TEST_NONE, TEST_MCNEMAR, TEST_BOOTSTRAP, TEST_DELONG };

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
	double least, most;			   /* range of the intervals; none where both are 0 */
	enum metric_test test;
	enum metric_group group;
	int place;		  /* in its group; the table's order where places are equal; below REPORT_PLACES */
	const char *label, *note; /* for readers; note: may be NULL */
	const char *in_text;	  /* the label inside a sentence, where it differs; or NULL */
};
enum { REPORT_PLACES = 5 };

extern const struct metric metric_table[]; /* ends with a NULL key */

/* The sum of the parts that rows read: those of --brief, or all; with a test, or all. */
unsigned metric_parts(int brief, enum metric_test test);

/* Fills `parts` of PARTS_OF_KEYS but PART_MEANS; the rest of m is left as it is. Errors: out of memory. */
int measure_keys(struct measured *m, const conf_key *sorted, size_t n, int bins, unsigned parts,
		 struct err *err) VIC_CHECKED;
/* Fills PART_MEANS from the exact sums of w. */
void measure_means(struct measured *m, const struct rows *w);

#endif

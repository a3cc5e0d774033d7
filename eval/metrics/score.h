/* score: all numbers of one stream, as a list of named values that can be printed, averaged over seeds or resampled.
 * docs/METRICS.md explains each by its key. */
#ifndef VIC_EVAL_SCORE_H
#define VIC_EVAL_SCORE_H

#include "compat.h"
#include "metric_table.h"
#include "table.h"

enum { SCORE_BINS = 16, SCORE_ITEMS = 200, SCORE_KEY = 32 };

struct score_options {
	int bins[SCORE_BINS], n_bins; /* equal-width bin counts; the first is "the" ECE, the others are ece@M */
	int brief;		      /* only n accuracy ece oe nll brier gap bins (and ece@M, oe@M) */
	enum compat compat;
	int rounds;	  /* bootstrap resamples; 0: no intervals */
	double level;	  /* of the intervals */
	int floor_rounds; /* draws of the null floor; 0: none */
	uint64_t seed;
	const struct posterior *posterior; /* or NULL */
	int threads;
	/* Names of the lines that show resamples, groups, and deals of records to groups; NULL: none is shown */
	const char *progress, *groups_progress, *deals_progress;
};

enum score_kind { SCORE_COUNT, SCORE_REAL, SCORE_INTERVAL, SCORE_SPREAD, SCORE_TEXT };
struct score_item {
	char key[SCORE_KEY];
	enum score_kind kind;
	double value, low, high;     /* SCORE_SPREAD: low is the standard deviation */
	const struct metric *metric; /* or NULL: how the numbers came about */
	int at;			     /* index into score_options.bins */
	const char *text;	     /* static */
};
struct score {
	struct score_item item[SCORE_ITEMS], beyond;
	int n, n_beyond; /* n_beyond: values that found no room; 0, or score_show fails */
};

/* Adds the numbers of bins of a list with commas, "15,100". Errors: VIC_USAGE for what is none, stands twice or is too
 * many. */
int score_bins_of(struct score_options *options, const char *list, struct err *err) VIC_CHECKED;
/* Columns that score_rows needs from rows_read. */
unsigned score_columns(const struct score_options *options);
/* w's keys are sorted in place (its other columns keep their order). */
int score_rows(struct score *s, struct rows *w, const struct score_options *options, struct err *err) VIC_CHECKED;
/* Measures sorted keys once for each of options->bins, into m: [SCORE_BINS], the first with all that is asked for. */
int score_measure(struct measured *m, const conf_key *sorted, size_t n, const struct score_options *options,
		  struct err *err) VIC_CHECKED;
/* Turns the values that resampling reaches into intervals. Needs COL_NLL and COL_BRIER. */
int score_bootstrap(struct score *s, const struct rows *w, const struct score_options *options,
		    struct err *err) VIC_CHECKED;

void score_count(struct score *s, const char *key, uint64_t value);
/* The key is "key@number"; just `key` where number is 0. */
void score_real(struct score *s, const char *key, int number, double value);
void score_text(struct score *s, const char *key, const char *text); /* text is borrowed */
const struct score_item *score_find(const struct score *s, const char *key);
/* Mean and standard deviation (n - 1) of each value over several scores. */
void score_spread(struct score *out, const struct score *const *in, int n);
/* Adds a column. */
int score_show(struct table *t, const char *name, const struct score *s, struct err *err) VIC_CHECKED;

#endif

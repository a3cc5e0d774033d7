/* curves: what reliability figures are drawn from, as tab-separated text. Each function writes the lines of one stream
 * (or file) under the header line that curve_header gives; columns are named in vic-reliability --help. */
#ifndef VIC_EVAL_CURVES_H
#define VIC_EVAL_CURVES_H

#include "eval/records/bins.h"
#include "eval/records/conf.h"
#include "pipeline/base/err.h"
#include "pipeline/base/pool.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum curve {
	CURVE_BINS,
	CURVE_HISTOGRAM,
	CURVE_CORP,
	CURVE_SCATTER,
	CURVE_DENSITY,
	CURVE_ENTROPY,
	CURVE_TRAINING,
	CURVE_HULL,
	CURVE_RISK,
	CURVE_ROC,
	CURVE_PR
};
const char *curve_header(enum curve c);

struct curve_options {
	int bins;     /* of bins, histogram, density (each way) and entropy */
	int group;    /* scatter, density: consecutive records a point */
	int rounds;   /* draws behind the consistency bands; 0: no bands, their columns stay empty */
	double level; /* of bands and intervals */
	uint64_t seed;
	struct pool *pool;
	const int32_t *label; /* histogram: [n], negative where unlabelled; NULL: all have a label */
};

/* Names are escaped (pipeline/files/text.h); vic-plot brings them back. */
void curve_name(const char *name, FILE *to);

/* sorted: keys ascending in confidence. */
int curve_bins(const char *name, const conf_key *sorted, size_t n, const struct curve_options *options, FILE *to,
	       struct err *err) VIC_CHECKED;
/* Keys in any order. A record without a label counts as neither right nor wrong. */
int curve_histogram(const char *name, const conf_key *k, size_t n, const struct curve_options *options, FILE *to,
		    struct err *err) VIC_CHECKED;
/* Two lines a block of the isotonic regression: its least and its most confident record. */
int curve_corp(const char *name, const conf_key *sorted, size_t n, const struct curve_options *options, FILE *to,
	       struct err *err) VIC_CHECKED;
/* key: in the order of the stream. A last group of fewer records is left out, unless it is the only one. */
int curve_scatter(const char *name, const conf_key *key, size_t n, const struct curve_options *options, FILE *to,
		  struct err *err) VIC_CHECKED;
int curve_density(const char *name, const conf_key *key, size_t n, const struct curve_options *options, FILE *to,
		  struct err *err) VIC_CHECKED;
/* Labels lambda e_i + (1 - lambda) e_j, lambda ~ Beta(alpha, alpha), entropy in nats; with probability `same` i and j
 * share their class and the entropy is 0. alpha = 0: no mixing. */
int curve_entropy(double alpha, double same, const struct curve_options *options, FILE *to,
		  struct err *err) VIC_CHECKED;
/* One line: where the stream stands after being moved by mu. */
struct rows;
void curve_hull(const char *name, double mu, const struct rows *w, const struct curve_options *options, FILE *to);
/* Risk against coverage: a line for each confidence, from the highest down, that stands for all records at or above it:
 * their share of the n, the share of them that is wrong, and its interval (Wilson 1927). Of more than 1,000 records,
 * lines that add less than a thousandth of them are passed over, but the last. sorted: as above. */
void curve_risk(const char *name, const conf_key *sorted, size_t n, const struct curve_options *options, FILE *to);
/* A line for each threshold, from the highest down, thinned out as curve_risk's: the shares of negatives and positives
 * at or above it, after a line 0, 0; with `precision`, recall and precision. score(key, kind): the key's score. */
struct roc;
void curve_roc(const char *name, const struct roc *r, int precision, double (*score)(uint64_t key, int kind), int kind,
	       FILE *to);
/* A --history file of vic-train, one line an epoch, as one line a number. */
int curve_training(const char *name, const char *path, FILE *to, struct err *err) VIC_CHECKED;
/* The same of one that is open, from its first line. */
struct input;
int curve_history(const char *name, struct input *in, FILE *to, struct err *err) VIC_CHECKED;

/* Quantiles (1 - level)/2 and (1 + level)/2 of each bin's accuracy when right is drawn with probability conf
 * (metrics.h, null floor). low, high: [bins]; NaN for empty bins. */
int null_bands(const conf_key *sorted, size_t n, int bins, const struct curve_options *options, double *low,
	       double *high, struct err *err) VIC_CHECKED;
/* The same of the isotonic regression at records at[0..m-1], rising. Drawn and pooled by cells
 * (eval/metrics/cells.h). */
int pav_bands(const conf_key *sorted, size_t n, const size_t *at, size_t m, const struct curve_options *options,
	      double *low, double *high, struct err *err) VIC_CHECKED;

#endif

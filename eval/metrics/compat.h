/* compat: calibration errors as other tools compute them, rounding, edges and all. Each rule was read in the tool's
 * source (versions in docs/METRICS.md) and is checked against the tool itself by tests/oracles. */
#ifndef VIC_EVAL_COMPAT_H
#define VIC_EVAL_COMPAT_H

#include "eval/records/conf.h"
#include "pipeline/base/err.h"

#include <stddef.h>

/* guo          gpleiss/temperature_scaling: (lo, hi], float32 softmax and edges; a confidence of 0 is in no bin
 * torchmetrics [lo, hi) with float32 edges and float32 running sums; a confidence of 1 has a bin of its own
 * netcal       [lo, hi), last bin closed; clips to [eps, 1 - eps] of the dtype; two classes: P(second class)
 * tfp          floor(M p) in float32, clipped
 * sklearn      calibration_curve's bins: (lo, hi] between float64 edges, first bin closed */
enum compat { COMPAT_NONE, COMPAT_GUO, COMPAT_TORCHMETRICS, COMPAT_NETCAL, COMPAT_TFP, COMPAT_SKLEARN };

struct compat_errors {
	double ece, mce, rmsce, ace; /* NaN where the tool has no such number */
};
int compat_bins(enum compat c);	   /* the tool's own default number of bins */
int compat_float32(enum compat c); /* whether it sees probabilities in float32, whatever it is given */
/* keys in the order of the stream. f32: the stream holds float32. */
int compat_errors(enum compat c, const conf_key *key, size_t n, int bins, int f32, struct compat_errors *e,
		  struct err *err) VIC_CHECKED;
/* The mean Brier score of the kind the tool reports, from the multi-class sum. */
double compat_brier(enum compat c, double brier, int classes);

#endif

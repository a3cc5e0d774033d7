/* softmax: the hot loops of the evaluator, private to eval/. One source (softmax_kernel.c) is compiled on x86-64 for
 * SSE2, AVX2 and AVX-512 and picked at run time; elsewhere there is one variant, the plain one. Every variant does the
 * same IEEE operations in the same order on 8 lanes, fused (rounded once) at the same places, so all give the same
 * bits; where an x86 CPU has no FMA, as the oldest and the cheapest have not, that costs eight times the time. */
#ifndef VIC_EVAL_SOFTMAX_H
#define VIC_EVAL_SOFTMAX_H

#include "key_terms.h"

#include <stddef.h>
#include <stdint.h>

enum {
	LANES = 8,
	ENOUGH = 5, /* classes that beat a label are counted up to this many, which is all that top-5 asks */
	SMALL_CLASSES = 32, /* fewer classes: 8 records at once, a record a lane; else a record at a time */
};

/* exp for x in [-708, 0.7]; 0 below (and for -Inf); error below 1.25 ulp; NaN stays NaN.
 * Class sums: (p + 6.0) has the weight 2^-50 in its last bit, so its bits are p in fixed point plus a constant, and
 * adding the bits as integers is exact. SUM_ROWS rows fit before the integers must be moved on. */
enum { SUM_ROWS = 4096, SUM_SHIFT = 50 };
#define SUM_BIAS 6.0
#define SUM_BIAS_BITS 0x4018000000000000ULL

/* What one record's softmax comes to. e_k = exp(z_k - z_w); "others" leave the winner w out, whose e is 1. */
struct soft {
	double max;	       /* z_w */
	double rest;	       /* sum of e over the others */
	double square;	       /* sum of e^2 over the others */
	double slope;	       /* sum of e (z - z_w) over the others */
	double spread;	       /* log1p(rest) */
	double scale;	       /* 1 / (1 + rest): the winner's probability */
	double label;	       /* z_y - z_w; 0 for the winner and where unlabelled */
	double label_e;	       /* exp(label) */
	double entropy;
	double nll, brier;     /* of the label; meaningless where unlabelled */
	int32_t winner, above; /* above: classes that beat the label (larger, or equal and before it); at least ENOUGH
				* where there are so many */
	int tied;	       /* another class has the winner's logit */
};

/* Eight labelled records: what vic-score keeps of each. */
struct soft_eight {
	double p[LANES], rest[LANES]; /* the winner's probability and that of all others, each with its own precision */
	double nll[LANES], brier[LANES], entropy[LANES], max[LANES], energy[LANES];
	uint64_t key[LANES]; /* conf.h */
	int32_t winner[LANES];
	unsigned whole, far; /* a bit a record: its values can be used; its nll is in none of the sums */
};
/* Sums over records, which do not depend on their order: a term is (int64_t)(v * 2^60) as in fix.h, and a lane's sum is
 * high 2^32 + low. Room for 2^31 times eight records. */
enum soft_sum { SOFT_CONF, SOFT_NLL, SOFT_BRIER, SOFT_ENTROPY, SOFT_SUMS };
struct soft_sums {
	int64_t high[SOFT_SUMS][LANES], low[SOFT_SUMS][LANES];
	uint64_t right, top, tied; /* records that are right, whose label fewer than ENOUGH classes beat, with a tie */
};
#define SOFT_FAR 8.0 /* an nll of this and more is left to the caller (soft_eight.far) */

/* Places after smooth_line's line that are read and not summed. */
enum { LINE_BEYOND = 32 };

/* Of what records x is, and what of them is counted. across: x[k] is class k of one record, whose scale, winner and
 * label stand LANES times; else x[k] is class k / LANES of record k % LANES. Records of scale 0 do not count. */
struct class_adds {
	int across, classes, bins;
	double edge; /* slightly below the first bin's upper edge: what passes is binned exactly */
};
/* Room for n + LANES each. cell: the winner's P at (classes + class) bins + bin, any other's at class bins + bin; and
 * FOUND_RIGHT where the class is the label. conf: P in units of 2^-48, rounded, plus FOUND_BIAS. */
struct class_found {
	uint64_t *cell, *conf;
};
#define FOUND_RIGHT 0x8000000000000000u
#define FOUND_BIAS 0x4330000000000000u
#define FOUND_SHIFT 48

struct softmax_ops {
	/* x: [n] doubles, n a multiple of LANES: exp in place. */
	void (*exp_many)(double *x, size_t n);
	/* One record: z[classes] of float or double; x: [padded(classes)], e after (winner's 1, padding 0). */
	void (*row_f32)(const float *z, int classes, int label, double *x, struct soft *s);
	void (*row_f64)(const double *z, int classes, int label, double *x, struct soft *s);
	/* LANES records, classes < SMALL_CLASSES. x: [classes][LANES], logits first and e after; label: [LANES]. */
	void (*lanes)(double *x, int classes, const int32_t *label, struct soft *s);
	/* The same of labelled records where they lie: lane j begins at value row[j] of z, float or (wide) double. The
	 * first n lanes count in sums; the others should repeat one of these. */
	void (*eight)(const void *z, int wide, const size_t *row, int classes, const int32_t *label, int n, double *x,
		      struct soft_eight *s, struct soft_sums *sums);
	/* x[k] *= scale[k % LANES]; sum[k] += bits of (x[k] + SUM_BIAS); k < n, a multiple of LANES. Lists those that
	 * are of a bin above the first or of their record's winner; returns their number. */
	int (*class_sums)(double *x, size_t n, const struct class_adds *a, const double *scale, const int32_t *winner,
			  const int32_t *label, uint64_t *sum, struct class_found to);
	/* key_terms.h */
	void (*key_terms)(const uint64_t *key, size_t n, int last, struct key_terms *t);
	/* Smooth ECE's sum over places 0..cells of |sum of kernel[|d|] line[place + reach + d] over |d| <= reach|, the
	 * two ends by half; of it what lies at from..to, added to `sum`. line: [cells + 1 + 2 reach + LINE_BEYOND],
	 * finite where it is read, to LINE_BEYOND places beyond; kernel: [reach + 1]. */
	double (*smooth_line)(const double *line, const double *kernel, size_t reach, size_t cells, size_t from,
			      size_t to, double sum);
	/* That sum over all places, of |sum of mass[k] shape[place - at[k]] over k < n|. shape: read to LINE_BEYOND
	 * places beyond what is summed. */
	double (*smooth_points)(const int32_t *at, const double *mass, size_t n, const double *shape, size_t cells);
};

static inline size_t padded(int classes)
{
	return ((size_t)classes + LANES - 1) / LANES * LANES;
}

extern const struct softmax_ops softmax_plain, softmax_avx2, softmax_avx512;
/* The fastest variant this CPU runs. */
const struct softmax_ops *softmax_ops(void);
/* Variant i, or NULL when there are no more or this CPU lacks it (i from 0, from slow to fast). For tests. */
const struct softmax_ops *softmax_variant(int i);
/* How many variants this CPU runs. */
int softmax_variants(void);

#endif

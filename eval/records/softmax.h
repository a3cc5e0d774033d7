/* softmax: the hot loops of the evaluator, private to eval/. One source (softmax_kernel.c) is compiled on x86-64 for
 * SSE2, AVX2 and AVX-512 and picked at run time; elsewhere there is one variant, the plain one. Every variant does the
 * same IEEE operations in the same order on 8 lanes, without fused multiply-add, so all give the same bits. */
#ifndef VIC_EVAL_SOFTMAX_H
#define VIC_EVAL_SOFTMAX_H

#include <stddef.h>
#include <stdint.h>

enum {
	LANES = 8,
	ENOUGH = 5, /* classes that beat a label are counted up to this many, which is all that top-5 asks */
	SMALL_CLASSES = 32, /* fewer classes: 8 records at once, a record a lane; else a record at a time */
};

/* exp for x in [-708, 0.7]; 0 below (and for -Inf); error below 1.1 ulp; NaN stays NaN.
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
	int32_t winner, above; /* above: classes that beat the label (larger, or equal and before it); at least ENOUGH
				* where there are so many */
	int tied;	       /* another class has the winner's logit */
};

struct softmax_ops {
	/* x: [n] doubles, n a multiple of LANES: exp in place. */
	void (*exp_many)(double *x, size_t n);
	/* One record: z[classes] of float or double; x: [padded(classes)], e after (winner's 1, padding 0). */
	void (*row_f32)(const float *z, int classes, int label, double *x, struct soft *s);
	void (*row_f64)(const double *z, int classes, int label, double *x, struct soft *s);
	/* LANES records, classes < SMALL_CLASSES. x: [classes][LANES], logits first and e after; label: [LANES]. */
	void (*lanes)(double *x, int classes, const int32_t *label, struct soft *s);
	/* x[k] *= scale[k % LANES]; sum[k] += bits of (x[k] + SUM_BIAS); k < n, a multiple of LANES. Lists the k whose
	 * x exceeds `above` in found[] (room for n) and returns their number. */
	int (*class_sums)(double *x, size_t n, const double *scale, double above, uint64_t *sum, int32_t *found);
};

static inline size_t padded(int classes)
{
	return ((size_t)classes + LANES - 1) / LANES * LANES;
}

extern const struct softmax_ops softmax_plain, softmax_avx2, softmax_avx512;
/* The fastest variant this CPU runs. */
const struct softmax_ops *softmax_ops(void);
/* Variant i, or NULL when there are no more or this CPU lacks it (i from 0). For tests. */
const struct softmax_ops *softmax_variant(int i);

#endif

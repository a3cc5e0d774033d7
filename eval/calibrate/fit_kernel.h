/* fit_kernel: the fits' hot loops, private to eval/calibrate. One source (fit_kernel.c) is compiled for each
 * instruction set as eval/records/softmax_kernel.c is, and gives the same bits on each. */
#ifndef VIC_FIT_KERNEL_H
#define VIC_FIT_KERNEL_H

#include <stddef.h>

/* Panels of PRODUCT_LEFT rows of the left factor meet panels of PRODUCT_RIGHT columns of the right one (product.h). */
enum { PRODUCT_LEFT = 4, PRODUCT_RIGHT = 16 };

struct fit_ops {
	/* c[LEFT][RIGHT] = sum over d < depth of a[d][LEFT] b[d][RIGHT], each sum in the order of d; all aligned as
	 * vectors are. */
	void (*tile)(const double *a, const double *b, size_t depth, double *c);
	void (*tile_narrow)(const float *a, const float *b, size_t depth, double *c);
	/* LANES records' parts of the sums of temperature.c at one beta, added to sum[FIT_SUMS][LANES]. z:
	 * [classes][LANES] logits; own: [LANES], the label's. */
	void (*temperature)(const double *z, const double *own, int classes, double beta, double *sum);
	/* One record of an affine map. x[k] = z by, of float or (wide) double; out[k] = offset + scaled x, or offset
	 * alone where scaled is NULL. Where z is -Inf, x is 0 and out -Inf. */
	void (*affine_in)(const void *z, int wide, double by, const double *scaled, const double *offset, size_t k,
			  double *x, double *out);
	/* v[k] less its largest. */
	void (*below_largest)(double *v, size_t k);
	/* Exponentials e[k] become the loss's slope in each, e / mass, less 1 for the label; added to gb[k], and times
	 * x[k] to gw[k] unless that is NULL. Returns the mass, summed in LANES lanes. */
	double (*affine_out)(double *e, const double *x, size_t k, size_t label, double *gb, double *gw);
};

/* Sums of a pass at one beta: NLL, beta times its derivative g, beta^2 times the derivative of that, beta^3 times that
 * of the latter. */
enum { SUM_NLL, SUM_G, SUM_H, SUM_T, FIT_SUMS };
/* A distance below it has an exponential of 0: how far below does not matter. */
#define FIT_NOTHING -800.0

extern const struct fit_ops fit_plain, fit_avx2, fit_avx512;
/* The fastest variant this CPU runs. */
const struct fit_ops *fit_ops(void);
/* Variant i, as softmax_variant. For tests. */
const struct fit_ops *fit_variant(int i);

#endif

/* The fits' hot loops, compiled once for each instruction set (rules.mk), each time as another FIT: plain vector
 * arithmetic in one order, without fused multiply-add. */
#include "fit_kernel.h"
#include "eval/records/softmax_vec.h"

#ifndef FIT
#define FIT fit_plain
#endif

static void tile(const double *a, const double *b, size_t depth, double *c)
{
	for (size_t half = 0; half < PRODUCT_RIGHT; half += LANES, c += LANES) {
		vd sum[PRODUCT_LEFT][PARTS];
		for (int r = 0; r < PRODUCT_LEFT; r++)
			for (int p = 0; p < PARTS; p++)
				sum[r][p] = broadcast(0);
		for (size_t d = 0; d < depth; d++)
			for (int p = 0; p < PARTS; p++) {
				vd v = load_vector(b + d * PRODUCT_RIGHT + half + (size_t)(p * D));
				for (int r = 0; r < PRODUCT_LEFT; r++)
					sum[r][p] += a[d * PRODUCT_LEFT + (size_t)r] * v;
			}
		for (int r = 0; r < PRODUCT_LEFT; r++)
			for (int p = 0; p < PARTS; p++)
				store_vector(c + r * PRODUCT_RIGHT + p * D, sum[r][p]);
	}
}

typedef float vf __attribute__((vector_size(D * 8)));

static void tile_narrow(const float *a, const float *b, size_t depth, double *c)
{
	vf sum[PRODUCT_LEFT][PARTS];
	for (int r = 0; r < PRODUCT_LEFT; r++)
		for (int p = 0; p < PARTS; p++)
			sum[r][p] = (vf){ 0 };
	for (size_t d = 0; d < depth; d++)
		for (int p = 0; p < PARTS; p++) {
			vf v;
			memcpy(&v, b + d * PRODUCT_RIGHT + (size_t)(p * 2 * D), sizeof v);
			for (int r = 0; r < PRODUCT_LEFT; r++)
				sum[r][p] += a[d * PRODUCT_LEFT + (size_t)r] * v;
		}
	for (int r = 0; r < PRODUCT_LEFT; r++)
		for (int p = 0; p < PARTS; p++)
			for (int i = 0; i < 2 * D; i++)
				c[r * PRODUCT_RIGHT + p * 2 * D + i] = (double)sum[r][p][i];
}

INLINE void add_to(double *sum, vd v)
{
	store_vector(sum, load_vector(sum) + v);
}

static void temperature_lanes(const double *z, const double *own, int classes, double beta, double *sum)
{
	for (int p = 0; p < LANES; p += D) {
		vd max = load_vector(z + p), mass = { 0 }, first = { 0 }, second = { 0 };
		for (int c = 1; c < classes; c++)
			max = larger(load_vector(z + c * LANES + p), max);
		for (int c = 0; c < classes; c++) {
			vd x = larger(beta * (load_vector(z + c * LANES + p) - max), broadcast(FIT_NOTHING));
			vd e = exp_of(x, larger(x, broadcast(EXP_LOWEST))), w = e * x;
			mass += e;
			first += w;
			second += w * x;
		}
		vd label = beta * (load_vector(own + p) - max), mean = first / mass;
		add_to(sum + SUM_NLL * LANES + p, log1p_of(mass - 1.0) - label);
		add_to(sum + SUM_G * LANES + p, mean - label);
		add_to(sum + SUM_H * LANES + p, second / mass - mean * mean);
	}
}

const struct fit_ops FIT = { tile, tile_narrow, temperature_lanes };

/* The fits' hot loops, compiled once for each instruction set (rules.mk), each time as another FIT: vector
 * arithmetic in one order, fused in exp_of and log1p_of alone. */
#include "fit_kernel.h"
#include "eval/records/softmax_vec.h"

#include <math.h>

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
		vd max = load_vector(z + p), mass = { 0 }, first = { 0 }, second = { 0 }, third = { 0 };
		for (int c = 1; c < classes; c++)
			max = larger(load_vector(z + c * LANES + p), max);
		for (int c = 0; c < classes; c++) {
			vd x = larger(beta * (load_vector(z + c * LANES + p) - max), broadcast(FIT_NOTHING));
			vd e = exp_of(x, larger(x, broadcast(EXP_LOWEST))), w = e * x, u = w * x;
			mass += e;
			first += w;
			second += u;
			third += u * x;
		}
		vd label = beta * (load_vector(own + p) - max), one = 1.0 / mass, mean = first * one;
		second *= one;
		add_to(sum + SUM_NLL * LANES + p, log1p_of(mass - 1.0) - label);
		add_to(sum + SUM_G * LANES + p, mean - label);
		add_to(sum + SUM_H * LANES + p, second - mean * mean);
		add_to(sum + SUM_T * LANES + p, third * one - mean * (3.0 * second - 2.0 * mean * mean));
	}
}

static void affine_in(const void *z, int wide, double by, const double *scaled, const double *offset, size_t k,
		      double *x, double *out)
{
	size_t c = 0;
	for (; c + D <= k; c += D) {
		vd v = wide ? load_vector((const double *)z + c) : widen((const float *)z + c);
		mask there = greater(v, broadcast(-INFINITY));
		vd u = choose(there, v * by, broadcast(0)), o = load_vector(offset + c);
		if (scaled)
			o += load_vector(scaled + c) * u;
		store_vector(x + c, u);
		store_vector(out + c, choose(there, o, broadcast(-INFINITY)));
	}
	for (; c < k; c++) {
		double v = wide ? ((const double *)z)[c] : (double)((const float *)z)[c];
		int there = v > -INFINITY;
		x[c] = there ? v * by : 0;
		out[c] = there ? offset[c] + (scaled ? scaled[c] * x[c] : 0) : -INFINITY;
	}
}

static void below_largest(double *v, size_t k)
{
	vd most = broadcast(-INFINITY);
	double max = -INFINITY;
	size_t c = 0;
	for (; c + D <= k; c += D)
		most = larger(load_vector(v + c), most);
	for (; c < k; c++)
		max = v[c] > max ? v[c] : max;
	for (int i = 0; i < D; i++)
		max = most[i] > max ? most[i] : max;
	for (c = 0; c + D <= k; c += D)
		store_vector(v + c, load_vector(v + c) - max);
	for (; c < k; c++)
		v[c] -= max;
}

INLINE double lanes_total(const double *v, size_t k)
{
	vd lane[PARTS];
	double sum = 0, rest = 0;
	size_t c = 0;
	for (int p = 0; p < PARTS; p++)
		lane[p] = broadcast(0);
	for (; c + LANES <= k; c += LANES)
		for (int p = 0; p < PARTS; p++)
			lane[p] += load_vector(v + c + p * D);
	for (; c < k; c++)
		rest += v[c];
	for (int p = 0; p < PARTS; p++)
		for (int i = 0; i < D; i++)
			sum += lane[p][i];
	return sum + rest;
}

/* The label's own is put right at the end, so that the loop need not ask. */
static double affine_out(double *e, const double *x, size_t k, size_t label, double *gb, double *gw)
{
	double mass = lanes_total(e, k), one = 1 / mass, b = gb[label], w = gw ? gw[label] : 0;
	size_t c = 0;
	for (; c + D <= k; c += D) {
		vd p = load_vector(e + c) * one;
		store_vector(e + c, p);
		store_vector(gb + c, load_vector(gb + c) + p);
		if (gw)
			store_vector(gw + c, load_vector(gw + c) + p * load_vector(x + c));
	}
	for (; c < k; c++) {
		e[c] *= one;
		gb[c] += e[c];
		if (gw)
			gw[c] += e[c] * x[c];
	}
	e[label] -= 1;
	gb[label] = b + e[label];
	if (gw)
		gw[label] = w + e[label] * x[label];
	return mass;
}

const struct fit_ops FIT = { tile, tile_narrow, temperature_lanes, affine_in, below_largest, affine_out };

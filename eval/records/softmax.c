/* Picks the variant of softmax_kernel.c. softmax_variant lists them from slow to fast, without gaps, and softmax_ops
 * takes the last that this CPU runs. softmax_row works in blocks on the stack, and z and p may be the same array. */
#include "softmax.h"
#include "fix.h"
#include "rows.h"

#include <math.h>
#include <string.h>

const struct softmax_ops *softmax_variant(int i)
{
#ifdef VIC_SOFTMAX_X86
	if (i == 2)
		return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") ? &softmax_avx512 : NULL;
	if (i == 1)
		return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &softmax_avx2 : NULL;
#endif
	return i == 0 ? &softmax_plain : NULL;
}

int softmax_variants(void)
{
	int n = 0;
	while (softmax_variant(n))
		n++;
	return n;
}

const struct softmax_ops *softmax_ops(void)
{
	return softmax_variant(softmax_variants() - 1);
}

/* exp of one number, as the others are done. */
static double exp_one(const struct softmax_ops *ops, double x)
{
	double v[LANES] __attribute__((aligned(64))) = { x };
	ops->exp_many(v, LANES);
	return v[0];
}

/* The others' exponentials are summed as multiples of 2^-60 of the largest of them (fix.h), in any order the same. */
double softmax_row(const double *z, int classes, double *p)
{
	enum { STEP = 512 };
	double max = -INFINITY, second = -INFINITY, x[STEP] __attribute__((aligned(64)));
	const struct softmax_ops *ops = softmax_ops();
	fix sum = 0;
	int winner = 0;
	for (int k = 0; k < classes; k++) {
		second = z[k] > max ? max : z[k] > second ? z[k] : second;
		winner = z[k] > max ? k : winner;
		max = z[k] > max ? z[k] : max;
	}
	double scale = fix_scale(exp_one(ops, second - max));
	for (int from = 0; from < classes; from += STEP) {
		int n = classes - from < STEP ? classes - from : STEP;
		for (int k = 0; k < n; k++)
			x[k] = z[from + k] - max;
		for (int k = n; k < (int)padded(n); k++)
			x[k] = -INFINITY;
		ops->exp_many(x, padded(n));
		for (int k = 0; k < n; k++)
			sum += from + k == winner ? 0 : fix_of(x[k] * scale);
		if (p)
			memcpy(p + from, x, (size_t)n * sizeof *p);
	}
	double rest = fix_real(sum) / scale;
	for (int k = 0; p && k < classes; k++)
		p[k] /= 1 + rest;
	return max + log1p(rest);
}

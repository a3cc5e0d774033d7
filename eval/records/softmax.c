/* Compiles softmax_body.h once for each instruction set and picks one at run time. All variants must give the same
 * bits, so no multiply-add may be fused here: GCC does not fuse them under -std=c11. Only GCC on x86-64 gets more than
 * the plain variant. softmax_variant lists them from slow to fast, without gaps, and softmax_ops takes the last that
 * this CPU runs. softmax_row works in blocks on the stack, and z and p may be the same array. */
#include "softmax.h"
#include "rows.h"

#include <math.h>
#include <string.h>

/* Vectors are never passed between functions, so the ABI that this warning is about does not matter. */
#pragma GCC diagnostic ignored "-Wpsabi"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#include <immintrin.h>
#define VARIANTS 1
#endif

#define NAME(x) x##_plain
static const char name_plain[] = "plain";
#include "softmax_body.h"
#undef NAME

#ifdef VARIANTS
#pragma GCC push_options
#pragma GCC target("avx2")
#define NAME(x) x##_avx2
static const char name_avx2[] = "avx2";
#include "softmax_body.h"
#undef NAME
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,prefer-vector-width=512")
#define NAME(x) x##_avx512
static const char name_avx512[] = "avx512";
#include "softmax_body.h"
#undef NAME
#pragma GCC pop_options
#endif

const struct softmax_ops *softmax_variant(int i)
{
#ifdef VARIANTS
	if (i == 2)
		return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") ? &ops_avx512 : NULL;
	if (i == 1)
		return __builtin_cpu_supports("avx2") ? &ops_avx2 : NULL;
#endif
	return i == 0 ? &ops_plain : NULL;
}

const struct softmax_ops *softmax_ops(void)
{
	const struct softmax_ops *best = NULL, *v;
	for (int i = 0; (v = softmax_variant(i)); i++)
		best = v;
	return best;
}

double softmax_row(const double *z, int classes, double *p)
{
	enum { STEP = 512 };
	double max = -INFINITY, x[STEP] __attribute__((aligned(64)));
	const struct softmax_ops *ops = softmax_ops();
	double rest = 0;
	int winner = 0;
	for (int k = 0; k < classes; k++)
		if (z[k] > max) {
			max = z[k];
			winner = k;
		}
	for (int from = 0; from < classes; from += STEP) {
		int n = classes - from < STEP ? classes - from : STEP;
		for (int k = 0; k < n; k++)
			x[k] = z[from + k] - max;
		for (int k = n; k < (int)padded(n); k++)
			x[k] = -INFINITY;
		ops->exp_many(x, padded(n));
		for (int k = 0; k < n; k++)
			rest += from + k == winner ? 0 : x[k];
		if (p)
			memcpy(p + from, x, (size_t)n * sizeof *p);
	}
	for (int k = 0; p && k < classes; k++)
		p[k] /= 1 + rest;
	return max + log1p(rest);
}

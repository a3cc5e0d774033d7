/* class_kernel: eight records' or one record's classes, summed and brought to their bins, for softmax_kernel.c; what
 * class_sums does is in softmax.h. */
#ifndef VIC_EVAL_CLASS_KERNEL_H
#define VIC_EVAL_CLASS_KERNEL_H

#include "conf.h"
#include "pipeline/base/binof.h"
#include "softmax_vec.h"

/* D values of a step of class_sums. base: where the bins of `class` begin; wins: the winners'. */
struct class_step {
	vd v, class, wanted;
	vu base;
	mask wins;
};

#ifdef __AVX512DQ__
/* a + b where m, else a. */
INLINE vu add_whole(mask m, vu a, vu b)
{
	return (vu)_mm512_mask_add_epi64((__m512i)a, m, (__m512i)a, (__m512i)b);
}

/* 3 2^51 as bits; and these plus the bin (binof.h) that v > 0 is in: i, the whole number next to v bins, or the one
 * below. */
#define WHOLE_BITS 0x4338000000000000u
INLINE vu bin_bits(vd v, vd bins)
{
	const vd whole = broadcast(0x1.8p52);
	vd i = v * bins + whole, past = fused(v, bins, whole - i);
	return add_whole(at_least(broadcast(0), past), (vu)i, (vu){ 0 } - 1);
}

/* Lists those of `some`, x[at] on, that are above the first bin or a winner's. What lies beyond is overwritten. */
INLINE int list_classes(const struct class_step *s, unsigned some, size_t at, const struct class_adds *a,
			struct class_found to)
{
	const vu none = { 0 };
	vu bin = bin_bits(s->v, broadcast(a->bins)), cell = bin + s->base - WHOLE_BITS;
	cell = add_whole(s->wins, cell, none + (uint64_t)a->classes * (uint64_t)a->bins);
	cell = add_whole(equal(s->class, s->wanted), cell, none + FOUND_RIGHT);
	mask above = _mm512_cmpgt_epi64_mask((__m512i)bin, (__m512i)(none + WHOLE_BITS));
	mask over = (mask)some & (above | s->wins);
	(void)at;
	_mm512_storeu_si512(to.cell, _mm512_maskz_compress_epi64(over, (__m512i)cell));
	_mm512_storeu_si512(to.conf, _mm512_maskz_compress_epi64(over, (__m512i)(s->v * 0x1p48 + 0x1p52)));
	return __builtin_popcount(over);
}

INLINE int bin_listed(const double *x, const struct class_adds *a, const int32_t *winner, const int32_t *label,
		      int count, struct class_found to)
{
	(void)x, (void)a, (void)winner, (void)label, (void)to;
	return count;
}
#else
/* In two steps, which is faster here: all of `some` by their places in x; and then what these are. */
INLINE int list_classes(const struct class_step *s, unsigned some, size_t at, const struct class_adds *a,
			struct class_found to)
{
	int count = 0;
	(void)s, (void)a;
	for (; some; some &= some - 1)
		to.cell[count++] = at + (unsigned)__builtin_ctz(some);
	return count;
}

INLINE int bin_listed(const double *x, const struct class_adds *a, const int32_t *winner, const int32_t *label,
		      int count, struct class_found to)
{
	const size_t bins = (size_t)a->bins, classes = (size_t)a->classes, across = (size_t)a->across;
	int listed = 0;
	for (int i = 0; i < count; i++) {
		size_t at = to.cell[i], j = at % LANES, class = across ? at : at / LANES;
		double v = x[at];
		int bin = bin_of((int)bins, v), wins = (int32_t)class == winner[j];
		uint64_t cell = (class + (wins ? classes : 0)) * bins + (size_t)bin;
		to.cell[listed] = cell | ((int32_t)class == label[j] ? FOUND_RIGHT : 0);
		to.conf[listed] = conf_bits(v * 0x1p48 + 0x1p52);
		listed += bin > 0 || wins;
	}
	return listed;
}
#endif

static int class_sums(double *x, size_t n, const struct class_adds *a, const double *scale, const int32_t *winner,
		      const int32_t *label, uint64_t *sum, struct class_found to)
{
	const int step = a->across ? LANES : 1;
	const vd edge = broadcast(a->edge), on = broadcast(step);
	const vu next = (vu){ 0 } + (uint64_t)step * (uint64_t)a->bins;
	struct class_step s[PARTS];
	vd by[PARTS], first[PARTS];
	int count = 0;
	for (int p = 0; p < PARTS; p++) {
		by[p] = load_vector(scale + p * D);
		first[p] = choose(greater(by[p], broadcast(0)), from_ints(winner + p * D), broadcast(-1));
		s[p].wanted = from_ints(label + p * D);
		s[p].class = a->across ? load_vector(number + p * D) : broadcast(0);
		for (int i = 0; i < D; i++)
			s[p].base[i] = (uint64_t)s[p].class[i] * (uint64_t)a->bins;
	}
	for (size_t i = 0; i < n; i += LANES) {
		unsigned some = 0;
		for (int p = 0; p < PARTS; p++) {
			vu total;
			s[p].v = load_vector(x + i + p * D) * by[p];
			s[p].wins = equal(s[p].class, first[p]);
			some |= mask_bits(greater(s[p].v, edge) | s[p].wins) << p * D;
			store_vector(x + i + p * D, s[p].v);
			memcpy(&total, sum + i + p * D, sizeof total);
			total += (vu)(s[p].v + SUM_BIAS);
			memcpy(sum + i + p * D, &total, sizeof total);
		}
		if (some)
			count += list_classes(s, some, i, a, (struct class_found){ to.cell + count, to.conf + count });
		for (int p = 0; p < PARTS; p++) {
			s[p].class += on;
			s[p].base += next;
		}
	}
	return bin_listed(x, a, winner, label, count, to);
}

#endif

/* softmax_terms: what softmax_kernel.c sums over a record's classes, and what follows from the sums, for one record or
 * for D of them side by side. */
#ifndef VIC_EVAL_SOFTMAX_TERMS_H
#define VIC_EVAL_SOFTMAX_TERMS_H

#include "softmax_vec.h"

#include <math.h>

/* Sums over the classes that do not depend on their order: with the second largest e brought to [0.48, 0.98] by a power
 * of two, a term v in [0, 1) is rounded once, to a multiple of 2^-52, and added as an integer: the bits of v + 1.0 are
 * those of 1.0 and v in fixed point. Terms of slope, es (z_w - z), are below `top`, a power of two above 1 and above
 * z_w - second: where z_w - z > 1 it falls as z does, and below that it is at most scale / e < 1. */
struct unit {
	vd second, held;    /* the second largest e and its exponent, at least EXP_LOWEST */
	vd up, down;	    /* powers of two: second up is in [0.48, 0.98], and down = 1 / up */
	vd top;
	vu top_bits;
};
enum { SUM_BITS = 52, CHUNK = 2048 }; /* CHUNK: terms that a lane's integer holds, and more */
#define ONE_BITS 0x3ff0000000000000u

INLINE struct unit unit_of(vd largest, vd second)
{
	struct unit u;
	vd off = second - largest;
	u.held = larger(broadcast(EXP_LOWEST), off);
	u.second = exp_of(off, u.held);
	/* 2^k, of which e is 0.97 to 1.96 times as much: known before e is. */
	vu exponent = (vu)exp_place(u.held) << (SUM_BITS - 4) & ~(((uint64_t)1 << SUM_BITS) - 1);
	u.up = (vd)(((uint64_t)1022 << SUM_BITS) - exponent);
	u.down = (vd)(((uint64_t)1024 << SUM_BITS) + exponent);
	u.top_bits = (((vu)larger(-u.held, broadcast(1)) >> SUM_BITS) + 1) << SUM_BITS;
	u.top = (vd)u.top_bits;
	return u;
}

/* The constants that the terms bring along are taken off in close_sums, once for all. off: a NaN where a value was
 * one; none is above 0, so that nothing else can make one. */
struct sums {
	vu rest, square, slope;
	vd off;
};

INLINE struct sums no_sums(void)
{
	return (struct sums){ .off = broadcast(0) };
}

/* e = exp(off) of D classes, those that are no winner's, into their lanes' sums. */
INLINE void add_terms(struct sums *t, const struct unit *u, mask others, vd e, vd off, vd held)
{
	vd es = product(others, e, u->up);
	t->rest += (vu)(es + 1.0);
	t->square += (vu)fused(es, es, broadcast(1));
	t->slope += (vu)fused(-es, held, u->top);
	t->off += off;
}

/* After n terms a lane. */
INLINE void close_sums(struct sums *t, const struct unit *u, uint64_t n)
{
	t->rest -= n * ONE_BITS;
	t->square -= n * ONE_BITS;
	t->slope -= u->top_bits * n;
}

/* `total` is that of all terms; the second's own is in it rounded, as `added`, and is put back as it is. */
INLINE vd real_sum(vd total, vd second, vd added, vd unit, vu unit_bits)
{
	vd rounded = whole_real((vu)added - unit_bits);
	return second + (total - rounded) * (0x1p-52 * unit);
}

INLINE void finish_sums(const struct unit *u, const vd total[3], mask whole, vd *rest, vd *square, vd *slope)
{
	vd one = broadcast(1), es = u->second * u->up, slow = fused(-es, u->held, u->top);
	*rest = choose(whole, real_sum(total[0], es, es + one, one, (vu)one) * u->down, broadcast(NAN));
	*square = real_sum(total[1], es * es, fused(es, es, one), one, (vu)one) * u->down * u->down;
	*slope = -real_sum(total[2], -(es * u->held), slow, u->top, u->top_bits) * u->down;
}

/* What follows for a record. */
struct outcome {
	vd p, rest, entropy, nll, brier;
};

INLINE struct outcome outcome_of(vd rest, vd square, vd slope, vd spread, vd scale, vd label, vd label_e, mask right)
{
	struct outcome o = { .p = scale, .rest = rest * scale };
	vd all = square * scale * scale, y = label_e * scale;
	o.entropy = spread - slope * scale;
	o.nll = spread - label;
	o.brier = choose(right, o.rest * o.rest + all,
			 o.p * o.p + larger(all - y * y, broadcast(0)) + (1.0 - y) * (1.0 - y));
	return o;
}

#endif

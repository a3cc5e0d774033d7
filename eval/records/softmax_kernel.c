/* The hot loops, compiled once for each instruction set (rules.mk), each time as another SOFTMAX. Plain vector
 * arithmetic in the same order on the same eight lanes everywhere, without fused multiply-add: a lane's sum never meets
 * another lane's before the end. */
#include "softmax_vec.h"

#include <math.h>

#ifndef SOFTMAX
#define SOFTMAX softmax_plain
#endif

static void exp_many(double *x, size_t n)
{
	for (size_t i = 0; i < n; i += D) {
		vd v = load_vector(x + i);
		store_vector(x + i, exp_of(v, larger(broadcast(EXP_LOWEST), v)));
	}
}

/* Value i of a record of float or double. */
INLINE double value_at(const void *z, int wide, size_t i)
{
	return wide ? ((const double *)z)[i] : (double)((const float *)z)[i];
}

/* D values, from i on, to their place in x. */
INLINE vd copy_vector(const void *z, int wide, size_t i, double *x)
{
	vd v = wide ? load_vector((const double *)z + i) : widen((const float *)z + i);
	store_vector(x + i, v);
	return v;
}

/* v among the largest and the largest but one of what was seen. A NaN changes neither. */
INLINE void take_value(vd v, vd *largest, vd *second)
{
	mask above = greater(v, *largest);
	*second = larger(choose(above, *largest, v), *second);
	*largest = choose(above, v, *largest);
}

/* Copies a record to x, followed by -Inf up to a whole eight. Returns the largest; NaNs are passed over. *second: the
 * largest but one, which is the largest again where two values have it; -Inf where there is none. */
INLINE double copy_row(const void *z, int wide, size_t k, double *x, double *second)
{
	enum { CHAINS = 4 };
	vd m[CHAINS], other[CHAINS];
	size_t i = 0, n = padded((int)k);
	for (int j = 0; j < CHAINS; j++)
		m[j] = other[j] = broadcast(-INFINITY);
	for (; i + CHAINS * D <= k; i += CHAINS * D)
		for (size_t j = 0; j < CHAINS; j++)
			take_value(copy_vector(z, wide, i + j * D, x), &m[j], &other[j]);
	for (; i + D <= k; i += D)
		take_value(copy_vector(z, wide, i, x), &m[0], &other[0]);
	for (size_t j = i; j < n; j++)
		x[j] = j < k ? value_at(z, wide, j) : -INFINITY;
	if (i < k)
		take_value(load_vector(x + i), &m[0], &other[0]);
	for (int j = 1; j < CHAINS; j++) {
		take_value(m[j], &m[0], &other[0]);
		other[0] = larger(other[j], other[0]);
	}
	double first = m[0][0], next = other[0][0];
	for (int j = 1; j < D; j++) {
		double low = m[0][j] > first ? first : m[0][j];
		first = m[0][j] > first ? m[0][j] : first;
		next = low > next ? low : next;
		next = other[0][j] > next ? other[0][j] : next;
	}
	*second = next;
	return first;
}

/* The lowest index of a value that is in x. */
static size_t find_first(const double *x, double v)
{
	size_t i = 0;
	unsigned at;
	while (!(at = mask_bits(equal(load_vector(x + i), broadcast(v)))))
		i += D;
	return i + (unsigned)__builtin_ctz(at);
}

/* Classes that beat the label, larger ones and equal ones before it; from ENOUGH on only that many. */
static int count_beating(const double *x, size_t n, size_t label)
{
	const vd y = broadcast(x[label]);
	size_t at = label / D * D, i = 0;
	int count = 0;
	for (; i < at && count < ENOUGH; i += D)
		count += __builtin_popcount(mask_bits(at_least(load_vector(x + i), y)));
	for (i = at; i < at + D; i++)
		count += i < label ? x[i] >= x[label] : x[i] > x[label];
	for (; i < n && count < ENOUGH; i += D)
		count += __builtin_popcount(mask_bits(greater(load_vector(x + i), y)));
	return count;
}

/* Sums over the classes that do not depend on their order: with the second largest e brought to [1/2, 1) by a power of
 * two, a term v in [0, 1) is rounded once, to a multiple of 2^-52, and added as an integer: the bits of v + 1.0 are
 * those of 1.0 and v in fixed point. Terms of slope, es (z_w - z), are below `top`, a power of two above 1 and above
 * z_w - second: where z_w - z > 1 it falls as z does, and below that it is at most scale / e < 1. */
struct unit {
	vd second, held;    /* the second largest e and its exponent, at least EXP_LOWEST */
	vd up, down;	    /* powers of two: second up is in [1/2, 1), and down = 1 / up */
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
	vu exponent = (vu)u.second >> SUM_BITS;
	u.up = (vd)((2045 - exponent) << SUM_BITS);
	u.down = (vd)((exponent + 1) << SUM_BITS);
	u.top_bits = (((vu)larger(-u.held, broadcast(1)) >> SUM_BITS) + 1) << SUM_BITS;
	u.top = (vd)u.top_bits;
	return u;
}

struct sums {
	vu rest, square, slope;
	mask whole; /* no value was NaN */
};

INLINE struct sums no_sums(void)
{
	return (struct sums){ .whole = equal(broadcast(0), broadcast(0)) };
}

/* e = exp(off) of D classes, 0 for a winner, into their lanes' sums. */
INLINE void add_terms(struct sums *t, const struct unit *u, vd e, vd off, vd held)
{
	vd es = e * u->up;
	t->rest += (vu)(es + 1.0) - ONE_BITS;
	t->square += (vu)(es * es + 1.0) - ONE_BITS;
	t->slope += (vu)(u->top - es * held) - u->top_bits;
	t->whole &= at_least(broadcast(0), off);
}

/* `total` is that of all terms; the second's own is in it rounded and is put back as it is. */
INLINE vd real_sum(vd total, vd second, vd unit, vu unit_bits)
{
	vd rounded = whole_real((vu)(unit + second) - unit_bits);
	return second + (total - rounded) * (0x1p-52 * unit);
}

INLINE void finish_sums(const struct unit *u, const vd total[3], mask whole, vd *rest, vd *square, vd *slope)
{
	vd one = broadcast(1), es = u->second * u->up;
	*rest = choose(whole, real_sum(total[0], es, one, (vu)one) * u->down, broadcast(NAN));
	*square = real_sum(total[1], es * es, one, (vu)one) * u->down * u->down;
	*slope = -real_sum(total[2], -(es * u->held), u->top, u->top_bits) * u->down;
}

/* One record. The winner's own term is 1 and would cost the small ones in rest their digits, so it is left out. */
INLINE void soft_row(const void *z, int wide, int classes, int label, double *x, struct soft *s)
{
	unsigned __int128 total[3] = { 0, 0, 0 };
	double second, largest = copy_row(z, wide, (size_t)classes, x, &second);
	size_t n = padded(classes), w;
	mask tied = greater(broadcast(0), broadcast(0)), whole = equal(broadcast(0), broadcast(0));
	s->max = largest;
	if (!(largest > -INFINITY)) {
		s->rest = NAN;
		return;
	}
	w = find_first(x, largest);
	s->max = largest = x[w]; /* of 0 and -0 the first */
	s->winner = (int32_t)w;
	s->above = label < 0 || (size_t)label == w ? 0 : count_beating(x, n, (size_t)label);
	s->label = label < 0 ? 0 : x[label] - largest;
	const struct unit u = unit_of(broadcast(largest), broadcast(second));
	x[w] = -INFINITY;
	for (size_t from = 0; from < n; from += CHUNK * LANES) {
		size_t to = from + CHUNK * LANES < n ? from + CHUNK * LANES : n;
		struct sums t[PARTS];
		for (int p = 0; p < PARTS; p++)
			t[p] = no_sums();
		for (size_t i = from; i < to; i += LANES)
			for (int p = 0; p < PARTS; p++) {
				vd off = load_vector(x + i + p * D) - largest;
				vd held = larger(broadcast(EXP_LOWEST), off), e = exp_of(off, held);
				tied |= equal(off, broadcast(0));
				store_vector(x + i + p * D, e);
				add_terms(&t[p], &u, e, off, held);
			}
		for (int p = 0; p < PARTS; p++) {
			whole &= t[p].whole;
			for (int i = 0; i < D; i++) {
				total[0] += t[p].rest[i];
				total[1] += t[p].square[i];
				total[2] += t[p].slope[i];
			}
		}
	}
	x[w] = 1;
	vd rest, square, slope;
	const vd sum[3] = { broadcast((double)total[0]), broadcast((double)total[1]), broadcast((double)total[2]) };
	finish_sums(&u, sum, whole, &rest, &square, &slope);
	s->tied = mask_bits(tied) != 0;
	s->rest = mask_bits(whole) == (1u << D) - 1 ? rest[0] : NAN;
	s->square = square[0];
	s->slope = slope[0];
	s->label_e = label >= 0 ? x[label] : 0;
	s->spread = log1p_of(rest)[0];
	s->scale = 1 / (1 + s->rest);
}

static void row_f32(const float *z, int classes, int label, double *x, struct soft *s)
{
	soft_row(z, 0, classes, label, x, s);
}

static void row_f64(const double *z, int classes, int label, double *x, struct soft *s)
{
	soft_row(z, 1, classes, label, x, s);
}

/* Eight records, D at a time; indices are kept as doubles, in which small whole numbers are exact. */
static void soft_lanes(double *x, int classes, const int32_t *label, struct soft *s)
{
	for (int p = 0; p < PARTS; p++) {
		double *at = x + p * D;
		vd m = load_vector(at), second = broadcast(-INFINITY), y = { 0 }, w = { 0 }, ties = { 0 };
		vd above = { 0 }, want = { 0 }, mine = { 0 }, rest, square, slope;
		struct sums t = no_sums();
		for (int i = 0; i < D; i++)
			want[i] = label[p * D + i];
		for (int k = 1; k < classes; k++) {
			vd v = load_vector(at + k * LANES);
			w = choose(greater(v, m), broadcast(k), w);
			take_value(v, &m, &second);
		}
		const struct unit u = unit_of(m, second);
		for (int k = 0; k < classes; k++)
			y = choose(equal(want, broadcast(k)), load_vector(at + k * LANES), y);
		for (int k = 0; k < classes; k++) {
			vd v = load_vector(at + k * LANES), off = v - m;
			vd held = larger(broadcast(EXP_LOWEST), off), e = exp_of(off, held);
			mask beats = greater(v, y) | (equal(v, y) & greater(want, broadcast(k)));
			ties += choose(equal(v, m), broadcast(1), broadcast(0));
			above += choose(beats, broadcast(1), broadcast(0));
			add_terms(&t, &u, choose(equal(w, broadcast(k)), broadcast(0), e), off, held);
			mine = choose(equal(want, broadcast(k)), e, mine);
			store_vector(at + k * LANES, e);
		}
		const vd total[3] = { whole_real(t.rest), whole_real(t.square), whole_real(t.slope) };
		finish_sums(&u, total, t.whole, &rest, &square, &slope);
		const vd spread = log1p_of(rest), scale = 1.0 / (1.0 + rest);
		for (int i = 0; i < D; i++)
			s[p * D + i] = (struct soft){
				.max = m[i],
				.rest = rest[i],
				.spread = spread[i],
				.scale = scale[i],
				.square = square[i],
				.slope = slope[i],
				.label = y[i] - m[i],
				.label_e = mine[i],
				.winner = (int32_t)w[i],
				.above = (int)above[i],
				.tied = ties[i] > 1,
			};
	}
}

static int class_sums(double *x, size_t n, const double *scale, double above, uint64_t *sum, int32_t *found)
{
	vd by[PARTS];
	int count = 0;
	for (int p = 0; p < PARTS; p++)
		by[p] = load_vector(scale + p * D);
	for (size_t i = 0; i < n; i += LANES) {
		unsigned over = 0;
		for (int p = 0; p < PARTS; p++) {
			vd v = load_vector(x + i + p * D) * by[p];
			vu s;
			store_vector(x + i + p * D, v);
			memcpy(&s, sum + i + p * D, sizeof s);
			s += (vu)(v + SUM_BIAS);
			memcpy(sum + i + p * D, &s, sizeof s);
			over |= mask_bits(greater(v, broadcast(above))) << p * D;
		}
		for (; over; over &= over - 1)
			found[count++] = (int32_t)i + __builtin_ctz(over);
	}
	return count;
}

const struct softmax_ops SOFTMAX = { exp_many, row_f32, row_f64, soft_lanes, class_sums };

/* The hot loops, compiled once for each instruction set (rules.mk), each time as another SOFTMAX. Plain vector
 * arithmetic in the same order on the same eight lanes everywhere, without fused multiply-add: a lane's sum never meets
 * another lane's before the end. */
#include "softmax_vec.h"

#include <math.h>

#ifndef SOFTMAX
#define SOFTMAX softmax_plain
#endif

static const double lowest = -708; /* below it, exp is 0 */

/* exp(x), 0 where x is below `lowest`; held: the larger of the two. exp(x) = 2^k exp(r), k = round(x / ln 2). ln 2 in
 * two parts, the first with 21 zero bits, so that k * hi is exact. exp(r) = 1 + r + r^2 P(r), P fitted by Chebyshev
 * nodes: relative error 1.6e-17 before rounding. */
INLINE vd exp_of(vd x, vd held)
{
	vd t = held * 0x1.71547652b82fep+0 + 0x1.8p52, k = t - 0x1.8p52;
	vd r = (held - k * 0x1.62e42fee00000p-1) - k * 0x1.a39ef35793c76p-33, q = r * r;
	vd a = 0x1.0000000000001p-1 + r * 0x1.5555555555556p-3;
	vd b = 0x1.5555555553d63p-5 + r * 0x1.11111111109b3p-7;
	vd c = 0x1.6c16c1788bd90p-10 + r * 0x1.a01a01a7c41d5p-13;
	vd d = 0x1.a019b90d2ae7ap-16 + r * 0x1.71de0dae63bb3p-19;
	vd e = 0x1.289185613a3d6p-22 + r * 0x1.af38a9b0ec855p-26;
	vd p = a + q * (b + q * (c + q * (d + q * e)));
	vd scale = (vd)(((vu)t << 52) + 0x3ff0000000000000u);
	return choose(greater(broadcast(lowest), x), broadcast(0), (1.0 + (r + q * p)) * scale);
}

/* log1p(x) for x >= 0, as in fdlibm: u = 1 + x = 2^n m with m in [1/sqrt 2, sqrt 2), what the addition lost is put
 * back as lost/u, and log m = f - (f^2/2 - s (f^2/2 + z R(z))) with f = m - 1, s = f / (2 + f), z = s^2; R fitted by
 * Chebyshev nodes to 5e-18. Error below 1 ulp. */
INLINE vd log1p_of(vd x)
{
	vd u = 1.0 + x, small = x - (u - 1.0), large = 1.0 - (u - x);
	vd lost = choose(at_least(u, broadcast(2)), large, small) / u;
	vu h = (vu)u + 0x00095f6200000000u; /* 1 - sqrt(1/2), in the exponent's place */
	vd n = (vd)((h >> 52) + (0x4338000000000000u - 1023u)) - 0x1.8p52;
	vd m = (vd)((h & 0x000fffffffffffffu) + 0x3fe6a09e00000000u);
	vd f = m - 1.0, s = f / (2.0 + f), z = s * s, v = z * z;
	vd a = 0x1.5555555555558p-1 + z * 0x1.9999999995273p-2;
	vd b = 0x1.2492492dfd86cp-2 + z * 0x1.c71c62d5e53e0p-3;
	vd c = 0x1.7462b91b8df65p-3 + z * 0x1.39fdcceb4bb45p-3;
	vd r = z * (a + v * (b + v * (c + v * 0x1.2b5f68a50d903p-3)));
	vd q = 0.5 * f * f;
	return n * 0x1.62e42fee00000p-1 - ((q - (s * (q + r) + (n * 0x1.a39ef35793c76p-33 + lost))) - f);
}

static void exp_many(double *x, size_t n)
{
	for (size_t i = 0; i < n; i += D) {
		vd v = load_vector(x + i);
		store_vector(x + i, exp_of(v, larger(broadcast(lowest), v)));
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

/* Copies a record to x, followed by -Inf up to a whole eight. Returns the largest; NaNs are passed over. */
INLINE double copy_row(const void *z, int wide, size_t k, double *x)
{
	enum { CHAINS = 4 };
	vd m[CHAINS];
	size_t i = 0, n = padded((int)k);
	for (int j = 0; j < CHAINS; j++)
		m[j] = broadcast(-INFINITY);
	for (; i + CHAINS * D <= k; i += CHAINS * D)
		for (size_t j = 0; j < CHAINS; j++)
			m[j] = larger(copy_vector(z, wide, i + j * D, x), m[j]);
	for (; i + D <= k; i += D)
		m[0] = larger(copy_vector(z, wide, i, x), m[0]);
	for (size_t j = i; j < n; j++)
		x[j] = j < k ? value_at(z, wide, j) : -INFINITY;
	if (i < k)
		m[0] = larger(load_vector(x + i), m[0]);
	m[0] = larger(larger(m[0], m[1]), larger(m[2], m[3]));
	double largest = m[0][0];
	for (int j = 1; j < D; j++)
		largest = m[0][j] > largest ? m[0][j] : largest;
	return largest;
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

/* Sums over a record's classes, a lane of eight for each. */
struct sums {
	vd rest[PARTS], square[PARTS], slope[PARTS];
	mask tied;
};

/* Eight classes: their e in place, and into the sums. */
INLINE void add_eight(struct sums *t, double *x, double largest)
{
	for (int p = 0; p < PARTS; p++) {
		vd off = load_vector(x + p * D) - largest;
		vd held = larger(broadcast(lowest), off), e = exp_of(off, held);
		t->tied |= equal(off, broadcast(0));
		store_vector(x + p * D, e);
		t->rest[p] += e;
		t->square[p] += e * e;
		t->slope[p] += e * held;
	}
}

INLINE double sum_across(const vd *v)
{
	double s[LANES];
	memcpy(s, v, sizeof s);
	return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

/* One record. The winner's own term is 1 and would cost the small ones in rest their digits, so it is left out: its
 * eight classes are added last. */
INLINE void soft_row(const void *z, int wide, int classes, int label, double *x, struct soft *s)
{
	struct sums t = { 0 };
	size_t n = padded(classes), w, last;
	double largest = copy_row(z, wide, (size_t)classes, x);
	s->max = largest;
	if (!(largest > -INFINITY)) {
		s->rest = NAN;
		return;
	}
	w = find_first(x, largest);
	last = w / LANES * LANES;
	s->max = largest = x[w]; /* of 0 and -0 the first */
	s->winner = (int32_t)w;
	s->above = label < 0 || (size_t)label == w ? 0 : count_beating(x, n, (size_t)label);
	s->label = label < 0 ? 0 : x[label] - largest;
	for (size_t i = 0; i < n; i += LANES)
		if (i != last)
			add_eight(&t, x + i, largest);
	x[w] = -INFINITY;
	add_eight(&t, x + last, largest);
	x[w] = 1;
	s->tied = mask_bits(t.tied) != 0;
	s->rest = sum_across(t.rest);
	s->square = sum_across(t.square);
	s->slope = sum_across(t.slope);
	s->label_e = label >= 0 ? x[label] : 0;
	s->spread = log1p_of(broadcast(s->rest))[0];
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
		vd m = load_vector(at), y = { 0 }, w = { 0 }, ties = { 0 }, above = { 0 }, want = { 0 };
		vd rest = { 0 }, square = { 0 }, slope = { 0 }, mine = { 0 };
		for (int i = 0; i < D; i++)
			want[i] = label[p * D + i];
		for (int k = 1; k < classes; k++) {
			vd v = load_vector(at + k * LANES);
			w = choose(greater(v, m), broadcast(k), w);
			m = larger(v, m);
		}
		for (int k = 0; k < classes; k++)
			y = choose(equal(want, broadcast(k)), load_vector(at + k * LANES), y);
		for (int k = 0; k < classes; k++) {
			vd v = load_vector(at + k * LANES), off = v - m;
			vd held = larger(broadcast(lowest), off), e = exp_of(off, held);
			mask beats = greater(v, y) | (equal(v, y) & greater(want, broadcast(k)));
			vd other = choose(equal(w, broadcast(k)), broadcast(0), e);
			ties += choose(equal(v, m), broadcast(1), broadcast(0));
			above += choose(beats, broadcast(1), broadcast(0));
			rest += other;
			square += other * other;
			slope += other * held;
			mine = choose(equal(want, broadcast(k)), e, mine);
			store_vector(at + k * LANES, e);
		}
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

static void tile(const double *a, const double *b, size_t depth, double *c)
{
	vd sum[4][PARTS];
	for (int r = 0; r < 4; r++)
		for (int p = 0; p < PARTS; p++)
			sum[r][p] = broadcast(0);
	for (size_t d = 0; d < depth; d++)
		for (int p = 0; p < PARTS; p++) {
			vd v = load_vector(b + d * LANES + (size_t)(p * D));
			for (int r = 0; r < 4; r++)
				sum[r][p] += a[d * 4 + (size_t)r] * v;
		}
	for (int r = 0; r < 4; r++)
		for (int p = 0; p < PARTS; p++)
			store_vector(c + r * LANES + p * D, sum[r][p]);
}

const struct softmax_ops SOFTMAX = { exp_many, row_f32, row_f64, soft_lanes, class_sums, tile };

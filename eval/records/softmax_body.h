/* softmax_body: included once for each instruction set by softmax.c, which defines NAME(). Plain vector arithmetic in
 * the same order on the same eight lanes everywhere: a lane's sum never meets another lane's before the end. */
#include "softmax_vec.h"

typedef double NAME(vd) __attribute__((vector_size(D * 8)));
typedef int64_t NAME(vi) __attribute__((vector_size(D * 8)));
typedef uint64_t NAME(vu) __attribute__((vector_size(D * 8))); /* where sums may pass 2^63 */
typedef float NAME(vf) __attribute__((vector_size(F * 4)));
#define vd NAME(vd)
#define vi NAME(vi)
#define vu NAME(vu)
#define vf NAME(vf)

/* c = max(x, -708), e = exp(c), 0 where x is below. exp(x) = 2^k exp(r), k = round(x / ln 2). ln 2 in two parts, the
 * first with 21 zero bits, so that k * hi is exact. exp(r) = 1 + r + r^2 P(r), P fitted by Chebyshev nodes: relative
 * error 1.6e-17 before rounding. e, c and x are different vd lvalues. */
#define EXP(e, c, x)                                                                                    \
	do {                                                                                            \
		(c) = MAXD((vd){ 0 } - 708.0, x);                                                       \
		vd t_ = (c) * 0x1.71547652b82fep+0 + 0x1.8p52, k_ = t_ - 0x1.8p52;                      \
		vd r_ = ((c) - k_ * 0x1.62e42fee00000p-1) - k_ * 0x1.a39ef35793c76p-33, q_ = r_ * r_;   \
		vd a_ = 0x1.0000000000001p-1 + r_ * 0x1.5555555555556p-3;                               \
		vd b_ = 0x1.5555555553d63p-5 + r_ * 0x1.11111111109b3p-7;                               \
		vd d_ = 0x1.6c16c1788bd90p-10 + r_ * 0x1.a01a01a7c41d5p-13;                             \
		vd f_ = 0x1.a019b90d2ae7ap-16 + r_ * 0x1.71de0dae63bb3p-19;                             \
		vd g_ = 0x1.289185613a3d6p-22 + r_ * 0x1.af38a9b0ec855p-26;                             \
		vd p_ = a_ + q_ * (b_ + q_ * (d_ + q_ * (f_ + q_ * g_)));                               \
		vd s_ = (vd)(((vu)t_ << 52) + 0x3ff0000000000000u);                                     \
		vd v_ = (1.0 + (r_ + q_ * p_)) * s_;                                                    \
		(e) = KEEP(v_, x, (vd){ 0 } - 708.0);                                                   \
	} while (0)

/* log1p(x) for x >= 0, as in fdlibm: u = 1 + x = 2^k m with m in [1/sqrt 2, sqrt 2), what the addition lost is put
 * back as lost/u, and log m = f - (f^2/2 - s (f^2/2 + z R(z))) with f = m - 1, s = f / (2 + f), z = s^2; R fitted by
 * Chebyshev nodes to 5e-18. Error below 1 ulp. */
#define LOG1P(y, x)                                                                                     \
	do {                                                                                            \
		vd u_ = 1.0 + (x);                                                                      \
		vd small_ = (x) - (u_ - 1.0), large_ = 1.0 - (u_ - (x));                                \
		vd lost_ = CHOOSE(u_ >= 2.0, large_, small_) / u_;                                      \
		vu h_ = (vu)u_ + 0x00095f6200000000u; /* 1 - sqrt(1/2), in the exponent's place */      \
		vd n_ = (vd)((h_ >> 52) + (0x4338000000000000u - 1023u)) - 0x1.8p52;                    \
		vd m_ = (vd)((h_ & 0x000fffffffffffffu) + 0x3fe6a09e00000000u);                         \
		vd f_ = m_ - 1.0, s_ = f_ / (2.0 + f_), z_ = s_ * s_, v_ = z_ * z_;                     \
		vd a_ = 0x1.5555555555558p-1 + z_ * 0x1.9999999995273p-2;                               \
		vd b_ = 0x1.2492492dfd86cp-2 + z_ * 0x1.c71c62d5e53e0p-3;                               \
		vd c_ = 0x1.7462b91b8df65p-3 + z_ * 0x1.39fdcceb4bb45p-3;                               \
		vd r_ = z_ * (a_ + v_ * (b_ + v_ * (c_ + v_ * 0x1.2b5f68a50d903p-3)));                  \
		vd q_ = 0.5 * f_ * f_;                                                                  \
		(y) = n_ * 0x1.62e42fee00000p-1 -                                                       \
		      ((q_ - (s_ * (q_ + r_) + (n_ * 0x1.a39ef35793c76p-33 + lost_))) - f_);            \
	} while (0)

ALWAYS double NAME(across)(const double *s)
{
	return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

static void NAME(exp_many)(double *x, size_t n)
{
	for (size_t i = 0; i < n; i += D) {
		vd v = *(vd *)(x + i), c, e;
		EXP(e, c, v);
		*(vd *)(x + i) = e;
	}
}

/* largest: NaNs are passed over. first: the lowest index of the largest, k where there is none; *tied: whether another
 * has it too. beaten: classes that beat the label, larger ones and equal ones before it; from ENOUGH on only that
 * many. */
#define SCANS(T, V, L, LOAD, MAX, EQ, GT, GE)                                                           \
	static T NAME(largest_##T)(const T *z, size_t k)                                                \
	{                                                                                               \
		V m[4];                                                                                 \
		size_t i = 0;                                                                           \
		for (int j = 0; j < 4; j++)                                                             \
			m[j] = (V){ 0 } - (T)__builtin_inf();                                           \
		for (; i + 4 * (L) <= k; i += 4 * (L))                                                  \
			for (int j = 0; j < 4; j++)                                                     \
				m[j] = MAX(LOAD(z + i + j * (L)), m[j]);                                \
		for (int j = 1; j < 4; j++)                                                             \
			m[0] = MAX(m[j], m[0]);                                                         \
		T max = m[0][0];                                                                        \
		for (int j = 1; j < (L); j++)                                                           \
			max = m[0][j] > max ? m[0][j] : max;                                            \
		for (; i < k; i++)                                                                      \
			max = z[i] > max ? z[i] : max;                                                  \
		return max;                                                                             \
	}                                                                                               \
	static size_t NAME(first_##T)(const T *z, size_t k, T max, int *tied)                           \
	{                                                                                               \
		const V m = (V){ 0 } + max;                                                             \
		size_t i = 0, w = k;                                                                    \
		unsigned more = 0;                                                                      \
		for (; i + (L) <= k && !more; i += (L))                                                 \
			more = EQ(LOAD(z + i), m);                                                      \
		if (more) {                                                                             \
			w = i - (L) + (unsigned)__builtin_ctz(more);                                    \
			more &= more - 1;                                                               \
		}                                                                                       \
		for (; i + (L) <= k; i += (L))                                                          \
			more |= EQ(LOAD(z + i), m);                                                     \
		for (; i < k; i++)                                                                      \
			if (z[i] == max) {                                                              \
				more |= w < k;                                                          \
				w = w < k ? w : i;                                                      \
			}                                                                               \
		*tied = more != 0;                                                                      \
		return w;                                                                               \
	}                                                                                               \
	static int NAME(beaten_##T)(const T *z, size_t k, size_t label)                                 \
	{                                                                                               \
		const T y = z[label];                                                                   \
		const V yy = (V){ 0 } + y;                                                              \
		size_t at = label / (L) * (L), i = 0;                                                   \
		int n = 0;                                                                              \
		for (; i < at && n < ENOUGH; i += (L))                                                  \
			n += __builtin_popcount(GE(LOAD(z + i), yy));                                   \
		for (i = at; i < label; i++)                                                            \
			n += z[i] >= y;                                                                 \
		for (; i < k && i % (L); i++)                                                           \
			n += z[i] > y;                                                                  \
		for (; i + (L) <= k && n < ENOUGH; i += (L))                                            \
			n += __builtin_popcount(GT(LOAD(z + i), yy));                                   \
		for (; i < k && n < ENOUGH; i++)                                                        \
			n += z[i] > y;                                                                  \
		return n;                                                                               \
	}

SCANS(float, vf, F, LOADF, MAXF, EQF, GTF, GEF)
SCANS(double, vd, D, LOADD, MAXD, EQD, GTD, GED)

/* What follows from rest. */
static void NAME(wind_up)(struct soft *s)
{
	const vd rest = (vd){ 0 } + s->rest;
	vd spread;
	LOG1P(spread, rest);
	s->spread = spread[0];
	s->scale = 1 / (1 + s->rest);
}

#define TERM(v, i, p)                                                                                   \
	do {                                                                                            \
		vd off_ = (v) - (double)max, held_, term_;                                              \
		EXP(term_, held_, off_);                                                                \
		*(vd *)(x + (i) + (p) * D) = term_;                                                     \
		rest[p] += term_;                                                                       \
		square[p] += term_ * term_;                                                             \
		slope[p] += term_ * held_;                                                              \
	} while (0)

/* One record. The winner's own term, which is 1, would drown the others' in rest: it is left out, and so its eight
 * classes come last, from a copy, as those behind the last whole eight do. */
#define ROW(name, T, WIDE)                                                                              \
	static void NAME(name)(const T *z, int classes, int label, double *x, struct soft *s)           \
	{                                                                                               \
		size_t k = (size_t)classes, whole = k / LANES * LANES, w;                               \
		const T max = NAME(largest_##T)(z, k);                                                  \
		double rest_of[LANES], tail[LANES] __attribute__((aligned(64)));                        \
		vd rest[PARTS] = { { 0 } }, square[PARTS] = { { 0 } }, slope[PARTS] = { { 0 } };        \
		s->max = max;                                                                           \
		w = NAME(first_##T)(z, k, max, &s->tied);                                               \
		if (w == k || !(max > -(T)__builtin_inf())) {                                           \
			s->rest = __builtin_nan("");                                                    \
			return;                                                                         \
		}                                                                                       \
		s->winner = (int32_t)w;                                                                 \
		s->above = label < 0 || (size_t)label == w ? 0 : NAME(beaten_##T)(z, k, (size_t)label); \
		s->label = label < 0 ? 0 : (double)z[label] - max;                                      \
		size_t last = w / LANES * LANES;                                                        \
		for (size_t i = 0; i < whole; i += LANES) {                                             \
			if (i == last)                                                                  \
				continue;                                                               \
			for (int p = 0; p < PARTS; p++)                                                 \
				TERM(WIDE(z + i + p * D), i, p);                                        \
		}                                                                                       \
		for (int pass = 0; pass < 2; pass++) {                                                  \
			size_t i = pass ? last : whole;                                                 \
			if (i >= k || (!pass && i == last))                                             \
				continue;                                                               \
			for (size_t j = 0; j < LANES; j++)                                              \
				tail[j] = i + j < k && i + j != w ? (double)z[i + j] : -__builtin_inf(); \
			for (int p = 0; p < PARTS; p++)                                                 \
				TERM(LOADD(tail + p * D), i, p);                                        \
		}                                                                                       \
		x[w] = 1;                                                                               \
		memcpy(rest_of, rest, sizeof rest_of);                                                  \
		s->rest = NAME(across)(rest_of);                                                        \
		memcpy(rest_of, square, sizeof rest_of);                                                \
		s->square = NAME(across)(rest_of);                                                      \
		memcpy(rest_of, slope, sizeof rest_of);                                                 \
		s->slope = NAME(across)(rest_of);                                                       \
		s->label_e = label >= 0 ? x[label] : 0;                                                 \
		NAME(wind_up)(s);                                                                       \
	}

ROW(row_f32, float, WIDEN)
ROW(row_f64, double, LOADD)

/* Eight records, D at a time; indices are kept as doubles, in which small whole numbers are exact. */
static void NAME(lanes)(double *x, int classes, const int32_t *label, struct soft *s)
{
	for (int p = 0; p < PARTS; p++) {
		double *at = x + p * D;
		vd m = *(vd *)at, y = { 0 }, w = { 0 }, ties = { 0 }, above = { 0 }, want;
		vd rest = { 0 }, square = { 0 }, slope = { 0 }, mine = { 0 }, spread;
		for (int i = 0; i < D; i++)
			want[i] = label[p * D + i];
		for (int k = 1; k < classes; k++) {
			vd v = *(vd *)(at + k * LANES);
			w = CHOOSE(v > m, (vd){ 0 } + (double)k, w);
			m = MAXD(v, m);
		}
		for (int k = 0; k < classes; k++)
			y = CHOOSE(want == (double)k, *(vd *)(at + k * LANES), y);
		for (int k = 0; k < classes; k++) {
			vd v = *(vd *)(at + k * LANES), c, e, o;
			ties += CHOOSE(v == m, (vd){ 0 } + 1.0, (vd){ 0 });
			above += CHOOSE((v > y) | ((v == y) & (want > (double)k)), (vd){ 0 } + 1.0, (vd){ 0 });
			v = v - m;
			EXP(e, c, v);
			o = CHOOSE(w == (double)k, (vd){ 0 }, e);
			rest += o;
			square += o * o;
			slope += o * c;
			mine = CHOOSE(want == (double)k, e, mine);
			*(vd *)(at + k * LANES) = e;
		}
		LOG1P(spread, rest);
		const vd scale = 1.0 / (1.0 + rest);
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

static int NAME(class_sums)(double *x, size_t n, double scale, double above, uint64_t *sum, int32_t *found)
{
	const vd top = (vd){ 0 } + above;
	int count = 0;
	for (size_t i = 0; i < n; i += LANES) {
		unsigned over = 0;
		for (int p = 0; p < PARTS; p++) {
			vd v = *(vd *)(x + i + p * D) * scale;
			*(vd *)(x + i + p * D) = v;
			*(vu *)(sum + i + p * D) += (vu)(v + SUM_BIAS);
			over |= GTD(v, top) << p * D;
		}
		for (; over; over &= over - 1)
			found[count++] = (int32_t)i + __builtin_ctz(over);
	}
	return count;
}

static int NAME(lane_sums)(double *x, int classes, const double *scale, double above, uint64_t *sum, int32_t *found)
{
	const vd top = (vd){ 0 } + above;
	int count = 0;
	for (int k = 0; k < classes * LANES; k += LANES) {
		unsigned over = 0;
		for (int p = 0; p < PARTS; p++) {
			vd v = *(vd *)(x + k + p * D) * *(const vd *)(scale + p * D);
			*(vd *)(x + k + p * D) = v;
			*(vu *)(sum + k + p * D) += (vu)(v + SUM_BIAS);
			over |= GTD(v, top) << p * D;
		}
		for (; over; over &= over - 1)
			found[count++] = k + __builtin_ctz(over);
	}
	return count;
}

static const struct softmax_ops NAME(ops) = { NAME(exp_many), NAME(row_f32),	NAME(row_f64),	 NAME(lanes),
					      NAME(class_sums), NAME(lane_sums), NAME(name) };
#undef vd
#undef vi
#undef vu
#undef vf
#undef EXP
#undef LOG1P
#undef SCANS
#undef TERM
#undef ROW
#include "softmax_vec.h"

/* The hot loops, compiled once for each instruction set (rules.mk), each time as another SOFTMAX. Vector
 * arithmetic in the same order on the same eight lanes everywhere, fused where fused() says so and nowhere else: a
 * lane's sum never meets another lane's before the end. */
#include "class_kernel.h"
#include "key_terms.h"
#include "smooth_kernel.h"
#include "softmax_lay.h"
#include "softmax_terms.h"

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
	*second = larger(smaller(*largest, v), *second);
	*largest = larger(v, *largest);
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

/* One record. The winner's own term is 1 and would cost the small ones in rest their digits, so it is left out. */
INLINE void soft_row(const void *z, int wide, int classes, int label, double *x, struct soft *s)
{
	unsigned __int128 total[3] = { 0, 0, 0 };
	double second, largest = copy_row(z, wide, (size_t)classes, x, &second);
	size_t n = padded(classes), w;
	const mask all = equal(broadcast(0), broadcast(0));
	mask tied = greater(broadcast(0), broadcast(0)), whole = all;
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
				add_terms(&t[p], &u, all, e, off, held);
			}
		for (int p = 0; p < PARTS; p++) {
			close_sums(&t[p], &u, (to - from) / LANES);
			whole &= equal(t[p].off, t[p].off);
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
	s->scale = 1 / (1 + s->rest);
	s->spread = log1p_with(rest, broadcast(s->scale))[0];
	const struct outcome o = outcome_of(rest, square, slope, broadcast(s->spread), broadcast(s->scale),
					    broadcast(s->label), broadcast(s->label_e),
					    equal(broadcast(label), broadcast(s->winner)));
	s->entropy = o.entropy[0];
	s->nll = o.nll[0];
	s->brier = o.brier[0];
}

static void row_f32(const float *z, int classes, int label, double *x, struct soft *s)
{
	soft_row(z, 0, classes, label, x, s);
}

static void row_f64(const double *z, int classes, int label, double *x, struct soft *s)
{
	soft_row(z, 1, classes, label, x, s);
}

/* D records side by side. */
struct side {
	vd max, winner, above, rest, square, slope, spread, scale, label, label_e;
	mask tied, right;
	struct outcome out;
};

/* at[classes][LANES]: logits first and e after. */
INLINE void soft_side(double *at, int classes, const int32_t *label, struct side *r)
{
	vd m = load_vector(at), second = broadcast(-INFINITY), w = { 0 }, above = { 0 };
	struct sums t = no_sums();
	int32_t place[D];
	places_of(label, place);
	const vd want = from_ints(label), none = broadcast(0);
	const mask labelled = at_least(want, none);
	const vd y = choose(labelled, at_places(at, place), none), beyond = next_above(y);
	for (int k = 1; k < classes; k++) {
		vd v = load_vector(at + k * LANES);
		w = choose(greater(v, m), broadcast(number[k]), w);
		take_value(v, &m, &second);
	}
	const struct unit u = unit_of(m, second);
	for (int k = 0; k < classes; k++) {
		vd v = load_vector(at + k * LANES), off = v - m;
		vd held = larger(broadcast(EXP_LOWEST), off), e = exp_of(off, held);
		/* Of equal values those before the label beat it. */
		vd least = choose(greater(want, broadcast(number[k])), y, beyond);
		above = add_where(at_least(v, least), above, broadcast(1));
		add_terms(&t, &u, not_equal(w, broadcast(number[k])), e, off, held);
		store_vector(at + k * LANES, e);
	}
	close_sums(&t, &u, (uint64_t)classes);
	const vd total[3] = { whole_real(t.rest), whole_real(t.square), whole_real(t.slope) };
	*r = (struct side){ .max = m, .winner = w, .above = above, .label = y - m };
	r->label_e = choose(labelled, at_places(at, place), none);
	r->tied = equal(second, m);
	r->right = equal(want, w);
	finish_sums(&u, total, equal(t.off, t.off), &r->rest, &r->square, &r->slope);
	r->scale = 1.0 / (1.0 + r->rest);
	r->spread = log1p_with(r->rest, r->scale);
	r->out = outcome_of(r->rest, r->square, r->slope, r->spread, r->scale, r->label, r->label_e, r->right);
}

static void soft_lanes(double *x, int classes, const int32_t *label, struct soft *s)
{
	for (int p = 0; p < PARTS; p++) {
		struct side r;
		soft_side(x + p * D, classes, label + p * D, &r);
		for (int i = 0; i < D; i++)
			s[p * D + i] = (struct soft){
				.max = r.max[i],
				.rest = r.rest[i],
				.spread = r.spread[i],
				.scale = r.scale[i],
				.square = r.square[i],
				.slope = r.slope[i],
				.label = r.label[i],
				.label_e = r.label_e[i],
				.entropy = r.out.entropy[i],
				.nll = r.out.nll[i],
				.brier = r.out.brier[i],
				.winner = (int32_t)r.winner[i],
				.above = (int)r.above[i],
				.tied = mask_bits(r.tied) >> i & 1,
			};
	}
}

/* conf_pack of D records. */
INLINE vu pack_keys(vd p, vd rest, mask right)
{
	vu upper = CONF_UPPER | (~(vu)rest & CONF_MASK);
	vd half = choose(greater(broadcast(0.5), p), p, (vd)upper);
	return (vu)half | (vu)choose(right, (vd)((vu){ 0 } + CONF_RIGHT), broadcast(0));
}

INLINE void add_sum(struct soft_sums *sums, enum soft_sum which, int lane, vd v, mask counts)
{
	vi term = __builtin_convertvector(choose(counts, v, broadcast(0)) * 0x1p60, vi), high, low;
	memcpy(&high, sums->high[which] + lane, sizeof high);
	memcpy(&low, sums->low[which] + lane, sizeof low);
	high += term >> 32;
	low += term & 0xffffffff;
	memcpy(sums->high[which] + lane, &high, sizeof high);
	memcpy(sums->low[which] + lane, &low, sizeof low);
}

static void soft_eight(const void *z, int wide, const size_t *row, int classes, const int32_t *label, int n, double *x,
		       struct soft_eight *s, struct soft_sums *sums)
{
	s->whole = s->far = 0;
	lay_eight(z, wide, row, classes, x);
	for (int p = 0; p < PARTS; p++) {
		struct side r;
		vd lane = { 0 };
		int at = p * D;
		soft_side(x + at, classes, label + at, &r);
		for (int i = 0; i < D; i++) {
			lane[i] = at + i;
			s->winner[at + i] = (int32_t)r.winner[i];
		}
		const vd rest = larger(r.out.rest, broadcast(0));
		const vu key = pack_keys(r.out.p, rest, r.right);
		const mask counts = greater(broadcast(n), lane), near = greater(broadcast(SOFT_FAR), r.out.nll);
		store_vector(s->p + at, r.out.p);
		store_vector(s->rest + at, rest);
		store_vector(s->nll + at, r.out.nll);
		store_vector(s->brier + at, r.out.brier);
		store_vector(s->entropy + at, r.out.entropy);
		store_vector(s->max + at, r.max);
		store_vector(s->energy + at, r.max + r.spread);
		memcpy(s->key + at, &key, sizeof key);
		add_sum(sums, SOFT_CONF, at, choose(greater(broadcast(0.5), r.out.p), r.out.p, 1.0 - rest), counts);
		add_sum(sums, SOFT_NLL, at, r.out.nll, counts & near);
		add_sum(sums, SOFT_BRIER, at, r.out.brier, counts);
		add_sum(sums, SOFT_ENTROPY, at, r.out.entropy, counts);
		s->far |= (mask_bits(counts) & ~mask_bits(near)) << at;
		s->whole |= mask_bits(at_least(r.rest, broadcast(0)) & greater(r.max, broadcast(-INFINITY)) &
				      greater(broadcast(INFINITY), r.max)) << at;
		sums->right += (unsigned)__builtin_popcount(mask_bits(counts & r.right));
		sums->top += (unsigned)__builtin_popcount(mask_bits(counts & greater(broadcast(ENOUGH), r.above)));
		sums->tied += (unsigned)__builtin_popcount(mask_bits(counts & r.tied));
	}
}

const struct softmax_ops SOFTMAX = { exp_many, row_f32, row_f64, soft_lanes, soft_eight, class_sums,
				     key_terms_of, smooth_line, smooth_points };

/* Cumulative differences between right and confidence, after Arrieta-Ibarra et al. 2022, and the tails of their limits.
 * The running sum is an integer (fix.h), so it is exact; its extremes are taken only at ends of tie groups, where the
 * order of records no longer matters. The series for the tails alternate and converge slowly near 0, where the tail is
 * given as 1. */
#include "metrics.h"

#include <math.h>

/* Upper tail of the standard normal. */
static double tail(double x)
{
	return 0.5 * erfc(x * M_SQRT1_2);
}

/* P(max |B| > x) for Brownian motion on [0,1], by reflection: 4 sum (-1)^k Q((2k+1) x). */
double ks_tail(double x)
{
	double p = 0;
	if (x < 0.3) /* the complement is below 1e-5 there, and the series is slow */
		return 1;
	for (int k = 0; k < 100; k++) {
		double term = 4 * tail((2 * k + 1) * x);
		p += k % 2 ? -term : term;
		if (term < 1e-18)
			break;
	}
	return p < 0 ? 0 : p > 1 ? 1 : p;
}

/* P(max B - min B > x), from the density of the range (Feller 1951): 8 sum (-1)^(k-1) k Q(k x). */
double kuiper_tail(double x)
{
	double p = 0;
	if (x < 0.5) /* the complement is below 1e-7 there */
		return 1;
	for (int k = 1; k < 200; k++) {
		double term = 8 * k * tail(k * x);
		p += k % 2 ? term : -term;
		if (term < 1e-18)
			break;
	}
	return p < 0 ? 0 : p > 1 ? 1 : p;
}

/* A few steps, below 2^63 together, each to the end of a tie group. */
static inline void take_steps(struct drift *w, const int64_t *step, size_t n)
{
	int64_t d = step[0], low = d, high = d;
	for (size_t i = 1; i < n; i++) {
		d += step[i];
		low = d < low ? d : low;
		high = d > high ? d : high;
	}
	w->low = w->at + low < w->low ? w->at + low : w->low;
	w->high = w->at + high > w->high ? w->at + high : w->high;
	w->at += d;
}

/* Each key is the end of a tie group, and the first may have begun before. */
static void add_doubts(struct drift *w, const double *doubt)
{
	double variance = w->variance + doubt[0], first = w->group + doubt[0];
	double sum = w->doubt + first, square = w->doubt_square + first * first;
	for (size_t i = 1; i < TERMS; i++) {
		variance += doubt[i];
		sum += doubt[i];
		square += doubt[i] * doubt[i];
	}
	w->variance = variance;
	w->doubt = sum;
	w->doubt_square = square;
	w->group = 0;
}

void drift_add(struct drift *w, size_t n, const struct key_terms *t)
{
	enum { STEPS = 4 };
	if (!t->tied && n == TERMS) {
		add_doubts(w, t->doubt);
		for (size_t i = 0; i < TERMS; i += STEPS)
			take_steps(w, t->step + i, STEPS);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		w->at += t->step[i];
		w->variance += t->doubt[i];
		w->group += t->doubt[i];
		if (t->tied >> i & 1)
			continue;
		w->doubt += w->group;
		w->doubt_square += w->group * w->group;
		w->group = 0;
		if (w->at < w->low)
			w->low = w->at;
		if (w->at > w->high)
			w->high = w->at;
	}
}

void drift_end(const struct drift *w, size_t n, struct cumulative *c)
{
	double sigma = sqrt(w->variance), lo = fix_real(w->low), hi = fix_real(w->high), most = -lo > hi ? -lo : hi;
	c->ks_error = most / (double)n;
	c->kuiper_error = (hi - lo) / (double)n;
	c->doubt = w->doubt;
	c->doubt_square = w->doubt_square;
	c->ks = most > 0 ? most / sigma : 0;
	c->kuiper = hi > lo ? (hi - lo) / sigma : 0;
	c->ks_p = ks_tail(c->ks);
	c->kuiper_p = kuiper_tail(c->kuiper);
}

void cumulative_of(const conf_key *k, size_t n, struct cumulative *c)
{
	struct key_terms t;
	struct drift w = { 0 };
	for (size_t at = 0, m; (m = keys_terms(k, n, at, &t)); at += m)
		drift_add(&w, m, &t);
	drift_end(&w, n, c);
}

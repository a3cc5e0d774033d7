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

void cumulative_of(const conf_key *k, size_t n, struct cumulative *c)
{
	fix d = 0, low = 0, high = 0;
	double variance = 0;
	for (size_t i = 0; i < n; i++) {
		double p, rest;
		conf_both(k[i], &p, &rest);
		d += (int64_t)((uint64_t)conf_right(k[i]) << FIX_BITS) - (int64_t)(p * 0x1p60);
		variance += p * rest;
		if (i + 1 < n && conf_order(k[i]) == conf_order(k[i + 1]))
			continue;
		if (d < low)
			low = d;
		if (d > high)
			high = d;
	}
	double sigma = sqrt(variance), lo = fix_real(low), hi = fix_real(high), most = -lo > hi ? -lo : hi;
	c->ks_error = most / (double)n;
	c->kuiper_error = (hi - lo) / (double)n;
	c->ks = c->kuiper = c->ks_p = c->kuiper_p = NAN;
	if (!(sigma > 0))
		return;
	c->ks = most / sigma;
	c->kuiper = (hi - lo) / sigma;
	c->ks_p = ks_tail(c->ks);
	c->kuiper_p = kuiper_tail(c->kuiper);
}

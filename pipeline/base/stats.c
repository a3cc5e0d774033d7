/* Functions of statistics that the C library lacks. */
#include "stats.h"

#include <math.h>
#include <stdlib.h>

double softplus(double u)
{
	return u > 0 ? u + log1p(exp(-u)) : log1p(exp(u));
}

static int rising(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

void sort_rising(double *v, size_t n)
{
	enum { FEW = 32 }; /* insertion is faster, and asks for no memory */
	if (n > FEW) {
		qsort(v, n, sizeof *v, rising);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		double x = v[i];
		size_t j = i;
		for (; j > 0 && v[j - 1] > x; j--)
			v[j] = v[j - 1];
		v[j] = x;
	}
}

double quantile_of(const double *sorted, int n, double q)
{
	double at = q * (n - 1);
	int i = (int)at;
	return i + 1 < n ? sorted[i] + (at - i) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}

/* By bisection on erfc: exact to the last digits and called once. */
double normal_quantile_two_sided(double level)
{
	double lo = 0, hi = 40;
	for (int i = 0; i < 200; i++) {
		double z = lo + (hi - lo) / 2;
		if (erfc(z / sqrt(2)) > 1 - level)
			lo = z;
		else
			hi = z;
	}
	return lo;
}

void wilson(double k, double n, double z, double *low, double *high)
{
	double p = k / n, zz = z * z, mid = (p + zz / (2 * n)) / (1 + zz / n);
	double half = z / (1 + zz / n) * sqrt(p * (1 - p) / n + zz / (4 * n * n));
	*low = k > 0 ? fmax(0, mid - half) : 0; /* not a rounding from it */
	*high = k < n ? fmin(1, mid + half) : 1;
}

/* lgamma without its global, which threads share. */
static double log_gamma(double x)
{
	int sign;
	return lgamma_r(x, &sign);
}

double mcnemar_exact(uint64_t b, uint64_t c)
{
	double n = (double)(b + c), k = (double)(b < c ? b : c);
	if (b == c)
		return 1;
	double term = exp(log_gamma(n + 1) - log_gamma(k + 1) - log_gamma(n - k + 1) - n * log(2)), sum = 0;
	for (double i = k; i >= 0 && term > sum * 1e-18; i--) {
		sum += term;
		term *= i / (n - i + 1);
	}
	return fmin(1, 2 * sum);
}

/* Continued fraction (DLMF 8.17.22) by Lentz's method; converges fast for x < (a + 1) / (a + b + 2). */
static double beta_fraction(double a, double b, double x)
{
	const double tiny = 1e-300;
	double c = 1, d = 1 - (a + b) * x / (a + 1);
	d = 1 / (fabs(d) < tiny ? tiny : d);
	double f = d;
	for (int m = 1; m < 10000; m++) {
		double step = 1;
		for (int half = 0; half < 2; half++) {
			double t = half ? -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
					: m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
			d = 1 + t * d;
			d = 1 / (fabs(d) < tiny ? tiny : d);
			c = 1 + t / c;
			c = fabs(c) < tiny ? tiny : c;
			step = c * d;
			f *= step;
		}
		if (fabs(step - 1) < 1e-15)
			break;
	}
	return f;
}

/* The fraction converges slowly above about the mean, so I_x(a, b) = 1 - I_{1-x}(b, a) is used there. The factor in
 * front of it is taken in logarithms, where powers and gammas cannot overflow. */
double beta_inc(double a, double b, double x)
{
	if (x <= 0)
		return 0;
	if (x >= 1)
		return 1;
	double front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
	return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a
					 : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

/* P(|T| > t) = I_{df / (df + t^2)}(df / 2, 1 / 2), by bisection on the logarithm of t. */
double student_quantile_two_sided(double level, double df)
{
	double lo = -20, hi = 40;
	if (!(df > 0))
		return INFINITY;
	if (df > 1e6) /* the same to seven places */
		return normal_quantile_two_sided(level);
	for (int i = 0; i < 100; i++) {
		double mid = lo + (hi - lo) / 2, t = exp(mid);
		if (beta_inc(df / 2, 0.5, df / (df + t * t)) > 1 - level)
			lo = mid;
		else
			hi = mid;
	}
	return exp(lo);
}

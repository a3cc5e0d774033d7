/* The regularised incomplete beta function by its continued fraction (DLMF 8.17.22, modified Lentz). Above about the
 * mean the fraction converges slowly, so I_x(a, b) = 1 - I_{1-x}(b, a) is used there. The factor in front of it is
 * taken in logarithms, where powers and gammas cannot overflow. */
#include "curves.h"

#include <math.h>

/* Continued fraction (DLMF 8.17.22) by Lentz's method; converges fast for x < (a + 1) / (a + b + 2). */
static double fraction(double a, double b, double x)
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

double beta_inc(double a, double b, double x)
{
	if (x <= 0)
		return 0;
	if (x >= 1)
		return 1;
	double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
	return x < (a + 1) / (a + b + 2) ? front * fraction(a, b, x) / a : 1 - front * fraction(b, a, 1 - x) / b;
}

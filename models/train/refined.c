/* NLL is convex in beta = 1 / T and its slope is the mean of E_p[z] - z_y; the root of that is found by Newton in log
 * beta within a bracket, as eval/calibrate/temperature.c does, which fits the temperature of logits of any size and
 * with threads. This folder may not include it: tests/unit/calibrate/test_refined.c holds the two together. */
#include "refined.h"

#include <math.h>

struct look {
	const float *logits;
	const uint32_t *record;
	const int32_t *label;
	size_t n;
	int classes;
};

/* Mean NLL at beta, and of beta z the mean of E_p[z] - z_y and of Var_p[z]. */
static double nll_at(const struct look *k, double beta, double *slope, double *bend)
{
	double nll = 0;
	*slope = *bend = 0;
	for (size_t i = 0; i < k->n; i++) {
		const float *z = k->logits + i * (size_t)k->classes;
		double max = z[0], mass = 0, first = 0, second = 0, own;
		for (int c = 1; c < k->classes; c++)
			max = z[c] > max ? z[c] : max;
		own = beta * (z[k->label[k->record[i]]] - max);
		for (int c = 0; c < k->classes; c++) {
			double x = beta * (z[c] - max), e = exp(x);
			mass += e;
			first += e > 0 ? e * x : 0;
			second += e > 0 ? e * x * x : 0;
		}
		double mean = first / mass;
		nll += log(mass) - own;
		*slope += mean - own;
		*bend += second / mass - mean * mean;
	}
	*slope /= (double)k->n;
	*bend /= (double)k->n;
	return nll / (double)k->n;
}

/* 1: no T is best, and *nll is the limit. */
static int at_an_end(const struct look *k, double *nll)
{
	double below = 0, ties = 0, chance = 0; /* slopes as beta grows and at 0 */
	for (size_t i = 0; i < k->n; i++) {
		const float *z = k->logits + i * (size_t)k->classes;
		double max = z[0], mean = 0, y = z[k->label[k->record[i]]];
		int equal = 0;
		for (int c = 0; c < k->classes; c++) {
			max = z[c] > max ? z[c] : max;
			mean += (z[c] - mean) / (c + 1);
		}
		for (int c = 0; c < k->classes; c++)
			equal += !(z[c] < max);
		below += max - y;
		chance += mean - y;
		ties += log(equal);
	}
	*nll = chance >= 0 ? log(k->classes) : ties / (double)k->n;
	return chance >= 0 || below <= 0;
}

double refined_nll(const float *logits, const uint32_t *record, const int32_t *label, size_t n, int classes)
{
	struct look k = { logits, record, label, n, classes };
	/* log beta: a float's 1e-38 to 1e38 lies well inside */
	double lo = -100, hi = 100, x = 0, slope, bend, nll;
	if (at_an_end(&k, &nll))
		return nll;
	for (int i = 0; i < 200; i++) {
		nll = nll_at(&k, exp(x), &slope, &bend);
		if (slope > 0)
			hi = x;
		else
			lo = x;
		double next = x - slope / bend;
		if (!(next > lo && next < hi))
			next = (lo + hi) / 2;
		if (!(fabs(next - x) > 1e-9))
			break;
		x = next;
	}
	return nll;
}

/* stats: functions of statistics that the C library lacks. */
#ifndef VIC_STATS_H
#define VIC_STATS_H

#include <stddef.h>
#include <stdint.h>

/* log(1 + exp(u)) without overflow. */
double softplus(double u);

/* Sorts v: [n], no NaN. */
void sort_rising(double *v, size_t n);
/* The q-quantile of sorted: [n >= 1], linear between order statistics; 0 <= q <= 1. */
double quantile_of(const double *sorted, int n, double q);

/* z with P(|N(0,1)| < z) = level; 0 < level < 1. */
double normal_quantile_two_sided(double level);
/* The same of Student's t with df >= 0 degrees of freedom; +Inf for 0. */
double student_quantile_two_sided(double level, double df);
/* Wilson's interval of k of n at z (Wilson 1927). */
void wilson(double k, double n, double z, double *low, double *high);
/* P-value of McNemar's exact test: min(1, 2 P(X <= min(b, c))), X ~ Binomial(b + c, 1/2). */
double mcnemar_exact(uint64_t b, uint64_t c);
/* Regularised incomplete beta function I_x(a, b), a, b > 0; relative error about 1e-13. By its continued fraction (DLMF
 * 8.17.22). */
double beta_inc(double a, double b, double x);

#endif

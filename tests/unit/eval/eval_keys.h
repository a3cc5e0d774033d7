/* What tests of the evaluator share: made-up confidences. */
#ifndef VIC_TEST_EVAL_KEYS_H
#define VIC_TEST_EVAL_KEYS_H

#include "eval/metrics/metrics.h"
#include "pipeline/base/philox.h"

#include <math.h>

static struct rng r;
static struct err err;

static inline int seed(void **state)
{
	(void)state;
	rng_init(&r, 11, RNG_TEST, 1, 0);
	err = ERR_NONE;
	return 0;
}

static inline conf_key key_of(double p, int right)
{
	return conf_pack(p, 1 - p, right);
}

/* Confidences of several kinds: continuous, few values (ties), nearly 1, nearly constant. truth: P(right) = conf^truth.
 */
static inline void make(conf_key *k, size_t n, int kind, double truth)
{
	for (size_t i = 0; i < n; i++) {
		double u = rng_real(&r), p = u, rest;
		if (kind == 1)
			p = floor(8 * u) / 8;
		if (kind == 2)
			p = 1 - exp(-40 * u);
		if (kind == 3)
			p = 0.7 + 1e-12 * u;
		if (kind == 4)
			p = pow(u, 0.2);
		if (kind == 5)
			p = u < 0.3 ? 0.5 : 1;
		rest = kind == 2 ? exp(-40 * u) : 1 - p;
		k[i] = conf_pack(p, rest, rng_real(&r) < pow(p, truth));
	}
}

static inline void sorted(conf_key *k, size_t n, int kind, double truth)
{
	make(k, n, kind, truth);
	assert_int_equal(keys_sort(k, n, &err), 0);
}

/* Some ties among sorted keys that have few, also where one chunk of keys ends and the next begins. */
static inline void tie_some(conf_key *k, size_t n)
{
	for (size_t j = 1; j < n; j++)
		if ((j % TERMS == 0 && rng_below(&r, 2)) || !rng_below(&r, 200))
			k[j] = k[j - 1] | (k[j] & CONF_RIGHT);
}

#endif

/* A map on a model's answers: what it makes of one and of several samples of a record is what the formula makes, and a
 * class that it gives no finite number is an error, whichever class of how many. */
#include "models/predict/calibrated.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

enum { CLASSES = 7, SAMPLES = 5 };

static struct rng random_state;

static int below(int n)
{
	return (int)rng_below(&random_state, (uint32_t)n);
}

/* A record, and softmax(W z + b) for it. */
struct made {
	int samples;
	float logits[SAMPLES * CLASSES];
	double weight[CLASSES * CLASSES], bias[CLASSES], room[5 * CLASSES], out[CLASSES];
	struct calibrated map;
};

static void make(struct made *m)
{
	int k = 2 + below(CLASSES - 1);
	memset(m, 0, sizeof *m);
	m->samples = 1 + below(SAMPLES);
	for (int i = 0; i < m->samples * k; i++)
		m->logits[i] = (float)(3 * rng_normal(&random_state));
	for (int i = 0; i < k * k; i++)
		m->weight[i] = rng_normal(&random_state);
	for (int i = 0; i < k; i++)
		m->bias[i] = rng_normal(&random_state);
	m->map = (struct calibrated){ .path = "a.map", .n = k, .room = m->room };
	m->map.file.map = (struct calmap){ .method = MAP_MATRIX, .k = k, .weight = m->weight, .bias = m->bias };
}

static void plain_softmax(const float *z, int k, double *p)
{
	double sum = 0;
	for (int i = 0; i < k; i++)
		sum += exp((double)z[i]);
	for (int i = 0; i < k; i++)
		p[i] = exp((double)z[i]) / sum;
}

/* The mean of several samples' probabilities, as logarithms; one sample's logits as they are. */
static void plain_logits(const struct made *m, double *z)
{
	int k = m->map.n;
	double mean[CLASSES] = { 0 }, p[CLASSES];
	for (int s = 0; s < m->samples; s++) {
		plain_softmax(m->logits + s * k, k, p);
		for (int i = 0; i < k; i++)
			mean[i] += p[i] / m->samples;
	}
	for (int i = 0; i < k; i++)
		z[i] = m->samples > 1 ? log(mean[i]) : (double)m->logits[i];
}

static void formula(void **state)
{
	struct made m;
	struct err err = ERR_NONE;
	(void)state;
	for (int i = 0; i < 400; i++) {
		double z[CLASSES];
		make(&m);
		if (calibrated_apply(&m.map, m.logits, m.samples, m.out, &err))
			fail_msg("%s", err.msg);
		plain_logits(&m, z);
		for (int o = 0; o < m.map.n; o++) {
			double want = m.bias[o], size = 1;
			for (int k = 0; k < m.map.n; k++) {
				want += m.weight[o * m.map.n + k] * z[k];
				size += fabs(m.weight[o * m.map.n + k] * z[k]);
			}
			if (!(fabs(m.out[o] - want) <= 1e-12 * size))
				fail_msg("record %d, class %d: %.17g, not %.17g", i, o, m.out[o], want);
		}
	}
}

/* Probability 0 has the logarithm -inf, so that is an answer; inf and nan are none. */
static void no_numbers(void **state)
{
	struct made m;
	(void)state;
	for (int i = 0; i < 400; i++) {
		struct err err = ERR_NONE;
		make(&m);
		int k = m.map.n, bad = below(k), at = below(k), how = below(3);
		m.samples = 1;
		m.logits[at] = 1e30F;
		for (int o = 0; o < k; o++)
			m.weight[o * k + at] = 1;
		m.weight[bad * k + at] = how == 0 ? -1e300 : how == 1 ? 1e300 : (double)NAN;
		int rc = calibrated_apply(&m.map, m.logits, 1, m.out, &err);
		assert_int_equal(rc, how == 0 ? 0 : -1);
		if (rc)
			assert_string_equal(err.msg, "a.map: the map does not give finite numbers for a record");
		else
			assert_true(m.out[bad] == -INFINITY);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(formula), cmocka_unit_test(no_numbers) };
	rng_init(&random_state, 71, RNG_TEST, 0, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

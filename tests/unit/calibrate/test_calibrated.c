/* A map on a model's answers: what it makes of one and of several samples of a record is what the formula makes, and a
 * class that it gives no finite number is an error, whichever class of how many; and records that it was fitted on are
 * refused. */
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

/* Records one by one, of which some are those of the fit: refused, at each doubling and at the end, where a sketch of
 * all of them up to there says so. */
static void records_of_the_fit(void **state)
{
	static const char remedy[] = "predict others with --split, or leave --map out and use vic-calibrate --apply "
				     "--allow-fit-data";
	static char split[] = "dev", name[] = "fit.vic";
	static struct sketch fit, seen, plain;
	int refusals = 0, early = 0;
	(void)state;
	for (int i = 0; i < 60; i++) {
		struct made m;
		make(&m);
		int k = m.map.n, fitted = below(300), n = 1 + below(120), share = below(3), refused = 0;
		float logits[CLASSES] = { 0 };
		double z[CLASSES] = { 0 };
		memset(&fit, 0, sizeof fit);
		memset(&seen, 0, sizeof seen);
		memset(&plain, 0, sizeof plain);
		for (int r = 0; r < fitted; r++) {
			z[0] = r;
			sketch_add(&fit, record_print(z, (size_t)k), 1);
		}
		m.map.file.what = "map";
		m.map.file.sketch = &fit;
		m.map.file.split = split;
		m.map.file.name = name;
		m.map.seen = &seen;
		for (int r = 1; r <= n + 1 && !refused; r++) {
			struct err err = ERR_NONE, why = ERR_NONE;
			uint64_t got = 99, want = 0;
			int last = r > n;
			logits[0] = (float)(fitted && below(3) < share ? below(fitted) : 1000 + r);
			if (!last && calibrated_apply(&m.map, logits, 1, m.out, &err))
				fail_msg("%s", err.msg);
			z[0] = logits[0];
			if (!last)
				sketch_add(&plain, record_print(z, (size_t)k), 1);
			int due = last || r == 1 || r == 2 || r == 4 || r == 8 || r == 16 || r == 32 || r == 64;
			refused = due && calfile_refuse_fitted(&m.map.file, &plain, "a.map", remedy, &want, &why);
			assert_int_equal(calibrated_refuse_fitted(&m.map, last, &got, &err), -refused);
			assert_true(got == want);
			assert_string_equal(err.msg, why.msg);
			refusals += refused;
			early += refused && !last;
		}
	}
	assert_true(early > 0 && refusals > early && refusals < 60);
}

/* A map goes with a model of its classes, by number and name, and with no other. */
static void classes_of_a_map(void **state)
{
	static char a[] = "class 0", b[] = "class 1", c[] = "class 2", d[] = "class 3";
	char *names[4] = { a, b, c, d };
	(void)state;
	for (int n = 1; n <= 4; n++) {
		for (int other = -1; other < n; other++) {
			struct calibrated m;
			struct err err = ERR_NONE;
			static char file[] = "it.model", wrong[] = "class";
			struct model model = { .config = { .classes = n }, .classes = names, .file = { .name = file } };
			char *was = names[other < 0 ? 0 : other];
			names[other < 0 ? 0 : other] = other < 0 ? was : wrong;
			int rc = calibrated_open(&m, "tests/fuzz/seeds/calmap/temperature", &model, &err);
			names[other < 0 ? 0 : other] = was;
			assert_int_equal(rc, n == 3 && other < 0 ? 0 : -1);
			if (rc) {
				assert_true(strstr(err.msg, "it.model") && !m.room && !m.seen);
				continue;
			}
			float z[3] = { 1, 2, 4 };
			double out[3];
			assert_false(calibrated_gives_probs(&m));
			assert_int_equal(calibrated_apply(&m, z, 1, out, &err), 0);
			for (int k = 0; k < 3; k++)
				assert_true(fabs(out[k] - (double)z[k] / 1.2317357762211354) <= 1e-12);
			calibrated_release(&m);
			assert_true(!m.room && !m.seen && !m.path);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(formula), cmocka_unit_test(no_numbers),
					    cmocka_unit_test(records_of_the_fit), cmocka_unit_test(classes_of_a_map) };
	rng_init(&random_state, 71, RNG_TEST, 0, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

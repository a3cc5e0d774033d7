/* Structured matrix scaling, Dirichlet calibration, ensemble temperature and centred isotonic regression: against the
 * papers' formulas, probmetrics and cir-model (tests/oracles/newer_maps.py); at the bottom of their losses; by hand. */
#include "eval/calibrate/calfit.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct pool *pool;
static struct err err;
static json_t *golden;
static const struct calmap_settings plain = {
	.l2 = -1, .l2_bias = -1, .bins = 15, .highest_t = INFINITY, .max_steps = 5000
};
enum { MOST = 400, CLASSES = 5 };
static double z[MOST * CLASSES];
static int32_t label[MOST];

static double at(const json_t *list, size_t i)
{
	const json_t *v = json_array_get(list, i);
	assert_true(json_is_number(v));
	return json_number_value(v);
}

static double member(const json_t *j, const char *key)
{
	assert_true(json_is_number(json_object_get(j, key)));
	return json_number_value(json_object_get(j, key));
}

static void near(double got, double want, double tol)
{
	if (!(fabs(got - want) <= tol))
		fail_msg("%.17g is not %.17g within %g", got, want, tol);
}

static struct fit_data load(const char *name)
{
	const json_t *j = json_object_get(golden, name), *y = json_object_get(j, "y"),
		     *values = json_object_get(j, "z");
	struct fit_data d = { .n = json_array_size(y), .k = (int)json_integer_value(json_object_get(j, "k")),
			      .is_double = 1, .z = z, .label = label };
	assert_true(d.n && d.n <= MOST && d.k <= CLASSES && json_array_size(values) == d.n * (size_t)d.k);
	for (size_t i = 0; i < d.n * (size_t)d.k; i++)
		z[i] = at(values, i);
	for (size_t i = 0; i < d.n; i++)
		label[i] = (int32_t)at(y, i);
	return d;
}

static void fit(struct calmap *map, enum calmap_method method, const struct fit_data *d,
		const struct calmap_settings *set, struct calmap_fit *how)
{
	if (calmap_fit(map, method, d, set, pool, how, &err))
		fail_msg("%s: %s", calmap_method_name(method), err.msg);
}

/* x: W by rows, then b. */
static void same_affine(const struct calmap *map, const json_t *x, double tol)
{
	size_t k = (size_t)map->k;
	assert_int_equal(json_array_size(x), k * k + k);
	for (size_t i = 0; i < k * k + k; i++)
		near(i < k * k ? map->weight[i] : map->bias[i - k * k], at(x, i), tol);
}

static void structured_and_dirichlet_are_the_papers(void **state)
{
	(void)state;
	struct fit_data d = load("many");
	const json_t *many = json_object_get(golden, "many"), *list = json_object_get(many, "structured");
	struct calmap map;
	struct calmap_fit how;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *want = json_array_get(list, i);
		struct calmap_settings set = plain;
		if (i) { /* the first has the pulls that are there unless others are asked for */
			set.l2 = member(want, "l2");
			set.l2_bias = member(want, "l2_bias");
		}
		fit(&map, MAP_STRUCTURED, &d, &set, &how);
		assert_true(how.l2 == member(want, "l2") && how.l2_bias == member(want, "l2_bias"));
		near(map.t, member(want, "temperature"), 1e-9);
		same_affine(&map, json_object_get(want, "x"), 1e-6);
		same_affine(&map, json_object_get(want, "probmetrics"), 2e-3); /* which has float32 */
		calmap_release(&map);
	}
	struct calmap_settings set = plain;
	set.l2 = member(json_object_get(many, "dirichlet"), "l2");
	set.l2_bias = member(json_object_get(many, "dirichlet"), "l2_bias");
	fit(&map, MAP_DIRICHLET, &d, &set, &how);
	same_affine(&map, json_object_get(json_object_get(many, "dirichlet"), "x"), 1e-6);
	calmap_release(&map);
	fit(&map, MAP_DIRICHLET, &d, &plain, &how);
	near(how.l2, 4 * 3 / 100.0, 1e-15);
	near(how.l2_bias, how.l2, 0);
	calmap_release(&map);
}

static double loss(const struct fit_data *d, const struct calmap *map)
{
	double sum = 0;
	for (size_t i = 0; i < d->n; i++) {
		double out[CLASSES], room[2 * CLASSES], p[CLASSES], *to = out;
		calmap_apply(map, (double *)d->z + i * (size_t)d->k, out, room);
		if (!calmap_gives_probs(map->method)) {
			calfit_softmax(out, d->k, p);
			to = p;
		}
		sum -= log(to[d->label[i]]);
	}
	return sum / (double)d->n;
}

static void weights_are_the_best_on_the_simplex(void **state)
{
	(void)state;
	static const char *const sets[] = { "mixed", "timid" };
	for (int s = 0; s < 2; s++) {
		struct fit_data d = load(sets[s]);
		const json_t *want = json_object_get(json_object_get(golden, sets[s]), "ensemble");
		struct calmap map, other;
		struct calmap_fit how;
		fit(&map, MAP_ENSEMBLE, &d, &plain, &how);
		near(map.t, member(want, "temperature"), 1e-9);
		for (size_t j = 0; j < 3; j++) {
			near(map.weight[j], at(json_object_get(want, "w"), j), 1e-7);
			near(map.weight[j], at(json_object_get(want, "probmetrics"), j), 1e-5);
		}
		near(loss(&d, &map), member(want, "nll"), 1e-13);
		assert_true(how.gradient >= 0 && how.gradient < 1e-10 && how.low == 0 && how.steps < 50);
		double w[3] = { 0 };
		other = map;
		other.weight = w;
		for (int j = 0; j < 3; j++)
			w[j] = at(json_object_get(want, "probmetrics"), (size_t)j);
		assert_true(loss(&d, &map) <= loss(&d, &other) + 1e-15);
		calmap_release(&map);
	}
}

static void centred_is_that_of_cir(void **state)
{
	(void)state;
	static const char *const sets[] = { "many", "two" };
	for (int s = 0; s < 2; s++) {
		struct fit_data d = load(sets[s]);
		const json_t *want = json_object_get(json_object_get(golden, sets[s]), "centred");
		struct calmap map;
		struct calmap_fit how;
		double out[CLASSES], room[2 * CLASSES];
		size_t k = (size_t)d.k;
		fit(&map, MAP_CENTRED, &d, &plain, &how);
		assert_int_equal(json_array_size(want), s ? d.n : d.n * k);
		for (size_t i = 0; i < d.n; i++) {
			calmap_apply(&map, z + i * k, out, room);
			for (size_t c = 0; !s && c < k; c++)
				near(out[c], at(want, i * k + c), 1e-12);
			if (s)
				near(out[1], at(want, i), 1e-12);
		}
		calmap_release(&map);
	}
}

/* P(1) of a tenth, two tenths, ..; a knot a block, at its middle, flat where all labels are one. */
static void centred_by_hand(void **state)
{
	(void)state;
	static const int32_t labels[] = { 0, 0, 1, 0, 0, 1, 1, 0, 1 };
	/* 0 0 | 1 0 0 | 1 1 0 | 1 at .1 .2 | .3 .4 .5 | .6 .7 .8 | .9 */
	static const double score[] = { 0.1, 0.2, 0.4, 0.7, 0.9 }, value[] = { 0, 0, 1 / 3.0, 2 / 3.0, 1 };
	struct fit_data d = { .n = 9, .k = 2, .is_double = 1, .z = z, .label = label };
	struct calmap map;
	struct calmap_fit how;
	for (int i = 0; i < 9; i++) {
		z[2 * i] = log(1 - (i + 1) / 10.0);
		z[2 * i + 1] = log((i + 1) / 10.0);
		label[i] = labels[i];
	}
	fit(&map, MAP_CENTRED, &d, &plain, &how);
	assert_true(map.curves == 1 && map.curve[0].n == 5);
	for (int i = 0; i < 5; i++) {
		near(map.curve[0].score[i], score[i], 1e-15);
		near(map.curve[0].value[i], value[i], 1e-15);
	}
	near(curve_at(map.curve, 0.25), 1 / 12.0, 1e-15);
	near(curve_at(map.curve, 0.05), 0, 0);
	near(curve_at(map.curve, 0.95), 1, 0);
	calmap_release(&map);
	/* Equal frequencies side by side are one block, and one block is a constant. */
	d.n = 4;
	label[0] = label[2] = 1;
	label[1] = label[3] = 0;
	fit(&map, MAP_CENTRED, &d, &plain, &how);
	assert_true(map.curve[0].n == 1);
	near(map.curve[0].score[0], 0.25, 1e-15);
	near(curve_at(map.curve, 0.9), 0.5, 0);
	calmap_release(&map);
}

/* n records of labels that follow softmax(z / t), but for a share of noise. */
static struct fit_data random_records(struct rng *r, size_t n, int k, double t, double noise)
{
	for (size_t i = 0; i < n; i++) {
		double best = -INFINITY;
		for (int c = 0; c < k; c++) {
			double v = 2 * rng_normal(r), gumbel = v - log(-log(rng_real(r) + 1e-300));
			z[i * (size_t)k + (size_t)c] = v * t + 0.3 * c;
			label[i] = gumbel > best ? c : label[i];
			best = fmax(best, gumbel);
		}
		if (rng_real(r) < noise)
			label[i] = (int32_t)rng_below(r, (uint32_t)k);
	}
	return (struct fit_data){ .n = n, .k = k, .is_double = 1, .z = z, .label = label };
}

/* calmap.h's loss of the affine ones. */
static double pulled_loss(const struct fit_data *d, const struct calmap *map, const struct calmap_fit *how)
{
	double k = map->k, pairs = k * (k - 1), n = (double)d->n, sum = loss(d, map);
	int own = map->method == MAP_STRUCTURED;
	for (int i = 0; i < map->k * map->k; i++) {
		int diagonal = i / map->k == i % map->k;
		double off = map->weight[i] - diagonal;
		if (own)
			sum += how->l2 * (diagonal ? k : pairs) / n * off * off;
		else if (!diagonal)
			sum += how->l2 / pairs * off * off;
	}
	for (int c = 0; c < map->k; c++)
		sum += map->bias[c] * map->bias[c] * how->l2_bias * (own ? k / n : 1 / k);
	return sum;
}

static void affine_ones_lie_at_the_bottom(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 16; i++) {
		struct rng r;
		struct calmap map;
		struct calmap_fit how;
		struct calmap_settings set = plain;
		rng_init(&r, 1, RNG_TEST, (uint32_t)i, 90);
		struct fit_data d = random_records(&r, 60 + rng_below(&r, 300), 2 + (int)(i % 4),
						   pow(10, 3 * rng_real(&r) - 1), 0.1);
		set.l2 = i % 3 ? 0.1 + rng_real(&r) : -1;
		set.l2_bias = i % 5 > 2 ? rng_real(&r) : -1;
		fit(&map, i / 4 % 2 ? MAP_DIRICHLET : MAP_STRUCTURED, &d, &set, &how);
		double least = pulled_loss(&d, &map, &how), size = 0;
		for (size_t q = 0; q < d.n * (size_t)d.k; q++)
			size += fabs(z[q]) / (double)(d.n * (size_t)d.k);
		int nw = d.k * d.k;
		for (int j = 0; j < nw + d.k; j++) {
			double *x = j < nw ? &map.weight[j] : &map.bias[j - nw], was = *x, side[2];
			double unit = j < nw && map.method == MAP_DIRICHLET ? fmax(1, size) : 1, h = 1e-4 / unit;
			for (int s = 0; s < 2; s++) {
				*x = was + (s ? h : -h);
				side[s] = pulled_loss(&d, &map, &how);
			}
			*x = was;
			if (!(fabs(side[1] - side[0]) / (2 * h) < 1e-5 * unit && side[0] > least && side[1] > least))
				fail_msg("%d, parameter %d: slope %g, bottom %g below and %g below", (int)i, j,
					 (side[1] - side[0]) / (2 * h), side[0] - least, side[1] - least);
		}
		calmap_release(&map);
	}
}

/* No weight moved to another lowers the loss, which is no higher than that of the temperature alone or of no map. */
static void no_weight_is_better_elsewhere(void **state)
{
	(void)state;
	int edges = 0, inside = 0;
	for (uint64_t i = 0; i < 40; i++) {
		struct rng r;
		struct calmap map, one;
		struct calmap_fit how;
		rng_init(&r, 1, RNG_TEST, (uint32_t)i, 91);
		struct fit_data d = random_records(&r, 20 + rng_below(&r, 380), 2 + (int)(i % 4),
						   pow(10, 2 * rng_real(&r) - 0.7), 0.4 * rng_real(&r));
		fit(&map, MAP_ENSEMBLE, &d, &plain, &how);
		fit(&one, MAP_TEMPERATURE, &d, &plain, &how);
		double least = loss(&d, &map), sum = map.weight[0] + map.weight[1] + map.weight[2];
		near(sum, 1, 1e-15);
		near(map.t, one.weight[0], 0);
		assert_true(least <= loss(&d, &one) + 1e-14);
		one.weight[0] = 1;
		assert_true(least <= loss(&d, &one) + 1e-14);
		for (int a = 0; a < 3; a++)
			for (int b = 0; b < 3; b++) {
				double was[3], move = fmin(1e-3, map.weight[a]);
				memcpy(was, map.weight, sizeof was);
				map.weight[a] -= move;
				map.weight[b] += move;
				assert_true(loss(&d, &map) >= least - 1e-13);
				memcpy(map.weight, was, sizeof was);
			}
		int zeros = (map.weight[0] == 0) + (map.weight[1] == 0) + (map.weight[2] == 0);
		edges += zeros > 0;
		inside += zeros == 0;
		calmap_release(&map);
		calmap_release(&one);
	}
	assert_true(edges > 4 && inside > 4);
}

static void reasons(enum calmap_method method, const struct calmap_settings *set, const struct fit_data *d,
		    const char *said)
{
	struct calmap map;
	struct calmap_fit how;
	int rc = calmap_fit(&map, method, d, set, pool, &how, &err);
	if (rc != (said ? -1 : 0) || (said && !strstr(err.msg, said)))
		fail_msg("%s: %s, not: %s", calmap_method_name(method), rc ? err.msg : "fitted",
			 said ? said : "fitted");
	if (!rc)
		calmap_release(&map);
}

static void reasons_are_true(void **state)
{
	(void)state;
	static double sure[] = { 3, 1, 1, 5, 2, 1, 0, 9 }, flat[] = { 5, 5, 7, 7, 0, 0, 1, 1 };
	static double zero[] = { 3, 1, 1, -INFINITY, 2, 1, 0, 9 },
		      far[] = { 0, 1e-300, 1e300, -1e300, 0, 1e-300, 0, 1e-300 };
	static int32_t right[] = { 0, 1, 0, 1 }, wrong[] = { 1, 0, 1, 0 }, some[] = { 0, 1, 1, 1 },
		       none[] = { 0, 0, 0, 1 };
	struct calmap_settings held = plain;
	struct fit_data d = { .n = 4, .k = 2, .is_double = 1, .z = sure, .label = right };
	reasons(MAP_STRUCTURED, &plain, &d, "the best structured-matrix scale is infinite");
	reasons(MAP_DIRICHLET, &plain, &d, "the best dirichlet scale is infinite");
	reasons(MAP_ENSEMBLE, &plain, &d, "T falls to 0");
	reasons(MAP_CENTRED, &plain, &d, NULL);
	held.lowest_t = 0.5;
	reasons(MAP_ENSEMBLE, &held, &d, NULL);
	d.label = wrong;
	reasons(MAP_STRUCTURED, &plain, &d, "take --method dirichlet");
	reasons(MAP_DIRICHLET, &plain, &d, NULL);
	reasons(MAP_ENSEMBLE, &plain, &d, "grows without end");
	d.z = flat;
	reasons(MAP_STRUCTURED, &plain, &d, "all logits of every record are equal");
	reasons(MAP_DIRICHLET, &plain, &d, "all records (4) have the same probabilities");
	reasons(MAP_ENSEMBLE, &held, &d, "all logits of every record are equal");
	d.z = zero;
	d.label = some;
	reasons(MAP_STRUCTURED, &plain, &d, "record 1 of the fit gives its own label probability 0");
	reasons(MAP_ENSEMBLE, &plain, &d, "record 1 of the fit gives its own label probability 0");
	d.label = none;
	reasons(MAP_DIRICHLET, &plain, &d, "record 1 of the fit gives a class probability 0");
	d.z = far;
	struct calmap map;
	struct calmap_fit how;
	if (!calmap_fit(&map, MAP_STRUCTURED, &d, &plain, pool, &how, &err)) {
		assert_true(isfinite(loss(&d, &map)));
		calmap_release(&map);
	}
}

static int set_up(void **state)
{
	(void)state;
	golden = json_load_file("tests/oracles/newer_maps.json", 0, NULL);
	if (!golden)
		fprintf(stderr, "tests/oracles/newer_maps.json is not there: run from the root\n");
	return !golden || pool_open(&pool, 2, &err);
}

static int tear_down(void **state)
{
	(void)state;
	pool_close(pool);
	json_decref(golden);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(structured_and_dirichlet_are_the_papers),
		cmocka_unit_test(weights_are_the_best_on_the_simplex),
		cmocka_unit_test(centred_is_that_of_cir),
		cmocka_unit_test(centred_by_hand),
		cmocka_unit_test(affine_ones_lie_at_the_bottom),
		cmocka_unit_test(no_weight_is_better_elsewhere),
		cmocka_unit_test(reasons_are_true),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}

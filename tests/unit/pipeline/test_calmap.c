/* Calibration maps against scipy, scikit-learn and betacal (tests/oracles/calmap.py), and through a file and back. */
#include "eval/calibrate/calibrate.h"
#include "eval/calibrate/calfit.h"
#include "eval/compare/compare.h"
#include "eval/metrics/roc.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/stats.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct pool *pool;
static json_t *golden;
static const struct calmap_settings plain = {
	.l2 = -1, .l2_bias = -1, .bins = 15, .highest_t = INFINITY, .max_steps = 5000
};

static double at(const json_t *list, size_t i)
{
	const json_t *v = json_array_get(list, i);
	assert_true(json_is_number(v));
	return json_number_value(v);
}

/* Data of golden[name], labels golden[labels]. */
static void load(struct fit_data *d, const char *name, const char *labels)
{
	struct err err = ERR_NONE;
	const json_t *j = json_object_get(golden, name), *z = json_object_get(j, "z");
	const json_t *y = json_object_get(json_object_get(golden, labels), "y"), *k = json_object_get(j, "k");
	double *v;
	*d = (struct fit_data){ .n = json_array_size(y), .k = k ? (int)json_integer_value(k) : 2, .is_double = 1 };
	assert_int_equal(json_array_size(z), d->n * (size_t)d->k);
	assert_int_equal(mem_alloc(&v, d->n * (size_t)d->k, sizeof *v, &err), 0);
	assert_int_equal(mem_alloc(&d->label, d->n, sizeof *d->label, &err), 0);
	for (size_t i = 0; i < d->n * (size_t)d->k; i++)
		v[i] = at(z, i);
	for (size_t i = 0; i < d->n; i++)
		d->label[i] = (int32_t)at(y, i);
	d->z = v;
}

static void drop(struct fit_data *d)
{
	free(d->z);
	free(d->label);
}

static void fit(struct calmap *map, enum calmap_method method, const struct fit_data *d,
		const struct calmap_settings *set)
{
	struct calmap_fit how;
	struct err err = ERR_NONE;
	if (calmap_fit(map, method, d, set, pool, &how, &err))
		fail_msg("%s", err.msg);
}

static void near(double got, double want, double tol)
{
	if (!(fabs(got - want) <= tol))
		fail_msg("%.17g is not %.17g within %g", got, want, tol);
}

static void many_classes(void **state)
{
	(void)state;
	struct fit_data d;
	struct calmap map;
	struct calmap_settings set = plain;
	const json_t *want = json_object_get(golden, "many"), *x;
	load(&d, "many", "many");
	size_t k = (size_t)d.k;
	fit(&map, MAP_TEMPERATURE, &d, &set);
	near(map.weight[0], json_real_value(json_object_get(want, "temperature")), 1e-9);
	calmap_release(&map);
	set.l2 = 0.01;
	fit(&map, MAP_VECTOR, &d, &set);
	x = json_object_get(json_object_get(want, "vector"), "x");
	for (size_t c = 0; c < k; c++) {
		near(map.weight[c], at(x, c), 1e-6);
		near(map.bias[c], at(x, k + c), 1e-6);
	}
	calmap_release(&map);
	set.l2 = 0.3;
	set.l2_bias = 0.2;
	fit(&map, MAP_MATRIX, &d, &set);
	x = json_object_get(json_object_get(want, "matrix"), "x");
	for (size_t i = 0; i < k * k; i++)
		near(map.weight[i], at(x, i), 1e-6);
	for (size_t c = 0; c < k; c++)
		near(map.bias[c], at(x, k * k + c), 1e-6);
	calmap_release(&map);
	fit(&map, MAP_ISOTONIC, &d, &set);
	double out[4], room[8];
	for (size_t i = 0; i < d.n; i++) {
		calmap_apply(&map, (double *)d.z + i * k, out, room);
		for (size_t c = 0; c < k; c++)
			near(out[c], at(json_object_get(want, "isotonic"), i * k + c), 1e-12);
	}
	calmap_release(&map);
	drop(&d);
}

static void two_classes(void **state)
{
	(void)state;
	struct fit_data d;
	struct calmap map;
	const json_t *want = json_object_get(golden, "two");
	double out[2], room[4];
	load(&d, "two", "two");
	fit(&map, MAP_PLATT, &d, &plain);
	near(map.weight[0], at(json_object_get(want, "platt"), 0), 1e-9);
	near(map.bias[0], at(json_object_get(want, "platt"), 1), 1e-9);
	calmap_release(&map);
	fit(&map, MAP_BETA, &d, &plain);
	near(map.weight[0], at(json_object_get(want, "beta"), 0), 1e-8);
	near(map.weight[1], at(json_object_get(want, "beta"), 1), 1e-8);
	near(map.bias[0], at(json_object_get(want, "beta"), 2), 1e-8);
	calmap_release(&map);
	fit(&map, MAP_ISOTONIC, &d, &plain);
	for (size_t i = 0; i < d.n; i++) {
		calmap_apply(&map, (double *)d.z + 2 * i, out, room);
		near(out[1], at(json_object_get(want, "isotonic"), i), 1e-12);
		near(out[0] + out[1], 1, 1e-15);
	}
	calmap_release(&map);
	drop(&d);
	load(&d, "two", "falling");
	want = json_object_get(golden, "falling");
	fit(&map, MAP_BETA, &d, &plain);
	assert_true(map.weight[0] == 0);
	near(map.weight[1], at(json_object_get(want, "beta"), 1), 1e-8);
	near(map.bias[0], at(json_object_get(want, "beta"), 2), 1e-8);
	calmap_release(&map);
	drop(&d);
}

/* Frequencies of the bins, by counting; empty bins pass through. */
static void histogram_bins(void **state)
{
	(void)state;
	double p[] = { 0.05, 0.1, 0.15, 0.2, 0.25, 0.95 }, z[12], out[2], room[4];
	int32_t label[] = { 0, 1, 0, 0, 1, 1 };
	struct calmap map;
	struct calmap_settings set = plain;
	for (int i = 0; i < 6; i++) {
		z[2 * i] = log(1 - p[i]);
		z[2 * i + 1] = log(p[i]);
	}
	struct fit_data d = { .n = 6, .k = 2, .is_double = 1, .z = z, .label = label };
	set.bins = 4;
	fit(&map, MAP_HISTOGRAM, &d, &set);
	near(map.bin[0], 0.4, 1e-15); /* five of them, 0.25 included: bins are closed above */
	assert_true(isnan(map.bin[1]) && isnan(map.bin[2]));
	near(map.bin[3], 1, 0);
	double there[] = { log(0.4), log(0.6) };
	calmap_apply(&map, there, out, room);
	near(out[1], 0.6, 1e-15);
	calmap_release(&map);
}

static void refusals(void **state)
{
	(void)state;
	double sure[] = { 3, 1, 1, 5, 2, 1 }, off[] = { 3, 1, -INFINITY, 5, 2, 1 };
	int32_t label[] = { 0, 1, 0 };
	struct fit_data d = { .n = 3, .k = 2, .is_double = 1, .z = sure, .label = label };
	struct calmap_settings set = plain;
	struct calmap map;
	struct calmap_fit how;
	struct err err = ERR_NONE;
	assert_int_equal(calmap_fit(&map, MAP_TEMPERATURE, &d, &plain, pool, &how, &err), -1);
	assert_non_null(strstr(err.msg, "T falls to 0"));
	set.lowest_t = 0.1;
	assert_int_equal(calmap_fit(&map, MAP_TEMPERATURE, &d, &set, pool, &how, &err), 0);
	assert_true(map.weight[0] == 0.1 && how.held == -1);
	calmap_release(&map);
	assert_int_equal(calmap_fit(&map, MAP_MATRIX, &d, &plain, pool, &how, &err), -1);
	assert_non_null(strstr(err.msg, "infinite"));
	assert_int_equal(calmap_fit(&map, MAP_VECTOR, &d, &plain, pool, &how, &err), 0);
	calmap_release(&map);
	assert_int_equal(calmap_fit(&map, MAP_BETA, &d, &plain, pool, &how, &err), -1);
	assert_int_equal(calmap_fit(&map, MAP_PLATT, &d, &plain, pool, &how, &err), 0);
	calmap_release(&map);
	d.z = off;
	assert_int_equal(calmap_fit(&map, MAP_PLATT, &d, &plain, pool, &how, &err), -1);
	assert_int_equal(calmap_fit(&map, MAP_MATRIX, &d, &plain, pool, &how, &err), -1);
	d.k = 3;
	d.n = 1;
	d.z = sure;
	assert_int_equal(calmap_fit(&map, MAP_PLATT, &d, &plain, pool, &how, &err), -1);
	assert_int_equal(err.status, VIC_USAGE);
}

/* Every map survives its file to the last bit; wrong files are refused. */
static void through_json(void **state)
{
	(void)state;
	for (int m = 0; m < MAP_METHODS; m++) {
		struct err err = ERR_NONE;
		struct fit_data d;
		struct calmap map, back;
		double a[4], b[4], room[8];
		load(&d, m == MAP_PLATT || m == MAP_BETA ? "two" : "many",
		     m == MAP_PLATT || m == MAP_BETA ? "two" : "many");
		fit(&map, (enum calmap_method)m, &d, &plain);
		json_t *j = calmap_to_json(&map);
		char *text = json_dumps(j, JSON_REAL_PRECISION(17));
		json_t *again = json_loads(text, 0, NULL);
		assert_int_equal(calmap_from_json(&back, again, d.k, &err), 0);
		for (size_t i = 0; i < d.n; i++) {
			calmap_apply(&map, (double *)d.z + i * (size_t)d.k, a, room);
			calmap_apply(&back, (double *)d.z + i * (size_t)d.k, b, room);
			assert_memory_equal(a, b, (size_t)d.k * sizeof *a);
		}
		calmap_release(&back);
		assert_int_equal(calmap_from_json(&back, again, d.k + 1, &err),
				 m == MAP_TEMPERATURE || m == MAP_ENSEMBLE ? 0 : -1);
		calmap_release(&back);
		json_object_del(again, "parameters");
		assert_int_equal(calmap_from_json(&back, again, d.k, &err), -1);
		calmap_release(&map);
		json_decref(j);
		json_decref(again);
		free(text);
		drop(&d);
	}
}

static void areas_and_mcnemar(void **state)
{
	(void)state;
	const json_t *want = json_object_get(golden, "ranking"), *score = json_object_get(want, "score"), *row;
	size_t n = json_array_size(score), m = 0, k = 0, i;
	struct roc r;
	struct roc_numbers v;
	struct err err = ERR_NONE;
	for (i = 0; i < n; i++)
		m += (size_t)at(json_object_get(want, "positive"), i);
	assert_int_equal(roc_open(&r, m, n - m, &err), 0);
	for (i = 0; i < n; i++) {
		uint64_t key = roc_key(at(score, i));
		if (at(json_object_get(want, "positive"), i) == 1)
			r.pos[k++] = key;
		else
			r.neg[i - k] = key;
	}
	assert_int_equal(roc_sort(&r, &err), 0);
	roc_measure(&r, &v);
	near(v.auroc, json_number_value(json_object_get(want, "auroc")), 1e-14);
	near(v.aupr_pos, json_number_value(json_object_get(want, "aupr_pos")), 1e-14);
	near(v.aupr_neg, json_number_value(json_object_get(want, "aupr_neg")), 1e-14);
	roc_release(&r);
	json_array_foreach(json_object_get(golden, "mcnemar"), i, row)
	{
		double p = mcnemar_exact((uint64_t)at(row, 0), (uint64_t)at(row, 1));
		near(p / at(row, 2), 1, 1e-8);
	}
}

static void holm_and_swap_p(void **state)
{
	(void)state;
	double p[] = { 0.01, 0.04, NAN, 0.03, 0.005 }, want[] = { 0.03, 0.06, 0, 0.06, 0.02 };
	holm(p, 5);
	for (int i = 0; i < 5; i++)
		if (i != 2)
			near(p[i], want[i], 1e-15);
	assert_true(isnan(p[2]));
	double v[99];
	for (int i = 0; i < 99; i++)
		v[i] = i % 2 ? i + 1 : -i - 1;
	near(swap_p(v, 99, 1000, 0), 0.01, 1e-15);
	near(swap_p(v, 99, -99, 0), 0.02, 1e-15);
	near(swap_p(v, 99, 99 + 1e-13, 1e-12), 0.02, 1e-15);
	near(swap_p(v, 99, 0, 0), 1, 0);
}

int main(void)
{
	struct err err = ERR_NONE;
	golden = json_load_file("tests/oracles/calmap.json", 0, NULL);
	if (!golden || pool_open(&pool, 2, &err))
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_classes),	     cmocka_unit_test(two_classes),
		cmocka_unit_test(histogram_bins),    cmocka_unit_test(refusals),
		cmocka_unit_test(through_json),
		cmocka_unit_test(areas_and_mcnemar), cmocka_unit_test(holm_and_swap_p),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	pool_close(pool);
	json_decref(golden);
	return rc;
}

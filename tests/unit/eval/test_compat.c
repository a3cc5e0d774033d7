/* Other tools' numbers, from other tools: tests/golden/eval_peers.txt was written by tests/oracles/eval_peers.py. */
#include "eval/records/bins.h"
#include "eval/metrics/compat.h"
#include "eval/metrics/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MOST = 4000 };

static const char *const tools[] = { "none", "guo", "torchmetrics", "netcal", "tfp", "sklearn" };

static double as_f32(double v)
{
	return (float)v;
}

/* relplot looks for the width in steps of 1/1024 and on a mesh of 200 points: no more can be asked of it. A confidence
 * of exactly 1 is its own mirror image and counts twice by the formula of the reflected kernel; relplot counts it once,
 * so cases with such confidences are shown and not compared. */
static void smooth_agrees(const double *conf, const int *right, size_t n, const char *line)
{
	struct err err = ERR_NONE;
	conf_key *key = malloc(n * sizeof *key);
	double want, got, width;
	int at_end = 0;
	assert_int_equal(sscanf(line, "want relplot f64 %*d smece %lf", &want), 1);
	for (size_t i = 0; i < n; i++) {
		key[i] = conf_pack(conf[i], 1 - conf[i], right[i]);
		at_end |= conf[i] == 0 || conf[i] == 1;
	}
	assert_int_equal(keys_sort(key, n, &err), 0);
	assert_int_equal(smooth_ece(key, n, &got, &width, &err), 0);
	print_message("%zu records: smooth ECE %.5f, relplot %.5f\n", n, got, want);
	if (!at_end)
		assert_true(fabs(got - want) <= 0.0015 + 0.01 * want);
	free(key);
}

static void check(const double *conf, const int *right, size_t n, const char *line)
{
	struct err err = ERR_NONE;
	char tool[32], dtype[8], metric[16];
	int bins, c = 0;
	double want;
	struct compat_errors e;
	if (!strncmp(line, "want relplot", 12)) {
		smooth_agrees(conf, right, n, line);
		return;
	}
	assert_int_equal(sscanf(line, "want %31s %7s %d %15s %lf", tool, dtype, &bins, metric, &want), 5);
	while (strcmp(tools[c], tool))
		assert_true(++c < 6);
	conf_key *key = malloc(n * sizeof *key);
	int f32 = !strcmp(dtype, "f32");
	for (size_t i = 0; i < n; i++) {
		double p = f32 ? as_f32(conf[i]) : conf[i];
		key[i] = conf_pack(p, 1 - p, right[i]);
	}
	assert_int_equal(compat_errors((enum compat)c, key, n, bins, f32, &e, &err), 0);
	double got = !strcmp(metric, "ece")   ? e.ece
		     : !strcmp(metric, "mce") ? e.mce
		     : !strcmp(metric, "ace") ? e.ace
					      : e.rmsce;
	/* They print 9 digits; sums in float32 differ by their order within a bin's mean. */
	double tol = f32 ? 3e-7 : 1e-9;
	if (!(fabs(got - want) <= tol))
		print_message("%s %s %s at %d bins: %.9g, wanted %.9g\n", tool, dtype, metric, bins, got, want);
	assert_true(fabs(got - want) <= tol);
	free(key);
}

static void peers_agree(void **state)
{
	(void)state;
	FILE *f = fopen("tests/golden/eval_peers.txt", "r");
	static double conf[MOST];
	static int right[MOST];
	char line[256];
	size_t n = 0;
	int checked = 0;
	assert_non_null(f);
	while (fgets(line, sizeof line, f)) {
		if (!strncmp(line, "case", 4)) {
			n = 0;
		} else if (!strncmp(line, "want", 4)) {
			check(conf, right, n, line);
			checked++;
		} else if (strncmp(line, "large", 5)) {
			assert_true(n < MOST);
			assert_int_equal(sscanf(line, "%lf %d", &conf[n], &right[n]), 2);
			n++;
		}
	}
	fclose(f);
	assert_true(checked > 70);
}

/* Ten million nearly calibrated records: float32 running sums are off by a factor of 127, and reproduced; ours is
 * right. */
static void float32_sums_fail_at_scale(void **state)
{
	(void)state;
	FILE *f = fopen("tests/golden/eval_peers.txt", "r");
	char line[256];
	size_t n = 0;
	int bins = 0;
	double theirs = 0, exact = 0;
	struct err err = ERR_NONE;
	assert_non_null(f);
	while (fgets(line, sizeof line, f))
		if (sscanf(line, "large %zu %d %lf %lf", &n, &bins, &theirs, &exact) == 4)
			break;
	fclose(f);
	assert_int_equal(n, 10000000);
	conf_key *key = malloc(n * sizeof *key);
	for (uint64_t i = 0; i < n; i++) {
		double u = (double)((i * 2654435761u) & 0xFFFFFF) / 0x1p24,
		       v = (double)(i * 0x9E3779B97F4A7C15u >> 40) / 0x1p24;
		double p = (float)(0.5 + 0.5 * u);
		key[i] = conf_pack(p, 1 - p, v < p);
	}
	struct compat_errors e;
	struct bins b;
	struct bin_errors ours;
	assert_int_equal(compat_errors(COMPAT_TORCHMETRICS, key, n, bins, 1, &e, &err), 0);
	assert_true(fabs(e.ece - theirs) <= 1e-6);
	assert_int_equal(bins_init(&b, bins, &err), 0);
	bins_add(&b, key, n);
	bins_errors(&b, &ours);
	assert_true(fabs(ours.ece - exact) <= 1e-12);
	assert_true(theirs > 80 * ours.ece);
	bins_release(&b);
	free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(peers_agree),
					    cmocka_unit_test(float32_sums_fail_at_scale) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The least and the most that each of vic-train's numbers may be: taken, and in its place; what lies next to them
 * outside is refused, and no option with a number is missing here. */
#include "models/train/options.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const struct {
	const char *name;
	double least, most; /* whole numbers, where the option's are; INFINITY: the largest there is */
} ranges[] = {
	{ "mixup", 0, 1e4 },	       { "label-smoothing", 0, 0.999 }, { "erl", 0, 1e4 },
	{ "dropout", 0, 0.999 },       { "max-norm", 0, 1e6 },		{ "maps", 1, 10000 },
	{ "ngrams", 1, 8 },	       { "max-tokens", 0, 4096 },	{ "width", 0.01, 64 },
	{ "channels", 0, 3 },	       { "crop", 1, 32767 },		{ "crop-pad", 0, 16383 },
	{ "lr", 0, 1e6 },	       { "momentum", 0, 0.9999 },	{ "weight-decay", 0, 1 },
	{ "clip-norm", 0, 1e9 },       { "ema", 0, 0.9999999 },		{ "rho", 0, 0.999999 },
	{ "eps", 1e-30, 1 },	       { "lr-factor", 1e-6, 1 },	{ "epochs", 1, 1000000 },
	{ "batch", 1, 65536 },	       { "shards", 1, 1024 },		{ "patience", 0, 1000000 },
	{ "stop-top5", 0, 1 },	       { "seed", 0, INFINITY },
};
enum { RANGES = sizeof ranges / sizeof *ranges };

static struct train_options o;
static struct opt row[TRAIN_OPTIONS + 1]; /* ends with zeroes */

/* 1: "--name=value" is taken. */
static int takes(const char *name, const char *value)
{
	char program[] = "vic-train", arg[128], *argv[] = { program, arg, NULL };
	struct err err = ERR_NONE;
	int operands;
	snprintf(arg, sizeof arg, "--%s=%s", name, value);
	return !opt_parse(row, 2, argv, &operands, NULL, &err);
}

static void whole(const struct opt *r, double least, double most)
{
	char text[32];
	int64_t top = isinf(most) ? INT64_MAX : (int64_t)most;
	const int64_t *at = r->target;
	snprintf(text, sizeof text, "%lld", (long long)least);
	assert_true(takes(r->name, text) && *at == (int64_t)least);
	snprintf(text, sizeof text, "%lld", (long long)top);
	assert_true(takes(r->name, text) && *at == top);
	snprintf(text, sizeof text, "%lld", (long long)least - 1);
	assert_false(takes(r->name, text));
	snprintf(text, sizeof text, "%llu", (unsigned long long)top + 1);
	assert_false(takes(r->name, text));
}

static void real(const struct opt *r, double least, double most)
{
	char text[32];
	const double *at = r->target;
	snprintf(text, sizeof text, "%.17g", least);
	assert_true(takes(r->name, text) && *at == least);
	snprintf(text, sizeof text, "%.17g", most);
	assert_true(takes(r->name, text) && *at == most);
	snprintf(text, sizeof text, "%.17g", least > 0 ? nextafter(least, 0) : -DBL_MIN);
	assert_false(takes(r->name, text));
	snprintf(text, sizeof text, "%.17g", nextafter(most, INFINITY));
	assert_false(takes(r->name, text));
}

static void numbers_at_their_ends(void **state)
{
	(void)state;
	int numbers = 0;
	train_options_rows(row, &o);
	for (int i = 0; i < TRAIN_OPTIONS; i++) {
		int k = 0;
		if (row[i].type != OPT_INT && row[i].type != OPT_REAL)
			continue;
		numbers++;
		while (k < RANGES && strcmp(ranges[k].name, row[i].name))
			k++;
		if (k == RANGES)
			fail_msg("--%s has no range here", row[i].name);
		(row[i].type == OPT_INT ? whole : real)(&row[i], ranges[k].least, ranges[k].most);
	}
	assert_int_equal(numbers, RANGES);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(numbers_at_their_ends) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

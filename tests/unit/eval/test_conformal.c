/* Conformal thresholds and sets: MAPIE's on the same scores; what they cover, simulated; ties, sure models, too few
 * records; and their files. */
#include "eval/calibrate/calibrate.h"
#include "eval/conformal/sets.h"
#include "eval/conformal/threshold.h"
#include "pipeline/base/philox.h"
#include "pipeline/files/spool.h"
#include "pipeline/formats/seal.h"
#include "tests/scratch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { K_MAX = 16 };
static struct err err;
static json_t *golden;

static double number(const json_t *list, size_t i)
{
	assert_true(json_is_number(json_array_get(list, i)));
	return json_number_value(json_array_get(list, i));
}

/* Record i of the golden file as sorted probabilities. */
static void ranked_golden(struct ranked *r, size_t i, double *p)
{
	const json_t *z = json_array_get(json_object_get(golden, "z"), i);
	for (int c = 0; c < r->k; c++)
		p[c] = number(z, (size_t)c);
	softmax_row(p, r->k, p);
	ranked_set(r, p);
}

/* The set as MAPIE's is written: "025". */
static void set_text(const struct conformal *c, const struct ranked *r, const double *p, double u, char *to)
{
	double cut = conformal_cut(c, r, u);
	for (int k = 0; k < r->k; k++)
		if (p[k] >= cut)
			*to++ = (char)('0' + k);
	*to = 0;
}

static void as_mapie(void **state)
{
	(void)state;
	static const struct way {
		const char *name, *sets;
		enum conformal_method method;
		int randomised;
	} ways[] = { { "lac", "lac_sets", CONFORMAL_LAC, 0 },
		     { "aps", NULL, CONFORMAL_APS, 0 },
		     { "aps_randomised", "aps_randomised_sets", CONFORMAL_APS, 1 },
		     { "raps", NULL, CONFORMAL_RAPS, 0 },
		     { "raps_randomised", NULL, CONFORMAL_RAPS, 1 } };
	const json_t *alpha = json_object_get(golden, "alpha"), *u = json_object_get(golden, "u");
	size_t n = (size_t)json_integer_value(json_object_get(golden, "fit"));
	struct ranked r;
	double p[K_MAX], *complement = calloc(n, sizeof *complement);
	int k = (int)json_integer_value(json_object_get(golden, "k")), checked = 0;
	assert_int_equal(ranked_init(&r, k, &err), 0);
	for (size_t w = 0; w < sizeof ways / sizeof *ways; w++)
		for (size_t a = 0; a < json_array_size(alpha); a++) {
			struct conformal c = { .method = ways[w].method,
					       .alpha = number(alpha, a),
					       .lambda = json_number_value(json_object_get(golden, "lambda")),
					       .k_reg = json_integer_value(json_object_get(golden, "k_reg")) };
			const json_t *sets =
				json_array_get(json_object_get(golden, ways[w].sets ? ways[w].sets : ""), a);
			for (size_t i = 0; i < n; i++) {
				size_t y = (size_t)number(json_object_get(golden, "y"), i);
				ranked_golden(&r, i, p);
				complement[i] = conformal_complement(&c, &r, p[y],
								     ways[w].randomised ? number(u, i) : 1);
			}
			assert_int_equal(conformal_fit(&c, complement, n, &err), 0);
			double wanted = number(json_object_get(golden, ways[w].name), a);
			if (!(fabs(1 - c.complement - wanted) <= 1e-12))
				fail_msg("%s at %g: %.17g, MAPIE %.17g", ways[w].name, c.alpha, 1 - c.complement,
					 wanted);
			for (size_t i = 0; i < json_array_size(sets); i++, checked++) {
				char text[K_MAX + 1];
				ranked_golden(&r, n + i, p);
				set_text(&c, &r, p, ways[w].randomised ? number(u, n + i) : 1, text);
				assert_string_equal(text, json_string_value(json_array_get(sets, i)));
			}
		}
	assert_int_equal(checked, 2 * 6 * 40);
	free(complement);
	ranked_release(&r);
}

/* A record of a model that is wrong (too sure, and noisy): p, and a label drawn from other probabilities. */
static int32_t draw_record(struct rng *g, int k, double *p)
{
	double z[K_MAX], q[K_MAX], at;
	int32_t y = 0;
	for (int c = 0; c < k; c++)
		z[c] = 1.5 * rng_normal(g);
	softmax_row(z, k, q);
	for (at = rng_real(g); y + 1 < k && at >= q[y]; y++)
		at -= q[y];
	for (int c = 0; c < k; c++)
		z[c] = 2 * z[c] + rng_normal(g);
	softmax_row(z, k, p);
	return y;
}

/* Share of `fresh` new records covered by a threshold of n records. */
static double covered(struct conformal *c, uint32_t repetition, size_t n, size_t fresh)
{
	struct rng g;
	struct ranked r;
	double p[K_MAX], complement[512];
	size_t hit = 0;
	assert_int_equal(ranked_init(&r, 5, &err), 0);
	rng_init(&g, 11, RNG_TEST, repetition, (uint32_t)c->method * 2 + (uint32_t)c->randomised);
	for (size_t i = 0; i < n + fresh; i++) {
		int32_t y = draw_record(&g, r.k, p);
		ranked_set(&r, p);
		if (i < n)
			complement[i] = conformal_complement(c, &r, p[y], conformal_u(c, repetition, 0, i));
		if (i + 1 == n)
			assert_int_equal(conformal_fit(c, complement, n, &err), 0);
		if (i >= n)
			hit += p[y] >= conformal_cut(c, &r, conformal_u(c, repetition, 1, i));
	}
	ranked_release(&r);
	return (double)hit / (double)fresh;
}

/* Scores do not tie, so the mean coverage over fits is rank / (n + 1), and over fits it is a Beta variable. */
static void covers(void **state)
{
	(void)state;
	enum { FITS = 200, FRESH = 300 };
	static const size_t n[] = { 50, 300 };
	for (int m = 0; m < 2 * CONFORMAL_METHODS; m++)
		for (int s = 0; s < 2; s++) {
			struct conformal c = { .method = (enum conformal_method)(m / 2),
					       .randomised = m % 2,
					       .alpha = 0.1,
					       .lambda = 0.1,
					       .k_reg = 1 };
			double sum = 0, below = 0, above = 0;
			if (c.randomised && c.method == CONFORMAL_LAC)
				continue;
			for (uint32_t i = 0; i < FITS; i++) {
				double share = covered(&c, i, n[s], FRESH);
				sum += share / FITS;
				below += share < conformal_coverage(&c, 0.1);
				above += share > conformal_coverage(&c, 0.9);
			}
			/* sd of a fit's share: the Beta's and that of FRESH draws */
			double mean = (double)c.rank / (double)(n[s] + 1), v = mean * (1 - mean);
			double se = sqrt((v / (double)(n[s] + 2) + v / FRESH) / FITS);
			if (!(fabs(sum - mean) <= 4 * se))
				fail_msg("%s, randomised %d, n %zu: covers %.4f, not %.4f +- %.4f",
					 conformal_name(c.method), c.randomised, n[s], sum, mean, se);
			assert_true(below < 0.25 * FITS && above < 0.25 * FITS && below > 0.05 * FITS);
		}
}

static void ranks(void **state)
{
	(void)state;
	static const struct {
		uint64_t n;
		double alpha;
		uint64_t rank, least;
	} t[] = { { 9, 0.1, 9, 9 },	  { 8, 0.1, 9, 9 },	   { 99, 0.29, 71, 3 },	     { 99, 0.01, 99, 99 },
		  { 98, 0.01, 99, 99 },  { 1, 0.5, 1, 1 },	   { 19, 0.05, 19, 19 },     { 999, 0.007, 993, 142 },
		  { 20, 0.05, 20, 19 },  { 9999999, 0.3, 7000000, 3 }, { 10, 0.999999, 1, 1 }, { 2, 0.33, 3, 3 },
		  { 3, 1.0 / 3, 3, 2 } };
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		assert_int_equal(conformal_rank(t[i].n, t[i].alpha), t[i].rank);
		assert_int_equal(conformal_least(t[i].alpha), t[i].least);
	}
	double complement[3] = { 0.25, 0.75, 0.75 };
	struct conformal c = { .alpha = 0.1 };
	assert_int_equal(conformal_fit(&c, complement, 3, &err), 0);
	assert_true(c.rank == 4 && isinf(c.complement) && c.complement < 0 && conformal_coverage(&c, 0.025) == 1);
	c.alpha = 0.6; /* rank 2 of the scores 0.25, 0.25, 0.75 */
	assert_int_equal(conformal_fit(&c, complement, 3, &err), 0);
	assert_true(c.rank == 2 && c.complement == 0.75 && c.tied == 1);
}

/* Every order of the classes gives the same scores, to the last bit, and the same sets. */
static void order_of_classes(void **state)
{
	(void)state;
	enum { K = 6 };
	double p[K] = { 0.3, 0.1, 0.1 + 1e-17, 0.3, 0.15, 0.05 }, q[K];
	uint32_t order[K] = { 0, 1, 2, 3, 4, 5 };
	struct rng g;
	struct ranked r;
	rng_init(&g, 1, RNG_TEST, 0, 0);
	assert_int_equal(ranked_init(&r, K, &err), 0);
	for (int m = 0; m < CONFORMAL_METHODS; m++)
		for (int u = 0; u < 2; u++) {
			struct conformal c = {
				.method = (enum conformal_method)m, .complement = 0.2, .lambda = 0.1, .k_reg = 3
			};
			double was[K], cut;
			ranked_set(&r, p);
			for (int k = 0; k < K; k++)
				was[k] = conformal_complement(&c, &r, p[k], u ? 1 : 0.37);
			cut = conformal_cut(&c, &r, u ? 1 : 0.37);
			assert_true(was[0] == was[3]);
			for (int round = 0; round < 50; round++) {
				rng_shuffle(&g, order, K);
				for (int k = 0; k < K; k++)
					q[k] = p[order[k]];
				ranked_set(&r, q);
				for (int k = 0; k < K; k++)
					assert_true(conformal_complement(&c, &r, q[k], u ? 1 : 0.37) == was[order[k]]);
				assert_true(conformal_cut(&c, &r, u ? 1 : 0.37) == cut);
			}
			/* and the set is of the classes whose complement is at least the threshold's */
			for (int k = 0; k < K; k++)
				assert_int_equal(p[k] >= cut, was[k] >= c.complement);
		}
	ranked_release(&r);
}

/* Logits so far apart that the winner's probability is 1 in float64: sets stay as small as the labels ask. */
static void sure_models(void **state)
{
	(void)state;
	double p[4], z[4] = { 0, 100, -20, 40 };
	struct conformal c = { .method = CONFORMAL_APS };
	struct ranked r;
	assert_int_equal(ranked_init(&r, 4, &err), 0);
	softmax_row(z, 4, p);
	assert_true(p[1] == 1);
	ranked_set(&r, p);
	c.complement = conformal_complement(&c, &r, p[1], 1);
	assert_true(c.complement > 0 && c.complement < 1e-20);
	assert_true(conformal_cut(&c, &r, 1) == 1);
	c.complement = conformal_complement(&c, &r, p[3], 1);
	assert_true(conformal_cut(&c, &r, 1) == p[3]);
	ranked_release(&r);
}

static struct rows some_rows(void)
{
	static char a[] = "a", b[] = "b c", *classes[] = { a, b }, name[] = "its name";
	return (struct rows){ .name = name,
			      .head = { .kind = STREAM_LOGITS, .n_classes = 2, .classes = classes, .samples = 1 },
			      .provenance = json_array(),
			      .split = SPLIT_DEV };
}

static char *text_of(const struct conformal *c)
{
	struct rows rows = some_rows();
	static struct sketch s;
	json_t *tool = json_pack("{s:s, s:[s]}", "program", "vic-conformal", "args", "--alpha=0.1");
	char *text;
	s = (struct sketch){ 0 };
	sketch_add(&s, 77, 1);
	assert_int_equal(threshold_text(&text, c, &s, &rows, tool, &err), 0);
	json_decref(tool);
	json_decref(rows.provenance);
	return text;
}

static int load_text(struct threshold *t, const char *text)
{
	char path[SCRATCH_PATH];
	assert_int_equal(scratch_file(path, "threshold"), 0);
	assert_int_equal(scratch_put(path, text, strlen(text)), 0);
	err = ERR_NONE;
	int rc = threshold_load(t, path, &err);
	remove(path);
	return rc;
}

static void as_file(void **state)
{
	(void)state;
	static const double complement[] = { 0.1, 1e-300, -0.25, -INFINITY, 1 - 0x1p-53 };
	for (int m = 0; m < CONFORMAL_METHODS; m++)
		for (size_t i = 0; i < sizeof complement / sizeof *complement; i++) {
			struct conformal c = { .method = (enum conformal_method)m, .alpha = 0.1, .n = 20, .rank = 19 };
			struct threshold t;
			c.randomised = m == CONFORMAL_APS;
			c.complement = complement[i];
			if (m == CONFORMAL_RAPS) {
				c.lambda = 0.1;
				c.k_reg = 3;
			}
			char *text = text_of(&c);
			assert_int_equal(load_text(&t, text), 0);
			assert_true(t.c.complement == c.complement && t.c.method == c.method && t.c.alpha == c.alpha &&
				    t.c.randomised == c.randomised && t.c.lambda == c.lambda && t.c.k_reg == c.k_reg);
			assert_true(t.on.n_classes == 2 && t.on.map.k == 2 && t.on.sketch->records == 1 &&
				    t.on.sketch->n == 1 && t.on.sketch->at[0].print == 77);
			assert_string_equal(t.on.split, "dev");
			threshold_release(&t);
			free(text);
		}
}

/* `was` replaced by `now` in a file without a seal. */
static void refused_files(void **state)
{
	(void)state;
	static const struct {
		const char *was, *now, *said;
	} t[] = {
		{ "\"method\": \"raps\"", "\"method\": \"rasp\"", "'method' is none of lac|aps|raps" },
		{ "\"method\": \"raps\"", "\"method\": \"lac\"", "is true for lac" },
		{ "\"randomised\": true", "\"randomised\": 1", "'randomised' is not true or false" },
		{ "\"alpha\": 0.25", "\"alpha\": 1", "'alpha' is not a number" },
		{ "\"alpha\": 0.25", "\"alpha\": null", "'alpha' is not a number" },
		{ "\"lambda\": 0.5", "\"lambda\": -0.5", "'lambda' is not a number" },
		{ "\"k_reg\": 3", "\"k_regs\": 3", "'k_reg' is not a number" },
		{ "\"threshold\": 0.75", "\"threshold\": 0.7501", "'complement' is not 1 - 'threshold'" },
		{ "\"threshold\": 0.75", "\"threshold\": null", "'threshold' is not a number" },
		{ "\"complement\": 0.25", "\"complement\": \"0.25\"", "'complement' is not a number" },
		{ "\"records\": 1", "\"records\": 0", "lacks 'records'" },
		{ "\"split\": \"dev\"", "\"split\": 1", "which split of what the threshold was fitted" },
		{ "\"vicinal conformal\": 1", "\"vicinal conformal\": 4", "of version 4" },
		{ "\"vicinal conformal\": 1", "\"vicinal map\": 1", "is a calibration map, not a conformal threshold" },
	};
	struct conformal c = { .method = CONFORMAL_RAPS, .randomised = 1, .alpha = 0.25, .lambda = 0.5, .k_reg = 3,
			       .n = 20, .rank = 16, .complement = 0.25 };
	char *text = text_of(&c), *seal = strstr(text, SEAL_KEY), *at, *version = strstr(text, "conformal\": 3");
	struct threshold f;
	assert_non_null(seal);
	text[strlen(text) / 2] ^= 1;
	assert_int_equal(load_text(&f, text), -1);
	assert_non_null(strstr(err.msg, "damaged"));
	text[strlen(text) / 2] ^= 1;
	memcpy(seal, "w", 1);
	assert_int_equal(load_text(&f, text), -1);
	assert_non_null(strstr(err.msg, "has no checksum"));
	version[12] = '1';
	assert_int_equal(load_text(&f, text), 0);
	assert_int_equal(f.on.version, 1);
	threshold_release(&f);
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		char changed[8192];
		at = strstr(text, t[i].was);
		assert_non_null(at);
		snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, t[i].now, at + strlen(t[i].was));
		if (!load_text(&f, changed) || !strstr(err.msg, t[i].said) || !strstr(err.msg, "threshold"))
			fail_msg("%s: %s", t[i].now, err.msg);
	}
	free(text);
}

/* What lies at either end of what a number may be is read as it is. */
static void ends_of_numbers(void **state)
{
	(void)state;
	static const struct {
		double alpha, lambda, complement;
		int64_t k_reg;
	} end[] = { { 1e-12, 0, -1e300, 0 }, { 1 - 1e-12, 1e300, 1e300, STREAM_MAX_CLASSES }, { 0.5, 0, 1, 1 } };
	for (size_t i = 0; i < sizeof end / sizeof *end; i++) {
		struct conformal c = { .method = CONFORMAL_RAPS, .alpha = end[i].alpha, .lambda = end[i].lambda,
				       .k_reg = end[i].k_reg, .n = 20, .rank = 16, .complement = end[i].complement };
		char *text = text_of(&c);
		struct threshold t;
		if (load_text(&t, text))
			fail_msg("%s", err.msg);
		assert_true(t.c.alpha == c.alpha && t.c.lambda == c.lambda && t.c.k_reg == c.k_reg &&
			    t.c.complement == c.complement);
		threshold_release(&t);
		free(text);
	}
}

/* The quantile of Beta(rank, n + 1 - rank) at every rank, the last too: there as many of n uniform numbers as rank, or
 * more, lie below it with probability q. */
static void coverage_over_fits(void **state)
{
	(void)state;
	static const double q[] = { 0.025, 0.5, 0.975 };
	for (uint64_t n = 1; n <= 12; n++)
		for (uint64_t rank = 1; rank <= n + 1; rank++)
			for (int i = 0; i < 3; i++) {
				const struct conformal c = { .n = n, .rank = rank };
				double x = conformal_coverage(&c, q[i]), sum = 0;
				for (uint64_t j = rank; j <= n; j++)
					sum += exp(lgamma((double)n + 1) - lgamma((double)j + 1) -
						   lgamma((double)(n - j) + 1)) *
					       pow(x, (double)j) * pow(1 - x, (double)(n - j));
				if (rank > n)
					assert_true(x == 1);
				else
					assert_true(fabs(sum - q[i]) < 1e-9);
			}
}

/* Sets as lines: the likeliest class first, ties by index; at least the winner, where that is asked for. */
static void sets_are_the_plain_ones(void **state)
{
	(void)state;
	static char *names[] = { "a b", "b", "c\"", "d" };
	static const char *const word[2][4] = { { "a\\x20b", "b", "c\"", "d" },
						{ "\"a b\"", "\"b\"", "\"c\\\"\"", "\"d\"" } };
	char got[400], want[400];
	for (uint32_t i = 0; i < 300; i++) {
		struct rng r;
		struct sets s;
		struct output out = { 0 };
		int order[4], n = 0, held = 0, json = (int)(i % 2), k = 2 + (int)(i / 2 % 3);
		struct stream_head head = { .n_classes = k, .classes = names };
		double p[4], cut;
		rng_init(&r, 16, RNG_TEST, i, 0);
		for (int c = 0; c < k; c++)
			p[c] = rng_below(&r, 5) / 8.0;
		cut = rng_below(&r, 6) / 8.0;
		int never_empty = (int)rng_below(&r, 2), label = (int)rng_below(&r, (uint32_t)k + 1) - 1;
		/* by selection: the first of the most probable that is left */
		for (int left = (1 << k) - 1; left;) {
			int best = -1;
			for (int c = k - 1; c >= 0; c--)
				best = left >> c & 1 && (best < 0 || p[c] >= p[best]) ? c : best;
			if (p[best] >= cut || (never_empty && !n && left == (1 << k) - 1))
				order[n++] = best;
			held |= n && order[n - 1] == label;
			left &= ~(1 << best);
		}
		assert_int_equal(sets_init(&s, &head, json, &err), 0);
		assert_int_equal(sets_take(&s, p, cut, never_empty), n);
		assert_int_equal(sets_hold(&s, n, label), held);
		assert_int_equal(spool_output(&out, &err), 0);
		assert_int_equal(sets_head(&s, &out, &err) | sets_write(&s, &out, 7, label, n, &err), 0);
		assert_int_equal(output_flush(&out, &err), 0);
		size_t at = (size_t)snprintf(want, sizeof want,
					     json ? "{\"record\":7,\"label\":%s,\"covered\":%s,\"size\":%d,\"set\":["
						  : "record\tlabel\tcovered\tsize\tset\n7\t%s\t%s\t%d\t",
					     label >= 0 ? word[json][label] : json ? "null" : "",
					     label < 0 ? (json ? "null" : "") : held ? (json ? "true" : "1")
										    : json ? "false" : "0", n);
		for (int c = 0; c < n; c++)
			at += (size_t)snprintf(want + at, sizeof want - at, "%s%s", c ? (json ? "," : " ") : "",
					       word[json][order[c]]);
		snprintf(want + at, sizeof want - at, json ? "]}\n" : "\n");
		off_t len = lseek(out.fd, 0, SEEK_END);
		assert_int_equal(io_read_at(out.fd, 0, got, (size_t)len), 0);
		got[len] = 0;
		assert_string_equal(got, want);
		output_release(&out);
		sets_release(&s);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_mapie),	   cmocka_unit_test(covers),	  cmocka_unit_test(ranks),
		cmocka_unit_test(order_of_classes), cmocka_unit_test(sure_models), cmocka_unit_test(as_file),
		cmocka_unit_test(ends_of_numbers),  cmocka_unit_test(coverage_over_fits),
		cmocka_unit_test(refused_files), cmocka_unit_test(sets_are_the_plain_ones),
	};
	golden = json_load_file("tests/oracles/conformal.json", 0, NULL);
	if (!golden) {
		fprintf(stderr, "tests/oracles/conformal.json is not there: run from the root\n");
		return 1;
	}
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	json_decref(golden);
	return rc;
}

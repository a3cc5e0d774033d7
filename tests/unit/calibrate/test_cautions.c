/* What the records of a fit do not tell, at counts on either side of each limit and for histories put together at
 * random, against the rules of cautions.h written out. */
#include "eval/calibrate/cautions.h"
#include "pipeline/base/philox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MOST = 1300, CLASSES = 8 };

/* The records that a map wants: ten a parameter. */
static size_t wanted(const struct calmap *m)
{
	size_t k = (size_t)m->k;
	switch (m->method) {
	case MAP_PLATT:
		return 20;
	case MAP_BETA:
	case MAP_ENSEMBLE:
		return 30;
	case MAP_VECTOR:
		return 20 * k;
	case MAP_MATRIX:
	case MAP_DIRICHLET:
		return 10 * k * (k + 1);
	case MAP_STRUCTURED:
		return 10 * (2 * k + 1);
	case MAP_HISTOGRAM:
		return 10 * (size_t)m->bins;
	case MAP_ISOTONIC:
	case MAP_CENTRED:
		return 1000;
	default:
		return 0;
	}
}

static int is_said(unsigned bits, enum caution c)
{
	return (bits >> c & 1) != 0;
}

static void say(char *text, enum caution c, const struct calmap *m, const struct calmap_fit *fit, const struct rows *w)
{
	caution_text(c, m, fit, w, text, 1000);
}

static void counts_and_intervals(void **state)
{
	(void)state;
	static int32_t label[MOST];
	static const double low[] = { 0, 0.4, 0.5, 0.9, 1, 1.1 }, times[] = { 1, 1.5, 2, 2.0001, 3 };
	char *class[CLASSES], text[1000], want[200];
	struct rng r;
	int told[CAUTIONS] = { 0 };
	rng_init(&r, 1, RNG_TEST, 0, 0);
	for (int k = 0; k < CLASSES; k++) {
		snprintf(text, sizeof text, "c%d", k);
		class[k] = strdup(text);
	}
	for (int i = 0; i < 2000; i++) {
		struct calmap m = { .method = (enum calmap_method)rng_below(&r, MAP_METHODS) };
		struct calmap_fit fit = { .low = low[rng_below(&r, 6)] };
		struct rows w = { .label = label, .split = SPLIT_EXTRA, .head.classes = class };
		int seen[CLASSES] = { 0 }, absent = 0, first = -1;
		m.k = 2 + (int)rng_below(&r, CLASSES - 1);
		m.bins = 1 + (int)rng_below(&r, 30);
		fit.high = fit.low * times[rng_below(&r, 5)];
		w.n = wanted(&m) + rng_below(&r, 3);
		w.n = w.n > 1 ? w.n - 1 : 1 + rng_below(&r, 20);
		uint32_t some = 1 + rng_below(&r, (uint32_t)m.k);
		for (size_t j = 0; j < w.n; j++)
			label[j] = m.k - 1 - (int32_t)rng_below(&r, some);
		if (rng_below(&r, 2))
			label[w.n - 1] = 0; /* the first class is the last record's */
		for (size_t j = 0; j < w.n; j++)
			seen[label[j]] = 1;
		int own = m.method != MAP_TEMPERATURE && m.method != MAP_ENSEMBLE && m.method != MAP_PLATT &&
			  m.method != MAP_BETA;
		for (int k = m.k - 1; k >= 0; k--)
			if (!seen[k]) {
				absent++;
				first = k;
			}
		unsigned bits = cautions_of(&m, &fit, &w);
		assert_int_equal(bits >> CAUTIONS, 0);
		assert_int_equal(is_said(bits, CAUTION_HOLDS_ONE), fit.low > 0 && fit.low <= 1 && fit.high >= 1);
		assert_int_equal(is_said(bits, CAUTION_WIDE), fit.low > 0 && fit.high > 2 * fit.low);
		assert_int_equal(is_said(bits, CAUTION_FEW), w.n < wanted(&m));
		assert_int_equal(is_said(bits, CAUTION_ABSENT_CLASS), own && absent > 0);
		assert_int_equal(is_said(bits, CAUTION_CHOSE_EPOCH), 0);
		for (int c = 0; c < CAUTIONS; c++)
			told[c] += is_said(bits, (enum caution)c);
		if (is_said(bits, CAUTION_WIDE)) {
			say(text, CAUTION_WIDE, &m, &fit, &w);
			snprintf(want, sizeof want,
				 "%zu records are too few: they know T only to within a factor of %.3g;", w.n,
				 fit.high / fit.low);
			assert_ptr_equal(strstr(text, want), text);
		}
		if (is_said(bits, CAUTION_FEW)) {
			say(text, CAUTION_FEW, &m, &fit, &w);
			snprintf(want, sizeof want, "%zu records are few for a map of this kind, which wants %zu and",
				 w.n, wanted(&m));
			assert_ptr_equal(strstr(text, want), text);
		}
		if (own && absent) {
			say(text, CAUTION_ABSENT_CLASS, &m, &fit, &w);
			snprintf(want, sizeof want, "of %d classes %d are the label of no record (the first is c%d)",
				 m.k, absent, first);
			assert_ptr_equal(strstr(text, want), text);
		}
	}
	for (int c = 0; c < CAUTIONS; c++)
		assert_true(c == CAUTION_CHOSE_EPOCH || (told[c] > 50 && told[c] < 1950));
	for (int k = 0; k < CLASSES; k++)
		free(class[k]);
}

static json_t *stage(const char *program, const char *arg)
{
	return arg ? json_pack("{s:s,s:[s]}", "program", program, "args", arg) : json_pack("{s:s}", "program", program);
}

/* What a stream went through before it was predicted or trained on; *kind: which it is. */
static json_t *random_stage(struct rng *r, int *kind)
{
	static const struct {
		const char *program, *arg;
		int own;
	} made[] = { { "vic-tokenize", NULL, 0 },
		     { "vic-tokenize", "--split=dev", 1 },
		     { "vic-split", "--dev=0.1", 1 },
		     { "vic-embed", "--dim=3", 0 },
		     { "vic-embed", "--dim=4", 0 } };
	*kind = (int)rng_below(r, 5);
	return stage(made[*kind].program, made[*kind].arg);
}

/* Dev records chose the epoch where the model kept its best one on dev, and it was trained on this very stream, or on
 * one that had dev records of its own. */
static void histories(void **state)
{
	(void)state;
	static const struct {
		const char *arg;
		int chose;
	} select[] = { { NULL, 1 }, { "--select=dev-nll", 1 }, { "--select=last", 0 }, { "--epochs=3", 1 } };
	int32_t label[] = { 0, 1 };
	int told = 0;
	for (uint32_t i = 0; i < 3000; i++) {
		struct rng r;
		struct calmap m = { .method = MAP_TEMPERATURE, .k = 2 };
		struct calmap_fit fit = { 0 };
		struct rows w = { .n = 2, .label = label };
		int before[3], trained[3], own = 0, want = 0;
		rng_init(&r, 2, RNG_TEST, i, 0);
		int n_before = (int)rng_below(&r, 4), alike = (int)rng_below(&r, 2);
		int n_trained = alike ? n_before : (int)rng_below(&r, 4), same = n_before == n_trained;
		int chosen = (int)rng_below(&r, 4);
		w.split = rng_below(&r, 4) ? SPLIT_DEV : SPLIT_TEST;
		w.provenance = json_array();
		json_t *model = json_array();
		if (rng_below(&r, 4) == 0) { /* an older prediction, by a model that no epoch was chosen of */
			json_t *old = stage("vic-predict", NULL);
			json_object_set_new(old, "model", json_pack("[o]", stage("vic-train", "--select=last")));
			json_array_append_new(w.provenance, old);
			same = 0;
		}
		for (int j = 0; j < n_before; j++)
			json_array_append_new(w.provenance, random_stage(&r, &before[j]));
		for (int j = 0; j < n_trained; j++) {
			json_t *s = random_stage(&r, &trained[j]);
			if (alike && rng_below(&r, 6)) {
				json_decref(s);
				s = json_deep_copy(json_array_get(w.provenance, json_array_size(w.provenance) -
											(size_t)n_before + (size_t)j));
				trained[j] = before[j];
			}
			json_array_append_new(model, s);
			own |= trained[j] == 1 || trained[j] == 2;
			same = same && trained[j] == before[j];
		}
		json_array_append_new(model, stage("vic-train", select[chosen].arg));
		json_t *predict = stage("vic-predict", NULL);
		uint32_t kind = rng_below(&r, 10);
		if (kind > 0) {
			json_object_set(predict, "model", model);
			want = w.split == SPLIT_DEV && select[chosen].chose && (own || same);
		}
		json_decref(model);
		json_array_append_new(w.provenance, predict);
		for (uint32_t j = rng_below(&r, 3); j-- > 0;)
			json_array_append_new(w.provenance, stage("vic-cat", NULL));
		unsigned bits = cautions_of(&m, &fit, &w);
		assert_int_equal(bits, want ? 1u << CAUTION_CHOSE_EPOCH : 0);
		told += want;
		json_decref(w.provenance);
	}
	assert_true(told > 300 && told < 2700);
}

static void names_and_none(void **state)
{
	(void)state;
	static const char *const name[] = { "holds-one", "wide", "few", "chose-epoch", "absent-class" };
	int32_t label[] = { 0, 1 };
	struct calmap m = { .method = MAP_TEMPERATURE, .k = 2 };
	struct calmap_fit fit = { 0 };
	struct rows w = { .n = 2, .label = label, .split = SPLIT_DEV };
	for (int c = 0; c < CAUTIONS; c++)
		assert_string_equal(caution_name((enum caution)c), name[c]);
	assert_int_equal(cautions_of(&m, &fit, &w), 0); /* no history at all */
	w.provenance = json_pack("[{s:s,s:[]}]", "program", "vic-predict", "model");
	assert_int_equal(cautions_of(&m, &fit, &w), 0); /* a model that says nothing of itself */
	json_decref(w.provenance);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_and_intervals),
		cmocka_unit_test(histories),
		cmocka_unit_test(names_and_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What a batch is told: partners, lambdas and soft labels, against the definitions; and the history's ECE and OE. */
#include "models/data/batch.h"
#include "models/train/trainer.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { RECORDS = 40, CLASSES = 3, WORDS = 9 };

static size_t begin[RECORDS + 1];
static uint32_t token[RECORDS * 4];
static int32_t label[RECORDS];
static uint32_t item[RECORDS];
static struct dataset data = { .head = { .kind = STREAM_TEXT, .n_classes = CLASSES, .dim = 2 },
			       .n = RECORDS,
			       .label = label,
			       .text = { .words = WORDS, .begin = begin, .token = token } };

static int make_data(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < RECORDS; i++) {
		size_t n = i % 4; /* records of 0 to 3 words */
		for (size_t t = 0; t < n; t++)
			token[begin[i] + t] = (i * 7 + (uint32_t)t * 5) % WORDS;
		begin[i + 1] = begin[i] + n;
		label[i] = (int32_t)(i % CLASSES);
		item[i] = (i * 11) % RECORDS;
	}
	return 0;
}

static void same_words(const struct batcher *b, int sentence, uint32_t record)
{
	const struct words *w = &b->words;
	assert_int_equal(w->begin[sentence + 1] - w->begin[sentence], begin[record + 1] - begin[record]);
	for (uint32_t t = 0; t < w->begin[sentence + 1] - w->begin[sentence]; t++)
		assert_int_equal(w->word[w->local[w->begin[sentence] + t]], token[begin[record] + t]);
}

static void words_are_numbered_once(void **state)
{
	(void)state;
	struct batcher b;
	struct err err;
	assert_int_equal(batcher_init(&b, &data, NULL, &err), 0);
	for (int round = 0; round < 3; round++) {
		assert_int_equal(batch_plain(&b, item + round, 12, &err), 0);
		assert_int_equal(b.words.sentences, 12);
		assert_true(b.words.distinct <= WORDS);
		for (int i = 0; i < b.words.distinct; i++)
			for (int k = 0; k < i; k++)
				assert_int_not_equal(b.word[i], b.word[k]);
		for (int s = 0; s < 12; s++)
			same_words(&b, s, item[round + s]);
	}
	batcher_release(&b);
}

/* Twice as many words as n of the longest record (3 words) have, or all there are. */
static void room_for_words(void **state)
{
	(void)state;
	assert_int_equal(batcher_max_words(&data, 1), 6);
	assert_int_equal(batcher_max_words(&data, 2), WORDS);
	assert_int_equal(batcher_max_words(&data, 1000000000), WORDS);
	assert_int_equal(batcher_max_words(&(struct dataset){ .n = 3 }, 5), 0); /* images */
	for (size_t longest = 0; longest < 5; longest++) { /* whichever that is */
		size_t ends[6] = { 0 };
		for (size_t i = 0; i < 5; i++)
			ends[i + 1] = ends[i] + (i == longest ? 4 : i % 3);
		struct dataset d = { .n = 5, .text = { .words = 1000, .begin = ends } };
		assert_int_equal(batcher_max_words(&d, 7), 4 * 7 * 2);
	}
}

/* What a batch draws, once more from the definition: one lambda, then partners, each from a sequence of its own. */
static void partners_are_drawn(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 60; round++) {
		struct batcher b;
		struct err err;
		struct rng r;
		uint32_t shuffled[RECORDS], n = 1 + round % RECORDS, epoch = 1 + round % 5;
		struct mix_config v = { .alpha = round % 3 ? 0.4 : 5, .mode = (enum mix_mode)(round % 2),
				      .partner = round % 4 < 2 ? PARTNER_BATCH : PARTNER_DATASET };
		assert_int_equal(batcher_init(&b, &data, NULL, &err), 0);
		assert_int_equal(batch_mixed(&b, &v, item, (int)n, item + 5, RECORDS - 5, 9, epoch, round, &err), 0);
		rng_init(&r, 9, RNG_MIX_LAMBDA, epoch, round);
		assert_true(b.lambda[n - 1] == (float)rng_beta(&r, v.alpha));
		rng_init(&r, 9, RNG_MIX_PARTNER, epoch, round);
		for (uint32_t i = 0; i < n; i++)
			shuffled[i] = i;
		rng_shuffle(&r, shuffled, v.partner == PARTNER_BATCH ? n : 0);
		for (uint32_t i = 0; i < n; i++) {
			if (v.partner == PARTNER_BATCH) {
				assert_int_equal(b.partner[i], shuffled[i]);
				continue;
			}
			assert_int_equal(b.partner[i], n + i);
			assert_int_equal(b.sample[n + i], item[5 + rng_below(&r, RECORDS - 5)]);
		}
		assert_int_equal(b.batch.n, n);
		assert_true(b.batch.seed == 9 && b.batch.epoch == epoch && b.batch.mix_at == 0);
		batcher_release(&b);
	}
}

/* The target that the definitions give sample i of a mixed batch. */
static void wanted(const struct batcher *b, const struct mix_config *v, int i, double *t)
{
	int own = label[b->sample[i]], other = label[b->sample[b->partner[i]]];
	double l = b->lambda[i];
	if (v->mode == MIX_FEATURES)
		l = l >= 0.5 ? 1 : 0;
	for (int k = 0; k < CLASSES; k++) {
		double a = k == own ? 1 - v->smoothing : v->smoothing / (CLASSES - 1);
		double c = k == other ? 1 - v->smoothing : v->smoothing / (CLASSES - 1);
		t[k] = l * a + (1 - l) * c;
	}
}

static void targets_are_mixed_labels(void **state)
{
	int middle = 0; /* draws that only a half parts from the larger */
	(void)state;
	for (uint32_t draw = 0; draw < 40; draw++) {
		int mode = draw % 2, partner = draw / 2 % 2;
		struct batcher b;
		struct err err;
		struct mix_config v = { .alpha = 0.4,
					.mode = (enum mix_mode)mode,
					.partner = (enum mix_partner)partner,
					.smoothing = 0.1 };
		double entropy = 0;
		assert_int_equal(batcher_init(&b, &data, NULL, &err), 0);
		assert_int_equal(batch_mixed(&b, &v, item, 20, item, RECORDS, 5, 1, draw, &err), 0);
		assert_int_equal(b.words.sentences, partner ? 40 : 20);
		for (int i = 0; i < 20; i++) {
			double t[CLASSES], sum = 0;
			wanted(&b, &v, i, t);
			assert_true(b.lambda[i] == b.lambda[0]); /* one a batch */
			assert_true(partner ? b.partner[i] >= 20 : b.partner[i] < 20);
			same_words(&b, (int)b.partner[i], b.sample[b.partner[i]]);
			for (int k = 0; k < CLASSES; k++) {
				assert_true(fabs(b.target[i * CLASSES + k] - t[k]) <= 1e-6);
				sum += b.target[i * CLASSES + k];
				entropy -= t[k] * log(t[k]);
			}
			assert_true(fabs(sum - 1) <= 1e-6);
		}
		assert_true(fabs(entropy - b.label_entropy) <= 1e-4);
		middle += mode == MIX_FEATURES && b.lambda[0] > 0.25f && b.lambda[0] < 0.5f;
		batcher_release(&b);
	}
	assert_true(middle);
}

static void draws_depend_on_the_place_alone(void **state)
{
	(void)state;
	struct batcher a, b;
	struct err err;
	struct mix_config v = { .alpha = 0.4 };
	int differ = 0, seen[20] = { 0 };
	assert_int_equal(batcher_init(&a, &data, NULL, &err) || batcher_init(&b, &data, NULL, &err), 0);
	assert_int_equal(batch_mixed(&b, &v, item, 20, item, RECORDS, 5, 2, 9, &err), 0); /* another place first */
	assert_int_equal(batch_mixed(&a, &v, item, 20, item, RECORDS, 5, 1, 3, &err), 0);
	for (int i = 0; i < 20; i++)
		differ += a.partner[i] != b.partner[i];
	assert_true(differ > 10 && a.lambda[0] != b.lambda[0]);
	assert_int_equal(batch_mixed(&b, &v, item, 20, item, RECORDS, 5, 1, 3, &err), 0);
	assert_memory_equal(a.partner, b.partner, 20 * sizeof *a.partner);
	assert_memory_equal(a.lambda, b.lambda, 20 * sizeof *a.lambda);
	for (int i = 0; i < 20; i++)
		seen[a.partner[i]]++;
	for (int i = 0; i < 20; i++)
		assert_int_equal(seen[i], 1); /* a permutation */
	v.alpha = 0;
	assert_int_equal(batch_mixed(&a, &v, item, 20, item, RECORDS, 5, 1, 3, &err), 0);
	assert_null(a.batch.partner);
	batcher_release(&a);
	batcher_release(&b);
}

static void class_weights_scale_targets(void **state)
{
	(void)state;
	struct batcher b;
	struct err err;
	double weight[CLASSES] = { 0.5, 1, 2 };
	struct mix_config v = { .class_weight = weight };
	assert_int_equal(batcher_init(&b, &data, NULL, &err), 0);
	assert_int_equal(batch_mixed(&b, &v, item, 20, item, RECORDS, 5, 1, 3, &err), 0);
	for (int i = 0; i < 20; i++)
		for (int k = 0; k < CLASSES; k++) {
			int own = k == label[item[i]];
			assert_true(fabs(b.batch.target[i * CLASSES + k] - (own ? weight[k] : 0)) < 1e-7);
			assert_true(b.target[i * CLASSES + k] == (float)own);
		}
	batcher_release(&b);
}

/* Two bins by hand: 4 records at confidence 0.9 of which 2 are right, 2 at 0.6 of which both are. */
static void history_scores(void **state)
{
	(void)state;
	struct scores s = { 0 };
	float sure[2] = { (float)log(9), 0 }, half[2] = { (float)log(1.5), 0 };
	for (int i = 0; i < 4; i++)
		scores_add(&s, sure, 2, i < 2);
	for (int i = 0; i < 2; i++)
		scores_add(&s, half, 2, 0);
	assert_int_equal(s.n, 6);
	assert_int_equal(s.right, 4);
	assert_true(fabs(scores_ece(&s) - (4 * 0.4 + 2 * 0.4) / 6) < 1e-6);
	assert_true(fabs(scores_oe(&s) - 4 * 0.9 * 0.4 / 6) < 1e-6);
	assert_true(fabs(s.nll - (2 * -log(.9) + 2 * -log(.1) + 2 * -log(.6))) < 1e-5);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(words_are_numbered_once),
					    cmocka_unit_test(targets_are_mixed_labels),
					    cmocka_unit_test(room_for_words),
					    cmocka_unit_test(partners_are_drawn),
					    cmocka_unit_test(draws_depend_on_the_place_alone),
					    cmocka_unit_test(class_weights_scale_targets),
					    cmocka_unit_test(history_scores) };
	return cmocka_run_group_tests(tests, make_data, NULL);
}

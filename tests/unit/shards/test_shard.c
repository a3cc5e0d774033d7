/* Shards of random batches, record by record: what a shard's record and its partner are is what they are in the whole
 * batch. And partners where hidden values are mixed: of the shard. */
#include "models/data/batch.h"
#include "pipeline/base/philox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { RECORDS = 60, CLASSES = 3, WORDS = 29, H = 3, W = 4 };

static struct rng random_state;
static size_t begin[RECORDS + 1];
static uint32_t token[RECORDS * 6], item[RECORDS];
static int32_t label[RECORDS];
static const void *pixel[RECORDS];
static unsigned char byte[RECORDS][H * W];

static int below(int n)
{
	return (int)rng_below(&random_state, (uint32_t)n);
}

static struct dataset make_data(uint32_t number, int images)
{
	struct dataset d = { .head = { .kind = images ? STREAM_IMAGES : STREAM_TEXT, .n_classes = CLASSES, .dim = 2,
				       .height = H, .width = W, .channels = 1 },
			     .n = RECORDS,
			     .label = label,
			     .text = { .words = WORDS, .begin = begin, .token = token } };
	rng_init(&random_state, 62, RNG_TEST, number, 0);
	d.images.pixel = pixel;
	for (uint32_t i = 0; i < RECORDS; i++) {
		size_t n = (size_t)below(7);
		for (size_t t = 0; t < n; t++)
			token[begin[i] + t] = (uint32_t)below(WORDS);
		begin[i + 1] = begin[i] + n;
		label[i] = below(CLASSES);
		item[i] = i;
		pixel[i] = byte[i];
	}
	rng_shuffle(&random_state, item, RECORDS);
	return d;
}

/* Sentence s of the shard is sentence w of the whole batch. */
static void same_sentence(const struct shard *s, const struct batch *whole, uint32_t mine, uint32_t w)
{
	const struct words *a = s->batch.words, *b = whole->words;
	assert_int_equal(a->begin[mine + 1] - a->begin[mine], b->begin[w + 1] - b->begin[w]);
	for (uint32_t t = 0; t < a->begin[mine + 1] - a->begin[mine]; t++) {
		uint32_t x = a->local[a->begin[mine] + t], y = b->local[b->begin[w] + t];
		assert_in_range(x, 0, a->distinct - 1);
		assert_int_equal(a->word[x], b->word[y]);
		assert_int_equal(s->word_of[x], y);
	}
}

static void same_item(const struct shard *s, const struct batch *whole, uint32_t mine, uint32_t w)
{
	const struct images *a = s->batch.images, *b = whole->images;
	if (!b) {
		assert_in_range(mine, 0, s->batch.words->sentences - 1);
		same_sentence(s, whole, mine, w);
		return;
	}
	assert_in_range(mine, 0, a->count - 1);
	assert_ptr_equal(a->pixel[mine], b->pixel[w]);
	assert_int_equal(a->item[mine], b->item[w]);
	assert_memory_equal(&a->view[mine], &b->view[w], sizeof *a->view);
}

static void check_shard(const struct shard *s, const struct batch *whole, int from, int n)
{
	const struct batch *b = &s->batch;
	assert_int_equal(b->n, n);
	assert_true(b->seed == whole->seed && b->epoch == whole->epoch && b->mix_at == whole->mix_at);
	assert_int_equal(b->partner != NULL, whole->partner != NULL);
	for (int i = 0; i < n; i++) {
		same_item(s, whole, (uint32_t)i, (uint32_t)(from + i));
		assert_int_equal(b->sample[i], whole->sample[from + i]);
		assert_memory_equal(b->target + i * CLASSES, whole->target + (from + i) * CLASSES,
				    CLASSES * sizeof(float));
		if (!b->partner)
			continue;
		assert_true(b->lambda[i] == whole->lambda[from + i]);
		same_item(s, whole, b->partner[i], whole->partner[from + i]);
		if (whole->mix_at)
			assert_in_range(b->partner[i], 0, n - 1);
	}
}

static void one(uint32_t number)
{
	struct dataset d = make_data(number, number % 2);
	struct preprocessing f = { .h = H, .w = W, .pad = 1, .flip = 1, .deviation = { 1 } };
	struct batcher b;
	struct shard s = { 0 };
	struct err err = ERR_NONE;
	int n = 1 + below(RECORDS - 20), shards = 1 << below(7), seen = 0;
	struct mix_config v = { .alpha = below(4) ? 0.4 : 0, .mode = (enum mix_mode)below(3), .mix_layers = 2,
				.partner = (enum mix_partner)below(2), .shards = shards };
	if (v.mode == MIX_MANIFOLD)
		v.partner = PARTNER_BATCH;
	assert_int_equal(batcher_init(&b, &d, number % 2 ? &f : NULL, &err), 0);
	assert_int_equal(batch_mixed(&b, &v, item, n, item, RECORDS, 7, 1, number, &err), 0);
	for (int i = 0; i < n && b.batch.lambda; i++)
		b.lambda[i] = (float)rng_real(&random_state); /* which is one a batch otherwise */
	for (int i = 0; i < shards; i++) {
		int from = shard_begin(n, i, shards), to = shard_begin(n, i + 1, shards);
		assert_int_equal(from, seen);
		seen = to;
		if (to == from)
			continue;
		assert_in_range(to - from, shard_least(n, shards), shard_most(n, shards));
		if (shard_cut(&s, &b.batch, CLASSES, from, to - from, &err))
			fail_msg("%s", err.msg);
		check_shard(&s, &b.batch, from, to - from);
	}
	assert_int_equal(seen, n);
	shard_release(&s);
	batcher_release(&b);
}

static void shards_are_the_batch(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 400; i++)
		one(i);
}

/* What is drawn does not depend on the cut, but for partners where hidden values are mixed; there each is still one
 * record's. */
static void partners(void **state)
{
	struct dataset d = make_data(3, 0);
	struct batcher b;
	struct err err = ERR_NONE;
	uint32_t whole[RECORDS];
	int moved = 0;
	(void)state;
	assert_int_equal(batcher_init(&b, &d, NULL, &err), 0);
	for (int shards = 1; shards <= 4; shards *= 2)
		for (int mode = MIX_FULL; mode <= MIX_MANIFOLD; mode++) {
			struct mix_config v = { .alpha = 1, .mode = (enum mix_mode)mode, .shards = shards };
			int used[RECORDS] = { 0 };
			assert_int_equal(batch_mixed(&b, &v, item, RECORDS, item, RECORDS, 7, 1, 0, &err), 0);
			for (int i = 0; i < RECORDS; i++) {
				used[b.partner[i]]++;
				if (shards == 1 && mode == MIX_FULL)
					whole[i] = b.partner[i];
				moved += mode == MIX_MANIFOLD && b.partner[i] != whole[i];
				if (mode != MIX_MANIFOLD || shards == 1)
					assert_int_equal(b.partner[i], whole[i]);
				else
					assert_int_equal(b.partner[i] * (unsigned)shards / RECORDS,
							 i * shards / RECORDS);
			}
			for (int i = 0; i < RECORDS; i++)
				assert_int_equal(used[i], 1);
		}
	assert_true(moved > 60);
	batcher_release(&b);
}

static void hidden_partner_elsewhere(void **state)
{
	struct dataset d = make_data(4, 0);
	struct mix_config v = { .alpha = 1 };
	struct batcher b;
	struct shard s = { 0 };
	struct err err = ERR_NONE;
	(void)state;
	assert_int_equal(batcher_init(&b, &d, NULL, &err), 0);
	assert_int_equal(batch_mixed(&b, &v, item, 20, item, RECORDS, 7, 1, 0, &err), 0);
	b.batch.mix_at = 1;
	assert_int_equal(shard_cut(&s, &b.batch, CLASSES, 0, 5, &err), -1);
	assert_non_null(strstr(err.msg, "of another shard"));
	shard_release(&s);
	batcher_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(shards_are_the_batch), cmocka_unit_test(partners),
					    cmocka_unit_test(hidden_partner_elsewhere) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

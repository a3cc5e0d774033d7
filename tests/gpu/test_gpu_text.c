/* Word CNNs on the cuda plug-in, dry ($VIC_BACKENDS names its folder): those of test_ops in lockstep with ref and through
 * whole steps, recorded and not; batches on either side of each rounding; more words than any batch before. */
#include "dry.h"
#include "unit/models/text_cases.h"

static const struct shape_case sizes[] = {
	{ "one distinct word", 5, 1, 5, 3, 2, { 2, 4 }, 2, 6, 1, 0, 0, 0, EVERY },
	{ "127 words", 8, 127, 3, 2, 2, { 1, 3 }, 2, 20, 1, 0, 0, 0, EVERY },
	{ "128 words", 8, 128, 3, 2, 2, { 1, 3 }, 2, 20, 1, 0, 0, 0, EVERY },
	{ "129 words", 8, 129, 3, 2, 2, { 1, 3 }, 2, 20, 1, 0, 0, 0, EVERY },
	{ "more maps than threads", 3, 9, 130, 300, 2, { 1, 2 }, 2, 4, 1, 0, 0.5, 0, 0 },
	{ "more dimensions than a tile", 3, 5, 515, 2, 1, { 2 }, 2, 4, 1, 0, 0, 0, 0 },
	{ "windows wider than all sentences", 4, 12, 7, 5, 2, { 9, 30 }, 2, 3, 1, 0, 0, 0, BEYOND },
};

/* Prediction, then training forward and backward; of the whole batch, and of one sentence without a partner. */
static void lockstep_of(const struct shape_case *c)
{
	struct fixture f;
	struct err err = ERR_NONE;
	setup_locked(&f, c, "cuda", 0, &plain, 5e-6);
	for (int few = 0; few < 2; few++) {
		f.batch.n = few ? 1 : c->n;
		f.batch.partner = c->mixup && !few ? f.partner : NULL;
		if (graph_forward(&f.g, &f.batch, PHASE_PREDICT, &err) ||
		    graph_forward(&f.g, &f.batch, PHASE_TRAIN, &err) || graph_backward(&f.g, &f.batch, &err))
			fail_msg("%s: %s", c->name, err.msg);
	}
	teardown(&f);
}

static void each_op_agrees(void **state)
{
	(void)state;
	for (int c = 0; c < CASES; c++)
		lockstep_of(&cases[c]);
	for (size_t c = 0; c < sizeof sizes / sizeof *sizes; c++)
		lockstep_of(&sizes[c]);
}

/* More samples than a block has threads: the sentences of eight, over and over. */
static void many_samples(void **state)
{
	static const struct shape_case c = { "many samples", 8, 30, 3, 2, 2, { 1, 3 }, 2, 9, 1, 0, 0, 0, ROOMY };
	static uint32_t begin[ROOM + 1], local[ROOM * MAX_TOKENS], partner[ROOM], sample[ROOM];
	static float lambda[ROOM], target[ROOM * 2];
	struct fixture f;
	struct err err = ERR_NONE;
	(void)state;
	setup_locked(&f, &c, "cuda", 0, &plain, 5e-6);
	for (uint32_t i = 0; i < ROOM; i++) {
		const uint32_t *from = f.begin + i % 8;
		memcpy(local + begin[i], f.local + from[0], (from[1] - from[0]) * sizeof *local);
		begin[i + 1] = begin[i] + from[1] - from[0];
		partner[i] = (i * 5 + 1) % ROOM;
		sample[i] = i;
		lambda[i] = (float)draw(7, i);
		target[2 * i] = 1 - (target[2 * i + 1] = (float)draw(8, i));
	}
	f.words.sentences = f.batch.n = ROOM;
	f.words.begin = begin;
	f.words.local = local;
	f.batch.partner = partner;
	f.batch.sample = sample;
	f.batch.lambda = lambda;
	f.batch.target = target;
	if (graph_forward(&f.g, &f.batch, PHASE_TRAIN, &err) || graph_backward(&f.g, &f.batch, &err))
		fail_msg("%s", err.msg);
	teardown(&f);
}

static void steps_agree(void **state)
{
	(void)state;
	for (int c = 0; c < CASES; c++)
		agrees_with_ref("cuda", &cases[c]);
}

static void filters_follow_weights(void **state)
{
	(void)state;
	follows_weights("cuda");
}

/* Compiled for prediction, with a table of all words that will ever come. */
static void setup_growing(struct fixture *f, const struct shape_case *c, const char *device)
{
	struct shape_case all = *c;
	all.vocabulary = MAX_WORDS;
	all.flags = EVERY;
	setup(f, &all, device, NULL);
}

/* More words than a training batch may have, then few, then more than ever; recordings of the few go on. */
static void prediction_grows(void **state)
{
	static const struct shape_case few = { "few", 8, 20, 3, 2, 2, { 1, 3 }, 2, 4, 0, 0, 0, 0, 0 };
	static const int vocabulary[] = { 20, 22, 30, 130, 25, 19, 290, 28, 31 };
	struct fixture f, ref;
	struct err err = ERR_NONE;
	float a[MAX_N * 8], b[MAX_N * 8];
	(void)state;
	setup_growing(&f, &few, "cuda");
	setup_growing(&ref, &few, "ref");
	for (size_t i = 0; i < sizeof vocabulary / sizeof *vocabulary; i++) {
		struct shape_case c = few;
		c.vocabulary = vocabulary[i];
		c.flags = EVERY;
		c.longest = (int)(4 + i);
		make_batch(&f, &c);
		make_batch(&ref, &c);
		assert_int_equal(graph_forward(&f.g, &f.batch, PHASE_PREDICT, &err) ||
					 graph_forward(&ref.g, &ref.batch, PHASE_PREDICT, &err) ||
					 graph_read(&f.g, f.g.logits, f.batch.n, a, &err) ||
					 graph_read(&ref.g, ref.g.logits, f.batch.n, b, &err),
				 0);
		same("logits", "growing", a, b, (size_t)(f.batch.n * 2), 3e-6);
	}
	teardown(&f);
	teardown(&ref);
}

static void nan_is_seen(void **state)
{
	(void)state;
	sees_nan("cuda");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_op_agrees), cmocka_unit_test(many_samples),
					    cmocka_unit_test(steps_agree), cmocka_unit_test(filters_follow_weights),
					    cmocka_unit_test(prediction_grows), cmocka_unit_test(nan_is_seen) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

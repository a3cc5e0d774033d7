/* Networks over words on every backend: ref against finite differences, the cpu against ref. Odd shapes, words that
 * occur in both partners, empty sentences, every parameter's gradient, a few optimiser steps, NaN. */
#include "text_cases.h"

/* Where element i of parameter p has its gradient: a table's are by the batch's words. */
static float gradient(const struct fixture *f, int p, size_t i)
{
	const struct param *q = &f->g.param[p];
	if (q->kind != PARAM_TABLE)
		return q->g[i];
	size_t dim = (size_t)q->dim[1];
	for (int k = 0; k < f->words.distinct; k++)
		if (f->word[k] == i / dim)
			return q->g[(size_t)k * dim + i % dim];
	return 0;
}

/* Central differences of a float32 loss: the step is large for float's sake, so the bound is 2 % of the gradient's size
 * plus what rounding of the loss gives (1e-7 / step); a maximum that changes its window inside the step shows as a
 * kink, so the few worst elements (1 and 1 in 50) are let go. */
static void differs_as_its_loss(const struct shape_case *c)
{
	struct fixture f;
	struct err err = ERR_NONE;
	setup(&f, c, "ref", &plain);
	mean_loss(&f);
	assert_int_equal(graph_backward(&f.g, &f.batch, &err), 0);
	for (int p = (c->flags & FROZEN) != 0; p < f.g.n_params; p++) {
		struct param *q = &f.g.param[p];
		size_t n = param_size(q), bad = 0, tried = 0;
		double size = 0;
		for (size_t i = 0; i < n; i++)
			size = fmax(size, fabs((double)gradient(&f, p, i)));
		assert_true(size > 0 || c->dim == 1);
		for (size_t i = 0; i < n; i += 1 + n / 40, tried++) {
			float w = q->w[i], h = 2e-3f;
			q->w[i] = w + h;
			double up = mean_loss(&f);
			q->w[i] = w - h;
			double down = mean_loss(&f);
			q->w[i] = w;
			double fd = (up - down) / ((double)(w + h) - (double)(w - h)), g = (double)gradient(&f, p, i);
			bad += !(fabs(fd - g) <= 0.02 * size + 2e-4);
		}
		if (bad > 1 + tried / 50)
			fail_msg("%s: %s: %zu of %zu gradients differ from finite differences", c->name, q->name, bad,
				 tried);
	}
	teardown(&f);
}

static void gradients_are_differences(void **state)
{
	(void)state;
	for (size_t c = 0; c < CASES; c++)
		if (!(cases[c].flags & WHOLE)) /* all kinks */
			differs_as_its_loss(&cases[c]);
	for (size_t c = 0; c < BOW_CASES; c++)
		differs_as_its_loss(&bow_cases[c]);
}

/* The last layer is linear, so that without dropout a mixture of encoded sentences has the mixture of their logits. */
static void mixed_sentences_have_mixed_logits(void **state)
{
	static const char *const devices[] = { "ref", "cpu" };
	const struct shape_case *c = &cases[CASES - 1];
	(void)state;
	assert_true((c->flags & SENTENCES) && !(c->dropout > 0));
	for (int i = 0; i < 2; i++) {
		struct fixture f;
		struct err err = ERR_NONE;
		float mixed[MAX_N * 8], plain_z[MAX_N * 8];
		setup(&f, c, devices[i], &plain);
		mean_loss(&f);
		assert_int_equal(graph_read(&f.g, f.g.logits, c->n, mixed, &err), 0);
		f.batch.partner = NULL;
		mean_loss(&f);
		assert_int_equal(graph_read(&f.g, f.g.logits, c->n, plain_z, &err), 0);
		for (int s = 0; s < c->n; s++)
			for (int k = 0; k < c->classes; k++) {
				double own = plain_z[s * c->classes + k], l = f.lambda[s],
				       other = plain_z[(int)f.partner[s] * c->classes + k];
				assert_true(fabs(l * own + (1 - l) * other - mixed[s * c->classes + k]) < 1e-5);
			}
		teardown(&f);
	}
}

/* By hand: two texts of 4 and 1 n-grams, the second the partner of the first; one without any. */
static void a_bag_by_hand(void **state)
{
	static const char *const devices[] = { "ref", "cpu" };
	static const struct shape_case c = { "by hand", 3, 3, 2, 0, 0, { 0 }, 2, 4, 1, 0, 0, 0, 0 };
	static const uint32_t begin[] = { 0, 4, 5, 5 }, local[] = { 0, 1, 0, 1, 1 }, word[] = { 2, 0 };
	static const float table[] = { 1, -2, 50, 60, 3, 4 }, bias[] = { 10, 20 };
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct fixture f;
		struct err err = ERR_NONE;
		float z[6];
		setup(&f, &c, devices[i], &plain);
		f.words = (struct words){ .sentences = 3, .begin = begin, .local = local, .distinct = 2, .word = word };
		f.partner[0] = 1;
		f.partner[1] = 1;
		f.partner[2] = 2;
		f.lambda[0] = 0.75f;
		assert_int_equal(graph_set(&f.g, 0, table, &err) || graph_set(&f.g, 1, bias, &err), 0);
		mean_loss(&f);
		assert_int_equal(graph_read(&f.g, f.g.logits, 3, z, &err), 0);
		/* 0.75 (2 * 3 + 2 * 1) / 2 + 0.25 * 1 and 0.75 (2 * 4 - 2 * 2) / 2 - 0.25 * 2 */
		const float want[] = { 13.25f, 21, 11, 18, 10, 20 };
		for (int k = 0; k < 6; k++)
			assert_float_equal(z[k], want[k], 1e-6);
		teardown(&f);
	}
}

static void cpu_agrees(void **state)
{
	(void)state;
	for (int c = 0; c < CASES; c++)
		agrees_with_ref("cpu", &cases[c]);
	for (int c = 0; c < BOW_CASES; c++)
		agrees_with_ref("cpu", &bow_cases[c]);
}

static void cache_follows_weights(void **state)
{
	(void)state;
	follows_weights("cpu");
}

static void nan_is_seen(void **state)
{
	(void)state;
	sees_nan("ref");
	sees_nan("cpu");
}

static void threads_do_not_show(void **state)
{
	(void)state;
	struct fixture f[2];
	struct err err = ERR_NONE;
	for (int i = 0; i < 2; i++) {
		setup_locked(&f[i], &cases[0], "cpu", 1 + 2 * i, &plain, 0);
		mean_loss(&f[i]);
		assert_int_equal(graph_backward(&f[i].g, &f[i].batch, &err), 0);
	}
	for (int p = 0; p < f[0].g.n_params; p++) {
		struct param *q = &f[0].g.param[p];
		size_t n = p ? param_size(q) : (size_t)f[0].words.distinct * (size_t)q->dim[1];
		assert_memory_equal(q->g, f[1].g.param[p].g, n * sizeof(float));
	}
	teardown(&f[0]);
	teardown(&f[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(gradients_are_differences),
					    cmocka_unit_test(a_bag_by_hand),
					    cmocka_unit_test(mixed_sentences_have_mixed_logits),
					    cmocka_unit_test(cpu_agrees),
					    cmocka_unit_test(cache_follows_weights), cmocka_unit_test(nan_is_seen),
					    cmocka_unit_test(threads_do_not_show) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

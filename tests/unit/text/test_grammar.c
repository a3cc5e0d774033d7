/* The synthetic grammar's posterior is the true one: against Bayes by brute force on a small grammar, against the
 * labels that the large one draws, and in that the same seed makes the same sentences. */
#include "corpora/grammar.h"
#include "corpora/synth.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct grammar_config small(int classes)
{
	return (struct grammar_config){ .classes = classes,
					.fillers = 4,
					.negators = 2,
					.cues = 4,
					.idioms = 3,
					.min_segments = 1,
					.max_segments = 3,
					.strength = 1.3,
					.noise = 0.1,
					.seed = 5 };
}

static struct grammar_config large(int classes)
{
	struct grammar_config c = {
		.classes = classes, .min_segments = 8, .max_segments = 26, .strength = 1.5, .noise = 0.05, .seed = 3
	};
	grammar_counts(&c, 2000);
	return c;
}

static double tilt(const struct segment *s, int z, int k)
{
	return s->tilt * ((z == s->affinity) - 1.0 / k);
}

/* Adds, for every way to lay one to three segments end to end that gives the wanted text, its probability under each
 * class. */
struct brute {
	const struct grammar *g;
	const struct sentence *want;
	double norm[4], likelihood[4];
};

static void lay(struct brute *b, int at, int m, const double *weight)
{
	int k = b->g->config.classes;
	if (at == b->want->n && m > 0)
		for (int z = 0; z < k; z++)
			b->likelihood[z] += weight[z] / 3; /* q(m) = 1/3 */
	if (m == 3)
		return;
	for (size_t i = 0; i < b->g->n; i++) {
		const struct segment *s = &b->g->segment[i];
		double next[4];
		if (at + s->len > b->want->n || memcmp(s->word, b->want->word + at, (size_t)s->len * sizeof *s->word))
			continue;
		for (int z = 0; z < k; z++)
			next[z] = weight[z] * s->base * exp(tilt(s, z, k)) / b->norm[z];
		lay(b, at + s->len, m + 1, next);
	}
}

static void brute_force(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	int cuts = 0;
	for (int k = 2; k <= 4; k++) {
		struct grammar g;
		struct grammar_config c = small(k);
		assert_int_equal(grammar_build(&g, &c, &err), 0);
		for (uint64_t i = 0; i < 3000; i++) {
			struct sentence x;
			double got[4], one[4] = { 1, 1, 1, 1 }, sum = 0;
			grammar_draw(&g, i, &x);
			struct brute b = { .g = &g, .want = &x };
			for (int z = 0; z < k; z++)
				for (size_t s = 0; s < g.n; s++)
					b.norm[z] += g.segment[s].base * exp(tilt(&g.segment[s], z, k));
			lay(&b, 0, 0, one);
			assert_int_equal(grammar_posterior(&g, x.word, x.n, got, &err), 0);
			for (int z = 0; z < k; z++)
				sum += b.likelihood[z];
			for (int y = 0; y < k; y++) {
				double p = 0;
				for (int z = 0; z < k; z++)
					p += (z == y ? 1 - c.noise : c.noise / (k - 1)) * b.likelihood[z] / sum;
				assert_true(fabs(p - got[y]) < 1e-12);
			}
			cuts += x.n > 3;
		}
		grammar_release(&g);
	}
	assert_true(cuts > 100); /* phrases did occur */
}

/* Drawn label frequencies of a sentence that occurs often agree with its posterior: the sampler and the sum speak of
 * the same model. Chi-square over one-segment sentences, with a generous bound. */
static void sampler_agrees(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct grammar g;
	struct grammar_config c = small(2);
	enum { N = 400000, WORDS = 10 };
	double seen[WORDS] = { 0 }, ones[WORDS] = { 0 }, chi = 0;
	int used = 0;
	assert_int_equal(grammar_build(&g, &c, &err), 0);
	assert_int_equal(g.words.n, WORDS);
	for (uint64_t i = 0; i < N; i++) {
		struct sentence x;
		grammar_draw(&g, i, &x);
		if (x.n == 1) {
			seen[x.word[0]]++;
			ones[x.word[0]] += x.y;
		}
	}
	for (uint32_t w = 0; w < WORDS; w++) {
		double p[2];
		if (seen[w] < 100)
			continue;
		assert_int_equal(grammar_posterior(&g, &w, 1, p, &err), 0);
		chi += pow(ones[w] - seen[w] * p[1], 2) / (seen[w] * p[0] * p[1]);
		used++;
	}
	assert_true(used >= 8);
	assert_true(chi < 30); /* 10 degrees of freedom: p < 0.001 */
	grammar_release(&g);
}

/* Expected calibration error over 15 equal bins of the top class. */
static double ece(const double *conf, const unsigned char *right, int n)
{
	double sum[15] = { 0 }, hit[15] = { 0 }, e = 0;
	for (int i = 0; i < n; i++) {
		int bin = (int)ceil(conf[i] * 15) - 1;
		sum[bin] += conf[i];
		hit[bin] += right[i];
	}
	for (int b = 0; b < 15; b++)
		e += fabs(sum[b] - hit[b]) / n;
	return e;
}

/* The true posterior is calibrated: its ECE on the drawn labels lies among those on labels drawn from the posterior
 * itself. */
static void posterior_is_calibrated(void **state)
{
	(void)state;
	enum { N = 20000, TIMES = 60 };
	struct err err = ERR_NONE;
	double *conf = malloc(N * sizeof *conf);
	unsigned char *right = malloc(N);
	for (int k = 2; k <= 5; k += 3) {
		struct grammar g;
		struct grammar_config c = large(k);
		assert_int_equal(grammar_build(&g, &c, &err), 0);
		double accuracy = 0, expected = 0, mean = 0, squares = 0;
		for (int i = 0; i < N; i++) {
			struct sentence x;
			double p[5];
			int best = 0;
			grammar_draw(&g, (uint64_t)i, &x);
			assert_int_equal(grammar_posterior(&g, x.word, x.n, p, &err), 0);
			for (int y = 1; y < k; y++)
				best = p[y] > p[best] ? y : best;
			conf[i] = p[best];
			right[i] = best == x.y;
			accuracy += right[i];
			expected += conf[i];
		}
		double got = ece(conf, right, N);
		assert_true(fabs(accuracy - expected) / N < 4 * 0.5 / sqrt(N));
		for (int t = 0; t < TIMES; t++) {
			struct rng r;
			rng_init(&r, 9, RNG_TEST, (uint32_t)t, (uint32_t)k);
			for (int i = 0; i < N; i++)
				right[i] = rng_real(&r) < conf[i];
			double null = ece(conf, right, N);
			mean += null / TIMES;
			squares += null * null / TIMES;
		}
		double sd = sqrt(squares - mean * mean);
		print_message("# %d classes: Bayes accuracy %.4f (expected %.4f), ECE of the true posterior %.5f, null "
			      "%.5f +- %.5f\n",
			      k, accuracy / N, expected / N, got, mean, sd);
		assert_true(got < mean + 4 * sd);
		/* the test can tell: a posterior that is off by 0.02 leaves the null far behind */
		for (int i = 0; i < N; i++)
			conf[i] = fmin(1, conf[i] + 0.02);
		assert_true(ece(conf, right, N) > mean + 4 * sd);
		grammar_release(&g);
	}
	free(conf);
	free(right);
}

static void same_seed_same_sentences(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct grammar a, b, other;
	struct grammar_config c = large(2);
	assert_int_equal(grammar_build(&a, &c, &err), 0);
	assert_int_equal(grammar_build(&b, &c, &err), 0);
	c.seed++;
	assert_int_equal(grammar_build(&other, &c, &err), 0);
	int differ = 0;
	for (uint64_t i = 0; i < 100; i++) {
		struct sentence x, y, z;
		float u[20], v[20];
		grammar_draw(&a, i, &x);
		grammar_draw(&b, i, &y);
		grammar_draw(&other, i, &z);
		assert_int_equal(x.n, y.n);
		assert_memory_equal(x.word, y.word, (size_t)x.n * sizeof *x.word);
		assert_int_equal(x.y, y.y);
		differ += x.n != z.n;
		grammar_vector(&a, x.word[0], u, 20);
		grammar_vector(&b, x.word[0], v, 20);
		assert_memory_equal(u, v, sizeof u);
	}
	assert_true(differ > 50);
	assert_int_equal(a.words.end[a.words.n - 1], b.words.end[b.words.n - 1]);
	assert_memory_equal(a.words.text, b.words.text, a.words.end[a.words.n - 1]);
	grammar_release(&a);
	grammar_release(&b);
	grammar_release(&other);
}

/* Words are small letters alone and distinct, so tokenisers leave them as they are. */
static void words_are_plain(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct grammar g;
	struct grammar_config c = large(2);
	grammar_counts(&c, 30000);
	assert_int_equal(grammar_build(&g, &c, &err), 0);
	assert_int_equal(g.words.n, 30000);
	for (size_t i = 0; i < g.words.end[g.words.n - 1]; i++)
		assert_in_range(g.words.text[i], 'a', 'z');
	grammar_release(&g);
}

/* Vectors have GloVe's scale, and say something of a cue's class but not all: the line between the class means of one
 * half of the cues tells most, not all, of the other half apart. */
static void vectors_know_the_tilt(void **state)
{
	(void)state;
	enum { DIM = 50, N = 800 };
	struct err err = ERR_NONE;
	struct grammar g;
	struct grammar_config c = large(2);
	float v[DIM];
	double line[DIM] = { 0 }, squares = 0;
	int right = 0;
	assert_int_equal(grammar_build(&g, &c, &err), 0);
	for (uint32_t i = 0; i < N; i++) {
		double dot = 0;
		grammar_vector(&g, c.fillers + c.negators + i, v, DIM);
		for (int k = 0; k < DIM; k++) {
			squares += v[k] * v[k];
			dot += v[k] * line[k];
			if (i < N / 2)
				line[k] += i % 2 ? v[k] : -v[k];
		}
		right += i >= N / 2 && (dot > 0) == (i % 2);
	}
	print_message("# %.3f of the cues are told apart by their vectors; element rms %.3f\n", right / (N / 2.0),
		      sqrt(squares / N / DIM));
	assert_true(right > 0.65 * N / 2 && right < 0.95 * N / 2);
	assert_true(sqrt(squares / N / DIM) > 0.3 && sqrt(squares / N / DIM) < 0.5);
	grammar_release(&g);
}

/* What tilts say of the classes adds up to nothing: but for topics, which they share, cues of each class and alike many
 * lie on average where words without tilt do. */
static void tilts_add_up_to_nothing(void **state)
{
	(void)state;
	enum { DIM = 20, N = 4000 };
	struct err err = ERR_NONE;
	struct grammar g;
	struct grammar_config c = large(2);
	float v[DIM];
	double apart[DIM] = { 0 }, square = 0;
	grammar_counts(&c, 16000);
	assert_int_equal(grammar_build(&g, &c, &err), 0);
	assert_true(c.fillers >= N && c.cues >= N);
	for (uint32_t i = 0; i < 2 * N; i++) {
		grammar_vector(&g, i < N ? i : c.fillers + c.negators + i - N, v, DIM);
		for (int k = 0; k < DIM; k++)
			apart[k] += (i < N ? -v[k] : v[k]) / N;
	}
	for (int k = 0; k < DIM; k++)
		square += apart[k] * apart[k];
	print_message("# they are %.3f apart\n", sqrt(square));
	assert_true(sqrt(square) < 0.1); /* 4000 words' noise: 0.34 * sqrt(2 * 20 / 4000) = 0.034 */
	grammar_release(&g);
}

static void refused(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct grammar g;
	struct grammar_config c = small(2);
	double p[2];
	assert_int_equal(grammar_build(&g, &c, &err), 0);
	uint32_t cue = c.fillers + c.negators, many[4] = { cue, cue, cue, cue };
	assert_int_equal(grammar_posterior(&g, many, 3, p, &err), 0);
	assert_int_equal(grammar_posterior(&g, many, 4, p, &err), -1); /* four cues, but at most three segments */
	grammar_release(&g);
	c.noise = 0.6;
	assert_int_equal(grammar_build(&g, &c, &err), -1);
	c = small(1);
	assert_int_equal(grammar_build(&g, &c, &err), -1);
	c = small(2);
	c.fillers = 0;
	assert_int_equal(grammar_build(&g, &c, &err), -1);
	c = small(2);
	c.cues = 0;
	assert_int_equal(grammar_build(&g, &c, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(brute_force),
		cmocka_unit_test(sampler_agrees),
		cmocka_unit_test(posterior_is_calibrated),
		cmocka_unit_test(same_seed_same_sentences),
		cmocka_unit_test(words_are_plain),
		cmocka_unit_test(vectors_know_the_tilt),
		cmocka_unit_test(tilts_add_up_to_nothing),
		cmocka_unit_test(refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

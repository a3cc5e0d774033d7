/* Vectors for unknown words. A draw is keyed by a hash of the word's bytes, so two words of equal hash would get
 * equal vectors; nothing looks for that. The hash, RNG_OOV and the order of the draws are part of the results:
 * another choice changes every vector. */
#include "oov.h"
#include "pipeline/base/num.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <string.h>

int oov_parse(const char *text, struct oov *oov, struct err *err)
{
	*oov = (struct oov){ OOV_UNIFORM, 0.25 };
	if (!strcmp(text, "zero"))
		oov->kind = OOV_ZERO;
	else if (!strcmp(text, "std"))
		oov->kind = OOV_STD;
	else if (!strncmp(text, "uniform:", 8))
		return num_f64("--oov uniform", text + 8, 1e-30, 1000, &oov->a, err);
	else if (strcmp(text, "uniform"))
		return err_usage(err, "--oov: '%s' is none of uniform:A, zero, std", text);
	return 0;
}

/* FNV-1a, 64 bits (Fowler, Noll, Vo; draft-eastlake-fnv). */
static uint64_t hash_of(const char *word, size_t len)
{
	uint64_t h = 0xCBF29CE484222325u;
	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)word[i]) * 0x100000001B3u;
	return h;
}

void oov_draw(uint64_t seed, double a, const char *word, size_t len, float *row, int dim)
{
	struct rng r;
	uint64_t h = hash_of(word, len);
	rng_init(&r, seed, RNG_OOV, (uint32_t)(h >> 32), (uint32_t)h);
	for (int k = 0; k < dim; k++)
		row[k] = (float)(a * (2 * rng_real(&r) - 1));
}

/* Two passes in the words' order, so that the result is one number whatever the threads did. */
static double sigma_of(const struct vectors *v, uint32_t n_words)
{
	double sum = 0, squares = 0, n = (double)v->n_found * v->dim;
	for (uint32_t i = 0; i < n_words; i++)
		for (int k = 0; v->found[i] && k < v->dim; k++)
			sum += v->row[(size_t)i * (size_t)v->dim + (size_t)k];
	for (uint32_t i = 0; i < n_words; i++)
		for (int k = 0; v->found[i] && k < v->dim; k++) {
			double d = v->row[(size_t)i * (size_t)v->dim + (size_t)k] - sum / n;
			squares += d * d;
		}
	return sqrt(squares / n);
}

int oov_fill(struct oov *oov, uint64_t seed, const struct vocab *words, struct vectors *v, struct err *err)
{
	if (oov->kind == OOV_STD) {
		if (!v->n_found)
			return err_set(err, "--oov std: no word was found, so there is no standard deviation to take");
		oov->a = sigma_of(v, words->n) * sqrt(3);
		if (!(oov->a <= 1e30))
			return err_set(err, "--oov std: the vectors have a standard deviation of %g; are they vectors?",
				       oov->a / sqrt(3));
	}
	for (uint32_t i = 0; i < words->n && oov->kind != OOV_ZERO; i++) {
		size_t len;
		const char *word = vocab_word(words, i, &len);
		if (!v->found[i])
			oov_draw(seed, oov->a, word, len, v->row + (size_t)i * (size_t)v->dim, v->dim);
	}
	return 0;
}

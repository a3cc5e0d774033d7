/* oov: vectors for words that the file of word vectors does not have. */
#ifndef VIC_EMBED_OOV_H
#define VIC_EMBED_OOV_H

#include "pipeline/base/vocab.h"
#include "vectors.h"

/* uniform: every number from U(-a, a); Kim 2014 has a = 0.25, "so that the unknown vectors have (approximately) same
 * variance as pre-trained ones", which is word2vec's variance and not GloVe's. std: the same with a = sigma * sqrt(3),
 * sigma the standard deviation of all numbers of the words that were found: what Kim's sentence asks for, whatever the
 * file. zero: zeros. */
enum oov_kind { OOV_UNIFORM, OOV_ZERO, OOV_STD };
struct oov {
	enum oov_kind kind;
	double a; /* uniform; set by oov_fill for std */
};

/* "uniform", "uniform:A" with 0 < A <= 1000, "zero", "std". */
int oov_parse(const char *text, struct oov *oov, struct err *err) VIC_CHECKED;

/* Gives every word that was not found its vector. The draw depends on the seed and the word's bytes alone (Philox keyed
 * with their 64-bit FNV-1a), so a word gets the same vector in every corpus and at every place in it. Errors: std where
 * no word was found. */
int oov_fill(struct oov *oov, uint64_t seed, const struct vocab *words, struct vectors *v, struct err *err) VIC_CHECKED;

/* Fills row[dim] with the word's draw. */
void oov_draw(uint64_t seed, double a, const char *word, size_t len, float *row, int dim);

#endif

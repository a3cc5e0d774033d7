/* grammar: sentences whose P(class | sentence) is known.
 *
 * A sentence with label y is made so:
 *
 *   z ~ uniform over K classes                            the class that the words speak for
 *   y = z with probability 1 - rho, else one of the other K - 1 classes, uniformly        label noise
 *   m ~ uniform over min_segments..max_segments           independent of z
 *   s_1 ... s_m, independently, with p(s | z) = b(s) exp(tau(s, z)) / sum_s' b(s') exp(tau(s', z))
 *   the text is the words of s_1 ... s_m, one after the other
 *
 * A segment s is one to three words, with a base weight b(s) (Zipf-Mandelbrot within its kind) and a tilt
 * tau(s, z) = t(s) (1[z = a(s)] - 1/K) towards its class a(s):
 *   filler     a word that says nothing: t = 0
 *   cue        a word with t > 0
 *   negated    a negator ("not", "never", ...) and a cue: t = -0.9 t(cue). The negators alone are fillers
 *   idiom      two or three fillers that mean something together: t > 0
 * so that single words, word pairs against their words, and longer phrases all carry information.
 *
 * The text does not show where segments end, so its likelihood is a sum over all ways to cut it,
 *   p(x | z)  = sum_m q(m) A_z(L, m)
 *   A_z(i, m) = sum over segments s that end at word i of p(s | z) A_z(i - |s|, m - 1)
 *   P(y | x)  = sum_z P(y | z) p(x | z) / sum_z p(x | z)
 * exact, no sampling. */
#ifndef VIC_GRAMMAR_H
#define VIC_GRAMMAR_H

#include "pipeline/base/err.h"
#include "pipeline/base/vocab.h"

#include <stddef.h>
#include <stdint.h>

enum { PHRASE_MAX = 3, SEGMENTS_MAX = 64, SENTENCE_MAX = PHRASE_MAX * SEGMENTS_MAX, CLASSES_MAX = 100 };

struct grammar_config {
	int classes;				  /* K, 2..CLASSES_MAX */
	uint32_t fillers, negators, cues, idioms; /* how many of each; negators: at most 4 */
	int min_segments, max_segments;		  /* 1..SEGMENTS_MAX */
	double strength;			  /* mean t of cues and idioms, > 0 */
	double noise;				  /* rho, 0 <= rho <= 1 - 1/K */
	uint64_t seed;
};

struct segment {
	uint32_t word[PHRASE_MAX];
	int len, affinity; /* affinity: a(s) */
	double base, tilt; /* b(s), t(s) */
};

struct grammar {
	struct grammar_config config;
	struct vocab words;	 /* fillers, then negators, then cues */
	struct segment *segment; /* [n]; the first words.n are the single words, in the order of words */
	size_t n;
	double *p;			/* [n][K]: p(s | z) */
	double *upto;			/* [K][n]: running sums of p(s | z), for drawing */
	uint32_t *phrase, *phrase_from; /* phrases that end in word w: phrase[phrase_from[w]..phrase_from[w + 1]) */
};

struct sentence {
	uint32_t word[SENTENCE_MAX];
	int n, z, y;
};

/* Default shares for a vocabulary of `words` words (at least 50). */
void grammar_counts(struct grammar_config *c, uint32_t words);
int grammar_build(struct grammar *g, const struct grammar_config *config, struct err *err) VIC_CHECKED;
void grammar_release(struct grammar *g); /* safe on a zeroed struct */

/* Sentence number `index` of this grammar: depends on the seed and the index alone. */
void grammar_draw(const struct grammar *g, uint64_t index, struct sentence *s);
/* out[K]: P(y | words). Errors: a sentence that the grammar cannot make. */
int grammar_posterior(const struct grammar *g, const uint32_t *word, int n, double *out, struct err *err) VIC_CHECKED;

/* One word vector, row[dim], placed as GloVe would: polarity + topic + noise. Polarity is 0.6 sum_z tau(word, z) /
 * strength * d_z with d_z a random direction of length about 1 for each class; topic (40 of them) and noise have
 * elements N(0, 0.22^2) and N(0, 0.34^2), so that an element's standard deviation is about 0.4, as in glove.6B. Words
 * of like tilt have correlated vectors, yet along the line between two classes a cue of mean tilt lies only about one
 * standard deviation of topic and noise from the middle: the vectors help and do not give the tilt away. */
void grammar_vector(const struct grammar *g, uint32_t word, float *row, int dim);

#endif

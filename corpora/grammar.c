/* Builds the grammar, draws sentences and computes their posterior. Each kind of draw has its own random stream (enum
 * draws), and the order of draws within a stream is part of what a seed means: to add, drop or move one changes every
 * corpus. Segment w < words.n is the single word w; drawing, likelihood, phrase index and word vectors rely on that.
 * The likelihood is a forward recursion over words and numbers of segments, A_z(i, m) of grammar.h: for each word it
 * tries the word alone and the phrases that end there. PHRASE_MAX + 1 rows are kept, as a ring, and all share one
 * scale, so that long sentences neither overflow nor underflow. */
#include "grammar.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What is drawn under RNG_SYNTH, the `a` of rng_init. Fixed: part of what a seed means. */
enum draws { DRAW_WORDS = 1, DRAW_SEGMENTS, DRAW_SENTENCE, DRAW_VECTOR, DRAW_CLASS, DRAW_TOPIC };

/* How much of the text is each kind of segment, before tilting. */
static const double share_filler = 0.80, share_cue = 0.12, share_negated = 0.03, share_idiom = 0.05;
static const char *const negator[] = { "not", "never", "hardly", "barely" };

void grammar_counts(struct grammar_config *c, uint32_t words)
{
	c->negators = 4;
	c->cues = words * 2 / 5;
	c->fillers = words - c->cues - c->negators;
	c->idioms = words / 5;
}

void grammar_release(struct grammar *g)
{
	vocab_release(&g->words);
	free(g->segment);
	free(g->p);
	free(g->upto);
	free(g->phrase);
	free(g->phrase_from);
	*g = (struct grammar){ 0 };
}

/* A word of small letters that can be spoken: every tokeniser leaves it as it is. */
static size_t make_word(struct rng *r, int syllables, char *to)
{
	static const char *const onset[] = { "b", "d", "f", "g",  "h",	"k",  "l",  "m",  "n",	"p",  "r",  "s",
					     "t", "v", "z", "br", "dr", "gr", "kl", "pl", "sk", "st", "tr", "sh" };
	static const char *const coda[] = { "", "", "", "n", "r", "s", "l", "m" };
	char *p = to;
	for (int i = 0; i < syllables; i++) {
		p = stpcpy(p, onset[rng_below(r, sizeof onset / sizeof *onset)]);
		*p++ = "aeiou"[rng_below(r, 5)];
		p = stpcpy(p, coda[rng_below(r, sizeof coda / sizeof *coda)]);
	}
	return (size_t)(p - to);
}

static int is_negator(const char *word, size_t len)
{
	int is = 0;
	for (size_t i = 0; i < sizeof negator / sizeof *negator; i++)
		is |= strlen(negator[i]) == len && !memcmp(negator[i], word, len);
	return is;
}

static int add_words(struct grammar *g, uint32_t n, struct rng *r, struct err *err)
{
	uint32_t first = g->words.n, tries = 0;
	while (g->words.n < first + n) {
		uint32_t rank = g->words.n - first;
		char word[64];
		int syllables = 1 + (rank >= 60) + (rank >= 60 && rng_below(r, 3) == 0) + (int)(tries++ / 1000000);
		if (syllables > 10)
			return err_set(err, "cannot make so many words");
		size_t len = make_word(r, syllables, word);
		/* vocab_add leaves a known word alone: only new ones count */
		if (!is_negator(word, len) && vocab_add(&g->words, word, len, NULL, err))
			return -1;
	}
	return 0;
}

static struct segment *push(struct grammar *g, int len, double base, double tilt, int affinity)
{
	struct segment *s = &g->segment[g->n++];
	*s = (struct segment){ .len = len, .base = base, .tilt = tilt, .affinity = affinity };
	return s;
}

/* Zipf-Mandelbrot over ranks 0..n-1, summing to `share`. */
static double zipf(uint32_t rank, uint32_t n, double shift, double share)
{
	double sum = 0;
	for (uint32_t i = 0; i < n; i++)
		sum += 1 / (i + shift);
	return share / (rank + shift) / sum;
}

static void make_segments(struct grammar *g, struct rng *r)
{
	const struct grammar_config *c = &g->config;
	uint32_t silent = c->fillers + c->negators, k = (uint32_t)c->classes;
	double first = zipf(0, silent, 2.7, share_filler) * 2.7, cue = zipf(0, c->cues, 8, share_cue) * 8;
	double idiom = c->idioms ? zipf(0, c->idioms, 8, share_idiom) * 8 : 0;
	for (uint32_t w = 0; w < silent; w++)
		push(g, 1, first / (w + 2.7), 0, 0)->word[0] = w;
	for (uint32_t i = 0; i < c->cues; i++)
		push(g, 1, cue / (i + 8), c->strength * (0.3 + 1.4 * rng_real(r)), (int)(i % k))->word[0] = silent + i;
	for (uint32_t i = 0; i < c->cues; i++)
		for (uint32_t j = 0; j < c->negators; j++) {
			const struct segment *of = &g->segment[silent + i];
			struct segment *s = push(g, 2, of->base * share_negated / share_cue / c->negators,
						 -0.9 * of->tilt, of->affinity);
			s->word[0] = c->fillers + j;
			s->word[1] = silent + i;
		}
	for (uint32_t i = 0; i < c->idioms; i++) {
		struct segment *s = push(g, 2 + (int)rng_below(r, 2), idiom / (i + 8),
					 c->strength * (0.3 + 1.4 * rng_real(r)), (int)(i % k));
		for (int j = 0; j < s->len; j++) /* among the more frequent half: their words are met elsewhere too */
			s->word[j] = rng_below(r, (c->fillers + 1) / 2);
	}
}

static double tilt_of(const struct segment *s, int z, int classes)
{
	return s->tilt * ((z == s->affinity) - 1.0 / classes);
}

static void make_probabilities(struct grammar *g)
{
	int k = g->config.classes;
	for (int z = 0; z < k; z++) {
		double sum = 0, upto = 0;
		for (size_t i = 0; i < g->n; i++)
			sum += g->p[i * (size_t)k + (size_t)z] =
				g->segment[i].base * exp(tilt_of(&g->segment[i], z, k));
		for (size_t i = 0; i < g->n; i++) {
			upto += g->p[i * (size_t)k + (size_t)z] /= sum;
			g->upto[(size_t)z * g->n + i] = upto;
		}
	}
}

static int index_phrases(struct grammar *g, struct err *err)
{
	uint32_t n = g->words.n;
	if (mem_alloc(&g->phrase, g->n, sizeof *g->phrase, err) ||
	    mem_alloc(&g->phrase_from, (size_t)n + 2, sizeof *g->phrase_from, err))
		return -1;
	uint32_t *from = g->phrase_from + 1; /* filled one ahead, so that it ends as the index it is declared to be */
	for (size_t i = n; i < g->n; i++)
		from[g->segment[i].word[g->segment[i].len - 1] + 1]++;
	for (uint32_t w = 0; w < n; w++)
		from[w + 1] += from[w];
	for (size_t i = n; i < g->n; i++)
		g->phrase[from[g->segment[i].word[g->segment[i].len - 1]]++] = (uint32_t)i;
	return 0;
}

static int check(const struct grammar_config *c, struct err *err)
{
	if (c->classes < 2 || c->classes > CLASSES_MAX || !c->fillers || !c->cues || c->negators > 4 ||
	    c->min_segments < 1 || c->max_segments < c->min_segments || c->max_segments > SEGMENTS_MAX ||
	    !(c->strength > 0 && c->strength <= 100) || !(c->noise >= 0 && c->noise <= 1 - 1.0 / c->classes))
		return err_set(err, "a grammar with these settings cannot be made");
	return 0;
}

int grammar_build(struct grammar *g, const struct grammar_config *c, struct err *err)
{
	struct rng r;
	size_t n = (size_t)c->fillers + c->negators + c->cues * (1 + (size_t)c->negators) + c->idioms,
	       k = (size_t)c->classes;
	*g = (struct grammar){ .config = *c };
	if (check(c, err))
		return -1;
	rng_init(&r, c->seed, RNG_SYNTH, DRAW_WORDS, 0);
	int rc = mem_alloc(&g->segment, n, sizeof *g->segment, err) || mem_alloc(&g->p, n * k, sizeof *g->p, err) ||
		 mem_alloc(&g->upto, n * k, sizeof *g->upto, err) || add_words(g, c->fillers, &r, err);
	for (uint32_t i = 0; i < c->negators && !rc; i++)
		rc = vocab_add(&g->words, negator[i], strlen(negator[i]), NULL, err);
	if (!rc)
		rc = add_words(g, c->cues, &r, err);
	if (rc) {
		grammar_release(g);
		return -1;
	}
	rng_init(&r, c->seed, RNG_SYNTH, DRAW_SEGMENTS, 0);
	make_segments(g, &r);
	make_probabilities(g);
	if (!index_phrases(g, err))
		return 0;
	grammar_release(g);
	return -1;
}

static const struct segment *draw_segment(const struct grammar *g, int z, struct rng *r)
{
	const double *upto = g->upto + (size_t)z * g->n;
	double u = rng_real(r) * upto[g->n - 1];
	size_t lo = 0, hi = g->n - 1; /* the first with upto > u */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (upto[mid] > u)
			hi = mid;
		else
			lo = mid + 1;
	}
	return &g->segment[lo];
}

void grammar_draw(const struct grammar *g, uint64_t index, struct sentence *s)
{
	const struct grammar_config *c = &g->config;
	struct rng r;
	uint32_t k = (uint32_t)c->classes;
	rng_init(&r, c->seed ^ (index >> 32) << 32, RNG_SYNTH, DRAW_SENTENCE, (uint32_t)index);
	s->n = 0;
	s->z = s->y = (int)rng_below(&r, k);
	if (rng_real(&r) < c->noise)
		s->y = (s->z + 1 + (int)rng_below(&r, k - 1)) % c->classes;
	uint32_t m = (uint32_t)c->min_segments + rng_below(&r, (uint32_t)(c->max_segments - c->min_segments + 1));
	for (uint32_t i = 0; i < m; i++) {
		const struct segment *seg = draw_segment(g, s->z, &r);
		for (int j = 0; j < seg->len; j++)
			s->word[s->n++] = seg->word[j];
	}
}

static int ends_here(const struct segment *s, const uint32_t *word, int end)
{
	return s->len <= end && !memcmp(s->word, word + end - s->len, (size_t)s->len * sizeof *word);
}

/* log p(x | z) up to a constant that does not depend on z: every p(s | z) is divided by the product of its words' base
 * weights, which keeps the sums near one. */
static double likelihood(const struct grammar *g, const uint32_t *word, int n, int z)
{
	enum { STRIDE = SEGMENTS_MAX + 1 };
	const struct grammar_config *c = &g->config;
	size_t k = (size_t)c->classes;
	double way[PHRASE_MAX + 1][STRIDE] = { { 0 } }, total = 0; /* A(i, m) in row i % (PHRASE_MAX + 1) */
	double shift = 0;
	way[0][0] = 1;
	for (int i = 1; i <= n; i++) {
		double *here = way[i % (PHRASE_MAX + 1)], most = 0;
		uint32_t w = word[i - 1];
		memset(here, 0, sizeof way[0]);
		for (uint32_t at = g->phrase_from[w]; at <= g->phrase_from[w + 1]; at++) {
			/* the last round is the word alone */
			size_t id = at < g->phrase_from[w + 1] ? g->phrase[at] : w;
			const struct segment *s = &g->segment[id];
			if (!ends_here(s, word, i))
				continue;
			const double *before = way[(i - s->len) % (PHRASE_MAX + 1)];
			double f = g->p[id * k + (size_t)z];
			for (int j = 0; j < s->len; j++)
				f /= g->segment[s->word[j]].base;
			for (int m = 1; m <= c->max_segments; m++)
				here[m] += f * before[m - 1];
		}
		for (int m = 0; m <= c->max_segments; m++)
			most = fmax(most, here[m]);
		if (most > 1e100 || (most > 0 && most < 1e-100)) { /* all rows share one scale */
			for (int row = 0; row <= PHRASE_MAX; row++)
				for (int m = 0; m <= c->max_segments; m++)
					way[row][m] /= most;
			shift += log(most);
		}
	}
	for (int m = c->min_segments; m <= c->max_segments; m++)
		total += way[n % (PHRASE_MAX + 1)][m];
	return log(total) + shift;
}

int grammar_posterior(const struct grammar *g, const uint32_t *word, int n, double *out, struct err *err)
{
	int k = g->config.classes;
	double most = -INFINITY, sum = 0, noise = g->config.noise;
	for (int z = 0; z < k; z++) {
		out[z] = likelihood(g, word, n, z);
		most = fmax(most, out[z]);
	}
	if (!isfinite(most))
		return err_set(err, "the grammar does not make this sentence");
	for (int z = 0; z < k; z++)
		sum += out[z] = exp(out[z] - most);
	for (int z = 0; z < k; z++) {
		double p = out[z] / sum;
		out[z] = p * (1 - noise) + (1 - p) * noise / (k - 1);
	}
	return 0;
}

/* Adds `by` times a vector of independent N(0, 1) elements. */
static void add_normal(float *row, int dim, double by, uint64_t seed, uint32_t which, uint32_t number)
{
	struct rng r;
	rng_init(&r, seed, RNG_SYNTH, which, number);
	for (int i = 0; i < dim; i++)
		row[i] += (float)(by * rng_normal(&r));
}

void grammar_vector(const struct grammar *g, uint32_t word, float *row, int dim)
{
	const struct grammar_config *c = &g->config;
	const struct segment *s = &g->segment[word];
	enum { TOPICS = 40 };
	memset(row, 0, (size_t)dim * sizeof *row);
	for (int z = 0; z < c->classes && s->tilt != 0; z++)
		add_normal(row, dim, 0.6 * tilt_of(s, z, c->classes) / c->strength / sqrt(dim), c->seed, DRAW_CLASS,
			   (uint32_t)z);
	add_normal(row, dim, 0.22, c->seed, DRAW_TOPIC, word % TOPICS);
	add_normal(row, dim, 0.34, c->seed, DRAW_VECTOR, word);
}

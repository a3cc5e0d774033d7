/* Writes the files of a synthetic text corpus. All outputs are opened before the first sentence is drawn and committed
 * after the last byte is written. Posteriors are kept in memory in the order of drawing and written class by class when
 * there are two classes: the sentences are then in two files, and vic-tokenize numbers those of rt-polarity.neg first.
 * vectors.txt is in order of base weight, ties by word number; from LEFT_OUT_FROM on, every LEFT_OUT_EVERY-th word is
 * left out. */
#include "synth.h"
#include "files.h"
#include "pipeline/files/io.h"
#include "pipeline/base/mem.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_A, TEXT_B, POSTERIOR, VECTORS, README, N_FILES };
enum { LEFT_OUT_EVERY = 25, LEFT_OUT_FROM = 100 };

struct synth {
	const struct synth_config *config;
	struct synth_summary *sum;
	struct grammar grammar;
	struct output out[N_FILES];
	double *posterior;    /* [n][K], in the order of drawing */
	unsigned char *label; /* [n] */
	unsigned char *used;  /* [words]: occurs in a sentence */
};

void synth_class_name(int classes, int y, char name[16])
{
	if (classes == 2)
		snprintf(name, 16, "%s", y ? "pos" : "neg");
	else
		snprintf(name, 16, "class%d", y);
}

static int write_sentence(struct synth *s, const struct sentence *x, struct err *err)
{
	struct output *out = &s->out[s->config->grammar.classes == 2 && x->y ? TEXT_B : TEXT_A];
	char name[16];
	if (s->config->grammar.classes > 2) {
		synth_class_name(s->config->grammar.classes, x->y, name);
		if (output_printf(out, err, "%s\t", name))
			return -1;
	}
	for (int i = 0; i < x->n; i++) {
		size_t len;
		const char *word = vocab_word(&s->grammar.words, x->word[i], &len);
		s->used[x->word[i]] = 1;
		if (output_write(out, word, len, err) || output_write(out, i + 1 < x->n ? " " : "\n", 1, err))
			return -1;
	}
	return 0;
}

static int write_sentences(struct synth *s, struct err *err)
{
	int k = s->config->grammar.classes;
	struct synth_summary *sum = s->sum;
	struct sentence x;
	for (uint64_t i = 0; i < s->config->n; i++) {
		double *p = s->posterior + i * (uint64_t)k, best = 0;
		int guess = 0;
		grammar_draw(&s->grammar, i, &x);
		s->label[i] = (unsigned char)x.y;
		if (write_sentence(s, &x, err) || grammar_posterior(&s->grammar, x.word, x.n, p, err))
			return -1;
		for (int y = 0; y < k; y++) {
			if (p[y] > best)
				best = p[guess = y];
			sum->entropy -= p[y] > 0 ? p[y] * log(p[y]) : 0;
		}
		sum->expected += best;
		sum->realised += guess == x.y;
		sum->length += x.n;
		sum->of_class[x.y]++;
	}
	double n = (double)s->config->n;
	sum->n = s->config->n;
	sum->expected /= n;
	sum->realised /= n;
	sum->entropy /= n;
	sum->length /= n;
	return 0;
}

static int write_posterior(struct synth *s, int of_class, uint64_t *record, struct err *err)
{
	int k = s->config->grammar.classes;
	struct output *out = &s->out[POSTERIOR];
	for (uint64_t i = 0; i < s->config->n; i++) {
		if (of_class >= 0 && s->label[i] != of_class)
			continue;
		if (output_printf(out, err, "%" PRIu64, (*record)++))
			return -1;
		for (int y = 0; y < k; y++)
			if (output_printf(out, err, "\t%.17g", s->posterior[i * (uint64_t)k + (uint64_t)y]))
				return -1;
		if (output_write(out, "\n", 1, err))
			return -1;
	}
	return 0;
}

static int write_posteriors(struct synth *s, struct err *err)
{
	int k = s->config->grammar.classes;
	uint64_t record = 0;
	char name[16];
	if (output_printf(&s->out[POSTERIOR], err, "record"))
		return -1;
	for (int y = 0; y < k; y++) {
		synth_class_name(k, y, name);
		if (output_printf(&s->out[POSTERIOR], err, "\t%s", name))
			return -1;
	}
	if (output_write(&s->out[POSTERIOR], "\n", 1, err))
		return -1;
	if (k > 2)
		return write_posterior(s, -1, &record, err);
	return write_posterior(s, 0, &record, err) || write_posterior(s, 1, &record, err) ? -1 : 0;
}

struct rank {
	double base;
	uint32_t word;
};

static int compare(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;
	if (x->base != y->base)
		return x->base < y->base ? 1 : -1;
	return (x->word > y->word) - (x->word < y->word);
}

static int write_vectors(struct synth *s, struct err *err)
{
	const struct grammar *g = &s->grammar;
	uint32_t n = g->words.n;
	int dim = s->config->dim, rc = 0;
	struct rank *rank = NULL;
	float *row = NULL;
	if (mem_alloc(&rank, n, sizeof *rank, err) || mem_alloc(&row, (size_t)dim, sizeof *row, err))
		rc = -1;
	for (uint32_t i = 0; i < n && !rc; i++)
		rank[i] = (struct rank){ g->segment[i].base, i };
	if (!rc)
		qsort(rank, n, sizeof *rank, compare);
	for (uint32_t i = 0; i < n && !rc; i++) {
		size_t len;
		const char *word = vocab_word(&g->words, rank[i].word, &len);
		s->sum->types += s->used[rank[i].word];
		if (i >= LEFT_OUT_FROM && i % LEFT_OUT_EVERY == 0) {
			s->sum->left_out++;
			continue;
		}
		grammar_vector(g, rank[i].word, row, dim);
		rc = output_write(&s->out[VECTORS], word, len, err);
		for (int k = 0; k < dim && !rc; k++)
			rc = output_printf(&s->out[VECTORS], err, " %.5g", (double)row[k]);
		if (!rc)
			rc = output_write(&s->out[VECTORS], "\n", 1, err);
	}
	free(rank);
	free(row);
	return rc;
}

static int write_readme(struct synth *s, struct err *err)
{
	const struct grammar_config *c = &s->config->grammar;
	const struct synth_summary *sum = s->sum;
	return output_printf(
		&s->out[README], err,
		"Synthetic sentences with a known P(class | sentence), made by vic-corpora synth text.\n\n"
		"seed %" PRIu64 ", %" PRIu64
		" sentences, %d classes, %u words (%u fillers, %u negators, %u cues), %u idioms,\n"
		"%d to %d segments a sentence, strength %g, label noise %g, vectors of %d numbers\n\n"
		"A sentence: z uniform over the classes; the label y is z, or with the noise's probability another "
		"class; m\n"
		"segments, drawn independently with p(s | z) proportional to b(s) exp(t(s) ([z = a(s)] - 1/K)), laid "
		"end to end.\n"
		"Segments are fillers (t = 0), cues, negated cues (negator + cue, tilted the other way) and idioms (2 "
		"or 3 fillers).\n"
		"posterior.tsv has P(y | text), summed exactly over all ways to cut the text into segments.\n\n"
		"best possible classifier: accuracy %.6f in expectation, %.6f on these labels\n"
		"mean entropy of P(y | text): %.6f nats; mean length %.3f words; %" PRIu64 " types\n"
		"%" PRIu64 " words have no vector\n",
		c->seed, sum->n, c->classes, s->grammar.words.n, c->fillers, c->negators, c->cues, c->idioms,
		c->min_segments, c->max_segments, c->strength, c->noise, s->config->dim, sum->expected, sum->realised,
		sum->entropy, sum->length, sum->types, sum->left_out);
}

static int open_files(struct synth *s, const char *folder, struct err *err)
{
	int two = s->config->grammar.classes == 2;
	const char *const name[N_FILES] = { two ? "rt-polarity.neg" : "synth.tsv", two ? "rt-polarity.pos" : NULL,
					    "posterior.tsv", "vectors.txt", "README.txt" };
	for (int i = 0; i < N_FILES; i++) {
		char *path;
		if (!name[i])
			continue;
		if (path_join(&path, folder, name[i], err))
			return -1;
		int rc = output_open(&s->out[i], path, err);
		free(path);
		if (rc)
			return -1;
	}
	return 0;
}

static int write_corpus(struct synth *s, const char *folder, struct err *err)
{
	size_t k = (size_t)s->config->grammar.classes;
	if (grammar_build(&s->grammar, &s->config->grammar, err) ||
	    mem_alloc(&s->posterior, s->config->n * k, sizeof *s->posterior, err) ||
	    mem_alloc(&s->label, s->config->n, 1, err) || mem_alloc(&s->used, s->grammar.words.n, 1, err) ||
	    make_folders(folder, err) || open_files(s, folder, err) || write_sentences(s, err) ||
	    write_posteriors(s, err) || write_vectors(s, err) || write_readme(s, err))
		return -1;
	for (int i = 0; i < N_FILES; i++)
		if (s->out[i].name && output_commit(&s->out[i], err))
			return -1;
	return 0;
}

int synth_text(const struct synth_config *config, const char *folder, struct synth_summary *sum, struct err *err)
{
	struct synth s = { .config = config, .sum = sum };
	for (int i = 0; i < N_FILES; i++)
		s.out[i].fd = -1;
	*sum = (struct synth_summary){ 0 };
	int is_new = path_kind(folder) == PATH_NONE, rc = write_corpus(&s, folder, err);
	struct err ignored; /* the first failure is the one to report */
	for (int i = 0; i < N_FILES; i++)
		output_release(&s.out[i]);
	if (rc && is_new && remove_tree(folder, &ignored))
		rc = -1;
	grammar_release(&s.grammar);
	free(s.posterior);
	free(s.label);
	free(s.used);
	return rc;
}

/* wordconv: Kim-CNN's convolution without padding, im2col or dense gradients. Private to core/cpu.
 *
 * 1. Convolution is linear before its ReLU, so each distinct word of the batch is projected once on every tap of every
 *    filter (one product of U x dim by dim x taps*maps); a window's sum is then a sum of 3, 4 or 5 looked-up rows.
 * 2. Mixing embeddings commutes with it: the looked-up sums are mixed, l * S_i + (1 - l) * S_j.
 * 3. Max over time leaves one window a sentence and feature, and dropout half of those: backward visits these alone.
 * 4. In prediction, projections stay until the weights change, so each word of a corpus is projected once. */
#ifndef VIC_WORDCONV_H
#define VIC_WORDCONV_H

#include "cpu.h"

enum { WINDOW_OF_ZEROS = INT32_MIN, PROJECTION_LIMIT = 1 << 30 /* bytes kept between batches */ };

struct wordconv {
	int dim, dim16; /* floats of a word vector, and rounded up to whole vectors */
	int maps, taps, widths, width[WORDCONV_WIDTHS];
	int stride;     /* floats of one word's projections: taps * maps, rounded up to whole vectors */
	int out;        /* features a sample: widths * maps */
	int vocabulary;
	int max_n;
	/* Words' projections on all filters, kept by slot. */
	struct projection_cache {
		float *row;	  /* [cap][stride]: taps of the first width, of the second, ...; [tap][maps] */
		size_t cap;	  /* slots there is room for */
		uint32_t n;	  /* slots given out */
		uint32_t version; /* of the weights that they are of */
		uint32_t *slot, *slot_stamp, stamp; /* [vocabulary]: the word's slot, valid when slot_stamp == stamp */
		uint32_t *new_word; /* [n_new] words of the batch without a projection */
		size_t n_new, new_word_cap;
		float *new_vector; /* [n_new][dim16], zeros after dim */
		size_t new_vector_cap;
		float *zeros;	  /* [stride]: the projection of padding */
		/* [dim][stride]: all filters, transposed: the product is a quarter faster so (docs/PERFORMANCE.md) */
		float *filters_T;
		uint32_t filters_version; /* of the weights that filters_T is of; 0: none yet */
	} cache;
	/* The windows that won. Those with gradient are listed by feature, in the samples' order. */
	struct window_result {
		int32_t *start; /* [max_n][out]: where in the sentence */
		int *n;		/* [out]: how many have gradient */
		uint32_t *row;	/* [out][max_n]: the row of `mixed` where each begins */
		float *grad;	/* [out][max_n] */
	} win;
	/* The same by sample and position: the filter rows that stand there, and their gradients. */
	struct gradient_lists {
		int *feature;	      /* [max_n][out]: a sample's features with gradient */
		const float **filter; /* [max_n][taps * maps] */
		float *grad;	      /* likewise */
		uint32_t *end;	      /* [rows of mixed]: where in the sample's part those of this position end */
		size_t end_cap;
	} list;
	/* Sample b's mixed sentence is rows first[b] .. first[b] + its length - 1. `pad` rows of zeros lie before the
	 * first sentence of row and after every one, so that a window may reach out of its sentence. */
	struct mixed_sentences {
		int pad;
		uint32_t *first;     /* [max_n] */
		float *row, *d_row; /* [rows][dim16]: word vectors and their gradients */
		size_t row_cap, d_row_cap;
	} mixed;
	/* Where each distinct word stands: entries begin[u] .. begin[u + 1]. */
	struct word_positions {
		uint32_t *begin, *position; /* position: a row of mixed */
		float *weight;
		size_t begin_cap, position_cap, weight_cap;
	} where;
	/* Each thread's own, [threads][room]: rows at hand, positions of one sentence, and the sums of all windows of
	 * one width of two sentences, [2][windows][maps16]. */
	struct worker_memory {
		const float **row;
		uint32_t *next;
		float *sum;
		size_t row_room, row_cap, next_room, next_cap, sum_room, sum_cap;
	} worker;
};

/* Tokens of sample b's sentence (partner 0) or of its partner's (1); *n of them. */
static inline const uint32_t *tokens_of(const struct batch *b, int sample, int partner, int *n)
{
	uint32_t s = partner ? b->partner[sample] : (uint32_t)sample;
	*n = (int)(b->words->begin[s + 1] - b->words->begin[s]);
	return b->words->local + b->words->begin[s];
}

/* Of thread `worker`. */
static inline const float **rows_of_worker(const struct wordconv *s, int worker)
{
	return s->worker.row + (size_t)worker * s->worker.row_room;
}

/* Room for `rows` rows, `positions` positions and two sentences' `windows` windows for each of so many threads, each on
 * cache lines of its own. */
int worker_room(struct wordconv *s, int threads, size_t rows, size_t positions, size_t windows,
		struct err *err) VIC_CHECKED;

/* Gives each of the batch's words a slot and its projections, those that have them already theirs. */
int project_words(struct backend_ctx *ctx, const struct op_call *c, struct err *err) VIC_CHECKED;
void projections_release(struct wordconv *s);

/* Growing memory whose contents need not survive: 64-byte aligned, zeroed when it is new. */
int scratch(void *p, size_t *cap, size_t need, size_t size, struct err *err) VIC_CHECKED;

#endif

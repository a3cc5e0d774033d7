/* wordconv: Kim-CNN's convolution without padding, im2col or dense gradients. Private to core/cpu.
 *
 * 1. Convolution is linear before its ReLU, so each distinct word of the batch is projected once on every tap of every filter
 *    (one product of U x dim by dim x taps*maps); a window's sum is then a sum of 3, 4 or 5 looked-up rows.
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
	/* projections, kept by slot */
	float *proj;       /* [slots][stride]: taps of the first width, of the second, ...; [tap][maps] */
	size_t slots_cap;
	uint32_t slots, version, stamp;
	uint32_t *slot, *seen; /* [vocabulary]: the word's slot, valid when seen == stamp */
	float *x;          /* [new words][dim16], zeros behind dim */
	size_t x_cap;
	uint32_t *fresh;   /* [new words] */
	size_t fresh_cap, fresh_n;
	float *zeros;      /* [stride]: the projection of padding */
	float *turned;     /* [dim][stride]: all filters, transposed: the product is a quarter faster so (docs/PERFORMANCE.md) */
	uint32_t turned_version; /* of the weights that `turned` is of; 0: none yet */
	/* what backward needs */
	int32_t *arg;      /* [max_n][out] start of the winning window */
	/* Sample b's mixed sentence is rows at[b] .. at[b] + its length - 1 of mix and d_mix. `pad` rows of zeros lie before the
	 * first and behind every sentence of mix, so that a window may reach out of its sentence. */
	int pad;
	uint32_t *at;       /* [max_n] */
	float *mix, *d_mix; /* [rows][dim16] */
	size_t mix_cap, d_mix_cap;
	/* The windows that won and have gradient, listed twice. By feature: the row of mix where each begins, and its gradient.
	 * By sample and position: the filter rows that stand there, and their gradients. */
	uint32_t *place;    /* [out][max_n] */
	float *place_g;
	int *places;        /* [out]: how many */
	int *live;          /* [max_n][out]: a sample's features with gradient */
	const float **pull; /* [max_n][taps * maps] */
	float *pull_g;
	uint32_t *pull_end; /* [rows of mix]: where in the sample's part the pulls on this position end */
	size_t pull_end_cap;
	int max_n;
	/* each thread's own, [threads][room]: rows at hand, and positions of one sentence */
	const float **row;
	uint32_t *next;
	size_t row_room, row_cap, next_room, next_cap;
	/* where each distinct word occurs: entries begin[u] .. begin[u + 1] */
	uint32_t *begin, *position;
	float *weight;
	size_t begin_cap, position_cap, weight_cap;
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
	return s->row + (size_t)worker * s->row_room;
}

/* Room for `rows` rows and `positions` positions for each of so many threads, each thread's on cache lines of its own. */
int worker_room(struct wordconv *s, int threads, size_t rows, size_t positions, struct err *err) VIC_CHECKED;

/* Growing memory whose contents need not survive: 64-byte aligned, zeroed when it is new. */
int scratch(void *p, size_t *cap, size_t need, size_t size, struct err *err) VIC_CHECKED;

#endif

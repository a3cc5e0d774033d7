/* step: what differs from one pass to the next, in device memory at addresses that stay: the step block. Kernels are
 * given these pointers, so that a recorded step (a CUDA graph) may be played again with other contents. Read by both
 * compilers. */
#ifndef VIC_CUDA_STEP_H
#define VIC_CUDA_STEP_H

#include <stdint.h>

/* Formulas of the rates: models/core/ref/update.c. */
struct step {
	uint64_t seed;
	uint32_t epoch; /* or the MC pass */
	uint32_t distinct; /* words of the batch */
	uint32_t update;   /* 1, 2, ...: number of the optimiser step */
	float lr;
	float adam_rate; /* lr / (1 - beta1^update) */
	float adam_root; /* sqrt(1 - beta2^update) */
};

/* Where a word stands: in the sentence of a sample, or in its partner's. */
struct place {
	uint32_t sample; /* number in the batch; PLACE_PARTNER added: in its partner's sentence */
	uint32_t at;     /* word of that sentence, from 0 */
};
#define PLACE_PARTNER 0x80000000u

/* As struct view of graph.h. */
struct step_view {
	int32_t y, x;
	uint32_t flip;
	int32_t h, w;
};

/* The arrays of a batch, device memory. Capacities only grow; sizes are those of the pass at hand. */
struct step_block {
	const struct step *step;
	const float *lambda;           /* [n] */
	const uint32_t *partner;       /* [n] */
	const uint32_t *sample;        /* [n] */
	const float *target;           /* [n][classes] */
	/* images */
	const struct step_view *view;  /* [images] */
	const uint32_t *item;          /* [images] image i is number item[i] of pixel */
	const void *pixel;             /* images of bytes, or of floats */
	const float *scale, *shift;    /* [channels] */
	/* text: sentence s has words local[begin[s]] .. local[begin[s + 1] - 1], which count within the batch */
	const uint32_t *begin;         /* [sentences + 1] */
	const uint32_t *local;
	const uint32_t *word;          /* [distinct] row of the table; 0 after them, up to the rounded number */
	/* Word u stands at place[place_begin[u]] .. place[place_begin[u + 1] - 1], by sample, own sentence first, from
	 * left to right; a sentence counts once for each sample that reads it. Words after `distinct` stand nowhere. */
	const uint32_t *place_begin;   /* [distinct, rounded, + 1] */
	const struct place *place;
};

#endif

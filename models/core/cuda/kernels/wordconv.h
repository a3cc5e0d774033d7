/* wordconv: what the kernels of Kim-CNN's convolution are told, and their launchers. Private to core/cuda. The method
 * is that of models/core/cpu/wordconv.h: each distinct word of the batch is projected on every tap of every filter by
 * one product, windows add up looked-up rows, mixup mixes these sums, and backward visits winning windows alone. All is
 * float32, in every precision. Read by both compilers.
 *
 * Floors, for 50 sentences of 20 words with partners, 700 distinct words, 3 widths of 100 maps, dim 300, of which 40 %
 * of the windows have gradient (L2: what stays in the second-level cache; arithmetic of float32):
 *   gather      0.8 MB read, 0.8 MB written
 *   product     768 x 1200 x 300: 0.55 GFLOP; 1.4 + 0.9 MB read, 3.7 MB written
 *   windows     each projection once a place: 2000 x 1200 floats, 9.6 MB (L2); 5 MFLOP
 *   hits        15,000 features, 300 comparisons each; 0.2 MB read, 0.1 MB written
 *   d_filter    6,000 windows x 4 taps x 2 words x 300 floats: 58 MB (L2), 29 MFLOP; 1.4 MB written
 *   d_table     the same of filter rows: 58 MB (L2), 29 MFLOP; 0.8 MB written */
#ifndef VIC_CUDA_WORDCONV_H
#define VIC_CUDA_WORDCONV_H

#include "kernels.h"

#include <limits.h>

enum { CONV_WIDTHS = 8 /* graph.h: WORDCONV_WIDTHS */, WINDOW_OF_ZEROS = INT32_MIN };

/* A winning window with gradient. */
struct hit {
	int32_t start;  /* its first word, from the sentence's first; may be negative */
	uint32_t width;
	uint32_t row;   /* of `filters`: its first tap; tap j is `maps` rows further each */
	float g;        /* gradient after ReLU */
};

struct wordconv_args {
	int n, dim, maps, widths;
	int out;                  /* features of a sample: widths * maps */
	int taps;                 /* of all widths */
	int words;                /* distinct words, rounded up */
	int mixed;                /* there are partners */
	int width[CONV_WIDTHS];
	int first[CONV_WIDTHS];   /* taps of the widths before */
	struct step_block block;  /* its arrays of words, lambda and partner */
	/* parameters */
	const float *table, *fixed; /* [vocabulary][dim]; fixed may be NULL */
	const float *bias[CONV_WIDTHS];
	/* state, device memory */
	float *x;                 /* [words][dim]: vectors of the batch's words; zeros after the last */
	float *filters;           /* [taps][maps][dim]: all widths, one after the other */
	float *projected;         /* [words][taps][maps]: x times filters */
	int32_t *start;           /* [n][out]: where each winning window begins, or WINDOW_OF_ZEROS */
	struct hit *hit;          /* [n][out]: of each sample, by start, then by feature; `hits` of them */
	uint32_t *hits;           /* [n] */
	float *value;             /* [n][out]; backward reads it */
	const float *d_value;
	/* gradients; d_table NULL: frozen */
	float *d_filter[CONV_WIDTHS], *d_bias[CONV_WIDTHS];
	float *d_table;           /* row u is word u; rows from `distinct` on are left alone */
};

/* gather: table -> x. forward: projected -> value, start. backward: hits, then gradients. */
LAUNCHER(launch_wordconv_gather, wordconv_args);
LAUNCHER(launch_wordconv_forward, wordconv_args);
LAUNCHER(launch_wordconv_backward, wordconv_args);

#endif

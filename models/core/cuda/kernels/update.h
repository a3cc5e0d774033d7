/* update: what the optimisers' kernels are told, and their launchers. Private to core/cuda. Formulas of the rules:
 * models/core/ref/update.c. Rates come from the step block alone, so that a recorded step may be played with others.
 * All is float32 in device memory. Read by both compilers.
 *
 * Floors, for a word CNN of 20,000 words, dim 300, 3 widths of 100 maps, 700 words a batch (Adadelta: 4 numbers read
 * and 3 written for each parameter, 28 bytes; 15 operations):
 *   all        0.36 M parameters: 10 MB; of an image network's filters also the copy, 2 or 4 bytes
 *   rows       0.21 M: 5.9 MB
 *   every      6 M (momentum: 2 read and 2 written, 96 MB; Adam 144 MB); words are read once for EVERY rows: 7 MB
 *   norms      classes x 300: nothing
 *   average    of all: 2 numbers read and 1 written, 12 bytes */
#ifndef VIC_CUDA_UPDATE_H
#define VIC_CUDA_UPDATE_H

#include "kernels.h"

enum { UPDATE_RUN = 1024 /* parameters of one block */, EVERY = 8 /* rows of one block */ };

/* A parameter of rows of `row` numbers. No padding: compared byte by byte. */
struct segment {
	float *w, *g, *s1, *s2; /* s1, s2: as the rule needs, else NULL */
	uint32_t *last;         /* table: update that each row last took part in */
	void *copy;             /* of a CONV's: what cuDNN reads, [row of w][places][pitch]; or NULL */
	size_t n, row;
	uint32_t first;         /* the first block of it, where it is one of several */
	float weight_decay;
	float max_norm;
	/* of the copy; pitch: row / places numbers, then zeros; element: bytes of a number, 2 (bfloat16) or 4 */
	uint32_t places, pitch, element;
};

struct update_args {
	int rule;               /* enum rule of graph.h: 0 Adadelta, 1 SGD, 2 Adam */
	int nesterov;
	float momentum;
	float rho, rho_rest, rho_log2;         /* rest: 1 - it */
	float beta1, beta1_rest, beta2, beta2_rest;
	float eps;
	int decoupled;          /* Adam: weight decay is taken off the weight */
	float factor;           /* of gradients; 1: none, or `scale` is there */
	const float *scale;     /* device: factor of gradients that launch_clip found; NULL: none */
	const struct step *step;
	const uint32_t *word;   /* [step->distinct] row of the table that row i of its gradient is for */
	struct segment one;     /* of the launchers for one parameter */
	size_t rows;            /* of launch_update_rows */
	/* of launch_update_all */
	size_t blocks;
	const struct segment *segment;
	const uint32_t *segment_of; /* [blocks] */
	/* of launch_clip */
	float clip_norm;
	float *partial;             /* [blocks + rows] */
	float *found;               /* what `scale` of the launches after it is */
};

/* average[i] += rate (w[i] - average[i]) */
struct average_args {
	float *average;
	const float *w;
	size_t n;
	float rate;
};
LAUNCHER(launch_average, average_args);

/* Gradients' squares, summed: of all segments (blocks), and of the listed rows of the table `one` (rows; 0: there is
 * none); *found = min(1, clip_norm / (norm + 1e-6)). Sums are in an order that sizes alone decide. */
LAUNCHER(launch_clip, update_args);

/* Every number of every segment, in `blocks` of UPDATE_RUN. */
LAUNCHER(launch_update_all, update_args);
/* Every number of a parameter that is no table. */
LAUNCHER(launch_update_one, update_args);
/* A table's listed rows, of which there are at most `rows`; Adadelta: what they missed comes first. */
LAUNCHER(launch_update_rows, update_args);
/* A table's rows, listed or not. */
LAUNCHER(launch_update_every, update_args);
/* Keeps each row within max_norm. */
LAUNCHER(launch_update_norms, update_args);

#endif

/* winograd: what its two files share: winograd.c multiplies, winograd_weights.c transforms weights and their gradients. */
#ifndef VIC_WINOGRAD_H
#define VIC_WINOGRAD_H

#include "conv_kernel.h"

/* Vectors as wide as the registers are: GCC keeps wider ones in memory, a fifth of the speed here. The products' blocks of
 * accumulators, rows (tiles or channels) by vectors, fill the registers. */
#if defined(__AVX512F__)
enum { N = 16, ROWS = 12, WIDE = 2, GRADIENT_ROWS = 8 };
#elif defined(__AVX2__)
enum { N = 8, ROWS = 6, WIDE = 2, GRADIENT_ROWS = 4 };
#else
enum { N = 4, ROWS = 3, WIDE = 2, GRADIENT_ROWS = 2 };
#endif
typedef float nvec __attribute__((vector_size(N * sizeof(float))));
typedef float unvec __attribute__((vector_size(N * sizeof(float)), aligned(4)));

enum { P = 16 /* points of a tile */ };

static inline nvec all(float x)
{
	return x - (nvec){ 0 };
}

struct winograd {
	struct conv_kernel k; /* first */
	int c, o;             /* channels read and made; of DATA, out's and in's */
	int part;             /* channels of one part: made, or of WEIGHT read */
	int wide;             /* floats of a column block of the weights */
	int tiles;            /* at a time */
	size_t c_row, o_row, c_point, o_point; /* floats from row to row and from point to point in scratch */
};

#endif

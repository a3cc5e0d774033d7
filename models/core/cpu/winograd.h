/* winograd: what its two files share: winograd.c multiplies, winograd_weights.c transforms weights and their
 * gradients. */
#ifndef VIC_WINOGRAD_H
#define VIC_WINOGRAD_H

#include "conv_kernel.h"

/* The products' blocks of accumulators, rows (tiles or channels) by vectors, fill the registers. */
#if defined(__AVX512F__)
enum { ROWS = 12, WIDE = 2, GRADIENT_ROWS = 8 };
#elif defined(__AVX2__)
enum { ROWS = 6, WIDE = 2, GRADIENT_ROWS = 4 };
#else
enum { ROWS = 3, WIDE = 2, GRADIENT_ROWS = 2 };
#endif
enum { P = 16 /* points of a tile */, N = NATIVE };

struct winograd {
	struct conv_kernel k; /* first */
	int c, o;             /* channels read and made; of DATA, out's and in's */
	int part;             /* channels of one part: made, or of WEIGHT read */
	int wide;             /* floats of a column block of the weights */
	int tiles;            /* at a time */
	size_t c_row, o_row, c_point, o_point; /* floats from row to row and from point to point in scratch */
};

#endif

/* sums: what the kernels that add up shards' vectors are told, and their launchers. Private to core/cuda; vectors and
 * their order: models/core/sums.h. All is float32 in device memory. Read by both compilers.
 *
 * Floors: of a vector of 25.6 million numbers (102 MB: ResNet-50), `take` reads it and the rows that it is added to and
 * writes one: 205 MB alone, 307 MB with one row; `give` 205 MB; `across` of R ranks reads and writes 4 rows of each
 * pair of each level, of which a slice of n / R numbers is 1 / R: 307 MB at most. */
#ifndef VIC_CUDA_SUMS_H
#define VIC_CUDA_SUMS_H

#include "kernels.h"

enum { SUM_RUN = 1024 /* numbers of one block */ };

/* Numbers that lie together in the graph, and in a vector. */
struct sum_piece {
	float *at;
	size_t to, n;   /* place in the vector; how many */
	uint32_t first; /* its first block */
};

struct vector_args {
	const struct sum_piece *piece;
	const uint32_t *of;     /* piece of each block */
	uint32_t block, blocks; /* the first of `of` that is meant, and how many */
	float *vector;
	size_t shift;           /* vector[0] is number `shift` of a vector */
	/* of take */
	size_t pitch;           /* from one row that waits to the next */
	/* so many rows wait, from `vector` on, to be added to; empty: the pieces count as zeros */
	int carry, empty;
	float weight;
	/* of a table's: its gradient `at`, whose row for word u, of `words`, is row_of[u], or that is no_row: it is
	 * zeros */
	float *at;
	const uint32_t *row_of;
	uint32_t no_row;
	size_t words, row, to;  /* row: numbers of one; to: its place in a vector */
	/* of level: rows of n numbers lie one after another at `vector` */
	size_t n;
	uint32_t rows, step;
};

/* p = weight * what lies at the pieces; row 0 becomes row 0 + (... + (row carry - 1 + p)), without rows p. */
LAUNCHER(launch_sum_take, vector_args);
LAUNCHER(launch_sum_take_rows, vector_args);
/* The pieces become what the vector has of them; of a table the first `words` rows. */
LAUNCHER(launch_sum_give, vector_args);
LAUNCHER(launch_sum_give_rows, vector_args);
/* One level of the tree: row i becomes row i + row (i + step), for i = 0, 2 step, 4 step, ... */
LAUNCHER(launch_sum_level, vector_args);

#endif

/* reduce: the sum of vectors in one order of additions, that of a full binary tree over their numbers: of eight
 * ((v0+v1)+(v2+v3)) + ((v4+v5)+(v6+v7)). Float additions round, so only an order that is fixed gives the same bytes
 * however the work is dealt out. A tree is cut at any of its levels: who has v0..v3 adds them up by reduce_add, and
 * reduce_rows adds up what several such came to, to the same bytes as if one had had them all. */
#ifndef VIC_REDUCE_H
#define VIC_REDUCE_H

#include "pipeline/base/err.h"

#include <stddef.h>

enum { REDUCE_DEPTH = 17 /* 2^16 vectors at most */ };

/* Vectors that come one after another, as a binary counter: of each finished part of the tree the sum is kept, and two
 * parts of one size become one at once, so that there are no more than 1 + log2 of their number. */
struct reduce {
	size_t n;       /* numbers of a vector, in this sum */
	unsigned added; /* vectors so far: bit k is set where the sum of a part of 2^k waits */
	int waiting, rows;
	float *row[REDUCE_DEPTH]; /* [rows] of [most]; owned */
};

/* For sums of `vectors` (a power of two) of at most `most` numbers each. */
int reduce_open(struct reduce *r, int vectors, size_t most, struct err *err) VIC_CHECKED;
void reduce_release(struct reduce *r);
/* Begins a sum of vectors of n numbers. */
void reduce_begin(struct reduce *r, size_t n);
/* Where the next vector is to be written, [n]; what it holds is left from before. */
float *reduce_next(struct reduce *r);
/* The vector there counts, times `weight`. */
void reduce_add(struct reduce *r, float weight);
/* The sum of all, [n], once as many as a power of two have been added; valid until the next reduce_begin. */
float *reduce_sum(struct reduce *r);

/* The same tree over rows (a power of two) of n numbers that lie one after another, in place: the sum is row 0. */
void reduce_rows(float *row, int rows, size_t n);

#endif

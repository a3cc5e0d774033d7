/* product: products of matrices of doubles, in blocks that stay in the caches. The same bits on every CPU: each entry
 * is summed in one order, without fused multiply-add. */
#ifndef VIC_PRODUCT_H
#define VIC_PRODUCT_H

#include "fit_kernel.h"

/* Numbers that n rows (or columns) of `depth` take in panels of `lanes`. */
static inline size_t panels_room(size_t n, size_t depth, size_t lanes)
{
	return (n + lanes - 1) / lanes * lanes * depth;
}

/* Panels are of doubles, or (narrow) of floats: products and sums of PRODUCT_PART of them are then rounded to float,
 * and the rest is double. */
enum { PRODUCT_PART = 256 };

/* The rows of x, [n][depth], as panels of `lanes`: to[panel][depth][lanes], zeros where rows are missing. */
void panels_of_rows(const double *x, size_t n, size_t depth, size_t lanes, int narrow, void *to);
/* The columns of x, [depth][n], likewise. */
void panels_of_columns(const double *x, size_t n, size_t depth, size_t lanes, int narrow, void *to);
/* c, [m][n], += A B', where a and b hold m and n vectors of `depth` in panels of PRODUCT_LEFT and PRODUCT_RIGHT. */
void product_add(const void *a, size_t m, const void *b, size_t n, size_t depth, int narrow, double *c);

#endif

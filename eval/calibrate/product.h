/* product: products of matrices of doubles, in blocks that stay in the caches. The same bits on every CPU: each entry
 * is summed in one order, without fused multiply-add. */
#ifndef VIC_PRODUCT_H
#define VIC_PRODUCT_H

#include <stddef.h>

/* Panels of PRODUCT_LEFT rows of the left factor meet panels of PRODUCT_RIGHT columns of the right one. */
enum { PRODUCT_LEFT = 4, PRODUCT_RIGHT = 8 };

/* Doubles that n rows (or columns) of `depth` take in panels of `lanes`. */
static inline size_t panels_room(size_t n, size_t depth, size_t lanes)
{
	return (n + lanes - 1) / lanes * lanes * depth;
}

/* The rows of x, [n][depth], as panels of `lanes`: to[panel][depth][lanes], zeros where rows are missing. */
void panels_of_rows(const double *x, size_t n, size_t depth, size_t lanes, double *to);
/* The columns of x, [depth][n], likewise. */
void panels_of_columns(const double *x, size_t n, size_t depth, size_t lanes, double *to);
/* c, [m][n], += A B', where a and b hold m and n vectors of `depth` in panels of PRODUCT_LEFT and PRODUCT_RIGHT. */
void product_add(const double *a, size_t m, const double *b, size_t n, size_t depth, double *c);

#endif

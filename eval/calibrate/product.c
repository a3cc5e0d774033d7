/* Products of panels (product.h). A part of the depth at a time, so that a panel of each factor stays in the
 * first-level cache while the other's panels pass by. */
#include "product.h"
#include "eval/records/softmax.h"

#include <string.h>

enum { PART = 256 };

void panels_of_rows(const double *x, size_t n, size_t depth, size_t lanes, double *to)
{
	for (size_t from = 0; from < n; from += lanes, to += lanes * depth)
		for (size_t l = 0; l < lanes; l++)
			for (size_t d = 0; d < depth; d++)
				to[d * lanes + l] = from + l < n ? x[(from + l) * depth + d] : 0;
}

void panels_of_columns(const double *x, size_t n, size_t depth, size_t lanes, double *to)
{
	for (size_t from = 0; from < n; from += lanes)
		for (size_t d = 0; d < depth; d++, to += lanes)
			for (size_t l = 0; l < lanes; l++)
				to[l] = from + l < n ? x[d * n + from + l] : 0;
}

/* The part of a tile that lies within c, of which `rows` and `columns` are left. */
static void add_tile(double *c, size_t n, size_t rows, size_t columns, const double *tile)
{
	rows = rows < PRODUCT_LEFT ? rows : PRODUCT_LEFT;
	for (size_t r = 0; r < rows; r++, c += n, tile += PRODUCT_RIGHT)
		if (columns >= PRODUCT_RIGHT)
			for (size_t s = 0; s < PRODUCT_RIGHT; s++)
				c[s] += tile[s];
		else
			for (size_t s = 0; s < columns; s++)
				c[s] += tile[s];
}

void product_add(const double *a, size_t m, const double *b, size_t n, size_t depth, double *c)
{
	double tile[PRODUCT_LEFT * PRODUCT_RIGHT] __attribute__((aligned(64)));
	const struct softmax_ops *ops = softmax_ops();
	for (size_t d = 0; d < depth; d += PART) {
		size_t part = depth - d < PART ? depth - d : PART;
		for (size_t j = 0; j < n; j += PRODUCT_RIGHT)
			for (size_t i = 0; i < m; i += PRODUCT_LEFT) {
				ops->tile(a + i * depth + d * PRODUCT_LEFT, b + j * depth + d * PRODUCT_RIGHT, part,
					  tile);
				add_tile(c + i * n + j, n, m - i, n - j, tile);
			}
	}
}

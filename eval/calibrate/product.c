/* Products of panels (product.h). A part of the depth at a time, so that a panel of each factor stays in the
 * first-level cache while the other's panels pass by. */
#include "product.h"
#include "eval/records/softmax.h"

#include <string.h>

const struct fit_ops *fit_variant(int i)
{
	static const struct fit_ops *const variants[] = {
		&fit_plain,
#ifdef VIC_SOFTMAX_X86
		&fit_avx2, &fit_avx512,
#endif
	};
	return softmax_variant(i) ? variants[i] : NULL;
}

const struct fit_ops *fit_ops(void)
{
	return fit_variant(softmax_variants() - 1);
}

/* x[at] as number i of a panel; 0 where it is missing. */
static inline void put(const double *x, size_t at, int there, int narrow, void *to, size_t i)
{
	double v = there ? x[at] : 0;
	if (narrow)
		((float *)to)[i] = (float)v;
	else
		((double *)to)[i] = v;
}

void panels_of_rows(const double *x, size_t n, size_t depth, size_t lanes, int narrow, void *to)
{
	for (size_t from = 0, i = 0; from < n; from += lanes, i += lanes * depth)
		for (size_t l = 0; l < lanes; l++)
			for (size_t d = 0; d < depth; d++)
				put(x, (from + l) * depth + d, from + l < n, narrow, to, i + d * lanes + l);
}

/* A few rows of x at a time, which stay in the cache while all panels take their columns. */
void panels_of_columns(const double *x, size_t n, size_t depth, size_t lanes, int narrow, void *to)
{
	enum { ROWS = 8 };
	for (size_t first = 0; first < depth; first += ROWS)
		for (size_t from = 0; from < n; from += lanes)
			for (size_t d = first; d < depth && d < first + ROWS; d++)
				for (size_t l = 0; l < lanes; l++)
					put(x, d * n + from + l, from + l < n, narrow, to,
					    from * depth + d * lanes + l);
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

void product_add(const void *a, size_t m, const void *b, size_t n, size_t depth, int narrow, double *c)
{
	double tile[PRODUCT_LEFT * PRODUCT_RIGHT] __attribute__((aligned(64)));
	const struct fit_ops *ops = fit_ops();
	for (size_t d = 0; d < depth; d += PRODUCT_PART) {
		size_t part = depth - d < PRODUCT_PART ? depth - d : PRODUCT_PART;
		for (size_t j = 0; j < n; j += PRODUCT_RIGHT)
			for (size_t i = 0; i < m; i += PRODUCT_LEFT) {
				size_t l = i * depth + d * PRODUCT_LEFT, r = j * depth + d * PRODUCT_RIGHT;
				if (narrow)
					ops->tile_narrow((const float *)a + l, (const float *)b + r, part, tile);
				else
					ops->tile((const double *)a + l, (const double *)b + r, part, tile);
				add_tile(c + i * n + j, n, m - i, n - j, tile);
			}
	}
}

/* Products and sums are statements of their own, since a compiler may fuse those of one expression, which rounds once
 * where two roundings are promised. */
#include "reduce.h"

#include "pipeline/base/mem.h"

#include <stdlib.h>

int reduce_open(struct reduce *r, int vectors, size_t most, struct err *err)
{
	*r = (struct reduce){ .rows = 1 };
	while (1 << (r->rows - 1) < vectors)
		r->rows++;
	for (int i = 0; i < r->rows; i++)
		if (mem_alloc(&r->row[i], most, sizeof *r->row[i], err))
			return -1;
	return 0;
}

void reduce_release(struct reduce *r)
{
	for (int i = 0; i < r->rows; i++)
		free(r->row[i]);
	*r = (struct reduce){ 0 };
}

void reduce_begin(struct reduce *r, size_t n)
{
	r->n = n;
	r->added = 0;
	r->waiting = 0;
}

float *reduce_next(struct reduce *r)
{
	return r->row[r->waiting];
}

static void add_row(float *restrict to, const float *restrict from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] += from[i];
}

void reduce_add(struct reduce *r, float weight)
{
	float *v = r->row[r->waiting++];
	for (size_t i = 0; i < r->n; i++)
		v[i] *= weight;
	for (unsigned full = r->added++; full & 1; full >>= 1) {
		r->waiting--;
		add_row(r->row[r->waiting - 1], r->row[r->waiting], r->n);
	}
}

float *reduce_sum(struct reduce *r)
{
	return r->row[0];
}

void reduce_rows(float *row, int rows, size_t n)
{
	for (int step = 1; step < rows; step *= 2)
		for (int i = 0; i < rows; i += 2 * step)
			add_row(row + (size_t)i * n, row + (size_t)(i + step) * n, n);
}

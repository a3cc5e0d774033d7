/* Kernels that add up what shards and ranks leave; what they are told: sums.h. A thread adds one number of all rows
 * that wait, so that each row is read once. */
#include "sums.h"
#include "kernel.h"

/* Number i of the vector, whose own part is p. */
DEVICE void sum_up(const struct vector_args *a, size_t i, float p)
{
	for (int k = a->carry; k-- > 0;)
		p = a->vector[(size_t)k * a->pitch + i] + p;
	a->vector[i] = p;
}

/* The numbers of a piece that this block has: from *from on, before the place returned. */
DEVICE size_t piece_part(const struct vector_args *a, const struct sum_piece *p, size_t *from)
{
	*from = (size_t)(a->block + blockIdx.x - p->first) * SUM_RUN;
	return *from + SUM_RUN < p->n ? *from + SUM_RUN : p->n;
}

KERNEL(sum_take, struct vector_args)
{
	const struct sum_piece p = a.piece[a.of[a.block + blockIdx.x]];
	size_t from, end = piece_part(&a, &p, &from);
	for (size_t i = from + threadIdx.x; i < end; i += BLOCK)
		sum_up(&a, p.to + i - a.shift, a.empty ? 0 : product(a.weight, p.at[i]));
}

KERNEL(sum_give, struct vector_args)
{
	const struct sum_piece p = a.piece[a.of[a.block + blockIdx.x]];
	size_t from, end = piece_part(&a, &p, &from);
	for (size_t i = from + threadIdx.x; i < end; i += BLOCK)
		p.at[i] = a.vector[p.to + i - a.shift];
}

/* One block a word. */
KERNEL(sum_take_rows, struct vector_args)
{
	uint32_t from = a.empty ? a.no_row : a.row_of[blockIdx.x];
	for (size_t i = threadIdx.x; i < a.row; i += BLOCK)
		sum_up(&a, a.to + blockIdx.x * a.row + i,
		       from == a.no_row ? 0 : product(a.weight, a.at[(size_t)from * a.row + i]));
}

KERNEL(sum_give_rows, struct vector_args)
{
	for (size_t i = threadIdx.x; i < a.row; i += BLOCK)
		a.at[blockIdx.x * a.row + i] = a.vector[a.to + blockIdx.x * a.row + i];
}

KERNEL(sum_level, struct vector_args)
{
	size_t i = thread_index(), to = (size_t)blockIdx.y * 2 * a.step * a.n + i;
	if (i < a.n)
		a.vector[to] = a.vector[to] + a.vector[to + a.step * a.n];
}

int launch_sum_take(const struct vector_args *a, cudaStream_t stream)
{
	return LAUNCH(sum_take, a->blocks, 1, BLOCK, stream, a);
}

int launch_sum_give(const struct vector_args *a, cudaStream_t stream)
{
	return LAUNCH(sum_give, a->blocks, 1, BLOCK, stream, a);
}

int launch_sum_take_rows(const struct vector_args *a, cudaStream_t stream)
{
	return LAUNCH(sum_take_rows, a->words, 1, BLOCK, stream, a);
}

int launch_sum_give_rows(const struct vector_args *a, cudaStream_t stream)
{
	return LAUNCH(sum_give_rows, a->words, 1, BLOCK, stream, a);
}

int launch_sum_level(const struct vector_args *a, cudaStream_t stream)
{
	return LAUNCH(sum_level, blocks_for(a->n), a->rows / 2 / a->step, BLOCK, stream, a);
}

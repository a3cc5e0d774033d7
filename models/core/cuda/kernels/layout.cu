/* The layouts of filters, what a bias adds and gets, and values between their two types. */
#include "kernel.h"
#include "kernels_conv.h"

/* Whether element i of [out][places][pitch] is one of [out][in][places], and there *to. */
DEVICE int in_parameters(const struct filter_args *a, size_t i, size_t *to)
{
	unsigned size = (unsigned)a->pitch * (unsigned)a->places, at = (unsigned)(i % size);
	unsigned place = at / (unsigned)a->pitch, channel = at % (unsigned)a->pitch;
	*to = (i / size * (unsigned)a->in + channel) * (unsigned)a->places + place;
	return channel < (unsigned)a->in;
}

DEVICE size_t filter_size(const struct filter_args *a)
{
	return a->out * (size_t)a->pitch * (size_t)a->places;
}

KERNEL(filter_pack, struct filter_args)
{
	size_t i = thread_index(), from;
	if (i < filter_size(&a))
		put(a.to, i, in_parameters(&a, i, &from) ? ((const float *)a.from)[from] : 0);
}

KERNEL(filter_unpack, struct filter_args)
{
	size_t i = thread_index(), to;
	if (i < filter_size(&a) && in_parameters(&a, i, &to))
		((float *)a.to)[to] = get(a.from, i);
}

static unsigned filter_blocks(const struct filter_args *a)
{
	return blocks_for(a->out * (size_t)a->pitch * (size_t)a->places);
}

int STORAGE(launch_filter_pack)(const struct filter_args *a, cudaStream_t stream)
{
	return LAUNCH(filter_pack, filter_blocks(a), 1, BLOCK, stream, a);
}

int STORAGE(launch_filter_unpack)(const struct filter_args *a, cudaStream_t stream)
{
	return LAUNCH(filter_unpack, filter_blocks(a), 1, BLOCK, stream, a);
}

/* A thread's elements lie BLOCK apart, so that its column needs one division. */
enum { EACH = 8 };

KERNEL(bias, struct bias_args)
{
	size_t n = a.rows * a.columns, i = (size_t)blockIdx.x * (BLOCK * EACH) + threadIdx.x;
	unsigned columns = (unsigned)a.columns, column = (unsigned)(i % columns), step = BLOCK % columns;
	for (int k = 0; k < EACH && i < n; k++, i += BLOCK) {
		put(a.out, i, get(a.out, i) + a.bias[column]);
		column += step;
		column -= column >= columns ? columns : 0;
	}
}

int STORAGE(launch_bias)(const struct bias_args *a, cudaStream_t stream)
{
	size_t n = a->rows * a->columns;
	return LAUNCH(bias, (n + BLOCK * EACH - 1) / (BLOCK * EACH), 1, BLOCK, stream, a);
}

struct part_args {
	const void *from;
	float *part;
	size_t rows, each; /* rows of a part */
	unsigned parts, columns;
};
KERNEL(column_part, struct part_args)
{
	size_t i = thread_index();
	if (i >= (size_t)a.parts * a.columns)
		return;
	size_t row = i / a.columns * a.each, end = row + a.each < a.rows ? row + a.each : a.rows;
	float sum = 0;
	for (; row < end; row++)
		sum += get(a.from, row * a.columns + i % a.columns);
	a.part[i] = sum;
}

struct total_args {
	const float *part;
	float *sum;
	unsigned parts, columns;
};
BLOCK_KERNEL(column_total, struct total_args)
{
	float sum = 0;
	for (unsigned k = threadIdx.x; k < a.parts; k += WARP)
		sum += a.part[(size_t)k * a.columns + blockIdx.x];
	sum = block_sum(sum);
	if (threadIdx.x == 0)
		a.sum[blockIdx.x] = sum;
}

int STORAGE(launch_column_sum)(const struct column_args *a, cudaStream_t stream)
{
	size_t parts = column_parts(a->rows);
	struct part_args part = { a->from, a->part, a->rows, (a->rows + parts - 1) / parts, (unsigned)parts,
				  (unsigned)a->columns };
	struct total_args total = { a->part, a->sum, (unsigned)parts, (unsigned)a->columns };
	int status = LAUNCH(column_part, blocks_for(parts * a->columns), 1, BLOCK, stream, &part);
	return status ? status : LAUNCH(column_total, a->columns, 1, WARP, stream, &total);
}

#ifdef VIC_BF16
KERNEL(widen, struct convert_args)
{
	size_t i = thread_index();
	if (i < a.n)
		((float *)a.to)[i] = get(a.from, i);
}

KERNEL(narrow, struct convert_args)
{
	size_t i = thread_index();
	if (i < a.n)
		put(a.to, i, ((const float *)a.from)[i] + (a.add ? get(a.to, i) : 0));
}

int launch_widen_bf16(const struct convert_args *a, cudaStream_t stream)
{
	return LAUNCH(widen, blocks_for(a->n), 1, BLOCK, stream, a);
}

int launch_narrow_bf16(const struct convert_args *a, cudaStream_t stream)
{
	return LAUNCH(narrow, blocks_for(a->n), 1, BLOCK, stream, a);
}
#endif

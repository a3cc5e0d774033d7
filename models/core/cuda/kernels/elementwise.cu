/* Kernels of RELU, ADD, MIX and DROPOUT. */
#include "kernels.h"
#include "pack.h"
#include "pipeline/base/philox_block.h"

PACKED_KERNEL(relu, struct relu_args)
{
	size_t i = thread_index() * (size_t)vec;
	if (i >= a.n)
		return;
	struct pack x = pack_get(a.in, i, vec);
	for (int k = 0; k < vec; k++)
		x.v[k] = x.v[k] < 0 ? 0 : x.v[k];
	pack_put(a.out, i, &x, vec);
}

PACKED_KERNEL(relu_backward, struct relu_args)
{
	size_t i = thread_index() * (size_t)vec;
	if (i >= a.n)
		return;
	struct pack d = pack_get(a.in, i, vec), y = pack_get(a.mask, i, vec);
	for (int k = 0; k < vec; k++)
		d.v[k] = y.v[k] <= 0 ? 0 : d.v[k];
	pack_give(a.out, i, d, a.add, vec);
}

PACKED_KERNEL(sum, struct sum_args)
{
	size_t i = thread_index() * (size_t)vec;
	if (i >= a.n)
		return;
	struct pack x = pack_get(a.in[0], i, vec), y = pack_get(a.in[1], i, vec);
	for (int k = 0; k < vec; k++)
		x.v[k] += y.v[k];
	pack_put(a.out, i, &x, vec);
}

PACKED_KERNEL(give, struct give_args)
{
	size_t i = thread_index() * (size_t)vec;
	if (i >= a.n)
		return;
	struct pack x = pack_get(a.in, i, vec);
	for (int k = 0; k < vec; k++)
		x.v[k] *= a.factor;
	if (a.to[0])
		pack_give(a.to[0], i, x, a.add[0], vec);
	if (a.to[1])
		pack_give(a.to[1], i, x, a.add[1], vec);
}

/* A thread draws once, for four units. */
KERNEL(dropout, struct dropout_args)
{
	int first = 4 * sample_index(), b = (int)blockIdx.x;
	uint32_t key[2] = { (uint32_t)a.step->seed, (uint32_t)(a.step->seed >> 32) };
	uint32_t word[4] = { (uint32_t)first / 4, a.sample[b], a.step->epoch, a.purpose };
	philox_block(word, word, key);
	for (int k = 0; k < 4 && first + k < a.size; k++) {
		size_t i = (size_t)b * (size_t)a.size + (size_t)(first + k);
		float x = word[k] >= a.below ? get(a.in, i) * a.on : 0;
		put(a.out, i, a.add ? get(a.out, i) + x : x);
	}
}

PACKED_KERNEL(mix, struct mix_args)
{
	int i = sample_index() * vec;
	if (i >= a.size)
		return;
	float own = a.lambda[blockIdx.x];
	size_t from = (size_t)blockIdx.x * (size_t)a.size + (size_t)i;
	size_t other = (size_t)a.partner[blockIdx.x] * (size_t)a.size + (size_t)i;
	struct pack x = pack_get(a.in, from, vec), y = pack_get(a.in, other, vec);
	for (int k = 0; k < vec; k++)
		x.v[k] = own * x.v[k] + (1 - own) * y.v[k];
	pack_put(a.out, from, &x, vec);
}

/* A thread lists the readers of one sample. */
KERNEL(mix_readers, struct mix_args)
{
	uint32_t j = (uint32_t)thread_index(), n = (uint32_t)a.n, at = 0;
	if (j > n)
		return;
	for (uint32_t i = 0; i < n; i++)
		at += a.partner[i] < j;
	a.begin[j] = at;
	for (uint32_t i = 0; i < n; i++)
		if (a.partner[i] == j)
			a.readers[at++] = i;
}

PACKED_KERNEL(mix_backward, struct mix_args)
{
	int i = sample_index() * vec;
	uint32_t j = blockIdx.x;
	if (i >= a.size)
		return;
	size_t at = (size_t)j * (size_t)a.size + (size_t)i;
	struct pack sum = pack_get(a.in, at, vec);
	for (int k = 0; k < vec; k++)
		sum.v[k] *= a.lambda[j];
	for (uint32_t r = a.begin[j]; r < a.begin[j + 1]; r++) {
		float share = 1 - a.lambda[a.readers[r]];
		struct pack d = pack_get(a.in, (size_t)a.readers[r] * (size_t)a.size + (size_t)i, vec);
		for (int k = 0; k < vec; k++)
			sum.v[k] += share * d.v[k];
	}
	pack_give(a.out, at, sum, a.add, vec);
}

/* Launchers. Values a thread: those of a batch or a sample come in whole packs or one by one. */
static int whole_packs(size_t n, const void *p, const void *q, const void *r)
{
	return n % PACK == 0 && pack_fits(p) && pack_fits(q) && pack_fits(r);
}

static unsigned flat_blocks(size_t n, int packed)
{
	return blocks_for(packed ? n / PACK : n);
}

int STORAGE(launch_relu)(const struct relu_args *a, cudaStream_t stream)
{
	int packed = whole_packs(a->n, a->in, a->out, NULL);
	return LAUNCH_PACKED(relu, packed, flat_blocks(a->n, packed), 1, BLOCK, stream, a);
}

int STORAGE(launch_relu_backward)(const struct relu_args *a, cudaStream_t stream)
{
	int packed = whole_packs(a->n, a->in, a->out, a->mask);
	return LAUNCH_PACKED(relu_backward, packed, flat_blocks(a->n, packed), 1, BLOCK, stream, a);
}

int STORAGE(launch_sum)(const struct sum_args *a, cudaStream_t stream)
{
	int packed = whole_packs(a->n, a->in[0], a->in[1], a->out);
	return LAUNCH_PACKED(sum, packed, flat_blocks(a->n, packed), 1, BLOCK, stream, a);
}

int STORAGE(launch_give)(const struct give_args *a, cudaStream_t stream)
{
	int packed = whole_packs(a->n, a->in, a->to[0], a->to[1]);
	return LAUNCH_PACKED(give, packed, flat_blocks(a->n, packed), 1, BLOCK, stream, a);
}

int STORAGE(launch_dropout)(const struct dropout_args *a, cudaStream_t stream)
{
	int threads = (a->size + 3) / 4;
	return LAUNCH(dropout, a->n, sample_blocks(threads), sample_threads(threads), stream, a);
}

int STORAGE(launch_mix)(const struct mix_args *a, cudaStream_t stream)
{
	int packed = whole_packs((size_t)a->size, a->in, a->out, NULL), threads = packed ? a->size / PACK : a->size;
	return LAUNCH_PACKED(mix, packed, a->n, sample_blocks(threads), sample_threads(threads), stream, a);
}

int STORAGE(launch_mix_backward)(const struct mix_args *a, cudaStream_t stream)
{
	int packed = whole_packs((size_t)a->size, a->in, a->out, NULL), threads = packed ? a->size / PACK : a->size;
	int status = LAUNCH(mix_readers, blocks_for((size_t)a->n + 1), 1, BLOCK, stream, a);
	return status ? status
		      : LAUNCH_PACKED(mix_backward, packed, a->n, sample_blocks(threads), sample_threads(threads),
				      stream, a);
}

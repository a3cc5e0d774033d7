/* races: kernels with and without a mistake that no order of fibres shows, for ThreadSanitizer: races.slow.t builds
 * this for it. The argument says which: exit status 66 is that of its report. */
#include "fake.h"
#include "models/core/cuda/kernel.h"

#include <stdio.h>
#include <string.h>

enum { N = 4 * BLOCK };

struct race_args {
	const float *x;
	float *y;
};

/* Prefix sums within a warp's worth of threads by doubling steps. `missing` barriers after the write. */
#define PREFIX(barrier)                                                                                                \
	SHARED float kept[64];                                                                                         \
	unsigned t = threadIdx.x;                                                                                      \
	kept[t] = a.x[thread_index()];                                                                                 \
	__syncthreads();                                                                                               \
	for (unsigned step = 1; step < blockDim.x; step *= 2) {                                                        \
		float other = t >= step ? kept[t - step] : 0;                                                          \
		barrier;                                                                                               \
		kept[t] += other;                                                                                      \
		__syncthreads();                                                                                       \
	}                                                                                                              \
	a.y[thread_index()] = kept[t]

BLOCK_KERNEL(prefix, struct race_args)
{
	PREFIX(__syncthreads());
}
BLOCK_KERNEL(prefix_race, struct race_args)
{
	PREFIX((void)0);
}
BLOCK_KERNEL(total, struct race_args)
{
	float sum = block_sum(a.x[thread_index()]);
	sum += block_sum(sum);
	if (threadIdx.x == 0)
		a.y[blockIdx.x] = sum;
}
KERNEL(own, struct race_args)
{
	a.y[thread_index()] = a.x[thread_index()];
}
/* Two threads add to one number. */
KERNEL(own_race, struct race_args)
{
	a.y[thread_index() / 2] += a.x[thread_index()];
}

/* A block reads what another writes. */
KERNEL(in_order_race, struct race_args)
{
	if (threadIdx.x == 0)
		a.y[blockIdx.x] = blockIdx.x ? a.y[blockIdx.x - 1] + 1 : 0;
}

static const struct {
	const char *name;
	struct host_kernel kernel;
	int barriers;
} table[] = {
	{ "prefix", prefix_host, prefix_barriers },
	{ "prefix_race", prefix_race_host, prefix_race_barriers },
	{ "total", total_host, total_barriers },
	{ "own", own_host, own_barriers },
	{ "own_race", own_race_host, own_race_barriers },
	{ "in_order_race", in_order_race_host, in_order_race_barriers },
};

int main(int argc, char **argv)
{
	static float host[N];
	cudaStream_t s;
	void *x, *y;
	if (argc != 2 || cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking) || cudaMalloc(&x, sizeof host) ||
	    cudaMalloc(&y, sizeof host) || cudaMemcpyAsync(x, host, sizeof host, cudaMemcpyHostToDevice, s) ||
	    cudaMemcpyAsync(y, host, sizeof host, cudaMemcpyHostToDevice, s))
		return 1;
	const struct race_args a = { x, y };
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (!strcmp(table[i].name, argv[1]))
			return host_launch(table[i].kernel, table[i].barriers, &a, sizeof a, 8, 1, 64, s) ||
			       cudaStreamSynchronize(s) || fake_counts.kernels != 1;
	return 1;
}

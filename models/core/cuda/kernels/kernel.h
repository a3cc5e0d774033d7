/* kernel: the language that kernels (*.cu) are written in. nvcc compiles them for the device; the tests compile the
 * same source with the host's C compiler, and run it thread by thread (tests/gpu/host.h). So a source keeps to what C
 * and C++ share, and takes what differs from here.
 *
 * A kernel has one argument, a struct by value, called `a`:
 *
 *   KERNEL(relu, struct relu_args) { size_t i = thread_index(); if (i < a.n) ... }
 *   int STORAGE(launch_relu)(const struct relu_args *a, cudaStream_t stream)
 *   {
 *           return LAUNCH(relu, blocks_for(a->n), 1, BLOCK, stream, a);
 *   }
 *
 * KERNEL has no barriers (the host runs its threads one after the other); BLOCK_KERNEL may use __syncthreads(),
 * block_sum and SHARED memory. No atomics: every sum has one order.
 *
 * A kernel over values is compiled once for each type that they may be stored in (-DVIC_BF16: the second); it loads
 * and stores by get() and put(), computes in float, and its launcher's name ends as STORAGE() says. */
#ifndef VIC_KERNEL_H
#define VIC_KERNEL_H

#include <cuda_runtime_api.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>

enum { BLOCK = 256 /* threads */, WARP = 32 };

#ifdef __CUDACC__
#define DEVICE static __device__ __forceinline__
#define KERNEL(name, type) static __global__ void name(const type a)
#define BLOCK_KERNEL(name, type) KERNEL(name, type)
#define SHARED __shared__
#define EXTERN_C extern "C"
/* 0 or a cudaError_t. */
#define LAUNCH(name, grid_x, grid_y, threads, stream, args)                                                            \
	(name<<<dim3((unsigned)(grid_x), (unsigned)(grid_y)), (unsigned)(threads), 0, stream>>>(*(args)),              \
	 (int)cudaGetLastError())
DEVICE float shuffle_xor(float v, int mask)
{
	return __shfl_xor_sync(0xffffffffu, v, mask);
}
/* a * b, rounded: a sum that follows is no fused multiply-add. */
DEVICE float product(float a, float b)
{
	return __fmul_rn(a, b);
}
#else
#include <gpu/host.h> /* of tests/ */
#define DEVICE static inline
#define KERNEL(name, type) HOST_KERNEL(name, type, 0)
#define BLOCK_KERNEL(name, type) HOST_KERNEL(name, type, 1)
#define SHARED HOST_SHARED
#define EXTERN_C
#define LAUNCH(name, grid_x, grid_y, threads, stream, args)                                                            \
	host_launch(name##_host, name##_barriers, args, sizeof *(args), (unsigned)(grid_x), (unsigned)(grid_y),        \
		    (unsigned)(threads), stream)
DEVICE float product(float a, float b)
{
	return a * b; /* compiled without contraction */
}
#endif

/* Grid of threads over n elements. */
static inline unsigned blocks_for(size_t n)
{
	return (unsigned)((n + BLOCK - 1) / BLOCK);
}
DEVICE size_t thread_index(void)
{
	return (size_t)blockIdx.x * blockDim.x + threadIdx.x;
}

/* bfloat16: to the nearest, ties to even; NaN stays NaN. */
DEVICE uint16_t bf16_of(float v)
{
	union {
		uint32_t bits;
		float f;
	} u;
	u.f = v;
	uint32_t up = u.bits + 0x7fffu + (u.bits >> 16 & 1u);
	return (uint16_t)(v != v ? (u.bits >> 16 | 0x40u) : up >> 16);
}

/* What values are stored as. */
#ifdef VIC_BF16
typedef uint16_t store;
#define STORAGE(name) name##_bf16
DEVICE float get(const void *p, size_t i)
{
	union {
		uint32_t bits;
		float f;
	} u;
	u.bits = (uint32_t)((const store *)p)[i] << 16;
	return u.f;
}
DEVICE void put(void *p, size_t i, float v)
{
	((store *)p)[i] = bf16_of(v);
}
#else
typedef float store;
#define STORAGE(name) name##_f32
DEVICE float get(const void *p, size_t i)
{
	return ((const store *)p)[i];
}
DEVICE void put(void *p, size_t i, float v)
{
	((store *)p)[i] = v;
}
#endif

/* Sum over a block of threads, the same bits in every thread. Each thread of the block calls it; at most 1024. */
DEVICE float block_sum(float v)
{
	SHARED float part[WARP];
	unsigned warps = (blockDim.x + WARP - 1) / WARP;
	for (int mask = WARP / 2; mask; mask /= 2)
		v += shuffle_xor(v, mask);
	__syncthreads(); /* of an earlier sum */
	if (threadIdx.x % WARP == 0)
		part[threadIdx.x / WARP] = v;
	__syncthreads();
	float sum = 0;
	for (unsigned k = 0; k < warps; k++)
		sum += part[k];
	return sum;
}

#endif

/* pack: several neighbouring values as one load of 16 bytes; and grids. For kernels (*.cu) alone.
 *
 * A packed kernel is written once, for `vec` values a thread, and compiled for one and for PACK of them:
 *
 *   PACKED_KERNEL(relu, struct relu_args) { size_t i = thread_index() * (size_t)vec; ... pack_get(a.in, i, vec) ... }
 *   LAUNCH_PACKED(relu, packed, grid_x, grid_y, threads, stream, a) */
#ifndef VIC_CUDA_PACK_H
#define VIC_CUDA_PACK_H

#include "kernel.h"

enum { PACK = 16 / sizeof(store) };

struct pack {
	float v[PACK]; /* [vec] of them count */
};
struct stored {
	store v[PACK];
} __attribute__((aligned(16)));

#define PACKED(name, type, kernel)                                                                                     \
	DEVICE void name##_of(const type a, int vec);                                                                  \
	kernel(name##_single, type)                                                                                    \
	{                                                                                                              \
		name##_of(a, 1);                                                                                       \
	}                                                                                                              \
	kernel(name##_packed, type)                                                                                    \
	{                                                                                                              \
		name##_of(a, PACK);                                                                                    \
	}                                                                                                              \
	DEVICE void name##_of(const type a, int vec)
#define PACKED_KERNEL(name, type) PACKED(name, type, KERNEL)
#define PACKED_BLOCK_KERNEL(name, type) PACKED(name, type, BLOCK_KERNEL)
#define LAUNCH_PACKED(name, packed, grid_x, grid_y, threads, stream, args)                                             \
	((packed) ? LAUNCH(name##_packed, grid_x, grid_y, threads, stream, args)                                       \
		  : LAUNCH(name##_single, grid_x, grid_y, threads, stream, args))

/* Before a loop that reads and does not write: so many turns have their loads on the way at once. */
#ifdef __CUDACC__
#define UNROLL_2 _Pragma("unroll 2")
#define UNROLL_4 _Pragma("unroll 4")
#else
#define UNROLL_2
#define UNROLL_4
#endif

/* Whether memory can be read in packs; NULL can. */
static inline int pack_fits(const void *p)
{
	return (uintptr_t)p % 16 == 0;
}

/* The vec values from i on; i is a multiple of vec. */
DEVICE struct pack pack_get(const void *p, size_t i, int vec)
{
	struct pack x;
	if (vec == 1) {
		x.v[0] = get(p, i);
	} else {
		struct stored s = ((const struct stored *)p)[i / PACK];
		for (int k = 0; k < PACK; k++)
			x.v[k] = get(s.v, (size_t)k);
	}
	return x;
}

DEVICE void pack_put(void *p, size_t i, const struct pack *x, int vec)
{
	if (vec == 1) {
		put(p, i, x->v[0]);
	} else {
		struct stored s;
		for (int k = 0; k < PACK; k++)
			put(s.v, (size_t)k, x->v[k]);
		((struct stored *)p)[i / PACK] = s;
	}
}

/* A gradient: p = x, or += x. */
DEVICE void pack_give(void *p, size_t i, struct pack x, int add, int vec)
{
	if (add) {
		struct pack was = pack_get(p, i, vec);
		for (int k = 0; k < vec; k++)
			x.v[k] += was.v[k];
	}
	pack_put(p, i, &x, vec);
}

/* Grid of samples: blockIdx.x is the sample, sample_index() a number within it, below `size` (that of a sample in
 * threads) when in range. */
static inline unsigned sample_threads(int size)
{
	return size >= BLOCK ? BLOCK : (unsigned)(size + WARP - 1) / WARP * WARP;
}
static inline unsigned sample_blocks(int size)
{
	return ((unsigned)size + sample_threads(size) - 1) / sample_threads(size);
}
DEVICE int sample_index(void)
{
	return (int)(blockIdx.y * blockDim.x + threadIdx.x);
}

#endif

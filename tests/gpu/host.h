/* host: what kernel.h takes from CUDA, for the host's C compiler: thread and block numbers, barriers, shuffles, and a
 * launch that queues the kernel on a stream of the fake runtime. Kernels run block by block. Within a block a kernel
 * without barriers runs thread by thread, one with barriers in fibres, which change at each barrier, or, for
 * ThreadSanitizer (-DVIC_THREADS), in one thread of the system each. */
#ifndef VIC_GPU_HOST_H
#define VIC_GPU_HOST_H

#include <cuda_runtime_api.h>
#include <stddef.h>

struct host_index {
	unsigned x, y;
};
extern _Thread_local struct host_index threadIdx, blockIdx;
extern struct host_index blockDim, gridDim;

struct host_kernel {
	const char *name;
	void (*run)(const void *args);
	void (*tidy)(void *args); /* makes the bytes between its members 0; NULL where the compiler cannot */
};
#if defined(__has_builtin)
#if __has_builtin(__builtin_clear_padding)
#define HOST_TIDY(name, type)                                                                                          \
	static void name##_tidy(void *p)                                                                               \
	{                                                                                                              \
		__builtin_clear_padding((type *)p);                                                                    \
	}
#define HOST_TIDIES(name) name##_tidy
#endif
#endif
#ifndef HOST_TIDY
#define HOST_TIDY(name, type)
#define HOST_TIDIES(name) NULL
#endif
#define HOST_KERNEL(name, type, sync)                                                                                  \
	enum { name##_barriers = sync };                                                                               \
	static void name(const type a);                                                                                \
	static void name##_run(const void *p)                                                                          \
	{                                                                                                              \
		name(*(const type *)p);                                                                                \
	}                                                                                                              \
	HOST_TIDY(name, type)                                                                                          \
	static const struct host_kernel name##_host = { #name, name##_run, HOST_TIDIES(name) };                        \
	static void name(const type a)

/* Shared memory holds no number when a block begins: all of it lies in one section, which the launcher fills. */
#define HOST_SHARED static __attribute__((section("vic_shared")))

/* All threads of the block; of a warp. A kernel declared without barriers that calls one ends the program. */
void host_barrier(void);
float shuffle_xor(float v, int mask);
#define __syncthreads() host_barrier()

/* Queues the kernel with a copy of its argument. 0 or a cudaError_t. */
int host_launch(struct host_kernel kernel, int barriers, const void *args, size_t bytes, unsigned grid_x,
		unsigned grid_y, unsigned threads, cudaStream_t stream);
/* Runs it now; what the queue calls. */
void host_run(struct host_kernel kernel, int barriers, const void *args, unsigned grid_x, unsigned grid_y,
	      unsigned threads);

#endif

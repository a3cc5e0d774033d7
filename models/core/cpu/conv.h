/* conv: what the two files of OP_CONV share: conv.c plans, conv_run.c runs. Private to core/cpu.
 *
 * The batch is cut into shards of a fixed number of images, one kernel call (of one or several parts) each. Weight
 * gradients have shards of their own size; their partial sums, in the kernel's layout, are added in order of shards and
 * put back to OIHW in one pass. Nothing here knows how many threads there are. */
#ifndef VIC_CONV_H
#define VIC_CONV_H

#include "conv_kernel.h"

/* What all convolutions of a backend share: only one op runs at a time. */
struct conv_shared {
	struct conv_engine *engine;
	int workers;
	char **scratch;  /* [workers] of scratch_bytes */
	size_t scratch_bytes;
	float *weight, *partial; /* weights in a kernel's layout; partial sums of their gradient */
	size_t weight_floats, partial_floats;
};

/* Kernels of one kind for shards of `of` images and whatever is left over, made when first needed. */
struct shards {
	int of;
	struct conv_kernel **kernel; /* [of + 1], by images */
};

struct conv {
	struct conv_shared *shared;
	struct conv_shape shape;
	struct shards kind[CONV_KINDS];
	float *weight;    /* prediction only: the weights in the forward kernel's layout, of version `version` */
	uint32_t version; /* + 1; 0: none */
};

static inline size_t round_line(size_t bytes)
{
	return (bytes + 63) & ~(size_t)63;
}

static inline int shards_of(int n, int of)
{
	return (n + of - 1) / of;
}

static inline int in_shard(int n, int of, int shard)
{
	return n - shard * of < of ? n - shard * of : of;
}

/* One shard's partial sums: the weights', then, at the end, the bias's. */
static inline size_t partial_floats(const struct conv_kernel *k)
{
	return round_line((k->layout.floats + (size_t)k->shape.out.c) * sizeof(float)) / sizeof(float);
}

/* The kernel for n images, 1 <= n <= of. All kernels of a kind share the layout of the one for a whole shard. */
int conv_kernel_for(struct conv *v, enum conv_kind kind, int n, struct err *err) VIC_CHECKED;

#endif

/* sums: the sum of shards' vectors on the device (models/core/sums.h). Private to core/cuda. */
#ifndef VIC_CUDA_SUM_H
#define VIC_CUDA_SUM_H

#include "nccl.h"

#include "models/core/cuda/cuda.h"
#include "models/core/cuda/kernels/sums.h"
#include "models/core/sums.h"

/* A vector is cut into buckets, one after the other; the first of them hold gradients alone, and each of these is
 * complete when backward of `last` is done. */
struct bucket {
	const struct op *last;
	cudaEvent_t done; /* of the last pass */
};

/* Over ranks: across.c. */
struct across {
	struct nccl nccl;
	struct ncclComm *comm;
	int rank, size;
	enum reduction how;
	cudaStream_t stream;       /* its own */
	cudaEvent_t ready, summed; /* the sum of this rank; of all */
	int queued;                /* the latter, and not waited for */
	size_t each;               /* numbers of a bucket: what is under way at once */
	float *got;                /* device [size] slices of others, [each + size * ACROSS_UNIT] */
	struct bucket *bucket;     /* [buckets] those of gradients alone */
	size_t buckets;
};
/* Numbers of a bucket where $VIC_CUDA_BUCKET does not say how many bytes (25 MB, as PyTorch's); slices are of multiples
 * of 16 bytes. */
enum { ACROSS_EACH = 25 << 18, ACROSS_UNIT = 4, ACROSS_MOST = 1024 /* ranks */ };

struct sum {
	struct backend_ctx *ctx;
	struct graph g; /* a copy, of which ops, values, parameters and device are used */
	struct sum_shape shape;
	unsigned vectors;
	/* rows that wait, as in models/ranks/reduce.h: device [most][pitch] */
	float *rows;
	size_t pitch;
	float *state; /* device [shape.states] that the step began with */
	/* pieces of a vector before its tables: the gradients, then each of the running statistics */
	struct sum_piece *piece; /* device, as all of: */
	uint32_t *of;            /* [blocks] */
	uint32_t blocks, dense_blocks;
	uint32_t *row_of;        /* [graph's max_words]; NULL: there are no tables */
	/* of the step at hand */
	int distinct, waiting;
	unsigned added;
	size_t n;
	int left; /* the last vector's buckets of gradients are not added yet: `last` says how */
	struct vector_args last;
	float *host; /* [pitch], made when it is asked for */
	struct across across;
};

/* Of struct sums. */
int across_reach(struct sum *s, struct err *err) VIC_CHECKED;
const char *across_name(const struct sum *s);
int across_id(struct sum *s, unsigned char id[SUMS_ID], struct err *err) VIC_CHECKED;
int across_join(struct sum *s, const unsigned char id[SUMS_ID], int rank, int size, enum reduction how,
		struct err *err) VIC_CHECKED;
int across_sum(struct sum *s, struct err *err) VIC_CHECKED;
void across_release(struct sum *s);
/* What is queued from here on waits for the sum over ranks, if one is queued. */
int across_wait(struct sum *s, struct err *err) VIC_CHECKED;

/* buckets.c: finds those of gradients alone, of s->across.each numbers. */
int buckets_open(struct sum *s, struct err *err) VIC_CHECKED;
void buckets_release(struct sum *s);
/* Backward of this op is queued: marks the buckets that are complete by it. */
int buckets_mark(const struct sum *s, const struct op *op, struct err *err) VIC_CHECKED;
/* Blocks of a vector that the buckets have. */
static inline uint32_t buckets_blocks(const struct sum *s)
{
	return (uint32_t)(s->across.buckets * (s->across.each / SUM_RUN));
}
/* Queues on the stream of sums over ranks the adding of bucket k of the vector that is left, when it is complete. */
int buckets_take(const struct sum *s, size_t k, struct err *err) VIC_CHECKED;

extern const struct sums cuda_sums;

#endif

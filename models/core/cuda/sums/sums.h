/* sums: the sum of shards' vectors on the device (models/core/sums.h). Private to core/cuda. */
#ifndef VIC_CUDA_SUM_H
#define VIC_CUDA_SUM_H

#include "nccl.h"

#include "models/core/cuda/cuda.h"
#include "models/core/cuda/kernels/sums.h"
#include "models/core/sums.h"

/* Over ranks: across.c. */
struct across {
	struct nccl nccl;
	struct ncclComm *comm;
	int rank, size;
	enum reduction how;
	cudaStream_t stream;       /* its own */
	cudaEvent_t ready, summed; /* the sum of this rank; of all */
	float *got;                /* device [size] slices of others, [ACROSS_PIECE + size * ACROSS_UNIT] */
};
/* Numbers that are under way at once (25 MB, as PyTorch's buckets), a power of two; slices are of multiples of 16
 * bytes. */
enum { ACROSS_PIECE = 25 << 18, ACROSS_UNIT = 4, ACROSS_MOST = 1024 /* ranks */ };

struct sum {
	struct backend_ctx *ctx;
	struct graph g; /* a copy, of which parameters and device are used */
	struct sum_shape shape;
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

extern const struct sums cuda_sums;

#endif

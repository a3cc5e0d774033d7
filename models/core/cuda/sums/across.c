/* Sums over ranks, on a stream of their own, bucket by bucket: each waits for what it adds up, and the step's stream,
 * in the end, for all of them. Of the last shard the gradients of a bucket are added to those of the shards before on
 * this stream, too, when backward has them, so that neither holds up the rest of backward. Exact: of each bucket the
 * k-th slice of all ranks goes to rank k, which adds them up as the tree has them; then each has all slices' sums. */
#include "sums.h"

#include "pipeline/base/num.h"

#include <stdlib.h>
#include <string.h>

/* What one rank makes for all: how long buckets are is its to say, since calls must be the same on all. */
struct made {
	struct nccl_id nccl;
	uint64_t bytes; /* of a bucket, about */
};
_Static_assert(sizeof(struct made) == SUMS_ID, "models/core/sums.h says how long it is");

int across_reach(struct sum *s, struct err *err)
{
	return nccl_open(&s->across.nccl, err);
}

const char *across_name(const struct sum *s)
{
	return s->across.nccl.name;
}

int across_id(struct sum *s, unsigned char id[SUMS_ID], struct err *err)
{
	struct made made = { .bytes = ACROSS_EACH * sizeof(float) };
	const char *bytes = getenv("VIC_CUDA_BUCKET");
	int64_t n;
	if (bytes && num_i64("VIC_CUDA_BUCKET", bytes, sizeof(float), (int64_t)1 << 32, &n, err))
		return -1;
	if (bytes)
		made.bytes = (uint64_t)n;
	if (nccl_status(&s->across.nccl, s->across.nccl.ncclGetUniqueId(&made.nccl), "an id for ranks", err))
		return -1;
	memcpy(id, &made, sizeof made);
	return 0;
}

int across_join(struct sum *s, const unsigned char id[SUMS_ID], int rank, int size, enum reduction how,
		struct err *err)
{
	struct across *a = &s->across;
	struct made of;
	memcpy(&of, id, sizeof of);
	a->rank = rank;
	a->size = size;
	a->how = how;
	/* whole blocks of the kernel that adds, and slices of whole units: both are powers of two */
	size_t unit = (size_t)size * ACROSS_UNIT > SUM_RUN ? (size_t)size * ACROSS_UNIT : SUM_RUN;
	a->each = (of.bytes / sizeof(float) + unit - 1) / unit * unit;
	if (gpu_status(cudaStreamCreateWithFlags(&a->stream, cudaStreamNonBlocking), "a stream", err) ||
	    gpu_status(cudaEventCreateWithFlags(&a->ready, cudaEventDisableTiming), "an event", err) ||
	    gpu_status(cudaEventCreateWithFlags(&a->summed, cudaEventDisableTiming), "an event", err) ||
	    (how == REDUCE_EXACT &&
	     gpu_alloc(s->ctx, (void **)&a->got, (a->each + unit) * sizeof *a->got, err)) ||
	    buckets_open(s, err) || gpu_wait(s->ctx, err))
		return -1;
	if (nccl_status(&a->nccl, a->nccl.ncclCommInitRank(&a->comm, size, of.nccl, rank), "joining the other cards",
			err))
		return -1;
	s->ctx->joined = s;
	return 0;
}

void across_release(struct sum *s)
{
	struct across *a = &s->across;
	if (a->comm) /* what waits for others may wait for ever */
		a->nccl.ncclCommAbort(a->comm);
	if (s->ctx->joined == s)
		s->ctx->joined = NULL;
	buckets_release(s);
	if (a->ready)
		cudaEventDestroy(a->ready);
	if (a->summed)
		cudaEventDestroy(a->summed);
	gpu_free(s->ctx, a->got);
	if (a->stream)
		cudaStreamDestroy(a->stream);
}

/* The k-th slice of n numbers to rank k, and its own of all ranks to a->got. */
static int exchange_slices(const struct across *a, const float *from, size_t slice)
{
	const struct nccl *n = &a->nccl;
	int rc = n->ncclGroupStart();
	for (int k = 0; k < a->size && !rc; k++) {
		rc = n->ncclSend(from + (size_t)k * slice, slice, NCCL_FLOAT32, k, a->comm, a->stream);
		rc = rc ? rc : n->ncclRecv(a->got + (size_t)k * slice, slice, NCCL_FLOAT32, k, a->comm, a->stream);
	}
	int ended = n->ncclGroupEnd();
	return rc ? rc : ended;
}

static int add_slices(const struct across *a, size_t slice, struct err *err)
{
	struct vector_args of = { .vector = a->got, .n = slice, .rows = (uint32_t)a->size };
	for (of.step = 1; of.step < of.rows; of.step *= 2)
		if (launched(launch_sum_level(&of, a->stream), "the sum over ranks", err))
			return -1;
	return 0;
}

/* Of n numbers at p, and up to size * ACROSS_UNIT after them. */
static int sum_bucket(const struct across *a, float *p, size_t n, struct err *err)
{
	size_t unit = (size_t)a->size * ACROSS_UNIT, slice = (n + unit - 1) / unit * ACROSS_UNIT;
	if (a->how == REDUCE_FAST)
		return nccl_status(&a->nccl,
				   a->nccl.ncclAllReduce(p, p, n, NCCL_FLOAT32, NCCL_SUM, a->comm, a->stream),
				   "the sum over ranks", err);
	if (nccl_status(&a->nccl, exchange_slices(a, p, slice), "slices for other ranks", err) ||
	    add_slices(a, slice, err))
		return -1;
	return nccl_status(&a->nccl, a->nccl.ncclAllGather(a->got, p, slice, NCCL_FLOAT32, a->comm, a->stream),
			   "the sum over ranks", err);
}

/* Of a bucket of gradients alone whose last vector is left it is enough to wait for that bucket. */
int across_sum(struct sum *s, struct err *err)
{
	struct across *a = &s->across;
	size_t early = s->left ? a->buckets : 0;
	if (gpu_status(cudaEventRecord(a->ready, s->ctx->stream), "an event", err))
		return -1;
	for (size_t k = 0, at = 0; at < s->n; k++, at += a->each) {
		size_t n = s->n - at < a->each ? s->n - at : a->each;
		if (k == early && gpu_status(cudaStreamWaitEvent(a->stream, a->ready, 0), "an event", err))
			return -1;
		if ((k < early && buckets_take(s, k, err)) || sum_bucket(a, s->rows + at, n, err))
			return -1;
	}
	s->left = 0;
	a->queued = 1;
	return gpu_status(cudaEventRecord(a->summed, a->stream), "an event", err);
}

int across_wait(struct sum *s, struct err *err)
{
	int queued = s->across.queued;
	s->across.queued = 0;
	return queued ? gpu_status(cudaStreamWaitEvent(s->ctx->stream, s->across.summed, 0), "an event", err) : 0;
}

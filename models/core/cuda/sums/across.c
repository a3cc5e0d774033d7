/* Sums over ranks, on a stream of their own: it waits for the sum of this rank's shards, and the step's stream for it.
 * Exact: of each piece the k-th slice of all ranks goes to rank k, which adds them up as the tree has them; then each
 * has all slices' sums. */
#include "sums.h"

#include <string.h>

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
	struct nccl_id made;
	_Static_assert(sizeof made == SUMS_ID, "sums.h says how long it is");
	if (nccl_status(&s->across.nccl, s->across.nccl.ncclGetUniqueId(&made), "an id for ranks", err))
		return -1;
	memcpy(id, &made, sizeof made);
	return 0;
}

int across_join(struct sum *s, const unsigned char id[SUMS_ID], int rank, int size, enum reduction how,
		struct err *err)
{
	struct across *a = &s->across;
	struct nccl_id of;
	memcpy(&of, id, sizeof of);
	a->rank = rank;
	a->size = size;
	a->how = how;
	if (gpu_status(cudaStreamCreateWithFlags(&a->stream, cudaStreamNonBlocking), "a stream", err) ||
	    gpu_status(cudaEventCreateWithFlags(&a->ready, cudaEventDisableTiming), "an event", err) ||
	    gpu_status(cudaEventCreateWithFlags(&a->summed, cudaEventDisableTiming), "an event", err) ||
	    (how == REDUCE_EXACT &&
	     gpu_alloc(s->ctx, (void **)&a->got, (ACROSS_PIECE + ACROSS_MOST * ACROSS_UNIT) * sizeof *a->got, err)) ||
	    gpu_wait(s->ctx, err))
		return -1;
	return nccl_status(&a->nccl, a->nccl.ncclCommInitRank(&a->comm, size, of, rank), "joining the other cards",
			   err);
}

void across_release(struct sum *s)
{
	struct across *a = &s->across;
	if (a->comm) /* what waits for others may wait for ever */
		a->nccl.ncclCommAbort(a->comm);
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
static int sum_piece(const struct across *a, float *p, size_t n, struct err *err)
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

/* Work of one stream that is queued from here on waits for that of the other. */
static int stream_follows(cudaStream_t later, cudaStream_t earlier, cudaEvent_t event, struct err *err)
{
	return gpu_status(cudaEventRecord(event, earlier), "an event", err) ||
			       gpu_status(cudaStreamWaitEvent(later, event, 0), "an event", err)
		       ? -1
		       : 0;
}

int across_sum(struct sum *s, struct err *err)
{
	struct across *a = &s->across;
	if (stream_follows(a->stream, s->ctx->stream, a->ready, err))
		return -1;
	for (size_t at = 0; at < s->n; at += ACROSS_PIECE) {
		size_t n = s->n - at < ACROSS_PIECE ? s->n - at : ACROSS_PIECE;
		if (sum_piece(a, s->rows + at, n, err))
			return -1;
	}
	return stream_follows(s->ctx->stream, a->stream, a->summed, err);
}

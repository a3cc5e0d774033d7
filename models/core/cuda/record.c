/* Recordings, each known by all that is fixed in it: the graph, the batch's size, where it mixes and with how many rows
 * of words. In prediction ops refresh what they derived from the weights (`version`), and a recording lacks that; so
 * it is played only as long as the weights are those that it was last queued op by op with. */
#include "record.h"

#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { KEPT = 64 };

struct recording {
	const struct graph *g;
	enum phase phase;
	int n, mix_at, mixed, words, target;
	int images, h, w, is_float; /* whether there are any, and of what */
	struct update update;       /* without what the step block holds; zeroes where there is none */
	uint32_t version; /* in prediction */
	int queued;       /* op by op at least once: all libraries have loaded what they need */
	cudaGraphExec_t exec;
};

struct recordings {
	int n, off;
	struct recording *now; /* under way */
	struct recording kept[KEPT];
};

static void forget_one(struct recording *r)
{
	if (r->exec)
		cudaGraphExecDestroy(r->exec);
}

void recordings_forget(struct backend_ctx *ctx)
{
	for (int i = 0; ctx->recordings && i < ctx->recordings->n; i++)
		forget_one(&ctx->recordings->kept[i]);
	if (ctx->recordings)
		ctx->recordings->n = 0;
}

void recordings_release(struct backend_ctx *ctx)
{
	recordings_forget(ctx);
	free(ctx->recordings);
	ctx->recordings = NULL;
}

static int same_update(const struct update *a, const struct update *b)
{
	return a->rule == b->rule && a->momentum == b->momentum && a->weight_decay == b->weight_decay &&
	       a->decay_all == b->decay_all && a->nesterov == b->nesterov && a->rho == b->rho &&
	       a->beta1 == b->beta1 && a->beta2 == b->beta2 && a->eps == b->eps && a->decoupled == b->decoupled &&
	       a->clip_norm == b->clip_norm;
}

static int same_shape(const struct recording *a, const struct recording *b)
{
	return a->g == b->g && a->phase == b->phase && a->n == b->n && a->mix_at == b->mix_at && a->mixed == b->mixed &&
	       a->words == b->words && a->target == b->target && a->images == b->images && a->h == b->h &&
	       a->w == b->w && a->is_float == b->is_float && same_update(&a->update, &b->update);
}

static struct recording shape_of(const struct backend_ctx *ctx, const struct graph *g, const struct batch *b,
				 enum phase phase, const struct update *u)
{
	struct recording r = { .g = g, .phase = phase, .n = b->n, .mix_at = b->partner ? b->mix_at : 0,
			       .mixed = b->partner != NULL, .words = ctx->block.words, .target = b->target != NULL };
	if (b->images) {
		r.images = b->images->count > 0;
		r.h = b->images->h;
		r.w = b->images->w;
		r.is_float = b->images->is_float;
	}
	if (u)
		r.update = *u;
	return r;
}

/* The recording of this shape, made empty where there is none; the oldest gives way. */
static struct recording *recording_of(struct recordings *all, const struct recording *shape)
{
	for (int i = 0; i < all->n; i++)
		if (same_shape(&all->kept[i], shape))
			return &all->kept[i];
	if (all->n == KEPT) {
		forget_one(&all->kept[0]);
		memmove(all->kept, all->kept + 1, (KEPT - 1) * sizeof *all->kept);
		all->n--;
	}
	all->kept[all->n] = *shape;
	return &all->kept[all->n++];
}

/* From here on steps are queued op by op, and why. */
static int recordings_end(struct backend_ctx *ctx, const char *why, struct err *err)
{
	(void)cudaGetLastError();
	ctx->recordings->off = 1;
	return note_add(ctx, err,
			"a pass could not be recorded (%s): all are queued op by op from here on, which takes the "
			"host longer and computes the same", why);
}

static int recordings_open(struct backend_ctx *ctx, struct err *err)
{
	const char *off = getenv("VIC_CUDA_GRAPHS");
	if (!ctx->recordings && mem_alloc(&ctx->recordings, 1, sizeof *ctx->recordings, err))
		return -1;
	ctx->recordings->off |= off && !strcmp(off, "0");
	return 0;
}

int record_begin(struct backend_ctx *ctx, const struct graph *g, const struct batch *b, enum phase phase, int back,
		 const struct update *u, struct err *err)
{
	if (recordings_open(ctx, err))
		return -1;
	struct recordings *all = ctx->recordings;
	struct recording shape = shape_of(ctx, g, b, phase, u);
	if (all->off || (phase == PHASE_TRAIN && !back)) /* of training there is no part that comes alone */
		return 0;
	struct recording *r = recording_of(all, &shape);
	if (!r->queued || (phase != PHASE_TRAIN && r->version != g->version)) {
		r->queued = 1;
		r->version = g->version;
		return 0;
	}
	if (r->exec)
		return gpu_status(cudaGraphLaunch(r->exec, ctx->stream), "a recorded step", err) ? -1 : 1;
	cudaError_t status = cudaStreamBeginCapture(ctx->stream, cudaStreamCaptureModeThreadLocal);
	if (status)
		return recordings_end(ctx, cudaGetErrorString(status), err);
	all->now = r;
	return 0;
}

int record_end(struct backend_ctx *ctx, int failed, struct err *err)
{
	struct recordings *all = ctx->recordings;
	struct recording *r = all->now;
	cudaGraph_t graph = NULL;
	if (!r)
		return failed;
	all->now = NULL;
	cudaError_t status = cudaStreamEndCapture(ctx->stream, &graph);
	if (!status && !failed)
		status = cudaGraphInstantiate(&r->exec, graph, 0);
	if (graph)
		cudaGraphDestroy(graph);
	if (!status && !failed)
		return gpu_status(cudaGraphLaunch(r->exec, ctx->stream), "a recorded step", err);
	/* nothing of it was done */
	r->exec = NULL;
	struct err why = *err;
	*err = ERR_NONE;
	return recordings_end(ctx, failed ? why.msg : cudaGetErrorString(status), err) ? -1 : 1;
}

int record_event(struct backend_ctx *ctx, cudaEvent_t event, struct err *err)
{
	int records = ctx->recordings && ctx->recordings->now;
	return gpu_status(cudaEventRecordWithFlags(event, ctx->stream,
						   records ? cudaEventRecordExternal : cudaEventRecordDefault),
			  "an event", err);
}

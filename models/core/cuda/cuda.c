/* The cuda backend's table of functions: the device, its memory and copies; each op's own functions lie beside. */
#include "cuda.h"
#include "planner.h"
#include "plans.h"
#include "record.h"
#include "sums/sums.h"

#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

static const struct cuda_op *const ops[OP_TYPES] = {
	[OP_WORDCONV] = &cuda_wordconv, [OP_DROPOUT] = &cuda_dropout, [OP_LINEAR] = &cuda_linear,
	[OP_XENT] = &cuda_xent,		[OP_IMAGES] = &cuda_images,   [OP_CONV] = &cuda_conv,
	[OP_NORM] = &cuda_norm,		[OP_RELU] = &cuda_relu,	      [OP_ADD] = &cuda_add,
	[OP_POOL] = &cuda_pool,		[OP_MIX] = &cuda_mix,
};

const char *const precision_names[] = { "float32", "tf32", "bf16" };

int gpu_status(cudaError_t status, const char *what, struct err *err)
{
	return status ? err_system(err, "%s: %s", what, cudaGetErrorString(status)) : 0;
}

int blas_status(cublasStatus_t status, const char *what, struct err *err)
{
	return status ? err_system(err, "%s: cuBLAS: %s", what, cublasGetStatusString(status)) : 0;
}

int card_precision(const struct card *card, enum precision asked, enum precision *precision, struct err *err)
{
	*precision = card->major < 8 ? PRECISION_FLOAT32 : asked;
	if (card->major >= 8 || asked != PRECISION_BF16)
		return 0;
	return err_usage(err, "--precision bf16: %s has compute capability %d.%d; 8.0 is the least for it", card->name,
			 card->major, card->minor);
}

/* As cudaMalloc hands it out. */
enum { MEMORY_STEP = 512 };

int gpu_alloc(struct backend_ctx *ctx, void **p, size_t bytes, struct err *err)
{
	if (ctx->card_text) { /* an address that is never followed */
		*p = (void *)(uintptr_t)(MEMORY_STEP + ctx->counted);
		ctx->counted += (bytes + MEMORY_STEP - 1) / MEMORY_STEP * MEMORY_STEP;
		return 0;
	}
	cudaError_t status = cudaMalloc(p, bytes ? bytes : 1);
	if (status == cudaErrorMemoryAllocation) {
		size_t left = 0, all = 0;
		(void)cudaGetLastError();
		(void)cudaMemGetInfo(&left, &all);
		return err_system(err,
				  "out of device memory: %zu MiB are needed, %zu of %zu MiB are free; a smaller batch "
				  "needs less",
				  (bytes >> 20) + 1, left >> 20, all >> 20);
	}
	if (!status)
		status = cudaMemsetAsync(*p, 0, bytes, ctx->stream);
	return gpu_status(status, "device memory", err);
}

void gpu_free(struct backend_ctx *ctx, void *p)
{
	if (p && !ctx->card_text)
		cudaFree(p);
}

int gpu_wait(struct backend_ctx *ctx, struct err *err)
{
	return ctx->card_text ? 0 : gpu_status(cudaStreamSynchronize(ctx->stream), "the device", err);
}

int workspace_need(struct backend_ctx *ctx, size_t bytes, struct err *err)
{
	if (bytes <= ctx->workspace_bytes)
		return 0;
	recordings_forget(ctx);
	gpu_free(ctx, ctx->workspace);
	ctx->counted -= ctx->card_text ? (ctx->workspace_bytes + MEMORY_STEP - 1) / MEMORY_STEP * MEMORY_STEP : 0;
	ctx->workspace = NULL;
	ctx->workspace_bytes = 0;
	if (gpu_alloc(ctx, &ctx->workspace, bytes, err))
		return -1;
	ctx->workspace_bytes = bytes;
	return 0;
}

static int card_open(struct card *card, int ordinal, struct err *err)
{
	struct cudaDeviceProp p;
	int n = 0;
	cudaError_t status = cudaGetDeviceCount(&n);
	if (status || !n)
		return err_no_device(err, "no CUDA device: %s", status ? cudaGetErrorString(status) : "none is there");
	if (ordinal >= n)
		return err_no_device(err, "cuda:%d: there are %d CUDA devices, from cuda:0", ordinal, n);
	status = cudaSetDevice(ordinal);
	if (!status)
		status = cudaGetDeviceProperties(&p, ordinal);
	if (status)
		return err_no_device(err, "cuda:%d: %s", ordinal, cudaGetErrorString(status));
	*card = (struct card){ .ordinal = ordinal, .major = p.major, .minor = p.minor, .bytes = p.totalGlobalMem };
	snprintf(card->name, sizeof card->name, "%.63s", p.name);
	if (p.major * 10 + p.minor < 75)
		return err_no_device(err, "cuda:%d: %s has compute capability %d.%d; 7.5 is the least", ordinal,
				     card->name, p.major, p.minor);
	return 0;
}

/* Of version a.b.c as 10000 a + 100 b + c. */
static void describe(struct backend_ctx *ctx)
{
	size_t dnn = cudnnGetVersion();
	int blas[2] = { 0, 0 }, runtime = 0;
	cublasGetProperty(MAJOR_VERSION, &blas[0]);
	cublasGetProperty(MINOR_VERSION, &blas[1]);
	cudaRuntimeGetVersion(&runtime);
	snprintf(ctx->engine, sizeof ctx->engine, "cuda %d.%d, %s%s%s, cuDNN %zu.%zu.%zu, cuBLAS %d.%d, %s",
		 runtime / 1000, runtime % 1000 / 10, precision_names[ctx->precision], ctx->tune ? ", tuned" : "",
		 ctx->norm_by_cudnn ? ", norm by cuDNN" : "",
		 dnn / 10000, dnn / 100 % 100, dnn % 100, blas[0], blas[1], ctx->card.name);
	snprintf(ctx->describe, sizeof ctx->describe, "%s, cuda:%d, %zu MiB", ctx->engine, ctx->card.ordinal,
		 ctx->card.bytes >> 20);
}

static void cuda_close(struct backend_ctx *ctx)
{
	if (ctx->stream)
		cudaStreamSynchronize(ctx->stream);
	recordings_release(ctx);
	notes_release(ctx);
	segments_release(ctx);
	block_release(ctx);
	for (int i = 0; i < LATE; i++) {
		if (ctx->late[i].host)
			cudaFreeHost(ctx->late[i].host);
		if (ctx->late[i].copied)
			cudaEventDestroy(ctx->late[i].copied);
	}
	dnn_close(ctx);
	if (ctx->blas)
		cublasDestroy(ctx->blas);
	gpu_free(ctx, ctx->resident);
	gpu_free(ctx, ctx->blas_workspace);
	gpu_free(ctx, ctx->workspace);
	if (ctx->uploads)
		cudaStreamDestroy(ctx->uploads);
	if (ctx->stream)
		cudaStreamDestroy(ctx->stream);
	free(ctx->card_text);
	free(ctx);
}

static int cuda_open(struct backend_ctx **out, const struct backend_config *config, struct err *err)
{
	struct backend_ctx *ctx;
	struct card card;
	enum precision precision;
	if (config->card)
		return planner_open(out, config, err);
	if (card_open(&card, config->ordinal, err) || card_precision(&card, config->precision, &precision, err) ||
	    mem_alloc(&ctx, 1, sizeof *ctx, err))
		return -1;
	ctx->card = card;
	ctx->precision = precision;
	ctx->tune = config->tune;
	if (norm_engine_read(ctx, err) || tune_time_read(ctx, err) ||
	    gpu_status(cudaStreamCreateWithFlags(&ctx->stream, cudaStreamNonBlocking), "a stream", err) ||
	    gpu_status(cudaStreamCreateWithFlags(&ctx->uploads, cudaStreamNonBlocking), "a stream", err) ||
	    blas_status(cublasCreate(&ctx->blas), "opening it", err) ||
	    blas_status(cublasSetStream(ctx->blas, ctx->stream), "its stream", err) ||
	    gpu_alloc(ctx, &ctx->blas_workspace, BLAS_WORKSPACE, err) ||
	    blas_status(cublasSetWorkspace(ctx->blas, ctx->blas_workspace, BLAS_WORKSPACE), "its workspace", err)) {
		cuda_close(ctx);
		return -1;
	}
	describe(ctx);
	*out = ctx;
	return 0;
}

static const char *cuda_engine(const struct backend_ctx *ctx)
{
	return ctx->engine;
}

static const char *cuda_describe(const struct backend_ctx *ctx)
{
	return ctx->describe;
}

static void cuda_release(struct backend_ctx *ctx, void *p)
{
	gpu_free(ctx, p);
}

static int cuda_upload(struct backend_ctx *ctx, void *to, const void *from, size_t bytes, struct err *err)
{
	if (ctx->card_text)
		return 0;
	cudaError_t status = cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, ctx->stream);
	if (!status)
		status = cudaStreamSynchronize(ctx->stream);
	return gpu_status(status, "copying to the device", err);
}

static int cuda_download(struct backend_ctx *ctx, void *to, const void *from, size_t bytes, struct err *err)
{
	cudaError_t status = cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, ctx->stream);
	if (!status)
		status = cudaStreamSynchronize(ctx->stream);
	return gpu_status(status, "copying from the device", err);
}

static int late_room(struct arrival *l, size_t bytes, struct err *err)
{
	if (!l->copied &&
	    gpu_status(cudaEventCreateWithFlags(&l->copied, cudaEventDisableTiming), "an event", err))
		return -1;
	if (bytes <= l->cap)
		return 0;
	if (l->host)
		cudaFreeHost(l->host);
	l->host = NULL;
	l->cap = 0;
	if (gpu_status(cudaMallocHost(&l->host, bytes), "pinned memory", err))
		return -1;
	l->cap = bytes;
	return 0;
}

static int cuda_download_later(struct backend_ctx *ctx, void *to, const void *from, size_t bytes, uint64_t *ticket,
			       struct err *err)
{
	struct arrival *l = &ctx->late[ctx->tickets % LATE];
	if (l->to)
		return err_set(err, "more than %d results are on their way", LATE);
	if (late_room(l, bytes, err))
		return -1;
	cudaError_t status = cudaMemcpyAsync(l->host, from, bytes, cudaMemcpyDeviceToHost, ctx->stream);
	if (!status)
		status = cudaEventRecord(l->copied, ctx->stream);
	l->to = to;
	l->bytes = bytes;
	*ticket = ctx->tickets++;
	return gpu_status(status, "copying from the device", err);
}

static int cuda_arrived(struct backend_ctx *ctx, uint64_t ticket, struct err *err)
{
	struct arrival *l = &ctx->late[ticket % LATE];
	if (!l->to || ticket + LATE < ctx->tickets)
		return err_set(err, "no result is on its way with this ticket");
	if (gpu_status(cudaEventSynchronize(l->copied), "the device", err))
		return -1;
	memcpy(l->to, l->host, l->bytes);
	l->to = NULL;
	return 0;
}

static int cuda_begin(struct backend_ctx *ctx, const struct graph *g, const struct batch *b, enum phase phase, int back,
		      const struct update *u, struct err *err)
{
	if (block_fill(ctx, g, b, u, err) || copies_refresh(ctx, g, err))
		return -1;
	int played = record_begin(ctx, g, b, phase, back, u, err);
	ctx->whole = u && !played;
	if (played > 0 && u)
		copies_updated(g, g->version + 1);
	return played;
}

static int cuda_end(struct backend_ctx *ctx, int failed, struct err *err)
{
	ctx->whole = 0;
	return record_end(ctx, failed, err);
}

/* Whether all that read value v are convolutions of all its channels. */
static int read_by_conv(const struct graph *g, int v)
{
	int readers = 0;
	for (int i = 0; i < g->n_ops; i++) {
		const struct op *op = &g->op[i];
		for (int k = 0; k < op->n_in; k++)
			readers += op->in[k] == v && op->type == OP_CONV && op->conv.groups == 1;
	}
	return readers && readers == g->value[v].readers;
}

/* In bf16 what lies between pixels and features has 16 bits; features that a product makes, logits and the loss do
 * not. Pixels have channels of zeros, up to a multiple of 8: cuDNN would make such a copy of them in its workspace, for
 * each pass over them, or do without tensor cores. */
static void cuda_layout(const struct backend_ctx *ctx, struct graph *g)
{
	for (int i = 0; i < g->n_ops && ctx->precision == PRECISION_BF16; i++) {
		const struct op *op = &g->op[i];
		int made = op->type == OP_IMAGES || op->type == OP_CONV,
		    in = op->n_in ? g->value[op->in[0]].element : 0;
		int wide = op->type == OP_LINEAR || op->type == OP_XENT || op->type == OP_WORDCONV;
		if (op->out != g->logits && op->out != g->loss && !wide && (made || in == 2))
			g->value[op->out].element = 2;
		if (op->type == OP_IMAGES && read_by_conv(g, op->out))
			g->value[op->out].pitch = (g->value[op->out].shape.c + 7) / 8 * 8;
	}
}

static int cuda_supports(struct backend_ctx *ctx, const struct op *op, const struct graph *g)
{
	(void)ctx;
	(void)g;
	return ops[op->type] != NULL;
}

static int cuda_prepare(struct backend_ctx *ctx, const struct op *op, const struct graph *g, int max_n, int training,
			void **state, struct err *err)
{
	recordings_forget(ctx); /* of a graph that was where this one is */
	return ops[op->type]->prepare ? ops[op->type]->prepare(ctx, op, g, max_n, training, state, err) : 0;
}

static void cuda_unprepare(struct backend_ctx *ctx, const struct op *op, void *state)
{
	recordings_forget(ctx);
	ops[op->type]->unprepare(ctx, state);
}

static int cuda_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	return ops[c->op->type]->forward(ctx, c, err);
}

static int cuda_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	if (ops[c->op->type]->backward && ops[c->op->type]->backward(ctx, c, err))
		return -1;
	return ctx->joined ? buckets_mark(ctx->joined, c->op, err) : 0;
}

static int cuda_step(struct backend_ctx *ctx, struct graph *g, const struct batch *b, const struct update *u,
		     struct err *err)
{
	const struct words *w = b->words;
	if (!ctx->whole) { /* the last pass may have been over a part of the batch, with words of its own */
		if (block_rates(ctx, u, w ? w->word : NULL, w ? w->distinct : 0, err))
			return -1;
		ctx->block.words = w ? w->distinct : 0;
	}
	return cuda_update_all(ctx, g, b, u, err);
}

static const struct backend backend_cuda = {
	.abi = BACKEND_ABI,
	.name = "cuda",
	.open = cuda_open,
	.close = cuda_close,
	.engine = cuda_engine,
	.describe = cuda_describe,
	.note = cuda_note,
	.alloc = gpu_alloc,
	.release = cuda_release,
	.upload = cuda_upload,
	.download = cuda_download,
	.download_later = cuda_download_later,
	.arrived = cuda_arrived,
	.keep = cuda_keep,
	.begin = cuda_begin,
	.end = cuda_end,
	.layout = cuda_layout,
	.supports = cuda_supports,
	.prepare = cuda_prepare,
	.unprepare = cuda_unprepare,
	.forward = cuda_forward,
	.backward = cuda_backward,
	.update = cuda_update,
	.update_all = cuda_step,
	.average = cuda_average,
	.sums = &cuda_sums,
	.print_plan = planner_print,
	.counted = planner_counted,
};

__attribute__((visibility("default"))) const struct backend *vic_backend(void)
{
	return &backend_cuda;
}

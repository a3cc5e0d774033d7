/* OP_CONV at work: tasks over shards and parts. */
#include "conv.h"

#include <stdatomic.h>
#include <string.h>

struct conv_work {
	const struct op_call *c;
	struct conv *v;
	const struct conv_kernel *kernel; /* whose layout the weights or their gradients have */
	float *weight;         /* in the kernel's layout */
	size_t partial_stride; /* floats of one shard's partial sums: weights, then bias */
	int weight_shards, weight_tasks;
	atomic_int failed;
	struct err *err;
};

static void fail(struct conv_work *w, const struct err *err)
{
	if (!atomic_exchange(&w->failed, 1))
		*w->err = *err;
}

static void run_kernel(struct conv_work *w, enum conv_kind kind, int shard, int part, int worker, struct conv_io *io)
{
	struct err err = ERR_NONE;
	const struct shards *s = &w->v->kind[kind];
	const struct conv_kernel *k = s->kernel[in_shard(w->c->n, s->of, shard)];
	io->scratch = w->v->shared->scratch[worker];
	if (k->run(k, part, worker, io, &err))
		fail(w, &err);
}

static int parts(const struct conv *v, enum conv_kind kind)
{
	return v->kind[kind].kernel[v->kind[kind].of]->parts;
}

static void lay_out_task(void *arg, int piece, int worker)
{
	struct conv_work *w = arg;
	(void)worker;
	w->kernel->lay_out(w->kernel, w->c->param[0], piece, w->weight);
}

static void lay_out(struct backend_ctx *ctx, struct conv_work *w, enum conv_kind kind, float *to)
{
	const struct shards *s = &w->v->kind[kind];
	w->kernel = s->kernel[s->of];
	w->weight = to;
	if (w->kernel->layout.padded)
		memset(to, 0, w->kernel->layout.floats * sizeof *to);
	pool_run(ctx->pool, w->kernel->pieces, lay_out_task, w);
}

static void conv_forward_task(void *arg, int task, int worker)
{
	struct conv_work *w = arg;
	const struct op_call *c = w->c;
	int each = parts(w->v, CONV_FORWARD), shard = task / each;
	size_t at = (size_t)shard * (size_t)w->v->kind[CONV_FORWARD].of;
	struct conv_io io = { .in = (void *)(c->in[0] + at * (size_t)c->in_size[0]),
			      .weight = w->weight,
			      .bias = c->param[1],
			      .out = c->out + at * (size_t)c->out_size };
	run_kernel(w, CONV_FORWARD, shard, task % each, worker, &io);
}

int conv_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct conv *v = c->state;
	struct conv_work w = { .c = c, .v = v, .err = err };
	int of = v->kind[CONV_FORWARD].of, shards = shards_of(c->n, of);
	if (conv_kernel_for(v, CONV_FORWARD, in_shard(c->n, of, shards - 1), err))
		return -1;
	if (!v->weight) {
		lay_out(ctx, &w, CONV_FORWARD, v->shared->weight);
	} else if (v->version != c->version + 1) {
		lay_out(ctx, &w, CONV_FORWARD, v->weight);
		v->version = c->version + 1;
	}
	w.weight = v->weight ? v->weight : v->shared->weight;
	pool_run(ctx->pool, shards * parts(v, CONV_FORWARD), conv_forward_task, &w);
	return w.failed ? -1 : 0;
}

static void data_task(struct conv_work *w, int task, int worker)
{
	const struct op_call *c = w->c;
	const struct shards *s = &w->v->kind[CONV_DATA];
	int each = parts(w->v, CONV_DATA), shard = task / each, n = in_shard(c->n, s->of, shard);
	const struct conv_kernel *k = s->kernel[n];
	size_t at = (size_t)shard * (size_t)s->of, size = (size_t)n * (size_t)c->in_size[0];
	float *d_in = c->d_in[0] + at * (size_t)c->in_size[0], *to = d_in;
	if (c->add[0] && !k->adds)
		to = (float *)(void *)(w->v->shared->scratch[worker] + round_line(k->scratch));
	struct conv_io io = {
		.in = to, .weight = w->weight, .out = (void *)(c->d_out + at * (size_t)c->out_size), .add = c->add[0]
	};
	run_kernel(w, CONV_DATA, shard, task % each, worker, &io);
	for (size_t i = 0; to != d_in && i < size; i++)
		d_in[i] += to[i];
}

static void weight_task(struct conv_work *w, int task, int worker)
{
	const struct op_call *c = w->c;
	int each = parts(w->v, CONV_WEIGHT), shard = task / each;
	size_t at = (size_t)shard * (size_t)w->v->kind[CONV_WEIGHT].of;
	float *partial = w->v->shared->partial + (size_t)shard * w->partial_stride;
	struct conv_io io = { .in = (void *)(c->in[0] + at * (size_t)c->in_size[0]), .weight = partial,
			      .bias = partial + w->partial_stride - w->v->shape.out.c,
			      .out = (void *)(c->d_out + at * (size_t)c->out_size) };
	run_kernel(w, CONV_WEIGHT, shard, task % each, worker, &io);
}

static void conv_backward_task(void *arg, int task, int worker)
{
	struct conv_work *w = arg;
	if (task < w->weight_tasks)
		weight_task(w, task, worker);
	else
		data_task(w, task - w->weight_tasks, worker);
}

static void bias_sums(const struct conv_work *w)
{
	const struct conv_shape *s = &w->v->shape;
	const float *from = w->v->shared->partial + w->partial_stride - s->out.c;
	for (int o = 0; s->bias && w->c->d_param[1] && o < s->out.c; o++) {
		float sum = 0;
		for (int k = 0; k < w->weight_shards; k++)
			sum += from[(size_t)k * w->partial_stride + (size_t)o];
		w->c->d_param[1][o] = sum;
	}
}

static void sum_task(void *arg, int piece, int worker)
{
	struct conv_work *w = arg;
	(void)worker;
	w->kernel->sum(w->kernel, w->v->shared->partial, w->weight_shards, w->partial_stride, piece, w->c->d_param[0]);
}

int conv_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct conv *v = c->state;
	struct conv_work w = { .c = c, .v = v, .err = err };
	const struct shards *data = &v->kind[CONV_DATA], *weight = &v->kind[CONV_WEIGHT];
	int data_tasks = 0;
	if (c->d_in[0]) {
		int shards = shards_of(c->n, data->of);
		if (conv_kernel_for(v, CONV_DATA, in_shard(c->n, data->of, shards - 1), err))
			return -1;
		lay_out(ctx, &w, CONV_DATA, v->shared->weight);
		data_tasks = shards * parts(v, CONV_DATA);
	}
	if (c->d_param[0] || c->d_param[1]) {
		w.weight_shards = shards_of(c->n, weight->of);
		if (conv_kernel_for(v, CONV_WEIGHT, in_shard(c->n, weight->of, w.weight_shards - 1), err))
			return -1;
		w.weight_tasks = w.weight_shards * parts(v, CONV_WEIGHT);
		w.kernel = weight->kernel[weight->of];
		w.partial_stride = partial_floats(w.kernel);
	}
	pool_run(ctx->pool, w.weight_tasks + data_tasks, conv_backward_task, &w);
	if (c->d_param[0])
		pool_run(ctx->pool, w.kernel->pieces, sum_task, &w);
	if (w.weight_shards)
		bias_sums(&w);
	return w.failed ? -1 : 0;
}

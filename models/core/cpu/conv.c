/* OP_CONV: the batch is cut into shards of a fixed number of pictures, one kernel call each (conv_kernel.h). The cut depends on
 * sizes alone: a shard's values, in and out, should stay in a core's second-level cache, while its arithmetic must be large beside
 * reading the weights once a shard. Weight gradients are summed a shard of their own size at a time; the partial sums, in the
 * kernel's layout, are added in order of shards and put back to OIHW in one pass. */
#include "conv_kernel.h"

#include "pipeline/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { CACHE_BYTES = 512 << 10, MOST_GRADIENT_SHARDS = 8, ENOUGH_SHARDS = 4, MANY_WEIGHTS = 256 * 256 * 9 };

/* What all convolutions of a backend share: only one op runs at a time. */
struct conv_shared {
	struct conv_engine *engine;
	int workers;
	char **scratch;  /* [workers] of scratch_bytes */
	size_t scratch_bytes;
	float *weight, *partial; /* weights in a kernel's layout; partial sums of their gradient */
	size_t weight_floats, partial_floats;
};

/* Kernels of one kind for shards of `of` pictures and whatever is left over, made when first needed. */
struct shards {
	int of;
	struct conv_kernel **kernel; /* [of + 1], by pictures */
};

struct conv {
	struct conv_shared *shared;
	struct conv_shape shape;
	struct shards kind[CONV_KINDS];
	float *weight;    /* prediction only: the weights in the forward kernel's layout, of version `version` */
	uint32_t version; /* + 1; 0: none */
};

int conv_layout_open(struct conv_layout *l, const struct conv_shape *s, struct err *err)
{
	memset(l, 0, sizeof *l);
	return mem_alloc(&l->group, (size_t)s->groups, sizeof *l->group, err) ||
			       mem_alloc(&l->o, (size_t)(s->out.c / s->groups), sizeof *l->o, err) ||
			       mem_alloc(&l->i, (size_t)(s->in.c / s->groups), sizeof *l->i, err) ||
			       mem_alloc(&l->tap, (size_t)(s->kernel * s->kernel), sizeof *l->tap, err) ?
		       -1 :
		       0;
}

void conv_layout_close(struct conv_layout *l)
{
	free(l->group);
	free(l->o);
	free(l->i);
	free(l->tap);
	memset(l, 0, sizeof *l);
}

static int share(struct backend_ctx *ctx, struct err *err)
{
	struct conv_shared *s = ctx->conv;
	if (s)
		return 0;
	if (mem_alloc(&s, 1, sizeof *s, err))
		return -1;
	ctx->conv = s;
	s->workers = pool_threads(ctx->pool);
	return mem_alloc(&s->scratch, (size_t)s->workers, sizeof *s->scratch, err) ||
			       conv_engine_open(&s->engine, s->workers, err) ?
		       -1 :
		       0;
}

void conv_shared_close(struct conv_shared *s)
{
	if (!s)
		return;
	for (int i = 0; s->scratch && i < s->workers; i++)
		free(s->scratch[i]);
	conv_engine_close(s->engine);
	free(s->scratch);
	free(s->weight);
	free(s->partial);
	free(s);
}

static int need_scratch(struct conv_shared *s, size_t bytes, struct err *err)
{
	if (bytes <= s->scratch_bytes)
		return 0;
	s->scratch_bytes = 0;
	for (int i = 0; i < s->workers; i++) {
		free(s->scratch[i]);
		s->scratch[i] = NULL;
		if (mem_alloc(&s->scratch[i], bytes, 1, err))
			return -1;
	}
	s->scratch_bytes = bytes;
	return 0;
}

static int need_floats(float **p, size_t *have, size_t want, struct err *err)
{
	if (want <= *have)
		return 0;
	free(*p);
	*p = NULL;
	*have = 0;
	if (mem_alloc(p, want, sizeof **p, err))
		return -1;
	*have = want;
	return 0;
}

static size_t round_line(size_t bytes)
{
	return (bytes + 63) & ~(size_t)63;
}

/* The kernel for n pictures, n <= of. All kernels of a kind share the layout of the one for a whole shard. A gradient that is
 * added to what is there goes through scratch, behind the kernel's own, where the kernel does not add. */
static int kernel_for(struct conv *v, enum conv_kind kind, int n, struct err *err)
{
	struct shards *s = &v->kind[kind];
	struct conv_kernel **k = &s->kernel[n];
	size_t own = kind == CONV_DATA ? (size_t)n * shape_size(v->shape.in) * sizeof(float) : 0;
	if (*k)
		return 0;
	if (winograd_serves(&v->shape)) {
		own = 0;
		if (winograd_open(k, kind, &v->shape, n, err))
			return -1;
	} else if (conv_kernel_open(k, v->shared->engine, kind, &v->shape, n, n == s->of ? NULL : s->kernel[s->of], err)) {
		return -1;
	}
	return need_scratch(v->shared, round_line((*k)->scratch) + own, err);
}

static int shards_of(int n, int of)
{
	return (n + of - 1) / of;
}

static int in_shard(int n, int of, int shard)
{
	return n - shard * of < of ? n - shard * of : of;
}

static int many_weights(const struct conv_shape *s)
{
	return (size_t)s->in.c / (size_t)s->groups * (size_t)s->out.c * (size_t)(s->kernel * s->kernel) >= MANY_WEIGHTS;
}

/* Pictures a shard: what fits the cache, but so many that reading the weights, once a shard, is cheap beside the arithmetic, a
 * multiply-add a weight and place. Where a kernel has parts they give the threads work, else some shards must. */
static int shard_size(const struct conv_shape *s, int max_n)
{
	size_t picture = (shape_size(s->in) + shape_size(s->out)) * sizeof(float);
	int parts = winograd_serves(s) && many_weights(s), least = parts ? 1024 : winograd_serves(s) ? 512 : 256;
	int places = s->out.h * s->out.w, of = (int)(CACHE_BYTES / picture), most = parts ? max_n : shards_of(max_n, ENOUGH_SHARDS);
	of = of < shards_of(least, places) ? shards_of(least, places) : of;
	of = of > most ? most : of;
	return of > 1 ? of : 1;
}

/* Partial sums are written and read once a shard: few enough that this stays below a tenth of the arithmetic. */
static int gradient_shard_size(const struct conv_shape *s, int max_n)
{
	int winograd = winograd_serves(s), each = !winograd ? 512 : many_weights(s) ? 2048 : 1024;
	int shards = max_n * s->out.h * s->out.w / each, least = winograd && many_weights(s) ? 1 : 2;
	shards = shards > MOST_GRADIENT_SHARDS ? MOST_GRADIENT_SHARDS : shards;
	return shards_of(max_n, shards < least ? least : shards);
}

/* One shard's partial sums: the weights', then, at the end, the bias's. */
static size_t partial_floats(const struct conv_kernel *k)
{
	return round_line((k->layout.floats + (size_t)k->shape.out.c) * sizeof(float)) / sizeof(float);
}

int conv_open(struct backend_ctx *ctx, struct conv **out, const struct op *op, const struct graph *g, int max_n, int training,
	      struct err *err)
{
	struct conv *v;
	size_t weights;
	if (share(ctx, err) || mem_alloc(&v, 1, sizeof *v, err))
		return -1;
	v->shared = ctx->conv;
	v->shape = (struct conv_shape){ g->value[op->in[0]].shape, g->value[op->out].shape, op->conv.kernel, op->conv.stride,
					op->conv.pad, op->conv.groups > 0 ? op->conv.groups : 1, op->n_param > 1 };
	int trained = param_trained(&g->param[op->param[0]]) || (op->n_param > 1 && param_trained(&g->param[op->param[1]]));
	int wanted[CONV_KINDS] = { 1, training && g->value[op->in[0]].wanted, training && trained };
	for (int kind = 0; kind < CONV_KINDS; kind++) {
		struct shards *s = &v->kind[kind];
		if (!wanted[kind])
			continue;
		s->of = kind == CONV_WEIGHT ? gradient_shard_size(&v->shape, max_n) : shard_size(&v->shape, max_n);
		if (mem_alloc(&s->kernel, (size_t)s->of + 1, sizeof *s->kernel, err) ||
		    kernel_for(v, (enum conv_kind)kind, s->of, err))
			goto fail;
		weights = s->kernel[s->of]->layout.floats;
		if (kind == CONV_WEIGHT) {
			if (need_floats(&v->shared->partial, &v->shared->partial_floats,
					partial_floats(s->kernel[s->of]) * (size_t)shards_of(max_n, s->of), err))
				goto fail;
		} else if (training ? need_floats(&v->shared->weight, &v->shared->weight_floats, weights, err) :
				      mem_alloc(&v->weight, weights, sizeof *v->weight, err)) {
			goto fail;
		}
	}
	*out = v;
	return 0;
fail:
	conv_close(v);
	return -1;
}

void conv_close(struct conv *v)
{
	if (!v)
		return;
	for (int kind = 0; kind < CONV_KINDS; kind++) {
		for (int n = 0; v->kind[kind].kernel && n <= v->kind[kind].of; n++)
			if (v->kind[kind].kernel[n])
				v->kind[kind].kernel[n]->close(v->kind[kind].kernel[n]);
		free(v->kind[kind].kernel);
	}
	free(v->weight);
	free(v);
}

struct work {
	const struct op_call *c;
	struct conv *v;
	const struct conv_kernel *kernel; /* whose layout the weights or their gradients have */
	float *weight;         /* in the kernel's layout */
	size_t partial_stride; /* floats of one shard's partial sums: weights, then bias */
	int weight_shards, weight_tasks;
	atomic_int failed;
	struct err *err;
};

static void fail(struct work *w, const struct err *err)
{
	if (!atomic_exchange(&w->failed, 1))
		*w->err = *err;
}

static void run(struct work *w, enum conv_kind kind, int shard, int part, int worker, struct conv_io *io)
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

/* One output channel's weights to the kernel's layout. */
static void layout_task(void *arg, int o, int worker)
{
	struct work *w = arg;
	const struct conv_shape *s = &w->v->shape;
	const struct conv_layout *l = &w->kernel->layout;
	int og = s->out.c / s->groups, ig = s->in.c / s->groups, taps = s->kernel * s->kernel;
	const float *from = w->c->param[0] + (size_t)o * (size_t)(ig * taps);
	float *to = w->weight + l->group[o / og] + l->o[o % og];
	(void)worker;
	for (int i = 0; i < ig; i++)
		for (int t = 0; t < taps; t++)
			to[l->i[i] + l->tap[t]] = *from++;
}

static void winograd_task(void *arg, int block, int worker)
{
	struct work *w = arg;
	(void)worker;
	winograd_lay_out(w->kernel, w->c->param[0], block, w->weight);
}

static void lay_out(struct backend_ctx *ctx, struct work *w, enum conv_kind kind, float *to)
{
	const struct shards *s = &w->v->kind[kind];
	w->kernel = s->kernel[s->of];
	w->weight = to;
	if (w->kernel->layout.padded)
		memset(to, 0, w->kernel->layout.floats * sizeof *to);
	if (w->kernel->blocks)
		pool_run(ctx->pool, w->kernel->blocks, winograd_task, w);
	else
		pool_run(ctx->pool, w->v->shape.out.c, layout_task, w);
}

static void forward_task(void *arg, int task, int worker)
{
	struct work *w = arg;
	const struct op_call *c = w->c;
	int each = parts(w->v, CONV_FORWARD), shard = task / each;
	size_t at = (size_t)shard * (size_t)w->v->kind[CONV_FORWARD].of;
	struct conv_io io = { .in = (void *)(c->in[0] + at * (size_t)c->in_size[0]), .weight = w->weight, .bias = c->param[1],
			      .out = c->out + at * (size_t)c->out_size };
	run(w, CONV_FORWARD, shard, task % each, worker, &io);
}

int conv_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct conv *v = c->state;
	struct work w = { .c = c, .v = v, .err = err };
	int of = v->kind[CONV_FORWARD].of, shards = shards_of(c->n, of);
	if (kernel_for(v, CONV_FORWARD, in_shard(c->n, of, shards - 1), err))
		return -1;
	if (!v->weight) {
		lay_out(ctx, &w, CONV_FORWARD, v->shared->weight);
	} else if (v->version != c->version + 1) {
		lay_out(ctx, &w, CONV_FORWARD, v->weight);
		v->version = c->version + 1;
	}
	w.weight = v->weight ? v->weight : v->shared->weight;
	pool_run(ctx->pool, shards * parts(v, CONV_FORWARD), forward_task, &w);
	return w.failed ? -1 : 0;
}

static void data_task(struct work *w, int task, int worker)
{
	const struct op_call *c = w->c;
	const struct shards *s = &w->v->kind[CONV_DATA];
	int each = parts(w->v, CONV_DATA), shard = task / each, n = in_shard(c->n, s->of, shard);
	const struct conv_kernel *k = s->kernel[n];
	size_t at = (size_t)shard * (size_t)s->of, size = (size_t)n * (size_t)c->in_size[0];
	float *d_in = c->d_in[0] + at * (size_t)c->in_size[0], *to = d_in;
	if (c->add[0] && !k->adds)
		to = (float *)(void *)(w->v->shared->scratch[worker] + round_line(k->scratch));
	struct conv_io io = { .in = to, .weight = w->weight, .out = (void *)(c->d_out + at * (size_t)c->out_size), .add = c->add[0] };
	run(w, CONV_DATA, shard, task % each, worker, &io);
	for (size_t i = 0; to != d_in && i < size; i++)
		d_in[i] += to[i];
}

static void weight_task(struct work *w, int task, int worker)
{
	const struct op_call *c = w->c;
	int each = parts(w->v, CONV_WEIGHT), shard = task / each;
	size_t at = (size_t)shard * (size_t)w->v->kind[CONV_WEIGHT].of;
	float *partial = w->v->shared->partial + (size_t)shard * w->partial_stride;
	struct conv_io io = { .in = (void *)(c->in[0] + at * (size_t)c->in_size[0]), .weight = partial,
			      .bias = partial + w->partial_stride - w->v->shape.out.c,
			      .out = (void *)(c->d_out + at * (size_t)c->out_size) };
	run(w, CONV_WEIGHT, shard, task % each, worker, &io);
}

static void backward_task(void *arg, int task, int worker)
{
	struct work *w = arg;
	if (task < w->weight_tasks)
		weight_task(w, task, worker);
	else
		data_task(w, task - w->weight_tasks, worker);
}

static void bias_sums(const struct work *w)
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

/* One output channel: sums the shards, back to OIHW. */
static void sum_task(void *arg, int o, int worker)
{
	struct work *w = arg;
	const struct conv_shape *s = &w->v->shape;
	const struct conv_layout *l = &w->kernel->layout;
	int og = s->out.c / s->groups, ig = s->in.c / s->groups, taps = s->kernel * s->kernel;
	float *to = w->c->d_param[0] + (size_t)o * (size_t)(ig * taps);
	const float *from = w->v->shared->partial + l->group[o / og] + l->o[o % og];
	(void)worker;
	for (int i = 0; i < ig; i++)
		for (int t = 0; t < taps; t++) {
			size_t at = l->i[i] + l->tap[t];
			float sum = from[at];
			for (int k = 1; k < w->weight_shards; k++)
				sum += from[at + (size_t)k * w->partial_stride];
			*to++ = sum;
		}
}

static void winograd_sum_task(void *arg, int block, int worker)
{
	struct work *w = arg;
	(void)worker;
	winograd_sum(w->kernel, w->v->shared->partial, w->weight_shards, w->partial_stride, block, w->c->d_param[0]);
}

int conv_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct conv *v = c->state;
	struct work w = { .c = c, .v = v, .err = err };
	const struct shards *data = &v->kind[CONV_DATA], *weight = &v->kind[CONV_WEIGHT];
	int data_tasks = 0;
	if (c->d_in[0]) {
		int shards = shards_of(c->n, data->of);
		if (kernel_for(v, CONV_DATA, in_shard(c->n, data->of, shards - 1), err))
			return -1;
		lay_out(ctx, &w, CONV_DATA, v->shared->weight);
		data_tasks = shards * parts(v, CONV_DATA);
	}
	if (c->d_param[0] || c->d_param[1]) {
		w.weight_shards = shards_of(c->n, weight->of);
		if (kernel_for(v, CONV_WEIGHT, in_shard(c->n, weight->of, w.weight_shards - 1), err))
			return -1;
		w.weight_tasks = w.weight_shards * parts(v, CONV_WEIGHT);
		w.kernel = weight->kernel[weight->of];
		w.partial_stride = partial_floats(w.kernel);
	}
	pool_run(ctx->pool, w.weight_tasks + data_tasks, backward_task, &w);
	if (c->d_param[0] && w.kernel->blocks)
		pool_run(ctx->pool, w.kernel->blocks, winograd_sum_task, &w);
	else if (c->d_param[0])
		pool_run(ctx->pool, v->shape.out.c, sum_task, &w);
	if (w.weight_shards)
		bias_sums(&w);
	return w.failed ? -1 : 0;
}

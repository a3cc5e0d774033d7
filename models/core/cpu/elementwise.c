/* Ops that take one look at every float: ReLU, addition, mixup of hidden values. Memory sets their pace; a task is a
 * piece that fits the second-level cache, or a sample. */
#include "cpu.h"

enum { PIECE = 32 << 10 /* floats */ };

struct elementwise_work {
	const struct op_call *c;
	const float *a, *b;
	float *to;
	int add;
	size_t floats;
	void (*f)(const struct elementwise_work *w, size_t begin, size_t end);
};

static void piece_task(void *arg, int piece, int worker)
{
	const struct elementwise_work *w = arg;
	size_t begin = (size_t)piece * PIECE, end = begin + PIECE;
	(void)worker;
	w->f(w, begin, end < w->floats ? end : w->floats);
}

static void over_pieces(struct backend_ctx *ctx, struct elementwise_work *w)
{
	w->floats = (size_t)w->c->n * (size_t)w->c->out_size;
	pool_run(ctx->pool, (int)((w->floats + PIECE - 1) / PIECE), piece_task, w);
}

static void relu_piece(const struct elementwise_work *w, size_t begin, size_t end)
{
	for (size_t k = begin; k < end; k++)
		w->to[k] = w->a[k] <= 0 ? 0 : w->a[k];
}

int relu_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	(void)err;
	over_pieces(ctx, &(struct elementwise_work){ .c = c, .a = c->in[0], .to = c->out, .f = relu_piece });
	return 0;
}

static void relu_back_piece(const struct elementwise_work *w, size_t begin, size_t end)
{
	for (size_t k = begin; k < end; k++) {
		float d = w->b[k] <= 0 ? 0 : w->a[k];
		w->to[k] = w->add ? w->to[k] + d : d;
	}
}

int relu_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	(void)err;
	if (c->d_in[0])
		over_pieces(ctx, &(struct elementwise_work){ .c = c,
							     .a = c->d_out,
							     .b = c->out,
							     .to = c->d_in[0],
							     .add = c->add[0],
							     .f = relu_back_piece });
	return 0;
}

static void add_piece(const struct elementwise_work *w, size_t begin, size_t end)
{
	for (size_t k = begin; k < end; k++)
		w->to[k] = w->a[k] + w->b[k];
}

int add_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	(void)err;
	over_pieces(ctx,
		    &(struct elementwise_work){ .c = c, .a = c->in[0], .b = c->in[1], .to = c->out, .f = add_piece });
	return 0;
}

static void copy_piece(const struct elementwise_work *w, size_t begin, size_t end)
{
	for (size_t k = begin; k < end; k++)
		w->to[k] = w->add ? w->to[k] + w->a[k] : w->a[k];
}

int add_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	(void)err;
	for (int i = 0; i < 2; i++)
		if (c->d_in[i])
			over_pieces(
				ctx,
				&(struct elementwise_work){
					.c = c, .a = c->d_out, .to = c->d_in[i], .add = c->add[i], .f = copy_piece });
	return 0;
}

static void mix_task(void *arg, int i, int worker)
{
	const struct op_call *c = arg;
	size_t n = (size_t)c->out_size;
	float l = c->batch->lambda[i];
	const float *x = c->in[0] + (size_t)i * n, *p = c->in[0] + (size_t)c->batch->partner[i] * n;
	float *y = c->out + (size_t)i * n;
	(void)worker;
	for (size_t k = 0; k < n; k++)
		y[k] = l * x[k] + (1 - l) * p[k];
}

int mix_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	(void)err;
	if (batch_mixes_at(c->batch, c->op->mix.layer))
		pool_run(ctx->pool, c->n, mix_task, (void *)c);
	else
		over_pieces(ctx, &(struct elementwise_work){ .c = c, .a = c->in[0], .to = c->out, .f = copy_piece });
	return 0;
}

/* What sample i gave itself, then what it gave as a partner, in order of those it was mixed into. */
static void mix_back_task(void *arg, int i, int worker)
{
	const struct op_call *c = arg;
	const struct batch *b = c->batch;
	size_t n = (size_t)c->out_size;
	float *d = c->d_in[0] + (size_t)i * n;
	const float *g = c->d_out + (size_t)i * n;
	(void)worker;
	for (size_t k = 0; k < n; k++)
		d[k] = (c->add[0] ? d[k] : 0) + b->lambda[i] * g[k];
	for (int j = 0; j < c->n; j++) {
		if (b->partner[j] != (uint32_t)i)
			continue;
		g = c->d_out + (size_t)j * n;
		for (size_t k = 0; k < n; k++)
			d[k] += (1 - b->lambda[j]) * g[k];
	}
}

int mix_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	(void)err;
	if (!c->d_in[0])
		return 0;
	if (batch_mixes_at(c->batch, c->op->mix.layer))
		pool_run(ctx->pool, c->n, mix_back_task, (void *)c);
	else
		over_pieces(ctx, &(struct elementwise_work){
					 .c = c, .a = c->d_out, .to = c->d_in[0], .add = c->add[0], .f = copy_piece });
	return 0;
}

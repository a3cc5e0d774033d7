/* Dropout and the linear layer. A record's logits must not depend on the number of records beside it, so the forward
 * product runs over whole steps of GEMM_WHOLE rows; rows computed twice get the same bytes. Backward needs no such
 * care: it runs only on training batches, whose size is given. The bias gradient is summed in double, in sample
 * order. */
#include "cpu.h"

#include "models/core/mask.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

struct dense_work {
	const struct op_call *c;
	int n;
};

static void dropout_task(void *arg, int b, int worker)
{
	struct dense_work *w = arg;
	const struct op_call *c = w->c;
	double rate = c->op->dropout.rate;
	float on = c->op->dropout.inverted ? (float)(1 / (1 - rate)) : 1;
	int n = c->out_size;
	unsigned char *keep = (unsigned char *)c->state + (size_t)b * (size_t)n;
	const float *x = c->in[0] + (size_t)b * (size_t)n;
	float *y = c->out + (size_t)b * (size_t)n;
	(void)worker;
	mask_draw(keep, n, rate, c->batch->seed, c->batch->epoch, c->op->dropout.layer, c->batch->sample[b]);
	for (int k = 0; k < n; k++)
		y[k] = keep[k] ? x[k] * on : 0;
}

int dropout_prepare(struct backend_ctx *ctx, const struct op *op, const struct graph *g, int max_n, int training,
		    void **state, struct err *err)
{
	(void)ctx;
	(void)training;
	return mem_alloc(state, (size_t)max_n * shape_size(g->value[op->out].shape), 1, err);
}

int dropout_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	(void)err;
	struct dense_work w = { c, 0 };
	double rate = c->op->dropout.rate;
	size_t all = (size_t)c->n * (size_t)c->out_size;
	if (c->phase == PHASE_PREDICT || rate == 0) {
		float by = c->phase != PHASE_PREDICT || c->op->dropout.inverted ? 1 : (float)(1 - rate);
		for (size_t i = 0; i < all; i++)
			c->out[i] = c->in[0][i] * by;
		return 0;
	}
	pool_run(ctx->pool, c->n, dropout_task, &w);
	return 0;
}

int dropout_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	double rate = c->op->dropout.rate;
	float on = c->op->dropout.inverted ? (float)(1 / (1 - rate)) : 1;
	size_t all = (size_t)c->n * (size_t)c->out_size;
	const unsigned char *keep = c->state;
	(void)ctx;
	(void)err;
	float *to = c->d_in[0];
	const float *restrict from = c->d_out;
	if (!to)
		return 0;
	if (rate == 0 || c->add[0])
		for (size_t i = 0; i < all; i++)
			to[i] = (c->add[0] ? to[i] : 0) + (rate == 0 || keep[i] ? from[i] * on : 0);
	else
		for (size_t i = 0; i < all; i++)
			to[i] = keep[i] ? from[i] * on : 0;
	return 0;
}

/* y[n][out] = x[n][in] w[out][in]^T, each row as if it were alone: the last rows, fewer than GEMM_WHOLE, go with those
 * before them, or with rows of zeros where there are none. */
static int whole_rows(int n, int out, int in, const float *x, const float *w, float *y, struct err *err)
{
	int whole = n / GEMM_WHOLE * GEMM_WHOLE, left = n - whole, from = n - GEMM_WHOLE;
	if (whole && gemm_nt(whole, out, in, x, in, w, in, y, out))
		return err_memory(err);
	if (!left)
		return 0;
	if (whole)
		return gemm_nt(GEMM_WHOLE, out, in, x + (size_t)from * (size_t)in, in, w, in,
			       y + (size_t)from * (size_t)out, out)
			       ? err_memory(err)
			       : 0;
	float *few;
	size_t x_size = (size_t)GEMM_WHOLE * (size_t)in;
	if (mem_alloc(&few, x_size + (size_t)GEMM_WHOLE * (size_t)out, sizeof *few, err))
		return -1;
	memcpy(few, x, (size_t)left * (size_t)in * sizeof *few);
	int rc = gemm_nt(GEMM_WHOLE, out, in, few, in, w, in, few + x_size, out) ? err_memory(err) : 0;
	memcpy(y, few + x_size, (size_t)left * (size_t)out * sizeof *few);
	free(few);
	return rc;
}

int linear_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	int in = c->in_size[0], out = c->out_size;
	(void)ctx;
	if (whole_rows(c->n, out, in, c->in[0], c->param[0], c->out, err))
		return -1;
	for (int b = 0; b < c->n; b++)
		for (int o = 0; o < out; o++)
			c->out[(size_t)b * (size_t)out + (size_t)o] += c->param[1][o];
	return 0;
}

int linear_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	int in = c->in_size[0], out = c->out_size;
	(void)ctx;
	if (c->d_param[0] && gemm_tn(out, in, c->n, c->d_out, out, c->in[0], in, c->d_param[0], in))
		return err_memory(err);
	for (int o = 0; o < out && c->d_param[1]; o++) {
		double db = 0;
		for (int b = 0; b < c->n; b++)
			db += c->d_out[(size_t)b * (size_t)out + (size_t)o];
		c->d_param[1][o] = (float)db;
	}
	if (!c->d_in[0])
		return 0;
	if (!c->add[0])
		return gemm_nn(c->n, in, out, c->d_out, out, c->param[0], in, c->d_in[0], in) ? err_memory(err) : 0;
	for (int b = 0; b < c->n; b++)
		for (int o = 0; o < out; o++) {
			float g = c->d_out[(size_t)b * (size_t)out + (size_t)o];
			for (int i = 0; i < in; i++)
				c->d_in[0][(size_t)b * (size_t)in + (size_t)i] +=
					g * c->param[0][(size_t)o * (size_t)in + (size_t)i];
		}
	return 0;
}

/* RELU, ADD and MIX by their definitions. */
#include "ref.h"

static void give(const struct op_call *c, int k, size_t i, double d)
{
	c->d_in[k][i] = (float)(c->add[k] ? c->d_in[k][i] + d : d);
}

void ref_relu_forward(const struct op_call *c)
{
	for (size_t i = 0; i < (size_t)c->n * (size_t)c->out_size; i++)
		c->out[i] = c->in[0][i] < 0 ? 0 : c->in[0][i];
}

void ref_relu_backward(const struct op_call *c)
{
	for (size_t i = 0; i < (size_t)c->n * (size_t)c->out_size && c->d_in[0]; i++)
		give(c, 0, i, c->out[i] <= 0 ? 0 : c->d_out[i]);
}

void ref_add_forward(const struct op_call *c)
{
	for (size_t i = 0; i < (size_t)c->n * (size_t)c->out_size; i++)
		c->out[i] = c->in[0][i] + c->in[1][i];
}

void ref_add_backward(const struct op_call *c)
{
	for (int k = 0; k < 2; k++)
		for (size_t i = 0; i < (size_t)c->n * (size_t)c->out_size && c->d_in[k]; i++)
			give(c, k, i, c->d_out[i]);
}

static int mixes(const struct op_call *c)
{
	return batch_mixes_at(c->batch, c->op->mix.layer);
}

void ref_mix_forward(const struct op_call *c)
{
	const struct batch *b = c->batch;
	size_t size = (size_t)c->out_size;
	for (int i = 0; i < c->n; i++) {
		const float *x = c->in[0] + (size_t)i * size, *y = mixes(c) ? c->in[0] + b->partner[i] * size : NULL;
		float *out = c->out + (size_t)i * size;
		for (size_t k = 0; k < size; k++)
			out[k] = y ? (float)((double)b->lambda[i] * x[k] + (1 - (double)b->lambda[i]) * y[k]) : x[k];
	}
}

/* A sample's gradient comes from its own mixture and from every one that it is a partner in. State: one sample's
 * sums. */
void ref_mix_backward(const struct op_call *c)
{
	const struct batch *b = c->batch;
	size_t size = (size_t)c->out_size;
	double *sum = c->state;
	for (int j = 0; j < c->n && c->d_in[0]; j++) {
		for (size_t k = 0; k < size; k++)
			sum[k] = (mixes(c) ? (double)b->lambda[j] : 1) * c->d_out[(size_t)j * size + k];
		for (int i = 0; i < c->n && mixes(c); i++)
			for (size_t k = 0; k < size && (int)b->partner[i] == j; k++)
				sum[k] += (1 - (double)b->lambda[i]) * c->d_out[(size_t)i * size + k];
		for (size_t k = 0; k < size; k++)
			give(c, 0, (size_t)j * size + k, sum[k]);
	}
}

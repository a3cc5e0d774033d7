/* NORM by its definition (Ioffe and Szegedy 2015, algorithm 1 and the gradients below it). */
#include "ref.h"

#include <math.h>

/* Of one channel. `inv` is 1 / sqrt(var + eps). State: [c] of them, of the last batch in training. */
struct moments {
	double mean, inv;
};

size_t ref_norm_state(const struct graph *g, const struct op *op, int max_n, int training)
{
	(void)max_n;
	(void)training;
	return (size_t)g->value[op->out].shape.c * sizeof(struct moments);
}

/* Mean and biased variance of channel ch over samples and positions. */
static void channel_moments(const struct op_call *c, int ch, double *mean, double *var)
{
	size_t channels = (size_t)c->out_shape.c, end = (size_t)c->n * (size_t)c->out_size, count = end / channels;
	double sum = 0, square = 0;
	for (size_t i = (size_t)ch; i < end; i += channels)
		sum += c->in[0][i];
	*mean = sum / (double)count;
	for (size_t i = (size_t)ch; i < end; i += channels)
		square += (c->in[0][i] - *mean) * (c->in[0][i] - *mean);
	*var = square / (double)count;
}

void ref_norm_forward(const struct op_call *c)
{
	struct moments *state = c->state;
	size_t channels = (size_t)c->out_shape.c, end = (size_t)c->n * (size_t)c->out_size;
	double count = (double)(end / channels), momentum = c->op->norm.momentum;
	for (size_t ch = 0; ch < channels; ch++) {
		double gamma = c->param[0][ch], beta = c->param[1][ch], mean = c->param[2][ch], var = c->param[3][ch];
		if (c->phase == PHASE_TRAIN) {
			channel_moments(c, (int)ch, &mean, &var);
			double unbiased = count > 1 ? var * count / (count - 1) : var;
			c->param[2][ch] = (float)(c->param[2][ch] + momentum * (mean - c->param[2][ch]));
			c->param[3][ch] = (float)(c->param[3][ch] + momentum * (unbiased - c->param[3][ch]));
		}
		state[ch] = (struct moments){ mean, 1 / sqrt(var + c->op->norm.eps) };
		for (size_t i = ch; i < end; i += channels) {
			double y = gamma * (c->in[0][i] - mean) * state[ch].inv + beta;
			if (c->op->n_in > 1)
				y += c->in[1][i];
			c->out[i] = (float)(c->op->norm.relu && y < 0 ? 0 : y);
		}
	}
}

/* Behind the ReLU nothing comes through where its output is 0. */
static double through(const struct op_call *c, size_t i)
{
	return c->op->norm.relu && c->out[i] <= 0 ? 0 : c->d_out[i];
}

/* With d = dL/dy, h = (x - mean) inv and m values: dbeta = sum d, dgamma = sum d h,
 * dx = gamma inv (d - dbeta / m - h dgamma / m). */
void ref_norm_backward(const struct op_call *c)
{
	const struct moments *state = c->state;
	size_t channels = (size_t)c->out_shape.c, end = (size_t)c->n * (size_t)c->out_size;
	double count = (double)(end / channels);
	for (size_t ch = 0; ch < channels; ch++) {
		double mean = state[ch].mean, inv = state[ch].inv, d_beta = 0, d_gamma = 0;
		for (size_t i = ch; i < end; i += channels) {
			d_beta += through(c, i);
			d_gamma += through(c, i) * (c->in[0][i] - mean) * inv;
		}
		if (c->d_param[0])
			c->d_param[0][ch] = (float)d_gamma;
		if (c->d_param[1])
			c->d_param[1][ch] = (float)d_beta;
		for (size_t i = ch; i < end && c->d_in[0]; i += channels) {
			double h = (c->in[0][i] - mean) * inv;
			double d = c->param[0][ch] * inv * (through(c, i) - (d_beta + h * d_gamma) / count);
			c->d_in[0][i] = (float)(c->add[0] ? c->d_in[0][i] + d : d);
		}
	}
	for (size_t i = 0; i < end && c->op->n_in > 1 && c->d_in[1]; i++)
		c->d_in[1][i] = (float)(c->add[1] ? c->d_in[1][i] + through(c, i) : through(c, i));
}

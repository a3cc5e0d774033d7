/* DROPOUT, LINEAR and XENT by their definitions. */
#include "ref.h"
#include "models/core/mask.h"

#include <math.h>

int ref_dropped(const struct op_call *c, int b, int k)
{
	unsigned char keep[4];
	uint32_t key[2] = { (uint32_t)c->batch->seed, (uint32_t)(c->batch->seed >> 32) }, out[4];
	uint32_t ctr[4] = { (uint32_t)k / 4, c->batch->sample[b], c->batch->epoch,
			    RNG_DROPOUT | c->op->dropout.layer << 8 };
	philox4x32(out, ctr, key);
	for (int j = 0; j < 4; j++)
		keep[j] = out[j] >= mask_threshold(c->op->dropout.rate);
	return !keep[k % 4];
}

void ref_dropout_forward(const struct op_call *c)
{
	double rate = c->op->dropout.rate, on = c->op->dropout.inverted ? 1 / (1 - rate) : 1;
	int n = c->out_size;
	for (int b = 0; b < c->n; b++)
		for (int k = 0; k < n; k++) {
			double x = c->in[0][(size_t)b * (size_t)n + (size_t)k];
			if (c->phase == PHASE_PREDICT)
				x *= c->op->dropout.inverted ? 1 : 1 - rate;
			else
				x = rate > 0 && ref_dropped(c, b, k) ? 0 : x * on;
			c->out[(size_t)b * (size_t)n + (size_t)k] = (float)x;
		}
}

void ref_dropout_backward(const struct op_call *c)
{
	double rate = c->op->dropout.rate, on = c->op->dropout.inverted ? 1 / (1 - rate) : 1;
	int n = c->out_size;
	for (int b = 0; b < c->n && c->d_in[0]; b++)
		for (int k = 0; k < n; k++) {
			size_t i = (size_t)b * (size_t)n + (size_t)k;
			double d = rate > 0 && ref_dropped(c, b, k) ? 0 : c->d_out[i] * on;
			c->d_in[0][i] = (float)(c->add[0] ? c->d_in[0][i] + d : d);
		}
}

void ref_linear_forward(const struct op_call *c)
{
	int in = c->in_size[0], out = c->out_size;
	for (int b = 0; b < c->n; b++)
		for (int o = 0; o < out; o++) {
			double sum = c->param[1][o];
			for (int i = 0; i < in; i++)
				sum += (double)c->param[0][(size_t)o * (size_t)in + (size_t)i] *
				       c->in[0][(size_t)b * (size_t)in + (size_t)i];
			c->out[(size_t)b * (size_t)out + (size_t)o] = (float)sum;
		}
}

void ref_linear_backward(const struct op_call *c)
{
	int in = c->in_size[0], out = c->out_size;
	for (int o = 0; o < out; o++) {
		double db = 0;
		for (int b = 0; b < c->n; b++)
			db += c->d_out[(size_t)b * (size_t)out + (size_t)o];
		if (c->d_param[1])
			c->d_param[1][o] = (float)db;
		for (int i = 0; i < in && c->d_param[0]; i++) {
			double dw = 0;
			for (int b = 0; b < c->n; b++)
				dw += (double)c->d_out[(size_t)b * (size_t)out + (size_t)o] *
				      c->in[0][(size_t)b * (size_t)in + (size_t)i];
			c->d_param[0][(size_t)o * (size_t)in + (size_t)i] = (float)dw;
		}
	}
	for (int b = 0; b < c->n && c->d_in[0]; b++)
		for (int i = 0; i < in; i++) {
			double dx = c->add[0] ? c->d_in[0][(size_t)b * (size_t)in + (size_t)i] : 0;
			for (int o = 0; o < out; o++)
				dx += (double)c->d_out[(size_t)b * (size_t)out + (size_t)o] *
				      c->param[0][(size_t)o * (size_t)in + (size_t)i];
			c->d_in[0][(size_t)b * (size_t)in + (size_t)i] = (float)dx;
		}
}

/* log sum exp of one row; *entropy = -sum p log p of its softmax. */
static double log_sum_exp(const float *z, int k, double *entropy)
{
	double max = z[0], sum = 0, mean = 0;
	for (int i = 1; i < k; i++)
		max = z[i] > max ? z[i] : max;
	for (int i = 0; i < k; i++)
		sum += exp(z[i] - max);
	double lse = max + log(sum);
	for (int i = 0; i < k; i++)
		mean += exp(z[i] - lse) * (z[i] - lse);
	*entropy = -mean;
	return lse;
}

/* What bce needs of a row's softmax. Only the largest p can come so near 1 that 1 - p loses its digits; log(1 - p) of
 * it is taken from the other logits. */
struct bce {
	int top;
	double lse, rest; /* log(1 - p_top) */
	double odds;      /* sum over all but the top of (1 - t_j) p_j / (1 - p_j) */
};

static struct bce bce_of(const float *z, const float *t, int k, double lse)
{
	struct bce s = { .lse = lse };
	double max = -INFINITY, sum = 0;
	for (int i = 1; i < k; i++)
		s.top = z[i] > z[s.top] ? i : s.top;
	for (int i = 0; i < k; i++)
		max = i != s.top && z[i] > max ? z[i] : max;
	for (int i = 0; i < k; i++) {
		sum += i != s.top ? exp(z[i] - max) : 0;
		s.odds += i != s.top ? (1 - (double)t[i]) / expm1(lse - z[i]) : 0;
	}
	s.rest = max + log(sum) - lse;
	return s;
}

/* log(1 - p_i) */
static double bce_log(const struct bce *s, const float *z, int i)
{
	return i == s->top ? s->rest : log1p(-exp(z[i] - s->lse));
}

/* d/dz_i of -sum_j (1 - t_j) log(1 - p_j): (1 - t_i) p_i - p_i sum over j != i of (1 - t_j) p_j / (1 - p_j). */
static double bce_gradient(const struct bce *s, const float *z, const float *t, int i)
{
	double lp = z[i] - s->lse, p = exp(lp), d = p * ((1 - (double)t[i]) - s->odds);
	if (i == s->top)
		return d;
	/* its own share does not count; the top's does, and p_i / (1 - p_top) is at most 1 */
	d += p * (1 - (double)t[i]) / expm1(-lp);
	return d - (1 - (double)t[s->top]) * exp(z[s->top] - s->lse) * exp(lp - s->rest);
}

void ref_xent_forward(const struct op_call *c)
{
	int classes = c->in_size[0], bce = c->op->xent.bce;
	for (int b = 0; b < c->n; b++) {
		const float *z = c->in[0] + (size_t)b * (size_t)classes,
			    *t = c->batch->target + (size_t)b * (size_t)classes;
		double h, lse = log_sum_exp(z, classes, &h), loss = -c->op->xent.erl * h,
			  part = bce ? 1.0 / classes : 1;
		struct bce s = bce ? bce_of(z, t, classes, lse) : (struct bce){ 0 };
		for (int k = 0; k < classes; k++) {
			loss -= part * t[k] * (z[k] - lse);
			if (bce && t[k] != 1)
				loss -= part * (1 - (double)t[k]) * bce_log(&s, z, k);
		}
		c->out[b] = (float)loss;
	}
}

/* d/dz_k of -sum t log p is p_k * sum(t) - t_k; of -erl * H it is erl * p_k (log p_k + H). */
void ref_xent_backward(const struct op_call *c)
{
	int classes = c->in_size[0], bce = c->op->xent.bce;
	for (int b = 0; b < c->n; b++) {
		const float *z = c->in[0] + (size_t)b * (size_t)classes,
			    *t = c->batch->target + (size_t)b * (size_t)classes;
		double h, lse = log_sum_exp(z, classes, &h), mass = 0;
		struct bce s = bce ? bce_of(z, t, classes, lse) : (struct bce){ 0 };
		for (int k = 0; k < classes; k++)
			mass += t[k];
		for (int k = 0; k < classes; k++) {
			double lp = z[k] - lse, p = exp(lp), d = p * mass - t[k];
			if (bce)
				d = (d + bce_gradient(&s, z, t, k)) / classes;
			d += c->op->xent.erl * p * (lp + h);
			c->d_in[0][(size_t)b * (size_t)classes + (size_t)k] = (float)(d / c->n);
		}
	}
}

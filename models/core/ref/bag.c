/* BAG by its definition: the sum of the rows of a text's n-grams by the root of their number, mixed with the
 * partner's. */
#include "ref.h"

#include <math.h>

/* A run of n-grams of sample b's mixture: its own (who 0) or its partner's (1). */
struct run {
	const uint32_t *local;
	uint32_t n, before; /* n-grams; those of the mixture that come before */
	double each;	    /* weight of one that is kept, before dropout scales it */
};

static int runs(const struct op_call *c)
{
	return batch_mixes_at(c->batch, 0) ? 2 : 1;
}

static struct run run_of(const struct op_call *c, int b, int who)
{
	const struct words *w = c->batch->words;
	uint32_t own = w->begin[b + 1] - w->begin[b], text = who ? c->batch->partner[b] : (uint32_t)b;
	double lambda = runs(c) > 1 ? c->batch->lambda[b] : 1, share = who ? 1 - lambda : lambda;
	uint32_t n = w->begin[text + 1] - w->begin[text];
	return (struct run){ w->local + w->begin[text], n, who ? own : 0, n ? share / sqrt(n) : 0 };
}

static double weight(const struct op_call *c, int b, const struct run *r, uint32_t t)
{
	double rate = c->op->dropout.rate;
	if (c->phase == PHASE_PREDICT || rate <= 0)
		return r->each;
	return ref_dropped(c, b, (int)(r->before + t)) ? 0 : r->each * (c->op->dropout.inverted ? 1 / (1 - rate) : 1);
}

void ref_bag_forward(const struct op_call *c)
{
	size_t size = (size_t)c->out_size;
	double *sum = c->state;
	for (int b = 0; b < c->n; b++) {
		for (size_t k = 0; k < size; k++)
			sum[k] = c->param[1][k];
		for (int who = 0; who < runs(c); who++) {
			struct run r = run_of(c, b, who);
			for (uint32_t t = 0; t < r.n; t++) {
				const float *row = c->param[0] + c->batch->words->word[r.local[t]] * size;
				double w = weight(c, b, &r, t);
				for (size_t k = 0; k < size; k++)
					sum[k] += w * row[k];
			}
		}
		for (size_t k = 0; k < size; k++)
			c->out[(size_t)b * size + k] = (float)sum[k];
	}
}

static void bias_gradient(const struct op_call *c)
{
	size_t size = (size_t)c->out_size;
	for (size_t k = 0; k < size; k++) {
		double sum = 0;
		for (int b = 0; b < c->n; b++)
			sum += c->d_out[(size_t)b * size + k];
		c->d_param[1][k] = (float)sum;
	}
}

void ref_bag_backward(const struct op_call *c)
{
	size_t size = (size_t)c->out_size;
	bias_gradient(c);
	for (size_t i = 0; i < (size_t)c->batch->words->distinct * size; i++)
		c->d_param[0][i] = 0;
	for (int b = 0; b < c->n; b++)
		for (int who = 0; who < runs(c); who++) {
			struct run r = run_of(c, b, who);
			for (uint32_t t = 0; t < r.n; t++) {
				float *row = c->d_param[0] + r.local[t] * size;
				double w = weight(c, b, &r, t);
				for (size_t k = 0; k < size; k++)
					row[k] += (float)(w * c->d_out[(size_t)b * size + k]);
			}
		}
}

/* WORDCONV by its definition: look up, mix, convolve every window, ReLU, max over time. */
#include "ref.h"

#include <math.h>

static int mixes(const struct op_call *c)
{
	return batch_mixes_at(c->batch, 0);
}

/* Element d of position t of sample b's mixed sentence; zero outside both sentences. */
static double mixed(const struct op_call *c, int b, int t, int d)
{
	const struct words *w = c->batch->words;
	int dim = c->op->wordconv.dim, pair = mixes(c), who[2] = { b, pair ? (int)c->batch->partner[b] : b };
	double weight[2] = { pair ? c->batch->lambda[b] : 1, pair ? 1 - (double)c->batch->lambda[b] : 0 }, sum = 0;
	for (int k = 0; k < 2; k++) {
		uint32_t from = w->begin[who[k]], len = w->begin[who[k] + 1] - from;
		if (t < 0 || (uint32_t)t >= len || (k == 1 && !pair))
			continue;
		size_t row = w->word[w->local[from + (uint32_t)t]];
		double e = c->param[0][row * (size_t)dim + (size_t)d];
		if (c->fixed)
			e += c->fixed[row * (size_t)dim + (size_t)d];
		sum += weight[k] * e;
	}
	return sum;
}

static int length(const struct op_call *c, int b)
{
	const struct words *w = c->batch->words;
	int n = (int)(w->begin[b + 1] - w->begin[b]);
	if (mixes(c)) {
		int p = (int)c->batch->partner[b], m = (int)(w->begin[p + 1] - w->begin[p]);
		n = m > n ? m : n;
	}
	return n;
}

enum { WINDOW_OF_ZEROS = INT32_MIN };

void ref_wordconv_forward(const struct op_call *c)
{
	int32_t *arg = c->state;
	int dim = c->op->wordconv.dim, maps = c->op->wordconv.maps, out = maps * c->op->wordconv.widths;
	for (int b = 0; b < c->n; b++)
		for (int k = 0; k < c->op->wordconv.widths; k++) {
			int width = c->op->wordconv.width[k], len = length(c, b);
			const float *filter = c->param[1 + 2 * k], *bias = c->param[2 + 2 * k];
			for (int f = 0; f < maps; f++) {
				double best = 0, bad = 0; /* the window of zeros alone, before its bias */
				int32_t at = WINDOW_OF_ZEROS;
				for (int s = 1 - width; s < len; s++) {
					double sum = 0;
					for (int j = 0; j < width; j++)
						for (int d = 0; d < dim; d++)
							sum += filter[((size_t)j * (size_t)maps + (size_t)f) *
									      (size_t)dim +
								      (size_t)d] *
							       mixed(c, b, s + j, d);
					bad += isnan(sum);
					if (sum > best) {
						best = sum;
						at = s;
					}
				}
				best = bad > 0 ? NAN : best + bias[f]; /* NaN must not hide behind a maximum */
				size_t o = (size_t)b * (size_t)out + (size_t)(k * maps + f);
				c->out[o] = (float)(best < 0 ? 0 : best);
				arg[o] = at;
			}
		}
}

static void scatter(const struct op_call *c, int b, int t, int d, double g)
{
	const struct words *w = c->batch->words;
	int pair = mixes(c), who[2] = { b, pair ? (int)c->batch->partner[b] : b };
	for (int k = 0; k < (pair ? 2 : 1); k++) {
		double weight = !pair ? 1 : k ? 1 - (double)c->batch->lambda[b] : c->batch->lambda[b];
		uint32_t from = w->begin[who[k]], len = w->begin[who[k] + 1] - from;
		if (t < 0 || (uint32_t)t >= len)
			continue;
		size_t row = w->local[from + (uint32_t)t];
		c->d_param[0][row * (size_t)c->op->wordconv.dim + (size_t)d] += (float)(weight * g);
	}
}

void ref_wordconv_backward(const struct op_call *c)
{
	const int32_t *arg = c->state;
	int dim = c->op->wordconv.dim, maps = c->op->wordconv.maps, out = maps * c->op->wordconv.widths;
	if (c->d_param[0])
		for (size_t i = 0; i < (size_t)c->batch->words->distinct * (size_t)dim; i++)
			c->d_param[0][i] = 0;
	for (int k = 0; k < c->op->wordconv.widths; k++) {
		int width = c->op->wordconv.width[k];
		const float *filter = c->param[1 + 2 * k];
		float *d_filter = c->d_param[1 + 2 * k], *d_bias = c->d_param[2 + 2 * k];
		for (int f = 0; f < maps; f++) {
			double db = 0;
			for (int j = 0; j < width; j++)
				for (int d = 0; d < dim; d++)
					d_filter[((size_t)j * (size_t)maps + (size_t)f) * (size_t)dim + (size_t)d] = 0;
			for (int b = 0; b < c->n; b++) {
				size_t o = (size_t)b * (size_t)out + (size_t)(k * maps + f);
				double g = c->out[o] > 0 ? c->d_out[o] : 0;
				db += g;
				if (g == 0 || arg[o] == WINDOW_OF_ZEROS)
					continue;
				for (int j = 0; j < width; j++)
					for (int d = 0; d < dim; d++) {
						size_t at = ((size_t)j * (size_t)maps + (size_t)f) * (size_t)dim +
							    (size_t)d;
						d_filter[at] += (float)(g * mixed(c, b, arg[o] + j, d));
						if (c->d_param[0])
							scatter(c, b, arg[o] + j, d, g * filter[at]);
					}
			}
			d_bias[f] = (float)db;
		}
	}
}

/* OP_NORM over NHWC: a batch is rows of c channels. The work is done on periods of lcm(c, STEP) floats, in which every
 * lane belongs to the same channel each time, so one loop of whole vectors serves every number of channels; what is
 * left behind the last period is done one by one. Blocks of some periods are the tasks. */
#include "cpu.h"

#include "pipeline/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	STEP = 4 * NATIVE,
	BLOCK = 32 << 10 /* floats */,
	FOLD = 512 /* rows summed in float before double takes over */
};

/* Moments of a block, a channel each: what was subtracted, sum and sum of squares after it. */
struct moment {
	double sum, square;
};

struct norm {
	int c, period, blocks; /* blocks: room in part */
	int relu, residual;
	double eps, momentum;
	struct moment *part;   /* [blocks][c]; backward: sums of g and of g * (x - mean) */
	float *from;           /* [blocks][c] what was subtracted */
	float *mean, *scale, *shift, *slope; /* [period] each; see forward and backward */
	double *rstd_of;       /* [c] of the batch */
};

struct norm_work {
	const struct op_call *c;
	struct norm *s;
	size_t floats, block;
};

static int gcd(int a, int b)
{
	return b ? gcd(b, a % b) : a;
}

static size_t block_floats(const struct norm *s)
{
	size_t p = (size_t)s->period;
	return p >= BLOCK ? p : BLOCK / p * p;
}

int norm_prepare(struct backend_ctx *ctx, const struct op *op, const struct graph *g, int max_n, int training,
		 void **state, struct err *err)
{
	struct norm *s;
	struct shape shape = g->value[op->out].shape;
	size_t period, floats = (size_t)max_n * shape_size(shape);
	(void)ctx;
	(void)training;
	if (mem_alloc(&s, 1, sizeof *s, err))
		return -1;
	s->c = shape.c;
	s->period = s->c / gcd(s->c, STEP) * STEP;
	s->relu = op->norm.relu;
	s->residual = op->n_in > 1;
	s->eps = op->norm.eps;
	s->momentum = op->norm.momentum;
	s->blocks = (int)((floats + block_floats(s) - 1) / block_floats(s));
	period = (size_t)s->period;
	if (mem_alloc(&s->part, (size_t)s->blocks * (size_t)s->c, sizeof *s->part, err) ||
	    mem_alloc(&s->from, (size_t)s->c, sizeof *s->from, err) ||
	    mem_alloc(&s->mean, period, sizeof(float), err) || mem_alloc(&s->scale, period, sizeof(float), err) ||
	    mem_alloc(&s->shift, period, sizeof(float), err) || mem_alloc(&s->slope, period, sizeof(float), err) ||
	    mem_alloc(&s->rstd_of, (size_t)s->c, sizeof(double), err)) {
		norm_unprepare(s);
		return -1;
	}
	*state = s;
	return 0;
}

void norm_unprepare(void *state)
{
	struct norm *s = state;
	if (!s)
		return;
	free(s->part);
	free(s->from);
	free(s->mean);
	free(s->scale);
	free(s->shift);
	free(s->slope);
	free(s->rstd_of);
	free(s);
}

static struct norm_work work_of(const struct op_call *c)
{
	struct norm *s = c->state;
	return (struct norm_work){ c, s, (size_t)c->n * (size_t)c->out_size, block_floats(s) };
}

static int blocks_of(const struct norm_work *w)
{
	return (int)((w->floats + w->block - 1) / w->block);
}

/* Repeats the first c floats over the period. */
static void spread(const struct norm *s, float *x)
{
	for (int k = s->c; k < s->period; k++)
		x[k] = x[k - s->c];
}

static void add_lanes(struct moment *part, int c, int at, const nvec *sum, const nvec *square)
{
	for (int k = 0; k < STEP; k++) {
		struct moment *m = &part[(at + k) % c];
		m->sum += sum[k / NATIVE][k % NATIVE];
		m->square += square[k / NATIVE][k % NATIVE];
	}
}

/* Sums of x - m and its square over a block, m being a value of the channel near enough to its mean that nothing is
 * lost: the first of the batch. */
static void moments_task(void *arg, int b, int worker)
{
	struct norm_work *w = arg;
	const struct norm *s = w->s;
	size_t begin = (size_t)b * w->block, end = begin + w->block < w->floats ? begin + w->block : w->floats;
	size_t period = (size_t)s->period, whole = begin + (end - begin) / period * period;
	const float *x = w->c->in[0];
	struct moment *part = s->part + (size_t)b * (size_t)s->c;
	(void)worker;
	memset(part, 0, (size_t)s->c * sizeof *part);
	for (size_t at = 0; at < period; at += STEP) {
		nvec m[4];
		memcpy(m, s->mean + at, sizeof m);
		for (size_t row = begin; row < whole;) {
			nvec sum[4] = { 0 }, square[4] = { 0 };
			for (int k = 0; k < FOLD && row < whole; k++, row += period)
				for (int i = 0; i < 4; i++) {
					nvec d = *(const unvec *)(x + row + at + i * NATIVE) - m[i];
					sum[i] += d;
					square[i] += d * d;
				}
			add_lanes(part, s->c, (int)(at % (size_t)s->c), sum, square);
		}
	}
	for (size_t k = whole; k < end; k++) {
		struct moment *m = &part[k % (size_t)s->c];
		double d = (double)x[k] - s->mean[k % (size_t)s->c];
		m->sum += d;
		m->square += d * d;
	}
}

/* y = scale (x - m) + shift, m the mean in float; what that lost is in the shift. Not scale x + (beta - scale mean):
 * with a tiny variance scale x and scale mean are huge and nearly equal, and beta would be lost to cancellation. */
static void set_scale(struct norm *s, const struct op_call *c, int k, double mean, double rstd)
{
	double scale = c->param[0][k] * rstd;
	s->mean[k] = (float)mean;
	s->scale[k] = (float)scale;
	s->shift[k] = (float)(c->param[1][k] + ((double)s->mean[k] - mean) * scale);
}

static void batch_statistics(struct backend_ctx *ctx, struct norm_work *w)
{
	struct norm *s = w->s;
	const struct op_call *c = w->c;
	double count = (double)(w->floats / (size_t)s->c);
	int blocks = blocks_of(w);
	memcpy(s->mean, c->in[0], (size_t)s->c * sizeof *s->mean);
	for (int k = 0; k < s->c; k++)
		s->mean[k] = isfinite(s->mean[k]) ? s->mean[k] : 0;
	spread(s, s->mean);
	pool_run(ctx->pool, blocks, moments_task, w);
	for (int k = 0; k < s->c; k++) {
		double sum = 0, square = 0;
		for (int b = 0; b < blocks; b++) {
			sum += s->part[(size_t)b * (size_t)s->c + (size_t)k].sum;
			square += s->part[(size_t)b * (size_t)s->c + (size_t)k].square;
		}
		double mean = s->mean[k] + sum / count, var = square / count - sum / count * (sum / count);
		var = var < 0 ? 0 : var;
		s->rstd_of[k] = 1 / sqrt(var + s->eps);
		set_scale(s, c, k, mean, s->rstd_of[k]);
		c->param[2][k] += (float)(s->momentum * (mean - c->param[2][k]));
		c->param[3][k] += (float)(s->momentum * (var * (count > 1 ? count / (count - 1) : 1) - c->param[3][k]));
	}
}

static inline nvec forward_vec(const struct norm *s, nvec x, size_t at, const float *r)
{
	nvec y = (x - *(const nvec *)(s->mean + at)) * *(const nvec *)(s->scale + at) + *(const nvec *)(s->shift + at);
	if (s->residual)
		y += *(const unvec *)r;
	return s->relu ? relu(y) : y;
}

static void norm_forward_task(void *arg, int b, int worker)
{
	struct norm_work *w = arg;
	const struct norm *s = w->s;
	size_t begin = (size_t)b * w->block, end = begin + w->block < w->floats ? begin + w->block : w->floats;
	size_t period = (size_t)s->period, row = begin;
	const float *x = w->c->in[0], *r = s->residual ? w->c->in[1] : x;
	float *y = w->c->out;
	(void)worker;
	for (; row + period <= end; row += period)
		for (size_t at = 0; at < period; at += NATIVE)
			*(unvec *)(y + row + at) = forward_vec(s, *(const unvec *)(x + row + at), at, r + row + at);
	for (size_t k = row; k < end; k++) {
		float v = (x[k] - s->mean[k - row]) * s->scale[k - row] + s->shift[k - row] + (s->residual ? r[k] : 0);
		y[k] = s->relu && v <= 0 ? 0 : v;
	}
}

int norm_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct norm_work w = work_of(c);
	(void)err;
	if (c->phase == PHASE_TRAIN)
		batch_statistics(ctx, &w);
	else
		for (int k = 0; k < w.s->c; k++)
			set_scale(w.s, c, k, c->param[2][k], 1 / sqrt((double)c->param[3][k] + w.s->eps));
	spread(w.s, w.s->mean);
	spread(w.s, w.s->scale);
	spread(w.s, w.s->shift);
	pool_run(ctx->pool, blocks_of(&w), norm_forward_task, &w);
	return 0;
}

/* The gradient after the ReLU: 0 where it cut. */
static inline nvec after_relu(const struct norm *s, nvec g, const float *y)
{
	return s->relu ? pick(*(const unvec *)y <= splat(0), splat(0), g) : g;
}

static void sums_task(void *arg, int b, int worker)
{
	struct norm_work *w = arg;
	const struct norm *s = w->s;
	size_t begin = (size_t)b * w->block, end = begin + w->block < w->floats ? begin + w->block : w->floats;
	size_t period = (size_t)s->period, whole = begin + (end - begin) / period * period;
	const float *x = w->c->in[0], *y = w->c->out, *g = w->c->d_out;
	struct moment *part = s->part + (size_t)b * (size_t)s->c;
	(void)worker;
	memset(part, 0, (size_t)s->c * sizeof *part);
	for (size_t at = 0; at < period; at += STEP) {
		nvec m[4];
		memcpy(m, s->mean + at, sizeof m);
		for (size_t row = begin; row < whole;) {
			nvec sum[4] = { 0 }, product[4] = { 0 };
			for (int k = 0; k < FOLD && row < whole; k++, row += period)
				for (int i = 0; i < 4; i++) {
					size_t p = row + at + (size_t)i * NATIVE;
					nvec d = after_relu(s, *(const unvec *)(g + p), y + p);
					sum[i] += d;
					product[i] += d * (*(const unvec *)(x + p) - m[i]);
				}
			add_lanes(part, s->c, (int)(at % (size_t)s->c), sum, product);
		}
	}
	for (size_t k = whole; k < end; k++) {
		struct moment *m = &part[k % (size_t)s->c];
		double d = s->relu && y[k] <= 0 ? 0 : g[k];
		m->sum += d;
		m->square += d * ((double)x[k] - s->mean[k % (size_t)s->c]);
	}
}

/* d_x = scale g + slope (x - mean) + shift. Before d_r, which adds to it where both inputs are one value. */
static void norm_backward_task(void *arg, int b, int worker)
{
	struct norm_work *w = arg;
	const struct op_call *c = w->c;
	const struct norm *s = w->s;
	size_t begin = (size_t)b * w->block, end = begin + w->block < w->floats ? begin + w->block : w->floats;
	size_t period = (size_t)s->period, row = begin;
	const float *x = c->in[0], *y = c->out, *g = c->d_out;
	float *d_x = c->d_in[0], *d_r = s->residual ? c->d_in[1] : NULL;
	(void)worker;
	for (; row + period <= end; row += period)
		for (size_t at = 0; at < period; at += NATIVE) {
			size_t p = row + at;
			nvec d = after_relu(s, *(const unvec *)(g + p), y + p);
			nvec off = *(const unvec *)(x + p) - *(const nvec *)(s->mean + at);
			nvec v = *(const nvec *)(s->scale + at) * d + *(const nvec *)(s->shift + at) +
				*(const nvec *)(s->slope + at) * off;
			if (d_x)
				*(unvec *)(d_x + p) = c->add[0] ? *(const unvec *)(d_x + p) + v : v;
			if (d_r)
				*(unvec *)(d_r + p) = c->add[1] ? *(const unvec *)(d_r + p) + d : d;
		}
	for (size_t p = row; p < end; p++) {
		size_t at = p - row;
		float d = s->relu && y[p] <= 0 ? 0 : g[p],
		      v = s->scale[at] * d + s->shift[at] + s->slope[at] * (x[p] - s->mean[at]);
		if (d_x)
			d_x[p] = c->add[0] ? d_x[p] + v : v;
		if (d_r)
			d_r[p] = c->add[1] ? d_r[p] + d : d;
	}
}

/* Ioffe and Szegedy 2015, section 3: with G = sum g and P = sum g (x - mean) over the batch of m,
 * d_beta = G, d_gamma = P rstd, d_x = gamma rstd (g - G / m - (x - mean) rstd^2 P / m). */
int norm_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct norm_work w = work_of(c);
	struct norm *s = w.s;
	double count = (double)(w.floats / (size_t)s->c);
	int blocks = blocks_of(&w);
	(void)err;
	pool_run(ctx->pool, blocks, sums_task, &w); /* mean is forward's still */
	for (int k = 0; k < s->c; k++) {
		double sum = 0, product = 0, scale = c->param[0][k] * s->rstd_of[k];
		for (int b = 0; b < blocks; b++) {
			sum += s->part[(size_t)b * (size_t)s->c + (size_t)k].sum;
			product += s->part[(size_t)b * (size_t)s->c + (size_t)k].square;
		}
		if (c->d_param[0])
			c->d_param[0][k] = (float)(product * s->rstd_of[k]);
		if (c->d_param[1])
			c->d_param[1][k] = (float)sum;
		s->scale[k] = (float)scale;
		s->shift[k] = (float)(-scale * sum / count);
		s->slope[k] = (float)(-scale * s->rstd_of[k] * s->rstd_of[k] * product / count);
	}
	spread(s, s->scale);
	spread(s, s->shift);
	spread(s, s->slope);
	if (c->d_in[0] || c->d_in[1])
		pool_run(ctx->pool, blocks, norm_backward_task, &w);
	return 0;
}

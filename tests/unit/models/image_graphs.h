/* Small image networks at odd shapes, and a batch for each: what the tests of the image ops run. */
#ifndef VIC_TEST_IMAGE_GRAPHS_H
#define VIC_TEST_IMAGE_GRAPHS_H

#include "models/core/backend.h"
#include "pipeline/base/philox.h"

enum { LAYERS = 15, MAX_N = 6, IMAGES = 9, CLASSES = 3 };
enum partners { ALONE, WITHIN /* the batch */, BEYOND /* it */ };

/* Layer i makes value i; value 0 is the images. A linear layer to CLASSES logits and the loss follow the last one. */
struct layer {
	enum op_type type;
	int in[2];                                /* -1: no second */
	int out, kernel, stride, pad, groups, on; /* on: bias, relu, average, inverted, by type */
	double rate;
};
#define CONV(from, out, k, s, p, groups, bias) { OP_CONV, { from, -1 }, out, k, s, p, groups, bias, 0 }
#define NORM(from, relu) { OP_NORM, { from, -1 }, 0, 0, 0, 0, 0, relu, 0 }
#define NORM2(from, rest, relu) { OP_NORM, { from, rest }, 0, 0, 0, 0, 0, relu, 0 }
#define RELU(from) { OP_RELU, { from, -1 }, 0, 0, 0, 0, 0, 0, 0 }
#define ADD(a, b) { OP_ADD, { a, b }, 0, 0, 0, 0, 0, 0, 0 }
#define MAX(from, k, s, p) { OP_POOL, { from, -1 }, 0, k, s, p, 0, 0, 0 }
#define MEAN(from, k, s) { OP_POOL, { from, -1 }, 0, k, s, 0, 0, 1, 0 }
#define MIX(from, number) { OP_MIX, { from, -1 }, number, 0, 0, 0, 0, 0, 0 }
#define DROP(from, rate, inverted) { OP_DROPOUT, { from, -1 }, 0, 0, 0, 0, 0, inverted, rate }

struct picture_case {
	const char *name;
	int n, h, w, c;          /* what the network sees; images are 2 larger each way */
	struct layer layer[LAYERS]; /* as many as have a type: 0 is no image op */
	enum partners partners;
	int mix_at, is_float, bce;
	double erl;
};

static const struct picture_case picture_cases[] = {
	{ "stem of ImageNet",
	  3,
	  13,
	  11,
	  3,
	  { CONV(0, 16, 7, 2, 3, 1, 0), NORM(1, 1), MAX(2, 3, 2, 1), MEAN(3, 0, 0) },
	  ALONE,
	  0,
	  0,
	  0,
	  0 },
	{ "1x1", 5, 7, 5, 5, { CONV(0, 17, 1, 1, 0, 1, 1), RELU(1), CONV(2, 5, 1, 2, 0, 1, 0) }, WITHIN, 0, 1, 0, 0.3 },
	{ "3x3, one channel",
	  4,
	  9,
	  6,
	  1,
	  { CONV(0, 32, 3, 1, 1, 1, 0), NORM(1, 1), CONV(2, 17, 3, 2, 1, 1, 1), NORM(3, 0), CONV(4, 1, 3, 1, 0, 1, 0) },
	  BEYOND,
	  0,
	  0,
	  1,
	  0.1 },
	{ "5x5",
	  2,
	  8,
	  9,
	  3,
	  { CONV(0, 5, 5, 1, 2, 1, 1), RELU(1), CONV(2, 16, 5, 2, 1, 1, 0), CONV(3, 3, 3, 1, 2, 1, 1) },
	  ALONE,
	  0,
	  1,
	  0,
	  0 },
	{ "7x7 inside",
	  2,
	  9,
	  7,
	  3,
	  { CONV(0, 5, 3, 1, 1, 1, 0), CONV(1, 17, 7, 2, 3, 1, 1), CONV(2, 16, 5, 3, 2, 1, 0) },
	  BEYOND,
	  0,
	  1,
	  0,
	  0 },
	{ "two groups",
	  3,
	  7,
	  6,
	  5,
	  { CONV(0, 32, 1, 1, 0, 1, 0), CONV(1, 32, 3, 1, 1, 2, 0), NORM(2, 1), CONV(3, 6, 3, 2, 1, 2, 1) },
	  ALONE,
	  0,
	  0,
	  0,
	  0 },
	{ "depth-wise",
	  3,
	  7,
	  8,
	  3,
	  { CONV(0, 17, 1, 1, 0, 1, 1), CONV(1, 17, 3, 2, 1, 17, 1), NORM(2, 1), CONV(3, 34, 3, 1, 1, 17, 0) },
	  WITHIN,
	  0,
	  0,
	  1,
	  0 },
	{ "eight groups",
	  2,
	  6,
	  5,
	  3,
	  { CONV(0, 32, 3, 1, 1, 1, 0), CONV(1, 64, 3, 2, 1, 8, 0), NORM(2, 1), CONV(3, 32, 1, 1, 0, 8, 1) },
	  ALONE,
	  0,
	  0,
	  0,
	  0 },
	{ "groups of images", 2, 5, 6, 3, { CONV(0, 6, 3, 1, 1, 3, 1), RELU(1) }, ALONE, 0, 1, 0, 0 },
	{ "residual",
	  4,
	  7,
	  9,
	  3,
	  { CONV(0, 16, 3, 1, 1, 1, 0), NORM(1, 1), CONV(2, 16, 3, 1, 1, 1, 0), NORM(3, 1), CONV(4, 16, 3, 1, 1, 1, 0),
	    NORM2(5, 2, 1), CONV(6, 32, 3, 2, 1, 1, 0), NORM(7, 1), CONV(8, 32, 3, 1, 1, 1, 0),
	    CONV(6, 32, 1, 2, 0, 1, 0), NORM(10, 0), NORM2(9, 11, 1), MEAN(12, 0, 0) },
	  WITHIN,
	  0,
	  0,
	  0,
	  0 },
	{ "preact",
	  3,
	  6,
	  7,
	  3,
	  { CONV(0, 16, 3, 1, 1, 1, 0), NORM(1, 1), CONV(2, 16, 3, 1, 1, 1, 0), NORM(3, 1), CONV(4, 16, 3, 1, 1, 1, 0),
	    ADD(5, 1), NORM(6, 1), CONV(7, 17, 3, 2, 1, 1, 0), CONV(7, 17, 1, 2, 0, 1, 0), ADD(8, 9), MEAN(10, 3, 3) },
	  ALONE,
	  0,
	  0,
	  0,
	  0 },
	{ "read twice by one op",
	  3,
	  5,
	  4,
	  3,
	  { CONV(0, 5, 3, 1, 1, 1, 0), ADD(1, 1), NORM2(2, 2, 0), NORM2(3, 2, 1), RELU(2), ADD(5, 4) },
	  ALONE,
	  0,
	  0,
	  0,
	  0 },
	{ "every reader adds",
	  3,
	  6,
	  5,
	  3,
	  { CONV(0, 6, 3, 1, 1, 1, 0), RELU(1), MAX(1, 3, 1, 1), CONV(1, 6, 3, 1, 1, 2, 0), MEAN(1, 3, 1), MIX(1, 1),
	    DROP(1, 0.5, 1), ADD(2, 3), ADD(4, 6), NORM2(7, 1, 1), ADD(8, 9), ADD(10, 11), ADD(12, 1), MAX(13, 3, 1, 0),
	    ADD(5, 14) },
	  WITHIN,
	  1,
	  0,
	  0,
	  0 },
	{ "pools",
	  3,
	  9,
	  8,
	  3,
	  { CONV(0, 17, 1, 1, 0, 1, 1), MAX(1, 2, 2, 0), MAX(1, 3, 2, 1), MAX(3, 2, 1, 0), MEAN(1, 3, 2), ADD(4, 5),
	    MEAN(6, 2, 2), MEAN(2, 4, 1), MEAN(7, 0, 0), ADD(8, 9) },
	  ALONE,
	  0,
	  0,
	  0,
	  0 },
	{ "pools of many ties",
	  3,
	  8,
	  7,
	  3,
	  { CONV(0, 16, 3, 1, 1, 1, 0), NORM(1, 1), MAX(2, 3, 1, 1), MAX(3, 3, 2, 1), MEAN(4, 0, 0) },
	  ALONE,
	  0,
	  0,
	  0,
	  0 },
	{ "mixed at 1 of 2",
	  5,
	  5,
	  6,
	  3,
	  { CONV(0, 16, 3, 1, 1, 1, 0), MIX(1, 1), NORM(2, 1), CONV(3, 5, 3, 2, 1, 1, 0), MIX(4, 2) },
	  WITHIN,
	  1,
	  0,
	  1,
	  0 },
	{ "mixed at 2 of 2",
	  6,
	  5,
	  6,
	  3,
	  { MIX(0, 1), CONV(1, 16, 3, 1, 1, 1, 0), RELU(2), CONV(3, 5, 3, 2, 1, 1, 0), MIX(4, 2) },
	  WITHIN,
	  2,
	  1,
	  0,
	  0 },
	{ "mixed below", 4, 5, 6, 3, { CONV(0, 5, 3, 1, 1, 1, 0), MIX(1, 1), NORM(2, 1) }, BEYOND, 0, 0, 0, 0 },
	{ "dropout",
	  4,
	  5,
	  6,
	  3,
	  { CONV(0, 17, 3, 1, 1, 1, 0), DROP(1, 0.3, 1), NORM(2, 1), MEAN(3, 0, 0), DROP(4, 0.5, 0) },
	  WITHIN,
	  0,
	  0,
	  1,
	  0.2 },
	{ "one value a channel",
	  1,
	  3,
	  3,
	  3,
	  { CONV(0, 5, 3, 1, 0, 1, 0), NORM(1, 1), CONV(2, 17, 1, 1, 0, 1, 1) },
	  ALONE,
	  0,
	  0,
	  0,
	  0 },
	{ "no convolution", 2, 5, 4, 2, { NORM(0, 1), MEAN(1, 2, 1), RELU(2) }, WITHIN, 0, 1, 0, 0 },
	{ "wide and narrow pads",
	  2,
	  5,
	  4,
	  3,
	  { CONV(0, 16, 3, 1, 2, 1, 0), CONV(1, 32, 3, 1, 0, 1, 1), CONV(2, 16, 3, 1, 2, 1, 1), RELU(3),
	    CONV(4, 16, 3, 1, 3, 1, 0) },
	  ALONE,
	  0,
	  0,
	  0,
	  0 },
	{ "shards and a rest",
	  5,
	  7,
	  6,
	  3,
	  { CONV(0, 64, 3, 1, 1, 1, 0), NORM(1, 1), CONV(2, 32, 3, 1, 1, 1, 0), NORM(3, 1), CONV(4, 48, 3, 2, 1, 1, 0),
	    NORM(5, 1), MEAN(6, 0, 0) },
	  WITHIN,
	  0,
	  0,
	  0,
	  0 },
	{ "many places",
	  2,
	  17,
	  15,
	  3,
	  { CONV(0, 16, 3, 1, 2, 1, 0), CONV(1, 16, 3, 1, 0, 1, 1), NORM(2, 1), CONV(3, 32, 3, 1, 1, 1, 0),
	    MEAN(4, 0, 0) },
	  ALONE,
	  0,
	  0,
	  0,
	  0 },
	{ "many weights",
	  3,
	  3,
	  5,
	  3,
	  { CONV(0, 256, 3, 1, 1, 1, 0), NORM(1, 1), CONV(2, 288, 3, 1, 1, 1, 0), MEAN(3, 0, 0) },
	  ALONE,
	  0,
	  0,
	  0,
	  0 },
};
enum { PICTURE_CASES = sizeof picture_cases / sizeof *picture_cases };
/* the last are too slow for finite differences, the very last for every day */
enum { SMALL_CASES = PICTURE_CASES - 3 };

static inline double draw(uint32_t a, uint32_t b)
{
	struct rng r;
	rng_init(&r, 12, RNG_TEST, a, b);
	return rng_real(&r);
}

static inline int new_param(struct graph *g, struct op *op, const char *what, enum param_kind kind, int ndim,
			    const int64_t *dim)
{
	struct err err = ERR_NONE;
	char name[GRAPH_NAME];
	snprintf(name, sizeof name, "%.20s.%s", op->name, what);
	return op->param[op->n_param++] = graph_param(g, name, kind, ndim, dim, &err);
}

static inline int put_op(struct graph *g, const struct op *op, struct shape out)
{
	struct err err = ERR_NONE;
	return graph_add(g, op, out, &err);
}

static inline int windows(int size, int kernel, int stride, int pad)
{
	return (size + 2 * pad - kernel) / stride + 1;
}

static inline void put_layer(struct graph *g, const struct layer *l, int i)
{
	struct op op = { .type = l->type, .n_in = l->in[1] < 0 ? 1 : 2, .in = { l->in[0], l->in[1] } };
	struct shape in = g->value[l->in[0]].shape, out = in;
	snprintf(op.name, sizeof op.name, "%d %s", i, op_info[l->type].name);
	if (l->type == OP_CONV || (l->type == OP_POOL && l->kernel)) {
		out.h = windows(in.h, l->kernel, l->stride, l->pad);
		out.w = windows(in.w, l->kernel, l->stride, l->pad);
	} else if (l->type == OP_POOL) {
		out.h = out.w = 1;
	}
	if (l->type == OP_CONV) {
		int64_t dim[] = { l->out, in.c / l->groups, l->kernel, l->kernel };
		out.c = l->out;
		op.conv.kernel = l->kernel, op.conv.stride = l->stride, op.conv.pad = l->pad,
		op.conv.groups = l->groups;
		new_param(g, &op, "weight", PARAM_WEIGHT, 4, dim);
		if (l->on)
			new_param(g, &op, "bias", PARAM_BIAS, 1, dim);
	}
	if (l->type == OP_NORM) {
		int64_t dim[] = { in.c };
		op.norm.eps = 1e-5, op.norm.momentum = 0.1, op.norm.relu = l->on;
		new_param(g, &op, "gamma", PARAM_SCALE, 1, dim);
		new_param(g, &op, "beta", PARAM_BIAS, 1, dim);
		new_param(g, &op, "mean", PARAM_STATE, 1, dim);
		new_param(g, &op, "variance", PARAM_STATE, 1, dim);
	}
	op.pool.kernel = l->kernel, op.pool.stride = l->stride, op.pool.pad = l->pad, op.pool.average = l->on;
	op.dropout.rate = l->rate, op.dropout.inverted = l->on, op.dropout.layer = (uint32_t)i;
	op.mix.layer = l->out;
	put_op(g, &op, out);
}

static inline void build_graph(struct graph *g, const struct picture_case *c)
{
	struct op op = { .type = OP_IMAGES, .name = "0 images" };
	int last = put_op(g, &op, (struct shape){ c->h, c->w, c->c });
	for (int i = 0; i < LAYERS && c->layer[i].type; i++, last++)
		put_layer(g, &c->layer[i], i + 1);
	int64_t dim[] = { CLASSES, (int64_t)shape_size(g->value[last].shape) };
	op = (struct op){ .type = OP_LINEAR, .name = "linear", .n_in = 1, .in = { last } };
	new_param(g, &op, "weight", PARAM_WEIGHT, 2, dim);
	new_param(g, &op, "bias", PARAM_BIAS, 1, dim);
	g->logits = put_op(g, &op, (struct shape){ 1, 1, CLASSES });
	op = (struct op){ .type = OP_XENT,
			  .name = "loss",
			  .n_in = 1,
			  .in = { g->logits },
			  .xent = { .erl = c->erl, .bce = c->bce } };
	g->loss = put_op(g, &op, (struct shape){ 1, 1, 1 });
}

#endif

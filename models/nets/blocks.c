/* The pieces that image networks are put together from, and their first weights. Sizes are refused in add(), before the
 * planner multiplies them. An op's parameters are added in the order in which graph.h numbers them; a parameter's
 * number in the graph keys its draw, so one more parameter changes the first weights of all after it. net_image_init
 * tells a parameter by rank, kind and name: four dimensions are a convolution, two the linear layer, and only norms
 * under "layer" may begin at 0. */
#include "blocks.h"

#include "pipeline/base/philox.h"

#include <math.h>
#include <string.h>

enum { MOST_CHANNELS = 1 << 16, MOST_FLOATS = 1 << 28 };

static struct shape shape_of(const struct net_build *b, int v)
{
	return b->g->value[v].shape;
}

static int add_op(struct net_build *b, struct op *op, const char *name, struct shape out)
{
	snprintf(op->name, sizeof op->name, "%s", name);
	if (out.c > MOST_CHANNELS || (double)out.h * out.w * out.c > MOST_FLOATS)
		return err_usage(b->err, "%s: %s would be of %dx%dx%d, which is too large", b->net->name, name, out.h,
				 out.w, out.c);
	return graph_add(b->g, op, out, b->err);
}

static int param(struct net_build *b, struct op *op, const char *module, const char *what, enum param_kind kind,
		 int ndim, const int64_t *dim)
{
	char name[GRAPH_NAME];
	snprintf(name, sizeof name, "%s.%s", module, what);
	int p = graph_param(b->g, name, kind, ndim, dim, b->err);
	if (p >= 0)
		op->param[op->n_param++] = p;
	return p < 0 ? -1 : 0;
}

int net_begin(struct net_build *b)
{
	const struct net_config *c = b->config;
	struct op op = { .type = OP_IMAGES };
	if (!(c->width_factor > 0 && c->width_factor <= 64))
		return err_usage(b->err, "%s: a width of %g; it is above 0 and at most 64", b->net->name,
				 c->width_factor);
	if (c->classes < 1 || c->image.h < 1 || c->image.w < 1 || c->image.c < 1)
		return err_set(b->err, "%s: images of %dx%dx%d in %d classes cannot be told apart", b->net->name,
			       c->image.h, c->image.w, c->image.c, c->classes);
	if (c->mix_hidden && !b->net->mix_layers)
		return err_usage(b->err, "%s has no place where hidden values are mixed; the preact networks have",
				 b->net->name);
	if (c->zero_gamma && !b->net->zero_gamma)
		return err_usage(b->err,
				 "%s: no residual block ends in batch normalisation, whose gamma could begin at 0",
				 b->net->name);
	return add_op(b, &op, "image", c->image);
}

int net_channels(const struct net_build *b, int channels, int unit)
{
	double f = b->config->width_factor;
	if (f == 1)
		return channels;
	int units = (int)(channels * f / unit + 0.5);
	return unit * (units < 1 ? 1 : units);
}

/* Positions along one side of an image that a window takes; 0 where there is not one. */
static int positions(int size, int kernel, int stride, int pad)
{
	int room = size + 2 * pad - kernel;
	return room < 0 ? 0 : room / stride + 1;
}

static int windows(struct net_build *b, int in, const char *name, int kernel, int stride, int pad, int channels,
		   struct shape *out)
{
	struct shape s = shape_of(b, in), whole = b->config->image;
	*out = (struct shape){ positions(s.h, kernel, stride, pad), positions(s.w, kernel, stride, pad), channels };
	if (!out->h || !out->w)
		return err_usage(b->err,
				 "%s: images of %dx%d are too small: only %dx%d is left for %s, a window of %dx%d",
				 b->net->name, whole.h, whole.w, s.h, s.w, name, kernel, kernel);
	return 0;
}

static int conv(struct net_build *b, int in, const char *name, int channels, int kernel, int stride, int groups,
		int bias)
{
	struct op op = { .type = OP_CONV,
			 .n_in = 1,
			 .in = { in },
			 .conv = { .kernel = kernel, .stride = stride, .pad = kernel / 2, .groups = groups } };
	struct shape out;
	if (in < 0)
		return -1;
	int64_t weight[4] = { channels, shape_of(b, in).c / groups, kernel, kernel };
	if (windows(b, in, name, kernel, stride, op.conv.pad, channels, &out) ||
	    param(b, &op, name, "weight", PARAM_WEIGHT, 4, weight) ||
	    (bias && param(b, &op, name, "bias", PARAM_BIAS, 1, weight)))
		return -1;
	return add_op(b, &op, name, out);
}

int net_conv(struct net_build *b, int in, const char *name, int channels, int kernel, int stride, int groups)
{
	return conv(b, in, name, channels, kernel, stride, groups, 0);
}

int net_conv_bias(struct net_build *b, int in, const char *name, int channels, int kernel, int stride)
{
	return conv(b, in, name, channels, kernel, stride, 1, 1);
}

int net_norm(struct net_build *b, int in, const char *name, int other, int relu)
{
	struct op op = { .type = OP_NORM,
			 .n_in = other < 0 ? 1 : 2,
			 .in = { in, other < 0 ? 0 : other },
			 .norm = { .eps = 1e-5, .momentum = 0.1, .relu = relu } };
	if (in < 0)
		return -1;
	int64_t c = shape_of(b, in).c;
	if (param(b, &op, name, "weight", PARAM_SCALE, 1, &c) || param(b, &op, name, "bias", PARAM_BIAS, 1, &c) ||
	    param(b, &op, name, "running_mean", PARAM_STATE, 1, &c) ||
	    param(b, &op, name, "running_var", PARAM_STATE, 1, &c))
		return -1;
	return add_op(b, &op, name, shape_of(b, in));
}

int net_add(struct net_build *b, int in, int other, const char *name)
{
	struct op op = { .type = OP_ADD, .n_in = 2, .in = { in, other } };
	return in < 0 || other < 0 ? -1 : add_op(b, &op, name, shape_of(b, in));
}

int net_max_pool(struct net_build *b, int in, const char *name, int kernel, int stride, int pad)
{
	struct op op = {
		.type = OP_POOL, .n_in = 1, .in = { in }, .pool = { .kernel = kernel, .stride = stride, .pad = pad }
	};
	struct shape out;
	if (in < 0 || windows(b, in, name, kernel, stride, pad, shape_of(b, in).c, &out))
		return -1;
	return add_op(b, &op, name, out);
}

int net_mix(struct net_build *b, int in, int layer)
{
	struct op op = { .type = OP_MIX, .n_in = 1, .in = { in }, .mix = { .layer = layer } };
	char name[GRAPH_NAME];
	if (in < 0 || !b->config->mix_hidden)
		return in;
	snprintf(name, sizeof name, "mix%d", layer);
	return add_op(b, &op, name, shape_of(b, in));
}

int net_end(struct net_build *b, int in, const char *name)
{
	const struct net_config *c = b->config;
	if (in < 0)
		return -1;
	struct shape s = shape_of(b, in), features = { 1, 1, s.c }, logits = { 1, 1, c->classes };
	int64_t weight[2] = { c->classes, s.c };
	struct op pool = { .type = OP_POOL, .n_in = 1, .in = { in }, .pool = { .average = 1 } };
	struct op linear = { .type = OP_LINEAR, .n_in = 1 };
	if (s.h * s.w > 1 && (in = add_op(b, &pool, "pool", features)) < 0)
		return -1;
	struct op drop = {
		.type = OP_DROPOUT, .n_in = 1, .in = { in }, .dropout = { .rate = c->dropout, .inverted = 1 }
	};
	if (c->dropout > 0 && (in = add_op(b, &drop, "dropped", features)) < 0)
		return -1;
	linear.in[0] = in;
	if (param(b, &linear, name, "weight", PARAM_WEIGHT, 2, weight) ||
	    param(b, &linear, name, "bias", PARAM_BIAS, 1, weight) ||
	    (b->g->logits = add_op(b, &linear, "logits", logits)) < 0)
		return -1;
	struct op xent = {
		.type = OP_XENT, .n_in = 1, .in = { b->g->logits }, .xent = { .erl = c->erl, .bce = c->bce }
	};
	b->g->loss = add_op(b, &xent, "loss", (struct shape){ 1, 1, 1 });
	return b->g->loss < 0 ? -1 : 0;
}

static int ends(const char *name, const char *with)
{
	size_t n = strlen(name), m = strlen(with);
	return n >= m && !strcmp(name + n - m, with);
}

void net_image_init(const struct net *net, const struct net_config *config, const struct param *p, int index,
		    uint64_t seed, float *to)
{
	int zero = config->zero_gamma && net->zero_gamma && !strncmp(p->name, "layer", 5) &&
		   ends(p->name, net->zero_gamma);
	double fixed = (p->kind == PARAM_SCALE && !zero) || ends(p->name, "running_var") ? 1 : 0;
	double std = p->ndim == 4 ? sqrt(2.0 / (double)(p->dim[0] * p->dim[2] * p->dim[3])) : 0;
	double bound = p->ndim == 2 ? 1 / sqrt((double)p->dim[1]) : 0;
	size_t n = param_size(p);
	struct rng r;
	rng_init(&r, seed, RNG_INIT, (uint32_t)index, 0);
	for (size_t i = 0; i < n; i++)
		to[i] = (float)(std > 0 ? std * rng_normal(&r) : bound > 0 ? bound * (2 * rng_real(&r) - 1) : fixed);
}

/* Residual networks: He et al. 2016 ("Deep residual learning"; for PREACT "Identity mappings"), Xie et al. 2017. */
#include "blocks.h"

/* One block at work: where it lies and what it makes. */
struct block {
	struct net_build *b;
	const struct residual *r;
	char module[16];		    /* "layer2.0" */
	char name[GRAPH_NAME];		    /* of the op that is being added */
	int in, out, width, groups, stride; /* in: a value; others: channels */
};

static const char *part_name(struct block *k, const char *part)
{
	snprintf(k->name, sizeof k->name, "%s.%s", k->module, part);
	return k->name;
}

static int conv(struct block *k, int in, const char *part, int channels, int kernel, int stride, int groups)
{
	return net_conv(k->b, in, part_name(k, part), channels, kernel, stride, groups);
}

static int norm(struct block *k, int in, const char *part, int add, int relu)
{
	return net_norm(k->b, in, part_name(k, part), add, relu);
}

static int changes_shape(const struct block *k)
{
	return k->stride > 1 || k->b->g->value[k->in].shape.c != k->out;
}

/* The input as it is added to the block's output. */
static int shortcut(struct block *k)
{
	char part[24];
	if (!changes_shape(k))
		return k->in;
	snprintf(part, sizeof part, "%s.0", k->r->shortcut);
	int x = conv(k, k->in, part, k->out, 1, k->stride, 1);
	snprintf(part, sizeof part, "%s.1", k->r->shortcut);
	return norm(k, x, part, NET_NO_ADD, 0);
}

static int basic(struct block *k)
{
	int x = conv(k, k->in, "conv1", k->out, 3, k->stride, 1);
	x = norm(k, x, "bn1", NET_NO_ADD, 1);
	x = conv(k, x, "conv2", k->out, 3, 1, 1);
	int s = x < 0 ? -1 : shortcut(k);
	return s < 0 ? -1 : norm(k, x, "bn2", s, 1);
}

static int bottleneck(struct block *k)
{
	int x = conv(k, k->in, "conv1", k->width, 1, 1, 1);
	x = norm(k, x, "bn1", NET_NO_ADD, 1);
	x = conv(k, x, "conv2", k->width, 3, k->stride, k->groups);
	x = norm(k, x, "bn2", NET_NO_ADD, 1);
	x = conv(k, x, "conv3", k->out, 1, 1, 1);
	int s = x < 0 ? -1 : shortcut(k);
	return s < 0 ? -1 : norm(k, x, "bn3", s, 1);
}

static int preact(struct block *k)
{
	char part[24];
	int first = norm(k, k->in, "bn1", NET_NO_ADD, 1), s = k->in;
	if (first >= 0 && changes_shape(k)) {
		snprintf(part, sizeof part, "%s.0", k->r->shortcut);
		s = conv(k, first, part, k->out, 1, k->stride, 1);
	}
	int x = conv(k, first, "conv1", k->out, 3, k->stride, 1);
	x = norm(k, x, "bn2", NET_NO_ADD, 1);
	x = conv(k, x, "conv2", k->out, 3, 1, 1);
	return net_add(k->b, x, s, part_name(k, "sum"));
}

static int stem(struct net_build *b, const struct residual *r)
{
	int planes = net_channels(b, r->planes, 8), x = net_begin(b);
	x = net_conv(b, x, "conv1", planes, r->imagenet_stem ? 7 : 3, r->imagenet_stem ? 2 : 1, 1);
	if (r->block != BLOCK_PREACT) /* the first block begins with one */
		x = net_norm(b, x, "bn1", NET_NO_ADD, 1);
	return r->imagenet_stem ? net_max_pool(b, x, "maxpool", 3, 2, 1) : x;
}

int net_residual_build(const struct net *net, struct graph *g, const struct net_config *config, struct err *err)
{
	const struct residual *r = &net->residual;
	typedef int add_block(struct block *k);
	static add_block *const add[] = {
		[BLOCK_BASIC] = basic, [BLOCK_BOTTLENECK] = bottleneck, [BLOCK_PREACT] = preact
	};
	struct net_build b = { .g = g, .net = net, .config = config, .err = err };
	int x = stem(&b, r);
	for (int layer = 0; layer < 4 && r->blocks[layer]; layer++) {
		int planes = r->planes << layer, expansion = r->block == BLOCK_BOTTLENECK ? 4 : 1;
		struct block k = {
			.b = &b, .r = r, .out = net_channels(&b, planes * expansion, 8), .groups = r->groups
		};
		/* a multiple of the number of groups, so that a narrow network keeps them */
		k.width = net_channels(&b, planes * r->base / 64 * r->groups, r->groups > 8 ? r->groups : 8);
		for (int i = 0; i < r->blocks[layer] && x >= 0; i++) {
			snprintf(k.module, sizeof k.module, "layer%d.%d", layer + 1, i);
			k.in = x;
			k.stride = layer && !i ? 2 : 1;
			x = add[r->block](&k);
		}
		if (layer < net->mix_layers)
			x = net_mix(&b, x, layer + 1);
	}
	/* He et al. 2016 end so (their section 3.2); manifold mixup's code leaves it out, and diverges at this rate. */
	if (r->block == BLOCK_PREACT)
		x = net_norm(&b, x, "bn", NET_NO_ADD, 1);
	return net_end(&b, x, r->linear);
}

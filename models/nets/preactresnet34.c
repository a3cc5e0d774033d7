/* PreActResNet-34: preactresnet18.c with more blocks. */
#include "blocks.h"

static int build(struct graph *g, const struct net_config *config, struct err *err)
{
	static const struct residual r = {
		.block = BLOCK_PREACT,
		.layers = 4,
		.blocks = { 3, 4, 6, 3 },
		.planes = 64,
		.groups = 1,
		.base = 64,
		.shortcut = "shortcut",
		.linear = "linear",
	};
	return net_residual(&net_preactresnet34, &r, g, config, err);
}

const struct net net_preactresnet34 = {
	.name = "preactresnet34",
	.summary = "He et al. 2016 (identity mappings), 34 layers, as manifold mixup has it",
	.input = NET_IMAGES,
	.native = { 32, 32, 3 },
	.native_classes = 10,
	.mix_layers = 2,
	.build = build,
	.init = net_init_plain,
};

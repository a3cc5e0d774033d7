/* PreActResNet-18 (He et al. 2016, arXiv 1603.05027) as the authors of manifold mixup (Verma et al. 2019) and mixup
 * train it: no NORM behind the stem, the shortcut's 1x1 reads the block's first ReLU, no NORM before the head. Hidden
 * values are mixed behind layer1 and layer2. */
#include "blocks.h"

static int build(struct graph *g, const struct net_config *config, struct err *err)
{
	static const struct residual r = {
		.block = BLOCK_PREACT,
		.layers = 4,
		.blocks = { 2, 2, 2, 2 },
		.planes = 64,
		.groups = 1,
		.base = 64,
		.shortcut = "shortcut",
		.linear = "linear",
	};
	return net_residual(&net_preactresnet18, &r, g, config, err);
}

const struct net net_preactresnet18 = {
	.name = "preactresnet18",
	.summary = "He et al. 2016 (identity mappings), 18 layers, as manifold mixup has it",
	.input = NET_IMAGES,
	.native = { 32, 32, 3 },
	.native_classes = 10,
	.mix_layers = 2,
	.build = build,
	.init = net_init_plain,
};

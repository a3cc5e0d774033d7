/* ResNet-18 as CIFAR knows it (He et al. 2016, arXiv 1512.03385, table 1, with a 3x3 stem and no pool; the form and the
 * names of github.com/kuangliu/pytorch-cifar): 11,173,962 parameters at 10 classes. */
#include "blocks.h"

static int build(struct graph *g, const struct net_config *config, struct err *err)
{
	static const struct residual r = {
		.block = BLOCK_BASIC,
		.layers = 4,
		.blocks = { 2, 2, 2, 2 },
		.planes = 64,
		.groups = 1,
		.base = 64,
		.shortcut = "shortcut",
		.linear = "linear",
	};
	return net_residual(&net_resnet18, &r, g, config, err);
}

const struct net net_resnet18 = {
	.name = "resnet18",
	.summary = "He et al. 2016, 18 layers, with the CIFAR stem (3x3, no pool)",
	.input = NET_IMAGES,
	.native = { 32, 32, 3 },
	.native_classes = 10,
	.zero_gamma = 1,
	.build = build,
	.init = net_init_basic,
};

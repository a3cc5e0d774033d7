/* ResNet-34 as CIFAR knows it: resnet18.c with more blocks; 21,282,122 parameters at 10 classes. */
#include "blocks.h"

static int build(struct graph *g, const struct net_config *config, struct err *err)
{
	static const struct residual r = {
		.block = BLOCK_BASIC,
		.layers = 4,
		.blocks = { 3, 4, 6, 3 },
		.planes = 64,
		.groups = 1,
		.base = 64,
		.shortcut = "shortcut",
		.linear = "linear",
	};
	return net_residual(&net_resnet34, &r, g, config, err);
}

const struct net net_resnet34 = {
	.name = "resnet34",
	.summary = "He et al. 2016, 34 layers, with the CIFAR stem (3x3, no pool)",
	.input = NET_IMAGES,
	.native = { 32, 32, 3 },
	.native_classes = 10,
	.zero_gamma = 1,
	.build = build,
	.init = net_init_basic,
};

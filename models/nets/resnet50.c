/* ResNet-50 (He et al. 2016, arXiv 1512.03385, table 1) in torchvision's form and names, "v1.5": the stride is in a
 * block's 3x3 convolution, where the paper has it in the first 1x1. 25,557,032 parameters at 1000 classes. */
#include "blocks.h"

static int build(struct graph *g, const struct net_config *config, struct err *err)
{
	static const struct residual r = {
		.block = BLOCK_BOTTLENECK,
		.imagenet_stem = 1,
		.layers = 4,
		.blocks = { 3, 4, 6, 3 },
		.planes = 64,
		.groups = 1,
		.base = 64,
		.shortcut = "downsample",
		.linear = "fc",
	};
	return net_residual(&net_resnet50, &r, g, config, err);
}

const struct net net_resnet50 = {
	.name = "resnet50",
	.summary = "He et al. 2016, 50 layers, bottlenecks with the stride in the 3x3 (v1.5)",
	.input = NET_IMAGES,
	.native = { 224, 224, 3 },
	.native_classes = 1000,
	.zero_gamma = 1,
	.build = build,
	.init = net_init_bottleneck,
};

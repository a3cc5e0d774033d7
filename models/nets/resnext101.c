/* ResNeXt-101 32x4d (Xie et al. 2017, arXiv 1611.05431): torchvision's ResNet of 3, 4, 23, 3 bottlenecks with groups =
 * 32 and width_per_group = 4, in its names. 44,177,704 parameters at 1000 classes. A --width that would leave a
 * convolution fewer channels than groups leaves it one channel a group. */
#include "blocks.h"

static int build(struct graph *g, const struct net_config *config, struct err *err)
{
	static const struct residual r = {
		.block = BLOCK_BOTTLENECK,
		.imagenet_stem = 1,
		.layers = 4,
		.blocks = { 3, 4, 23, 3 },
		.planes = 64,
		.groups = 32,
		.base = 4,
		.shortcut = "downsample",
		.linear = "fc",
	};
	return net_residual(&net_resnext101, &r, g, config, err);
}

const struct net net_resnext101 = {
	.name = "resnext101-32x4d",
	.summary = "Xie et al. 2017, 101 layers, 32 groups of 4 channels",
	.input = NET_IMAGES,
	.native = { 224, 224, 3 },
	.native_classes = 1000,
	.zero_gamma = 1,
	.build = build,
	.init = net_init_bottleneck,
};

/* ResNet-20 (He et al. 2016, arXiv 1512.03385, section 4.2: n = 3). Where a stage changes the shape, the shortcut is a
 * 1x1 convolution and NORM (the paper's option B, 272,474 parameters); the paper's CIFAR table used option A, zeros for
 * the new channels (269,722), which would need an op of its own for no difference that the paper found worth paying for
 * (its table 3: B a little better). Names are torchvision's, as in github.com/chenyaofo/pytorch-cifar-models, which has
 * trained weights. */
#include "blocks.h"

static int build(struct graph *g, const struct net_config *config, struct err *err)
{
	static const struct residual r = {
		.block = BLOCK_BASIC,
		.layers = 3,
		.blocks = { 3, 3, 3 },
		.planes = 16,
		.groups = 1,
		.base = 64,
		.shortcut = "downsample",
		.linear = "fc",
	};
	return net_residual(&net_resnet20, &r, g, config, err);
}

const struct net net_resnet20 = {
	.name = "resnet20",
	.summary = "He et al. 2016, section 4.2: 20 layers of 16, 32, 64 channels for CIFAR",
	.input = NET_IMAGES,
	.native = { 32, 32, 3 },
	.native_classes = 10,
	.zero_gamma = 1,
	.build = build,
	.init = net_init_basic,
};

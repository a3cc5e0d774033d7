/* The table of all networks, in the order in which --list-models prints them; of a residual network its row is all
 * there is. */
#include "blocks.h"

#include <string.h>

#define RESIDUAL .input = NET_IMAGES, .build = net_residual_build, .init = net_image_init
#define CIFAR RESIDUAL, .native = { 32, 32, 3 }, .native_classes = 10
#define IMAGENET RESIDUAL, .native = { 224, 224, 3 }, .native_classes = 1000

const struct net *const nets[] = {
	&net_kimcnn,
	&net_bow,
	&net_smallcnn,
	/* Where a stage changes the shape, the shortcut is a 1x1 convolution and NORM (the paper's option B, 272,474
	 * parameters); the paper's CIFAR table used option A, zeros for the new channels (269,722), which would need an
	 * op of its own for no difference that the paper found worth paying for (its table 3: B a little better). Names
	 * are torchvision's, as in github.com/chenyaofo/pytorch-cifar-models, which has trained weights. */
	&(const struct net){
		CIFAR,
		.name = "resnet20",
		.zero_gamma = ".bn2.weight",
		.summary = "He et al. 2016, section 4.2: 20 layers of 16, 32, 64 channels for CIFAR",
		.residual = { BLOCK_BASIC, .blocks = { 3, 3, 3 }, .planes = 16, .shortcut = "downsample",
			      .linear = "fc" },
	},
	&net_vgg16,
	/* As CIFAR knows it (arXiv 1512.03385, table 1, with a 3x3 stem and no pool; the form and the names of
	 * github.com/kuangliu/pytorch-cifar): 11,173,962 parameters at 10 classes. */
	&(const struct net){
		CIFAR,
		.name = "resnet18",
		.zero_gamma = ".bn2.weight",
		.summary = "He et al. 2016, 18 layers, with the CIFAR stem (3x3, no pool)",
		.residual = { BLOCK_BASIC, .blocks = { 2, 2, 2, 2 }, .planes = 64, .shortcut = "shortcut",
			      .linear = "linear" },
	},
	/* Likewise; 21,282,122 parameters. */
	&(const struct net){
		CIFAR,
		.name = "resnet34",
		.zero_gamma = ".bn2.weight",
		.summary = "He et al. 2016, 34 layers, with the CIFAR stem (3x3, no pool)",
		.residual = { BLOCK_BASIC, .blocks = { 3, 4, 6, 3 }, .planes = 64, .shortcut = "shortcut",
			      .linear = "linear" },
	},
	/* arXiv 1512.03385, table 1, in torchvision's form and names, "v1.5": the stride is in a block's 3x3
	 * convolution, where the paper has it in the first 1x1. 25,557,032 parameters at 1000 classes. */
	&(const struct net){
		IMAGENET,
		.name = "resnet50",
		.zero_gamma = ".bn3.weight",
		.summary = "He et al. 2016, 50 layers, bottlenecks with the stride in the 3x3 (v1.5)",
		.residual = { BLOCK_BOTTLENECK, .imagenet_stem = 1, .blocks = { 3, 4, 6, 3 }, .planes = 64, .groups = 1,
			      .base = 64, .shortcut = "downsample", .linear = "fc" },
	},
	/* arXiv 1611.05431: torchvision's ResNet with groups = 32 and width_per_group = 4, in its names. 44,177,704
	 * parameters at 1000 classes. A --width that would leave a convolution fewer channels than groups leaves it one
	 * channel a group. */
	&(const struct net){
		IMAGENET,
		.name = "resnext101-32x4d",
		.zero_gamma = ".bn3.weight",
		.summary = "Xie et al. 2017, 101 layers, 32 groups of 4 channels",
		.residual = { BLOCK_BOTTLENECK, .imagenet_stem = 1, .blocks = { 3, 4, 23, 3 }, .planes = 64,
			      .groups = 32, .base = 4, .shortcut = "downsample", .linear = "fc" },
	},
	/* arXiv 1603.05027, as the authors of manifold mixup (Verma et al. 2019) and mixup train it: no NORM after the
	 * stem, the shortcut's 1x1 reads the block's first ReLU, no NORM before the head. Hidden values are mixed after
	 * layer1 and layer2. */
	&(const struct net){
		CIFAR,
		.name = "preactresnet18",
		.mix_layers = 2,
		.summary = "He et al. 2016 (identity mappings), 18 layers, its last norm kept",
		.residual = { BLOCK_PREACT, .blocks = { 2, 2, 2, 2 }, .planes = 64, .shortcut = "shortcut",
			      .linear = "linear" },
	},
	&(const struct net){
		CIFAR,
		.name = "preactresnet34",
		.mix_layers = 2,
		.summary = "He et al. 2016 (identity mappings), 34 layers, its last norm kept",
		.residual = { BLOCK_PREACT, .blocks = { 3, 4, 6, 3 }, .planes = 64, .shortcut = "shortcut",
			      .linear = "linear" },
	},
	NULL,
};

const struct net *net_find(const char *name)
{
	for (int i = 0; nets[i]; i++)
		if (!strcmp(nets[i]->name, name))
			return nets[i];
	return NULL;
}

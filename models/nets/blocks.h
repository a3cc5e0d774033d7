/* blocks: what the image networks are put together from. Every function that takes a value lets a negative one through,
 * so a chain of calls needs one look at its end; the first error is in b->err.
 *
 * Names are those of the state_dict of the published PyTorch definition (`layer1.0.conv1.weight`, `bn1.running_var`,
 * ...) and weights are (out, in / groups, kernel, kernel), so a model file and a state_dict hold the same tensors under
 * the same names; what PyTorch counts in `num_batches_tracked` is not kept. An op and its output are named after the
 * module. */
#ifndef VIC_NETS_BLOCKS_H
#define VIC_NETS_BLOCKS_H

#include "nets.h"

struct net_build {
	struct graph *g;
	const struct net *net;
	const struct net_config *config;
	struct err *err;
};

/* Checks what the configuration asks of this network, and adds OP_IMAGES. Returns the value of the images, or -1. */
int net_begin(struct net_build *b);
/* width_factor times `channels`, to the nearest multiple of `unit`, at least `unit`; channels themselves where the
 * factor is 1. */
int net_channels(const struct net_build *b, int channels, int unit);
/* Each adds one op and returns its value, or -1. Padding is kernel / 2, so a stride of 1 keeps the size. */
int net_conv(struct net_build *b, int in, const char *name, int channels, int kernel, int stride, int groups);
int net_conv_bias(struct net_build *b, int in, const char *name, int channels, int kernel, int stride);
/* Batch normalisation (eps 1e-5, momentum 0.1); add: a value added after it, or -1 for none; then ReLU when `relu`. */
int net_norm(struct net_build *b, int in, const char *name, int add, int relu);
enum { NET_NO_ADD = -1 };
int net_add(struct net_build *b, int in, int other, const char *name);
int net_max_pool(struct net_build *b, int in, const char *name, int kernel, int stride, int pad);
/* OP_MIX, where the configuration asks for mixing places; else `in` itself. */
int net_mix(struct net_build *b, int in, int layer);
/* Mean over the image (left out where it is one place already), dropout where the configuration has it (inverted,
 * before the linear layer), linear layer `name`, loss. Returns 0 or -1; sets g->logits and g->loss. */
int net_end(struct net_build *b, int in, const char *name);

/* net.build of the residual networks: net->residual. */
int net_residual_build(const struct net *net, struct graph *g, const struct net_config *config,
		       struct err *err) VIC_CHECKED;

/* net.init of every image network. Convolutions N(0, 2 / fan_out), fan_out = out * kernel * kernel (He et al. 2015, as
 * torchvision has it, groups not counted); the linear weight U(-1 / sqrt(in), +) (PyTorch's default); all biases and
 * beta 0, gamma 1, but those of net->zero_gamma 0 where config->zero_gamma; running mean 0, variance 1. Draws are
 * Philox's of (seed, RNG_INIT, index). */
void net_image_init(const struct net *net, const struct net_config *config, const struct param *p, int index,
		    uint64_t seed, float *to);

#endif

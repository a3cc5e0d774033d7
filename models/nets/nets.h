/* nets: the networks by name, one a file. A network is a function that adds ops to an empty graph. */
#ifndef VIC_NETS_H
#define VIC_NETS_H

#include "models/core/graph.h"

struct net_config {
	int classes;
	double dropout; /* 0: the network has no dropout op (kimcnn: it always has) */
	double erl;
	int bce;        /* loss: OP_XENT's bce */
	/* text */
	int64_t vocabulary;
	int dim, maps, widths, width[WORDCONV_WIDTHS];
	int multichannel, frozen_words;
	double max_norm;
	/* images */
	struct shape image; /* what the network sees: after cropping */
	double width_factor; /* --width: multiplies every number of channels but the first and last; 1: as published */
	int mix_hidden;     /* 1: with an OP_MIX at each of the network's mixing places (manifold mixup) */
	int zero_gamma;     /* 1: gamma of the last NORM of every residual block begins at 0 (Goyal et al. 2017, section 5.1) */
};

enum net_input { NET_WORDS, NET_IMAGES };

struct net {
	const char *name;
	const char *summary; /* with its source */
	enum net_input input;
	struct shape native;  /* images: the size and classes that it is published for: what --list-models counts */
	int native_classes;
	int mix_layers;       /* places where hidden values can be mixed, numbered from 1; 0: manifold mixup is not offered */
	int zero_gamma;       /* 1: has residual blocks that end in a NORM, so config.zero_gamma means something */
	/* Fills an initialised graph; sets g->logits and g->loss. Weights are drawn later, by init. */
	int (*build)(struct graph *g, const struct net_config *config, struct err *err);
	/* First values of parameter p, [param_size], from the seed; a word table is not asked for. */
	void (*init)(const struct net_config *config, const struct param *p, int index, uint64_t seed, float *to);
};

extern const struct net *const nets[]; /* NULL-ended */
/* NULL when there is none of that name. */
const struct net *net_find(const char *name);

extern const struct net net_kimcnn, net_smallcnn, net_resnet20, net_vgg16, net_resnet18, net_resnet34, net_resnet50,
	net_resnext101, net_preactresnet18, net_preactresnet34;

#endif

/* nets: the networks by name. A network is a function that adds ops to an empty graph: one page each, and for the
 * residual networks one page (residual.c) and a row each (nets.c). */
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
	int ngrams; /* words of the longest n-gram; 0: of a network that reads words alone */
	int dim, maps, widths, width[WORDCONV_WIDTHS];
	int multichannel, frozen_words;
	double max_norm;
	/* images */
	struct shape image; /* what the network sees: after cropping */
	double width_factor; /* --width: multiplies every number of channels but the first and last; 1: as published */
	int mix_hidden;     /* 1: with an OP_MIX at each of the network's mixing places (manifold, sentence mixup) */
	/* 1: gamma of the last NORM of every residual block begins at 0 (Goyal et al. 2017, section 5.1) */
	int zero_gamma;
};

enum net_input { NET_WORDS, NET_IMAGES };

/* A residual network: its stem, up to four stages of blocks, each but the first halving the image, its head. */
enum residual_block {
	BLOCK_BASIC,	  /* 3x3, 3x3, each with NORM; shortcut where shapes differ: 1x1 and NORM */
	BLOCK_BOTTLENECK, /* 1x1, 3x3 (with the stride, "v1.5"), 1x1 */
	BLOCK_PREACT,	  /* NORM and ReLU before each 3x3; the shortcut's 1x1, without NORM, reads the first ReLU */
};
struct residual {
	enum residual_block block;
	int imagenet_stem; /* 1: 7x7 with stride 2, then a 3x3 max pool with stride 2; 0: 3x3 */
	int blocks[4];	   /* of each stage; 0: no more stages */
	int planes;	   /* of the first stage; doubles at each next one */
	/* BLOCK_BOTTLENECK alone: the 3x3 has planes * base / 64 * groups channels in `groups` groups */
	int groups, base;
	const char *shortcut; /* name of the shortcut's modules in a block: "downsample" or "shortcut" */
	const char *linear;   /* name of the linear layer: "fc" or "linear" */
};

struct net {
	const char *name;
	const char *summary; /* with its source */
	enum net_input input;
	int ngrams; /* 1: its words are n-grams (models/data/ngrams.h), and their vectors are weights, one a class */
	/* What it is published for, which --list-models counts and --plan shows without records. */
	struct shape native;  /* images: their size */
	int native_words, native_dim; /* text: words of the vocabulary, numbers of a vector */
	int native_classes;
	/* places where hidden values can be mixed, numbered from 1; 0: manifold mixup is not offered */
	int mix_layers;
	int sentence_layer; /* the place where the encoded sentence is mixed; 0: sentence mixup is not offered */
	/* How the names of the gammas end that config.zero_gamma begins at 0, those of each residual block's last NORM;
	 * NULL: no block ends in one. */
	const char *zero_gamma;
	struct residual residual; /* read by net_residual_build alone */
	/* Fills an initialised graph; sets g->logits and g->loss. Weights are drawn later, by init. */
	int (*build)(const struct net *net, struct graph *g, const struct net_config *config, struct err *err);
	/* First values of parameter p, [param_size], from the seed; a word table is not asked for. */
	void (*init)(const struct net *net, const struct net_config *config, const struct param *p, int index,
		     uint64_t seed, float *to);
};

extern const struct net *const nets[]; /* NULL-ended */
/* NULL when there is none of that name. */
const struct net *net_find(const char *name);

extern const struct net net_bow, net_kimcnn, net_smallcnn, net_vgg16;

#endif

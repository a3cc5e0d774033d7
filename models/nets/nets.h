/* nets: the networks by name, one a file. A network is a function that adds ops to an empty graph. */
#ifndef VIC_NETS_H
#define VIC_NETS_H

#include "models/core/graph.h"

struct net_config {
	int classes;
	/* text */
	int64_t vocabulary;
	int dim, maps, widths, width[WORDCONV_WIDTHS];
	int multichannel, frozen_words;
	double dropout, max_norm, erl;
};

enum net_input { NET_WORDS, NET_IMAGES };

struct net {
	const char *name;
	const char *summary; /* with its source */
	enum net_input input;
	/* Fills an initialised graph; sets g->logits and g->loss. Weights are drawn later, by net_init. */
	int (*build)(struct graph *g, const struct net_config *config, struct err *err);
	/* First values of parameter p, [param_size], from the seed; a word table is not asked for. */
	void (*init)(const struct param *p, int index, uint64_t seed, float *to);
};

extern const struct net *const nets[]; /* NULL-ended */
/* NULL when there is none of that name. */
const struct net *net_find(const char *name);

extern const struct net net_kimcnn;

#endif

/* The lines of --list-models: each network is built and planned with the defaults of its kind; no device is opened. */
#include "listing.h"

#include "models/nets/nets.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>

/* A text network is counted for sentences of 20 words, MR's mean. */
enum { WORDS = 20 };

static struct net_config config_of(const struct net *net, const struct train_options *o)
{
	return (struct net_config){ .classes = net->native_classes,
				    .dropout = o->dropout,
				    .vocabulary = net->ngrams ? net->native_words : 1,
				    .ngrams = net->ngrams,
				    .dim = net->native_dim,
				    .maps = (int)o->maps,
				    .widths = 3,
				    .width = { 3, 4, 5 },
				    .image = net->native,
				    .width_factor = o->width };
}

static int list_network(FILE *to, struct graph *g, const struct net *net, const struct train_options *o,
			struct err *err)
{
	int images = net->input == NET_IMAGES;
	struct net_config c = config_of(net, o);
	double trained = 0, held = 0;
	/* weight, gradient, and state: momentum's, or the two of adadelta */
	int copies = 2 + (images ? o->momentum > 0 : 2);
	char input[32];
	graph_init(g);
	if (net->build(net, g, &c, err) || graph_plan(g, 1, err))
		return -1;
	for (int p = 0; p < g->n_params; p++) {
		const struct param *q = &g->param[p];
		double size = q->kind == PARAM_TABLE && !net->ngrams ? 0 : (double)param_size(q);
		trained += param_trained(q) ? size : 0;
		held += size * (param_trained(q) ? copies : 1);
	}
	double bytes = (double)g->arena_bytes * (double)o->batch + held * sizeof(float);
	if (images)
		snprintf(input, sizeof input, "%dx%dx%d", c.image.h, c.image.w, c.image.c);
	else if (net->ngrams)
		snprintf(input, sizeof input, "%d", WORDS);
	else
		snprintf(input, sizeof input, "%dx%d", WORDS, c.dim);
	fprintf(to, "%-17s %-10s %7d %10.0f %8.1fM %6d %6.0fMB  %s\n", net->name, input, c.classes, trained,
		graph_macs(g, WORDS) / 1e6, (int)o->batch, bytes / 1e6, net->summary);
	return 0;
}

int listing_print(FILE *to, const struct train_options *given, struct err *err)
{
	struct train_options o[2] = { train_options_none(), train_options_none() };
	struct graph g;
	for (int images = 0; images < 2; images++) {
		o[images].batch = given->batch;
		o[images].width = images ? given->width : o[images].width;
		if (train_options_finish(&o[images], images ? STREAM_IMAGES : STREAM_TEXT, err))
			return -1;
	}
	int rc = 0;
	fprintf(to, "%-17s %-10s %7s %10s %9s %6s %8s  %s\n", "name", "input", "classes", "parameters", "mul-adds",
		"batch", "memory", "what it is");
	for (int i = 0; nets[i] && !rc; i++) {
		rc = list_network(to, &g, nets[i], &o[nets[i]->input == NET_IMAGES], err);
		graph_release(&g);
	}
	return rc;
}

/* Kim 2014, "Convolutional neural networks for sentence classification" (arXiv 1408.5882), section 2, with the settings
 * of its published code: filters U(-0.01, 0.01) and no biases at first, softmax weights 0, dropout without scaling in
 * training and a halved softmax at test, softmax rows within L2 norm 3. `rand`, `static`, `non-static` and
 * `multichannel` differ in the word table alone: vic-embed --random, or --words of vic-train. In multichannel each
 * filter sees both channels and the results are added (section 2.1), which is the filter on the sum of the two
 * vectors. What encodes a sentence are its pooled features: the place where sentence mixup mixes (Guo et al. 2019,
 * "Augmenting data with mixup for sentence classification", arXiv 1905.08941, section 3, senMixup). Dropout is drawn
 * for the mixture, as it is where words are mixed. */
#include "nets.h"

#include "pipeline/base/philox.h"

static int add_wordconv(struct graph *g, const struct net_config *c, struct err *err)
{
	struct op op = { .type = OP_WORDCONV, .name = "pooled" };
	char name[GRAPH_NAME];
	int64_t table[2] = { c->vocabulary, c->dim };
	op.wordconv.dim = c->dim;
	op.wordconv.maps = c->maps;
	op.wordconv.widths = c->widths;
	op.wordconv.multichannel = c->multichannel;
	int p = graph_param(g, "words.vectors", PARAM_TABLE, 2, table, err);
	if (p < 0)
		return -1;
	g->param[p].frozen = c->frozen_words;
	op.param[op.n_param++] = p;
	for (int k = 0; k < c->widths; k++) {
		if (c->width[k] < 1 || c->width[k] > WORDCONV_WIDEST)
			return err_usage(err, "a filter of width %d; widths are 1 to %d", c->width[k], WORDCONV_WIDEST);
		int64_t filter[3] = { c->width[k], c->maps, c->dim }, bias[1] = { c->maps };
		op.wordconv.width[k] = c->width[k];
		snprintf(name, sizeof name, "conv%d.%d.weight", k, c->width[k]);
		op.param[op.n_param++] = p = graph_param(g, name, PARAM_WEIGHT, 3, filter, err);
		if (p < 0)
			return -1;
		snprintf(name, sizeof name, "conv%d.%d.bias", k, c->width[k]);
		op.param[op.n_param++] = p = graph_param(g, name, PARAM_BIAS, 1, bias, err);
		if (p < 0)
			return -1;
	}
	return graph_add(g, &op, (struct shape){ 1, 1, c->maps * c->widths }, err);
}

static int kimcnn_build(const struct net *net, struct graph *g, const struct net_config *c, struct err *err)
{
	int features = c->maps * c->widths;
	int64_t weight[2] = { c->classes, features }, bias[1] = { c->classes };
	struct op mix = { .type = OP_MIX, .name = "mixed", .n_in = 1, .mix = { .layer = 1 } };
	struct op drop = { .type = OP_DROPOUT, .name = "dropped", .n_in = 1, .dropout = { .rate = c->dropout } };
	struct op linear = { .type = OP_LINEAR, .name = "logits", .n_in = 1, .n_param = 2 };
	struct op xent = { .type = OP_XENT, .name = "loss", .n_in = 1, .xent = { .erl = c->erl, .bce = c->bce } };
	(void)net;
	if ((mix.in[0] = drop.in[0] = add_wordconv(g, c, err)) < 0 ||
	    (c->mix_hidden && (drop.in[0] = graph_add(g, &mix, (struct shape){ 1, 1, features }, err)) < 0) ||
	    (linear.in[0] = graph_add(g, &drop, (struct shape){ 1, 1, features }, err)) < 0 ||
	    (linear.param[0] = graph_param(g, "softmax.weight", PARAM_WEIGHT, 2, weight, err)) < 0 ||
	    (linear.param[1] = graph_param(g, "softmax.bias", PARAM_BIAS, 1, bias, err)) < 0 ||
	    (xent.in[0] = g->logits = graph_add(g, &linear, (struct shape){ 1, 1, c->classes }, err)) < 0 ||
	    (g->loss = graph_add(g, &xent, (struct shape){ 1, 1, 1 }, err)) < 0)
		return -1;
	g->param[linear.param[0]].max_norm = c->max_norm;
	return 0;
}

static void kimcnn_init(const struct net *net, const struct net_config *c, const struct param *p, int index,
			uint64_t seed, float *to)
{
	size_t n = param_size(p);
	struct rng r;
	(void)net;
	(void)c;
	rng_init(&r, seed, RNG_INIT, (uint32_t)index, 0);
	for (size_t i = 0; i < n; i++)
		to[i] = p->ndim == 3 ? (float)(0.02 * rng_real(&r) - 0.01) : 0;
}

const struct net net_kimcnn = {
	.name = "kimcnn",
	.summary = "Kim 2014: convolution over word vectors, max over time, dropout, softmax",
	.input = NET_WORDS,
	.sentence_layer = 1,
	.native_words = 20000, /* MR has 18,765 */
	.native_dim = 300,
	.native_classes = 2,
	.build = kimcnn_build,
	.init = kimcnn_init,
};

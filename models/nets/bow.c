/* A linear classifier of n-grams: softmax over the sum of the weights of a text's words, pairs of words, ..., by the
 * root of their number. It is logistic regression on counts of n-grams, and fastText's classifier (Joulin et al. 2016,
 * "Bag of tricks for efficient text classification", arXiv 1607.01759) without its factor of low rank, its hashing and
 * its mean. N-grams are those of the training records, by their letters (models/data/ngrams.h); word vectors are not
 * used. All weights begin at 0, so the seed is of the order of records alone, and of what mixup and dropout draw.
 * Adadelta at the rate of 100 and eps 1e-8 gives a rare n-gram nearly the step of a frequent one, as idf would (plain
 * SGD came 3.6 points lower on a fold of MR), and moves only rows that a batch has, as Adam would not. */
#include "nets.h"

static int bow_build(const struct net *net, struct graph *g, const struct net_config *c, struct err *err)
{
	struct op bag = { .type = OP_BAG, .name = "logits", .n_param = 2,
			  .dropout = { .rate = c->dropout, .inverted = 1 } };
	struct op xent = { .type = OP_XENT, .name = "loss", .n_in = 1, .xent = { .erl = c->erl, .bce = c->bce } };
	int64_t table[2] = { c->vocabulary, c->classes }, bias[1] = { c->classes };
	(void)net;
	if ((bag.param[0] = graph_param(g, "words.vectors", PARAM_TABLE, 2, table, err)) < 0 ||
	    (bag.param[1] = graph_param(g, "softmax.bias", PARAM_BIAS, 1, bias, err)) < 0 ||
	    (xent.in[0] = g->logits = graph_add(g, &bag, (struct shape){ 1, 1, c->classes }, err)) < 0 ||
	    (g->loss = graph_add(g, &xent, (struct shape){ 1, 1, 1 }, err)) < 0)
		return -1;
	return 0;
}

static void bow_init(const struct net *net, const struct net_config *c, const struct param *p, int index, uint64_t seed,
		     float *to)
{
	(void)net;
	(void)c;
	(void)index;
	(void)seed;
	for (size_t i = 0; i < param_size(p); i++)
		to[i] = 0;
}

const struct net net_bow = {
	.name = "bow",
	.summary = "linear softmax on n-grams of words, as fastText (Joulin et al. 2016)",
	.input = NET_WORDS,
	.ngrams = 1,
	.native_words = 130000, /* words and pairs of MR */
	.native_dim = 2,
	.native_classes = 2,
	.build = bow_build,
	.init = bow_init,
};

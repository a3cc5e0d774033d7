/* One record: what its probabilities come to, and where that is stored and summed. */
#include "rows_block.h"

#include <math.h>

void result_of_soft(const struct soft *s, int label, struct result *r)
{
	*r = (struct result){ .p = s->scale, .rest = s->rest * s->scale, .entropy = s->entropy };
	r->winner = s->winner;
	r->above = s->above;
	r->tied = s->tied;
	r->max_logit = s->max;
	r->energy = s->max + s->spread;
	r->nll = label < 0 ? NAN : s->nll;
	r->brier = label < 0 ? NAN : s->brier;
}

/* Sums over the classes are taken apart from the winner's terms, and scaled by the second largest probability, so that
 * they neither depend on the classes' order nor lose the digits of small ones. */
void result_of_probs(const double *p, int classes, int label, int by_rest, struct result *r)
{
	int w = 0, ties = 0;
	*r = (struct result){ .max_logit = NAN, .energy = NAN, .nll = NAN, .brier = NAN };
	double y = label >= 0 ? p[label] : 0, second = 0;
	fix rest = 0, square = 0, entropy = 0;
	for (int k = 1; k < classes; k++)
		w = p[k] > p[w] ? k : w;
	for (int k = 0; k < classes; k++)
		second = k != w && p[k] > second ? p[k] : second;
	double scale = fix_scale(second), won = p[w];
	for (int k = 0; k < classes; k++) {
		double e = p[k] * scale;
		ties += p[k] == won;
		r->above += label >= 0 && (p[k] > y || (p[k] == y && k < label));
		if (k == w || !(p[k] > 0))
			continue;
		rest += fix_of(e);
		square += k == label ? 0 : fix_of(e * e);
		entropy -= fix_of(e * log(p[k]));
	}
	r->winner = w;
	r->tied = ties > 1;
	r->p = won;
	r->rest = by_rest ? fix_real(rest) / scale : 1 - won;
	r->entropy = fix_real(entropy) / scale - (won > 0 ? won * log(won) : 0);
	r->entropy = r->entropy > 0 ? r->entropy : 0;
	if (label < 0)
		return;
	double off = won - (w == label), missed = w == label ? 0 : y - 1;
	r->brier = fix_real(square) / scale / scale + off * off + missed * missed;
	r->nll = y > 0 ? -log(y) : INFINITY;
	if (!(r->nll > 0)) /* a probability a rounding above 1, and no -0 */
		r->nll = 0;
}

/* P(winner) - the largest of the others. */
static double margin_of(const double *p, size_t stride, int classes, int winner, double best)
{
	double second = 0;
	for (int k = 0; k < classes; k++)
		if (k != winner && p[(size_t)k * stride] > second)
			second = p[(size_t)k * stride];
	return best - second;
}

static void sum_result(struct split_tally *t, const struct result *r, int label, double p)
{
	struct rows_sums *s = &t->sum;
	s->n++;
	s->ties += (uint64_t)r->tied;
	s->conf += fix_of(p);
	s->entropy += fix_of(r->entropy);
	s->mutual += fix_of(r->mutual);
	if (label < 0) {
		s->unlabelled++;
		return;
	}
	s->right += r->winner == label;
	s->top5 += r->above < ENOUGH;
	s->brier += fix_of(r->brier);
	rows_add_nll(s, r->nll);
}

/* given probabilities may exceed 1 by a rounding of their float32 mean */
static conf_key key_of(const struct rows_options *options, double conf, double rest, int right)
{
	if (options->float32) {
		conf = (float)conf;
		rest = 1 - conf;
	}
	return conf_pack(conf > 1 ? 1 : conf, rest > 0 ? rest : 0, right);
}

/* Of P(class k) against the rest. */
static conf_key class_key(const struct tally *t, const struct result *r, const double *p, size_t stride, int k,
			  int label)
{
	double conf = p[(size_t)k * stride];
	return key_of(t->options, conf, k == r->winner ? r->rest : 1 - conf, k == label);
}

int result_store(struct tally *t, struct results *out, size_t i, int split, int label, struct result *r,
		 const double *p, size_t stride, uint64_t number)
{
	const struct rows_options *options = t->options;
	struct split_tally *s = &t->split[split];
	s->records++;
	out->fate[i] = (uint8_t)split;
	if (label < 0) {
		if (number < s->first_unlabelled)
			s->first_unlabelled = number;
		if (options->unlabelled == ROWS_DROP) {
			out->fate[i] = SPLIT_DROPPED;
			return 0;
		}
	}
	out->key[i] = t->one_class >= 0 ? class_key(t, r, p, stride, t->one_class, label)
					: key_of(options, r->p, r->rest, r->winner == label);
	for (int k = 0; out->class_key && k < t->classes; k++)
		out->class_key[i * (size_t)t->classes + (size_t)k] = class_key(t, r, p, stride, k, label);
	sum_result(s, r, label, conf_p(out->key[i]));
	if (out->predicted)
		out->predicted[i] = r->winner;
	if (out->nll)
		out->nll[i] = r->nll;
	if (out->brier)
		out->brier[i] = r->brier;
	if (out->entropy)
		out->entropy[i] = r->entropy;
	if (out->mutual)
		out->mutual[i] = r->mutual;
	if (out->max_logit)
		out->max_logit[i] = r->max_logit;
	if (out->energy)
		out->energy[i] = r->energy;
	if (out->margin)
		out->margin[i] = margin_of(p, stride, t->classes, r->winner, r->p);
	return 1;
}

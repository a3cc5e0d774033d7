/* Scores that tell in-distribution records from others, their measures and intervals. Every score becomes a 64-bit key
 * that rises with it (msp: the confidence's own order); ranking.c does the rest, with the in-distribution records
 * first, as the positives. A round's weights depend on seed, round and record, so all scores see the same resamples.
 * auroc has DeLong's interval, aupr a basic one and fpr95 a percentile one; the reason is at percentile_interval. */
#include "ood.h"
#include "metrics.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/stats.h"

#include <math.h>
#include <stdlib.h>

static const char *const names[OOD_SCORES] = { "msp", "max_logit", "energy", "entropy", "margin", "mutual" };

const char *ood_score_name(enum ood_score score)
{
	return names[score];
}

const char *ood_score_lacks(enum ood_score score, const struct rows *in, const struct rows *out)
{
	int probs = in->head.values == VALUES_PROBS || out->head.values == VALUES_PROBS;
	if ((score == OOD_MAX_LOGIT || score == OOD_ENERGY) && probs)
		return "needs logits, and these are probabilities";
	if (score == OOD_MUTUAL && (in->head.samples < 2 || out->head.samples < 2))
		return "needs several samples a record";
	return NULL;
}

static double score_at(const struct rows *r, enum ood_score score, size_t i)
{
	switch (score) {
	case OOD_MAX_LOGIT:
		return r->max_logit[i];
	case OOD_ENERGY:
		return r->energy[i];
	case OOD_ENTROPY:
		return -r->entropy[i];
	case OOD_MARGIN:
		return r->margin[i];
	case OOD_MUTUAL:
		return -r->mutual[i];
	case OOD_MSP:
	case OOD_SCORES:
		break;
	}
	return conf_p(r->key[i]);
}

static uint64_t key_at(const struct rows *r, enum ood_score score, size_t i)
{
	return score == OOD_MSP ? conf_order(r->key[i]) : ranking_key(score_at(r, score, i));
}

enum { VALUES = 3 };
struct resampling {
	const struct ranking *ranking;
	uint64_t seed;
	uint32_t *weight;      /* [workers][n] */
	uint8_t *draw;	       /* [workers][n] */
	double *value[VALUES]; /* [rounds]: aupr_in, aupr_out, fpr95 */
};

static void ood_round(void *arg, int task, int worker)
{
	const struct resampling *s = arg;
	size_t n = s->ranking->n_pos + s->ranking->n_neg;
	uint32_t *weight = s->weight + (size_t)worker * n;
	uint8_t *draw = s->draw + (size_t)worker * n;
	struct ranking_numbers v;
	bootstrap_weights(s->seed, (uint32_t)task, 0, n, draw);
	for (size_t i = 0; i < n; i++)
		weight[i] = draw[i];
	ranking_measure(s->ranking, weight, &v);
	s->value[0][task] = v.aupr_pos;
	s->value[1][task] = v.aupr_neg;
	s->value[2][task] = v.fpr95;
}

/* The rounds that had records on both sides, moved to the front. */
static int usable(double *v, int n)
{
	int k = 0;
	for (int i = 0; i < n; i++)
		if (!isnan(v[i]))
			v[k++] = v[i];
	return k;
}

/* The middle `level` of the resamples as they are. fpr95 hangs on one quantile of few records and piles up at 1; turned
 * around the estimate (`basic`), its interval covered 48 % of the time at 100 records a side where this one covers 93
 * %. */
static void percentile_interval(double *v, int n, double level, struct interval *out)
{
	sort_rising(v, (size_t)n);
	double tail = (1 - level) / 2 * (n - 1);
	out->low = v[(int)floor(tail)];
	out->high = v[(int)ceil(n - 1 - tail)];
}

static int resample(const struct ranking *r, const struct ood_ask *options, struct pool *pool, struct ood_result *out,
		    struct err *err)
{
	struct resampling s = { .ranking = r, .seed = options->seed };
	size_t n = r->n_pos + r->n_neg, workers = (size_t)pool_threads(pool);
	struct interval *to[VALUES] = { &out->aupr_in, &out->aupr_out, &out->fpr95 };
	double point[VALUES] = { out->value.aupr_pos, out->value.aupr_neg, out->value.fpr95 };
	int rc = mem_alloc(&s.weight, workers * n, sizeof *s.weight, err) || mem_alloc(&s.draw, workers * n, 1, err);
	for (int v = 0; v < VALUES; v++)
		rc = rc || mem_alloc(&s.value[v], (size_t)options->rounds, sizeof *s.value[v], err);
	if (!rc)
		pool_run(pool, options->rounds, ood_round, &s);
	for (int v = 0; v < VALUES; v++) {
		int k = rc ? 0 : usable(s.value[v], options->rounds);
		if (k && to[v] == &out->fpr95)
			percentile_interval(s.value[v], k, options->level, to[v]);
		else if (k)
			bootstrap_interval(s.value[v], k, point[v], options->level, 0, 1, &to[v]->low, &to[v]->high);
		free(s.value[v]);
	}
	free(s.weight);
	free(s.draw);
	return rc ? -1 : 0;
}

int ood_measure(const struct rows *in, const struct rows *out, enum ood_score score, const struct ood_ask *options,
		struct pool *pool, struct ood_result *result, struct err *err)
{
	struct ranking ranking = { 0 };
	const struct interval none = { NAN, NAN };
	uint64_t *key = NULL;
	double *place = NULL;
	size_t n = in->n + out->n;
	int rc = -1;
	*result = (struct ood_result){ .auroc = none, .aupr_in = none, .aupr_out = none, .fpr95 = none };
	if (mem_alloc(&key, n, sizeof *key, err) || mem_alloc(&place, n, sizeof *place, err))
		goto out;
	for (size_t i = 0; i < n; i++)
		key[i] = i < in->n ? key_at(in, score, i) : key_at(out, score, i - in->n);
	if (ranking_init(&ranking, key, in->n, out->n, err))
		goto out;
	ranking_measure(&ranking, NULL, &result->value);
	ranking_placements(&ranking, place);
	result->auroc = auroc_interval(result->value.auroc, delong_variance(place, NULL, in->n, out->n), in->n, out->n,
				       normal_quantile_two_sided(options->level));
	uint32_t at = result->value.at95;
	result->threshold95 = at < in->n ? score_at(in, score, at) : score_at(out, score, at - in->n);
	rc = options->rounds ? resample(&ranking, options, pool, result, err) : 0;
out:
	ranking_release(&ranking);
	free(key);
	free(place);
	return rc;
}

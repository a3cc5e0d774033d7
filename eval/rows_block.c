#include "rows_block.h"
#include "bins.h"
#include "pipeline/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One record, whichever way its probabilities came. */
struct result {
	double p, rest; /* the winner's probability and what is left, each with its own precision */
	double nll, brier, entropy, mutual, max_logit, energy, margin;
	int32_t winner, above;
	int tied;
};

/* Of softmax results. */
static void from_soft(const struct soft *s, int label, struct result *r)
{
	double spread = s->spread, scale = s->scale, p = scale, rest = s->rest * scale,
	       square = s->square * scale * scale;
	*r = (struct result){ .p = p, .rest = rest, .winner = s->winner, .above = s->above, .tied = s->tied };
	r->entropy = spread - s->slope * scale;
	r->max_logit = s->max;
	r->energy = s->max + spread;
	r->nll = r->brier = NAN;
	if (label < 0)
		return;
	r->nll = spread - s->label;
	/* Both cases are worked out: which it is changes from record to record, and a wrong guess costs more than the
	 * other sum. */
	double y = s->label_e * scale, others = square - y * y;
	double right = rest * rest + square, wrong = p * p + (others > 0 ? others : 0) + (1 - y) * (1 - y);
	r->brier = label == s->winner ? right : wrong;
}

/* Of probabilities p[classes] as they are. `rest`: 1 - p of the winner where it is known better than by subtraction,
 * else negative. */
static void from_probs(const double *p, int classes, int label, double rest, struct result *r)
{
	int w = 0, ties = 0;
	*r = (struct result){ .max_logit = NAN, .energy = NAN, .nll = NAN, .brier = NAN };
	double y = label >= 0 ? p[label] : 0, brier = 0, entropy = 0;
	for (int k = 1; k < classes; k++)
		w = p[k] > p[w] ? k : w;
	for (int k = 0; k < classes; k++) {
		double d = p[k] - (k == label);
		ties += p[k] == p[w];
		r->above += label >= 0 && (p[k] > y || (p[k] == y && k < label));
		brier += d * d;
		if (p[k] > 0)
			entropy -= p[k] * log(p[k]);
	}
	r->winner = w;
	r->tied = ties > 1;
	r->p = p[w];
	r->rest = rest >= 0 ? rest : 1 - p[w];
	r->entropy = entropy > 0 ? entropy : 0;
	if (label < 0)
		return;
	r->brier = brier;
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
	if (r->nll < FIX_LIMIT)
		s->nll += fix_of(r->nll);
	else
		s->infinite++;
}

static inline void add_cell(struct small_cell *c, double p, int right)
{
	c->n++;
	c->right += (uint32_t)right;
	c->conf += (uint64_t)(p * 0x1p48 + 0.5);
}

/* Stores record i. `stride` apart lie its probabilities p. Returns 0 where it is to be dropped. */
static int store(struct tally *t, struct results *out, size_t i, int split, int label, struct result *r,
		 const double *p, size_t stride, uint64_t number)
{
	const struct rows_ask *ask = t->ask;
	struct split_tally *s = &t->split[split];
	double conf = r->p, rest = r->rest;
	int right = r->winner == label;
	s->records++;
	out->fate[i] = (uint8_t)split;
	if (label < 0) {
		if (number < s->first_unlabelled)
			s->first_unlabelled = number;
		if (ask->unlabelled == ROWS_DROP) {
			out->fate[i] = FATE_DROP;
			return 0;
		}
	}
	if (t->one_class >= 0) {
		conf = p[(size_t)t->one_class * stride];
		rest = t->one_class == r->winner ? r->rest : 1 - conf;
		right = label == t->one_class;
	}
	if (ask->float32) {
		conf = (float)conf;
		rest = 1 - conf;
	}
	if (conf > 1) /* given probabilities may exceed 1 by a rounding of their float32 mean */
		conf = 1;
	if (!(rest > 0))
		rest = 0;
	out->key[i] = conf_pack(conf, rest, right);
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
	if (ask->class_bins && label >= 0) {
		int m = ask->class_bins;
		add_cell(&s->top_small[(size_t)r->winner * (size_t)m + (size_t)bin_of(m, r->p)], r->p,
			 r->winner == label);
		s->labels[label]++;
	}
	return 1;
}

static int split_room(struct tally *t, struct split_tally *s, struct err *err)
{
	size_t k = (size_t)t->classes, m = (size_t)t->ask->class_bins;
	if (!m || s->total)
		return 0;
	return mem_alloc(&s->class_cell, k * m, sizeof *s->class_cell, err) ||
			       mem_alloc(&s->top_cell, k * m, sizeof *s->top_cell, err) ||
			       mem_alloc(&s->class_small, k * m, sizeof *s->class_small, err) ||
			       mem_alloc(&s->top_small, k * m, sizeof *s->top_small, err) ||
			       mem_alloc(&s->pending, padded(t->classes) * t->lanes, sizeof *s->pending, err) ||
			       mem_alloc(&s->labels, k, sizeof *s->labels, err) ||
			       mem_alloc(&s->total, k, sizeof *s->total, err)
		       ? -1
		       : 0;
}

/* Bins above the first are counted one by one; the first one is what is left of the totals. */
static inline void class_cells(struct tally *t, struct split_tally *s, int k, double p, int label)
{
	int m = t->ask->class_bins, b = bin_of(m, p);
	if (b > 0)
		add_cell(&s->class_small[(size_t)k * (size_t)m + (size_t)b], p, k == label);
}

/* Slightly below the first bin's edge: what passes is binned exactly. */
static double first_edge(const struct tally *t)
{
	return 1.0 / t->ask->class_bins * (1 - 1e-12);
}

/* scale: 1 / sum of x. Leaves probabilities in t->x. */
static void class_row(struct tally *t, struct split_tally *s, double scale, int label)
{
	int n = t->ops->class_sums(t->x, padded(t->classes), scale, first_edge(t), s->pending, t->found);
	if (++s->n_pending == SUM_ROWS)
		flush_pending(s, t->classes, t->ask->class_bins, t->lanes);
	for (int i = 0; i < n; i++)
		class_cells(t, s, t->found[i], t->x[t->found[i]], label);
}

static int bad_value(const struct stream_head *h, const struct block *b, const char *name, struct err *err)
{
	if (logits_check(h, b, name, err))
		return -1;
	size_t each = (size_t)h->samples;
	for (uint32_t i = 0; i < b->n; i++)
		for (size_t s = 0; s < each; s++) {
			int finite = 0;
			for (int k = 0; k < h->n_classes; k++) {
				size_t at = (i * each + s) * (size_t)h->n_classes + (size_t)k;
				finite |= isfinite(h->dtype == DTYPE_F64 ? ((const double *)b->data)[at]
									 : (double)((const float *)b->data)[at]);
			}
			if (!finite)
				return err_set(err, "%s: record %llu: every logit is -Inf", name,
					       (unsigned long long)b->first + i);
		}
	return err_set(err, "%s: near record %llu: values that cannot be used", name, (unsigned long long)b->first);
}

static void load(const struct stream_head *h, const struct block *b, size_t row, double *x)
{
	size_t k = (size_t)h->n_classes;
	if (h->dtype == DTYPE_F64)
		memcpy(x, (const double *)b->data + row * k, k * sizeof *x);
	else
		for (size_t j = 0; j < k; j++)
			x[j] = ((const float *)b->data)[row * k + j];
}

static void soft_row(struct tally *t, const struct stream_head *h, const struct block *b, size_t row, int label,
		     struct soft *s)
{
	size_t k = (size_t)h->n_classes;
	if (h->dtype == DTYPE_F64)
		t->ops->row_f64((const double *)b->data + row * k, h->n_classes, label, t->x, s);
	else
		t->ops->row_f32((const float *)b->data + row * k, h->n_classes, label, t->x, s);
}

static int soft_right(const struct soft *s)
{
	return isfinite(s->max) && s->rest >= 0;
}

/* Mean of the samples' probabilities into t->mean, and what follows from them. */
static int mean_row(struct tally *t, const struct stream_head *h, const struct block *b, size_t i, int label,
		    struct result *r)
{
	int n = h->n_classes;
	double rest = 0, inside = 0, max = 0, energy = 0;
	memset(t->mean, 0, padded(n) * sizeof *t->mean);
	for (int s = 0; s < h->samples; s++) {
		size_t row = i * (size_t)h->samples + (size_t)s;
		double scale = 1;
		struct result one;
		if (h->values == VALUES_LOGITS) {
			struct soft soft;
			soft_row(t, h, b, row, label, &soft);
			if (!soft_right(&soft))
				return -1;
			scale = soft.scale;
			from_soft(&soft, label, &one);
		} else {
			load(h, b, row, t->x);
			from_probs(t->x, n, label, -1, &one);
		}
		for (int k = 0; k < n; k++)
			t->mean[k] += t->x[k] * scale;
		inside += one.entropy;
		max += one.max_logit;
		energy += one.energy;
	}
	double each = 1.0 / h->samples;
	int w = 0;
	for (int k = 0; k < n; k++) {
		t->mean[k] = h->samples == 1 ? t->mean[k] : t->mean[k] * each;
		w = t->mean[k] > t->mean[w] ? k : w;
	}
	for (int k = 0; k < n; k++)
		rest += k == w ? 0 : t->mean[k];
	from_probs(t->mean, n, label, h->values == VALUES_LOGITS ? rest : -1, r);
	r->mutual = h->samples > 1 ? r->entropy - inside * each : 0;
	if (r->mutual < 0)
		r->mutual = 0;
	if (h->values == VALUES_LOGITS) {
		r->max_logit = max * each;
		r->energy = energy * each;
	}
	return 0;
}

static int by_row(struct tally *t, const struct stream_head *h, const struct block *b, uint64_t at, struct results *out)
{
	int plain = h->values == VALUES_LOGITS && h->samples == 1;
	for (uint32_t i = 0; i < b->n; i++) {
		struct split_tally *s = &t->split[b->split[i]];
		struct result r;
		struct soft soft;
		double scale = 1;
		int label = b->label[i];
		if (plain) {
			soft_row(t, h, b, i, label, &soft);
			if (!soft_right(&soft))
				return -1;
			scale = soft.scale;
			from_soft(&soft, label, &r);
			if (t->one_class >= 0 || out->margin)
				for (int k = 0; k < h->n_classes; k++)
					t->mean[k] = t->x[k] * scale;
		} else {
			if (mean_row(t, h, b, i, label, &r))
				return -1;
			memcpy(t->x, t->mean, padded(h->n_classes) * sizeof *t->x);
		}
		if (store(t, out, i, b->split[i], label, &r, t->mean, 1, at + i) && t->ask->class_bins && label >= 0)
			class_row(t, s, scale, label);
	}
	return 0;
}

/* Eight records of one split: their numbers in the block. Unused lanes repeat the first and weigh nothing. */
static int eight(struct tally *t, const struct stream_head *h, const struct block *b, uint64_t at, struct results *out,
		 const uint32_t *which, int n)
{
	int k = h->n_classes;
	struct split_tally *s = &t->split[b->split[which[0]]];
	int32_t label[LANES];
	struct soft soft[LANES];
	double weight[LANES] __attribute__((aligned(64)));
	for (int j = 0; j < LANES; j++) {
		size_t row = which[j < n ? j : 0];
		label[j] = b->label[row];
		if (h->dtype == DTYPE_F64)
			for (int c = 0; c < k; c++)
				t->x[c * LANES + j] = ((const double *)b->data)[row * (size_t)k + (size_t)c];
		else
			for (int c = 0; c < k; c++)
				t->x[c * LANES + j] = ((const float *)b->data)[row * (size_t)k + (size_t)c];
	}
	t->ops->lanes(t->x, k, label, soft);
	for (int j = 0; j < LANES; j++) {
		if (!soft_right(&soft[j]))
			return -1;
		weight[j] = j < n && label[j] >= 0 ? soft[j].scale : 0;
	}
	if (t->one_class >= 0 || out->margin)
		for (int c = 0; c < k; c++)
			for (int j = 0; j < LANES; j++)
				t->mean[c * LANES + j] = t->x[c * LANES + j] * soft[j].scale;
	if (t->ask->class_bins) {
		int found = t->ops->lane_sums(t->x, k, weight, first_edge(t), s->pending, t->found);
		if (++s->n_pending == SUM_ROWS)
			flush_pending(s, t->classes, t->ask->class_bins, t->lanes);
		for (int i = 0; i < found; i++)
			class_cells(t, s, t->found[i] / LANES, t->x[t->found[i]], label[t->found[i] % LANES]);
	}
	for (int j = 0; j < n; j++) {
		struct result r;
		from_soft(&soft[j], label[j], &r);
		store(t, out, which[j], b->split[which[j]], label[j], &r, t->mean + j, LANES, at + which[j]);
	}
	return 0;
}

static int by_lanes(struct tally *t, const struct stream_head *h, const struct block *b, uint64_t at,
		    struct results *out)
{
	uint32_t which[SPLIT_COUNT][LANES];
	int n[SPLIT_COUNT] = { 0 };
	for (uint32_t i = 0; i < b->n; i++) {
		int s = b->split[i];
		which[s][n[s]++] = i;
		if (n[s] == LANES) {
			if (eight(t, h, b, at, out, which[s], LANES))
				return -1;
			n[s] = 0;
		}
	}
	for (int s = 0; s < SPLIT_COUNT; s++)
		if (n[s] && eight(t, h, b, at, out, which[s], n[s]))
			return -1;
	return 0;
}

int tally_block(struct tally *t, const struct stream_head *h, const struct block *b, uint64_t at, struct results *r,
		const char *name, struct err *err)
{
	if (results_room(r, t->ask->columns, b->n, err))
		return -1;
	for (uint32_t i = 0; i < b->n; i++)
		if (split_room(t, &t->split[b->split[i]], err))
			return -1;
	if (h->values == VALUES_PROBS && logits_check(h, b, name, err))
		return -1;
	if (t->lanes > 1 ? by_lanes(t, h, b, at, r) : by_row(t, h, b, at, r))
		return bad_value(h, b, name, err);
	return 0;
}

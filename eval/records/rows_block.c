/* A block of records, one at a time or eight side by side. */
#include "rows_block.h"
#include "pipeline/base/mem.h"

#include <math.h>
#include <string.h>

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

static void load_row(const struct stream_head *h, const struct block *b, size_t row, double *x)
{
	size_t k = (size_t)h->n_classes;
	if (h->dtype == DTYPE_F64)
		memcpy(x, (const double *)b->data + row * k, k * sizeof *x);
	else
		for (size_t j = 0; j < k; j++)
			x[j] = ((const float *)b->data)[row * k + j];
}

static void soft_row(const struct tally *t, const struct stream_head *h, const struct block *b, size_t row, int label,
		     double *x, struct soft *s)
{
	size_t k = (size_t)h->n_classes;
	if (h->dtype == DTYPE_F64)
		t->ops->row_f64((const double *)b->data + row * k, h->n_classes, label, x, s);
	else
		t->ops->row_f32((const float *)b->data + row * k, h->n_classes, label, x, s);
}

static int soft_right(const struct soft *s)
{
	return isfinite(s->max) && s->rest >= 0;
}

/* One sample's probabilities into x. */
static int sample_row(const struct tally *t, const struct stream_head *h, const struct block *b, size_t row, int label,
		      double *x, struct result *r)
{
	struct soft soft;
	if (h->values == VALUES_PROBS) {
		load_row(h, b, row, x);
		result_of_probs(x, h->n_classes, label, 0, r);
		return 0;
	}
	soft_row(t, h, b, row, label, x, &soft);
	if (!soft_right(&soft))
		return -1;
	for (int k = 0; k < h->n_classes; k++)
		x[k] *= soft.scale;
	result_of_soft(&soft, label, r);
	return 0;
}

/* Mean of the samples' probabilities into t->mean, and what follows from them. No sum depends on the order of samples
 * or classes. */
static int mean_row(struct tally *t, const struct stream_head *h, const struct block *b, size_t i, int label,
		    struct result *r)
{
	size_t n = (size_t)h->samples, stride = padded(h->n_classes) + LANES;
	double *inside = t->of_pass, *max = inside + n, *energy = max + n;
	if (n == 1)
		return sample_row(t, h, b, i, label, t->mean, r);
	for (size_t s = 0; s < n; s++) {
		struct result one;
		if (sample_row(t, h, b, i * n + s, label, t->pass + s * stride, &one))
			return -1;
		inside[s] = one.entropy;
		max[s] = one.max_logit;
		energy[s] = one.energy;
	}
	for (size_t k = 0; k < (size_t)h->n_classes; k++)
		t->mean[k] = fix_sum(t->pass + k, n, stride) / (double)n;
	result_of_probs(t->mean, h->n_classes, label, h->values == VALUES_LOGITS, r);
	r->mutual = r->entropy - fix_sum(inside, n, 1) / (double)n;
	if (r->mutual < 0)
		r->mutual = 0;
	if (h->values == VALUES_LOGITS) {
		r->max_logit = fix_sum(max, n, 1) / (double)n;
		r->energy = fix_sum(energy, n, 1) / (double)n;
	}
	return 0;
}

/* Whether probabilities of other classes than the winner and the label are looked at. */
static int asks_classes(const struct tally *t, const struct results *out)
{
	return t->one_class >= 0 || out->margin || out->class_key;
}

static int by_row(struct tally *t, const struct stream_head *h, const struct block *b, uint64_t at, struct results *out)
{
	int plain = h->values == VALUES_LOGITS && h->samples == 1;
	for (uint32_t i = 0; i < b->n; i++) {
		struct result r;
		struct soft soft;
		double scale = 1;
		int label = b->label[i];
		if (plain) {
			soft_row(t, h, b, i, label, t->x, &soft);
			if (!soft_right(&soft))
				return -1;
			scale = soft.scale;
			result_of_soft(&soft, label, &r);
			if (asks_classes(t, out))
				for (int k = 0; k < h->n_classes; k++)
					t->mean[k] = t->x[k] * scale;
		} else {
			if (mean_row(t, h, b, i, label, &r))
				return -1;
			memcpy(t->x, t->mean, padded(h->n_classes) * sizeof *t->x);
		}
		if (result_store(t, out, i, b->split[i], label, &r, t->mean, 1, at + i) && t->options->class_bins &&
		    label >= 0)
			classwise_row(&t->split[b->split[i]].by_class, t->x, scale, label, r.winner);
	}
	return 0;
}

/* Eight records of one split, whatever is asked for: their numbers in the block. Unused lanes repeat the first and
 * weigh nothing. */
static int any_eight(struct tally *t, const struct stream_head *h, const struct block *b, uint64_t at,
		     struct results *out, const uint32_t *which, int n)
{
	int k = h->n_classes;
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
	if (asks_classes(t, out))
		for (int c = 0; c < k; c++)
			for (int j = 0; j < LANES; j++)
				t->mean[c * LANES + j] = t->x[c * LANES + j] * soft[j].scale;
	if (t->options->class_bins) {
		int32_t winner[LANES];
		for (int j = 0; j < LANES; j++)
			winner[j] = soft[j].winner;
		classwise_lanes(&t->split[b->split[which[0]]].by_class, t->x, weight, label, winner);
	}
	for (int j = 0; j < n; j++) {
		struct result r;
		result_of_soft(&soft[j], label[j], &r);
		result_store(t, out, which[j], b->split[which[j]], label[j], &r, t->mean + j, LANES, at + which[j]);
	}
	return 0;
}

/* Column to[] of the records which[0..n). */
static void store_column(double *to, const double *v, const uint32_t *which, int n)
{
	for (int j = 0; to && j < n; j++)
		to[which[j]] = v[j];
}

static void store_eight(struct results *out, const struct soft_eight *s, int split, const uint32_t *which, int n)
{
	if (n == LANES && which[LANES - 1] - which[0] == LANES - 1) {
		memcpy(out->key + which[0], s->key, sizeof s->key);
		memset(out->fate + which[0], split, LANES);
	} else {
		for (int j = 0; j < n; j++) {
			out->key[which[j]] = s->key[j];
			out->fate[which[j]] = (uint8_t)split;
		}
	}
	for (int j = 0; out->predicted && j < n; j++)
		out->predicted[which[j]] = s->winner[j];
	for (int j = 0; out->mutual && j < n; j++)
		out->mutual[which[j]] = 0;
	store_column(out->nll, s->nll, which, n);
	store_column(out->brier, s->brier, which, n);
	store_column(out->entropy, s->entropy, which, n);
	store_column(out->max_logit, s->max, which, n);
	store_column(out->energy, s->energy, which, n);
}

/* The same of labelled records whose key is of the winner, as nearly all are: as vectors up to the sums. */
static int plain_eight(struct tally *t, const struct stream_head *h, const struct block *b, struct results *out,
		       const uint32_t *which, int n)
{
	struct split_tally *split = &t->split[b->split[which[0]]];
	struct soft_eight s;
	double weight[LANES] __attribute__((aligned(64)));
	size_t row[LANES];
	int32_t label[LANES];
	for (int j = 0; j < LANES; j++) {
		uint32_t i = which[j < n ? j : 0];
		row[j] = i * (size_t)h->n_classes;
		label[j] = b->label[i];
	}
	t->ops->eight(b->data, h->dtype == DTYPE_F64, row, h->n_classes, label, n, t->x, &s, &split->eights);
	if (s.whole != (1u << LANES) - 1)
		return -1;
	for (int j = 0; j < LANES; j++)
		weight[j] = j < n ? s.p[j] : 0;
	if (t->options->class_bins)
		classwise_lanes(&split->by_class, t->x, weight, label, s.winner);
	for (int j = 0; s.far && j < n; j++)
		if (s.far >> j & 1)
			rows_add_nll(&split->sum, s.nll[j]);
	split->sum.n += (uint64_t)n;
	split->records += (uint64_t)n;
	store_eight(out, &s, b->split[which[0]], which, n);
	return 0;
}

static int eight(struct tally *t, const struct stream_head *h, const struct block *b, uint64_t at, struct results *out,
		 const uint32_t *which, int n)
{
	int plain = !asks_classes(t, out) && !t->options->float32;
	for (int j = 0; j < n; j++)
		plain &= b->label[which[j]] >= 0;
	return plain ? plain_eight(t, h, b, out, which, n) : any_eight(t, h, b, at, out, which, n);
}

/* Whether LANES records from i on are of one split. */
static int same_split(const struct block *b, uint32_t i)
{
	uint64_t splits;
	_Static_assert(sizeof splits == LANES, "a byte a lane");
	if (b->n - i < LANES)
		return 0;
	memcpy(&splits, b->split + i, sizeof splits);
	return splits == b->split[i] * 0x0101010101010101u;
}

static int by_lanes(struct tally *t, const struct stream_head *h, const struct block *b, uint64_t at,
		    struct results *out)
{
	uint32_t which[SPLIT_COUNT][LANES], next[LANES];
	int n[SPLIT_COUNT] = { 0 };
	for (uint32_t i = 0; i < b->n;) {
		int s = b->split[i];
		if (!n[s] && same_split(b, i)) { /* as nearly always */
			for (uint32_t j = 0; j < LANES; j++)
				next[j] = i + j;
			if (eight(t, h, b, at, out, next, LANES))
				return -1;
			i += LANES;
			continue;
		}
		which[s][n[s]++] = i++;
		if (n[s] == LANES) {
			if (eight(t, h, b, at, out, which[s], LANES))
				return -1;
			n[s] = 0;
		}
	}
	for (int s = 0; s < SPLIT_COUNT; s++) {
		if (n[s] && eight(t, h, b, at, out, which[s], n[s]))
			return -1;
		tally_eights(&t->split[s]);
	}
	return 0;
}

static int split_room(struct tally *t, struct split_tally *s, struct err *err)
{
	const struct rows_options *options = t->options;
	if (!options->class_bins || s->by_class.total)
		return 0;
	return classwise_init(&s->by_class, t->classes, options->class_bins, t->lanes, options->class_room, err);
}

int tally_block(struct tally *t, const struct stream_head *h, const struct block *b, uint64_t at, struct results *r,
		const char *name, struct err *err)
{
	if (results_room(r, t->options->columns, b->n, t->classes, err))
		return -1;
	unsigned splits = 0;
	for (uint32_t i = 0; i < b->n; i++)
		splits |= 1u << b->split[i];
	for (int s = 0; s < SPLIT_COUNT; s++)
		if (splits >> s & 1 && split_room(t, &t->split[s], err))
			return -1;
	if (h->values == VALUES_PROBS && logits_check(h, b, name, err))
		return -1;
	if (t->lanes > 1 ? by_lanes(t, h, b, at, r) : by_row(t, h, b, at, r))
		return bad_value(h, b, name, err);
	return 0;
}

/* The list of a stream's numbers. truth_of needs keys beside their records and other tools' rules need them in the
 * order of the stream, so both come before keys_sort. score_spread goes by position: the scores must come from one
 * score_options and have the same items. */
#include "score.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/num.h"
#include "pipeline/files/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct score_item *add_item(struct score *s, const char *key, enum score_kind kind)
{
	/* The list is as long as the longest possible table; a value beyond it is counted, and score_show refuses. */
	struct score_item *i = s->n < SCORE_ITEMS ? &s->item[s->n++] : &s->beyond;
	s->n_beyond += i == &s->beyond;
	*i = (struct score_item){ .kind = kind };
	snprintf(i->key, sizeof i->key, "%s", key);
	return i;
}

static struct score_item *add_value(struct score *s, const char *key, int number, enum score_kind kind, double value)
{
	struct score_item *i = add_item(s, key, kind);
	if (number)
		snprintf(i->key, sizeof i->key, "%s@%d", key, number);
	i->value = value;
	return i;
}

void score_count(struct score *s, const char *key, uint64_t value)
{
	add_value(s, key, 0, SCORE_COUNT, (double)value);
}

void score_real(struct score *s, const char *key, int number, double value)
{
	add_value(s, key, number, SCORE_REAL, value);
}

void score_text(struct score *s, const char *key, const char *text)
{
	add_item(s, key, SCORE_TEXT)->text = text;
}

const struct score_item *score_find(const struct score *s, const char *key)
{
	for (int i = 0; i < s->n; i++)
		if (!strcmp(s->item[i].key, key))
			return &s->item[i];
	return NULL;
}

int score_show(struct table *t, const char *name, const struct score *s, struct err *err)
{
	if (s->n_beyond)
		return err_set(err, "%s: %d values more than the %d that a table holds", name, s->n_beyond,
			       SCORE_ITEMS);
	int rc = table_column(t, name, err);
	for (int i = 0; i < s->n && !rc; i++) {
		const struct score_item *v = &s->item[i];
		switch (v->kind) {
		case SCORE_COUNT: rc = table_count(t, v->key, (uint64_t)v->value, err); break;
		case SCORE_REAL: rc = table_real(t, v->key, v->value, err); break;
		case SCORE_INTERVAL: rc = table_interval(t, v->key, v->value, v->low, v->high, err); break;
		case SCORE_SPREAD: rc = table_spread(t, v->key, v->value, v->low, err); break;
		case SCORE_TEXT: rc = table_text(t, v->key, v->text, err); break;
		}
	}
	return rc;
}

void score_spread(struct score *out, const struct score *const *in, int n)
{
	*out = *in[0];
	for (int i = 0; i < out->n; i++) {
		struct score_item *v = &out->item[i];
		double sum = 0, square = 0;
		if (v->kind == SCORE_TEXT)
			continue;
		for (int j = 0; j < n; j++)
			sum += in[j]->item[i].value;
		for (int j = 0; j < n; j++) {
			double d = in[j]->item[i].value - sum / n;
			square += d * d;
		}
		if (v->kind == SCORE_COUNT && !(square > 0)) /* the same in all */
			continue;
		v->kind = SCORE_SPREAD;
		v->value = sum / n;
		v->low = n > 1 ? sqrt(square / (n - 1)) : NAN;
	}
}

static int add_bins(struct score_options *options, const char *text, struct err *err)
{
	int64_t v;
	if (options->n_bins == SCORE_BINS)
		return err_usage(err, "--bins: at most %d numbers, with commas between", SCORE_BINS);
	if (num_i64("--bins", text, 1, BINS_MAX, &v, err))
		return -1;
	for (int i = 0; i < options->n_bins; i++)
		if (options->bins[i] == v)
			return err_usage(err, "--bins: %d is there twice", (int)v);
	options->bins[options->n_bins++] = (int)v;
	return 0;
}

int score_bins_of(struct score_options *options, const char *list, struct err *err)
{
	char *copy = NULL, *one;
	int rc = mem_text(&copy, list, strlen(list), err);
	for (char *at = copy; !rc && (one = text_field(&at, ','));)
		rc = add_bins(options, one, err);
	free(copy);
	return rc;
}

unsigned score_columns(const struct score_options *options)
{
	return (options->rounds ? COL_NLL | COL_BRIER : 0) | (options->posterior ? COL_ID | COL_PREDICTED : 0);
}

int score_measure(struct measured *m, const conf_key *sorted, size_t n, const struct score_options *options,
		  struct err *err)
{
	for (int i = 0; i < options->n_bins; i++) {
		unsigned parts = i ? PART_BINS : metric_parts(options->brief, TEST_NONE);
		if (measure_keys(&m[i], sorted, n, options->bins[i], parts, err))
			return -1;
	}
	return 0;
}

/* What is drawn from the confidences. */
static int measure_nulls(struct measured *m, const struct rows *w, const struct score_options *options, unsigned parts,
			 struct err *err)
{
	struct pool *pool;
	int rc = 0;
	if (!(parts & (PART_FLOOR | PART_WALK)))
		return 0;
	if (pool_open(&pool, options->threads, err))
		return -1;
	if (parts & PART_WALK)
		rc = null_walk(w->key, w->n, &m[0].cumulative, options->floor_rounds > 0, options->seed, pool,
			       &m[0].walk_p, err);
	for (int i = 0; i < options->n_bins && parts & PART_FLOOR && !rc; i++)
		rc = null_floor(w->key, w->n, options->bins[i], options->floor_rounds, options->seed, pool, &m[i].floor,
				err);
	pool_close(pool);
	return rc;
}

static unsigned parts_of(const struct rows *w, const struct score_options *options)
{
	return PARTS_OF_KEYS | PART_ROWS | (w->head.n_classes > 5 ? PART_SIX_CLASSES : 0) |
	       (w->head.samples > 1 ? PART_SAMPLES : 0) | (w->class_cell ? PART_CLASS_CELLS : 0) |
	       (options->floor_rounds && !options->brief ? PART_FLOOR : 0) | (options->brief ? 0 : PART_WALK) |
	       (options->posterior ? PART_TRUTH : 0);
}

/* Adds the metrics whose parts are all in `parts`, one of them in `any`, at options->bins[at]. */
static void add_metrics(struct score *s, const struct measured *m, const struct score_options *options, int at,
			unsigned parts, unsigned any)
{
	for (const struct metric *row = metric_table; row->key; row++) {
		if (!(row->parts & any) || row->parts & ~parts || (at && !(row->flags & METRIC_AT_BINS)) ||
		    (options->brief && !(row->flags & METRIC_BRIEF)))
			continue;
		enum score_kind kind = row->flags & METRIC_COUNT ? SCORE_COUNT : SCORE_REAL;
		struct score_item *i = add_value(s, row->key, at ? options->bins[at] : 0, kind, row->value(&m[at]));
		i->metric = row;
		i->at = at;
	}
}

/* How the numbers came about: in every output, so that two tables can be compared. */
static void convention(struct score *s, const struct rows *w, const struct score_options *options)
{
	score_text(s, "split", rows_split_name(w->split));
	score_count(s, "classes", (uint64_t)w->head.n_classes);
	score_count(s, "documents", w->documents);
	if (w->head.samples > 1)
		score_count(s, "samples", (uint64_t)w->head.samples);
	score_text(s, "values", w->head.values == VALUES_PROBS ? "probs" : "logits");
	if (options->floor_rounds)
		score_count(s, "floor_draws", (uint64_t)options->floor_rounds);
	if (options->rounds)
		score_count(s, "resamples", (uint64_t)options->rounds);
	score_count(s, "seed", options->seed);
}

static int like_others(struct score *s, struct rows *w, const struct score_options *options, struct err *err)
{
	double n = (double)(w->sum.n - w->sum.unlabelled);
	size_t right = 0;
	for (size_t i = 0; i < w->n; i++)
		right += (size_t)conf_right(w->key[i]);
	score_count(s, "n", w->sum.n);
	score_real(s, "accuracy", 0, (double)right / (double)w->n);
	for (int i = 0; i < options->n_bins; i++) {
		struct compat_errors e;
		int at = i ? options->bins[i] : 0;
		if (compat_errors(options->compat, w->key, w->n, options->bins[i], w->head.dtype == DTYPE_F32, &e, err))
			return -1;
		score_real(s, "ece", at, e.ece);
		if (!isnan(e.mce))
			score_real(s, "mce", at, e.mce);
		if (!isnan(e.rmsce))
			score_real(s, "rmsce", at, e.rmsce);
		if (!isnan(e.ace))
			score_real(s, "ace", at, e.ace);
	}
	score_real(s, "brier", 0, compat_brier(options->compat, fix_real(w->sum.brier) / n, w->head.n_classes));
	score_count(s, "bins", (uint64_t)options->bins[0]);
	return 0;
}

int score_rows(struct score *s, struct rows *w, const struct score_options *options, struct err *err)
{
	struct measured m[SCORE_BINS] = { { .rows = w } };
	unsigned parts = parts_of(w, options);
	*s = (struct score){ 0 };
	if (options->compat)
		return like_others(s, w, options, err);
	if ((options->posterior && truth_of(options->posterior, w, options->bins[0], &m[0].truth, err)) ||
	    keys_sort(w->key, w->n, err) || score_measure(m, w->key, w->n, options, err) ||
	    measure_nulls(m, w, options, parts, err))
		return -1;
	measure_means(&m[0], w);
	add_metrics(s, m, options, 0, parts, parts);
	for (int i = 1; i < options->n_bins; i++)
		add_metrics(s, m, options, i, parts, PART_BINS);
	for (int i = 1; i < options->n_bins; i++)
		add_metrics(s, m, options, i, parts, PART_FLOOR);
	if (options->rounds && score_bootstrap(s, w, options, err))
		return -1;
	if (!options->brief)
		convention(s, w, options);
	return 0;
}

/* The list of a stream's numbers. The order of steps in score_rows matters: other tools' rules need the keys in the
 * order of the stream, and truth_of needs them beside their records, so both come before keys_sort; score_bootstrap
 * turns what is in the list into intervals, so it comes after nll and brier. in_order then sorts the list for reading;
 * a key its string does not name (ece@M, the convention) stays behind those it names. score_spread goes by position:
 * the scores must come from one score_ask and have the same items. */
#include "score.h"
#include "metrics.h"
#include "pipeline/base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct score_item *add(struct score *s, const char *key, enum score_kind kind)
{
	/* The list is as long as the longest possible table; a value beyond it is counted, and score_show refuses. */
	struct score_item *i = s->n < SCORE_ITEMS ? &s->item[s->n++] : &s->beyond;
	s->n_beyond += i == &s->beyond;
	*i = (struct score_item){ .kind = kind };
	snprintf(i->key, sizeof i->key, "%s", key);
	return i;
}

void score_count(struct score *s, const char *key, uint64_t value)
{
	add(s, key, SCORE_COUNT)->value = (double)value;
}

void score_real(struct score *s, const char *key, int number, double value, double least, double most)
{
	struct score_item *i = add(s, key, SCORE_REAL);
	if (number)
		snprintf(i->key, sizeof i->key, "%s@%d", key, number);
	i->value = value;
	i->least = least;
	i->most = most;
}

void score_text(struct score *s, const char *key, const char *text)
{
	snprintf(add(s, key, SCORE_TEXT)->text, sizeof s->item->text, "%s", text);
}

struct score_item *score_find(struct score *s, const char *key)
{
	for (int i = 0; i < s->n; i++)
		if (!strcmp(s->item[i].key, key))
			return &s->item[i];
	return NULL;
}

int score_show(struct table *t, const char *name, const struct score *s, struct err *err)
{
	if (s->n_beyond)
		return err_set(err, "%s: %d values more than the %d that a table holds", name, s->n_beyond, SCORE_ITEMS);
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

unsigned score_columns(const struct score_ask *ask)
{
	return (ask->rounds ? COL_NLL | COL_BRIER : 0) | (ask->posterior ? COL_ID | COL_PREDICTED : 0);
}

static int errors_at(const conf_key *key, size_t n, int m, struct bin_errors *e, struct err *err)
{
	struct bins b;
	if (bins_init(&b, m, err))
		return -1;
	bins_add(&b, key, n);
	bins_errors(&b, e);
	bins_release(&b);
	return 0;
}

static int binned(struct score *s, const conf_key *key, size_t n, const struct score_ask *ask, struct err *err)
{
	struct bin_errors e;
	for (int i = 0; i < ask->n_bins; i++) {
		int at = i ? ask->bins[i] : 0;
		if (errors_at(key, n, ask->bins[i], &e, err))
			return -1;
		if (i == 0) {
			score_real(s, "accuracy", 0, e.accuracy, 0, 1);
			score_real(s, "gap", 0, e.gap, -1, 1);
		}
		score_real(s, "ece", at, e.ece, 0, 1);
		score_real(s, "oe", at, e.oe, 0, 1);
		if (i || ask->brief)
			continue;
		score_real(s, "uce", 0, e.uce, 0, 1);
		score_real(s, "mce", 0, e.mce, 0, 1);
		score_count(s, "mce_n", e.mce_n);
		score_real(s, "rmsce", 0, e.rmsce, 0, 1);
		score_real(s, "l2_debiased", 0, e.l2_debiased, 0, 1);
	}
	return 0;
}

int score_keys(struct score *s, const conf_key *key, size_t n, const struct score_ask *ask, struct err *err)
{
	struct selective sel;
	struct corp corp;
	struct cumulative c;
	double sweep, smooth, width;
	int bins;
	if (binned(s, key, n, ask, err))
		return -1;
	if (ask->brief)
		return 0;
	if (ece_sweep(key, n, &sweep, &bins, err) || smooth_ece(key, n, &smooth, &width, err) ||
	    corp_of(key, n, &corp, err))
		return -1;
	cumulative_of(key, n, &c);
	selective_of(key, n, &sel);
	score_real(s, "ece_mass", 0, ece_equal_mass(key, n, ask->bins[0]), 0, 1);
	score_real(s, "ece_sweep", 0, sweep, 0, 1);
	score_count(s, "sweep_bins", (uint64_t)bins);
	score_real(s, "ece_smooth", 0, smooth, 0, 1);
	score_real(s, "ks", 0, c.ks_error, 0, 1);
	score_real(s, "kuiper", 0, c.kuiper_error, 0, 1);
	score_real(s, "kuiper_p", 0, c.kuiper_p, NAN, NAN);
	score_real(s, "corp_score", 0, corp.score, 0, 1);
	score_real(s, "corp_mcb", 0, corp.miscalibration, 0, 1);
	score_real(s, "corp_dsc", 0, corp.discrimination, 0, 1);
	score_real(s, "corp_unc", 0, corp.uncertainty, 0, 1);
	score_real(s, "aurc", 0, sel.aurc, 0, 1);
	score_real(s, "augrc", 0, sel.augrc, 0, 1);
	return 0;
}

/* Class-wise: the mean over classes of their own binned errors. Top-label: records grouped by predicted class,
 * weighted. */
static void by_class(struct score *s, const struct rows *w)
{
	double wise = 0, top = 0, n = (double)(w->sum.n - w->sum.unlabelled);
	size_t k = (size_t)w->head.n_classes, cells = k * (size_t)w->class_bins;
	for (size_t i = 0; i < cells; i++) {
		wise += fabs(fix_real(w->class_cell[i].conf) - (double)w->class_cell[i].right);
		top += fabs(fix_real(w->top_cell[i].conf) - (double)w->top_cell[i].right);
	}
	score_real(s, "ece_class", 0, wise / n / (double)k, NAN, NAN);
	score_real(s, "ece_top", 0, top / n, NAN, NAN);
}

static int floors_of(struct score *s, const struct rows *w, const struct score_ask *ask, struct err *err)
{
	struct pool *pool;
	int rc = 0;
	if (pool_open(&pool, ask->threads, err))
		return -1;
	for (int i = 0; i < ask->n_bins && !rc; i++) {
		struct floors f;
		int at = i ? ask->bins[i] : 0;
		rc = null_floor(w->key, w->n, ask->bins[i], ask->floor_rounds, ask->seed, pool, &f, err);
		if (rc)
			break;
		score_real(s, "ece_floor", at, f.ece.mean, NAN, NAN);
		score_real(s, "ece_floor95", at, f.ece.q95, NAN, NAN);
		score_real(s, "ece_p", at, f.ece.p, NAN, NAN);
		score_real(s, "oe_floor", at, f.oe.mean, NAN, NAN);
		score_real(s, "oe_floor95", at, f.oe.q95, NAN, NAN);
	}
	pool_close(pool);
	return rc;
}

/* Numbers in the order of reading: the contract's eight, then each error beside its floor, then the rest. */
static void in_order(struct score *s)
{
	static const char order[] =
		"n accuracy ece oe nll brier gap bins ece_floor ece_floor95 ece_p oe_floor oe_floor95 top5 entropy mutual "
		"uce mce mce_n rmsce l2_debiased ece_mass ece_sweep sweep_bins ece_smooth ece_class ece_top ks kuiper "
		"kuiper_p corp_score corp_mcb corp_dsc corp_unc aurc augrc true_accuracy true_ece true_ece_smooth true_point ";
	char key[SCORE_KEY];
	struct score_item *from = NULL;
	int to = 0;
	for (const char *at = order; *at; at += strcspn(at, " ") + 1) {
		snprintf(key, sizeof key, "%.*s", (int)strcspn(at, " "), at);
		if ((from = score_find(s, key)) && from >= s->item + to) {
			struct score_item v = *from;
			memmove(s->item + to + 1, s->item + to, (size_t)(from - (s->item + to)) * sizeof v);
			s->item[to++] = v;
		}
	}
}

/* How the numbers came about: in every output, so that two tables can be compared. */
static void convention(struct score *s, const struct rows *w, const struct score_ask *ask)
{
	score_text(s, "split", w->split == ROWS_ALL ? "all" : split_name(w->split));
	score_count(s, "classes", (uint64_t)w->head.n_classes);
	score_count(s, "documents", w->documents);
	if (w->head.samples > 1)
		score_count(s, "samples", (uint64_t)w->head.samples);
	score_text(s, "values", w->head.values == VALUES_PROBS ? "probs" : "logits");
	if (ask->floor_rounds)
		score_count(s, "floor_draws", (uint64_t)ask->floor_rounds);
	if (ask->rounds)
		score_count(s, "resamples", (uint64_t)ask->rounds);
	score_count(s, "seed", ask->seed);
}

static int like_others(struct score *s, struct rows *w, const struct score_ask *ask, struct err *err)
{
	double n = (double)(w->sum.n - w->sum.unlabelled);
	size_t right = 0;
	for (size_t i = 0; i < w->n; i++)
		right += (size_t)conf_right(w->key[i]);
	score_count(s, "n", w->sum.n);
	score_real(s, "accuracy", 0, (double)right / (double)w->n, NAN, NAN);
	for (int i = 0; i < ask->n_bins; i++) {
		struct compat_errors e;
		int at = i ? ask->bins[i] : 0;
		if (compat_errors(ask->compat, w->key, w->n, ask->bins[i], w->head.dtype == DTYPE_F32, &e, err))
			return -1;
		score_real(s, "ece", at, e.ece, NAN, NAN);
		if (!isnan(e.mce))
			score_real(s, "mce", at, e.mce, NAN, NAN);
		if (!isnan(e.rmsce))
			score_real(s, "rmsce", at, e.rmsce, NAN, NAN);
		if (!isnan(e.ace))
			score_real(s, "ace", at, e.ace, NAN, NAN);
	}
	score_real(s, "brier", 0, compat_brier(ask->compat, fix_real(w->sum.brier) / n, w->head.n_classes), NAN, NAN);
	score_count(s, "bins", (uint64_t)ask->bins[0]);
	return 0;
}

int score_rows(struct score *s, struct rows *w, const struct score_ask *ask, struct err *err)
{
	double n = (double)(w->sum.n - w->sum.unlabelled);
	struct truth t;
	*s = (struct score){ 0 };
	if (ask->compat)
		return like_others(s, w, ask, err);
	if (ask->posterior && truth_of(ask->posterior, w, ask->bins[0], &t, err))
		return -1;
	if (keys_sort(w->key, w->n, err))
		return -1;
	score_count(s, "n", w->sum.n);
	if (score_keys(s, w->key, w->n, ask, err))
		return -1;
	score_real(s, "nll", 0, w->sum.infinite ? INFINITY : fix_real(w->sum.nll) / n, 0, INFINITY);
	score_real(s, "brier", 0, fix_real(w->sum.brier) / n, 0, 2);
	score_count(s, "bins", (uint64_t)ask->bins[0]);
	if (ask->rounds && score_bootstrap(s, w, ask, err))
		return -1;
	if (!ask->brief) {
		if (w->head.n_classes > 5)
			score_real(s, "top5", 0, (double)w->sum.top5 / n, NAN, NAN);
		score_real(s, "entropy", 0, fix_real(w->sum.entropy) / (double)w->sum.n, NAN, NAN);
		if (w->head.samples > 1)
			score_real(s, "mutual", 0, fix_real(w->sum.mutual) / (double)w->sum.n, NAN, NAN);
		if (w->class_cell)
			by_class(s, w);
		if (ask->floor_rounds && floors_of(s, w, ask, err))
			return -1;
	}
	if (ask->posterior) {
		score_real(s, "true_accuracy", 0, t.accuracy, NAN, NAN);
		score_real(s, "true_ece", 0, t.ece, NAN, NAN);
		score_real(s, "true_ece_smooth", 0, t.smooth, NAN, NAN);
		score_real(s, "true_point", 0, t.point, NAN, NAN);
	}
	if (!ask->brief)
		convention(s, w, ask);
	in_order(s);
	return 0;
}

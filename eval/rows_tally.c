#include "pipeline/mem.h"
#include "pipeline/num.h"
#include "rows_block.h"

#include <stdlib.h>
#include <string.h>

static int column(void *array, unsigned wanted, size_t n, size_t size, struct err *err)
{
	void **p = array;
	free(*p);
	*p = NULL;
	return wanted ? mem_alloc(p, n, size, err) : 0;
}

int results_room(struct results *r, unsigned columns, size_t n, struct err *err)
{
	if (n <= r->cap && r->key)
		return 0;
	r->cap = 0;
	if (column(&r->key, 1, n, sizeof *r->key, err) || column(&r->fate, 1, n, 1, err) ||
	    column(&r->predicted, columns & COL_PREDICTED, n, 4, err) ||
	    column(&r->nll, columns & COL_NLL, n, 8, err) || column(&r->brier, columns & COL_BRIER, n, 8, err) ||
	    column(&r->entropy, columns & COL_ENTROPY, n, 8, err) ||
	    column(&r->mutual, columns & COL_MUTUAL, n, 8, err) ||
	    column(&r->max_logit, columns & COL_MAX_LOGIT, n, 8, err) ||
	    column(&r->energy, columns & COL_ENERGY, n, 8, err) || column(&r->margin, columns & COL_MARGIN, n, 8, err))
		return -1;
	r->cap = n;
	return 0;
}

void results_release(struct results *r)
{
	free(r->key);
	free(r->fate);
	free(r->predicted);
	free(r->nll);
	free(r->brier);
	free(r->entropy);
	free(r->mutual);
	free(r->max_logit);
	free(r->energy);
	free(r->margin);
	*r = (struct results){ 0 };
}

/* -1 for the winner; a name before a number, so that a class called "1" is found by it. */
static int class_of(const struct stream_head *h, const struct rows_ask *ask, int *k, struct err *err)
{
	int64_t number;
	struct err ignored = ERR_NONE;
	*k = ask->binary_second && h->n_classes == 2 ? 1 : -1;
	if (!ask->class_name)
		return 0;
	for (int i = 0; i < h->n_classes; i++)
		if (!strcmp(h->classes[i], ask->class_name)) {
			*k = i;
			return 0;
		}
	if (num_i64("class", ask->class_name, 0, h->n_classes - 1, &number, &ignored))
		return err_usage(err, "there is no class '%s' among the %d ('%s' is the first)", ask->class_name,
				 h->n_classes, h->classes[0]);
	*k = (int)number;
	return 0;
}

int tally_init(struct tally *t, const struct stream_head *head, const struct rows_ask *ask, struct err *err)
{
	int small = head->n_classes < SMALL_CLASSES && head->values == VALUES_LOGITS && head->samples == 1;
	size_t n;
	*t = (struct tally){ .ops = softmax_ops(), .ask = ask, .classes = head->n_classes, .lanes = small ? LANES : 1 };
	n = padded(head->n_classes) * t->lanes;
	if (class_of(head, ask, &t->one_class, err))
		return -1;
	for (int s = 0; s < SPLIT_COUNT; s++)
		t->split[s].first_unlabelled = UINT64_MAX;
	if (mem_alloc(&t->x, n, sizeof *t->x, err) || mem_alloc(&t->mean, n, sizeof *t->mean, err) ||
	    mem_alloc(&t->found, n + 1, sizeof *t->found, err)) {
		tally_release(t);
		return -1;
	}
	return 0;
}

void split_release(struct split_tally *s)
{
	free(s->class_cell);
	free(s->top_cell);
	free(s->class_small);
	free(s->top_small);
	free(s->pending);
	free(s->total);
	free(s->labels);
	*s = (struct split_tally){ .first_unlabelled = UINT64_MAX };
}

void tally_release(struct tally *t)
{
	for (int s = 0; s < SPLIT_COUNT; s++)
		split_release(&t->split[s]);
	free(t->x);
	free(t->mean);
	free(t->found);
	*t = (struct tally){ 0 };
}

static void add_sums(struct rows_sums *a, const struct rows_sums *b)
{
	a->n += b->n;
	a->right += b->right;
	a->top5 += b->top5;
	a->ties += b->ties;
	a->infinite += b->infinite;
	a->unlabelled += b->unlabelled;
	a->conf += b->conf;
	a->nll += b->nll;
	a->brier += b->brier;
	a->entropy += b->entropy;
	a->mutual += b->mutual;
}

static void add_cells(struct rows_cell *a, const struct rows_cell *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		a[i].n += b[i].n;
		a[i].right += b[i].right;
		a[i].conf += b[i].conf;
	}
}

void split_merge(struct split_tally *a, struct split_tally *b, size_t classes, size_t bins)
{
	add_sums(&a->sum, &b->sum);
	a->records += b->records;
	if (b->first_unlabelled < a->first_unlabelled)
		a->first_unlabelled = b->first_unlabelled;
	if (!b->total)
		return;
	if (!a->total) { /* takes what b has */
		a->class_cell = b->class_cell;
		a->top_cell = b->top_cell;
		a->class_small = b->class_small;
		a->top_small = b->top_small;
		a->pending = b->pending;
		a->total = b->total;
		a->labels = b->labels;
		b->class_cell = b->top_cell = NULL;
		b->class_small = b->top_small = NULL;
		b->pending = b->labels = NULL;
		b->total = NULL;
		return;
	}
	add_cells(a->class_cell, b->class_cell, classes * bins);
	add_cells(a->top_cell, b->top_cell, classes * bins);
	for (size_t k = 0; k < classes; k++) {
		a->total[k] += b->total[k];
		a->labels[k] += b->labels[k];
	}
}

static void flush_cells(struct rows_cell *to, struct small_cell *from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		to[i].n += from[i].n;
		to[i].right += from[i].right;
		to[i].conf += (fix)from[i].conf << (FIX_BITS - SMALL_SHIFT);
	}
	memset(from, 0, n * sizeof *from);
}

void flush_pending(struct split_tally *s, int classes, int bins, size_t lanes)
{
	if (!s->n_pending)
		return;
	for (size_t k = 0; k < (size_t)classes; k++)
		for (size_t j = 0; j < lanes; j++)
			s->total[k] += (fix)(s->pending[k * lanes + j] - (uint64_t)s->n_pending * SUM_BIAS_BITS)
				       << (FIX_BITS - SUM_SHIFT);
	memset(s->pending, 0, padded(classes) * lanes * sizeof *s->pending);
	flush_cells(s->class_cell, s->class_small, (size_t)classes * (size_t)bins);
	flush_cells(s->top_cell, s->top_small, (size_t)classes * (size_t)bins);
	s->n_pending = 0;
}

void tally_settle(struct tally *t)
{
	for (int s = 0; s < SPLIT_COUNT; s++)
		flush_pending(&t->split[s], t->classes, t->ask->class_bins, t->lanes);
}

void split_close(struct split_tally *s, size_t classes, size_t bins)
{
	uint64_t n = s->sum.n - s->sum.unlabelled;
	for (size_t k = 0; s->total && k < classes; k++) {
		struct rows_cell *c = &s->class_cell[k * bins];
		c[0] = (struct rows_cell){ n, s->labels[k], s->total[k] };
		for (size_t b = 1; b < bins; b++) {
			c[0].n -= c[b].n;
			c[0].right -= c[b].right;
			c[0].conf -= c[b].conf;
		}
		if (c[0].conf < 0) /* the totals' terms are rounded at 2^-51, the cells' at 2^-49 */
			c[0].conf = 0;
	}
}

/* What a worker has summed: made, added up, let go. */
#include "pipeline/base/mem.h"
#include "rows_block.h"

#include <math.h>
#include <stdlib.h>

/* -1 for the winner. */
static int class_of(const struct stream_head *h, const struct rows_options *options, int *k, struct err *err)
{
	*k = options->binary_second && h->n_classes == 2 ? 1 : -1;
	if (!options->class_name)
		return 0;
	*k = stream_class_of(h, options->class_name);
	if (*k < 0)
		return err_usage(err, "there is no class '%s' among the %d ('%s' is the first)", options->class_name,
				 h->n_classes, h->classes[0]);
	return 0;
}

int tally_init(struct tally *t, const struct stream_head *head, const struct rows_options *options, struct err *err)
{
	int small = head->n_classes < SMALL_CLASSES && head->values == VALUES_LOGITS && head->samples == 1;
	size_t n;
	*t = (struct tally){ .ops = softmax_ops(), .options = options, .classes = head->n_classes,
		.lanes = small ? LANES : 1 };
	n = padded(head->n_classes) * t->lanes;
	if (class_of(head, options, &t->one_class, err))
		return -1;
	for (int s = 0; s < SPLIT_COUNT; s++)
		t->split[s].first_unlabelled = UINT64_MAX;
	size_t samples = head->samples > 1 ? (size_t)head->samples : 0, row = padded(head->n_classes) + LANES;
	if (mem_alloc(&t->x, n, sizeof *t->x, err) || mem_alloc(&t->mean, n, sizeof *t->mean, err) ||
	    mem_alloc(&t->pass, samples * row, sizeof *t->pass, err) ||
	    mem_alloc(&t->of_pass, 3 * samples, sizeof *t->of_pass, err)) {
		tally_release(t);
		return -1;
	}
	return 0;
}

void split_release(struct split_tally *s)
{
	classwise_release(&s->by_class);
	*s = (struct split_tally){ .first_unlabelled = UINT64_MAX };
}

void tally_release(struct tally *t)
{
	for (int s = 0; s < SPLIT_COUNT; s++)
		split_release(&t->split[s]);
	free(t->x);
	free(t->mean);
	free(t->pass);
	free(t->of_pass);
	*t = (struct tally){ 0 };
}

void rows_add_nll(struct rows_sums *s, double nll)
{
	if (nll < FIX_LIMIT)
		s->nll += fix_of(nll);
	else if (isfinite(nll))
		wide_add(&s->large, nll);
	else
		s->infinite++;
}

double rows_mean_nll(const struct rows_sums *s, double n)
{
	return s->infinite ? INFINITY : fix_real(s->nll) / n + wide_over(&s->large, n);
}

void rows_add_sums(struct rows_sums *a, const struct rows_sums *b)
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
	wide_merge(&a->large, &b->large);
}

static fix sum_of_eights(const struct soft_sums *e, enum soft_sum which)
{
	fix high = 0, low = 0;
	for (int j = 0; j < LANES; j++) {
		high += e->high[which][j];
		low += e->low[which][j];
	}
	return high * ((fix)1 << 32) + low;
}

void tally_eights(struct split_tally *s)
{
	struct soft_sums *e = &s->eights;
	s->sum.conf += sum_of_eights(e, SOFT_CONF);
	s->sum.nll += sum_of_eights(e, SOFT_NLL);
	s->sum.brier += sum_of_eights(e, SOFT_BRIER);
	s->sum.entropy += sum_of_eights(e, SOFT_ENTROPY);
	s->sum.right += e->right;
	s->sum.top5 += e->top;
	s->sum.ties += e->tied;
	*e = (struct soft_sums){ 0 };
}

void split_merge(struct split_tally *a, struct split_tally *b)
{
	rows_add_sums(&a->sum, &b->sum);
	a->records += b->records;
	if (b->first_unlabelled < a->first_unlabelled)
		a->first_unlabelled = b->first_unlabelled;
	classwise_merge(&a->by_class, &b->by_class);
}

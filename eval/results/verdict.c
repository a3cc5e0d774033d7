/* Claims held against results. */
#include "verdict.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *verdict_name(enum verdict v)
{
	static const char *const name[] = { "open", "confirmed", "refuted" };
	return name[v];
}

void verdict_basis_text(const struct judgement *j, char *text, size_t size)
{
	static const char *const what[] = { "no interval", "", "", "one run, by records", "both intervals, unpaired" };
	if (j->basis == BASIS_SEEDS || j->basis == BASIS_FOLDS)
		err_phrase(text, size, "%d %s", j->runs, j->basis == BASIS_SEEDS ? "seeds" : "folds");
	else
		err_phrase(text, size, "%s", what[j->basis]);
}

enum verdict verdict_of_interval(const struct judgement *j)
{
	int below = j->high < 0, above = j->low > 0;
	if (!below && !above)
		return VERDICT_OPEN;
	return below == (j->claim->direction == CLAIM_BELOW) ? VERDICT_CONFIRMED : VERDICT_REFUTED;
}

void verdict_of_runs(struct judgement *j, const double *differences, int n, int folds)
{
	double mean = 0, sum = 0;
	for (int i = 0; i < n; i++)
		mean += differences[i] / n;
	for (int i = 0; i < n; i++)
		sum += (differences[i] - mean) * (differences[i] - mean);
	double half = student_quantile_two_sided(0.95, n - 1) *
		      sqrt(sum / (n - 1) * (1.0 / n + (folds ? 1.0 / (n - 1) : 0)));
	j->difference = mean;
	j->low = mean - half;
	j->high = mean + half;
	j->basis = folds ? BASIS_FOLDS : BASIS_SEEDS;
	j->runs = n;
	j->verdict = n > 1 ? verdict_of_interval(j) : VERDICT_OPEN;
}

static int is_fold(const char *seed)
{
	return !strncmp(seed, "fold", 4);
}

/* The row of the claim's b that goes with a row of its a, or with its place; NULL: there is none. */
static const struct result *other_side(const struct result_table *r, const struct claim *c, const struct result *a,
				       const char *seed)
{
	struct result like = *a;
	if (c->b_is_number)
		return NULL;
	if (c->b_model)
		like.model = c->b_model;
	return result_find(r, &like, c->b, c->metric, seed);
}

/* The differences of runs of both sides, and j's means of these; *folds: whether they are folds. */
static int pair_runs(const struct result_table *r, struct judgement *j, double *difference, int *folds)
{
	const struct claim *c = j->claim;
	double sum_a = 0, sum_b = 0;
	int n = 0;
	*folds = 1;
	for (size_t i = 0; i < r->n; i++) {
		const struct result *a = &r->row[i], *b;
		if (strcmp(a->metric, c->metric) || strcmp(a->method, c->a) || !strcmp(a->seed, "all") ||
		    !result_same_place(a, j->place))
			continue;
		b = other_side(r, c, a, a->seed);
		if (!b && !c->b_is_number)
			continue;
		difference[n++] = a->value - (b ? b->value : c->number);
		sum_a += a->value;
		sum_b += b ? b->value : c->number;
		*folds &= is_fold(a->seed);
	}
	if (n > 1) {
		j->a = sum_a / n;
		j->b = sum_b / n;
	}
	return n;
}

/* vic-compare's row of `of` against `against`. */
static const struct result *compared(const struct result_table *r, const struct judgement *j, const char *of,
				     const char *against)
{
	char metric[256];
	err_phrase(metric, sizeof metric, "%s less %s", j->claim->metric, against);
	return result_find(r, j->place, of, metric, "all");
}

static void take_interval(struct judgement *j, double difference, double low, double high, enum verdict_basis basis)
{
	j->difference = difference;
	j->low = low;
	j->high = high;
	j->basis = isnan(low) || isnan(high) ? BASIS_NONE : basis;
	j->runs = 1;
	j->verdict = verdict_of_interval(j);
}

/* What a single run of each says. a, b: their rows of all records; b may be NULL, for a number. */
static void judge_single(const struct result_table *r, struct judgement *j, const struct result *a,
			 const struct result *b)
{
	const struct claim *c = j->claim;
	const struct result *row;
	if (!b) {
		take_interval(j, a->value - c->number, a->low - c->number, a->high - c->number, BASIS_RECORDS);
	} else if (!c->b_model && (row = compared(r, j, c->a, c->b))) {
		take_interval(j, row->value, row->low, row->high, BASIS_RECORDS);
	} else if (!c->b_model && (row = compared(r, j, c->b, c->a))) {
		take_interval(j, -row->value, -row->high, -row->low, BASIS_RECORDS);
	} else {
		double difference = a->value - b->value;
		take_interval(j, difference, difference - hypot(a->value - a->low, b->high - b->value),
			      difference + hypot(a->high - a->value, b->value - b->low), BASIS_INTERVALS);
	}
}

/* 1 when both sides are there, and *j is filled. */
static int judge(const struct result_table *r, struct judgement *j, double *difference)
{
	const struct claim *c = j->claim;
	const struct result *a = result_find(r, j->place, c->a, c->metric, "all");
	const struct result *b = other_side(r, c, j->place, "all");
	int folds, n;
	if (!a || (!b && !c->b_is_number))
		return 0;
	j->a = j->all_a = a->value;
	j->b = j->all_b = b ? b->value : c->number;
	n = pair_runs(r, j, difference, &folds);
	if (n > 1)
		verdict_of_runs(j, difference, n, folds);
	else
		judge_single(r, j, a, b);
	return 1;
}

/* Whether row i is the first of its figure, data set and model. */
static int is_first(const struct result_table *r, size_t i)
{
	for (size_t k = i; k > 0; k--) /* backwards: rows of a place stand together */
		if (result_same_place(&r->row[k - 1], &r->row[i]))
			return 0;
	return 1;
}

int verdicts(const struct result_table *r, const struct claims *c, struct judgement **list, size_t *n, struct err *err)
{
	const struct result **place = NULL;
	double *difference = NULL;
	size_t places = 0, cap = 0;
	int rc = 0;
	*list = NULL;
	*n = 0;
	if (mem_alloc(&place, r->n, sizeof *place, err) || mem_alloc(&difference, r->n, sizeof *difference, err))
		rc = -1;
	for (size_t i = 0; !rc && i < r->n; i++)
		if (is_first(r, i))
			place[places++] = &r->row[i];
	for (size_t i = 0; !rc && i < c->n; i++)
		for (size_t k = 0; !rc && k < places; k++) {
			struct judgement j = { .claim = &c->claim[i], .place = place[k] };
			if (!j.claim->direction || !claim_is_about(j.claim, place[k]) || !judge(r, &j, difference))
				continue;
			rc = mem_grow(list, &cap, *n + 1, sizeof **list, err);
			if (!rc)
				(*list)[(*n)++] = j;
		}
	free(place);
	free(difference);
	return rc;
}

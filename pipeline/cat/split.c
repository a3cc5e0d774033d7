/* Splits records by groups of copies. `of` maps a record of the pool to its group. Groups are numbered by their
 * first record and sorted by class, so that hash values leave no trace in the marks. Each draw is keyed by seed,
 * DRAW_ constant and class; these, and the order test, dev, calibration, are part of what a seed means.
 * drop_marked renumbers the groups, so that the next share is one of what is left; fold_of is scratch there.
 * Dealing folds takes groups x folds steps: fast enough for leave-one-out of some ten thousand records. */
#include "split.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Copies of one record in the pool. */
struct group {
	uint32_t first, size; /* first: record */
	int32_t class;        /* label, or 0 for all when not stratified */
};

struct deal {
	const struct split_plan *plan;
	struct split_records *r;
	uint32_t *of;        /* [n] group of a record of the pool */
	struct group *group; /* [groups] by first record */
	uint32_t groups;
	uint32_t *order;     /* [groups] by class; shuffled within it */
	uint32_t *fold_of;   /* [groups] */
};

/* What the random numbers are for: part of what a seed means. */
enum { DRAW_FOLDS, DRAW_TEST, DRAW_DEV, DRAW_CALIBRATION = 1 << 30 /* each fold has its own DRAW_DEV */ };

int split_records_add(struct split_records *r, struct hash128 key, int32_t label, int split, struct err *err)
{
	if (r->n == UINT32_MAX)
		return err_set(err, "more than 2^32 records");
	if (mem_grow(&r->key, &r->cap_key, r->n + 1u, sizeof *r->key, err) ||
	    mem_grow(&r->label, &r->cap_label, r->n + 1u, sizeof *r->label, err) ||
	    mem_grow(&r->split, &r->cap_split, r->n + 1u, 1, err))
		return -1;
	r->key[r->n] = key;
	r->label[r->n] = label;
	r->split[r->n++] = (uint8_t)split;
	return 0;
}

void split_records_release(struct split_records *r)
{
	free(r->key);
	free(r->label);
	free(r->split);
	*r = (struct split_records){ 0 };
}

static int by_key(const void *a, const void *b, void *records)
{
	const struct split_records *r = records;
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	const struct hash128 *x = &r->key[i], *y = &r->key[j];
	if (x->a != y->a)
		return x->a < y->a ? -1 : 1;
	if (x->b != y->b)
		return x->b < y->b ? -1 : 1;
	return i < j ? -1 : i > j;
}

static int same_key(const struct split_records *r, uint32_t i, uint32_t j)
{
	return r->key[i].a == r->key[j].a && r->key[i].b == r->key[j].b;
}

/* Finds the groups of the pool: sorted by key, then numbered by first record. */
static int find_groups(struct deal *d, struct split_report *report, struct err *err)
{
	struct split_records *r = d->r;
	uint32_t *item, n = 0;
	if (mem_alloc(&item, r->n, sizeof *item, err))
		return -1;
	for (uint32_t i = 0; i < r->n; i++)
		if (r->split[i] == SPLIT_TRAIN)
			item[n++] = i;
	qsort_r(item, n, sizeof *item, by_key, r);
	for (uint32_t i = 0, head = 0; i < n; i++) {
		if (!i || !same_key(r, item[head], item[i]))
			head = i;
		d->of[item[i]] = item[head]; /* for now the first record itself */
		report->copies += i != head;
		report->disagree += i != head && r->label[item[head]] != r->label[item[i]];
	}
	free(item);
	for (uint32_t i = 0; i < r->n; i++) {
		if (r->split[i] != SPLIT_TRAIN)
			continue;
		if (d->of[i] == i) {
			d->group[d->groups] = (struct group){ i, 0, d->plan->stratify ? r->label[i] : 0 };
			d->of[i] = d->groups++;
		} else {
			d->of[i] = d->of[d->of[i]]; /* the first record came before and has its group's number */
		}
		d->group[d->of[i]].size++;
	}
	return 0;
}

static int by_class(const void *a, const void *b, void *groups)
{
	const struct group *g = groups;
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	if (g[i].class != g[j].class)
		return g[i].class < g[j].class ? -1 : 1;
	return i < j ? -1 : i > j;
}

/* Where the class that begins at order[from] ends. */
static uint32_t class_end(const struct deal *d, uint32_t from)
{
	uint32_t to = from;
	while (to < d->groups && d->group[d->order[to]].class == d->group[d->order[from]].class)
		to++;
	return to;
}

/* Groups by class, shuffled within each for the purpose `what`. */
static void shuffle(struct deal *d, uint32_t what)
{
	for (uint32_t i = 0; i < d->groups; i++)
		d->order[i] = i;
	qsort_r(d->order, d->groups, sizeof *d->order, by_class, d->group);
	for (uint32_t from = 0, to; from < d->groups; from = to) {
		struct rng rng;
		to = class_end(d, from);
		rng_init(&rng, d->plan->seed, RNG_SPLIT, what, (uint32_t)(d->group[d->order[from]].class + 1));
		rng_shuffle(&rng, d->order + from, to - from);
	}
}

/* Larger groups first, otherwise as they lie. */
static int larger_first(const void *a, const void *b, void *deal)
{
	const struct deal *d = deal;
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	if (d->group[i].size != d->group[j].size)
		return d->group[i].size > d->group[j].size ? -1 : 1;
	return d->fold_of[i] < d->fold_of[j] ? -1 : d->fold_of[i] > d->fold_of[j];
}

static int deal_folds(struct deal *d, struct err *err)
{
	uint32_t folds = (uint32_t)d->plan->folds, *in_class, *in_all;
	if (d->plan->folds > d->groups)
		return err_set(err, "%lld folds of %u different records: some would be empty",
			       (long long)d->plan->folds, d->groups);
	if (mem_alloc(&in_class, folds, sizeof *in_class, err))
		return -1;
	if (mem_alloc(&in_all, folds, sizeof *in_all, err)) {
		free(in_class);
		return -1;
	}
	shuffle(d, DRAW_FOLDS);
	for (uint32_t from = 0, to; from < d->groups; from = to) {
		to = class_end(d, from);
		for (uint32_t i = from; i < to; i++)
			d->fold_of[d->order[i]] = i; /* the shuffled place, to keep the sort stable */
		qsort_r(d->order + from, to - from, sizeof *d->order, larger_first, d);
		memset(in_class, 0, folds * sizeof *in_class);
		for (uint32_t i = from; i < to; i++) {
			uint32_t best = 0, size = d->group[d->order[i]].size;
			for (uint32_t f = 1; f < folds; f++)
				if (in_class[f] < in_class[best] ||
				    (in_class[f] == in_class[best] && in_all[f] < in_all[best]))
					best = f;
			in_class[best] += size;
			in_all[best] += size;
			d->fold_of[d->order[i]] = best;
		}
	}
	free(in_class);
	free(in_all);
	return 0;
}

/* How many records of each class: `take` parallel to the classes' order. */
struct quota {
	double rest; /* share x n - floor */
	uint32_t at, take;
};

static int larger_rest(const void *a, const void *b)
{
	const struct quota *x = a, *y = b;
	if (x->rest != y->rest)
		return x->rest > y->rest ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static void mark(struct deal *d, const unsigned char *taken, int split)
{
	for (uint32_t i = 0; i < d->r->n; i++)
		if (d->r->split[i] == SPLIT_TRAIN && taken[d->of[i]])
			d->r->split[i] = (uint8_t)split;
}

/* Fills quota[] for `order` as it stands; returns the number of classes. */
static uint32_t set_quotas(const struct deal *d, double share, struct quota *quota, uint32_t *pool, uint32_t *target)
{
	uint32_t classes = 0, floors = 0, all = 0;
	for (uint32_t from = 0, to; from < d->groups; from = to) {
		uint32_t n = 0;
		to = class_end(d, from);
		for (uint32_t i = from; i < to; i++)
			n += d->group[d->order[i]].size;
		double part = share * n;
		quota[classes++] = (struct quota){ part - floor(part), from, (uint32_t)floor(part) };
		floors += (uint32_t)floor(part);
		all += n;
	}
	*pool = all;
	*target = (uint32_t)llround(share * all);
	qsort(quota, classes, sizeof *quota, larger_rest);
	for (uint32_t i = 0; i < classes && floors < *target; i++, floors++)
		quota[i].take++;
	return classes;
}

/* Marks a share of the groups; they must all be of the pool as it is now. */
static int deal_share(struct deal *d, double share, int split, const char *option, uint32_t what, struct err *err)
{
	struct quota *quota;
	unsigned char *taken;
	uint32_t pool, target, marked = 0;
	if (mem_alloc(&quota, d->groups, sizeof *quota, err))
		return -1;
	if (mem_alloc(&taken, d->groups, 1, err)) {
		free(quota);
		return -1;
	}
	shuffle(d, what);
	uint32_t classes = set_quotas(d, share, quota, &pool, &target);
	for (uint32_t c = 0; c < classes; c++) {
		uint32_t to = class_end(d, quota[c].at), left = quota[c].take;
		for (uint32_t i = quota[c].at; i < to && left; i++) {
			uint32_t size = d->group[d->order[i]].size;
			if (size > left)
				continue;
			taken[d->order[i]] = 1;
			left -= size;
			marked += size;
		}
	}
	int rc = 0;
	if (!marked && target) /* every group is larger than what its class gives */
		rc = err_set(err,
			     "--%s %g of %u records is %u, and copies of a record stay together: no group of them is "
			     "so small; a larger share takes one",
			     option, share, pool, target);
	else if (!marked)
		rc = err_set(err, "--%s %g of %u records is none", option, share, pool);
	else if (marked == pool)
		rc = err_set(err, "--%s %g of %u records leaves none to train on", option, share, pool);
	else
		mark(d, taken, split);
	free(quota);
	free(taken);
	return rc;
}

/* Forgets marked groups, so that what is left is the pool. */
static void drop_marked(struct deal *d)
{
	uint32_t kept = 0, *number = d->fold_of;
	for (uint32_t g = 0; g < d->groups; g++) {
		number[g] = kept;
		if (d->r->split[d->group[g].first] == SPLIT_TRAIN)
			d->group[kept++] = d->group[g];
	}
	for (uint32_t i = 0; i < d->r->n; i++)
		if (d->r->split[i] == SPLIT_TRAIN)
			d->of[i] = number[d->of[i]];
	d->groups = kept;
}

static int run_plan(struct deal *d, struct err *err)
{
	const struct split_plan *p = d->plan;
	uint32_t fold = 0;
	if (!d->groups)
		return err_set(err, "no record is marked train, so there is nothing to split");
	if (p->folds) {
		if (deal_folds(d, err))
			return -1;
		for (uint32_t i = 0; i < d->r->n; i++)
			if (d->r->split[i] == SPLIT_TRAIN && d->fold_of[d->of[i]] == (uint32_t)p->fold)
				d->r->split[i] = SPLIT_TEST;
		fold = (uint32_t)p->fold; /* each fold draws its own dev records */
	}
	if (p->test > 0 && deal_share(d, p->test, SPLIT_TEST, "test", DRAW_TEST, err))
		return -1;
	drop_marked(d);
	if (p->dev > 0 && deal_share(d, p->dev, SPLIT_DEV, "dev", DRAW_DEV + fold, err))
		return -1;
	if (!(p->calibration > 0))
		return 0;
	drop_marked(d);
	return deal_share(d, p->calibration, SPLIT_EXTRA, "calibration", DRAW_CALIBRATION + fold, err);
}

static int refuse_mixing(const struct split_plan *p, const struct split_records *r, struct err *err)
{
	uint32_t count[SPLIT_COUNT] = { 0 };
	for (uint32_t i = 0; i < r->n; i++)
		count[r->split[i]] += r->split[i] != SPLIT_EXTRA || r->label[i] >= 0;
	if (p->calibration > 0 && count[SPLIT_EXTRA])
		return err_set(err,
			       "%u labelled records are marked extra already and would be mixed with those for "
			       "calibration; --remark "
			       "forgets the marks",
			       count[SPLIT_EXTRA]);
	if ((p->folds || p->test > 0) && count[SPLIT_TEST])
		return err_set(err,
			       "%u records are marked test already and would be mixed with new ones; --remark forgets "
			       "the marks",
			       count[SPLIT_TEST]);
	if (p->dev > 0 && count[SPLIT_DEV])
		return err_set(err,
			       "%u records are marked dev already and would be mixed with new ones; --remark forgets "
			       "the marks",
			       count[SPLIT_DEV]);
	return 0;
}

/* Test records whose twin trains. */
static int count_leaks(const struct split_records *r, uint32_t *leaked, struct err *err)
{
	uint32_t *item;
	if (mem_alloc(&item, r->n, sizeof *item, err))
		return -1;
	for (uint32_t i = 0; i < r->n; i++)
		item[i] = i;
	qsort_r(item, r->n, sizeof *item, by_key, (void *)(uintptr_t)r);
	*leaked = 0;
	for (uint32_t from = 0, to; from < r->n; from = to) {
		uint32_t test = 0, seen = 0;
		for (to = from; to < r->n && same_key(r, item[from], item[to]); to++) {
			test += r->split[item[to]] == SPLIT_TEST;
			seen += r->split[item[to]] == SPLIT_TRAIN || r->split[item[to]] == SPLIT_DEV;
		}
		*leaked += seen ? test : 0;
	}
	free(item);
	return 0;
}

int split_assign(const struct split_plan *plan, struct split_records *r, struct split_report *report, struct err *err)
{
	struct deal d = { .plan = plan, .r = r };
	int rc;
	*report = (struct split_report){ 0 };
	for (uint32_t i = 0; plan->remark && i < r->n; i++)
		if (r->split[i] != SPLIT_EXTRA || (plan->calibration > 0 && r->label[i] >= 0))
			r->split[i] = SPLIT_TRAIN;
	rc = refuse_mixing(plan, r, err) || mem_alloc(&d.of, r->n, sizeof *d.of, err) ||
	     mem_alloc(&d.group, r->n, sizeof *d.group, err) || mem_alloc(&d.order, r->n, sizeof *d.order, err) ||
	     mem_alloc(&d.fold_of, r->n, sizeof *d.fold_of, err) || find_groups(&d, report, err) || run_plan(&d, err) ||
	     count_leaks(r, &report->leaked, err);
	free(d.of);
	free(d.group);
	free(d.order);
	free(d.fold_of);
	return rc ? -1 : 0;
}

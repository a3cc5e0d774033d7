/* Paired differences between two streams of the same records. In a round both sides get the same weights, which belong
 * to the record number and not to the place in an order. A side's records are ordered by confidence once, so a
 * resample's keys come out sorted without sorting. Each round writes only its own slot and each worker has its own
 * scratch, so the number of threads does not affect the result. Point estimates of nll and brier come from the exact
 * sums, those of a round from doubles in record order. */
#include "compare.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/stats.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct metric *compared_metric(int i)
{
	const struct metric *row = metric_table;
	for (; row->key; row++)
		if (row->test && !i--)
			return row;
	return NULL;
}

int compared_count(void)
{
	int n = 0;
	while (compared_metric(n))
		n++;
	return n;
}

struct difference *difference_of(struct comparison *c, const char *key)
{
	int i = 0;
	while (strcmp(compared_metric(i)->key, key))
		i++;
	return &c->of[i];
}

int compare_same_records(const struct rows *a, const struct rows *b, struct err *err)
{
	size_t n = a->n < b->n ? a->n : b->n;
	if (a->head.n_classes != b->head.n_classes)
		return err_set(err, "%s has %d classes and %s has %d", a->name, a->head.n_classes, b->name,
			       b->head.n_classes);
	for (int c = 0; c < a->head.n_classes; c++)
		if (strcmp(a->head.classes[c], b->head.classes[c]))
			return err_set(err, "class %d is '%s' in %s and '%s' in %s", c, a->head.classes[c], a->name,
				       b->head.classes[c], b->name);
	for (size_t i = 0; i < n; i++) {
		if (a->id[i] != b->id[i])
			return err_set(err,
				       "record %zu is number %" PRIu64 " in %s and %" PRIu64
				       " in %s: not the same records in the same order",
				       i, a->id[i], a->name, b->id[i], b->name);
		if (a->label[i] != b->label[i])
			return err_set(err, "record %zu (number %" PRIu64 ") has label %d in %s and %d in %s", i,
				       a->id[i], a->label[i], a->name, b->label[i], b->name);
	}
	if (a->n != b->n)
		return err_set(err, "%s has %zu records and %s has %zu: the first %zu agree", a->name, a->n, b->name,
			       b->n, n);
	return 0;
}

int compare_least_rounds(double level)
{
	return (int)ceil(2 * compared_count() / (1 - level));
}

void holm(double *p, int n)
{
	int order[COMPARED_MOST], m = 0;
	double most = 0;
	for (int i = 0; i < n; i++) {
		if (isnan(p[i]))
			continue;
		int at = m++;
		for (; at > 0 && p[order[at - 1]] > p[i]; at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
	for (int i = 0; i < m; i++) {
		most = fmax(most, fmin(1, p[order[i]] * (m - i)));
		p[order[i]] = most;
	}
}

double bootstrap_p(const double *v, int rounds, double estimate)
{
	int below = 0, above = 0;
	for (int i = 0; i < rounds; i++) {
		double turned = 2 * estimate - v[i];
		below += turned <= 0;
		above += turned >= 0;
	}
	int far = below < above ? below : above;
	return fmin(1, 2.0 * (1 + far) / (rounds + 1));
}

struct side {
	const struct rows *rows;
	uint32_t *order; /* records by falling confidence, owned */
};

struct scratch {
	uint8_t *weight;  /* [n] */
	conf_key *sorted; /* room for a resample */
	size_t room;
	struct err err;
};

struct boot {
	const struct side *side; /* [2] */
	const struct compare_options *options;
	struct scratch *scratch; /* [workers] */
	unsigned parts;
	int n;			      /* compared_count() */
	double *value[COMPARED_MOST]; /* [rounds] differences; NaN: an empty resample; NULL: another test */
};

/* The records that a resample drew, in rising order of confidence: what a fresh sample would look like when sorted. */
static size_t expand(const struct side *s, struct scratch *w, size_t n)
{
	size_t at = 0;
	for (size_t i = n; i-- > 0;)
		for (int k = 0; k < w->weight[s->order[i]] && at < w->room; k++)
			w->sorted[at++] = s->rows->key[s->order[i]];
	return at;
}

/* Returns how many records were drawn; 0: nothing was measured, for lack of them or with w->err set. */
static size_t measure_side(const struct boot *boot, int which, struct scratch *w, struct measured *m)
{
	const struct side *s = &boot->side[which];
	const struct rows *r = s->rows;
	size_t drawn = expand(s, w, r->n);
	*m = (struct measured){ 0 };
	if (!drawn || measure_keys(m, w->sorted, drawn, boot->options->bins, boot->parts, &w->err))
		return 0;
	for (size_t i = 0; i < r->n; i++) {
		if (!w->weight[i])
			continue;
		m->nll += w->weight[i] * r->nll[i];
		m->brier += w->weight[i] * r->brier[i];
	}
	m->nll /= (double)drawn;
	m->brier /= (double)drawn;
	return drawn;
}

static double metric_difference(int i, const struct measured *a, const struct measured *b)
{
	return compared_metric(i)->value(b) - compared_metric(i)->value(a);
}

static void compare_round(void *arg, int task, int worker)
{
	const struct boot *boot = arg;
	struct scratch *w = &boot->scratch[worker];
	struct measured a, b;
	bootstrap_weights(boot->options->seed, (uint32_t)task, 0, boot->side[0].rows->n, w->weight);
	size_t drawn = w->err.status || !measure_side(boot, 0, w, &a) ? 0 : measure_side(boot, 1, w, &b);
	for (int i = 0; i < boot->n; i++)
		if (boot->value[i])
			boot->value[i][task] = drawn ? metric_difference(i, &a, &b) : NAN;
}

static int scratch_init(struct scratch *w, size_t n, struct err *err)
{
	w->room = 2 * n + 256; /* a Poisson total of n beyond 2 n + 256 has a chance below 1e-30 */
	return mem_alloc(&w->weight, n, 1, err) || mem_alloc(&w->sorted, w->room, sizeof *w->sorted, err) ? -1 : 0;
}

static void set_difference(struct difference *d, double a, double b)
{
	d->a = a;
	d->b = b;
	d->there = isfinite(a) && isfinite(b);
}

/* Removes what is not finite; returns how many stay. */
static int finite_only(double *v, int n)
{
	int k = 0;
	for (int i = 0; i < n; i++)
		if (isfinite(v[i]))
			v[k++] = v[i];
	return k;
}

static void conclude(struct boot *boot, struct comparison *c)
{
	struct scratch *w = &boot->scratch[0];
	struct measured a, b;
	memset(w->weight, 1, boot->side[0].rows->n);
	if (!measure_side(boot, 0, w, &a) || !measure_side(boot, 1, w, &b))
		return;
	measure_means(&a, boot->side[0].rows); /* what vic-score prints, to the last bit */
	measure_means(&b, boot->side[1].rows);
	for (int i = 0; i < boot->n; i++) {
		struct difference *d = &c->of[i];
		double *v = boot->value[i];
		if (!v)
			continue;
		set_difference(d, compared_metric(i)->value(&a), compared_metric(i)->value(&b));
		int k = finite_only(v, boot->options->rounds);
		if (!k)
			d->there = 0;
		if (!d->there)
			continue;
		d->p = bootstrap_p(v, k, d->b - d->a);
		bootstrap_interval(v, k, d->b - d->a, boot->options->level, -INFINITY, INFINITY, &d->low, &d->high);
	}
}

static int bootstrap(const struct side *side, const struct compare_options *options, struct pool *pool,
		     struct comparison *c, struct err *err)
{
	struct boot boot = { .side = side, .options = options, .n = compared_count() };
	int workers = pool_threads(pool);
	boot.parts = metric_parts(0, TEST_BOOTSTRAP);
	int rc = mem_alloc(&boot.scratch, (size_t)workers, sizeof *boot.scratch, err);
	for (int i = 0; !rc && i < workers; i++)
		rc = scratch_init(&boot.scratch[i], side[0].rows->n, err);
	for (int i = 0; !rc && i < boot.n; i++)
		if (compared_metric(i)->test == TEST_BOOTSTRAP)
			rc = mem_alloc(&boot.value[i], (size_t)options->rounds, sizeof *boot.value[i], err);
	if (!rc) {
		pool_run(pool, options->rounds, compare_round, &boot);
		conclude(&boot, c);
	}
	for (int i = 0; boot.scratch && i < workers; i++) {
		if (!rc && boot.scratch[i].err.status) {
			*err = boot.scratch[i].err;
			rc = -1;
		}
		free(boot.scratch[i].weight);
		free(boot.scratch[i].sorted);
	}
	for (int i = 0; i < boot.n; i++)
		free(boot.value[i]);
	free(boot.scratch);
	return rc ? -1 : 0;
}

static void accuracy(const struct rows *a, const struct rows *b, double level, struct comparison *c)
{
	struct difference *d = difference_of(c, "accuracy");
	double n = (double)a->n, right_a = 0, right_b = 0;
	for (size_t i = 0; i < a->n; i++) {
		int ra = conf_right(a->key[i]), rb = conf_right(b->key[i]);
		right_a += ra;
		right_b += rb;
		c->only_a += ra > rb;
		c->only_b += rb > ra;
	}
	set_difference(d, right_a / n, right_b / n);
	d->p = mcnemar_exact(c->only_a, c->only_b);
	/* Agresti and Min 2005: Wald on the discordant counts after half a pair is added to each of the four cells. */
	double m = n + 2, x = (double)c->only_a + 0.5, y = (double)c->only_b + 0.5, mid = (y - x) / m;
	double half = normal_quantile_two_sided(level) * sqrt((x + y) / m - mid * mid) / sqrt(m);
	d->low = fmax(-1, mid - half);
	d->high = fmin(1, mid + half);
}

int compare_rows(const struct rows *a, const struct rows *b, const struct compare_options *options, struct pool *pool,
		 struct comparison *c, struct err *err)
{
	struct side side[2] = { { a, NULL }, { b, NULL } };
	double p[COMPARED_MOST];
	int rc = 0, n = compared_count();
	*c = (struct comparison){ .a = a->name, .b = b->name, .n = a->n, .level = options->level };
	for (int i = 0; i < n; i++)
		c->of[i].a = c->of[i].b = NAN;
	accuracy(a, b, options->level, c);
	for (int s = 0; s < 2 && !rc; s++) {
		uint64_t *key = NULL;
		rc = mem_alloc(&key, a->n, sizeof *key, err) ||
		     mem_alloc(&side[s].order, a->n, sizeof *side[s].order, err);
		for (size_t i = 0; !rc && i < a->n; i++)
			key[i] = conf_order(side[s].rows->key[i]);
		rc = rc || order_falling(key, a->n, side[s].order, err);
		free(key);
	}
	rc = rc || bootstrap(side, options, pool, c, err) || compare_auroc(a, b, options->level, c, err);
	free(side[0].order);
	free(side[1].order);
	for (int i = 0; i < n; i++)
		p[i] = c->of[i].there ? c->of[i].p : NAN;
	holm(p, n);
	for (int i = 0; i < n; i++)
		c->of[i].holm = p[i];
	return rc ? -1 : 0;
}

/* Paired differences between two streams of the same records. In a round both sides get the same weights, which belong
 * to the record number and not to the place in an order. A side's records are ordered by confidence once, so a
 * resample's keys come out sorted without sorting. Each round writes only its own slot and each worker has its own
 * scratch, so the number of threads does not affect the result. Point estimates of nll and brier come from the exact
 * sums, those of a round from doubles in record order. struct numbers, differences() and CMP_ECE..CMP_AURC must keep
 * one order. */
#include "compare.h"
#include "metrics.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/stats.h"
#include "ranking.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[CMP_COUNT] = {
	"accuracy", "ece", "oe", "nll", "brier", "aurc", "auroc", "auroc_correct"
};

const char *compared_name(enum compared what)
{
	return names[what];
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
	return (int)ceil(2 * CMP_COUNT / (1 - level));
}

void holm(double *p, int n)
{
	int order[CMP_COUNT], m = 0;
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

/* What one resample, or the data themselves, come to. */
struct numbers {
	double ece, oe, nll, brier, aurc;
};
enum { BOOTED = 5 }; /* CMP_ECE.. CMP_AURC, in this order */

struct side {
	const struct rows *rows;
	uint32_t *order; /* records by falling confidence, owned */
};

struct scratch {
	uint8_t *weight;  /* [n] */
	conf_key *sorted; /* room for a resample */
	size_t room;
	struct bins bins;
};

struct boot {
	const struct side *side; /* [2] */
	const struct compare_ask *ask;
	struct scratch *scratch; /* [workers] */
	double *value[BOOTED];	 /* [rounds] differences; NaN where a resample came out empty */
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

static int measure(const struct side *s, struct scratch *w, struct numbers *out)
{
	const struct rows *r = s->rows;
	struct bin_errors e;
	struct selective sel;
	double nll = 0, brier = 0;
	size_t drawn = expand(s, w, r->n);
	if (!drawn)
		return -1;
	memset(w->bins.bin, 0, (size_t)w->bins.m * sizeof *w->bins.bin);
	bins_add_weighted(&w->bins, r->key, w->weight, r->n);
	bins_errors(&w->bins, &e);
	selective_of(w->sorted, drawn, &sel);
	for (size_t i = 0; i < r->n; i++) {
		if (!w->weight[i])
			continue;
		nll += w->weight[i] * r->nll[i];
		brier += w->weight[i] * r->brier[i];
	}
	*out = (struct numbers){ e.ece, e.oe, nll / (double)drawn, brier / (double)drawn, sel.aurc };
	return 0;
}

static void differences(const struct numbers *a, const struct numbers *b, double *d)
{
	d[0] = b->ece - a->ece;
	d[1] = b->oe - a->oe;
	d[2] = b->nll - a->nll;
	d[3] = b->brier - a->brier;
	d[4] = b->aurc - a->aurc;
}

static void one_round(void *arg, int task, int worker)
{
	const struct boot *boot = arg;
	struct scratch *w = &boot->scratch[worker];
	struct numbers a, b;
	double d[BOOTED];
	bootstrap_weights(boot->ask->seed, (uint32_t)task, 0, boot->side[0].rows->n, w->weight);
	if (measure(&boot->side[0], w, &a) || measure(&boot->side[1], w, &b))
		for (int v = 0; v < BOOTED; v++)
			d[v] = NAN;
	else
		differences(&a, &b, d);
	for (int v = 0; v < BOOTED; v++)
		boot->value[v][task] = d[v];
}

static int scratch_init(struct scratch *w, size_t n, int bins, struct err *err)
{
	w->room = 2 * n + 256; /* a Poisson total of n beyond 2 n + 256 has a chance below 1e-30 */
	return mem_alloc(&w->weight, n, 1, err) || mem_alloc(&w->sorted, w->room, sizeof *w->sorted, err) ||
			       bins_init(&w->bins, bins, err)
		       ? -1
		       : 0;
}

static void fill(struct difference *d, double a, double b)
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

/* The means that vic-score prints, to the last bit. */
static void exact_means(struct numbers *out, const struct rows *r)
{
	out->nll = r->sum.infinite ? INFINITY : fix_real(r->sum.nll) / (double)r->n;
	out->brier = fix_real(r->sum.brier) / (double)r->n;
}

static void conclude(struct boot *boot, struct comparison *c)
{
	struct scratch *w = &boot->scratch[0];
	struct numbers a = { 0 }, b = { 0 };
	memset(w->weight, 1, boot->side[0].rows->n);
	if (measure(&boot->side[0], w, &a) || measure(&boot->side[1], w, &b))
		return;
	exact_means(&a, boot->side[0].rows);
	exact_means(&b, boot->side[1].rows);
	fill(&c->of[CMP_ECE], a.ece, b.ece);
	fill(&c->of[CMP_OE], a.oe, b.oe);
	fill(&c->of[CMP_NLL], a.nll, b.nll);
	fill(&c->of[CMP_BRIER], a.brier, b.brier);
	fill(&c->of[CMP_AURC], a.aurc, b.aurc);
	for (int v = 0; v < BOOTED; v++) {
		struct difference *d = &c->of[CMP_ECE + v];
		int k = finite_only(boot->value[v], boot->ask->rounds);
		if (!k)
			d->there = 0;
		if (!d->there)
			continue;
		d->p = bootstrap_p(boot->value[v], k, d->b - d->a);
		bootstrap_interval(boot->value[v], k, d->b - d->a, boot->ask->level, -INFINITY, INFINITY, &d->low,
				   &d->high);
	}
}

static int bootstrap(const struct side *side, const struct compare_ask *ask, struct pool *pool, struct comparison *c,
		     struct err *err)
{
	struct boot boot = { .side = side, .ask = ask };
	int workers = pool_threads(pool);
	int rc = mem_alloc(&boot.scratch, (size_t)workers, sizeof *boot.scratch, err);
	for (int i = 0; !rc && i < workers; i++)
		rc = scratch_init(&boot.scratch[i], side[0].rows->n, ask->bins, err);
	for (int v = 0; !rc && v < BOOTED; v++)
		rc = mem_alloc(&boot.value[v], (size_t)ask->rounds, sizeof *boot.value[v], err);
	if (!rc) {
		pool_run(pool, ask->rounds, one_round, &boot);
		conclude(&boot, c);
	}
	for (int i = 0; boot.scratch && i < workers; i++) {
		free(boot.scratch[i].weight);
		free(boot.scratch[i].sorted);
		bins_release(&boot.scratch[i].bins);
	}
	for (int v = 0; v < BOOTED; v++)
		free(boot.value[v]);
	free(boot.scratch);
	return rc ? -1 : 0;
}

static void accuracy(const struct rows *a, const struct rows *b, double level, struct comparison *c)
{
	struct difference *d = &c->of[CMP_ACCURACY];
	double n = (double)a->n, right_a = 0, right_b = 0;
	for (size_t i = 0; i < a->n; i++) {
		int ra = conf_right(a->key[i]), rb = conf_right(b->key[i]);
		right_a += ra;
		right_b += rb;
		c->only_a += ra > rb;
		c->only_b += rb > ra;
	}
	fill(d, right_a / n, right_b / n);
	d->p = mcnemar_exact(c->only_a, c->only_b);
	/* Agresti and Min 2005: Wald on the discordant counts after half a pair is added to each of the four cells. */
	double m = n + 2, x = (double)c->only_a + 0.5, y = (double)c->only_b + 0.5, mid = (y - x) / m;
	double half = normal_quantile_two_sided(level) * sqrt((x + y) / m - mid * mid) / sqrt(m);
	d->low = fmax(-1, mid - half);
	d->high = fmin(1, mid + half);
}

int compare_rows(const struct rows *a, const struct rows *b, const struct compare_ask *ask, struct pool *pool,
		 struct comparison *c, struct err *err)
{
	struct side side[2] = { { a, NULL }, { b, NULL } };
	double p[CMP_COUNT];
	*c = (struct comparison){ .a = a->name, .b = b->name, .n = a->n, .level = ask->level };
	for (int i = 0; i < CMP_COUNT; i++)
		c->of[i].a = c->of[i].b = NAN;
	accuracy(a, b, ask->level, c);
	int rc = 0;
	for (int s = 0; s < 2 && !rc; s++) {
		uint64_t *key = NULL;
		rc = mem_alloc(&key, a->n, sizeof *key, err) ||
		     mem_alloc(&side[s].order, a->n, sizeof *side[s].order, err);
		for (size_t i = 0; !rc && i < a->n; i++)
			key[i] = conf_order(side[s].rows->key[i]);
		rc = rc || order_falling(key, a->n, side[s].order, err);
		free(key);
	}
	rc = rc || bootstrap(side, ask, pool, c, err) || compare_auroc(a, b, ask->level, c, err);
	free(side[0].order);
	free(side[1].order);
	for (int i = 0; i < CMP_COUNT; i++)
		p[i] = c->of[i].there ? c->of[i].p : NAN;
	holm(p, CMP_COUNT);
	for (int i = 0; i < CMP_COUNT; i++)
		c->of[i].holm = p[i];
	return rc ? -1 : 0;
}

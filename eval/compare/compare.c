/* Paired differences between two streams of the same records. In a round both sides get the same weights (or coins),
 * which belong to the record number and not to the place in an order. A side's records are ordered by confidence once,
 * so a resample's keys come out sorted without sorting. Each round writes only its own slot and each worker has its own
 * scratch, so the number of threads does not affect the result. More than CELLS_FROM records are drawn by kinds of pair
 * (pairs.h). Point estimates of nll and brier come from the exact
 * sums, those of a round from doubles in record order. */
#include "compare.h"
#include "eval/metrics/cells.h"
#include "pairs.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/stats.h"
#include "pipeline/frame/progress.h"

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

struct side {
	const struct rows *rows;
	uint32_t *order; /* records by falling confidence, owned */
};

enum { DRAWS = 200 };

struct scratch {
	uint8_t *weight;  /* [n], or coins of n, in whole blocks */
	conf_key *sorted; /* room for a resample */
	conf_key *drawn;  /* [n] */
	size_t room;
	struct err err;
};

struct boot {
	const struct side *side; /* [2] */
	const struct compare_options *options;
	struct scratch *scratch; /* [workers] */
	struct pairs *pairs;	 /* NULL: record by record */
	struct measured whole[2]; /* the sides as they are */
	struct progress progress;
	unsigned parts;
	int n;			      /* compared_count() */
	double *value[COMPARED_MOST]; /* [2 rounds + 2 DRAWS]: differences of resamples, of swaps, and what A and B come
				       * to when they are calibrated; NULL: another test */
	double noise[COMPARED_MOST][2]; /* of errors: means of those draws */
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

static int coin(const struct scratch *w, size_t record)
{
	return w->weight[record / 8] >> record % 8 & 1;
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

/* Side `which` after every record whose coin fell has changed places with the other side's: two orders merged. */
static int measure_swapped(const struct boot *boot, int which, struct scratch *w, struct measured *m)
{
	const struct side *own = &boot->side[which], *other = &boot->side[!which];
	size_t n = own->rows->n, at = 0;
	*m = (struct measured){ 0 };
	for (size_t i = n, j = n; at < n;) { /* from the least confident */
		while (i && coin(w, own->order[i - 1]))
			i--;
		while (j && !coin(w, other->order[j - 1]))
			j--;
		conf_key a = i ? own->rows->key[own->order[i - 1]] : 0,
			 b = j ? other->rows->key[other->order[j - 1]] : 0;
		int first = !j || (i && conf_order(a) <= conf_order(b));
		w->sorted[at++] = first ? a : b;
		i -= (size_t)first;
		j -= (size_t)!first;
	}
	for (size_t i = 0; i < n; i++) {
		const struct rows *r = coin(w, i) ? other->rows : own->rows;
		m->nll += r->nll[i];
		m->brier += r->brier[i];
	}
	m->nll /= (double)n;
	m->brier /= (double)n;
	return measure_keys(m, w->sorted, n, boot->options->bins, boot->parts, &w->err);
}

static int measure_calibrated(const struct boot *boot, int which, uint32_t draw, struct scratch *w, struct measured *m)
{
	const struct side *s = &boot->side[which];
	size_t n = s->rows->n;
	memset(w->weight, 1, n);
	expand(s, w, n);
	*m = (struct measured){ 0 };
	calibrated_keys(w->drawn, w->sorted, n, boot->options->seed, draw);
	return measure_keys(m, w->drawn, n, boot->options->bins, boot->parts, &w->err);
}

static int draw_pairs(const struct boot *boot, int task, struct measured m[2], struct err *err)
{
	int rounds = boot->options->rounds, swap = task >= rounds;
	struct rng r;
	rng_init(&r, boot->options->seed, swap ? RNG_SWAP : RNG_BOOTSTRAP, (uint32_t)(task - swap * rounds), 0);
	return swap ? pairs_swap(boot->pairs, &r, m, err) : pairs_resample(boot->pairs, &r, m, err);
}

/* Resamples, then swaps, then draws. */
static void compare_round(void *arg, int task, int worker)
{
	struct boot *boot = arg;
	struct scratch *w = &boot->scratch[worker];
	struct measured m[2];
	int rounds = boot->options->rounds, draw = task - 2 * rounds, bad = w->err.status != 0;
	size_t n = boot->side[0].rows->n;
	if (worker == 0)
		progress_at(&boot->progress, (uint64_t)task, NULL);
	if (boot->pairs)
		bad = bad || draw_pairs(boot, task, m, &w->err);
	else if (task < rounds)
		bootstrap_weights(boot->options->seed, bootstrap_round(boot->options->seed, (uint32_t)task, n), 0, n,
				  w->weight);
	else if (draw < 0)
		swap_coins(boot->options->seed, (uint32_t)(task - rounds), n, w->weight);
	for (int which = 0; which < 2 && !bad && !boot->pairs; which++)
		bad = task < rounds ? !measure_side(boot, which, w, &m[which])
		      : draw < 0    ? measure_swapped(boot, which, w, &m[which])
				    : measure_calibrated(boot, which, (uint32_t)draw, w, &m[which]);
	for (int i = 0; i < boot->n && !bad; i++) {
		double (*value)(const struct measured *) = compared_metric(i)->value;
		if (!boot->value[i])
			continue;
		if (draw < 0)
			boot->value[i][task] = value(&m[1]) - value(&m[0]);
		else
			for (int which = 0; which < 2; which++)
				boot->value[i][2 * rounds + which * DRAWS + draw] = value(&m[which]);
	}
}

static int scratch_init(struct scratch *w, size_t n, struct err *err)
{
	w->room = 2 * n + 256; /* a Poisson total of n beyond 2 n + 256 has a chance below 1e-30 */
	return mem_alloc(&w->weight, n + 16, 1, err) || mem_alloc(&w->drawn, n, sizeof *w->drawn, err) ||
			       mem_alloc(&w->sorted, w->room, sizeof *w->sorted, err)
		       ? -1
		       : 0;
}

static void set_difference(struct difference *d, double a, double b)
{
	d->a = a;
	d->b = b;
	d->there = isfinite(a) && isfinite(b);
}

/* The difference -+ t sd of the resamples; of errors, whose bias is somewhere from 0 to that of a calibrated model
 * (metric_table.h), each end with the bias that takes it farther. */
static void interval_of_difference(const struct boot *boot, int i, struct difference *d)
{
	const double *v = boot->value[i], *noise = boot->noise[i];
	double sd, n = (double)boot->side[0].rows->n, t = student_quantile_two_sided(boot->options->level, n - 1);
	mean_of(v, boot->options->rounds, &sd);
	t = n > 1 ? t * sd * sqrt(n / (n - 1)) : INFINITY;
	d->low = d->b - d->a - noise[1] - t;
	d->high = d->b - d->a + noise[0] + t;
}

/* A side as it is, and its noises, for rounds by pairs. */
static int measure_whole(struct boot *boot, int which, struct pool *pool, struct err *err)
{
	const struct side *s = &boot->side[which];
	const struct compare_options *o = boot->options;
	struct measured null = { 0 };
	struct floors f;
	conf_key *sorted;
	size_t n = s->rows->n;
	if (mem_alloc(&sorted, n, sizeof *sorted, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		sorted[i] = s->rows->key[s->order[n - 1 - i]];
	int rc = measure_keys(&boot->whole[which], sorted, n, o->bins, boot->parts, err) ||
		 null_floor(sorted, n, o->bins, DRAWS, o->seed, pool, &f, err);
	free(sorted);
	if (rc)
		return -1;
	measure_means(&boot->whole[which], s->rows);
	null.bin.ece = f.ece.mean;
	null.bin.oe = f.oe.mean;
	for (int i = 0; i < boot->n; i++)
		if (boot->value[i] && compared_metric(i)->interval >= INTERVAL_ERROR)
			boot->noise[i][which] = compared_metric(i)->value(&null);
	return 0;
}

static int prepare_pairs(struct boot *boot, struct pool *pool, struct err *err)
{
	const struct rows *rows[2] = { boot->side[0].rows, boot->side[1].rows };
	const uint32_t *order[2] = { boot->side[0].order, boot->side[1].order };
	return measure_whole(boot, 0, pool, err) || measure_whole(boot, 1, pool, err) ||
			       pairs_open(&boot->pairs, rows, order, boot->options->bins, err)
		       ? -1
		       : 0;
}

/* The same after rounds record by record. */
static void measure_records(struct boot *boot)
{
	struct scratch *w = &boot->scratch[0];
	double unused;
	memset(w->weight, 1, boot->side[0].rows->n);
	for (int which = 0; which < 2; which++) {
		if (!measure_side(boot, which, w, &boot->whole[which]))
			return;
		measure_means(&boot->whole[which], boot->side[which].rows); /* what vic-score prints, to the last bit */
		for (int i = 0; i < boot->n; i++)
			if (boot->value[i] && compared_metric(i)->interval >= INTERVAL_ERROR)
				boot->noise[i][which] = mean_of(
					boot->value[i] + 2 * boot->options->rounds + which * DRAWS, DRAWS, &unused);
	}
}

static void conclude(struct boot *boot, struct comparison *c)
{
	for (int i = 0; i < boot->n; i++) {
		struct difference *d = &c->of[i];
		double *v = boot->value[i];
		if (!v)
			continue;
		set_difference(d, compared_metric(i)->value(&boot->whole[0]),
			       compared_metric(i)->value(&boot->whole[1]));
		if (!d->there)
			continue;
		d->p = swap_p(v + boot->options->rounds, boot->options->rounds, d->b - d->a,
			      1e-12 * (fabs(d->a) + fabs(d->b)));
		interval_of_difference(boot, i, d);
	}
}

static int bootstrap(const struct side *side, const struct compare_options *options, struct pool *pool,
		     struct comparison *c, struct err *err)
{
	struct boot boot = { .side = side, .options = options, .n = compared_count() };
	int workers = pool_threads(pool);
	boot.parts = metric_parts(0, TEST_SWAP);
	int by_pairs = side[0].rows->n > CELLS_FROM && !(boot.parts & ~PAIRS_PARTS), tasks;
	int rc = mem_alloc(&boot.scratch, (size_t)workers, sizeof *boot.scratch, err);
	for (int i = 0; !rc && i < workers && !by_pairs; i++)
		rc = scratch_init(&boot.scratch[i], side[0].rows->n, err);
	for (int i = 0; !rc && i < boot.n; i++)
		if (compared_metric(i)->test == TEST_SWAP)
			rc = mem_alloc(&boot.value[i], 2 * (size_t)options->rounds + 2 * DRAWS, sizeof *boot.value[i],
				       err);
	rc = rc || (by_pairs && prepare_pairs(&boot, pool, err));
	if (!rc) {
		tasks = 2 * options->rounds + (by_pairs ? 0 : DRAWS);
		progress_begin(&boot.progress, options->progress, (uint64_t)tasks, !options->progress);
		pool_run(pool, tasks, compare_round, &boot);
		progress_end(&boot.progress);
		if (!by_pairs)
			measure_records(&boot);
		conclude(&boot, c);
	}
	for (int i = 0; boot.scratch && i < workers; i++) {
		if (!rc && boot.scratch[i].err.status) {
			*err = boot.scratch[i].err;
			rc = -1;
		}
		free(boot.scratch[i].weight);
		free(boot.scratch[i].sorted);
		free(boot.scratch[i].drawn);
	}
	for (int i = 0; i < boot.n; i++)
		free(boot.value[i]);
	free(boot.scratch);
	pairs_close(boot.pairs);
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
	rc = rc || bootstrap(side, options, pool, c, err) ||
	     compare_auroc(a, b, (const uint32_t *const[]){ side[0].order, side[1].order }, options->level, c, err);
	free(side[0].order);
	free(side[1].order);
	for (int i = 0; i < n; i++)
		p[i] = c->of[i].there ? c->of[i].p : NAN;
	holm(p, n);
	for (int i = 0; i < n; i++)
		c->of[i].holm = p[i];
	return rc ? -1 : 0;
}

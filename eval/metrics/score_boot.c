/* Intervals by resampling records: each round builds the sorted keys of its resample, or of a calibrated model, and
 * measures them like any others. Of more than CELLS_FROM records the cells are counted instead, and the mean losses,
 * whose resamples are nearly normal then, are drawn from their normal distribution. */
#include "cells.h"
#include "pipeline/base/mem.h"
#include "pipeline/frame/progress.h"
#include "score.h"

#include <math.h>
#include <stdlib.h>

/* The mean and deviation over so many draws are known to a tenth or better. */
enum { CHUNK = 4096, DRAWS = 200 };

struct boot {
	const struct rows *w;
	const struct score_options *options;
	struct score *shape; /* which numbers there are, in which order */
	double *value;	     /* [shape->n][width]: rounds of resamples, then `draws` values and `draws` noises */
	size_t width;
	int draws; /* of a calibrated model */
	struct cells cells;  /* none: records are resampled */
	struct tally *tally; /* [threads][cells] */
	double mean[2], error[2]; /* of nll and brier; with cells */
	struct progress progress;
	conf_key **key;	     /* [threads] */
	size_t *cap;	     /* [threads] */
	struct err *err;     /* [threads] */
};

/* Sorted keys stay sorted when each is repeated. */
static int resample(struct boot *b, uint32_t round, int worker, size_t *n, struct err *err)
{
	uint8_t weight[CHUNK];
	*n = 0;
	for (size_t from = 0; from < b->w->n; from += CHUNK) {
		size_t m = b->w->n - from < CHUNK ? b->w->n - from : CHUNK;
		bootstrap_weights(b->options->seed, round, from, m, weight);
		if (mem_grow(&b->key[worker], &b->cap[worker], *n + 12 * CHUNK, sizeof(conf_key), err))
			return -1;
		for (size_t i = 0; i < m; i++)
			for (int k = 0; k < weight[i]; k++)
				b->key[worker][(*n)++] = b->w->key[from + i];
	}
	return 0;
}

/* Weighted means of NLL and Brier over labelled records. Keys are sorted and these columns are not, so the two are
 * resampled apart; no interval depends on both. */
static void means(struct boot *b, uint32_t round, double *nll, double *brier)
{
	uint8_t weight[CHUNK];
	double n = 0, sum_nll = 0, sum_brier = 0;
	for (size_t from = 0; from < b->w->n; from += CHUNK) {
		size_t m = b->w->n - from < CHUNK ? b->w->n - from : CHUNK;
		bootstrap_weights(b->options->seed, round, from, m, weight);
		for (size_t i = 0; i < m; i++) {
			if (!weight[i] || isnan(b->w->brier[from + i]))
				continue;
			n += weight[i];
			sum_nll += weight[i] * b->w->nll[from + i];
			sum_brier += weight[i] * b->w->brier[from + i];
		}
	}
	*nll = sum_nll / n;
	*brier = sum_brier / n;
}

/* A calibrated model with the same confidences: right is drawn anew. */
static int draw_calibrated(struct boot *b, uint32_t draw, int worker, struct err *err)
{
	if (mem_grow(&b->key[worker], &b->cap[worker], b->w->n, sizeof(conf_key), err))
		return -1;
	calibrated_keys(b->key[worker], b->w->key, b->w->n, b->options->seed, draw);
	return 0;
}

/* The mean of what is not NaN, and its standard error. */
static double mean_with_error(const double *v, size_t n, double *error)
{
	double mean = 0, most = 0, square = 0, m = 0;
	for (size_t i = 0; i < n; i++) {
		m += !isnan(v[i]);
		mean += isnan(v[i]) ? 0 : v[i];
	}
	mean /= m;
	for (size_t i = 0; i < n; i++)
		most = fmax(most, fabs(v[i] - mean));
	for (size_t i = 0; i < n && most > 0; i++) { /* scaled: a square of 1e200 is no double */
		double off = (v[i] - mean) / most;
		square += isnan(off) ? 0 : off * off;
	}
	*error = most * sqrt(square) / m;
	return mean;
}

/* A round by cells. */
static int count_cells(struct boot *b, int task, struct tally *t, struct measured *m, struct err *err)
{
	const struct score_options *o = b->options;
	int resampled = task < o->rounds;
	struct rng r;
	rng_init(&r, o->seed, resampled ? RNG_BOOTSTRAP : RNG_NULL,
		 (uint32_t)(resampled ? task : task - o->rounds), 0);
	if (resampled) {
		m->nll = b->mean[0] + b->error[0] * rng_normal(&r);
		m->brier = b->mean[1] + b->error[1] * rng_normal(&r);
		cells_resample(&b->cells, &r, t);
	} else {
		cells_calibrate(&b->cells, &r, t);
	}
	for (int i = 0; i < o->n_bins; i++)
		if (measure_cells(&m[i], &b->cells, t, o->bins[i],
				  i ? PART_BINS : metric_parts_resampled(o->brief), err))
			return -1;
	return 0;
}

/* A round of records. */
static int list_records(struct boot *b, int task, int worker, struct measured *m, struct err *err)
{
	const struct score_options *o = b->options;
	int resampled = task < o->rounds;
	uint32_t round = bootstrap_round(o->seed, (uint32_t)task, b->w->n);
	size_t n = b->w->n;
	if (resampled ? resample(b, round, worker, &n, err)
		      : draw_calibrated(b, (uint32_t)(task - o->rounds), worker, err))
		return -1;
	for (int i = 0; i < o->n_bins; i++)
		if (measure_keys(&m[i], b->key[worker], n, o->bins[i],
				 i ? PART_BINS : metric_parts_resampled(o->brief), err))
			return -1;
	if (resampled)
		means(b, round, &m[0].nll, &m[0].brier);
	return 0;
}

static int has_interval(const struct score_item *v)
{
	return v->metric && v->metric->interval && isfinite(v->value);
}

/* Rounds of resampling, then draws of a calibrated model, which have values and noises. */
static void score_round(void *arg, int task, int worker)
{
	struct boot *b = arg;
	struct measured m[SCORE_BINS] = { { 0 } };
	struct err *err = &b->err[worker];
	if (worker == 0)
		progress_at(&b->progress, (uint64_t)task, NULL);
	if (err->status ||
	    (b->cells.n ? count_cells(b, task, b->tally + (size_t)worker * b->cells.n, m, err)
			: list_records(b, task, worker, m, err)))
		return;
	for (int i = 0; i < b->shape->n; i++) {
		const struct score_item *v = &b->shape->item[i];
		double *to = b->value + (size_t)i * b->width + (size_t)task;
		if (!has_interval(v))
			continue;
		*to = v->metric->value(&m[v->at]);
		if (task >= b->options->rounds)
			to[b->draws] = v->metric->noise ? v->metric->noise(&m[v->at]) : *to;
	}
}

static struct interval_data data_of(const struct boot *b, const struct score_item *v)
{
	const double *x = b->value + (size_t)(v - b->shape->item) * b->width;
	int rounds = b->options->rounds, draws = v->metric->parts & PART_MEANS ? 0 : b->draws; /* of keys alone */
	return (struct interval_data){
		b->w->n, b->options->level, x, rounds, x + rounds, x + rounds + draws, draws, 0, 0
	};
}

static void gather_rounds(struct boot *b)
{
	struct interval_data gap = data_of(b, score_find(b->shape, "gap"));
	double gap_sd = gap.n > 1 ? interval_sd(&gap) : 0, t = interval_t(gap.level, gap.n);
	for (int i = 0; i < b->shape->n; i++) {
		struct score_item *v = &b->shape->item[i];
		if (!has_interval(v))
			continue;
		struct interval_data d = data_of(b, v);
		d.gap_sd = gap_sd;
		d.t = t;
		v->kind = SCORE_INTERVAL;
		interval_of(v->metric, v->value, &d, &v->low, &v->high);
		if (v->metric->like) {
			const struct score_item *other = score_find(b->shape, v->metric->like);
			v->low = fmin(other->low, v->value);
			v->high = fmax(other->high, v->value);
		}
	}
}

static int open_cells(struct boot *b, int threads, struct err *err)
{
	const struct rows *w = b->w;
	if (w->n <= CELLS_FROM)
		return 0;
	b->mean[0] = mean_with_error(w->nll, w->n, &b->error[0]);
	b->mean[1] = mean_with_error(w->brier, w->n, &b->error[1]);
	return cells_cut(&b->cells, w->key, w->n, b->options->bins, b->options->n_bins, err) ||
			       mem_alloc(&b->tally, (size_t)threads * b->cells.n, sizeof *b->tally, err)
		       ? -1
		       : 0;
}

int score_bootstrap(struct score *s, const struct rows *w, const struct score_options *options, struct err *err)
{
	struct boot b = { .w = w, .options = options, .shape = s };
	struct pool *pool;
	int rc = -1, threads;
	b.draws = options->rounds < DRAWS ? options->rounds : DRAWS;
	b.width = (size_t)options->rounds + 2 * (size_t)b.draws;
	if (pool_open(&pool, options->threads, err))
		return -1;
	threads = pool_threads(pool);
	if (mem_alloc(&b.value, (size_t)s->n * b.width, sizeof *b.value, err) ||
	    mem_alloc(&b.key, (size_t)threads, sizeof *b.key, err) ||
	    mem_alloc(&b.cap, (size_t)threads, sizeof *b.cap, err) ||
	    mem_alloc(&b.err, (size_t)threads, sizeof *b.err, err) || open_cells(&b, threads, err))
		goto end;
	progress_begin(&b.progress, options->progress, (uint64_t)options->rounds + (uint64_t)b.draws,
		       !options->progress);
	pool_run(pool, options->rounds + b.draws, score_round, &b);
	progress_end(&b.progress);
	rc = 0;
	for (int i = 0; i < threads && !rc; i++)
		if (b.err[i].status) {
			*err = b.err[i];
			rc = -1;
		}
	if (!rc)
		gather_rounds(&b);
end:
	for (int i = 0; b.key && i < threads; i++)
		free(b.key[i]);
	cells_release(&b.cells);
	free(b.tally);
	free(b.key);
	free(b.cap);
	free(b.value);
	free(b.err);
	pool_close(pool);
	return rc;
}

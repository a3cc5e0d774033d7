/* Intervals by resampling records: each round builds the sorted keys of its resample and measures them like any others.
 */
#include "pipeline/base/mem.h"
#include "score.h"

#include <math.h>
#include <stdlib.h>

enum { CHUNK = 4096 };

struct boot {
	const struct rows *w;
	const struct score_options *options;
	struct score *shape; /* which numbers there are, in which order */
	double *value;	     /* [shape->n][rounds] */
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

static int has_interval(const struct score_item *v)
{
	return v->metric && v->metric->most > v->metric->least;
}

static void score_round(void *arg, int round, int worker)
{
	struct boot *b = arg;
	struct measured m[SCORE_BINS] = { { 0 } };
	size_t n;
	if (b->err[worker].status || resample(b, (uint32_t)round, worker, &n, &b->err[worker]))
		return;
	if (n && score_measure(m, b->key[worker], n, b->options, &b->err[worker]))
		return;
	means(b, (uint32_t)round, &m[0].nll, &m[0].brier);
	for (int i = 0; i < b->shape->n; i++) {
		const struct score_item *v = &b->shape->item[i];
		size_t to = (size_t)i * (size_t)b->options->rounds + (size_t)round;
		if (has_interval(v))
			b->value[to] = n ? v->metric->value(&m[v->at]) : NAN;
	}
}

static int gather_rounds(struct boot *b, struct err *err)
{
	int rounds = b->options->rounds;
	for (int i = 0; i < b->shape->n; i++) {
		struct score_item *v = &b->shape->item[i];
		double *x = b->value + (size_t)i * (size_t)rounds;
		int whole = 1;
		if (!has_interval(v))
			continue;
		for (int r = 0; r < rounds; r++)
			whole &= isfinite(x[r]) != 0;
		if (!whole && isfinite(v->value) && isfinite(v->metric->most))
			return err_set(err, "%s: a resample of %zu records has no %s; give --bootstrap more records",
				       b->w->name, b->w->n, v->key);
		if (!whole)
			continue;
		v->kind = SCORE_INTERVAL;
		bootstrap_interval(x, rounds, v->value, b->options->level, v->metric->least, v->metric->most, &v->low,
				   &v->high);
	}
	return 0;
}

int score_bootstrap(struct score *s, const struct rows *w, const struct score_options *options, struct err *err)
{
	struct boot b = { .w = w, .options = options, .shape = s };
	struct pool *pool;
	int rc = -1, threads;
	if (pool_open(&pool, options->threads, err))
		return -1;
	threads = pool_threads(pool);
	if (mem_alloc(&b.value, (size_t)s->n * (size_t)options->rounds, sizeof *b.value, err) ||
	    mem_alloc(&b.key, (size_t)threads, sizeof *b.key, err) ||
	    mem_alloc(&b.cap, (size_t)threads, sizeof *b.cap, err) ||
	    mem_alloc(&b.err, (size_t)threads, sizeof *b.err, err))
		goto end;
	pool_run(pool, options->rounds, score_round, &b);
	rc = 0;
	for (int i = 0; i < threads && !rc; i++)
		if (b.err[i].status) {
			*err = b.err[i];
			rc = -1;
		}
	if (!rc)
		rc = gather_rounds(&b, err);
end:
	for (int i = 0; b.key && i < threads; i++)
		free(b.key[i]);
	free(b.key);
	free(b.cap);
	free(b.value);
	free(b.err);
	pool_close(pool);
	return rc;
}

/* The null floor: errors of a perfectly calibrated model with the same confidences. */
#include "metrics.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/philox.h"
#include "pipeline/base/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Records from..to of a bin whose rarer outcome has probabilities within a factor of two of each other. */
struct run {
	size_t from, to;
	double most;	/* largest probability of the rarer outcome */
	int rare_right; /* the rarer outcome is "right" */
};

struct segment {
	size_t n;
	double conf, variance, third; /* of the number right: sum p, sum p(1-p), sum p(1-p)(1-2p) */
	size_t first_run, n_runs;
	uint64_t right; /* observed */
};

struct null {
	const conf_key *key;
	size_t n;
	int bins, rounds;
	uint64_t seed;
	struct segment *segment;
	struct run *run;
	size_t n_runs, cap_runs;
	double *off; /* [bins][rounds]: right records minus the sum of confidences */
};

static double rarer(conf_key k)
{
	double p = conf_p(k), q = conf_rest(k);
	return p < q ? p : q;
}

static int add_runs(struct null *u, struct segment *s, size_t from, size_t to, struct err *err)
{
	s->first_run = u->n_runs;
	while (from < to) {
		int right = conf_p(u->key[from]) < 0.5;
		double least = rarer(u->key[from]), most = least;
		size_t end = from + 1;
		for (; end < to; end++) {
			double q = rarer(u->key[end]), lo = q < least ? q : least, hi = q > most ? q : most;
			if ((conf_p(u->key[end]) < 0.5) != right || hi > 2 * lo)
				break;
			least = lo;
			most = hi;
		}
		if (mem_grow(&u->run, &u->cap_runs, u->n_runs + 1, sizeof *u->run, err))
			return -1;
		u->run[u->n_runs++] = (struct run){ from, end, most, right };
		from = end;
	}
	s->n_runs = u->n_runs - s->first_run;
	return 0;
}

static int segments(struct null *u, struct err *err)
{
	size_t from = 0;
	for (int b = 0; b < u->bins; b++) {
		struct segment *s = &u->segment[b];
		fix conf = 0;
		size_t to = from;
		while (to < u->n && bin_of(u->bins, conf_p(u->key[to])) == b) {
			double p = conf_p(u->key[to]), q = conf_rest(u->key[to]), v = p * q;
			conf += fix_of(p);
			s->variance += v;
			s->third += v * (q - p);
			s->right += (uint64_t)conf_right(u->key[to]);
			to++;
		}
		s->n = to - from;
		s->conf = fix_real(conf);
		if (!(s->variance > FLOOR_NORMAL) && add_runs(u, s, from, to, err))
			return -1;
		from = to;
	}
	return 0;
}

/* How often the rarer outcome happens in a run: candidates by geometric jumps at the largest probability, each kept
 * with its own share of it. Exact, and its cost is the number of rare outcomes and not of records. */
static double draw_run(const struct null *u, const struct run *run, struct rng *r)
{
	double happened = 0, jump = log1p(-run->most);
	if (!(run->most > 0))
		return 0;
	for (double at = (double)run->from - 1;;) {
		at += 1 + floor(log(1 - rng_real(r)) / jump);
		if (!(at < (double)run->to))
			return happened;
		happened += rng_real(r) * run->most < rarer(u->key[(size_t)at]);
	}
}

/* The number of right records of a bin, minus its mean. */
static double draw_segment(const struct null *u, const struct segment *s, struct rng *r)
{
	if (s->variance > FLOOR_NORMAL) { /* Cornish and Fisher's first correction */
		double z = rng_normal(r), skew = s->third / (s->variance * sqrt(s->variance));
		return sqrt(s->variance) * (z + skew / 6 * (z * z - 1));
	}
	double right = 0;
	for (size_t i = 0; i < s->n_runs; i++) {
		const struct run *run = &u->run[s->first_run + i];
		double rare = draw_run(u, run, r);
		right += run->rare_right ? rare : (double)(run->to - run->from) - rare;
	}
	return right - s->conf;
}

/* ece, oe, mce, rmsce (squared while under way). */
struct errors {
	double v[4];
};

/* d: right minus sum of conf in a bin. */
static void add_error(struct errors *e, const struct segment *s, double d, double n)
{
	double gap = -d / (double)s->n, w = (double)s->n / n;
	e->v[0] += w * fabs(gap);
	e->v[1] += w * s->conf / (double)s->n * (gap > 0 ? gap : 0);
	e->v[2] = fabs(gap) > e->v[2] ? fabs(gap) : e->v[2];
	e->v[3] += w * gap * gap;
}

static void floor_round(void *arg, int round, int worker)
{
	struct null *u = arg;
	struct rng r;
	(void)worker;
	for (int b = 0; b < u->bins; b++) {
		if (!u->segment[b].n)
			continue;
		rng_init(&r, u->seed, RNG_FLOOR, (uint32_t)round, (uint32_t)b);
		u->off[(size_t)b * (size_t)u->rounds + (size_t)round] = draw_segment(u, &u->segment[b], &r);
	}
}

static int draw_all(struct null *u, struct pool *pool, struct err *err)
{
	if (mem_alloc(&u->segment, (size_t)u->bins, sizeof *u->segment, err) || segments(u, err))
		return -1;
	pool_run(pool, u->rounds, floor_round, u);
	return 0;
}

int null_draws(const conf_key *sorted, size_t n, int bins, int rounds, uint64_t seed, struct pool *pool, double *off,
	       struct err *err)
{
	struct null u = { .key = sorted, .n = n, .bins = bins, .rounds = rounds, .seed = seed, .off = off };
	int rc = draw_all(&u, pool, err);
	free(u.run);
	free(u.segment);
	return rc;
}

static void summarise(double *v, int n, double observed, struct floor_of *f)
{
	double sum = 0;
	int above = 0;
	sort_rising(v, (size_t)n);
	for (int i = 0; i < n; i++) {
		sum += v[i];
		above += v[i] >= observed;
	}
	f->mean = sum / n;
	f->q95 = v[(int)ceil(0.95 * n) - 1];
	f->p = (1.0 + above) / (n + 1.0);
}

int null_floor(const conf_key *sorted, size_t n, int bins, int rounds, uint64_t seed, struct pool *pool,
	       struct floors *f, struct err *err)
{
	struct null u = { .key = sorted, .n = n, .bins = bins, .rounds = rounds, .seed = seed };
	struct errors seen = { { 0 } };
	struct floor_of *out[4] = { &f->ece, &f->oe, &f->mce, &f->rmsce };
	double *value = NULL;
	size_t m = (size_t)rounds;
	int rc = -1;
	if (mem_alloc(&u.off, (size_t)bins * m, sizeof *u.off, err) || mem_alloc(&value, 4 * m, sizeof *value, err) ||
	    draw_all(&u, pool, err))
		goto end;
	for (int b = 0; b < bins; b++)
		if (u.segment[b].n)
			add_error(&seen, &u.segment[b], (double)u.segment[b].right - u.segment[b].conf, (double)n);
	seen.v[3] = sqrt(seen.v[3]);
	for (size_t r = 0; r < m; r++) {
		struct errors e = { { 0 } };
		for (int b = 0; b < bins; b++)
			if (u.segment[b].n)
				add_error(&e, &u.segment[b], u.off[(size_t)b * m + r], (double)n);
		e.v[3] = sqrt(e.v[3]);
		for (size_t i = 0; i < 4; i++)
			value[i * m + r] = e.v[i];
	}
	for (size_t i = 0; i < 4; i++)
		summarise(value + i * m, rounds, seen.v[i], out[i]);
	rc = 0;
end:
	free(u.off);
	free(value);
	free(u.run);
	free(u.segment);
	return rc;
}

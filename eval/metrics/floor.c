/* The null floor: errors of a perfectly calibrated model with the same confidences; and its walk of right - conf. */
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
	const size_t *end; /* [bins] where segments end; NULL: segments are bins of equal width */
	double normal;	   /* above this variance a segment's right records are drawn from a normal */
	struct segment *segment; /* [bins] */
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

/* Of the segment b that begins at `from`, and may be empty. */
static size_t segment_end(const struct null *u, int b, size_t from)
{
	if (u->end)
		return u->end[b];
	if (from == u->n || bin_of(u->bins, conf_p(u->key[from])) != b)
		return from;
	return bins_end(u->key, u->n, from, u->bins);
}

/* Adds k[n], n <= FEW, in order; their terms come first, so that they do not wait for the sums. */
enum { FEW = 64 };
static inline __attribute__((always_inline)) void segment_add(struct segment *s, fix *conf, const conf_key *k, size_t n)
{
	double p[FEW], one[FEW], cube[FEW], variance = s->variance, third = s->third;
	fix sum = *conf;
	for (size_t i = 0; i < n; i++) {
		double q;
		conf_both(k[i], &p[i], &q);
		one[i] = p[i] * q;
		cube[i] = one[i] * (q - p[i]);
	}
	for (size_t i = 0; i < n; i++) {
		sum += (int64_t)(p[i] * 0x1p60);
		variance += one[i];
		third += cube[i];
		s->right += (uint64_t)conf_right(k[i]);
	}
	*conf = sum;
	s->variance = variance;
	s->third = third;
}

static int segments(struct null *u, struct err *err)
{
	size_t from = 0;
	for (int b = 0; b < u->bins; b++) {
		struct segment *s = &u->segment[b];
		fix conf = 0;
		size_t to = segment_end(u, b, from), i = from;
		for (; i + FEW <= to; i += FEW)
			segment_add(s, &conf, u->key + i, FEW);
		segment_add(s, &conf, u->key + i, to - i);
		s->n = to - from;
		s->conf = fix_real(conf);
		if (!(s->variance > u->normal) && add_runs(u, s, from, to, err))
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
	if (s->variance > u->normal) { /* Cornish and Fisher's first correction */
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
	struct null u = {
		.key = sorted, .n = n, .bins = bins, .rounds = rounds, .seed = seed, .normal = FLOOR_NORMAL, .off = off
	};
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
	struct null u = { .key = sorted, .n = n, .bins = bins, .rounds = rounds, .seed = seed,
			  .normal = FLOOR_NORMAL };
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

/* The walk: sums of right - conf over blocks of the sorted records, a block being a tie group or several small ones. */
enum { WALK_DRAWS = 999, WALK_BLOCKS = 2048, WALK_NORMAL = 10 };

/* Whether the limit's law holds: many steps of which none is large. */
static int walk_is_long(const struct cumulative *of)
{
	return of->doubt > WALK_LONG && of->doubt * of->doubt > WALK_LONG * of->doubt_square;
}

/* Fills u->end (owned, as a whole group at least) and u->bins: a block's variance is 1/WALK_BLOCKS of all, or more. */
static int walk_blocks(struct null *u, size_t **end, double variance, struct err *err)
{
	double v = 0;
	if (mem_alloc(end, WALK_BLOCKS + 2, sizeof **end, err))
		return -1;
	for (size_t i = 0; i < u->n; i++) {
		v += conf_p(u->key[i]) * conf_rest(u->key[i]);
		int last = i + 1 == u->n;
		if (!last && (v * WALK_BLOCKS < variance || u->bins > WALK_BLOCKS ||
			      conf_order(u->key[i]) == conf_order(u->key[i + 1])))
			continue;
		(*end)[u->bins++] = i + 1;
		v = 0;
	}
	u->end = *end;
	return 0;
}

/* A few records are drawn faster one by one. */
static double walk_step(const struct null *u, int b, struct rng *r)
{
	const struct segment *s = &u->segment[b];
	double right = 0;
	if (s->n > 4)
		return draw_segment(u, s, r);
	for (size_t i = u->end[b] - s->n; i < u->end[b]; i++)
		right += rng_real(r) < conf_p(u->key[i]);
	return right - s->conf;
}

/* The range of the walk of draw `round`. */
static void walk_round(void *arg, int round, int worker)
{
	struct null *u = arg;
	struct rng r;
	double at = 0, low = 0, high = 0;
	(void)worker;
	rng_init(&r, u->seed, RNG_WALK, (uint32_t)round, 0);
	for (int b = 0; b < u->bins; b++) {
		at += walk_step(u, b, &r);
		low = at < low ? at : low;
		high = at > high ? at : high;
	}
	u->off[round] = high - low;
}

/* Where the observed range stands among those drawn; ties, which few records have, in a random order. */
static double walk_rank(const struct null *u)
{
	double at = 0, low = 0, high = 0;
	uint32_t above = 0, equal = 0;
	struct rng r;
	for (int b = 0; b < u->bins; b++) {
		at += (double)u->segment[b].right - u->segment[b].conf;
		low = at < low ? at : low;
		high = at > high ? at : high;
	}
	for (int i = 0; i < u->rounds; i++) {
		double d = u->off[i] - (high - low), rounding = 1e-9 * (1 + high - low);
		above += d > rounding;
		equal += fabs(d) <= rounding;
	}
	rng_init(&r, u->seed, RNG_WALK, (uint32_t)u->rounds, 0);
	return (1.0 + above + rng_below(&r, equal + 1)) / (u->rounds + 1);
}

int null_walk(const conf_key *sorted, size_t n, const struct cumulative *of, int drawn, uint64_t seed,
	      struct pool *pool, double *p, struct err *err)
{
	struct null u = { .key = sorted, .n = n, .rounds = WALK_DRAWS, .seed = seed, .normal = WALK_NORMAL };
	size_t *end = NULL;
	int rc = -1;
	if (!drawn || walk_is_long(of) || !(of->doubt > 0)) {
		*p = of->kuiper_p;
		return 0;
	}
	if (mem_alloc(&u.off, WALK_DRAWS, sizeof *u.off, err) || walk_blocks(&u, &end, of->doubt, err) ||
	    mem_alloc(&u.segment, (size_t)u.bins, sizeof *u.segment, err) || segments(&u, err))
		goto end;
	pool_run(pool, WALK_DRAWS, walk_round, &u);
	*p = walk_rank(&u);
	rc = 0;
end:
	free(end);
	free(u.off);
	free(u.run);
	free(u.segment);
	return rc;
}

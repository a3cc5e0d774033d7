/* Kinds of pairs, counted once and drawn in every round. */
#include "pairs.h"
#include "pipeline/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct kind {
	size_t n;
	int bin[2], right[2];
	double mean[2];	     /* of A's confidence, and of B's less A's */
	/* a deviates by `a` times one normal, the difference by with_a times that and d times another */
	double a, with_a, d;
};

enum { TOP = 256 };

/* A mean over records whose difference between the sides has a value for each. */
struct paired {
	double error;	    /* standard error of the difference, of resamples */
	double top[TOP];    /* the largest values under exchange, in no order */
	int n_top;
	double rest; /* root of the sum of the other values' squares */
	size_t n;
};

enum { NLL, BRIER, AURC, MEANS };

struct pairs {
	int bins;
	size_t n_kinds, cap;
	struct kind *kind;
	struct paired of[MEANS];
};

static struct kind kind_of(const struct rows *const rows[2], const uint32_t *record, size_t n)
{
	struct kind k = { .n = n };
	double va = 0, vd = 0, both = 0;
	for (int s = 0; s < 2; s++)
		k.right[s] = conf_right(rows[s]->key[*record]);
	for (size_t i = 0; i < n; i++) {
		double a = conf_p(rows[0]->key[record[i]]);
		k.mean[0] += a;
		k.mean[1] += conf_p(rows[1]->key[record[i]]) - a;
	}
	k.mean[0] /= (double)n;
	k.mean[1] /= (double)n;
	for (size_t i = 0; i < n; i++) {
		double p = conf_p(rows[0]->key[record[i]]), a = p - k.mean[0];
		double d = conf_p(rows[1]->key[record[i]]) - p - k.mean[1];
		va += a * a;
		vd += d * d;
		both += a * d;
	}
	k.a = sqrt(va / (double)n);
	k.with_a = va > 0 ? both / (double)n / k.a : 0;
	k.d = sqrt(fmax(0, vd / (double)n - k.with_a * k.with_a));
	return k;
}

static int find_kinds(struct pairs *p, const struct rows *const rows[2], struct err *err)
{
	size_t n = rows[0]->n, m = (size_t)p->bins;
	uint64_t *key = NULL;
	uint32_t *order = NULL;
	int rc = mem_alloc(&key, n, sizeof *key, err) || mem_alloc(&order, n, sizeof *order, err);
	for (size_t i = 0; i < n && !rc; i++) {
		conf_key a = rows[0]->key[i], b = rows[1]->key[i];
		key[i] = ((uint64_t)bin_of(p->bins, conf_p(a)) * m + (uint64_t)bin_of(p->bins, conf_p(b))) * 4 +
			 2 * (uint64_t)conf_right(a) + (uint64_t)conf_right(b);
	}
	rc = rc || order_falling(key, n, order, err);
	for (size_t from = 0, to; from < n && !rc; from = to) {
		uint64_t v = key[order[from]];
		for (to = from; to < n && key[order[to]] == v;)
			to++;
		rc = mem_grow(&p->kind, &p->cap, p->n_kinds + 1, sizeof *p->kind, err);
		if (rc)
			break;
		struct kind k = kind_of(rows, order + from, to - from);
		k.bin[0] = (int)(v / 4 / m);
		k.bin[1] = (int)(v / 4 % m);
		p->kind[p->n_kinds++] = k;
	}
	free(key);
	free(order);
	return rc ? -1 : 0;
}

static int by_size(const void *a, const void *b)
{
	double x = fabs(*(const double *)a), y = fabs(*(const double *)b);
	return (x > y) - (x < y);
}

/* Keeps the TOP largest, as a heap whose least is first; returns the value that is not kept, 0 where all are. */
static double keep_top(struct paired *p, double v)
{
	double out = p->top[0];
	if (p->n_top < TOP) {
		p->top[p->n_top++] = v;
		if (p->n_top == TOP)
			qsort(p->top, TOP, sizeof *p->top, by_size);
		return 0;
	}
	if (!(fabs(v) > fabs(out)))
		return v;
	int i = 0;
	for (int down; (down = 2 * i + 1) < TOP; i = down) {
		down += down + 1 < TOP && fabs(p->top[down + 1]) < fabs(p->top[down]);
		if (fabs(p->top[down]) >= fabs(v))
			break;
		p->top[i] = p->top[down];
	}
	p->top[i] = v;
	return out;
}

/* resampled, swapped: [n], what record i adds to n times the difference. */
static void paired_init(struct paired *p, const double *resampled, const double *swapped, size_t n)
{
	double mean = 0, square = 0, rest = 0, most = 0;
	*p = (struct paired){ .n = n };
	for (size_t i = 0; i < n; i++) {
		mean += resampled[i] / (double)n;
		most = fmax(most, fmax(fabs(resampled[i]), fabs(swapped[i])));
	}
	for (size_t i = 0; i < n && most > 0; i++) { /* scaled: a square of 1e200 is no double */
		double off = (resampled[i] - mean) / most, out = keep_top(p, swapped[i]) / most;
		square += off * off;
		rest += out * out;
	}
	p->error = most * sqrt(square) / (double)n;
	p->rest = most * sqrt(rest);
}

/* What record i adds to n times the AURC of these n_sides lists taken as one, but for a constant: an error its own
 * mean of 1/k over the ranks k from its own on, and every record less of it to the errors below. to: [n_sides][n]. */
static void influence(const struct rows *const *rows, const uint32_t *const *order, int n_sides, double *to)
{
	size_t n = rows[0]->n, at[2] = { 0, n_sides > 1 ? 0 : n }, rank = 0;
	double all = 0, h = 0, above = 0;
	for (size_t k = (size_t)n_sides * n; k > 0; k--)
		all += 1 / (double)k;
	while (at[0] < n || at[1] < n) {
		size_t from[2] = { at[0], at[1] };
		uint64_t v = 0;
		double size = 0, wrong = 0, before = 0, share = 0;
		for (int s = 0; s < n_sides; s++)
			if (at[s] < n && conf_order(rows[s]->key[order[s][at[s]]]) > v)
				v = conf_order(rows[s]->key[order[s][at[s]]]);
		for (int s = 0; s < n_sides; s++)
			for (; at[s] < n && conf_order(rows[s]->key[order[s][at[s]]]) == v; at[s]++) {
				wrong += !conf_right(rows[s]->key[order[s][at[s]]]);
				before += h;
				share += 1 / (double)++rank;
				h += 1 / (double)rank;
				size++;
			}
		for (int s = 0; s < n_sides; s++)
			for (size_t i = from[s]; i < at[s]; i++) {
				uint32_t record = order[s][i];
				to[(size_t)s * n + record] =
					above + wrong * share / size / 2 +
					(conf_right(rows[s]->key[record]) ? 0 : all - before / size);
			}
		above += wrong * share / size;
	}
}

static int find_means(struct pairs *p, const struct rows *const rows[2], const uint32_t *const order[2],
		      struct err *err)
{
	size_t n = rows[0]->n;
	double *own, *pooled;
	if (mem_alloc(&own, 4 * n, sizeof *own, err))
		return -1;
	pooled = own + 2 * n;
	for (size_t i = 0; i < n; i++) {
		own[i] = rows[1]->nll[i] - rows[0]->nll[i];
		own[n + i] = rows[1]->brier[i] - rows[0]->brier[i];
	}
	paired_init(&p->of[NLL], own, own, n);
	paired_init(&p->of[BRIER], own + n, own + n, n);
	influence(&rows[0], &order[0], 1, own);
	influence(&rows[1], &order[1], 1, own + n);
	influence(rows, order, 2, pooled);
	for (size_t i = 0; i < n; i++) {
		own[i] = own[n + i] - own[i];
		pooled[i] = pooled[n + i] - pooled[i];
	}
	paired_init(&p->of[AURC], own, pooled, n);
	free(own);
	return 0;
}

int pairs_open(struct pairs **out, const struct rows *const rows[2], const uint32_t *const order[2], int bins,
	       struct err *err)
{
	struct pairs *p;
	if (mem_alloc(&p, 1, sizeof *p, err))
		return -1;
	p->bins = bins;
	if (find_kinds(p, rows, err) || find_means(p, rows, order, err)) {
		pairs_close(p);
		return -1;
	}
	*out = p;
	return 0;
}

void pairs_close(struct pairs *p)
{
	if (p)
		free(p->kind);
	free(p);
}

static void set_means(struct measured m[2], const double difference[MEANS])
{
	for (int s = 0; s < 2; s++) {
		m[s].nll = s ? difference[NLL] : 0;
		m[s].brier = s ? difference[BRIER] : 0;
		m[s].selective = (struct selective){ s ? difference[AURC] : 0, NAN };
	}
}

static int open_bins(const struct pairs *p, struct bins b[2], struct err *err)
{
	if (bins_init(&b[0], p->bins, err))
		return -1;
	if (!bins_init(&b[1], p->bins, err))
		return 0;
	bins_release(&b[0]);
	return -1;
}

static void close_bins(struct bins b[2], struct measured m[2])
{
	for (int s = 0; s < 2; s++) {
		bins_errors(&b[s], &m[s].bin);
		bins_release(&b[s]);
	}
}

/* n records of side `from` of kind k, whose confidences sum to conf, count on side `to`. */
static void add_records(struct bins *b, const struct kind *k, int from, int to, double n, double conf)
{
	struct bin *bin = &b[to].bin[k->bin[from]];
	bin->n += (uint64_t)n;
	bin->right += k->right[from] ? (uint64_t)n : 0;
	bin->conf += fix_of(conf);
}

/* Sums of confidence of n records of a kind, on side A and B; spread: the root of how many vary freely. */
static void draw_sums(const struct kind *k, double n, double spread, struct rng *r, double sum[2])
{
	double z = rng_normal(r), other = rng_normal(r);
	sum[0] = n * k->mean[0] + spread * k->a * z;
	sum[1] = sum[0] + n * k->mean[1] + spread * (k->with_a * z + k->d * other);
}

int pairs_resample(const struct pairs *p, struct rng *r, struct measured m[2], struct err *err)
{
	double difference[MEANS], sum[2];
	struct bins b[2];
	if (open_bins(p, b, err))
		return -1;
	for (int i = 0; i < MEANS; i++)
		difference[i] = p->of[i].error * rng_normal(r);
	for (size_t i = 0; i < p->n_kinds; i++) {
		const struct kind *k = &p->kind[i];
		double n = rng_poisson(r, (double)k->n);
		draw_sums(k, n, sqrt(n), r, sum);
		for (int s = 0; s < 2; s++)
			add_records(b, k, s, s, n, sum[s]);
	}
	set_means(m, difference);
	close_bins(b, m);
	return 0;
}

/* How many of n coins fall: counted one by one, of many from the normal limit, whose error is below 1/n there. */
static double draw_coins(struct rng *r, size_t n)
{
	enum { MANY = 4096 };
	double fell = 0, half = (double)n / 2;
	if (n > MANY)
		return fmin((double)n, fmax(0, rint(half + sqrt(half / 2) * rng_normal(r))));
	for (; n >= 32; n -= 32)
		fell += __builtin_popcount(rng_u32(r));
	return fell + (n ? __builtin_popcount(rng_u32(r) >> (32 - n)) : 0);
}

static double swapped_mean(const struct paired *p, struct rng *r)
{
	double sum = p->rest * rng_normal(r);
	uint32_t coins = 0;
	for (int i = 0; i < p->n_top; i++) {
		coins = i % 32 ? coins >> 1 : rng_u32(r);
		sum += coins & 1 ? p->top[i] : -p->top[i];
	}
	return sum / (double)p->n;
}

int pairs_swap(const struct pairs *p, struct rng *r, struct measured m[2], struct err *err)
{
	double difference[MEANS], sum[2];
	struct bins b[2];
	if (open_bins(p, b, err))
		return -1;
	for (int i = 0; i < MEANS; i++)
		difference[i] = swapped_mean(&p->of[i], r);
	for (size_t i = 0; i < p->n_kinds; i++) {
		const struct kind *k = &p->kind[i];
		double all = (double)k->n, n = draw_coins(r, k->n);
		draw_sums(k, n, sqrt(k->n > 1 ? n * (all - n) / (all - 1) : 0), r, sum);
		for (int s = 0; s < 2; s++) {
			double whole = all * (k->mean[0] + s * k->mean[1]);
			add_records(b, k, s, s, all - n, whole - sum[s]);
			add_records(b, k, s, !s, n, sum[s]);
		}
	}
	set_means(m, difference);
	close_bins(b, m);
	return 0;
}

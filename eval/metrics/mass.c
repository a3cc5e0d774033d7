/* Running sums over sorted records, and bins of equal mass: quantiles of the confidences that keep ties together. */
#include "metrics.h"
#include "eval/records/softmax.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>

/* Records below position `at` whose confidence ties with that of `at`: the group's first record. */
static size_t group_begin(const conf_key *k, size_t at)
{
	uint64_t v = conf_order(k[at]);
	size_t lo = 0, hi = at; /* k[hi] is in the group; the answer is in lo..hi */
	for (size_t step = 1; hi > lo; step *= 2) {
		size_t probe = hi > step ? hi - step : 0;
		if (conf_order(k[probe]) != v) {
			lo = probe + 1;
			break;
		}
		hi = probe;
	}
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (conf_order(k[mid]) == v)
			hi = mid;
		else
			lo = mid + 1;
	}
	return hi;
}

/* One past the group's last record. */
static size_t group_end(const conf_key *k, size_t n, size_t at)
{
	uint64_t v = conf_order(k[at]);
	size_t lo = at, hi = n; /* k[lo] is in the group; the answer is in lo+1..hi */
	for (size_t step = 1; lo + step < n; step *= 2) {
		if (conf_order(k[lo + step]) != v) {
			hi = lo + step;
			break;
		}
		lo += step;
	}
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;
		if (conf_order(k[mid]) == v)
			lo = mid;
		else
			hi = mid;
	}
	return lo + 1;
}

/* Record r of n alone belongs to bin floor((r + 1/2) bins / n); a tie group to the bin of its middle. Returns how many
 * records lie in bins before bin i. */
size_t mass_cut(const conf_key *k, size_t n, size_t bins, size_t i)
{
	__int128 edge = (__int128)2 * n * i; /* in bin < i: (2r + 1) bins < edge */
	if (i >= bins)
		return n;
	if (edge < (__int128)bins + 1)
		return 0;
	size_t cut = (size_t)((edge - bins - 1) / (2 * (__int128)bins)) + 1;
	if (cut >= n)
		return n;
	if (!cut || conf_order(k[cut - 1]) != conf_order(k[cut]))
		return cut;
	size_t a = group_begin(k, cut - 1), e = group_end(k, n, cut);
	return (__int128)(a + e) * bins < edge ? e : a;
}

size_t keys_terms(const conf_key *k, size_t n, size_t at, struct key_terms *t)
{
	size_t m = n - at < TERMS ? n - at : TERMS;
	if (m)
		softmax_ops()->key_terms(k + at, m, at + m == n, t);
	return m;
}

int running_begin(struct running *r, const conf_key *k, size_t n, struct err *err)
{
	*r = (struct running){ .key = k, .n = n };
	return mem_alloc(&r->before, n / RUNNING_STRIDE + 1, sizeof *r->before, err);
}

void running_add(struct running *r, size_t at, const struct key_terms *t)
{
	struct running_sum *sum = &r->before[at / RUNNING_STRIDE];
	if (at + RUNNING_STRIDE <= r->n)
		sum[1] = (struct running_sum){ sum->right + (uint64_t)__builtin_popcountll(t->right),
					       sum->conf + (fix)t->conf_high * ((fix)1 << 32) + t->conf_low };
}

int running_open(struct running *r, const conf_key *k, size_t n, struct err *err)
{
	struct key_terms t;
	if (running_begin(r, k, n, err))
		return -1;
	for (size_t at = 0, m; (m = keys_terms(k, n, at, &t)); at += m)
		running_add(r, at, &t);
	return 0;
}

void running_close(struct running *r)
{
	free(r->before);
	*r = (struct running){ 0 };
}

struct running_sum running_before(const struct running *r, size_t at)
{
	struct running_sum sum = r->before[at / RUNNING_STRIDE];
	for (size_t i = at / RUNNING_STRIDE * RUNNING_STRIDE; i < at; i++) {
		sum.conf += fix_of(conf_p(r->key[i]));
		sum.right += (uint64_t)conf_right(r->key[i]);
	}
	return sum;
}

void running_bins(const struct running *r, struct bins *b)
{
	struct running_sum before = { 0 };
	for (size_t from = 0, to; from < r->n; from = to) {
		to = bins_end(r->key, r->n, from, b->m);
		struct running_sum upto = running_before(r, to);
		b->bin[bin_of(b->m, conf_p(r->key[from]))] =
			(struct bin){ to - from, upto.right - before.right, upto.conf - before.conf };
		before = upto;
	}
}

double ece_equal_mass(const struct running *r, int bins)
{
	double error = 0;
	struct running_sum before = { 0 };
	for (int i = 1; i <= bins; i++) {
		struct running_sum upto = running_before(r, mass_cut(r->key, r->n, (size_t)bins, (size_t)i));
		error += fabs(fix_real(upto.conf - before.conf) - (double)(upto.right - before.right));
		before = upto;
	}
	return error / (double)r->n;
}

enum { SWEEP_MAX = 1000 };

static uint64_t right_before(const struct running *r, size_t at)
{
	uint64_t right = r->before[at / RUNNING_STRIDE].right;
	for (size_t i = at / RUNNING_STRIDE * RUNNING_STRIDE; i < at; i++)
		right += (uint64_t)conf_right(r->key[i]);
	return right;
}

static int accuracy_rises(const struct running *r, size_t bins)
{
	uint64_t before = 0, last_right = 0;
	size_t from = 0, last_n = 0;
	for (size_t i = 1; i <= bins; i++) {
		size_t to = mass_cut(r->key, r->n, bins, i), m = to - from;
		if (!m)
			continue;
		uint64_t upto = right_before(r, to), right = upto - before;
		if (last_n && (__int128)right * last_n < (__int128)last_right * m)
			return 0;
		last_right = right;
		last_n = m;
		from = to;
		before = upto;
	}
	return 1;
}

void ece_sweep(const struct running *r, double *value, int *bins)
{
	size_t best = 1, most = r->n < SWEEP_MAX ? r->n : SWEEP_MAX;
	while (best < most && accuracy_rises(r, best + 1))
		best++;
	*bins = (int)best;
	*value = ece_equal_mass(r, (int)best);
}

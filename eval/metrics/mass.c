/* Bins of equal mass: quantiles of the confidences that keep ties together. */
#include "metrics.h"
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

double ece_equal_mass(const conf_key *k, size_t n, int bins)
{
	double error = 0;
	size_t from = 0;
	for (int i = 1; i <= bins; i++) {
		size_t to = mass_cut(k, n, (size_t)bins, (size_t)i), right = 0;
		fix conf = 0;
		for (size_t r = from; r < to; r++) {
			conf += fix_of(conf_p(k[r]));
			right += (size_t)conf_right(k[r]);
		}
		error += fabs(fix_real(conf) - (double)right);
		from = to;
	}
	return error / (double)n;
}

/* Running counts of right records, one for every STRIDE, so that a range is counted in O(STRIDE). */
enum { STRIDE = 64, SWEEP_MAX = 1000 };

static uint64_t right_before(const conf_key *k, const uint64_t *running, size_t at)
{
	uint64_t c = running[at / STRIDE];
	for (size_t r = at / STRIDE * STRIDE; r < at; r++)
		c += (uint64_t)conf_right(k[r]);
	return c;
}

static int accuracy_rises(const conf_key *k, size_t n, const uint64_t *running, size_t bins)
{
	uint64_t before = 0, last_right = 0;
	size_t from = 0, last_n = 0;
	for (size_t i = 1; i <= bins; i++) {
		size_t to = mass_cut(k, n, bins, i), m = to - from;
		if (!m)
			continue;
		uint64_t upto = right_before(k, running, to), right = upto - before;
		if (last_n && (__int128)right * last_n < (__int128)last_right * m)
			return 0;
		last_right = right;
		last_n = m;
		from = to;
		before = upto;
	}
	return 1;
}

int ece_sweep(const conf_key *k, size_t n, double *value, int *bins, struct err *err)
{
	uint64_t *running;
	size_t best = 1, most = n < SWEEP_MAX ? n : SWEEP_MAX;
	if (mem_alloc(&running, n / STRIDE + 1, sizeof *running, err))
		return -1;
	uint64_t c = 0;
	for (size_t r = 0; r < n; r++) {
		if (r % STRIDE == 0)
			running[r / STRIDE] = c;
		c += (uint64_t)conf_right(k[r]);
	}
	if (n % STRIDE == 0)
		running[n / STRIDE] = c;
	while (best < most && accuracy_rises(k, n, running, best + 1))
		best++;
	free(running);
	*bins = (int)best;
	*value = ece_equal_mass(k, n, (int)best);
	return 0;
}

/* AURC and AUGRC in one pass from the most confident record down. Records that tie have no order, so each adds its
 * group's error rate: the expected number of errors under random order, and no result depends on how ties were
 * sorted. */
#include "metrics.h"

int risk_next(const conf_key *sorted, size_t n, struct risk_step *s)
{
	if (s->taken == n)
		return 0;
	uint64_t v = conf_order(sorted[n - 1 - s->taken]);
	s->conf = conf_p(sorted[n - 1 - s->taken]);
	while (s->taken < n && conf_order(sorted[n - 1 - s->taken]) == v)
		s->wrong += !conf_right(sorted[n - 1 - s->taken++]);
	return 1;
}

/* Whether k[CHUNK + 1] are all of different confidence. */
enum { CHUNK = 64 };
static int all_differ(const conf_key *k)
{
	uint64_t tied = 0;
	for (size_t i = 0; i < CHUNK; i++)
		tied |= conf_order(k[i]) == conf_order(k[i + 1]);
	return !tied;
}

/* Of records that tie with none, from k[CHUNK] down to k[1], what selective_of adds of each alone, in its order: the
 * divisions do not wait for the sums. Returns how many are wrong. */
static uint64_t add_chunk(const conf_key *k, size_t before, uint64_t errors, double *risk, double *area)
{
	double e[CHUNK], each[CHUNK], r = *risk, a = *area, next = (double)(before + 1);
	int64_t sum = (int64_t)errors;
	for (int i = 0; i < CHUNK; i++) {
		sum += !conf_right(k[CHUNK - i]);
		e[i] = (double)sum;
	}
	for (int i = 0; i < CHUNK; i++)
		each[i] = e[i] / (next + i);
	for (int i = 0; i < CHUNK; i++) {
		r += each[i];
		a += e[i];
	}
	*risk = r;
	*area = a;
	return (uint64_t)sum - errors;
}

void selective_of(const conf_key *k, size_t n, struct selective *s)
{
	double risk = 0, area = 0;
	uint64_t errors = 0; /* among the `end` most confident */
	size_t look = n;
	for (size_t left = n; left > 0;) {
		if (left > CHUNK && left <= look) {
			look = left - CHUNK; /* not sooner: where there is a tie, each group would look that far */
			if (all_differ(k + look - 1)) {
				errors += add_chunk(k + look - 1, n - left, errors, &risk, &area);
				left = look;
				continue;
			}
		}
		size_t from = left, wrong = 0;
		uint64_t v = conf_order(k[left - 1]);
		while (from > 0 && conf_order(k[from - 1]) == v)
			wrong += !conf_right(k[--from]);
		size_t before = n - left, size = left - from;
		if (size == 1) { /* as below, without a division */
			double e = (double)errors + (double)wrong;
			risk += e / (double)(before + 1);
			area += e;
			errors += wrong;
			left = from;
			continue;
		}
		double each = (double)wrong / (double)size;
		for (size_t j = 1; j <= size; j++) {
			double e = (double)errors + each * (double)j;
			risk += e / (double)(before + j);
			area += e;
		}
		errors += wrong;
		left = from;
	}
	s->aurc = risk / (double)n;
	s->augrc = area / (double)n / (double)n;
}

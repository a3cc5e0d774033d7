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

void selective_of(const conf_key *k, size_t n, struct selective *s)
{
	double risk = 0, area = 0;
	uint64_t errors = 0; /* among the `end` most confident */
	for (size_t left = n; left > 0;) {
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

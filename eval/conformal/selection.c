/* Selections of the most confident records. Each count of errors is taken anew from the keys: a search has some twenty
 * steps. */
#include "selection.h"
#include "pipeline/base/stats.h"

#include <math.h>
#include <stdint.h>

double binomial_upper(size_t k, size_t n, double level)
{
	double lo = (double)k / (double)n, hi = 1;
	if (k == n)
		return 1;
	/* P(X <= k) = I_{1 - p}(n - k, k + 1) falls with p */
	for (int i = 0; i < 200 && lo < hi; i++) {
		double mid = lo + (hi - lo) / 2;
		if (!(mid > lo && mid < hi))
			break;
		if (beta_inc((double)(n - k), (double)k + 1, 1 - mid) > level)
			lo = mid;
		else
			hi = mid;
	}
	return hi;
}

/* Errors among the `accepted` most confident. */
static size_t errors_among(const conf_key *sorted, size_t n, size_t accepted)
{
	size_t wrong = 0;
	for (size_t i = n - accepted; i < n; i++)
		wrong += !conf_right(sorted[i]);
	return wrong;
}

/* `accepted` >= 1, enlarged to the end of its last group of ties. */
static size_t with_ties(const conf_key *sorted, size_t n, size_t accepted)
{
	size_t i = n - accepted;
	while (i > 0 && conf_order(sorted[i - 1]) == conf_order(sorted[i]))
		i--;
	return n - i;
}

void selection_at_coverage(struct selection *s, const conf_key *sorted, size_t n, double coverage)
{
	double wanted = coverage * (double)n, whole = round(wanted);
	/* 0.7 of 10 is 7, whatever the product rounds to */
	size_t k = (size_t)(fabs(wanted - whole) <= 1e-15 * wanted ? whole : ceil(wanted)), all, before;
	k = k < 1 ? 1 : k > n ? n : k;
	all = with_ties(sorted, n, k);
	for (before = k; before > 0 && conf_order(sorted[n - before]) == conf_order(sorted[n - k]);)
		before--;
	double sure = (double)errors_among(sorted, n, before);
	double tied = (double)errors_among(sorted, n, all) - sure;
	*s = (struct selection){ .coverage = (double)k / (double)n, .threshold = conf_p(sorted[n - k]), .bound = NAN };
	s->risk = (sure + tied * (double)(k - before) / (double)(all - before)) / (double)k;
}

void selection_at_risk(struct selection *s, const conf_key *sorted, size_t n, double risk, double confidence)
{
	size_t good = 0, bad = n + 1, steps = 1;
	*s = (struct selection){ .threshold = INFINITY, .risk = NAN, .bound = NAN };
	while ((size_t)1 << (steps - 1) < n)
		steps++;
	for (size_t tried = n; bad - good > 1; tried = good + (bad - good) / 2) {
		size_t k = with_ties(sorted, n, tried), wrong = errors_among(sorted, n, k);
		double bound = binomial_upper(wrong, k, (1 - confidence) / (double)steps);
		if (!(bound < risk)) {
			bad = tried;
			continue;
		}
		good = k;
		*s = (struct selection){ (double)k / (double)n, conf_p(sorted[n - k]), (double)wrong / (double)k,
					 bound };
	}
}

int selection_rows(struct table *t, const struct selection *s, double asked, const char *suffix, struct err *err)
{
	const struct row {
		const char *key;
		double value;
	} row[] = {
		{ "coverage", s->coverage }, { "threshold", s->threshold }, { "risk", s->risk }, { "bound", s->bound }
	};
	for (int i = 0; i < 4; i++) {
		char key[64];
		snprintf(key, sizeof key, "%s%s@%g", row[i].key, suffix, asked);
		if (!isnan(row[i].value) && table_real(t, key, row[i].value, err))
			return -1;
	}
	return 0;
}

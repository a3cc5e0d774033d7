/* Curves of a ranking: what is wrong among the most confident, and how a score tells two kinds of records apart. All
 * thresholds of a small stream are printed; of a large one enough that no step is left out that a figure could show. */
#include "curves.h"
#include "eval/metrics/roc.h"
#include "pipeline/base/stats.h"

#include <inttypes.h>
#include <math.h>

/* A share of the records below which steps are passed over, and how many steps are always printed. */
enum { RANKING_STEPS = 1000 };

static int far_enough(size_t at, size_t printed, size_t n)
{
	return at <= RANKING_STEPS || at - printed >= n / RANKING_STEPS;
}

void curve_risk(const char *name, const conf_key *sorted, size_t n, const struct curve_options *options, FILE *to)
{
	double z = normal_quantile_two_sided(options->level);
	size_t wrong = 0, printed = 0;
	for (size_t taken = 0; taken < n;) {
		uint64_t v = conf_order(sorted[n - 1 - taken]);
		double p = conf_p(sorted[n - 1 - taken]), low, high;
		while (taken < n && conf_order(sorted[n - 1 - taken]) == v)
			wrong += !conf_right(sorted[n - 1 - taken++]);
		if (taken < n && !far_enough(taken, printed, n))
			continue;
		printed = taken;
		wilson((double)wrong, (double)taken, z, &low, &high);
		curve_name(name, to);
		fprintf(to, "\t%.9g\t%zu\t%.9g\t%.9g\t%.9g\t%.9g\n", (double)taken / (double)n, taken, p,
			(double)wrong / (double)taken, low, high);
	}
}

void curve_roc(const char *name, const struct roc *r, int precision, double (*score)(uint64_t key, int kind), int kind,
	       FILE *to)
{
	size_t tp = 0, fp = 0, printed = 0, n = r->n_pos + r->n_neg;
	if (!precision) {
		curve_name(name, to);
		fputs("\t0\t0\t\n", to);
	}
	while (tp < r->n_pos || fp < r->n_neg) {
		uint64_t pos = tp < r->n_pos ? r->pos[r->n_pos - 1 - tp] : 0;
		uint64_t neg = fp < r->n_neg ? r->neg[r->n_neg - 1 - fp] : 0;
		uint64_t v = tp == r->n_pos || (fp < r->n_neg && neg > pos) ? neg : pos;
		while (tp < r->n_pos && r->pos[r->n_pos - 1 - tp] == v)
			tp++;
		while (fp < r->n_neg && r->neg[r->n_neg - 1 - fp] == v)
			fp++;
		if (tp + fp < n && !far_enough(tp + fp, printed, n))
			continue;
		printed = tp + fp;
		double tpr = (double)tp / (double)r->n_pos;
		curve_name(name, to);
		if (precision)
			fprintf(to, "\t%.9g\t%.9g\t%.9g\n", tpr, (double)tp / (double)(tp + fp), score(v, kind));
		else
			fprintf(to, "\t%.9g\t%.9g\t%.9g\n", (double)fp / (double)r->n_neg, tpr, score(v, kind));
	}
}

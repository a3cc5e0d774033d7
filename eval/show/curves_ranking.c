/* Curves of a ranking: what is wrong among the most confident, and how a score tells two kinds of records apart. All
 * thresholds of a small stream are printed; of a large one enough that no step is left out that a figure could show. */
#include "curves.h"
#include "eval/metrics/metrics.h"
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
	double z = normal_quantile_two_sided(options->level), low, high;
	size_t printed = 0;
	for (struct risk_step s = { 0 }; risk_next(sorted, n, &s);) {
		if (s.taken < n && !far_enough(s.taken, printed, n))
			continue;
		printed = s.taken;
		wilson((double)s.wrong, (double)s.taken, z, &low, &high);
		curve_name(name, to);
		fprintf(to, "\t%.9g\t%zu\t%.9g\t%.9g\t%.9g\t%.9g\n", (double)s.taken / (double)n, s.taken, s.conf,
			(double)s.wrong / (double)s.taken, low, high);
	}
}

void curve_roc(const char *name, const struct roc *r, int precision, double (*score)(uint64_t key, int kind), int kind,
	       FILE *to)
{
	size_t printed = 0, n = r->n_pos + r->n_neg;
	double pos, neg;
	if (!precision) {
		curve_name(name, to);
		fputs("\t0\t0\t\n", to);
	}
	for (struct roc_walk w = roc_begin(r); roc_next(r, &w, &pos, &neg);) {
		size_t tp = r->n_pos - w.i, fp = r->n_neg - w.j;
		if (tp + fp < n && !far_enough(tp + fp, printed, n))
			continue;
		printed = tp + fp;
		double tpr = (double)tp / (double)r->n_pos;
		curve_name(name, to);
		if (precision)
			fprintf(to, "\t%.9g\t%.9g\t%.9g\n", tpr, (double)tp / (double)(tp + fp), score(w.key, kind));
		else
			fprintf(to, "\t%.9g\t%.9g\t%.9g\n", (double)fp / (double)r->n_neg, tpr, score(w.key, kind));
	}
}

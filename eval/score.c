#include "score.h"

#include <math.h>
#include <stdio.h>

static int errors_at(const struct rows *w, int m, struct bin_errors *e, struct err *err)
{
	struct bins b;
	if (bins_init(&b, m, err))
		return -1;
	bins_add(&b, w->key, w->n);
	bins_errors(&b, e);
	bins_release(&b);
	return 0;
}

int score_rows(struct table *t, struct rows *w, const struct score_ask *ask, struct err *err)
{
	struct bin_errors e;
	double n = (double)(w->sum.n - w->sum.unlabelled);
	double nll = w->sum.infinite ? INFINITY : fix_real(w->sum.nll) / n;
	if (errors_at(w, ask->bins[0], &e, err) || table_column(t, w->name, err) || table_count(t, "n", w->sum.n, err) ||
	    table_real(t, "accuracy", e.accuracy, err) || table_real(t, "ece", e.ece, err) ||
	    table_real(t, "oe", e.oe, err) || table_real(t, "nll", nll, err) ||
	    table_real(t, "brier", fix_real(w->sum.brier) / n, err) || table_real(t, "gap", e.gap, err) ||
	    table_count(t, "bins", (uint64_t)ask->bins[0], err))
		return -1;
	for (int i = 1; i < ask->n_bins; i++) {
		char key[32];
		if (errors_at(w, ask->bins[i], &e, err))
			return -1;
		snprintf(key, sizeof key, "ece@%d", ask->bins[i]);
		if (table_real(t, key, e.ece, err))
			return -1;
		snprintf(key, sizeof key, "oe@%d", ask->bins[i]);
		if (table_real(t, key, e.oe, err))
			return -1;
	}
	return 0;
}

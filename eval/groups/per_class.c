/* The table of classes. Counts and sums of a bin are exact, so no number depends on the order of records. */
#include "per_class.h"

#include <math.h>

void class_score_of(struct class_score *s, const struct rows *w, int k)
{
	const struct rows_cell *against = &w->class_cell[(size_t)k * (size_t)w->class_bins];
	const struct rows_cell *won = &w->top_cell[(size_t)k * (size_t)w->class_bins];
	uint64_t right = 0, all = 0;
	fix conf = 0;
	*s = (struct class_score){ 0 };
	for (int b = 0; b < w->class_bins; b++) {
		s->n += against[b].right;
		s->predicted += won[b].n;
		right += won[b].right;
		all += against[b].n;
		conf += against[b].conf;
	}
	for (int b = 0; b < w->class_bins; b++) {
		if (!against[b].n)
			continue;
		double n = (double)against[b].n, mean = fix_real(against[b].conf) / n;
		double gap = mean - (double)against[b].right / n, weight = n / (double)all;
		s->ece += weight * fabs(gap);
		s->oe += weight * mean * fmax(gap, 0);
	}
	s->accuracy = s->n ? (double)right / (double)s->n : NAN;
	s->precision = s->predicted ? (double)right / (double)s->predicted : NAN;
	s->gap = (fix_real(conf) - (double)s->n) / (double)all;
}

int class_table(struct table *t, const struct rows *w, struct err *err)
{
	static const char *const column[] = { "n", "predicted", "accuracy", "precision", "ece", "oe", "gap" };
	t->head = "class";
	t->by_row = 1;
	for (int j = 0; j < 7; j++) {
		if (table_column(t, column[j], err))
			return -1;
		for (int k = 0; k < w->head.n_classes; k++) {
			struct class_score s;
			class_score_of(&s, w, k);
			double real[] = { s.accuracy, s.precision, s.ece, s.oe, s.gap };
			const char *key = w->head.classes[k];
			if (j < 2 ? table_count(t, key, j ? s.predicted : s.n, err) :
				    table_real(t, key, real[j - 2], err))
				return -1;
		}
	}
	return 0;
}

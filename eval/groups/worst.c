/* Scores of one shape, so that an item of one is that of all at its place. */
#include "worst.h"

#include <math.h>
#include <string.h>

static const char *const columns[] = { "worst group", "worst", "p of no difference" };

int worst_calls(const char *name)
{
	int found = 0;
	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
		found |= !strcmp(name, columns[i]);
	return found;
}

double worst_level(double level, int n)
{
	return pow(level, 1.0 / n);
}

int worst_of(const struct score *const *group, int n, const struct metric *metric, const char *key)
{
	int worst = -1;
	double most = 0;
	if (!metric || !metric->interval || metric->flags & METRIC_NEUTRAL)
		return -1;
	for (int g = 0; g < n; g++) {
		const struct score_item *i = score_find(group[g], key);
		if (!i || isnan(i->value))
			continue;
		double v = metric->flags & METRIC_HIGHER ? -i->value : metric->least < 0 ? fabs(i->value) : i->value;
		if (worst < 0 || v > most) {
			worst = g;
			most = v;
		}
	}
	return worst;
}

int worst_columns(struct table *t, const struct score *const *group, const char *const *name, int n,
		  const struct differ *d, struct err *err)
{
	const struct score *shape = group[0];
	if (table_column(t, columns[0], err))
		return -1;
	for (int i = 0; i < shape->n; i++) {
		int g = worst_of(group, n, shape->item[i].metric, shape->item[i].key);
		if (g >= 0 && table_text(t, shape->item[i].key, name[g], err))
			return -1;
	}
	if (table_column(t, columns[1], err))
		return -1;
	for (int i = 0; i < shape->n; i++) {
		const char *key = shape->item[i].key;
		int g = worst_of(group, n, shape->item[i].metric, key);
		const struct score_item *v = g < 0 ? NULL : score_find(group[g], key);
		if (v && (v->kind == SCORE_INTERVAL ? table_interval(t, key, v->value, v->low, v->high, err) :
						      table_real(t, key, v->value, err)))
			return -1;
	}
	if (n < 2)
		return 0;
	if (table_column(t, columns[2], err))
		return -1;
	for (int m = 0; m < DIFFER_METRICS; m++)
		if (table_real(t, differ_key[m], d->p[m], err))
			return -1;
	return table_count(t, "permutations", (uint64_t)d->rounds, err);
}

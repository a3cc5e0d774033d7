/* What a comparison comes to, as a table and as a sentence. */
#include "compare.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/memtext.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int compare_table(const struct comparison *c, struct table *t, struct err *err)
{
	static const char *const columns[] = { NULL, NULL, "difference", "p", "p_holm" };
	for (int col = 0; col < 5; col++) {
		const char *name = col == 0 ? c->a : col == 1 ? c->b : columns[col];
		int rc = table_column(t, name, err) || (col < 2 && table_count(t, "n", c->n, err)) ||
			 (col < 2 && table_count(t, "only_right", col ? c->only_b : c->only_a, err));
		for (int i = 0; !rc && compared_metric(i); i++) {
			const struct difference *d = &c->of[i];
			const char *key = compared_metric(i)->key;
			if (col < 2 ? isnan(col ? d->b : d->a) : !d->there)
				continue;
			rc = col == 2	? table_interval(t, key, d->b - d->a, d->low, d->high, err)
			     : col == 0 ? table_real(t, key, d->a, err)
			     : col == 1 ? table_real(t, key, d->b, err)
			     : col == 3 ? table_real(t, key, d->p, err)
					: table_real(t, key, d->holm, err);
		}
		if (rc)
			return -1;
	}
	return 0;
}

/* 1: B is better, -1: A is, 0: nobody may say. A claim needs the test and the interval. */
static int verdict(const struct comparison *c, int i)
{
	const struct difference *d = &c->of[i];
	int higher = (compared_metric(i)->flags & METRIC_HIGHER) != 0;
	if (!d->there || !(d->holm < 1 - c->level) || (d->low <= 0 && d->high >= 0))
		return 0;
	return (d->b > d->a) == higher ? 1 : -1;
}

/* "ECE (by 0.06, 0.04 to 0.08), NLL (by ...)": metrics with this verdict, or bare names for 0. */
static int list_claims(FILE *to, const struct comparison *c, int which)
{
	int n = 0;
	for (int i = 0; compared_metric(i); i++) {
		const struct difference *d = &c->of[i];
		const struct metric *row = compared_metric(i);
		double size = fabs(d->b - d->a), low = d->b < d->a ? -d->high : d->low,
		       high = d->b < d->a ? -d->low : d->high;
		if (!d->there || verdict(c, i) != which)
			continue;
		fprintf(to, "%s%s", n++ ? ", " : "", row->in_text ? row->in_text : row->label);
		if (which)
			fprintf(to, " (by %.3g, %.3g to %.3g)", size, low, high);
	}
	return n;
}

static int any(const struct comparison *c, int which)
{
	for (int i = 0; compared_metric(i); i++)
		if (c->of[i].there && verdict(c, i) == which)
			return 1;
	return 0;
}

int compare_claim(const struct comparison *c, char **text, struct err *err)
{
	struct memtext m;
	if (memtext_open(&m, err))
		return -1;
	FILE *to = m.to;
	fprintf(to, "On these %zu records ", c->n);
	if (any(c, 1)) {
		fprintf(to, "%s may be called better than %s in ", c->b, c->a);
		list_claims(to, c, 1);
	}
	if (any(c, -1)) {
		fprintf(to, "%s%s may be called better than %s in ", any(c, 1) ? ", and " : "", c->a, c->b);
		list_claims(to, c, -1);
	}
	if (!any(c, 1) && !any(c, -1))
		fprintf(to, "neither %s nor %s may be called better in anything measured here", c->a, c->b);
	else if (any(c, 0)) {
		fprintf(to, "; no difference may be claimed in ");
		list_claims(to, c, 0);
	}
	fprintf(to,
		" (%g %% intervals; claims hold together at that level, after Holm); records were resampled, not "
		"training runs, so nothing is said of other seeds or other data.",
		100 * c->level);
	return memtext_close(&m, text, NULL, err);
}

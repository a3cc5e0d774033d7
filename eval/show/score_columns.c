/* Scored, kept and shown in their order. */
#include "score_columns.h"
#include "diagram.h"
#include "pipeline/base/mem.h"
#include "eval/metrics/seeds.h"

#include <stdlib.h>
#include <string.h>

int columns_reserve(struct score_columns *c, size_t n, struct err *err)
{
	if (mem_grow(&c->item, &c->cap, c->n + n, sizeof *c->item, err))
		return -1;
	memset(c->item + c->n, 0, n * sizeof *c->item);
	c->n += n;
	return 0;
}

int columns_add(struct score_columns *c, struct rows *w, const char *name, const struct score_options *options,
		const struct column_asked *asked, struct err *err)
{
	return columns_reserve(c, 1, err) || column_score(&c->item[c->n - 1], w, name, options, asked, err) ? -1 : 0;
}

int column_score(struct score_column *col, struct rows *w, const char *name, const struct score_options *options,
		 const struct column_asked *asked, struct err *err)
{
	if (score_rows(&col->score, w, options, err) || bins_init(&col->bins, options->bins[0], err) ||
	    mem_text(&col->name, name, strlen(name), err))
		return -1;
	col->provenance = json_incref(w->provenance);
	if (asked->diagrams)
		bins_add(&col->bins, w->key, w->n);
	if ((asked->coverage > 0 || asked->risk > 0) && keys_sort(w->key, w->n, err))
		return -1;
	if (asked->coverage > 0)
		selection_at_coverage(&col->at_coverage, w->key, w->n, asked->coverage);
	if (asked->risk > 0)
		selection_at_risk(&col->at_risk, w->key, w->n, asked->risk, asked->confidence);
	return 0;
}

static int show_column(struct table *t, const struct score_column *c, const struct column_asked *asked, struct err *err)
{
	if (score_show(t, c->name, &c->score, err) ||
	    (asked->coverage > 0 && selection_rows(t, &c->at_coverage, asked->coverage, "", err)))
		return -1;
	return asked->risk > 0 ? selection_rows(t, &c->at_risk, asked->risk, "_within", err) : 0;
}

/* Fills `runs` with the columns that are runs of column i's experiment. Returns their number, 0 where one before i has
 * taken i already. */
static int runs_of(const struct score_columns *c, size_t i, const struct score **runs, size_t max)
{
	int n = 0;
	for (size_t j = 0; j < c->n && (size_t)n < max; j++) {
		if (j != i && (!seeds_same(c->item[i].provenance, c->item[j].provenance) ||
			       c->item[i].score.n != c->item[j].score.n))
			continue;
		if (j < i)
			return 0;
		runs[n++] = &c->item[j].score;
	}
	return n;
}

static int show_mean(struct table *t, const char *of, const struct score **runs, int n, struct err *err)
{
	struct score mean;
	char *name;
	score_spread(&mean, runs, n);
	score_count(&mean, "seeds", (uint64_t)n);
	if (mem_printf(&name, err, "%s (%d seeds)", of, n))
		return -1;
	int rc = score_show(t, name, &mean, err);
	free(name);
	return rc;
}

int columns_show(struct table *t, const struct score_columns *c, const struct column_asked *asked, int seeds,
		 int *related, struct err *err)
{
	const struct score **runs;
	int rc = 0;
	*related = 0;
	if (mem_alloc(&runs, c->n, sizeof *runs, err))
		return -1;
	for (size_t i = 0; i < c->n && !rc; i++) {
		int n = runs_of(c, i, runs, c->n);
		*related |= n > 1;
		if (!seeds || n == 1)
			rc = show_column(t, &c->item[i], asked, err);
		else if (n > 1)
			rc = show_mean(t, c->item[i].name, runs, n, err);
	}
	free(runs);
	return rc;
}

void columns_diagrams(const struct score_columns *c, int utf8, FILE *to)
{
	for (size_t i = 0; i < c->n; i++)
		diagram_print(&c->item[i].bins, c->item[i].name, utf8, to);
}

void columns_release(struct score_columns *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->item[i].name);
		json_decref(c->item[i].provenance);
		bins_release(&c->item[i].bins);
	}
	free(c->item);
	*c = (struct score_columns){ 0 };
}

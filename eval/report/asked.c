/* The tables behind the sections, by the functions that the other programs print them with. */
#include "asked.h"
#include "curve_path.h"
#include "html.h"
#include "eval/calibrate/calibrate.h"
#include "eval/conformal/taking.h"
#include "eval/conformal/threshold.h"
#include "eval/groups/per_class.h"
#include "eval/show/score_groups.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

struct rows_options more_values(const struct rows_options *options)
{
	struct rows_options all = *options;
	all.split = ROWS_ALL;
	all.unlabelled = ROWS_KEEP;
	all.columns = SCORE_GROUPS_COLUMNS | CALIBRATE_COLUMNS;
	all.class_bins = 0;
	return all;
}

/* *split becomes that of the records that were grouped. */
static int group_records(struct report_more *m, const struct rows *in, const struct rows_options *options,
			 const struct score_options *score, struct grouping *by, int *split, struct err *err)
{
	const struct column_asked nothing = { 0 };
	struct score_groups groups = { .grouping = by };
	struct score_columns columns = { 0 };
	struct rows all;
	int related, rc = groups_add(&columns, &groups, &all, in, in->name, options, score, &nothing, err) ||
			  columns_show(&m->groups, &columns, &nothing, 0, &related, err) ||
			  groups_show(&m->groups, &columns, &groups, err) ||
			  mem_alloc(&m->score, 1, sizeof *m->score, err);
	if (!rc) {
		*m->score = columns.item[0].score;
		m->n_groups = columns.n - 1;
		m->without = groups.without;
		*split = all.split;
	}
	rows_release(&all);
	columns_release(&columns);
	return rc ? -1 : 0;
}

static int take_sets(struct report_more *m, const struct rows *in, int split, const struct threshold *t,
		     const struct score_options *score, const struct report_asked *asked, struct err *err)
{
	struct grouping *by = asked->by;
	struct taking taking = { .c = &t->c, .seed = score->seed };
	uint32_t *group = NULL;
	int rc = threshold_check(t, in, 1, split, asked->allow_fit_data, m->said, sizeof m->said, err) ||
		 (by && grouping_of(by, in, 1, &group, err)) ||
		 taking_init(&taking, &in->head, by ? by->n : 0, 0, err) ||
		 taking_rows(&taking, in, group, split, err) ||
		 coverage_table(&m->sets, &taking.coverage, &in->head, by ? by->name : NULL,
				in->head.n_classes <= HTML_LINES, score->level, err);
	m->threshold = t->c;
	m->fitted = t->on.sketch->records;
	m->unlabelled = taking.coverage.unlabelled;
	taking_release(&taking);
	free(group);
	return rc ? -1 : 0;
}

int more_of_values(struct report_more *m, struct rows *rows, const struct rows *in, const struct rows_options *options,
		   const struct score_options *score, const struct report_asked *asked, const char *path,
		   struct err *err)
{
	struct rows_options own = *options;
	struct threshold t = { 0 };
	*rows = (struct rows){ 0 };
	if (asked->by && group_records(m, in, options, score, asked->by, &own.split, err))
		return -1;
	if (rows_subset(rows, in, NULL, in->n, &own, err))
		return -1;
	if (!path)
		return 0;
	int rc = threshold_load(&t, path, err);
	if (!rc)
		rc = take_sets(m, in, rows->split, &t, score, asked, err);
	threshold_release(&t);
	return rc;
}

int more_of_rows(struct report_more *m, struct table *selections, const struct rows *rows,
		 const struct report_asked *asked, struct err *err)
{
	struct selection s;
	if (asked->per_class && class_table(&m->classes, rows, err))
		return -1;
	if ((asked->coverage > 0 || asked->risk > 0) && table_column(selections, rows->name, err))
		return -1;
	if (asked->coverage > 0) {
		selection_at_coverage(&s, rows->key, rows->n, asked->coverage);
		if (selection_rows(selections, &s, asked->coverage, "", err))
			return -1;
	}
	if (!(asked->risk > 0))
		return 0;
	selection_at_risk(&s, rows->key, rows->n, asked->risk, asked->confidence);
	return selection_rows(selections, &s, asked->risk, "_within", err);
}

static int draw_score(struct report_other *to, const struct rows *in, const struct rows *out, enum ood_score score,
		      struct err *err)
{
	struct report_apart *a = &to->curve[to->n];
	struct roc roc;
	int rc = ood_sides(&roc, in, out, score, err);
	if (!rc) {
		a->score = score;
		to->n++;
		rc = roc_path(&a->roc, &roc, 0, err) || roc_path(&a->pr, &roc, 1, err);
	}
	roc_release(&roc);
	return rc ? -1 : 0;
}

static int measure_other(struct report_other *to, const struct rows *in, const struct rows *out, int asked,
			 const struct score_options *score, struct pool *pool, struct err *err)
{
	const struct ood_ask how = { score->rounds, score->level, score->seed };
	if (ood_one_model(in, out, err))
		return -1;
	for (int s = 0; s < OOD_SCORES; s++) {
		struct ood_result r;
		const char *lacks = ood_score_lacks((enum ood_score)s, in, out);
		if (asked && asked - 1 != s)
			continue;
		if (lacks && asked)
			return err_set(err, "%s, %s: %s %s", in->name, out->name, ood_score_name((enum ood_score)s),
				       lacks);
		if (lacks) {
			to->lacks |= s == OOD_MUTUAL && in->head.samples == 1 ? 0 : 1u << s;
			continue;
		}
		if (ood_measure(in, out, (enum ood_score)s, &how, pool, &r, err) ||
		    ood_column(&to->table, ood_score_name((enum ood_score)s), in, out, &how, &r, err) ||
		    draw_score(to, in, out, (enum ood_score)s, err))
			return -1;
	}
	return 0;
}

int more_of_other(struct report_more *m, const struct rows *rows, const char *path, const struct report_asked *asked,
		  const struct score_options *score, struct pool *pool, struct err *err)
{
	const struct rows_options options = {
		.split = ROWS_AUTO, .unlabelled = ROWS_KEEP, .columns = OOD_COLUMNS, .threads = score->threads
	};
	struct rows out;
	size_t cap = (size_t)m->n_others;
	if (mem_grow(&m->other, &cap, (size_t)m->n_others + 1, sizeof *m->other, err) ||
	    rows_read(&out, path, &options, err))
		return -1;
	struct report_other *to = &m->other[m->n_others++];
	*to = (struct report_other){ 0 };
	int rc = mem_text(&to->name, out.name, strlen(out.name), err) ||
		 measure_other(to, rows, &out, asked->score, score, pool, err);
	rows_release(&out);
	return rc ? -1 : 0;
}

void more_release(struct report_more *m)
{
	table_release(&m->classes);
	table_release(&m->groups);
	table_release(&m->sets);
	free(m->score);
	for (int i = 0; i < m->n_others; i++) {
		for (int s = 0; s < m->other[i].n; s++) {
			free(m->other[i].curve[s].roc);
			free(m->other[i].curve[s].pr);
		}
		table_release(&m->other[i].table);
		free(m->other[i].name);
	}
	free(m->other);
	*m = (struct report_more){ 0 };
}

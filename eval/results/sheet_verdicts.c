/* Verdicts in short, and what is behind them. */
#include "sheet.h"
#include "pipeline/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int same_column(const struct judgement *a, const struct judgement *b)
{
	return !strcmp(a->place->dataset, b->place->dataset) && !strcmp(a->place->model, b->place->model);
}

/* Of a data set and model that several figures have, the first judgement of a claim stands. */
int sheet_of_verdicts(struct sheet *s, const struct judgement *list, size_t n, struct err *err)
{
	const struct judgement **column;
	struct sheet_row *line = NULL;
	int rc = 0;
	*s = (struct sheet){ .title = "Verdicts", .first = "Claim" };
	if (mem_alloc(&s->column, n, sizeof *s->column, err) || mem_alloc(&column, n, sizeof *column, err))
		return -1;
	for (size_t i = 0, k; i < n && !rc; i++) {
		for (k = 0; k < s->columns && !same_column(column[k], &list[i]); k++)
			;
		if (k < s->columns)
			continue;
		column[s->columns++] = &list[i];
		rc = sheet_keep_place(s, list[i].place, &s->column[k], err);
	}
	for (size_t i = 0, k; i < n && !rc; i++) {
		if (!i || list[i].claim != list[i - 1].claim) {
			if ((rc = sheet_add(s, 0, &line, err)))
				break;
			line->head = list[i].claim->statement;
			line->note = list[i].claim->where;
		}
		for (k = 0; !same_column(column[k], &list[i]); k++)
			;
		if (!line->cell[k].text)
			line->cell[k] = (struct sheet_cell){ .text = verdict_name(list[i].verdict), .is_verdict = 1,
							     .verdict = list[i].verdict };
	}
	free(column);
	return rc;
}

static int evidence_heading(struct sheet *s, const struct claim *c, struct err *err)
{
	struct sheet_row *head;
	char title[METRIC_TITLE], paper[80] = "";
	metric_title(title, c->metric);
	if (!isnan(c->paper_a) && !isnan(c->paper_b))
		err_phrase(paper, sizeof paper, " The paper: %g and %g.", c->paper_a, c->paper_b);
	if (sheet_add(s, 1, &head, err))
		return -1;
	head->head = c->statement;
	return sheet_keep(s, &head->note, err, "%s. A: %s of %s, %s than B: %s%s%s.%s", c->where, title, c->a,
		    c->direction == CLAIM_BELOW ? "lower" : "higher", c->b_model ? c->b_model : "",
		    c->b_model ? "'s " : "", c->b, paper);
}

/* Of folds: what both sides are over all records together, where that is not what stands under A and B. */
static int keep_pooled(struct sheet *s, const struct judgement *j, const struct sheet_cell *a,
		       const struct sheet_cell *b, const char **out, struct err *err)
{
	char all_a[SHEET_NUMBER], all_b[SHEET_NUMBER];
	if (j->basis != BASIS_FOLDS)
		return 0;
	sheet_number(all_a, j->all_a);
	sheet_number(all_b, j->all_b);
	if (!strcmp(all_a, a->text) && !strcmp(all_b, b->text))
		return 0;
	return sheet_keep(s, out, err, "pooled %s and %s", all_a, all_b);
}

static int evidence_row(struct sheet *s, const struct judgement *j, struct err *err)
{
	char basis[64];
	struct sheet_row *line;
	verdict_basis_text(j, basis, sizeof basis);
	if (sheet_add(s, 0, &line, err) || sheet_keep_place(s, j->place, &line->head, err))
		return -1;
	line->note = j->place->figure;
	struct sheet_cell *cell = line->cell;
	cell[0] = (struct sheet_cell){ .text = verdict_name(j->verdict), .is_verdict = 1, .verdict = j->verdict };
	return sheet_keep_number(s, &cell[2].text, j->a, err) || sheet_keep_number(s, &cell[3].text, j->b, err) ||
			       sheet_keep_number(s, &cell[1].text, j->difference, err) ||
			       sheet_keep_interval(s, &cell[1].small, j->low, j->high, err) ||
			       sheet_keep(s, &cell[4].text, err, "%s", basis) ||
			       keep_pooled(s, j, &cell[2], &cell[3], &cell[4].small, err)
		       ? -1
		       : 0;
}

int sheet_of_evidence(struct sheet *s, const struct judgement *list, size_t n, struct err *err)
{
	static const char *const column[] = { "Verdict", "A less B", "A", "B", "Behind it" };
	enum { COLUMNS = sizeof column / sizeof *column };
	*s = (struct sheet){ .title = "Evidence", .first = "Data" };
	if (mem_alloc(&s->column, COLUMNS, sizeof *s->column, err))
		return -1;
	for (; s->columns < COLUMNS; s->columns++)
		s->column[s->columns] = column[s->columns];
	for (size_t i = 0; i < n; i++) {
		if ((!i || list[i].claim != list[i - 1].claim) && evidence_heading(s, list[i].claim, err))
			return -1;
		if (evidence_row(s, &list[i], err))
			return -1;
	}
	return 0;
}

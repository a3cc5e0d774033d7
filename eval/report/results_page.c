/* What the forms of the page share, and those for other documents: Markdown, LaTeX, TSV. */
#include "results_page.h"
#include "eval/results/sheet.h"
#include "pipeline/files/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const results_page_rule[] = {
	"A claim says that A is lower (or higher) than B in one number. It is confirmed where the 95 % interval of A "
	"less B "
	"lies wholly on that side of 0, refuted where it lies wholly on the other, and open where it holds 0. Each "
	"claim is "
	"judged by itself: among many, some few are decided by chance.",
	"Behind it stand pairs of trainings of the same seed (Student's t over their differences), or the folds of a "
	"cross-validation, whose interval is widened since their training records overlap (Nadeau and Bengio 2003). "
	"With "
	"one training of each, vic-compare's interval over the same records says nothing of other trainings; and where "
	"records do not pair, both intervals are taken as if independent.",
	"Numbers beside the methods are of all runs: folds are pooled, with vic-score's interval over the records; "
	"seeds are "
	"averaged, with Student's interval of the mean. A verdict is about trainings: its A, B and A less B are means "
	"of "
	"the runs that pair. Of folds, whose errors of calibration are larger for their few records, these may differ "
	"from the pooled numbers, even in which of the two is larger; the pooled ones then stand beside them.",
	NULL
};

void results_page_release(struct results_page *p)
{
	result_table_release(&p->results);
	claims_release(&p->claims);
	free(p->verdict);
	for (size_t i = 0; i < p->n_pictures; i++)
		free(p->picture[i].data);
	free(p->picture);
	*p = (struct results_page){ 0 };
}

const char *results_page_figure(const struct results_page *p, size_t n)
{
	const struct result *row = p->results.row;
	for (size_t i = 0, k; i < p->results.n; i++) {
		for (k = i; k > 0 && strcmp(row[k - 1].figure, row[i].figure); k--)
			;
		if (!k && !n--)
			return row[i].figure;
	}
	return NULL;
}

size_t results_page_count(const struct results_page *p, enum verdict v)
{
	size_t n = 0;
	for (size_t i = 0; i < p->n_verdicts; i++)
		n += p->verdict[i].verdict == v;
	return n;
}

static void tsv_number(FILE *to, double v)
{
	if (isnan(v))
		fputc('\t', to);
	else
		fprintf(to, "\t%.6g", v);
}

static void verdicts_tsv(const struct results_page *p, FILE *to)
{
	fputs("claim\tfigure\tdataset\tmodel\tmetric\ta\tdirection\tb\tvalue_a\tvalue_"
	      "b\tdifference\tlow\thigh\tbasis\tverdict\t"
	      "paper_a\tpaper_b\n",
	      to);
	for (size_t i = 0; i < p->n_verdicts; i++) {
		const struct judgement *j = &p->verdict[i];
		const struct claim *c = j->claim;
		const char *const text[] = { c->id,
					     j->place->figure,
					     j->place->dataset,
					     j->place->model,
					     c->metric,
					     c->a,
					     c->direction == CLAIM_BELOW ? "below" : "above",
					     c->b };
		const double number[] = { j->a, j->b, j->difference, j->low, j->high };
		char basis[64];
		for (size_t k = 0; k < sizeof text / sizeof *text; k++) {
			fputs(k ? "\t" : "", to);
			text_put(to, text[k], TEXT_NAME);
		}
		for (size_t k = 0; k < sizeof number / sizeof *number; k++)
			tsv_number(to, number[k]);
		verdict_basis_text(j, basis, sizeof basis);
		fprintf(to, "\t%s\t%s", basis, verdict_name(j->verdict));
		tsv_number(to, c->paper_a);
		tsv_number(to, c->paper_b);
		fputc('\n', to);
	}
}

static void heading(FILE *to, int latex, const char *level, const char *text)
{
	if (latex) {
		fputs("\n% ", to);
		text_put(to, text, TEXT_SHOWN);
		fputs("\n", to);
	} else {
		fprintf(to, "\n%s ", level);
		markdown_text(to, text);
		fputs("\n\n", to);
	}
}

/* The part-th below its heading. */
static void write_sheet(const struct sheet *s, int latex, size_t part, FILE *to)
{
	if (part)
		fputc('\n', to);
	(latex ? sheet_latex : sheet_markdown)(s, to);
}

static int verdict_tables(const struct results_page *p, int latex, FILE *to, struct err *err)
{
	struct sheet s = { 0 };
	int rc = sheet_of_verdicts(&s, p->verdict, p->n_verdicts, err);
	heading(to, latex, "##", s.title);
	if (!rc)
		write_sheet(&s, latex, 0, to);
	sheet_release(&s);
	rc = rc || sheet_of_evidence(&s, p->verdict, p->n_verdicts, err);
	if (!rc) {
		heading(to, latex, "##", s.title);
		write_sheet(&s, latex, 0, to);
	}
	sheet_release(&s);
	for (const char *const *rule = results_page_rule; !latex && !rc && *rule; rule++)
		fprintf(to, "\n%s\n", *rule);
	return rc ? -1 : 0;
}

static int tables(const struct results_page *p, int latex, FILE *to, struct err *err)
{
	const char *figure;
	int rc = 0;
	if (!latex) {
		fputs("# ", to);
		markdown_text(to, p->title);
		fputs("\n", to);
	}
	if (!latex && p->note) {
		fputs("\n", to);
		markdown_text(to, p->note);
		fputs("\n", to);
	}
	for (size_t i = 0; !rc && (figure = results_page_figure(p, i)); i++) {
		int more = 1;
		heading(to, latex, "##", figure);
		for (size_t part = 0; !rc && more; part++) {
			struct sheet s;
			rc = sheet_of_figure(&s, &p->results, &p->claims, figure, part, err);
			more = s.n > 0;
			if (!rc && more)
				write_sheet(&s, latex, part, to);
			sheet_release(&s);
		}
	}
	return rc || (p->n_verdicts && verdict_tables(p, latex, to, err)) ? -1 : 0;
}

int results_page_write(const struct results_page *p, enum results_format format, FILE *to, struct err *err)
{
	if (format == RESULTS_HTML)
		return results_page_html(p, to, err);
	if (format != RESULTS_TSV)
		return tables(p, format == RESULTS_LATEX, to, err);
	verdicts_tsv(p, to);
	return 0;
}

/* Results as Markdown, LaTeX and TSV: which sheets stand under which heading, with what between them, and the verdicts'
 * table, put together once more from a list of figures that is known. */
#include "eval/report/results_page.h"
#include "eval/results/sheet.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct err err;
static const char *const figures[] = { "f_1", "g 2", "h" };

/* Rows of some figures in any order, the first of each known, and claims about them. */
static void make(struct results_page *p, struct rng *r, int *order, int *n)
{
	static struct claim claim[3];
	static const char *const metric[] = { "ece", "nll" };
	char *text;
	size_t len;
	FILE *to = open_memstream(&text, &len);
	uint32_t rows[3 * 2 * 2 * 2], some = 1 + rng_below(r, 3);
	int seen[3] = { 0 };
	for (uint32_t i = 0; i < 24; i++)
		rows[i] = i;
	rng_shuffle(r, rows, 24);
	fprintf(to, "%s\n", RESULTS_HEADER);
	*n = 0;
	for (int i = 0; i < 24; i++) {
		uint32_t f = rows[i] / 8, data = rows[i] / 4 % 2, method = rows[i] / 2 % 2, m = rows[i] % 2;
		if (f >= some || (data && m)) /* one place lacks a metric, so that the figure has two sheets */
			continue;
		double v = rng_below(r, 1000) / 1e3;
		fprintf(to, "%s\t%s\tm\t%s\tall\t9\t%s\t%.9g\t%.9g\t%.9g\tc\n", figures[f], data ? "d\\t2" : "d",
			method ? "mixup\t0.4" : "baseline\t-", metric[m], v, v - 0.2, v + 0.1);
		if (!seen[f]++)
			order[(*n)++] = (int)f;
	}
	fclose(to);
	*p = (struct results_page){ .title = "A_title", .version = "1", .note = rng_below(r, 2) ? "a_note" : NULL };
	assert_int_equal(result_table_take(&p->results, "t", text, len, &err), 0);
	for (int i = 0; i < 3; i++)
		claim[i] = (struct claim){ .id = i ? "id\t2" : "id",
					   .figure = i == 2 ? "h" : "*",
					   .where = "w",
					   .statement = "s",
					   .data = "*",
					   .model = "*",
					   .metric = metric[i % 2],
					   .a = "mixup 0.4",
					   .b = i ? "0.25" : "baseline",
					   .b_is_number = i > 0,
					   .number = 0.25,
					   .direction = i ? CLAIM_ABOVE : CLAIM_BELOW,
					   .paper_a = i ? 0.5 : NAN,
					   .paper_b = i == 1 ? NAN : 1e-9 };
	struct claims c = { .claim = claim, .n = rng_below(r, 4) };
	if (c.n)
		assert_int_equal(verdicts(&p->results, &c, &p->verdict, &p->n_verdicts, &err), 0);
}

static void add_sheet(struct sheet *s, int latex, const char *before, FILE *to)
{
	fputs(before, to);
	(latex ? sheet_latex : sheet_markdown)(s, to);
}

/* title: what a heading has, as it is shown. */
static void add_heading(const char *title, int latex, FILE *to)
{
	fputs(latex ? "\n% " : "\n## ", to);
	if (latex)
		fputs(title, to);
	else
		markdown_text(to, title);
	fputs(latex ? "\n" : "\n\n", to);
}

static char *expected(const struct results_page *p, int latex, const int *order, int n)
{
	char *text;
	size_t len;
	struct sheet s;
	FILE *to = open_memstream(&text, &len);
	if (!latex)
		fprintf(to, "# A\\_title\n%s", p->note ? "\na\\_note\n" : "");
	for (int i = 0; i < n; i++) {
		add_heading(figures[order[i]], latex, to);
		for (size_t part = 0; part < 2; part++) {
			assert_int_equal(sheet_of_figure(&s, &p->results, NULL, figures[order[i]], part, &err), 0);
			assert_true(s.n > 0);
			add_sheet(&s, latex, part ? "\n" : "", to);
			sheet_release(&s);
		}
	}
	for (int evidence = 0; evidence < 2 && p->n_verdicts; evidence++) {
		assert_int_equal(
			(evidence ? sheet_of_evidence : sheet_of_verdicts)(&s, p->verdict, p->n_verdicts, &err), 0);
		add_heading(s.title, latex, to);
		add_sheet(&s, latex, "", to);
		sheet_release(&s);
	}
	for (int k = 0; results_page_rule[k] && p->n_verdicts && !latex; k++)
		fprintf(to, "\n%s\n", results_page_rule[k]);
	fclose(to);
	return text;
}

static void add_number(double v, FILE *to)
{
	fputc('\t', to);
	if (!isnan(v))
		fprintf(to, "%.6g", v);
}

static char *expected_tsv(const struct results_page *p)
{
	char *text, basis[64];
	size_t len;
	FILE *to = open_memstream(&text, &len);
	fputs("claim\tfigure\tdataset\tmodel\tmetric\ta\tdirection\tb\tvalue_a\tvalue_b\tdifference\tlow\thigh\tbasis\t"
	      "verdict\tpaper_a\tpaper_b\n",
	      to);
	for (size_t i = 0; i < p->n_verdicts; i++) {
		const struct judgement *j = &p->verdict[i];
		int number = j->claim->b_is_number;
		fprintf(to, "%s\t%s\t%s\tm\t%s\tmixup 0.4\t%s\t%s", *j->claim->id && j->claim->id[2] ? "id\\t2" : "id",
			j->place->figure, j->place->dataset[1] ? "d\\t2" : "d", j->claim->metric,
			number ? "above" : "below", number ? "0.25" : "baseline");
		add_number(j->a, to);
		add_number(j->b, to);
		add_number(j->difference, to);
		add_number(j->low, to);
		add_number(j->high, to);
		verdict_basis_text(j, basis, sizeof basis);
		fprintf(to, "\t%s\t%s", basis, verdict_name(j->verdict));
		add_number(j->claim->paper_a, to);
		add_number(j->claim->paper_b, to);
		fputc('\n', to);
	}
	fclose(to);
	return text;
}

static void documents(void **state)
{
	(void)state;
	size_t judged = 0;
	for (uint32_t i = 0; i < 80; i++) {
		struct rng r;
		struct results_page p;
		int order[3], n;
		rng_init(&r, 20, RNG_TEST, i, 0);
		make(&p, &r, order, &n);
		for (enum results_format format = RESULTS_MARKDOWN; format <= RESULTS_TSV; format++) {
			char *text, *want = format == RESULTS_TSV ? expected_tsv(&p)
								  : expected(&p, format == RESULTS_LATEX, order, n);
			size_t len, count = 0;
			FILE *to = open_memstream(&text, &len);
			assert_int_equal(results_page_write(&p, format, to, &err), 0);
			fclose(to);
			assert_string_equal(text, want);
			free(text);
			free(want);
			for (enum verdict v = VERDICT_OPEN; v <= VERDICT_REFUTED; v++)
				count += results_page_count(&p, v);
			assert_int_equal(count, p.n_verdicts);
		}
		judged += p.n_verdicts;
		results_page_release(&p);
	}
	assert_true(judged > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

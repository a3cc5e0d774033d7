/* Each allocation fails in its turn: scores and what is compared, and what is made of them: tables, curves, pages. */
#include "shortage.h"

#include "eval/compare/compare.h"
#include "eval/compare/pairs.h"
#include "eval/groups/per_class.h"
#include "eval/metrics/cells.h"
#include "eval/metrics/posterior.h"
#include "eval/report/report.h"
#include "eval/report/results_page.h"
#include "eval/results/sheet.h"
#include "eval/show/plot_results.h"
#include "eval/show/score_groups.h"
#include "eval/show/worst.h"

enum { LARGE = CELLS_FROM + 1 };

static struct score scored; /* what scores() made last */

static int scores(void)
{
	struct rows w;
	if (rows_read(&w, stream.path, &whole, &err))
		return -1;
	int rc = score_rows(&scored, &w, &full, &err);
	rows_release(&w);
	return rc;
}

static int tables(void)
{
	static struct score_columns c;
	const struct score_options o = { .bins = { BINS }, .n_bins = 1, .brief = 1, .threads = 1 };
	struct table t = { 0 };
	int related;
	c = (struct score_columns){ 0 };
	int rc = columns_add(&c, &in, "a", &o, &asked, &err) || columns_add(&c, &two, "b", &o, &asked, &err) ||
		 columns_show(&t, &c, &asked, 1, &related, &err) || class_table(&t, &in, &err);
	columns_release(&c);
	for (int f = TABLE_TEXT; !rc && f <= TABLE_TSV; f++)
		rc = table_print(&t, (enum table_format)f, nowhere, &err);
	table_release(&t);
	return rc ? -1 : 0;
}

static int worst(void)
{
	const struct rows_options o = { .split = ROWS_ALL, .columns = WORST_COLUMNS, .threads = 1 };
	struct rows w;
	if (rows_read(&w, stream.path, &o, &err))
		return -1;
	int rc = worst_write("a", &w, 3, nowhere, &err);
	rows_release(&w);
	return rc;
}

static int groups(void)
{
	static struct score_columns c;
	struct grouping g;
	struct score_groups by = { .grouping = &g };
	struct score_options o = full;
	struct rows all = { 0 };
	struct table t = { 0 };
	int related, rc;
	char text[N * 20];
	size_t at = 0;
	for (size_t i = 0; i < N; i++)
		at += (size_t)snprintf(text + at, 20, "%u\t%s\n", (unsigned)in.id[i],
				       i % 3 ? "a b" : i % 2 ? "AB" : "c");
	put(text);
	o.brief = 1;
	o.n_bins = 1;
	c = (struct score_columns){ 0 };
	if (grouping_open(&g, path, &err))
		return -1;
	rc = groups_add(&c, &by, &all, &in, "s", &whole, &o, &asked, &err) ||
	     columns_show(&t, &c, &asked, 0, &related, &err) || groups_show(&t, &c, &by, &err);
	columns_release(&c);
	rows_release(&all);
	grouping_release(&g);
	return print(&t, rc ? -1 : 0);
}

/* More records than are resampled one by one. */
static int many_records(void)
{
	static conf_key key[LARGE];
	static double nll[LARGE];
	static struct score s;
	struct score_options o = full;
	for (size_t i = 0; i < LARGE; i++) {
		double p = (double)(i / 8 + 1) / LARGE * 8;
		key[i] = conf_pack(p, 1 - p, i % 3 > 0);
		nll[i] = 1;
	}
	const struct rows w = { .n = LARGE, .key = key, .nll = nll, .brier = nll };
	s = scored;
	o.rounds = 2;
	return score_bootstrap(&s, &w, &o, &err);
}

static int tallies(void)
{
	struct cells c;
	struct tally t[N] = { { 0 } };
	struct measured m = { 0 };
	if (cells_cut(&c, in.key, 1, (int[]){ BINS }, 1, &err))
		return -1;
	t[0] = (struct tally){ 2, 1 };
	int rc = measure_cells(&m, &c, t, BINS, PARTS_OF_KEYS, &err);
	cells_release(&c);
	return rc;
}

static int comparing(void)
{
	static struct comparison c;
	const struct compare_options o = { BINS, 3, 0.9, 1, NULL };
	struct rows b;
	struct table t = { 0 };
	char *text = NULL;
	if (rows_read(&b, other.path, &whole, &err))
		return -1;
	int rc = compare_rows(&in, &b, &o, pool, &c, &err) || compare_claim(&c, &text, &err) ||
		 compare_table(&c, &t, &err);
	free(text);
	rows_release(&b);
	return print(&t, rc ? -1 : 0);
}

static int pairing(void)
{
	static uint32_t order[N];
	struct pairs *p;
	struct measured m[2] = { { 0 } };
	struct rng r;
	rng_init(&r, 1, RNG_TEST, 0, 0);
	for (uint32_t i = 0; i < N; i++)
		order[i] = i;
	if (pairs_open(&p, (const struct rows *[]){ &in, &in }, (const uint32_t *[]){ order, order }, BINS, &err))
		return -1;
	int rc = pairs_resample(p, &r, m, &err) || pairs_swap(p, &r, m, &err);
	pairs_close(p);
	return rc ? -1 : 0;
}

static int results(void)
{
	struct results_page page = { .title = "t", .version = "1" };
	struct sheet s[3] = { { 0 } };
	struct plot_ask ask = { .metrics = "ece,oe" };
	struct result_plot plot;
	put(RESULTS_HEADER "\nf\td\tm\tbaseline\t\tall\t9\tece\t0.5\t0.4\t0.6\tc\n"
			   "f\td\tm\tbaseline\t\tall\t9\toe\t0.5\t0.4\t0.6\tc\n"
			   "f\td\tm\tmixup\t1\tall\t9\tece\t0.2\t0.1\t0.3\tc\n"
			   "f\td\tm\tmixup\t1\tall\t9\toe\t0.2\t\t\tc\n");
	int rc = result_table_read(&page.results, path, &err);
	put(CLAIMS_HEADER "\ni\tf\tw\ts\td\tm\tece\tmixup 1\tbelow\tbaseline\t0.1\t\n");
	rc = rc || claims_read(&page.claims, path, &err) ||
	     verdicts(&page.results, &page.claims, &page.verdict, &page.n_verdicts, &err) ||
	     sheet_of_figure(&s[0], &page.results, &page.claims, "f", 0, &err) ||
	     sheet_of_verdicts(&s[1], page.verdict, page.n_verdicts, &err) ||
	     sheet_of_evidence(&s[2], page.verdict, page.n_verdicts, &err);
	for (int f = RESULTS_HTML; !rc && f <= RESULTS_TSV; f++)
		rc = results_page_write(&page, (enum results_format)f, nowhere, &err);
	if (!rc && !(rc = result_plot_choose(&plot, &page.results, &ask, &err)))
		result_plot_release(&plot);
	for (int i = 0; i < 3; i++)
		sheet_release(&s[i]);
	results_page_release(&page);
	return rc ? -1 : 0;
}

static int plots(void)
{
	struct plot_table t;
	char lines[400];
	snprintf(lines, sizeof lines, "%s\na\t1\t1\t1\t1\t1\t1\nb\t1\t1\t1\t1\t1\t1\n", curve_header(CURVE_RISK));
	int rc = plot_read(&t, "p", lines, strlen(lines), &err);
	if (!rc)
		plot_release(&t);
	return rc;
}

static int curves(void)
{
	const struct curve_options o = { .bins = BINS, .group = 4, .rounds = 3, .level = 0.9, .pool = pool };
	struct bins bins = { 0 };
	struct pav_block *block = NULL;
	struct corp c;
	size_t n;
	put("{\"epoch\":1,\"loss\":1}\n");
	int rc = curve_bins("a", in.key, N, &o, nowhere, &err) || curve_histogram("a", in.key, N, &o, nowhere, &err) ||
		 curve_corp("a", in.key, N, &o, nowhere, &err) || curve_scatter("a", in.key, N, &o, nowhere, &err) ||
		 curve_density("a", in.key, N, &o, nowhere, &err) || curve_entropy(1, 0.5, &o, nowhere, &err) ||
		 bins_init(&bins, BINS, &err) || pav(in.key, N, &block, &n, &err) || corp_of(in.key, N, &c, &err);
	bins_release(&bins);
	free(block);
	return rc ? -1 : 0;
}

static int apart(void)
{
	const struct ood_ask ask = { .rounds = 3, .level = 0.9 };
	struct ood_result r;
	struct roc roc = { 0 };
	struct table t = { 0 };
	int rc = ood_sides(&roc, &in, &two, OOD_MSP, &err);
	roc_release(&roc);
	rc = rc || ood_measure(&in, &two, OOD_MSP, &ask, pool, &r, &err) ||
	     ood_column(&t, "a", &in, &two, &ask, &r, &err);
	return print(&t, rc ? -1 : 0);
}

static int numbers(void)
{
	struct floors floors;
	struct cumulative walk;
	struct running running = { 0 };
	struct compat_errors e;
	double value, width, p;
	cumulative_of(in.key, N, &walk);
	int rc = null_floor(in.key, N, BINS, 3, 1, pool, &floors, &err) ||
		 null_walk(in.key, N, &walk, 1, 1, pool, &p, &err) || smooth_ece(in.key, N, &value, &width, &err) ||
		 smooth_residuals((double[]){ 0.25 }, (double[]){ 1 }, 1, 1, &value, &err) ||
		 running_open(&running, in.key, N, &err);
	running_close(&running);
	for (int c = COMPAT_GUO; !rc && c <= COMPAT_SKLEARN; c++)
		rc = compat_errors((enum compat)c, in.key, N, BINS, 0, &e, &err);
	return rc ? -1 : 0;
}

static int posteriors(void)
{
	struct posterior p;
	struct truth t;
	char text[N * 40];
	size_t at = (size_t)snprintf(text, sizeof text, "record\tc2\tc0\tc1\n");
	for (size_t i = 0; i < N; i++)
		at += (size_t)snprintf(text + at, 40, "%u\t0.25\t0.25\t0.5\n", (unsigned)in.id[i]);
	put(text);
	if (posterior_read(&p, path, &err))
		return -1;
	int rc = truth_of(&p, &in, BINS, &t, &err);
	posterior_release(&p);
	return rc;
}

static int page(void)
{
	static struct report r;
	static struct report_stream s;
	struct grouping g;
	struct report_asked of = { .per_class = 1, .by = &g, .coverage = 0.5, .others = 1 };
	struct score_options o = full;
	const struct rows_options all_values = more_values(&whole);
	struct rows values;
	o.brief = 1;
	r = (struct report){ .title = "t", .version = "1", .level = 0.9, .asked = of };
	s = (struct report_stream){ 0 };
	if (grouping_open(&g, "label", &err))
		return -1;
	int rc = rows_read(&values, stream.path, &all_values, &err);
	if (!rc) {
		rc = more_of_values(&s.more, &s.rows, &values, &whole, &o, &of, NULL, &err);
		rows_release(&values);
	}
	rc = rc || keys_sort(s.rows.key, s.rows.n, &err) ||
	     more_of_rows(&s.more, &r.selections, &s.rows, &of, &err) ||
	     more_of_other(&s.more, &s.rows, other.path, &of, &o, pool, &err);
	more_release(&s.more);
	rows_release(&s.rows);
	table_release(&r.selections);
	grouping_release(&g);
	return rc ? -1 : 0;
}

static int another_stream(void)
{
	static struct report_more more;
	const struct report_asked of = { .others = 1, .score = 1 + OOD_MSP };
	more = (struct report_more){ 0 };
	int rc = more_of_other(&more, &in, other.path, &of, &full, pool, &err);
	more_release(&more);
	return rc;
}

static int sorting(void)
{
	enum { MANY = 1 << 17 };
	static uint64_t key[MANY];
	static uint32_t order[MANY];
	for (size_t i = 0; i < MANY; i++)
		key[i] = i * 0x9E3779B97F4A7C15u;
	return whole_sort(key, MANY, &err) || order_falling(key, MANY, order, &err) ? -1 : 0;
}

static void memory_runs_out(void **state)
{
	static const struct shortage_case cases[] = {
		{ "scores", scores, 1 },
		{ "tables", tables, 1 },
		{ "worst", worst, 1 },
		{ "groups", groups, 1 },
		{ "many records", many_records, 1 },
		{ "tallies", tallies, 1 },
		{ "comparing", comparing, 1 },
		{ "pairs", pairing, 1 },
		{ "results", results, 1 },
		{ "plots", plots, 1 },
		{ "curves", curves, 1 },
		{ "apart", apart, 1 },
		{ "numbers", numbers, 1 },
		{ "posteriors", posteriors, 1 },
		{ "page", page, 1 },
		{ "another stream", another_stream, 1 },
		{ "sorting", sorting, 1 },
	};
	(void)state;
	each_allocation_fails(cases, sizeof cases / sizeof *cases, getenv("VIC_THOROUGH") ? LONG_MAX : 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(memory_runs_out) };
	return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* Tables of results and claims as they are read, verdicts by plain arithmetic, sheets as text, and which rows of a
 * table are drawn. */
#include "eval/results/sheet.h"
#include "eval/show/plot_results.h"
#include "pipeline/base/memtext.h"
#include "pipeline/base/philox.h"
#include "tests/scratch.h"

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

#define near(got, want, tol) \
	do { \
		double g_ = (got), w_ = (want); \
		if (!(fabs(g_ - w_) <= (tol))) \
			fail_msg("%s:%d: %s is %.9g, not %.9g", __func__, __LINE__, #got, g_, w_); \
	} while (0)

/* Makes a file of a table, whose rows have "|" for tabs. */
static void make_file(char path[SCRATCH_PATH], const char *header, const char *rows)
{
	assert_int_equal(scratch_file(path, "table"), 0);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "%s\n", header);
	for (; *rows; rows++)
		fputc(*rows == '|' ? '\t' : *rows, f);
	assert_int_equal(fclose(f), 0);
}

static void read_results(struct result_table *r, const char *rows)
{
	char path[SCRATCH_PATH];
	*r = (struct result_table){ 0 };
	make_file(path, RESULTS_HEADER, rows);
	if (result_table_read(r, path, &err))
		fail_msg("%s", err.msg);
	unlink(path);
}

static void read_claims(struct claims *c, const char *rows)
{
	char path[SCRATCH_PATH];
	make_file(path, CLAIMS_HEADER, rows);
	if (claims_read(c, path, &err))
		fail_msg("%s", err.msg);
	unlink(path);
}

static void refused(const char *header, const char *rows, const char *why)
{
	char path[SCRATCH_PATH];
	int of_claims = !strcmp(header, CLAIMS_HEADER);
	struct result_table r = { 0 };
	struct claims c = { 0 };
	make_file(path, header, rows);
	if (!(of_claims ? claims_read(&c, path, &err) : result_table_read(&r, path, &err)))
		fail_msg("taken: %s", rows);
	if (!strstr(err.msg, why) || !strstr(err.msg, path))
		fail_msg("not '%s': %s", why, err.msg);
	assert_int_equal(err.status, VIC_DATA);
	result_table_release(&r);
	claims_release(&c);
	unlink(path);
}

static void tables_are_checked(void **state)
{
	(void)state;
	static const char fine[] = "f|d|m|mixup|0.4|1|9|ece|0.1|||c\n";
	char twice[200];
	snprintf(twice, sizeof twice, "%s%s", fine, fine);
	refused(RESULTS_HEADER, "", "no row");
	refused(RESULTS_HEADER, twice, "two rows for ece of mixup 0.4 on d (f, seed 1)");
	refused(RESULTS_HEADER, "f|d|m|mixup|0.4|1|9|ece|x|||c\n", "line 2: value: 'x'");
	refused(RESULTS_HEADER, "f|d|m|mixup|0.4|1|9|ece|0.1|||c\nf|d|m|mixup|0.4|2|9|ece|0.1||c\n",
		"line 3: has fewer fields");
	refused(RESULTS_HEADER, "f|d|m|mixup|0.4|1|9|ece|0.1|||c|more\n", "line 2: has more fields");
	refused(RESULTS_HEADER, "f|d|m||0.4|1|9|ece|0.1|||c\n", "may not be empty");
	refused("figure\tdataset", fine, "line 1 is not the header");
	refused(CLAIMS_HEADER, "i|f|w|s|d|m|ece|a|beneath|b||\n", "'beneath' is none of below, above and -");
	refused(CLAIMS_HEADER, "i|f|w|s|d|m|ece|a|below|b||\ni|f|w|s|d|m|oe|a|below|b||\n", "id i was given before");
	refused(CLAIMS_HEADER, "i|f|w|s|d|m|ece|a|below|||\n", "b may not be empty");
	refused(CLAIMS_HEADER, "i|f|w|s|d|m|ece|a|-|||\n", "a value needs paper_a");
	refused(CLAIMS_HEADER, "i|f|w|s|d|m|ece|a|-|b|1|\n", "a value needs paper_a, and no b");
	refused(CLAIMS_HEADER, "i||w|s|d|m|ece|a|below|b||\n", "field 2 may not be empty");
}

/* Each field empty in its turn: refused, or read as what is not there. `must`: a letter a field, x where it must be. */
static void each_field_empty(const char *header, const char *must, const char *whole, const char *why)
{
	for (int empty = 0; must[empty]; empty++) {
		char row[200], *to = row;
		const char *from = whole;
		for (int i = 0; *from; from++) {
			if (*from == '|' || *from == '\n' || i != empty)
				*to++ = *from;
			i += *from == '|';
		}
		*to = 0;
		if (must[empty] == 'x') {
			refused(header, row, why);
		} else if (!strcmp(header, RESULTS_HEADER)) {
			struct result_table r;
			read_results(&r, row);
			assert_int_equal(r.n, 1);
			result_table_release(&r);
		}
	}
}

static void empty_fields(void **state)
{
	(void)state;
	each_field_empty(RESULTS_HEADER, "xx.x.x.x....", "f|d|m|mixup|0.4|1|9|ece|0.1|0|1|c\n",
			 "figure, dataset, method, seed and metric may not be empty");
	each_field_empty(CLAIMS_HEADER, "xxxxxxxx.x..", "i|f|w|s|d|m|ece|a|below|b|1|1\n", "may not be empty");
}

/* Of differences -0.1, -0.2, -0.3: mean -0.2, sd 0.1; Student's 97.5 % point of 2 degrees is 4.30265. */
static void runs_make_intervals(void **state)
{
	(void)state;
	static const double d[] = { -0.1, -0.2, -0.3 };
	const struct claim below = { .direction = CLAIM_BELOW }, above = { .direction = CLAIM_ABOVE };
	struct judgement j = { .claim = &below };
	verdict_of_runs(&j, d, 3, 0);
	near(j.difference, -0.2, 1e-12);
	near(j.low, -0.2 - 4.302653 * 0.1 / sqrt(3), 1e-6);
	near(j.high, -0.2 + 4.302653 * 0.1 / sqrt(3), 1e-6);
	assert_int_equal(j.verdict, VERDICT_OPEN); /* 0.0484 */
	verdict_of_runs(&j, d, 3, 1);
	near(j.high, -0.2 + 4.302653 * 0.1 * sqrt(1.0 / 3 + 1.0 / 2), 1e-6);
	assert_int_equal(j.basis, BASIS_FOLDS);
	static const double steady[] = { -0.2, -0.21, -0.19, -0.2 };
	verdict_of_runs(&j, steady, 4, 0);
	assert_int_equal(j.verdict, VERDICT_CONFIRMED);
	j.claim = &above;
	verdict_of_runs(&j, steady, 4, 0);
	assert_int_equal(j.verdict, VERDICT_REFUTED);
	static const double same[] = { 0, 0, 0 };
	verdict_of_runs(&j, same, 3, 0);
	assert_int_equal(j.verdict, VERDICT_OPEN);
	static const double broken[] = { -0.2, NAN, -0.2 };
	verdict_of_runs(&j, broken, 3, 0);
	assert_int_equal(j.verdict, VERDICT_OPEN);
	verdict_of_runs(&j, d, 1, 0);
	assert_int_equal(j.verdict, VERDICT_OPEN);
}

static void intervals_decide(void **state)
{
	(void)state;
	static const struct {
		double low, high;
		enum verdict below, above;
	} c[] = {
		{ -0.2, -0.1, VERDICT_CONFIRMED, VERDICT_REFUTED }, { 0.1, 0.2, VERDICT_REFUTED, VERDICT_CONFIRMED },
		{ -0.1, 0.1, VERDICT_OPEN, VERDICT_OPEN },	    { -0.1, 0, VERDICT_OPEN, VERDICT_OPEN },
		{ 0, 0.1, VERDICT_OPEN, VERDICT_OPEN },		    { NAN, NAN, VERDICT_OPEN, VERDICT_OPEN },
	};
	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		struct claim claim = { .direction = CLAIM_BELOW };
		struct judgement j = { .claim = &claim, .low = c[i].low, .high = c[i].high };
		assert_int_equal(verdict_of_interval(&j), c[i].below);
		claim.direction = CLAIM_ABOVE;
		assert_int_equal(verdict_of_interval(&j), c[i].above);
	}
}

#define ALL(d, method, metric, v, low, high) "f|" d "|m|" method "|all|9|" metric "|" v "|" low "|" high "|c\n"
#define RUN(d, method, seed, v) "f|" d "|m|" method "|" seed "|9|ece|" v "|||c\n"

/* Which rows a claim is judged by: pairs of the same seed, folds, vic-compare's row either way, both intervals, a
 * number; and none where a side is missing. */
static void claims_find_their_rows(void **state)
{
	(void)state;
	struct result_table r;
	struct claims c;
	struct judgement *j;
	struct sheet s;
	size_t n;
	read_results(&r, ALL("seeds", "baseline|-", "ece", "0.3", "0.2", "0.4")
				 ALL("seeds", "mixup|0.4", "ece", "0.1", "", "") RUN("seeds", "baseline|-", "1", "0.31")
					 RUN("seeds", "mixup|0.4", "1", "0.1") RUN("seeds", "mixup|0.4", "2", "0.11")
						 RUN("seeds", "baseline|-", "2", "0.30")
							 RUN("seeds", "mixup|0.4", "3", "0.9") /* without a partner */
		     ALL("folds", "baseline|", "ece", "0.15", "", "") ALL("folds", "mixup|0.4", "ece", "0.2", "", "")
			     RUN("folds", "baseline|", "fold0", "0.3") RUN("folds", "mixup|0.4", "fold0", "0.2") RUN(
				     "folds", "baseline|", "fold1", "0.3") RUN("folds", "mixup|0.4", "fold1", "0.2")
				     ALL("one", "baseline|-", "ece", "0.3", "0.28",
					 "0.32") ALL("one", "mixup|0.4", "ece", "0.2", "0.19", "0.21")
					     ALL("one", "mixup|0.4", "ece less baseline", "-0.1", "-0.15",
						 "-0.05") /* a single pair */
					     RUN("one", "baseline|-", "1", "0.3") RUN("one", "mixup|0.4", "1", "0.2")
						 ALL("turned", "baseline|-", "ece", "0.3", "",
							      "") ALL("turned", "mixup|0.4", "ece", "0.2", "", "")
						     ALL("turned", "baseline|-", "ece less mixup 0.4", "0.1", "-0.05",
							 "0.15") ALL("both", "baseline|-", "ece", "0.3", "0.26", "0.33")
							     ALL("both", "mixup|0.4", "ece", "0.2", "0.19", "0.23")
								     ALL("lone", "mixup|0.4", "ece", "0.2", "0.19",
									 "0.23"));
	read_claims(&c,
		    "a|f*|Fig. 1|s|*|*|ece|mixup 0.4|below|baseline|0.01|0.05\n"
		    "b|f|w|s|one,both|m|ece|mixup 0.4|above|0.15||\n"
		    "c|other|w|s|*|*|ece|mixup 0.4|below|baseline||\nv|f|w|s|one|m|ece|mixup 0.4|-||0.7|\n");
	assert_int_equal(verdicts(&r, &c, &j, &n, &err), 0);
	static const struct {
		const char *place;
		enum verdict_basis basis;
		int runs;
		double difference, low;
		enum verdict verdict;
	} want[] = {
		{ "seeds", BASIS_SEEDS, 2, -0.2, -0.2 - 12.7062047 * 0.0141421 / M_SQRT2, VERDICT_CONFIRMED },
		{ "folds", BASIS_FOLDS, 2, -0.1, -0.1, VERDICT_CONFIRMED },
		{ "one", BASIS_RECORDS, 1, -0.1, -0.15, VERDICT_CONFIRMED },
		{ "turned", BASIS_RECORDS, 1, -0.1, -0.15, VERDICT_OPEN },
		{ "both", BASIS_INTERVALS, 1, -0.1, -0.1 - 0.0316228, VERDICT_CONFIRMED },
		{ "one", BASIS_RECORDS, 1, 0.05, 0.04, VERDICT_CONFIRMED },
		{ "both", BASIS_RECORDS, 1, 0.05, 0.04, VERDICT_CONFIRMED },
	};
	assert_int_equal(n, sizeof want / sizeof *want);
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(j[i].place->dataset, want[i].place);
		assert_int_equal(j[i].basis, want[i].basis);
		assert_int_equal(j[i].runs, want[i].runs);
		near(j[i].difference, want[i].difference, 1e-9);
		near(j[i].low, want[i].low, 1e-6);
		assert_int_equal(j[i].verdict, want[i].verdict);
		near(j[i].a - j[i].b, j[i].difference, 1e-9);
	}
	/* Pooled, the folds say the opposite: that stands beside their means. */
	near(j[1].b, 0.3, 1e-9);
	near(j[1].all_b, 0.15, 0);
	assert_int_equal(sheet_of_evidence(&s, j, n, &err), 0);
	assert_string_equal(s.row[2].cell[3].text, "0.3000");
	assert_string_equal(s.row[2].cell[4].small, "pooled 0.2000 and 0.1500");
	assert_null(s.row[1].cell[4].small);
	sheet_release(&s);
	near(j[4].high, -0.1 + hypot(0.03, 0.04), 1e-9);
	free(j);
	near(claims_paper_value(&c, &r.row[14]), 0.7, 0);
	assert_true(isnan(claims_paper_value(&c, &r.row[0])));
	claims_release(&c);
	result_table_release(&r);
}

/* "MODEL/METHOD" is another model's row: paired by seed, or by both intervals and never by vic-compare's row. */
static void claims_compare_models(void **state)
{
	(void)state;
	struct result_table r;
	struct claims c;
	struct judgement *j;
	struct sheet s;
	size_t n;
	read_results(&r, "f|seeds|bow|baseline|-|all|9|ece|0.1|||c\n"
			 "f|seeds|bow|baseline|-|1|9|ece|0.1|||c\n"
			 "f|seeds|bow|baseline|-|2|9|ece|0.12|||c\n"
			 "f|seeds|m|baseline|-|all|9|ece|0.3|||c\n"
			 "f|seeds|m|baseline|-|2|9|ece|0.32|||c\n"
			 "f|seeds|m|baseline|-|1|9|ece|0.3|||c\n"
			 "f|one|bow|baseline|-|all|9|ece|0.1|0.06|0.13|c\n"
			 "f|one|bow|mixup|0.4|all|9|ece|0.1|0.06|0.13|c\n"
			 "f|one|bow|baseline|-|all|9|ece less mixup 0.4|0.5|0.4|0.6|c\n"
			 "f|one|m|mixup|0.4|all|9|ece|0.2|0.19|0.24|c\n");
	read_claims(&c,
		    "a|f|w|s|*|bow|ece|baseline|below|m/baseline||\nb|f|w|s|*|bow|ece|baseline|below|m/mixup 0.4||\n"
		    "c|f|w|s|*|bow|ece|baseline|below|m/mixup 1||\n");
	assert_int_equal(verdicts(&r, &c, &j, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_string_equal(j[0].place->dataset, "seeds");
	assert_int_equal(j[0].basis, BASIS_SEEDS);
	near(j[0].b, 0.31, 1e-9);
	near(j[0].difference, -0.2, 1e-9);
	assert_int_equal(j[1].basis, BASIS_INTERVALS);
	near(j[1].low, -0.1 - hypot(0.04, 0.04), 1e-9);
	assert_int_equal(sheet_of_evidence(&s, j, n, &err), 0);
	assert_string_equal(s.row[2].note, "w. A: ECE of baseline, lower than B: m's mixup 0.4.");
	sheet_release(&s);
	free(j);
	claims_release(&c);
	result_table_release(&r);
}

static char *written(const struct sheet *s, void (*write)(const struct sheet *, FILE *))
{
	struct memtext m;
	char *text;
	assert_int_equal(memtext_open(&m, &err), 0);
	write(s, m.to);
	assert_int_equal(memtext_close(&m, &text, NULL, &err), 0);
	return text;
}

/* A sheet for each set of metrics; differences and single runs are not shown. */
static void figures_become_sheets(void **state)
{
	(void)state;
	struct result_table r;
	struct claims c;
	struct sheet s;
	read_results(&r, ALL("a_b", "baseline|-", "ece", "-0.25", "-0.5", "0.125") ALL("a_b", "baseline|-", "nll",
										       "inf", "", "")
				 ALL("a_b", "mixup|0.4", "ece", "0.00001", "", "") ALL("a_b", "mixup|0.4",
										       "ece less baseline", "1", "", "")
					 RUN("a_b", "mixup|0.4", "1", "0.1") ALL("z", "x&y|1", "auroc", "0.9", "", "")
						 ALL("y", "baseline|", "ece", "0.1", "", "")
							 ALL("y", "baseline|", "nll", "120", "", ""));
	read_claims(&c, "v|f|w|s|a_b|m|ece|mixup 0.4|-||0.019|\n");
	assert_int_equal(sheet_of_figure(&s, &r, &c, "f", 0, &err), 0);
	char *text = written(&s, sheet_markdown);
	assert_string_equal(text, "| Method | ECE | NLL |\n|---|---:|---:|\n"
				  "| **a\\_b, m** (1 seed, 9 records) |  |  |\n"
				  "| baseline | \xE2\x88\x92" "0.2500 (\xE2\x88\x92" "0.5000 to 0.1250) | infinite |\n"
				  "| mixup 0.4 | 1.0e-05; paper 0.019 |  |\n"
				  "| **y, m** (9 records) |  |  |\n"
				  "| baseline | 0.1000 | 120.0 |\n");
	free(text);
	sheet_release(&s);
	assert_int_equal(sheet_of_figure(&s, &r, &c, "f", 1, &err), 0);
	text = written(&s, sheet_latex);
	assert_non_null(strstr(text, "\\begin{tabular}{lr}\n\\hline\nMethod & AUROC \\\\\n"));
	assert_non_null(strstr(text, "\nx\\&y 1 & 0.9000 \\\\\n"));
	free(text);
	sheet_release(&s);
	assert_int_equal(sheet_of_figure(&s, &r, &c, "f", 2, &err), 0);
	assert_int_equal(s.n, 0);
	sheet_release(&s);
	claims_release(&c);
	result_table_release(&r);
}

static void metrics_have_titles(void **state)
{
	(void)state;
	char title[METRIC_TITLE];
	static const char *const c[][2] = { { "ece", "ECE" },
					    { "dev_ece:rise", "Dev ECE, rise since half-way" },
					    { "above_0.9", "Confidence above 0.9" },
					    { "unheard_of", "unheard_of" } };
	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		metric_title(title, c[i][0]);
		assert_string_equal(title, c[i][1]);
	}
}

/* Of one method the settings rise, in whatever order the rows stand; the baseline stands at 0. */
static void settings_are_drawn_in_order(void **state)
{
	(void)state;
	static const char *const setting[] = { "0.1", "0.20", "0.3", "1", "1.5", "9", "10", "20" };
	for (uint32_t i = 0; i < 50; i++) {
		const struct plot_ask ask = { .settings = 1, .metrics = "oe,ece", .method = "mixup" };
		struct result_table r;
		struct result_plot p;
		struct rng g;
		uint32_t order[9];
		char *rows, name[40];
		size_t len;
		FILE *to = open_memstream(&rows, &len);
		rng_init(&g, 17, RNG_TEST, i, 0);
		for (uint32_t k = 0; k < 9; k++)
			order[k] = k;
		rng_shuffle(&g, order, 9);
		int n = 0, there[9] = { 0 }, base = 0;
		for (int k = 0; k < 6; k++) {
			const char *of = order[k] == 8 ? "" : setting[order[k]];
			there[order[k]] = 1;
			fprintf(to, "f|d|m|%s|%s|all|9|ece|0.1|||c\n", *of ? "mixup" : "baseline", *of ? of : "-");
			fprintf(to, "f|d|m|mixup%d|0.05|all|9|oe|0.1|||c\nf|d|m|%s|%s|1|9|ece|0.1|||c\n", k,
				*of ? "mixup" : "other", *of ? of : "7");
		}
		fclose(to);
		read_results(&r, rows);
		if (result_plot_choose(&p, &r, &ask, &err))
			fail_msg("%s", err.msg);
		assert_true(p.metrics == 2 && !strcmp(p.metric[0], "oe") && !strcmp(p.metric[1], "ece"));
		assert_true(p.places == 1 && p.methods == 6);
		if (there[8]) {
			assert_string_equal(p.method[0], "baseline");
			base = p.setting[0] == 0 ? 1 : -1;
		}
		for (int k = 0; k < 8; k++) {
			if (!there[k])
				continue;
			snprintf(name, sizeof name, "mixup %s", setting[k]);
			assert_string_equal(p.method[base + n], name);
			near(p.setting[base + n++], strtod(setting[k], NULL), 0);
		}
		result_plot_release(&p);
		result_table_release(&r);
		free(rows);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_checked),	 cmocka_unit_test(runs_make_intervals),
		cmocka_unit_test(intervals_decide),	 cmocka_unit_test(claims_find_their_rows),
		cmocka_unit_test(claims_compare_models), cmocka_unit_test(figures_become_sheets),
		cmocka_unit_test(metrics_have_titles),	 cmocka_unit_test(settings_are_drawn_in_order),
		cmocka_unit_test(empty_fields),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

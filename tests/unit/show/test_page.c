/* The page of vic-report: its tables of scores, the sections that were asked for and its frame are what the report
 * holds, in order. Cells and tables are html_number's and html_table's (test_page_tables). */
#include "eval/report/report.h"
#include "tests/checks.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "page_reader.h"

enum { STREAMS = 3, ROWS_MOST = 120, KEYS = 40 };
static struct err err;

/* A report of a few streams, and what is in it. */
struct made {
	struct report r;
	struct report_stream stream[STREAMS];
	char name[STREAMS][8];
	int has[STREAMS][ROWS_MOST]; /* by rows of metric_table */
	conf_key key[STREAMS][KEYS];
};

static void make_score(struct score *s, int *has, const int *any, struct rng *r)
{
	s->n = 0;
	for (int i = 0; metric_table[i].key; i++) {
		struct score_item *item = &s->item[s->n];
		has[i] = any[i] && rng_below(r, 3);
		if (!has[i])
			continue;
		snprintf(item->key, sizeof item->key, "%s", metric_table[i].key);
		item->kind = rng_below(r, 4) ? (enum score_kind)rng_below(r, 3) : SCORE_TEXT;
		item->value = item->kind == SCORE_COUNT ? rng_below(r, 1000) : rng_below(r, 9) ? rng_normal(r) : NAN;
		item->low = -rng_real(r);
		item->high = rng_real(r);
		item->text = "a<b";
		s->n++;
	}
}

static void make(struct made *m, struct rng *r)
{
	int any[ROWS_MOST];
	memset(m, 0, sizeof *m);
	m->r = (struct report){ .title = "A & B",
				.report_stream = m->stream,
				.n = 1 + (int)rng_below(r, STREAMS),
				.level = 0.9,
				.rounds = (int)rng_below(r, 2) * 77,
				.seed = 5,
				.version = "1.<2" };
	for (int i = 0; metric_table[i].key; i++) {
		assert_true(i < ROWS_MOST);
		any[i] = (int)rng_below(r, 2);
	}
	for (int i = 0; i < m->r.n; i++) {
		struct report_stream *p = &m->stream[i];
		snprintf(m->name[i], sizeof m->name[i], "s<%d", i);
		p->rows.name = m->name[i];
		p->rows.n = 1 + rng_below(r, KEYS);
		p->rows.key = m->key[i];
		make_score(&p->score, m->has[i], any, r);
		for (size_t j = 0; j < p->rows.n; j++) {
			double c = rng_real(r);
			m->key[i][j] = conf_pack(c, 1 - c, (int)rng_below(r, 2));
		}
		assert_int_equal(keys_sort(m->key[i], p->rows.n, &err) | bins_init(&p->bins, 6, &err), 0);
		bins_add(&p->bins, m->key[i], p->rows.n);
		p->rows.head.n_classes = 3;
	}
}

static void release(struct made *m)
{
	for (int i = 0; i < m->r.n; i++)
		bins_release(&m->stream[i].bins);
}

/* The lines of one group: by place, then as the table has them, those that a stream has a number for. */
static const char *check_group(const char *at, const struct made *m, enum metric_group group)
{
	char *want;
	size_t len;
	FILE *to = open_memstream(&want, &len);
	for (int place = 0; place < 100; place++)
		for (int i = 0; metric_table[i].key; i++) {
			const struct metric *row = &metric_table[i];
			int any = m->has[0][i] + m->has[1][i] + m->has[2][i];
			if (row->group != group || row->place != place || !any)
				continue;
			fprintf(to, "<tr><th scope=\"row\">%s", row->label);
			if (row->note)
				fprintf(to, "<small>%s</small>", row->note);
			fputs("</th>", to);
			for (int k = 0; k < m->r.n; k++) {
				const struct score_item *s = m->has[k][i] ? m->stream[k].score.item : NULL;
				while (s && strcmp(s->key, row->key))
					s++;
				fputs(s ? "<td>" : "<td>&ndash;", to);
				if (s && s->kind == SCORE_COUNT)
					fprintf(to, "%d", (int)s->value);
				else if (s && s->kind == SCORE_TEXT)
					fputs("a&lt;b", to);
				else if (s)
					html_number(to, s->value);
				if (s && s->kind == SCORE_INTERVAL)
					html_interval(to, s->low, s->high);
				fputs("</td>", to);
			}
			fputs("</tr>", to);
		}
	fclose(to);
	if (strncmp(at, want, strlen(want)))
		fail_msg("%.300s\nis not\n%.300s", at, want);
	at += strlen(want);
	free(want);
	return at;
}

static const char *check_head(const char *at, const struct made *m)
{
	assert_non_null(after(at, "%d bins of equal width.", 6));
	assert_int_equal(after(at, "90 %% intervals from 77 bootstrap resamples") != NULL, m->r.rounds > 0);
	at = after(at, "<th scope=\"col\">Measure</th>");
	for (int i = 0; i < m->r.n; i++)
		at = after(at, "<th scope=\"col\">s&lt;%d</th>", i);
	assert_int_equal(count(at, "<th scope=\"col\">"), 0);
	return after(at, "<tbody>");
}

static void scores_are_listed_by_group(void **state)
{
	(void)state;
	static struct made m;
	for (uint32_t i = 0; i < (uint32_t)plain_checks(40); i++) {
		struct rng r;
		plain_rng(&r, i, 71);
		make(&m, &r);
		FILE *to = open_page();
		report_scores(to, &m.r);
		fclose(to);
		const char *at = check_group(check_head(page, &m), &m, REPORT_FIRST);
		assert_string_equal(at, "</tbody></table></div>");
		to = open_page();
		report_more_scores(to, &m.r);
		fclose(to);
		at = check_head(page, &m);
		for (int g = REPORT_FIRST + 1; g < REPORT_GROUPS; g++) {
			char mark[100];
			snprintf(mark, sizeof mark, "</tbody><tbody><tr class=\"group\"><th colspan=\"%d\"", m.r.n + 1);
			assert_memory_equal(at, mark, strlen(mark));
			at = check_group(after(at, "</th></tr>"), &m, (enum metric_group)g);
		}
		assert_string_equal(at, "</tbody></table></div>");
		release(&m);
	}
	free(page);
	page = NULL;
}

static void small_table(struct table *t, const char *mark, int columns)
{
	static const char *const key[] = { "n", "accuracy", "ece", "auroc", "other" };
	char name[40];
	*t = (struct table){ 0 };
	for (int c = 0; c < columns; c++) {
		snprintf(name, sizeof name, "%s%d", mark, c);
		assert_int_equal(table_column(t, name, &err), 0);
		for (int k = 0; k < 5; k++)
			assert_int_equal(table_real(t, key[k], c + k / 8.0, &err), 0);
	}
}

static const char *after_table(const char *at, const struct table *t, const struct html_view *view)
{
	char *text;
	size_t len;
	FILE *to = open_memstream(&text, &len);
	html_table(to, t, view);
	fclose(to);
	at = at ? strstr(at, text) : NULL;
	at = at ? at + len : NULL;
	free(text);
	return at;
}

static const char *after_figure(const char *at, const struct report_stream *p, const struct report_other *other,
				int number)
{
	char *text;
	size_t len;
	FILE *to = open_memstream(&text, &len);
	report_apart(to, p, other, number);
	fclose(to);
	at = at ? strstr(at, text) : NULL;
	at = at ? at + len : NULL;
	free(text);
	return at;
}

/* What was asked for, as bits of `asked`. */
enum { CLASSES = 1, GROUPS = 2, COVERAGE = 4, RISK = 8, SETS = 16, OTHERS = 32 };
static void ask(struct made *m, unsigned asked, struct rng *r)
{
	static struct grouping by;
	static char other[] = "o<1", third[] = "o2";
	static struct report_other others[STREAMS][2];
	m->r.asked = (struct report_asked){ .per_class = asked & CLASSES ? 1 : 0,
					    .by = asked & GROUPS ? &by : NULL,
					    .coverage = asked & COVERAGE ? 0.5 : 0,
					    .risk = asked & RISK ? 0.25 : 0,
					    .confidence = 0.95,
					    .sets = asked & SETS ? 1 : 0,
					    .others = asked & OTHERS ? 1 : 0 };
	small_table(&m->r.selections, "sel", m->r.n);
	for (int i = 0; i < m->r.n; i++) {
		struct report_more *more = &m->stream[i].more;
		more->n_groups = rng_below(r, 4);
		small_table(&more->classes, "class", 3);
		small_table(&more->groups, "group", (int)more->n_groups + 4);
		small_table(&more->sets, "set", 3);
		more->threshold = (struct conformal){ .method = (enum conformal_method)rng_below(r, 3),
						      .randomised = (int)rng_below(r, 2),
						      .alpha = 0.125,
						      .complement = rng_below(r, 2) ? -INFINITY : 0.5 };
		more->fitted = rng_below(r, 30);
		more->unlabelled = rng_below(r, 3);
		snprintf(more->said, sizeof more->said, "%s", rng_below(r, 2) ? "caution<" : "");
		m->stream[i].rows.head.n_classes = HTML_LINES - 1 + (int)rng_below(r, 3);
		more->other = others[i];
		more->n_others = (int)rng_below(r, 3);
		for (int k = 0; k < 2; k++) {
			others[i][k] = (struct report_other){ .name = k ? third : other };
			small_table(&others[i][k].table, k ? "x" : "y", 2);
		}
	}
}

static void release_asked(struct made *m)
{
	for (int i = 0; i < m->r.n; i++) {
		struct report_more *more = &m->stream[i].more;
		table_release(&more->classes);
		table_release(&more->groups);
		table_release(&more->sets);
		for (int k = 0; k < 2; k++)
			table_release(&more->other[k].table);
	}
	table_release(&m->r.selections);
}

static const char *check_groups(const char *at, const struct made *m, const struct report_stream *p)
{
	static const char *const key[] = { "n", "accuracy", "ece", "oe", "nll", "brier", "gap", NULL };
	size_t groups = p->more.n_groups;
	const struct html_view worst = { .caption = "Worst groups",
					 .of = p->rows.name,
					 .head = "Measure",
					 .of_metrics = 1,
					 .from = groups + 1,
					 .key = key + 1 },
			       each = { .caption = "Groups",
					.of = p->rows.name,
					.head = "Group",
					.by_column = 1,
					.to = groups + 1,
					.key = key,
					.furthest = "ece",
					.elsewhere = "vic-score --by" };
	if (groups < 2)
		at = after(at, "All records are in one group");
	else
		at = after_table(at, &p->more.groups, &worst);
	at = after_table(at, &p->more.groups, &each);
	return m->r.rounds ? after(at, "all at once at 90 %%.") : at;
}

static const char *check_sets(const char *at, const struct report_stream *p)
{
	const struct report_more *more = &p->more;
	const struct html_view view = { .caption = "Coverage and size of sets",
					.of = p->rows.name,
					.head = "Records",
					.elsewhere = "vic-conformal --table" };
	const char *end;
	at = after(at, "<p>%s%s, alpha 0.125, fitted on %" PRIu64 " other records.",
		   more->threshold.method == CONFORMAL_LAC   ? "lac"
		   : more->threshold.method == CONFORMAL_APS ? "aps"
							     : "raps",
		   more->threshold.randomised ? ", randomised" : "", more->fitted);
	assert_non_null(at);
	end = strstr(at, "</p>");
	const char *few = after(at, "too few for this alpha"),
		   *none = after(at, " %" PRIu64 " records without label", more->unlabelled);
	assert_int_equal(few && few < end, isinf(more->threshold.complement) != 0);
	assert_int_equal(none && none<end, more->unlabelled> 0);
	if (*more->said)
		at = after(end, "</p><p class=\"note\">caution&lt;</p>");
	at = after_table(at, &more->sets, &view);
	assert_non_null(at);
	assert_int_equal(!strncmp(at, "<p class=\"note\">", 16), p->rows.head.n_classes > HTML_LINES);
	return at;
}

static const char *check_others(const char *at, const struct made *m)
{
	static const char *const key[] = {
		"n_in", "n_out", "auroc", "aupr_in", "aupr_out", "fpr95", "threshold95", NULL
	};
	int number = 0;
	for (int i = 0; i < m->r.n; i++)
		for (int k = 0; k < m->stream[i].more.n_others; k++) {
			const struct report_other *other = &m->stream[i].more.other[k];
			const struct html_view view = { .caption = "Scores that tell them apart",
							.of = other->name,
							.head = "Score",
							.by_column = 1,
							.key = key };
			at = after(at, "<h3>s&lt;%d against %s</h3>", i, k ? "o2" : "o&lt;1");
			at = after_figure(at, &m->stream[i], other, number++);
			at = after_table(at, &other->table, &view);
		}
	return at;
}

static const char *check_section(const char *at, const struct made *m, int which)
{
	const struct html_view selections = {
		.caption = "Selections", .of = "all streams", .head = "Measure", .of_metrics = 1, .names_of_streams = 1
	};
	if (which == 0)
		at = after(at, "(6 bins)");
	for (int i = 0; i < m->r.n && which < 4; i++) {
		const struct report_stream *p = &m->stream[i];
		const struct html_view classes = { .caption = "Classes",
						   .of = p->rows.name,
						   .head = "Class",
						   .furthest = "ece",
						   .elsewhere = "vic-score --per-class" };
		if (which == 2) {
			if (!i && m->r.asked.risk > 0)
				at = after(
					at,
					"<b>within@0.25</b>: the largest coverage at which the risk of new records is "
					"below 0.25 with confidence 0.95 ");
			at = after(at, "<figure aria-labelledby=\"rf%d\"><h3 id=\"rf%d\">s&lt;%d</h3>", i, i, i);
			continue;
		}
		at = after(at, "<h3>s&lt;%d</h3>", i);
		at = which == 0	  ? after_table(at, &p->more.classes, &classes)
		     : which == 1 ? check_groups(at, m, p)
				  : check_sets(at, p);
		assert_non_null(at);
	}
	return which == 2 ? after_table(at, &m->r.selections, &selections) : which == 4 ? check_others(at, m) : at;
}

static const char *const section[] = { "classes", "groups", "selective", "sets", "others" };

static unsigned there(unsigned asked)
{
	return (asked & (CLASSES | GROUPS)) | (asked & (COVERAGE | RISK) ? 4 : 0) | (asked & (SETS | OTHERS)) >> 1;
}

static void sections_are_what_was_asked_for(void **state)
{
	(void)state;
	static struct made m;
	for (uint32_t i = 0; i < (uint32_t)plain_checks(128); i++) {
		struct rng r;
		plain_rng(&r, i, 73);
		make(&m, &r);
		ask(&m, i % 64, &r);
		FILE *to = open_page();
		report_more_sections(to, &m.r);
		fclose(to);
		const char *at = page;
		for (int s = 0; s < 5; s++) {
			char mark[40];
			snprintf(mark, sizeof mark, "<h2 id=\"%s\">", section[s]);
			assert_int_equal(count(page, mark), there(i % 64) >> s & 1);
			if (there(i % 64) >> s & 1)
				at = check_section(after(at, "%s", mark), &m, s);
			assert_non_null(at);
		}
		assert_int_equal(count(page, "within@"), i % 64 & RISK ? 1 : 0);
		assert_int_equal(count(page, "All records are in one group") + count(page, "Worst groups"),
				 i % 64 & GROUPS ? m.r.n + count(page, ">Worst groups") : 0);
		assert_int_equal(count(page, "hold together, all at once"), i % 64 & GROUPS && m.r.rounds ? m.r.n : 0);
		release_asked(&m);
		release(&m);
	}
}

/* The key to the figures and the meanings, from the first to the last of each. */
static void check_fixed(void)
{
	const char *at = after(page, "<ul class=\"keys\" aria-label=\"Key to the figures\"><li><svg ");
	at = after(after(at, "</svg>accuracy of a bin</li>"), "</svg>below: mean confidence</li></ul>");
	assert_non_null(at);
	assert_int_equal(count(page, "<li><svg viewBox=\"0 0 26 16\""), 8);
	at = after(after(page, "<dl><dt>Confidence</dt><dd>"), "<dt>AURC</dt><dd>");
	assert_non_null(after(at, "</dd></dl>"));
	assert_int_equal(count(page, "<dt>"), 9);
	assert_int_equal(count(page, "<dd>"), 9);
}

/* The contents name every heading, in order; a page of the same report has the same figures and claims. */
static void the_frame_holds_all(void **state)
{
	(void)state;
	static struct made m;
	static char claim[] = "A < B";
	for (uint32_t i = 0; i < (uint32_t)plain_checks(64); i++) {
		struct rng r;
		int claims = 0;
		plain_rng(&r, i, 74);
		make(&m, &r);
		ask(&m, i % 64, &r);
		for (int k = 0; k < m.r.n; k++) { /* that of the first against itself is none */
			m.stream[k].claim = rng_below(&r, 2) ? claim : NULL;
			claims += k && m.stream[k].claim;
		}
		FILE *to = open_page();
		report_write(&m.r, to);
		fclose(to);
		assert_non_null(after(page, "<title>A &amp; B</title>"));
		assert_non_null(after(page, "<h1>A &amp; B</h1><p class=\"lead\">%d stream%s of predictions", m.r.n,
				      m.r.n == 1 ? "" : "s"));
		assert_int_equal(count(page, "<p class=\"claim\">A &lt; B</p>"), claims);
		assert_int_equal(count(page, "<p class=\"claim\">"), claims);
		assert_int_equal(count(page, "id=\"claims\""), claims > 0);
		const char *link = page, *head = page;
		int links = 0;
		while ((link = after(link, "<li><a href=\"#"))) {
			size_t n = strcspn(link, "\"");
			head = after(head, "<h2 id=\"%.*s\">", (int)n, link);
			assert_non_null(head);
			links++;
		}
		assert_int_equal(count(page, "<h2 id="), links);
		int sections = 0;
		for (int s = 0; s < 5; s++)
			sections += there(i % 64) >> s & 1;
		assert_int_equal(links, 5 + sections + (claims > 0));
		assert_int_equal(report_has_more(&m.r), sections > 0);
		for (int k = 0; k < m.r.n; k++) {
			struct bin_errors e;
			bins_errors(&m.stream[k].bins, &e);
			const char *at =
				after(page, "<figure aria-labelledby=\"f%d\"><h3 id=\"f%d\">s&lt;%d</h3>", k, k, k);
			assert_non_null(after(at,
					      "<figcaption>ECE %.4f, OE %.4f; confidence %.3f, accuracy %.3f; %zu "
					      "records.</figcaption>",
					      e.ece, e.oe, e.conf, e.accuracy, m.stream[k].rows.n));
			assert_non_null(after(strstr(page, "<h2 id=\"origin\">"), "<h3>s&lt;%d</h3>", k));
		}
		assert_int_equal(count(page, "<figcaption>ECE"), m.r.n);
		assert_int_equal(count(page, "Intervals say how much"), m.r.rounds > 0);
		check_fixed();
		assert_non_null(after(page, "(vicinal 1.&lt;2), seed 5."));
		release_asked(&m);
		release(&m);
	}
	free(page);
	page = NULL;
}

static void *own(size_t n)
{
	void *p = calloc(1, n);
	assert_non_null(p);
	return p;
}

/* All that a report owns (MODE=asan sees what is left), and it is empty then. */
static void nothing_is_left(void **state)
{
	(void)state;
	const struct report empty = { 0 };
	for (int n = 0; n < 3; n++) {
		struct report r = { .n = n, .report_stream = own(sizeof *r.report_stream * (size_t)(n + 1)) };
		for (int i = 0; i < n; i++) {
			struct report_stream *p = &r.report_stream[i];
			struct report_more *m = &p->more;
			p->rows.name = own(2);
			p->block = own(sizeof *p->block);
			p->claim = own(2);
			assert_int_equal(bins_init(&p->bins, 3, &err), 0);
			small_table(&m->classes, "a", 2);
			small_table(&m->groups, "b", 2);
			small_table(&m->sets, "c", 2);
			m->score = own(sizeof *m->score);
			m->n_others = i + 1;
			m->other = own(sizeof *m->other * (size_t)m->n_others);
			for (int k = 0; k <= i; k++) {
				m->other[k].name = own(2);
				small_table(&m->other[k].table, "d", 1);
				for (m->other[k].n = 0; m->other[k].n < OOD_SCORES - k; m->other[k].n++) {
					m->other[k].curve[m->other[k].n].roc = own(2);
					m->other[k].curve[m->other[k].n].pr = own(2);
				}
			}
		}
		small_table(&r.selections, "e", 1);
		report_release(&r);
		assert_memory_equal(&r, &empty, sizeof r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scores_are_listed_by_group),
		cmocka_unit_test(sections_are_what_was_asked_for),
		cmocka_unit_test(the_frame_holds_all),
		cmocka_unit_test(nothing_is_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Tables, numbers and text of a page, and its curve of risks, compared with plain versions that keep what they choose
 * from: lines are sorted whole, the end of an axis is looked for in a list. */
#include "tests/checks.h"
#include "eval/report/report.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/memtext.h"
#include "pipeline/frame/provenance.h"

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

static struct err err;

enum { CELL = 200, NAME = 32 };

static char *plain_number(char *to, size_t room, double v)
{
	const char *sign = v < 0 ? "&minus;" : "";
	if (v != v)
		snprintf(to, room, "not defined");
	else if (v - v != 0)
		snprintf(to, room, "%sinfinite", sign);
	else if (v && v > -0.00005 && v < 0.00005)
		snprintf(to, room, "%s%.1e", sign, v < 0 ? -v : v);
	else
		snprintf(to, room, "%s%.4f", sign, v < 0 ? -v : v);
	return to;
}

/* Names as they are given, and as a page has them as a word and as a metric. */
static const struct name {
	const char *given, *word, *label;
} names[] = { { "ece", "ece", "ECE" },
	      { "nll", "nll", "NLL" },
	      { "predicted", "predicted", "Predicted" },
	      { "size", "size", "Mean size" },
	      { "threshold95", "threshold95", "Threshold" },
	      { "own", "own", "own" },
	      { "a<b>&\"c\"", "a&lt;b&gt;&amp;&quot;c&quot;", "a&lt;b&gt;&amp;&quot;c&quot;" } };
enum { NAMES = sizeof names / sizeof *names };

/* The nth of a table's rows or columns: the names above, then made ones. */
static const char *name_of(char room[NAME], size_t n, int form)
{
	if (n < NAMES)
		return form == 2 ? names[n].label : form ? names[n].word : names[n].given;
	snprintf(room, NAME, "no%zu", n);
	return room;
}

static double some_value(struct rng *r)
{
	double few = (double)rng_below(r, 9) / 4 - 1;
	return rng_below(r, 3) ? few : few * (rng_below(r, 2) ? 5e-5 : 3e-5 * rng_real(r));
}

/* One of the things that a cell can hold, and as it is shown. */
static void set_cell(struct table *t, const char *key, struct rng *r, char shown[CELL], int kind)
{
	char a[64], b[64], c[64];
	double v = some_value(r), low = some_value(r), high = some_value(r);
	uint64_t count = ((uint64_t)rng_u32(r) << 32 | rng_u32(r)) >> rng_below(r, 64);
	if (kind == 1) {
		assert_int_equal(table_count(t, key, count, &err), 0);
		snprintf(shown, CELL, "<td>%" PRIu64 "</td>", count);
	} else if (kind == 2) {
		assert_int_equal(table_text(t, key, "x<y", &err), 0);
		snprintf(shown, CELL, "<td class=\"word\">x&lt;y</td>");
	} else if (kind == 3) {
		assert_int_equal(table_interval(t, key, v, low, high, &err), 0);
		snprintf(shown, CELL, "<td>%s<small>%s&nbsp;to %s</small></td>", plain_number(a, sizeof a, v),
			plain_number(b, sizeof b, low), plain_number(c, sizeof c, high));
	} else if (kind == 4) {
		snprintf(shown, CELL, "<td>&ndash;</td>");
	} else {
		v = kind == 5 ? NAN : kind == 6 ? INFINITY : kind == 7 ? -INFINITY : v;
		assert_int_equal(table_real(t, key, v, &err), 0);
		snprintf(shown, CELL, "<td>%s</td>", plain_number(a, sizeof a, v));
	}
}

enum { LONG = 1010, SHORT = 6 };

/* A table, what each of its cells is shown as, and the values by which lines are chosen. */
struct sheet {
	struct table t;
	size_t lines, others, chosen; /* chosen: of the others, that of the values */
	double value[LONG];
	char shown[LONG][SHORT][CELL];
};

static void make(struct sheet *s, struct rng *r, int by_column)
{
	static const size_t ends[] = { 0, 1, 19, 20, 21, 40 };
	char room[NAME], key[NAME];
	s->t = (struct table){ 0 };
	s->lines = rng_below(r, 40) ? ends[rng_below(r, 6)] + rng_below(r, 3) : 999 + rng_below(r, 4);
	s->others = 1 + rng_below(r, SHORT);
	s->chosen = rng_below(r, (uint32_t)s->others);
	size_t columns = by_column ? s->lines : s->others, rows = by_column ? s->others : s->lines;
	for (size_t c = 0; c < columns; c++) {
		assert_int_equal(table_column(&s->t, name_of(room, c, 0), &err), 0);
		for (size_t i = 0; i < rows; i++) {
			size_t line = by_column ? c : i, other = by_column ? i : c;
			int by_value = other == s->chosen, odd = rng_below(r, 6) ? 0 : 5 + (int)rng_below(r, 3);
			int kind = by_value ? odd : (int)rng_below(r, 8);
			/* a row is there from its first cell on */
			kind = kind == 4 && !c ? 0 : kind;
			set_cell(&s->t, name_of(key, i, 0), r, s->shown[line][other], kind);
			if (by_value)
				s->value[line] = odd == 5 ? -INFINITY : table_at(&s->t, i, c)->value;
		}
	}
}

/* Which of the others are shown, and from which line on. */
struct part {
	int other[SHORT], of_metrics;
	size_t from, to;
};

static void plain_lines(FILE *to, const struct sheet *s, const struct part *p, const size_t *order, size_t n)
{
	char room[NAME];
	for (size_t i = 0; i < n; i++) {
		fprintf(to, "<tr><th scope=\"row\">%s</th>", name_of(room, order[i], 1 + p->of_metrics));
		for (size_t j = 0; j < s->others; j++)
			if (p->other[j])
				fputs(s->shown[order[i]][j], to);
		fputs("</tr>", to);
	}
	fputs("</tbody></table></div>", to);
}

static void plain_open(FILE *to, const struct sheet *s, const struct part *p, const struct html_view *v,
		       const char *all)
{
	char room[NAME];
	fprintf(to,
		"<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"T&amp;C%s of s&lt;\"><table "
		"class=\"scores lines%s\"><caption>T&amp;C</caption><thead><tr><th scope=\"col\">Head</th>",
		all, v->names_of_streams ? "" : " measures");
	for (size_t j = 0; j < s->others; j++)
		if (p->other[j])
			fprintf(to, "<th scope=\"col\">%s</th>", name_of(room, j, 1 + !p->of_metrics));
	fputs("</tr></thead><tbody>", to);
}

/* Sorts by value, the largest first, ties as they stand; what is undefined counts as the least. */
static void sort_lines(size_t *order, size_t n, const double *value)
{
	for (size_t i = 1; i < n; i++)
		for (size_t j = i; j && value[order[j]] > value[order[j - 1]]; j--) {
			size_t x = order[j];
			order[j] = order[j - 1];
			order[j - 1] = x;
		}
}

static void plain_table(FILE *to, const struct sheet *s, const struct part *p, const struct html_view *v)
{
	static size_t whole[LONG], best[LONG];
	size_t n = p->to - p->from;
	for (size_t i = 0; i < n; i++)
		whole[i] = best[i] = p->from + i;
	if (!n)
		return;
	if (n > 20 && v->furthest)
		sort_lines(best, n, s->value);
	plain_open(to, s, p, v, "");
	plain_lines(to, s, p, best, n < 20 ? n : 20);
	if (n <= 20)
		return;
	fprintf(to, "<p class=\"note\">20 of %zu lines, ", n);
	if (v->furthest)
		fprintf(to, "those of the largest %s", s->chosen < NAMES ? names[s->chosen].label : v->furthest);
	else
		fprintf(to, "the first");
	if (n > 1000) {
		fprintf(to, "; %zu are left out: vic-x prints all.</p>", n - 20);
		return;
	}
	fprintf(to, ".</p><details><summary>All %zu lines</summary>", n);
	plain_open(to, s, p, v, ", all,");
	plain_lines(to, s, p, whole, n);
	fputs("</details>", to);
}

/* Some of the others: of columns those between two, of rows any. */
static void choose(struct part *p, struct html_view *v, const struct sheet *s, const char **key, struct rng *r)
{
	*p = (struct part){ .of_metrics = v->of_metrics, .to = s->lines };
	size_t from = 0, to = s->others;
	if (v->by_column) {
		p->from = s->lines ? rng_below(r, s->lines > 3 ? 3 : (uint32_t)s->lines) : 0;
		if (s->lines > p->from + 3 && rng_below(r, 2))
			p->to -= rng_below(r, 3);
		v->from = p->from;
		v->to = p->to == s->lines && rng_below(r, 2) ? 0 : p->to;
		v->key = rng_below(r, 2) ? key : NULL;
	} else {
		from = rng_below(r, (uint32_t)to);
		to = rng_below(r, 2) ? to : from + 1 + rng_below(r, (uint32_t)(to - from));
		v->from = from;
		v->to = to == s->others && rng_below(r, 2) ? 0 : to;
	}
	for (size_t j = from, k = 0; j < to; j++) {
		p->other[j] = !v->key || rng_below(r, 2);
		if (v->key && p->other[j])
			key[k++] = names[j].given;
	}
}

static void tables_are_the_plain_ones(void **state)
{
	(void)state;
	struct sheet *s;
	assert_int_equal(mem_alloc(&s, 1, sizeof *s, &err), 0);
	for (int i = 0; i < plain_checks(300); i++) {
		struct rng r;
		struct part p;
		const char *key[SHORT + 1] = { 0 };
		char *got, *want;
		size_t len;
		plain_rng(&r, (uint32_t)i, 61);
		struct html_view v = { .caption = "T&C", .of = "s<", .head = "Head", .elsewhere = "vic-x" };
		v.by_column = (int)rng_below(&r, 2);
		v.of_metrics = (int)rng_below(&r, 2);
		v.names_of_streams = (int)rng_below(&r, 2);
		make(s, &r, v.by_column);
		v.furthest = rng_below(&r, 2) ? names[s->chosen].given : NULL;
		choose(&p, &v, s, key, &r);
		FILE *to = open_memstream(&got, &len);
		html_table(to, &s->t, &v);
		fclose(to);
		to = open_memstream(&want, &len);
		plain_table(to, s, &p, &v);
		fclose(to);
		if (strcmp(got, want))
			fail_msg("table %d:\n%.2000s\nis not\n%.2000s", i, got, want);
		free(got);
		free(want);
		table_release(&s->t);
	}
	free(s);
}

/* Of a table's rows a few by name, of which there are never too many. */
static void rows_by_name_are_not_cut(void **state)
{
	(void)state;
	static const char *const key[] = { "r3", "r24", NULL };
	const struct html_view v = { .caption = "C", .of = "s", .head = "H", .names_of_streams = 1, .key = key };
	struct table t = { 0 };
	char name[NAME], *got;
	size_t len;
	assert_int_equal(table_column(&t, "c", &err), 0);
	for (int i = 0; i < 25; i++) {
		snprintf(name, sizeof name, "r%d", i);
		assert_int_equal(table_count(&t, name, (uint64_t)i, &err), 0);
	}
	FILE *to = open_memstream(&got, &len);
	html_table(to, &t, &v);
	fclose(to);
	assert_string_equal(strstr(got, "<tbody>"), "<tbody><tr><th scope=\"row\">r3</th><td>3</td></tr><tr><th "
						    "scope=\"row\">r24</th><td>24</td></tr></tbody></table></div>");
	free(got);
	table_release(&t);
}

/* The smallest of 1, 2 and 5 times the powers of ten that is no less than v; more than 1 is no risk. */
static double plain_end(double v)
{
	static const double end[] = { 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5 };
	for (size_t i = 0; i < sizeof end / sizeof *end; i++)
		if (v <= end[i])
			return end[i];
	return 1;
}

/* What is wrong, the surest first: the least sure, any, or some of those that are left off the axis and the next. */
static size_t make_keys(conf_key *key, int *wrong, struct rng *r)
{
	static const size_t sizes[] = { 10, 20, 50, 100, 200, 1000 };
	size_t n = rng_below(r, 2) ? sizes[rng_below(r, 6)] : 1 + rng_below(r, 1000), most = 1 + rng_below(r, 8);
	uint32_t kind = rng_below(r, 3);
	for (size_t i = 0; i < n; i++) {
		double p = 1 - (double)(i + 1) / 2048;
		wrong[i] = !kind ? i + most >= n : kind == 1 ? !rng_below(r, 9) : i < (n + 19) / 20 && rng_below(r, 2);
		key[n - 1 - i] = conf_pack(p, 1 - p, !wrong[i]);
	}
	assert_int_equal(keys_sort(key, n, &err), 0);
	return n;
}

/* Behind the next `what`, from where as many numbers are read. */
static const char *numbers_after(const char *at, const char *what, double *v, int n)
{
	at = strstr(at, what);
	if (!at)
		fail_msg("no %s", what);
	at += strlen(what);
	for (int i = 0; i < n; i++) {
		char *end;
		at += strcspn(at, "0123456789-");
		v[i] = strtod(at, &end);
		at = end;
	}
	return at;
}

#define near(got, want, tol) \
	do { \
		double g_ = (got), w_ = (want); \
		if (!(fabs(g_ - w_) <= (tol))) \
			fail_msg("line %d: %s is %.9g, not %.9g", __LINE__, #got, g_, w_); \
	} while (0)

/* Lines and ticks at every fifth of the frame, the highest at `end`; titles along the middles, inside the figure. */
static void check_axes(const char *svg, double end)
{
	double box[4], frame[4], v[6];
	char tick[32];
	numbers_after(svg, "viewBox=", box, 4);
	numbers_after(svg, "<rect class=\"frame\" x=", frame, 4);
	near(frame[2], frame[3], 0);
	assert_true(frame[0] > 30 && frame[1] > 4 && frame[0] + frame[2] < box[2]);
	const char *at = svg;
	for (int k = 0; k <= 5; k++) {
		double x = frame[0] + frame[2] * k / 5, y = frame[1] + frame[3] * (5 - k) / 5;
		at = numbers_after(at, "<path class=\"grid\" d=", v, 6);
		near(v[0], x, 0.06);
		near(v[1], frame[1], 0);
		near(v[2], frame[1] + frame[3], 0);
		near(v[3], frame[0], 0);
		near(v[4], y, 0.06);
		near(v[5], frame[0] + frame[2], 0);
		at = numbers_after(at, "<text ", v, 2);
		assert_true(v[0] < frame[0] && v[1] > y && v[1] < y + 8);
		snprintf(tick, sizeof tick, ">%.3g</text>", end * k / 5);
		if (strncmp(strchr(at, '>'), tick, strlen(tick)))
			fail_msg("tick %d is %.20s, not %s", k, strchr(at, '>'), tick);
		at = numbers_after(at, "<text ", v, 2);
		near(v[0], x, 0.06);
		assert_true(v[1] > frame[1] + frame[3] + 8 && v[1] < frame[1] + frame[3] + 20);
		snprintf(tick, sizeof tick, ">%.1f</text>", k / 5.0);
		assert_int_equal(strncmp(strchr(at, '>'), tick, strlen(tick)), 0);
	}
	at = numbers_after(at, "<text class=\"axis\" x=", v, 2);
	near(v[0], frame[0] + frame[2] / 2, 0.06);
	assert_true(v[1] > frame[1] + frame[3] + 20 && v[1] < box[3]);
	numbers_after(at, "translate(", v, 2);
	near(v[1], frame[1] + frame[3] / 2, 0.06);
	numbers_after(at, "<g class=\"curves\" transform=", v, 3);
	near(v[0], frame[0], 0);
	near(v[1], frame[1], 0);
	near(v[2] * 1000, frame[2], 0.51);
}

/* In a square of side 1000 each point is the risk at its coverage, and each risk is near a point. */
static void check_curve(const char *svg, const int *wrong, size_t n, double end)
{
	static double risk[1000];
	double bad = 0, v[2];
	size_t done = 0;
	for (size_t j = 0; j < n; j++) {
		bad += wrong[j];
		risk[j] = 1000 - 1000 * fmin(bad / (double)(j + 1) / end, 1);
	}
	for (const char *at = strstr(svg, "<path class=\"s0\" d=\""); done < n;) {
		at = numbers_after(at, done ? "L" : "M", v, 2);
		size_t j = (size_t)lround(v[0] * (double)n / 1000) - 1;
		assert_true(j < n && j >= done);
		near(v[0], 1000.0 * (double)(j + 1) / (double)n, 0.051);
		near(v[1], risk[j], 0.051);
		for (size_t i = done; done && i < j; i++)
			assert_true(fabs(risk[i] - risk[done - 1]) < 1.5);
		assert_true(!done || j + 1 == n || fabs(risk[j] - risk[done - 1]) >= 1.5 ||
			    1000 * (double)(j + 1 - done) / (double)n >= 1.5);
		assert_true(done ? 1000 * (double)(j - done) / (double)n < 1.5 : !j);
		done = j + 1;
	}
}

/* Of the most confident tenths, rounded up: the last one's confidence, and how many of them are wrong. */
static void check_numbers(const char *svg, const int *wrong, size_t n)
{
	char want[200], number[64];
	const char *at = strstr(svg, "<tbody>");
	assert_non_null(at);
	at += strlen("<tbody>");
	for (size_t i = 1; i <= 10; i++) {
		size_t k = (i * n + 9) / 10, bad = 0;
		for (size_t j = 0; j < k; j++)
			bad += (size_t)wrong[j];
		double risk = (double)bad / (double)k;
		snprintf(want, sizeof want, "<tr><th scope=\"row\">%.1f</th><td>%.4f</td><td>%s</td></tr>",
			 (double)i / 10, 1 - (double)k / 2048, plain_number(number, sizeof number, risk));
		if (strncmp(at, want, strlen(want)))
			fail_msg("%.100s, not %s", at, want);
		at += strlen(want);
		snprintf(want, sizeof want, "Of the %zu %% most confident %.3f are wrong. ", i * 10, risk);
		assert_int_equal(strstr(svg, want) != NULL, i == 2 || i == 6 || i == 10);
	}
	assert_int_equal(strncmp(at, "</tbody>", 8), 0);
}

static void curves_of_risk_are_the_plain_ones(void **state)
{
	(void)state;
	static conf_key key[1000];
	static int wrong[1000];
	for (int i = 0; i < plain_checks(300); i++) {
		struct rng r;
		struct report_stream p = { .rows = { .key = key, .name = (char *)(uintptr_t) "s" } };
		char *svg;
		size_t len, n;
		double v[2], bad = 0;
		plain_rng(&r, (uint32_t)i, 62);
		n = p.rows.n = make_keys(key, wrong, &r);
		struct report_asked asked = { .risk = rng_below(&r, 2) ? 0 : (1 + rng_below(&r, 99)) / 100.0,
					      .coverage = rng_below(&r, 2) ? 0 : (1 + rng_below(&r, 100)) / 100.0 };
		double most = asked.risk * 1.2;
		for (size_t j = 0; j < n; j++) {
			bad += wrong[j];
			if ((j + 1) * 20 >= n)
				most = fmax(most, bad / (double)(j + 1));
		}
		double end = most > 0 ? plain_end(most) : 1;
		FILE *to = open_memstream(&svg, &len);
		report_risk(to, &p, &asked, 1);
		fclose(to);
		check_axes(svg, end);
		check_curve(svg, wrong, n, end);
		check_numbers(svg, wrong, n);
		const char *at = svg;
		if (asked.coverage > 0) {
			at = numbers_after(at, "<path class=\"asked\" d=\"M", v, 2);
			near(v[0], 1000 * asked.coverage, 0.051);
			assert_int_equal(strncmp(at, "V1000\"", 6), 0);
		}
		if (asked.risk > 0) {
			at = numbers_after(at, "<path class=\"asked\" d=\"M0 ", v, 1);
			near(v[0], 1000 - 1000 * asked.risk / end, 0.051);
			assert_int_equal(strncmp(at, "H1000\"", 6), 0);
		}
		assert_null(strstr(at, "class=\"asked\""));
		free(svg);
	}
}

/* Two figures, each with the curve of every score, and a key to them. */
static void every_score_has_its_curves(void **state)
{
	(void)state;
	struct report_stream p = { .rows = { .name = (char *)(uintptr_t) "s" } };
	struct report_other other = { .name = (char *)(uintptr_t) "x<y" };
	char roc[OOD_SCORES][16], pr[OOD_SCORES][16];
	for (int i = 0; i < OOD_SCORES; i++) {
		snprintf(roc[i], sizeof roc[i], "M%d 1", i);
		snprintf(pr[i], sizeof pr[i], "M%d 2", i);
		other.curve[i].score = (enum ood_score)(OOD_SCORES - 1 - i);
		other.curve[i].roc = roc[i];
		other.curve[i].pr = pr[i];
	}
	for (other.n = 1; other.n <= OOD_SCORES; other.n++) {
		char *html, want[200];
		size_t len;
		FILE *to = open_memstream(&html, &len);
		report_apart(to, &p, &other, 3);
		fclose(to);
		const char *at = html;
		for (int part = 0; part < 3; part++) {
			if (part < 2) {
				check_axes(strstr(at, "<svg"), 1);
				at = strstr(at, "<g class=\"curves\"");
			} else {
				at = strstr(at, "<ul");
			}
			for (int i = 0; i < other.n; i++) {
				int score = (int)other.curve[i].score;
				snprintf(want, sizeof want, "<path class=\"s%d\" d=\"%s\"/>", score,
					 part == 2 ? "M1 8H25" : part ? pr[i] : roc[i]);
				at = strstr(at, "<path class=\"s");
				assert_true(at && !strncmp(at, want, strlen(want)));
				at += strlen(want);
				snprintf(want, sizeof want, "</g></svg>%s</li>", ood_score_name(other.curve[i].score));
				assert_true(part < 2 || !strncmp(at, want, strlen(want)));
			}
			assert_int_equal(strncmp(at, "</g></svg>", 10), 0);
		}
		assert_null(strstr(at, "<path"));
		/* what tells nothing apart is in the first */
		at = strstr(html, "<path class=\"asked\" d=\"M0 1000L1000 0\"/>");
		assert_true(at && at < strstr(html, "</figure>") && !strstr(at + 13, "class=\"asked\""));
		free(html);
	}
}

/* The sections that were asked for, each alone and together, are in the contents, in order; no others. */
static void contents_are_what_was_asked_for(void **state)
{
	(void)state;
	static const char *const id[] = { "classes", "groups", "selective", "sets", "others" };
	struct grouping by = { 0 };
	for (unsigned asked = 0; asked < 64; asked++) {
		const struct report r = { .asked = { .per_class = asked & 1, .by = asked & 2 ? &by : NULL,
						     .coverage = asked & 4 ? 0.5 : 0, .risk = asked & 8 ? 0.5 : 0,
						     .sets = asked >> 4 & 1, .others = asked >> 5 & 1 } };
		unsigned there = (asked & 3) | (asked & 12 ? 4 : 0) | (asked >> 4 & 3) << 3;
		struct memtext m;
		char *html, mark[40];
		assert_int_equal(memtext_open(&m, &err), 0);
		report_more_links(m.to, &r);
		assert_int_equal(memtext_close(&m, &html, NULL, &err), 0);
		assert_int_equal(report_has_more(&r) != 0, there != 0);
		const char *at = html;
		for (int i = 0; i < 5; i++) {
			snprintf(mark, sizeof mark, "<li><a href=\"#%s\">", id[i]);
			const char *found = strstr(html, mark);
			assert_int_equal(found != NULL, there >> i & 1);
			assert_true(!found || found >= at);
			at = found ? found : at;
		}
		free(html);
	}
}

/* Where a stream came from is said by the commands that would make it again, all of them, each on its lines. */
static void commands_are_those_of_the_shell(void **state)
{
	(void)state;
	json_t *history = json_pack("[{s:s, s:s, s:[s, s]}, {s:s, s:s, s:[s]}]", "program", "vic-train", "version", "1",
				    "args", "-o", "m", "program", "vic-predict", "version", "1", "args", "m");
	const struct report_stream p = { .rows = { .name = (char *)(uintptr_t) "s", .provenance = history } };
	struct memtext m;
	char *html, *shell;
	assert_non_null(history);
	assert_int_equal(provenance_shell(history, &shell, &err), 0);
	assert_int_equal(memtext_open(&m, &err), 0);
	report_provenance(m.to, &p);
	assert_int_equal(memtext_close(&m, &html, NULL, &err), 0);
	assert_true(strchr(shell, '\n') && !strpbrk(shell, "<>&'\""));
	const char *found = strstr(html, shell);
	assert_true(found && found[strlen(shell)] == (shell[strlen(shell) - 1] == '\n' ? '<' : '\n'));
	free(html);
	free(shell);
	json_decref(history);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_the_plain_ones),
		cmocka_unit_test(rows_by_name_are_not_cut),
		cmocka_unit_test(curves_of_risk_are_the_plain_ones),
		cmocka_unit_test(every_score_has_its_curves),
		cmocka_unit_test(contents_are_what_was_asked_for),
		cmocka_unit_test(commands_are_those_of_the_shell),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

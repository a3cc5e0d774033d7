/* At most so many: what a figure, a list or a file may hold is taken up to its limit and refused just beyond, with the
 * limit in the message. And files whose lines look like another kind's. */
#include "eval/groups/grouping.h"
#include "eval/groups/worst.h"
#include "eval/metrics/score.h"
#include "eval/show/plot_results.h"
#include "tests/append.h"
#include "tests/checks.h"
#include "tests/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct err err;
static char text[1 << 18], list[4096], path[SCRATCH_PATH];
static size_t len;

#define say(...) append(text, sizeof text, &len, __VA_ARGS__)

static void refused(int rc, int is, const char *why)
{
	if (rc != (is ? -1 : 0))
		fail_msg("%d, not %d: %s", rc, is ? -1 : 0, err.msg);
	if (is && !strstr(err.msg, why))
		fail_msg("'%s' does not say '%s'", err.msg, why);
	err = ERR_NONE;
}

/* A table of so many data sets, methods and metrics, drawn. */
static int draw(int places, int methods, int metrics, int named)
{
	struct result_table t = { 0 };
	struct result_plot p;
	const struct plot_ask ask = { .metrics = named ? list : NULL };
	size_t at = 0;
	len = 0;
	say("%s\n", RESULTS_HEADER);
	for (int m = 0; m < metrics; m++) {
		append(list, sizeof list, &at, "%sm%d", m ? "," : "", m);
		for (int i = 0; i < places || i < methods; i++)
			say("f\td%d\tn\tw%d\t\tall\t9\tm%d\t0.5\t\t\tc\n", i < places ? i : 0, i < methods ? i : 0, m);
	}
	int rc = result_table_take(&t, "t", strdup(text), len, &err) || result_plot_choose(&p, &t, &ask, &err);
	if (!rc) {
		assert_int_equal(p.places, places);
		assert_int_equal(p.methods, methods);
		assert_int_equal(p.metrics, named ? metrics : metrics < 3 ? metrics : 3);
		result_plot_release(&p);
	}
	result_table_release(&t);
	return rc ? -1 : 0;
}

static void pictures_of_results(void **state)
{
	(void)state;
	for (int more = 0; more < 2; more++) {
		refused(draw(PLOT_GROUPS + more, 1, 1, 0), more, "more than 64 data sets in one figure");
		refused(draw(1, PLOT_METHODS + more, 1, 0), more, "more than 48 methods in one figure");
		refused(draw(1, 2, PLOT_METRICS + more, 1), more, "more than 12 metrics in one figure");
		refused(draw(2, 1, 2 + more, 0), 0, "");
	}
}

/* A line of several places that have some of the same settings: each stands once, in its order. */
static void settings_of_several_places(void **state)
{
	(void)state;
	static const char *const setting[] = { "", "0.1", "0.25", "0.5", "2", "10" };
	static const double value[] = { 0, 0.1, 0.25, 0.5, 2, 10 };
	enum { SETTINGS = 6, AT = 3 };
	const struct plot_ask ask = { .settings = 1, .metrics = "ece", .method = "m" };
	for (uint32_t i = 0; i < 60; i++) {
		struct result_table t = { 0 };
		struct result_plot p;
		struct rng r;
		uint32_t order[SETTINGS * AT];
		int there[SETTINGS] = { 0 }, n = 0;
		plain_rng(&r, i, 93);
		for (uint32_t k = 0; k < SETTINGS * AT; k++)
			order[k] = k;
		rng_shuffle(&r, order, SETTINGS * AT);
		len = 0;
		say("%s\n", RESULTS_HEADER);
		for (int k = 0; k < SETTINGS * AT; k++) {
			int s = (int)order[k] % SETTINGS;
			if (k && rng_below(&r, 3) == 0)
				continue;
			say("f\td%d\tn\t%s\t%s\tall\t9\tece\t0.5\t\t\tc\n", (int)order[k] / SETTINGS,
			    s ? "m" : "baseline", setting[s]);
			there[s] = 1;
		}
		int any = 0, s = 0;
		for (int k = 1; k < SETTINGS; k++)
			any |= there[k];
		assert_int_equal(result_table_take(&t, "t", strdup(text), len, &err), 0);
		int rc = result_plot_choose(&p, &t, &ask, &err);
		refused(rc, !any, "holds no method 'm' with a setting");
		for (; !rc && n < p.methods; n++, s++) {
			char name[40];
			while (!there[s] || (s == 0 && strcmp(p.method[0], "baseline")))
				s++; /* a baseline of another place is not drawn */
			snprintf(name, sizeof name, s ? "m %s" : "baseline", setting[s]);
			assert_string_equal(p.method[n], name);
			assert_true(p.setting[n] == value[s]);
		}
		for (; !rc && s < SETTINGS; s++)
			assert_false(there[s]);
		if (!rc)
			result_plot_release(&p);
		result_table_release(&t);
	}
}

static int read_lines(int streams, int quantities)
{
	struct plot_table t;
	len = 0;
	say("%s\n", curve_header(quantities ? CURVE_TRAINING : CURVE_SCATTER));
	for (int i = 0; i < streams; i++)
		for (int q = 0; q < (quantities ? quantities : 2); q++)
			if (quantities)
				say("s%d\t1\tq%d\t0.5\n", i, q);
			else
				say("s%d\t%d\t9\t0.5\t0.5\n", i, q + 1);
	int rc = plot_read(&t, "p", text, len, &err);
	if (!rc) {
		assert_int_equal(t.n_groups, streams);
		assert_int_equal(t.n_quantities, quantities);
		assert_int_equal(t.n, streams * (quantities ? quantities : 2));
		plot_release(&t);
	}
	return rc;
}

static void pictures_of_curves(void **state)
{
	(void)state;
	for (int more = 0; more < 2; more++) {
		refused(read_lines(PLOT_GROUPS + more, 0), more, "more than 64 streams in one figure");
		refused(read_lines(1, PLOT_GROUPS + more), more, "more than 64 ");
	}
}

static void numbers_of_bins(void **state)
{
	(void)state;
	for (int n = 1; n <= SCORE_BINS + 1; n++) {
		struct score_options o = { 0 };
		size_t at = 0;
		for (int i = 0; i < n; i++)
			append(list, sizeof list, &at, "%s%d", i ? "," : "", 7 * i + 1);
		refused(score_bins_of(&o, list, &err), n > SCORE_BINS, "at most 16 numbers");
		assert_int_equal(o.n_bins, n < SCORE_BINS ? n : SCORE_BINS);
		for (int i = 0; i < o.n_bins; i++)
			assert_int_equal(o.bins[i], 7 * i + 1);
	}
	struct score_options o = { 0 };
	refused(score_bins_of(&o, "3,5,3", &err), 1, "3 is there twice");
	o.n_bins = 0;
	refused(score_bins_of(&o, "0", &err), 1, "--bins");
}

static int read_groups(void)
{
	struct grouping g;
	assert_int_equal(scratch_put(path, text, len), 0);
	int rc = grouping_open(&g, path, &err);
	if (!rc)
		grouping_release(&g);
	return rc;
}

static void groups_of_files(void **state)
{
	(void)state;
	for (int more = 0; more < 2; more++) {
		len = 0;
		for (int i = 0; i < GROUPS_MAX + more; i++)
			say("%d\tg%d\n", i, i);
		refused(read_groups(), more, "10000");
	}
	/* Lines as long as may be, and one longer. */
	for (int more = 0; more < 2; more++) {
		len = 0;
		say("%0*d\n", (1 << 16) + more, 1);
		refused(read_groups(), more, "65536");
	}
}

/* Ids and groups that something else than a tab parts, where ids rise from line to line, or eight lines have none
 * twice. */
static void ids_without_a_tab(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		char by; /* 0: these are groups */
	} file[] = { { "1,a\n2,b\n", ',' },	  { "id,group\n1,a\n2,b\n", ',' },
		     { "1;a\n3;b\n9;c\n", ';' },  { "1|a\n2|b\n", '|' },
		     { "7 a\n10 b\n", ' ' },	  { "1,a\n", 0 },
		     { "2,a\n1,b\n", 0 },	  { "1,a\n1,b\n", 0 },
		     { "1,a\n2;b\n", 0 },	  { "a\nb\n1,a\n2,b\n", 0 },
		     { "5 stars\n4 stars\n", 0 }, { "1.a\n2.b\n", 0 },
		     { "1\n2\n", 0 },		  { "x1,a\nx2,b\n", 0 },
		     { "9,a\n8,b\n7,a\n6,b\n5,a\n2,b\n3,a\n1,b\n", ',' },
		     { "id,g\n9,a\n8,b\n7,a\n6,b\n5,a\n2,b\n3,a\n1,b\n", ',' },
		     { "9,a\n8,b\n7,a\n6,b\n5,a\n2,b\n3,a\n", 0 },
		     { "9,a\n8,b\n7,a\n6,b\n5,a\n2,b\n3,a\n3,b\n", 0 },
		     { "id\tg\n1\t1,a\n2\t2,b\n", 0 } };
	for (size_t i = 0; i < sizeof file / sizeof *file; i++) {
		char why[80];
		len = 0;
		say("%s", file[i].text);
		snprintf(why, sizeof why, "begin with ids and '%c'; a tab is what parts", file[i].by);
		refused(read_groups(), file[i].by != 0, why);
	}
	static const char *const bad[][2] = { { "1\ta\nb\n", "line 2: lacks an id, unlike the lines before" },
					      { "a\n2\tb\n", "line 2: has an id, unlike the lines before" },
					      { "1\ta\tb\n", "line 1: more than two fields" },
					      { "1\ta\n2\t\n", "line 2: names no group" },
					      { "a\n\nb\n", "line 2: is blank" },
					      { "1\ta\r2\tb\r", "line 1: holds a CR" },
					      { "", "holds no groups" },
					      { "id\tgroup\n", "holds no groups" },
					      { "1\ta\nid\tb\n", "line 2: an id" } };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		len = 0;
		say("%s", bad[i][0]);
		refused(read_groups(), 1, bad[i][1]);
	}
	len = 5;
	memcpy(text, "a\nb\0\n", 5);
	refused(read_groups(), 1, "line 2: holds a NUL byte");
	len = 0;
	say("RECORD\tx\r\n4\ta\r\n3\tb\r\n");
	refused(read_groups(), 0, "");
}

static void names_of_columns(void **state)
{
	(void)state;
	assert_true(worst_calls("worst") && worst_calls("worst group") && worst_calls("p of no difference"));
	assert_false(worst_calls("wors") || worst_calls("") || worst_calls("worst group "));
}

static int set_up(void **state)
{
	(void)state;
	return scratch_file(path, "most");
}

static int tear_down(void **state)
{
	(void)state;
	return remove(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_of_several_places),
		cmocka_unit_test(pictures_of_results), cmocka_unit_test(pictures_of_curves),
		cmocka_unit_test(numbers_of_bins),     cmocka_unit_test(groups_of_files),
		cmocka_unit_test(ids_without_a_tab),   cmocka_unit_test(names_of_columns),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* Pictures of score tables: the script's data, axes, panels, styles and key, read back and compared with what random
 * tables say; and gnuplot itself, in whose place a script of our own stands. */
#include "eval/show/plot_results.h"
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
#include <sys/stat.h>
#include <cmocka.h>

#include "script_reader.h"

enum { PLACES = 4, METHODS = 40 };
static struct err err;

#define near(got, want, tol)                                                                                           \
	do {                                                                                                           \
		double g_ = (got), w_ = (want);                                                                        \
		if (!(fabs(g_ - w_) <= (tol) * (1 + fabs(w_))))                                                        \
			fail_msg("%s:%d: %s is %.9g, not %.9g", __func__, __LINE__, #got, g_, w_);                     \
	} while (0)

static const struct {
	const char *key, *title;
	int higher;
} metrics[] = { { "ece", "ECE", 0 },
		{ "accuracy", "Accuracy", 1 },
		{ "nll", "NLL", 0 },
		{ "oe", "OE", 0 },
		{ "brier", "Brier score", 0 } };

struct drawn {
	struct result_plot p;
	struct plot_ask ask;
	struct result_table results;
	char method[METHODS][24], setting[METHODS][16];
	double value[5][PLACES][METHODS][3]; /* value, low, high; NaN: none */
	const char *dataset[PLACES], *model[PLACES];
};

static void draw(struct drawn *d, struct rng *r)
{
	static const char *const dataset[] = { "a", "a", "c%d", "e'f" }, *const model[] = { "m", "n", "m", "m" };
	static const double factor[] = { 1.5, 1.1, 4 };
	char *rows;
	size_t len;
	FILE *to = open_memstream(&rows, &len);
	memset(d, 0, sizeof *d);
	d->ask.settings = (int)rng_below(r, 2);
	d->ask.method = "mixup";
	d->p.ask = &d->ask;
	d->p.metrics = 1 + (int)rng_below(r, 5);
	d->p.places = 1 + (int)rng_below(r, PLACES);
	d->p.methods = 1 + (int)rng_below(r, rng_below(r, 3) ? 6 : METHODS);
	double x = d->ask.settings && rng_below(r, 2) ? 0 : 0.25, by = factor[rng_below(r, 3)];
	uint32_t missing = 2 + rng_below(r, 20);
	for (int m = 0; m < d->p.methods; m++) {
		snprintf(d->setting[m], sizeof d->setting[m], "%g", x);
		snprintf(d->method[m], sizeof d->method[m], x > 0 ? "mixup %g" : "baseline", x);
		d->p.setting[m] = strtod(d->setting[m], NULL);
		d->p.method[m] = d->method[m];
		x = x > 0 ? x * by + 0.01 : 0.25;
	}
	fprintf(to, "%s\n", RESULTS_HEADER);
	for (int p = 0; p < d->p.places; p++) {
		d->dataset[p] = dataset[p];
		d->model[p] = model[p];
		for (int m = 0; m < d->p.methods; m++)
			for (int k = 0; k < d->p.metrics; k++) {
				double *v = d->value[k][p][m];
				int whiskers = (int)rng_below(r, 3);
				v[0] = k && rng_below(r, missing) == 0 ? NAN : rng_below(r, 100000) / 1e5;
				v[0] -= rng_below(r, 9) ? 0 : 0.5;
				v[1] = whiskers ? v[0] - 0.125 : v[0];
				v[2] = whiskers > 1 ? v[0] + 0.25 : v[0];
				fprintf(to, "f\t%s\t%s\t%s\t%s\tall\t9\t%s\t%.9g\t", dataset[p], model[p],
					d->p.setting[m] > 0 ? "mixup" : "baseline",
					d->p.setting[m] > 0 ? d->setting[m] : "-", metrics[k].key, v[0]);
				fprintf(to, whiskers ? "%.9g\t" : "\t", v[1]);
				fprintf(to, whiskers > 1 ? "%.9g\tc\n" : "\tc\n", v[2]);
			}
	}
	fclose(to);
	if (result_table_take(&d->results, "t", rows, len, &err))
		fail_msg("%s", err.msg);
	d->p.results = &d->results;
	for (int k = 0; k < d->p.metrics; k++)
		d->p.metric[k] = metrics[k].key;
	for (int p = 0; p < d->p.places; p++)
		for (size_t i = 0; !d->p.place[p]; i++)
			if (!strcmp(d->results.row[i].dataset, dataset[p]) &&
			    !strcmp(d->results.row[i].model, model[p]))
				d->p.place[p] = &d->results.row[i];
}

/* Where setting 0 stands, and whether settings are drawn by their logarithms, which serves where they differ
 * twentyfold. */
static double zero_of(const struct drawn *d, int *is_log)
{
	int first = d->p.methods > 1 && d->p.setting[0] == 0;
	double least = d->p.setting[first], most = d->p.setting[d->p.methods - 1];
	*is_log = least > 0 && most >= 20 * least;
	return *is_log ? least / 3 : 0;
}

static void check_settings(const struct drawn *d)
{
	int is_log, n = d->p.methods;
	double zero = zero_of(d, &is_log), most = d->p.setting[n - 1];
	if (is_log)
		after("set logscale x\n");
	after("set xrange [");
	near(number(), is_log ? zero / 1.5 : -0.05 * most, 1e-8);
	is_next(":");
	near(number(), is_log ? most * 1.5 : 1.05 * most, 1e-8);
	after("set xtics nomirror (");
	for (int m = 0; m < n; m++) {
		is_next(m ? ", '" : "'");
		is_next(d->setting[m]);
		is_next("' ");
		near(number(), is_log && d->p.setting[m] == 0 ? zero : d->p.setting[m], 1e-8);
	}
	is_next(")\n");
}

/* The points of a series; *least and *most: the ends of its whiskers. */
static void check_block(const struct drawn *d, int k, int series, double *least, double *most)
{
	int n = d->ask.settings ? d->p.methods : d->p.places, is_log;
	double zero = zero_of(d, &is_log);
	char head[40];
	snprintf(head, sizeof head, "$d%d_%d << EOD\n", k, series);
	after(head);
	for (int i = 0; i < n; i++) {
		const double *v = d->ask.settings ? d->value[k][series][i] : d->value[k][i][series];
		double x = d->p.setting[i] == 0 ? zero : d->p.setting[i];
		if (isnan(v[0]))
			continue;
		near(number(), d->ask.settings ? x : i + (series - (d->p.methods - 1) / 2.0) / (d->p.methods + 1),
		     1e-8);
		for (int j = 0; j < 3; j++)
			near(number(), v[j], 1e-8);
		is_next("\n");
		*least = fmin(*least, v[1]);
		*most = fmax(*most, v[2]);
	}
	is_next("EOD\n");
}

struct box {
	double left, right, bottom, top;
};

static struct box box(void)
{
	struct box b;
	after("set lmargin at screen ");
	b.left = number();
	is_next("\nset rmargin at screen ");
	b.right = number();
	is_next("\nset bmargin at screen ");
	b.bottom = number();
	is_next("\nset tmargin at screen ");
	b.top = number();
	return b;
}

/* Title, range and steps of a panel: bars of what is better when lower begin at 0. */
static void check_axes(const struct drawn *d, int k, double least, double most)
{
	int at_zero = !d->ask.settings && !metrics[k].higher;
	char title[40];
	if (least > most)
		least = most = 0;
	if (at_zero) {
		least = fmin(least, 0);
		most = fmax(most, 0);
	}
	double range = most > least ? most - least : fabs(most) + 1e-9;
	snprintf(title, sizeof title, "\nset title '%s' ", metrics[k].title);
	is_next(title);
	after("set yrange [");
	near(number(), at_zero && least == 0 ? 0 : least - 0.05 * range, 1e-8);
	is_next(":");
	near(number(), most + 0.05 * range, 1e-8);
	is_next("]\nset ytics ");
	double step = number(), steps = 1.1 * range / step;
	assert_true(steps >= 2.23 && steps <= 5.61);
}

static const char *const colour[] = { "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#56606b" };
static const char *const fill[] = { "solid 1.0 noborder", "pattern 4 border", "pattern 5 border", "pattern 2 border",
				    "pattern 1 border" };
static const int mark[] = { 5, 4, 6, 8, 12 };
static const char *const shown[] = { "a, m", "a, n", "c%d", "e'.\"'\".'f" }, *const tick[] = { "a, m", "a, n", "c%%d",
											       "e'.\"'\".'f" };

static const char *place(const struct drawn *d, int p, int as_tick)
{
	return d->p.places == 1 ? "a" : (as_tick ? tick : shown)[p];
}

static void check_bars(const struct drawn *d, int k)
{
	char text[200];
	snprintf(text, sizeof text, "set xrange [-0.5:%d.5]\nset xtics scale 0 (", d->p.places - 1);
	after(text);
	for (int p = 0; p < d->p.places; p++) {
		snprintf(text, sizeof text, "%s'%s' %d", p ? ", " : "", place(d, p, 1), p);
		is_next(text);
	}
	is_next(")\nset boxwidth ");
	near(number(), 0.86 / (d->p.methods + 1), 1e-5);
	after("plot ");
	for (int m = 0; m < d->p.methods; m++) {
		snprintf(text, sizeof text, "%s$d%d_%d using 1:2 with ", m ? ", " : "", k, m);
		is_next(text);
		if (metrics[k].higher)
			snprintf(text, sizeof text,
				 "points pt %d ps 0.8 lw 1.4 lc rgb '%s' notitle, '' using 1:3:(0):($4-$3)",
				 mark[m / 7 % 5], colour[m % 7]);
		else
			snprintf(text, sizeof text, "boxes lc rgb '%s' fs %s notitle, '' using 1:3:(0):($4-$3)",
				 colour[m % 7], fill[m / 7 % 5]);
		is_next(text);
		after("notitle");
	}
	is_next(", 0 with lines");
}

static void check_lines(const struct drawn *d, int k)
{
	char text[80];
	after("set xlabel 'setting of mixup'");
	after("plot ");
	for (int p = 0; p < d->p.places; p++) {
		snprintf(text, sizeof text, "%s$d%d_%d using 1:2 with linespoints ls %d notitle", p ? ", " : "", k, p,
			 p + 1);
		is_next(text);
		snprintf(text, sizeof text, " nohead ls %d dt 1", p + 1);
		after(text);
		after("notitle");
	}
	is_next("\n");
}

/* Panels have one size, stand in reading order without touching, and lie between heading and key. */
static void check_panels(const struct drawn *d, const struct plot_look *look, const struct box *b, double w, double h)
{
	int wanted = d->ask.settings ? 0 : 60 + 16 + d->p.places * (d->p.methods + 1) * 11, n = d->p.metrics;
	int columns = wanted > look->panel ? 1
		      : n == 1		   ? 1
		      : n == 2 || n == 4   ? 2
					   : 3,
	    lines = (n + columns - 1) / columns;
	double panel = wanted > look->panel ? wanted : look->panel, tall = floor(look->panel * 0.78 + 1e-9);
	double heading = look->title ? 30 : 6;
	near(w, columns * panel, 0);
	double key = h - heading - lines * tall;
	assert_true(key >= 26 && fmod(key - 8, 18) == 0);
	for (int k = 0; k < n; k++) {
		double x = k % columns * panel, top = h - heading - k / columns * tall - 26;
		near(b[k].left * w, x + 60, 1e-3);
		near(b[k].right * w, x + panel - 16, 1e-3);
		near(b[k].top * h, top, 1e-3);
		near(b[k].bottom * h, top + 26 - tall + 42, 1e-3);
	}
	near(b[n].left, 0, 0);
	near(b[n].right, 1, 0);
	near(b[n].bottom, 0, 0);
	near(b[n].top * h, key, 1e-3);
}

static void scripts(void **state)
{
	(void)state;
	static struct drawn d;
	for (uint32_t i = 0; i < 150; i++) {
		struct rng r;
		struct box b[6];
		double least[5], most[5];
		char *text, want[200];
		size_t len;
		rng_init(&r, 1, RNG_TEST, i, 0);
		draw(&d, &r);
		struct plot_look look = { .title = rng_below(&r, 2) ? "T" : NULL,
					  .panel = 200 + (int)rng_below(&r, 300) };
		if (i % 5 == 0) /* bars that just fit */
			look.panel = 60 + 16 + d.p.places * (d.p.methods + 1) * 11;
		int series = d.ask.settings ? d.p.places : d.p.methods;
		FILE *to = open_memstream(&text, &len);
		result_plot_script(&d.p, &look, to);
		fclose(to);
		at = text;
		if (d.ask.settings)
			check_settings(&d);
		for (int k = 0; k < d.p.metrics; k++) {
			least[k] = INFINITY;
			most[k] = -INFINITY;
			for (int s = 0; s < series; s++)
				check_block(&d, k, s, &least[k], &most[k]);
		}
		after("set terminal svg size ");
		double w = number();
		is_next(",");
		double h = number();
		for (int k = 0; k < d.p.metrics; k++) {
			b[k] = box();
			check_axes(&d, k, least[k], most[k]);
			if (d.ask.settings)
				check_lines(&d, k);
			else
				check_bars(&d, k);
			if (look.title && !k)
				after("unset label 1\n");
		}
		for (int s = 0; s < series; s++) {
			after(d.ask.settings ? "set arrow " : "set object ");
			near(number(), s + 1, 0);
			if (d.ask.settings)
				snprintf(want, sizeof want, " nohead ls %d\nset label %d '%s' at", s + 1, s + 1,
					 place(&d, s, 0));
			else
				snprintf(want, sizeof want, " fs %s fc rgb '%s'\nset label %d '%s' at", fill[s / 7 % 5],
					 colour[s % 7], s + 1, d.method[s]);
			after(want);
		}
		b[d.p.metrics] = box();
		check_panels(&d, &look, b, w, h);
		after("unset multiplot\n");
		assert_int_equal(*at, 0);
		title_is_shown_once(text, look.title != NULL);
		free(text);
		result_table_release(&d.results);
	}
}

static char folder[SCRATCH_PATH], program[SCRATCH_PATH + 16];

/* Runs a script of the shell's in gnuplot's place. */
static int run(const char *script, int png, char **figure, size_t *len)
{
	err = ERR_NONE;
	return plot_run(script, strlen(script), png, figure, len, &err);
}

static void figures_come_whole(void **state)
{
	(void)state;
	static const struct {
		const char *script;
		int png;
		size_t len; /* of the figure; 0: it is refused */
	} c[] = { { "printf 'ab</svg>'", 0, 8 },
		  { "printf '</svg> \\t\\r\\n'", 0, 10 },
		  { "printf 'ab</svg'", 0, 0 },
		  { "printf '/svg>'", 0, 0 },
		  { "printf '</svg>x'", 0, 0 },
		  { "printf ' \\n'", 0, 0 },
		  { "printf 'P\\0\\0\\0\\0IEND\\256\\102\\140\\202'", 1, 13 },
		  { "printf '\\0\\0\\0\\0IEND\\256\\102\\140\\202'", 1, 12 },
		  { "printf '\\0\\0\\0IEND\\256\\102\\140\\202'", 1, 0 },
		  { "printf '\\0\\0\\0\\0IEND\\256\\102\\140\\202 '", 1, 0 },
		  { "printf 'ab</svg>'", 1, 0 },
		  { "printf 'ab</svg>'; exit 1", 0, 0 },
		  { "printf \"$GNUTERM</svg>\"", 0, 6 } };
	char *figure;
	size_t len;
	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		if (run(c[i].script, c[i].png, &figure, &len) != (c[i].len ? 0 : -1))
			fail_msg("%s: %s", c[i].script, err.msg);
		assert_int_equal(figure != NULL, c[i].len > 0);
		assert_true(!c[i].len || (len == c[i].len && figure[len] == 0));
		free(figure);
	}
}

/* What gnuplot says is told on one line, however it was laid out. */
static void complaints(void **state)
{
	(void)state;
	static const struct {
		const char *script, *said;
	} c[] = { { "exit 2", "gnuplot failed: it drew nothing and said nothing" },
		  { "true", "gnuplot failed: it drew nothing and said nothing" },
		  { "printf '\\n  plot x\\n\\t  ^\\nline 0: no\\n' >&2; exit 1", "gnuplot failed: plot x line 0: no " },
		  { "printf ' ^^ a' >&2", "gnuplot failed: a" } };
	char *figure, want[700];
	size_t len;
	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		assert_int_equal(run(c[i].script, 0, &figure, &len), -1);
		assert_string_equal(err.msg, c[i].said);
		assert_null(figure);
	}
	assert_int_equal(
		run("i=0; while [ $i -lt 100 ]; do echo 1234567; i=$((i + 1)); done >&2; exit 1", 0, &figure, &len),
		-1);
	memcpy(want, "gnuplot failed: ", 17);
	for (size_t i = 0; i < 599; i++)
		want[16 + i] = "1234567 "[i % 8];
	want[16 + 599] = 0;
	assert_int_equal(strncmp(err.msg, want, 400), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scripts),
		cmocka_unit_test(figures_come_whole),
		cmocka_unit_test(complaints),
	};
	if (scratch_folder(folder, "gnuplot"))
		return 1;
	snprintf(program, sizeof program, "%s/gnuplot", folder);
	const char *stub = "#!/bin/sh\nexec /bin/sh -s\n", *path = getenv("PATH");
	char *with = NULL;
	if (scratch_put(program, stub, strlen(stub)) || chmod(program, 0700) ||
	    asprintf(&with, "%s:%s", folder, path ? path : "/bin:/usr/bin") < 0 || setenv("PATH", with, 1) ||
	    setenv("GNUTERM", "x", 1))
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(program);
	rmdir(folder);
	free(with);
	return rc;
}

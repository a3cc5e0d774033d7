/* Pictures of score tables as a gnuplot script: bars by data set, and lines against a setting. */
#include "eval/metrics/metric_table.h"
#include "eval/results/sheet.h"
#include "plot_results.h"

#include <math.h>
#include <string.h>

enum { LEFT = 60, RIGHT = 16, ABOVE = 26, BELOW = 42, HEADING = 30, BAR = 11, STYLES = 7 };

static const char *const colour[STYLES] = { "#0072B2", "#D55E00", "#009E73", "#CC79A7",
					    "#E69F00", "#56B4E9", "#56606b" };
/* Of the first seven methods, of the next, and so on; marks stand where bars would say nothing. */
static const struct {
	const char *bar;
	int mark;
} filled[] = { { "solid 1.0 noborder", 5 }, { "pattern 4 border", 4 }, { "pattern 5 border", 6 },
	       { "pattern 2 border", 8 },   { "pattern 1 border", 12 } };
enum { FILLED = sizeof filled / sizeof *filled };

struct panels {
	const struct result_plot *p;
	int columns, panel, tall, log_x;
	double zero; /* where setting 0 is put on a logarithmic axis */
	struct plot_canvas canvas;
};

static int is_higher_better(const char *metric)
{
	for (const struct metric *m = metric_table; m->key; m++)
		if (!strcmp(m->key, metric))
			return (m->flags & METRIC_HIGHER) != 0;
	return 0;
}

static const struct result *value_of(const struct result_plot *p, int place, int method, int metric)
{
	const struct result *row =
		result_find(p->results, p->place[place], p->method[method], p->metric[metric], "all");
	return row && isfinite(row->value) ? row : NULL;
}

/* "mr", or with the model where a data set has two. */
static void place_name(const struct result_plot *p, int place, char *text, size_t size)
{
	int twice = 0;
	for (int i = 0; i < p->places; i++)
		twice |= i != place && !strcmp(p->place[i]->dataset, p->place[place]->dataset);
	err_phrase(text, size, "%s%s%s", p->place[place]->dataset, twice ? ", " : "",
		   twice ? p->place[place]->model : "");
}

static double low_of(const struct result *row)
{
	return isfinite(row->low) ? row->low : row->value;
}
static double high_of(const struct result *row)
{
	return isfinite(row->high) ? row->high : row->value;
}

/* The points of a line (settings) or of a bar's method (bars): x, value, low, high. Widens *least and *most. */
static void block(const struct panels *s, int metric, int series, double *least, double *most, FILE *to)
{
	const struct result_plot *p = s->p;
	int points = p->ask->settings ? p->methods : p->places;
	fprintf(to, "$d%d_%d << EOD\n", metric, series);
	for (int i = 0; i < points; i++) {
		const struct result *row =
			p->ask->settings ? value_of(p, series, i, metric) : value_of(p, i, series, metric);
		double x = i + (series - (p->methods - 1) / 2.0) / (p->methods + 1);
		if (!row)
			continue;
		if (p->ask->settings)
			x = s->log_x && p->setting[i] == 0 ? s->zero : p->setting[i];
		fprintf(to, "%.9g %.9g %.9g %.9g\n", x, row->value, low_of(row), high_of(row));
		*least = fmin(*least, low_of(row));
		*most = fmax(*most, high_of(row));
	}
	fprintf(to, "EOD\n");
}

static void axes(const struct panels *s, int metric, double least, double most, FILE *to)
{
	const struct result_plot *p = s->p;
	int at_zero = !p->ask->settings && !is_higher_better(p->metric[metric]);
	char title[METRIC_TITLE];
	if (at_zero) {
		least = fmin(least, 0);
		most = fmax(most, 0);
	}
	double range = most > least ? most - least : fabs(most) + 1e-9;
	int column = metric % s->columns, line = metric / s->columns;
	double x = (double)column * s->panel;
	double bottom = s->canvas.height - s->canvas.heading - (line + 1.0) * s->tall + BELOW;
	plot_margins(&s->canvas, x + LEFT, x + s->panel - RIGHT, bottom, bottom + s->tall - ABOVE - BELOW, to);
	metric_title(title, p->metric[metric]);
	fprintf(to, "set title ");
	plot_string(to, title);
	fprintf(to, " offset 0,-0.6\nset yrange [%.9g:%.9g]\nset ytics %.9g\nset format y '%%g'\n",
		at_zero && least == 0 ? 0 : least - 0.05 * range, most + 0.05 * range, plot_step(1.1 * range));
}

/* gnuplot takes the label of a tick for a format. */
static void tick_string(const char *name, FILE *to)
{
	char text[256];
	size_t n = 0;
	for (; *name && n + 2 < sizeof text; name++) {
		if (*name == '%')
			text[n++] = '%';
		text[n++] = *name;
	}
	text[n] = 0;
	plot_string(to, text);
}

static void bars_panel(const struct panels *s, int metric, FILE *to)
{
	const struct result_plot *p = s->p;
	int marks = is_higher_better(p->metric[metric]);
	char name[128];
	fprintf(to, "set xrange [-0.5:%d.5]\nset xtics scale 0 (", p->places - 1);
	for (int i = 0; i < p->places; i++) {
		place_name(p, i, name, sizeof name);
		fputs(i ? ", " : "", to);
		tick_string(name, to);
		fprintf(to, " %d", i);
	}
	fprintf(to, ")\nset boxwidth %.5f absolute\nunset xlabel\nplot ", 0.86 / (p->methods + 1));
	for (int i = 0; i < p->methods; i++) {
		fprintf(to, "%s$d%d_%d using 1:2 with ", i ? ", " : "", metric, i);
		if (marks)
			fprintf(to, "points pt %d ps 0.8 lw 1.4 lc rgb '%s' notitle", filled[i / STYLES % FILLED].mark,
				colour[i % STYLES]);
		else
			fprintf(to, "boxes lc rgb '%s' fs %s notitle", colour[i % STYLES],
				filled[i / STYLES % FILLED].bar);
		fprintf(to, ", '' using 1:3:(0):($4-$3) with vectors nohead lc rgb '#222222' lw 1 notitle");
	}
	fputs(", 0 with lines lc rgb '#555555' lw 0.8 notitle\n", to);
}

static void lines_panel(const struct panels *s, int metric, FILE *to)
{
	const struct result_plot *p = s->p;
	char label[128];
	err_phrase(label, sizeof label, "setting of %s", p->ask->method);
	fprintf(to, "set xlabel ");
	plot_string(to, label);
	fprintf(to, " offset 0,0.5\nplot ");
	for (int i = 0; i < p->places; i++)
		fprintf(to,
			"%s$d%d_%d using 1:2 with linespoints ls %d notitle, '' using 1:3:(0):($4-$3) with vectors "
			"nohead ls %d "
			"dt 1 lw 1 notitle",
			i ? ", " : "", metric, i, i % STYLES + 1, i % STYLES + 1);
	fputc('\n', to);
}

/* The logarithm serves where settings differ twentyfold. */
static void settings_axis(struct panels *s, FILE *to)
{
	const struct result_plot *p = s->p;
	int first = 0;
	while (first + 1 < p->methods && p->setting[first] == 0)
		first++;
	double least = p->setting[first], most = p->setting[p->methods - 1];
	s->log_x = least > 0 && most >= 20 * least;
	s->zero = least / 3;
	if (s->log_x)
		fprintf(to, "set logscale x\nset xrange [%.9g:%.9g]\n", s->zero / 1.5, most * 1.5);
	else
		fprintf(to, "set xrange [%.9g:%.9g]\n", -0.05 * most, 1.05 * most);
	fprintf(to, "set xtics nomirror (");
	for (int i = 0; i < p->methods; i++)
		fprintf(to, "%s'%g' %.9g", i ? ", " : "", p->setting[i],
			s->log_x && p->setting[i] == 0 ? s->zero : p->setting[i]);
	fprintf(to, ")\n");
}

/* A panel is as wide as its bars need; where that is more than was asked for, panels stand below one another. */
static void lay_out(struct panels *s, const struct plot_look *look, const struct plot_key *key, int keys)
{
	const struct result_plot *p = s->p;
	int wanted = p->ask->settings ? 0 : LEFT + RIGHT + p->places * (p->methods + 1) * BAR;
	s->columns = wanted > look->panel ? 1 : p->metrics < 3 ? p->metrics : p->metrics == 4 ? 2 : 3;
	s->panel = wanted > look->panel ? wanted : look->panel;
	s->tall = look->panel * 78 / 100;
	s->canvas.width = s->columns * s->panel;
	s->canvas.heading = look->title ? HEADING : 6;
	s->canvas.key = plot_key_height(key, keys, s->canvas.width);
	s->canvas.height =
		s->canvas.heading + (p->metrics + s->columns - 1) / s->columns * s->tall + s->canvas.key;
}

/* The key's entries: methods as bars, or data sets as lines. Returns their number. */
static int keys_of(const struct result_plot *p, struct plot_key *key, char (*text)[128], char (*how)[80])
{
	int n = p->ask->settings ? p->places : p->methods;
	for (int i = 0; i < n; i++) {
		if (p->ask->settings) {
			place_name(p, i, text[i], sizeof text[i]);
			snprintf(how[i], sizeof how[i], "ls %d", i % STYLES + 1);
		} else {
			err_phrase(text[i], sizeof text[i], "%s", p->method[i]);
			snprintf(how[i], sizeof how[i], "fs %s fc rgb '%s'",
				 filled[i / STYLES % FILLED].bar, colour[i % STYLES]);
		}
		key[i] = (struct plot_key){ text[i], p->ask->settings ? 'l' : 'b', how[i] };
	}
	return n;
}

void result_plot_script(const struct result_plot *p, const struct plot_look *look, FILE *to)
{
	struct panels s = { .p = p };
	struct plot_key key[PLOT_GROUPS]; /* methods are fewer */
	char text[PLOT_GROUPS][128], how[PLOT_GROUPS][80];
	double least[PLOT_METRICS], most[PLOT_METRICS];
	int keys = keys_of(p, key, text, how);
	plot_styles(to);
	if (p->ask->settings)
		settings_axis(&s, to);
	for (int m = 0; m < p->metrics; m++) {
		least[m] = INFINITY;
		most[m] = -INFINITY;
		for (int i = 0; i < (p->ask->settings ? p->places : p->methods); i++)
			block(&s, m, i, &least[m], &most[m], to);
	}
	lay_out(&s, look, key, keys);
	plot_begin(&s.canvas, look, to);
	for (int m = 0; m < p->metrics; m++) {
		if (least[m] > most[m]) /* no value anywhere: an empty panel */
			least[m] = most[m] = 0;
		axes(&s, m, least[m], most[m], to);
		(p->ask->settings ? lines_panel : bars_panel)(&s, m, to);
		if (look->title && !m)
			fprintf(to, "unset label 1\n");
	}
	plot_key_draw(key, keys, &s.canvas, to);
	fprintf(to, "unset multiplot\n");
}

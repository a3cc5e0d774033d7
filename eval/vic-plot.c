/* vic-plot: figures from vic-reliability's tables and vic-train's histories. */
#include "pipeline/files/io.h"
#include "pipeline/base/memtext.h"
#include "pipeline/frame/stage.h"
#include "eval/show/curves.h"
#include "eval/show/plot.h"
#include "eval/show/plot_results.h"
#include "eval/report/html.h"

#include <stdlib.h>
#include <string.h>

enum { FORMAT_AUTO, FORMAT_SVG, FORMAT_PNG };
static struct {
	int curve, format, script;
	const char *out, *title, *metrics, *method;
	int64_t panel;
	double scale;
} o = { .out = "-", .panel = 300, .scale = 2, .method = "mixup" };
enum { ASK_BARS = CURVE_PR + 2, ASK_SETTINGS }; /* --curve, after those of curves.h and auto */

static const struct opt opts[] = {
	{ "curve", 'c', OPT_CHOICE, &o.curve, "NAME",
	  "what the table must hold: bins, histogram, corp, scatter, density, entropy, training, hull, risk-coverage, "
	  "roc or pr, or results for bars and settings; auto: what its header says, of results bars",
	  .choices =
		  "auto|bins|histogram|corp|scatter|density|entropy|training|hull|risk-coverage|roc|pr|bars|settings" },
	{ "metric", 'm', OPT_TEXT, &o.metrics, "LIST", "results: a panel for each, with commas [the first three]",
	  .flags = OPT_NO_DEFAULT },
	{ "method", 0, OPT_TEXT, &o.method, "NAME", "settings: the method whose setting is the x axis",
	  .flags = OPT_NAME, .with = "curve=settings" },
	{ "format", 'f', OPT_CHOICE, &o.format, NULL, "auto: by the end of --out, else svg",
	  .choices = "auto|svg|png" },
	{ "out", 'o', OPT_TEXT, &o.out, "FILE", "where the figure goes; -: stdout", .flags = OPT_LOCAL | OPT_OUTPUT,
	  .writes = "an SVG image|a PNG image" },
	{ "title", 't', OPT_TEXT, &o.title, "TEXT", "above the figure", .flags = OPT_NAME },
	{ "panel", 0, OPT_INT, &o.panel, "POINTS", "width of a panel", .lo = 120, .hi = 2000 },
	{ "scale", 0, OPT_REAL, &o.scale, "X", "png: pixels a point", .flo = 0.5, .fhi = 8 },
	{ "script", 0, OPT_FLAG, &o.script, NULL, "write the gnuplot script instead of running it", .flags = 0 },
	{ 0 }
};

static const struct program prog = {
	.name = "vic-plot",
	.summary = "figures of calibration, as SVG or PNG",
	.operands = "[TSV]",
	.description =
		"Draws a table that vic-reliability or vic-ood --curve wrote, or the learning\n"
		"curves of a --history that vic-train wrote, through gnuplot: one panel a stream\n"
		"with the same axes, or for training, hull, risk-coverage, roc and pr one panel a\n"
		"quantity with a line for each run. The table's header says which curve it holds.\n"
		"Of results (RESULTS.tsv, which vic run leaves) bars show each method by data set\n"
		"with its interval, settings a metric against a method's setting; a panel a\n"
		"metric.\n"
		"Colours are distinct to every kind of colour vision, and doubled by hatching,\n"
		"dashes or marks.",
	.example =
		"vic-reliability baseline.logits mixup.logits | vic-plot --title MR > mr.svg\n"
		"vic-reliability --curve training baseline.tsv mixup.tsv |\n"
		"    vic-plot -o training.png\n"
		"vic-plot -o learning.svg history.tsv\n"
		"vic-plot --curve settings --metric ece,oe -o alpha.svg RESULTS.tsv",
	.see_also = "vic-reliability(1), vic-ood(1), vic-report(1), gnuplot(1)",
	.opts = opts,
	.max_operands = 1,
};

static int ends_in_png(const char *name)
{
	size_t n = strlen(name);
	return n >= 4 && !strcmp(name + n - 4, ".png");
}

/* gnuplot calls every SVG "Gnuplot"; a screen reader should hear what it shows. */
static int name_svg(char **figure, size_t *len, const char *shown, struct err *err)
{
	static const char mark[] = "<title>Gnuplot</title>";
	char *at = strstr(*figure, mark), *named = NULL;
	size_t size = 0;
	struct memtext m;
	if (!at)
		return 0;
	if (memtext_open(&m, err))
		return -1;
	FILE *to = m.to;
	fprintf(to, "%.*s<title>", (int)(at - *figure), *figure);
	html_text(to, o.title ? o.title : "");
	fputs(o.title ? ": " : "", to);
	html_text(to, shown);
	fprintf(to, "</title>%s", at + strlen(mark));
	if (memtext_close(&m, &named, &size, err))
		return -1;
	free(*figure);
	*figure = named;
	*len = size;
	return 0;
}

static void describe_table(const struct plot_table *t, FILE *to)
{
	fprintf(to, "%s of", plot_curve_name(t->curve));
	for (int i = 0; i < t->n_groups; i++)
		fprintf(to, "%s%s", i ? ", " : " ", t->group[i]);
}

/* One of both: a curve's table or rows of results. */
static int draw_plot(const struct stage *st, const struct plot_table *t, const struct result_plot *p, struct err *err)
{
	struct plot_look look = { .title = o.title, .panel = (int)o.panel, .scale = o.scale };
	struct output out = { 0 };
	char *script = NULL, *shown = NULL, *figure = NULL;
	size_t len = 0, size = 0;
	look.png = o.format == FORMAT_PNG || (o.format == FORMAT_AUTO && ends_in_png(o.out));
	if (stage_given(st, "scale") && !look.png)
		return err_usage(err, "--scale goes with --format png: it has no effect here");
	struct memtext m = { 0 }, d = { 0 };
	int rc = memtext_open(&m, err) || memtext_open(&d, err);
	if (!rc && t) {
		plot_script(t, &look, m.to);
		describe_table(t, d.to);
	} else if (!rc) {
		result_plot_script(p, &look, m.to);
		result_plot_describe(p, d.to);
	}
	rc = rc || memtext_close(&m, &script, &len, err) || memtext_close(&d, &shown, NULL, err);
	if (!rc && !o.script)
		rc = plot_run(script, len, look.png, &figure, &size, err) ||
		     (!look.png && name_svg(&figure, &size, shown, err));
	if (!rc)
		rc = output_open(&out, o.out, err) ||
		     output_write(&out, o.script ? script : figure, o.script ? len : size, err) ||
		     output_commit(&out, err);
	output_release(&out);
	memtext_drop(&m);
	memtext_drop(&d);
	free(script);
	free(shown);
	free(figure);
	return rc ? -1 : 0;
}

/* A table of results, from its first byte on. */
static int plot_results(const struct stage *st, struct input *in, struct err *err)
{
	const struct plot_ask ask = { o.curve == ASK_SETTINGS, o.metrics, o.method };
	struct result_table r = { 0 };
	struct result_plot p = { 0 };
	char *text = NULL;
	size_t len;
	if (o.curve && o.curve < ASK_BARS)
		return err_set(err, "%s: holds results, not %s", in->name, plot_curve_name((enum curve)(o.curve - 1)));
	int rc = input_slurp(in, PLOT_MAX, &text, &len, err) || result_table_take(&r, in->name, text, len, err);
	if (!rc && result_plot_choose(&p, &r, &ask, err))
		rc = err_context(err, "%s", in->name);
	rc = rc || draw_plot(st, NULL, &p, err);
	result_plot_release(&p);
	result_table_release(&r);
	return rc ? -1 : 0;
}

static int begins_with(const unsigned char *first, size_t got, const char *with)
{
	return got >= strlen(with) && !memcmp(first, with, strlen(with));
}

/* The curve's table; of a history of vic-train the one that vic-reliability makes of it. */
static int read_table(struct input *in, int is_history, char **text, size_t *len, struct err *err)
{
	struct memtext m;
	if (!is_history)
		return input_slurp(in, PLOT_MAX, text, len, err);
	if (memtext_open(&m, err))
		return -1;
	fprintf(m.to, "%s\n", curve_header(CURVE_TRAINING));
	int bad = curve_history(in->name, in, m.to, err);
	struct err closing = ERR_NONE;
	int rc = memtext_close(&m, text, len, bad ? &closing : err);
	if (bad)
		free(rc ? NULL : *text);
	return bad || rc ? -1 : 0;
}

static int plot_curves(const struct stage *st, struct input *in, int is_history, struct err *err)
{
	struct plot_table t;
	char *text;
	size_t len;
	if (read_table(in, is_history, &text, &len, err))
		return -1;
	int rc = plot_read(&t, in->name, text, len, err);
	free(text);
	if (rc)
		return -1;
	if (o.curve >= ASK_BARS || o.metrics)
		rc = err_set(err, "%s: holds %s, not results%s", in->name, plot_curve_name(t.curve),
			     o.curve >= ASK_BARS ? "" : ", which --metric is of");
	else if (o.curve && (int)t.curve != o.curve - 1)
		rc = err_set(err, "%s: holds %s, not %s", in->name, plot_curve_name(t.curve),
			     plot_curve_name((enum curve)(o.curve - 1)));
	rc = rc || draw_plot(st, &t, NULL, err);
	plot_release(&t);
	return rc ? -1 : 0;
}

static int run_plot(struct stage *st, struct err *err)
{
	static const char history[] = "epoch\tlr\t", results[] = "figure\tdataset\t";
	struct input in;
	const unsigned char *first;
	size_t got;
	if (input_open(&in, stage_operand(st, 0), err))
		return -1;
	int rc = input_peek(&in, sizeof results - 1, &first, &got, err);
	if (!rc && begins_with(first, got, results))
		rc = plot_results(st, &in, err);
	else if (!rc)
		rc = plot_curves(st, &in, begins_with(first, got, history), err);
	input_release(&in);
	return rc ? -1 : 0;
}

int main(int argc, char **argv)
{
	return stage_main(&prog, argc, argv, run_plot);
}

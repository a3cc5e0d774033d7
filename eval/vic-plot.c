/* vic-plot: figures from vic-reliability's tables and vic-train's histories. */
#include "pipeline/files/io.h"
#include "pipeline/base/memtext.h"
#include "pipeline/frame/stage.h"
#include "eval/show/curves.h"
#include "eval/show/plot.h"
#include "eval/show/report.h"

#include <stdlib.h>
#include <string.h>

enum { FORMAT_AUTO, FORMAT_SVG, FORMAT_PNG };
static struct {
	int curve, format, script;
	const char *out, *title;
	int64_t panel;
	double scale;
} o = { .out = "-", .panel = 300, .scale = 2 };

static const struct opt opts[] = {
	{ "curve", 'c', OPT_CHOICE, &o.curve, "NAME",
	  "what the table must hold: bins, histogram, corp, scatter, density, entropy, training, hull, risk-coverage, "
	  "roc or pr; auto: what its header says",
	  .choices = "auto|bins|histogram|corp|scatter|density|entropy|training|hull|risk-coverage|roc|pr" },
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
		"Colours are distinct to every kind of colour vision, and doubled by hatching,\n"
		"dashes or marks.",
	.example =
		"vic-reliability baseline.logits mixup.logits | vic-plot --title MR > mr.svg\n"
		"vic-reliability --curve training baseline.tsv mixup.tsv |\n"
		"    vic-plot -o training.png\n"
		"vic-plot -o learning.svg history.tsv",
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
static int name_svg(char **figure, size_t *len, const struct plot_table *t, struct err *err)
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
	fprintf(to, "%s%s of", o.title ? ": " : "", plot_curve_name(t->curve));
	for (int i = 0; i < t->n_groups; i++) {
		fputs(i ? ", " : " ", to);
		html_text(to, t->group[i]);
	}
	fprintf(to, "</title>%s", at + strlen(mark));
	if (memtext_close(&m, &named, &size, err))
		return -1;
	free(*figure);
	*figure = named;
	*len = size;
	return 0;
}

static int draw_plot(const struct stage *st, const struct plot_table *t, struct err *err)
{
	struct plot_look look = { .title = o.title, .panel = (int)o.panel, .scale = o.scale };
	struct output out = { 0 };
	char *script = NULL, *figure = NULL;
	size_t len = 0, size = 0;
	look.png = o.format == FORMAT_PNG || (o.format == FORMAT_AUTO && ends_in_png(o.out));
	if (stage_given(st, "scale") && !look.png)
		return err_usage(err, "--scale goes with --format png: it has no effect here");
	struct memtext m;
	if (memtext_open(&m, err))
		return -1;
	plot_script(t, &look, m.to);
	int rc = memtext_close(&m, &script, &len, err);
	if (!rc && !o.script)
		rc = plot_run(script, len, look.png, &figure, &size, err) ||
		     (!look.png && name_svg(&figure, &size, t, err));
	if (!rc)
		rc = output_open(&out, o.out, err) ||
		     output_write(&out, o.script ? script : figure, o.script ? len : size, err) ||
		     output_commit(&out, err);
	output_release(&out);
	free(script);
	free(figure);
	return rc ? -1 : 0;
}

/* The table; of a history of vic-train, which its header tells, the one that vic-reliability makes of it. */
static int read_table(const char *path, char **text, size_t *len, struct err *err)
{
	static const char begins[] = "epoch\tlr\t";
	struct input in;
	struct memtext m;
	const unsigned char *first;
	size_t got;
	if (input_open(&in, path, err))
		return -1;
	int rc = input_peek(&in, sizeof begins - 1, &first, &got, err);
	if (!rc && (got < sizeof begins - 1 || memcmp(first, begins, sizeof begins - 1))) {
		rc = input_slurp(&in, PLOT_MAX, text, len, err);
	} else if (!rc && !(rc = memtext_open(&m, err))) {
		fprintf(m.to, "%s\n", curve_header(CURVE_TRAINING));
		int bad = curve_history(in.name, &in, m.to, err);
		struct err closing = ERR_NONE;
		rc = memtext_close(&m, text, len, bad ? &closing : err);
		if (bad) {
			free(rc ? NULL : *text);
			rc = -1;
		}
	}
	input_release(&in);
	return rc;
}

static int run_plot(struct stage *st, struct err *err)
{
	const char *path = stage_operand(st, 0);
	struct plot_table t;
	char *text;
	size_t len;
	if (read_table(path, &text, &len, err))
		return -1;
	int rc = plot_read(&t, path, text, len, err);
	free(text);
	if (rc)
		return -1;
	if (o.curve && (int)t.curve != o.curve - 1)
		rc = err_set(err, "%s: holds %s, not %s", path, plot_curve_name(t.curve),
			     plot_curve_name((enum curve)(o.curve - 1)));
	rc = rc || draw_plot(st, &t, err);
	plot_release(&t);
	return rc ? -1 : 0;
}

int main(int argc, char **argv)
{
	return stage_main(&prog, argc, argv, run_plot);
}

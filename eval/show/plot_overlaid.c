/* Lines of several runs in one panel a quantity: training curves, what happens off the training data's hull, and curves
 * of rankings. */
#include "plot.h"

#include <math.h>
#include <string.h>

enum { LEFT = 60, RIGHT = 20, ABOVE = 26, BELOW = 42, HEADING = 30, STYLES = 7 };

struct quantity {
	const char *key, *label;
};

/* In this order where they are there; what is not listed (learning rate, counts) is not drawn. */
static const struct quantity training[] = {
	{ "train_loss", "training loss" },
	{ "dev_loss", "dev loss" },
	{ "train_accuracy", "training accuracy" },
	{ "dev_accuracy", "dev accuracy" },
	{ "dev_ece", "dev ECE" },
	{ "dev_oe", "dev OE" },
	{ "dev_confidence", "dev confidence" },
	{ "label_entropy", "entropy of the labels (nats)" },
};
enum { TRAINING = sizeof training / sizeof *training };
/* Of the others the number of the field. hull: 0 mu 1 n 2 accuracy 3 accuracy_low 4 accuracy_high 5 confidence
 * 6 entropy; risk-coverage: 0 coverage 1 n 2 threshold 3 risk; roc: 0 fpr 1 tpr; pr: 0 recall 1 precision */
static const struct quantity hull[] = { { "2", "accuracy" }, { "5", "confidence" }, { "6", "entropy (nats)" } };
static const struct quantity risk[] = { { "3", "risk" } }, roc[] = { { "1", "true positive rate" } },
			     pr[] = { { "1", "precision" } };

static const struct sheet_kind {
	const struct quantity *list;
	int n;
	const char *x, *with;
} kinds[] = {
	[CURVE_TRAINING] = { training, TRAINING, "epoch", "lines" },
	[CURVE_HULL] = { hull, 3, "perturbation mu", "linespoints" },
	[CURVE_RISK] = { risk, 1, "coverage", "lines" },
	[CURVE_ROC] = { roc, 1, "false positive rate", "lines" },
	[CURVE_PR] = { pr, 1, "recall", "lines" },
};

struct sheet {
	const struct plot_table *t;
	int columns, panel, tall, log_x;
	struct plot_canvas canvas;
	double zero; /* where mu = 0 is put on a logarithmic axis */
};

static int has_quantity(const struct plot_table *t, const char *key)
{
	for (int i = 0; i < t->n_quantities; i++)
		if (!strcmp(t->quantity[i], key))
			return i;
	return -1;
}

/* One block a run and panel: x and y. Widens *low..*high. Returns how many points it has. */
static int block(const struct sheet *s, int group, int panel, int field, double *low, double *high, FILE *to)
{
	int n = 0;
	fprintf(to, "$g%d_%d << EOD\n", group, panel);
	for (size_t i = 0; i < s->t->n; i++) {
		const double *v = s->t->row[i].number;
		double x = v[0], y = s->t->curve == CURVE_TRAINING ? v[2] : v[field];
		if (s->t->row[i].group != group || (s->t->curve == CURVE_TRAINING && (int)v[1] != field) || isnan(x) ||
		    isnan(y))
			continue;
		fprintf(to, "%.9g %.9g\n", s->log_x && x == 0 ? s->zero : x, y);
		*low = fmin(*low, y);
		*high = fmax(*high, y);
		n++;
	}
	fprintf(to, "EOD\n");
	return n;
}

/* A quantity that is drawn. */
struct panel {
	const struct quantity *q;
	double low, high;
};

static void draw_panel(const struct sheet *s, int at, const struct panel *p, FILE *to)
{
	double x = (double)(at % s->columns) * s->panel,
	       range = p->high > p->low ? p->high - p->low : fabs(p->high) + 1e-9;
	double bottom = s->canvas.height - s->canvas.heading - (at / s->columns + 1.0) * s->tall + BELOW;
	plot_margins(&s->canvas, x + LEFT, x + s->panel - RIGHT, bottom, bottom + s->tall - ABOVE - BELOW, to);
	fprintf(to, "set title ");
	plot_string(to, p->q->label);
	fprintf(to, " offset 0,-0.6\nset xlabel '%s' offset 0,0.5\nset yrange [%.9g:%.9g]\nset ytics %.9g\nplot ",
		kinds[s->t->curve].x, p->low - 0.04 * range,
		p->high + 0.04 * range, plot_step(p->high - p->low + 0.08 * range));
	for (int i = 0; i < s->t->n_groups; i++)
		fprintf(to, "%s$g%d_%d using 1:2 with %s ls %d notitle", i ? ", " : "", i, at,
			kinds[s->t->curve].with, i % STYLES + 1);
	fputc('\n', to);
}

static void x_axis(struct sheet *s, FILE *to)
{
	double least = INFINITY, most = 0;
	int zero = 0;
	for (size_t i = 0; i < s->t->n; i++) {
		double x = s->t->row[i].number[0];
		zero |= x == 0;
		if (x > 0) {
			least = fmin(least, x);
			most = fmax(most, x);
		}
	}
	s->log_x = s->t->curve == CURVE_HULL && most > 20 * least;
	s->zero = least / 10;
	if (s->log_x)
		fprintf(to, "set logscale x\nset format x '%%g'\n");
	if (s->log_x && zero)
		fprintf(to, "set xtics add ('0' %.9g)\n", s->zero);
}

void plot_overlaid(const struct plot_table *t, const struct plot_look *look, FILE *to)
{
	int trains = t->curve == CURVE_TRAINING, n = 0;
	struct sheet s = { .t = t, .panel = look->panel, .tall = look->panel * 78 / 100 };
	const struct quantity *list = kinds[t->curve].list;
	struct panel panel[TRAINING];
	struct plot_key key[PLOT_GROUPS];
	char how[PLOT_GROUPS][16];
	x_axis(&s, to);
	for (int i = 0; i < kinds[t->curve].n; i++) {
		int field = trains ? has_quantity(t, list[i].key) : list[i].key[0] - '0', points = 0;
		panel[n] = (struct panel){ &list[i], INFINITY, -INFINITY };
		for (int g = 0; field >= 0 && g < t->n_groups; g++)
			points += block(&s, g, n, field, &panel[n].low, &panel[n].high, to);
		n += points > 0;
	}
	for (int g = 0; g < t->n_groups; g++) {
		snprintf(how[g], sizeof how[g], "ls %d", g % STYLES + 1);
		key[g] = (struct plot_key){ t->group[g], 'l', how[g] };
	}
	s.columns = n < 1 ? 1 : n < 3 ? n : n == 4 ? 2 : 3;
	s.canvas.width = s.columns * s.panel;
	s.canvas.heading = look->title ? HEADING : 6;
	s.canvas.key = plot_key_height(key, t->n_groups, s.canvas.width);
	s.canvas.height = s.canvas.heading + (n + s.columns - 1) / s.columns * s.tall + s.canvas.key;
	plot_begin(&s.canvas, look, to);
	for (int i = 0; i < n; i++) {
		draw_panel(&s, i, &panel[i], to);
		if (look->title && !i)
			fprintf(to, "unset label 1\n");
	}
	plot_key_draw(key, t->n_groups, &s.canvas, to);
	fprintf(to, "unset multiplot\n");
}

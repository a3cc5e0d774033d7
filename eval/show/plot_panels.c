/* Small multiples: a panel for each stream (or alpha), all on the same axes. */
#include "plot.h"

#include <math.h>

enum { LEFT = 56, RIGHT = 16, ABOVE = 26, BELOW = 42, HEADING = 30, HIST = 62, GAP = 10 };

struct grid {
	int columns, rows, panel, tall;
	struct plot_canvas canvas;
};

static struct grid grid_of(const struct plot_table *t, const struct plot_look *look, int tall,
			   const struct plot_key *key, int n)
{
	struct grid g = { .panel = look->panel, .tall = tall };
	g.columns = t->n_groups < 3 ? t->n_groups : t->n_groups == 4 ? 2 : 3;
	g.rows = (t->n_groups + g.columns - 1) / g.columns;
	g.canvas.width = g.columns * g.panel;
	g.canvas.heading = look->title ? HEADING : 6;
	g.canvas.key = plot_key_height(key, n, g.canvas.width);
	g.canvas.height = g.canvas.heading + g.rows * g.tall + g.canvas.key;
	return g;
}

/* The frame of a figure inside panel i: `up` points above the panel's lower edge, `high` points high. */
static void frame(const struct grid *g, int i, int up, int high, FILE *to)
{
	double x = (double)(i % g->columns) * g->panel;
	double bottom = g->canvas.height - g->canvas.heading - (i / g->columns + 1.0) * g->tall + up;
	plot_margins(&g->canvas, x + LEFT, x + g->panel - RIGHT, bottom, bottom + high, to);
}

static void heading(const char *name, FILE *to)
{
	fprintf(to, "set title ");
	plot_string(to, name);
	fprintf(to, " offset 0,-0.6\n");
}

/* The rows of one group as a data block; a row is kept where number[need] is there. */
static void block(const struct plot_table *t, int group, int need, FILE *to)
{
	fprintf(to, "$g%d << EOD\n", group);
	for (size_t i = 0; i < t->n; i++) {
		const struct plot_row *r = &t->row[i];
		if (r->group != group || isnan(r->number[need]))
			continue;
		for (int k = 0; k < t->fields; k++) {
			if (isnan(r->number[k]))
				fprintf(to, "? ");
			else
				fprintf(to, "%.9g ", r->number[k]);
		}
		fputc('\n', to);
	}
	fprintf(to, "EOD\n");
}

static double total(const struct plot_table *t, int group, int field)
{
	double sum = 0;
	for (size_t i = 0; i < t->n; i++)
		if (t->row[i].group == group && !isnan(t->row[i].number[field]))
			sum += t->row[i].number[field];
	return sum > 0 ? sum : 1;
}

/* The largest number[field] of a group (or, for group -1, of any) as a share of the group's sum of number[over]. */
static double largest_share(const struct plot_table *t, int group, int field, int over)
{
	double most = 0;
	for (int g = 0; g < t->n_groups; g++) {
		double sum = over < 0 ? 1 : total(t, g, over);
		for (size_t i = 0; (group < 0 || g == group) && i < t->n; i++)
			if (t->row[i].group == g && t->row[i].number[field] / sum > most)
				most = t->row[i].number[field] / sum;
	}
	return most > 0 ? most : 1;
}

static void share_axis(double most, const char *label, FILE *to)
{
	fprintf(to, "set yrange [0:%.9g]\nset ytics 0,%.9g\nset format y '%%g'\nset ylabel '%s' offset 0.5\n",
		most * 1.04, plot_step(most), label);
}

#define ACCURACY_BOX "boxxyerror lc rgb '#7fb8d8' fs solid 1.0 border lc rgb '#ffffff' "
#define OVER_BOX "boxxyerror lc rgb '#D55E00' fs pattern 4 border "
#define UNDER_BOX "boxxyerror lc rgb '#009E73' fs pattern 5 border "
#define BAND_BOX "boxxyerror lc rgb '#444444' fs transparent solid 0.25 noborder "
#define RIGHT_BOX "boxxyerror lc rgb '#0072B2' fs solid 1.0 noborder "

/* bins: 1 bin 2 low 3 high 4 n 5 confidence 6 accuracy 7 gap 8 accuracy_low 9 accuracy_high 10 band_low 11 band_high */
static void bins_panel(const struct plot_table *t, const struct grid *g, int i, FILE *to)
{
	int side = g->tall - ABOVE - BELOW - HIST - GAP;
	double n = total(t, i, 3);
	frame(g, i, BELOW + HIST + GAP, side, to);
	heading(t->group[i], to);
	fprintf(to, "set xrange [0:1]\nset yrange [0:1]\nset format x ''\nset format y '%%.1f'\nset ytics 0.2\nset "
		    "xtics 0.2\nunset xlabel\n"
		    "set ylabel 'accuracy' offset 0.5\n");
	fprintf(to,
		"plot $g%d using (($2+$3)/2):6:2:3:(0):6 with " ACCURACY_BOX
		"notitle, '' using (($2+$3)/2):($5>$6?$6:NaN):2:3:6:5 with " OVER_BOX
		"notitle, '' using (($2+$3)/2):($5<=$6?$6:NaN):2:3:5:6 with " UNDER_BOX
		"notitle, '' using (($2+$3)/2):10:2:3:10:11 with " BAND_BOX
		"notitle, '' using (($2+$3)/2):8:(0):($9-$8) with vectors nohead lc rgb '#222222' lw 1 notitle, '' "
		"using (($2+$3)/2):6 with points lc rgb '#222222' pt 7 ps 0.25 notitle, x with lines lc rgb '#222222' "
		"lw 1 dt 2 notitle\n",
		i);
	frame(g, i, BELOW, HIST, to);
	fprintf(to, "unset title\nset format x '%%.1f'\nset xlabel 'confidence' offset 0,0.5\n");
	share_axis(largest_share(t, -1, 3, 3), "share", to);
	fprintf(to,
		"plot $g%d using (($2+$3)/2):($4/%.9g):2:3:(0):($4/%.9g) with boxxyerror lc rgb '#0072B2' fs solid 1.0 "
		"border lc rgb '#ffffff' notitle\n",
		i, n, n);
}

static int is_labelled(const struct plot_table *t, int group)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->row[i].group == group && t->row[i].number[5] + t->row[i].number[6] > 0)
			return 1;
	return 0;
}

static int has_unlabelled(const struct plot_table *t)
{
	for (int g = 0; g < t->n_groups; g++)
		if (!is_labelled(t, g))
			return 1;
	return 0;
}

/* histogram: 1 bin 2 low 3 high 4 n 5 share 6 right 7 wrong 8 share_low 9 share_high */
static void histogram_panel(const struct plot_table *t, const struct grid *g, int i, FILE *to)
{
	double n = total(t, i, 3);
	frame(g, i, BELOW, g->tall - ABOVE - BELOW, to);
	heading(t->group[i], to);
	fprintf(to, "set xrange [0:1]\nset xtics 0.2\nset format x '%%.1f'\nset xlabel 'confidence' offset 0,0.5\n");
	share_axis(largest_share(t, -1, 3, 3), "share of records", to);
	if (is_labelled(t, i))
		fprintf(to,
			"plot $g%d using (($2+$3)/2):($6/%.9g):2:3:(0):($6/%.9g) with " RIGHT_BOX
			"notitle, '' using (($2+$3)/2):(($6+$7)/%.9g):2:3:($6/%.9g):(($6+$7)/%.9g) with " OVER_BOX
			"notitle\n",
			i, n, n, n, n, n);
	else
		fprintf(to,
			"plot $g%d using (($2+$3)/2):5:2:3:(0):5 with boxxyerror lc rgb '#56606b' fs solid 1.0 "
			"noborder notitle\n",
			i);
}

/* Square panels of accuracy against confidence. */
static void square(const struct plot_table *t, const struct grid *g, int i, FILE *to)
{
	frame(g, i, BELOW, g->tall - ABOVE - BELOW, to);
	heading(t->group[i], to);
	fprintf(to, "set xrange [0:1]\nset yrange [0:1]\nset xtics 0.2\nset ytics 0.2\nset format xy '%%.1f'\nset "
		    "xlabel 'confidence' offset 0,0.5\n"
		    "set ylabel 'accuracy' offset 0.5\n");
}

/* corp: 1 block 2 n 3 confidence 4 accuracy 5 band_low 6 band_high */
static void corp_panel(const struct plot_table *t, const struct grid *g, int i, FILE *to)
{
	square(t, g, i, to);
	fprintf(to,
		"plot $g%d using 3:5:6 with filledcurves lc rgb '#d5d5d8' fs solid 1.0 noborder notitle, x with lines "
		"lc rgb '#222222' lw 1 dt 2 notitle, $g%d using 3:4 with lines lc rgb '#0072B2' lw 2 notitle\n",
		i, i);
}

/* scatter: 1 group 2 n 3 confidence 4 accuracy */
static void scatter_panel(const struct plot_table *t, const struct grid *g, int i, FILE *to)
{
	square(t, g, i, to);
	fprintf(to,
		"plot x with lines lc rgb '#222222' lw 1 dt 2 notitle, $g%d using 3:4 with points pt 6 ps 0.5 lw 1.2 "
		"lc rgb '#0072B2' notitle\n",
		i);
}

/* density: 1 confidence 2 accuracy 3 groups 4 density. Lightness falls all the way, so it prints in grey too. */
static void density_panel(const struct plot_table *t, const struct grid *g, int i, FILE *to)
{
	square(t, g, i, to);
	fprintf(to, "set palette defined (0 '#ffffff', 0.02 '#e8f1f8', 0.25 '#9cc7e4', 0.5 '#3b8fc4', 0.75 '#135a8c', "
		    "1 '#08243c')\nunset colorbox\nset cbrange [0:*]\n");
	fprintf(to, "plot $g%d using 1:2:4 with image notitle, x with lines lc rgb '#D55E00' lw 1.2 dt 2 notitle\n", i);
}

/* entropy: 1 bin 2 low 3 high 4 share 5 density. Each panel has its own height: the shapes are what differs. */
static void entropy_panel(const struct plot_table *t, const struct grid *g, int i, FILE *to)
{
	char name[64]; /* an alpha is a short number */
	frame(g, i, BELOW, g->tall - ABOVE - BELOW, to);
	err_phrase(name, sizeof name, "alpha = %s", t->group[i]);
	heading(name, to);
	fprintf(to, "set xrange [0:0.7]\nset xtics 0.2\nset format x '%%.1f'\nset xlabel 'entropy of the label (nats)' "
		    "offset 0,0.5\n");
	share_axis(largest_share(t, i, 3, -1), "share", to);
	fprintf(to, "plot $g%d using (($2+$3)/2):4:2:3:(0):4 with " RIGHT_BOX "notitle\n", i);
}

/* Marks of the keys, as the panels draw them. */
static const struct plot_key bins_key[] = {
	{ "accuracy", 'b', "fs solid 1.0 noborder fc rgb '#7fb8d8'" },
	{ "overconfident", 'b', "fs pattern 4 border lc rgb '#D55E00' fc rgb '#D55E00'" },
	{ "underconfident", 'b', "fs pattern 5 border lc rgb '#009E73' fc rgb '#009E73'" },
	{ "interval of the accuracy", 'l', "lc rgb '#222222' lw 1" },
	{ "range if calibrated", 'b', "fs solid 1.0 noborder fc rgb '#d0d0d0'" },
}, histogram_key[] = {
	{ "right", 'b', "fs solid 1.0 noborder fc rgb '#0072B2'" },
	{ "wrong", 'b', "fs pattern 4 border lc rgb '#D55E00' fc rgb '#D55E00'" },
	{ "unlabelled", 'b', "fs solid 1.0 noborder fc rgb '#56606b'" },
}, corp_key[] = {
	{ "accuracy (isotonic regression)", 'l', "lc rgb '#0072B2' lw 2" },
	{ "range if calibrated", 'b', "fs solid 1.0 noborder fc rgb '#d5d5d8'" },
}, scatter_key[] = {
	{ "a group of consecutive records", 'p', "pt 6 ps 0.5 lw 1.2 lc rgb '#0072B2'" },
};

void plot_panels(const struct plot_table *t, const struct plot_look *look, FILE *to)
{
	static const struct kind {
		double tall; /* of the panel's width */
		int need;    /* a field that must be there */
		const struct plot_key *key;
		int keys;
		void (*draw)(const struct plot_table *, const struct grid *, int, FILE *);
	} kind[] = {
		[CURVE_BINS] = { 1.26, 5, bins_key, 5, bins_panel },
		[CURVE_HISTOGRAM] = { 0.72, 3, histogram_key, 3, histogram_panel },
		[CURVE_CORP] = { 1.02, 3, corp_key, 2, corp_panel },
		[CURVE_SCATTER] = { 1.02, 3, scatter_key, 1, scatter_panel },
		[CURVE_DENSITY] = { 1.02, 3, NULL, 0, density_panel },
		[CURVE_ENTROPY] = { 0.72, 3, NULL, 0, entropy_panel },
	};
	const struct kind *k = &kind[t->curve];
	int keys = k->keys - (t->curve == CURVE_HISTOGRAM && !has_unlabelled(t));
	struct grid g = grid_of(t, look, (int)(k->tall * look->panel), k->key, keys);
	for (int i = 0; i < t->n_groups; i++)
		block(t, i, k->need, to);
	plot_begin(&g.canvas, look, to);
	for (int i = 0; i < t->n_groups; i++) {
		k->draw(t, &g, i, to);
		if (look->title && !i)
			fprintf(to, "unset label 1\n");
	}
	plot_key_draw(k->key, keys, &g.canvas, to);
	fprintf(to, "unset multiplot\n");
}

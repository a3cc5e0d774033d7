/* plot: vic-reliability's tables as figures. A table is read and checked, turned into a gnuplot script whose data are
 * in it, and gnuplot is run on that, without a shell. */
#ifndef VIC_PLOT_H
#define VIC_PLOT_H

#include "curves.h"
#include "pipeline/base/err.h"

#include <stdio.h>

enum { PLOT_FIELDS = 12, PLOT_GROUPS = 64, PLOT_MAX = 1 << 30 };

/* One line: its group (stream, alpha or run), and its numbers in the order of the header after the first column; NaN
 * where the field is empty. training: number[0] is the epoch, number[1] the index of the quantity, number[2] the value.
 */
struct plot_row {
	int group;
	double number[PLOT_FIELDS];
};
struct plot_table {
	enum curve curve;
	char *group[PLOT_GROUPS], *quantity[PLOT_GROUPS]; /* owned; in order of appearance */
	int n_groups, n_quantities, fields;
	struct plot_row *row; /* [n], owned */
	size_t n;
};
/* text: [len], with a NUL after. Errors name the path and the line. On failure *t is released. */
int plot_read(struct plot_table *t, const char *path, char *text, size_t len, struct err *err) VIC_CHECKED;
void plot_release(struct plot_table *t);
/* A curve's option name ("bins", ...). */
const char *plot_curve_name(enum curve c);

struct plot_look {
	const char *title; /* or NULL */
	int png;	   /* else SVG */
	int panel;	   /* width of a panel in points */
	double scale;	   /* PNG: pixels a point */
};
/* Writes the script. Errors of `to` are left for its close. */
void plot_script(const struct plot_table *t, const struct plot_look *look, FILE *to);

/* Runs gnuplot on a script; *figure (owned by the caller) has *len bytes, a PNG or an SVG with a NUL after. The user's
 * own gnuplot settings are left out. Errors: gnuplot missing, its own message, nothing drawn, a figure without its end
 * (no room in $TMPDIR), no end within two minutes. */
int plot_run(const char *script, size_t script_len, int png, char **figure, size_t *len, struct err *err) VIC_CHECKED;

/* For plot_script's parts. Sizes are in points. */
struct plot_canvas {
	int width, height, heading, key; /* heading and key: bands along the upper and the lower edge */
};
struct plot_key {
	const char *text;
	int mark; /* 'b': a box of `how` (fill style), 'l': a line of `how`, 'p': a point of `how` */
	const char *how;
};
/* Height of the band that n entries need at this width. */
int plot_key_height(const struct plot_key *key, int n, int width);
/* Draws them there. gnuplot's own key folds to the width of a panel and cannot stand below all of them. */
void plot_key_draw(const struct plot_key *key, int n, const struct plot_canvas *c, FILE *to);
/* Terminal, multiplot and heading. */
void plot_begin(const struct plot_canvas *c, const struct plot_look *look, FILE *to);
/* Margins of a figure, from the lower left corner. */
void plot_margins(const struct plot_canvas *c, double left, double right, double bottom, double top, FILE *to);
/* A round step that cuts a range into about four. */
double plot_step(double range);
/* What every script begins with. */
void plot_styles(FILE *to);
void plot_string(FILE *to, const char *text); /* a gnuplot string in single quotes */
void plot_panels(const struct plot_table *t, const struct plot_look *look, FILE *to); /* a panel a group */
void plot_overlaid(const struct plot_table *t, const struct plot_look *look,
		   FILE *to); /* a line a group, a panel a quantity */

#endif

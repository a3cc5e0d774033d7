/* What all plots share in their gnuplot script: styles, key, heading, margins and quoting. Text that comes from data
 * goes into a script through plot_string alone, so that no name can be read as gnuplot's code. The key is drawn from
 * objects, arrows and labels of one last, empty plot. Callers give positions in points from the lower left corner; the
 * script has them as fractions of the canvas. */
#include "pipeline/files/text.h"
#include "plot.h"

#include <math.h>
#include <string.h>

/* A quote is a string of its own: doubled, as gnuplot's manual has it, gnuplot 5 takes one after another or at the
 * beginning of a string for that string's end. */
void plot_string(FILE *to, const char *text)
{
	fputc('\'', to);
	for (const char *quote; (quote = strchr(text, '\'')); text = quote + 1) {
		text_put_part(to, text, (size_t)(quote - text), TEXT_SHOWN);
		fputs("'.\"'\".'", to);
	}
	text_put(to, text, TEXT_SHOWN);
	fputc('\'', to);
}

/* Okabe and Ito's colours, apart to every kind of colour vision; lines differ in dash and mark as well. */
static const char *const colour[] = { "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000" };

void plot_styles(FILE *to)
{
	fprintf(to, "set encoding utf8\nset border 3 lw 0.8 lc rgb '#555555'\nset tics nomirror scale 0.5 textcolor "
		    "rgb '#333333'\n"
		    "set grid back lw 0.5 lc rgb '#e2e2e2'\nset style fill solid 1.0 noborder\nset key noenhanced\nset "
		    "title noenhanced\n"
		    "set datafile missing '?'\n");
	for (int i = 0; i < 7; i++)
		fprintf(to, "set style line %d lc rgb '%s' lw 1.8 dt %d pt %d ps 0.7\n", i + 1, colour[i], i + 1,
			4 + 2 * i % 9);
}

/* Widths of text are guessed: 6.4 points a character at size 11, which DejaVu Sans does not exceed on average. */
enum { SWATCH = 30, BESIDE = 6, BETWEEN = 18, LINE = 18 };

static double entry_width(const struct plot_key *k)
{
	size_t n = 0;
	for (const char *p = k->text; *p; p++)
		n += (*p & 0xC0) != 0x80;
	return SWATCH + BESIDE + 6.4 * (double)n + BETWEEN;
}

/* How many entries from `first` fit on a line, at least one; *used gets their width. */
static int line_of(const struct plot_key *key, int n, int first, int width, double *used)
{
	int i = first;
	*used = 0;
	while (i < n && (i == first || *used + entry_width(&key[i]) <= width - BETWEEN))
		*used += entry_width(&key[i++]);
	*used -= BETWEEN;
	return i - first;
}

int plot_key_height(const struct plot_key *key, int n, int width)
{
	int lines = 0;
	double used;
	for (int i = 0; i < n; i += line_of(key, n, i, width, &used))
		lines++;
	return lines ? lines * LINE + 8 : 0;
}

void plot_key_draw(const struct plot_key *key, int n, const struct plot_canvas *c, FILE *to)
{
	double y = c->key - 4 - LINE / 2.0, used, w = c->width, h = c->height;
	if (!n)
		return;
	for (int i = 0, left = 0; i < n; y -= LINE) {
		left = line_of(key, n, i, c->width, &used);
		for (double x = (c->width - used) / 2; left > 0; left--, x += entry_width(&key[i++])) {
			if (key[i].mark == 'b')
				fprintf(to, "set object %d rectangle from screen %.5f,%.5f to screen %.5f,%.5f %s\n",
					i + 1, x / w, (y - 5) / h, (x + SWATCH) / w, (y + 5) / h, key[i].how);
			else if (key[i].mark == 'l')
				fprintf(to, "set arrow %d from screen %.5f,%.5f to screen %.5f,%.5f nohead %s\n", i + 1,
					x / w, y / h, (x + SWATCH) / w, y / h, key[i].how);
			else
				fprintf(to, "set label %d '' at screen %.5f,%.5f point %s\n", i + 100,
					(x + SWATCH / 2.0) / w, y / h, key[i].how);
			fprintf(to, "set label %d ", i + 1);
			plot_string(to, key[i].text);
			fprintf(to, " at screen %.5f,%.5f left noenhanced textcolor rgb '#333333'\n",
				(x + SWATCH + BESIDE) / w, y / h);
		}
	}
	fprintf(to, "unset border\nunset tics\nunset xlabel\nunset ylabel\nunset title\nunset logscale\nset xrange "
		    "[0:1]\nset yrange [0:1]\n");
	plot_margins(c, 0, c->width, 0, c->key, to);
	fprintf(to, "plot NaN notitle\n");
}

void plot_begin(const struct plot_canvas *c, const struct plot_look *look, FILE *to)
{
	double s = look->scale;
	if (look->png)
		fprintf(to,
			"set terminal pngcairo size %.0f,%.0f font 'DejaVu Sans,9' fontscale %g linewidth %g "
			"pointscale %g background '#ffffff'\n",
			s * c->width, s * c->height, s, s, s);
	else
		fprintf(to,
			"set terminal svg size %d,%d dynamic font 'DejaVu Sans,Arial,sans-serif,11' background "
			"'#ffffff'\n",
			c->width, c->height);
	fprintf(to, "set multiplot\nset key off\n");
	if (!look->title)
		return;
	fprintf(to, "set label 1 ");
	plot_string(to, look->title);
	fprintf(to, " at screen 0.5,%.5f center noenhanced font ',14' front\n", 1 - 17.0 / c->height);
}

void plot_margins(const struct plot_canvas *c, double left, double right, double bottom, double top, FILE *to)
{
	fprintf(to,
		"set lmargin at screen %.5f\nset rmargin at screen %.5f\nset bmargin at screen %.5f\nset tmargin at "
		"screen %.5f\n",
		left / c->width, right / c->width, bottom / c->height, top / c->height);
}

double plot_step(double range)
{
	double unit = pow(10, floor(log10(range / 4))), times = range / 4 / unit;
	return unit * (times < 1.4 ? 1 : times < 2.8 ? 2 : times < 7 ? 5 : 10);
}

void plot_script(const struct plot_table *t, const struct plot_look *look, FILE *to)
{
	int overlaid = t->curve == CURVE_TRAINING || t->curve >= CURVE_HULL;
	plot_styles(to);
	if (overlaid)
		plot_overlaid(t, look, to);
	else
		plot_panels(t, look, to);
}

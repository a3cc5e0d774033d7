/* Reads the tables of vic-reliability and vic-ood. The text is cut up in place. The first line must be one of
 * curve_header's, to the byte: it says which curve this is and how many fields a line has. Groups and quantities are
 * numbered in order of appearance and found by linear search, since there are at most PLOT_GROUPS of each. */
#include "pipeline/base/mem.h"
#include "pipeline/base/num.h"
#include "pipeline/stream/sniff.h"
#include "pipeline/files/text.h"
#include "plot.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CURVES = CURVE_PR + 1 };
static const char *const names[CURVES] = { "bins",    "histogram", "corp",     "scatter",
					   "density", "entropy",   "training", "hull",
					   "risk-coverage", "roc", "pr" };

const char *plot_curve_name(enum curve c)
{
	return names[c];
}

void plot_release(struct plot_table *t)
{
	for (int i = 0; i < t->n_groups; i++)
		free(t->group[i]);
	for (int i = 0; i < t->n_quantities; i++)
		free(t->quantity[i]);
	free(t->row);
	*t = (struct plot_table){ 0 };
}

/* Index of a name in a list, added when it is new; -1: the list is full or memory is. */
static int name_index(char **list, int *n, const char *name, const char *what, struct err *err)
{
	for (int i = 0; i < *n; i++)
		if (!strcmp(list[i], name))
			return i;
	if (*n == PLOT_GROUPS)
		return err_set(err, "more than %d %s in one figure", PLOT_GROUPS, what);
	if (mem_text(&list[*n], name, strlen(name), err))
		return -1;
	return (*n)++;
}

static int one_line(struct plot_table *t, char *line, size_t *cap, struct err *err)
{
	char *at = line, *text = text_field(&at, '\t');
	text_restore(text);
	if (mem_grow(&t->row, cap, t->n + 1, sizeof *t->row, err))
		return -1;
	struct plot_row *r = &t->row[t->n];
	r->group = name_index(t->group, &t->n_groups, text, t->curve == CURVE_ENTROPY ? "alphas" : "streams", err);
	if (r->group < 0)
		return -1;
	for (int i = 0; i < t->fields; i++) {
		text = text_field(&at, '\t');
		if (!text)
			return err_set(err, "has fewer fields than the header");
		r->number[i] = NAN;
		if (t->curve == CURVE_TRAINING && i == 1) {
			text_restore(text);
			int q = name_index(t->quantity, &t->n_quantities, text, "quantities", err);
			if (q < 0)
				return -1;
			r->number[i] = q;
		} else if (*text && num_f64("field", text, -1e300, 1e300, &r->number[i], err)) {
			err->status = VIC_DATA; /* num_f64 is made for options */
			return -1;
		}
	}
	if (at)
		return err_set(err, "has more fields than the header");
	t->n++;
	return 0;
}

static int which_curve(struct plot_table *t, const char *header, struct err *err)
{
	for (int c = 0; c < CURVES; c++) {
		if (strcmp(header, curve_header((enum curve)c)))
			continue;
		t->curve = (enum curve)c;
		for (const char *p = header; (p = strchr(p, '\t')); p++)
			t->fields++;
		return 0;
	}
	return err_set(err, "line 1 is none of the headers that vic-reliability and vic-ood --curve write");
}

int plot_read(struct plot_table *t, const char *path, char *text, size_t len, struct err *err)
{
	size_t cap = 0, number = 1;
	*t = (struct plot_table){ 0 };
	int rc = strlen(text) != len ? err_set(err, "holds a NUL byte: not a table") : 0;
	for (char *line = text, *next; !rc && line && *line; line = next, number++) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		rc = number == 1 ? which_curve(t, line, err) : one_line(t, line, &cap, err);
		if (rc && number > 1)
			err_context(err, "line %zu", number);
	}
	if (!rc && !t->n)
		rc = err_set(err, "holds no line of numbers");
	if (!rc)
		return 0;
	plot_release(t);
	err_context(err, "%s", path);
	return sniff_explain(path, "curves", err);
}

/* Text, numbers and tables as HTML. A long table is cut where it is printed: lines are chosen by looking for the next
 * furthest one, so nothing has to be kept. */
#include "html.h"
#include "eval/metrics/metric_table.h"
#include "pipeline/files/text.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

void html_text(FILE *to, const char *text)
{
	for (const char *p = text ? text : ""; *p;) {
		size_t plain = strcspn(p, "&<>\"");
		text_put_part(to, p, plain, TEXT_SHOWN);
		p += plain;
		if (*p)
			fputs(*p == '&' ? "&amp;" : *p == '<' ? "&lt;" : *p == '>' ? "&gt;" : "&quot;", to);
		p += *p != 0;
	}
}

void html_number(FILE *to, double v)
{
	if (isnan(v))
		fputs("not defined", to);
	else if (isinf(v))
		fputs(v > 0 ? "infinite" : "&minus;infinite", to);
	else if (v != 0 && fabs(v) < 5e-5)
		fprintf(to, "%s%.1e", v < 0 ? "&minus;" : "", fabs(v));
	else
		fprintf(to, "%s%.4f", v < 0 ? "&minus;" : "", fabs(v));
}

void html_interval(FILE *to, double low, double high)
{
	fputs("<small>", to);
	html_number(to, low);
	fputs("&nbsp;to ", to);
	html_number(to, high);
	fputs("</small>", to);
}

static void put_cell(FILE *to, const struct table_cell *c)
{
	fputs(c->type == CELL_TEXT ? "<td class=\"word\">" : "<td>", to);
	if (c->type == CELL_NONE)
		fputs("&ndash;", to);
	else if (c->type == CELL_COUNT)
		fprintf(to, "%" PRIu64, c->count);
	else if (c->type == CELL_TEXT)
		html_text(to, c->text);
	else
		html_number(to, c->value);
	if (c->type == CELL_INTERVAL)
		html_interval(to, c->low, c->high);
	fputs("</td>", to);
}

static size_t end_of(const struct table *t, const struct html_view *v)
{
	return v->to ? v->to : t->n_columns;
}

static int is_shown(const struct html_view *v, const char *key)
{
	const char *const *k = v->key;
	while (k && *k && strcmp(*k, key))
		k++;
	return !k || *k;
}

/* What stands in no metric_table. */
static const struct label {
	const char *key, *label;
} labels[] = { { "predicted", "Predicted" },	{ "precision", "Precision" },	 { "coverage", "Coverage" },
	       { "size", "Mean size" },		{ "n_in", "Own records" },	 { "n_out", "Others" },
	       { "auroc", "AUROC" },		{ "aupr_in", "AUPR of own" },	 { "aupr_out", "AUPR of others" },
	       { "fpr95", "FPR95" },		{ "threshold95", "Threshold" } };

static const char *label_of(const char *key)
{
	for (const struct metric *m = metric_table; m->key; m++)
		if (m->group != REPORT_NONE && !strcmp(m->key, key))
			return m->label;
	for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
		if (!strcmp(labels[i].key, key))
			return labels[i].label;
	return NULL;
}

/* A metric by its label; any other name as it is. */
static void put_name(FILE *to, const char *name, int is_metric)
{
	const char *label = is_metric ? label_of(name) : NULL;
	if (label)
		fputs(label, to);
	else
		html_text(to, name);
}

static void put_line(FILE *to, const struct table *t, const struct html_view *v, size_t line)
{
	fputs("<tr><th scope=\"row\">", to);
	put_name(to, v->by_column ? t->column[line] : table_key(t, line), v->of_metrics);
	fputs("</th>", to);
	if (v->by_column) {
		for (size_t r = 0; r < t->n_rows; r++)
			if (is_shown(v, table_key(t, r)))
				put_cell(to, table_at(t, r, line));
	} else {
		for (size_t c = v->from; c < end_of(t, v); c++)
			put_cell(to, table_at(t, line, c));
	}
	fputs("</tr>", to);
}

static void open_table(FILE *to, const struct table *t, const struct html_view *v, const char *more)
{
	fputs("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"", to);
	html_text(to, v->caption);
	fprintf(to, "%s of ", more);
	html_text(to, v->of);
	fprintf(to, "\"><table class=\"scores lines%s\"><caption>", v->names_of_streams ? "" : " measures");
	html_text(to, v->caption);
	fprintf(to, "</caption><thead><tr><th scope=\"col\">%s</th>", v->head);
	for (size_t i = v->by_column ? 0 : v->from; i < (v->by_column ? t->n_rows : end_of(t, v)); i++) {
		const char *name = v->by_column ? table_key(t, i) : t->column[i];
		if (v->by_column && !is_shown(v, name))
			continue;
		fputs("<th scope=\"col\">", to);
		put_name(to, name, !v->of_metrics);
		fputs("</th>", to);
	}
	fputs("</tr></thead><tbody>", to);
}

static size_t place_of(const struct table *t, const struct html_view *v)
{
	size_t n = v->by_column ? t->n_rows : t->n_columns, i = 0;
	while (i < n && strcmp(v->by_column ? table_key(t, i) : t->column[i], v->furthest))
		i++;
	return i;
}

enum { NO_LINE = -1 };

/* The line that stands next behind one of this value and number (NO_LINE: the first), the largest value first, ties in
 * their order, what is undefined last. */
static size_t next_furthest(const struct table *t, const struct html_view *v, size_t place, double *value, size_t after)
{
	size_t n = v->by_column ? end_of(t, v) : t->n_rows, best = n;
	double most = -INFINITY;
	for (size_t i = v->by_column ? v->from : 0; i < n; i++) {
		double x = (v->by_column ? table_at(t, place, i) : table_at(t, i, place))->value;
		x = isnan(x) ? -INFINITY : x;
		int behind = x < *value || (x == *value && (after == (size_t)NO_LINE || i > after));
		if (behind && (best == n || x > most)) {
			most = x;
			best = i;
		}
	}
	*value = most;
	return best;
}

static void furthest_lines(FILE *to, const struct table *t, const struct html_view *v)
{
	size_t place = place_of(t, v), n = v->by_column ? end_of(t, v) : t->n_rows, at = (size_t)NO_LINE;
	double value = INFINITY;
	for (int i = 0; i < HTML_LINES; i++) {
		at = next_furthest(t, v, place, &value, at);
		if (at == n)
			return;
		put_line(to, t, v, at);
	}
}

static void first_lines(FILE *to, const struct table *t, const struct html_view *v, size_t most)
{
	size_t end = v->by_column ? end_of(t, v) : t->n_rows;
	for (size_t i = v->by_column ? v->from : 0; i < end && most; i++)
		if (v->by_column || is_shown(v, table_key(t, i))) {
			put_line(to, t, v, i);
			most--;
		}
}

void html_table(FILE *to, const struct table *t, const struct html_view *v)
{
	size_t n = v->by_column ? end_of(t, v) - v->from : t->n_rows;
	if (!n)
		return;
	open_table(to, t, v, "");
	if (n > HTML_LINES && v->furthest)
		furthest_lines(to, t, v);
	else
		first_lines(to, t, v, HTML_LINES);
	fputs("</tbody></table></div>", to);
	if (v->key && !v->by_column)
		return;
	if (n <= HTML_LINES)
		return;
	fprintf(to, "<p class=\"note\">%d of %zu lines, ", HTML_LINES, n);
	if (v->furthest) {
		fputs("those of the largest ", to);
		put_name(to, v->furthest, 1);
	} else {
		fputs("the first", to);
	}
	if (n > HTML_FOLDED) {
		fprintf(to, "; %zu are left out: %s prints all.</p>", n - HTML_LINES, v->elsewhere);
		return;
	}
	fprintf(to, ".</p><details><summary>All %zu lines</summary>", n);
	open_table(to, t, v, ", all,");
	first_lines(to, t, v, n);
	fputs("</tbody></table></div></details>", to);
}

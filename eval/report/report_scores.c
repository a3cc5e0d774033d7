/* The table of numbers, and where each stream came from. */
#include "pipeline/files/jsontext.h"
#include "pipeline/frame/provenance.h"
#include "pipeline/files/text.h"
#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void cell(FILE *to, const struct score_item *s)
{
	fputs("<td>", to);
	if (!s)
		fputs("&ndash;", to);
	else if (s->kind == SCORE_COUNT)
		fprintf(to, "%.0f", s->value);
	else if (s->kind == SCORE_TEXT)
		html_text(to, s->text);
	else
		html_number(to, s->value);
	if (s && s->kind == SCORE_INTERVAL)
		html_interval(to, s->low, s->high);
	fputs("</td>", to);
}

static int anyone_has(const struct report *r, const char *key)
{
	for (int i = 0; i < r->n; i++)
		if (score_find(&r->report_stream[i].score, key))
			return 1;
	return 0;
}

static void head_of_table(FILE *to, const struct report *r, const char *name)
{
	fprintf(to, "<p class=\"note\">One column a stream; %d bins of equal width.", r->report_stream[0].bins.m);
	if (r->rounds)
		fprintf(to, " Small print: %g %% intervals from %d bootstrap resamples.", 100 * r->level, r->rounds);
	fprintf(to,
		"</p><div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"%s\"><table "
		"class=\"scores\"><caption>%s</caption><thead><tr><th scope=\"col\">Measure</th>",
		name, name);
	for (int i = 0; i < r->n; i++) {
		fprintf(to, "<th scope=\"col\">");
		html_text(to, r->report_stream[i].rows.name);
		fprintf(to, "</th>");
	}
	fprintf(to, "</tr></thead><tbody>");
}

static void row_of_table(FILE *to, const struct report *r, const struct metric *row)
{
	if (!anyone_has(r, row->key))
		return;
	fprintf(to, "<tr><th scope=\"row\">%s", row->label);
	if (row->note)
		fprintf(to, "<small>%s</small>", row->note);
	fprintf(to, "</th>");
	for (int i = 0; i < r->n; i++)
		cell(to, score_find(&r->report_stream[i].score, row->key));
	fprintf(to, "</tr>");
}

static void rows_of_group(FILE *to, const struct report *r, enum metric_group group)
{
	for (int place = 0; place < REPORT_PLACES; place++)
		for (const struct metric *row = metric_table; row->key; row++)
			if (row->group == group && row->place == place)
				row_of_table(to, r, row);
}

/* What most readers came for. */
void report_scores(FILE *to, const struct report *r)
{
	head_of_table(to, r, "Scores");
	rows_of_group(to, r, REPORT_FIRST);
	fprintf(to, "</tbody></table></div>");
}

void report_more_scores(FILE *to, const struct report *r)
{
	static const char *const title[REPORT_GROUPS] = {
		[REPORT_TOP_LABEL] = "Calibration of the top label",
		[REPORT_CLASSES] = "Other classes than the top one",
		[REPORT_CORP] = "Parts of the top label's Brier score (CORP)",
		[REPORT_SELECTIVE] = "Knowing when it is wrong",
	};
	head_of_table(to, r, "More measures");
	for (int group = REPORT_TOP_LABEL; group < REPORT_GROUPS; group++) {
		fprintf(to, "</tbody><tbody><tr class=\"group\"><th colspan=\"%d\" scope=\"rowgroup\">%s</th></tr>",
			r->n + 1, title[group]);
		rows_of_group(to, r, (enum metric_group)group);
	}
	fprintf(to, "</tbody></table></div>");
}

/* The commands that would make the stream again, line by line. */
static void report_commands(FILE *to, const json_t *provenance)
{
	struct err err = ERR_NONE;
	char *text, *next;
	if (provenance_shell(provenance, &text, &err)) {
		html_text(to, err.msg);
		return;
	}
	for (char *line = text; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		html_text(to, line);
		fputc('\n', to);
	}
	free(text);
}

static const char *text_of(const json_t *j, const char *key)
{
	const char *text = json_string_value(json_object_get(j, key));
	return text ? text : "?";
}

/* The map that vic-calibrate applied, in words. */
static void map_note(FILE *to, const json_t *map)
{
	const json_t *t = json_object_get(map, "temperature");
	size_t i;
	json_t *arg;
	html_text(to, text_of(map, "method"));
	if (json_is_real(t))
		fprintf(to, " %.5g", json_real_value(t));
	fprintf(to, ", fitted on %" JSON_INTEGER_FORMAT " records of ",
		json_integer_value(json_object_get(map, "records")));
	html_text(to, text_of(map, "name"));
	fputs(" (split ", to);
	html_text(to, text_of(map, "split"));
	fputs(") by vic-calibrate", to);
	json_array_foreach(json_object_get(map, "args"), i, arg)
	{
		fputs(" ", to);
		html_text(to, json_string_value(arg) ? json_string_value(arg) : "?");
	}
}

/* What a stage noted beside its arguments. */
static void notes(FILE *to, const json_t *line)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)line, key, value)
	{
		if (!strcmp(key, "program") || !strcmp(key, "version") || !strcmp(key, "args") || !strcmp(key, "model"))
			continue;
		fputs("<br><span class=\"note\">", to);
		html_text(to, key);
		fputs(": ", to);
		if (!strcmp(key, "map") && json_is_object(value)) {
			map_note(to, value);
		} else {
			char *text;
			struct err ignored;
			int rc = jsontext_write(&text, value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6), &ignored);
			html_text(to, rc ? "?" : text);
			free(text);
		}
		fputs("</span>", to);
	}
}

void report_provenance(FILE *to, const struct report_stream *p)
{
	size_t i;
	json_t *line;
	fputs("<h3>", to);
	html_text(to, p->rows.name);
	fprintf(to, "</h3><p>%zu records (split: %s), %d classes, %s of float%s", p->rows.n,
		rows_split_name(p->rows.split), p->rows.head.n_classes,
		p->rows.head.values == VALUES_PROBS ? "probabilities" : "logits",
		p->rows.head.dtype == DTYPE_F64 ? "64" : "32");
	if (p->rows.head.samples > 1)
		fprintf(to, ", %d samples a record, probabilities averaged", p->rows.head.samples);
	fputs(".", to);
	if (p->rows.documents > 1)
		fprintf(to, " %" PRIu64 " documents were pooled; what follows is the first one's.", p->rows.documents);
	if (p->rows.sum.unlabelled)
		fprintf(to, " %" PRIu64 " records without a label were left out.", p->rows.sum.unlabelled);
	fputs("</p>", to);
	if (!json_array_size(p->rows.provenance)) {
		fputs("<p>The stream does not say how it was made.</p>", to);
		return;
	}
	fputs("<ol>", to);
	json_array_foreach(p->rows.provenance, i, line)
	{
		const char *program = json_string_value(json_object_get(line, "program"));
		const char *version = json_string_value(json_object_get(line, "version"));
		fputs("<li>", to);
		html_text(to, program ? program : "(unnamed program)");
		fputs(" ", to);
		html_text(to, version ? version : "");
		notes(to, line);
		fputs("</li>", to);
	}
	fputs("</ol><p>To make it again:</p><pre><code>", to);
	report_commands(to, p->rows.provenance);
	fputs("</code></pre>", to);
}

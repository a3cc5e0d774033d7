/* Sheets as Markdown and as LaTeX. */
#include "sheet.h"
#include "pipeline/files/text.h"

#include <ctype.h>
#include <string.h>

void markdown_text(FILE *to, const char *text)
{
	while (*text) {
		size_t plain = strcspn(text, "\\`*_[]<>&|#~");
		text_put_part(to, text, plain, TEXT_SHOWN);
		text += plain;
		if (*text == '<' || *text == '>' || *text == '&')
			fputs(*text == '<' ? "&lt;" : *text == '>' ? "&gt;" : "&amp;", to);
		else if (*text)
			fprintf(to, "\\%c", *text);
		text += *text != 0;
	}
}

void latex_text(FILE *to, const char *text)
{
	while (*text) {
		size_t plain = strcspn(text, "\\{}$&#^_~%<>");
		text_put_part(to, text, plain, TEXT_SHOWN);
		text += plain;
		if (*text == '\\' || *text == '~' || *text == '^')
			fputs(*text == '\\' ? "\\textbackslash{}" : *text == '~' ? "\\textasciitilde{}" :
										    "\\textasciicircum{}", to);
		else if (*text == '<' || *text == '>')
			fprintf(to, "$%c$", *text);
		else if (*text)
			fprintf(to, "\\%c", *text);
		text += *text != 0;
	}
}

/* A cell's text with its minus signs as such. */
static void cell_text(FILE *to, const char *text, const char *minus, void (*put)(FILE *, const char *))
{
	char part[128];
	for (const char *from = text; *from;) {
		const char *dash = from;
		while (*dash && !(*dash == '-' && (dash == text || dash[-1] == ' ') && isalnum((unsigned char)dash[1])))
			dash++;
		err_phrase(part, sizeof part, "%.*s", (int)(dash - from), from);
		put(to, part);
		from = dash;
		if (*dash) {
			fputs(minus, to);
			from++;
		}
	}
}

static void markdown_cell(FILE *to, const struct sheet_cell *c)
{
	static const char minus[] = "\xE2\x88\x92";
	if (c->is_verdict && c->verdict != VERDICT_OPEN)
		fprintf(to, "**%s**", c->text);
	else if (c->text)
		cell_text(to, c->text, minus, markdown_text);
	if (c->small) {
		fputs(" (", to);
		cell_text(to, c->small, minus, markdown_text);
		fputs(")", to);
	}
	if (c->paper) {
		fputs(c->text ? "; paper " : "paper ", to);
		cell_text(to, c->paper, minus, markdown_text);
	}
}

static void markdown_head(FILE *to, const struct sheet_row *row)
{
	fputs("| ", to);
	fputs(row->cell ? "" : "**", to);
	markdown_text(to, row->head);
	fputs(row->cell ? "" : "**", to);
	if (row->note && *row->note) {
		fputs(" (", to);
		markdown_text(to, row->note);
		fputs(")", to);
	}
	fputs(" |", to);
}

void sheet_markdown(const struct sheet *s, FILE *to)
{
	fprintf(to, "| %s |", s->first);
	for (size_t i = 0; i < s->columns; i++) {
		fputs(" ", to);
		markdown_text(to, s->column[i]);
		fputs(" |", to);
	}
	fputs("\n|---|", to);
	for (size_t i = 0; i < s->columns; i++)
		fputs("---:|", to);
	fputs("\n", to);
	for (size_t r = 0; r < s->n; r++) {
		markdown_head(to, &s->row[r]);
		for (size_t i = 0; i < s->columns; i++) {
			fputs(" ", to);
			if (s->row[r].cell)
				markdown_cell(to, &s->row[r].cell[i]);
			fputs(" |", to);
		}
		fputs("\n", to);
	}
}

static void latex_cell(FILE *to, const struct sheet_cell *c)
{
	if (c->is_verdict && c->verdict != VERDICT_OPEN)
		fprintf(to, "\\textbf{%s}", c->text);
	else if (c->text)
		cell_text(to, c->text, "$-$", latex_text);
	if (c->small) {
		fputs(" {\\scriptsize(", to);
		cell_text(to, c->small, "$-$", latex_text);
		fputs(")}", to);
	}
	if (c->paper) {
		fputs(" {\\scriptsize paper ", to);
		cell_text(to, c->paper, "$-$", latex_text);
		fputs("}", to);
	}
}

void sheet_latex(const struct sheet *s, FILE *to)
{
	fputs("\\begin{table}\n\\centering\\small\n\\caption{", to);
	latex_text(to, s->title);
	fputs("}\n\\begin{tabular}{l", to);
	for (size_t i = 0; i < s->columns; i++)
		fputc('r', to);
	fprintf(to, "}\n\\hline\n%s", s->first);
	for (size_t i = 0; i < s->columns; i++) {
		fputs(" & ", to);
		latex_text(to, s->column[i]);
	}
	fputs(" \\\\\n\\hline\n", to);
	for (size_t r = 0; r < s->n; r++) {
		const struct sheet_row *row = &s->row[r];
		if (!row->cell)
			fprintf(to, "\\multicolumn{%zu}{l}{\\textit{", s->columns + 1);
		latex_text(to, row->head);
		fputs(row->cell ? "" : "}", to);
		if (row->note && *row->note) {
			fputs(" {\\scriptsize ", to);
			latex_text(to, row->note);
			fputs("}", to);
		}
		fputs(row->cell ? "" : "}", to);
		for (size_t i = 0; row->cell && i < s->columns; i++) {
			fputs(" & ", to);
			latex_cell(to, &row->cell[i]);
		}
		fputs(" \\\\\n", to);
	}
	fputs("\\hline\n\\end{tabular}\n\\end{table}\n", to);
}

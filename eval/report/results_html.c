/* The page of results as HTML: verdicts first, then figure by figure numbers and pictures, then what is behind the
 * verdicts. */
#include "eval/results/sheet.h"
#include "pipeline/files/io.h"
#include "pipeline/stream/sniff.h"
#include "report.h"
#include "report_style.h"
#include "results_page.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Colours as dark (or light) as report_style's of text, each doubled by a sign. */
static const char own_style[] =
	":root{--yes:#00563f;--no:#8a3600}@media(prefers-color-scheme:dark){:root{--yes:#3fd0a4;--no:#f0a030}}"
	".verdict{font-weight:600;white-space:nowrap}.confirmed{color:var(--yes)}.refuted{color:var(--no)}"
	".open{color:var(--dim);font-weight:400}"
	".confirmed::before{content:\"\\2713\\a0\"}.refuted::before{content:\"\\2717\\a0\"}.open::before{content:"
	"\"\\25cb\\a0\"}"
	".picture{display:block;max-width:100%;height:auto;background:#fff;border:1px solid "
	"var(--line);border-radius:6px}"
	".claims th[scope=row]{min-width:16rem;max-width:26rem;font-weight:400}"
	".group th span{position:sticky;left:.75rem;display:inline-block;white-space:normal;max-width:min(46rem,80vw)}"
	".group th small{white-space:normal}small.paper{color:var(--link)}.numbers thead th{overflow-wrap:normal}"
	"@media(max-width:30rem){.claims "
	"th[scope=row]{min-width:9rem;max-width:10rem;font-size:.875rem}.picture{max-width:"
	"none}}"
	"@media print{:root{--yes:#00563f;--no:#8a3600}.picture{max-width:100%}.group th span{position:static}}";

int picture_read(struct picture *p, const char *path, struct err *err)
{
	enum { MOST = 1 << 26, LOOKED_AT = 1000 };
	static const char png[8] = "\x89PNG\r\n\x1a\n";
	const char *slash = strrchr(path, '/');
	*p = (struct picture){ .name = slash ? slash + 1 : path };
	if (io_slurp(path, MOST, &p->data, &p->len, err))
		return -1;
	p->png = p->len > sizeof png && !memcmp(p->data, png, sizeof png);
	size_t first = p->len < LOOKED_AT ? p->len : LOOKED_AT;
	if (p->png || (*p->data == '<' && memmem(p->data, first, "<svg", 4)))
		return 0;
	return sniff_refuse(path, p->data, p->len < SNIFF_BYTES ? p->len : SNIFF_BYTES, "a picture (SVG or PNG)", err);
}

/* RFC 4648. */
static void base64(FILE *to, const unsigned char *data, size_t len)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t bits =
			(uint32_t)data[i] << 16 | (n > 1 ? (uint32_t)data[i + 1] << 8 : 0) | (n > 2 ? data[i + 2] : 0);
		for (size_t k = 0; k < 4; k++)
			fputc(k <= n ? digit[bits >> (18 - 6 * k) & 63] : '=', to);
	}
}

/* What stands in the SVG's <title> is text of its markup already. */
static void alternative(FILE *to, const struct picture *p)
{
	static const char begin[] = "<title>", end[] = "</title>";
	const char *title = p->png ? NULL : memmem(p->data, p->len, begin, sizeof begin - 1);
	const char *stop = title ? strstr(title, end) : NULL;
	if (stop && !memchr(title + sizeof begin - 1, '"', (size_t)(stop - title) - sizeof begin + 1))
		fwrite(title + sizeof begin - 1, 1, (size_t)(stop - title) - sizeof begin + 1, to);
	else
		html_text(to, p->name);
}

/* gnuplot's SVGs have a viewBox alone, and would be as wide as the page. */
static void size_of(FILE *to, const struct picture *p)
{
	static const char begin[] = "viewBox=\"0 0 ";
	const char *box = p->png ? NULL : memmem(p->data, p->len, begin, sizeof begin - 1);
	char *end;
	if (!box)
		return;
	long width = strtol(box + sizeof begin - 1, &end, 10), height = strtol(end, &end, 10);
	if (width > 0 && height > 0 && *end == '"')
		fprintf(to, " width=\"%ld\" height=\"%ld\"", width, height);
}

void picture_html(FILE *to, const struct picture *p)
{
	fputs("<img class=\"picture\"", to);
	size_of(to, p);
	fputs(" alt=\"", to);
	alternative(to, p);
	fprintf(to, "\" src=\"data:image/%s;base64,", p->png ? "png" : "svg+xml");
	base64(to, (const unsigned char *)p->data, p->len);
	fputs("\">", to);
}

/* Text with its minus signs as such. */
static void number_html(FILE *to, const char *text)
{
	for (const char *p = text; *p; p++) {
		char one[2] = { *p, 0 };
		if (*p == '-' && (p == text || p[-1] == ' ') && isalnum((unsigned char)p[1]))
			fputs("&minus;", to);
		else
			html_text(to, one);
	}
}

static void cell_html(FILE *to, const struct sheet_cell *c)
{
	fputs("<td>", to);
	if (c->is_verdict)
		fprintf(to, "<span class=\"verdict %s\">%s</span>", c->text, c->text);
	else if (c->text)
		number_html(to, c->text);
	if (c->small) {
		fputs("<small>", to);
		number_html(to, c->small);
		fputs("</small>", to);
	}
	if (c->paper) {
		fputs("<small class=\"paper\">paper ", to);
		number_html(to, c->paper);
		fputs("</small>", to);
	}
	fputs("</td>", to);
}

static void sheet_html(FILE *to, const struct sheet *s, const char *class)
{
	fprintf(to, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"");
	html_text(to, s->title);
	fprintf(to, "\"><table class=\"scores %s\"><caption>", class);
	html_text(to, s->title);
	fprintf(to, "</caption><thead><tr><th scope=\"col\">%s</th>", s->first);
	for (size_t i = 0; i < s->columns; i++) {
		fputs("<th scope=\"col\">", to);
		html_text(to, s->column[i]);
		fputs("</th>", to);
	}
	fputs("</tr></thead><tbody>", to);
	for (size_t r = 0; r < s->n; r++) {
		const struct sheet_row *row = &s->row[r];
		if (row->cell)
			fputs("<tr><th scope=\"row\">", to);
		else
			fprintf(to, "</tbody><tbody><tr class=\"group\"><th colspan=\"%zu\" scope=\"rowgroup\"><span>",
				s->columns + 1);
		html_text(to, row->head);
		if (row->note && *row->note) {
			fputs("<small>", to);
			html_text(to, row->note);
			fputs("</small>", to);
		}
		fputs(row->cell ? "</th>" : "</span></th>", to);
		for (size_t i = 0; row->cell && i < s->columns; i++)
			cell_html(to, &row->cell[i]);
		fputs("</tr>", to);
	}
	fputs("</tbody></table></div>\n", to);
}

/* The figure whose name the picture's begins with, the longest of them; the number of figures where there is none. */
static size_t figure_of(const struct results_page *p, const struct picture *picture)
{
	const char *figure;
	size_t longest = 0, found = 0, n = 0;
	for (; (figure = results_page_figure(p, n)); n++) {
		size_t len = strlen(figure);
		if (len > longest && !strncmp(picture->name, figure, len)) {
			longest = len;
			found = n;
		}
	}
	return longest ? found : n;
}

static void pictures(FILE *to, const struct results_page *p, size_t figure)
{
	for (size_t i = 0; i < p->n_pictures; i++)
		if (figure_of(p, &p->picture[i]) == figure) {
			fputs("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Picture\">", to);
			picture_html(to, &p->picture[i]);
			fputs("</div>\n", to);
		}
}

static void commands(FILE *to, const struct results_page *p, const char *figure)
{
	const char *before = "";
	fputs("<details><summary>The commands behind these numbers</summary><pre><code>", to);
	for (size_t i = 0; i < p->results.n; i++) {
		const struct result *row = &p->results.row[i];
		if (strcmp(row->figure, figure) || !strcmp(row->command, before) ||
		    !strncmp(row->command, "mean of ", 8))
			continue;
		html_text(to, before = row->command);
		fputc('\n', to);
	}
	fputs("</code></pre></details>\n", to);
}

static void head(FILE *to, const struct results_page *p)
{
	const char *figure;
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><meta name=\"viewport\" "
	      "content=\"width=device-width,initial-scale=1\"><meta http-equiv=\"Content-Security-Policy\" "
	      "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\"><link rel=\"icon\" "
	      "href=\"data:,\"><title>", to);
	html_text(to, p->title);
	fprintf(to, "</title>\n<style>%s%s</style></head>\n<body><main>\n<h1>", report_style, own_style);
	html_text(to, p->title);
	fputs("</h1>", to);
	if (p->note) {
		fputs("<p class=\"lead\">", to);
		html_text(to, p->note);
		fputs("</p>", to);
	}
	fputs("\n<nav aria-label=\"Contents\"><ul class=\"keys\">", to);
	if (p->n_verdicts)
		fputs("<li><a href=\"#verdicts\">Verdicts</a></li>", to);
	for (size_t i = 0; (figure = results_page_figure(p, i)); i++) {
		fprintf(to, "<li><a href=\"#f%zu\">", i);
		html_text(to, figure);
		fputs("</a></li>", to);
	}
	if (p->n_verdicts)
		fputs("<li><a href=\"#evidence\">Evidence</a></li>", to);
	fputs("<li><a href=\"#rule\">How to read this</a></li></ul></nav>\n", to);
}

static int verdicts_html(FILE *to, const struct results_page *p, struct err *err)
{
	struct sheet s = { 0 };
	if (!p->n_verdicts)
		return 0;
	fprintf(to,
		"<h2 id=\"verdicts\">Verdicts</h2><p>What the paper says, held against what was measured here: "
		"<span class=\"verdict confirmed\">%zu confirmed</span>, <span class=\"verdict refuted\">%zu "
		"refuted</span>, <span class=\"verdict open\">%zu open</span>. An empty place was not measured.</p>",
		results_page_count(p, VERDICT_CONFIRMED), results_page_count(p, VERDICT_REFUTED),
		results_page_count(p, VERDICT_OPEN));
	int rc = sheet_of_verdicts(&s, p->verdict, p->n_verdicts, err);
	if (!rc)
		sheet_html(to, &s, "claims");
	sheet_release(&s);
	return rc;
}

static int evidence_html(FILE *to, const struct results_page *p, struct err *err)
{
	struct sheet s = { 0 };
	if (!p->n_verdicts)
		return 0;
	int rc = sheet_of_evidence(&s, p->verdict, p->n_verdicts, err);
	fputs("<h2 id=\"evidence\">Evidence</h2>", to);
	if (!rc)
		sheet_html(to, &s, "evidence");
	sheet_release(&s);
	return rc;
}

int results_page_html(const struct results_page *p, FILE *to, struct err *err)
{
	const char *figure;
	size_t n = 0;
	int rc;
	head(to, p);
	rc = verdicts_html(to, p, err);
	for (; !rc && (figure = results_page_figure(p, n)); n++) {
		int more = 1;
		fprintf(to, "<h2 id=\"f%zu\">", n);
		html_text(to, figure);
		fputs("</h2>", to);
		pictures(to, p, n);
		for (size_t part = 0; !rc && more; part++) {
			struct sheet s;
			rc = sheet_of_figure(&s, &p->results, &p->claims, figure, part, err);
			more = s.n > 0;
			if (!rc && more)
				sheet_html(to, &s, "numbers");
			sheet_release(&s);
		}
		commands(to, p, figure);
	}
	pictures(to, p, n);
	rc = rc || evidence_html(to, p, err);
	fputs("<h2 id=\"rule\">How to read this</h2>", to);
	for (const char *const *rule = results_page_rule; *rule; rule++)
		fprintf(to, "<p>%s</p>", *rule);
	fputs("<footer><p>Made by vic-report (vicinal ", to);
	html_text(to, p->version);
	fputs("). No script, no network: this file is all there is.</p></footer>\n</main></body>\n</html>\n", to);
	return rc ? -1 : 0;
}

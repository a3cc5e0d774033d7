/* The frame of vic-report's page: head, contents, order of the sections and their fixed text; numbers and figures are
 * in report_scores.c and report_diagram.c. Text that comes from streams or options is written by html_text alone. The
 * links of the contents name the ids of the headings. The key's swatches use the patterns o0 and u0, which the first
 * diagram defines, so the page needs at least one stream. The content security policy forbids scripts and loading
 * anything from elsewhere. */
#include "report.h"
#include "report_style.h"

#include <stdlib.h>

void report_release(struct report *r)
{
	for (int i = 0; i < r->n; i++) {
		rows_release(&r->report_stream[i].rows);
		bins_release(&r->report_stream[i].bins);
		free(r->report_stream[i].block);
		free(r->report_stream[i].claim);
		more_release(&r->report_stream[i].more);
	}
	free(r->report_stream);
	table_release(&r->selections);
	*r = (struct report){ 0 };
}

static void keys(FILE *to)
{
	static const char *const key[][2] = {
		{ "<rect class=\"bar\" x=\"2\" y=\"2\" width=\"22\" height=\"12\"/>", "accuracy of a bin" },
		{ "<rect class=\"over\" fill=\"url(#o0)\" x=\"2\" y=\"2\" width=\"22\" height=\"12\"/>",
		  "overconfident: confidence above accuracy" },
		{ "<rect class=\"under\" fill=\"url(#u0)\" x=\"2\" y=\"2\" width=\"22\" height=\"12\"/>",
		  "underconfident: confidence below accuracy" },
		{ "<path class=\"whisker\" d=\"M13 1V15\"/>", "95 % interval of the accuracy (Wilson)" },
		{ "<path class=\"corp\" d=\"M1 13H10V4H25\"/>", "accuracy without bins (isotonic, CORP)" },
		{ "<path class=\"diagonal\" d=\"M1 15L25 1\"/>", "perfect calibration" },
		{ "<path class=\"accline\" d=\"M13 1V15\"/>", "below: accuracy overall" },
		{ "<path class=\"confline\" d=\"M13 1V15\"/>", "below: mean confidence" },
	};
	fputs("<ul class=\"keys\" aria-label=\"Key to the figures\">", to);
	for (size_t i = 0; i < sizeof key / sizeof *key; i++)
		fprintf(to, "<li><svg viewBox=\"0 0 26 16\" aria-hidden=\"true\">%s</svg>%s</li>", key[i][0],
			key[i][1]);
	fputs("</ul>", to);
}

static void figures(FILE *to, const struct report *r)
{
	fputs("<h2 id=\"diagrams\">Reliability</h2><p>In a calibrated model, of the records predicted with confidence "
	      "0.8, eight in ten are right, and the bars end on the diagonal. The histogram below each diagram shows "
	      "how many records a confidence has; a gap where there are few records is mostly chance.</p>",
	      to);
	keys(to);
	fputs("<div class=\"grid-of\">", to);
	for (int i = 0; i < r->n; i++) {
		const struct report_stream *p = &r->report_stream[i];
		struct bin_errors e;
		bins_errors(&p->bins, &e);
		fprintf(to, "<figure aria-labelledby=\"f%d\"><h3 id=\"f%d\">", i, i);
		html_text(to, p->rows.name);
		fputs("</h3>", to);
		report_diagram(to, p, i);
		fprintf(to, "<figcaption>ECE %.4f, OE %.4f; confidence %.3f, accuracy %.3f; %zu records.</figcaption>",
			e.ece, e.oe, e.conf, e.accuracy, p->rows.n);
		report_bins_table(to, p);
		fputs("</figure>", to);
	}
	fputs("</div>", to);
}

static int has_claims(const struct report *r)
{
	for (int i = 1; i < r->n; i++)
		if (r->report_stream[i].claim)
			return 1;
	return 0;
}

static void claims(FILE *to, const struct report *r)
{
	if (!has_claims(r))
		return;
	fputs("<h2 id=\"claims\">What may be claimed</h2><p>Each stream against the first, where both hold the same "
	      "records: McNemar's exact test for accuracy, a paired bootstrap for the errors, DeLong's test for "
	      "areas.</p>",
	      to);
	for (int i = 1; i < r->n; i++) {
		if (!r->report_stream[i].claim)
			continue;
		fputs("<p class=\"claim\">", to);
		html_text(to, r->report_stream[i].claim);
		fputs("</p>", to);
	}
}

static void meanings(FILE *to, const struct report *r)
{
	static const char *const what[][2] = {
		{ "Confidence", "The largest softmax probability of a record, in float64." },
		{ "Bins",
		  "Equal width, (k/M, (k+1)/M], the first closed at 0; edges are exact. Empty bins weigh nothing." },
		{ "ECE", "&Sigma; n<sub>m</sub>/n &middot; |acc<sub>m</sub> &minus; conf<sub>m</sub>|. Never negative, "
			 "so it is above 0 even for a calibrated model: compare it with its floor." },
		{ "Floor", "The mean ECE (or OE) when every label is drawn anew from the model's own confidences: the "
			   "error of a perfectly calibrated model with these confidences and this many records." },
		{ "OE", "&Sigma; n<sub>m</sub>/n &middot; conf<sub>m</sub> &middot; max(conf<sub>m</sub> &minus; "
			"acc<sub>m</sub>, 0): Thulasidasan et al. 2019." },
		{ "UCE", "&Sigma; n<sub>m</sub>/n &middot; (1 &minus; conf<sub>m</sub>) &middot; max(acc<sub>m</sub> "
			 "&minus; conf<sub>m</sub>, 0)." },
		{ "NLL, Brier score", "Mean of &minus;ln p(label); mean of &Sigma;<sub>k</sub> (p<sub>k</sub> &minus; "
				      "[k is the label])&sup2;. Proper: best for the true probabilities." },
		{ "CORP", "The top label's Brier score is miscalibration &minus; discrimination + uncertainty, by "
			  "isotonic regression (Dimitriadis et al. 2021)." },
		{ "AURC", "Mean error rate of the k most confident records, over all k; lower means that the doubtful "
			  "ones are the wrong ones." },
	};
	fputs("<h2 id=\"meanings\">How to read the numbers</h2><dl>", to);
	for (size_t i = 0; i < sizeof what / sizeof *what; i++)
		fprintf(to, "<dt>%s</dt><dd>%s</dd>", what[i][0], what[i][1]);
	fprintf(to, "</dl>");
	if (r->rounds)
		fprintf(to, "<p>Intervals say how much the numbers would move with other records of the same kind, not "
			    "with other training runs.</p>");
}

void report_write(const struct report *r, FILE *to)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><meta name=\"viewport\" "
	      "content=\"width=device-width,initial-scale=1\"><meta http-equiv=\"Content-Security-Policy\" "
	      "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\"><link rel=\"icon\" "
	      "href=\"data:,\"><title>",
	      to);
	html_text(to, r->title);
	fprintf(to, "</title>\n<style>%s%s</style></head>\n<body><main>\n<h1>", report_style,
		report_has_more(r) ? report_style_more : "");
	html_text(to, r->title);
	fprintf(to,
		"</h1><p class=\"lead\">%d stream%s of predictions, scored by one evaluator.</p>\n<nav "
		"aria-label=\"Contents\"><ul class=\"keys\"><li><a href=\"#scores\">Scores</a></li>",
		r->n, r->n > 1 ? "s" : "");
	if (has_claims(r))
		fputs("<li><a href=\"#claims\">What may be claimed</a></li>", to);
	fputs("<li><a href=\"#diagrams\">Reliability</a></li>",
	      to);
	report_more_links(to, r);
	fputs("<li><a href=\"#more\">More measures</a></li><li><a "
	      "href=\"#origin\">Where they came from</a></li><li><a href=\"#meanings\">How to read the "
	      "numbers</a></li></ul></nav>\n<h2 id=\"scores\">Scores</h2>",
	      to);
	report_scores(to, r);
	fputs("\n", to);
	claims(to, r);
	fputs("\n", to);
	figures(to, r);
	report_more_sections(to, r);
	fputs("\n<h2 id=\"more\">More measures</h2>", to);
	report_more_scores(to, r);
	fputs("\n<h2 id=\"origin\">Where they came from</h2>", to);
	for (int i = 0; i < r->n; i++)
		report_provenance(to, &r->report_stream[i]);
	fputs("\n", to);
	meanings(to, r);
	fputs("<footer><p>Made by vic-report (vicinal ", to);
	html_text(to, r->version);
	fprintf(to,
		"), seed %llu. No script, no network: this file is all there "
		"is.</p></footer>\n</main></body>\n</html>\n",
		(unsigned long long)r->seed);
}

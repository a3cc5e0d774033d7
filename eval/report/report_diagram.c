/* Reliability diagram and confidence histogram of one stream, as inline SVG. */
#include "pipeline/base/stats.h"
#include "report.h"

#include <inttypes.h>
#include <math.h>

/* Geometry in SVG units; the figure scales with its column. */
enum { WIDTH = 320, HEIGHT = 392, LEFT = 46, TOP = 10, SIDE = 262, HIST_TOP = 290, HIST = 60, TIP = 4 };

static double px(double v)
{
	return LEFT + SIDE * v;
}

static double py(double v)
{
	return TOP + SIDE * (1 - v);
}

static void axes(FILE *to)
{
	for (int i = 0; i <= 5; i++) {
		double v = i / 5.0;
		fprintf(to, "<path class=\"grid\" d=\"M%.1f %dV%dM%d %.1fH%d\"/>", px(v), TOP, TOP + SIDE, LEFT, py(v),
			LEFT + SIDE);
		fprintf(to, "<text x=\"%d\" y=\"%.1f\" class=\"tick\" text-anchor=\"end\">%.1f</text>", LEFT - 5,
			py(v) + 4, v);
		fprintf(to, "<text x=\"%.1f\" y=\"%d\" class=\"tick\" text-anchor=\"middle\">%.1f</text>", px(v),
			HIST_TOP + HIST + 14, v);
	}
	fprintf(to, "<text class=\"axis\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">confidence</text>", px(0.5),
		HEIGHT - 10);
	fprintf(to,
		"<text class=\"axis\" transform=\"translate(12 %.1f) rotate(-90)\" "
		"text-anchor=\"middle\">accuracy</text>",
		py(0.5));
	fprintf(to, "<text class=\"tick\" text-anchor=\"end\" x=\"%d\" y=\"%d\">records</text>", LEFT - 5,
		HIST_TOP + HIST);
}

/* A bin: its accuracy as a bar, the way from there to its mean confidence hatched, and the interval of the accuracy. */
static void bar(FILE *to, const struct bins *b, int m, int number)
{
	const struct bin *bin = &b->bin[m];
	double acc = bin_accuracy(bin), conf = bin_conf(bin), lo, hi, x = px((double)m / b->m), w = (double)SIDE / b->m;
	double inset = w > 6 ? 1 : 0, mid = x + w / 2;
	wilson((double)bin->right, (double)bin->n, 1.959963984540054, &lo, &hi);
	fprintf(to, "<rect class=\"bar\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"/>", x + inset, py(acc),
		w - 2 * inset, py(0) - py(acc));
	fprintf(to, "<rect class=\"%s\" fill=\"url(#%s%d)\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"/>",
		conf > acc ? "over" : "under", conf > acc ? "o" : "u", number, x + inset, py(fmax(acc, conf)),
		w - 2 * inset, fabs(py(acc) - py(conf)));
	fprintf(to, "<path class=\"whisker\" d=\"M%.2f %.2fV%.2f\"/>", mid, py(lo), py(hi));
}

/* Isotonic fit of accuracy on confidence: what the bins would show if they chose themselves. */
static void corp_curve(FILE *to, const struct report_stream *p)
{
	if (!p->n_blocks)
		return;
	fprintf(to, "<path class=\"corp\" d=\"");
	for (size_t i = 0, from = 0; i < p->n_blocks; from = p->block[i++].end) {
		double value = (double)p->block[i].right / (double)(p->block[i].end - from);
		fprintf(to, "%s%.2f %.2fL%.2f %.2f", i ? "L" : "M", px(conf_p(p->rows.key[from])), py(value),
			px(conf_p(p->rows.key[p->block[i].end - 1])), py(value));
	}
	fprintf(to, "\"/>");
}

static void histogram(FILE *to, const struct bins *b, double accuracy, double conf, uint64_t n)
{
	uint64_t most = 1;
	double w = (double)SIDE / b->m, inset = w > 6 ? 1 : 0;
	for (int m = 0; m < b->m; m++)
		most = b->bin[m].n > most ? b->bin[m].n : most;
	for (int m = 0; m < b->m; m++) {
		double h = HIST * (double)b->bin[m].n / (double)most;
		if (b->bin[m].n)
			fprintf(to, "<rect class=\"hist\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"/>",
				px((double)m / b->m) + inset, HIST_TOP + HIST - h, w - 2 * inset, h);
	}
	fprintf(to, "<path class=\"frame\" d=\"M%d %dH%d\"/>", LEFT, HIST_TOP + HIST, LEFT + SIDE);
	fprintf(to, "<path class=\"accline\" d=\"M%.2f %dV%d\"/>", px(accuracy), HIST_TOP - TIP, HIST_TOP + HIST);
	fprintf(to, "<path class=\"confline\" d=\"M%.2f %dV%d\"/>", px(conf), HIST_TOP - TIP, HIST_TOP + HIST);
	fprintf(to, "<text class=\"tick\" text-anchor=\"end\" x=\"%d\" y=\"%d\">%.0f %%</text>", LEFT - 5, HIST_TOP + 9,
		100 * (double)most / (double)n);
}

static void pattern(FILE *to, const char *id, int number, const char *class, int angle)
{
	fprintf(to,
		"<pattern id=\"%s%d\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" "
		"patternTransform=\"rotate(%d)\"><rect class=\"%sback\" width=\"5\" height=\"5\"/><path "
		"class=\"%sline\" d=\"M0 0V5\"/></pattern>",
		id, number, angle, class, class);
}

/* What the figure shows, for who cannot see it. */
static void describe_diagram(FILE *to, const struct report_stream *p, const struct bin_errors *e)
{
	int over = 0, filled = 0, worst = -1;
	double gap = -1;
	for (int m = 0; m < p->bins.m; m++) {
		const struct bin *b = &p->bins.bin[m];
		if (!b->n)
			continue;
		filled++;
		over += bin_conf(b) > bin_accuracy(b);
		if (fabs(bin_conf(b) - bin_accuracy(b)) > gap) {
			gap = fabs(bin_conf(b) - bin_accuracy(b));
			worst = m;
		}
	}
	fprintf(to,
		"%" PRIu64 " records in %d bins, %d of them filled. Confidence exceeds accuracy in %d. Mean confidence "
		"%.3f, accuracy %.3f.",
		e->n, p->bins.m, filled, over, e->conf, e->accuracy);
	if (worst >= 0)
		fprintf(to, " The widest gap, %.3f, is at confidence %.3f (%" PRIu64 " records).", gap,
			bin_conf(&p->bins.bin[worst]), p->bins.bin[worst].n);
}

void report_diagram(FILE *to, const struct report_stream *p, int number)
{
	struct bin_errors e;
	bins_errors(&p->bins, &e);
	fprintf(to,
		"<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"t%d\" aria-describedby=\"d%d\"><title "
		"id=\"t%d\">Reliability "
		"diagram of ",
		WIDTH, HEIGHT, number, number, number);
	html_text(to, p->rows.name);
	fprintf(to, "</title><desc id=\"d%d\">", number);
	describe_diagram(to, p, &e);
	fprintf(to, "</desc><defs>");
	pattern(to, "o", number, "over", 45);
	pattern(to, "u", number, "under", -45);
	fprintf(to, "</defs>");
	axes(to);
	for (int m = 0; m < p->bins.m; m++)
		if (p->bins.bin[m].n)
			bar(to, &p->bins, m, number);
	fprintf(to, "<path class=\"diagonal\" d=\"M%d %dL%d %d\"/>", LEFT, TOP + SIDE, LEFT + SIDE, TOP);
	corp_curve(to, p);
	fprintf(to, "<rect class=\"frame\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>", LEFT, TOP, SIDE, SIDE);
	histogram(to, &p->bins, e.accuracy, e.conf, e.n);
	fprintf(to, "</svg>");
}

void report_bins_table(FILE *to, const struct report_stream *p)
{
	fprintf(to, "<details><summary>The same in numbers</summary><div class=\"scroll\" role=\"region\" "
		    "tabindex=\"0\" aria-label=\"Bins of ");
	html_text(to, p->rows.name);
	fprintf(to, "\"><table class=\"small\"><caption>Bins of equal width</caption><thead><tr><th "
		    "scope=\"col\">confidence</th><th scope=\"col\">records</th><th scope=\"col\">mean "
		    "confidence</th><th scope=\"col\">accuracy</th><th scope=\"col\">gap</th></tr></thead><tbody>");
	for (int m = 0; m < p->bins.m; m++) {
		const struct bin *b = &p->bins.bin[m];
		fprintf(to, "<tr><th scope=\"row\">%.3f to %.3f</th>", (double)m / p->bins.m,
			(double)(m + 1) / p->bins.m);
		if (b->n)
			fprintf(to, "<td>%" PRIu64 "</td><td>%.3f</td><td>%.3f</td><td>%+.3f</td></tr>", b->n,
				bin_conf(b), bin_accuracy(b), bin_conf(b) - bin_accuracy(b));
		else
			fprintf(to, "<td>0</td><td></td><td></td><td></td></tr>");
	}
	fprintf(to, "</tbody></table></div></details>");
}

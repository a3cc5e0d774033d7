/* Curves of a ranking as figures: risk against coverage, and how scores tell other records apart. */
#include "curve_path.h"
#include "report.h"
#include "eval/conformal/selection.h"

#include <math.h>

/* As the diagrams (report_diagram.c), without their histogram. */
enum { WIDTH = 320, HEIGHT = 318, LEFT = 46, TOP = 10, SIDE = 262 };

static void open_figure(FILE *to, const char *id, int number, const char *title, const char *of)
{
	fprintf(to,
		"<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"%st%d\" aria-describedby=\"%sd%d\"><title "
		"id=\"%st%d\">%s ",
		WIDTH, HEIGHT, id, number, id, number, id, number, title);
	html_text(to, of);
	fprintf(to, "</title><desc id=\"%sd%d\">", id, number);
}

/* most: at the upper end of the vertical axis. What follows is drawn in the square of curve_path.h. */
static void axes(FILE *to, const char *x, const char *y, double most)
{
	for (int i = 0; i <= 5; i++) {
		double right = LEFT + SIDE * i / 5.0, up = TOP + SIDE * (1 - i / 5.0);
		fprintf(to, "<path class=\"grid\" d=\"M%.1f %dV%dM%d %.1fH%d\"/>", right, TOP, TOP + SIDE, LEFT, up,
			LEFT + SIDE);
		fprintf(to, "<text x=\"%d\" y=\"%.1f\" class=\"tick\" text-anchor=\"end\">%.3g</text>", LEFT - 5,
			up + 4, most * i / 5);
		fprintf(to, "<text x=\"%.1f\" y=\"%d\" class=\"tick\" text-anchor=\"middle\">%.1f</text>", right,
			TOP + SIDE + 15, i / 5.0);
	}
	fprintf(to, "<text class=\"axis\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>", LEFT + SIDE / 2.0,
		HEIGHT - 10, x);
	fprintf(to,
		"<text class=\"axis\" transform=\"translate(12 %.1f) rotate(-90)\" text-anchor=\"middle\">%s</text>"
		"<rect class=\"frame\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>"
		"<g class=\"curves\" transform=\"translate(%d %d) scale(%.3f)\">",
		TOP + SIDE / 2.0, y, LEFT, TOP, SIDE, SIDE, LEFT, TOP, SIDE / (double)PATH_SIDE);
}

/* 1, 2 or 5 times a power of ten, at least v. */
static double round_up(double v)
{
	double unit = pow(10, floor(log10(v)));
	return unit * (v <= unit ? 1 : v <= 2 * unit ? 2 : v <= 5 * unit ? 5 : 10);
}

/* What the axis must hold: the risk from a twentieth of the records on, before which it hangs on a few, and the one
 * that was asked for. */
static double most_risk(const struct rows *w, double asked)
{
	double most = asked > 0 ? 1.2 * asked : 0;
	for (struct risk_step s = { 0 }; risk_next(w->key, w->n, &s);)
		if (s.taken * 20 >= w->n)
			most = fmax(most, (double)s.wrong / (double)s.taken);
	return most > 0 ? fmin(round_up(most), 1) : 1;
}

static void risk_in_numbers(FILE *to, const struct rows *w)
{
	fputs("<details><summary>The same in numbers</summary><div class=\"scroll\" role=\"region\" tabindex=\"0\" "
	      "aria-label=\"Risk at each coverage of ",
	      to);
	html_text(to, w->name);
	fputs("\"><table class=\"small\"><caption>Of the most confident</caption><thead><tr><th "
	      "scope=\"col\">coverage</th><th scope=\"col\">confidence from</th><th scope=\"col\">risk</th></tr>"
	      "</thead><tbody>",
	      to);
	for (int i = 1; i <= 10; i++) {
		struct selection s;
		selection_at_coverage(&s, w->key, w->n, i / 10.0);
		fprintf(to, "<tr><th scope=\"row\">%.1f</th><td>%.4f</td><td>", i / 10.0, s.threshold);
		html_number(to, s.risk);
		fputs("</td></tr>", to);
	}
	fputs("</tbody></table></div></details>", to);
}

void report_risk(FILE *to, const struct report_stream *p, const struct report_asked *asked, int number)
{
	const struct rows *w = &p->rows;
	double most = most_risk(w, asked->risk);
	open_figure(to, "r", number, "Risk against coverage of", w->name);
	for (int i = 2; i <= 10; i += 4) {
		struct selection s;
		selection_at_coverage(&s, w->key, w->n, i / 10.0);
		fprintf(to, "Of the %d %% most confident %.3f are wrong. ", i * 10, s.risk);
	}
	fputs("</desc>", to);
	axes(to, "coverage", "risk", most);
	if (asked->coverage > 0)
		fprintf(to, "<path class=\"asked\" d=\"M%.1f 0V%d\"/>", PATH_SIDE * asked->coverage, PATH_SIDE);
	if (asked->risk > 0)
		fprintf(to, "<path class=\"asked\" d=\"M0 %.1fH%d\"/>", PATH_SIDE * (1 - asked->risk / most),
			PATH_SIDE);
	fputs("<path class=\"s0\" d=\"", to);
	risk_path(to, w->key, w->n, most);
	fputs("\"/></g></svg>", to);
	risk_in_numbers(to, w);
}

static void one_of_two(FILE *to, const struct report_stream *p, const struct report_other *other, int number, int pr)
{
	open_figure(to, pr ? "p" : "o", number, pr ? "Precision and recall of" : "ROC curves of", p->rows.name);
	fputs("Against ", to);
	html_text(to, other->name);
	fputs("; areas stand in the table below.</desc>", to);
	axes(to, pr ? "recall" : "others accepted", pr ? "precision" : "own accepted", 1);
	if (!pr)
		fprintf(to, "<path class=\"asked\" d=\"M0 %dL%d 0\"/>", PATH_SIDE, PATH_SIDE);
	for (int i = 0; i < other->n; i++)
		fprintf(to, "<path class=\"s%d\" d=\"%s\"/>", (int)other->curve[i].score,
			pr ? other->curve[i].pr : other->curve[i].roc);
	fputs("</g></svg>", to);
}

void report_apart(FILE *to, const struct report_stream *p, const struct report_other *other, int number)
{
	fputs("<div class=\"grid-of\"><figure>", to);
	one_of_two(to, p, other, number, 0);
	fputs("<figcaption>ROC: own records accepted against others.</figcaption></figure><figure>", to);
	one_of_two(to, p, other, number, 1);
	fputs("<figcaption>Precision and recall, own records being what is looked for.</figcaption></figure></div>"
	      "<ul class=\"keys\" aria-label=\"Key to the curves\">",
	      to);
	for (int i = 0; i < other->n; i++)
		fprintf(to,
			"<li><svg viewBox=\"0 0 26 16\" aria-hidden=\"true\"><g class=\"curves\"><path class=\"s%d\" "
			"d=\"M1 8H25\"/></g></svg>%s</li>",
			(int)other->curve[i].score, ood_score_name(other->curve[i].score));
	fputs("</ul>", to);
}

/* The sections of the page that are there where they were asked for: classes, groups, answers given only where the
 * model is sure, conformal sets, other records. Their numbers are tables (asked.h). */
#include "report.h"

#include <inttypes.h>
#include <math.h>

enum { SECTIONS = 5 };
static const struct section {
	const char *id, *title;
} section[SECTIONS] = {
	{ "classes", "Classes" },
	{ "groups", "Groups" },
	{ "selective", "Answers where it is sure" },
	{ "sets", "Sets of classes" },
	{ "others", "Records of another kind" },
};

static int is_there(const struct report *r, int i)
{
	const struct report_asked *a = &r->asked;
	const int there[SECTIONS] = { a->per_class, a->by != NULL, a->coverage > 0 || a->risk > 0, a->sets, a->others };
	return there[i];
}

int report_has_more(const struct report *r)
{
	int any = 0;
	for (int i = 0; i < SECTIONS; i++)
		any |= is_there(r, i);
	return any;
}

void report_more_links(FILE *to, const struct report *r)
{
	for (int i = 0; i < SECTIONS; i++)
		if (is_there(r, i))
			fprintf(to, "<li><a href=\"#%s\">%s</a></li>", section[i].id, section[i].title);
}

static void heading_of(FILE *to, const struct report_stream *p)
{
	fputs("<h3>", to);
	html_text(to, p->rows.name);
	fputs("</h3>", to);
}

static void classes(FILE *to, const struct report *r)
{
	fprintf(to,
		"<p>Accuracy is of the records that are of a class, precision of those predicted as it. ECE, OE and "
		"gap "
		"are of its probability against whether a record is of the class, over all records (%d bins): a gap "
		"above 0 is a class that is given more probability than it has records.</p>",
		r->report_stream[0].bins.m);
	for (int i = 0; i < r->n; i++) {
		const struct report_stream *p = &r->report_stream[i];
		const struct html_view view = { .caption = "Classes",
						.of = p->rows.name,
						.head = "Class",
						.furthest = "ece",
						.elsewhere = "vic-score --per-class" };
		heading_of(to, p);
		html_table(to, &p->more.classes, &view);
	}
}

static void groups_of(FILE *to, const struct report *r, const struct report_stream *p)
{
	static const char *const key[] = { "n", "accuracy", "ece", "oe", "nll", "brier", "gap", NULL };
	const struct report_more *m = &p->more;
	struct html_view view = { .caption = "Worst groups",
				  .of = p->rows.name,
				  .head = "Measure",
				  .of_metrics = 1,
				  .from = m->n_groups + 1,
				  .key = key + 1 };
	heading_of(to, p);
	if (m->n_groups < 2)
		fputs("<p>All records are in one group: there is nothing to compare.</p>", to);
	else
		html_table(to, &m->groups, &view);
	view = (struct html_view){ .caption = "Groups",
				   .of = p->rows.name,
				   .head = "Group",
				   .by_column = 1,
				   .to = m->n_groups + 1,
				   .key = key,
				   .furthest = "ece",
				   .elsewhere = "vic-score --by" };
	html_table(to, &m->groups, &view);
	if (r->rounds)
		fprintf(to,
			"<p class=\"note\">Small print: intervals of the groups hold together, all at once at %g %%."
			"</p>",
			100 * r->level);
}

static void groups(FILE *to, const struct report *r)
{
	fputs("<p>The same measures of parts of the records. The error of a small group is larger by its noise; the "
	      "last column of the first table says whether groups differ by more than chance: p of a permutation "
	      "test, in which the groups are dealt to the records anew. Small is evidence that they do.</p>",
	      to);
	for (int i = 0; i < r->n; i++)
		groups_of(to, r, &r->report_stream[i]);
}

static void selective(FILE *to, const struct report *r)
{
	const struct report_asked *a = &r->asked;
	const struct html_view view = {
		.caption = "Selections", .of = "all streams", .head = "Measure", .of_metrics = 1, .names_of_streams = 1
	};
	fputs("<p>Records are answered from the most confident on; the curve is the share of the answered ones that "
	      "is wrong (risk) against how many are answered (coverage). Where it falls to the left, confidence knows "
	      "what is wrong.",
	      to);
	if (a->risk > 0)
		fprintf(to,
			" <b>within@%g</b>: the largest coverage at which the risk of new records is below %g with "
			"confidence %g (Geifman and El-Yaniv 2017), and the confidence from which to answer; "
			"coverage 0: none can be promised.",
			a->risk, a->risk, a->confidence);
	fputs("</p><div class=\"grid-of\">", to);
	for (int i = 0; i < r->n; i++) {
		const struct report_stream *p = &r->report_stream[i];
		fprintf(to, "<figure aria-labelledby=\"rf%d\"><h3 id=\"rf%d\">", i, i);
		html_text(to, p->rows.name);
		fputs("</h3>", to);
		report_risk(to, p, a, i);
		fputs("</figure>", to);
	}
	fputs("</div>", to);
	html_table(to, &r->selections, &view);
}

static void sets_of(FILE *to, const struct report_stream *p)
{
	const struct report_more *m = &p->more;
	const struct html_view view = { .caption = "Coverage and size of sets",
					.of = p->rows.name,
					.head = "Records",
					.elsewhere = "vic-conformal --table" };
	heading_of(to, p);
	fprintf(to, "<p>%s%s, alpha %g, fitted on %" PRIu64 " other records.", conformal_name(m->threshold.method),
		m->threshold.randomised ? ", randomised" : "", m->threshold.alpha, m->fitted);
	if (isinf(m->threshold.complement))
		fputs(" These were too few for this alpha: every set holds every class.", to);
	if (m->unlabelled)
		fprintf(to, " %" PRIu64 " records without label have no part in the coverage.", m->unlabelled);
	fputs("</p>", to);
	if (*m->said) {
		fputs("<p class=\"note\">", to);
		html_text(to, m->said);
		fputs("</p>", to);
	}
	html_table(to, &m->sets, &view);
	if (p->rows.head.n_classes > HTML_LINES)
		fprintf(to, "<p class=\"note\">%d classes: vic-conformal --table prints a row for each.</p>",
			p->rows.head.n_classes);
}

static void sets(FILE *to, const struct report *r)
{
	fputs("<p>Split-conformal prediction: of each record a set of classes, which should hold the label of a share "
	      "of "
	      "1 &minus; alpha of records, however bad the model is; a bad one has large sets. That holds of all "
	      "records "
	      "together, not of each class, group or size.</p>",
	      to);
	for (int i = 0; i < r->n; i++)
		sets_of(to, &r->report_stream[i]);
}

static void others(FILE *to, const struct report *r)
{
	int number = 0;
	fputs("<p>How well a score tells the model's own records from records that it was not made for: own ones are "
	      "to "
	      "score higher. An area of 0.5 is chance. FPR95: the share of others accepted where 95 % of the own are; "
	      "threshold: that score.</p>",
	      to);
	for (int i = 0; i < r->n; i++) {
		const struct report_stream *p = &r->report_stream[i];
		for (int k = 0; k < p->more.n_others; k++, number++) {
			const struct report_other *other = &p->more.other[k];
			static const char *const key[] = { "n_in",     "n_out", "auroc",       "aupr_in",
							   "aupr_out", "fpr95", "threshold95", NULL };
			const struct html_view view = { .caption = "Scores that tell them apart",
							.of = other->name,
							.head = "Score",
							.by_column = 1,
							.key = key };
			fputs("<h3>", to);
			html_text(to, p->rows.name);
			fputs(" against ", to);
			html_text(to, other->name);
			fputs("</h3>", to);
			report_apart(to, p, other, number);
			html_table(to, &other->table, &view);
		}
	}
}

void report_more_sections(FILE *to, const struct report *r)
{
	static void (*const write[SECTIONS])(FILE * to, const struct report *r) = { classes, groups, selective, sets,
										    others };
	for (int i = 0; i < SECTIONS; i++) {
		if (!is_there(r, i))
			continue;
		fprintf(to, "\n<h2 id=\"%s\">%s</h2>", section[i].id, section[i].title);
		write[i](to, r);
	}
}

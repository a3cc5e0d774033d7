/* vic-report: a page that anyone can open. */
#include "pipeline/files/io.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/memtext.h"
#include "pipeline/frame/stage.h"
#include "eval/report/report.h"
#include "eval/report/results_page.h"
#include "eval/show/titles.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct {
	const char *title, *out, *claims, *note, *by;
	struct opt_many results, pictures, thresholds, others;
	int split, unlabelled, format, per_class, allow, score;
	int64_t bins, rounds, floor, seed, threads;
	double level, coverage, risk, confidence;
} o = { .title = "Calibration report",
	.out = "-",
	.bins = 15,
	.rounds = 1000,
	.floor = 200,
	.seed = 1,
	.level = 0.95,
	.confidence = 0.95 };

enum { MOST = 64 };

static const struct opt opts[] = {
	{ "title", 't', OPT_TEXT, &o.title, "TEXT", "heading of the page", .flags = OPT_NAME },
	{ "out", 'o', OPT_TEXT, &o.out, "FILE", "where the page goes; -: stdout", .flags = OPT_LOCAL | OPT_OUTPUT,
	  .writes = "an HTML page" },
	{ "results", 'r', OPT_MANY, &o.results, "TSV",
	  "instead of streams, the numbers of recipes (RESULTS.tsv); may be given again",
	  .flags = OPT_INPUT | OPT_NO_OPERANDS },
	{ "claims", 0, OPT_TEXT, &o.claims, "TSV", "claims to hold the results against", .flags = OPT_INPUT,
	  .with = "results" },
	{ "picture", 0, OPT_MANY, &o.pictures, "FILE",
	  "SVG or PNG to show with the figure that its name begins with; may be given again", .flags = OPT_INPUT,
	  .with = "results" },
	{ "note", 0, OPT_TEXT, &o.note, "TEXT", "how the results were made, below the heading", .flags = OPT_NAME,
	  .with = "results" },
	{ "format", 'f', OPT_CHOICE, &o.format, NULL,
	  "of results: the page, its tables as Markdown or LaTeX, or the verdicts as TSV",
	  .choices = "html|md|latex|tsv", .with = "results" },
	{ "split", 0, OPT_CHOICE, &o.split, NULL, "records used; auto: test where there are any, else all",
	  .choices = ROWS_SPLITS, .without = "results" },
	{ "unlabelled", 0, OPT_CHOICE, &o.unlabelled, NULL, "records without a label", .choices = "refuse|drop",
	  .without = "results" },
	{ "bins", 'b', OPT_INT, &o.bins, "N", "equal-width bins", .lo = 1, .hi = 1000, .without = "results" },
	{ "bootstrap", 0, OPT_INT, &o.rounds, "N", "resamples behind the intervals and tests; 0: none of either",
	  .lo = 0, .hi = 100000, .without = "results" },
	{ "level", 0, OPT_REAL, &o.level, "X", "of the intervals and claims", .flo = 0.5, .fhi = 0.9999,
	  .with = "bootstrap|apply|ood", .without = "results" },
	{ "floor", 0, OPT_INT, &o.floor, "N", "draws of the null floor; 0: none", .lo = 0, .hi = 1000000,
	  .without = "results" },
	{ "per-class", 0, OPT_FLAG, &o.per_class, NULL, "adds a table of classes", .flags = 0, .without = "results" },
	{ "by", 0, OPT_TEXT, &o.by, "FILE|COLUMN",
	  "adds groups: by split, label, predicted, or lines ID<TAB>GROUP", .flags = OPT_INPUT, .without = "results" },
	{ "coverage", 0, OPT_REAL, &o.coverage, "C",
	  "adds risk against coverage, and the risk of the C most confident, 0 < C <= 1 [none]", .flo = 1e-9, .fhi = 1,
	  .flags = OPT_NO_DEFAULT, .without = "results" },
	{ "risk", 0, OPT_REAL, &o.risk, "R",
	  "adds that curve, and the coverage and threshold at which the risk is surely below R [none]", .flo = 1e-9,
	  .fhi = 1, .flags = OPT_NO_DEFAULT, .without = "results" },
	{ "confidence", 0, OPT_REAL, &o.confidence, "P", "how surely --risk holds", .flo = 0.5, .fhi = 0.999999,
	  .with = "risk", .without = "results" },
	{ "apply", 0, OPT_MANY, &o.thresholds, "FILE",
	  "adds coverage and sizes of the sets of vic-conformal's threshold; one a stream, in their order",
	  .flags = OPT_INPUT, .without = "results" },
	{ "allow-fit-data", 0, OPT_FLAG, &o.allow, NULL, "apply to records that the threshold was fitted on",
	  .flags = 0, .with = "apply", .without = "results" },
	{ "ood", 0, OPT_MANY, &o.others, "LOGITS",
	  "adds how well scores tell these records apart, with ROC and PR curves; of several streams one each, in "
	  "their order", .flags = OPT_INPUT, .without = "results" },
	{ "score", 0, OPT_CHOICE, &o.score, NULL, "what tells them apart", .choices = OOD_CHOICES, .with = "ood",
	  .without = "results" },
	{ "seed", 's', OPT_INT, &o.seed, "N", "of resamples and draws", .lo = 0, .hi = INT64_MAX,
	  .with = "bootstrap|floor|by|apply", .without = "results" },
	{ "threads", 0, OPT_INT, &o.threads, "N", "threads; 0: all there are", .lo = 0, .hi = 1024,
	  .flags = OPT_LOCAL },
	{ 0 }
};

static const struct program prog = {
	.name = "vic-report",
	.summary = "one self-contained HTML page about models' calibration",
	.operands = "[LOGITS...]",
	.description =
		"Writes a page with the scores and their intervals, what may be claimed of each\n"
		"stream against the first, reliability diagrams side by side, how every stream\n"
		"was made and the command lines to make it again. The page needs no network and\n"
		"no script, follows the reader's light or dark setting, prints on paper and\n"
		"speaks to screen readers. The same streams give the same bytes.\n"
		"\n"
		"What other programs print of a stream is added where it is asked for, by the\n"
		"same option: --per-class, --by, --coverage and --risk as vic-score has them,\n"
		"--apply as vic-conformal, and --ood for vic-ood's --out.\n"
		"\n"
		"With --results the page is of numbers that recipes printed (vic run), figure by\n"
		"figure, with their pictures. --claims holds them against what a paper says:\n"
		"confirmed where the 95 % interval of the difference lies wholly on the claimed\n"
		"side of 0, refuted where on the other, else open; docs/METRICS.md has the rule.",
	.example =
		"vic-report \\\n"
		"    --title 'MR: baseline and mixup' baseline.logits mixup.logits > mr.html\n"
		"vic-report --per-class --by label --risk 0.05 mixup.logits > mr.html\n"
		"vic-report --results RESULTS.tsv --claims claims.tsv -o page.html",
	.see_also = "vic-score(1), vic-conformal(1), vic-ood(1), vic-compare(1), vic-plot(1)",
	.opts = opts,
	.max_operands = MOST,
};

/* What was left out or taken on the way: neither is silent. */
static void say_values(const struct stage *st, const struct report_stream *p)
{
	if (p->more.without)
		stage_say(st, "%s: %d groups of %s have no record among these: left out", p->rows.name, p->more.without,
			  o.by);
	if (*p->more.said)
		stage_say(st, "%s", p->more.said);
}

static int read_stream(const struct stage *st, struct report *r, int i, const struct rows_options *options,
		       const struct score_options *score, struct err *err)
{
	struct report_stream *p = &r->report_stream[i];
	const char *path = stage_operand(st, i), *threshold = o.thresholds.n ? o.thresholds.item[i] : NULL;
	struct rows_options all = more_values(options);
	struct rows in;
	if (!o.by && !threshold)
		return rows_read(&p->rows, path, options, err);
	if (rows_read(&in, path, &all, err))
		return -1;
	int rc = more_of_values(&p->more, &p->rows, &in, options, score, &r->asked, threshold, err);
	rows_release(&in);
	if (!rc)
		say_values(st, p);
	return rc;
}

/* A threshold draws only if it is randomised. */
static int refuse_seed(const struct stage *st, const struct report *r, struct err *err)
{
	int drawn = o.rounds || o.floor || o.by;
	for (int i = 0; i < r->n; i++)
		drawn |= r->report_stream[i].more.threshold.randomised;
	return drawn || !stage_given(st, "seed") ?
		       0 :
		       err_usage(err, "--seed goes with --bootstrap or --floor above 0, --by, or an --apply of a "
				      "randomised threshold: nothing else is drawn");
}

/* Gives a stream of a name that another has a name of its own: a page of two streams that are called alike says of none
 * what it is. */
static int tell_apart(const struct stage *st, struct titles *t, struct rows *rows, const char *path, struct err *err)
{
	const char *title;
	char *own;
	if (titles_add(t, rows->name, path, &title, err))
		return -1;
	if (!strcmp(title, rows->name))
		return 0;
	if (mem_text(&own, title, strlen(title), err))
		return -1;
	stage_say(st, "%s: another stream is called '%s' too; here this one is '%s'", path, rows->name, title);
	free(rows->name);
	rows->name = own;
	return 0;
}

static int read_streams(const struct stage *st, struct report *r, const struct score_options *options, struct err *err)
{
	struct rows_options rows_options = { .split = rows_split_chosen(o.split),
				     .unlabelled = (enum rows_unlabelled)o.unlabelled,
				     .class_bins = (int)o.bins,
				     .threads = (int)o.threads };
	int n = st->n ? st->n : 1;
	rows_options.columns = score_columns(options) | COMPARE_COLUMNS | (o.others.n ? OOD_COLUMNS : 0);
	if (mem_alloc(&r->report_stream, (size_t)n, sizeof *r->report_stream, err))
		return -1;
	struct titles titles = { 0 };
	int rc = 0;
	while (r->n < n && !rc) {
		int i = r->n++;
		rc = read_stream(st, r, i, &rows_options, options, err) ||
		     tell_apart(st, &titles, &r->report_stream[i].rows, stage_operand(st, i), err);
	}
	titles_release(&titles);
	return rc ? -1 : refuse_seed(st, r, err);
}

/* Before the keys are sorted: pairs of records must still be pairs. */
static int compare_all(const struct stage *st, struct report *r, struct pool *pool, struct err *err)
{
	/* Tests need more resamples than intervals do: their p-values are shared among eight measures. */
	int least = 4 * compare_least_rounds(o.level), rounds = o.rounds > least ? (int)o.rounds : least;
	const struct compare_options how = { (int)o.bins, rounds, o.level, (uint64_t)o.seed,
					     st->quiet ? NULL : "vic-report: round" };
	for (int i = 1; o.rounds && i < r->n; i++) {
		struct comparison c;
		struct err why = ERR_NONE;
		const struct rows *a = &r->report_stream[0].rows, *b = &r->report_stream[i].rows;
		if (compare_same_records(a, b, &why)) {
			stage_say(st, "%s is not compared with %s: %s", b->name, a->name, why.msg);
			continue;
		}
		if (compare_rows(a, b, &how, pool, &c, err) || compare_claim(&c, &r->report_stream[i].claim, err))
			return -1;
	}
	return 0;
}

static int judge(struct report *r, struct report_stream *p, const struct score_options *options, struct err *err)
{
	if (p->more.score)
		p->score = *p->more.score;
	else if (score_rows(&p->score, &p->rows, options, err))
		return -1;
	if (keys_sort(p->rows.key, p->rows.n, err) || bins_init(&p->bins, (int)o.bins, err) ||
	    pav(p->rows.key, p->rows.n, &p->block, &p->n_blocks, err))
		return -1;
	bins_add(&p->bins, p->rows.key, p->rows.n);
	return more_of_rows(&p->more, &r->selections, &p->rows, &r->asked, err);
}

/* The others of a stream: all, where there is one stream. */
static int measure_others(const struct stage *st, struct report *r, const struct score_options *options,
			  struct pool *pool, struct err *err)
{
	for (size_t i = 0; i < o.others.n; i++) {
		struct report_stream *p = &r->report_stream[r->n > 1 ? i : 0];
		if (more_of_other(&p->more, &p->rows, o.others.item[i], &r->asked, options, pool, err))
			return -1;
		const struct report_other *other = &p->more.other[p->more.n_others - 1];
		for (int s = 0; s < OOD_SCORES; s++)
			if (other->lacks >> s & 1)
				stage_say(st, "%s against %s: %s is left out: probabilities have none, or one sample a "
					      "record", p->rows.name, other->name, ood_score_name((enum ood_score)s));
	}
	return 0;
}

/* What is asked for beside the scores. Its `by` is released by the caller. */
static int ask_of(const struct stage *st, struct report_asked *asked, struct grouping *grouping, struct err *err)
{
	size_t n = st->n ? (size_t)st->n : 1;
	*asked = (struct report_asked){ .per_class = o.per_class,
					.coverage = o.coverage,
					.risk = o.risk,
					.confidence = o.confidence,
					.sets = o.thresholds.n > 0,
					.allow_fit_data = o.allow,
					.others = o.others.n > 0,
					.score = o.score };
	if (o.thresholds.n && o.thresholds.n != n)
		return err_usage(err, "%zu --apply for %zu streams: each needs its own, in their order",
				 o.thresholds.n, n);
	if (n > 1 && o.others.n && o.others.n != n)
		return err_usage(err, "%zu --ood for %zu streams: each needs its own, in their order", o.others.n, n);
	if (!o.by)
		return 0;
	asked->by = grouping;
	if (grouping_open(grouping, o.by, err))
		return -1;
	if (grouping->alike)
		stage_say(st, "%s: %s", o.by, grouping->alike);
	return 0;
}

/* What was printed into m becomes the page. */
static int write_page(struct memtext *m, struct err *err)
{
	struct output out = { 0 };
	char *page = NULL;
	size_t len = 0;
	int rc = memtext_close(m, &page, &len, err) || output_open(&out, o.out, err) ||
				 output_write(&out, page, len, err) || output_commit(&out, err)
			 ? -1
			 : 0;
	output_release(&out);
	free(page);
	return rc;
}

static int read_results(struct results_page *p, struct err *err)
{
	for (size_t i = 0; i < o.results.n; i++)
		if (result_table_read(&p->results, o.results.item[i], err))
			return -1;
	if (o.claims && (claims_read(&p->claims, o.claims, err) ||
			 verdicts(&p->results, &p->claims, &p->verdict, &p->n_verdicts, err)))
		return -1;
	if (mem_alloc(&p->picture, o.pictures.n, sizeof *p->picture, err))
		return -1;
	for (; p->n_pictures < o.pictures.n; p->n_pictures++)
		if (picture_read(&p->picture[p->n_pictures], o.pictures.item[p->n_pictures], err)) {
			free(p->picture[p->n_pictures].data);
			return -1;
		}
	return 0;
}

static int report_results(struct stage *st, struct err *err)
{
	struct results_page p = { .title = stage_given(st, "title") ? o.title : "Results", .note = o.note };
	struct memtext m = { 0 };
	p.version = json_string_value(json_object_get(st->provenance, "version"));
	if (st->n)
		return err_usage(err, "%s: streams have no place on a page of --results", st->operand[0]);
	if (o.format == RESULTS_TSV && !o.claims)
		return err_usage(err, "--format tsv prints verdicts: it goes with --claims");
	if (o.format != RESULTS_HTML && (o.pictures.n || strcmp(o.out, "-")))
		return err_usage(err, "--format other than html goes to stdout, without --picture and --out");
	if ((o.format == RESULTS_LATEX || o.format == RESULTS_TSV) && o.note)
		return err_usage(err, "--note has no effect but with --format html or md");
	int rc = read_results(&p, err) || memtext_open(&m, err) ||
		 results_page_write(&p, (enum results_format)o.format, m.to, err) || write_page(&m, err);
	memtext_drop(&m);
	results_page_release(&p);
	return rc ? -1 : 0;
}

static int run_report(struct stage *st, struct err *err)
{
	struct report r = { .title = o.title, .level = o.level, .rounds = (int)o.rounds, .seed = (uint64_t)o.seed };
	const struct score_options options = { .bins = { (int)o.bins },
				       .n_bins = 1,
				       .rounds = (int)o.rounds,
				       .level = o.level,
				       .floor_rounds = (int)o.floor,
				       .seed = (uint64_t)o.seed,
				       .threads = (int)o.threads,
				       .progress = st->quiet ? NULL : "vic-report: resample",
				       .groups_progress = st->quiet ? NULL : "vic-report: group",
				       .deals_progress = st->quiet ? NULL : "vic-report: deal of the groups" };
	char few[TOO_FEW_TEXT];
	struct pool *pool = NULL;
	struct memtext m = { 0 };
	struct grouping grouping = { 0 };
	if (o.results.n)
		return report_results(st, err);
	r.version = json_string_value(json_object_get(st->provenance, "version"));
	int rc = ask_of(st, &r.asked, &grouping, err) || pool_open(&pool, (int)o.threads, err) ||
		 read_streams(st, &r, &options, err) || compare_all(st, &r, pool, err);
	if (!rc && bootstrap_too_few(r.rounds, o.level, few))
		stage_say(st, "%s", few);
	for (int i = 0; !rc && i < r.n; i++)
		rc = judge(&r, &r.report_stream[i], &options, err);
	rc = rc || measure_others(st, &r, &options, pool, err) || memtext_open(&m, err);
	if (!rc) {
		report_write(&r, m.to);
		rc = write_page(&m, err);
	}
	memtext_drop(&m);
	report_release(&r);
	grouping_release(&grouping);
	pool_close(pool);
	return rc ? -1 : 0;
}

int main(int argc, char **argv)
{
	return stage_main(&prog, argc, argv, run_report);
}

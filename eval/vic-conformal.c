/* vic-conformal: sets of classes that hold the label with a wanted probability, by split-conformal prediction. */
#include "eval/calibrate/calibrate.h"
#include "eval/conformal/taking.h"
#include "eval/conformal/threshold.h"
#include "eval/groups/grouping.h"
#include "pipeline/base/mem.h"
#include "pipeline/frame/stage.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of more classes the table on stderr has no rows. */
enum { CLASSES_SHOWN = 20 };

static struct {
	int method, split, table, format, allow, randomised, never_empty;
	const char *apply, *out, *by;
	double alpha, lambda, level;
	int64_t k_reg, threads, seed;
} o = { .out = "-", .alpha = 0.1, .lambda = 0.01, .level = 0.95, .k_reg = 5, .seed = 1 };

static const struct opt opts[] = {
	{ "method", 'm', OPT_CHOICE, &o.method, NULL, "score of a class", .choices = CONFORMAL_CHOICES },
	{ "alpha", 0, OPT_REAL, &o.alpha, "A", "share of records whose set may miss the label", .flo = 1e-6,
	  .fhi = 0.999999 },
	{ "randomised", 0, OPT_FLAG, &o.randomised, NULL,
	  "aps, raps: smaller sets, whose last class is drawn by lot", .flags = 0 },
	{ "lambda", 0, OPT_REAL, &o.lambda, "X", "raps: what each rank beyond --k-reg adds to the score", .flo = 0,
	  .fhi = 1e6 },
	{ "k-reg", 0, OPT_INT, &o.k_reg, "N", "raps: ranks that add nothing", .lo = 0, .hi = STREAM_MAX_CLASSES },
	{ "apply", 'a', OPT_TEXT, &o.apply, "FILE", "print the sets of this threshold instead of fitting one",
	  .flags = OPT_INPUT },
	{ "no-empty", 0, OPT_FLAG, &o.never_empty, NULL, "the winner alone, where a set would be empty", .flags = 0 },
	{ "split", 0, OPT_CHOICE, &o.split, NULL,
	  "records used; auto: dev to fit, test to apply, or all where there are none [auto]", .choices = ROWS_SPLITS,
	  .flags = OPT_NO_DEFAULT },
	{ "by", 0, OPT_TEXT, &o.by, "FILE|COLUMN",
	  "rows for groups too: by split, label, predicted, or lines ID<TAB>GROUP", .flags = OPT_INPUT },
	{ "out", 'o', OPT_TEXT, &o.out, "FILE", "where the threshold or the sets go; -: stdout",
	  .flags = OPT_LOCAL | OPT_OUTPUT,
	  .writes = "a conformal threshold",
	  .writes_with = "apply:a table of conformal sets" },
	{ "allow-fit-data", 0, OPT_FLAG, &o.allow, NULL, "apply to records that the threshold was fitted on",
	  .flags = 0 },
	{ "table", 't', OPT_FLAG, &o.table, NULL,
	  "the table of coverage and sizes on stdout; sets only where --out says", .flags = OPT_LOCAL | OPT_PRINTS },
	{ "json", 0, OPT_FLAG, &o.format, NULL, "sets and table as JSON, an object a line", .value = TABLE_JSON },
	{ "tsv", 0, OPT_FLAG, &o.format, NULL, "the table as tab-separated values, which the sets are anyway",
	  .value = TABLE_TSV, .flags = OPT_LOCAL },
	{ "level", 0, OPT_REAL, &o.level, "P", "level of the intervals in the table", .flo = 0.5, .fhi = 0.9999,
	  .flags = OPT_LOCAL },
	{ "seed", 's', OPT_INT, &o.seed, "N", "of --randomised, and of its sets", .lo = 0, .hi = INT64_MAX },
	{ "threads", 0, OPT_INT, &o.threads, "N", "threads; 0: all there are", .lo = 0, .hi = 1024,
	  .flags = OPT_LOCAL },
	{ 0 }
};

static const struct program prog = {
	.name = "vic-conformal",
	.summary = "sets of classes that hold the label with a wanted probability",
	.operands = "[LOGITS]",
	.description =
		"Without --apply: fits a threshold to the labelled records of a split (dev,\n"
		"unless --split says otherwise) and writes it as JSON. With --apply FILE:\n"
		"prints a line a record, its set: every class whose score is at most the\n"
		"threshold. Where the records are exchangeable with those of the fit, a share\n"
		"of at least 1 - alpha of sets hold the label, however bad the model is: a bad\n"
		"one has large sets. That holds for all records together, not for each class;\n"
		"a table of coverage and mean size (over all, by class, by size of set) goes\n"
		"to stderr, or to stdout with --table.\n"
		"\n"
		"The threshold is the ceil((n + 1)(1 - alpha))-th smallest score of the n\n"
		"labels. With too few records for alpha it is infinite: every set holds every\n"
		"class, and that is said. The file is refused on records it was fitted on.\n"
		"\n"
		"Columns: record (its id), label, covered (1 or 0; empty without a label),\n"
		"size, set (classes between spaces, the likeliest first; a space in a name is\n"
		"\\x20). docs/METRICS.md has the scores' formulas.",
	.example =
		"vic-conformal --alpha 0.1 --split dev mr.logits > mr.sets\n"
		"vic-conformal --apply mr.sets --split test mr.logits > sets.tsv\n"
		"vic-conformal --method raps --split dev cifar.logits |\n"
		"    vic-conformal --apply - --table --json cifar.logits",
	.see_also = "vic-calibrate(1), vic-score(1)",
	.opts = opts,
	.max_operands = 1,
};

/* Scores of the labels and fingerprints of the records. complement: [rows->n] */
static int score_labels(const struct conformal *c, const struct rows *rows, double *complement, struct sketch *sketch,
			struct err *err)
{
	size_t k = (size_t)rows->head.n_classes;
	struct ranked ranked;
	double *p;
	if (ranked_init(&ranked, (int)k, err))
		return -1;
	if (mem_alloc(&p, 2 * k, sizeof *p, err)) {
		ranked_release(&ranked);
		return -1;
	}
	for (size_t i = 0; i < rows->n; i++) {
		record_logits(rows, i, p, p + k);
		sketch_add(sketch, record_print(p, k), 1);
		record_probs(rows, i, p, p + k);
		ranked_set(&ranked, p);
		complement[i] = conformal_complement(c, &ranked, p[rows->label[i]],
						     conformal_u(c, (uint64_t)o.seed, 0, i));
	}
	free(p);
	ranked_release(&ranked);
	return 0;
}

static void say_fit(const struct stage *st, const struct conformal *c, const struct rows *rows)
{
	if (rows_dropped(rows))
		stage_say(st, "%" PRIu64 " records without label were left out", rows_dropped(rows));
	if (c->rank > c->n) {
		stage_say(st,
			  "caution: %" PRIu64 " records are too few for alpha %g, which takes %" PRIu64
			  ": the threshold is infinite, every set will hold every class",
			  c->n, c->alpha, conformal_least(c->alpha));
		return;
	}
	stage_say(st,
		  "fitted %s%s on %" PRIu64 " records of %s (split %s): threshold %.6g, score %" PRIu64
		  " of %" PRIu64 " in rising order",
		  conformal_name(c->method), c->randomised ? ", randomised," : "", c->n, rows->name,
		  rows_split_name(rows->split), 1 - c->complement, c->rank, c->n);
	stage_say(st, "new records will be covered in %.4g to %.4g of cases (95 %% of such fits)",
		  conformal_coverage(c, 0.025), conformal_coverage(c, 0.975));
	if (c->method == CONFORMAL_RAPS && c->k_reg >= rows->head.n_classes)
		stage_say(st, "--k-reg %" PRId64 " of %d classes: no rank costs anything, raps is aps", c->k_reg,
			  rows->head.n_classes);
	if (c->tied)
		stage_say(st, "%" PRIu64 " other scores are equal to the threshold: coverage will be higher", c->tied);
}

static int write_threshold(const struct stage *st, const struct conformal *c, const struct sketch *sketch,
			   const struct rows *rows, struct err *err)
{
	struct output out = { 0 };
	char *text = NULL;
	int rc = threshold_text(&text, c, sketch, rows, st->provenance, err);
	if (!rc)
		rc = output_open(&out, o.out, err) || output_write(&out, text, strlen(text), err) ||
		     output_commit(&out, err);
	output_release(&out);
	free(text);
	return rc ? -1 : 0;
}

/* Refuses the options of a table whose first nonzero entry in stage_given is there. */
static int refuse_given(const struct stage *st, const char *const *name, size_t n, const char *why, struct err *err)
{
	for (size_t i = 0; i < n; i++)
		if (stage_given(st, name[i]))
			return err_usage(err, "--%s %s", name[i], why);
	return 0;
}

static int run_fit(struct stage *st, struct err *err)
{
	static const char *const apply_only[] = { "no-empty", "allow-fit-data", "table", "json", "tsv", "level", "by" };
	static const char *const raps_only[] = { "lambda", "k-reg" };
	int split = rows_split_chosen(o.split);
	struct rows_options options = { .split = split == ROWS_AUTO ? ROWS_AUTO_DEV : split,
					.unlabelled = ROWS_DROP,
					.columns = CALIBRATE_COLUMNS,
					.threads = (int)o.threads };
	struct conformal c = { .method = (enum conformal_method)o.method,
			       .randomised = o.randomised,
			       .alpha = o.alpha,
			       .lambda = o.lambda,
			       .k_reg = o.k_reg };
	struct rows rows = { 0 };
	struct sketch *sketch = NULL;
	double *complement = NULL;
	if (refuse_given(st, apply_only, 7, "belongs to --apply", err) ||
	    (c.method != CONFORMAL_RAPS && refuse_given(st, raps_only, 2, "belongs to --method raps", err)))
		return -1;
	if (c.randomised && c.method == CONFORMAL_LAC)
		return err_usage(err, "--randomised belongs to --method aps or raps");
	if (stage_given(st, "seed") && !c.randomised)
		return err_usage(err, "--seed belongs to --randomised: nothing else is drawn");
	int rc = rows_read(&rows, stage_operand(st, 0), &options, err) ||
		 mem_alloc(&complement, rows.n, sizeof *complement, err) ||
		 mem_alloc(&sketch, 1, sizeof *sketch, err) || score_labels(&c, &rows, complement, sketch, err);
	rc = rc || conformal_fit(&c, complement, rows.n, err);
	if (!rc) {
		say_fit(st, &c, &rows);
		rc = write_threshold(st, &c, sketch, &rows, err);
	}
	free(complement);
	free(sketch);
	rows_release(&rows);
	return rc ? -1 : 0;
}

/* What --apply works with. */
struct applying {
	struct taking taking;
	struct grouping grouping; /* --by */
	uint32_t *group; /* of every record of the stream, or NULL */
};

static int applying_init(struct applying *a, const struct rows *list, size_t n, struct err *err)
{
	if (o.by && (grouping_open(&a->grouping, o.by, err) || grouping_of(&a->grouping, list, n, &a->group, err)))
		return -1;
	return taking_init(&a->taking, &list[0].head, a->grouping.n, o.format == TABLE_JSON, err);
}

static void applying_release(struct applying *a)
{
	taking_release(&a->taking);
	grouping_release(&a->grouping);
	free(a->group);
}

static int check_records(const struct stage *st, const struct threshold *t, const struct rows *list, size_t n,
			 int split, struct err *err)
{
	char text[256];
	if (threshold_check(t, list, n, split, o.allow, text, sizeof text, err))
		return -1;
	if (*text)
		stage_say(st, "%s", text);
	return 0;
}

static int print_coverage(const struct stage *st, const struct applying *a, const struct stream_head *head,
			  struct err *err)
{
	const struct coverage *c = &a->taking.coverage;
	struct table t = { 0 };
	struct err unheard; /* on stderr the table is a report: what cannot be said there fails nothing */
	int rc = 0, all = o.table || head->n_classes <= CLASSES_SHOWN;
	if (c->unlabelled)
		stage_say(st, "%" PRIu64 " records without label have a set, and no part in the coverage",
			  c->unlabelled);
	if (o.table || !st->quiet) {
		rc = coverage_table(&t, c, head, a->grouping.name, all, o.level, err);
		if (!rc && o.table)
			rc = table_print(&t, (enum table_format)o.format, stdout, err);
		else if (!rc && t.n_rows && table_print(&t, (enum table_format)o.format, stderr, &unheard))
			clearerr(stderr);
	}
	if (!rc && !all)
		stage_say(st, "%d classes: --table prints a row for each", head->n_classes);
	table_release(&t);
	return rc ? -1 : 0;
}

static int apply_all(struct stage *st, const struct threshold *t, const struct rows *list, size_t n, struct err *err)
{
	struct output out = { 0 };
	int split = rows_split_found(rows_split_chosen(o.split), list, n), write = !o.table || stage_given(st, "out"),
	    rc = -1;
	struct applying a = { .taking = { .c = &t->c,
					  .out = write ? &out : NULL,
					  .seed = (uint64_t)o.seed,
					  .never_empty = o.never_empty } };
	if (check_records(st, t, list, n, split, err) || applying_init(&a, list, n, err) ||
	    (write && (output_open(&out, o.out, err) || sets_head(&a.taking.sets, &out, err))))
		goto out;
	if (a.grouping.alike)
		stage_say(st, "%s: %s", o.by, a.grouping.alike);
	for (size_t d = 0, before = 0; d < n; before += list[d++].n)
		if (taking_rows(&a.taking, &list[d], a.group ? a.group + before : NULL, split, err))
			goto out;
	if (!a.taking.n) {
		err_set(err, "%s: no record of split %s; choose with --split", list[0].name, rows_split_name(split));
		goto out;
	}
	if (write && output_commit(&out, err))
		goto out;
	stage_say(st, "applied %s (alpha %g), fitted on %" PRIu64 " records of %s (split %s), to %" PRIu64
		  " records (split %s)", conformal_name(t->c.method), t->c.alpha, t->on.sketch->records, t->on.name,
		  t->on.split, a.taking.n, rows_split_name(split));
	if (isinf(t->c.complement))
		stage_say(st, "caution: the threshold is infinite (too few records): every set holds every class");
	rc = print_coverage(st, &a, &list[0].head, err);
out:
	output_release(&out);
	applying_release(&a);
	return rc;
}

static int run_apply(struct stage *st, struct err *err)
{
	static const char *const fit_only[] = { "method", "alpha", "randomised", "lambda", "k-reg" };
	struct rows_options options = {
		.split = ROWS_ALL, .unlabelled = ROWS_KEEP, .columns = CALIBRATE_COLUMNS | (o.by ? COL_PREDICTED : 0),
		.threads = (int)o.threads
	};
	struct threshold t = { 0 };
	struct rows *list = NULL;
	size_t n = 0;
	if (refuse_given(st, fit_only, 5, "belongs to a fit; --apply takes the threshold as it is", err))
		return -1;
	int rc = threshold_load(&t, o.apply, err);
	if (!rc && stage_given(st, "seed") && !t.c.randomised)
		rc = err_usage(err, "%s: --seed belongs to --randomised, which this threshold is not", o.apply);
	rc = rc || rows_read_each(&list, &n, stage_operand(st, 0), &options, err) || apply_all(st, &t, list, n, err);
	if (!rc && t.on.version < 2)
		stage_say(st, "%s is of version 1, which has no checksum: damage would not be seen", o.apply);
	for (size_t d = 0; d < n; d++)
		rows_release(&list[d]);
	free(list);
	threshold_release(&t);
	return rc ? -1 : 0;
}

static int run_conformal(struct stage *st, struct err *err)
{
	return o.apply ? run_apply(st, err) : run_fit(st, err);
}

int main(int argc, char **argv)
{
	return stage_main(&prog, argc, argv, run_conformal);
}

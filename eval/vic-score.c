/* vic-score: the calibration table of streams of logits. */
#include "eval/groups/per_class.h"
#include "eval/groups/weights.h"
#include "eval/groups/worst.h"
#include "eval/show/score_groups.h"
#include "pipeline/base/mem.h"
#include "pipeline/frame/stage.h"

#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Resamples of --by where --bootstrap does not say: an interval needs their deviation alone. */
enum { BY_ROUNDS = 200 };
enum { SHOW_AUTO = -1, SHOW_NO, SHOW_YES };
static struct {
	const char *bins, *split, *class_name, *posterior, *by, *weights;
	int format, unlabelled, brief, seeds, separate, ensemble, diagram, compat, per_class;
	int64_t threads, bootstrap, floor, seed;
	double level, coverage, risk, confidence;
	struct opt_many names;
} o = {
	.confidence = 0.95, .bins = "15", .split = "auto", .diagram = SHOW_AUTO, .floor = 200, .seed = 1, .level = 0.95
};

static const struct opt opts[] = {
	{ "bins", 'b', OPT_TEXT, &o.bins, "LIST", "numbers of equal-width bins, with commas; the first counts",
	  .flags = 0 },
	{ "name", 0, OPT_MANY, &o.names, "TEXT", "what to call the streams, in their order", .flags = OPT_NAME },
	{ "split", 0, OPT_TEXT, &o.split, "NAME",
	  "train, dev, test, extra, all; auto: test where there is any, else all", .flags = 0 },
	{ "unlabelled", 0, OPT_CHOICE, &o.unlabelled, NULL, "records without a label", .choices = "refuse|drop" },
	{ "brief", 0, OPT_FLAG, &o.brief, NULL, "only n, accuracy, ece, oe, nll, brier, gap, bins", .flags = 0,
	  .without = "compat" },
	{ "bootstrap", 0, OPT_INT, &o.bootstrap, "N", "intervals from N resamples; 0: none [0, --by 200]",
	  .flags = OPT_NO_DEFAULT, .lo = 0, .hi = 100000 },
	{ "level", 0, OPT_REAL, &o.level, "P", "level of the intervals", .flo = 0.5, .fhi = 0.9999,
	  .with = "bootstrap|by" },
	{ "floor", 0, OPT_INT, &o.floor, "N", "draws of the null floor; 0: none", .lo = 0, .hi = 1000000,
	  .without = "brief|compat" },
	{ "coverage", 0, OPT_REAL, &o.coverage, "C", "adds the risk of the C most confident, 0 < C <= 1 [none]",
	  .flo = 1e-9, .fhi = 1, .flags = OPT_NO_DEFAULT },
	{ "risk", 0, OPT_REAL, &o.risk, "R",
	  "adds the coverage and threshold at which the risk is surely below R [none]", .flo = 1e-9, .fhi = 1,
	  .flags = OPT_NO_DEFAULT },
	{ "confidence", 0, OPT_REAL, &o.confidence, "P", "how surely --risk holds", .flo = 0.5, .fhi = 0.999999,
	  .with = "risk" },
	{ "seed", 0, OPT_INT, &o.seed, "N", "of resamples and draws", .lo = 0, .hi = INT64_MAX,
	  .with = "bootstrap|floor|by" },
	{ "seeds", 0, OPT_FLAG, &o.seeds, NULL, "streams that differ in seed alone: one column, mean and deviation",
	  .flags = 0 },
	{ "separate", 0, OPT_FLAG, &o.separate, NULL, "a column for each document instead of pooling", .flags = 0 },
	{ "ensemble", 0, OPT_FLAG, &o.ensemble, NULL, "all streams as one model: probabilities averaged", .flags = 0 },
	{ "class", 0, OPT_TEXT, &o.class_name, "NAME", "judge the probability of one class, by name or number",
	  .flags = OPT_NAME },
	{ "per-class", 0, OPT_FLAG, &o.per_class, NULL, "a table of one stream's classes instead, a row each",
	  .flags = 0 },
	{ "by", 0, OPT_TEXT, &o.by, "FILE|COLUMN",
	  "a column a group: by split, label, predicted, or lines ID<TAB>GROUP", .flags = OPT_INPUT },
	{ "weights", 0, OPT_TEXT, &o.weights, "FILE",
	  "records count as lines ID<TAB>WEIGHT say; what has no such form is left out", .flags = OPT_INPUT },
	{ "compat", 0, OPT_CHOICE, &o.compat, NULL, "reproduce another tool's errors, quirks included",
	  .choices = "none|guo|torchmetrics|netcal|tfp|sklearn" },
	{ "posterior", 0, OPT_TEXT, &o.posterior, "TSV",
	  "true P(class | record) of synthetic data: adds the true errors", .flags = OPT_INPUT },
	{ "json", 0, OPT_FLAG, &o.format, NULL, "one JSON object a stream", .value = TABLE_JSON },
	{ "tsv", 0, OPT_FLAG, &o.format, NULL, "tab-separated values", .value = TABLE_TSV },
	{ "diagram", 0, OPT_FLAG, &o.diagram, NULL,
	  "reliability diagram below the table (by itself only in a terminal)", .value = SHOW_YES,
	  .flags = OPT_NO_DEFAULT, .without = "compat" },
	{ "no-diagram", 0, OPT_FLAG, &o.diagram, NULL, "no diagram", .zero = 1, .flags = OPT_NO_DEFAULT },
	{ "threads", 0, OPT_INT, &o.threads, "N", "threads; 0: all there are", .lo = 0, .hi = 1024,
	  .flags = OPT_LOCAL },
	{ 0 }
};

static const struct program prog = {
	.name = "vic-score",
	.summary = "how accurate and how well calibrated a classifier is",
	.operands = "[LOGITS...]",
	.description =
		"Reads streams of logits or probabilities and prints one column a stream.\n"
		"Documents that follow one another in a stream (the folds of a\n"
		"cross-validation, joined by cat) are pooled, with a note on stderr.\n"
		"\n"
		"Confidences are float64 softmax probabilities of the winning class; bins are\n"
		"equally wide and closed above. Beside each ECE and OE stands its null floor:\n"
		"what a perfectly calibrated model with the same confidences would score (mean,\n"
		"and the value that 95 % of draws stay below). An error at its floor is no\n"
		"evidence of miscalibration. docs/METRICS.md has every key with its formula.",
	.example =
		"vic-predict mixup.model < mr.text | vic-score\n"
		"vic-score --bins 15,100 --bootstrap 1000 baseline.logits mixup.logits\n"
		"vic-score --seeds --json seed1.logits seed2.logits seed3.logits",
	.see_also = "vic-predict(1), vic-reliability(1), vic-calibrate(1), vic-compare(1)",
	.opts = opts,
	.max_operands = -1,
};

/* What is printed. */
struct printed {
	struct score_columns columns;
	struct grouping grouping;   /* --by */
	struct score_groups groups; /* of it */
	struct weights weights;	    /* --weights */
	struct table instead;	    /* --per-class, --weights: this instead */
	struct column_asked asked;
};

/* What happened to the input on its way: pooling and choosing are never silent. */
static void say(const struct stage *st, const struct rows *w)
{
	uint64_t all = 0;
	for (int s = 0; s < SPLIT_COUNT; s++)
		all += w->in_split[s];
	if (w->documents > 1 && !o.ensemble) /* of an ensemble they are averaged */
		stage_say(st, "%s: %" PRIu64 " documents pooled%s", w->name, w->documents,
			  w->names_differ ? " (their names differ; --separate keeps them apart)" : "");
	if (w->n != all)
		stage_say(st, "%s: scored %zu of %" PRIu64 " records (%s)", w->name, w->n, all,
			  w->split == ROWS_ALL ? "the labelled ones" : split_name(w->split));
	if (w->sum.infinite)
		stage_say(st, "%s: %" PRIu64 " labels have probability 0: the NLL is infinite", w->name,
			  w->sum.infinite);
	if (w->sum.ties)
		stage_say(st, "%s: ties for the winner in %" PRIu64 " records; the class of lowest index was taken",
			  w->name, w->sum.ties);
}

/* in: every record and its values. */
static int score_weights(const struct stage *st, struct printed *p, struct rows *in, const char *name,
			 const struct rows_options *rows_options, const struct score_options *options, struct err *err)
{
	struct rows_options own = *rows_options;
	struct score *s = NULL;
	struct rows all = { 0 };
	double *weight = NULL;
	own.columns = WEIGHTED_COLUMNS;
	int rc = weights_of(&p->weights, in, &weight, err) || rows_subset(&all, in, NULL, in->n, &own, err) ||
		 mem_alloc(&s, 1, sizeof *s, err);
	if (!rc) {
		say(st, &all);
		weights_keep(weight, in, &all);
		rc = score_weighted(s, &all, weight, options, err) || score_show(&p->instead, name, s, err);
	}
	free(s);
	free(weight);
	rows_release(&all);
	return rc;
}

/* in: with --by and --weights, every record and its values. */
static int score_one(const struct stage *st, struct printed *p, struct rows *in, const char *name,
		     const struct rows_options *rows_options, const struct score_options *options, struct err *err)
{
	struct rows all;
	if (o.weights)
		return score_weights(st, p, in, name, rows_options, options, err);
	if (!o.by) {
		say(st, in);
		return o.per_class ? class_table(&p->instead, in, err) :
				     columns_add(&p->columns, in, name, options, &p->asked, err);
	}
	int rc = groups_add(&p->columns, &p->groups, &all, in, name, rows_options, options, &p->asked, err);
	if (!rc)
		say(st, &all);
	if (!rc && p->groups.without)
		stage_say(st, "%d groups of %s have no record among these: left out", p->groups.without, o.by);
	if (!rc && p->columns.n == 2)
		stage_say(st, "all records are in one group: there is nothing to compare");
	rows_release(&all);
	return rc;
}

/* All records with their values, from which others are chosen later. */
static struct rows_options keep_all(const struct rows_options *options)
{
	struct rows_options all = *options;
	all.split = ROWS_ALL;
	all.unlabelled = ROWS_KEEP;
	all.columns = SCORE_GROUPS_COLUMNS;
	all.class_bins = 0;
	return all;
}

static int read_path(const struct stage *st, struct printed *p, const char *path,
		     const struct rows_options *rows_options, const struct score_options *options, const char *name,
		     struct err *err)
{
	struct rows_options every = keep_all(rows_options);
	struct rows one, *list = &one;
	size_t n = 1;
	int rc = o.separate ? rows_read_each(&list, &n, path, rows_options, err)
			    : rows_read(&one, path, o.by || o.weights ? &every : rows_options, err);
	if (rc)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (!rc)
			rc = score_one(st, p, &list[i], name ? name : list[i].name, rows_options, options, err);
		rows_release(&list[i]);
	}
	if (list != &one)
		free(list);
	return rc;
}

/* All operands as members of one model. */
static int read_ensemble(const struct stage *st, struct printed *p, const struct rows_options *rows_options,
			 const struct score_options *options, struct err *err)
{
	struct rows_options every = keep_all(rows_options);
	struct rows joint;
	if (rows_read_ensemble(&joint, st->operand, st->n, o.by || o.weights ? &every : rows_options, err))
		return -1;
	int rc = score_one(st, p, &joint, o.names.n ? o.names.item[0] : joint.name, rows_options, options, err);
	rows_release(&joint);
	return rc;
}

static int show_scores(const struct stage *st, const struct printed *p, struct table *t, struct err *err)
{
	int related;
	if (columns_show(t, &p->columns, &p->asked, o.seeds, &related, err))
		return -1;
	if (o.by)
		return groups_show(t, &p->columns, &p->groups, err);
	if (related && !o.seeds)
		stage_say(st,
			  "some of these streams differ in their seed alone; --seeds shows their mean and deviation");
	if (!related && o.seeds)
		stage_say(st, "no two of these streams differ in their seed alone: nothing to average");
	return 0;
}

static void diagrams(const struct score_columns *c)
{
	setlocale(LC_CTYPE, "");
	columns_diagrams(c, !strcmp(nl_langinfo(CODESET), "UTF-8"), stdout);
}

/* The first of a NULL-ended list of options that was given, or NULL. */
static const char *given_of(const struct stage *st, const char *const *name)
{
	while (*name && !stage_given(st, *name))
		name++;
	return *name;
}

static int ask_of_groups(struct stage *st, struct err *err)
{
	static const char *const others[] = { "seeds", "separate", "per-class", "compat", NULL };
	if (given_of(st, others))
		return err_usage(err, "--by shows the groups of one stream; leave out --%s", given_of(st, others));
	if (st->n > 1 && !o.ensemble)
		return err_usage(err, "--by is of one stream (or of one --ensemble), not of %d", st->n);
	for (size_t i = 0; i < o.names.n; i++)
		if (worst_calls(o.names.item[i]))
			return err_usage(err, "--by has a column '%s' of its own; choose another --name",
					 o.names.item[i]);
	if (!stage_given(st, "bootstrap"))
		o.bootstrap = BY_ROUNDS;
	if (!o.bootstrap && stage_given(st, "level"))
		return err_usage(err, "--level goes with --bootstrap above 0");
	return 0;
}

/* What has no weighted form, or none here. */
static int ask_of_weights(const struct stage *st, struct err *err)
{
	static const char *const others[] = { "coverage", "risk",     "bootstrap", "floor",  "seed",	 "seeds",
					      "separate", "per-class", "by",	    "compat", "posterior", "diagram",
					      NULL };
	if (given_of(st, others))
		return err_usage(err, "--weights has no such form; leave out --%s", given_of(st, others));
	stage_say(st, "weighted: floors, p-values, intervals and what ranks or groups records one by one are left out");
	return 0;
}

/* What --per-class has no use for. */
static int ask_of_classes(struct stage *st, struct err *err)
{
	static const char *const others[] = {
		"coverage", "risk",	"brief", "bootstrap", "level",	"floor",   "seed",
		"seeds",    "separate", "class", "posterior", "compat", "diagram", "name", NULL
	};
	if (given_of(st, others))
		return err_usage(err, "--per-class prints counts and errors of classes; leave out --%s",
				 given_of(st, others));
	if (st->n > 1 && !o.ensemble)
		return err_usage(err, "--per-class is of one stream (or of one --ensemble), not of %d", st->n);
	return 0;
}

static int ask_of(struct stage *st, struct score_options *options, struct rows_options *rows, struct posterior *p,
		  struct err *err)
{
	char own[16];
	if ((o.by && ask_of_groups(st, err)) || (o.weights && ask_of_weights(st, err)) ||
	    (o.per_class && ask_of_classes(st, err)))
		return -1;
	options->compat = (enum compat)o.compat;
	snprintf(own, sizeof own, "%d", compat_bins(options->compat));
	if (score_bins_of(options, options->compat && !stage_given(st, "bins") ? own : o.bins, err) ||
	    rows_split_of(o.split, &rows->split, err))
		return -1;
	if (o.per_class && options->n_bins > 1)
		return err_usage(err, "--per-class has one number of bins; --bins %d alone", options->bins[0]);
	if (o.compat && (o.bootstrap || o.posterior))
		return err_usage(err,
				 "--compat gives another tool's numbers alone; leave out --bootstrap and --posterior");
	if ((o.coverage > 0 || o.risk > 0) && (o.compat || o.seeds || o.class_name))
		return err_usage(err, "--coverage and --risk do not go together with --compat, --seeds and --class");
	if (o.names.n > (size_t)(st->n ? st->n : 1))
		return err_usage(err, "%zu --name for %d streams", o.names.n, st->n ? st->n : 1);
	if (o.ensemble && (st->n < 2 || o.separate || o.seeds))
		return err_usage(err, "--ensemble joins two streams or more, without --separate and --seeds");
	if (o.class_name && o.posterior)
		return err_usage(err, "--class and --posterior do not go together");
	options->brief = o.brief;
	options->rounds = (int)o.bootstrap;
	options->progress = st->quiet ? NULL : "vic-score: resample";
	options->groups_progress = st->quiet ? NULL : "vic-score: group";
	options->deals_progress = st->quiet ? NULL : "vic-score: deal of the groups";
	options->level = o.level;
	options->floor_rounds = (int)o.floor;
	options->seed = (uint64_t)o.seed;
	options->threads = (int)o.threads;
	if (o.posterior && posterior_read(p, o.posterior, err))
		return -1;
	options->posterior = o.posterior ? p : NULL;
	rows->unlabelled = (enum rows_unlabelled)o.unlabelled;
	rows->threads = (int)o.threads;
	rows->class_name = o.class_name;
	rows->class_bins = o.brief || o.compat || o.class_name ? 0 : options->bins[0];
	rows->float32 = compat_float32(options->compat);
	rows->binary_second = options->compat == COMPAT_NETCAL;
	rows->columns = o.per_class ? 0 : score_columns(options);
	return 0;
}

static int run_score(struct stage *st, struct err *err)
{
	struct score_options options = { 0 };
	struct rows_options rows_options = { 0 };
	struct posterior posterior = { 0 };
	int wanted = o.diagram == SHOW_YES || (o.diagram == SHOW_AUTO && isatty(STDOUT_FILENO));
	struct printed p = { .asked = { o.coverage, o.risk, o.confidence,
					wanted && o.format == TABLE_TEXT && !o.compat } };
	struct table table = { 0 };
	char few[TOO_FEW_TEXT];
	int rc = ask_of(st, &options, &rows_options, &posterior, err);
	if (!rc && o.by)
		rc = grouping_open(&p.grouping, o.by, err);
	p.groups.grouping = &p.grouping;
	if (!rc && p.grouping.alike)
		stage_say(st, "%s: %s", o.by, p.grouping.alike);
	if (!rc && o.weights)
		rc = weights_read(&p.weights, o.weights, err);
	if (!rc && o.ensemble)
		rc = read_ensemble(st, &p, &rows_options, &options, err);
	for (int i = 0; i < (st->n ? st->n : 1) && !rc && !o.ensemble; i++)
		rc = read_path(st, &p, stage_operand(st, i), &rows_options, &options,
			       (size_t)i < o.names.n ? o.names.item[i] : NULL, err);
	if (!rc && bootstrap_too_few((int)o.bootstrap, o.level, few))
		stage_say(st, "%s", few);
	if (!rc && !o.per_class && !o.weights)
		rc = show_scores(st, &p, &table, err);
	if (o.by)
		table.note = o.bootstrap ? "intervals of groups hold together, so that the worst's does; p: "
					   "permutation tests (docs/METRICS.md)" :
					   "p: permutation tests (docs/METRICS.md)";
	else if (!o.brief && !o.compat)
		table.note = "bins equally wide, closed above; float64; floor: y drawn from the confidences "
			     "(docs/METRICS.md)";
	if (!rc)
		rc = table_print(o.per_class || o.weights ? &p.instead : &table, (enum table_format)o.format, stdout,
				 err);
	if (!rc && p.asked.diagrams && p.columns.n)
		diagrams(&p.columns);
	table_release(&table);
	table_release(&p.instead);
	columns_release(&p.columns);
	grouping_release(&p.grouping);
	weights_release(&p.weights);
	posterior_release(&posterior);
	opt_many_release(&o.names);
	return rc;
}

int main(int argc, char **argv)
{
	return stage_main(&prog, argc, argv, run_score);
}

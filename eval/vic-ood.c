/* vic-ood: can the model tell what it was not trained for? */
#include "eval/metrics/metrics.h"
#include "eval/metrics/ood.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/memtext.h"
#include "pipeline/frame/stage.h"
#include "eval/metrics/table.h"
#include "eval/show/curves.h"
#include "eval/show/titles.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { OOD_TABLE, OOD_ROC, OOD_PR }; /* --curve */
static struct {
	const char *in;
	struct opt_many out;
	int score, format, curve;
	int64_t rounds, seed, threads;
	double level;
} o = { .rounds = 1000, .seed = 1, .level = 0.95 };

static const struct opt opts[] = {
	{ "in", 'i', OPT_TEXT, &o.in, "LOGITS", "records of the kind the model was trained for; -: stdin",
	  .flags = OPT_INPUT },
	{ "out", 'o', OPT_MANY, &o.out, "LOGITS", "other records; may be given again", .flags = OPT_INPUT },
	{ "score", 0, OPT_CHOICE, &o.score, NULL, "what tells them apart", .choices = OOD_CHOICES },
	{ "bootstrap", 0, OPT_INT, &o.rounds, "N", "resamples for the intervals of aupr and fpr95; 0: none", .lo = 0,
	  .hi = 1000000 },
	{ "level", 0, OPT_REAL, &o.level, "X", "of the intervals", .flo = 0.5, .fhi = 0.9999 },
	{ "seed", 's', OPT_INT, &o.seed, "N", "of the resamples", .lo = 0, .hi = INT64_MAX, .with = "bootstrap" },
	{ "curve", 'c', OPT_CHOICE, &o.curve, NULL, "a curve a score, for vic-plot, instead of the table",
	  .choices = "none|roc|pr" },
	{ "json", 0, OPT_FLAG, &o.format, NULL, "one JSON object a column", .value = TABLE_JSON },
	{ "tsv", 0, OPT_FLAG, &o.format, NULL, "tab-separated values", .value = TABLE_TSV },
	{ "threads", 0, OPT_INT, &o.threads, "N", "threads; 0: all there are", .lo = 0, .hi = 1024,
	  .flags = OPT_LOCAL },
	{ 0 }
};

static const struct program prog = {
	.name = "vic-ood",
	.summary = "how well scores tell in-distribution records from others",
	.operands = "",
	.description =
		"Compares scores of in-distribution records (--in) with those of others\n"
		"(--out): AUROC, AUPR both ways and FPR95, one column a score. In-distribution\n"
		"is the positive class of auroc and fpr95: auroc is the chance that an --in\n"
		"record scores above an --out record (ties half), fpr95 the share of --out\n"
		"records accepted at the highest threshold that accepts at least 95 % of --in.\n"
		"All are exact: no grid of thresholds. The interval of auroc is DeLong's, the\n"
		"others' are bootstrapped. --curve prints the curves themselves.\n"
		"\n"
		"Records marked test are used where there are any, else all. Labels do not\n"
		"matter. Where a stream holds probabilities, max_logit and energy are left out,\n"
		"with a note on stderr; likewise mutual where there is one sample a record.",
	.example =
		"vic-ood --in stl10.logits --out noise.logits\n"
		"vic-ood --in stl10.logits --out imagenet.logits --out noise.logits \\\n"
		"    --score msp --json",
	.see_also = "vic-plot(1), vic-predict(1), vic-images(1), vic-report(1)",
	.opts = opts,
	.max_operands = 0,
};

static int add_curve(FILE *to, const char *name, const struct rows *in, const struct rows *out, enum ood_score score,
		     struct err *err)
{
	struct roc roc;
	int rc = ood_sides(&roc, in, out, score, err);
	if (!rc)
		curve_roc(name, &roc, o.curve == OOD_PR, ood_score_of, (int)score, to);
	roc_release(&roc);
	return rc;
}

/* Where columns, or curves, go, and what the --out streams are called. */
struct printing {
	struct table t;
	struct memtext text;
	struct titles titles;
};

/* The columns, or curves, of one --out stream. */
static int one_out(const struct stage *st, struct printing *to, const struct rows *in, const char *path,
		   struct pool *pool, struct err *err)
{
	const struct rows_options options = {
		.split = ROWS_AUTO, .unlabelled = ROWS_KEEP, .columns = OOD_COLUMNS, .threads = (int)o.threads
	};
	const struct ood_ask how = { (int)o.rounds, o.level, (uint64_t)o.seed };
	char few[TOO_FEW_TEXT];
	struct rows out;
	const char *title = "";
	if (rows_read(&out, path, &options, err))
		return -1;
	int rc = ood_one_model(in, &out, err) || titles_add(&to->titles, out.name, path, &title, err);
	if (!rc && strcmp(title, out.name))
		stage_say(st, "%s: another --out is called '%s' too; here this one is '%s'", path, out.name, title);
	stage_say(st, "in: %zu records of %s (split %s); out: %zu of %s (split %s)", in->n, in->name,
		  rows_split_name(in->split), out.n, out.name, rows_split_name(out.split));
	if (!rc && bootstrap_too_few(how.rounds, o.level, few))
		stage_say(st, "%s", few);
	for (int s = 0; !rc && s < OOD_SCORES; s++) {
		struct ood_result r;
		char *name;
		const char *lacks = ood_score_lacks((enum ood_score)s, in, &out);
		if (o.score && o.score - 1 != s)
			continue;
		if (lacks && o.score)
			rc = err_set(err, "%s, %s: %s %s", in->name, out.name, ood_score_name((enum ood_score)s),
				     lacks);
		else if (lacks && !(s == OOD_MUTUAL && in->head.samples == 1))
			stage_say(st, "%s is left out: it %s", ood_score_name((enum ood_score)s), lacks);
		if (rc || lacks)
			continue;
		rc = mem_printf(&name, err, "%s%s%s", ood_score_name((enum ood_score)s), o.out.n > 1 ? " " : "",
				o.out.n > 1 ? title : "");
		if (rc)
			break;
		if (o.curve)
			rc = add_curve(to->text.to, name, in, &out, (enum ood_score)s, err);
		else
			rc = ood_measure(in, &out, (enum ood_score)s, &how, pool, &r, err) ||
			     ood_column(&to->t, name, in, &out, &how, &r, err);
		free(name);
	}
	rows_release(&out);
	return rc ? -1 : 0;
}

/* The curves are kept until all of them are there: a failure leaves stdout empty. */
static int print_curves(struct memtext *m, struct err *err)
{
	char *text;
	size_t len;
	if (memtext_close(m, &text, &len, err))
		return -1;
	fwrite(text, 1, len, stdout); /* the frame looks at stdout when it closes it */
	free(text);
	return 0;
}

static int ask_of_curve(const struct stage *st, struct err *err)
{
	static const char *const table_only[] = { "bootstrap", "level", "seed", "json", "tsv" };
	for (size_t i = 0; o.curve && i < sizeof table_only / sizeof *table_only; i++)
		if (stage_given(st, table_only[i]))
			return err_usage(err, "--%s has no effect with --curve", table_only[i]);
	return 0;
}

static int run_ood(struct stage *st, struct err *err)
{
	const struct rows_options options = {
		.split = ROWS_AUTO, .unlabelled = ROWS_KEEP, .columns = OOD_COLUMNS, .threads = (int)o.threads
	};
	struct printing to = { 0 };
	struct rows in = { 0 };
	struct pool *pool = NULL;
	if (ask_of_curve(st, err))
		return -1;
	if (!o.in || !o.out.n)
		return err_usage(err, "both --in and --out are needed; --help shows how");
	int rc = pool_open(&pool, (int)o.threads, err) || rows_read(&in, o.in, &options, err) ||
		 memtext_open(&to.text, err);
	if (!rc && o.curve)
		fprintf(to.text.to, "%s\n", curve_header(o.curve == OOD_PR ? CURVE_PR : CURVE_ROC));
	for (size_t i = 0; !rc && i < o.out.n; i++)
		rc = one_out(st, &to, &in, o.out.item[i], pool, err);
	if (!rc)
		rc = o.curve ? print_curves(&to.text, err)
			     : table_print(&to.t, (enum table_format)o.format, stdout, err);
	memtext_drop(&to.text);
	titles_release(&to.titles);
	table_release(&to.t);
	rows_release(&in);
	pool_close(pool);
	opt_many_release(&o.out);
	return rc ? -1 : 0;
}

int main(int argc, char **argv)
{
	return stage_main(&prog, argc, argv, run_ood);
}

/* vic-reliability: the curves behind reliability figures, as TSV. */
#include "eval/show/curves.h"
#include "eval/show/titles.h"
#include "eval/show/worst.h"
#include "eval/metrics/metrics.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/memtext.h"
#include "pipeline/base/num.h"
#include "pipeline/files/text.h"
#include "pipeline/frame/marks.h"
#include "pipeline/frame/stage.h"
#include "eval/records/rows.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct {
	const char *split, *class_name, *alpha, *at;
	struct opt_many names;
	int curve, unlabelled, per_class;
	int64_t bins, group, rounds, seed, threads, worst;
	double level, same;
} o = { .split = "auto", .alpha = "0.1,0.2,0.4,1,2", .bins = 0, .group = 100, .rounds = 200, .seed = 1, .level = 0.9 };

static const struct opt opts[] = {
	{ "curve", 'c', OPT_CHOICE, &o.curve, "NAME",
	  "bins, histogram, corp, scatter, density, entropy, training, hull or risk-coverage",
	  .choices = "bins|histogram|corp|scatter|density|entropy|training|hull|risk-coverage" },
	{ "bins", 'b', OPT_INT, &o.bins, "N", "bins; 0: 15, 50 for histogram, density and entropy", .lo = 0,
	  .hi = BINS_MAX, .with = "curve=bins|curve=histogram|curve=density|curve=entropy" },
	{ "name", 0, OPT_MANY, &o.names, "TEXT", "what to call the streams, in their order", .flags = OPT_NAME,
	  .without = "curve=entropy" },
	{ "split", 0, OPT_TEXT, &o.split, "NAME",
	  "train, dev, test, extra, all; auto: test where there is any, else all", .flags = 0,
	  .without = "curve=entropy|curve=training" },
	{ "unlabelled", 0, OPT_CHOICE, &o.unlabelled, NULL, "records without a label; auto: refuse, for histogram keep",
	  .choices = "auto|refuse|drop", .without = "curve=entropy|curve=training" },
	{ "class", 0, OPT_TEXT, &o.class_name, "NAME", "the probability of one class instead of the winner's",
	  .flags = OPT_NAME, .without = "curve=entropy|curve=training" },
	{ "per-class", 0, OPT_FLAG, &o.per_class, NULL, "a curve for each class against the rest, \"STREAM: CLASS\"",
	  .flags = 0 },
	{ "bands", 0, OPT_INT, &o.rounds, "N", "draws behind the consistency bands; 0: none", .lo = 0, .hi = 100000,
	  .with = "curve=bins|curve=corp" },
	{ "level", 0, OPT_REAL, &o.level, "P", "level of bands and intervals", .flo = 0.5, .fhi = 0.9999,
	  .with = "curve=bins|curve=corp|curve=histogram|curve=hull|curve=risk-coverage" },
	{ "seed", 0, OPT_INT, &o.seed, "N", "of the draws", .lo = 0, .hi = INT64_MAX, .with = "curve=bins|curve=corp" },
	{ "group", 0, OPT_INT, &o.group, "N", "scatter, density: consecutive records a point", .lo = 1, .hi = INT32_MAX,
	  .with = "curve=scatter|curve=density" },
	{ "alpha", 0, OPT_TEXT, &o.alpha, "LIST", "entropy: Beta(alpha, alpha) for each, with commas", .flags = 0,
	  .with = "curve=entropy" },
	{ "same", 0, OPT_REAL, &o.same, "P", "entropy: probability that two mixed records share their class", .flo = 0,
	  .fhi = 1, .with = "curve=entropy" },
	{ "at", 0, OPT_TEXT, &o.at, "LIST", "hull: mu of each stream, with commas; else --mu in its provenance",
	  .flags = 0, .with = "curve=hull" },
	{ "worst", 0, OPT_INT, &o.worst, "N",
	  "instead of a curve: the N wrong records of the highest confidence, with id, label, predicted class and the "
	  "name that the stream has for it (a picture's file); 0: none",
	  .lo = 0, .hi = INT64_MAX },
	{ "threads", 0, OPT_INT, &o.threads, "N", "threads; 0: all there are", .lo = 0, .hi = 1024,
	  .flags = OPT_LOCAL },
	{ 0 }
};

static const struct program prog = {
	.name = "vic-reliability",
	.summary = "curves of calibration as tab-separated values",
	.operands = "[FILE...]",
	.description =
		"Reads streams of logits and prints the numbers that plots are drawn from. The\n"
		"header line names the columns.\n"
		"\n"
		"bins: accuracy against confidence in equal-width bins, with Wilson intervals\n"
		"of the accuracy and with the band in which a calibrated model's accuracy would\n"
		"lie.\n"
		"histogram: how many records have which confidence (the paper's Figures 8 and\n"
		"9), and Wilson intervals of these shares.\n"
		"corp: isotonic regression of correctness on confidence, the reliability\n"
		"diagram without bins, with its consistency band; two lines a block.\n"
		"scatter, density: mean confidence and accuracy of groups of consecutive\n"
		"records, as points or counted on a grid; one stream an epoch gives the paper's\n"
		"Figure 1.\n"
		"hull: accuracy, confidence and entropy of streams that vic-perturb moved by mu\n"
		"(Figure 10).\n"
		"entropy: distribution of the labels' entropy under mixup (Figure 5); reads\n"
		"nothing.\n"
		"risk-coverage: the share that is wrong of the most confident records, against\n"
		"their share of all.\n"
		"training: reads vic-train's --history files instead of streams, one line a\n"
		"number (Figure 7).",
	.example =
		"vic-reliability --worst 20 photos.logits\n"
		"vic-reliability --curve corp mixup.logits | vic-plot --curve corp > mixup.svg\n"
		"vic-reliability --curve density --name 1 \\\n"
		"    --name 50 epoch1.logits epoch50.logits\n"
		"vic-reliability --curve entropy --alpha 0.1,0.4,1",
	.see_also = "vic-score(1), vic-plot(1), vic-predict(1), vic-train(1)",
	.opts = opts,
	.max_operands = -1,
};

enum { LIST = 256 };
struct list {
	double v[LIST];
	size_t n;
};

static int list_of(const char *text, const char *what, struct list *l, struct err *err)
{
	char *copy = NULL, *one;
	int rc = mem_text(&copy, text, strlen(text), err);
	for (char *at = copy; !rc && (one = text_field(&at, ','));)
		rc = l->n == LIST ? err_usage(err, "%s: at most %d numbers, with commas between", what, LIST)
				  : num_f64(what, one, 0, 1e9, &l->v[l->n++], err);
	free(copy);
	return rc;
}

/* How far the stage that moved the images moved them; 0 when there was no such stage. */
static int distance_of(const json_t *provenance, double *mu)
{
	size_t i;
	json_t *stage;
	struct err ignored = ERR_NONE;
	int found = 0;
	json_array_foreach(provenance, i, stage)
	{
		const char *value = marks_value(stage, MARK_DISTANCE);
		if (value && num_f64("distance", value, 0, 1e9, mu, &ignored))
			return 0;
		found |= value != NULL;
	}
	return found;
}

/* What every stream's curve is made with. */
struct making {
	struct rows_options rows;
	struct curve_options options;
	struct list alpha, at;
	struct titles titles;
	struct memtext text;
	FILE *to; /* the text's */
};

/* The curve of records under a name; i: which stream they are of. */
static int one_curve(const struct stage *st, struct making *m, const char *name, struct rows *w, size_t i,
		     struct err *err)
{
	double mu = 0;
	m->options.label = w->label;
	if ((o.curve == CURVE_BINS || o.curve == CURVE_CORP || o.curve == CURVE_RISK) && keys_sort(w->key, w->n, err))
		return -1;
	switch (o.curve) {
	case CURVE_BINS: return curve_bins(name, w->key, w->n, &m->options, m->to, err);
	case CURVE_HISTOGRAM: return curve_histogram(name, w->key, w->n, &m->options, m->to, err);
	case CURVE_CORP: return curve_corp(name, w->key, w->n, &m->options, m->to, err);
	case CURVE_SCATTER: return curve_scatter(name, w->key, w->n, &m->options, m->to, err);
	case CURVE_DENSITY: return curve_density(name, w->key, w->n, &m->options, m->to, err);
	case CURVE_RISK: curve_risk(name, w->key, w->n, &m->options, m->to); return 0;
	}
	if (i < m->at.n)
		mu = m->at.v[i];
	else if (!distance_of(w->provenance, &mu))
		return err_usage(err, "%s: no vic-perturb in its provenance; give --at",
				 stage_operand(st, (int)i));
	curve_hull(name, mu, w, &m->options, m->to);
	return 0;
}

/* A curve for each class, of the keys that --class would give it. */
static int class_curves(const struct stage *st, struct making *m, const char *name, struct rows *w, size_t i,
			struct err *err)
{
	size_t classes = (size_t)w->head.n_classes;
	int rc = 0;
	for (size_t k = 0; k < classes && !rc; k++) {
		char *title;
		for (size_t at = 0; at < w->n; at++)
			w->key[at] = w->class_key[at * classes + k];
		rc = mem_printf(&title, err, "%s: %s", name, w->head.classes[k]);
		if (!rc) {
			rc = one_curve(st, m, title, w, i, err);
			free(title);
		}
	}
	return rc;
}

/* What stream i's curve is called. Points of scatter and hull may be of one curve, which streams of one name make; any
 * other curve has a name of its own. */
static int title_of(const struct stage *st, struct making *m, size_t i, const char *own, const char **title,
		    struct err *err)
{
	const char *name = i < o.names.n ? o.names.item[i] : own, *path = stage_operand(st, (int)i);
	*title = name;
	if (!o.worst && (o.curve == CURVE_SCATTER || o.curve == CURVE_HULL))
		return 0;
	if (titles_add(&m->titles, name, path, title, err))
		return -1;
	if (strcmp(*title, name))
		stage_say(st, "%s: another stream is called '%s' too; here this one is '%s'; --name names them", path,
			  name, *title);
	return 0;
}

static int one_stream(const struct stage *st, struct making *m, size_t i, struct err *err)
{
	struct rows w;
	if (rows_read(&w, stage_operand(st, (int)i), &m->rows, err))
		return -1;
	const char *name;
	if (w.documents > 1)
		stage_say(st, "%s: %" PRIu64 " documents pooled", w.name, w.documents);
	int rc = title_of(st, m, i, w.name, &name, err);
	if (!rc)
		rc = o.worst	   ? worst_write(name, &w, (size_t)o.worst, m->to, err)
		     : o.per_class ? class_curves(st, m, name, &w, i, err)
				   : one_curve(st, m, name, &w, i, err);
	rows_release(&w);
	return rc;
}

static int all_curves(const struct stage *st, struct making *m, struct err *err)
{
	fprintf(m->to, "%s\n", o.worst ? worst_header() : curve_header((enum curve)o.curve));
	if (o.curve == CURVE_ENTROPY) {
		for (size_t i = 0; i < m->alpha.n; i++)
			if (curve_entropy(m->alpha.v[i], o.same, &m->options, m->to, err))
				return -1;
		return 0;
	}
	for (size_t i = 0; i < (size_t)(st->n ? st->n : 1); i++) {
		const char *path = stage_operand(st, (int)i), *name;
		if (o.curve == CURVE_TRAINING ? title_of(st, m, i, path, &name, err) ||
							curve_training(name, path, m->to, err)
					      : one_stream(st, m, i, err))
			return -1;
	}
	return 0;
}

/* A list of records is no curve. */
static int check_worst(const struct stage *st, struct err *err)
{
	static const char *const of_curves[] = { "curve", "bins",  "class", "per-class", "bands", "level",
						 "seed",  "group", "alpha", "same",	 "at" };
	for (size_t i = 0; o.worst && i < sizeof of_curves / sizeof *of_curves; i++)
		if (stage_given(st, of_curves[i]))
			return err_usage(err, "--%s has no effect with --worst", of_curves[i]);
	return 0;
}

static int ask_of(const struct stage *st, struct making *m, struct err *err)
{
	size_t streams = st->n ? (size_t)st->n : 1;
	int wide = o.curve == CURVE_HISTOGRAM || o.curve == CURVE_DENSITY || o.curve == CURVE_ENTROPY;
	if (check_worst(st, err))
		return -1;
	if (o.curve == CURVE_ENTROPY && st->n)
		return err_usage(err, "--curve entropy reads nothing; leave out '%s'", st->operand[0]);
	if (o.per_class &&
	    (o.class_name || o.curve == CURVE_ENTROPY || o.curve == CURVE_TRAINING || o.curve == CURVE_HULL))
		return err_usage(err, "--per-class is for the curves of confidences, and without --class");
	if (o.names.n > streams)
		return err_usage(err, "%zu --name for %zu streams", o.names.n, streams);
	if (o.at && (list_of(o.at, "--at", &m->at, err) || m->at.n != streams))
		return m->at.n == streams ? -1 : err_usage(err, "--at: %zu numbers for %zu streams", m->at.n, streams);
	if (list_of(o.alpha, "--alpha", &m->alpha, err) || rows_split_of(o.split, &m->rows.split, err))
		return -1;
	m->rows.unlabelled = o.unlabelled == 2				       ? ROWS_DROP
			     : o.unlabelled == 0 && o.curve == CURVE_HISTOGRAM ? ROWS_KEEP
									       : ROWS_REFUSE;
	m->rows.columns = o.worst ? WORST_COLUMNS : o.curve == CURVE_HISTOGRAM ? COL_LABEL : 0;
	m->rows.columns |= o.per_class ? COL_CLASS_KEYS : 0;
	m->rows.class_name = o.class_name;
	m->rows.threads = (int)o.threads;
	m->options = (struct curve_options){ .bins = o.bins ? (int)o.bins
					     : wide ? 50
						    : 15,
				     .group = (int)o.group,
				     .rounds = (int)o.rounds,
				     .level = o.level,
				     .seed = (uint64_t)o.seed };
	return pool_open(&m->options.pool, (int)o.threads, err);
}

/* The text is kept until all of it is there: a failure leaves stdout empty. */
static int run_reliability(struct stage *st, struct err *err)
{
	struct making m = { 0 };
	char *text = NULL;
	size_t len;
	int rc = ask_of(st, &m, err);
	rc = rc || memtext_open(&m.text, err);
	if (!rc) {
		m.to = m.text.to;
		rc = all_curves(st, &m, err) || memtext_close(&m.text, &text, &len, err);
	}
	memtext_drop(&m.text);
	titles_release(&m.titles);
	if (!rc)
		fwrite(text, 1, len, stdout); /* the frame looks at stdout when it closes it */
	free(text);
	pool_close(m.options.pool);
	opt_many_release(&o.names);
	return rc ? -1 : 0;
}

int main(int argc, char **argv)
{
	return stage_main(&prog, argc, argv, run_reliability);
}

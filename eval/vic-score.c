/* vic-score: the calibration table of streams of logits. */
#include "bins.h"
#include "pipeline/num.h"
#include "pipeline/stage.h"
#include "score.h"
#include "table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct {
	const char *bins, *split;
	int format, unlabelled;
	int64_t threads;
} o = { "15", "auto", TABLE_TEXT, ROWS_REFUSE, 0 };

static const struct opt opts[] = {
	{ "bins", 'b', OPT_TEXT, &o.bins, "LIST", "numbers of equal-width bins, with commas; the first counts", .flags = 0 },
	{ "split", 0, OPT_TEXT, &o.split, "NAME", "train, dev, test, extra, all; auto: test where there is any, else all", .flags = 0 },
	{ "unlabelled", 0, OPT_CHOICE, &o.unlabelled, NULL, "records without a label", .choices = "refuse|drop" },
	{ "json", 0, OPT_FLAG, &o.format, NULL, "one JSON object a stream", .value = TABLE_JSON },
	{ "tsv", 0, OPT_FLAG, &o.format, NULL, "tab-separated values", .value = TABLE_TSV },
	{ "threads", 0, OPT_INT, &o.threads, "N", "threads; 0: all there are", .lo = 0, .hi = 1024, .flags = OPT_LOCAL },
	{ 0 }
};

static const struct program prog = {
	.name = "vic-score",
	.summary = "how good and how honest a classifier's probabilities are",
	.operands = "[LOGITS...]",
	.description = "Reads streams of logits or probabilities and prints one column a stream. Documents that follow one another\n"
		       "in a stream (the folds of a cross-validation, laid end to end) are pooled, and it is said.\n\n"
		       "Confidences are float64 softmax probabilities of the winning class. Bins are equally wide, closed above.\n"
		       "docs/METRICS.md has every formula.",
	.example = "vic-predict mixup.model < mr.text | vic-score\nvic-score --bins 15,100 baseline.logits mixup.logits",
	.see_also = "vic-predict(1), vic-reliability(1), vic-calibrate(1), vic-compare(1)",
	.opts = opts,
	.max_operands = -1,
};

static int parse_bins(const char *list, struct score_ask *ask, struct err *err)
{
	for (const char *p = list;;) {
		size_t len = strcspn(p, ",");
		char one[32];
		int64_t v;
		if (len >= sizeof one || ask->n_bins == SCORE_BINS)
			return err_usage(err, "--bins: at most %d numbers, with commas between", SCORE_BINS);
		memcpy(one, p, len);
		one[len] = 0;
		if (num_i64("--bins", one, 1, BINS_MAX, &v, err))
			return -1;
		ask->bins[ask->n_bins++] = (int)v;
		if (!p[len])
			return 0;
		p += len + 1;
	}
}

static int parse_split(const char *name, int *split, struct err *err)
{
	*split = !strcmp(name, "auto") ? ROWS_AUTO : !strcmp(name, "all") ? ROWS_ALL : split_of(name);
	if (*split == -1 && strcmp(name, "auto"))
		return err_usage(err, "--split: '%s' is not one of auto, all, train, dev, test, extra", name);
	return 0;
}

/* What happened to the input on its way: pooling and choosing are never silent. */
static void say(const struct stage *st, const struct rows *w)
{
	uint64_t all = 0;
	for (int s = 0; s < SPLIT_COUNT; s++)
		all += w->in_split[s];
	if (w->documents > 1)
		stage_say(st, "%s: %" PRIu64 " documents pooled%s", w->name, w->documents,
			  w->names_differ ? " (their names differ)" : "");
	if (w->n != all)
		stage_say(st, "%s: scored %zu of %" PRIu64 " records (%s)", w->name, w->n, all,
			  w->split == ROWS_ALL ? "the labelled ones" : split_name(w->split));
	if (w->sum.infinite)
		stage_say(st, "%s: %" PRIu64 " labels have probability 0: the NLL is infinite", w->name, w->sum.infinite);
	if (w->sum.ties)
		stage_say(st, "%s: %" PRIu64 " records tie for the winner; the class of lowest index was taken", w->name,
			  w->sum.ties);
}

static int run(struct stage *st, struct err *err)
{
	struct score_ask ask = { 0 };
	struct rows_ask rows_ask = { .unlabelled = (enum rows_unlabelled)o.unlabelled, .threads = (int)o.threads };
	struct table table = { 0 };
	int rc = 0;
	if (parse_bins(o.bins, &ask, err) || parse_split(o.split, &rows_ask.split, err))
		return -1;
	for (int i = 0; i < (st->n ? st->n : 1) && !rc; i++) {
		struct rows w;
		rc = rows_read(&w, stage_operand(st, i), &rows_ask, err);
		if (rc)
			break;
		say(st, &w);
		rc = score_rows(&table, &w, &ask, err);
		rows_release(&w);
	}
	if (!rc)
		rc = table_print(&table, (enum table_format)o.format, stdout, err);
	table_release(&table);
	return rc;
}

int main(int argc, char **argv)
{
	return stage_main(&prog, argc, argv, run);
}

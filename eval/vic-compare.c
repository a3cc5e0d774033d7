/* vic-compare: is one model better than another on the same records? */
#include "eval/compare/compare.h"
#include "pipeline/base/mem.h"
#include "pipeline/frame/stage.h"
#include "pipeline/files/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct {
	int split, format, ensemble;
	int64_t bins, rounds, seed, threads;
	double level;
} o = { .bins = 15, .rounds = 2000, .seed = 1, .level = 0.95 };

static const struct opt opts[] = {
	{ "split", 0, OPT_CHOICE, &o.split, NULL, "records used; auto: test where there are any, else all",
	  .choices = ROWS_SPLITS },
	{ "bins", 'b', OPT_INT, &o.bins, "N", "equal-width bins of ece and oe", .lo = 1, .hi = 100000 },
	{ "bootstrap", 0, OPT_INT, &o.rounds, "N", "resamples, and exchanges of records", .lo = 1, .hi = 1000000 },
	{ "level", 0, OPT_REAL, &o.level, "X", "of the intervals, and of the claims", .flo = 0.5, .fhi = 0.9999 },
	{ "seed", 's', OPT_INT, &o.seed, "N", "of the resamples", .lo = 0, .hi = INT64_MAX },
	{ "ensemble", 0, OPT_FLAG, &o.ensemble, NULL,
	  "two ensembles, of the first half of the streams and of the second: probabilities averaged", .flags = 0 },
	{ "json", 0, OPT_FLAG, &o.format, NULL, "one JSON object a column, and one with the claim",
	  .value = TABLE_JSON },
	{ "tsv", 0, OPT_FLAG, &o.format, NULL, "tab-separated values", .value = TABLE_TSV },
	{ "threads", 0, OPT_INT, &o.threads, "N", "threads; 0: all there are", .lo = 0, .hi = 1024,
	  .flags = OPT_LOCAL },
	{ 0 }
};

static const struct program prog = {
	.name = "vic-compare",
	.summary = "test whether one model is better than another",
	.operands = "A B | --ensemble A... B...",
	.description = "Takes two streams of logits over the same records, in the same order (ids and\n"
		       "labels must match), and tests the differences B - A: accuracy by McNemar's\n"
		       "exact test; ECE, OE, NLL, Brier and AURC by exchanging the two outputs on\n"
		       "records drawn by coins; AUROC by DeLong's test (of class 1 with two classes,\n"
		       "and of having been right). Then one sentence says what may be claimed, all\n"
		       "claims holding together at the level (Holm), and what may not.\n"
		       "\n"
		       "With --ensemble A and B are each several streams of those records, as many of\n"
		       "one as of the other, whose probabilities are averaged.",
	.example = "vic-compare baseline.logits mixup.logits\n"
		   "vic-predict mixup.model < mr.text | vic-compare baseline.logits - --json\n"
		   "vic-compare --ensemble plain1.logits plain2.logits mixup1.logits mixup2.logits",
	.see_also = "vic-score(1), vic-calibrate(1), vic-report(1)",
	.opts = opts,
	.min_operands = 2,
	.max_operands = -1,
};

/* Two streams of one name are told apart by their place on the command line. */
static int tell_apart(struct comparison *c, char *name[2], struct err *err)
{
	if (strcmp(c->a, c->b))
		return 0;
	for (int i = 0; i < 2; i++)
		if (mem_printf(&name[i], err, "%c (%s)", 'A' + i, i ? c->b : c->a))
			return -1;
	c->a = name[0];
	c->b = name[1];
	return 0;
}

static int print(const struct comparison *c, struct err *err)
{
	struct table t = { 0 };
	char *claim = NULL;
	int rc = compare_claim(c, &claim, err) || compare_table(c, &t, err);
	if (!rc && o.format != TABLE_TEXT)
		rc = table_column(&t, "claim", err) || table_text(&t, "claim", claim, err);
	rc = rc || table_print(&t, (enum table_format)o.format, stdout, err);
	if (!rc && o.format == TABLE_TEXT) {
		putchar('\n');
		text_put(stdout, claim, TEXT_NAME);
		putchar('\n');
	}
	table_release(&t);
	free(claim);
	return rc ? -1 : 0;
}

static int run_compare(struct stage *st, struct err *err)
{
	const struct rows_options options = { .split = rows_split_chosen(o.split),
				      .unlabelled = ROWS_DROP,
				      .columns = COMPARE_COLUMNS,
				      .threads = (int)o.threads };
	const struct compare_options how = { (int)o.bins, (int)o.rounds, o.level, (uint64_t)o.seed,
					     st->quiet ? NULL : "vic-compare: round" };
	struct rows rows[2] = { { 0 }, { 0 } };
	struct comparison c;
	char *name[2] = { NULL, NULL };
	struct pool *pool = NULL;
	if (o.ensemble ? st->n < 4 || st->n % 2 : st->n > 2)
		return o.ensemble
			       ? err_usage(err, "--ensemble takes two streams of A or more, then as many of B, not %d",
					   st->n)
			       : err_usage(err,
					   "two streams are compared, not %d; --ensemble joins several of each side",
					   st->n);
	if (how.rounds < compare_least_rounds(o.level))
		return err_usage(err, "--bootstrap %d is too few to claim anything at level %g; at least %d",
				 how.rounds, o.level, compare_least_rounds(o.level));
	int rc = pool_open(&pool, (int)o.threads, err);
	for (int i = 0; !rc && i < 2; i++) {
		rc = o.ensemble ? rows_read_ensemble(&rows[i], st->operand + i * (st->n / 2), st->n / 2, &options, err)
				: rows_read(&rows[i], st->operand[i], &options, err);
		if (!rc)
			stage_say(st, "%c is %s: %zu records (split %s)%s", 'A' + i, rows[i].name, rows[i].n,
				  rows_split_name(rows[i].split),
				  rows_dropped(&rows[i]) ? ", those without label left out" : "");
	}
	rc = rc || compare_same_records(&rows[0], &rows[1], err) ||
	     compare_rows(&rows[0], &rows[1], &how, pool, &c, err);
	if (!rc)
		rc = tell_apart(&c, name, err) || print(&c, err);
	free(name[0]);
	free(name[1]);
	rows_release(&rows[0]);
	rows_release(&rows[1]);
	pool_close(pool);
	return rc ? -1 : 0;
}

int main(int argc, char **argv)
{
	return stage_main(&prog, argc, argv, run_compare);
}

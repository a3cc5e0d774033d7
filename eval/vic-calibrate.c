/* vic-calibrate: fits a calibration map on one split, applies it to another. */
#include "eval/calibrate/calibrate.h"
#include "eval/calibrate/cautions.h"
#include "pipeline/base/mem.h"
#include "pipeline/frame/stage.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FLOOR_ROUNDS = 1000 };

static struct {
	int method, split, table, format, allow;
	const char *apply, *out;
	double l2, l2_bias, lowest, highest, clip;
	int64_t bins, histogram_bins, threads, seed, steps;
} o = { .out = "-", .l2 = -1, .l2_bias = -1, .bins = 15, .histogram_bins = 15, .seed = 1, .steps = 2000 };

/* The methods that an option goes with. */
#define AFFINE "method=vector|method=matrix|method=structured-matrix|method=dirichlet"
#define SCALED "method=temperature|method=ensemble-temperature"

static const struct opt opts[] = {
	{ "method", 'm', OPT_CHOICE, &o.method, "METHOD",
	  "what is fitted: temperature, vector, matrix, structured-matrix, dirichlet, ensemble-temperature, isotonic, "
	  "centred-isotonic, histogram; of two classes platt, beta",
	  .choices = CALMAP_CHOICES },
	{ "apply", 'a', OPT_TEXT, &o.apply, "MAP", "apply this map instead of fitting one", .flags = OPT_INPUT },
	{ "split", 0, OPT_CHOICE, &o.split, NULL,
	  "records used; auto: dev to fit, test to apply, or all where there are none [auto]", .choices = ROWS_SPLITS,
	  .flags = OPT_NO_DEFAULT },
	{ "out", 'o', OPT_TEXT, &o.out, "FILE", "where the map or the logits go; -: stdout",
	  .flags = OPT_LOCAL | OPT_OUTPUT,
	  .writes = "a calibration map",
	  .writes_with = "apply:a vicinal stream of logits" },
	{ "allow-fit-data", 0, OPT_FLAG, &o.allow, NULL, "apply to records that the map was fitted on", .flags = 0 },
	{ "table", 't', OPT_FLAG, &o.table, NULL,
	  "the before-and-after table on stdout; the rest only where --out says", .flags = OPT_LOCAL | OPT_PRINTS },
	{ "json", 0, OPT_FLAG, &o.format, NULL, "that table as JSON, an object a line", .value = TABLE_JSON,
	  .flags = OPT_LOCAL },
	{ "tsv", 0, OPT_FLAG, &o.format, NULL, "that table as tab-separated values", .value = TABLE_TSV,
	  .flags = OPT_LOCAL },
	{ "bins", 'b', OPT_INT, &o.bins, "N", "equal-width bins of the table's ece and oe", .lo = 1, .hi = 100000,
	  .flags = OPT_LOCAL },
	{ "histogram-bins", 0, OPT_INT, &o.histogram_bins, "N", "bins of --method histogram", .lo = 1, .hi = 100000,
	  .with = "method=histogram" },
	{ "l2", 0, OPT_REAL, &o.l2, "X",
	  "vector: pull to the identity [0.001]; matrix, dirichlet: pull of off-diagonals to 0 [K(K-1)/100]; "
	  "structured-matrix: both, times K and K(K-1) over the number of records [1]",
	  .flo = 0, .fhi = 1e300, .flags = OPT_NO_DEFAULT, .with = AFFINE },
	{ "l2-bias", 0, OPT_REAL, &o.l2_bias, "X", "the same methods: pull of intercepts to 0 [as --l2]", .flo = 0,
	  .fhi = 1e300, .flags = OPT_NO_DEFAULT, .with = AFFINE },
	{ "min-temperature", 0, OPT_REAL, &o.lowest, "T", "hold the temperature at or above [free]", .flo = 0,
	  .fhi = 1e300, .flags = OPT_NO_DEFAULT, .with = SCALED },
	{ "max-temperature", 0, OPT_REAL, &o.highest, "T", "hold the temperature at or below [free]", .flo = 1e-300,
	  .fhi = 1e300, .flags = OPT_NO_DEFAULT, .with = SCALED },
	{ "clip", 0, OPT_REAL, &o.clip, "EPS",
	  "set probabilities to EPS at least and 1 - EPS at most; --apply does it again", .flo = 1e-300, .fhi = 0.1,
	  .flags = OPT_NO_DEFAULT },
	{ "max-steps", 0, OPT_INT, &o.steps, "N", "methods of --l2: steps before giving up", .lo = 1, .hi = 1000000,
	  .with = AFFINE },
	{ "seed", 's', OPT_INT, &o.seed, "N", "of the table's noise floors", .lo = 0, .hi = INT64_MAX,
	  .flags = OPT_LOCAL },
	{ "threads", 0, OPT_INT, &o.threads, "N", "threads; 0: all there are", .lo = 0, .hi = 1024,
	  .flags = OPT_LOCAL },
	{ 0 }
};

static const struct program prog = {
	.name = "vic-calibrate",
	.summary = "fit a calibration map on one split and apply it to another",
	.operands = "[LOGITS]",
	.description =
		"Without --apply: fits a map to the labelled records of a split (dev, unless\n"
		"--split says otherwise) and writes it as JSON. With --apply MAP: writes the\n"
		"records with the map applied, as float64 logits (probabilities of isotonic,\n"
		"centred-isotonic, histogram and ensemble-temperature). Either way a table of\n"
		"scores before and after goes to stderr, or to stdout with --table; after a fit\n"
		"it covers the very records that were fitted on, so it flatters.\n"
		"\n"
		"A map is refused on records it was fitted on: it holds fingerprints of them.\n"
		"Temperature is the exact minimum of the negative log-likelihood; where there\n"
		"is none (every label right, or logits that carry no information) it says so\n"
		"instead of giving a number. Its 95 % interval is that of the profile\n"
		"likelihood. Cautions say when the interval holds T = 1, when the records are\n"
		"too few, and when they also chose the model's epoch; vic-split --calibration\n"
		"holds records back for the fit. docs/METRICS.md has the methods' formulas.",
	.example =
		"vic-calibrate --split dev mr.logits > mr.map\n"
		"vic-calibrate --apply mr.map --split test mr.logits | vic-score\n"
		"vic-calibrate --method vector --split dev mr.logits |\n"
		"    vic-calibrate --apply - --table mr.logits",
	.see_also = "vic-score(1), vic-compare(1), vic-report(1)",
	.opts = opts,
	.max_operands = 1,
	.stream_operand = 1,
};

/* In JSON the column of what came after says what the map is and what to think of it. */
static int describe_fit(struct table *t, const struct calmap *map, const struct calmap_fit *fit, struct err *err)
{
	char names[128] = "";
	size_t at = 0;
	for (int c = 0; c < CAUTIONS; c++)
		if (fit->cautions & 1u << c)
			at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", at ? " " : "",
					       caution_name((enum caution)c));
	if (map->method == MAP_TEMPERATURE && fit->low > 0 &&
	    table_interval(t, "temperature", map->weight[0], fit->low, fit->high, err))
		return -1;
	return table_text(t, "cautions", names, err);
}

/* map, fit: NULL after --apply. */
static int print_table(const struct stage *st, struct judged *before, struct judged *after, const struct calmap *map,
		       const struct calmap_fit *fit, struct pool *pool, struct err *err)
{
	struct table t = { 0 };
	struct err unheard; /* on stderr the table is a report: what cannot be said there fails nothing */
	int rc = 0;
	if (!before->n) {
		stage_say(st, "no labelled records: nothing to judge");
	} else if (o.table || !st->quiet) {
		rc = judged_column(&t, "before", before, (int)o.bins, FLOOR_ROUNDS, (uint64_t)o.seed, pool, err) ||
		     judged_column(&t, "after", after, (int)o.bins, FLOOR_ROUNDS, (uint64_t)o.seed, pool, err) ||
		     (fit && o.format == TABLE_JSON && describe_fit(&t, map, fit, err));
		if (!rc && o.table)
			rc = table_print(&t, (enum table_format)o.format, stdout, err);
		else if (!rc && table_print(&t, (enum table_format)o.format, stderr, &unheard))
			clearerr(stderr);
	}
	table_release(&t);
	return rc ? -1 : 0;
}

/* Whether the map or the logits are written at all: with --table they need a place of their own. */
static int has_output(const struct stage *st)
{
	return !o.table || stage_given(st, "out");
}

static void say_fit(const struct stage *st, const struct rows *rows, const struct calmap *map,
		    const struct calmap_fit *fit)
{
	const char *held = fit->held ? " (the limit given: the best lies beyond)" : "";
	char what[160] = "";
	if (map->method == MAP_TEMPERATURE)
		snprintf(what, sizeof what, " %.6g%s", map->weight[0], held);
	if (map->method == MAP_ENSEMBLE)
		snprintf(what, sizeof what, " %.6g%s (weights %.4g scaled, %.4g raw, %.4g uniform)", map->t, held,
			 map->weight[0], map->weight[1], map->weight[2]);
	stage_say(st, "fitted %s%s on %zu records of %s (split %s)", calmap_method_name(map->method), what, rows->n,
		  rows->name, rows_split_name(rows->split));
	if (rows_dropped(rows))
		stage_say(st, "%" PRIu64 " records without label were left out", rows_dropped(rows));
	if (fit->low > 0)
		stage_say(st, "T lies between %.4g and %.4g (95 %% interval, profile likelihood)", fit->low, fit->high);
	for (int c = 0; c < CAUTIONS; c++) {
		char text[512];
		caution_text((enum caution)c, map, fit, rows, text, sizeof text);
		if (fit->cautions & 1u << c)
			stage_say(st, "caution: %s", text);
	}
}

static int write_map(const struct stage *st, const struct calmap *map, const struct sketch *sketch,
		     const struct rows *rows, const struct calmap_fit *fit, struct err *err)
{
	struct output out = { 0 };
	char *text = NULL;
	int rc = calfile_text(&text, map, sketch, rows, fit, st->provenance, err);
	if (!rc)
		rc = output_open(&out, o.out, err) || output_write(&out, text, strlen(text), err) ||
		     output_commit(&out, err);
	output_release(&out);
	free(text);
	return rc ? -1 : 0;
}

static int read_to_fit(const struct stage *st, struct rows *rows, struct err *err)
{
	int split = rows_split_chosen(o.split);
	struct rows_options options = {
		.split = split == ROWS_AUTO ? ROWS_AUTO_DEV : split,
		.unlabelled = ROWS_DROP,
		.columns = CALIBRATE_COLUMNS,
		.threads = (int)o.threads,
	};
	return rows_read(rows, stage_operand(st, 0), &options, err);
}

static int run_fit(struct stage *st, struct pool *pool, struct err *err)
{
	struct calmap_settings set = { .l2 = o.l2,
				       .l2_bias = o.l2_bias,
				       .bins = (int)o.histogram_bins,
				       .lowest_t = o.lowest,
				       .highest_t = o.highest > 0 ? o.highest : INFINITY,
				       .max_steps = (int)o.steps };
	struct rows rows = { 0 };
	struct fit_data data = { 0 };
	struct sketch *sketch = NULL;
	struct calmap map = { 0 };
	struct calmap_fit fit;
	struct judged before = { 0 }, after = { 0 };
	uint64_t n = 0, clipped;
	int owned = 0, rc = -1;
	if (!(set.lowest_t <= set.highest_t))
		return err_usage(err, "--min-temperature %g is above --max-temperature %g", set.lowest_t,
				 set.highest_t);
	if (read_to_fit(st, &rows, err))
		goto out;
	if (o.clip * rows.head.n_classes >= 1) {
		err_usage(err, "--clip %g leaves %d classes no room: give less than 1/%d", o.clip, rows.head.n_classes,
			  rows.head.n_classes);
		goto out;
	}
	if (mem_alloc(&sketch, 1, sizeof *sketch, err) ||
	    fit_data_of(&data, &owned, sketch, &rows, o.clip, &clipped, err))
		goto out;
	if (calmap_fit(&map, (enum calmap_method)o.method, &data, &set, pool, &fit, err)) {
		err_context(err, "%s", rows.name);
		goto out;
	}
	map.clip = o.clip;
	if (o.clip > 0)
		stage_say(st, "--clip %g: %" PRIu64 " of %zu records had a probability beyond it", o.clip, clipped,
			  rows.n);
	fit.cautions = cautions_of(&map, &fit, &rows);
	say_fit(st, &rows, &map, &fit);
	/* for the table alone */
	if (((o.table || !st->quiet) &&
	     calibrate_rows(&rows, &map, ROWS_ALL, NULL, NULL, &before, &after, &n, err)) ||
	    (has_output(st) && write_map(st, &map, sketch, &rows, &fit, err)))
		goto out;
	stage_say(st, "the table is of the records fitted on; apply the map to others before you believe it");
	rc = print_table(st, &before, &after, &map, &fit, pool, err);
out:
	fit_data_release(&data, owned);
	free(sketch);
	calmap_release(&map);
	rows_release(&rows);
	judged_release(&before);
	judged_release(&after);
	return rc;
}

static int apply_all(struct stage *st, const struct calfile *f, const struct rows *list, size_t n, struct pool *pool,
		     struct err *err)
{
	char text[256] = "";
	struct output out = { 0 };
	struct judged before = { 0 }, after = { 0 };
	uint64_t written = 0;
	int split = rows_split_found(rows_split_chosen(o.split), list, n), write = has_output(st), rc = -1;
	for (size_t d = 0; d < n; d++)
		if (calfile_fits(f, &list[d].head, list[d].name, err))
			return -1;
	if ((!o.allow && calibrate_refuse_fitted(f, list, n, split, text, sizeof text, err)) ||
	    calfile_note(f, st->provenance, err) || (write && output_open(&out, o.out, err)))
		return -1;
	if (*text)
		stage_say(st, "%s", text);
	for (size_t d = 0; d < n; d++)
		if (calibrate_rows(&list[d], &f->map, split, write ? &out : NULL, st->provenance, &before, &after,
				   &written, err))
			goto out;
	if (!written) {
		err_set(err, "%s: no record of split %s; choose with --split", list[0].name, rows_split_name(split));
		goto out;
	}
	if (write && output_commit(&out, err))
		goto out;
	stage_say(st, "applied %s, fitted on %" PRIu64 " records of %s (split %s), to %" PRIu64 " records (split %s)",
		  calmap_method_name(f->map.method), f->sketch->records, f->name, f->split, written,
		  rows_split_name(split));
	rc = print_table(st, &before, &after, NULL, NULL, pool, err);
out:
	output_release(&out);
	judged_release(&before);
	judged_release(&after);
	return rc;
}

static int run_apply(struct stage *st, struct pool *pool, struct err *err)
{
	static const char *const fit_only[] = { "method",	   "l2",	"l2-bias",	 "min-temperature",
						"max-temperature", "max-steps", "histogram-bins",  "clip" };
	struct rows_options options = {
		.split = ROWS_ALL, .unlabelled = ROWS_KEEP, .columns = CALIBRATE_COLUMNS, .threads = (int)o.threads
	};
	struct calfile f = { 0 };
	struct rows *list = NULL;
	size_t n = 0;
	for (size_t i = 0; i < sizeof fit_only / sizeof *fit_only; i++)
		if (stage_given(st, fit_only[i]))
			return err_usage(err, "--%s belongs to a fit; --apply takes the map as it is", fit_only[i]);
	int rc = calfile_load(&f, o.apply, err) || rows_read_each(&list, &n, stage_operand(st, 0), &options, err) ||
		 apply_all(st, &f, list, n, pool, err);
	if (!rc && f.version < 2)
		stage_say(st, "%s is of version 1, which has no checksum: damage would not be seen", o.apply);
	for (size_t d = 0; d < n; d++)
		rows_release(&list[d]);
	free(list);
	calfile_release(&f);
	return rc ? -1 : 0;
}

static int run_calibrate(struct stage *st, struct err *err)
{
	struct pool *pool;
	if (o.allow && !o.apply)
		return err_usage(err, "--allow-fit-data belongs to --apply");
	if (pool_open(&pool, (int)o.threads, err))
		return -1;
	int rc = o.apply ? run_apply(st, pool, err) : run_fit(st, pool, err);
	pool_close(pool);
	return rc;
}

int main(int argc, char **argv)
{
	return stage_main(&prog, argc, argv, run_calibrate);
}

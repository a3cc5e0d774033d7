/* What a page has where it was asked for is what the other programs print of the same records: groups, sets, classes,
 * selections, scores of other records. Their curves are compared with counts of the records. */
#include "eval/calibrate/calibrate.h"
#include "eval/conformal/taking.h"
#include "eval/conformal/threshold.h"
#include "eval/groups/per_class.h"
#include "eval/report/asked.h"
#include "eval/report/html.h"
#include "eval/show/score_groups.h"
#include "tests/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/eval/plain_rows.h"

static struct err err;

static char *text_of(const struct table *t)
{
	char *text;
	size_t len;
	FILE *to = open_memstream(&text, &len);
	assert_int_equal(table_print(t, TABLE_TSV, to, &err), 0);
	fclose(to);
	return text;
}

static void same_tables(const struct table *got, const struct table *want)
{
	char *a = text_of(got), *b = text_of(want);
	assert_string_equal(a, b);
	free(a);
	free(b);
}

/* A stream of up to 80 records that bear splits, some without label. */
static void make(struct plain *d, struct plain_shape *s, struct rng *r)
{
	s->samples = 1;
	s->splits = 1;
	s->scale = 2;
	s->unlabelled = rng_below(r, 2) ? 6 : 0;
	s->n = 40 + (int)rng_below(r, 40);
	plain_make(d, s, r);
}

static void read_all(struct rows *in, const struct plain *d, const struct plain_file *file,
		     const struct rows_options *own, struct rng *r)
{
	struct rows_options all = more_values(own);
	assert_true(all.split == ROWS_ALL && all.unlabelled == ROWS_KEEP && !all.class_bins &&
		    all.threads == own->threads);
	plain_write(d, file, 0, d->s.samples, 1, 0, r);
	assert_int_equal(rows_read(in, file->path, &all, &err), 0);
}

static int is_chosen(const struct plain_record *r, int split)
{
	return split == ROWS_ALL || r->split == split;
}

/* The columns of vic-score --by, and the records that it scores. */
static void groups_are_those_of_scores(void **state)
{
	(void)state;
	static const char *const by[] = { "split", "label", "predicted" };
	struct plain_file file;
	plain_file_open(&file);
	for (uint32_t i = 0; i < (uint32_t)plain_checks(12); i++) {
		struct rng r;
		struct plain d;
		struct plain_shape s = { .classes = 3 };
		struct grouping g[2];
		plain_rng(&r, i, 81);
		struct report_asked asked = { .by = i % 4 == 3 ? NULL : &g[0] };
		struct score_groups groups = { .grouping = &g[1] };
		struct score_columns c = { 0 };
		struct column_asked nothing = { 0 };
		struct report_more m = { 0 };
		struct rows in, rows, all;
		struct table want = { 0 };
		struct score_options o = {
			.bins = { 7 }, .n_bins = 1, .brief = 1, .level = 0.9, .rounds = 20, .threads = 1
		};
		int related, k = (int)rng_below(&r, 3), split = rng_below(&r, 2) ? SPLIT_TEST : ROWS_AUTO;
		size_t n = 0;
		struct rows_options own = { .split = split, .unlabelled = ROWS_DROP, .threads = 1, .class_bins = 5 };
		make(&d, &s, &r);
		d.r[0].split = SPLIT_TEST;
		d.r[0].label = 1;
		read_all(&in, &d, &file, &own, &r);
		assert_int_equal(grouping_open(&g[0], by[k], &err) | grouping_open(&g[1], by[k], &err), 0);
		assert_int_equal(more_of_values(&m, &rows, &in, &own, &o, &asked, NULL, &err), 0);
		for (int j = 0; j < s.n; j++)
			n += d.r[j].label >= 0 &&
			     is_chosen(&d.r[j], asked.by && !k && split == ROWS_AUTO ? ROWS_ALL : SPLIT_TEST);
		assert_int_equal(rows.n, n);
		assert_true(rows.class_bins == 5 && rows.class_cell);
		assert_int_equal(groups_add(&c, &groups, &all, &in, in.name, &own, &o, &nothing, &err), 0);
		assert_int_equal(columns_show(&want, &c, &nothing, 0, &related, &err), 0);
		assert_int_equal(groups_show(&want, &c, &groups, &err), 0);
		if (asked.by) {
			same_tables(&m.groups, &want);
			assert_int_equal(m.n_groups, c.n - 1);
			assert_int_equal(m.without, groups.without);
			assert_non_null(m.score);
			assert_int_equal(m.score->n, c.item[0].score.n);
			assert_memory_equal(m.score->item, c.item[0].score.item,
					    (size_t)m.score->n * sizeof *m.score->item);
		} else {
			assert_true(!m.score && !m.n_groups && !m.groups.n_columns);
		}
		assert_true(!m.sets.n_columns && !m.n_others);
		columns_release(&c);
		table_release(&want);
		more_release(&m);
		assert_true(!m.score && !m.n_groups);
		for (int j = 0; j < 2; j++)
			grouping_release(&g[j]);
		rows_release(&rows);
		rows_release(&in);
		rows_release(&all);
		plain_release(&d);
	}
	close(file.fd);
}

/* Where no record is chosen that is said, and what was to be filled may be released. */
static void no_records(void **state)
{
	(void)state;
	struct plain_file file;
	plain_file_open(&file);
	for (int by = 0; by < 2; by++) {
		struct rng r;
		struct plain d;
		struct plain_shape s = { .classes = 3 };
		struct grouping g;
		struct report_more m = { 0 };
		struct report_asked asked = { .by = by ? &g : NULL };
		struct score_options o = { .bins = { 7 }, .n_bins = 1, .brief = 1, .level = 0.9, .threads = 1 };
		struct rows_options own = { .split = SPLIT_EXTRA, .unlabelled = ROWS_DROP, .threads = 1 };
		struct rows in, rows;
		rng_init(&r, 9, RNG_TEST, (uint32_t)by, 0);
		make(&d, &s, &r);
		for (int j = 0; j < s.n; j++)
			d.r[j].split = SPLIT_TEST;
		read_all(&in, &d, &file, &own, &r);
		assert_int_equal(grouping_open(&g, "label", &err), 0);
		memset(&rows, 1, sizeof rows);
		assert_int_equal(more_of_values(&m, &rows, &in, &own, &o, &asked, NULL, &err), -1);
		assert_non_null(strstr(err.msg, "no record of split extra"));
		err = ERR_NONE;
		rows_release(&rows);
		more_release(&m);
		grouping_release(&g);
		rows_release(&in);
		plain_release(&d);
	}
	close(file.fd);
}

/* Makes a threshold file of the records of `in`. */
static void write_threshold(const char *path, const struct conformal *c, const struct rows *in)
{
	struct sketch *sketch = calloc(1, sizeof *sketch);
	json_t *tool = json_pack("{s:s, s:s, s:[]}", "program", "vic-conformal", "version", "1", "args");
	char *text;
	assert_int_equal(calibrate_sketch(sketch, in, ROWS_ALL, &err), 0);
	assert_int_equal(threshold_text(&text, c, sketch, in, tool, &err), 0);
	assert_int_equal(scratch_put(path, text, strlen(text)), 0);
	json_decref(tool);
	free(text);
	free(sketch);
}

/* The table of vic-conformal --apply --table, of thresholds fitted on other records. */
static void sets_are_those_of_the_threshold(void **state)
{
	(void)state;
	char path[SCRATCH_PATH];
	struct plain_file file;
	plain_file_open(&file);
	assert_int_equal(scratch_file(path, "asked"), 0);
	for (uint32_t i = 0; i < (uint32_t)plain_checks(12); i++) {
		struct rng r;
		struct plain d[2];
		struct grouping g;
		struct plain_shape s = { .classes = HTML_LINES - 1 + (int)(i % 3) };
		plain_rng(&r, i, 82);
		struct report_asked asked = { .sets = 1,
					      .by = i % 2 ? &g : NULL,
					      .allow_fit_data = (int)rng_below(&r, 2) };
		struct rows_options own = { .split = rng_below(&r, 2) ? ROWS_ALL : SPLIT_TEST,
					    .unlabelled = ROWS_DROP,
					    .threads = 1 };
		struct score_options o = {
			.bins = { 7 }, .n_bins = 1, .brief = 1, .level = 0.8, .rounds = 0, .threads = 1, .seed = i
		};
		struct conformal c = { .method = CONFORMAL_APS,
				       .randomised = (int)rng_below(&r, 2),
				       .alpha = 0.125,
				       .n = 9,
				       .rank = 9,
				       .complement = rng_real(&r) / 2 };
		struct rows in[2], rows;
		for (int k = 0; k < 2; k++) {
			make(&d[k], &s, &r);
			d[k].r[0].split = SPLIT_TEST;
			d[k].r[0].label = 0;
			read_all(&in[k], &d[k], &file, &own, &r);
		}
		write_threshold(path, &c, &in[0]);
		for (int k = 0; k < 2; k++) { /* its own records, then others */
			struct report_more m = { 0 };
			struct table want = { 0 };
			struct taking t = { .c = &c, .seed = i };
			uint32_t *group = NULL;
			assert_int_equal(grouping_open(&g, "predicted", &err), 0);
			int rc = more_of_values(&m, &rows, &in[k], &own, &o, &asked, path, &err);
			int own_records = !k && !asked.allow_fit_data;
			if (own.split == ROWS_ALL || !own_records) /* fewer are not told for sure */
				assert_int_equal(rc, -own_records);
			if (!rc) {
				grouping_release(&g);
				assert_int_equal(grouping_open(&g, "predicted", &err), 0);
				if (asked.by)
					assert_int_equal(grouping_of(&g, &in[k], 1, &group, &err), 0);
				assert_int_equal(taking_init(&t, &in[k].head, asked.by ? g.n : 0, 0, &err), 0);
				assert_int_equal(taking_rows(&t, &in[k], group, own.split, &err), 0);
				assert_int_equal(coverage_table(&want, &t.coverage, &in[k].head,
								asked.by ? g.name : NULL, s.classes <= 20, 0.8, &err),
						 0);
				same_tables(&m.sets, &want);
				assert_int_equal(m.fitted, in[0].n);
				assert_int_equal(m.unlabelled, t.coverage.unlabelled);
				assert_true(m.threshold.method == c.method && m.threshold.randomised == c.randomised);
				taking_release(&t);
				table_release(&want);
				free(group);
			} else {
				assert_non_null(strstr(err.msg, "--allow-fit-data"));
				err = ERR_NONE;
			}
			grouping_release(&g);
			rows_release(&rows);
			more_release(&m);
		}
		for (int k = 0; k < 2; k++) {
			rows_release(&in[k]);
			plain_release(&d[k]);
		}
	}
	unlink(path);
	close(file.fd);
}

/* A row of the last column is there with this value, or is not. */
static void row_is(const struct table *t, const char *key, int there, double value)
{
	const struct table_cell *cell = NULL;
	for (size_t i = 0; i < t->n_rows; i++)
		if (!strcmp(table_key(t, i), key))
			cell = table_at(t, i, t->n_columns - 1);
	assert_int_equal(cell && cell->type == CELL_REAL, there);
	assert_true(!there || cell->value == value);
}

/* Nothing, either or both of coverage and risk, and classes. */
static void selections_have_a_column_a_stream(void **state)
{
	(void)state;
	struct plain_file file;
	plain_file_open(&file);
	for (uint32_t i = 0; i < 8; i++) {
		struct table selections = { 0 };
		struct report_asked asked = { .per_class = (int)(i & 1),
					      .coverage = i & 2 ? 0.25 : 0,
					      .risk = i & 4 ? 0.5 : 0,
					      .confidence = 0.9 };
		for (size_t k = 0; k < 2; k++) {
			struct rng r;
			struct plain d;
			struct plain_shape s = { .classes = 3 };
			struct rows rows;
			struct selection at, within;
			struct report_more m = { 0 };
			struct table want = { 0 };
			struct rows_options own = {
				.split = ROWS_ALL, .unlabelled = ROWS_DROP, .class_bins = 4, .threads = 1
			};
			rng_init(&r, 8, RNG_TEST, i, (uint32_t)k);
			make(&d, &s, &r);
			plain_write(&d, &file, 0, 1, 1, 0, &r);
			assert_int_equal(rows_read(&rows, file.path, &own, &err), 0);
			assert_int_equal(keys_sort(rows.key, rows.n, &err), 0);
			assert_int_equal(more_of_rows(&m, &selections, &rows, &asked, &err), 0);
			assert_int_equal(class_table(&want, &rows, &err), 0);
			if (asked.per_class)
				same_tables(&m.classes, &want);
			assert_int_equal(m.classes.n_columns > 0, asked.per_class);
			assert_int_equal(selections.n_columns, i & 6 ? k + 1 : 0);
			selection_at_coverage(&at, rows.key, rows.n, 0.25);
			selection_at_risk(&within, rows.key, rows.n, 0.5, 0.9);
			row_is(&selections, "coverage@0.25", i & 2 ? 1 : 0, at.coverage);
			row_is(&selections, "threshold@0.25", i & 2 ? 1 : 0, at.threshold);
			row_is(&selections, "risk@0.25", i & 2 ? 1 : 0, at.risk);
			row_is(&selections, "bound@0.25", 0, 0);
			row_is(&selections, "coverage_within@0.5", i & 4 ? 1 : 0, within.coverage);
			row_is(&selections, "threshold_within@0.5", i & 4 ? 1 : 0, within.threshold);
			row_is(&selections, "risk_within@0.5", i & 4 && !isnan(within.risk), within.risk);
			row_is(&selections, "bound_within@0.5", i & 4 && !isnan(within.bound), within.bound);
			more_release(&m);
			table_release(&want);
			rows_release(&rows);
			plain_release(&d);
		}
		table_release(&selections);
	}
	close(file.fd);
}

static double score_at(const struct rows *w, enum ood_score s, size_t i)
{
	return s == OOD_MSP	    ? conf_p(w->key[i])
	       : s == OOD_MAX_LOGIT ? w->max_logit[i]
	       : s == OOD_ENERGY    ? w->energy[i]
	       : s == OOD_ENTROPY   ? -w->entropy[i]
	       : s == OOD_MARGIN    ? w->margin[i]
				    : -w->mutual[i];
}

/* Every point of the path is what some threshold counts, the last of which takes all records; none that could be seen
 * is left out. */
static void check_curve(const char *path, const struct rows *in, const struct rows *out, enum ood_score s,
			int precision)
{
	double x = 0, y = 1000, x0 = 0, y0 = 1000;
	int points = 0, used;
	static double at[200][2];
	size_t n = in->n + out->n, found = 0;
	for (size_t k = 0; k < n; k++) { /* by records, in no order */
		double t = k < in->n ? score_at(in, s, k) : score_at(out, s, k - in->n), tp = 0, fp = 0;
		for (size_t i = 0; i < in->n; i++)
			tp += score_at(in, s, i) >= t;
		for (size_t i = 0; i < out->n; i++)
			fp += score_at(out, s, i) >= t;
		at[k][0] = 1000 * (precision ? tp / (double)in->n : fp / (double)out->n);
		at[k][1] = 1000 * (1 - (precision ? tp / (tp + fp) : tp / (double)in->n));
	}
	for (const char *p = path; *p; p += used) {
		char pen = 0;
		assert_int_equal(sscanf(p, "%c%lf %lf%n", &pen, &x, &y, &used), 3);
		assert_int_equal(pen, points ? 'L' : 'M');
		size_t k = 0;
		while (k < n && !(fabs(at[k][0] - x) <= 0.051 && fabs(at[k][1] - y) <= 0.051))
			k++;
		assert_true(k < n || (!points && !precision && x == 0 && y == 1000));
		assert_true(!points || x >= x0 - 0.051);
		x0 = x;
		y0 = y;
		points++;
	}
	assert_true(fabs(x - 1000) <= 0.051);
	for (size_t k = 0; k < n; k++) { /* one that is far from every point would be seen */
		double near = 1e9;
		for (const char *p = path; *p; p += used) {
			assert_int_equal(sscanf(p + 1, "%lf %lf%n", &x, &y, &used), 2);
			used++;
			near = fmin(near, fmax(fabs(x - at[k][0]), fabs(y - at[k][1])));
		}
		found += near < 1.6;
	}
	assert_int_equal(found, n);
	assert_true(points > 1 && y0 <= 1000);
}

/* The columns of vic-ood, for every score that these streams have, or for one. */
static void others_are_told_apart(void **state)
{
	(void)state;
	struct plain_file file, other;
	struct pool *pool;
	plain_file_open(&file);
	plain_file_open(&other);
	assert_int_equal(pool_open(&pool, 1, &err), 0);
	for (uint32_t i = 0; i < (uint32_t)plain_checks(21); i++) {
		struct rng r;
		struct plain d, e;
		struct rows in, out;
		struct report_more m = { 0 };
		struct table want = { 0 };
		int found = 0;
		unsigned lacks = 0;
		plain_rng(&r, i, 83);
		struct plain_shape s = { .classes = 3,
					 .samples = 1 + (int)(i / 7 % 2),
					 .probs = (int)(i % 7 % 2),
					 .scale = 2,
					 .n = 20 + (int)rng_below(&r, 60) },
				   z = s;
		struct report_asked asked = { .others = 1, .score = (int)(i % (OOD_SCORES + 1)) };
		struct score_options o = {
			.level = 0.9, .rounds = (int)rng_below(&r, 2) * 20, .seed = 4, .threads = 1
		};
		struct ood_ask how = { o.rounds, 0.9, 4 };
		struct rows_options all = {
			.split = ROWS_AUTO, .unlabelled = ROWS_KEEP, .columns = OOD_COLUMNS, .threads = 1
		};
		z.n = 20 + (int)rng_below(&r, 60);
		z.scale = 1;
		plain_make(&d, &s, &r);
		plain_make(&e, &z, &r);
		plain_write(&d, &file, 0, s.samples, 1, 0, &r);
		plain_write(&e, &other, 0, s.samples, 1, 0, &r);
		assert_int_equal(rows_read(&in, file.path, &all, &err) | rows_read(&out, other.path, &all, &err), 0);
		int rc = more_of_other(&m, &in, other.path, &asked, &o, pool, &err);
		const struct report_other *got = m.other;
		assert_int_equal(m.n_others, 1);
		assert_string_equal(got->name, out.name);
		for (int k = 0; k < OOD_SCORES; k++) {
			struct ood_result result;
			if (asked.score && asked.score != k + 1)
				continue;
			if (ood_score_lacks((enum ood_score)k, &in, &out)) {
				lacks |= k == OOD_MUTUAL && s.samples == 1 ? 0 : 1u << k;
				continue;
			}
			assert_true(!rc && found < got->n);
			assert_int_equal(ood_measure(&in, &out, (enum ood_score)k, &how, pool, &result, &err), 0);
			assert_int_equal(
				ood_column(&want, ood_score_name((enum ood_score)k), &in, &out, &how, &result, &err),
				0);
			assert_int_equal(got->curve[found].score, k);
			check_curve(got->curve[found].roc, &in, &out, (enum ood_score)k, 0);
			check_curve(got->curve[found].pr, &in, &out, (enum ood_score)k, 1);
			found++;
		}
		assert_int_equal(rc, asked.score && !found ? -1 : 0);
		assert_int_equal(got->n, found);
		assert_true(rc || got->lacks == lacks);
		if (!rc)
			same_tables(&got->table, &want);
		else
			assert_non_null(strstr(err.msg, ood_score_name((enum ood_score)(asked.score - 1))));
		err = ERR_NONE;
		more_release(&m);
		table_release(&want);
		rows_release(&in);
		rows_release(&out);
		plain_release(&d);
		plain_release(&e);
	}
	pool_close(pool);
	close(file.fd);
	close(other.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_are_those_of_scores),	   cmocka_unit_test(no_records),
		cmocka_unit_test(sets_are_those_of_the_threshold), cmocka_unit_test(selections_have_a_column_a_stream),
		cmocka_unit_test(others_are_told_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

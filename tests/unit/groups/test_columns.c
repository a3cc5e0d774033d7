/* The table of classes, groups scored and runs as one column, against adding up in the open. */
#include "eval/groups/per_class.h"
#include "eval/groups/worst.h"
#include "eval/show/score_groups.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "near.h"
#include "tests/unit/eval/plain_rows.h"

static struct err err;

/* The table of classes from the records themselves. Probabilities are multiples of 1/32, so that no bin is in doubt. */
static void table_of_classes(void **state)
{
	(void)state;
	static const char *const column[] = { "n", "predicted", "accuracy", "precision", "ece", "oe", "gap" };
	static double p[60][5];
	static struct rows_cell against[5 * 16], won[5 * 16];
	for (uint32_t i = 0; i < 200; i++) {
		struct rng r;
		struct plain_shape shape = { 0 };
		int label[60], predicted[60];
		struct table t = { 0 };
		rng_init(&r, 7, RNG_TEST, i, 0);
		int k = shape.classes = 2 + (int)rng_below(&r, 4), bins = 1 << rng_below(&r, 5);
		int n = 1 + (int)rng_below(&r, 60);
		struct rows w = { .n = (size_t)n, .class_bins = bins, .class_cell = against, .top_cell = won };
		plain_head(&w.head, &shape, 1, &err);
		memset(against, 0, sizeof against);
		memset(won, 0, sizeof won);
		for (int j = 0; j < n; j++) {
			label[j] = (int)rng_below(&r, (uint32_t)k - rng_below(&r, 2));
			predicted[j] = (int)rng_below(&r, (uint32_t)k - rng_below(&r, 2));
			for (int c = 0; c < k; c++) {
				p[j][c] = rng_below(&r, 33) / 32.0;
				struct rows_cell *at = &against[c * bins + plain_bin(bins, p[j][c])];
				at->n++;
				at->right += label[j] == c;
				at->conf += fix_of(p[j][c]);
			}
			struct rows_cell *at = &won[predicted[j] * bins + plain_bin(bins, p[j][predicted[j]])];
			at->n++;
			at->right += label[j] == predicted[j];
		}
		assert_int_equal(class_table(&t, &w, &err), 0);
		assert_int_equal(t.n_rows, k);
		for (int c = 0; c < k; c++) {
			long double of = 0, taken = 0, right = 0, conf = 0, ece = 0, oe = 0;
			for (int j = 0; j < n; j++) {
				of += label[j] == c;
				taken += predicted[j] == c;
				right += label[j] == c && predicted[j] == c;
				conf += p[j][c];
			}
			for (int b = 0; b < bins; b++) {
				long double in = 0, sum = 0, hit = 0;
				for (int j = 0; j < n; j++)
					if (plain_bin(bins, p[j][c]) == b) {
						in++;
						sum += p[j][c];
						hit += label[j] == c;
					}
				ece += fabsl(sum - hit) / n;
				oe += in > 0 && sum > hit ? (sum - hit) / n * sum / in : 0;
			}
			long double want[] = { of, taken, right / of, right / taken, ece, oe, (conf - of) / n };
			assert_string_equal(table_key(&t, (size_t)c), w.head.classes[c]);
			for (size_t j = 0; j < 7; j++) {
				const struct table_cell *cell = table_at(&t, (size_t)c, j);
				assert_string_equal(t.column[j], column[j]);
				assert_int_equal(cell->type, j < 2 ? CELL_COUNT : CELL_REAL);
				near(j < 2 ? (double)cell->count : cell->value, want[j]);
			}
		}
		table_release(&t);
		stream_head_release(&w.head);
	}
}

/* Every group is scored as its records are alone, however many groups are scored side by side. */
static void groups_scored(void **state)
{
	(void)state;
	static const char *const by[] = { "split", "label", "predicted" };
	struct plain_file file;
	plain_file_open(&file);
	for (uint32_t i = 0; i < 12; i++) {
		struct rng r;
		struct plain d;
		struct plain_shape shape = { .classes = 3, .samples = 1, .scale = 2, .splits = 1 };
		struct grouping g;
		struct score_groups groups = { .grouping = &g };
		struct score_columns c = { 0 };
		struct column_asked asked = { .coverage = 0.5, .risk = 0.4, .confidence = 0.9 };
		struct score_options o = { .bins = { 7 }, .n_bins = 1, .brief = 1, .level = 0.9, .rounds = 20 };
		struct rows in, all, part;
		size_t at = 1;
		rng_init(&r, 8, RNG_TEST, i, 0);
		shape.n = i ? 20 + (int)rng_below(&r, 80)
			    : 9000; /* the first group is too large to be scored beside others */
		shape.unlabelled = i % 3 ? 7 : 0;
		o.threads = 1 + (int)rng_below(&r, 3);
		int b = (int)(i % 3), split = i % 4 == 1 ? SPLIT_TEST : i % 4 == 2 ? ROWS_AUTO : ROWS_ALL;
		plain_make(&d, &shape, &r);
		for (int j = 0; j < shape.n && !i; j++)
			d.r[j].split = j % 100 ? SPLIT_TRAIN : SPLIT_DEV;
		plain_write(&d, &file, 0, 1, 1, 0, &r);
		struct rows_options all_of = { .split = ROWS_ALL,
					       .unlabelled = ROWS_KEEP,
					       .columns = SCORE_GROUPS_COLUMNS },
				    own = { .split = split, .unlabelled = ROWS_DROP };
		assert_int_equal(rows_read(&in, file.path, &all_of, &err), 0);
		assert_int_equal(grouping_open(&g, by[b], &err), 0);
		assert_int_equal(groups_add(&c, &groups, &all, &in, "s", &own, &o, &asked, &err), 0);
		int whole = split == ROWS_ALL || (b == 0 && split == ROWS_AUTO), without = 0;
		for (int k = 0; k < g.n; k++) {
			static uint32_t pick[9000];
			size_t n = 0;
			for (size_t j = 0; j < in.n; j++) {
				int v = b == 0 ? in.split_of[j] : b == 1 ? in.label[j] : in.predicted[j];
				const char *name = v < 0 ? "" : b ? in.head.classes[v] : split_name(v);
				if (in.label[j] >= 0 && (whole || in.split_of[j] == SPLIT_TEST) &&
				    !strcmp(name, strchr(g.name[k], '=') + 1))
					pick[n++] = (uint32_t)j;
			}
			without += !n;
			if (!n)
				continue;
			struct rows_options part_of = { .split = ROWS_ALL,
							.unlabelled = ROWS_DROP,
							.columns = score_columns(&o) | COL_NLL | COL_BRIER };
			struct score_columns want = { 0 };
			struct score_options level = o;
			assert_true(at < c.n);
			assert_int_equal(rows_subset(&part, &in, pick, n, &part_of, &err), 0);
			level.level = worst_level(o.level, (int)c.n - 1);
			assert_int_equal(columns_add(&want, &part, g.name[k], &level, &asked, &err), 0);
			assert_string_equal(c.item[at].name, g.name[k]);
			assert_int_equal(c.item[at].score.n, want.item[0].score.n);
			for (int j = 0; j < want.item[0].score.n; j++) {
				const struct score_item *x = &c.item[at].score.item[j],
							*y = &want.item[0].score.item[j];
				assert_string_equal(x->key, y->key);
				near(x->value, y->value);
				near(x->low, y->low);
				near(x->high, y->high);
			}
			assert_memory_equal(&c.item[at].at_coverage, &want.item[0].at_coverage,
					    sizeof(struct selection));
			assert_memory_equal(&c.item[at].at_risk, &want.item[0].at_risk, sizeof(struct selection));
			at++;
			columns_release(&want);
			rows_release(&part);
		}
		assert_int_equal(c.n, at);
		assert_int_equal(groups.without, without);
		assert_string_equal(c.item[0].name, "s");
		assert_int_equal(score_find(&c.item[0].score, "n")->value, all.n);
		columns_release(&c);
		grouping_release(&g);
		rows_release(&in);
		rows_release(&all);
		plain_release(&d);
	}
	close(file.fd);
}

/* Runs that differ in their seed alone are one column, where they are asked for as one; others stand alone. */
static void runs_in_columns(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 100; i++) {
		struct rng r;
		struct score_columns c = { 0 };
		struct column_asked asked = { 0 };
		struct table t = { 0 };
		int experiment[6], related, seeds, any = 0;
		char text[160];
		size_t at = 0;
		rng_init(&r, 9, RNG_TEST, i, 0);
		seeds = (int)rng_below(&r, 2);
		int n = 1 + (int)rng_below(&r, 6);
		uint32_t kinds = 1 + rng_below(&r, 4);
		assert_int_equal(columns_reserve(&c, (size_t)n, &err), 0);
		for (int j = 0; j < n; j++) {
			experiment[j] = (int)rng_below(&r, kinds);
			snprintf(text, sizeof text,
				 "[{\"program\": \"vic-train\", \"args\": [\"--epochs=%d\", \"--seed=%d\"]}]",
				 experiment[j], j);
			c.item[j].provenance = experiment[j] == 3 ? NULL : json_loads(text, 0, NULL);
			snprintf(text, sizeof text, "s%d", j);
			c.item[j].name = strdup(text);
			score_real(&c.item[j].score, "ece", 0, j * j / 8.0);
			for (int k = 0; k < j; k++)
				any |= experiment[j] != 3 && experiment[j] == experiment[k];
		}
		assert_int_equal(columns_show(&t, &c, &asked, seeds, &related, &err), 0);
		assert_int_equal(related, any);
		for (int j = 0; j < n; j++) {
			double sum = 0, square = 0, runs = 0;
			int first = 1;
			for (int k = 0; k < n; k++)
				if (k == j || (seeds && experiment[j] != 3 && experiment[k] == experiment[j])) {
					first &= k >= j;
					sum += k * k / 8.0;
					square += k * k / 8.0 * (k * k / 8.0);
					runs++;
				}
			if (!first)
				continue;
			snprintf(text, sizeof text, runs > 1 ? "s%d (%d seeds)" : "s%d", j, (int)runs);
			assert_true(at < t.n_columns);
			assert_string_equal(t.column[at], text);
			const struct table_cell *ece = table_at(&t, 0, at);
			assert_int_equal(ece->type, runs > 1 ? CELL_SPREAD : CELL_REAL);
			near(ece->value, sum / runs);
			if (runs > 1)
				assert_true(fabs(ece->low - sqrt(fmax(0, square - sum * sum / runs) / (runs - 1))) <
					    1e-7);
			at++;
		}
		assert_int_equal(t.n_columns, at);
		table_release(&t);
		columns_release(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_of_classes),
		cmocka_unit_test(groups_scored),
		cmocka_unit_test(runs_in_columns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

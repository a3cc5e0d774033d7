/* Parts of a stream and records that count by a weight, against adding up in the open: weights and groups from files
 * and columns, what sets cover by class, size and group. */
#include "eval/conformal/coverage.h"
#include "eval/groups/grouping.h"
#include "eval/groups/weights.h"
#include "pipeline/base/stats.h"
#include "tests/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "near.h"
#include "tests/unit/eval/plain_rows.h"

static struct err err;

/* A confidence, at an edge of bins more often than not: their number is a power of two, so that none is in doubt. */
static double draw_conf(struct rng *r)
{
	return rng_below(r, 2) ? (1 + rng_below(r, 32)) / 32.0 : rng_real(r);
}

static double item_of(const struct score *s, const char *key)
{
	const struct score_item *i = score_find(s, key);
	if (!i)
		fail_msg("no %s", key);
	return i->value;
}

enum { MOST = 300 };
struct weighed {
	double p[MOST], nll[MOST], brier[MOST], entropy[MOST], weight[MOST];
	conf_key key[MOST];
	int right[MOST];
	size_t n;
};

static void draw_weighed(struct weighed *d, struct rng *r)
{
	static const double unit[] = { 1, 1e-200, 1e200, 3 };
	double scale = unit[rng_below(r, 4)];
	int infinite = rng_below(r, 4) == 0, huge = rng_below(r, 4) == 0;
	d->n = 1 + rng_below(r, rng_below(r, 2) ? 3 : MOST);
	for (size_t i = 0; i < d->n; i++) {
		d->p[i] = draw_conf(r);
		d->right[i] = (int)rng_below(r, 2);
		d->key[i] = conf_pack(d->p[i], 1 - d->p[i], d->right[i]);
		d->weight[i] = rng_below(r, 5) ? scale * rng_real(r) : 0;
		d->nll[i] = huge ? 1e13 * rng_real(r) : 3 * rng_real(r);
		if (infinite && rng_below(r, 9) == 0)
			d->nll[i] = INFINITY;
		d->brier[i] = 2 * rng_real(r);
		d->entropy[i] = 5 * rng_real(r);
	}
	d->weight[rng_below(r, (uint32_t)d->n)] = scale;
}

/* ece, oe, uce, mce, rmsce of m bins. */
static void plain_errors(const struct weighed *d, int m, long double e[5])
{
	long double all = 0;
	for (size_t i = 0; i < d->n; i++)
		all += d->weight[i];
	memset(e, 0, 5 * sizeof *e);
	for (int b = 0; b < m; b++) {
		long double w = 0, conf = 0, right = 0;
		for (size_t i = 0; i < d->n; i++)
			if (plain_bin(m, d->p[i]) == b) {
				w += d->weight[i];
				conf += (long double)d->weight[i] * d->p[i];
				right += d->right[i] ? d->weight[i] : 0;
			}
		if (!(w > 0))
			continue;
		long double gap = (conf - right) / w;
		e[0] += w / all * fabsl(gap);
		e[1] += gap > 0 ? w / all * conf / w * gap : 0;
		e[2] += gap < 0 ? w / all * (1 - conf / w) * -gap : 0;
		e[3] = fmaxl(e[3], fabsl(gap));
		e[4] += w / all * gap * gap;
	}
	e[4] = sqrtl(e[4]);
}

static void weighted_numbers(void **state)
{
	(void)state;
	static const char *const order[] = { "n",     "weight", "n_effective", "accuracy", "ece", "oe",	 "nll",
					     "brier", "gap",	"bins",	       "entropy",  "uce", "mce", "rmsce" };
	static struct weighed d;
	static struct score s;
	for (uint32_t i = 0; i < 300; i++) {
		struct rng r;
		struct score_options o = { 0 };
		char ece[32], oe[32];
		long double all = 0, square = 0, e[5], mean[5] = { 0 };
		rng_init(&r, 1, RNG_TEST, i, 0);
		draw_weighed(&d, &r);
		o.n_bins = 1 + (int)rng_below(&r, 3);
		for (int b = 0; b < o.n_bins; b++)
			o.bins[b] = 1 << (b + (int)rng_below(&r, 2) + 2 * b);
		o.brief = (int)rng_below(&r, 2);
		struct rows w = { .n = d.n, .key = d.key, .nll = d.nll, .brier = d.brier, .entropy = d.entropy };
		assert_int_equal(score_weighted(&s, &w, d.weight, &o, &err), 0);
		for (size_t j = 0; j < d.n; j++) {
			all += d.weight[j];
			square += (long double)d.weight[j] * d.weight[j];
			mean[0] += d.right[j] ? d.weight[j] : 0;
			mean[1] += d.weight[j] > 0 ? (long double)d.weight[j] * d.nll[j] : 0;
			mean[2] += (long double)d.weight[j] * d.brier[j];
			mean[3] += (long double)d.weight[j] * d.p[j];
			mean[4] += (long double)d.weight[j] * d.entropy[j];
		}
		int base = o.brief ? 10 : 14;
		assert_int_equal(s.n, base + 2 * (o.n_bins - 1));
		for (int j = 0; j < base; j++)
			assert_string_equal(s.item[j].key, order[j]);
		near(item_of(&s, "n"), d.n);
		near(item_of(&s, "weight") / all, 1);
		near(item_of(&s, "n_effective"), all / square * all);
		assert_true(item_of(&s, "n_effective") >= 1);
		near(item_of(&s, "accuracy"), mean[0] / all);
		near(item_of(&s, "nll"), mean[1] / all);
		near(item_of(&s, "brier"), mean[2] / all);
		near(item_of(&s, "gap"), (mean[3] - mean[0]) / all);
		near(item_of(&s, "bins"), o.bins[0]);
		for (int b = 0; b < o.n_bins; b++) {
			plain_errors(&d, o.bins[b], e);
			snprintf(ece, sizeof ece, b ? "ece@%d" : "ece", o.bins[b]);
			snprintf(oe, sizeof oe, b ? "oe@%d" : "oe", o.bins[b]);
			near(item_of(&s, ece), e[0]);
			near(item_of(&s, oe), e[1]);
			if (b || o.brief)
				continue;
			near(item_of(&s, "entropy"), mean[4] / all);
			near(item_of(&s, "uce"), e[2]);
			near(item_of(&s, "mce"), e[3]);
			near(item_of(&s, "rmsce"), e[4]);
		}
		memset(d.weight, 0, sizeof d.weight);
		assert_int_equal(score_weighted(&s, &w, d.weight, &o, &err), -1);
		assert_non_null(strstr(err.msg, "every weight is 0"));
	}
}

/* Weights as they stand in a file, with ids in any order or without; what is none is refused as bad data. */
static void weights_of_files(void **state)
{
	(void)state;
	static const char *const bad[] = { "-1", "nan", "inf", "x", "1e-310", "-0.5", "4.9e-324", "1e400" };
	static const double edge[] = { 0, 0x1p-1022, 1.7976931348623157e308, 1 };
	char path[SCRATCH_PATH], text[MOST * 40];
	assert_int_equal(scratch_file(path, "weights"), 0);
	for (uint32_t i = 0; i < 60; i++) {
		struct rng r;
		struct weights w;
		uint64_t id[MOST];
		uint32_t order[MOST];
		double want[MOST], *got;
		size_t n = 1 + i, at = 0;
		rng_init(&r, 2, RNG_TEST, i, 0);
		int with_ids = (int)rng_below(&r, 2), wrong = rng_below(&r, 3) == 0;
		for (size_t k = 0; k < n; k++) {
			order[k] = (uint32_t)k;
			id[k] = 5 * k + rng_below(&r, 5);
			want[k] = rng_below(&r, 3) ? rng_real(&r) : edge[rng_below(&r, 4)];
		}
		if (with_ids)
			rng_shuffle(&r, order, n);
		size_t fault = rng_below(&r, (uint32_t)n);
		for (size_t k = 0; k < n; k++) {
			if (with_ids)
				at += (size_t)snprintf(text + at, 24, "%u\t", (unsigned)id[order[k]]);
			if (wrong && k == fault)
				at += (size_t)snprintf(text + at, 32, "%s\n", bad[i % 8]);
			else
				at += (size_t)snprintf(text + at, 32, "%.17g\n", want[order[k]]);
		}
		assert_int_equal(scratch_put(path, text, at), 0);
		err = ERR_NONE;
		assert_int_equal(weights_read(&w, path, &err), wrong ? -1 : 0);
		if (wrong) {
			assert_int_equal(err.status, VIC_DATA);
			assert_non_null(strstr(err.msg, "a weight"));
			continue;
		}
		struct rows rows = { .n = n, .id = id, .name = (char *)(uintptr_t) "s" };
		assert_int_equal(weights_of(&w, &rows, &got, &err), 0);
		for (size_t k = 0; k < n; k++)
			assert_true(got[k] == want[k]);
		free(got);
		id[fault] = 123456;
		rows.n -= !with_ids;
		assert_int_equal(weights_of(&w, &rows, &got, &err), -1);
		weights_release(&w);
	}
	unlink(path);
}

static void kept_weights(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 100; i++) {
		struct rng r;
		double weight[40], want[40];
		uint8_t split[40];
		int32_t label[40];
		size_t kept = 0;
		rng_init(&r, 3, RNG_TEST, i, 0);
		struct rows in = { .n = 1 + rng_below(&r, 40), .split_of = split, .label = label },
			    chosen = { .split = rng_below(&r, 5) ? (int)rng_below(&r, SPLIT_COUNT) : ROWS_ALL };
		for (size_t k = 0; k < in.n; k++) {
			weight[k] = rng_real(&r);
			split[k] = (uint8_t)rng_below(&r, SPLIT_COUNT);
			label[k] = (int32_t)rng_below(&r, 4) - 1;
			if ((chosen.split == ROWS_ALL || chosen.split == split[k]) && label[k] != -1)
				want[kept++] = weight[k];
		}
		weights_keep(weight, &in, &chosen);
		for (size_t k = 0; k < kept; k++)
			assert_true(weight[k] == want[k]);
	}
}

/* Groups of one to three documents by a column: those that occur, in the column's order. */
static void groups_of_columns(void **state)
{
	(void)state;
	static const char *const by[] = { "split", "label", "predicted" };
	for (uint32_t i = 0; i < 150; i++) {
		struct rng r;
		struct plain_shape shape = { .classes = 2 };
		struct rows list[3] = { { 0 } };
		int32_t label[3][30], predicted[3][30], seen[64] = { 0 };
		uint8_t split[3][30];
		struct grouping g;
		uint32_t *of;
		char want[40];
		rng_init(&r, 4, RNG_TEST, i, 0);
		shape.classes = 2 + (int)rng_below(&r, 9);
		size_t documents = 1 + rng_below(&r, 3), at = 0;
		int b = (int)rng_below(&r, 3), n = 0, some = 1 + (int)rng_below(&r, 4);
		for (size_t d = 0; d < documents; d++) {
			list[d] = (struct rows){ .n = rng_below(&r, 30) + (d == 0),
						 .split_of = split[d],
						 .label = label[d],
						 .predicted = predicted[d] };
			plain_head(&list[d].head, &shape, 1, &err);
			for (size_t k = 0; k < list[d].n; k++) {
				split[d][k] = (uint8_t)rng_below(&r, SPLIT_COUNT) % (uint8_t)some;
				label[d][k] =
					(int32_t)rng_below(&r, (uint32_t)shape.classes) / some * some - (k % 3 == 2);
				predicted[d][k] = (int32_t)rng_below(&r, (uint32_t)shape.classes) / some * some;
				int v = b == 0 ? split[d][k] : b == 1 ? label[d][k] : predicted[d][k];
				if (v >= 0)
					seen[v] = 1;
			}
		}
		assert_int_equal(grouping_open(&g, by[b], &err), 0);
		assert_int_equal(grouping_of(&g, list, documents, &of, &err), 0);
		for (int v = 0; v < (b ? shape.classes : SPLIT_COUNT); v++) {
			if (!seen[v])
				continue;
			snprintf(want, sizeof want, "%s=%s", by[b], b ? list[0].head.classes[v] : split_name(v));
			assert_true(n < g.n);
			assert_string_equal(g.name[n], want);
			seen[v] = n++;
		}
		assert_int_equal(g.n, n);
		for (size_t d = 0; d < documents; d++)
			for (size_t k = 0; k < list[d].n; k++, at++) {
				int v = b == 0 ? split[d][k] : b == 1 ? label[d][k] : predicted[d][k];
				assert_int_equal(of[at], v < 0 ? NO_GROUP : (uint32_t)seen[v]);
			}
		for (size_t d = 0; d < documents; d++)
			stream_head_release(&list[d].head);
		free(of);
		grouping_release(&g);
	}
}

/* Groups of a file in the order in which they come; the first that another had but for white space and case is said. */
static void groups_of_files(void **state)
{
	(void)state;
	static const struct {
		const char *name, *folded;
	} made[] = { { "Rome", "rome" }, { "rome ", "rome" }, { "ROME", "rome" }, { "a b", "ab" }, { "ab", "ab" },
		     { "A\vB", "ab" },	 { "c", "c" },	      { "0", "0" },	  { "d=e", "d=e" } };
	char path[SCRATCH_PATH], want[80];
	int alike_said = 0, none_said = 0;
	assert_int_equal(scratch_file(path, "groups"), 0);
	for (uint32_t i = 0; i < 200; i++) {
		struct rng r;
		struct grouping g;
		int first[9], group[40], names = 0, alike = -1;
		uint64_t id[40];
		char text[1000];
		uint32_t *of;
		size_t n, at = 0;
		rng_init(&r, 5, RNG_TEST, i, 0);
		n = 2 + rng_below(&r, 30);
		uint32_t kinds = 1 + rng_below(&r, 9), from = rng_below(&r, 9);
		int blank = rng_below(&r, 8) == 0;
		for (size_t k = 0; k < n; k++) {
			int m = (int)((from + rng_below(&r, kinds)) % 9), j = 0, folded = 0;
			for (; j < names && first[j] != m; j++)
				folded |= !strcmp(made[first[j]].folded, made[m].folded);
			if (j == names) {
				first[names++] = m;
				alike = folded && alike < 0 ? m : alike;
			}
			group[k] = j;
			id[k] = n - k;
			at += (size_t)snprintf(text + at, 40, "%u\t%s\n", (unsigned)id[k],
					       blank && k == n - 1 ? " \v " : made[m].name);
		}
		assert_int_equal(scratch_put(path, text, at), 0);
		assert_int_equal(grouping_open(&g, path, &err), blank ? -1 : 0);
		if (blank)
			continue;
		assert_int_equal(g.n, names);
		for (int j = 0; j < names; j++) {
			snprintf(want, sizeof want, "group=%s", made[first[j]].name);
			assert_string_equal(g.name[j], want);
		}
		snprintf(want, sizeof want, "group '%s' differs", alike < 0 ? "" : made[alike].name);
		assert_int_equal(g.alike != NULL, alike >= 0);
		assert_true(!g.alike || strstr(g.alike, want));
		alike_said += g.alike != NULL;
		none_said += g.alike == NULL;
		size_t cut = rng_below(&r, (uint32_t)n + 1);
		struct rows list[2] = { { .n = cut, .id = id, .name = (char *)(uintptr_t) "a" },
					{ .n = n - cut, .id = id + cut, .name = (char *)(uintptr_t) "b" } };
		assert_int_equal(grouping_of(&g, list, 2, &of, &err), 0);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(of[k], group[k]);
		free(of);
		grouping_release(&g);
	}
	assert_true(alike_said > 20 && none_said > 20);
	unlink(path);
}

static void too_many_groups(void **state)
{
	(void)state;
	static char text[(GROUPS_MAX + 1) * 8];
	char path[SCRATCH_PATH];
	struct grouping g;
	size_t at = 0;
	assert_int_equal(scratch_file(path, "groups"), 0);
	for (int i = 0; i <= GROUPS_MAX; i++) {
		if (i == GROUPS_MAX) {
			assert_int_equal(scratch_put(path, text, at), 0);
			assert_int_equal(grouping_open(&g, path, &err), 0);
			assert_int_equal(g.n, GROUPS_MAX);
			grouping_release(&g);
		}
		at += (size_t)snprintf(text + at, 9, "g%d\n", i);
	}
	assert_int_equal(scratch_put(path, text, at), 0);
	assert_int_equal(grouping_open(&g, path, &err), -1);
	assert_non_null(strstr(err.msg, "more than 10000 groups ('g10000' is the next)"));
	unlink(path);
	assert_int_equal(grouping_open(&g, path, &err), -1); /* a path: that file is not there */
	assert_true(err.status != VIC_USAGE);
	assert_int_equal(grouping_open(&g, "strange", &err), -1);
	assert_int_equal(err.status, VIC_USAGE);
}

/* The next row of the table: its counts, its share with Wilson's interval, its mean. Returns the number after it. */
static size_t check_covered(const struct table *t, size_t row, const char *key, const struct covered *want)
{
	double low, high, n = (double)want->n, z = normal_quantile_two_sided(0.9);
	if (!want->n)
		return row;
	assert_true(row < t->n_rows);
	assert_string_equal(table_key(t, row), key);
	wilson((double)want->hit, n, z, &low, &high);
	const struct table_cell *count = table_at(t, row, 0), *share = table_at(t, row, 1), *size = table_at(t, row, 2);
	assert_true(count->type == CELL_COUNT && count->count == want->n);
	assert_true(share->type == CELL_INTERVAL && share->low == low && share->high == high);
	near(share->value, (long double)want->hit / want->n);
	assert_int_equal(size->type, CELL_REAL);
	near(size->value, (long double)want->size / want->n);
	return row + 1;
}

/* The first row where no record has a label: the mean size of the `unlabelled` ones' sets, `total` together. */
static size_t check_unlabelled(const struct table *t, uint64_t unlabelled, uint64_t total)
{
	assert_string_equal(table_key(t, 0), "all");
	assert_true(table_at(t, 0, 0)->type == CELL_COUNT && !table_at(t, 0, 0)->count);
	assert_true(table_at(t, 0, 1)->type == CELL_REAL && isnan(table_at(t, 0, 1)->value));
	assert_true(table_at(t, 0, 2)->value == (double)total / (double)unlabelled);
	return 1;
}

/* What sets cover: sizes on either side of each stratum's ends. */
static void what_sets_cover(void **state)
{
	(void)state;
	static const struct {
		int from, to;
		const char *name;
	} strata[] = { { 0, 0, "size 0" },
		       { 1, 1, "size 1" },
		       { 2, 2, "size 2" },
		       { 3, 3, "size 3" },
		       { 4, 10, "size 4-10" },
		       { 11, 100, "size 11-100" },
		       { 101, 1000, "size 101-1000" },
		       { 1001, 10000, "size 1001-10000" },
		       { 10001, 1000000, "size 10001-1000000" } };
	char *group[] = { (char *)(uintptr_t) "g=x", (char *)(uintptr_t) "g=y", (char *)(uintptr_t) "g=z" };
	for (uint32_t i = 0; i < 150; i++) {
		struct rng r;
		struct plain_shape shape = { 0 };
		struct stream_head head;
		struct coverage c;
		struct covered by[1 + 6 + SIZE_STRATA + 3] = { 0 };
		struct table t = { 0 };
		uint64_t unlabelled = 0, without = 0;
		size_t row = 0;
		char key[24];
		rng_init(&r, 6, RNG_TEST, i, 0);
		int k = shape.classes = 1 + (int)rng_below(&r, 6), groups = (int)rng_below(&r, 4);
		int classes = (int)rng_below(&r, 2);
		plain_head(&head, &shape, 1, &err);
		assert_int_equal(coverage_init(&c, k, groups, &err), 0);
		for (uint32_t j = rng_below(&r, 60); j-- > 0;) {
			uint32_t s = rng_below(&r, SIZE_STRATA);
			int size = rng_below(&r, 2) ? strata[s].from : strata[s].to, hit = (int)rng_below(&r, 2);
			int label = (int)rng_below(&r, (uint32_t)k + 1) - 1,
			    of = (int)rng_below(&r, (uint32_t)groups + 1) - 1;
			coverage_add(&c, label, size, hit, of);
			unlabelled += label < 0;
			without += label < 0 ? (uint64_t)size : 0;
			int in[] = { 0, 1 + label, 1 + k + (int)s, 1 + k + SIZE_STRATA + of };
			for (int m = 0; m < 3 + (of >= 0) && label >= 0; m++) {
				by[in[m]].n++;
				by[in[m]].hit += (uint64_t)hit;
				by[in[m]].size += (uint64_t)size;
			}
		}
		assert_true(c.unlabelled == unlabelled);
		assert_int_equal(coverage_table(&t, &c, &head, group, classes, 0.9, &err), 0);
		assert_string_equal(t.head, "records");
		assert_int_equal(t.by_row, 1);
		row = by[0].n || !unlabelled ? check_covered(&t, row, "all", &by[0])
					     : check_unlabelled(&t, unlabelled, without);
		for (int j = 0; j < k && classes; j++) {
			snprintf(key, sizeof key, "class c%d", j);
			row = check_covered(&t, row, key, &by[1 + j]);
		}
		for (int j = 0; j < SIZE_STRATA; j++)
			row = check_covered(&t, row, strata[j].name, &by[1 + k + j]);
		for (int j = 0; j < groups; j++)
			row = check_covered(&t, row, group[j], &by[1 + k + SIZE_STRATA + j]);
		assert_int_equal(t.n_rows, row);
		table_release(&t);
		coverage_release(&c);
		stream_head_release(&head);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weighted_numbers), cmocka_unit_test(weights_of_files),
		cmocka_unit_test(kept_weights),	    cmocka_unit_test(groups_of_columns),
		cmocka_unit_test(groups_of_files),  cmocka_unit_test(too_many_groups),
		cmocka_unit_test(what_sets_cover),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

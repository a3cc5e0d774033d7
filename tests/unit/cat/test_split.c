/* Folds are a partition, classes keep their shares, copies stay together, and a seed means the same marks. */
#include "pipeline/base/philox.h"
#include "pipeline/cat/split.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { CLASSES = 3 };

/* n records of three classes with shares 1/2, 1/3, 1/6; every `copy`th repeats the one three before (0: none). */
static void fill(struct split_records *r, uint32_t n, uint32_t copy)
{
	struct err err = ERR_NONE;
	struct rng rng;
	rng_init(&rng, 5, RNG_TEST, n, 0);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t original = copy && i % copy == copy - 1 && i >= 3 ? i - 3 : i;
		uint32_t draw = rng_below(&rng, 6);
		int32_t label = draw < 3 ? 0 : draw < 5 ? 1 : 2;
		if (original != i)
			label = r->label[original];
		struct hash128 key = original == i ? hash128_of(&i, sizeof i) : r->key[original];
		assert_int_equal(split_records_add(r, key, label, SPLIT_TRAIN, &err), 0);
	}
}

static void assign(struct split_records *r, const struct split_plan *plan, struct split_report *report)
{
	struct err err = ERR_NONE;
	struct split_report own;
	int rc = split_assign(plan, r, report ? report : &own, &err);
	if (rc)
		print_message("# %s\n", err.msg);
	assert_int_equal(rc, 0);
}

static uint32_t count(const struct split_records *r, int split, int label)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < r->n; i++)
		n += r->split[i] == split && (label < 0 || r->label[i] == label);
	return n;
}

static uint32_t in_class(const struct split_records *r, int label)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < r->n; i++)
		n += r->label[i] == label;
	return n;
}

static void folds_are_a_partition(void **state)
{
	(void)state;
	static const uint32_t sizes[] = { 30, 101, 1000 };
	for (size_t s = 0; s < 3; s++) {
		for (int64_t k = 2; k <= 10; k += 4) {
			uint32_t tested[1000] = { 0 }, n = sizes[s];
			for (int64_t fold = 0; fold < k; fold++) {
				struct split_records r = { 0 };
				fill(&r, n, 0);
				assign(&r, &(struct split_plan){ .folds = k, .fold = fold, .seed = 3, .stratify = 1 },
				       NULL);
				for (uint32_t i = 0; i < n; i++)
					tested[i] += r.split[i] == SPLIT_TEST;
				/* within 1 in all and in each class */
				uint32_t all = count(&r, SPLIT_TEST, -1);
				assert_true(all == n / k || all == n / k + 1);
				for (int c = 0; c < CLASSES; c++) {
					uint32_t part = count(&r, SPLIT_TEST, c), whole = in_class(&r, c);
					assert_true(part == whole / k || part == whole / k + 1);
				}
				split_records_release(&r);
			}
			for (uint32_t i = 0; i < n; i++)
				assert_int_equal(tested[i], 1);
		}
	}
}

static void copies_stay_together(void **state)
{
	(void)state;
	for (int64_t fold = 0; fold < 5; fold++) {
		struct split_records r = { 0 };
		struct split_report report;
		fill(&r, 500, 7);
		assign(&r, &(struct split_plan){ .folds = 5, .fold = fold, .dev = 0.2, .seed = 9, .stratify = 1 },
		       &report);
		uint32_t copies = 0;
		for (uint32_t i = 0; i < r.n; i++)
			for (uint32_t j = 0; j < i; j++)
				if (!memcmp(&r.key[i], &r.key[j], sizeof *r.key)) {
					assert_int_equal(r.split[i], r.split[j]);
					copies++;
					break;
				}
		assert_int_equal(report.copies, copies);
		assert_true(copies > 60);
		assert_int_equal(report.disagree, 0);
		assert_int_equal(report.leaked, 0);
		/* pairs that do not fit are passed over, so it comes out even */
		uint32_t rest = r.n - count(&r, SPLIT_TEST, -1);
		assert_int_equal(count(&r, SPLIT_DEV, -1), llround(0.2 * rest));
		for (int c = 0; c < CLASSES; c++) { /* a group has at most 2 records here, so the slack is 2 */
			int part = (int)count(&r, SPLIT_TEST, c), whole = (int)in_class(&r, c);
			assert_true(abs(part - whole / 5) <= 2);
		}
		split_records_release(&r);
	}
}

/* One record ten times, twenty others: a fold of 5 must hold all ten. */
static void a_large_group(void **state)
{
	(void)state;
	uint32_t total = 0;
	for (int64_t fold = 0; fold < 5; fold++) {
		struct split_records r = { 0 };
		struct err err = ERR_NONE;
		for (uint32_t i = 0; i < 30; i++) {
			uint32_t k = i % 3 ? i : 0;
			assert_int_equal(split_records_add(&r, hash128_of(&k, 4), 0, SPLIT_TRAIN, &err), 0);
		}
		assign(&r, &(struct split_plan){ .folds = 5, .fold = fold, .stratify = 1 }, NULL);
		uint32_t n = count(&r, SPLIT_TEST, -1);
		assert_true(n == 10 || n == 5);
		total += n;
		split_records_release(&r);
	}
	assert_int_equal(total, 30);
}

static void shares_are_exact(void **state)
{
	(void)state;
	static const double shares[] = { 0.1, 0.15, 0.29, 0.5, 0.07 };
	for (size_t s = 0; s < sizeof shares / sizeof *shares; s++) {
		struct split_records r = { 0 };
		double share = shares[s];
		fill(&r, 997, 0);
		assign(&r, &(struct split_plan){ .test = share, .dev = share, .seed = s, .stratify = 1 }, NULL);
		uint32_t test = count(&r, SPLIT_TEST, -1), dev = count(&r, SPLIT_DEV, -1);
		assert_int_equal(test, llround(share * 997));
		assert_int_equal(dev, llround(share * (997 - test)));
		for (int c = 0; c < CLASSES; c++) { /* floor or one more */
			double part = share * in_class(&r, c);
			assert_true(fabs(count(&r, SPLIT_TEST, c) - part) < 1);
			double rest = share * (in_class(&r, c) - count(&r, SPLIT_TEST, c));
			assert_true(fabs(count(&r, SPLIT_DEV, c) - rest) < 1);
		}
		split_records_release(&r);
	}
}

static void seeds(void **state)
{
	(void)state;
	struct split_records a = { 0 }, b = { 0 }, c = { 0 };
	fill(&a, 400, 11);
	fill(&b, 400, 11);
	fill(&c, 400, 11);
	const struct split_plan plan = { .test = 0.2, .dev = 0.1, .seed = 4, .stratify = 1 };
	struct split_plan other = plan;
	other.seed = 5;
	assign(&a, &plan, NULL);
	assign(&b, &plan, NULL);
	assign(&c, &other, NULL);
	assert_memory_equal(a.split, b.split, 400);
	assert_true(memcmp(a.split, c.split, 400) != 0);
	split_records_release(&a);
	split_records_release(&b);
	split_records_release(&c);
}

/* What a seed means must not change unnoticed. */
static void pinned(void **state)
{
	(void)state;
	struct split_records r = { 0 };
	char marks[25] = "";
	fill(&r, 24, 0);
	assign(&r, &(struct split_plan){ .folds = 4, .fold = 1, .dev = 0.2, .seed = 1, .stratify = 1 }, NULL);
	for (uint32_t i = 0; i < r.n; i++)
		marks[i] = ".dt"[r.split[i]];
	assert_string_equal(marks, "...dtttdt.....d...d.t.t.");
	split_records_release(&r);
}

static void marks_that_are_there(void **state)
{
	(void)state;
	struct split_records r = { 0 };
	struct split_report report;
	struct err err = ERR_NONE;
	fill(&r, 300, 0);
	for (uint32_t i = 200; i < 300; i++)
		r.split[i] = i < 290 ? SPLIT_TEST : SPLIT_EXTRA;
	r.key[250] = r.key[10]; /* the test holds a training record */
	assert_int_equal(split_assign(&(struct split_plan){ .folds = 5 }, &r, &report, &err), -1);
	assert_non_null(strstr(err.msg, "90 records are marked test already"));
	assert_int_equal(split_assign(&(struct split_plan){ .test = .1 }, &r, &report, &err), -1);
	assign(&r, &(struct split_plan){ .dev = 0.1, .stratify = 1 }, &report);
	assert_int_equal(count(&r, SPLIT_TEST, -1), 90);
	assert_int_equal(count(&r, SPLIT_EXTRA, -1), 10);
	assert_int_equal(count(&r, SPLIT_DEV, -1), 20);
	assert_int_equal(report.leaked, 1);
	for (uint32_t i = 200; i < 300; i++)
		assert_int_equal(r.split[i], i < 290 ? SPLIT_TEST : SPLIT_EXTRA);
	assert_int_equal(split_assign(&(struct split_plan){ .dev = .1 }, &r, &report, &err), -1);
	assert_non_null(strstr(err.msg, "20 records are marked dev already"));
	assign(&r, &(struct split_plan){ .test = 0.5, .remark = 1 }, &report);
	assert_int_equal(count(&r, SPLIT_TEST, -1), 145);
	assert_int_equal(count(&r, SPLIT_EXTRA, -1), 10);
	assert_int_equal(report.copies, 1);
	split_records_release(&r);
}

/* Records for calibration are a share of what remains, and who they are changes no other mark. */
static void calibration(void **state)
{
	(void)state;
	for (int64_t fold = 0; fold < 3; fold++) {
		struct split_records without = { 0 }, with = { 0 };
		struct split_plan plan = { .folds = 3, .fold = fold, .dev = 0.1, .seed = 4, .stratify = 1 };
		struct split_report report;
		struct err err = ERR_NONE;
		fill(&without, 600, 9);
		fill(&with, 600, 9);
		assign(&without, &plan, NULL);
		plan.calibration = 0.2;
		assign(&with, &plan, &report);
		uint32_t rest = count(&without, SPLIT_TRAIN, -1);
		assert_int_equal(count(&with, SPLIT_EXTRA, -1), llround(0.2 * rest));
		for (uint32_t i = 0; i < 600; i++) {
			assert_true(with.split[i] == without.split[i] ||
				    (with.split[i] == SPLIT_EXTRA && without.split[i] == SPLIT_TRAIN));
			for (uint32_t j = 0; j < i; j++)
				assert_true(memcmp(&with.key[i], &with.key[j], sizeof *with.key) ||
					    with.split[i] == with.split[j]);
		}
		plan.folds = 0;
		plan.dev = 0;
		assert_int_equal(split_assign(&plan, &with, &report, &err), -1);
		assert_non_null(strstr(err.msg, "labelled records are marked extra already"));
		plan.remark = 1;
		assign(&with, &plan, NULL);
		assert_int_equal(count(&with, SPLIT_EXTRA, -1), 120);
		with.label[0] = -1; /* extra without label: of no use for a fit, so in nobody's way */
		for (uint32_t i = 0; i < 600; i++)
			with.split[i] = i ? SPLIT_TRAIN : SPLIT_EXTRA;
		plan.remark = 0;
		assign(&with, &plan, NULL);
		split_records_release(&without);
		split_records_release(&with);
	}
}

static void what_cannot_be(void **state)
{
	(void)state;
	static const struct { struct split_plan plan; const char *message; } bad[] = {
		{ { .folds = 11 }, "11 folds of 10 different records: some would be empty" },
		{ { .calibration = 0.01 }, "--calibration 0.01 of 10 records is none" },
		{ { .dev = 0.01 }, "--dev 0.01 of 10 records is none" },
		{ { .test = 1 }, "--test 1 of 10 records leaves none to train on" },
	};
	struct err err = ERR_NONE;
	struct split_report report;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct split_records r = { 0 };
		fill(&r, 10, 0);
		assert_int_equal(split_assign(&bad[i].plan, &r, &report, &err), -1);
		assert_string_equal(err.msg, bad[i].message);
		split_records_release(&r);
	}
	struct split_records copies = { 0 };
	fill(&copies, 10, 0);
	for (uint32_t i = 0; i < 10; i++)
		copies.key[i] = copies.key[0];
	assert_int_equal(split_assign(&(struct split_plan){ .test = .2 }, &copies, &report, &err), -1);
	assert_string_equal(err.msg,
			    "--test 0.2 of 10 records is 2, and copies of a record stay together: no group of them "
			    "is so small; a larger share takes one");
	split_records_release(&copies);
	struct split_records none = { 0 };
	assert_int_equal(split_assign(&(struct split_plan){ .dev = .5 }, &none, &report, &err), -1);
	split_records_release(&none);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(folds_are_a_partition),
					    cmocka_unit_test(copies_stay_together),
					    cmocka_unit_test(a_large_group),
					    cmocka_unit_test(shares_are_exact),
					    cmocka_unit_test(seeds),
					    cmocka_unit_test(pinned),
					    cmocka_unit_test(marks_that_are_there),
					    cmocka_unit_test(calibration),
					    cmocka_unit_test(what_cannot_be) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

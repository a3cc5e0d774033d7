/* Marked options in lines of provenance: given, left out, of another program, and operands that look like options. */
#include "pipeline/frame/marks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* The value with the mark in a line of the program with these arguments, separated by one space; "none" for NULL. */
static void expect(const char *program, const char *args, enum mark mark, const char *want)
{
	json_t *line = json_pack("{s:s, s:[]}", "program", program, "args");
	for (const char *p = args; *p; p += strspn(p, " ")) {
		size_t n = strcspn(p, " ");
		json_array_append_new(json_object_get(line, "args"), json_stringn(p, n));
		p += n;
	}
	const char *got = marks_value(line, mark);
	assert_string_equal(got ? got : "none", want);
	json_decref(line);
}

static void values_and_defaults(void **state)
{
	(void)state;
	expect("vic-perturb", "--mu=10 --norm=none", MARK_DISTANCE, "10");
	expect("vic-perturb", "--only=test", MARK_DISTANCE, "1");
	expect("vic-images", "--mu=10", MARK_DISTANCE, "none");
	expect("vic-perturb", "-- --mu=10", MARK_DISTANCE, "1");
	expect("vic-perturb", "--mul=3", MARK_DISTANCE, "1");
	expect("vic-train", "", MARK_DEV_EPOCH, "dev-accuracy");
	expect("vic-train", "--select=dev-refined", MARK_DEV_EPOCH, "dev-refined");
	expect("vic-train", "--select=dev-nll", MARK_DEV_EPOCH, "dev-nll");
	expect("vic-train", "--select=dev", MARK_DEV_EPOCH, "none");
	expect("vic-train", "--select=", MARK_DEV_EPOCH, "none");
	expect("vic-train", "--select=best-dev", MARK_DEV_EPOCH, "best-dev");
	expect("vic-train", "--select=last", MARK_DEV_EPOCH, "none");
	expect("vic-predict", "", MARK_DEV_EPOCH, "none");
	expect("vic-images", "--split=test --only=dev", MARK_DEV, "none");
	expect("vic-images", "--split=dev", MARK_DEV, "dev");
	expect("vic-split", "--dev=0.1 --seed=3", MARK_DEV, "0.1");
	expect("vic-split", "--dev=0.1 --seed=3", MARK_SEED, "3");
	expect("another", "--seed=4", MARK_SEED, "4");
	expect("vic-predict", "model -- --map=x", MARK_MAP, "none");
}

static void in_order(void **state)
{
	(void)state;
	json_t *line = json_pack("{s:s, s:[s,s,i,s,s,s]}", "program", "vic-train", "args", "--mixup=0.4", "--lr=1", 3,
				 "--mixup-mode=full", "--", "--erl=1");
	size_t i = 0;
	assert_string_equal(marks_next(line, MARK_METHOD, &i), "--mixup=0.4");
	assert_string_equal(marks_next(line, MARK_METHOD, &i), "--mixup-mode=full");
	assert_null(marks_next(line, MARK_METHOD, &i));
	json_decref(line);
	i = 0;
	assert_null(marks_next(NULL, MARK_METHOD, &i));
	assert_null(marks_value(NULL, MARK_DEV_EPOCH));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(values_and_defaults), cmocka_unit_test(in_order) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The number parser takes the whole text or nothing. */
#include "pipeline/base/num.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static void whole_numbers(void **state)
{
	(void)state;
	static const char *const bad[] = { "", " 1", "1 ", "1.0", "1e3", "0x10", "ten", "-", "+", "1,000", "--1" };
	struct err err = ERR_NONE;
	int64_t v = 77;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(num_i64("x", bad[i], INT64_MIN, INT64_MAX, &v, &err), -1);
		assert_int_equal(v, 77); /* untouched on failure */
	}
	assert_int_equal(num_i64("x", "-9223372036854775808", INT64_MIN, INT64_MAX, &v, &err), 0);
	assert_true(v == INT64_MIN);
	assert_int_equal(num_i64("x", "9223372036854775807", INT64_MIN, INT64_MAX, &v, &err), 0);
	assert_true(v == INT64_MAX);
	assert_int_equal(num_i64("x", "9223372036854775808", INT64_MIN, INT64_MAX, &v, &err), -1);
	assert_int_equal(num_i64("x", "5", 1, 5, &v, &err), 0);
	assert_int_equal(num_i64("x", "6", 1, 5, &v, &err), -1);
	assert_string_equal(err.msg, "x: 6 is outside 1 to 5");
	assert_int_equal(err.status, VIC_USAGE);
}

static void ids(void **state)
{
	(void)state;
	static const char *const bad[] = { "", " 1", "1 ", "1.0", "1e3", "0x10", "ten", "-", "+", "-1", "-0", "+-1",
					   "18446744073709551616", "99999999999999999999999" };
	struct err err = ERR_NONE;
	uint64_t v = 77;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(num_id("x", bad[i], &v, &err), -1);
		assert_true(v == 77 && err.status == VIC_DATA);
	}
	assert_int_equal(num_id("x", "18446744073709551615", &v, &err), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(num_id("x", "+007", &v, &err), 0);
	assert_true(v == 7);
}

static void reals(void **state)
{
	(void)state;
	static const char *const bad[] = { "", " 1", "1 ", "nan", "NaN", "1.0.0", "ten", "-", ".", "1e", "0,5" };
	struct err err = ERR_NONE;
	double v = 77;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(num_f64("x", bad[i], -INFINITY, INFINITY, &v, &err), -1);
		assert_true(v == 77);
	}
	assert_int_equal(num_f64("x", "1e-3", 0, 1, &v, &err), 0);
	assert_true(v == 1e-3);
	assert_int_equal(num_f64("x", "inf", 0, DBL_MAX, &v, &err), -1);
	assert_int_equal(num_f64("x", "1e999", 0, DBL_MAX, &v, &err), -1);
	assert_int_equal(num_f64("x", "-inf", -INFINITY, DBL_MAX, &v, &err), 0);
	assert_true(isinf(v) && v < 0);
	assert_int_equal(num_f64("x", "-1e400", -INFINITY, DBL_MAX, &v, &err), -1); /* finite, and no float64 */
	assert_string_equal(err.msg, "x: -1e400 is too large for f64");
	assert_int_equal(num_f64("x", "1e309", -INFINITY, INFINITY, &v, &err), -1);
	assert_int_equal(num_f64("x", "-0x1p1024", -INFINITY, INFINITY, &v, &err), -1);
	assert_int_equal(num_f64("x", "-Infinity", -INFINITY, INFINITY, &v, &err), 0);
	assert_int_equal(num_f64("x", "1e-400", 0, 1, &v, &err), 0);
	assert_true(v == 0);
	assert_int_equal(num_f64("x", "4.9e-324", 0, 1, &v, &err), 0);
	assert_true(v > 0);
	assert_int_equal(num_f64("x", "1.0000001", 0, 1, &v, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(whole_numbers), cmocka_unit_test(ids),
					    cmocka_unit_test(reals) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

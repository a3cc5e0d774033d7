/* decimal_float gives what strtof gives, bit for bit: on the shapes of word vectors, on long and extreme numbers, and
 * next to the midpoints between floats, where a parser that goes by way of double rounds wrongly. */
#include "embed/decimal.h"
#include "pipeline/base/philox.h"

#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <cmocka.h>

static void agrees(const char *text)
{
	char *wanted_end;
	const char *end;
	float got = 0, wanted = strtof(text, &wanted_end);
	/* a copy of exactly its length: reading after it is an error under the address sanitizer */
	size_t n = strlen(text);
	char *copy = malloc(n ? n : 1);
	memcpy(copy, text, n);
	enum decimal_result rc = decimal_float(copy, n, &end, &got);
	if (isfinite(wanted)) {
		uint32_t a, b;
		memcpy(&a, &got, 4);
		memcpy(&b, &wanted, 4);
		if (rc != DECIMAL_OK || a != b || end - copy != wanted_end - text)
			fail_msg("%s: got %d %a, strtof %a", text, rc, (double)got, (double)wanted);
	} else {
		assert_int_equal(rc, DECIMAL_NONFINITE);
	}
	free(copy);
}

static void shapes(void **state)
{
	(void)state;
	static const char *const text[] = {
		"0",
		"-0",
		"+0.0",
		"-0.038194",
		"0.418",
		".5",
		"5.",
		"-.25",
		"1e0",
		"1E5",
		"2.6336e-05",
		"1e-45",
		"7e-46",
		"1.4e-45",
		"3.4028234e38",
		"3.4028235e38",
		"3.4028236e38",
		"3.5e38",
		"1e39",
		"1e400",
		"1e-400",
		"1e99999999999",
		"1e-99999999999",
		"0e99999",
		"0.000000000000000000000000000000000000000000000001",
		"123456789012345678901234567890",
		"0.1234567890123456789012345678901234567890",
		"1.17549435e-38",
		"1.17549428e-38",
		"16777217",
		"16777219",
		"33554435",
		"1e",
		"1e+",
		"1e-",
		"1.5e+3x",
		"12 13",
		"1.2.3",
		"00000000000000000000000000000000000001.5",
		"9007199254740993",
		"18446744073709551615",
		"99999999999999999999e-20",
		"0.30000001192092896",
	};
	for (size_t i = 0; i < sizeof text / sizeof *text; i++)
		agrees(text[i]);
}

static void random_numbers(void **state)
{
	(void)state;
	struct rng r;
	char text[96];
	rng_init(&r, 1, RNG_TEST, 0, 0);
	for (int i = 0; i < 400000; i++) {
		uint32_t bits = rng_u32(&r);
		float f;
		memcpy(&f, &bits, 4);
		if (!isfinite(f))
			continue;
		static const int digits[] = { 5, 6, 8, 9, 12, 17, 25 };
		snprintf(text, sizeof text, "%.*g", digits[i % 7], (double)f);
		agrees(text);
		snprintf(text, sizeof text, "%.*f", digits[i % 7] % 10, rng_normal(&r));
		agrees(text);
	}
}

/* Midpoints between neighbouring floats, exactly and with one unit more or less in the last of many digits. */
static void midpoints(void **state)
{
	(void)state;
	struct rng r;
	char text[200];
	rng_init(&r, 2, RNG_TEST, 0, 0);
	for (int i = 0; i < 60000; i++) {
		float f = (float)ldexp(1 + rng_real(&r), (int)rng_below(&r, 120) - 60);
		double mid = ((double)f + (double)nextafterf(f, INFINITY)) / 2; /* exact in double */
		int places = (int)rng_below(&r, 30) + 17;
		snprintf(text, sizeof text, "%.*e", places, mid);
		agrees(text);
		char *last = strchr(text, 'e') - 1; /* a digit */
		char was = *last;
		*last = was < '9' ? (char)(was + 1) : '8';
		agrees(text);
		snprintf(text, sizeof text, "%.17g", nextafter(mid, i % 2 ? INFINITY : 0));
		agrees(text);
	}
}

static void refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "-", "+", ".", "-.", "e5", ".e5", "x", " 1", "--1", "0x10" };
	static const char *const not_finite[] = { "nan", "NaN", "-inf", "INF", "infinity", "1e39", "-3.5e38" };
	const char *end;
	float v;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		enum decimal_result rc = decimal_float(bad[i], strlen(bad[i]), &end, &v);
		/* "0x10" is the number 0 and then something else: a row refuses it */
		assert_int_equal(rc, !strcmp(bad[i], "0x10") ? DECIMAL_OK : DECIMAL_BAD);
		assert_int_equal(decimal_row(bad[i], strlen(bad[i]), 1, &v), DECIMAL_BAD);
	}
	for (size_t i = 0; i < sizeof not_finite / sizeof *not_finite; i++)
		assert_int_equal(decimal_row(not_finite[i], strlen(not_finite[i]), 1, &v), DECIMAL_NONFINITE);
}

static void rows(void **state)
{
	(void)state;
	float v[3];
	assert_int_equal(decimal_row("1 -2 3e1", 8, 3, v), DECIMAL_OK);
	assert_true(v[0] == 1 && v[1] == -2 && v[2] == 30);
	assert_int_equal(decimal_row("1 -2", 4, 3, v), DECIMAL_BAD);
	assert_int_equal(decimal_row("1 -2 ", 5, 3, v), DECIMAL_BAD);
	assert_int_equal(decimal_row("1 -2 3 ", 7, 3, v), DECIMAL_BAD);
	assert_int_equal(decimal_row("1 -2 3 4", 8, 3, v), DECIMAL_BAD);
	assert_int_equal(decimal_row("1  2\r3", 6, 3, v), DECIMAL_OK);
	assert_int_equal(decimal_row("1\t2 3", 5, 3, v), DECIMAL_OK);
	assert_int_equal(decimal_row("1\xC2\xA0" "2 3", 6, 3, v), DECIMAL_BAD);
	assert_int_equal(decimal_row("1-2 3", 5, 3, v), DECIMAL_BAD);
	assert_int_equal(decimal_row("1,5 2 3", 7, 3, v), DECIMAL_BAD);
	assert_int_equal(decimal_row("1 nan 3", 7, 3, v), DECIMAL_NONFINITE);
	assert_int_equal(decimal_row("1 nan x", 7, 3, v), DECIMAL_BAD);
}

/* A decimal comma in the program's locale changes nothing. Where no such locale is installed it says so. */
static void locales(void **state)
{
	(void)state;
	float v;
	const char *end, *long_number = "0.1250000000000000000000000000001";
	if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "de_DE") && !setlocale(LC_ALL, "fr_FR.UTF-8"))
		printf("# no locale with a decimal comma is installed: nothing to compare\n");
	assert_int_equal(decimal_float(long_number, strlen(long_number), &end, &v), DECIMAL_OK);
	assert_true(v == 0.125f && !*end);
	setlocale(LC_ALL, "C");
}

/* A long number needs a copy: without memory for it nothing is said of the number. Sanitizers' allocators would not
 * survive. */
static void no_memory(void **state)
{
	(void)state;
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
	puts("# SKIP: a sanitizer's allocator needs its memory");
	skip();
#else
	enum { LONG = 8 << 20 };
	struct rlimit was, none;
	if (getenv("RUNNER")) {
		puts("# SKIP: what emulates this processor holds to no limit of memory");
		skip();
	}
	char *text = malloc(LONG);
	const char *end;
	float v[2];
	assert_non_null(text);
	memset(text, '0', LONG);
	memcpy(text, "1 0.", 4);
	text[LONG - 1] = '1'; /* 1e-8388605 */
	assert_int_equal(getrlimit(RLIMIT_AS, &was), 0);
	none = was;
	none.rlim_cur = 1;
	assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
	enum decimal_result one = decimal_float(text + 2, LONG - 2, &end, v), row = decimal_row(text, LONG, 2, v);
	assert_int_equal(setrlimit(RLIMIT_AS, &was), 0);
	assert_int_equal(one, DECIMAL_SYSTEM);
	assert_int_equal(row, DECIMAL_SYSTEM);
	assert_int_equal(decimal_row(text, LONG, 2, v), DECIMAL_OK);
	assert_true(v[0] == 1 && v[1] == 0);
	free(text);
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(shapes),	 cmocka_unit_test(random_numbers),
					    cmocka_unit_test(midpoints), cmocka_unit_test(refused),
					    cmocka_unit_test(rows),	 cmocka_unit_test(locales),
					    cmocka_unit_test(no_memory) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

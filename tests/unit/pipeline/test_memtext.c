/* memtext: what is printed comes back whole, of any length, or its failure does. */
#include "pipeline/base/memtext.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void any_length_comes_back(void **state)
{
	(void)state;
	static const size_t lengths[] = { 0, 1, 15, 16, 17, 4095, 4096, 4097, 8192, 100000 };
	for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
		struct err err = ERR_NONE;
		struct memtext m;
		char *text;
		size_t n;
		assert_int_equal(memtext_open(&m, &err), 0);
		for (size_t i = 0; i < lengths[k]; i++)
			fputc((int)(i % 251), m.to);
		assert_int_equal(memtext_close(&m, &text, &n, &err), 0);
		assert_int_equal(n, lengths[k]);
		for (size_t i = 0; i < n; i++)
			assert_int_equal((unsigned char)text[i], i % 251);
		assert_int_equal(text[n], 0);
		free(text);
		memtext_drop(&m);
	}
}

/* fflush() and single bytes: each write of stdio's is one of ours. */
static void writes_of_any_size_join(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct memtext m;
	char *text;
	assert_int_equal(memtext_open(&m, &err), 0);
	setvbuf(m.to, NULL, _IONBF, 0);
	for (int i = 0; i < 100; i++)
		fprintf(m.to, "%d,", i);
	assert_int_equal(memtext_close(&m, &text, NULL, &err), 0);
	assert_int_equal(strlen(text), 10 * 2 + 90 * 3);
	assert_memory_equal(text + 278, "96,97,98,99,", 12);
	free(text);
}

static void a_failed_write_is_remembered(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct memtext m;
	char *text = (char *)"old";
	assert_int_equal(memtext_open(&m, &err), 0);
	fputs("begun", m.to);
	fflush(m.to);
	fclose(m.to); /* /dev/full fails as a cookie without memory does */
	m.to = fopen("/dev/full", "w");
	if (!m.to)
		skip();
	fputs("lost", m.to);
	assert_int_equal(memtext_close(&m, &text, NULL, &err), -1);
	assert_null(text);
	assert_non_null(strstr(err.msg, "memory"));
	memtext_drop(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_length_comes_back),
		cmocka_unit_test(writes_of_any_size_join),
		cmocka_unit_test(a_failed_write_is_remembered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* jsontext: what jansson takes is what was reckoned, at most; bombs are refused before they are parsed. */
#include "pipeline/files/jsontext.h"
#include "pipeline/base/philox.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* What jansson holds, malloc's own bytes counted. */
static size_t held, peak;

static void *counted(size_t n)
{
	void *p = malloc(n);
	held += p ? malloc_usable_size(p) + 8 : 0;
	peak = held > peak ? held : peak;
	return p;
}

static void uncounted(void *p)
{
	held -= p ? malloc_usable_size(p) + 8 : 0;
	free(p);
}

static char text[3 << 20];
static size_t n;

static void put(const char *s)
{
	size_t k = strlen(s);
	assert_true(n + k < sizeof text);
	memcpy(text + n, s, k);
	n += k;
}

/* `times` copies of a value in a list. */
static void list_of(const char *value, int times)
{
	n = 0;
	put("[");
	for (int i = 0; i < times; i++) {
		put(i ? "," : "");
		put(value);
	}
	put("]");
}

/* Parsed with exactly the room that it was reckoned to need; returns that. */
static size_t reckoned(void)
{
	struct err err = ERR_NONE;
	json_t *j;
	size_t room = SIZE_MAX, need;
	held = peak = 0;
	if (jsontext_parse(&j, text, n, &room, &err))
		fail_msg("%.60s: %s", text, err.msg);
	need = SIZE_MAX - room;
	json_decref(j);
	assert_int_equal(held, 0);
	room = need;
	assert_int_equal(jsontext_parse(&j, text, n, &room, &err), 0);
	assert_int_equal(room, 0);
	json_decref(j);
	room = need - 1;
	held = peak = 0;
	assert_int_equal(jsontext_parse(&j, text, n, &room, &err), -1);
	assert_null(j);
	assert_int_equal(peak, 0); /* refused before anything was taken */
	assert_non_null(strstr(err.msg, "memory"));
	return need;
}

/* While a large list or object grows, its old table is held beside the new one: half as much again. */
static void memory_is_not_above_what_was_reckoned(void **state)
{
	static const char *const values[] = { "{}",
					      "[]",
					      "1",
					      "0.5",
					      "true",
					      "\"\"",
					      "\"0123456789012345678901234567890123456789\"",
					      "[1]",
					      "{\"a\":1}",
					      "{\"a\":{}}",
					      "[[]]",
					      "{\"program\":\"x\",\"args\":[\"a\",\"b\"]}",
					      "[1,2,3,4,5,6,7,8,9]",
					      "\"\\\"\\\\\\u00e9\"" };
	(void)state;
	for (size_t v = 0; v < sizeof values / sizeof *values; v++)
		for (int times = 1; times <= 40000; times = times * 3 + 1) {
			list_of(values[v], times);
			size_t need = reckoned(), most = need + need / 2 + 4096;
			struct err err = ERR_NONE;
			json_t *j;
			held = peak = 0;
			assert_int_equal(jsontext_parse(&j, text, n, NULL, &err), 0);
			if (peak > most || (times > 1000 && need > 5 * peak))
				fail_msg("%d x %s: reckoned %zu, took %zu", times, values[v], need, peak);
			json_decref(j);
		}
}

/* A value of random shape. */
static void random_value(struct rng *r, int depth)
{
	uint32_t kind = rng_below(r, depth > 5 ? 4 : 6), items = rng_below(r, 6);
	char name[32];
	if (kind < 4) {
		static const char *const plain[] = { "12", "-1.5e3", "\"some \\\" [text] {,:\"", "null" };
		put(plain[kind]);
		return;
	}
	put(kind == 4 ? "[" : "{");
	for (uint32_t i = 0; i < items; i++) {
		put(i ? ", " : "");
		if (kind == 5) {
			snprintf(name, sizeof name, "\"key,[%u\" : ", i);
			put(name);
		}
		random_value(r, depth + 1);
	}
	put(kind == 4 ? "]" : "}");
}

static void random_texts(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 3000; i++) {
		struct rng r;
		rng_init(&r, 7, RNG_TEST, i, 0);
		n = 0;
		put("{\"a\":");
		random_value(&r, 0);
		put("}");
		size_t need = reckoned();
		struct err err = ERR_NONE;
		json_t *j;
		held = peak = 0;
		assert_int_equal(jsontext_parse(&j, text, n, NULL, &err), 0);
		if (peak > need + need / 2 + 4096)
			fail_msg("%.*s: reckoned %zu, took %zu", (int)n, text, need, peak);
		json_decref(j);
	}
}

static void bombs_are_refused(void **state)
{
	struct err err = ERR_NONE;
	json_t *j;
	(void)state;
	list_of("{}", 1000000);
	held = peak = 0;
	assert_int_equal(jsontext_parse(&j, text, n, NULL, &err), -1);
	assert_non_null(strstr(err.msg, "memory"));
	for (int depth = JSONTEXT_DEPTH; depth <= JSONTEXT_DEPTH + 1; depth++) {
		n = 0;
		for (int i = 0; i < depth; i++)
			put("[");
		for (int i = 0; i < depth; i++)
			put("]");
		assert_int_equal(jsontext_parse(&j, text, n, NULL, &err), depth == JSONTEXT_DEPTH ? 0 : -1);
		json_decref(j);
	}
	assert_non_null(strstr(err.msg, "levels"));
	/* texts that share room */
	size_t room = 2000;
	list_of("1", 20);
	assert_int_equal(jsontext_parse(&j, text, n, &room, &err), 0);
	json_decref(j);
	assert_int_equal(jsontext_parse(&j, text, n, &room, &err), -1);
}

static void bad_texts_are_refused(void **state)
{
	static const char *const bad[] = { "",	   "{",	 "}",	    "[1,]", "{\"a\":1,\"a\":2}", "[1] 2", "\"\xff\"",
					   "\"\\", "\"", "[1e999]", "nan" };
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct err err = ERR_NONE;
		json_t *j;
		if (!jsontext_parse(&j, bad[i], strlen(bad[i]), NULL, &err) || j || !err.msg[0])
			fail_msg("%s was taken", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_not_above_what_was_reckoned),
		cmocka_unit_test(random_texts),
		cmocka_unit_test(bombs_are_refused),
		cmocka_unit_test(bad_texts_are_refused),
	};
	struct err err = ERR_NONE;
	json_t *j;
	if (jsontext_parse(&j, "[]", 2, NULL,
			   &err)) /* after the first, jsontext leaves jansson's functions as they are */
		return 1;
	json_decref(j);
	json_set_alloc_funcs(counted, uncounted);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The vocabulary against a plain list, over words chosen to collide, to be empty and to hold NUL. */
#include "pipeline/base/philox.h"
#include "pipeline/base/vocab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void add_find_word(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct vocab v;
	uint32_t id;
	size_t len;
	assert_int_equal(vocab_init(&v, 0, &err), 0);
	assert_int_equal(vocab_find(&v, "", 0), VOCAB_NONE);
	assert_int_equal(vocab_add(&v, "the", 3, &id, &err), 0);
	assert_int_equal(id, 0);
	assert_int_equal(vocab_add(&v, "", 0, &id, &err), 0);
	assert_int_equal(id, 1);
	assert_int_equal(vocab_add(&v, "a\0b", 3, &id, &err), 0);
	assert_int_equal(vocab_add(&v, "a\0c", 3, &id, &err), 0);
	assert_int_equal(id, 3);
	assert_int_equal(vocab_add(&v, "thexx", 3, &id, &err), 0); /* the length decides, not what lies after */
	assert_int_equal(id, 0);
	assert_int_equal(v.n, 4);
	assert_int_equal(v.count[0], 2);
	assert_int_equal(v.count[1], 1);
	assert_int_equal(vocab_find(&v, "a\0b", 3), 2);
	assert_int_equal(vocab_find(&v, "a", 1), VOCAB_NONE);
	assert_int_equal(vocab_find(&v, "th", 2), VOCAB_NONE);
	assert_memory_equal(vocab_word(&v, 3, &len), "a\0c", 3);
	assert_int_equal(len, 3);
	vocab_release(&v);
	vocab_release(&v);
}

/* Every word of 0..19 bytes over two letters that a counter gives: many share their first and last eight bytes. */
static size_t word_of(uint32_t i, char *word)
{
	size_t n = i % 20;
	for (size_t k = 0; k < n; k++)
		word[k] = (i / 20) >> k % 17 & 1 ? 'b' : 'a';
	return n;
}

static void agrees_with_a_list(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct vocab v;
	struct rng r;
	enum { WORDS = 3000, DRAWS = 20000 };
	static char list[WORDS][20];
	static size_t length[WORDS];
	static uint64_t times[WORDS];
	uint32_t n = 0;
	rng_init(&r, 1, RNG_TEST, 0, 0);
	assert_int_equal(vocab_init(&v, 5, &err), 0);
	for (int k = 0; k < DRAWS; k++) {
		char word[20];
		uint32_t id, at = 0;
		size_t len = word_of(rng_below(&r, WORDS), word);
		while (at < n && (length[at] != len || memcmp(list[at], word, len)))
			at++;
		assert_int_equal(vocab_find(&v, word, len), at < n ? at : VOCAB_NONE);
		if (at == n) {
			memcpy(list[n], word, len);
			length[n++] = len;
		}
		assert_int_equal(vocab_add(&v, word, len, &id, &err), 0);
		times[at]++;
		assert_int_equal(id, at);
	}
	assert_int_equal(v.n, n);
	assert_true(n > 1000);
	for (uint32_t i = 0; i < n; i++) {
		size_t len;
		const char *w = vocab_word(&v, i, &len);
		assert_int_equal(len, length[i]);
		assert_memory_equal(w, list[i], len);
		assert_int_equal(v.count[i], times[i]);
	}
	vocab_release(&v);
}

static void refuses_a_giant(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct vocab v;
	static char giant[VOCAB_MAX_WORD + 1];
	assert_int_equal(vocab_init(&v, 0, &err), 0);
	assert_int_equal(vocab_add(&v, giant, sizeof giant - 1, NULL, &err), 0);
	assert_int_equal(vocab_add(&v, giant, sizeof giant, NULL, &err), -1);
	assert_non_null(strstr(err.msg, "longer"));
	assert_int_equal(v.n, 1);
	vocab_release(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(add_find_word), cmocka_unit_test(agrees_with_a_list),
					    cmocka_unit_test(refuses_a_giant) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Words that Kim's rules tear because letters of theirs are not ASCII: how many, and which is the first, of random
 * lines in UTF-8, in Latin-1 and in both. What is a letter stands in the table. */
#include "tests/append.h"
#include "pipeline/base/philox.h"
#include "tokenize/sink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const struct piece {
	const char *text;
	int letter;
} utf8[] = {
	{ "a", 0 },
	{ "b'", 0 },
	{ "7", 0 },
	{ "\xC3\xA9", 1 },	    /* e acute */
	{ "\xC3\x80", 1 },	    /* the first letter of Latin-1 */
	{ "\xC2\xBF", 0 },	    /* the last mark before it */
	{ "\xC2\xAD", 1 },	    /* a soft hyphen: takes no room */
	{ "\xE1\xBF\xBF", 1 },	    /* U+1FFF */
	{ "\xE2\x80\x80", 0 },	    /* U+2000: a space, which is none of the rules' */
	{ "\xE2\x80\x8B", 1 },	    /* takes no room */
	{ "\xE2\x82\xAC", 0 },	    /* the euro */
	{ "\xE2\xBF\xBF", 0 },	    /* U+2FFF */
	{ "\xE3\x80\x80", 1 },	    /* U+3000 */
	{ "\xE4\xB8\xAD", 1 },	    /* a character of Chinese */
	{ "\xF0\x9D\x92\x9C", 1 },  /* a letter of mathematics */
	{ "\xF0\x9F\x80\x80", 0 },  /* U+1F000 */
	{ "\xF0\x9F\x98\x80", 0 },  /* a face */
	{ "\xF0\xA0\x80\x80", 1 },  /* U+20000 */
}, bytes[] = { { "a", 0 },    { "\xE9", 1 }, { "\xC0", 1 }, { "\xBF", 0 },
	       { "\xD7", 0 }, { "\xF7", 0 }, { "\xFF", 1 }, { "\x80", 0 } };

static void torn_words(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 3000; i++) {
		struct rng r;
		struct err err = ERR_NONE;
		struct sink s = { .split = -1 };
		struct place at = { "f", 1, NULL };
		char line[600], first[200] = "";
		const char *tokens;
		size_t n = 0, len, torn = 0;
		rng_init(&r, 58, RNG_TEST, i, 0);
		int single = (int)rng_below(&r, 3); /* 2: a line that is no UTF-8 among others */
		s.decoder.charset = single == 1 ? CHARSET_LATIN1 : CHARSET_AUTO;
		rule_table(&s.rules, RULE_KIM, 1);
		for (uint32_t w = rng_below(&r, 8); w; w--) {
			size_t begin = n;
			int lost = 0;
			for (uint32_t k = 1 + rng_below(&r, 5); k; k--) {
				const struct piece *p =
					single == 1 ? &bytes[rng_below(&r, 8)] : &utf8[rng_below(&r, 18)];
				append(line, sizeof line, &n, "%s", p->text);
				lost |= p->letter;
			}
			if (single == 2) { /* a byte by itself, which no other makes a character */
				const struct piece *p = &bytes[1 + rng_below(&r, 6)];
				append(line, sizeof line, &n, "%sz", p->text);
				lost |= p->letter;
			}
			torn += (size_t)lost;
			if (torn == 1 && lost)
				snprintf(first, sizeof first, "%.*s", (int)(n - begin), line + begin);
			append(line, sizeof line, &n, "%s", rng_below(&r, 2) ? " " : "\t ");
		}
		assert_int_equal(sink_tokenise(&s, &at, line, n, &tokens, &len, &err), 0);
		if (s.torn != torn || strcmp(s.torn_word ? s.torn_word : "", first))
			fail_msg("%u: %.*s: %d torn, not %zu: %s", i, (int)n, line, (int)s.torn, torn, first);
		sink_release(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(torn_words) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Kim's rules against Python's re (golden file) and against the substitutions done one by one; white space; the
 * Penn Treebank rules case by case. */
#include "pipeline/base/philox.h"
#include "tests/oracles/kim_reference.h"
#include "tokenize/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <cmocka.h>

/* Runs a rule with blocks of memory of just the size that is promised to be enough. */
static char *apply(enum rule rule, int lower, const char *line, size_t n, size_t *len)
{
	struct rule_table t;
	char *in = malloc(n ? n : 1), *scratch = malloc(rule_room(n)), *out = malloc(rule_room(n));
	memcpy(in, line, n);
	rule_table(&t, rule, lower);
	*len = rule_line(&t, in, n, scratch, out);
	assert_true(*len < rule_room(n));
	out[*len] = 0;
	free(in);
	free(scratch);
	return out;
}

static void expect(enum rule rule, int lower, const char *line, size_t n, const char *want, size_t want_len)
{
	size_t len;
	char *got = apply(rule, lower, line, n, &len);
	if (len != want_len || memcmp(got, want, len))
		fail_msg("\"%.*s\": \"%.*s\" instead of \"%.*s\"", (int)n, line, (int)len, got, (int)want_len, want);
	free(got);
}

static void kim_as_python(void **state)
{
	(void)state;
	FILE *f = fopen("tests/golden/kim_clean.tsv", "r");
	char line[4096];
	int n = 0;
	assert_non_null(f);
	while (fgets(line, sizeof line, f)) {
		char in[1024], *lower = strchr(line, '\t'), *cased = strchr(lower + 1, '\t');
		size_t len = 0;
		*lower++ = *cased++ = 0;
		cased[strcspn(cased, "\n")] = 0;
		for (const char *p = line; *p; p += 2) {
			unsigned byte;
			assert_int_equal(sscanf(p, "%2x", &byte), 1);
			in[len++] = (char)byte;
		}
		expect(RULE_KIM, 1, in, len, lower, strlen(lower));
		expect(RULE_KIM, 0, in, len, cased, strlen(cased));
		n++;
	}
	fclose(f);
	assert_true(n > 300);
}

static void kim_as_reference(void **state)
{
	(void)state;
	static const char alphabet[] = "n't'snveredll  ,!?()`aZ9.\t\xe9";
	struct rng r;
	rng_init(&r, 1, RNG_TEST, 0, 0);
	for (int k = 0; k < 80000; k++) {
		char in[64];
		size_t n = rng_below(&r, sizeof in), len;
		for (size_t i = 0; i < n; i++)
			in[i] = k % 4 ? alphabet[rng_below(&r, sizeof alphabet)] : (char)rng_below(&r, 256);
		for (int lower = 0; lower < 2; lower++) {
			char *want = kim_reference(in, n, lower, &len);
			expect(RULE_KIM, lower, in, n, want, len);
			free(want);
		}
	}
}

#define WS(line, want) expect(RULE_WHITESPACE, 1, line, sizeof(line) - 1, want, sizeof(want) - 1)

static void white_space(void **state)
{
	(void)state;
	WS("", "");
	WS(" \t\v\f\r\n\x1c\x1d\x1e\x1f ", "");
	WS("  It's\tA\0Test. ", "it's a test.");
	WS("\xc2\x85" "a\xc2\xa0" "b\xe1\x9a\x80" "c\xe2\x80\x83" "d\xe2\x80\xa8" "e\xe2\x80\xa9" "f\xe3\x80\x80",
	   "a b c d e f");
	WS("\xe2\x80\x8b\xef\xbb\xbf", "\xe2\x80\x8b\xef\xbb\xbf"); /* zero-width ones are not white */
	WS("\xc3\x89" "COLE \xce\xa3\xce\x91", "\xc3\xa9" "cole \xcf\x83\xce\xb1");
	WS("\xc8\xba\xc8\xba\xc8\xba", "\xe2\xb1\xa5\xe2\xb1\xa5\xe2\xb1\xa5"); /* grows by a half */
	expect(RULE_WHITESPACE, 0, "\xc3\x89 A", 4, "\xc3\x89 A", 4);
}

static void treebank(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "", "" },
		{ "It's children's, isn't it?", "it 's children 's , is n't it ?" },
		{ "I'm we're they've he'll she'd let's", "i 'm we 're they 've he 'll she 'd let 's" },
		{ "can't won't cannot ain't", "ca n't wo n't cannot ai n't" },
		{ "wouldn't've DON'T", "would n't 've do n't" },
		{ "the kids' o'clock O'Brien 'the end'", "the kids ' o'clock o'brien ' the end '" },
		{ "'s n't 're it 's do n't", "'s n't 're it 's do n't" },
		{ "'em rock 'n roll 'til 'tis 'twas '70s '98", "'em rock 'n roll 'til 't is 't was '70s '98" },
		{ "(a [b] {c} <d>)", "( a [ b ] { c } < d > )" },
		{ "\"quoted\" ``old'' `one'", "\" quoted \" `` old '' ` one '" },
		{ "\xe2\x80\x9cit\xe2\x80\x99s\xe2\x80\x9d \xe2\x80\x98so\xe2\x80\x99", "\" it 's \" ' so '" },
		{ "it\xc2\xb4s", "it 's" },
		{ "wait... what . . . ? hm.. end \xe2\x80\xa6", "wait ... what ... ? hm ... end ..." },
		{ ". . . . x . . y ... .", "... x . . y ... ." },
		{ "a--b --- c - d \xe2\x80\x93 e\xe2\x80\x94" "f", "a -- b -- c - d \xe2\x80\x93 e \xe2\x80\x94 f" },
		{ "well-known half-hour- -ness", "well-known half-hour - - ness" },
		{ "3.5 1,000 1,00 10% $9.99 .5 -5 1/2 7:30 1980s 21st #1",
		  "3.5 1,000 1 , 00 10 % $ 9.99 .5 -5 1/2 7:30 1980s 21st # 1" },
		{ "u.s. U.S.A. a.m. Mr. Smith, Dr. J. Doe. I.", "u.s. u.s.a. a.m. mr. smith , dr. j. doe . i ." },
		{ "end.Next etc. No. 5 no. no.", "end . next etc. no. 5 no . no ." },
		{ "and/or at&t R&B salt&pepper", "and / or at&t r&b salt & pepper" },
		{ "see http://a.b/c?d=1, (www.x.com).", "see http://a.b/c?d=1 , ( www.x.com ) ." },
		{ "a!!! b?! c;d:e", "a ! ! ! b ? ! c ; d : e" },
		{ "_it_ snake_case @home *x*", "_ it _ snake_case @ home * x *" },
		{ "caf\xc3\xa9s na\xc3\xafve \xc3\x89t\xc3\xa9 \xc2\xa3" "10 5\xe2\x82\xac",
		  "caf\xc3\xa9s na\xc3\xafve \xc3\xa9t\xc3\xa9 \xc2\xa3 10 5 \xe2\x82\xac" },
		{ "a\xc2\x96" "b\xc2\x85" "c\xc2\x92s\xc2\xa0z", "a \xe2\x80\x93 b ... c 's z" },
		{ "\xe6\x97\xa5\xe6\x9c\xac\xe3\x80\x82x", "\xe6\x97\xa5\xe6\x9c\xac \xe3\x80\x82 x" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		expect(RULE_PTB, 1, cases[i][0], strlen(cases[i][0]), cases[i][1], strlen(cases[i][1]));
	struct rule_table t;
	char scratch[128], out[128];
	static const char hyphens[] = "well-known -5 mid-'90s 3-4";
	rule_table(&t, RULE_PTB, 1);
	t.split_hyphens = 1;
	out[rule_line(&t, hyphens, sizeof hyphens - 1, scratch, out)] = 0;
	assert_string_equal(out, "well - known -5 mid - '90s 3 - 4");
	expect(RULE_PTB, 0, "DON'T Mr. X", 11, "DO N'T Mr. X", 12);
	expect(RULE_PTB, 1, "a\0b\x01" "c\x7f" "d", 7, "a b c d", 7);
}

/* Millions of the same mark on one line: a scan that begins anew at each would take minutes of the processor's time,
 * and the timer ends it. */
static void long_runs(void **state)
{
	(void)state;
	static const char *const units[] = { "`", "'", ".", "-", "!", "&a", "'a", "a-", "n't", "h", "1," };
	enum { N = 8 << 20 };
	char *line = malloc(N);
	setitimer(ITIMER_VIRTUAL, &(struct itimerval){ .it_value = { .tv_sec = 60 } }, NULL);
	for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
		size_t k = strlen(units[u]), n = N / k * k, len;
		for (size_t i = 0; i < n; i += k)
			memcpy(line + i, units[u], k);
		for (int rule = RULE_KIM; rule <= RULE_WHITESPACE; rule++)
			free(apply((enum rule)rule, 1, line, n, &len));
	}
	setitimer(ITIMER_VIRTUAL, &(struct itimerval){ .it_value = { .tv_sec = 0 } }, NULL);
	free(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(kim_as_python), cmocka_unit_test(kim_as_reference),
					    cmocka_unit_test(white_space), cmocka_unit_test(treebank),
					    cmocka_unit_test(long_runs) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

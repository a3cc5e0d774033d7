/* Any bytes as text, by every rule in every encoding. What must hold: one record a line; single spaces between
 * tokens and none at the ends; UTF-8; Kim's rules as the slow reference has them; no other rule loses a letter.
 * Blocks of memory have just the promised sizes. */
#include "tests/oracles/kim_reference.h"
#include "tokenize/charset.h"
#include "tokenize/lines.h"
#include "tokenize/rules.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds)
{
	if (!holds)
		abort();
}

static void is_utf8(const char *text, size_t n)
{
	utf8proc_int32_t c;
	utf8proc_ssize_t k;
	for (size_t i = 0; i < n; i += (size_t)k) {
		k = utf8proc_iterate((const utf8proc_uint8_t *)text + i, (utf8proc_ssize_t)(n - i), &c);
		must(k > 0);
	}
}

static void is_joined(const char *text, size_t n)
{
	must(!n || (text[0] != ' ' && text[n - 1] != ' '));
	for (size_t i = 0; i < n; i++) {
		must(text[i] != ' ' || text[i + 1] != ' ');
		must(text[i] == ' ' || (unsigned char)text[i] > ' ' || !strchr("\t\n\v\f\r\x1c\x1d\x1e\x1f", text[i]));
	}
}

/* What is left of ASCII text when spaces, controls and what ptb draws together (points, hyphens) are taken out. */
static size_t letters(const char *text, size_t n, char *out)
{
	size_t o = 0;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] > ' ' && text[i] != 0x7F && text[i] != '.' && text[i] != '-')
			out[o++] = text[i];
	return o;
}

static void same_letters(const char *a, size_t n, const char *b, size_t m)
{
	char *x = malloc(n + 1), *y = malloc(m + 1);
	size_t k = letters(a, n, x), l = letters(b, m, y);
	must(k == l && !memcmp(x, y, k));
	free(x);
	free(y);
}

static void one_rule(enum rule rule, int lower, int split, const char *text, size_t n)
{
	struct rule_table t;
	char *scratch = malloc(rule_room(n)), *out = malloc(rule_room(n));
	size_t len;
	rule_table(&t, rule, lower);
	t.split_hyphens = split;
	len = rule_line(&t, text, n, scratch, out);
	must(len <= rule_room(n));
	is_joined(out, len);
	is_utf8(out, len);
	if (rule == RULE_KIM) {
		size_t want_len;
		char *want = kim_reference(text, n, lower, &want_len);
		must(len == want_len && !memcmp(out, want, len));
		free(want);
	} else if (!lower && !(charset_scan(text, n) & SCAN_HIGH)) {
		same_letters(text, n, out, len);
	}
	free(scratch);
	free(out);
}

static size_t count_lines(const uint8_t *data, size_t size)
{
	size_t n = 0;
	for (size_t i = 0; i < size; i++)
		n += data[i] == '\n';
	return n + (size && data[size - 1] != '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int set = CHARSET_AUTO; set <= CHARSET_CP1252; set++) {
		struct err err = ERR_NONE;
		struct decoder d = { .charset = (enum charset)set };
		struct lines l;
		const char *line, *text;
		size_t len, n, seen = 0;
		uint64_t boms = 0;
		int got;
		lines_of(&l, "fuzz", (const char *)data, size, &boms);
		while ((got = lines_next(&l, &line, &len, &err)) == 1) {
			seen++;
			if (decoder_line(&d, line, len, &text, &n, &err)) {
				must((set == CHARSET_UTF8 || memchr(line, 0, len)) && err.msg[0]);
				must(decoder_check(&d, line, len, &err) == -1);
				continue;
			}
			is_utf8(text, n);
			for (int lower = 0; lower < 2; lower++) {
				char *copy = malloc(n ? n : 1);
				memcpy(copy, text, n);
				one_rule(RULE_KIM, lower, 0, line, len);
				one_rule(RULE_PTB, lower, 0, copy, n);
				one_rule(RULE_PTB, lower, 1, copy, n);
				one_rule(RULE_WHITESPACE, lower, 0, copy, n);
				free(copy);
			}
		}
		must(got == 0 ? seen == count_lines(data, size) - (boms && size == 3) : err.msg[0] != 0);
		lines_release(&l);
		decoder_release(&d);
	}
	return 0;
}

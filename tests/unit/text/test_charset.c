/* Decoding line by line: the tables against iconv, the fallback, and the ranges that are taken to be in NFC already. */
#include "tokenize/charset.h"

#include <iconv.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <utf8proc.h>

static void expect(struct decoder *d, const char *line, size_t n, const char *want, size_t want_len)
{
	struct err err = ERR_NONE;
	const char *text;
	size_t len;
	assert_int_equal(decoder_line(d, line, n, &text, &len, &err), 0);
	assert_int_equal(len, want_len);
	assert_memory_equal(text, want, len);
}

static void scan(void **state)
{
	(void)state;
	char line[40];
	for (size_t n = 0; n < sizeof line; n++)
		for (size_t at = 0; at <= n; at++) {
			memset(line, 'a', sizeof line);
			line[at] = (char)0x80; /* at == n: just after the line */
			assert_int_equal(charset_scan(line, n), at < n ? SCAN_HIGH : 0);
			line[at] = 0;
			assert_int_equal(charset_scan(line, n), at < n ? SCAN_NUL : 0);
		}
	assert_int_equal(charset_scan("\0\xff", 2), SCAN_NUL | SCAN_HIGH);
	assert_int_equal(charset_scan("\x01\x01\x01\x01\x01\x01\x01\x01", 8), 0);
}

/* Every byte as the C library's iconv has it; where that has nothing, U+FFFD. */
static void tables(void **state)
{
	(void)state;
	static const char *const names[] = { [CHARSET_LATIN1] = "ISO-8859-1", [CHARSET_CP1252] = "CP1252" };
	for (int set = CHARSET_LATIN1; set <= CHARSET_CP1252; set++) {
		iconv_t cd = iconv_open("UTF-8", names[set]);
		int undefined = 0;
		assert_true(cd != (iconv_t)-1);
		for (int b = 0; b < 256; b++) {
			struct decoder d = { .charset = (enum charset)set };
			char in = (char)b, out[8], *from = &in, *to = out;
			size_t left = 1, room = sizeof out, n;
			if (iconv(cd, &from, &left, &to, &room) == (size_t)-1) {
				memcpy(out, "\xef\xbf\xbd", 3);
				to = out + 3;
				undefined++;
				iconv(cd, NULL, NULL, NULL, NULL);
			}
			n = (size_t)(to - out);
			if (!b) { /* no text has it */
				struct err err = ERR_NONE;
				const char *text;
				assert_int_equal(decoder_line(&d, &in, 1, &text, &n, &err), -1);
				assert_non_null(strstr(err.msg, "holds a NUL byte"));
				assert_int_equal(decoder_check(&d, &in, 1, &err), -1);
				continue;
			}
			expect(&d, &in, 1, out, b == 0xAD ? 0 : n); /* the soft hyphen is dropped */
			assert_int_equal(d.zero_width, b == 0xAD);
			assert_int_equal(d.undefined, set == CHARSET_CP1252 && !memcmp(out, "\xef\xbf\xbd", 3));
			assert_int_equal(d.not_ascii, b > 127);
			/* and it is its own NFC, so that none need be made */
			utf8proc_uint8_t *nfc;
			utf8proc_ssize_t k = utf8proc_map((utf8proc_uint8_t *)out, (utf8proc_ssize_t)n, &nfc,
							  UTF8PROC_STABLE | UTF8PROC_COMPOSE);
			assert_int_equal(k, n);
			assert_memory_equal(nfc, out, n);
			free(nfc);
			decoder_release(&d);
		}
		assert_int_equal(undefined, set == CHARSET_CP1252 ? 5 : 0);
		iconv_close(cd);
	}
}

static void each_line_by_itself(void **state)
{
	(void)state;
	struct decoder d = { .charset = CHARSET_AUTO };
	expect(&d, "plain", 5, "plain", 5);
	expect(&d, "caf\xc3\xa9", 5, "caf\xc3\xa9", 5);
	expect(&d, "caf\xe9 \x97 \x85", 8, "caf\xc3\xa9 \xe2\x80\x94 \xe2\x80\xa6", 13);
	expect(&d, "\x81", 1, "\xef\xbf\xbd", 3);
	expect(&d, "e\xcc\x81x", 4, "\xc3\xa9x", 3);              /* composed */
	expect(&d, "\xe2\x84\xab", 3, "\xc3\x85", 2);              /* angstrom sign */
	expect(&d, "\xed\xa0\x80", 3, "\xc3\xad\xc2\xa0\xe2\x82\xac", 7); /* a surrogate is not UTF-8 */
	expect(&d, "\xc0\x80", 2, "\xc3\x80\xe2\x82\xac", 5);      /* nor is an overlong NUL */
	expect(&d, "\xc3", 1, "\xc3\x83", 2);                      /* nor half a character */
	assert_int_equal(d.fallback, 5);
	assert_int_equal(d.undefined, 1);
	assert_int_equal(d.not_ascii, 8);
	assert_int_equal(d.stray, 3 + 1 + 3 + 2 + 1);
	decoder_release(&d);
}

/* A bad byte among good ones is the only one to be read as Windows-1252. */
static void one_bad_byte(void **state)
{
	(void)state;
	struct decoder d = { .charset = CHARSET_AUTO };
	expect(&d, "it\xe2\x80\x99s \x96 e\xcc\x81", 12, "it\xe2\x80\x99s \xe2\x80\x93 \xc3\xa9", 13);
	expect(&d, "\xc3\xa9\xe9\xc3\xa9", 5, "\xc3\xa9\xc3\xa9\xc3\xa9", 6);
	expect(&d, "\xe2\x80 x", 4, "\xc3\xa2\xe2\x82\xac x", 7); /* a character cut short */
	assert_int_equal(d.fallback, 3);
	assert_int_equal(d.stray, 4);
	decoder_release(&d);
	struct decoder check = { .charset = CHARSET_AUTO };
	struct err err = ERR_NONE;
	assert_int_equal(decoder_check(&check, "\xe2\x80\x9d \x81 \x96", 7, &err), 0);
	assert_true(check.fallback == 1 && check.stray == 2 && check.undefined == 1);
}

/* Characters that nobody sees are dropped, joiners only where no script needs them. */
static void no_width(void **state)
{
	(void)state;
	struct decoder d = { .charset = CHARSET_AUTO };
	expect(&d, "fi\xe2\x80\x8blm", 7, "film", 4);			   /* zero-width space */
	expect(&d, "fi\xc2\xadlm\xef\xbb\xbf", 9, "film", 4);		   /* soft hyphen, byte order mark */
	expect(&d, "\xe2\x80\x8f" "a\xe2\x81\xa0" "b", 8, "ab", 2);	   /* mark of direction, word joiner */
	expect(&d, "fi\xe2\x80\x8dlm", 7, "film", 4);			   /* joiner */
	expect(&d, "e\xe2\x80\x8c\xcc\x81", 6, "\xc3\xa9", 2);		   /* then in form C */
	expect(&d, "\xe9\xe2\x80\x8b!", 5, "\xc3\xa9!", 3);		   /* beside a bad byte */
	assert_int_equal(d.zero_width, 8);
	expect(&d, "\xd9\x85\xe2\x80\x8c\xd8\xae", 7, "\xd9\x85\xe2\x80\x8c\xd8\xae", 7); /* Persian */
	expect(&d, "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb", 11,
	       "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb", 11); /* an emoji of two */
	assert_int_equal(d.zero_width, 8);
	decoder_release(&d);
}

static void strict(void **state)
{
	(void)state;
	struct decoder d = { .charset = CHARSET_UTF8 };
	struct err err = ERR_NONE;
	const char *text;
	size_t len;
	expect(&d, "\xc3\xa9", 2, "\xc3\xa9", 2);
	assert_int_equal(decoder_line(&d, "ab\xe9 c", 5, &text, &len, &err), -1);
	assert_non_null(strstr(err.msg, "byte 3 (0xe9)"));
	err = ERR_NONE;
	assert_int_equal(decoder_check(&d, "ab\xe9 c", 5, &err), -1);
	assert_non_null(strstr(err.msg, "byte 3 (0xe9)"));
	assert_int_equal(decoder_check(&d, "ab\xc3\xa9", 4, &err), 0);
	decoder_release(&d);
}

/* Putting n marks in order takes n * n steps: an endless run is left as it is. */
static void endless_marks(void **state)
{
	(void)state;
	struct decoder d = { .charset = CHARSET_AUTO };
	enum { N = 200000 };
	char *line = malloc(4 * N);
	for (size_t i = 0; i < N; i++)
		memcpy(line + 4 * i, "\xcc\x81\xcc\xa3", 4); /* above, below: in the wrong order */
	expect(&d, line, 4 * N, line, 4 * N);
	assert_int_equal(d.unordered, 1);
	char want[4 * 128];
	for (size_t i = 0; i < 128; i++) { /* as many as are allowed: all below, then all above */
		memcpy(want + 2 * i, "\xcc\xa3", 2);
		memcpy(want + 2 * (128 + i), "\xcc\x81", 2);
	}
	expect(&d, line, sizeof want, want, sizeof want);
	assert_int_equal(d.unordered, 1);
	free(line);
	decoder_release(&d);
}

/* A point is safe from NFC in any company when it is its own NFC, is no mark, and stands second in no decomposition. */
static void sure_ranges(void **state)
{
	(void)state;
	static unsigned char second[0x110000];
	int sure = 0;
	for (utf8proc_int32_t c = 0; c < 0x110000; c++) {
		utf8proc_int32_t parts[32];
		int last;
		utf8proc_ssize_t k = utf8proc_decompose_char(c, parts, 32, UTF8PROC_DECOMPOSE, &last);
		for (utf8proc_ssize_t i = 1; i < k; i++)
			second[parts[i]] = 1;
	}
	for (utf8proc_int32_t c = 0; c < 0x110000; c++) {
		utf8proc_uint8_t in[4], *nfc;
		utf8proc_ssize_t n, k;
		if (!nfc_sure((uint32_t)c))
			continue;
		sure++;
		n = utf8proc_encode_char(c, in);
		k = utf8proc_map(in, n, &nfc, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
		assert_int_equal(k, n);
		assert_memory_equal(nfc, in, n);
		free(nfc);
		assert_int_equal(utf8proc_get_property(c)->combining_class, 0);
		if (second[c])
			fail_msg("U+%04X stands second in a decomposition", (unsigned)c);
	}
	assert_true(sure > 30000);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(scan), cmocka_unit_test(tables),
					    cmocka_unit_test(each_line_by_itself), cmocka_unit_test(strict),
					    cmocka_unit_test(one_bad_byte), cmocka_unit_test(no_width),
					    cmocka_unit_test(endless_marks), cmocka_unit_test(sure_ranges) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

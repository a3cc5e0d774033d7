/* Escaping names: what comes out may be shown, and comes back as it went in. Random bytes, against a plain
 * reference. */
#include "tests/append.h"
#include "pipeline/base/memtext.h"
#include "pipeline/files/jsontext.h"
#include "pipeline/base/philox.h"
#include "pipeline/files/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <utf8proc.h>

/* By the definition in docs/STREAM.md, over code points. */
static int is_hidden(int32_t c)
{
	static const int32_t range[][2] = { { 0, 0x1F },	{ 0x7F, 0x9F },	    { 0x61C, 0x61C },
					    { 0x200E, 0x200F }, { 0x2028, 0x202E }, { 0x2066, 0x206F } };
	for (size_t i = 0; i < sizeof range / sizeof *range; i++)
		if (c >= range[i][0] && c <= range[i][1])
			return 1;
	return 0;
}

/* What TEXT_MESSAGE hides beside: text.h. */
static int is_invisible(int32_t c)
{
	return c == 0xA0 || c == 0xAD || c == 0x2007 || (c >= 0x200B && c <= 0x200D) || c == 0x202F || c == 0x2060 ||
	       c == 0xFEFF;
}

static size_t slow_clean(const char *text, size_t n, enum text_form form)
{
	for (size_t at = 0; at < n;) {
		int32_t c;
		ssize_t len = utf8proc_iterate((const utf8proc_uint8_t *)text + at, (ssize_t)(n - at), &c);
		int slash = form == TEXT_NAME || form == TEXT_WORD;
		if (len <= 0 || is_hidden(c) || (slash && c == '\\') || (form == TEXT_WORD && c == ' ') ||
		    (form == TEXT_MESSAGE && is_invisible(c)))
			return at;
		at += (size_t)len;
	}
	return n;
}

/* Text of letters, escapes, hidden characters and stray bytes, without NUL. */
static size_t draw(struct rng *r, char *text, size_t max)
{
	static const char *const part[] = { "a",
					    "\\",
					    "\\x1b",
					    "\\t",
					    "\\x00",
					    "\t",
					    "\n",
					    "\r",
					    " ",
					    "\x1b",
					    "\x7f",
					    "\xc2\x9b",
					    "\xc2\xa0",
					    "\xc2\xad",
					    "\xef\xbb\xbf",
					    "\xc3\xa9",
					    "\xd8\x9c",
					    "\xff",
					    "\xe2\x80",
					    "\xe2\x80\x8e",
					    "\xe2\x80\xae",
					    "\xe2\x81\xa6",
					    "\xe2\x80\x8d",
					    "\xe2\x81\xb0",
					    "\xed\xa0\x80",
					    "\xc0\x80",
					    "\xe0\x80\xaf",
					    "\xf0\x9f\x98\x80",
					    "\xf0\x80\x80\xaf",
					    "\xf4\x90\x80\x80",
					    "\xf5",
					    "'",
					    "%",
					    "\"" };
	size_t n = 0, wanted = rng_below(r, 12);
	for (size_t i = 0; i < wanted; i++) {
		const char *p = part[rng_below(r, sizeof part / sizeof *part)];
		size_t len = strlen(p);
		if (n + len >= max)
			break;
		memcpy(text + n, p, len);
		n += len;
	}
	text[n] = 0;
	return n;
}

static void shown_and_restored(void **state)
{
	struct err err = ERR_NONE;
	struct rng r;
	char text[64], *escaped, *again;
	int changed = 0;
	(void)state;
	rng_init(&r, 7, RNG_TEST, 0, 0);
	for (int i = 0; i < 200000; i++) {
		size_t n = draw(&r, text, sizeof text);
		for (enum text_form form = TEXT_SHOWN; form <= TEXT_WORD; form++) {
			size_t clean = text_clean(text, n, form);
			if (clean != slow_clean(text, n, form))
				fail_msg("form %d, text %d: clean to %zu", form, i, clean);
			assert_int_equal(text_escape(&escaped, text, form, &err), 0);
			size_t len = strlen(escaped);
			assert_int_equal(slow_clean(escaped, len, TEXT_SHOWN), len);
			assert_true(form != TEXT_WORD || !strchr(escaped, ' '));
			changed += strcmp(escaped, text) != 0;
			if (form == TEXT_SHOWN || form == TEXT_MESSAGE) { /* doing it twice changes nothing */
				assert_int_equal(text_escape(&again, escaped, form, &err), 0);
				assert_string_equal(again, escaped);
				free(again);
			} else {
				text_restore(escaped);
				assert_string_equal(escaped, text);
			}
			free(escaped);
		}
	}
	assert_true(changed > 100000);
}

static void the_form_is_the_documented_one(void **state)
{
	static const struct {
		const char *name, *shown;
	} is[] = { { "a\tb\nc\\", "a\\tb\\nc\\\\" },
		   { "\x1b[31m\r", "\\x1b[31m\\x0d" },
		   { "\xe2\x80\xae\xc2\x9b", "\\xe2\\x80\\xae\\xc2\\x9b" },
		   { "caf\xe9", "caf\\xe9" },
		   { "caf\xc3\xa9", "caf\xc3\xa9" } };
	struct err err = ERR_NONE;
	char *text, foreign[] = "\\q \\x1 \\xzz \\x00 \\";
	(void)state;
	for (size_t i = 0; i < sizeof is / sizeof *is; i++) {
		assert_int_equal(text_escape(&text, is[i].name, TEXT_NAME, &err), 0);
		assert_string_equal(text, is[i].shown);
		free(text);
	}
	text_restore(foreign); /* begins none of the escapes */
	assert_string_equal(foreign, "\\q \\x1 \\xzz \\x00 \\");
}

static void output_takes_nul(void **state)
{
	char path[4096], *data;
	struct err err = ERR_NONE;
	struct output out;
	size_t len;
	(void)state;
	snprintf(path, sizeof path, "%s/test_text.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(output_open(&out, path, &err), 0);
	assert_int_equal(text_write(&out, "a\0b c", 5, TEXT_WORD, &err), 0);
	assert_int_equal(output_commit(&out, &err), 0);
	output_release(&out);
	assert_int_equal(io_slurp(path, 100, &data, &len, &err), 0);
	assert_string_equal(data, "a\\x00b\\x20c");
	free(data);
	unlink(path);
}

static void json_is_shown_and_reads_back(void **state)
{
	static const char name[] = "\xe2\x80\xae\x7f\xc2\x9b\x1b\xc3\xa9";
	struct err err = ERR_NONE;
	char *text;
	(void)state;
	json_t *j = json_pack("{s:s, s:[s]}", "name", name, "classes", name), *again;
	assert_int_equal(jsontext_write(&text, j, JSON_INDENT(1), &err), 0);
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1)
		assert_int_equal(slow_clean(line, (size_t)(end - line), TEXT_SHOWN), end - line);
	free(text);
	assert_int_equal(jsontext_write(&text, j, JSON_COMPACT, &err), 0);
	assert_string_equal(text, "{\"name\":\"\\u202E\\u007F\\u009B\\u001B\xc3\xa9\","
				  "\"classes\":[\"\\u202E\\u007F\\u009B\\u001B\xc3\xa9\"]}");
	again = json_loads(text, 0, NULL);
	assert_true(json_equal(j, again));
	json_decref(again);
	json_decref(j);
	free(text);
}

static void json_names_what_is_not_utf8(void **state)
{
	struct err err = ERR_NONE;
	char *text;
	(void)state;
	json_t *j = json_pack("{s:[s, s, o], s:s}", "classes", "a", "b", jsontext_name("caf\xe9"), "name", "x");
	assert_int_equal(jsontext_write(&text, j, JSON_COMPACT, &err), -1);
	assert_string_equal(err.msg, "class name 2 ('caf\xe9') is not UTF-8");
	assert_null(text);
	json_decref(j);
	j = json_pack("{s:s, s:o}", "program", "p", "name", jsontext_name("\xff"));
	assert_int_equal(jsontext_write(&text, j, JSON_COMPACT, &err), -1);
	assert_string_equal(err.msg, "the name ('\xff') is not UTF-8");
	json_decref(j);
	assert_int_equal(jsontext_write(&text, NULL, JSON_COMPACT, &err), -1);
	assert_string_equal(err.msg, "out of memory");
}

/* A message that does not fit is cut where one sees it: the name in front loses its end, the cause stays. */
static void cuts_are_seen(void **state)
{
	struct err err = ERR_NONE;
	char name[3000], part[10];
	(void)state;
	memset(name, 'n', sizeof name);
	name[sizeof name - 1] = 0;
	err_set(&err, "%s", name);
	assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
	assert_string_equal(err.msg + sizeof err.msg - 4, "...");
	err_set(&err, "record 7 is damaged");
	err_context(&err, "%s", name);
	assert_true(strlen(err.msg) < sizeof err.msg);
	assert_non_null(strstr(err.msg, "nnn...: record 7 is damaged"));
	errno = ENOENT;
	err_sys(&err, "%s", name);
	assert_non_null(strstr(err.msg, "nnn...: No such file or directory"));
	err_phrase(part, sizeof part,
		   "12345\xc3\xa9"
		   "789");
	assert_string_equal(part, "12345...");
	err_phrase(part, sizeof part, "123456789");
	assert_string_equal(part, "123456789");
}

static void fields_are_cut(void **state)
{
	(void)state;
	char line[] = "a\t\tb,c\t", list[] = "3,4", none[] = "", *at = line;
	static const char *const want[] = { "a", "", "b,c", "" };
	for (int i = 0; i < 4; i++)
		assert_string_equal(text_field(&at, '\t'), want[i]);
	assert_null(text_field(&at, '\t'));
	at = list;
	assert_string_equal(text_field(&at, ','), "3");
	assert_string_equal(text_field(&at, ','), "4");
	assert_null(text_field(&at, ','));
	at = none;
	assert_string_equal(text_field(&at, ','), "");
	assert_null(text_field(&at, ','));
}

/* For man pages: random text, a character at a time. */
static void roff_by_definition(void **state)
{
	static const char letter[] = "a.'-\\\n\n ";
	(void)state;
	for (uint32_t i = 0; i < 500; i++) {
		struct rng r;
		struct err err = ERR_NONE;
		struct memtext m;
		char text[20], want[100], *got;
		size_t n = 0, k = 0, len;
		rng_init(&r, 15, RNG_TEST, i, 0);
		for (len = rng_below(&r, 19); n < len;)
			text[n++] = letter[rng_below(&r, sizeof letter - 1)];
		text[n] = 0;
		for (size_t at = 0; at < n; at++) {
			int begins = !at || text[at - 1] == '\n', ends = text[at] == '\n' && text[at + 1] == '\n';
			append(want, sizeof want, &k, "%s", ends ? "\n.PP\n" : text[at] == '\\' ? "\\e" :
					     text[at] == '-' ? "\\-" : begins && strchr(".'", text[at]) ? "\\&" : "");
			if (!ends && !strchr("\\-", text[at]))
				want[k++] = text[at];
			at += (size_t)ends;
		}
		want[k] = 0;
		assert_int_equal(memtext_open(&m, &err), 0);
		text_roff(m.to, text);
		assert_int_equal(memtext_close(&m, &got, NULL, &err), 0);
		assert_string_equal(got, want);
		free(got);
	}
}

/* \xHH with every two digits, of either case. */
static void bytes_are_restored(void **state)
{
	static const char digits[] = "0123456789abcdefABCDEFgG";
	(void)state;
	for (size_t i = 0; i < 24; i++)
		for (size_t k = 0; k < 24; k++) {
			char text[8] = { '\\', 'x', digits[i], digits[k], 0 }, *end;
			const char two[3] = { digits[i], digits[k], 0 };
			long v = strtol(two, &end, 16);
			char want[8] = { (char)v, 0 };
			text_restore(text);
			if (*end || !v)
				snprintf(want, sizeof want, "\\x%s", two);
			assert_string_equal(text, want);
		}
}

/* Bytes of the character that begins there, by the code point that its bits give (RFC 3629); 0: none. */
static size_t plain_length(const unsigned char *p, size_t n)
{
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t k = *p < 0x80 ? 1 : *p < 0xC0 ? 0 : *p < 0xE0 ? 2 : *p < 0xF0 ? 3 : *p < 0xF8 ? 4 : 0;
	uint32_t c = k < 2 ? *p : *p & (0xFFu >> (k + 1));
	if (!k || k > n)
		return 0;
	for (size_t i = 1; i < k; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		c = c << 6 | (p[i] & 63);
	}
	return c < least[k] || (c >= 0xD800 && c < 0xE000) || c > 0x10FFFF ? 0 : k;
}

/* Any two bytes first, then those at which something changes. */
static void utf8_at_its_edges(void **state)
{
	(void)state;
	static const unsigned char edge[] = { 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0 };
	for (unsigned i = 0; i < 1u << 22; i++) {
		const unsigned char text[4] = { (unsigned char)(i >> 14), (unsigned char)(i >> 6), edge[i >> 3 & 7],
						edge[i & 7] };
		size_t n = 2 + (i * 2654435761u >> 16) % 3, at = 0, k = 1;
		while (at < n && (k = plain_length(text + at, n - at)))
			at += k;
		if (text_is_utf8((const char *)text, n) != (k > 0))
			fail_msg("%zu of %02x %02x %02x %02x", n, text[0], text[1], text[2], text[3]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shown_and_restored),
		cmocka_unit_test(the_form_is_the_documented_one),
		cmocka_unit_test(output_takes_nul),
		cmocka_unit_test(json_is_shown_and_reads_back),
		cmocka_unit_test(json_names_what_is_not_utf8),
		cmocka_unit_test(utf8_at_its_edges),
		cmocka_unit_test(roff_by_definition),
		cmocka_unit_test(bytes_are_restored),
		cmocka_unit_test(cuts_are_seen),
		cmocka_unit_test(fields_are_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

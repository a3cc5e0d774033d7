/* sniff: what must be told apart that looks alike, and any bytes at all. tests/cli/kinds.t has the messages. */
#include "tests/scratch.h"
#include "pipeline/base/philox.h"
#include "pipeline/stream/sniff.h"
#include "pipeline/files/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static void called(const char *name, const char *head, size_t n, const char *what)
{
	struct sniffed s;
	unsigned char *copy = malloc(n ? n : 1); /* of exactly this size, so that a read after the end is seen */
	memcpy(copy, head, n);
	sniff(&s, copy, n, name);
	free(copy);
	if (strcmp(s.what, what))
		fail_msg("%s: called %s, not %s", name, s.what, what);
}

static void text(const char *name, const char *head, const char *what)
{
	called(name, head, strlen(head), what);
}

static void alike(void **state)
{
	(void)state;
	text("a", "", "empty");
	text("a", "<a>\n<b>x</b>\n</a>\n", "XML");
	text("a", "<a>\n", "plain text");
	text("a", "@relation", "plain text");
	text("a", "@relation ", "an ARFF table");
	text("a", "<>\n<b>\n", "plain text");
	text("a", "<a/>\n<b>\n", "plain text");
	text("a", "x", "plain text");
	text("a", "2 3\n", "plain text");                                          /* numbers alone */
	text("a", "2 4\nthe 1 2 3 4\n", "word vectors in text form");
	text("a", "the 1 2 3\nof 1 2 3\n", "plain text");                         /* few numbers: may be a sentence */
	text("a", "the 1 2 3 4\n", "word vectors in text form");
	text("a", "the 1. 2. 3. 4.\r\n", "word vectors in text form"); /* a number need not end in a digit */
	text("a", "the + . e -\n", "plain text");                      /* but has one */
	text("a", "the film of 1999 , 2000 , 2001 , 2002 , 2003\n", "plain text");
	text("a", "{ 1 2 3 4\n", "word vectors in text form");
	text("a", "{\"a\": [1, 2]}\n", "JSON");
	text("a", "good , bad\nnice , odd\n", "plain text");
	text("a", "good,bad\nnice,odd\n", "a CSV table");
	text("a", "good,bad\nnice\n", "plain text");
	text("a", "label,a\n0,1.5\n", "a CSV table of numbers");
	text("a.csv", "a, b\nc, d\n", "a CSV table");
	text("a.csv", "a,b,c\n0,1\n", "a CSV table of numbers"); /* with a fault */
	text("a", "a\tb\nc\td\n", "a TSV table");
	text("a", "0\t1\n1\t-1e-3\n", "a TSV table of numbers");
	text("a", "word\tcount\nzyxw\t3\n", "a list of words with counts");
	text("a", "{\n \"method\": \"isotonic\",\n \"parameters\": {\n", "a calibration map");
	text("a", "id\tname\n0\ta.png\n", "a list of pictures' names");
	text("a", "word\tcounts\nzyxw\t3\n", "a TSV table of numbers");
	text("a", "record\tlabel\tcovered\tsize\tset\n0\tpos\t1\t1\tpos\n", "a table of conformal sets");
	text("a", "{\"record\":0,\"label\":\"pos\",\"covered\":true}\n", "a table of conformal sets");
	text("a", "NUM:count How\n", "questions in TREC's form");
	text("a", "NOTE: how\n", "plain text");
	text("a.bin", "text in a file of this name\n", "plain text");
	text("a", "PS 1 2\n", "plain text");
	called("a.npz", "PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22, "a zip archive that holds nothing");
	called("a", "\2\0\0\0\0\0\0\0{}", 10, "a safetensors file");
	called("a", "\2\0\0\0\0\0\0\1{}", 10, "of no kind that is known here");
	called("a", "\0\0\x08\x01\0\0\0\x05", 8, "an IDX file (MNIST's format)");
	called("a", "\0\0\x07\x01\0\0\0\x05", 8, "of no kind that is known here");
	called("a", "\x1F\x8B\x08", 3, "gzip data");
	called("a", "2 3\nthe \x01\x02\x03\x04\x05\x06", 14, "word vectors in word2vec's binary form");
	/* documents, and text that begins like one */
	text("a", "[1, 2]\n[3", "JSON");
	text("a", "[\"caf\xC3", "JSON");
	text("a", " \n{\"a\\\"b\" : nul", "JSON");
	text("a", "[1] the first note\n", "plain text");
	text("a", "[\"a\", b] and so on\n", "plain text");
	text("a", "{\"quoted\"} words\n", "like JSON, but cut, damaged or not quite JSON");
	text("a", "\xEF\xBB\xBF\n<HTML lang=en>\n", "an HTML page");
	text("a", "<header> words\n", "plain text");
	text("a", "<!-- a note -->\nwords\n", "plain text");
	text("a", "<!DOCTYPE lewis SYSTEM \"lewis.dtd\">\n<REUTERS>", "XML");
	text("a", "<br />\n<br />\n", "plain text");
	text("a", "<a>\nwords\n", "plain text");
	text("a", "<a> <b>\n<c>\n", "plain text");
	text("a", "Error 503: Service Unavailable.\r\n", "an error message in place of a download");
	text("a", "Not Found on any map\n", "plain text");
	text("a", " \r\n\t\n", "blank");
	text("a", "\xEF\xBB\xBF", "empty but for a byte order mark");
	/* text that begins like a binary file */
	text("a", "PAR1 is a word\n", "plain text");
	text("a", "ORC and troll\n", "plain text");
	text("a", "BMW 320 is a car\n", "plain text");
	text("a", "a film. WEBPages", "plain text");
	text("a", "GIF89a is what it was\n", "plain text");
	called("a", "RIFF\1\0\0\0WAVEfmt ", 16, "of no kind that is known here");
	called("a", "BM\1\0\0\0\0\0\0\0\66\0\0\0\47\0\0\0", 18, "of no kind that is known here");
	called("a", "BM\1\0\0\0\0\0\0\0\66\0\0\0\50\0\0\0", 18, "a BMP image");
	called("a", "a\0\0\0b\0\0\0", 8, "UTF-32 text");
	called("a", "\1\0\0\0\2\0\0\0", 8, "of no kind that is known here");
	called("a", "\0\0\0a\0\0\0b", 8, "UTF-32 text");
	called("a", "\xFF\xFE\0\0a\0\0\0b\0\0\0", 12, "UTF-32 text");
	called("a", "2 3\nthe \xC3\xA9 caf\xC3\xA9\n", 17, "plain text"); /* UTF-8 after two numbers */
}

/* A row of 300 numbers, longer than what is looked at. */
static void long_row(void **state)
{
	(void)state;
	char row[3 * SNIFF_BYTES] = "the";
	size_t at = 3;
	while (at + 12 < sizeof row)
		at += (size_t)snprintf(row + at, sizeof row - at, " -0.%06zu", at);
	for (size_t n = 80; n < sizeof row; n += n < 120 ? 1 : 997)
		called("a", row, n < at ? n : at, "word vectors in text form");
	char lines[2 * SNIFF_BYTES] = "2 3\n"; /* of two-byte letters: cut inside one or not */
	for (size_t i = 4; i + 1 < sizeof lines; i += 2)
		memcpy(lines + i, "\xC3\xA9", 2);
	called("a", lines, sizeof lines, "plain text");
	memmove(lines + 5, lines + 4, sizeof lines - 5);
	lines[4] = 'x';
	called("a", lines, sizeof lines, "plain text");
}

/* Beginnings with a few random bytes in them, cut anywhere: something is always said, and in UTF-8 without an end of
 * line. */
static void any_bytes(void **state)
{
	static const char *const begin[] = {
		"\x89VIC\r\n\x1a\n", "PK\3\4",	     "{\"a\"", "\x1F\x8B\x08", "2 3\nw ", "the 1 2 3 4",
		"a,b\n1,2",	     "\0\0\x08\x03", "<html",  "NUM:x y",      "",	  "\xFF\xFE",
		"\x80\x02"
	};
	(void)state;
	for (int round = 0; round < 20000; round++) {
		unsigned char head[300];
		uint32_t random[4], counter[4] = { (uint32_t)round, 0, 0, 0 };
		static const uint32_t key[2] = { 1, 2 };
		philox4x32(random, counter, key);
		const char *from = begin[(size_t)round % (sizeof begin / sizeof *begin)];
		size_t n = random[0] % sizeof head;
		struct sniffed s;
		for (size_t i = 0; i < n; i++) {
			counter[1] = (uint32_t)i;
			philox4x32(random, counter, key);
			head[i] = (unsigned char)(round % 3 ? random[0] : (uint32_t)"a1,\t .\n\""[random[0] % 8]);
		}
		memcpy(head, from, strlen(from) < n ? strlen(from) : n);
		unsigned char *copy = malloc(n ? n : 1);
		memcpy(copy, head, n);
		sniff(&s, copy, n, "x.bin");
		free(copy);
		assert_true(*s.what && s.remedy && *s.remedy && !strchr(s.what, '\n'));
		assert_true(text_is_utf8(s.what, strlen(s.what)));
		assert_true(s.known || !s.binary);
	}
}

/* Only a file that is there is looked into: a FIFO would wait for another writer, and nothing is added. */
static void explained_by_its_file(void **state)
{
	char path[SCRATCH_PATH], fifo[SCRATCH_PATH + 8];
	static const char *const said[] = { "is no table (it is JSON: ", "is no table", "is no table" };
	(void)state;
	assert_int_equal(scratch_file(path, "sniff") || scratch_put(path, "{\"a\": 1}\n", 9), 0);
	snprintf(fifo, sizeof fifo, "%s.fifo", path);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	alarm(20);
	for (int i = 0; i < 3; i++) {
		struct err err = ERR_NONE;
		(void)err_set(&err, "is no table");
		assert_int_equal(sniff_explain(i == 0 ? path : i == 1 ? fifo : "not/there", "CSV", &err), -1);
		assert_memory_equal(err.msg, said[i], strlen(said[i]) + (i > 0));
	}
	alarm(0);
	assert_int_equal(unlink(path) || unlink(fifo), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(alike), cmocka_unit_test(long_row),
					    cmocka_unit_test(any_bytes), cmocka_unit_test(explained_by_its_file) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Rows of CSV and TSV, labels, and word numbers. */
#include "tests/scratch.h"
#include "pipeline/cat/cat.h"
#include "pipeline/cat/import.h"
#include "pipeline/formats/row_reader.h"
#include "pipeline/base/vocab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char path[SCRATCH_PATH];

/* The rows as "a|b;c|d;", then "!message" when it ends in an error. */
static const char *rows_by(const struct row_rules *rules, const char *text, size_t n, struct row_counts *counts)
{
	static char all[4096];
	struct row_reader *t;
	struct err err = ERR_NONE;
	int rc;
	FILE *f = fopen(path, "wb");
	assert_int_equal(fwrite(text, 1, n, f), n);
	fclose(f);
	all[0] = 0;
	assert_int_equal(row_reader_open(&t, path, rules, &err), 0);
	while ((rc = row_reader_next(t, &err)) == 1)
		for (size_t i = 0; i < row_fields(t); i++) {
			size_t len;
			strncat(all, row_field(t, i, &len), sizeof all - strlen(all) - 1);
			assert_int_equal(row_field(t, i, NULL)[len], 0);
			strncat(all, i + 1 < row_fields(t) ? "|" : ";", sizeof all - strlen(all) - 1);
		}
	if (rc < 0)
		snprintf(all + strlen(all), sizeof all - strlen(all), "!%s", strstr(err.msg, ": ") + 2);
	*counts = *row_counts_of(t);
	row_reader_close(t);
	return all;
}

static struct row_counts met;

static const char *rows(char separator, enum row_quotes quotes, const char *text, size_t n)
{
	const struct row_rules rules = { "a table", separator, quotes, 100, "", 0 };
	return rows_by(&rules, text, n, &met);
}
#define CSV(text) rows(0, ROW_QUOTES_STRICT, text, sizeof(text) - 1)
#define TSV(text) rows('\t', ROW_QUOTES_NONE, text, sizeof(text) - 1)
#define SLASH(text) rows(0, ROW_QUOTES_BACKSLASH, text, sizeof(text) - 1)
#define BARE(text) rows(';', ROW_QUOTES_BARE, text, sizeof(text) - 1)

static void comma_separated(void **state)
{
	(void)state;
	assert_string_equal(CSV(""), "");
	assert_string_equal(CSV("a,b\n1,2\n"), "a|b;1|2;");
	assert_string_equal(CSV("a,b\r\n1,2"), "a|b;1|2;");
	assert_string_equal(CSV("a,b\r1,2\r"), "a|b;1|2;");
	assert_string_equal(CSV("\"a,\"\"x\"\"\",b\n"), "a,\"x\"|b;");
	assert_string_equal(CSV("\"two\n\nlines\",b\nc,d\n"), "two\n\nlines|b;c|d;");
	assert_string_equal(CSV("\"two\r\nlines\",b\r\nc,d"), "two\r\nlines|b;c|d;");
	assert_string_equal(CSV("a,,\n,,\n"), "a||;||;");
	assert_string_equal(CSV(" a , b\t\n"), " a | b\t;");
	assert_string_equal(CSV("a,\"b\n"), "!line 1: the file ends inside quotes");
	assert_string_equal(CSV("a,b\nc,d\"e\n"), "a|b;!line 2: a quote (\") stands where RFC 4180 has none: inside a "
			    "field it is doubled, and the field is quoted");
	assert_int_equal(strncmp(CSV("a,\"b\" ,c\n"), "!line 1: a quote", 16), 0);
	assert_string_equal(CSV("a;b,c\n"), "a;b|c;");
}

/* What is in no row is counted. */
static void passed_over(void **state)
{
	(void)state;
	assert_string_equal(CSV("a,b\n\n\nc,d\n\n"), "a|b;c|d;");
	assert_int_equal(met.blank, 3);
	assert_string_equal(CSV("\r\na,b\r\n\r\n\r\n"), "a|b;");
	assert_int_equal(met.blank, 3);
	assert_int_equal(met.boms, 0);
	assert_string_equal(CSV("\xEF\xBB\xBF" "a,b\n"), "a|b;");
	assert_int_equal(met.boms, 1);
	assert_int_equal(met.blank, 0);
	assert_string_equal(CSV("\xFF\xFE" "a"), "!is UTF-16; recode it first: iconv -f UTF-16 -t UTF-8");
	assert_string_equal(CSV("\xEF\xBB\xBF" "sep=;\r\na;b\r\n\r\n"), "a|b;");
	assert_int_equal(met.sep_lines, 1);
	assert_int_equal(met.blank, 1);
	assert_string_equal(CSV("sep=;b\nc\n"), "sep=;b;c;");
	assert_string_equal(rows(',', ROW_QUOTES_STRICT, "sep=;\na\n", 8),
			    "!line 1 says that ';' stands between columns, "
			    "the command that ',' does");
}

static void backslashes(void **state)
{
	(void)state;
	assert_string_equal(SLASH("a,b\n1,2\r\n3,4"), "a|b;1|2;3|4;");
	assert_string_equal(SLASH("\"a \\\"x\\\" \\\\\",b\n"), "a \"x\" \\|b;");
	assert_string_equal(SLASH("\"two\nlines\",b\n"), "two\nlines|b;");
	assert_string_equal(SLASH("\"a \"\"x\"\"\",b\n"), "a \"x\"|b;");
	assert_string_equal(SLASH("a\\,b,c\\\nd\n"), "a,b|c\nd;");
	assert_string_equal(SLASH("a\\\r\nb,c\\\rd\r\n"), "a\r\nb|c\rd;");
	assert_string_equal(SLASH("a\\tb,\"c\\nd\\r\"\n"), "a\tb|c\nd\r;");
	assert_string_equal(SLASH("\\N,\"\\\\N\",x\n\\N"), "|\\N|x;;");
	assert_string_equal(SLASH("5\" disc,\"\"\n\n,\n"), "5\" disc|;|;");
	assert_int_equal(met.blank, 1);
	assert_int_equal(strncmp(SLASH("a,b\nc:\\dir\n"), "a|b;!line 2: a backslash stands before what", 43), 0);
	assert_int_equal(strncmp(SLASH("a\\N\n"), "!line 1: a backslash stands before what", 39), 0);
	assert_string_equal(SLASH("\\Nx\n"), "!line 1: text follows a closing quote (\") or \\N, which end a field");
	assert_string_equal(SLASH("\"a\"x\n"), "!line 1: text follows a closing quote (\") or \\N, which end a field");
	assert_string_equal(SLASH("a,\"b\n"), "!line 1: the file ends inside quotes or after a backslash");
	assert_string_equal(SLASH("a,b\\"), "!line 1: the file ends inside quotes or after a backslash");
	assert_int_equal(
		strncmp(CSV("\"a\\\"b\"\n"), "!line 1: a quote (\") stands where RFC 4180 has none, after a back", 63),
		0);
}

static void other_rules(void **state)
{
	(void)state;
	assert_string_equal(TSV("a\tb\n1\t2\r\n3\t"), "a|b;1|2;3|;");
	assert_string_equal(TSV("\"a\tb\"\n"), "\"a|b\";");
	assert_string_equal(TSV("one\n\t\n"), "one;|;");
	assert_string_equal(TSV("a\n\nb\n"), "a;b;");
	assert_int_equal(met.blank, 1);
	assert_string_equal(TSV("sep=;\n"), "sep=;;");
	assert_string_equal(BARE("a 5\" disc;x\"\n\"q;\"\"\n\";y\n"), "a 5\" disc|x\";q;\"\n|y;");
	assert_string_equal(BARE("a;\"d\"e\n"), "!line 1: text follows a closing quote (\"), which ends a field");
	const struct row_rules two = { .wanted = "a table", .max_fields = 2 };
	assert_string_equal(rows_by(&two, "a,b\nc,d,e\n", 10, &met), "a|b;!line 2: more than 2 columns");
}

static int label(const struct stream_head *h, const struct import *im, const char *text, struct err *err)
{
	struct labels l = { 0 };
	char copy[32];
	int32_t is;
	snprintf(copy, sizeof copy, "%s", text);
	assert_int_equal(labels_init(&l, h, im, 1, err), 0);
	int rc = label_of(&l, copy, &is, err);
	labels_release(&l);
	return rc ? -2 : is;
}

static void labels(void **state)
{
	(void)state;
	static const char *const ignored[] = { "255", "void" };
	struct import im = { .ignore = ignored, .n_ignore = 2 };
	struct stream_head h = { .kind = STREAM_LOGITS };
	struct err err = ERR_NONE;
	static const struct {
		const char *text;
		int is; /* -2: refused */
	} named[] = { { "pos", 1 },    { "0", 0 },     { "", -1 },    { "-1", -1 },   { "2", -2 },
		      { "-2", -2 },    { "Pos", -2 },  { "1.0", 1 },  { "1e0", 1 },   { "0.0e+00", 0 },
		      { "0.5", -2 },   { "-1.0", -1 }, { "true", 1 }, { "False", 0 }, { "255", -1 },
		      { "255.0", -1 }, { "void", -1 }, { "nan", -2 }, { "pos ", -2 }, { " 1", -2 } };
	assert_int_equal(classes_of(&h, "neg,pos", 0, 2, &err), 0);
	for (size_t i = 0; i < sizeof named / sizeof *named; i++)
		if (label(&h, &im, named[i].text, &err) != named[i].is)
			fail_msg("label '%s' is %d", named[i].text, label(&h, &im, named[i].text, &err));
	/* classes named like numbers: a number is a name and nothing else */
	assert_int_equal(classes_of(&h, "3,1", 0, 2, &err), 0);
	assert_int_equal(label(&h, &im, "1", &err), 1);
	assert_int_equal(label(&h, &im, "1.0", &err), 1);
	assert_int_equal(label(&h, &im, "3.0", &err), 0);
	assert_int_equal(label(&h, &im, "0", &err), -2);
	assert_string_equal(err.msg, "label '0' is none of the 2 classes");
	im.kind = IMPORT_CONFIDENCE; /* right is class 0, wrong class 1 */
	assert_int_equal(label(&h, &im, "1", &err), 0);
	assert_int_equal(label(&h, &im, "FALSE", &err), 1);
	assert_int_equal(label(&h, &im, "2", &err), -2);
	assert_int_equal(label(&h, &im, "", &err), -2);
	assert_int_equal(classes_of(&h, NULL, 0, 11, &err), 0);
	assert_string_equal(h.classes[10], "10");
	assert_int_equal(classes_of(&h, "a,b,c", 0, 2, &err), -1);
	assert_string_equal(err.msg, "--classes names 3 classes; there are 2");
	assert_int_equal(classes_of(&h, "a,a", 0, 2, &err), -1);
	assert_string_equal(err.msg, "two classes are called 'a'");
	assert_int_equal(classes_of(&h, "a,", 0, 2, &err), -1);
	stream_head_release(&h);
}

static void words(void **state)
{
	(void)state;
	enum { N = 20000 };
	struct vocab s = { 0 };
	struct err err = ERR_NONE;
	char word[16];
	size_t len;
	uint32_t number;
	for (int round = 0; round < 2; round++)
		for (uint32_t i = 0; i < N; i++) {
			int n = snprintf(word, sizeof word, "w%u", i * 7919 % N);
			assert_int_equal(vocab_add(&s, word, (size_t)n, &number, &err), 0);
			assert_int_equal(number, i);
		}
	assert_int_equal(s.n, N);
	assert_memory_equal(vocab_word(&s, 1, &len), "w7919", 5);
	assert_int_equal(len, 5);
	assert_int_equal(vocab_add(&s, "", 0, &number, &err), 0);
	assert_int_equal(number, N);
	assert_int_equal(vocab_add(&s, "\0", 1, &number, &err), 0);
	assert_int_equal(number, N + 1);
	vocab_release(&s);
}

/* Texts as vic-cat --to csv writes them are the same when the table is read again. */
static void exported_texts_come_back(void **state)
{
	(void)state;
	static const char *const text[] = { "",	    "a b", " a",    "a ",   "\ta", "a\t", "\t",
					    "a\tb", "a,b", "a\"b", "a\nb", "\"",  ", " };
	enum { N = sizeof text / sizeof *text };
	struct err err = ERR_NONE;
	char stream[SCRATCH_PATH];
	struct stream_head head = { .kind = STREAM_TOKENS };
	struct output out;
	struct stream_writer *w;
	struct stream_reader *r = NULL;
	struct export *e = NULL;
	struct pick all = { .split = -1, .limit = UINT64_MAX };
	struct row_reader *t;
	json_t *self = json_pack("{s:s, s:s, s:[]}", "program", "p", "version", "0", "args");
	assert_int_equal(scratch_file(stream, "stream"), 0);
	assert_int_equal(output_open(&out, stream, &err) || stream_begin(&w, &out, &head, NULL, self, &err), 0);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(stream_add(w, i, -1, 0, text[i], strlen(text[i]), &err), 0);
	assert_int_equal(stream_finish(w, &err) || output_commit(&out, &err), 0);
	stream_writer_free(w);
	output_release(&out);
	json_decref(self);
	assert_int_equal(output_open(&out, path, &err) || export_open(&e, EXPORT_CSV, NULL, &out, &err) ||
			 stream_open(&r, stream, &err), 0);
	assert_int_equal(stream_next_document(r, &err), 1);
	assert_int_equal(export_document(e, r, &all, &err) || export_finish(e, &err) || output_commit(&out, &err), 0);
	export_close(e);
	stream_close(r);
	output_release(&out);
	const struct row_rules rules = { .wanted = "a table", .max_fields = 2 };
	assert_int_equal(row_reader_open(&t, path, &rules, &err), 0);
	assert_int_equal(row_reader_next(t, &err), 1); /* label,text */
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(row_reader_next(t, &err), 1);
		assert_string_equal(row_field(t, 1, NULL), text[i]);
	}
	assert_int_equal(row_reader_next(t, &err), 0);
	row_reader_close(t);
	unlink(stream);
}

int main(void)
{
	if (scratch_file(path, "table"))
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comma_separated), cmocka_unit_test(passed_over),
		cmocka_unit_test(other_rules), cmocka_unit_test(backslashes),	   cmocka_unit_test(labels),
		cmocka_unit_test(words),	   cmocka_unit_test(exported_texts_come_back)
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return rc;
}

/* The reader of tables, alone and under vic-tokenize: random tables, written as RFC 4180 allows, come back field by
 * field, wherever the reader's blocks are cut; with one thing wrong they are refused. */
#include "pipeline/base/philox.h"
#include "pipeline/formats/row_reader.h"
#include "tokenize/labelled.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { ROWS = 60, COLUMNS = 4, FIELD = 200000, ROOM = 8 << 20, CHUNK = 64 * 1024 };

static char path[4096];

struct field {
	char *text;
	size_t n;
};

struct sheet {
	struct field field[ROWS][COLUMNS];
	size_t rows, columns, label, text; /* which column is what */
	int tabs;
};

static char *text_room, *file;

static int needs_quotes(const struct field *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (strchr("\",\r\n", f->text[i]) && f->text[i])
			return 1;
	return 0;
}

/* A field of the alphabet; `fill` bytes of one letter in front, to bring what follows to an edge of a block. */
static size_t draw_field(struct rng *r, char *to, size_t fill, int tabs)
{
	static const char *const piece[] = { "a",  "b c",  " ",	 "\"", "\"\"",	   ",",
					     "\n", "\r\n", "\r", "'",  "\xc3\xa9", "\xf0\x9f\x98\x80" };
	size_t n = fill, parts = rng_below(r, 6);
	memset(to, 'x', fill);
	for (size_t i = 0; i < parts; i++) {
		const char *p = piece[rng_below(r, sizeof piece / sizeof *piece)];
		if (tabs && strpbrk(p, "\r\n"))
			continue;
		memcpy(to + n, p, strlen(p));
		n += strlen(p);
	}
	return n;
}

static void draw(struct rng *r, struct sheet *s, int tabs)
{
	char *to = text_room;
	size_t at = 0, edge = CHUNK * (1 + rng_below(r, 4));
	int filled = rng_below(r, 2) == 0;
	*s = (struct sheet){ .rows = 1 + rng_below(r, ROWS), .columns = 2 + rng_below(r, COLUMNS - 1), .tabs = tabs };
	s->label = rng_below(r, (uint32_t)s->columns);
	s->text = (s->label + 1 + rng_below(r, (uint32_t)s->columns - 1)) % s->columns;
	for (size_t i = 0; i < s->rows; i++)
		for (size_t k = 0; k < s->columns; k++) {
			struct field *f = &s->field[i][k];
			f->text = to;
			if (k == s->label && !tabs) {
				f->n = 1 + rng_below(r, 2);
				f->text[0] = (char)('a' + rng_below(r, 5));
				f->text[1] = ',';
			} else {
				size_t back = rng_below(r, 12);
				f->n = draw_field(r, to,
						  filled && at < edge - back && i == s->rows / 2 ? edge - back - at : 0,
						  tabs);
				filled = filled && i != s->rows / 2;
			}
			at += f->n + 3;
			to += f->n + 1;
		}
}

/* The file, one of the many that RFC 4180 has for it. */
static size_t put(struct rng *r, const struct sheet *s)
{
	size_t n = 0;
	uint32_t ends = rng_below(r, 3), quoted = rng_below(r, 3);
	for (size_t i = 0; i < s->rows; i++) {
		for (size_t k = 0; k < s->columns; k++) {
			const struct field *f = &s->field[i][k];
			int quotes = !s->tabs &&
				     (needs_quotes(f) || quoted == 0 || (quoted == 1 && rng_below(r, 2)));
			if (k)
				file[n++] = s->tabs ? '\t' : ',';
			if (quotes)
				file[n++] = '"';
			for (size_t j = 0; j < f->n; j++) {
				file[n++] = f->text[j];
				if (quotes && f->text[j] == '"')
					file[n++] = '"';
			}
			if (quotes)
				file[n++] = '"';
		}
		if (ends == 1 && i + 1 == s->rows)
			break; /* the last needs none */
		if (ends == 2)
			file[n++] = '\r';
		file[n++] = '\n';
	}
	return n;
}

static void keep(size_t n)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0600);
	assert_int_equal(write(fd, file, n), n);
	close(fd);
}

static void same_as_labelled(const struct sheet *s)
{
	struct err err = ERR_NONE;
	struct sink k = { .split = -1 };
	struct labelled t;
	char label[8], text[8];
	snprintf(label, sizeof label, "%zu", s->label + 1);
	snprintf(text, sizeof text, "%zu", s->text + 1);
	struct columns columns = { .label = label, .text = text, .header = HEADER_NO };
	struct place at = { "x", 1, NULL };
	rule_table(&k.rules, RULE_WHITESPACE, 0);
	assert_int_equal(labelled_init(&t, &k, &err), 0);
	if (read_csv(&t, path, &columns, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(t.n, s->rows);
	assert_int_equal(t.blank, 0);
	for (size_t i = 0; i < s->rows; i++) {
		const struct field *f = &s->field[i][s->text], *l = &s->field[i][s->label];
		const char *tokens, *name;
		size_t len, from = i ? t.end[i - 1] : 0;
		assert_int_equal(sink_tokenise(&k, &at, f->text, f->n, &tokens, &len, &err), 0);
		assert_int_equal(t.end[i] - from, len);
		assert_memory_equal(t.tokens + from, tokens, len);
		name = vocab_word(&t.labels, (uint32_t)t.label[i], &len);
		assert_int_equal(len, l->n);
		assert_memory_equal(name, l->text, len);
	}
	/* the classes are sorted, and each record keeps its own */
	char **names;
	int n;
	assert_int_equal(labelled_classes(&t, &names, &n, &err), 0);
	for (int i = 1; i < n; i++)
		assert_true(strcmp(names[i - 1], names[i]) < 0);
	for (size_t i = 0; i < s->rows; i++) {
		const struct field *l = &s->field[i][s->label];
		assert_int_equal(strlen(names[t.label[i]]), l->n);
		assert_memory_equal(names[t.label[i]], l->text, l->n);
	}
	free(names);
	labelled_release(&t);
	sink_release(&k);
}

static void same_as_table(const struct sheet *s)
{
	struct err err = ERR_NONE;
	struct row_reader *t;
	uint64_t line = 0;
	int rc;
	const struct row_rules rules = { "a table", s->tabs ? '\t' : 0, s->tabs ? ROW_QUOTES_NONE : ROW_QUOTES_STRICT,
					 COLUMNS, "", 0 };
	assert_int_equal(row_reader_open(&t, path, &rules, &err), 0);
	for (size_t i = 0; i < s->rows; i++) {
		rc = row_reader_next(t, &err);
		if (rc != 1)
			fail_msg("row %zu of %zu: %s", i, s->rows, rc ? err.msg : "the end");
		assert_int_equal(row_fields(t), s->columns);
		for (size_t k = 0; k < s->columns; k++) {
			const struct field *f = &s->field[i][k];
			size_t n;
			assert_memory_equal(row_field(t, k, &n), f->text, f->n);
			assert_int_equal(n, f->n);
		}
		assert_true(row_line(t) > line);
		line = row_line(t);
	}
	assert_int_equal(row_reader_next(t, &err), 0);
	row_reader_close(t);
}

static void tables_come_back(void **state)
{
	static struct sheet s;
	(void)state;
	for (uint32_t round = 0; round < 300; round++) {
		struct rng r;
		rng_init(&r, 21, RNG_TEST, round, 0);
		draw(&r, &s, 0);
		keep(put(&r, &s));
		same_as_labelled(&s);
		same_as_table(&s);
		draw(&r, &s, 1);
		if (s.field[s.rows - 1][0].n) { /* else the last line might be empty, which is none */
			for (size_t i = 0; i < s.rows; i++)
				for (size_t k = 0; k < s.columns; k++)
					if (!k && !s.field[i][0].n)
						s.field[i][0] = (struct field){ (char *)(uintptr_t) "e", 1 };
			keep(put(&r, &s));
			same_as_table(&s);
		}
	}
}

/* 0, or what the reader of label,text says. */
static int reads(const char *text, size_t n, uint64_t *blank, size_t *rows, struct err *err)
{
	struct sink k = { .split = -1 };
	struct labelled t;
	struct columns columns = { .label = NULL, .text = NULL, .header = HEADER_NO };
	memcpy(file, text, n);
	keep(n);
	rule_table(&k.rules, RULE_WHITESPACE, 0);
	assert_int_equal(labelled_init(&t, &k, err), 0);
	int rc = read_csv(&t, path, &columns, err);
	*blank = t.blank;
	*rows = t.n;
	labelled_release(&t);
	sink_release(&k);
	return rc;
}

static void blank_lines_and_ends(void **state)
{
	static const struct {
		const char *text;
		int blank, rows; /* rows -1: refused */
		const char *why;
	} is[] = {
		{ "a,b\n\n\nc,d\n", 2, 2, NULL },
		{ "a,b\r\n\r\nc,d", 1, 2, NULL },
		{ "\na,b", 1, 1, NULL },
		{ "a,b\rc,d\r", 0, 2, NULL },
		{ "a,b\n\rc,d\n", 1, 2, NULL }, /* LF CR is two ends */
		{ "a,\n", 0, 1, NULL },
		{ "a,\"\"\n", 0, 1, NULL },
		{ "a,b\nc\n", 0, -1, "line 2: has 1 columns where the first row has 2" },
		{ "a,b\nc,d,e\n", 0, -1, "line 2: has 3 columns" },
		{ "a,b\n,d\n", 0, -1, "line 2: the label is empty" },
		{ "a,b\nc,\"d\n", 0, -1, "line 2: the file ends inside quotes" },
		{ "a,b\nc,d\"e\n", 0, -1, "line 2: a quote" },
		{ "a,b\nc,\"d\"e\n", 0, -1, "line 2: a quote" },
		{ "a,b\n\"c\" ,d\n", 0, -1, "line 2: a quote" },
		{ "\xff\xfe" "a", 0, -1, "is UTF-16" },
		{ "\xfe\xff", 0, -1, "is UTF-16" },
		{ "\xef\xbb\xbf" "a,b\n", 0, 1, NULL },
		{ "\xef\xbb\xbf", 0, 0, NULL },
		{ "", 0, 0, NULL },
	};
	(void)state;
	for (size_t i = 0; i < sizeof is / sizeof *is; i++) {
		struct err err = ERR_NONE;
		uint64_t blank;
		size_t rows;
		int rc = reads(is[i].text, strlen(is[i].text), &blank, &rows, &err);
		if (rc != (is[i].rows < 0 ? -1 : 0))
			fail_msg("case %zu: %s", i, err.msg);
		if (is[i].why) {
			assert_non_null(strstr(err.msg, is[i].why));
			assert_non_null(strstr(err.msg, path));
			continue;
		}
		assert_int_equal(blank, is[i].blank);
		assert_int_equal(rows, is[i].rows);
	}
}

/* As many classes as a stream may have, and one more. */
static void a_million_labels(void **state)
{
	struct err err = ERR_NONE;
	struct sink k = { .split = -1 };
	struct labelled t;
	struct place at = { "x", 7, NULL };
	char label[16];
	(void)state;
	rule_table(&k.rules, RULE_WHITESPACE, 0);
	assert_int_equal(labelled_init(&t, &k, &err), 0);
	for (int i = 0; i < STREAM_MAX_CLASSES; i++) {
		size_t n = (size_t)snprintf(label, sizeof label, "%d", i);
		assert_int_equal(labelled_put(&t, &at, label, n, "", 0, &err), 0);
	}
	assert_int_equal(labelled_put(&t, &at, "one more", 8, "", 0, &err), -1);
	assert_non_null(strstr(err.msg, "x:7: more than 1000000 different labels"));
	assert_int_equal(t.n, STREAM_MAX_CLASSES);
	labelled_release(&t);
	sink_release(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(tables_come_back), cmocka_unit_test(blank_lines_and_ends),
					    cmocka_unit_test(a_million_labels) };
	snprintf(path, sizeof path, "%s/vic-csv-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	close(mkstemp(path));
	text_room = malloc(ROOM);
	file = malloc(2 * ROOM);
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	free(text_room);
	free(file);
	return rc;
}

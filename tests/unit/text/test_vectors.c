/* Every trap that files of word vectors are known to hold, read as a file, through a pipe and from gzip: always the
 * same result, and every row accounted for. */
#include "tests/scratch.h"
#include "embed/oov.h"
#include "embed/vectors.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <cmocka.h>

static char folder[SCRATCH_PATH];
static char plain[SCRATCH_PATH + 16], gzipped[SCRATCH_PATH + 16];
static struct vocab words;
static struct pool *pool;

enum { THE, DOT, CAT, DOG, NEL, AT, UNK, N_WORDS };

static int setup(void **state)
{
	(void)state;
	static const char *const word[N_WORDS] = { "the", ".", "cat", "dog", "\xC2\x85", "at", "<unk>" };
	struct err err;
	assert_int_equal(scratch_folder(folder, "vectors"), 0);
	snprintf(plain, sizeof plain, "%s/v.txt", folder);
	snprintf(gzipped, sizeof gzipped, "%s/v.gz.txt", folder); /* gzip is told by its bytes, not its name */
	assert_int_equal(vocab_init(&words, 0, &err), 0);
	for (int i = 0; i < N_WORDS; i++)
		assert_int_equal(vocab_add(&words, word[i], strlen(word[i]), NULL, &err), 0);
	return pool_open(&pool, 2, &err);
}

static int teardown(void **state)
{
	(void)state;
	unlink(plain);
	unlink(gzipped);
	rmdir(folder);
	pool_close(pool);
	vocab_release(&words);
	return 0;
}

static void put(const char *data, size_t n)
{
	FILE *f = fopen(plain, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	gzFile z = gzopen(gzipped, "wb");
	assert_non_null(z);
	if (n)
		assert_int_equal(gzwrite(z, data, (unsigned)n), n);
	assert_int_equal(gzclose(z), Z_OK);
}

/* Reads by way of stdin. */
static int read_stdin(struct vectors *v, enum vectors_format format, int dim, struct err *err)
{
	int was = dup(STDIN_FILENO), fd = open(plain, O_RDONLY);
	dup2(fd, STDIN_FILENO);
	close(fd);
	int rc = vectors_read(v, "-", format, dim, &words, pool, err);
	dup2(was, STDIN_FILENO);
	close(was);
	return rc;
}

/* The same by all three ways; *v is that of the file. Returns its rc. */
static int read_as(struct vectors *v, const char *data, size_t n, enum vectors_format format, int dim, struct err *err)
{
	put(data, n);
	int rc = vectors_read(v, plain, format, dim, &words, pool, err);
	for (int way = 0; way < 2; way++) {
		struct vectors other;
		struct err other_err = ERR_NONE;
		int rc2 = way ? read_stdin(&other, format, dim, &other_err)
			      : vectors_read(&other, gzipped, format, dim, &words, pool, &other_err);
		assert_int_equal(rc, rc2);
		if (!rc) {
			assert_int_equal(v->dim, other.dim);
			assert_memory_equal(v->row, other.row, N_WORDS * (size_t)v->dim * sizeof(float));
			assert_memory_equal(v->found, other.found, N_WORDS);
			assert_memory_equal(&v->count, &other.count, sizeof v->count);
		}
		vectors_release(&other);
	}
	return rc;
}

static void reads(struct vectors *v, const char *text, int dim)
{
	struct err err = ERR_NONE;
	if (read_as(v, text, strlen(text), VECTORS_AUTO, dim, &err))
		fail_msg("%s", err.msg);
}

static void fails(const char *text, int dim, const char *why)
{
	struct err err = ERR_NONE;
	struct vectors v;
	assert_int_equal(read_as(&v, text, strlen(text), VECTORS_AUTO, dim, &err), -1);
	if (!strstr(err.msg, why))
		fail_msg("'%s' does not say '%s'", err.msg, why);
	vectors_release(&v);
}

static void row_is(const struct vectors *v, int word, float a, float b)
{
	assert_int_equal(v->dim, 2);
	assert_int_equal(v->found[word], 1);
	assert_true(v->row[2 * word] == a && v->row[2 * word + 1] == b);
}

static void ordinary(void **state)
{
	(void)state;
	struct vectors v;
	reads(&v, "the 0.1 -0.2\nhouse 1 2\n. 3 4e-1\n", 0);
	row_is(&v, THE, 0.1f, -0.2f);
	row_is(&v, DOT, 3, 0.4f);
	assert_int_equal(v.n_found, 2);
	assert_int_equal(v.found[CAT], 0);
	assert_true(v.row[2 * CAT] == 0);
	assert_int_equal(v.count.rows, 3);
	assert_int_equal(vectors_garbled(&v.count), 0);
	vectors_release(&v);
}

/* glove.840B has ". . ." and "at name@domain.com": their first field is a word that texts have. */
static void words_with_spaces(void **state)
{
	(void)state;
	struct vectors v;
	reads(&v, "house 5 6\nthe 7 8\n. . 1 2\n. . . 1 2\nat name@domain.com 1 2\n. 3 4\nat 5 6\n", 0);
	row_is(&v, DOT, 3, 4);
	row_is(&v, AT, 5, 6);
	assert_int_equal(v.count.spaced, 3);
	assert_int_equal(v.count.repeats, 0);
	assert_int_equal(vectors_garbled(&v.count), 0);
	vectors_release(&v);
}

/* U+0085 is white space to Unicode: a reader that splits by it takes the first number for the word. */
static void words_that_are_white_space(void **state)
{
	(void)state;
	struct vectors v;
	reads(&v, "the 1 2\n\xC2\x85 3 4\n\xC2\xA0 5 6\n\xE2\x80\xA8 7 8\n", 0);
	row_is(&v, NEL, 3, 4);
	assert_int_equal(v.count.rows, 4);
	assert_int_equal(vectors_garbled(&v.count) + v.count.spaced, 0);
	vectors_release(&v);
}

static void repeated_words(void **state)
{
	(void)state;
	struct vectors v;
	reads(&v, "the 1 2\ncat 3 4\nthe 9 9\nhouse 1 1\nhouse 2 2\nthe 8 8\n", 0);
	row_is(&v, THE, 1, 2);
	assert_int_equal(v.count.repeats, 2);
	vectors_release(&v);
	/* the first sound row counts: garbled ones before it do not use the word up */
	reads(&v, "house 1 2\nthe 1 x\nthe 1 nan\nthe 5 6\nthe 7 8\n", 0);
	row_is(&v, THE, 5, 6);
	assert_int_equal(v.count.numbers, 1);
	assert_int_equal(v.count.nonfinite, 1);
	assert_int_equal(v.count.repeats, 1);
	assert_int_equal(v.count.first_bad, 2);
	vectors_release(&v);
}

static void headers(void **state)
{
	(void)state;
	struct vectors v;
	reads(&v, "2 2\nthe 1 2\ncat 3 4\n", 0);
	row_is(&v, CAT, 3, 4);
	assert_true(v.count.has_header && v.count.header_rows == 2 && v.count.rows == 2);
	vectors_release(&v);
	/* GloVe's own -write-header counts without the <unk> row that it appends */
	reads(&v, "2 2\nthe 1 2\ncat 3 4\n<unk> 5 6\n", 0);
	row_is(&v, UNK, 5, 6);
	assert_true(v.count.header_rows == 2 && v.count.rows == 3);
	vectors_release(&v);
	fails("3 2\nthe 1 2\ncat 3 4\n", 0, "cut short");
	fails("2 2\nthe 1 2\ncat 3 4\n", 3, "--dim says 3");
	fails("2 2\n", 0, "cut short");
	/* no header, but a word that is a number in a file of one dimension */
	reads(&v, "7 3\n8 4\n", 1);
	assert_true(v.dim == 1 && !v.count.has_header && v.count.rows == 2);
	vectors_release(&v);
}

static void garbled_rows(void **state)
{
	(void)state;
	struct vectors v;
	reads(&v,
	      "z 1 2\na 1 2\nb 1 2\nc 1 2\nd 1 2\ne 1 2\nf 1 2\ng 1 2\nthe 1 2\ncat 3\n 4 5\ndog x 6\nhouse\nat 1 2,5\n"
	      ". 1 inf\n<unk> 1 1e99\nhouse ? ? ?\nthe 1 2 3\n",
	      2);
	assert_int_equal(v.n_found, 1);
	assert_int_equal(v.count.rows, 18);
	assert_int_equal(v.count.wide, 1); /* the second row of "the" */
	assert_int_equal(v.count.spaced + v.count.repeats, 0);
	assert_int_equal(v.count.fields, 4);  /* cat, the row without a word, house, "house ? ? ?" */
	assert_int_equal(v.count.numbers, 2); /* dog, at */
	assert_int_equal(v.count.nonfinite, 2);
	assert_int_equal(v.count.first_bad, 10);
	for (int i = 1; i < N_WORDS; i++)
		assert_true(!v.found[i] && v.row[2 * i] == 0 && v.row[2 * i + 1] == 0);
	vectors_release(&v);
}

static void line_ends(void **state)
{
	(void)state;
	struct vectors v;
	reads(&v, "2 2\r\nthe 1 2\r\ncat 3 4\r\n", 0);
	row_is(&v, CAT, 3, 4);
	vectors_release(&v);
	reads(&v, "the 1 2\ncat 3 4", 0);
	row_is(&v, CAT, 3, 4);
	vectors_release(&v);
	reads(&v, "the 1 2 \ncat 3 4 \n\n\n", 0); /* word2vec's text has a space at the end */
	row_is(&v, CAT, 3, 4);
	assert_int_equal(v.count.blank, 2);
	vectors_release(&v);
	reads(&v, "\xEF\xBB\xBFthe 1 2\ncat 3 4\n", 0);
	row_is(&v, THE, 1, 2);
	assert_int_equal(v.count.has_bom, 1);
	vectors_release(&v);
}

static void dims(void **state)
{
	(void)state;
	struct vectors v;
	fails("", 0, "empty");
	fails("\n\n", 0, "is blank, not word vectors");
	fails("the 1 2\ncat 3 4 5\n", 0, "--dim");
	fails("the 1 2\ncat 3 4\n", 3, "of the first 2 rows 0 are a word and 3 numbers; line 1 ends in 2 number(s)");
	fails("the\ncat\n", 0, "line 1 ends in no number: \"the\"");
	fails("the 7\ncat 5\n", 0, "counts (GloVe's vocab.txt)");
	fails("2 3\nthe 1 2\ncat 3 4\n", 0, "its first line says 3 numbers a word, its rows have 2");
	reads(&v, "the 1 2\ncat 3 4 5\n", 2);
	assert_int_equal(v.count.wide, 1);
	row_is(&v, THE, 1, 2);
	vectors_release(&v);
}

/* Any white space of ASCII separates, as often as it likes. */
static void separators(void **state)
{
	static const char *const text[] = {
		"the\t1\t2\ncat\t3\t4\n",	       "the  1   2\ncat \t 3 4\n",   "the\t1 2\ncat\t3 4\n",
		"2 2\nthe\t1\t2\ncat\t3\t4\n",      "2\t2\nthe\t1 2\ncat\t3 4\n", "  the 1 2\n\tcat 3 4\n",
		"the\v1\f2\ncat\r3\r4\r\n",	       "the 1 2 \t \ncat 3 4\t\r\n", "2  2 \r\nthe 1 2\ncat 3 4\n",
	};
	struct vectors v;
	(void)state;
	for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
		reads(&v, text[i], 0);
		row_is(&v, THE, 1, 2);
		row_is(&v, CAT, 3, 4);
		assert_true(v.n_found == 2 && v.count.rows == 2 && !v.count.spaced && !vectors_garbled(&v.count));
		vectors_release(&v);
	}
}

/* What is no file of word vectors is refused with its name, or with what is wrong in the first row that is none. */
static void other_files(void **state)
{
	static const struct {
		const char *text, *why;
	} file[] = {
		{ "version https://git-lfs.github.com/spec/v1\noid sha256:01\nsize 1037962819\n", "Git LFS pointer" },
		{ "the 0,1 0,2\ncat 0,3 0,4\n", "line 1 has decimal commas" },
		{ "2 2\nthe 0,1 0,2\ncat 0,3 0,4\n", "line 2 has decimal commas" },
		{ "the\t0,1\t0,2\ncat\t0,3\t0,4\n", "line 1 has decimal commas" },
		{ "the,0.1,0.2\ncat,0.3,0.4\n", "line 1 is separated by commas" },
		{ "the,0.1 0.2\ncat,0.3 0.4\n", "line 1 is separated by commas" },
		{ "the;0.1;0.2\ncat;0.3;0.4\n", "line 1 is separated by semicolons" },
		{ "the|0.1|0.2\ncat|0.3|0.4\n", "line 1 is separated by |" },
		{ "the 1:0.1 2:0.2\ncat 1:0.3 2:0.4\n", "line 1 holds pairs of an index and a value" },
		{ "A fine film .\nDull from start to end .\n", "line 1 ends in no number: \"A fine film .\"" },
		{ "the 13\nof 7\n", "counts (GloVe's vocab.txt)" },
		{ "the nan nan\ncat nan nan\n", "line 1 ends in no number" },
		{ "{\"the\": [1, 2]}\n", "JSON" },
		{ "<!DOCTYPE html>\n<p>404\n", "an HTML page" },
		{ "BZh91AY&SYl+(\245", "bzip2" },
		{ "\xFD"
		  "7zXZ", "xz data" }, /* with the NUL after it */
		{ "\x28\xB5\x2F\xFD\1", "Zstandard" },
		{ "7z\xBC\xAF\x27\x1C\1", "7-Zip" },
		{ "\x80\x04\x95\1", "a Python pickle" },
		{ "\x93NUMPY\1", "an NPY array" },
		{ "PAR1\1", "a Parquet table" },
		{ "\xBA\x16\x4F\x2F\x0C", "a model of fastText" },
		{ "SQLite format 3", "an SQLite database" }, /* with the NUL, too */
		{ "\xFF\xFEt", "UTF-16" },
	};
	static const char wide[] = "t\0h\0e\0 \0" "1\0 \0" "2\0\n\0c\0a\0t\0 \0" "3\0 \0" "4\0\n";
	struct err err = ERR_NONE;
	struct vectors v;
	(void)state;
	for (size_t i = 0; i < sizeof file / sizeof *file; i++) {
		put(file[i].text, strlen(file[i].text) + (strchr("\xFDS", *file[i].text) != NULL));
		assert_int_equal(vectors_read(&v, plain, VECTORS_AUTO, 0, &words, pool, &err), -1);
		if (!strstr(err.msg, file[i].why))
			fail_msg("'%s' does not say '%s'", err.msg, file[i].why);
		vectors_release(&v);
	}
	put(wide, sizeof wide);
	assert_int_equal(vectors_read(&v, plain, VECTORS_AUTO, 0, &words, pool, &err), -1);
	assert_non_null(strstr(err.msg, "UTF-16"));
	vectors_release(&v);
}

/* One letter, two spellings: a file and data that differ in them have the same words. */
static void normal_forms(void **state)
{
	static const char composed[] = "caf\xC3\xA9", apart[] = "cafe\xCC\x81", hangul[] = "\xED\x95\x9C";
	static const char *const data[] = { composed, apart, hangul };
	struct err err = ERR_NONE;
	struct vectors v;
	(void)state;
	for (int way = 0; way < 3; way++) {
		struct vocab own;
		assert_int_equal(vocab_init(&own, 0, &err), 0);
		assert_int_equal(vocab_add(&own, data[way], strlen(data[way]), NULL, &err), 0);
		for (int file = 0; file < 3; file++) {
			char text[96];
			const char *word = way == 2 ? "\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB" : data[file % 2];
			put(text, (size_t)snprintf(text, sizeof text, "house 5 6\n%s 7 8\ncaf\xE9 1 2\n", word));
			if (vectors_read(&v, plain, VECTORS_AUTO, 0, &own, pool, &err))
				fail_msg("%s", err.msg);
			assert_true(v.n_found == 1 && v.row[0] == 7 && v.row[1] == 8);
			assert_int_equal(v.count.met.renormalised, strcmp(word, data[way]) != 0);
			assert_int_equal(v.count.met.not_utf8, 1);
			vectors_release(&v);
		}
		vocab_release(&own);
	}
}

/* A word is not found by the beginning of its normal form, though that is a word, too. */
static void beginnings(void **state)
{
	static const char text[] = "house 5 6\na\xD0\xB6 7 8\n\xE9t 1 2\n";
	struct err err = ERR_NONE;
	struct vectors v;
	struct vocab own;
	(void)state;
	assert_int_equal(vocab_init(&own, 0, &err), 0);
	assert_int_equal(vocab_add(&own, "a", 1, NULL, &err) || vocab_add(&own, "house", 5, NULL, &err), 0);
	put(text, sizeof text - 1);
	if (vectors_read(&v, plain, VECTORS_AUTO, 0, &own, pool, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(v.n_found, 1);
	assert_int_equal(v.count.met.renormalised, 0);
	assert_int_equal(v.count.met.not_utf8, 1);
	vectors_release(&v);
	vocab_release(&own);
}

static size_t word2vec(char to[256], const char *header, const char *separator, size_t rows)
{
	static const char *const word[] = { "house", "the", "cat", "the", "dog" };
	size_t n = strlen(header);
	memcpy(to, header, n);
	for (size_t i = 0; i < rows; i++) {
		float x[2] = { (float)i, -0.5f };
		if (i == 4)
			x[0] = NAN;
		n += (size_t)snprintf(to + n, 256 - n, "%s ", word[i]);
		memcpy(to + n, x, sizeof x);
		n += sizeof x;
		n += (size_t)snprintf(to + n, 256 - n, "%s", separator);
	}
	return n;
}

static void binary(void **state)
{
	(void)state;
	char data[256];
	struct err err = ERR_NONE;
	struct vectors v;
	for (int lf = 0; lf < 2; lf++) {
		size_t n = word2vec(data, "5 2\n", lf ? "\n" : "", 5);
		assert_int_equal(read_as(&v, data, n, lf ? VECTORS_AUTO : VECTORS_WORD2VEC, 0, &err), 0);
		assert_true(v.count.is_binary && v.count.rows == 5);
		row_is(&v, THE, 1, -0.5f);
		row_is(&v, CAT, 2, -0.5f);
		assert_int_equal(v.count.repeats, 1);
		assert_int_equal(v.count.nonfinite, 1);
		assert_int_equal(v.found[DOG], 0);
		vectors_release(&v);
		/* every cut is noticed, the one before a last line feed apart */
		for (size_t keep = 4; keep < n - (size_t)lf; keep++) {
			assert_int_equal(read_as(&v, data, keep, VECTORS_WORD2VEC, 0, &err), -1);
			assert_non_null(strstr(err.msg, "truncated"));
			vectors_release(&v);
		}
		data[n] = 'x';
		assert_int_equal(read_as(&v, data, n + 1, VECTORS_WORD2VEC, 0, &err), -1);
		assert_non_null(strstr(err.msg, "bytes follow"));
		vectors_release(&v);
	}
}

static void cut_gzip(void **state)
{
	(void)state;
	char text[4096];
	size_t used = 0;
	struct vectors v;
	for (int i = 0; i < 200; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, "w%d %d %d\n", i, i * 7919 % 1000,
					 i * 104729 % 1000);
	put(text, used);
	FILE *f = fopen(gzipped, "rb");
	char z[4096];
	size_t n = fread(z, 1, sizeof z, f);
	fclose(f);
	assert_in_range(n, 100, sizeof z - 1);
	for (size_t keep = 2; keep <= n + 1; keep++) {
		struct err err = ERR_NONE;
		f = fopen(gzipped, "wb");
		z[n] = 'x';
		fwrite(z, 1, keep, f);
		fclose(f);
		int rc = vectors_read(&v, gzipped, VECTORS_AUTO, 0, &words, pool, &err);
		assert_int_equal(rc, keep == n ? 0 : -1);
		if (rc)
			assert_non_null(strstr(err.msg, keep < n ? "truncated" : "no gzip data follow"));
		vectors_release(&v);
	}
	/* two members one after the other are one file, as gzip has it */
	put("the 1 2\n", 8);
	f = fopen(gzipped, "rb");
	n = fread(z, 1, sizeof z, f);
	fclose(f);
	f = fopen(gzipped, "ab");
	fwrite(z, 1, n, f);
	fclose(f);
	struct err err = ERR_NONE;
	assert_int_equal(vectors_read(&v, gzipped, VECTORS_AUTO, 0, &words, pool, &err), 0);
	assert_int_equal(v.count.rows, 2);
	assert_int_equal(v.count.repeats, 1);
	vectors_release(&v);
}

/* Rows spread over many windows and slices: the same bytes by every way and with every number of threads. */
static void long_files(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct vectors v, one;
	struct pool *single;
	size_t cap = 40 << 20, n = 0;
	char *data = malloc(cap);
	assert_non_null(data);
	for (int i = 0; n < cap - 200; i++) {
		const char *word = i % 50000 == 7 ? "the" : i == 600000 ? "cat" : i % 100000 == 11 ? ". ." : "other";
		n += (size_t)snprintf(data + n, cap - n, "%s%s %d.25 -%d\n", i % 90000 == 5 ? "bad" : "", word, i, i);
		if (i % 90000 == 5)
			data[n - 3 - (size_t)(i > 9)] = ' ';
	}
	assert_int_equal(read_as(&v, data, n, VECTORS_AUTO, 0, &err), 0);
	row_is(&v, THE, 7.25f, -7);
	row_is(&v, CAT, 600000.25f, -600000);
	assert_true(v.count.repeats > 20 && v.count.spaced > 10 && v.count.bytes == n);
	assert_int_equal(pool_open(&single, 1, &err), 0);
	assert_int_equal(vectors_read(&one, plain, VECTORS_AUTO, 0, &words, single, &err), 0);
	assert_memory_equal(&v.count, &one.count, sizeof v.count);
	assert_memory_equal(v.row, one.row, N_WORDS * 2 * sizeof(float));
	vectors_release(&one);
	vectors_release(&v);
	pool_close(single);
	/* a line without an end */
	memset(data + 100, 'x', 20 << 20);
	data[99] = '\n';
	assert_int_equal(read_as(&v, data, 21 << 20, VECTORS_TEXT, 2, &err), -1);
	assert_non_null(strstr(err.msg, "longer than"));
	vectors_release(&v);
	free(data);
}

static void missing_words(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct vectors v;
	struct oov oov;
	float a[6], b[6];
	oov_draw(1, 0.25, "cat", 3, a, 6);
	oov_draw(1, 0.25, "cat", 3, b, 6);
	assert_memory_equal(a, b, sizeof a);
	oov_draw(1, 0.25, "dog", 3, b, 6);
	assert_true(a[0] != b[0]);
	oov_draw(2, 0.25, "cat", 3, b, 6);
	assert_true(a[0] != b[0]);

	double sum = 0, squares = 0;
	int n = 0;
	for (int i = 0; i < 20000; i++) {
		char word[16];
		size_t len = (size_t)snprintf(word, sizeof word, "w%d", i);
		oov_draw(7, 0.25, word, len, a, 6);
		for (int k = 0; k < 6; k++, n++) {
			assert_true(a[k] >= -0.25f && a[k] <= 0.25f);
			sum += a[k];
			squares += a[k] * a[k];
		}
	}
	assert_true(fabs(sum / n) < 5 * 0.25 / sqrt(3.0 * n));
	assert_true(fabs(squares / n - 0.25 * 0.25 / 3) < 0.0002);

	reads(&v, "the 1 2\n. 3 4\n", 0);
	assert_int_equal(oov_parse("std", &oov, &err), 0);
	assert_int_equal(oov_fill(&oov, 1, &words, &v, &err), 0);
	assert_true(fabs(oov.a - sqrt(1.25 * 3)) < 1e-12); /* 1 2 3 4 have variance 1.25 */
	row_is(&v, THE, 1, 2);
	oov_draw(1, oov.a, "cat", 3, a, 2);
	assert_memory_equal(a, v.row + 2 * CAT, 2 * sizeof *a);
	vectors_release(&v);

	assert_int_equal(oov_parse("uniform:0.1", &oov, &err), 0);
	assert_true(oov.kind == OOV_UNIFORM && oov.a == 0.1);
	assert_int_equal(oov_parse("uniform:", &oov, &err), -1);
	assert_int_equal(oov_parse("uniform:x", &oov, &err), -1);
	assert_int_equal(oov_parse("uniform:-1", &oov, &err), -1);
	assert_int_equal(oov_parse("normal", &oov, &err), -1);
	assert_int_equal(oov_parse("std", &oov, &err), 0);
	reads(&v, "house 1 2\n", 0);
	assert_int_equal(oov_fill(&oov, 1, &words, &v, &err), -1);
	vectors_release(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ordinary),
		cmocka_unit_test(words_with_spaces),
		cmocka_unit_test(words_that_are_white_space),
		cmocka_unit_test(repeated_words),
		cmocka_unit_test(headers),
		cmocka_unit_test(garbled_rows),
		cmocka_unit_test(line_ends),
		cmocka_unit_test(dims),
		cmocka_unit_test(separators),
		cmocka_unit_test(other_files),
		cmocka_unit_test(normal_forms),
		cmocka_unit_test(beginnings),
		cmocka_unit_test(binary),
		cmocka_unit_test(cut_gzip),
		cmocka_unit_test(long_files),
		cmocka_unit_test(missing_words),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}

/* Tables of others' numbers, written here with their columns in any order, against a plain reading of the same: labels,
 * ids, names, every value of the stream, what is said of them, and the columns that count records and are refused. */
#include "pipeline/base/philox.h"
#include "pipeline/cat/import.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

enum { RECORDS = 14, CLASSES = 5 };

/* Files in memory, by names that lead to them. */
static char table[40], made[40];
static int made_fd;

static struct {
	int n, k, given, header, counting; /* counting: a column that counts records, or -1 */
	double value[RECORDS][CLASSES];
	int label[RECORDS];   /* -1: none */
	int counted[RECORDS]; /* it is written as a number that is no name */
	const char *classes[CLASSES];
	int numeric;	/* a class is named like a number */
	int unlikely;	/* or as tables call what is none, or -1 */
	uint64_t minus; /* labels written as -1 */
	uint64_t id[RECORDS];
	char name[RECORDS][16];
	int column[CLASSES + 3], columns; /* which column holds what: a value, or one of these */
} t;
enum { LABEL = 100, ID, NAME };

static struct import im;

/* The table's numbers, of the kind. */
static void draw_values(struct rng *r)
{
	int single = im.kind == IMPORT_P1 || im.kind == IMPORT_CONFIDENCE, unit = (int)rng_below(r, 3);
	t.given = single ? 1 : t.k;
	t.counting = -1;
	for (int i = 0; i < t.n; i++) {
		double sum = 0, *v = t.value[i];
		for (int c = 0; c < t.given; c++)
			sum += v[c] = 0.01 + rng_real(r);
		if (im.kind == IMPORT_PROBS || (im.kind == IMPORT_LOGITS && unit == 1))
			for (int c = 0; c < t.given; c++)
				v[c] /= sum;
		if (im.kind == IMPORT_LOGITS && !unit)
			for (int c = 0; c < t.given; c++)
				v[c] = 9 * v[c] - 4;
		if (im.kind == IMPORT_LOGITS && unit == 2)
			v[0] = rng_below(r, 9) ? v[0] / 1.01 : 0;
		if (im.kind == IMPORT_COUNTS)
			for (int c = 0; c < t.given; c++)
				v[c] = c < 2 || rng_below(r, 2) ? 1 + rng_below(r, 50) : 0;
		if (im.kind == IMPORT_CONFIDENCE)
			v[0] = 1 - (1 - 1.0 / im.among) * (v[0] - 0.01);
		if (im.kind == IMPORT_P1)
			v[0] = rng_below(r, 3) ? v[0] / 1.01
					       : (const double[]){ -0.0009, 1.0009, 0, 1 }[rng_below(r, 4)];
		if (im.kind == IMPORT_PROBS && !rng_below(r, 4)) {
			int one = (int)rng_below(r, (uint32_t)t.given);
			for (int c = 0; c < t.given; c++)
				v[c] = c == one ? 1.0004 : -0.0004;
		}
	}
	if (im.kind != IMPORT_LOGITS && im.kind != IMPORT_COUNTS)
		return;
	if (rng_below(r, 2)) {
		int c = (int)rng_below(r, (uint32_t)t.given), from = (int)rng_below(r, 2);
		for (int i = 0; i < t.n; i++)
			t.value[i][c] = i + from;
		if (rng_below(r, 2))
			t.value[rng_below(r, (uint32_t)t.n)][c] += 2;
	}
	for (int c = 0; c < t.given; c++)
		for (int from = 0; from < 2; from++) {
			int all = 1;
			for (int i = 0; i < t.n; i++)
				all &= t.value[i][c] == i + from;
			t.counting = all && t.counting < 0 ? c : t.counting;
		}
}

static const char *called_label(void)
{
	return im.kind == IMPORT_CONFIDENCE ? "right" : "label";
}

/* Where the columns stand: the label first where nothing says otherwise. */
static void draw_columns(struct rng *r)
{
	static char place[3][8];
	const char *const called[] = { called_label(), "id", "name" };
	const char **option[] = { &im.label_column, &im.id_column, &im.name_column };
	int given[3] = { (int)rng_below(r, 2), (int)rng_below(r, 2), (int)rng_below(r, 2) },
	    none = rng_below(r, 6) == 0;
	t.columns = 0;
	for (int c = 0; c < t.given; c++)
		t.column[t.columns++] = c;
	for (int k = 0; k < 3; k++) {
		*option[k] = NULL;
		if (k ? !given[k] : none)
			continue;
		int at = k || given[0] ? (int)rng_below(r, (uint32_t)t.columns + 1) : 0;
		memmove(t.column + at + 1, t.column + at, (size_t)(t.columns - at) * sizeof *t.column);
		t.column[at] = LABEL + k;
		t.columns++;
	}
	/* without a word of it the label is the first column beside ids and names; of confidences the second */
	int usual = 0;
	for (int i = 0, seen = 0; i < t.columns; i++) {
		if (t.column[i] == ID || t.column[i] == NAME)
			continue;
		usual |= t.column[i] == LABEL && seen == (im.kind == IMPORT_CONFIDENCE);
		seen++;
	}
	for (int k = 0; k < 3; k++)
		for (int i = 0; i < t.columns; i++)
			if (t.column[i] == LABEL + k) {
				if (t.header && rng_below(r, 2))
					snprintf(place[k], sizeof place[k], "%s", called[k]);
				else
					snprintf(place[k], sizeof place[k], "%d", i + 1);
				*option[k] = k || given[0] || !(usual || t.header) ? place[k] : NULL;
			}
	if (none)
		im.label_column = "none";
}

/* Names in the header; one may be a number. */
static void draw_classes(struct rng *r)
{
	static const char *const words[] = { "p", "q", "r", "s", "t" }, *const numbers[] = { "7", "3.5", "12" };
	uint32_t numbered = rng_below(r, (uint32_t)t.given);
	t.numeric = t.header && t.given > 1 && rng_below(r, 3) == 0;
	for (int c = 0; c < CLASSES; c++)
		t.classes[c] = words[c];
	if (t.numeric)
		t.classes[numbered] = numbers[rng_below(r, 3)];
	t.unlikely = t.header && rng_below(r, 12) == 0 ? (int)rng_below(r, (uint32_t)t.given) : -1;
	if (t.unlikely >= 0)
		t.classes[t.unlikely] = "Index";
}

static void draw(struct rng *r)
{
	t.n = 1 + (int)rng_below(r, RECORDS);
	t.header = (int)rng_below(r, 2);
	im = (struct import){ .form = rng_below(r, 2) ? IMPORT_CSV : IMPORT_TSV,
			      .kind = rng_below(r, 5),
			      .path = table,
			      .class_axis = IMPORT_LAST_AXIS,
			      .among = 2 + (int)rng_below(r, 3),
			      .labels_from = (int)rng_below(r, 2),
			      .header = t.header ? IMPORT_HEADER_YES : IMPORT_HEADER_NO,
			      .dtype = rng_below(r, 2) ? DTYPE_F64 : DTYPE_F32,
			      .split = SPLIT_TEST };
	t.k = im.kind == IMPORT_P1 ? 2 : im.kind == IMPORT_CONFIDENCE ? im.among : 2 + (int)rng_below(r, CLASSES - 1);
	draw_values(r);
	draw_classes(r);
	draw_columns(r);
	for (int i = 0; i < t.n; i++) {
		t.id[i] = im.id_column ? rng_below(r, 1000) : (uint64_t)i;
		snprintf(t.name[i], sizeof t.name[i], im.name_column ? "n%u" : "", rng_below(r, 100));
		int classes = im.kind == IMPORT_CONFIDENCE ? 2 : t.k, from = rng_below(r, 3) == 0;
		t.label[i] = im.label_column && !strcmp(im.label_column, "none") ? -1
			     : im.kind == IMPORT_CONFIDENCE || rng_below(r, 8)
				     ? (int)rng_below(r, (uint32_t)(classes - from)) + from
				     : -1;
	}
}

/* A label in any of the ways in which it may be written. */
static void put_label(FILE *f, struct rng *r, int i)
{
	int label = t.label[i];
	const char *name = t.classes[label < 0 ? 0 : label];
	t.counted[i] = 0;
	if (label < 0)
		fputs(rng_below(r, 2) ? "" : (t.minus++, "-1"), f);
	else if (im.kind == IMPORT_CONFIDENCE)
		fputs(rng_below(r, 2) ? (label ? "0" : "1.0") : (label ? "False" : "true"), f);
	else if (t.header && t.given > 1 && (t.numeric || rng_below(r, 3) == 0))
		fprintf(f, "%s%s", name, *name > '9' || rng_below(r, 2) ? "" : strchr(name, '.') ? "0" : ".0");
	else if (t.k == 2 && rng_below(r, 4) == 0)
		fputs(label ? "TRUE" : "false", f);
	else
		fprintf(f, "%d%s", label + im.labels_from, (t.counted[i] = 1) && rng_below(r, 2) ? "" : ".0");
}

/* The table as text. */
static void write_table(struct rng *r)
{
	const char *const called[] = { called_label(), "id", "name" };
	char separator = im.form == IMPORT_CSV ? ',' : '\t';
	FILE *f = fopen(table, "w");
	t.minus = 0;
	assert_non_null(f);
	for (int i = t.header ? -1 : 0; i < t.n; i++)
		for (int k = 0; k < t.columns; k++) {
			int is = t.column[k];
			if (i < 0)
				fprintf(f, "%s", is < LABEL ? t.classes[is] : called[is - LABEL]);
			else if (is == ID)
				fprintf(f, "%llu", (unsigned long long)t.id[i]);
			else if (is == NAME)
				fprintf(f, "%s", t.name[i]);
			else if (is < LABEL)
				fprintf(f, "%.17g", t.value[i][is]);
			else
				put_label(f, r, i);
			fputc(k + 1 < t.columns ? separator : '\n', f);
		}
	assert_int_equal(fclose(f), 0);
}

/* One value of the stream. */
static double plain_value(int i, int c)
{
	const double *v = t.value[i];
	double sum = 0, x = v[c < t.given ? c : 0], first = fmin(1, fmax(0, v[0]));
	switch (im.kind) {
	case IMPORT_LOGITS:
		break;
	case IMPORT_PROBS:
		x = fmin(1, fmax(0, x));
		break;
	case IMPORT_P1:
		x = c ? first : 1 - first;
		break;
	case IMPORT_CONFIDENCE:
		x = c ? fmin((1 - first) / (t.k - 1), first) : first;
		break;
	case IMPORT_COUNTS:
		for (int j = 0; j < t.given; j++)
			sum += v[j];
		x = v[c] / sum;
	}
	return im.dtype == DTYPE_F32 ? (double)(float)x : x;
}

static void compare_stream(uint32_t number)
{
	struct err err = ERR_NONE;
	struct stream_reader *s;
	struct block b;
	int i = 0, rc;
	size_t len;
	assert_int_equal(stream_open(&s, made, &err), 0);
	assert_int_equal(stream_next_document(s, &err), 1);
	const struct stream_head *h = stream_head_of(s);
	assert_true(h->kind == STREAM_LOGITS && h->n_classes == t.k && h->samples == 1 && h->dtype == im.dtype);
	assert_int_equal(h->values, im.kind == IMPORT_LOGITS ? VALUES_LOGITS : VALUES_PROBS);
	while ((rc = stream_next_block(s, &b, &err)) == 1)
		for (uint32_t k = 0; k < b.n; k++, i++) {
			const unsigned char *at = block_record(&b, stream_record_size(h), k, &len);
			if (b.id[k] != t.id[i] || b.label[k] != t.label[i] || b.split[k] != SPLIT_TEST)
				fail_msg("%u: record %d: id %llu, label %d", number, i, (unsigned long long)b.id[k],
					 b.label[k]);
			for (int c = 0; c < t.k; c++) {
				float f = 0;
				double d = 0;
				if (h->dtype == DTYPE_F64)
					memcpy(&d, at + 8 * c, 8);
				else
					memcpy(&f, at + 4 * c, 4);
				if ((h->dtype == DTYPE_F64 ? d : (double)f) != plain_value(i, c))
					fail_msg("%u: record %d, class %d: %.17g, not %.17g", number, i, c,
						 d + (double)f, plain_value(i, c));
			}
			const char *name = block_name(&b, k, &len);
			assert_true(len == strlen(t.name[i]) && !memcmp(name, t.name[i], len));
		}
	assert_int_equal(rc, 0);
	assert_int_equal(i, t.n);
	stream_close(s);
}

static void compare_notes(const struct import_notes *notes)
{
	int probs = im.kind == IMPORT_LOGITS, units = probs, firsts = 0, low = CLASSES, high = -1;
	uint64_t clipped = 0;
	for (int i = 0; i < t.n; i++) {
		double sum = 0;
		int inside = 1;
		for (int c = 0; c < t.given; c++) {
			double v = t.value[i][c];
			inside &= v >= 0 && v <= 1;
			sum += v;
			clipped += im.kind != IMPORT_LOGITS && im.kind != IMPORT_COUNTS && (v < 0 || v > 1);
		}
		probs &= inside && fabs(sum - 1) <= 1e-3;
		units &= inside;
		if (!t.counted[i])
			continue;
		firsts += t.label[i] == 0;
		low = t.label[i] < low ? t.label[i] : low;
		high = t.label[i] > high ? t.label[i] : high;
	}
	assert_int_equal(notes->clipped, clipped);
	assert_int_equal(notes->like_probs, probs);
	assert_int_equal(notes->like_sigmoids, units && !probs && t.n >= 8);
	assert_int_equal(notes->none_first, !im.labels_from && !firsts && high > low && high >= 0);
	assert_int_equal(notes->minus, t.k == 2 && !firsts && high == 1 ? t.minus : 0);
	assert_int_equal(notes->ignored, 0);
	assert_int_equal(notes->comments, 0);
}

/* 1 and what is said where the table is refused. */
static int wrong_with(char *why, size_t size)
{
	if (t.unlikely >= 0) {
		int at = 0;
		while (t.column[at] != t.unlikely)
			at++;
		snprintf(why, size, "column %d is called 'Index', which names no class", at + 1);
		return 1;
	}
	if (t.numeric && im.labels_from) {
		snprintf(why, size, "the header's classes are numbers themselves");
		return 1;
	}
	snprintf(why, size, "are the records' numbers");
	return t.n >= 4 && t.counting >= 0;
}

static void tables(void **state)
{
	int refused = 0;
	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		struct rng r;
		struct err err = ERR_NONE;
		struct output out;
		struct import_notes notes = { 0 };
		rng_init(&r, 31, RNG_TEST, i, 0);
		draw(&r);
		write_table(&r);
		json_t *self = json_pack("{s:s, s:s, s:[]}", "program", "test", "version", "0", "args");
		assert_int_equal(ftruncate(made_fd, 0) || lseek(made_fd, 0, SEEK_SET), 0);
		assert_int_equal(output_open(&out, made, &err), 0);
		int rc = import_stream(&im, self, &out, &notes, &err);
		json_decref(self);
		char why[80];
		int bad = wrong_with(why, sizeof why);
		if (!rc)
			rc = output_commit(&out, &err);
		output_release(&out);
		refused += bad;
		if (!rc != !bad)
			fail_msg("%u: %s", i, rc ? err.msg : "is taken");
		if (rc) {
			if (!strstr(err.msg, why))
				fail_msg("%u: %s, not %s", i, err.msg, why);
			continue;
		}
		compare_stream(i);
		compare_notes(&notes);
	}
	assert_true(refused > 40);
}

/* What else the file may be is said of a fault in its first rows; one further on is a table's. */
static void faults_further_on(void **state)
{
	static const char *const rows[] = { "__label__,x,y\n0,1,?\n0,1,2\n", "__label__,x,y\n0,1,2\n0,1,?\n" };
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct err err = ERR_NONE;
		struct output out;
		struct import_notes notes = { 0 };
		FILE *f = fopen(table, "w");
		assert_non_null(f);
		fputs(rows[i], f);
		assert_int_equal(fclose(f), 0);
		im = (struct import){ .form = IMPORT_CSV,
				      .path = table,
				      .class_axis = IMPORT_LAST_AXIS,
				      .label_column = "1",
				      .header = IMPORT_HEADER_YES };
		json_t *self = json_pack("{s:s, s:s, s:[]}", "program", "test", "version", "0", "args");
		assert_int_equal(output_open(&out, made, &err), 0);
		assert_int_equal(import_stream(&im, self, &out, &notes, &err), -1);
		json_decref(self);
		output_release(&out);
		assert_non_null(strstr(err.msg, i ? "line 3: a value: '?'" : "line 2: a value: '?'"));
		assert_int_equal(strstr(err.msg, "(it is text in fastText's form") != NULL, !i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(tables), cmocka_unit_test(faults_further_on) };
	int table_fd = memfd_create("table", MFD_CLOEXEC);
	made_fd = memfd_create("made", MFD_CLOEXEC);
	if (table_fd < 0 || made_fd < 0)
		return 1;
	snprintf(table, sizeof table, "/proc/self/fd/%d", table_fd);
	snprintf(made, sizeof made, "/proc/self/fd/%d", made_fd);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Arrays of others' numbers in every shape that is read: classes on any axis, passes, labels as a column, as an array
 * of numbers, of texts or of one-hot rows. Each is laid out here from the records that the stream must have. */
#include "tests/append.h"
#include "pipeline/base/philox.h"
#include "pipeline/cat/import.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

enum { RECORDS = 24, CLASSES = 4, PASSES = 3, MOST = RECORDS * CLASSES * PASSES * 2 };
enum given { NONE, COLUMN, NUMBERS, TEXTS, ONE_HOT };

static char values_file[40], labels_file[40], made[40];
static int values_fd, labels_fd, made_fd;

static struct {
	int n, k, passes, given; /* given: values a pass */
	int axes, side[2];	 /* where classes stand on axis 1 of [n][k][h][w]: h and w, and n is all places */
	double value[RECORDS][PASSES][CLASSES];
	int label[RECORDS];
	enum given labels;
} t;
static struct import im;

static void put(int fd, const char *descr, const int *shape, int dims, const double *value, int n)
{
	char head[128];
	size_t used = 0;
	append(head, sizeof head, &used, "%cNUMPY%c%c%c%c{'descr': '%s', 'fortran_order': False, 'shape': (", 0x93, 1,
	       0, 118, 0, descr);
	/* the length and the version hold NULs, so what follows is counted from where they end */
	char *text = head + 10;
	used = strlen(text);
	for (int i = 0; i < dims; i++)
		append(text, sizeof head - 10, &used, "%d,", shape[i]);
	append(text, sizeof head - 10, &used, "), }");
	memset(text + used, ' ', 117 - used);
	text[117] = '\n';
	assert_int_equal(ftruncate(fd, 0) || lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(write(fd, head, 128), 128);
	for (int i = 0; i < n; i++) {
		float f = (float)value[i];
		int64_t whole = (int64_t)value[i];
		char byte = (char)value[i], letters[3] = { 'c', (char)('0' + whole), 0 };
		const void *from = !strcmp(descr, "<f8")   ? (void *)&value[i]
				   : !strcmp(descr, "<f4") ? (void *)&f
				   : !strcmp(descr, "<i8") ? (void *)&whole
				   : !strcmp(descr, "|S3") ? letters
							   : &byte;
		size_t size = descr[2] == '8' ? 8 : descr[2] == '4' ? 4 : descr[2] == '3' ? 3 : 1;
		assert_int_equal(write(fd, from, size), size);
	}
}

static void draw(struct rng *r)
{
	im = (struct import){ .form = IMPORT_NPY,
			      .kind = rng_below(r, 4),
			      .path = values_file,
			      .class_axis = IMPORT_LAST_AXIS,
			      .among = 3,
			      .labels_from = (int)rng_below(r, 2),
			      .split = SPLIT_TEST };
	int single = im.kind == IMPORT_P1 || im.kind == IMPORT_CONFIDENCE;
	t.labels = rng_below(r, im.kind == IMPORT_CONFIDENCE ? 3 : 5);
	t.k = im.kind == IMPORT_P1 ? 2 : im.kind == IMPORT_CONFIDENCE ? 3 : 2 + (int)rng_below(r, CLASSES - 1);
	t.given = single ? 1 : t.k;
	t.axes = !single && t.labels != COLUMN && rng_below(r, 3) == 0 ? 2 + (int)rng_below(r, 3) : 0;
	t.passes = !single && !t.axes && t.labels != COLUMN && rng_below(r, 2) ? 1 + (int)rng_below(r, PASSES) : 1;
	t.side[0] = t.axes > 2 ? 1 + (int)rng_below(r, 3) : 1;
	t.side[1] = t.axes > 3 ? 1 + (int)rng_below(r, 2) : 1;
	t.n = (2 + (int)rng_below(r, 3)) * t.side[0] * t.side[1];
	for (int i = 0; i < t.n; i++) {
		int classes = im.kind == IMPORT_CONFIDENCE ? 2 : t.k;
		t.label[i] = t.labels == NONE ? -1 : (int)rng_below(r, (uint32_t)classes);
		for (int p = 0; p < t.passes; p++) {
			double sum = 0;
			for (int c = 0; c < t.k; c++)
				sum += t.value[i][p][c] = 0.1 + rng_real(r);
			for (int c = 0; c < t.k && im.kind == IMPORT_PROBS; c++)
				t.value[i][p][c] /= sum;
		}
		if (single)
			t.value[i][0][0] = 0.5 + rng_below(r, 1000) / 2048.0;
	}
	if (t.labels == TEXTS)
		im.classes = &"c0,c1,c2,c3"[0];
	if (t.labels == TEXTS && t.k < 4)
		im.classes = t.k == 2 ? "c0,c1" : "c0,c1,c2";
	if (t.labels == NONE)
		im.label_column = "none";
}

/* Labels in an array of their own: as the records lie, some axes of length 1 beside, or a row of classes each. */
static void put_labels(struct rng *r)
{
	static double flat[MOST];
	int n = 0, shape[4] = { t.n / t.side[0] / t.side[1], t.side[0], t.side[1], 1 };
	for (int i = 0; i < t.n; i++)
		for (int c = 0; c < (t.labels == ONE_HOT ? t.k : 1); c++)
			flat[n++] = t.labels == ONE_HOT		   ? t.label[i] == c
				    : im.kind == IMPORT_CONFIDENCE ? !t.label[i]
				    : t.labels == TEXTS		   ? t.label[i]
								   : t.label[i] + im.labels_from;
	if (t.labels == ONE_HOT)
		shape[3] = t.k;
	static const char *const types[] = { "<i8", "<f8", "<f4", "|u1" };
	if (t.labels == ONE_HOT && t.axes > 2 && rng_below(r, 2)) { /* in the same order as the values */
		int each = t.side[0] * t.side[1], way[4] = { shape[0], t.k, shape[1], shape[2] };
		static double moved[MOST];
		for (int i = 0; i < t.n; i++)
			for (int c = 0; c < t.k; c++)
				moved[(i / each * t.k + c) * each + i % each] = flat[i * t.k + c];
		put(labels_fd, types[rng_below(r, 4)], way, t.axes, moved, n);
		return;
	}
	put(labels_fd, t.labels == TEXTS ? "|S3" : types[rng_below(r, 4)], shape,
	    t.labels == ONE_HOT || rng_below(r, 2) ? 4 : 3, flat, n);
}

static void put_values(struct rng *r)
{
	static double flat[MOST];
	int n = 0, each = t.side[0] * t.side[1], shape[4] = { t.n / each, t.k, t.side[0], t.side[1] }, dims = t.axes;
	int wide = (int)rng_below(r, 2), column = im.kind == IMPORT_CONFIDENCE; /* the label's */
	for (int i = 0; i < t.n && !t.axes; i++) {
		double label = im.kind == IMPORT_CONFIDENCE ? !t.label[i] : t.label[i] + im.labels_from;
		if (t.labels == COLUMN && !column)
			flat[n++] = label;
		for (int p = 0; p < t.passes; p++)
			for (int c = 0; c < t.given; c++)
				flat[n++] = t.value[i][p][c];
		if (t.labels == COLUMN && column)
			flat[n++] = label;
	}
	for (int i = 0; i < t.n && t.axes; i++)
		for (int c = 0; c < t.k; c++, n++)
			flat[(i / each * t.k + c) * each + i % each] = t.value[i][0][c];
	if (t.axes) {
		im.class_axis = 1;
	} else {
		dims = t.passes > 1 ? 3 : t.given == 1 && t.labels != COLUMN && rng_below(r, 2) ? 1 : 2;
		shape[1] = dims == 3 ? t.passes : t.given + (t.labels == COLUMN);
		shape[2] = t.given;
	}
	put(values_fd, wide ? "<f8" : "<f4", shape, dims, flat, n);
	im.dtype = wide ? DTYPE_F64 : DTYPE_F32;
}

static double plain_value(const struct stream_head *h, int i, int p, int c)
{
	double first = t.value[i][0][0], x = t.value[i][p][c];
	if (im.dtype == DTYPE_F32) {
		first = (double)(float)first;
		x = (double)(float)x;
	}
	if (im.kind == IMPORT_P1)
		x = c ? first : 1 - first;
	if (im.kind == IMPORT_CONFIDENCE)
		x = c ? (1 - first) / (t.k - 1) : first;
	return h->dtype == DTYPE_F32 ? (double)(float)x : x;
}

static void compare(uint32_t number)
{
	struct err err = ERR_NONE;
	struct stream_reader *s;
	struct block b;
	int i = 0;
	size_t len;
	assert_int_equal(stream_open(&s, made, &err), 0);
	assert_int_equal(stream_next_document(s, &err), 1);
	const struct stream_head *h = stream_head_of(s);
	assert_true(h->n_classes == t.k && h->samples == t.passes && h->dtype == im.dtype);
	while (stream_next_block(s, &b, &err) == 1)
		for (uint32_t j = 0; j < b.n; j++, i++) {
			const unsigned char *at = block_record(&b, stream_record_size(h), j, &len);
			if (b.label[j] != t.label[i] || b.id[j] != (uint64_t)i)
				fail_msg("%u: record %d has the label %d, not %d", number, i, b.label[j], t.label[i]);
			for (int v = 0; v < t.passes * t.k; v++) {
				float f = 0;
				double d = 0, want = plain_value(h, i, v / t.k, v % t.k);
				if (h->dtype == DTYPE_F64)
					memcpy(&d, at + 8 * v, 8);
				else
					memcpy(&f, at + 4 * v, 4);
				if (d + (double)f != want)
					fail_msg("%u: record %d, value %d: %.17g, not %.17g", number, i, v,
						 d + (double)f, want);
			}
		}
	assert_int_equal(i, t.n);
	stream_close(s);
}

static int import(struct err *err)
{
	struct output out;
	struct import_notes notes = { 0 };
	json_t *self = json_pack("{s:s, s:s, s:[]}", "program", "test", "version", "0", "args");
	assert_int_equal(ftruncate(made_fd, 0) || lseek(made_fd, 0, SEEK_SET), 0);
	assert_int_equal(output_open(&out, made, err), 0);
	int rc = import_stream(&im, self, &out, &notes, err) || output_commit(&out, err);
	json_decref(self);
	output_release(&out);
	return rc;
}

static void shapes(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		struct rng r;
		struct err err = ERR_NONE;
		rng_init(&r, 38, RNG_TEST, i, 0);
		draw(&r);
		put_values(&r);
		if (t.labels > COLUMN) {
			im.labels = labels_file;
			if (t.labels == ONE_HOT)
				im.labels_from = 0;
			put_labels(&r);
		}
		if (import(&err))
			fail_msg("%u: %s", i, err.msg);
		compare(i);
		/* a value too few, or a byte more */
		off_t size = lseek(values_fd, 0, SEEK_END);
		assert_int_equal(ftruncate(values_fd, rng_below(&r, 2) ? size - 1 : size + 1), 0);
		assert_int_equal(import(&err), 1);
	}
}

static int in_memory(char *name)
{
	int fd = memfd_create("file", MFD_CLOEXEC);
	snprintf(name, 40, "/proc/self/fd/%d", fd);
	return fd;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(shapes) };
	values_fd = in_memory(values_file);
	labels_fd = in_memory(labels_file);
	made_fd = in_memory(made);
	return made_fd < 0 || cmocka_run_group_tests(tests, NULL, NULL);
}

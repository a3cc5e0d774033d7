/* Arrays of numbers, with their labels in a first column (of confidences: the second), in a file of their own or in an
 * array beside them. Axes of length 1 mean nothing in the shape of labels. */
#include "import.h"
#include "pipeline/base/mem.h"
#include "pipeline/formats/array.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct source {
	struct intake *in;
	const struct import *im;
	struct array values, labels; /* labels.r.read NULL: they are a column */
	uint64_t records;
	size_t passes, given; /* values a pass, without the label */
	int label_at;         /* column of the label, or -1 */
	int one_hot;          /* labels are a row of all classes each */
	int none;	      /* there are no labels */
	double *row;          /* [classes] one-hot */
};

/* The first `axes` lengths of a shape, without those that are 1. */
static void squeeze(const struct npy_head *h, int axes, uint64_t shape[NPY_MAX_DIMS], int *n)
{
	*n = 0;
	for (int i = 0; i < axes; i++)
		if (h->shape[i] != 1)
			shape[(*n)++] = h->shape[i];
}

static int same_shape(const struct npy_head *a, int axes_a, const struct npy_head *b, int axes_b)
{
	uint64_t x[NPY_MAX_DIMS], y[NPY_MAX_DIMS];
	int n, m;
	squeeze(a, axes_a, x, &n);
	squeeze(b, axes_b, y, &m);
	return n == m && !memcmp(x, y, (size_t)n * sizeof *x);
}

static int is_single(const struct import *im)
{
	return im->kind == IMPORT_P1 || im->kind == IMPORT_CONFIDENCE;
}

static int wrong_dims(const struct source *s, const struct npy_head *h, struct err *err)
{
	const struct import *im = s->im;
	char shape[200];
	npy_shape_text(h, shape, sizeof shape);
	if (h->dims == 1 && !is_single(im))
		return err_set(
			err,
			"%s: has the shape %s, one value a record; --kind p1 reads the probability of the second "
			"of two classes, --kind confidence that of the predicted class",
			s->values.r.name, shape);
	if (h->dims > 2 && s->labels.r.read && !is_single(im))
		return err_set(err,
			       "%s: has the shape %s; [records][classes] and [records][passes][classes] are read, and "
			       "with --class-axis 1 [n][classes][h][w], each place a record",
			       s->values.r.name, shape);
	if (is_single(im))
		return err_set(err, "%s: has the shape %s; %s", s->values.r.name, shape,
			       s->labels.r.read	       ? "[records] or [records][1] is read with labels of their own"
			       : im->kind == IMPORT_P1 ? "[records][label, p1] is read, or with --labels "
							 "[records]"
						       : "[records][confidence, right] is read, or "
							 "with --labels [records]");
	return err_set(err, "%s: has the shape %s; [records][1 + classes] is read, or with --labels [records][classes]",
		       s->values.r.name, shape);
}

/* Records, passes and values from the shape. */
static int measure(struct source *s, struct err *err)
{
	struct npy_head *h = &s->values.r.head;
	int own = s->none || s->labels.r.read, single = is_single(s->im);
	s->passes = 1;
	s->label_at = own ? -1 : s->im->kind == IMPORT_CONFIDENCE;
	if (s->im->class_axis != IMPORT_LAST_AXIS) {
		if (s->im->class_axis >= h->dims)
			return err_usage(err, "--class-axis %d: %s has %d axes, counted from 0", s->im->class_axis,
					 s->values.r.name, h->dims);
		if (own && s->labels.r.head.dims == h->dims &&
		    s->labels.r.head.shape[s->im->class_axis] == h->shape[s->im->class_axis])
			npy_move_last(&s->labels.r, s->im->class_axis); /* one-hot in the same order */
		npy_move_last(&s->values.r, s->im->class_axis);
	} else if (own && single && h->dims == 1) {
		s->records = h->shape[0];
		s->given = 1;
		return 0;
	} else if (h->dims != 2 && !(h->dims == 3 && own && !single)) {
		return wrong_dims(s, h, err);
	} else if (h->dims == 3) {
		s->passes = h->shape[1];
	}
	uint64_t k = h->shape[h->dims - 1], front = own ? 0 : 1;
	if (k <= front || k > STREAM_MAX_CLASSES)
		return err_set(err, "%s: %" PRIu64 " columns are no classes", s->values.r.name, k);
	if (s->passes < 1 || s->passes > 100000)
		return err_set(err, "%s: %zu passes a record are outside 1 to 100000", s->values.r.name, s->passes);
	s->given = k - front;
	s->records = s->passes ? npy_values(h) / k / s->passes : 0;
	if (s->passes * s->given > STREAM_MAX_BLOCK / 16)
		return err_set(err, "%s: a record of %zu values is too long", s->values.r.name, s->passes * s->given);
	return 0;
}

/* Labels have the records' shape, or that and a row of classes each. */
static int measure_labels(struct source *s, struct err *err)
{
	const struct npy_head *h = &s->values.r.head, *l = &s->labels.r.head;
	int axes = s->im->class_axis != IMPORT_LAST_AXIS ? h->dims - 1 : 1;
	char labels[200], values[200];
	if (same_shape(l, l->dims, h, axes))
		return 0;
	s->one_hot = s->im->kind != IMPORT_CONFIDENCE && s->in->head.n_classes > 1 &&
		     l->shape[l->dims - 1] == (uint64_t)s->in->head.n_classes && same_shape(l, l->dims - 1, h, axes) &&
		     !strchr("US", l->type);
	if (s->one_hot && s->im->labels_from)
		return err_usage(err, "--labels-from: %s holds one-hot rows, no numbers", s->labels.r.name);
	if (s->one_hot)
		return mem_alloc(&s->row, (size_t)s->in->head.n_classes, sizeof *s->row, err);
	npy_shape_text(l, labels, sizeof labels);
	npy_shape_text(h, values, sizeof values);
	return err_set(err, "%s: labels of the shape %s are none of the %" PRIu64 " records of %s, %s",
		       s->labels.r.name, labels, s->records, s->values.r.name, values);
}

static int one_hot_label(struct source *s, double *label, struct err *err)
{
	int ones = 0;
	for (int i = 0; i < s->in->head.n_classes; i++) {
		if (npy_read_number(&s->labels.r, &s->row[i], err))
			return -1;
		if (s->row[i] == 1)
			*label = i;
		ones += s->row[i] == 1 ? 1 : s->row[i] == 0 ? 0 : 2;
	}
	return ones == 1 ? 0 : err_set(err, "%s: record %" PRIu64 ": is no one-hot row: one 1 and else 0",
				       s->labels.r.name, s->in->records);
}

/* n values; counts may be whole numbers. */
static int read_values(struct source *s, double *to, size_t n, struct err *err)
{
	if (s->im->kind != IMPORT_COUNTS || s->values.r.head.type == 'f')
		return npy_read_reals(&s->values.r, to, n, err);
	for (size_t i = 0; i < n; i++)
		if (npy_read_number(&s->values.r, &to[i], err))
			return -1;
	return 0;
}

/* The next record's values, and where its label is a column, that. */
static int next_values(struct source *s, int32_t *label, struct err *err)
{
	size_t n = s->passes * s->given;
	double *v = s->in->value, column;
	if (read_values(s, v, n + (s->label_at >= 0), err))
		return -1;
	if (s->label_at < 0)
		return 0;
	column = v[s->label_at];
	if (!s->label_at)
		memmove(v, v + 1, n * sizeof *v);
	if (!label_numbered(&s->in->labels, column, label, err))
		return 0;
	err_context(err, "%s: record %" PRIu64, s->values.r.name, s->in->records);
	size_t at = strlen(err->msg);
	if (at + 128 < sizeof err->msg)
		err_phrase(
			err->msg + at, sizeof err->msg - at,
			"; the %s column is the label, unless --labels names a file or --label-column none says that "
			"there is none",
			s->label_at ? "second" : "first");
	return -1;
}

/* The next label of an array of labels. */
static int next_label(struct source *s, int32_t *label, struct err *err)
{
	double v;
	char *text;
	int rc;
	if (strchr("US", s->labels.r.head.type)) {
		if (npy_read_text(&s->labels.r, &text, err))
			return -1;
		rc = label_of(&s->in->labels, text, label, err);
	} else {
		if (s->one_hot ? one_hot_label(s, &v, err) : npy_read_number(&s->labels.r, &v, err))
			return -1;
		rc = label_numbered(&s->in->labels, v, label, err);
	}
	return rc ? err_context(err, "%s: record %" PRIu64, s->labels.r.name, s->in->records) : 0;
}

static int read_records(struct source *s, const json_t *self, struct output *out, struct err *err)
{
	const struct npy_head *h = &s->values.r.head;
	int own = s->labels.r.read != NULL;
	if (measure(s, err))
		return -1;
	if (strchr("US", h->type) || (h->type != 'f' && s->im->kind != IMPORT_COUNTS))
		return err_set(err, "%s: holds %s where float16, float32 or float64 are needed%s", s->values.r.name,
			       strchr("US", h->type) ? "text" : "whole numbers",
			       strchr("US", h->type) ? "" : "; counts and votes are --kind counts");
	s->in->head.dtype = h->size == 8 || h->type != 'f' ? DTYPE_F64 : DTYPE_F32;
	if (intake_classes(s->in, s->given, NULL, err) || intake_refuse_single(s->in, err))
		return err_context(err, "%s", s->values.r.name);
	if ((own && measure_labels(s, err)) || intake_begin(s->in, s->passes, self, out, err))
		return -1;
	for (uint64_t i = 0; i < s->records; i++) {
		int32_t label = -1;
		if (next_values(s, &label, err) || (own && next_label(s, &label, err)) ||
		    intake_add(s->in, i, s->in->value, label, err))
			return -1;
	}
	return npy_at_end(&s->values.r, err) || (own && npy_at_end(&s->labels.r, err)) ? -1 : 0;
}

int import_arrays(struct intake *in, const json_t *self, struct output *out, struct err *err)
{
	static const enum array_form form[] = { [IMPORT_NPY] = ARRAY_NPY, [IMPORT_NPZ] = ARRAY_NPZ,
						[IMPORT_SAFETENSORS] = ARRAY_SAFETENSORS };
	const struct import *im = in->im;
	struct source s = { .in = in, .im = im, .none = im->label_column != NULL };
	const char *labels = im->labels ? im->labels : im->path;
	int rc = array_open(&s.values, form[im->form], im->path, "--array", im->array, err);
	if (!rc && (im->labels || im->labels_array))
		rc = array_open(&s.labels, im->labels ? array_form_of(labels) : form[im->form], labels,
				"--labels-array", im->labels_array, err);
	rc = rc || read_records(&s, self, out, err);
	free(s.row);
	array_release(&s.labels);
	array_release(&s.values);
	return rc ? -1 : 0;
}

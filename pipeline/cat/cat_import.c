/* Logits or probabilities of other programs, as CSV, TSV or NPY, made into a stream of logits. The stream begins
 * when the first row or the NPY head has told the number of classes. Every record passes intake_add, which alone
 * narrows to the stream's dtype and checks the values. Until then values are doubles; float16 and float32 survive
 * that exactly. */
#include "cat.h"
#include "pipeline/base/mem.h"
#include "pipeline/formats/npy.h"
#include "pipeline/base/num.h"
#include "pipeline/formats/row_reader.h"
#include "pipeline/files/text.h"
#include "pipeline/stream/sniff.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One record on its way into the stream: `n` values as doubles, checked and narrowed to the stream's dtype. */
struct intake {
	struct stream_head head;
	struct stream_writer *w;
	const char *path;
	int split;
	uint64_t records;
	double *value; /* [n + 1]: a record; for NPY without --labels value[0] is its label, and the record follows */
	void *narrow;  /* [n] float or double */
	size_t n;
};

static int intake_begin(struct intake *in, const struct import *im, size_t passes, const json_t *self,
			struct output *out, struct err *err)
{
	in->head.kind = STREAM_LOGITS;
	in->head.values = im->values;
	in->head.samples = (int)passes;
	in->n = passes * (size_t)in->head.n_classes;
	in->path = !strcmp(im->path, "-") ? "stdin" : im->path;
	in->split = im->split;
	if (im->name && mem_text(&in->head.name, im->name, strlen(im->name), err))
		return -1;
	if (mem_alloc(&in->value, in->n + 1, sizeof *in->value, err) || mem_alloc(&in->narrow, in->n, 8, err))
		return -1;
	return stream_begin(&in->w, out, &in->head, NULL, self, err);
}

static int intake_add(struct intake *in, const double *value, int32_t label, struct err *err)
{
	struct block b = { .type = BLOCK_ROWS, .n = 1, .first = in->records, .data = in->narrow };
	if (in->head.dtype == DTYPE_F64) {
		memcpy(in->narrow, value, in->n * sizeof *value);
	} else {
		float *f = in->narrow;
		for (size_t i = 0; i < in->n; i++) {
			f[i] = (float)value[i];
			/* what was finite must stay so: 1e39 has no float */
			if (isinf(f[i]) && !isinf(value[i]))
				return err_set(err, "%s: record %" PRIu64 ": %g is too large for f32", in->path,
					       in->records, value[i]);
		}
	}
	b.data_len = stream_record_size(&in->head);
	if (logits_check(&in->head, &b, in->path, err) ||
	    stream_add(in->w, in->records, label, in->split, b.data, b.data_len, err))
		return -1;
	in->records++;
	return 0;
}

static int intake_finish(struct intake *in, struct err *err)
{
	if (!in->records)
		return err_set(err, "%s: holds no record", in->path);
	return stream_finish(in->w, err);
}

static void intake_release(struct intake *in)
{
	stream_writer_free(in->w);
	stream_head_release(&in->head);
	free(in->value);
	free(in->narrow);
}

/* Tables. */

static int take_columns(struct intake *in, const struct import *im, struct row_reader *t, int *header, struct err *err)
{
	size_t n = row_fields(t);
	*header = !strcmp(row_field(t, 0, NULL), "label");
	if (n < 2 || n - 1 > STREAM_MAX_CLASSES)
		return err_set(err, "line %" PRIu64 " has %zu columns; a label and at least one value are needed",
			       row_line(t), n);
	int k = (int)n - 1, rc;
	if (!*header || im->classes)
		return classes_of(&in->head, im->classes, k, err);
	char **names;
	if (mem_alloc(&names, (size_t)k, sizeof *names, err))
		return -1;
	for (int i = 0; i < k; i++) {
		names[i] = row_field(t, (size_t)i + 1, NULL);
		text_restore(names[i]);
	}
	rc = classes_named(&in->head, names, k, err);
	free(names);
	return rc;
}

/* White space around a number is none of it. */
static char *trimmed(char *text, size_t n)
{
	while (n && strchr(" \t", text[n - 1]))
		text[--n] = 0;
	return text + strspn(text, " \t");
}

/* A NUL byte would end a name or a number early. */
static int refuse_nul(const struct row_reader *t, struct err *err)
{
	for (size_t i = 0; i < row_fields(t); i++) {
		size_t n;
		const char *field = row_field(t, i, &n);
		if (memchr(field, 0, n))
			return err_set(err, "line %" PRIu64 ": holds a NUL byte", row_line(t));
	}
	return 0;
}

static int parse_row(struct intake *in, struct row_reader *t, int32_t *label, struct err *err)
{
	if (row_fields(t) != in->n + 1)
		return err_set(err, "has %zu columns; the first row has %zu", row_fields(t), in->n + 1);
	if (label_of(&in->head, row_field(t, 0, NULL), label, err))
		return -1;
	for (size_t i = 0; i < in->n; i++) {
		size_t n;
		char *value = row_field(t, i + 1, &n);
		if (num_f64("a value", trimmed(value, n), -INFINITY, DBL_MAX, &in->value[i], err)) {
			err->status = VIC_DATA; /* the parser speaks of options */
			return -1;
		}
	}
	return 0;
}

static int take_row(struct intake *in, struct row_reader *t, struct err *err)
{
	int32_t label;
	if (parse_row(in, t, &label, err))
		return err_context(err, "%s: line %" PRIu64, in->path, row_line(t));
	return intake_add(in, in->value, label, err);
}

static int import_table(const struct import *im, struct intake *in, const json_t *self, struct output *out,
			struct import_notes *notes, struct err *err)
{
	struct row_reader *t;
	int rc, header = 0;
	const char *name = !strcmp(im->path, "-") ? "stdin" : im->path;
	const struct row_rules rules = {
		.wanted = im->form == EXPORT_CSV ? "a CSV table" : "a TSV table",
		.separator = im->form == EXPORT_CSV ? 0 : '\t',
		.quotes = im->form == EXPORT_CSV ? ROW_QUOTES_STRICT : ROW_QUOTES_NONE,
		.max_fields = STREAM_MAX_CLASSES + 1,
	};
	if (row_reader_open(&t, im->path, &rules, err))
		return -1;
	in->head.dtype = im->dtype;
	rc = row_reader_next(t, err);
	if (rc == 0)
		rc = err_set(err, "%s: holds no record", name);
	if (rc == 1 &&
	    (refuse_nul(t, err) || take_columns(in, im, t, &header, err) || intake_begin(in, im, 1, self, out, err)))
		rc = err_context(err, "%s", name);
	if (rc == 1 && header)
		rc = row_reader_next(t, err);
	for (; rc == 1; rc = row_reader_next(t, err))
		if (refuse_nul(t, err) ? err_context(err, "%s", name) : take_row(in, t, err)) {
			rc = -1;
			break;
		}
	if (rc && row_line(t) <= 2) /* a table further on; one with a fault, not another kind of file */
		sniff_explain(im->path, im->form == EXPORT_CSV ? "CSV" : "TSV", err);
	notes->rows = *row_counts_of(t);
	row_reader_close(t);
	return rc ? -1 : intake_finish(in, err);
}

/* NPY. */

static int check_shape(const struct import *im, const struct npy_reader *v, const struct npy_reader *l, struct err *err)
{
	const struct npy_head *h = &v->head;
	uint64_t k = h->shape[h->dims - 1];
	if (h->type != 'f')
		return err_set(err, "%s: holds whole numbers where float16, float32 or float64 are needed", v->in.name);
	if (h->dims != 2 && !(h->dims == 3 && im->labels))
		return err_set(err, "%s: has %d dimensions; %s", v->in.name, h->dims,
			       im->labels ? "[records][classes] or [records][passes][classes] are read"
					  : "[records][1 + classes] is read, or with --labels [records][classes]");
	if (k < (im->labels ? 1u : 2u) || k > STREAM_MAX_CLASSES)
		return err_set(err, "%s: %" PRIu64 " columns are no classes", v->in.name, k);
	if (h->dims == 3 && (h->shape[1] < 1 || h->shape[1] > 100000))
		return err_set(err, "%s: %" PRIu64 " passes a record are outside 1 to 100000", v->in.name, h->shape[1]);
	if (im->labels && l->head.dims != 1)
		return err_set(err, "%s: labels have %d dimensions; one is read", l->in.name, l->head.dims);
	if (im->labels && l->head.shape[0] != h->shape[0])
		return err_set(err, "%s: %" PRIu64 " labels for the %" PRIu64 " records of %s", l->in.name,
			       l->head.shape[0], h->shape[0], v->in.name);
	return 0;
}

/* The label of the next record; with --labels from its file, else the first value. */
static int next_label(const struct intake *in, double first, struct npy_reader *labels, int32_t *label, struct err *err)
{
	double v = first;
	int64_t whole;
	if (labels->in.buf) {
		if (npy_read_whole(labels, &whole, 1, err))
			return -1;
		v = (double)whole;
	}
	if (!(v >= -1 && v < in->head.n_classes) || v != floor(v))
		return err_set(err, "%s: record %" PRIu64 ": label %g is no whole number from -1 to %d%s",
			       labels->in.buf ? labels->in.name : in->path, in->records, v, in->head.n_classes - 1,
			       labels->in.buf ? "" : "; the first column is the label, unless --labels names a file");
	*label = (int32_t)v;
	return 0;
}

static int import_rows(const struct import *im, struct intake *in, struct npy_reader *v, struct npy_reader *l,
		       const json_t *self, struct output *out, struct err *err)
{
	size_t front = !im->labels, passes = v->head.dims == 3 ? v->head.shape[1] : 1;
	int k = (int)(v->head.shape[v->head.dims - 1] - front);
	in->head.dtype = v->head.size == 8 ? DTYPE_F64 : DTYPE_F32;
	if (passes * (size_t)k > STREAM_MAX_BLOCK / 16)
		return err_set(err, "%s: a record of %zu values is too long", v->in.name, passes * (size_t)k);
	if (classes_of(&in->head, im->classes, k, err) || intake_begin(in, im, passes, self, out, err))
		return -1;
	for (uint64_t i = 0; i < v->head.shape[0]; i++) {
		int32_t label = -1;
		if (npy_read_reals(v, in->value, in->n + front, err) || next_label(in, in->value[0], l, &label, err) ||
		    intake_add(in, in->value + front, label, err))
			return -1;
	}
	if (npy_at_end(v, err) || (im->labels && npy_at_end(l, err)))
		return -1;
	return intake_finish(in, err);
}

static int import_npy(const struct import *im, struct intake *in, const json_t *self, struct output *out,
		      struct err *err)
{
	struct npy_reader v, l = { 0 };
	int rc;
	if (npy_open(&v, im->path, err))
		return -1;
	rc = (im->labels && npy_open(&l, im->labels, err)) || check_shape(im, &v, &l, err) ||
	     import_rows(im, in, &v, &l, self, out, err);
	npy_release(&v);
	npy_release(&l);
	return rc ? -1 : 0;
}

int import_stream(const struct import *im, const json_t *self, struct output *out, struct import_notes *notes,
		  struct err *err)
{
	struct intake in = { 0 };
	int rc = im->form == EXPORT_NPY ? import_npy(im, &in, self, out, err)
					: import_table(im, &in, self, out, notes, err);
	intake_release(&in);
	return rc;
}

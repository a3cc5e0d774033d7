/* Records as NPY, CSV, TSV and portable pixmaps.
 * An NPY file begins with the number of its records, which a stream tells at its end: the records wait in `spool`
 * and are copied after the head once they are counted. So nothing of a stream that turns out to be cut reaches the
 * output, either. The other forms are written as the records come. A CSV field that begins or ends with a space or
 * a tab is quoted, since some readers drop both around one that is not. */
#include "cat.h"
#include "pipeline/base/mem.h"
#include "pipeline/formats/npy.h"
#include "pipeline/files/spool.h"
#include "pipeline/files/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct export {
	enum export_form form;
	const char *labels; /* file, or NULL */
	struct output *out, spool;
	struct stream_head head; /* of the first document */
	struct wordmap map;
	uint64_t documents, records;
	int64_t *label; /* [records], where `labels` is asked for */
	size_t cap_label;
};

int export_open(struct export **out, enum export_form form, const char *labels, struct output *to, struct err *err)
{
	struct export *e;
	if (labels && form != EXPORT_NPY)
		return err_usage(err, "--labels goes with --to npy; the other forms have labels of their own");
	if (mem_alloc(&e, 1, sizeof *e, err))
		return -1;
	*e = (struct export){ .form = form, .labels = labels, .out = to };
	if (form == EXPORT_NPY && spool_output(&e->spool, err)) {
		free(e);
		return -1;
	}
	*out = e;
	return 0;
}

void export_close(struct export *e)
{
	if (!e)
		return;
	output_release(&e->spool);
	stream_head_release(&e->head);
	wordmap_release(&e->map);
	free(e->label);
	free(e);
}

/* What each form can hold. */
static int fits(const struct export *e, const struct stream_head *h, struct err *err)
{
	const char *kind = stream_kind_name(h->kind);
	int jpeg = h->kind == STREAM_IMAGES && h->encoding == ENCODING_JPEG;
	switch (e->form) {
	case EXPORT_NPY:
		if (h->kind == STREAM_TOKENS || h->kind == STREAM_TEXT || jpeg)
			return err_set(err, "records of %s differ in length; NPY holds logits and raw images", kind);
		if (!e->labels && (h->kind == STREAM_IMAGES || h->samples > 1))
			return err_usage(err, "%s have no column for the label; name a file for it: --labels FILE.npy",
					 h->kind == STREAM_IMAGES ? "images" : "logits of several passes");
		return 0;
	case EXPORT_PNM:
		if (h->kind != STREAM_IMAGES || h->encoding != ENCODING_RAW || (h->channels != 1 && h->channels != 3))
			return err_set(err, "a portable pixmap holds raw images of 1 or 3 channels");
		return 0;
	case EXPORT_CSV:
	case EXPORT_TSV:
		if (h->kind == STREAM_IMAGES)
			return err_set(err, "images do not fit into a table; --to npy or --to pnm");
		if (h->kind == STREAM_LOGITS && h->samples > 1)
			return err_set(err, "a table has no place for %d passes a record; --to npy --labels FILE",
				       h->samples);
	}
	return 0;
}

/* What some readers of CSV drop around a field without quotes. */
static int is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* A field of a table. CSV quotes what needs it; TSV cannot, so that a text with a tab has no place there. */
static int put_field(struct export *e, const char *text, size_t n, struct err *err)
{
	if (e->form == EXPORT_TSV) {
		for (size_t i = 0; i < n; i++)
			if (strchr("\t\n\r", text[i]) && text[i])
				return err_set(err, "a text holds a tab or a line end, which TSV cannot; --to csv");
		return output_write(e->out, text, n, err);
	}
	size_t i = 0;
	while (i < n && (!text[i] || !strchr(",\"\n\r", text[i])))
		i++;
	if (i == n && (!n || (!is_blank(text[0]) && !is_blank(text[n - 1]))))
		return output_write(e->out, text, n, err);
	if (output_write(e->out, "\"", 1, err))
		return -1;
	for (i = 0; i < n; i++)
		if ((text[i] == '"' && output_write(e->out, "\"", 1, err)) || output_write(e->out, text + i, 1, err))
			return -1;
	return output_write(e->out, "\"", 1, err);
}

/* A class name, escaped: it is read by people and shells as often as by programs, and --from restores it. */
static int put_name(struct export *e, const char *name, struct err *err)
{
	char *text;
	size_t n = strlen(name);
	if (text_clean(name, n, TEXT_NAME) == n)
		return put_field(e, name, n, err);
	if (text_escape(&text, name, TEXT_NAME, err))
		return -1;
	int rc = put_field(e, text, strlen(text), err);
	free(text);
	return rc;
}

static int put_header(struct export *e, struct err *err)
{
	const char *gap = e->form == EXPORT_CSV ? "," : "\t";
	if (e->head.kind != STREAM_LOGITS) /* the plain TSV of sentences has no header (vic-tokenize --format tsv) */
		return e->form == EXPORT_CSV ? output_printf(e->out, err, "label,text\n") : 0;
	if (output_printf(e->out, err, "label"))
		return -1;
	for (int i = 0; i < e->head.n_classes; i++)
		if (output_write(e->out, gap, 1, err) ||
		    put_name(e, e->head.classes[i], err))
			return -1;
	return output_write(e->out, "\n", 1, err);
}

static int begin_table(struct export *e, const struct stream_head *head, struct err *err)
{
	if (e->documents++)
		return stream_head_same(&e->head, head, err);
	if (fits(e, head, err) || stream_head_copy(&e->head, head, err))
		return -1;
	return e->form == EXPORT_CSV || e->form == EXPORT_TSV ? put_header(e, err) : 0;
}

static int put_values(struct export *e, const unsigned char *record, struct err *err)
{
	char gap = e->form == EXPORT_CSV ? ',' : '\t';
	for (size_t i = 0; i < (size_t)e->head.n_classes; i++) {
		float f;
		double d;
		int rc;
		if (e->head.dtype == DTYPE_F64) {
			memcpy(&d, record + 8 * i, 8);
			rc = output_printf(e->out, err, "%c%.17g", gap, d);
		} else {
			memcpy(&f, record + 4 * i, 4);
			rc = output_printf(e->out, err, "%c%.9g", gap, (double)f);
		}
		if (rc)
			return -1;
	}
	return 0;
}

static int put_text(struct export *e, const unsigned char *record, size_t len, struct err *err)
{
	const char *gap = e->form == EXPORT_CSV ? "," : "\t";
	if (output_write(e->out, gap, 1, err))
		return -1;
	if (e->head.kind == STREAM_TOKENS)
		return put_field(e, (const char *)record, len, err);
	char *line = NULL;
	size_t cap = 0, n = 0, word_len;
	int rc = 0;
	for (size_t at = 0; at < len && !rc; at += 4) {
		uint32_t id;
		memcpy(&id, record + at, 4);
		const char *word = wordmap_word(&e->map, id, &word_len);
		rc = mem_grow(&line, &cap, n + word_len + 1, 1, err);
		if (rc)
			break;
		if (at)
			line[n++] = ' ';
		if (word_len)
			memcpy(line + n, word, word_len);
		n += word_len;
	}
	rc = rc ? rc : put_field(e, line ? line : "", n, err);
	free(line);
	return rc;
}

static int put_row(struct export *e, int32_t label, const unsigned char *record, size_t len, struct err *err)
{
	if (put_name(e, label < 0 ? "" : e->head.classes[label], err) ||
	    (e->head.kind == STREAM_LOGITS ? put_values(e, record, err) : put_text(e, record, len, err)))
		return -1;
	return output_write(e->out, "\n", 1, err);
}

static int put_npy(struct export *e, int32_t label, const unsigned char *record, size_t len, struct err *err)
{
	if (e->labels) {
		if (mem_grow(&e->label, &e->cap_label, e->records + 1, sizeof *e->label, err))
			return -1;
		e->label[e->records] = label;
	} else {
		double d = label;
		float f = (float)label; /* exact: fewer than 2^24 classes */
		if (output_write(&e->spool, e->head.dtype == DTYPE_F64 ? (void *)&d : (void *)&f,
				 e->head.dtype == DTYPE_F64 ? 8 : 4, err))
			return -1;
	}
	return output_write(&e->spool, record, len, err);
}

static int put_record(struct export *e, int32_t label, const unsigned char *record, size_t len, struct err *err)
{
	int rc = e->form == EXPORT_NPY ? put_npy(e, label, record, len, err) : 0;
	if (e->form == EXPORT_PNM)
		rc = output_printf(e->out, err, "P%c\n%d %d\n255\n", e->head.channels == 1 ? '5' : '6', e->head.width,
				   e->head.height) ||
		     output_write(e->out, record, len, err);
	if (e->form == EXPORT_CSV || e->form == EXPORT_TSV)
		rc = put_row(e, label, record, len, err);
	e->records++;
	return rc ? -1 : 0;
}

int export_document(struct export *e, struct stream_reader *r, struct pick *pick, struct err *err)
{
	struct block b;
	size_t each, len;
	int rc;
	if (begin_table(e, stream_head_of(r), err))
		return err_context(err, "%s", stream_name(r));
	each = stream_record_size(&e->head);
	wordmap_begin(&e->map);
	while ((rc = stream_next_block(r, &b, err)) == 1) {
		if (b.type == BLOCK_WORDS) {
			if (wordmap_add(&e->map, &b, err))
				return -1;
			continue;
		}
		if (e->head.kind == STREAM_LOGITS && logits_check(&e->head, &b, stream_name(r), err))
			return -1;
		for (uint32_t i = 0; i < b.n; i++) {
			const unsigned char *record = block_record(&b, each, i, &len);
			if (pick_record(pick, &b, i) && put_record(e, b.label[i], record, len, err))
				return err_context(err, "%s: record %" PRIu64, stream_name(r), b.first + i);
		}
	}
	return rc;
}

static int put_labels(struct export *e, struct err *err)
{
	struct output file;
	int rc;
	if (output_open(&file, e->labels, err))
		return -1;
	rc = npy_write_head(&file, "<i8", &e->records, 1, err) ||
	     (e->records && output_write(&file, e->label, e->records * sizeof *e->label, err)) ||
	     output_commit(&file, err);
	output_release(&file);
	return rc ? -1 : 0;
}

int export_finish(struct export *e, struct err *err)
{
	const struct stream_head *h = &e->head;
	uint64_t shape[4] = { e->records };
	int dims = 1;
	const char *descr = "<f4";
	if (e->form != EXPORT_NPY)
		return 0;
	if (h->kind == STREAM_IMAGES) {
		shape[dims++] = (uint64_t)h->height;
		shape[dims++] = (uint64_t)h->width;
		shape[dims++] = (uint64_t)h->channels;
		descr = h->encoding == ENCODING_F32 ? "<f4" : "|u1";
	} else {
		if (h->samples > 1)
			shape[dims++] = (uint64_t)h->samples;
		shape[dims++] = (uint64_t)h->n_classes + !e->labels;
		descr = h->dtype == DTYPE_F64 ? "<f8" : "<f4";
	}
	/* flushed, so that a full device is known before the labels' file takes its place */
	if (npy_write_head(e->out, descr, shape, dims, err) || spool_copy(&e->spool, e->out, err) ||
	    output_flush(e->out, err))
		return -1;
	return e->labels ? put_labels(e, err) : 0;
}

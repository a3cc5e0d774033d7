/* Records of others on their way into a stream: what the numbers are is brought to logits or probabilities of all
 * classes, then narrowed to the stream's dtype and checked. Until then values are doubles; float16 and float32 survive
 * that exactly. */
#include "import.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/num.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void intake_init(struct intake *in, const struct import *im, struct import_notes *notes)
{
	*in = (struct intake){ .im = im, .notes = notes, .path = !strcmp(im->path, "-") ? "stdin" : im->path };
	notes->like_probs = notes->like_sigmoids = im->kind == IMPORT_LOGITS;
	in->head.kind = STREAM_LOGITS;
	in->head.values = im->kind == IMPORT_LOGITS ? VALUES_LOGITS : VALUES_PROBS;
	in->head.dtype = im->dtype;
}

/* "predicted", "other" or "other 1", "other 2" ... */
static int confidence_classes(struct stream_head *head, int k, struct err *err)
{
	enum { WIDE = 24 };
	char **names, *text = NULL;
	int rc;
	if (mem_alloc(&names, (size_t)k, sizeof *names, err))
		return -1;
	rc = mem_alloc(&text, (size_t)k, WIDE, err);
	for (int i = 0; i < k && !rc; i++) {
		names[i] = text + (size_t)i * WIDE;
		snprintf(names[i], WIDE, !i ? "predicted" : k == 2 ? "other" : "other %d", i);
	}
	rc = rc || classes_named(head, names, k, err);
	free(text);
	free(names);
	return rc ? -1 : 0;
}

/* The header's names must not stand in another order than those of --classes. */
static int refuse_order(const struct stream_head *head, char **header, struct err *err)
{
	int moved = 0;
	for (int i = 0; i < head->n_classes; i++) {
		int at = stream_class_named(head, header[i]);
		if (at < 0)
			return 0; /* other names: --classes renames them */
		moved |= at != i;
	}
	return moved ? err_usage(err, "--classes names the classes in another order than the header, which says what "
				      "each column is; leave --classes out, or give it in the header's order") : 0;
}

static int numbered(char **name, size_t n)
{
	double v;
	struct err err = ERR_NONE;
	for (size_t i = 0; i < n; i++)
		if (!num_f64("", name[i], -INFINITY, INFINITY, &v, &err))
			return 1;
	return 0;
}

int intake_classes(struct intake *in, size_t given, char **header, struct err *err)
{
	const struct import *im = in->im;
	int single = im->kind == IMPORT_P1 || im->kind == IMPORT_CONFIDENCE, rc;
	if (single && given != 1)
		return err_set(err, "has %zu values a record where one is wanted, %s%s", given,
			       im->kind == IMPORT_P1 ? "the probability of the second of two classes"
						     : "the confidence",
			       given == 2 && im->kind == IMPORT_P1 ? "; --kind probs reads that of each class" : "");
	if (im->labels_from && header && !im->classes && numbered(header, given))
		return err_usage(err,
				 "--labels-from: the header's classes are numbers themselves, and a label is one of "
				 "them");
	in->given = given;
	if (im->kind == IMPORT_CONFIDENCE)
		rc = confidence_classes(&in->head, im->among, err);
	else if (!header || im->classes || single)
		rc = classes_of(&in->head, im->classes, im->labels_from, single ? 2 : (int)given, err);
	else
		rc = classes_named(&in->head, header, (int)given, err);
	if (!rc && header && im->classes && !single)
		rc = refuse_order(&in->head, header, err);
	labels_release(&in->labels);
	return rc || labels_init(&in->labels, &in->head, im, im->classes || (header && !single), err) ? -1 : 0;
}

int intake_refuse_single(const struct intake *in, struct err *err)
{
	const struct import *im = in->im;
	size_t given = in->given;
	if (given == 1 && (im->kind == IMPORT_PROBS || im->kind == IMPORT_COUNTS))
		return err_set(err,
			       "has one value a record; --kind p1 reads the probability of the second of two classes, "
			       "--kind confidence that of the predicted class");
	if (given == 1 && im->kind == IMPORT_LOGITS)
		return err_set(err,
			       "has one value a record, and of one class any logit is a probability of 1; where it "
			       "is the logit x of the second of two classes, --kind p1 reads 1 / (1 + exp(-x))");
	return 0;
}

int intake_begin(struct intake *in, size_t passes, const json_t *self, struct output *out, struct err *err)
{
	const char *name = in->im->name;
	in->passes = passes;
	in->head.samples = (int)passes;
	in->head.names = in->im->name_column != NULL;
	in->n = passes * (size_t)in->head.n_classes;
	if (name && mem_text(&in->head.name, name, strlen(name), err))
		return -1;
	if (mem_alloc(&in->value, passes * in->given + 1, sizeof *in->value, err) ||
	    mem_alloc(&in->wide, in->n, sizeof *in->wide, err) || mem_alloc(&in->narrow, in->n, 8, err) ||
	    mem_alloc(&in->counts, in->given, 1, err))
		return -1;
	return stream_begin(&in->w, out, &in->head, NULL, self, err);
}

static int bad_value(const struct intake *in, size_t class, double v, const char *why, struct err *err)
{
	char text[NUM_TEXT];
	num_text(text, v);
	return err_set(err, "%s: record %" PRIu64 ": class %zu has the value %s%s", in->path, in->records, class, text,
		       why);
}

/* A probability as it is, or clipped where a rounding carried it outside. */
static int probability(struct intake *in, size_t class, double v, double *to, struct err *err)
{
	if (!(v >= -IMPORT_ROUNDING && v <= 1 + IMPORT_ROUNDING))
		return bad_value(in, class, v, ", which is no probability", err);
	in->notes->clipped += v < 0 || v > 1;
	*to = v < 0 ? 0 : v > 1 ? 1 : v;
	return 0;
}

static int from_counts(struct intake *in, const double *value, double *to, struct err *err)
{
	double sum = 0;
	for (size_t i = 0; i < in->given; i++) {
		if (!(value[i] >= 0 && isfinite(value[i])))
			return bad_value(in, i, value[i], ", which is no count", err);
		sum += value[i];
	}
	if (!(sum > 0 && isfinite(sum)))
		return err_set(err, "%s: record %" PRIu64 ": the counts sum to %g and make no probabilities", in->path,
			       in->records, sum);
	for (size_t i = 0; i < in->given; i++)
		to[i] = value[i] / sum;
	return 0;
}

/* The others share the rest, and none may be the largest. */
static int from_confidence(struct intake *in, double value, double *to, struct err *err)
{
	size_t k = (size_t)in->head.n_classes;
	char text[NUM_TEXT];
	double c;
	if (probability(in, 0, value, &c, err))
		return -1;
	num_text(text, c);
	if (c < 1 / (double)k)
		return err_set(err,
			       "%s: record %" PRIu64
			       ": confidence %s cannot be the largest of %zu probabilities; --among "
			       "N says how many classes the model has",
			       in->path, in->records, text, k);
	for (size_t i = 1; i < k; i++)
		to[i] = fmin((1 - c) / (double)(k - 1), c);
	to[0] = c;
	return 0;
}

static void note_logits(struct intake *in, const double *value)
{
	double sum = 0;
	int inside = in->given > 1;
	for (size_t i = 0; i < in->given; i++) {
		inside &= value[i] >= 0 && value[i] <= 1;
		sum += value[i];
	}
	in->notes->like_probs &= inside && fabs(sum - 1) <= IMPORT_ROUNDING;
	in->notes->like_sigmoids &= inside;
}

/* Which columns hold the numbers of their records. */
static void note_counting(struct intake *in, const double *value)
{
	const struct import *im = in->im;
	double at = (double)in->records;
	if (im->classes || im->class_axis >= 0 || (im->kind != IMPORT_LOGITS && im->kind != IMPORT_COUNTS) ||
	    in->passes > 1 || (in->records && !in->counting))
		return;
	for (size_t i = 0; i < in->given; i++) {
		unsigned char was = in->counts[i];
		in->counts[i] = (unsigned char)(value[i] == at ? 1 : value[i] == at + 1 ? 2 : 0);
		if (in->records && in->counts[i] != was)
			in->counts[i] = 0;
		in->counting += (size_t)(in->counts[i] != 0) - (size_t)(was != 0);
	}
}

/* Fails where a column of enough records does: it is an index, and would change every probability as a class. */
static int refuse_index(const struct intake *in, struct err *err)
{
	enum { ENOUGH = 4 };
	int tabular = in->im->form == IMPORT_CSV || in->im->form == IMPORT_TSV;
	for (size_t i = 0; in->records >= ENOUGH && in->counting && i < in->given; i++)
		if (in->counts[i])
			return err_set(err,
				       "%s: the values of class '%s' are the records' numbers %d, %d, %d ...: a column "
				       "that counts them is no class; %s, or name all classes by --classes, if it is "
				       "one",
				       in->path, in->head.classes[i], in->counts[i] - 1, in->counts[i],
				       in->counts[i] + 1,
				       tabular ? "--id-column says that it holds ids" : "leave it out of the array");
	return 0;
}

/* One pass of a record: in->given values to in->head.n_classes. */
static int convert(struct intake *in, const double *value, double *to, struct err *err)
{
	switch (in->im->kind) {
	case IMPORT_LOGITS:
		note_logits(in, value);
		memcpy(to, value, in->given * sizeof *to);
		return 0;
	case IMPORT_PROBS:
		for (size_t i = 0; i < in->given; i++)
			if (probability(in, i, value[i], &to[i], err))
				return -1;
		return 0;
	case IMPORT_P1:
		if (probability(in, 1, *value, &to[1], err))
			return -1;
		to[0] = 1 - to[1];
		return 0;
	case IMPORT_CONFIDENCE:
		return from_confidence(in, *value, to, err);
	case IMPORT_COUNTS:
		break;
	}
	return from_counts(in, value, to, err);
}

int intake_add(struct intake *in, uint64_t id, const double *value, int32_t label, struct err *err)
{
	struct block b = { .type = BLOCK_ROWS, .n = 1, .first = in->records, .data = in->narrow };
	for (size_t i = 0; i < in->passes; i++)
		if (convert(in, value + i * in->given, in->wide + i * (size_t)in->head.n_classes, err))
			return -1;
	note_counting(in, value);
	if (in->head.dtype == DTYPE_F64)
		memcpy(in->narrow, in->wide, in->n * sizeof *in->wide);
	for (size_t i = 0; in->head.dtype == DTYPE_F32 && i < in->n; i++) {
		float *f = in->narrow;
		f[i] = (float)in->wide[i];
		/* what was finite must stay so: 1e39 has no float */
		if (isinf(f[i]) && !isinf(in->wide[i]))
			return err_set(err, "%s: record %" PRIu64 ": %g is too large for f32", in->path, in->records,
				       in->wide[i]);
	}
	b.data_len = stream_record_size(&in->head);
	if (logits_check(&in->head, &b, in->path, err) ||
	    (in->name && stream_add_name(in->w, in->name, strlen(in->name), err)) ||
	    stream_add(in->w, id, label, in->im->split, b.data, b.data_len, err))
		return -1;
	in->records++;
	return 0;
}

static int intake_finish(struct intake *in, struct err *err)
{
	if (!in->records)
		return err_set(err, "%s: holds no record", in->path);
	const struct labels *l = &in->labels;
	if (refuse_index(in, err))
		return -1;
	in->notes->ignored = l->ignored;
	in->notes->unmet = l->n_ignore && !l->ignored;
	in->notes->like_sigmoids &= !in->notes->like_probs && in->records >= 8;
	in->notes->none_first = !l->from && !l->at_first && l->highest > l->lowest;
	in->notes->minus = l->n == 2 && !l->at_first && l->highest == 1 ? l->minus : 0;
	return stream_finish(in->w, err);
}

void intake_release(struct intake *in)
{
	stream_writer_free(in->w);
	stream_head_release(&in->head);
	labels_release(&in->labels);
	free(in->value);
	free(in->wide);
	free(in->narrow);
	free(in->counts);
}

int import_stream(const struct import *im, const json_t *self, struct output *out, struct import_notes *notes,
		  struct err *err)
{
	struct intake in;
	int tabular = im->form == IMPORT_CSV || im->form == IMPORT_TSV;
	intake_init(&in, im, notes);
	int rc = tabular ? import_table(&in, self, out, err) : import_arrays(&in, self, out, err);
	rc = rc || intake_finish(&in, err);
	intake_release(&in);
	return rc ? -1 : 0;
}

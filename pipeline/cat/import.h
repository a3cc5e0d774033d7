/* import: others' logits, probabilities, confidences or counts, as tables or arrays, made into a stream of logits.
 * Private to pipeline/. */
#ifndef VIC_IMPORT_H
#define VIC_IMPORT_H

#include "pipeline/base/vocab.h"
#include "pipeline/formats/row_reader.h"
#include "pipeline/frame/stage.h"
#include "pipeline/stream/stream.h"

enum import_form { IMPORT_NPY, IMPORT_CSV, IMPORT_TSV, IMPORT_NPZ, IMPORT_SAFETENSORS };

/* What the numbers of a record are, of K classes:
 *   logits, probs  K values
 *   p1             the probability of the second of two classes
 *   confidence     the probability of the class that was predicted; its label says whether that was right. The stream
 *                  has `among` classes: the first is the one predicted, the others share the rest, and the label is 0
 *                  (right) or 1 (wrong). Whatever reads the largest probability and whether it was right, reads that.
 *   counts         K counts or votes, not negative, not all 0: divided by their sum they are probabilities */
enum import_kind { IMPORT_LOGITS, IMPORT_PROBS, IMPORT_P1, IMPORT_CONFIDENCE, IMPORT_COUNTS };

enum { IMPORT_HEADER_AUTO, IMPORT_HEADER_YES, IMPORT_HEADER_NO, IMPORT_LAST_AXIS = -1 };

struct import {
	enum import_form form;
	enum import_kind kind;
	const char *path;
	const char *labels;       /* file of the labels, or NULL */
	const char *array, *labels_array; /* names in NPZ and safetensors, or NULL */
	/* of arrays, from 0; each place of the others is a record. IMPORT_LAST_AXIS: as usual */
	int class_axis;
	const char *classes;      /* "a,b,c", or NULL: the header's names, else 0, 1, 2 ... */
	const char *name;         /* the head's title, or NULL */
	const char *const *ignore; /* [n_ignore] labels that mean "none" */
	size_t n_ignore;
	int among;                /* confidence: classes of the model */
	int labels_from;	  /* the first class's number, of labels that are numbers */
	/* tables; label_column of arrays, too, as "none" or NULL */
	/* name, number from 1, or "none"; NULL: label by default, no ids, no names */
	const char *label_column, *id_column, *name_column;
	char separator;           /* 0: the reader's default */
	enum row_quotes quotes;
	int decimal_comma, header;
	int dtype;                /* enum stream_dtype of tables; an array brings its own */
	int split;
};

/* What the user is told of what was read, in counts. */
struct import_notes {
	struct row_counts rows;
	uint64_t comments; /* lines that begin with '#' and can be no record */
	uint64_t ignored;  /* labels that import.ignore names */
	int unmet;         /* there are none, of those that it names */
	uint64_t clipped;  /* probabilities outside 0..1 by less than IMPORT_ROUNDING */
	int like_probs;    /* all records of logits lie in 0..1 and sum to 1 */
	int like_sigmoids; /* all lie in 0..1, and not all sum to 1 */
	int none_first;	   /* labels are several numbers, of which none is the first class's */
	uint64_t minus;	   /* of two classes labels are 1 and so often -1, which means none, and never 0 */
	/* Records whose id an earlier one has; the first such id, and the lines of the two. */
	uint64_t repeated, repeated_id, repeated_line[2];
};

/* How far a probability may lie outside 0..1: as far as logits_check lets a sum be from 1. */
#define IMPORT_ROUNDING 1e-3

int import_stream(const struct import *im, const json_t *self, struct output *out, struct import_notes *notes,
		  struct err *err) VIC_CHECKED;

/* On stderr. */
void import_say(const struct stage *st, const struct import_notes *notes);

/* Class names and labels (labels.c). */

/* classes_named takes the k names as they are; two that are equal are an error. classes_of cuts them from "a,b,c",
 * which must be k, or for NULL takes the k whole numbers that begin with `from`. */
int classes_named(struct stream_head *head, char **names, int k, struct err *err) VIC_CHECKED;
int classes_of(struct stream_head *head, const char *list, int from, int k, struct err *err) VIC_CHECKED;
/* The name of column number `at` of a header, which is restored, as that of a class: fails where tables call an index,
 * ids or predictions so and --classes does not name the classes. */
int class_in_header(const struct import *im, char *name, size_t at, struct err *err) VIC_CHECKED;

/* How labels are read: names with their numbers, and those that mean none. */
struct labels {
	struct vocab names;  /* class i has number i */
	char *const *name;   /* [n] the head's; borrowed */
	int n, numbered;     /* classes; one is named like a number */
	int from;	     /* number of the first class, where none is named like one */
	int named;	     /* classes have names of their own, not the numbers that stand for none */
	int right;           /* labels say right or wrong: 0 and 1 */
	const char *const *ignore; /* [n_ignore] borrowed */
	size_t n_ignore;
	uint64_t ignored;
	uint64_t minus;		 /* labels that were -1 */
	uint64_t at_first;	 /* numbers that were the first class's */
	int32_t lowest, highest; /* class numbers of labels that were numbers; -1: none yet */
};
/* named: the classes' names were given, by --classes or a header. */
int labels_init(struct labels *l, const struct stream_head *head, const struct import *im, int named,
		struct err *err) VIC_CHECKED;
void labels_release(struct labels *l);
/* A label's text as a class number: a class name, as it is or escaped (text is then restored); or a whole number, also
 * as 1.0 or 1e0, which is the class named by that number, or where none is named like one its number from
 * import.labels_from; of two classes also true and false; empty, -1 and what is ignored are "none" (-1). Errors name no
 * place. */
int label_of(struct labels *l, char *text, int32_t *label, struct err *err) VIC_CHECKED;
/* The same of a number in an array: it is the class's number from import.labels_from, whatever its name. */
int label_numbered(struct labels *l, double v, int32_t *label, struct err *err) VIC_CHECKED;

/* Records on their way into the stream (intake.c). Every one passes intake_add, which alone converts, checks and
 * narrows. */
struct intake {
	const struct import *im;
	struct import_notes *notes;
	const char *path; /* for messages */
	struct stream_head head;
	struct labels labels;
	struct stream_writer *w;
	uint64_t records;
	size_t passes, given; /* passes a record; values of each, as they come */
	size_t n;             /* passes * classes */
	double *value;        /* [passes * given + 1] for the caller */
	double *wide;         /* [n] converted */
	void *narrow;         /* [n] float or double */
	/* [given] of logits and counts: 1 + a where all values so far were a, a + 1, a + 2 ... (a is 0 or 1), else 0 */
	unsigned char *counts;
	size_t counting;      /* how many are not 0 */
	const char *name;     /* of the next record, where import.name_column is given */
};
void intake_init(struct intake *in, const struct import *im, struct import_notes *notes);
/* The classes of records with `given` values each; header: their names, or NULL. May be called again. */
int intake_classes(struct intake *in, size_t given, char **header, struct err *err) VIC_CHECKED;
/* An error, after intake_classes, where there is one value a record of a kind that has one for each class: of one class
 * any logit is a probability of 1. */
int intake_refuse_single(const struct intake *in, struct err *err) VIC_CHECKED;
/* Begins the stream, after intake_classes; head.dtype is set. */
int intake_begin(struct intake *in, size_t passes, const json_t *self, struct output *out, struct err *err) VIC_CHECKED;
int intake_add(struct intake *in, uint64_t id, const double *value, int32_t label, struct err *err) VIC_CHECKED;
void intake_release(struct intake *in);

int import_table(struct intake *in, const json_t *self, struct output *out, struct err *err) VIC_CHECKED;
int import_arrays(struct intake *in, const json_t *self, struct output *out, struct err *err) VIC_CHECKED;

#endif

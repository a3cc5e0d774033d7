/* labelled: the formats that name their own classes: CSV, TSV and fastText. The names must stand in the head,
 * before the first record; so the tokens are kept in memory until all operands are read, and the names are then
 * sorted bytewise. When the names are given beforehand, records pass straight through. Private to tokenize/. */
#ifndef VIC_LABELLED_H
#define VIC_LABELLED_H

#include "pipeline/base/vocab.h"
#include "pipeline/formats/row_reader.h"
#include "sink.h"

enum csv_header { HEADER_AUTO, HEADER_YES, HEADER_NO };

/* How tables are read. label and text: columns of CSV, by a name (its case and white space around do not count where
 * no column has it exactly) or a number that counts from 1; label may be "none". NULL: "label", "text". */
struct columns {
	const char *label, *text;
	const char *name; /* CSV: of the records' names, or NULL */
	enum csv_header header;
	char separator; /* CSV; 0: comma, or what the file says in Excel's first line */
	enum row_quotes quotes;
	const char *asked_by; /* CSV: in place of --text-column, the option of the program that asks; or NULL */
};

struct labelled {
	struct sink *sink;
	struct vocab labels; /* in the order met; or those given */
	int given;           /* labels are fixed, and the sink has begun */
	struct decoder names; /* decodes labels: counts nothing for the report */
	char *tokens;        /* of all records, end to end */
	size_t *end;         /* [n] */
	int32_t *label;      /* [n], -1: none */
	char *name;          /* of all records, end to end */
	size_t *name_end;    /* [n] */
	size_t n, cap_end, cap_label, cap_tokens, cap_name, cap_name_end;
	uint64_t blank;    /* CSV: blank lines passed over */
	uint64_t headers;  /* CSV, TSV: files whose first row was a header */
	uint64_t headless; /* CSV: files whose first row is no header by HEADER_AUTO */
	/* for evidence.h */
	size_t *first, n_first, cap_first; /* records that are the first row of a file without a header */
	char *first_file;                  /* that of the first such */
	int header_said, label_said;       /* by the user: what is a header, which column is the label */
	int null_said;                     /* and that \N is a word */
	char *alike, *one_number;          /* "'pos' and 'Pos', ...", "'1' and '1.0'", or NULL */
	char *missing;                     /* "'nan', 'NULL'": names that stand for no value elsewhere, or NULL */
};

int labelled_init(struct labelled *t, struct sink *s, struct err *err) VIC_CHECKED;
void labelled_release(struct labelled *t);
/* Fixes the classes: names separated by commas, in their order. Errors: a name empty or twice. */
int labelled_give(struct labelled *t, const char *names, struct err *err) VIC_CHECKED;
/* Adds or keeps a record. label NULL: none. Errors: the label is empty, holds NUL, or is none of those given. */
int labelled_put(struct labelled *t, const struct place *at, const char *label, size_t label_len, const char *text,
		 size_t n, struct err *err) VIC_CHECKED;
/* Class names in the order they go into the head: given, or sorted. *names is owned by the caller (one free() for the
 * list, the texts are in it), also after a failure. */
int labelled_classes(struct labelled *t, char ***names, int *n, struct err *err) VIC_CHECKED;
/* Passes what was kept to the sink, which has begun. Call labelled_classes first: it settles the labels' numbers. */
int labelled_drain(struct labelled *t, struct err *err) VIC_CHECKED;

/* The next record is the first row of `file`, which has no header. */
int labelled_first(struct labelled *t, const char *file, struct err *err) VIC_CHECKED;

/* label<TAB>text, one record a line; a first line of two names that labels and texts usually have is a header. */
int read_tsv(struct labelled *t, const char *path, const struct columns *columns, struct err *err) VIC_CHECKED;
/* __label__NAME text; one label a line. */
int read_fasttext(struct labelled *t, const char *path, struct err *err) VIC_CHECKED;
/* RFC 4180, strictly unless columns->quotes is another: a space is part of its field, quotes stand around whole fields,
 * every row has as many columns. */
int read_csv(struct labelled *t, const char *path, const struct columns *columns, struct err *err) VIC_CHECKED;

#endif

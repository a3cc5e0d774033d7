/* sniff: what a file is, by its first bytes, its name and its size, and which program reads it. For the message to
 * somebody who gave a program a file of another kind; nothing is read differently because of it. The kinds known are
 * the table in sniff.c. */
#ifndef VIC_SNIFF_H
#define VIC_SNIFF_H

#include "pipeline/base/err.h"
#include "pipeline/files/io.h"

#include <stddef.h>

enum { SNIFF_BYTES = 4096 }; /* of a file's beginning; more is not looked at */

struct sniffed {
	char what[96];      /* "a CSV table of numbers"; never empty */
	const char *remedy; /* "vic-cat --from csv --kind logits reads it"; never NULL */
	int binary;         /* certainly no text, or none of anybody's data */
	int document;       /* text, but neither lines nor a table: HTML, XML, JSON, an error message */
	int known;          /* 0: what is "of no kind that is known here" */
};

/* head: the first n bytes of the file. name: its path, or "stdin"; its size is asked of the system. */
void sniff(struct sniffed *s, const unsigned char *head, size_t n, const char *name);

/* Each fails with "NAME: is WHAT, not WANTED; REMEDY", and returns -1. wanted: "a vicinal stream". The first of a
 * file's first n bytes; the second of an input of which the first n (at most SNIFF_BYTES) bytes were taken. */
int sniff_refuse(const char *name, const void *head, size_t n, const char *wanted, struct err *err);
int sniff_refuse_input(struct input *in, const void *done, size_t n, const char *wanted, struct err *err);
/* Fails so when what the first n bytes begin is certainly no text, or a document, else 0. unless: what takes documents
 * all the same ("--allow-documents"), for the message; NULL where nothing does, "" where they are taken here. packed:
 * what they were unpacked from ("gzip"), or NULL. */
int sniff_foreign(const char *name, const void *head, size_t n, const char *packed, const char *wanted,
		  const char *unless, struct err *err) VIC_CHECKED;
/* The same of what the input's first read brings; takes no bytes and waits for no more than one read. */
int sniff_text(struct input *in, const char *wanted, const char *unless, struct err *err) VIC_CHECKED;
/* Adds to the message of a parser that gave up " (it is WHAT: REMEDY)", where the path is a regular file that is, or
 * holds packed, a known kind whose name does not hold `own`, the parser's own kind ("CSV"). Returns -1. */
int sniff_explain(const char *path, const char *own, struct err *err);

/* Who reads a stream of that kind: "vic-embed reads tokens, ..."; for a stream given to a program of another kind. */
const char *sniff_stream_remedy(const char *kind);

#endif

/* evidence: is the first row a header, is the label where the label should be? Formats that name their own classes make
 * a class of every value that stands in the label's place, so these are looked at before they are believed. Private to
 * tokenize/. */
#ifndef VIC_EVIDENCE_H
#define VIC_EVIDENCE_H

#include "labelled.h"

/* What columns of labels and of texts are usually called, in any case and with white space around. */
enum column_name { NAME_OTHER, NAME_LABEL, NAME_TEXT };
enum column_name column_name(const char *field, size_t n);
/* Two names, the same but for case and white space around. */
int column_same(const char *field, size_t n, const char *name);

/* Looks at all records kept. Errors: a first row that is nothing but a header; labels that are texts, or different in
 * most records. Fills t->alike. */
int evidence_check(struct labelled *t, struct err *err) VIC_CHECKED;

#endif

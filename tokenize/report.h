/* report: what vic-tokenize took, on stderr: splits, classes with their records, and all that was dropped, passed over
 * or read in another way than it stood. Private to tokenize/. */
#ifndef VIC_TOKENIZE_REPORT_H
#define VIC_TOKENIZE_REPORT_H

#include "labelled.h"
#include "pipeline/frame/stage.h"

/* name: [n] the classes in the head's order. */
void report_sink(const struct stage *st, const struct sink *s, const char *const *name, int n);
void report_labelled(const struct stage *st, const struct labelled *t);

#endif

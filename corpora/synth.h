/* synth: the files of a synthetic text corpus (grammar.h says how the sentences come about).
 *
 *   rt-polarity.neg, rt-polarity.pos   two classes: MR's own files, sentences of class 0 and of class 1
 *   synth.tsv                          more than two: class<TAB>text, no header; classes "class0", "class1", ...
 *   posterior.tsv                      header "record" and the class names; then for each record, numbered as
 *                                      vic-tokenize numbers it (rt-polarity.neg first), P(class | sentence) with 17
 *                                      digits
 *   vectors.txt                        GloVe's format, most frequent words first; about one word in 25 is left out, so
 *                                      that there are unknown words as in real text
 *   README.txt                         settings, model and what the best possible classifier scores
 *
 * Same settings, same bytes. */
#ifndef VIC_SYNTH_H
#define VIC_SYNTH_H

#include "grammar.h"

struct synth_config {
	struct grammar_config grammar;
	uint64_t n; /* sentences */
	int dim;
};

/* Of the sentences that were written. */
struct synth_summary {
	double expected;	     /* mean of max_y P(y | x): accuracy of the best classifier, in expectation */
	double realised;	     /* its accuracy on the labels that were drawn */
	double entropy;		     /* mean entropy of P(y | x), nats */
	double length;		     /* mean number of words */
	uint64_t n, types, left_out; /* left_out: words without a vector */
	uint64_t of_class[CLASSES_MAX];
};

/* Writes the files into `folder`, which is made where it is missing and then removed again on failure. All files are
 * put in place at the end, each whole. */
int synth_text(const struct synth_config *config, const char *folder, struct synth_summary *sum,
	       struct err *err) VIC_CHECKED;
/* "neg" and "pos" for two classes, else "classN". */
void synth_class_name(int classes, int y, char name[16]);

#endif

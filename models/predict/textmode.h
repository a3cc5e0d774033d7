/* textmode: lines of text in, labels out, by way of vic-tokenize with the options that the model's provenance has. */
#ifndef VIC_TEXTMODE_H
#define VIC_TEXTMODE_H

#include "calibrated.h"
#include "pipeline/frame/stage.h"
#include "predictor.h"

enum text_header { TEXT_HEADER_AUTO, TEXT_HEADER, TEXT_NO_HEADER };

struct text_source {
	const char *path;   /* a text file or "-" */
	const char *column; /* of a CSV table, by name or number from 1; NULL: a text a line */
	const char *separator; /* of its columns, as vic-tokenize takes it; NULL: its default */
	int header;	       /* enum text_header; auto: a column's name needs one, of a number the tokenizer judges */
};

/* `map`: what the answers go through, or NULL. Writes to stdout `top_k` (0: all) pairs LABEL<TAB>PROBABILITY a line:
 * of lines each as soon as it is there, of a table when it was read. */
int textmode_run(struct stage *st, struct predictor *p, struct calibrated *map, const struct text_source *text,
		 int top_k, struct err *err) VIC_CHECKED;

#endif

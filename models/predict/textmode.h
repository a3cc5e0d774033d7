/* textmode: lines of text in, labels out, by way of vic-tokenize: models know no words, so the tokenizer that made the
 * training data is run beside this program, with the options the model's provenance has, and its stream is read. */
#ifndef VIC_TEXTMODE_H
#define VIC_TEXTMODE_H

#include "calibrated.h"
#include "pipeline/frame/stage.h"
#include "predictor.h"

/* `path`: a text file or "-". `map`: what the answers go through, or NULL. Writes to stdout
 * `top_k` (0: all) pairs LABEL<TAB>PROBABILITY a line, flushed line by line. */
int textmode_run(struct stage *st, struct predictor *p, struct calibrated *map, const char *path, int top_k,
		 struct err *err) VIC_CHECKED;

#endif

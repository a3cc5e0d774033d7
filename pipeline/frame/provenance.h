/* provenance: what a stream's history says, as commands that would make it again. */
#ifndef VIC_PROVENANCE_H
#define VIC_PROVENANCE_H

#include "pipeline/base/err.h"

#include <jansson.h>

/* The history as shell text, a stage a line, "|" between; *text is owned by the caller, freed with free(). A stage that
 * used a model (vic-predict) carries the model's own history under "model": it comes first, as a pipeline that ends in
 * "> MODEL-FILE", once each. So does one that applied a calibration map (vic-calibrate --apply), under "map": "args"
 * and "history" of the run that fitted it. An empty history is an empty text. Errors: a line that is not a program with
 * its arguments. */
int provenance_shell(const json_t *history, char **text, struct err *err) VIC_CHECKED;

#endif

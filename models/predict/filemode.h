/* filemode: pictures in, labels out, by way of vic-images: decoded and resized as the records of the training were,
 * with the options that the model's provenance has. */
#ifndef VIC_FILEMODE_H
#define VIC_FILEMODE_H

#include "calibrated.h"
#include "predictor.h"

/* How pictures come to the model's size where its provenance does not say. */
enum file_fit { FILE_FIT_NONE, FILE_FIT_CROP, FILE_FIT_STRETCH };

/* paths[n]: files, folders, "-" for a list of names on stdin. `map`: what the answers go through, or NULL. Writes
 * NAME<TAB> and `top_k` (0: all) pairs LABEL<TAB>PROBABILITY a line to stdout, in the order of the names. Pictures that
 * do not decode are named on stderr, and when all others are answered that is an error. Errors too: a model whose
 * records were no pictures of one pass of vic-images, or were changed since; `fit` given and not needed, or needed and
 * not given. */
int filemode_run(struct predictor *p, struct calibrated *map, char *const *paths, int n, int fit,
		 int top_k, struct err *err) VIC_CHECKED;

#endif

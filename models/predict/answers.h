/* answers: a record's logits as LABEL<TAB>PROBABILITY pairs, likeliest first, and the programs that make the records:
 * models know neither words nor pictures, so the program that made the training data is run beside this one, told the
 * arguments of then, and its stream is read. */
#ifndef VIC_ANSWERS_H
#define VIC_ANSWERS_H

#include "calibrated.h"
#include "pipeline/files/spawn.h"
#include "predictor.h"

struct answers {
	const struct model *model; /* borrowed */
	struct calibrated *map;	   /* borrowed; or NULL */
	int top_k;		   /* 0: all */
	struct output out;	   /* stdout */
	double *prob;		   /* [classes] */
	struct ranked *rank;	   /* [classes] */
};

/* Released by answers_release, also after a failure. */
int answers_open(struct answers *a, const struct model *model, struct calibrated *map, int top_k,
		 struct err *err) VIC_CHECKED;
void answers_release(struct answers *a);
/* The pairs of z[classes], tabs between, and a line end. Errors: the map's, of output. */
int answers_put(struct answers *a, const float *z, struct err *err) VIC_CHECKED;

/* The newest line of the model's provenance that `program` wrote; NULL: there is none. */
const json_t *peer_line(const struct model *m, const char *program);
/* A command line: `path`, "--line-as-in" and the options in `line` (which may be NULL), "--", and rest[0..n). *argv
 * ends with NULL and is owned by the caller; what it points to is not. */
int peer_command(char *path, const json_t *line, char *const *rest, size_t n, char ***argv, struct err *err)
	VIC_CHECKED;
/* Starts it on this program's stdin. *from: where its stream comes out, closed by the caller. */
int peer_start(char **argv, struct child *child, int *from, struct err *err) VIC_CHECKED;

#endif

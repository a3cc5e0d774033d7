/* calibrated: a calibration map (pipeline/formats/calfile.h) on a model's answers, as vic-calibrate --apply has it on a
 * stream of them. */
#ifndef VIC_CALIBRATED_H
#define VIC_CALIBRATED_H

#include "models/files/modelfile.h"
#include "pipeline/formats/calfile.h"

struct calibrated {
	struct calfile file;
	const char *path; /* borrowed */
	int n;            /* classes */
	double *room;	  /* [5 n] */
	struct sketch *seen; /* of the records that were predicted */
};

/* Errors: the file's; classes that are not the model's, by number and name. On failure *m is released. */
int calibrated_open(struct calibrated *m, const char *path, const struct model *model, struct err *err) VIC_CHECKED;
void calibrated_release(struct calibrated *m); /* a zeroed one is fine */
/* 1 when out is probabilities and not logits. */
int calibrated_gives_probs(const struct calibrated *m);
/* One record's [samples][n] logits to out[n]; of several samples the mapped logarithms of their mean probabilities, as
 * a map of such records is fitted. Errors: no finite number. */
int calibrated_apply(struct calibrated *m, const float *logits, int samples, double *out, struct err *err) VIC_CHECKED;
/* After calibrated_apply of a record: notes it, and refuses at every doubling of the records where those that the map
 * was fitted on are among them; at the end, with last set, once more. *seen: calfile_refuse_fitted's. */
int calibrated_refuse_fitted(struct calibrated *m, int last, uint64_t *seen, struct err *err) VIC_CHECKED;
/* z[n] to probabilities p[n], which may be z. */
void calibrated_softmax(const double *z, int n, double *p);

#endif

/* calfile: a calibration map as a file, with what it was fitted on, and the check that it is not judged on the same.
 *
 * JSON, sealed (pipeline/formats/seal.h): "vicinal map" (version 2; 1, which had no seal, is read too), "method",
 * "parameters", "classes", "fit" {records, split, name, digest, sketch, provenance, steps, gradient,
 * interval [low, high] of a temperature, cautions ["wide", ..], ...}, "tool".
 * The sketch holds the SKETCH smallest of the fitted records' 64-bit fingerprints (id, label and values): a stream
 * that shares a share f of those records hits about f SKETCH of them, so all but traces of overlap are seen, whatever
 * the streams are called, in a file whose size does not grow with the data. */
#ifndef VIC_CALFILE_H
#define VIC_CALFILE_H

#include "calmap.h"
#include "pipeline/stream/stream.h"

enum { SKETCH = 256, CALFILE_MAX = 1 << 28, CALFILE_VERSION = 2 };

/* vic-conformal's threshold, a file of the same form (eval/conformal/threshold.h). */
#define CONFORMAL_KEY "vicinal conformal"
#define CONFORMAL_WHAT "conformal threshold"

struct sketch {
	size_t n;
	uint64_t print[SKETCH]; /* rising */
	uint64_t records; /* all that were added; after calfile_load, the file's number */
	uint64_t sum;	  /* of the prints of all that were added, a digest that no order changes; after calfile_load,
			   * of print[] alone, since the file's digest is text, in "fit" */
};

/* Fingerprint of one record, from its id, label and logits (or probabilities) in float64. */
uint64_t record_print(uint64_t id, int32_t label, const double *v, size_t n);
void sketch_add(struct sketch *s, uint64_t print);
/* 1 when the print is in the sketch, else 0: summed over other records' prints, how many of them were fitted on. */
int sketch_has(const struct sketch *s, uint64_t print);

struct calfile {
	const char *what; /* "map", or what else was fitted, for messages */
	int version; /* 1: the file has no checksum, damage could not be seen */
	struct calmap map;
	struct sketch sketch;
	int n_classes;
	char **classes;	    /* owned */
	char *split, *name; /* of the records it was fitted on; owned */
	json_t *fit, *args; /* "fit" and the tool's arguments; owned */
};

/* Errors name the path and what is wrong. On failure *f is released. */
int calfile_load(struct calfile *f, const char *path, struct err *err) VIC_CHECKED;
/* A sealed file of JSON of this form, a `what` ("calibration map") whose member `key` holds its version. *j is a new
 * reference. */
int calfile_read(json_t **j, const char *path, const char *what, const char *key, int *version,
		 struct err *err) VIC_CHECKED;
/* Of a file of JSON what it says of its fit: "classes", "fit" and "tool". Not the map; f->map.k is the number of
 * classes. Whoever fits something else than a map keeps it in the same form. On failure release *f. */
int calfile_take_fit(struct calfile *f, const json_t *j, struct err *err) VIC_CHECKED;
void calfile_release(struct calfile *f);
/* 0 when the stream has the fit's classes, by number and name. */
int calfile_fits(const struct calfile *f, const struct stream_head *head, const char *name,
		 struct err *err) VIC_CHECKED;
/* Sets "map" in a stage's provenance line: what was applied and what it was fitted on, so that a report can tell. */
int calfile_note(const struct calfile *f, json_t *line, struct err *err) VIC_CHECKED;

#endif

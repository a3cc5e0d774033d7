/* calfile: a calibration map as a file, with what it was fitted on, and the check that it is not judged on the same.
 *
 * JSON, sealed (pipeline/formats/seal.h): "vicinal map" (version 3; 1, which had no seal, and 2 are read too),
 * "method", "clip" where there is one, "parameters", "classes", "fit" {records, split, name, digest, sketch,
 * provenance, steps, gradient, interval [low, high] of a temperature, cautions ["wide", ..], ...}, "tool". The sketch
 * (sketch.h) is of the fitted records' values, 16 hexadecimal digits a print, with "*3" after one that came three
 * times. It does not grow with the data. Before version 3 a print was of id and label, too, and cannot be compared:
 * such a map's sketch is empty (unguarded is 1). */
#ifndef VIC_CALFILE_H
#define VIC_CALFILE_H

#include "calmap.h"
#include "pipeline/stream/stream.h"
#include "sketch.h"

enum { CALFILE_MAX = 1 << 28, CALFILE_VERSION = 3 };

/* vic-conformal's threshold, a file of the same form (eval/conformal/threshold.h). */
#define CONFORMAL_KEY "vicinal conformal"
#define CONFORMAL_WHAT "conformal threshold"

struct calfile {
	const char *what; /* "map", or what else was fitted, for messages */
	int version; /* 1: the file has no checksum, damage could not be seen */
	int unguarded; /* 1: before version 3, so it cannot be told what it was fitted on */
	struct calmap map;
	struct sketch *sketch; /* owned */
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
/* -1 where the records of `now` are those that the map was fitted on, or hold enough of them to be sure. what: of what
 * the records are, and remedy: what else to do, for the message. Else 0; *seen says how many different values are in
 * both. */
int calfile_refuse_fitted(const struct calfile *f, const struct sketch *now, const char *what, const char *remedy,
			  uint64_t *seen, struct err *err) VIC_CHECKED;
/* What is to be said after 0: that it could not be told, or that a few records look the same. text: of `size` bytes;
 * empty where there is nothing. */
void calfile_seen_text(const struct calfile *f, uint64_t seen, char *text, size_t size);
/* Sets "map" in a stage's provenance line: what was applied and what it was fitted on, so that a report can tell. */
int calfile_note(const struct calfile *f, json_t *line, struct err *err) VIC_CHECKED;

#endif

/* noisegen: the streams that vic-images --gaussian-like and vic-perturb write. */
#ifndef VIC_NOISEGEN_H
#define VIC_NOISEGEN_H

#include "noise.h"
#include "pipeline/files/io.h"
#include "pipeline/base/pool.h"
#include "pipeline/stream/stream.h"

struct noise_options {
	const char *like; /* stream whose train records give the moments; "-" for stdin */
	int64_t n;
	uint64_t seed;
	int raw;	  /* round and clip to bytes */
	const char *mark; /* split of the records; NULL: test */
	const char *name; /* title, or NULL: "Gaussian noise" */
};

/* Writes n noise images with the head (classes, shape) of the stream; labels are -1, ids 0... Errors: as the reader's;
 * no train record; JPEG records. */
int noise_like(const struct noise_options *opt, struct pool *pool, struct output *out, const json_t *self,
	       struct err *err) VIC_CHECKED;

struct perturb_options {
	double mu;
	int unit;	    /* divide the direction by its length */
	int raw;	    /* round and clip to bytes */
	int64_t directions; /* records written for each one read */
	uint64_t seed;
	const char *only; /* split to keep, or NULL */
};
struct perturb_report {
	uint64_t records, clipped, values; /* written; values clipped, of how many (raw) */
	double length;			   /* mean |d| */
};

/* Reads every document of `path` ("-": stdin) and writes it perturbed; ids, labels and splits stay. The direction of
 * the r-th record read and kept, k-th copy, is that of (seed, k, r). */
int perturb_stream(const char *path, const struct perturb_options *opt, struct pool *pool, struct output *out,
		   const json_t *self, struct perturb_report *report, struct err *err) VIC_CHECKED;

#endif

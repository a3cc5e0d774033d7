/* pack_parts: what packing shares with choosing what the records are to be. Private to vision/records/. */
#ifndef VIC_PACK_PARTS_H
#define VIC_PACK_PARTS_H

#include "pack.h"

enum { BATCH_MAX = 256, BATCH_MIN = 8, BATCH_BYTES = 64 << 20 };

struct slot {
	struct item item;
	struct image im;     /* finished */
	unsigned char *file; /* or the file's bytes, owned */
	size_t file_len, file_cap;
	char *name; /* the record's, owned; NULL where the head has none */
	size_t name_len;
	struct image_info info; /* what a look at the header said */
	int rc;
	int refused; /* the image is good, and cannot be had as asked for */
	struct err err;
	char note[128];
};

struct packer {
	struct source *s;
	const struct pack_options *opt;
	struct pack_report *report;
	struct pool *pool;
	struct filter filter;
	struct want want; /* h 0: none */
	int encoding, channels;
	int h, w;		   /* what every raw record must have; 0: the first one says */
	char first[1024];	   /* which one that was */
	struct slot *slot, *ready; /* [BATCH_MAX] each: being decoded; decoded */
	int batch, n, n_ready;
	struct scratch *scratch; /* [threads] */
	/* the writer's side, which one thread at a time works on */
	struct stream_writer *writer;
	struct output *out;
	const json_t *self;
	int failed; /* with err filled */
	struct err err;
};

/* The next kept items, into p->slot; p->n == 0 at the end. */
int pack_fill(struct packer *p, struct err *err) VIC_CHECKED;
/* An image that cannot be had. One that is bad is counted, or ends the run; what the system could not do (no memory, no
 * descriptor, a disk that fails, no permission, a file that is gone) says nothing of the image, and always ends it. */
int pack_bad(struct packer *p, struct slot *t, struct err *err) VIC_CHECKED;
/* Sets encoding, size, channels and the length of a batch from what is asked for and what the source is. */
int pack_choose(struct packer *p, struct err *err) VIC_CHECKED;

#endif

/* pictures: JPEG records to pixels, by threads of their own, while the caller computes with others: so a batch is
 * decoded while the one before it is trained on. The pixels are those that vic-images writes with --resize; no result
 * depends on threads. Memory is what is asked for at once, never all of a data set. */
#ifndef VIC_PICTURES_H
#define VIC_PICTURES_H

#include "dataset.h"
#include "models/ranks/ranks.h"
#include "pipeline/frame/progress.h"

struct pictures;
/* Records of a data set that are decoded together. Zeroed at first; its memory is kept from use to use. */
struct decoding {
	/* the caller's, borrowed until pictures_await */
	const struct dataset *data;
	const uint32_t *record; /* [n] */
	int n;
	/* from pictures_begin on, but undefined until pictures_await: [n] records of stream_head's size, end to end */
	unsigned char *pixel;
	size_t cap;
	/* the rest is this module's */
	struct decoding *next;
	int busy;
	int bad; /* the first of them that cannot be had, -1: none */
	struct err *why;
};

/* threads: as pool_open. */
int pictures_open(struct pictures **p, int threads, struct err *err) VIC_CHECKED;
void pictures_close(struct pictures *p); /* nothing may be busy; NULL is fine */
/* Begins with what d->data, d->record and d->n say, and returns at once; d may not move until it is awaited. */
int pictures_begin(struct pictures *p, struct decoding *d, struct err *err) VIC_CHECKED;
/* Waits until it is done; at once where nothing was begun. A record that does not decode is an error, which names the
 * first of them and the cause. */
int pictures_await(struct pictures *p, struct decoding *d, struct err *err) VIC_CHECKED;
void decoding_release(struct decoding *d); /* awaited */
/* Decodes every record marked train or dev once, each rank its share: so that one that is damaged ends a run before its
 * first step, and d->images.moments are those of the records marked train. r: NULL, or the ranks of the run, which meet
 * here. `progress`: begun by the caller. */
int pictures_look(struct dataset *d, int threads, struct ranks *r, struct progress *progress,
		  struct err *err) VIC_CHECKED;
/* Bytes of a decoded record. */
size_t pictures_bytes(const struct dataset *d);

#endif

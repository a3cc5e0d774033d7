/* source: a data set as a numbered list of images with labels, whatever format it has. Labels, splits and ids are known
 * before an image is decoded, so that what is filtered out costs nothing; decoding one image is safe in any thread. */
#ifndef VIC_SOURCE_H
#define VIC_SOURCE_H

#include "archive.h"
#include "vision/pixels/codec.h"
#include "vision/pixels/image.h"
#include "pipeline/stream/stream.h"

struct item {
	uint64_t id;		    /* number in the source, or as in the stream read */
	int32_t label;		    /* -1: none */
	int split;		    /* enum stream_split */
	size_t at;		    /* the source's own number of it */
	const unsigned char *bytes; /* where the record is in memory already: until the source's next `next` */
	size_t len;
	const char *name; /* the record's, of a stream, as long as bytes; else NULL: ops->name says */
	size_t name_len;
};

/* One thread's memory while loading. */
struct scratch {
	struct image a, b;
	unsigned char *bytes;
	size_t cap;
};
void scratch_release(struct scratch *s);

struct source_options {
	struct codec_options codec;
	int coarse;	     /* cifar100: the 20 coarse labels */
	int fold;	     /* stl10: this fold's training images only; -1 for all */
	const char *classes; /* names, comma-separated, instead of the source's own; or NULL */
	const char *title;   /* head.name instead of the source's own; or NULL */
	const char *labels;  /* folder: a file of names and classes (labels.c); or NULL */
	int labels_from;     /* idx: the number of the first class */
	int transpose;	     /* idx: pictures lie column by column */
	int no_splits;	     /* folder: no folder's name stands for a split */
	int allow_empty;     /* folder: a class may have no picture */
};

struct source;
/* What a format supplies. */
struct source_ops {
	/* Up to `max` items in order; *n == 0 at the end. */
	int (*next)(struct source *s, struct item *item, int max, int *n, struct err *err) VIC_CHECKED;
	/* One image, decoded as codec_decode says (want may be NULL; note: 128 bytes). Any thread. */
	int (*load)(const struct source *s, const struct item *item, const struct want *want, struct image *out,
		    struct scratch *scratch, char *note, struct err *err) VIC_CHECKED;
	/* The file's own bytes; NULL where records are not files. Any thread. */
	int (*file)(const struct source *s, const struct item *item, const unsigned char **bytes, size_t *len,
		    struct scratch *scratch, struct err *err) VIC_CHECKED;
	/* "path: record 7" or a file's name. */
	void (*describe)(const struct source *s, const struct item *item, char *text, size_t size);
	/* The picture's path, whole; owned by the caller. NULL where records are not files. */
	int (*name)(const struct source *s, const struct item *item, char **name, struct err *err) VIC_CHECKED;
	/* See source_more; NULL where there is only ever one document. */
	int (*more)(struct source *s, struct err *err) VIC_CHECKED;
	void (*release)(struct source *s);
};

struct source {
	const struct source_ops *ops;
	struct source_options opt;
	/* classes, name; height, width, channels where every record has them, else 0; names: what ops->name says */
	struct stream_head head;
	struct archive archive;
	size_t n, done; /* items in all, where it is known; handed out */
	/* indexed formats: [n] */
	int32_t *label;
	uint8_t *split;
	uint64_t *where; /* format's own */
	size_t cap_label, cap_split, cap_where;
	char **note; /* [notes] sentences for the report; owned */
	size_t notes, cap_note;
	int says_split;	       /* the data says which split a record is of; else all are train for want of a word */
	void *own;	       /* format's own */
	const json_t *history; /* provenance of the stream read, borrowed; NULL otherwise */
};

enum source_format {
	SOURCE_CIFAR10,
	SOURCE_CIFAR100,
	SOURCE_STL10,
	SOURCE_IDX,
	SOURCE_FOLDER,
	SOURCE_STREAM,
	SOURCE_FILES
};
#define SOURCE_FORMATS "cifar10|cifar100|stl10|idx|folder|stream|files"

/* paths: [n], n >= 1 ("-": stdin; of SOURCE_FILES a list of names, a name a line), borrowed until source_release. On
 * failure *s is released. */
int source_open(struct source *s, enum source_format format, char *const *paths, int n,
		const struct source_options *opt, struct err *err) VIC_CHECKED;
void source_release(struct source *s);
/* 1 when another document follows (in a stream of several), whose head and history are then in *s; 0 when none does. */
int source_more(struct source *s, struct err *err) VIC_CHECKED;
/* Begins again; not for streams. */
void source_rewind(struct source *s);

/* The formats' parts of source_open; the archive is open (cifar, stl10, idx, folder). */
int cifar_open(struct source *s, int fine_and_coarse, struct err *err) VIC_CHECKED;
int stl10_open(struct source *s, struct err *err) VIC_CHECKED;
int idx_open(struct source *s, struct err *err) VIC_CHECKED;
int folder_open(struct source *s, struct err *err) VIC_CHECKED;
int restream_open(struct source *s, const char *path, struct err *err) VIC_CHECKED;
int files_open(struct source *s, char *const *paths, int n, struct err *err) VIC_CHECKED;

/* Shared by the formats. */
int source_add(struct source *s, int32_t label, int split, uint64_t where, struct err *err) VIC_CHECKED;
int source_next_indexed(struct source *s, struct item *item, int max, int *n, struct err *err) VIC_CHECKED;
/* Class names from a text file of one name a line (a last empty line and CR are let pass), exactly `n` of them (0: any
 * number). */
int source_classes_from(struct source *s, const struct entry *e, int n, struct err *err) VIC_CHECKED;
/* n names: the numbers from `first` on. */
int source_classes_numbered(struct source *s, int first, int n, struct err *err) VIC_CHECKED;
/* Adds a sentence to s->note. */
int source_note(struct source *s, struct err *err, const char *fmt, ...) VIC_CHECKED
	__attribute__((format(printf, 3, 4)));

#endif

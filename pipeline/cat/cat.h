/* cat: the ways in which vic-cat shows one document of a stream; the way back is import.h.
 *
 * Every function reads the reader's present document to its end (so that a cut or damaged one is an error) and writes
 * to `out`. Private to pipeline/. */
#ifndef VIC_CAT_H
#define VIC_CAT_H

#include "pipeline/files/io.h"
#include "pipeline/stream/moments.h"
#include "pipeline/stream/stream.h"
#include "pipeline/base/vocab.h"
#include "pipeline/stream/wordmap.h"

/* Which records are wanted. */
struct pick {
	int split;      /* enum stream_split, or -1: all */
	uint64_t limit; /* at most so many in all documents */
	uint64_t taken;
};

/* 1 when record i of the block is wanted; counts it. */
int pick_record(struct pick *p, const struct block *b, uint32_t i);

/* The text twin: '#' lines (the head as JSON, the columns' names), then a line a record: id, split, label, contents,
 * separated by tabs. `number` of the document, from 1. The form is described in docs/STREAM.md. */
int cat_twin(struct stream_reader *r, uint64_t number, struct pick *pick, struct output *out,
	     struct err *err) VIC_CHECKED;
/* The word table: word, origin and vector of each, separated by tabs, the vector's values by spaces. */
int cat_words(struct stream_reader *r, struct output *out, struct err *err) VIC_CHECKED;
/* The head, counts and provenance as one JSON object on one line. */
int cat_head(struct stream_reader *r, struct output *out, struct err *err) VIC_CHECKED;
/* The stages passed, as a shell pipeline, one a line. Arguments are quoted where the shell would change them. */
int cat_provenance(struct stream_reader *r, struct output *out, struct err *err) VIC_CHECKED;
/* The label's class name, escaped, or "-". */
int cat_label(struct output *out, const struct stream_head *head, int32_t label, struct err *err) VIC_CHECKED;

/* What --check reads beside streams: models, checkpoints and any other safetensors file, and calibration maps, told by
 * their first bytes. Returns 0 when `path` is a stream (or nothing known), now open as *r; 1 when it was another file
 * and is whole, *sealed 1 when it has checksums. */
int check_open(struct stream_reader **r, const char *path, int *sealed, struct err *err) VIC_CHECKED;
/* Reads the present document to its end, values, tokens and words included (docs/STREAM.md: what a reader must
 * refuse). */
int check_document(struct stream_reader *r, struct err *err) VIC_CHECKED;

/* What --stats counts, over all documents of all inputs; they must be of one head (stream_head_same). */
struct stats {
	struct stream_head head; /* of the first document */
	uint64_t documents, records, split[SPLIT_COUNT], unlabelled, named;
	uint64_t *labelled;      /* [n_classes] */
	/* tokens, text */
	uint64_t tokens, longest, empty, table, initialised;
	struct vocab types;      /* kind tokens */
	struct wordmap map;      /* kind text */
	unsigned char *seen;     /* [words] kind text: the word occurs */
	size_t cap_seen;
	uint64_t n_seen;
	/* images */
	uint64_t bytes;
	struct moments moments; /* raw and f32 */
	/* logits */
	double least, greatest;  /* of the finite values */
	uint64_t minus_inf;
};
/* Takes a document. A zeroed struct is empty. */
int stats_add(struct stats *s, struct stream_reader *r, struct err *err) VIC_CHECKED;
int stats_print(const struct stats *s, struct output *out, struct err *err) VIC_CHECKED;
void stats_release(struct stats *s);

/* Records as NPY, CSV, TSV or portable pixmaps, over all documents; they must be of one head. */
enum export_form { EXPORT_NPY, EXPORT_CSV, EXPORT_TSV, EXPORT_PNM };
struct export;
/* `labels`: file for the labels (NPY, int64 [n]) or NULL: they are the first column. `out` is borrowed. */
int export_open(struct export **e, enum export_form form, const char *labels, struct output *out,
		struct err *err) VIC_CHECKED;
int export_document(struct export *e, struct stream_reader *r, struct pick *pick, struct err *err) VIC_CHECKED;
/* Writes what had to wait for the number of records. */
int export_finish(struct export *e, struct err *err) VIC_CHECKED;
void export_close(struct export *e); /* NULL is fine */

#endif

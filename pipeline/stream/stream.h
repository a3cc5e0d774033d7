/* stream: the one binary format that stages speak; docs/STREAM.md is its page. A stream is one or more documents, laid
 * end to end. A document is
 *
 *   signature   64 bytes: 89 'V' 'I' 'C' 0D 0A 1A 0A, u16 major, u16 minor, zeros
 *   HEAD        JSON: kind, classes and what the kind needs
 *   PROV        JSON, one for each stage passed, oldest first
 *   WORD ...    kind text only: the word table, in blocks
 *   ROWS ...    records, in blocks of about 1 MiB
 *   DONE        counts and a checksum over all blocks
 *
 * Everything is little-endian. A block is a 64-byte header and a payload padded with zeros to 64 bytes:
 *   header: char type[4], u32 CRC-32 of the payload (before padding), u64 payload bytes, u32 records, u32 zero,
 *           u32 CRC-32 of the 24 bytes before, zeros.
 *   ROWS payload: columns, each padded with zeros to a multiple of 64 bytes from the payload's start:
 *           u64 id[n]; i32 label[n] (-1: none); u8 split[n];
 *           u32 end[n] (only where records differ in size: record i is data[end[i-1]..end[i]));
 *           u32 name_end[n]; names (both only where HEAD's "columns" has "name"); data, not padded.
 *   WORD payload: u32 n, u32 dim, u64 zero x 7; u32 end[n]; u8 origin[n]; text bytes; f32 vector[n][dim]; padded as
 *   above.
 *   DONE payload: u64 records, u64 ROWS blocks, u32 CRC-32 over the CRCs (as stored) of all blocks before, u32 zero.
 *
 * A reader never yields a block whose CRC differs, and a document that ends without DONE is an error that says after
 * which record it was cut. Every length is bounded before memory is taken. */
#ifndef VIC_STREAM_H
#define VIC_STREAM_H

#include "pipeline/base/err.h"
#include "pipeline/files/io.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum {
	STREAM_MAJOR = 1,
	STREAM_MINOR = 0,
	STREAM_BLOCK = 1 << 20,           /* a writer closes a block at about this size */
	STREAM_MAX_BLOCK = 256 << 20,     /* no payload is larger: one record is at most this long */
	STREAM_MAX_HEAD = 16 << 20,       /* JSON of HEAD or one PROV */
	STREAM_MAX_CLASSES = 1000000,
	STREAM_MAX_ROWS = 1 << 24,        /* records in one block */
	STREAM_MAX_DIM = 65536,
	STREAM_MAX_CHANNELS = 4,
	STREAM_MAX_NAME = 65535,          /* bytes of one record's name */
};

/* tokens: a record is the line's tokens, joined by single spaces (UTF-8, may be empty).
 * text:   a record is u32 id[]: indices into the word table of the same document.
 * images: encoding "raw": u8 [h][w][c]; "jpeg": the file's bytes, any size; "f32": f32 [h][w][c], finite, in units
 * where
 *         1.0 is a byte's 255, for pixels that leave [0, 1] (noise, perturbations): x_f32 = x_u8 / 255.
 * logits: f32 or f64 [samples][classes]; values "logits" or "probs". */
enum stream_kind { STREAM_TOKENS, STREAM_TEXT, STREAM_IMAGES, STREAM_LOGITS };
enum stream_split { SPLIT_TRAIN, SPLIT_DEV, SPLIT_TEST, SPLIT_EXTRA, SPLIT_COUNT };
enum stream_dtype { DTYPE_F32, DTYPE_F64 };
enum stream_values { VALUES_LOGITS, VALUES_PROBS };
enum stream_encoding { ENCODING_RAW, ENCODING_JPEG, ENCODING_F32 };

const char *stream_kind_name(enum stream_kind kind);
const char *split_name(int split); /* "train", "dev", "test", "extra" */
/* -1 when there is no such split. */
int split_of(const char *name);

/* What HEAD says. Fields of other kinds are zero. */
struct stream_head {
	enum stream_kind kind;
	int n_classes;          /* 0: labels are unknown, every label is -1 */
	char **classes;         /* [n_classes] names, UTF-8; owned by the struct */
	int dim;                /* text: floats in a word vector */
	int height, width, channels, encoding; /* images; 0 sizes with jpeg: each record its own */
	int dtype, values, samples; /* logits; samples: stochastic passes a record, 1 usually */
	char *name;             /* short title for tables ("MR", "kimcnn mixup 0.4"), or NULL; owned */
	int names;              /* 1: each record has a name (a file's, an id of other people's), which may be empty */
};

/* Bytes of one record, or 0 where records differ in size. */
size_t stream_record_size(const struct stream_head *head);
int stream_head_copy(struct stream_head *to, const struct stream_head *from, struct err *err) VIC_CHECKED;
/* Replaces the class names; copies them. */
int stream_head_classes(struct stream_head *head, int n, const char *const *names, struct err *err) VIC_CHECKED;
void stream_head_release(struct stream_head *head);
/* The class of this name, or -1. stream_class_of takes a number too, but a name first: a class called "1" is found by
 * it. */
int stream_class_named(const struct stream_head *head, const char *name);
int stream_class_of(const struct stream_head *head, const char *text);
/* 0 when records of b may follow records of a in one column (kind, classes, shape, dtype); else -1 and what differs.
 * Either may lack names: the records then have empty ones. */
int stream_head_same(const struct stream_head *a, const struct stream_head *b, struct err *err) VIC_CHECKED;

/* A block as read; pointers live until the next call on the reader, and may be written to. */
enum block_type { BLOCK_END, BLOCK_WORDS, BLOCK_ROWS };
struct block {
	enum block_type type;
	uint32_t n;
	uint64_t first; /* number of the block's first record (or word) in its document, from 0 */
	/* ROWS */
	uint64_t *id;
	int32_t *label;
	uint8_t *split;
	uint32_t *end; /* NULL where all records have stream_record_size */
	uint32_t *name_end; /* name i is name[name_end[i-1]..name_end[i]); NULL where the head has no names */
	char *name;         /* any bytes, not terminated */
	unsigned char *data;
	size_t data_len;
	/* WORDS */
	uint32_t *word_end; /* word i is word[word_end[i-1]..word_end[i]) */
	uint8_t *origin;    /* enum word_origin */
	char *word;
	float *vector; /* [n][dim] */
};
enum word_origin { WORD_PRETRAINED, WORD_INITIALISED };

/* Record i of a ROWS block. */
static inline const unsigned char *block_record(const struct block *b, size_t record_size, uint32_t i, size_t *len)
{
	size_t from = b->end ? (i ? b->end[i - 1] : 0) : i * record_size;
	*len = b->end ? b->end[i] - from : record_size;
	return b->data + from;
}

/* Name of record i; empty where there are none. */
static inline const char *block_name(const struct block *b, uint32_t i, size_t *len)
{
	size_t from = b->name_end && i ? b->name_end[i - 1] : 0;
	*len = b->name_end ? b->name_end[i] - from : 0;
	return b->name_end ? b->name + from : "";
}

struct stream_reader;
/* Opens `path` ("-": stdin) and reads nothing yet. */
int stream_open(struct stream_reader **r, const char *path, struct err *err) VIC_CHECKED;
/* As stream_open, of an input that was looked into: takes it over (also on failure) and zeroes *in. */
int stream_take(struct stream_reader **r, struct input *in, struct err *err) VIC_CHECKED;
void stream_close(struct stream_reader *r); /* NULL is fine */
/* The next document's head and provenance: 1, or 0 at the clean end of input, -1 on failure. The rest of a document
 * that was not read to its end is read and checked first. An input without any document is an error. */
int stream_next_document(struct stream_reader *r, struct err *err) VIC_CHECKED;
/* As stream_next_document, but the first document must be of `kind`; for programs that take one kind. */
int stream_next_of(struct stream_reader *r, enum stream_kind kind, struct err *err) VIC_CHECKED;
/* The next block: 1 with *b filled, 0 at the end of the document (DONE seen and right), -1 on failure. Checked: CRC,
 * lengths, labels within [-1, n_classes), splits, that word ids are in the table, that counts agree. */
int stream_next_block(struct stream_reader *r, struct block *b, struct err *err) VIC_CHECKED;
/* Hands the memory of the block just read to the caller, so that another thread may work on it while the next is read:
 * *buf (*cap bytes, free() it) becomes the owner of what b's pointers point into, and the reader continues in *buf's
 * former memory (NULL, 0: it takes new). */
void stream_swap_buffer(struct stream_reader *r, unsigned char **buf, size_t *cap);
/* At most how many records follow, by what is left of the file; 0 where that cannot be told: of pipes, of what is
 * packed, and of records that differ in size. */
uint64_t stream_expected(const struct stream_reader *r);
/* Where the data of the ROWS block just read lies, when the input is a regular file: 1, its descriptor (the reader's;
 * duplicate it to keep it), what the file was when it was opened, and the offset, for a program that maps the file;
 * else 0. */
int stream_in_file(const struct stream_reader *r, const struct block *b, int *fd, struct io_mark *mark, uint64_t *at);
/* A checksum of the document at hand as far as it was read: head, provenance and blocks, with all they hold. Equal for
 * equal documents. */
uint32_t stream_digest(const struct stream_reader *r);
const struct stream_head *stream_head_of(const struct stream_reader *r);
const json_t *stream_provenance(const struct stream_reader *r); /* array, oldest first; borrowed */
const char *stream_name(const struct stream_reader *r);         /* file name, for messages */
uint64_t stream_records(const struct stream_reader *r);         /* records read of this document */
uint64_t stream_words(const struct stream_reader *r);           /* words read of this document */

struct stream_writer;
/* Begins a document on `out` (borrowed, not committed). `history`: the reader's provenance, or NULL; `self`: this
 * stage's line (stage.provenance), or NULL to pass the history on unchanged. Writes signature, HEAD and PROV. */
int stream_begin(struct stream_writer **w, struct output *out, const struct stream_head *head, const json_t *history,
		 const json_t *self, struct err *err) VIC_CHECKED;
int stream_add(struct stream_writer *w, uint64_t id, int32_t label, int split, const void *data, size_t len,
	       struct err *err) VIC_CHECKED;
/* The name of the record that stream_add takes next; without it a record's name is empty. Nothing where the head has no
 * names. */
int stream_add_name(struct stream_writer *w, const char *name, size_t len, struct err *err) VIC_CHECKED;
/* vector: [dim]. Words come before records. */
int stream_add_word(struct stream_writer *w, const char *word, size_t len, const float *vector, int origin,
		    struct err *err) VIC_CHECKED;
/* Passes a block on as it is in memory (a filter that changed labels or splits in place). */
int stream_add_block(struct stream_writer *w, const struct block *b, struct err *err) VIC_CHECKED;
/* Closes the block under way and flushes the output: for interactive use, a block a record. */
int stream_flush(struct stream_writer *w, struct err *err) VIC_CHECKED;
/* Writes DONE. The writer is freed in any case by stream_writer_free. */
int stream_finish(struct stream_writer *w, struct err *err) VIC_CHECKED;
void stream_writer_free(struct stream_writer *w); /* NULL is fine */

/* Logits: refuses NaN and +Inf (logits; -Inf is legal), values outside [0,1] or rows that do not sum to 1 within 1e-3
 * (probs), naming the record. `b` is a ROWS block of a logits document. */
int logits_check(const struct stream_head *head, const struct block *b, const char *name, struct err *err) VIC_CHECKED;

#endif

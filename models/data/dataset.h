/* dataset: a document of text, images or tokens, held in memory for training. Tokens are text whose words have no
 * vectors: head.kind is STREAM_TEXT then, and head.dim 0. What all kinds have in common is at the top; of `text` and
 * `images` the one that head.kind names is filled. */
#ifndef VIC_DATASET_H
#define VIC_DATASET_H

#include "pipeline/base/vocab.h"
#include "pipeline/files/mapped.h"
#include "pipeline/stream/moments.h"
#include "pipeline/stream/stream.h"
#include "vision/pixels/image.h"

struct text_data {
	/* the word table */
	uint32_t words;
	char *text;         /* all words, end to end */
	uint32_t *word_end; /* [words] */
	float *vector;      /* [words][head.dim] */
	/* the records */
	size_t *begin;      /* [n + 1] into token */
	uint32_t *token;    /* word numbers */
	uint64_t cut;       /* records that were longer than max_tokens */
	size_t cap_text, cap_word_end, cap_vector, cap_begin, cap_token;
};

/* A block of records as it was read. */
struct image_rows {
	const unsigned char *data;
	size_t bytes;
	uint32_t n;
};

/* Images lie where they are: mapped, when the stream is a regular file, so that the system keeps as much of it in
 * memory as there is room for and several runs share it; else in the memory they were read into. JPEG records are
 * decoded when a batch has them (pictures.h). */
struct image_data {
	/* [n] images [head.height][head.width][head.channels], u8, or f32 for encoding f32; for encoding jpeg the bytes
	 * of a file */
	const void **pixel;
	/* Of JPEG records: [n] the file's length. head.height, width and channels, which the stream's head need not
	 * have, are what image_data_form set: those of each when it is decoded, brought to that size by `fit`. */
	uint32_t *len;
	enum image_fit fit;
	struct moments moments; /* as pictures_look found them; n 0: it has not looked yet */
	struct mapped file; /* what of them is mapped */
	unsigned char **block; /* [blocks] memory that the pixels lie in, owned */
	struct image_rows *rows; /* [n_rows] */
	size_t blocks, n_rows, cap_pixel, cap_len, cap_block, cap_rows;
};

struct dataset {
	struct stream_head head;
	json_t *provenance; /* of the stream, oldest first; owned */
	size_t n;
	uint64_t *id;
	int32_t *label;
	uint8_t *split;
	uint32_t crc;       /* of everything that training depends on */
	size_t cap_id, cap_label, cap_split;
	struct text_data text;
	struct vocab known; /* of tokens: the words, while records are read; text has them then */
	int tokens;
	struct image_data images;
};

/* Begins with the head of the reader's document: copies it and the provenance. */
int dataset_begin(struct dataset *d, const struct stream_reader *r, struct err *err) VIC_CHECKED;
/* The rest of that document, which must be the only one. Of each text the first `max_tokens` words are kept (0:
 * all). */
int dataset_read(struct dataset *d, struct stream_reader *r, int max_tokens, struct err *err) VIC_CHECKED;
void dataset_release(struct dataset *d);
/* 0 when there is a record marked train; else -1, with how the records are marked and the remedy. */
int dataset_need_train(const struct dataset *d, struct err *err) VIC_CHECKED;
/* 0 when the data are still what was read; -1 when a mapped file has been cut, or written to with other content, since
 * it was opened. A file that was only touched is read again, every time. */
int dataset_unchanged(const struct dataset *d, struct err *err) VIC_CHECKED;

/* The parts, for dataset_read and for a reader that goes block by block. Each adds what its block holds; rows are added
 * by the kind's function first, then by dataset_add_rows, which counts them.
 * dataset_crc: d->crc after a block of n records. */
uint32_t dataset_crc(uint32_t crc, const void *data, size_t bytes, const int32_t *label, const uint8_t *split,
		     uint32_t n);
int dataset_add_rows(struct dataset *d, const struct block *b, struct err *err) VIC_CHECKED;
int text_data_add_words(struct dataset *d, const struct block *b, struct err *err) VIC_CHECKED;
int text_data_add_rows(struct dataset *d, const struct block *b, int max_tokens, struct err *err) VIC_CHECKED;
/* The same of tokens, whose words go to d->known. */
int text_data_add_tokens(struct dataset *d, const struct block *b, int max_tokens, struct err *err) VIC_CHECKED;
/* Maps the reader's file or takes the block's memory. */
int image_data_add_rows(struct dataset *d, struct stream_reader *r, const struct block *b, struct err *err) VIC_CHECKED;
void image_data_release(struct image_data *m);

/* 0 when images of this head can be given to a network; else -1 and the remedy. Of JPEG records their form decides. */
int image_data_usable(const struct stream_head *head, struct err *err) VIC_CHECKED;
/* What JPEG records come to when they are decoded: before they are read. */
void image_data_form(struct dataset *d, const struct want *want, int channels);
/* Mean and standard deviation (of the population) of each channel over the records marked train, in units of bytes: 0
 * to 255, whatever the encoding. Exact sums for bytes. A channel that never changes has deviation 1. Of JPEG records
 * they are those that pictures_look found. */
int image_data_moments(const struct dataset *d, double mean[STREAM_MAX_CHANNELS], double deviation[STREAM_MAX_CHANNELS],
		       struct err *err)
	VIC_CHECKED;

#endif

/* stream_reader: what reading blocks and taking their columns apart share. Private to pipeline/stream/. */
#ifndef VIC_STREAM_READER_H
#define VIC_STREAM_READER_H

#include "stream_format.h"

#include <string.h>

struct stream_reader {
	struct input in;
	struct stream_head head;
	json_t *provenance;
	unsigned char *buf; /* payload of the block at hand */
	size_t cap;
	uint64_t records, blocks, words, documents;
	uint32_t crcs; /* CRC-32 over the stored CRCs of the document's blocks */
	int open;      /* inside a document */
	unsigned char chunk[CHUNK_HEADER];
	int have_chunk; /* a chunk header was read ahead */
};

static inline uint32_t u32(const unsigned char *p)
{
	uint32_t v;
	memcpy(&v, p, 4);
	return v;
}

static inline uint64_t u64(const unsigned char *p)
{
	uint64_t v;
	memcpy(&v, p, 8);
	return v;
}

static inline int all_zero(const unsigned char *p, size_t n)
{
	while (n && !*p)
		p++, n--;
	return n == 0;
}

/* The error of a stream that contradicts itself, with the record before. Returns -1. */
int stream_bad(const struct stream_reader *r, const char *what, struct err *err);
/* The payload of a WORD or ROWS block, len bytes in r->buf, as columns of *b, whose n is set. Returns 1, or -1 where it
 * is none. */
int columns_of_words(struct stream_reader *r, struct block *b, size_t len, struct err *err) VIC_CHECKED;
int columns_of_rows(struct stream_reader *r, struct block *b, size_t len, struct err *err) VIC_CHECKED;

#endif

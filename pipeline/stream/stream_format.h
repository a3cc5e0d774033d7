/* stream_format: what reader and writer share of the layout in stream.h. Private to pipeline/. */
#ifndef VIC_STREAM_FORMAT_H
#define VIC_STREAM_FORMAT_H

#include "stream.h"

enum { CHUNK_HEADER = 64, CHUNK_ALIGN = 64 };

extern const unsigned char stream_signature[8];

static inline size_t pad64(size_t n)
{
	return (n + 63) & ~(size_t)63;
}

/* Where the columns of a ROWS payload begin. `data` is where the records' bytes begin. names: bytes of all names. */
struct rows_layout {
	size_t id, label, split, end, name_end, name, data;
};
static inline struct rows_layout rows_layout(size_t n, int has_end, int has_names, size_t names)
{
	struct rows_layout at;
	at.id = 0;
	at.label = pad64(8 * n);
	at.split = at.label + pad64(4 * n);
	at.end = at.split + pad64(n);
	at.name_end = at.end + (has_end ? pad64(4 * n) : 0);
	at.name = at.name_end + (has_names ? pad64(4 * n) : 0);
	at.data = at.name + (has_names ? pad64(names) : 0);
	return at;
}

/* The same for a WORD payload; `text` bytes of words in all. */
struct words_layout {
	size_t end, origin, text, vector, total;
};
static inline struct words_layout words_layout(size_t n, size_t text, size_t dim)
{
	struct words_layout at;
	at.end = 64;
	at.origin = at.end + pad64(4 * n);
	at.text = at.origin + pad64(n);
	at.vector = at.text + pad64(text);
	at.total = at.vector + 4 * n * dim;
	return at;
}

/* HEAD as JSON and back. head_from_json fills a zeroed struct; on failure the caller releases it. */
json_t *head_to_json(const struct stream_head *head);
int head_from_json(struct stream_head *head, const json_t *json, struct err *err) VIC_CHECKED;

#endif

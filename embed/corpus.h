/* corpus: token streams read whole into word ids, and written as one document of text. The word table comes before the
 * records, so all of it is held in memory: four bytes a token, 32 a record and the names. */
#ifndef VIC_EMBED_CORPUS_H
#define VIC_EMBED_CORPUS_H

#include "pipeline/stream/stream.h"
#include "pipeline/base/vocab.h"
#include "vectors.h"

struct record {
	uint64_t id, end, name_end; /* tokens: corpus.token[previous end .. end); the name likewise in corpus.name */
	int32_t label;
	uint8_t split;
};

struct corpus {
	struct vocab vocab;	 /* ids in order of first appearance, with counts */
	struct stream_head head; /* of the first document, kind tokens */
	json_t *history;	 /* provenance of all documents, each line once */
	uint32_t *token;	 /* [n_tokens] */
	struct record *record;	 /* [n_records] */
	char *name;		 /* of all records that have one */
	size_t n_tokens, n_records, documents, cap_token, cap_record, n_name, cap_name;
	int renumbered; /* ids clashed between documents, so they count from 0 now */
};

int corpus_init(struct corpus *c, struct err *err) VIC_CHECKED;
void corpus_release(struct corpus *c);
/* Appends every document of a stream of tokens. Errors: as stream.h; classes that differ from the first document's; a
 * record with an empty token. */
int corpus_read(struct corpus *c, const char *path, struct err *err) VIC_CHECKED;
/* After the last corpus_read: where an id occurs twice and there were several documents, all records are numbered anew.
 */
int corpus_unique_ids(struct corpus *c, struct err *err) VIC_CHECKED;
/* order[k] is the k-th most frequent word, equal counts by first appearance. Owned by the caller, [vocab.n]. */
int corpus_by_frequency(const struct corpus *c, uint32_t **order, struct err *err) VIC_CHECKED;
/* Writes the document: words in `order` with vec's vectors (order and vec: [vocab.n]), then the records. */
int corpus_write(const struct corpus *c, const uint32_t *order, const struct vectors *vec, struct output *out,
		 const json_t *self, struct err *err) VIC_CHECKED;

#endif

/* dataset: a document of kind text, held in memory for training. */
#ifndef VIC_DATASET_H
#define VIC_DATASET_H

#include "pipeline/stream.h"

struct text_data {
	struct stream_head head;
	json_t *provenance; /* of the stream, oldest first; owned */
	/* the word table */
	uint32_t words;
	char *text;         /* all words, end to end */
	uint32_t *word_end; /* [words] */
	float *vector;      /* [words][head.dim] */
	/* the records */
	size_t n;
	uint64_t *id;
	int32_t *label;
	uint8_t *split;
	size_t *begin;      /* [n + 1] into token */
	uint32_t *token;    /* word numbers */
	uint64_t cut;       /* records that were longer than max_tokens */
	uint32_t crc;       /* of everything above that training depends on */
	size_t cap_text, cap_word_end, cap_vector, cap_id, cap_label, cap_split, cap_begin, cap_token;
};

/* Reads the only document of `r`. Of each record the first `max_tokens` words are kept (0: all). */
int text_data_read(struct text_data *d, struct stream_reader *r, int max_tokens, struct err *err) VIC_CHECKED;
/* As its parts, for a reader that goes block by block: a word block, then row blocks. */
int text_data_add_words(struct text_data *d, const struct block *b, struct err *err) VIC_CHECKED;
int text_data_add_rows(struct text_data *d, const struct block *b, int max_tokens, struct err *err) VIC_CHECKED;
/* Forgets the records, keeps the word table. */
void text_data_clear_rows(struct text_data *d);
void text_data_release(struct text_data *d);

#endif

/* predictor: a model at work on one document after another, of kind text or tokens for a network of words, of kind
 * images for one of images.
 *
 * Words are matched by their letters, not by number, n-grams too. A word of the model takes the model's vector;
 * another takes the vector that the stream brings; a word of a tokens stream that the model does not have stands as
 * zeros, as does any n-gram. Images must have the size that the model was trained on; where it was trained on a part
 * (--crop), the middle of a larger image is taken. JPEG records are brought to that size where the model's were. */
#ifndef VIC_PREDICTOR_H
#define VIC_PREDICTOR_H

#include "models/data/ngrams.h"
#include "models/data/turns.h"
#include "models/files/modelfile.h"
#include "models/core/late.h"
#include "pipeline/base/vocab.h"

struct predictor {
	const struct model *model; /* borrowed */
	struct device *dev;        /* borrowed */
	struct vocab known;        /* the model's vocabulary, numbered as in the model */
	int passes;                /* 0: plain prediction; else stochastic passes (MC dropout) */
	uint64_t seed;
	/* the document */
	struct dataset data;       /* word table: the model's rows, a row of zeros, then words only the stream has */
	uint32_t *row;             /* [words of the document] its row in the table */
	size_t n_row, cap_row;
	struct ngrams line;        /* of a network of n-grams: the record at hand; data.text has the stream's words */
	int *label;                /* [classes of the document] the model's class of that name, or -1 */
	struct graph graph;
	struct turns turns;
	struct late late;
	int ready, batch;          /* records at once */
	float *logits;             /* [rows of the block][samples][classes] */
	size_t cap_logits;
	uint64_t unknown, tokens;  /* words that stand as zeros, words in all */
	uint64_t unknown_labels;          /* labels that the model does not have */
};

int predictor_open(struct predictor *p, const struct model *model, struct device *dev, int passes, uint64_t seed,
		   struct err *err) VIC_CHECKED;
void predictor_release(struct predictor *p);
/* Begins a document; its classes are matched with the model's by name. */
int predictor_document(struct predictor *p, const struct stream_head *head, struct err *err) VIC_CHECKED;
/* Takes a word block. */
int predictor_words(struct predictor *p, const struct block *b, struct err *err) VIC_CHECKED;
/* Takes a row block, of which records with keep[i] != 0 count (NULL: all). p->data then holds the kept records, labels
 * as the model numbers them, and p->logits their [n][samples][classes]. */
int predictor_rows(struct predictor *p, const struct block *b, const unsigned char *keep, struct err *err) VIC_CHECKED;

/* The kinds' parts (predictor_text.c, predictor_images.c): of opening, of beginning a document, of appending record
 * number p->data.n. */
int predictor_text_open(struct predictor *p, struct err *err) VIC_CHECKED;
int predictor_text_document(struct predictor *p, const struct stream_head *head, struct err *err) VIC_CHECKED;
int predictor_text_add(struct predictor *p, const unsigned char *record, size_t len, struct err *err) VIC_CHECKED;
int predictor_images_document(struct predictor *p, const struct stream_head *head, struct err *err) VIC_CHECKED;
int predictor_images_add(struct predictor *p, const unsigned char *record, size_t len, struct err *err) VIC_CHECKED;

#endif

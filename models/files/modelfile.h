/* modelfile: what vic-train writes and vic-predict reads: safetensors with the weights, the vocabulary and, in its
 * metadata, everything needed to use them. Python reads it as any safetensors file.
 *
 *   metadata  format "vicinal-model 2" (version 1, without checksums, is read too); net: JSON of the network's
 *             settings;
 *             classes: JSON list; provenance: JSON list; epoch: the epoch that the weights are of; engine: what
 *             computed
 *             them (struct backend's engine, "cpu-v4, oneDNN 2.6.3"); checksums
 *   tensors   the network's parameters by name; of text also words.vectors [V][dim], words.text U8 and words.end U32
 *             [V]: the vocabulary
 *
 * With n-grams (net: ngrams, dropout, max_tokens) the vocabulary is n-grams, their words with a space between, the
 * first of them empty, for all others; words.vectors has their weights, one a class.
 *
 * The settings of an image network: height, width and channels that it sees, cropped (1: --crop was given, so larger
 * images are cut in the middle), mean and deviation of each channel in units of bytes, width_factor, dropout; where its
 * records were JPEG files, resize, [height, width] that each was brought to before it was cut, and fit (crop, stretch).
 */
#ifndef VIC_MODELFILE_H
#define VIC_MODELFILE_H

#include "models/nets/nets.h"
#include "models/train/trainer.h"
#include "pipeline/formats/safetensors.h"

struct model {
	struct safetensors file; /* owns the weights */
	const struct net *net;
	struct net_config config;
	int max_tokens;         /* text */
	/* text: a word's vector is twice the stream's plus what training added; "words.vectors" holds the sums */
	int multichannel;
	struct preprocessing preprocessing; /* images */
	int cropped;
	struct want picture; /* what its JPEG records were brought to; h 0: they were no files */
	char **classes;      /* [config.classes], owned */
	json_t *provenance;  /* owned */
	const char *checkpoint; /* NULL, or "the best" or "the last": the weights are a checkpoint's */
	int version;         /* of the format; 1: the file has no checksums, damage could not be seen */
	/* the vocabulary, inside `file` */
	const char *text;
	const uint32_t *word_end;
};

/* What model_open needs besides tensors, as metadata; and the vocabulary. For checkpoints, which can be opened too. */
#define CHECKPOINT_FAMILY "vicinal-checkpoint"
enum { CHECKPOINT_VERSION = 4, CHECKPOINT_MODEL = 3 /* the first that says what model it is of */ };
int model_describe(struct safetensors *st, const struct plan *plan, const struct dataset *data, const struct graph *g,
		   int epoch, const json_t *provenance, struct err *err) VIC_CHECKED;
int model_add_words(struct safetensors *st, const struct text_data *d, struct err *err) VIC_CHECKED;

int model_write(struct output *out, const struct plan *plan, const struct dataset *data, const struct graph *g,
		float *const *weights, int epoch, const json_t *provenance, struct err *err) VIC_CHECKED;
/* Of a model, or of a checkpoint, which stands for a model with the weights that it keeps. */
int model_open(struct model *m, const char *path, struct err *err) VIC_CHECKED;
void model_release(struct model *m);

#endif

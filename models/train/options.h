/* options: those of vic-train that decide what a run makes. Each is a field here and a row in options.c. One that was
 * not given is absent until train_options_finish puts the default of the kind of records there: -1, NULL, or for a
 * whole number one less than the least that can be given. */
#ifndef VIC_OPTIONS_H
#define VIC_OPTIONS_H

#include "pipeline/frame/opt.h"
#include "pipeline/stream/stream.h"

enum word_vectors { WORDS_TUNED, WORDS_STATIC, WORDS_MULTICHANNEL };
enum loss { LOSS_CROSS_ENTROPY, LOSS_BCE };
enum { OPTIMIZER_ADAMW = 3 /* of --optimizer, after those of enum rule: RULE_ADAM, decoupled */ };
enum decay { DECAY_ALL, DECAY_WEIGHTS };

/* Choices are of enum mix_mode, mix_partner (batch.h), loss, word_vectors, rule (graph.h), schedule, select
 * (trainer.h), decay, reduction (sums.h) and image_fit (image.h). */
struct train_options {
	const char *model, *filters, *class_weights, *lr_steps, *resize, *crop_scale;
	int fit, mix_mode, mix_partner, loss, words, flip, optimizer, schedule, select, nesterov, decay, reduce;
	double mixup, smoothing, erl, dropout, max_norm, width, lr, momentum, weight_decay, clip_norm, ema, rho,
		eps, lr_factor, stop_top5;
	int64_t channels, maps, ngrams, max_tokens, crop, crop_pad, epochs, batch, shards, patience, seed;
};

/* No option given. */
struct train_options train_options_none(void);

/* Writes the rows of a program's option table, whose targets are o's fields; no row ends them. */
enum { TRAIN_OPTIONS = 46 };
void train_options_rows(struct opt rows[TRAIN_OPTIONS], struct train_options *o);

/* Fills in what was not given, for records of `kind`; refuses options of another kind of records, of another update
 * rule or of another schedule. crop_pad and flip, which depend on the images, are left to plan_make. */
int train_options_finish(struct train_options *o, enum stream_kind kind, struct err *err) VIC_CHECKED;

/* 1: the network asked for reads n-grams. */
int train_options_ngrams(const struct train_options *o);

/* The names of --select, in the order of enum select. */
#define TRAIN_SELECT "dev-accuracy|last|dev-nll|dev-refined|best-dev"

#define TRAIN_KEY_WEIGHTS " weights="

/* The text that two runs must share for one to resume the other: every option whose row has a key, with 17 digits, so
 * that equal text means equal values; one that came with a later version stands there only where it is not as all
 * earlier ones had it. `o`: settled, its crop_pad, flip, resize and channels as they are used; h, w: what the network
 * sees of an image. *key is owned by the caller, freed with free(). */
int train_options_key(char **key, const struct train_options *o, int h, int w, struct err *err) VIC_CHECKED;

/* Option i of the table. */
struct train_option {
	const struct opt *opt;
	const char *key;    /* what stands before its value in a key; NULL: it is in none, or not in that of `o` */
	const char *unsaid; /* the value with which both are left out of a key, or NULL */
	const void *value;  /* its field of `o`, in the type of the option; NULL without */
};
/* o: settled, or NULL. The class weights, at a key's end, are no row here: they have TRAIN_KEY_WEIGHTS. */
struct train_option train_option(int i, const struct train_options *o);
/* What differs between two keys: "--lr 0.1 (here 0.2), --batch 50 (here 20)"; *text is the caller's, freed with free().
 * 1; 0: they are not keys of this version; -1: no memory. */
int train_options_differ(const char *then, const char *now, char **text, struct err *err) VIC_CHECKED;

#endif

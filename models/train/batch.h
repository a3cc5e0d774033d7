/* batch: which samples meet in a step, with whom they are mixed, and what they should be called.
 *
 * Everything drawn here depends on (seed, epoch, batch) alone. */
#ifndef VIC_BATCH_H
#define VIC_BATCH_H

#include "dataset.h"
#include "models/core/graph.h"

enum mix_mode { MIX_FULL, MIX_FEATURES };
enum mix_partner { PARTNER_BATCH, PARTNER_DATASET };

/* What is done to samples and labels (Thulasidasan et al. 2019, sections 2, 3.3 and 5). */
struct vicinity {
	double alpha;           /* 0: no mixing; nothing is drawn then */
	enum mix_mode mode;     /* features: the mixed sample takes the hard label of the nearer one */
	enum mix_partner partner; /* batch: a permutation of the batch, as in the mixup authors' code */
	double smoothing;       /* epsilon, spread evenly over the other classes (section 3.3) */
	const double *class_weight; /* [classes], mean 1 over the training records, or NULL */
};

/* Makes batches of a data set; owns their memory, which lives until the next batch_make. */
struct batcher {
	const struct text_data *data; /* borrowed */
	uint32_t *seen, *number, stamp; /* [words]: number within the batch, valid when seen == stamp */
	struct words words;
	struct batch batch;
	uint32_t *begin, *local, *word, *partner, *sample;
	float *lambda, *target;
	double label_entropy; /* nats, summed over the batch's targets, before class weights */
	size_t cap_begin, cap_local, cap_word, cap_partner, cap_sample, cap_lambda, cap_target;
};

int batcher_init(struct batcher *b, const struct text_data *data, struct err *err) VIC_CHECKED;
void batcher_release(struct batcher *b);
/* Most distinct words that a batch of n samples can have, mixed with others or not. */
int batcher_max_words(const struct text_data *data, int n);

/* Records item[0..n-1] as they are, for prediction: no targets. Fills b->batch. */
int batch_plain(struct batcher *b, const uint32_t *item, int n, struct err *err) VIC_CHECKED;
/* The training batch number `index` of an epoch: records item[0..n-1], mixed with partners from among them or from
 * pool[0..n_pool-1], with targets. */
int batch_mixed(struct batcher *b, const struct vicinity *v, const uint32_t *item, int n, const uint32_t *pool, uint32_t n_pool,
		uint64_t seed, uint32_t epoch, uint32_t index, struct err *err) VIC_CHECKED;
#endif

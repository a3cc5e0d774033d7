/* batch: selects a batch's samples, their mixup partners, their targets, and the crops of images.
 *
 * Everything drawn here depends on (seed, epoch, batch) alone, and the crop of an image on (seed, epoch, record). */
#ifndef VIC_BATCH_H
#define VIC_BATCH_H

#include "dataset.h"
#include "pictures.h"
#include "shard.h"

/* full: input and label are mixed; features: the mixed input takes the hard label of the nearer sample (Thulasidasan et
 * al. 2019, section 5); manifold: hidden values of a layer drawn for each batch are mixed, and labels (Verma et al.
 * 2019); sentence: the encoded sentence, the vector before the last layer, and labels (Guo et al. 2019). */
enum mix_mode { MIX_FULL, MIX_FEATURES, MIX_MANIFOLD, MIX_SENTENCE };
enum mix_partner { PARTNER_BATCH, PARTNER_DATASET };

/* What is done to samples and labels (Thulasidasan et al. 2019, sections 2, 3.3 and 5). */
struct mix_config {
	double alpha;           /* 0: no mixing; nothing is drawn then */
	enum mix_mode mode;
	int mix_layers;         /* manifold: the layer is drawn from 0 (the input) to this one; sentence: this one */
	enum mix_partner partner; /* batch: a permutation of the batch, as in the mixup authors' code */
	int shards;             /* that batches are cut into; 0 is 1 (shard.h) */
	double smoothing;       /* epsilon, spread evenly over the other classes (section 3.3) */
	const double *class_weight; /* [classes], mean 1 over the training records, or NULL */
};

/* 1: hidden values are mixed, which a shard has of its own records alone: partners are drawn from among them. */
static inline int mix_hidden(const struct mix_config *v)
{
	return v->mode >= MIX_MANIFOLD;
}

/* How images come to the network. In training a window of h x w is cut from the image, padded with zeros on all sides,
 * at a place drawn evenly, and flipped by a coin; in prediction it is the middle. Then each channel is (pixel - mean) /
 * deviation.
 *
 * scale_high > 0: in training a window of another size is drawn and resized to h x w, as torchvision's
 * RandomResizedCrop does: its area evenly from scale_low to scale_high of the image's, its width by its height from 3/4
 * to 4/3, evenly in the logarithm, both rounded to whole pixels (halves to even), its place evenly. After ten windows
 * that are larger than the image it is the middle, as large as the image allows at such a ratio. `pad` is 0 then. */
struct preprocessing {
	int h, w;     /* what the network sees */
	int pad;      /* training: pixels of zeros on each side */
	int flip;     /* training: half of the images are turned left to right */
	double scale_low, scale_high;
	/* in units of bytes, 0 to 255, whatever the encoding */
	double mean[STREAM_MAX_CHANNELS], deviation[STREAM_MAX_CHANNELS];
};

/* Makes batches of a data set; owns their memory, which lives until the next batch_plain or batch_mixed. */
struct batcher {
	const struct dataset *data; /* borrowed */
	struct batch batch;
	uint32_t *partner, *sample;
	float *lambda, *target; /* target: [n][classes] before class weights */
	float *weighted;        /* after */
	double label_entropy; /* nats, summed over the batch's targets, before class weights */
	int items;            /* samples and partners so far */
	/* text */
	uint32_t *seen, *number, stamp; /* [words]: number within the batch, valid when seen == stamp */
	struct words words;
	uint32_t *begin, *local, *word;
	/* images */
	struct preprocessing preprocessing;
	struct images images;
	const void **pixel;
	uint32_t *record;
	struct view *view;
	float scale[STREAM_MAX_CHANNELS], shift[STREAM_MAX_CHANNELS];
	/* JPEG records: who decodes them, borrowed and set by the caller; of which records of the batch, from..to - 1
	 * (to 0: all), with the partners of these; and at which places of the batch's images those lie */
	struct pictures *pictures;
	int from, to;
	struct decoding decoding;
	uint32_t *place, *wanted;
	int training;         /* windows are drawn, from seed and epoch */
	uint64_t seed;
	uint32_t epoch;
	size_t cap_partner, cap_sample, cap_lambda, cap_target, cap_weighted, cap_begin, cap_local, cap_word, cap_pixel,
		cap_record, cap_view, cap_place, cap_wanted;
};

/* `preprocessing`: of images, copied; NULL for text. */
int batcher_init(struct batcher *b, const struct dataset *data, const struct preprocessing *preprocessing,
		 struct err *err) VIC_CHECKED;
void batcher_release(struct batcher *b);
/* Most distinct words that a batch of n texts can have, mixed with others or not; 0 for images. */
int batcher_max_words(const struct dataset *data, int n);

/* Records item[0..n-1] as they are, for prediction: no targets. Fills b->batch. */
int batch_plain(struct batcher *b, const uint32_t *item, int n, struct err *err) VIC_CHECKED;
/* The training batch number `index` of an epoch: records item[0..n-1], mixed with partners from among them or from
 * pool[0..n_pool-1], with targets. */
int batch_mixed(struct batcher *b, const struct mix_config *v, const uint32_t *item, int n, const uint32_t *pool,
		uint32_t n_pool, uint64_t seed, uint32_t epoch, uint32_t index, struct err *err) VIC_CHECKED;

/* Of JPEG records: waits until the batch is decoded, which batch_plain and batch_mixed begin. Before its first use. */
int batch_ready(struct batcher *b, struct err *err) VIC_CHECKED;

/* The kinds' parts (batch_text.c, batch_images.c): begin a batch; append record `item` as number b->items. */
int batch_text_begin(struct batcher *b, struct err *err) VIC_CHECKED;
int batch_text_add(struct batcher *b, uint32_t item, struct err *err) VIC_CHECKED;
void batch_images_begin(struct batcher *b);
/* Of JPEG records, when all images are there and partners are drawn: begins to decode them. */
int batch_images_decode(struct batcher *b, struct err *err) VIC_CHECKED;
int batch_images_add(struct batcher *b, uint32_t item, struct err *err) VIC_CHECKED;

#endif

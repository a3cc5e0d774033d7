/* splits: the split that a name of a folder or file stands for. The words are those by which data sets are published
 * and other tools read them (Hugging Face's datasets: train, training; validation, valid, val, dev; test, testing,
 * eval, evaluation), in any case. A name is cut into words where letters end or a capital follows a small letter. */
#ifndef VIC_SPLITS_H
#define VIC_SPLITS_H

#include <stddef.h>

/* What a name says. `rest`: its other words, of which two names that differ in the split alone have the same. */
struct split_hint {
	int split; /* enum stream_split, or -1: none, or several */
	char rest[64];
};

/* The split when a name holds one split's word, and else only words that say nothing ("images", "set", "data") and
 * digits: Train, seg_test, train_images, testset, val2017; -1 else. */
int splits_of(const char *name, size_t len);
/* One split's word in any company: cats_test, bullet-train. */
void splits_hint(struct split_hint *h, const char *name, size_t len);
/* Whether n names are splits of one thing: two at least, each with a split's word, not all with the same, and else
 * alike: cats_train, cats_test. */
int splits_of_one(const struct split_hint *h, size_t n);
/* 1 when n names, two at least, each hold a split's word and those differ. */
int splits_all(const struct split_hint *h, size_t n);

#endif

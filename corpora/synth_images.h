/* synth_images: the files of a synthetic image data set (shapes.h says how the images come about).
 *
 *   idx            train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte:
 *                  28x28, grey
 *   cifar          data_batch_1.bin, test_batch.bin, batches.meta.txt: 32x32, three channels, ten classes
 *   posterior.tsv  header "record" and the class names; then for each record, numbered as vic-images numbers it
 *                  (training first), P(class | image) with 17 digits
 *   README.txt     settings, model and what the best possible classifier scores
 *
 * Same settings, same bytes, at any number of threads. */
#ifndef VIC_SYNTH_IMAGES_H
#define VIC_SYNTH_IMAGES_H

#include "shapes.h"

enum synth_layout { SYNTH_IDX, SYNTH_CIFAR };

struct synth_images_config {
	enum synth_layout layout;
	int classes;		/* 2..10; cifar: 10 */
	uint32_t train, test;	/* images, each at least 1 */
	double strength, noise; /* as struct shapes_config */
	uint64_t seed;
	int threads; /* 0: as many as there are */
};

/* Of all images that were written. */
struct synth_images_summary {
	double expected, realised, entropy; /* as struct synth_summary */
	uint64_t n;
};

/* Writes the files into `folder`, which is made where it is missing. All are put in place at the end. After a failure a
 * folder that it made is gone again, with what is in it. */
int synth_images(const struct synth_images_config *config, const char *folder, struct synth_images_summary *sum,
		 struct err *err) VIC_CHECKED;

#endif

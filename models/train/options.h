/* options: those of vic-train that decide what a run makes. What is not given stands at a value that cannot be given (-1, 0 or
 * NULL) until train_options_settle puts the default of the kind of records there. */
#ifndef VIC_OPTIONS_H
#define VIC_OPTIONS_H

#include "pipeline/frame/opt.h"
#include "pipeline/stream/stream.h"

struct train_options {
	const char *model, *filters, *class_weights, *lr_steps;
	int mix_mode, mix_partner, loss, words, flip, optimizer, schedule, select, nesterov, decay;
	double mixup, smoothing, erl, dropout, max_norm, width, lr, momentum, weight_decay, rho, eps, lr_factor, stop_top5;
	int64_t maps, max_tokens, crop, crop_pad, epochs, batch, patience, seed;
};
#define TRAIN_OPTIONS_DEFAULT                                                                                                  \
	{                                                                                                                      \
		.words = -1, .flip = -1, .optimizer = -1, .schedule = -1, .nesterov = -1, .decay = -1, .dropout = -1,          \
		.max_norm = -1, .width = -1, .lr = -1, .momentum = -1, .weight_decay = -1, .rho = -1, .eps = -1,               \
		.lr_factor = -1, .max_tokens = -1, .crop_pad = -1, .seed = 1                                                   \
	}

/* Fills in what was not given, for records of `kind`; refuses options of another kind of records, of another update rule or of
 * another schedule. crop_pad and flip, which depend on the pictures, are left to plan_make. */
int train_options_settle(struct train_options *o, enum stream_kind kind, struct err *err) VIC_CHECKED;

/* Rows of a program's option table; `o` is a struct train_options. */
#define TRAIN_OPTIONS(o)                                                                                                           \
	{ "model", 'm', OPT_TEXT, &o.model, "NAME", "the network; --list-models lists them [text: kimcnn, images: resnet20]",      \
	  .flags = OPT_NO_DEFAULT },                                                                                               \
	{ "mixup", 0, OPT_REAL, &o.mixup, "ALPHA", "mix with weights from Beta(ALPHA, ALPHA); 0: no mixup", .flo = 0, .fhi = 1e4 }, \
	{ "mixup-mode", 0, OPT_CHOICE, &o.mix_mode, NULL,                                                                          \
	  "features: the mixed sample takes the nearer one's hard label; manifold: hidden values too are mixed",                  \
	  .choices = "full|features|manifold" },                                                                                   \
	{ "mixup-partner", 0, OPT_CHOICE, &o.mix_partner, NULL, "partners are the batch, permuted, or drawn from all records",     \
	  .choices = "batch|dataset" },                                                                                            \
	{ "label-smoothing", 0, OPT_REAL, &o.smoothing, "E", "share of each label spread over the other classes", .flo = 0,        \
	  .fhi = 0.999 },                                                                                                          \
	{ "erl", 0, OPT_REAL, &o.erl, "K", "entropy-regularised loss: loss - K * entropy", .flo = 0, .fhi = 1e4 },                 \
	{ "loss", 0, OPT_CHOICE, &o.loss, NULL, "bce: binary cross-entropy of each class's probability, the mean over the classes", \
	  .choices = "cross-entropy|bce" },                                                                                        \
	{ "dropout", 0, OPT_REAL, &o.dropout, "P", "share of features dropped in training [text: 0.5, images: 0]", .flo = 0,       \
	  .fhi = 0.999, .flags = OPT_NO_DEFAULT },                                                                                 \
	{ "max-norm", 0, OPT_REAL, &o.max_norm, "S", "text: bound on the norm of each softmax row; 0: none [3]", .flo = 0,         \
	  .fhi = 1e6, .flags = OPT_NO_DEFAULT },                                                                                   \
	{ "words", 0, OPT_CHOICE, &o.words, NULL,                                                                                  \
	  "text: static: word vectors are not tuned; multichannel: a tuned and a fixed copy [tuned]",                              \
	  .choices = "tuned|static|multichannel", .flags = OPT_NO_DEFAULT },                                                       \
	{ "filters", 0, OPT_TEXT, &o.filters, "W,W,...", "text: filter widths, in words [3,4,5]", .flags = OPT_NO_DEFAULT },       \
	{ "maps", 0, OPT_INT, &o.maps, "N", "text: feature maps a width [100]", .lo = 1, .hi = 10000, .flags = OPT_NO_DEFAULT },   \
	{ "max-tokens", 0, OPT_INT, &o.max_tokens, "N", "text: keep the first N words of a record; 0: all (4096 at most) [400]",   \
	  .lo = 0, .hi = 4096, .flags = OPT_NO_DEFAULT },                                                                          \
	{ "width", 0, OPT_REAL, &o.width, "FACTOR", "images: so many times the network's channels [1]", .flo = 0.01, .fhi = 64,    \
	  .flags = OPT_NO_DEFAULT },                                                                                               \
	{ "crop", 0, OPT_INT, &o.crop, "N", "images: train on N x N cut out at random, predict the middle N x N [all]", .lo = 1,   \
	  .hi = 32767, .flags = OPT_NO_DEFAULT },                                                                                  \
	{ "crop-pad", 0, OPT_INT, &o.crop_pad, "N",                                                                                \
	  "images: N zeros on each side before a cut at random [colour without --crop: an eighth of the width; else 0]", .lo = 0,  \
	  .hi = 16383, .flags = OPT_NO_DEFAULT },                                                                                  \
	{ "flip", 0, OPT_FLAG, &o.flip, NULL, "images: turn half of the training images left to right [colour]",                  \
	  .flags = OPT_NO_DEFAULT },                                                                                               \
	{ "no-flip", 0, OPT_FLAG, &o.flip, NULL, "do not [grey]", .zero = 1, .flags = OPT_NO_DEFAULT },                            \
	{ "optimizer", 0, OPT_CHOICE, &o.optimizer, NULL, "update rule [text: adadelta, images: sgd]",                             \
	  .choices = "adadelta|sgd|adam", .flags = OPT_NO_DEFAULT },                                                               \
	{ "lr", 0, OPT_REAL, &o.lr, "R", "learning rate [adadelta: 1, sgd: 0.1, adam: 0.001]", .flo = 0, .fhi = 1e6,               \
	  .flags = OPT_NO_DEFAULT },                                                                                               \
	{ "momentum", 0, OPT_REAL, &o.momentum, "M", "of sgd [0.9]", .flo = 0, .fhi = 0.9999, .flags = OPT_NO_DEFAULT },           \
	{ "nesterov", 0, OPT_FLAG, &o.nesterov, NULL, "Nesterov's form of sgd's momentum [images]", .flags = OPT_NO_DEFAULT },     \
	{ "no-nesterov", 0, OPT_FLAG, &o.nesterov, NULL, "the plain form [text]", .zero = 1, .flags = OPT_NO_DEFAULT },            \
	{ "weight-decay", 0, OPT_REAL, &o.weight_decay, "D",                                                                       \
	  "added to the gradient as D * weight (sgd, adam) [0; images with sgd: 5e-4, goyal: 1e-4]", .flo = 0, .fhi = 1,           \
	  .flags = OPT_NO_DEFAULT },                                                                                               \
	{ "decay", 0, OPT_CHOICE, &o.decay, NULL,                                                                                  \
	  "what it pulls at: all is biases and normalisation too [images: all; goyal, text: weights]",                             \
	  .choices = "all|weights", .flags = OPT_NO_DEFAULT },                                                                     \
	{ "rho", 0, OPT_REAL, &o.rho, "R", "of adadelta [0.95]", .flo = 0, .fhi = 0.999999, .flags = OPT_NO_DEFAULT },             \
	{ "eps", 0, OPT_REAL, &o.eps, "E", "of adadelta and adam [1e-6]", .flo = 1e-30, .fhi = 1, .flags = OPT_NO_DEFAULT },       \
	{ "schedule", 0, OPT_CHOICE, &o.schedule, NULL, "how the learning rate goes [text: constant, images: steps]",              \
	  .choices = "constant|steps|cosine|goyal", .flags = OPT_NO_DEFAULT },                                                     \
	{ "lr-steps", 0, OPT_TEXT, &o.lr_steps, "E,E,...",                                                                         \
	  "epochs behind which it is multiplied by --lr-factor [steps: 2,60,120,160, goyal: 30,60,80]", .flags = OPT_NO_DEFAULT }, \
	{ "lr-factor", 0, OPT_REAL, &o.lr_factor, "F", "see --lr-steps [steps: 0.5, goyal: 0.1]", .flo = 1e-6, .fhi = 1,           \
	  .flags = OPT_NO_DEFAULT },                                                                                               \
	{ "epochs", 'e', OPT_INT, &o.epochs, "N", "passes over the training records [text: 25, images: 200, goyal: 90]", .lo = 1,  \
	  .hi = 1000000, .flags = OPT_NO_DEFAULT },                                                                                \
	{ "batch", 'b', OPT_INT, &o.batch, "N", "records a step [text: 50, images: 128]", .lo = 1, .hi = 65536,                    \
	  .flags = OPT_NO_DEFAULT },                                                                                               \
	{ "select", 0, OPT_CHOICE, &o.select, NULL, "which epoch's weights are kept", .choices = "best-dev|last" },                \
	{ "patience", 0, OPT_INT, &o.patience, "N", "stop after N epochs without a better dev accuracy; 0: never", .lo = 0,        \
	  .hi = 1000000 },                                                                                                         \
	{ "stop-top5", 0, OPT_REAL, &o.stop_top5, "ACC", "stop at this dev accuracy of the likeliest five; 0: never",                 \
	  .flo = 0, .fhi = 1 },                                                                                                    \
	{ "class-weights", 0, OPT_TEXT, &o.class_weights, "balanced|W,W,...", "weight of each class in the loss", .flags = 0 },    \
	{ "seed", 's', OPT_INT, &o.seed, "N", "seed of everything drawn", .lo = 0, .hi = INT64_MAX }

#endif

/* planning: the options that decide what a run makes, and the plan that they and the data add up to. */
#ifndef VIC_PLANNING_H
#define VIC_PLANNING_H

#include "pipeline/opt.h"
#include "trainer.h"

struct train_options {
	const char *model, *filters, *class_weights, *lr_steps;
	int mix_mode, mix_partner, words, optimizer, schedule, select, nesterov;
	double mixup, smoothing, erl, dropout, max_norm, lr, momentum, weight_decay, rho, eps, lr_factor;
	int64_t maps, max_tokens, epochs, batch, patience, seed;
};
#define TRAIN_OPTIONS_DEFAULT                                                                                          \
	{                                                                                                              \
		.model = "kimcnn", .filters = "3,4,5", .lr_steps = "2,60,120,160", .dropout = 0.5, .max_norm = 3,      \
		.lr = -1, .momentum = 0.9, .rho = 0.95, .eps = 1e-6, .lr_factor = 0.5, .maps = 100, .max_tokens = 400, \
		.epochs = 25, .batch = 50, .seed = 1                                                                   \
	}

/* Rows of a program's option table; `o` is a struct train_options. */
#define TRAIN_OPTIONS(o)                                                                                                           \
	{ "model", 'm', OPT_TEXT, &o.model, "NAME", "the network; --list-models lists them", .flags = 0 },                         \
	{ "mixup", 0, OPT_REAL, &o.mixup, "ALPHA", "mix with weights from Beta(ALPHA, ALPHA); 0: no mixup", .flo = 0, .fhi = 1e4 }, \
	{ "mixup-mode", 0, OPT_CHOICE, &o.mix_mode, NULL, "features: the mixed sample takes the nearer one's hard label",          \
	  .choices = "full|features" },                                                                                            \
	{ "mixup-partner", 0, OPT_CHOICE, &o.mix_partner, NULL, "partners are the batch, permuted, or drawn from all records",     \
	  .choices = "batch|dataset" },                                                                                            \
	{ "label-smoothing", 0, OPT_REAL, &o.smoothing, "E", "share of each label spread over the other classes", .flo = 0,        \
	  .fhi = 0.999 },                                                                                                          \
	{ "erl", 0, OPT_REAL, &o.erl, "K", "entropy-regularised loss: cross-entropy - K * entropy", .flo = 0, .fhi = 1e4 },        \
	{ "dropout", 0, OPT_REAL, &o.dropout, "P", "share of features dropped in training", .flo = 0, .fhi = 0.999 },              \
	{ "max-norm", 0, OPT_REAL, &o.max_norm, "S", "bound on the norm of each softmax row; 0: none", .flo = 0, .fhi = 1e6 },     \
	{ "words", 0, OPT_CHOICE, &o.words, NULL, "static: word vectors are not tuned; multichannel: a tuned and a fixed copy",    \
	  .choices = "tuned|static|multichannel" },                                                                                \
	{ "filters", 0, OPT_TEXT, &o.filters, "W,W,...", "filter widths, in words", .flags = 0 },                                  \
	{ "maps", 0, OPT_INT, &o.maps, "N", "feature maps a width", .lo = 1, .hi = 10000 },                                        \
	{ "max-tokens", 0, OPT_INT, &o.max_tokens, "N", "keep the first N words of a record; 0: all (4096 at most)", .lo = 0,      \
	  .hi = 4096 },                                                                                                            \
	{ "optimizer", 0, OPT_CHOICE, &o.optimizer, NULL, "update rule", .choices = "adadelta|sgd|adam" },                         \
	{ "lr", 0, OPT_REAL, &o.lr, "R", "learning rate; default 1 for adadelta, 0.1 for sgd, 0.001 for adam", .flo = 0,           \
	  .fhi = 1e6, .flags = OPT_NO_DEFAULT },                                                                                   \
	{ "momentum", 0, OPT_REAL, &o.momentum, "M", "of sgd", .flo = 0, .fhi = 0.9999 },                                          \
	{ "nesterov", 0, OPT_FLAG, &o.nesterov, NULL, "Nesterov's form of sgd's momentum", .flags = 0 },                          \
	{ "weight-decay", 0, OPT_REAL, &o.weight_decay, "D", "added to the gradient as D * weight (sgd, adam)", .flo = 0,          \
	  .fhi = 1 },                                                                                                              \
	{ "rho", 0, OPT_REAL, &o.rho, "R", "of adadelta", .flo = 0, .fhi = 0.999999 },                                             \
	{ "eps", 0, OPT_REAL, &o.eps, "E", "of adadelta and adam", .flo = 1e-30, .fhi = 1 },                                       \
	{ "schedule", 0, OPT_CHOICE, &o.schedule, NULL, "how the learning rate goes", .choices = "constant|steps|cosine" },        \
	{ "lr-steps", 0, OPT_TEXT, &o.lr_steps, "E,E,...", "epochs behind which steps multiplies it by --lr-factor", .flags = 0 }, \
	{ "lr-factor", 0, OPT_REAL, &o.lr_factor, "F", "of --schedule steps", .flo = 1e-6, .fhi = 1 },                             \
	{ "epochs", 'e', OPT_INT, &o.epochs, "N", "passes over the training records", .lo = 1, .hi = 1000000 },                    \
	{ "batch", 'b', OPT_INT, &o.batch, "N", "records a step", .lo = 1, .hi = 1024 },                                           \
	{ "select", 0, OPT_CHOICE, &o.select, NULL, "which epoch's weights are kept", .choices = "best-dev|last" },                \
	{ "patience", 0, OPT_INT, &o.patience, "N", "stop after N epochs without a better dev accuracy; 0: never", .lo = 0,        \
	  .hi = 1000000 },                                                                                                         \
	{ "class-weights", 0, OPT_TEXT, &o.class_weights, "balanced|W,W,...", "weight of each class in the loss", .flags = 0 },    \
	{ "seed", 's', OPT_INT, &o.seed, "N", "seed of everything drawn", .lo = 0, .hi = INT64_MAX }

/* Refuses what contradicts itself (a rule's option with another rule, too few classes). plan->key is the run's identity. */
int plan_make(struct plan *plan, const struct train_options *o, const struct text_data *data, struct err *err) VIC_CHECKED;
void plan_release(struct plan *plan);

#endif

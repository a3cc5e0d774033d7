/* trainer: epochs over a data set, one graph, one optimiser; the best or the last weights. */
#ifndef VIC_TRAINER_H
#define VIC_TRAINER_H

#include "batch.h"
#include "models/core/backend.h"
#include "models/nets/nets.h"

enum schedule { SCHEDULE_CONSTANT, SCHEDULE_STEPS, SCHEDULE_COSINE };
enum select { SELECT_BEST_DEV, SELECT_LAST };

/* Everything that decides what comes out, but the data. */
struct plan {
	const struct net *net;
	struct net_config config;
	struct vicinity vicinity;
	struct update update; /* .lr is the first learning rate */
	enum schedule schedule;
	int step_at[16], n_steps; /* epochs (from 1) at whose end lr is multiplied by step_factor */
	double step_factor;
	int epochs, batch;
	uint64_t seed;
	enum select select;
	int patience;         /* epochs without a better dev score before stopping; 0: never */
	char *key;            /* text that two runs must share for one to resume the other; owned */
};

/* Learning rate of epoch 1, 2, ... */
double plan_lr(const struct plan *p, int epoch);

/* What an epoch came to; a line of --history. All fields 8 bytes: a checkpoint keeps it as it lies. */
struct epoch_line {
	int64_t epoch;
	double lr, train_loss, train_accuracy, label_entropy;
	int64_t dev_n;
	double dev_loss, dev_accuracy, dev_ece, dev_oe, dev_confidence;
};
void epoch_header(FILE *to);
void epoch_print(const struct epoch_line *l, FILE *to);

/* A run under way. Zero it, then trainer_open or checkpoint_load (checkpoint.h) after trainer_open. */
struct trainer {
	const struct plan *plan;      /* borrowed */
	const struct text_data *data; /* borrowed */
	struct graph graph;
	struct batcher batcher;
	uint32_t *train, *dev, *order; /* record numbers */
	uint32_t n_train, n_dev;
	float *logits;                /* [max(batch, EVAL_BATCH)][classes], host */
	float *loss;
	int eval_batch;
	uint32_t step;                /* optimiser steps taken */
	int epoch;                    /* epochs done */
	/* the best epoch so far */
	float **best;                 /* [n_params][size]: weights; NULL before the first */
	int best_epoch;
	double best_score;
	struct epoch_line *history;   /* [epoch] */
	size_t cap_history;
};

int trainer_open(struct trainer *t, const struct plan *plan, const struct text_data *data, struct device *dev, struct err *err)
	VIC_CHECKED;
void trainer_release(struct trainer *t);
/* One epoch of training and its evaluation on dev; appends to history. A loss that is not finite is an error. */
int trainer_epoch(struct trainer *t, struct err *err) VIC_CHECKED;
/* 1 when all epochs are done or patience has run out. */
int trainer_done(const struct trainer *t);
/* Weights to keep, by plan->select, as [n_params] arrays: borrowed from the trainer, valid until it is released. */
int trainer_weights(struct trainer *t, float ***weights, int *epoch, struct err *err) VIC_CHECKED;

/* Calibration of rows of logits [n][classes] against labels, summed in order; adds to *s. */
enum { HISTORY_BINS = 15 };
struct scores {
	uint64_t n, right, bin_n[HISTORY_BINS], bin_right[HISTORY_BINS];
	double nll, confidence, bin_confidence[HISTORY_BINS];
};
void scores_add(struct scores *s, const float *logits, int classes, int label);
/* ECE and OE of the paper (section 3.2), 15 bins. */
double scores_ece(const struct scores *s);
double scores_oe(const struct scores *s);

#endif

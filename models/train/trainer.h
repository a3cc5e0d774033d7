/* trainer: epochs over a data set, one graph, one optimiser; the best or the last weights. */
#ifndef VIC_TRAINER_H
#define VIC_TRAINER_H

#include "models/data/turns.h"
#include "accumulate.h"
#include "models/core/late.h"
#include "models/nets/nets.h"

/* goyal: Goyal et al. 2017, sections 2 and 5.1: the linear scaling rule, which takes lr as that of a batch of 256;
 * where the batch is larger, five epochs lead there from lr in equal steps, batch by batch; then steps. */
enum schedule { SCHEDULE_CONSTANT, SCHEDULE_STEPS, SCHEDULE_COSINE, SCHEDULE_GOYAL };
enum { GOYAL_BATCH = 256, GOYAL_WARM_UP = 5 };
/* Choices of --select. Keys hold the numbers, so that new ones come after the others. SELECT_BEST_DEV: another name of
 * SELECT_DEV_ACCURACY, in no plan. */
enum select { SELECT_DEV_ACCURACY, SELECT_LAST, SELECT_DEV_NLL, SELECT_DEV_REFINED, SELECT_BEST_DEV };

/* Everything that decides what comes out, but the data. */
struct plan {
	const struct net *net;
	struct net_config config;
	struct mix_config mix_config;
	int max_tokens;       /* text: words kept of a record; 0: all */
	struct preprocessing preprocessing; /* of images */
	int cropped;          /* images: preprocessing.h and .w were asked for */
	struct want picture;  /* JPEG records: what each is brought to; h 0: they are no files */
	struct update update; /* .lr is the first learning rate */
	enum schedule schedule;
	int step_at[16], n_steps; /* epochs (from 1) at whose end lr is multiplied by step_factor */
	double step_factor;
	int epochs, batch;
	int shards;           /* that a batch is cut into, a power of two (accumulate.h); 0 is 1 (plan_shards) */
	enum reduction reduce; /* of sums over ranks */
	uint64_t seed;
	enum select select;
	int patience;         /* epochs without a better dev score before stopping; 0: never */
	double stop_top5;     /* dev top-5 accuracy that ends the run; 0: none */
	char *key;            /* text that two runs must share for one to resume the other; owned */
};

static inline int plan_shards(const struct plan *p)
{
	return p->shards ? p->shards : 1;
}

/* Learning rate of epoch 1, 2, ..., batch 0, 1, ... of `batches` an epoch. */
double plan_lr(const struct plan *p, int epoch, uint32_t batch, uint32_t batches);

/* Samples that a graph must hold at once, for training and evaluation, where no batch of training (of batches of
 * p->batch) is larger than `largest`. */
int plan_room(const struct plan *p, int largest);

/* What an epoch came to; a line of --history. All fields 8 bytes: a checkpoint keeps it as it lies. */
struct epoch_line {
	int64_t epoch;
	double lr /* of its first batch */, train_loss, train_accuracy, label_entropy;
	int64_t dev_n;
	double dev_loss, dev_accuracy, dev_ece, dev_oe, dev_confidence, dev_top5;
	double dev_refined; /* refined.h; last, for only a run that selects by it has it (epoch_line_bytes) */
};
/* Of the lines as a checkpoint keeps them. */
size_t epoch_line_bytes(enum select select);
void epoch_header(enum select select, FILE *to);
void epoch_print(const struct epoch_line *l, enum select select, FILE *to);

/* What the first batches of an epoch came to: sums as they stand in its line before they are divided. */
struct epoch_part {
	uint32_t batches;
	double loss, accuracy, label_entropy;
};

/* A run under way. Zero it, then trainer_open or checkpoint_load (checkpoint.h) after trainer_open. */
struct trainer {
	const struct plan *plan;      /* borrowed */
	const struct dataset *data; /* borrowed */
	const json_t *provenance;   /* of the model to be, for checkpoints; NULL: not known; borrowed */
	struct graph graph;
	struct turns turns;           /* its batches (feeding.h) */
	uint32_t *train, *dev, *order; /* record numbers */
	uint32_t n_train, n_dev;
	int eval_batch;               /* records at once in evaluation */
	struct late late;             /* for batches of eval_batch; none that the graph takes is larger */
	struct accumulate accumulate; /* where plan->shards is more than 1 */
	struct ranks *ranks;          /* of which this is one (together.h), or NULL; borrowed */
	float *round;                 /* of several: [ranks * eval_batch][classes], their answers in evaluation */
	int signal;                   /* of several: what t->tick gave, until all hear of it */
	uint32_t step;                /* optimiser steps taken */
	int epoch;                    /* epochs done */
	struct epoch_part part;       /* of the next, at its last pause; zeroes: none of it was done then */
	/* the epoch to keep so far, by plan->select */
	float **best;                 /* [n_params][size]: weights; NULL before the first */
	int best_epoch;               /* 0: none */
	double best_score;            /* its trainer_score */
	float *judged;                /* [n_dev][classes] dev logits of the epoch, where refined_nll selects */
	struct epoch_line *history;   /* [epoch] */
	size_t cap_history;
	/* called after every batch, when not NULL: records of this epoch so far. Not 0 (a signal's number):
	 * the epoch ends here; of several ranks where it is 0 on all but one, too */
	int (*tick)(void *ctx, uint32_t done);
	/* called after every batch of training but an epoch's last, when not NULL. Not 0: the epoch pauses */
	int (*pause)(void *ctx);
	void *tick_ctx;
};

int trainer_open(struct trainer *t, const struct plan *plan, const struct dataset *data, struct device *dev,
		 struct err *err) VIC_CHECKED;
void trainer_release(struct trainer *t);
/* One epoch of training and its evaluation on dev (of trainer_get's weights); appends to history, and keeps the weights
 * where plan->select says so. A loss that is not finite is an error, and so are logits, of dev records or, without any,
 * of a batch of training records. 1: t->tick ended it. After an error or a 1 the weights of the epochs before can still
 * be had. TRAINER_PAUSED: t->pause asked for it. A checkpoint holds the run as it is now; the next call goes on. */
enum { TRAINER_PAUSED = 2 };
int trainer_epoch(struct trainer *t, struct err *err) VIC_CHECKED;
/* Batches of an epoch of training. */
uint32_t trainer_batches(const struct trainer *t);
/* 1: the best epoch is kept, as dev records judge it; 0: the last. */
int trainer_keeps_best(const struct trainer *t);
/* How good an epoch is, by plan->select; more is better: dev accuracy, or minus a dev loss. */
double trainer_score(const struct plan *plan, const struct epoch_line *line);
/* Parameter p as a model of this moment has it: its moving average, where one is kept (plan->update.ema), else the
 * parameter itself. */
int trainer_get(const struct trainer *t, int p, float *to, struct err *err) VIC_CHECKED;
/* Takes the weights of this moment (trainer_get) for those of epoch t->epoch, to keep. */
int trainer_keep(struct trainer *t, struct err *err) VIC_CHECKED;
/* 1 when all epochs are done, patience has run out or stop_top5 is reached. */
int trainer_done(const struct trainer *t);
/* Weights to keep, by plan->select, as [n_params] arrays: borrowed from the trainer, valid until it is released. No
 * epoch finished is an error. */
int trainer_weights(struct trainer *t, float ***weights, int *epoch, struct err *err) VIC_CHECKED;

/* What a target puts on the class that logits predict: accuracy for hard labels, its expectation for mixed ones. */
float target_hit(const float *logits, const float *target, int classes);

/* Calibration of rows of finite logits [n][classes] against labels, summed in order; adds to *s. */
enum { HISTORY_BINS = 15, TOP = 5 };
struct scores {
	uint64_t n, right, top5 /* fewer than TOP classes are likelier than the label */, bin_n[HISTORY_BINS],
		bin_right[HISTORY_BINS];
	double nll, confidence, bin_confidence[HISTORY_BINS];
};
void scores_add(struct scores *s, const float *logits, int classes, int label);
/* ECE and OE of the paper (section 3.2), 15 bins. */
double scores_ece(const struct scores *s);
double scores_oe(const struct scores *s);

#endif

/* late: what the network answered to the last few batches, on its way from the device while the next ones are made.
 * Answers are taken in order, each at once on a device that has no later downloads. */
#ifndef VIC_LATE_H
#define VIC_LATE_H

#include "backend.h"

enum { ANSWERS = LATE / 2 /* each is two downloads at most: logits and loss */ };

struct answer {
	/* the caller's, kept for it: which batch this is of */
	int n;
	uint32_t batch;
	size_t first;            /* record */
	int pass;
	double label_entropy;
	/* host memory, the ring's */
	float *logits;           /* [n][classes] */
	float *loss, *target;    /* [n], [n][classes]; of training alone */
	int training;
	uint64_t ticket[2];
};

/* Called with one answer after another. */
typedef int late_take(void *ctx, const struct answer *a, struct err *err);

struct late {
	const struct graph *g; /* borrowed */
	struct answer answer[ANSWERS];
	int room;              /* answers that may wait before the first is taken; 1: none waits */
	int first, waiting;
	late_take *take;
	void *ctx;
};

/* For batches of max_n at most of a compiled graph. targets: of training too, with loss and targets. */
int late_init(struct late *l, const struct graph *g, int max_n, int targets, struct err *err) VIC_CHECKED;
/* Waits for what is still on its way, and forgets it. Before graph_release. */
void late_release(struct late *l);
/* Who takes the answers from here on; none may wait. */
void late_begin(struct late *l, late_take *take, void *ctx);
/* Asks for the answer to the batch that has just gone through the graph. `what`: the caller's part of it, with n.
 * target: [n][classes], copied; it makes this an answer of training. NULL: logits alone. */
int late_add(struct late *l, const struct answer *what, const float *target, struct err *err) VIC_CHECKED;
/* All that wait are taken. */
int late_finish(struct late *l, struct err *err) VIC_CHECKED;

#endif

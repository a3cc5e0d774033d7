/* Epochs, learning rates, and the weights to keep. Everything drawn is keyed by seed, epoch (from 1: t->epoch + 1)
 * and batch, so no generator has a state to save. t->epoch counts finished epochs and goes up only when the history
 * has its line; t->step never starts again, since Adam and postponed decay count by it. The data are asked whether
 * they changed before an epoch and again after its last reading. Of epochs of equal dev score the later is kept, as in
 * Kim's code. The weights to keep are copied to the host at the end of an epoch, the last one's too, so that they
 * can be written when the next epoch does not come to its end. */
#include "trainer.h"
#include "feeding.h"
#include "refined.h"
#include "together.h"

#include "pipeline/base/mem.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double stepped(const struct plan *p, double lr, int epoch)
{
	for (int i = 0; i < p->n_steps; i++)
		lr *= epoch > p->step_at[i] ? p->step_factor : 1;
	return lr;
}

double plan_lr(const struct plan *p, int epoch, uint32_t batch, uint32_t batches)
{
	double lr = p->update.lr, scaled = lr * p->batch / GOYAL_BATCH;
	switch (p->schedule) {
	case SCHEDULE_CONSTANT:
		break;
	case SCHEDULE_STEPS:
		return stepped(p, lr, epoch);
	case SCHEDULE_COSINE:
		return lr * 0.5 * (1 + cos(3.14159265358979323846 * (epoch - 1) / p->epochs));
	case SCHEDULE_GOYAL:
		if (scaled > lr && epoch <= GOYAL_WARM_UP)
			scaled = lr + (scaled - lr) * (epoch - 1 + (double)batch / batches) / GOYAL_WARM_UP;
		return stepped(p, scaled, epoch);
	}
	return lr;
}

/* Images' activations are large: there is room for the largest shard of training and no more. */
int plan_room(const struct plan *p, int largest)
{
	enum { EVAL_BATCH = 512 };
	int shards = plan_shards(p);
	return p->net->input == NET_IMAGES || shard_most(p->batch, shards) > EVAL_BATCH ? shard_most(largest, shards)
											 : EVAL_BATCH;
}

void trainer_release(struct trainer *t)
{
	for (int p = 0; t->best && p < t->graph.n_params; p++)
		free(t->best[p]);
	free(t->best);
	late_release(&t->late);
	accumulate_release(&t->accumulate);
	graph_release(&t->graph);
	turns_release(&t->turns);
	free(t->train);
	free(t->dev);
	free(t->order);
	free(t->history);
	free(t->round);
	free(t->judged);
	*t = (struct trainer){ 0 };
}

/* Sums over a pass of the records, as its answers come. */
struct pass {
	const struct trainer *t;
	struct epoch_line *line;
	const uint32_t *judged; /* records of an evaluation */
	struct scores scores;
};

/* An answer without logits has its hits where targets are. */
static int take_trained(void *ctx, const struct answer *a, struct err *err)
{
	struct pass *p = ctx;
	int classes = p->t->plan->config.classes;
	for (int i = 0; i < a->n; i++) {
		if (!isfinite(a->loss[i]) && !p->t->epoch && !a->batch)
			return err_set(err, "the loss is %g in the first batch, before any step of training: the "
				       "records hold numbers too large for this network",
				       fabs((double)a->loss[i]));
		if (!isfinite(a->loss[i]))
			return err_set(err, "the loss became %g in epoch %d, batch %u; a smaller --lr may help",
				       (double)a->loss[i], p->t->epoch + 1, a->batch + 1);
		p->line->train_loss += a->loss[i];
		p->line->train_accuracy += a->logits ? target_hit(a->logits + i * classes, a->target + i * classes,
								  classes)
						     : a->target[i];
	}
	p->line->label_entropy += a->label_entropy;
	return 0;
}

static int train_batch(struct trainer *t, uint32_t index, const struct update *u, struct err *err)
{
	struct accumulate *a = &t->accumulate;
	if (feeding_train(t, index, err))
		return -1;
	const struct batcher *b = turns_now(&t->turns);
	int n = b->batch.n;
	struct answer what = { .n = n, .batch = index, .label_entropy = b->label_entropy };
	int rc = a->shards ? accumulate_step(a, &t->graph, &b->batch, b->target, u, t->ranks, t->signal, err)
			   : graph_step(&t->graph, &b->batch, u, err);
	if (rc || graph_average(&t->graph, u, err))
		return -1;
	if (!a->shards)
		return late_add(&t->late, &what, b->target, err);
	what.loss = a->loss;
	what.target = a->hit;
	return t->late.take(t->late.ctx, &what, err);
}

/* A network whose running statistics or weights have overflowed answers with NaN, though its last batch still had a
 * loss. */
static int all_finite(const float *z, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isfinite(z[i]))
			return 0;
	return 1;
}

static int take_judged(void *ctx, const struct answer *a, struct err *err)
{
	struct pass *p = ctx;
	const struct trainer *t = p->t;
	int classes = t->plan->config.classes;
	if (!all_finite(a->logits, (size_t)a->n * (size_t)classes))
		return err_set(err, "the network answers %s records with nan after epoch %d; a smaller --lr may help",
			       t->n_dev ? "dev" : "training", t->epoch + 1);
	for (int i = 0; i < a->n; i++)
		scores_add(&p->scores, a->logits + i * classes, classes,
			   t->data->label[p->judged[a->first + (size_t)i]]);
	if (t->judged)
		memcpy(t->judged + a->first * (size_t)classes, a->logits,
		       (size_t)a->n * (size_t)classes * sizeof *a->logits);
	return 0;
}

/* 1: the epoch ends here. Several ranks end it together, when they have met with what one was told. */
static int stopped(struct trainer *t, uint32_t done)
{
	int signal = t->tick ? t->tick(t->tick_ctx, done) : 0;
	if (!trainer_several(t))
		return signal != 0;
	t->signal = signal;
	return t->ranks->signal != 0;
}

/* The next answers to n records from `at` on, asked for. Returns of how many, or -1. */
static int answer_some(struct trainer *t, const uint32_t *record, uint32_t at, uint32_t n, struct pass *p,
		       struct err *err)
{
	if (trainer_several(t))
		return together_answer(t, record, at, n, take_judged, p, err);
	int some = feeding_plain(t, record, at, n, err);
	return some < 0 || graph_forward(&t->graph, &turns_now(&t->turns)->batch, PHASE_PREDICT, err) ||
			       late_add(&t->late, &(struct answer){ .n = some, .first = at }, NULL, err)
		       ? -1
		       : some;
}

/* The network's answers to n records, into p->scores. 1: ended by t->tick. */
static int judge(struct trainer *t, const uint32_t *record, uint32_t n, struct pass *p, struct err *err)
{
	*p = (struct pass){ .t = t, .judged = record };
	turns_begin(&t->turns);
	late_begin(&t->late, take_judged, p);
	for (uint32_t at = 0; at < n;) {
		int some = answer_some(t, record, at, n, p, err);
		if (some < 0)
			return -1;
		at += (uint32_t)some;
		if (stopped(t, t->n_train))
			return 1;
	}
	return late_finish(&t->late, err);
}

/* Without dev records a batch of training records shows that the network answers at all. */
static int evaluate_dev(struct trainer *t, struct epoch_line *line, struct err *err)
{
	struct pass p;
	uint32_t some = (uint32_t)t->eval_batch < t->n_train ? (uint32_t)t->eval_batch : t->n_train;
	int rc = t->n_dev ? judge(t, t->dev, t->n_dev, &p, err) : judge(t, t->train, some, &p, err);
	struct scores s = p.scores;
	if (rc || !t->n_dev)
		return rc;
	line->dev_n = (int64_t)s.n;
	line->dev_loss = s.nll / (double)s.n;
	line->dev_accuracy = (double)s.right / (double)s.n;
	line->dev_top5 = (double)s.top5 / (double)s.n;
	line->dev_confidence = s.confidence / (double)s.n;
	line->dev_ece = scores_ece(&s);
	line->dev_oe = scores_oe(&s);
	if (t->judged)
		line->dev_refined = refined_nll(t->judged, t->dev, t->data->label, t->n_dev, t->plan->config.classes);
	return 0;
}

/* evaluate_dev, of the moving average where there is one. */
static int evaluate_average(struct trainer *t, struct epoch_line *line, struct err *err)
{
	struct err unheard = ERR_NONE;
	int rc = graph_exchange(&t->graph, err) ? -1 : evaluate_dev(t, line, err);
	return graph_exchange(&t->graph, rc ? &unheard : err) && !rc ? -1 : rc;
}

int trainer_keeps_best(const struct trainer *t)
{
	return t->plan->select != SELECT_LAST && t->n_dev;
}

double trainer_score(const struct plan *plan, const struct epoch_line *line)
{
	return plan->select == SELECT_DEV_NLL	    ? -line->dev_loss
	       : plan->select == SELECT_DEV_REFINED ? -line->dev_refined
						    : line->dev_accuracy;
}

int trainer_get(const struct trainer *t, int p, float *to, struct err *err)
{
	return graph_slot_get(&t->graph, p, graph_slot_bytes(&t->graph, p, GRAPH_AVERAGE) ? GRAPH_AVERAGE : GRAPH_W, to,
			      err);
}

int trainer_keep(struct trainer *t, struct err *err)
{
	struct graph *g = &t->graph;
	t->best_epoch = 0; /* until all are copied */
	if (!t->best && mem_alloc(&t->best, (size_t)g->n_params, sizeof *t->best, err))
		return -1;
	for (int p = 0; p < g->n_params; p++) {
		if (!t->best[p] && mem_alloc(&t->best[p], param_size(&g->param[p]), sizeof(float), err))
			return -1;
		if (trainer_get(t, p, t->best[p], err))
			return -1;
	}
	t->best_epoch = t->epoch;
	return 0;
}

uint32_t trainer_batches(const struct trainer *t)
{
	return (t->n_train - 1) / (uint32_t)t->plan->batch + 1;
}

/* The epoch stands still after `batches` of its batches, whose answers all come in now. */
static int pause_epoch(struct trainer *t, uint32_t batches, const struct epoch_line *line, struct err *err)
{
	if (late_finish(&t->late, err))
		return -1;
	t->part = (struct epoch_part){ batches, line->train_loss, line->train_accuracy, line->label_entropy };
	return TRAINER_PAUSED;
}

int trainer_epoch(struct trainer *t, struct err *err)
{
	const struct plan *plan = t->plan;
	uint32_t size = (uint32_t)plan->batch, batches = trainer_batches(t);
	struct epoch_line line = { .epoch = t->epoch + 1,
				   .lr = plan_lr(plan, t->epoch + 1, 0, batches),
				   .train_loss = t->part.loss,
				   .train_accuracy = t->part.accuracy,
				   .label_entropy = t->part.label_entropy };
	struct update u = plan->update;
	struct pass pass = { .t = t, .line = &line };
	struct rng r;
	if (dataset_unchanged(t->data, err))
		return -1;
	memcpy(t->order, t->train, t->n_train * sizeof *t->order);
	rng_init(&r, plan->seed, RNG_SHUFFLE, (uint32_t)t->epoch + 1, 0);
	rng_shuffle(&r, t->order, t->n_train);
	turns_begin(&t->turns);
	late_begin(&t->late, take_trained, &pass);
	for (uint32_t index = t->part.batches; index < batches; index++) {
		uint32_t at = index * size, n = t->n_train - at < size ? t->n_train - at : size;
		u.step = ++t->step;
		u.lr = plan_lr(plan, t->epoch + 1, index, batches);
		if (train_batch(t, index, &u, err))
			return -1;
		if (stopped(t, at + n))
			return 1;
		if (index + 1 < batches && t->pause && t->pause(t->tick_ctx))
			return pause_epoch(t, index + 1, &line, err);
	}
	if (late_finish(&t->late, err))
		return -1;
	line.train_loss /= t->n_train;
	line.train_accuracy /= t->n_train;
	line.label_entropy /= t->n_train;
	/* the last reading of the data before a checkpoint or a model is written */
	int rc = evaluate_average(t, &line, err);
	if (rc || dataset_unchanged(t->data, err) ||
	    mem_grow(&t->history, &t->cap_history, (size_t)t->epoch + 1, sizeof *t->history, err))
		return rc ? rc : -1;
	t->history[t->epoch++] = line;
	t->part = (struct epoch_part){ 0 };
	if (!trainer_keeps_best(t))
		return trainer_keep(t, err);
	/* Kim's code keeps the later of equal epochs. */
	if (t->best_epoch && trainer_score(plan, &line) < t->best_score)
		return 0;
	t->best_score = trainer_score(plan, &line);
	return trainer_keep(t, err);
}

/* The last epoch that was better than all before it: one that is only as good is kept, but shows no progress. */
static int last_better(const struct trainer *t)
{
	int at = 0;
	for (int e = 1; e < t->epoch; e++)
		if (trainer_score(t->plan, &t->history[e]) > trainer_score(t->plan, &t->history[at]))
			at = e;
	return at + 1;
}

int trainer_done(const struct trainer *t)
{
	const struct plan *p = t->plan;
	int tired = p->patience && t->n_dev && t->epoch && t->epoch - last_better(t) >= p->patience;
	return t->epoch >= p->epochs || tired ||
	       (p->stop_top5 > 0 && t->epoch && t->history[t->epoch - 1].dev_top5 >= p->stop_top5);
}

int trainer_weights(struct trainer *t, float ***weights, int *epoch, struct err *err)
{
	if (!t->best_epoch)
		return err_set(err, "no epoch is finished");
	*weights = t->best;
	*epoch = t->best_epoch;
	return 0;
}

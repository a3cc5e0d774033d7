/* Runs of training at random settings against the plainest loop that does the same: every line of the history, which
 * epoch's weights are kept, when a run is done; and that a run which was interrupted, between epochs or inside one,
 * ends in the same bits. */
#include "train_task.h"

/* The plain loop. */
struct plain {
	struct graph g;
	struct batcher b;
	uint32_t train[RECORDS], dev[RECORDS];
	int n_train, n_dev, epoch, best_epoch, further_epoch; /* the last one kept; the last better than all before */
	double best, highest;
	uint32_t step;
	struct epoch_line line[MOST_EPOCHS];
	float *kept[32], *average[32];
};

/* Where weights are averaged, those and the averages change places. */
static void plain_turn(struct plain *r, const struct task *t)
{
	for (int p = 0; p < r->g.n_params && t->plan.update.ema > 0; p++)
		for (size_t i = 0; i < param_size(&r->g.param[p]); i++) { /* ref's memory is the host's */
			float w = r->g.param[p].w[i];
			r->g.param[p].w[i] = r->average[p][i];
			r->average[p][i] = w;
		}
	r->g.version++;
}

/* At step t: average = d average + (1 - d) w, where d is no more than (1 + t) / (10 + t). */
static void plain_average(struct plain *r, double ema)
{
	double most = (1.0 + r->step) / (10.0 + r->step), d = ema < most ? ema : most;
	for (int p = 0; p < r->g.n_params; p++)
		for (size_t i = 0; i < param_size(&r->g.param[p]); i++) {
			float *a = &r->average[p][i];
			*a = (float)(*a + (1 - d) * ((double)r->g.param[p].w[i] - *a));
		}
}

static void plain_open(struct plain *r, const struct task *t)
{
	struct err err = ERR_NONE;
	float w[256];
	memset(r, 0, sizeof *r);
	for (uint32_t i = 0; i < t->data.n; i++) {
		if (t->split[i] == SPLIT_TRAIN)
			r->train[r->n_train++] = i;
		if (t->split[i] == SPLIT_DEV)
			r->dev[r->n_dev++] = i;
	}
	graph_init(&r->g);
	r->g.max_words = WORDS;
	if (batcher_init(&r->b, &t->data, NULL, &err) ||
	    t->plan.net->build(t->plan.net, &r->g, &t->plan.config, &err) ||
	    graph_compile(&r->g, (struct device *)(uintptr_t)&t->dev, RECORDS, &t->plan.update, &err))
		fail_msg("%s", err.msg);
	for (int p = 0; p < r->g.n_params; p++) {
		int table = r->g.param[p].kind == PARAM_TABLE;
		if (!table)
			t->plan.net->init(t->plan.net, &t->plan.config, &r->g.param[p], p, t->plan.seed, w);
		assert_int_equal(graph_set(&r->g, p, table ? t->vector : w, &err), 0);
		if (table && t->plan.config.multichannel)
			assert_int_equal(graph_fix(&r->g, p, t->vector, &err), 0);
		assert_int_equal(mem_alloc(&r->average[p], param_size(&r->g.param[p]), sizeof(float), &err), 0);
		memcpy(r->average[p], table ? t->vector : w, param_size(&r->g.param[p]) * sizeof(float));
	}
}

static void plain_close(struct plain *r)
{
	for (int p = 0; p < 32; p++) {
		free(r->kept[p]);
		free(r->average[p]);
	}
	graph_release(&r->g);
	batcher_release(&r->b);
}

static int largest(const float *z, int n)
{
	int top = 0;
	for (int k = 0; k < n; k++)
		top = z[k] > z[top] ? k : top;
	return top;
}

/* Mean NLL of n rows at temperature exp(-x). */
static double nll_at(double x, const float *z, const int *label, int n, int classes)
{
	double sum = 0;
	for (int i = 0; i < n; i++) {
		const float *row = z + i * classes;
		double mass = 0, top = row[largest(row, classes)];
		for (int k = 0; k < classes; k++)
			mass += exp(exp(x) * (row[k] - top));
		sum += log(mass) + exp(x) * (top - row[label[i]]);
	}
	return sum / n;
}

/* The least of them, by ternary search: NLL has one valley in x too. */
static double plain_refined(const float *z, const int *label, int n, int classes)
{
	double lo = -40, hi = 40;
	for (int i = 0; i < 150; i++) {
		double a = lo + (hi - lo) / 3, b = hi - (hi - lo) / 3;
		if (nll_at(a, z, label, n, classes) < nll_at(b, z, label, n, classes))
			hi = b;
		else
			lo = a;
	}
	return nll_at((lo + hi) / 2, z, label, n, classes);
}

/* One record at a time, into 15 bins of confidence by the definitions of the paper. */
static void plain_dev(struct plain *r, const struct task *t, struct epoch_line *l)
{
	struct err err = ERR_NONE;
	int classes = t->data.head.n_classes;
	double n[15] = { 0 }, right[15] = { 0 }, sure[15] = { 0 };
	static float all[RECORDS * MOST_CLASSES];
	static int labels[RECORDS];
	l->dev_n = r->n_dev;
	for (int i = 0; i < r->n_dev; i++) {
		float z[MOST_CLASSES];
		double sum = 0, ahead = 0;
		int label = t->label[r->dev[i]];
		assert_int_equal(batch_plain(&r->b, &r->dev[i], 1, &err), 0);
		assert_int_equal(graph_forward(&r->g, &r->b.batch, PHASE_PREDICT, &err), 0);
		assert_int_equal(graph_read(&r->g, r->g.logits, 1, z, &err), 0);
		int top = largest(z, classes), bin = 0;
		for (int k = 0; k < classes; k++) {
			sum += exp((double)z[k] - z[top]);
			ahead += z[k] > z[label] || (z[k] == z[label] && k < label);
		}
		memcpy(all + i * classes, z, (size_t)classes * sizeof *z);
		labels[i] = label;
		while (bin < 14 && 1 / sum > (bin + 1) / 15.0)
			bin++;
		n[bin]++;
		right[bin] += top == label;
		sure[bin] += 1 / sum;
		l->dev_loss += (log(sum) + z[top] - z[label]) / r->n_dev;
		l->dev_accuracy += (top == label) / (double)r->n_dev;
		l->dev_top5 += (ahead < 5) / (double)r->n_dev;
		l->dev_confidence += 1 / sum / r->n_dev;
	}
	if (r->n_dev && t->plan.select == SELECT_DEV_REFINED)
		l->dev_refined = plain_refined(all, labels, r->n_dev, classes);
	for (int b = 0; b < 15; b++) {
		double gap = n[b] > 0 ? sure[b] / n[b] - right[b] / n[b] : 0;
		l->dev_ece += r->n_dev ? n[b] / r->n_dev * fabs(gap) : 0;
		l->dev_oe += gap > 0 ? n[b] / r->n_dev * (sure[b] / n[b]) * gap : 0;
	}
}

/* The records from place `from` on, as a batch of their own: its sentences are first theirs, then all of the whole
 * batch, where the partners are. Answers to loss and z, at their places. */
static void plain_part(struct plain *r, const struct batch *b, int from, int n, int classes, float *loss, float *z)
{
	struct err err = ERR_NONE;
	struct batch part = *b;
	struct words w = *b->words;
	static uint32_t begin[4 * RECORDS + 1], local[4 * RECORDS * TOKENS], partner[RECORDS];
	for (int i = 0; i < n + b->words->sentences; i++) {
		int of = i < n ? from + i : i - n;
		uint32_t len = b->words->begin[of + 1] - b->words->begin[of];
		memcpy(local + begin[i], b->words->local + b->words->begin[of], len * sizeof *local);
		begin[i + 1] = begin[i] + len;
		if (i < n && b->partner)
			partner[i] = b->partner[from + i] + (uint32_t)n;
	}
	w.sentences += n;
	w.begin = begin;
	w.local = local;
	part.n = n;
	part.words = &w;
	part.partner = b->partner ? partner : NULL;
	part.lambda = b->lambda ? b->lambda + from : NULL;
	part.target = b->target + from * classes;
	part.sample = b->sample + from;
	if (graph_forward(&r->g, &part, PHASE_TRAIN, &err) || graph_backward(&r->g, &part, &err) ||
	    graph_read(&r->g, r->g.loss, n, loss + from, &err) ||
	    graph_read(&r->g, r->g.logits, n, z + from * classes, &err))
		fail_msg("%s", err.msg);
}

enum { GRADIENT = 4096 };

/* The gradient of shards first, first + 1, ..., in the order of a tree, to sum. */
static void plain_tree(struct plain *r, const struct batch *b, int first, int count, int shards, int classes,
		       float *loss, float *z, float *sum)
{
	float right[GRADIENT];
	size_t all = r->g.params_floats[ARENA_G];
	int from = b->n * first / shards, n = b->n * (first + 1) / shards - from;
	assert_true(all <= GRADIENT);
	if (count > 1) {
		plain_tree(r, b, first, count / 2, shards, classes, loss, z, sum);
		plain_tree(r, b, first + count / 2, count / 2, shards, classes, loss, z, right);
		for (size_t i = 0; i < all; i++)
			sum[i] += right[i];
		return;
	}
	memset(sum, 0, all * sizeof *sum);
	if (!n)
		return;
	plain_part(r, b, from, n, classes, loss, z);
	for (size_t i = 0; i < all; i++)
		sum[i] = r->g.params[ARENA_G][i] * ((float)n / (float)b->n);
}

static void plain_batch(struct plain *r, const struct task *t, const uint32_t *item, int n, uint32_t index,
			struct epoch_line *l)
{
	struct err err = ERR_NONE;
	int classes = t->data.head.n_classes, batches = (r->n_train + t->plan.batch - 1) / t->plan.batch;
	struct update u = t->plan.update;
	float loss[RECORDS], sum[GRADIENT], *z;
	assert_int_equal(mem_alloc(&z, (size_t)n * (size_t)classes, sizeof *z, &err), 0);
	u.step = ++r->step;
	u.lr = plan_lr(&t->plan, r->epoch + 1, index, (uint32_t)batches);
	l->lr = index ? l->lr : u.lr;
	if (batch_mixed(&r->b, &t->plan.mix_config, item, n, r->train, (uint32_t)r->n_train, t->plan.seed,
			(uint32_t)r->epoch + 1, index, &err))
		fail_msg("%s", err.msg);
	int shards = t->plan.shards ? t->plan.shards : 1;
	plain_tree(r, &r->b.batch, 0, shards, shards, classes, loss, z, sum);
	memcpy(r->g.params[ARENA_G], sum, r->g.params_floats[ARENA_G] * sizeof *sum); /* ref's memory is the host's */
	if (graph_update(&r->g, &r->b.batch, &u, &err))
		fail_msg("%s", err.msg);
	plain_average(r, t->plan.update.ema);
	for (int i = 0; i < n; i++) {
		l->train_loss += (double)loss[i] / r->n_train;
		l->train_accuracy += (double)r->b.target[i * classes + largest(z + i * classes, classes)] / r->n_train;
	}
	l->label_entropy += r->b.label_entropy / r->n_train;
	free(z);
}

static void plain_epoch(struct plain *r, const struct task *t)
{
	struct err err = ERR_NONE;
	struct epoch_line *l = &r->line[r->epoch];
	uint32_t order[RECORDS];
	struct rng shuffle;
	memcpy(order, r->train, sizeof order);
	rng_init(&shuffle, t->plan.seed, RNG_SHUFFLE, (uint32_t)r->epoch + 1, 0);
	rng_shuffle(&shuffle, order, (size_t)r->n_train);
	for (int at = 0; at < r->n_train; at += t->plan.batch)
		plain_batch(r, t, order + at, r->n_train - at < t->plan.batch ? r->n_train - at : t->plan.batch,
			    (uint32_t)(at / t->plan.batch), l);
	plain_turn(r, t);
	plain_dev(r, t, l);
	l->epoch = ++r->epoch;
	double score = t->plan.select == SELECT_DEV_NLL	      ? -l->dev_loss
		       : t->plan.select == SELECT_DEV_REFINED ? -l->dev_refined
							      : l->dev_accuracy;
	int better = t->plan.select == SELECT_LAST || !r->n_dev || r->epoch == 1 || score >= r->best - 1e-9;
	for (int p = 0; p < r->g.n_params && better; p++) {
		if (!r->kept[p])
			assert_int_equal(mem_alloc(&r->kept[p], param_size(&r->g.param[p]), sizeof(float), &err), 0);
		assert_int_equal(graph_get(&r->g, p, r->kept[p], &err), 0);
	}
	plain_turn(r, t);
	int further = r->epoch == 1 || score > r->highest + 1e-9;
	r->highest = further ? score : r->highest;
	r->further_epoch = further ? r->epoch : r->further_epoch;
	r->best = better ? score : r->best;
	r->best_epoch = better ? r->epoch : r->best_epoch;
}

static int plain_done(const struct plain *r, const struct task *t)
{
	const struct plan *p = &t->plan;
	int tired = p->patience && r->epoch - r->further_epoch >= p->patience;
	int good = p->stop_top5 > 0 && r->epoch && r->line[r->epoch - 1].dev_top5 >= p->stop_top5 - 1e-9;
	return r->epoch >= p->epochs || tired || good;
}

static void same_line(const struct epoch_line *a, const struct epoch_line *b)
{
	const double *x = &a->lr, *y = &b->lr, *v = &a->dev_loss, *w = &b->dev_loss;
	assert_int_equal(a->epoch, b->epoch);
	assert_int_equal(a->dev_n, b->dev_n);
	for (int i = 0; i < 4; i++)
		if (!(fabs(x[i] - y[i]) <= 1e-9 * (1 + fabs(y[i]))))
			fail_msg("epoch %d: column %d is %.12g, not %.12g", (int)a->epoch, i + 1, x[i], y[i]);
	for (int i = 0; i < 7; i++)
		if (!(fabs(v[i] - w[i]) <= 1e-9 * (1 + fabs(w[i]))))
			fail_msg("epoch %d: dev column %d is %.12g, not %.12g", (int)a->epoch, i, v[i], w[i]);
}

static uint32_t ticks;

static int tick(void *ctx, uint32_t done)
{
	const struct trainer *t = ctx;
	ticks++;
	assert_in_range(done, 1, t->n_train);
	return 0;
}

static int pauses(void *ctx)
{
	(void)ctx;
	return below(4) == 0;
}

/* The trainer is given up for another one, which goes on from its checkpoint. */
static void interrupt(struct trainer *t, struct task *task)
{
	struct err err = ERR_NONE;
	struct trainer next;
	char path[64];
	int fd = memory_file(path);
	if (checkpoint_save(t, path, &err))
		fail_msg("%s", err.msg);
	open_trainer(&next, task);
	if (checkpoint_load(&next, path, &err))
		fail_msg("%s", err.msg);
	close(fd);
	next.tick = t->tick;
	next.pause = t->pause;
	next.tick_ctx = t->tick_ctx;
	trainer_release(t);
	*t = next;
	t->turns.batcher[0].batch = (struct batch){ 0 }; /* which pointed into the other one, as does late.g */
	t->late.g = &t->graph;
}

static void one(uint32_t number)
{
	static struct task task;
	static struct plain r;
	static struct trainer t;
	struct err err = ERR_NONE;
	float **weights;
	int epoch;
	make_task(&task, number);
	plain_open(&r, &task);
	open_trainer(&t, &task);
	while (!plain_done(&r, &task)) {
		assert_false(trainer_done(&t));
		ticks = 0;
		t.tick = tick;
		t.tick_ctx = &t;
		plain_epoch(&r, &task);
		t.pause = number % 2 ? pauses : NULL;
		int rc;
		while ((rc = trainer_epoch(&t, &err)) == TRAINER_PAUSED)
			if (below(2))
				interrupt(&t, &task);
		if (rc)
			fail_msg("%s", err.msg);
		int judged = r.n_dev ? (r.n_dev + t.eval_batch - 1) / t.eval_batch : 1;
		assert_int_equal(ticks, (r.n_train + task.plan.batch - 1) / task.plan.batch + judged);
		same_line(&t.history[r.epoch - 1], &r.line[r.epoch - 1]);
		if (below(3) == 0)
			interrupt(&t, &task);
	}
	assert_true(trainer_done(&t));
	assert_int_equal(trainer_weights(&t, &weights, &epoch, &err), 0);
	assert_int_equal(epoch, r.best_epoch);
	assert_int_equal(t.step, r.step);
	for (int p = 0; p < r.g.n_params; p++)
		assert_memory_equal(weights[p], r.kept[p], param_size(&r.g.param[p]) * sizeof(float));
	trainer_release(&t);
	plain_close(&r);
	device_close(&task.dev);
}

static void runs_are_the_plain_loop(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < (getenv("VIC_THOROUGH") ? 200 : 40); i++)
		one(i);
}

/* Records that cannot be trained on, and stops that nothing can reach. */
static void refusals(void **state)
{
	static struct task task;
	struct trainer t;
	struct err err = ERR_NONE;
	(void)state;
	make_task(&task, 3);
	task.plan.patience = 0;
	task.plan.stop_top5 = 0;
	uint8_t *split = task.split;
	for (size_t i = 0; i < task.data.n; i++)
		split[i] = i < 4 ? SPLIT_TRAIN : SPLIT_EXTRA;
	task.label[task.data.n - 1] = -1; /* not for training: nobody asks */
	assert_int_equal(trainer_open(&t, &task.plan, &task.data, &task.dev, &err), 0);
	assert_int_equal(t.n_train, 4);
	trainer_release(&t);
	task.plan.patience = 1;
	assert_int_equal(trainer_open(&t, &task.plan, &task.data, &task.dev, &err), -1);
	assert_non_null(strstr(err.msg, "--patience needs records marked dev"));
	task.plan.patience = 0;
	task.plan.stop_top5 = 0.5;
	err = ERR_NONE;
	assert_int_equal(trainer_open(&t, &task.plan, &task.data, &task.dev, &err), -1);
	assert_non_null(strstr(err.msg, "--stop-top5 needs records marked dev"));
	task.plan.stop_top5 = 0;
	task.label[2] = -1;
	task.id[2] = 77;
	err = ERR_NONE;
	assert_int_equal(trainer_open(&t, &task.plan, &task.data, &task.dev, &err), -1);
	assert_non_null(strstr(err.msg, "record with id 77 is for training but has no label"));
	task.label[2] = 0;
	memset(split, SPLIT_TEST, task.data.n);
	err = ERR_NONE;
	assert_int_equal(trainer_open(&t, &task.plan, &task.data, &task.dev, &err), -1);
	assert_non_null(strstr(err.msg, "is marked train, which are trained on ("));
	device_close(&task.dev);
}

/* One logit of a pass over judged records, which ref gives and is then no number. */
static struct {
	const struct graph *g;
	size_t at, seen;
	float value;
} spoilt;

static int spoil(struct backend_ctx *ctx, const struct op_call *call, struct err *err)
{
	int rc = backend_ref.forward(ctx, call, err);
	size_t n = (size_t)call->n * (size_t)call->out_size;
	if (call->phase != PHASE_PREDICT || call->op->out != spoilt.g->logits)
		return rc;
	if (spoilt.at - spoilt.seen < n)
		call->out[spoilt.at - spoilt.seen] = spoilt.value;
	spoilt.seen += n;
	return rc;
}

/* Whichever logit of whichever record is no finite number: the epoch does not end. */
static void any_answer_that_is_none(void **state)
{
	static struct task task;
	static const float odd[] = { NAN, -NAN, INFINITY, -INFINITY };
	(void)state;
	for (uint32_t i = 0; i < 60; i++) {
		struct trainer t;
		struct err err = ERR_NONE;
		struct backend b = backend_ref;
		make_task(&task, i);
		task.dev.b = &b;
		open_trainer(&t, &task);
		b.forward = spoil;
		size_t most = (size_t)t.eval_batch, judged = t.n_dev ? t.n_dev : t.n_train < most ? t.n_train : most;
		size_t all = judged * (size_t)task.data.head.n_classes;
		spoilt.g = &t.graph;
		spoilt.seen = 0;
		spoilt.at = i % 3 ? (size_t)below((int)all) : i % 2 ? 0 : all - 1;
		spoilt.value = odd[below(4)];
		assert_int_equal(trainer_epoch(&t, &err), -1);
		assert_non_null(strstr(err.msg, t.n_dev ? "answers dev records with nan after epoch 1;"
							: "answers training records with nan after epoch 1;"));
		assert_int_equal(t.epoch, 0);
		trainer_release(&t);
		device_close(&task.dev);
	}
}

/* When a run is done, by its history alone: scores of few values, so that many are equal to the best and to what ends
 * a run. */
static void ends(void **state)
{
	int all = 0;
	(void)state;
	rng_init(&random_state, 53, RNG_TEST, 0, 0);
	for (int i = 0; i < 3000; i++) {
		struct epoch_line line[MOST_EPOCHS];
		struct plan p = { .epochs = 1 + below(MOST_EPOCHS), .patience = below(4),
				  .select = (enum select)below(4),
				  .stop_top5 = below(2) ? 0.25 * (1 + below(4)) : 0 };
		struct trainer t = { .plan = &p, .n_dev = below(5) ? 8 : 0, .history = line,
				     .epoch = below(MOST_EPOCHS) };
		int since = 0; /* epochs that were no better than all before them */
		double best = -INFINITY, top5 = -1;
		for (int e = 0; e < t.epoch; e++) {
			line[e] = (struct epoch_line){ .dev_accuracy = below(4), .dev_loss = below(4),
						       .dev_refined = below(4), .dev_top5 = 0.25 * below(5) };
			double score = p.select == SELECT_DEV_NLL       ? -line[e].dev_loss
				       : p.select == SELECT_DEV_REFINED ? -line[e].dev_refined
									: line[e].dev_accuracy;
			since = score > best ? 0 : since + 1;
			best = fmax(best, score);
			top5 = line[e].dev_top5;
		}
		int want = t.epoch >= p.epochs || (p.patience && t.n_dev && t.epoch && since >= p.patience) ||
			   (p.stop_top5 > 0 && top5 >= p.stop_top5);
		assert_int_equal(trainer_done(&t) != 0, want);
		all += want;
	}
	assert_in_range(all, 500, 2500);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(runs_are_the_plain_loop), cmocka_unit_test(refusals),
					    cmocka_unit_test(any_answer_that_is_none), cmocka_unit_test(ends) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

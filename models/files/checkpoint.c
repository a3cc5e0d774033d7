/* The file: metadata "plan" (the run's key) and "data" (its checksum), which must be this run's; the counters; the
 * history as its structs lie; what vic-predict needs to take it for a model (model_describe, model_add_words); and of
 * each parameter NAME:w, :s1, :s2, :average, :best and, of a table, :last. Running statistics are parameters too. A
 * multichannel table's fixed copy is not kept: trainer_open takes it from the data. Counters are loaded first, because
 * they say how long the history is and whether there are best weights. Inside an epoch the file is of version 4: there
 * is a tensor "part" with what its batches came to so far, and NAME:best are the weights of the epochs before also
 * where the last epoch's are kept, since NAME:w are nobody's. Which tensors there must be follows from the trainer,
 * and any other is refused. */
#include "checkpoint.h"
#include "modelfile.h"

#include "models/train/options.h"
#include "pipeline/base/mem.h"
#include "pipeline/formats/safetensors.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Between epochs, and inside one. 1 had no checksums, 2 did not say what model it is of; read too. */
#define FORMAT CHECKPOINT_FAMILY " 3"
#define FORMAT_PART CHECKPOINT_FAMILY " 4"

/* A slot of the graph (enum graph_slot), or, after them, the best epoch's weights, which are the host's. */
enum { SLOT_BEST = GRAPH_SLOTS, SLOTS };
static const char *const slot_name[SLOTS] = {
	[GRAPH_W] = "w",	   [GRAPH_S1] = "s1",		  [GRAPH_S2] = "s2",
	[GRAPH_LAST] = "last", [GRAPH_AVERAGE] = "average", [SLOT_BEST] = "best"
};
/* As they stand in the file. */
static const int slot_order[SLOTS] = { GRAPH_W, GRAPH_S1, GRAPH_S2, GRAPH_AVERAGE, SLOT_BEST, GRAPH_LAST };

/* The run's counters, as they lie in the file: F64 holds each exactly. */
enum { AT_STEP, AT_EPOCH, AT_BEST_EPOCH, AT_BEST_SCORE, COUNTERS };

/* What an epoch came to so far, likewise. */
enum { PART_BATCHES, PART_LOSS, PART_ACCURACY, PART_ENTROPY, PART };

/* 1: the file holds the weights to keep, beside those of this moment. */
static int holds_best(const struct trainer *t)
{
	return trainer_keeps_best(t) || t->part.batches || t->plan->update.ema > 0;
}

/* Bytes of a slot; 0: there is none. */
static size_t slot_bytes(const struct trainer *t, int p, int slot)
{
	if (slot == SLOT_BEST)
		return t->best && holds_best(t) ? param_size(&t->graph.param[p]) * sizeof(float) : 0;
	return graph_slot_bytes(&t->graph, p, (enum graph_slot)slot);
}

/* Its tensor: name, type and shape. Returns the number of dimensions. */
static int slot_tensor(const struct trainer *t, int p, int slot, char name[GRAPH_NAME + 8], enum st_dtype *dtype,
		       size_t shape[4])
{
	const struct param *q = &t->graph.param[p];
	snprintf(name, GRAPH_NAME + 8, "%s:%s", q->name, slot_name[slot]);
	*dtype = slot == GRAPH_LAST ? ST_U32 : ST_F32;
	for (int i = 0; i < q->ndim; i++)
		shape[i] = (size_t)q->dim[i];
	return slot == GRAPH_LAST ? 1 : q->ndim;
}

/* Adds one parameter's slots; device memory is copied into `host`, which the caller frees after writing. */
static int add_param(struct safetensors *st, const struct trainer *t, int p, void **host, struct err *err)
{
	for (int i = 0; i < SLOTS; i++) {
		int slot = slot_order[i];
		size_t shape[4], bytes = slot_bytes(t, p, slot);
		char name[GRAPH_NAME + 8];
		enum st_dtype dtype;
		if (!bytes)
			continue;
		int ndim = slot_tensor(t, p, slot, name, &dtype, shape);
		if (slot != SLOT_BEST && (mem_alloc(&host[slot], bytes, 1, err) ||
					  graph_slot_get(&t->graph, p, (enum graph_slot)slot, host[slot], err)))
			return -1;
		if (safetensors_add(st, name, dtype, ndim, shape, slot == SLOT_BEST ? t->best[p] : host[slot], err))
			return -1;
	}
	return 0;
}

int checkpoint_save(const struct trainer *t, const char *path, struct err *err)
{
	struct safetensors st = { 0 };
	struct output out = { 0 };
	int n = t->graph.n_params, rc;
	void **host;
	double counter[COUNTERS] = { [AT_STEP] = t->step, [AT_EPOCH] = t->epoch,
				     [AT_BEST_EPOCH] = holds_best(t) ? t->best_epoch : 0,
				     [AT_BEST_SCORE] = t->best_score };
	size_t counters = COUNTERS, line = epoch_line_bytes(t->plan->select), history = (size_t)t->epoch * line;
	unsigned char *lines;
	const struct epoch_part *done = &t->part;
	double part[PART] = { [PART_BATCHES] = done->batches, [PART_LOSS] = done->loss,
			      [PART_ACCURACY] = done->accuracy, [PART_ENTROPY] = done->label_entropy };
	size_t parts = PART;
	char crc[16];
	if (mem_alloc(&host, (size_t)n * SLOTS, sizeof *host, err))
		return -1;
	if (mem_alloc(&lines, history, 1, err)) {
		free(host);
		return -1;
	}
	for (int e = 0; e < t->epoch; e++)
		memcpy(lines + (size_t)e * line, &t->history[e], line);
	snprintf(crc, sizeof crc, "%08x", t->data->crc);
	rc = safetensors_set(&st, "format", done->batches ? FORMAT_PART : FORMAT, err) ||
	     safetensors_set(&st, "plan", t->plan->key, err) ||
	     safetensors_set(&st, "data", crc, err) ||
	     safetensors_add(&st, "counters", ST_F64, 1, &counters, counter, err) ||
	     safetensors_add(&st, "history", ST_U8, 1, &history, lines, err) ||
	     (done->batches && safetensors_add(&st, "part", ST_F64, 1, &parts, part, err));
	if (t->provenance)
		rc = rc || model_describe(&st, t->plan, t->data, &t->graph, t->best_epoch, t->provenance, err) ||
		     (t->data->head.kind == STREAM_TEXT && model_add_words(&st, &t->data->text, err));
	for (int p = 0; p < n && !rc; p++)
		rc = add_param(&st, t, p, host + (size_t)p * SLOTS, err);
	rc = rc || output_open(&out, path, err) || safetensors_write(&st, &out, err) || output_commit(&out, err);
	output_release(&out);
	safetensors_release(&st);
	for (int i = 0; i < n * SLOTS; i++)
		free(host[i]);
	free(host);
	free(lines);
	return rc ? -1 : 0;
}

/* Adds to *known the tensors that it found. */
static int load_param(struct trainer *t, int p, const struct safetensors *st, size_t *known, struct err *err)
{
	for (int slot = 0; slot < SLOTS; slot++) {
		size_t shape[4], bytes = slot_bytes(t, p, slot);
		char name[GRAPH_NAME + 8];
		const struct st_tensor *from;
		enum st_dtype dtype;
		if (!bytes)
			continue;
		int ndim = slot_tensor(t, p, slot, name, &dtype, shape);
		if (safetensors_need(st, name, dtype, ndim, shape, &from, err))
			return -1;
		++*known;
		if (slot == SLOT_BEST)
			memcpy(t->best[p], from->data, bytes);
		else if (graph_slot_set(&t->graph, p, (enum graph_slot)slot, from->data, err))
			return -1;
	}
	return 0;
}

/* A checkpoint made with other options than this run's. */
static int refuse_plan(const struct trainer *t, const struct safetensors *st, const char *plan, struct err *err)
{
	char *text;
	int known = train_options_differ(plan, t->plan->key, &text, err);
	if (known < 0)
		return -1;
	if (known)
		err_set(err, "%s: was made with other options: %s", st->name, text);
	else
		err_set(err, "%s: was made with other options, or by another version: %s; this run has %s", st->name,
			plan, t->plan->key);
	free(text);
	return -1;
}

static int matches(const struct trainer *t, const struct safetensors *st, struct err *err)
{
	const char *plan = safetensors_meta(st, "plan"), *data = safetensors_meta(st, "data");
	int version;
	char crc[16];
	snprintf(crc, sizeof crc, "%08x", t->data->crc);
	if (safetensors_version(st, CHECKPOINT_FAMILY, CHECKPOINT_VERSION, &version, err))
		return -1;
	if (!plan || !data)
		return err_set(err, "%s: does not say of which run it is a checkpoint", st->name);
	if (strcmp(plan, t->plan->key))
		return refuse_plan(t, st, plan, err);
	if (strcmp(data, crc))
		return err_set(err, "%s: was made on other data (%s, here %s)", st->name, data, crc);
	return 0;
}

/* The counters, each a whole number that a run can reach, but the score. */
static int take_counters(struct trainer *t, const double *c, const char *path, struct err *err)
{
	static const char *const name[COUNTERS] = { "step", "epoch", "best epoch", "best score" };
	int loss = t->plan->select == SELECT_DEV_NLL || t->plan->select == SELECT_DEV_REFINED; /* minus it */
	double most[COUNTERS] = { [AT_STEP] = UINT32_MAX, [AT_EPOCH] = INT32_MAX, [AT_BEST_EPOCH] = c[AT_EPOCH],
				  [AT_BEST_SCORE] = loss ? 0 : 1 };
	for (int i = 0; i < COUNTERS; i++)
		if (!(c[i] >= (loss && i == AT_BEST_SCORE ? -DBL_MAX : 0) && c[i] <= most[i]) ||
		    (i != AT_BEST_SCORE && c[i] != floor(c[i])))
			return err_set(err, "%s: its %s is %g, which no run comes to", path, name[i], c[i]);
	t->step = (uint32_t)c[AT_STEP];
	t->epoch = (int)c[AT_EPOCH];
	t->best_epoch = (int)c[AT_BEST_EPOCH];
	t->best_score = c[AT_BEST_SCORE];
	if (t->epoch && !t->best_epoch && holds_best(t))
		return err_set(err, "%s: its best epoch is 0, which no run comes to", path);
	if (t->epoch > t->plan->epochs)
		return err_set(err, "%s: has %d epochs already, --epochs asks for %d", path, t->epoch, t->plan->epochs);
	return 0;
}

/* An epoch's part, where there is one; before the counters, which depend on it. Adds to *known. */
static int take_part(struct trainer *t, const struct safetensors *st, size_t *known, struct err *err)
{
	const struct st_tensor *from;
	size_t n = PART;
	if (!safetensors_find(st, "part"))
		return 0;
	if (safetensors_need(st, "part", ST_F64, 1, &n, &from, err))
		return -1;
	const double *p = from->data;
	int sums = isfinite(p[PART_LOSS]) && p[PART_ACCURACY] >= 0 && p[PART_ACCURACY] <= 2.0 * t->n_train &&
		   p[PART_ENTROPY] >= 0 && isfinite(p[PART_ENTROPY]);
	if (!(p[PART_BATCHES] >= 1 && p[PART_BATCHES] < trainer_batches(t)) ||
	    p[PART_BATCHES] != floor(p[PART_BATCHES]) || !sums)
		return err_set(err, "%s: its part of an epoch (%g of %u batches) is one that no run comes to", st->name,
			       p[PART_BATCHES], trainer_batches(t));
	t->part = (struct epoch_part){ (uint32_t)p[PART_BATCHES], p[PART_LOSS], p[PART_ACCURACY], p[PART_ENTROPY] };
	++*known;
	return 0;
}

static int load_all(struct trainer *t, const struct safetensors *st, struct err *err)
{
	const struct st_tensor *counters, *history;
	size_t n = COUNTERS, known = 2;
	if (matches(t, st, err) || take_part(t, st, &known, err) ||
	    safetensors_need(st, "counters", ST_F64, 1, &n, &counters, err) ||
	    take_counters(t, counters->data, st->name, err))
		return -1;
	size_t line = epoch_line_bytes(t->plan->select), bytes = (size_t)t->epoch * line;
	if (safetensors_need(st, "history", ST_U8, 1, &bytes, &history, err) ||
	    mem_grow(&t->history, &t->cap_history, (size_t)t->epoch, sizeof *t->history, err))
		return -1;
	for (int e = 0; e < t->epoch; e++) {
		t->history[e] = (struct epoch_line){ 0 }; /* ranks compare all of it */
		memcpy(&t->history[e], (const char *)history->data + (size_t)e * line, line);
	}
	if (t->best_epoch) { /* room for load_param to fill */
		if (mem_alloc(&t->best, (size_t)t->graph.n_params, sizeof *t->best, err))
			return -1;
		for (int p = 0; p < t->graph.n_params; p++)
			if (mem_alloc(&t->best[p], param_size(&t->graph.param[p]), sizeof(float), err))
				return -1;
	}
	for (int p = 0; p < t->graph.n_params; p++)
		if (load_param(t, p, st, &known, err))
			return -1;
	known += !!safetensors_find(st, "words.text") + !!safetensors_find(st, "words.end");
	if (st->n != known)
		return err_set(err, "%s: has %zu tensors where the run has %zu", st->name, st->n, known);
	return t->epoch && !holds_best(t) ? trainer_keep(t, err) : 0;
}

int checkpoint_load(struct trainer *t, const char *path, struct err *err)
{
	struct safetensors st;
	if (safetensors_open(&st, path, err))
		return -1;
	int rc = load_all(t, &st, err);
	t->graph.version++;
	safetensors_release(&st);
	return rc;
}

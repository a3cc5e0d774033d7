#include "rows.h"
#include "pipeline/mem.h"
#include "rows_block.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Blocks in flight: enough that neither the pipe nor the arithmetic waits for the other's hiccups. */
enum { JOBS = 6, NAME_SIZE = 512 };

struct job {
	unsigned char *buf;
	size_t cap;
	struct block block;
	uint64_t at; /* number of its first record in the pooled stream */
	char name[NAME_SIZE];
	struct results results;
};

struct reading {
	struct stream_reader *stream;
	const struct rows_ask *ask;
	struct rows *rows; /* under way */
	size_t caps[16];
	uint64_t records; /* read into rows so far */
	struct pool *pool;
	struct tally *tally; /* [threads] */
	struct job job[JOBS];
	int free_job[JOBS], n_free, queue[JOBS], n_queue, busy;
	pthread_mutex_t lock;
	pthread_cond_t turn;
	int closing;	  /* no more blocks will come */
	int failed, more; /* more: another document waits (rows_read_each) */
	uint64_t failed_at;
	struct err err;
};

static int grow(struct reading *g, int which, void *array, unsigned wanted, const void *from, uint64_t at, size_t n,
		size_t size, struct err *err)
{
	if (!wanted)
		return 0;
	if (mem_grow(array, &g->caps[which], at + n, size, err))
		return -1;
	memcpy(*(unsigned char **)array + at * size, from, n * size);
	return 0;
}

/* Appends a finished block's columns at their place. Under the lock. */
static int commit(struct reading *g, const struct job *j, struct err *err)
{
	struct rows *w = g->rows;
	const struct results *r = &j->results;
	unsigned c = g->ask->columns;
	uint64_t at = j->at;
	size_t n = j->block.n;
	return grow(g, 0, &w->key, 1, r->key, at, n, 8, err) || grow(g, 1, &w->split_of, 1, r->fate, at, n, 1, err) ||
			       grow(g, 2, &w->id, c & COL_ID, j->block.id, at, n, 8, err) ||
			       grow(g, 3, &w->label, c & COL_LABEL, j->block.label, at, n, 4, err) ||
			       grow(g, 4, &w->predicted, c & COL_PREDICTED, r->predicted, at, n, 4, err) ||
			       grow(g, 5, &w->nll, c & COL_NLL, r->nll, at, n, 8, err) ||
			       grow(g, 6, &w->brier, c & COL_BRIER, r->brier, at, n, 8, err) ||
			       grow(g, 7, &w->entropy, c & COL_ENTROPY, r->entropy, at, n, 8, err) ||
			       grow(g, 8, &w->mutual, c & COL_MUTUAL, r->mutual, at, n, 8, err) ||
			       grow(g, 9, &w->max_logit, c & COL_MAX_LOGIT, r->max_logit, at, n, 8, err) ||
			       grow(g, 10, &w->energy, c & COL_ENERGY, r->energy, at, n, 8, err) ||
			       grow(g, 11, &w->margin, c & COL_MARGIN, r->margin, at, n, 8, err) ||
			       grow(g, 12, &w->values, c & COL_VALUES, j->block.data, at, n,
				    stream_record_size(&w->head), err)
		       ? -1
		       : 0;
}

static void fail(struct reading *g, uint64_t at, const struct err *err)
{
	if (!g->failed || at < g->failed_at) {
		g->err = *err;
		g->failed_at = at;
	}
	g->failed = 1;
}

/* Takes the oldest waiting block and works on it. Called and left with the lock held. */
static void work_one(struct reading *g, int worker)
{
	int i = g->queue[0];
	struct job *j = &g->job[i];
	struct err err = ERR_NONE;
	memmove(g->queue, g->queue + 1, (size_t)--g->n_queue * sizeof *g->queue);
	g->busy++;
	if (!g->failed || j->at < g->failed_at) {
		pthread_mutex_unlock(&g->lock);
		int rc = tally_block(&g->tally[worker], &g->rows->head, &j->block, j->at, &j->results, j->name, &err);
		pthread_mutex_lock(&g->lock);
		if (rc || commit(g, j, &err))
			fail(g, j->at, &err);
	}
	g->busy--;
	g->free_job[g->n_free++] = i;
	pthread_cond_broadcast(&g->turn);
}

/* A free job; works itself while there is none. Lock held. */
static struct job *take_free(struct reading *g, int worker)
{
	while (!g->n_free) {
		if (g->n_queue)
			work_one(g, worker);
		else
			pthread_cond_wait(&g->turn, &g->lock);
	}
	return &g->job[g->free_job[--g->n_free]];
}

static int has_failed(struct reading *g)
{
	pthread_mutex_lock(&g->lock);
	int failed = g->failed;
	pthread_mutex_unlock(&g->lock);
	return failed;
}

static int same_heads(struct reading *g, struct err *err)
{
	const struct stream_head *h = stream_head_of(g->stream);
	struct rows *w = g->rows;
	if (stream_head_same(&w->head, h, err)) {
		err_context(err, "%s: document %" PRIu64 " cannot be pooled with those before it",
			    stream_name(g->stream), w->documents + 1);
		return -1;
	}
	if (strcmp(w->head.name ? w->head.name : "", h->name ? h->name : ""))
		w->names_differ = 1;
	return 0;
}

static int read_document(struct reading *g, int worker, struct err *err)
{
	struct block b;
	int rc;
	g->rows->documents++;
	while ((rc = stream_next_block(g->stream, &b, err)) == 1) {
		pthread_mutex_lock(&g->lock);
		if (g->failed) {
			pthread_mutex_unlock(&g->lock);
			return 0;
		}
		struct job *j = take_free(g, worker);
		stream_swap_buffer(g->stream, &j->buf, &j->cap);
		j->block = b;
		j->at = g->records;
		if (g->rows->documents > 1)
			snprintf(j->name, sizeof j->name, "%s: document %" PRIu64, stream_name(g->stream),
				 g->rows->documents);
		else
			snprintf(j->name, sizeof j->name, "%s", stream_name(g->stream));
		g->records += b.n;
		g->queue[g->n_queue++] = (int)(j - g->job);
		if (pool_threads(g->pool) == 1)
			work_one(g, worker);
		else
			pthread_cond_broadcast(&g->turn);
		pthread_mutex_unlock(&g->lock);
	}
	return rc;
}

/* All documents that go into g->rows: the one at hand and, when pooling, those that follow. */
static int read_documents(struct reading *g, int worker, int each, struct err *err)
{
	for (;;) {
		if (read_document(g, worker, err))
			return -1;
		if (has_failed(g))
			return 0;
		int rc = stream_next_of(g->stream, STREAM_LOGITS, err);
		if (rc == 1 && each)
			g->more = 1;
		if (rc <= 0 || each)
			return rc < 0 ? -1 : 0;
		if (same_heads(g, err))
			return -1;
	}
}

struct loop {
	struct reading *g;
	int each;
};

/* Task 0 reads; the others work until nothing can come any more. */
static void loop_task(void *arg, int task, int worker)
{
	const struct loop *l = arg;
	struct reading *g = l->g;
	struct err err = ERR_NONE;
	int rc = task ? 0 : read_documents(g, worker, l->each, &err);
	pthread_mutex_lock(&g->lock);
	if (!task) {
		if (rc)
			fail(g, g->records, &err);
		g->closing = 1;
		pthread_cond_broadcast(&g->turn);
	}
	while (g->n_queue || !g->closing) {
		if (g->n_queue)
			work_one(g, worker);
		else
			pthread_cond_wait(&g->turn, &g->lock);
	}
	pthread_mutex_unlock(&g->lock);
}

static int begin(struct reading *g, struct err *err)
{
	struct rows *w = g->rows;
	const struct stream_head *h = stream_head_of(g->stream);
	*w = (struct rows){ 0 };
	memset(g->caps, 0, sizeof g->caps);
	g->records = 0;
	g->closing = g->more = 0;
	g->n_free = g->n_queue = 0;
	for (int i = 0; i < JOBS; i++)
		g->free_job[g->n_free++] = i;
	if (stream_head_copy(&w->head, h, err))
		return -1;
	const char *name = h->name && *h->name ? h->name : stream_name(g->stream);
	if (mem_text(&w->name, name, strlen(name), err))
		return -1;
	w->provenance = json_deep_copy(stream_provenance(g->stream));
	if (!w->provenance)
		return err_memory(err);
	for (int i = 0; i < pool_threads(g->pool); i++)
		if (tally_init(&g->tally[i], &w->head, g->ask, err))
			return -1;
	return 0;
}

static int read_one(struct reading *g, int each, struct err *err)
{
	struct loop loop = { g, each };
	int n = pool_threads(g->pool), rc = begin(g, err);
	if (!rc) {
		pool_run(g->pool, n, loop_task, &loop);
		rc = g->failed ? -1 : 0;
		if (rc)
			*err = g->err;
	}
	if (!rc)
		rc = rows_settle(g->rows, g->tally, n, g->ask, g->records, stream_name(g->stream), err);
	for (int i = 0; i < n; i++)
		tally_release(&g->tally[i]);
	if (rc)
		rows_release(g->rows);
	return rc;
}

static int open_reading(struct reading *g, const char *path, const struct rows_ask *ask, struct err *err)
{
	*g = (struct reading){ .ask = ask };
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->turn, NULL);
	if (pool_open(&g->pool, ask->threads, err) ||
	    mem_alloc(&g->tally, (size_t)pool_threads(g->pool), sizeof *g->tally, err) ||
	    stream_open(&g->stream, path, err))
		return -1;
	return stream_next_of(g->stream, STREAM_LOGITS, err) == 1 ? 0 : -1;
}

static void close_reading(struct reading *g)
{
	for (int i = 0; i < JOBS; i++) {
		free(g->job[i].buf);
		results_release(&g->job[i].results);
	}
	free(g->tally);
	stream_close(g->stream);
	pool_close(g->pool);
	pthread_mutex_destroy(&g->lock);
	pthread_cond_destroy(&g->turn);
}

int rows_read(struct rows *rows, const char *path, const struct rows_ask *ask, struct err *err)
{
	struct reading g;
	*rows = (struct rows){ 0 };
	int rc = open_reading(&g, path, ask, err);
	g.rows = rows;
	if (!rc)
		rc = read_one(&g, 0, err);
	close_reading(&g);
	return rc;
}

int rows_read_each(struct rows **list, size_t *n, const char *path, const struct rows_ask *ask, struct err *err)
{
	struct reading g;
	size_t cap = 0;
	int rc = open_reading(&g, path, ask, err);
	*list = NULL;
	*n = 0;
	g.more = 1;
	while (!rc && g.more) {
		rc = mem_grow(list, &cap, *n + 1, sizeof **list, err);
		if (rc)
			break;
		g.rows = &(*list)[*n];
		rc = read_one(&g, 1, err);
		*n += !rc;
	}
	close_reading(&g);
	if (!rc)
		return 0;
	for (size_t i = 0; i < *n; i++)
		rows_release(&(*list)[i]);
	free(*list);
	*list = NULL;
	*n = 0;
	return rc;
}

static int same_records(const struct rows *a, const struct rows *b, struct err *err)
{
	if (stream_head_same(&a->head, &b->head, err))
		return err_context(err, "%s and %s are no ensemble", a->name, b->name);
	if (a->n != b->n)
		return err_set(err, "%s and %s are no ensemble: %zu and %zu records", a->name, b->name, a->n, b->n);
	for (size_t i = 0; i < a->n; i++)
		if (a->id[i] != b->id[i] || a->label[i] != b->label[i] || a->split_of[i] != b->split_of[i])
			return err_set(err, "%s and %s are no ensemble: record %zu is not the same in both", a->name,
				       b->name, i);
	return 0;
}

/* Records from..from+n-1 of all members as one block: a record's samples are the members', one behind the other. */
static void interleave(const struct rows *in, int m, size_t from, size_t n, struct block *b)
{
	size_t each = stream_record_size(&in->head);
	*b = (struct block){ .type = BLOCK_ROWS,
			     .n = (uint32_t)n,
			     .first = from,
			     .id = in->id + from,
			     .label = in->label + from,
			     .split = in->split_of + from,
			     .data = b->data };
	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < m; k++)
			memcpy(b->data + (i * (size_t)m + (size_t)k) * each,
			       (const unsigned char *)in[k].values + (from + i) * each, each);
	b->data_len = n * (size_t)m * each;
}

int rows_ensemble(struct rows *out, const struct rows *in, int m, const struct rows_ask *ask, struct err *err)
{
	enum { STEP = 1024 };
	struct reading g = { .ask = ask, .rows = out };
	struct tally tally = { 0 };
	struct job job = { 0 };
	int rc = -1;
	*out = (struct rows){ 0 };
	for (int k = 1; k < m; k++)
		if (same_records(&in[0], &in[k], err))
			return -1;
	if (stream_head_copy(&out->head, &in->head, err))
		return -1;
	out->head.samples *= m;
	if (mem_text(&out->name, in->name, strlen(in->name), err) || tally_init(&tally, &out->head, ask, err) ||
	    mem_alloc(&job.block.data, STEP * (size_t)m, stream_record_size(&in->head), err))
		goto end;
	out->provenance = json_incref(in->provenance);
	out->documents = (uint64_t)m;
	for (size_t from = 0; from < in->n; from += STEP) {
		interleave(in, m, from, in->n - from < STEP ? in->n - from : STEP, &job.block);
		job.at = from;
		if (tally_block(&tally, &out->head, &job.block, from, &job.results, out->name, err) ||
		    commit(&g, &job, err))
			goto end;
	}
	rc = rows_settle(out, &tally, 1, ask, in->n, out->name, err);
end:
	free(job.block.data);
	results_release(&job.results);
	tally_release(&tally);
	if (rc)
		rows_release(out);
	return rc;
}

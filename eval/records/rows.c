/* The reader: one thread reads blocks, the others work on them; columns lie in the order of the stream. */
#include "rows.h"
#include "pipeline/files/jsontext.h"
#include "pipeline/base/mem.h"
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
	const struct rows_options *options;
	struct rows *rows; /* under way */
	size_t caps[ROWS_COLUMNS];
	uint64_t records; /* read into rows so far */
	struct pool *pool;
	struct tally *tally; /* [threads] */
	struct job job[JOBS];
	int free_job[JOBS], n_free, queue[JOBS], n_queue;
	pthread_mutex_t lock;
	pthread_cond_t turn;
	int closing;	  /* no more blocks will come */
	int begun;	  /* a document: those that follow do not fill what is left of the file */
	int failed, more; /* more: another document waits (rows_read_each) */
	uint64_t failed_at;
	struct err err;
};

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
	if (!g->failed || j->at < g->failed_at) {
		pthread_mutex_unlock(&g->lock);
		int rc = tally_block(&g->tally[worker], &g->rows->head, &j->block, j->at, &j->results, j->name, &err);
		pthread_mutex_lock(&g->lock);
		if (rc || rows_append(g->rows, g->caps, g->options->columns, j->at, &j->block, &j->results, &err))
			fail(g, j->at, &err);
	}
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
	w->head.names |= h->names;
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
			err_phrase(j->name, sizeof j->name, "%s: document %" PRIu64, stream_name(g->stream),
				   g->rows->documents);
		else
			err_phrase(j->name, sizeof j->name, "%s", stream_name(g->stream));
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

static int begin_document(struct reading *g, struct err *err)
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
	if (stream_head_copy(&w->head, h, err) ||
	    rows_reserve(w, g->caps, g->begun ? 0 : stream_expected(g->stream), err))
		return -1;
	g->begun = 1;
	const char *name = h->name && *h->name ? h->name : stream_name(g->stream);
	if (mem_text(&w->name, name, strlen(name), err))
		return -1;
	w->provenance = jsontext_copy(stream_provenance(g->stream));
	if (!w->provenance)
		return err_memory(err);
	for (int i = 0; i < pool_threads(g->pool); i++)
		if (tally_init(&g->tally[i], &w->head, g->options, err))
			return -1;
	return 0;
}

/* Who reads and who works. Each has class-wise cells of its own, which are large where there are many classes: then no
 * more than `room` bytes hold take part, but always two. */
static int tasks_of(const struct reading *g)
{
	const double room = 384e6;
	double each = (double)classwise_size(g->rows->head.n_classes, g->options->class_bins);
	int n = pool_threads(g->pool);
	return n > 2 && each * n > room ? (each * 3 > room ? 2 : (int)(room / each)) : n;
}

static int read_one(struct reading *g, int each, struct err *err)
{
	struct loop loop = { g, each };
	int n = pool_threads(g->pool), rc = begin_document(g, err);
	if (!rc) {
		pool_run(g->pool, tasks_of(g), loop_task, &loop);
		rc = g->failed ? -1 : 0;
		if (rc)
			*err = g->err;
	}
	if (!rc)
		rc = rows_finish(g->rows, g->tally, n, g->options, g->records, stream_name(g->stream), err);
	for (int i = 0; i < n; i++)
		tally_release(&g->tally[i]);
	if (rc)
		rows_release(g->rows);
	return rc;
}

static int open_reading(struct reading *g, const char *path, const struct rows_options *options, struct err *err)
{
	*g = (struct reading){ .options = options };
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->turn, NULL);
	if (pool_open(&g->pool, options->threads, err) ||
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

int rows_read(struct rows *rows, const char *path, const struct rows_options *options, struct err *err)
{
	struct reading g;
	*rows = (struct rows){ 0 };
	int rc = open_reading(&g, path, options, err);
	g.rows = rows;
	if (!rc)
		rc = read_one(&g, 0, err);
	close_reading(&g);
	return rc;
}

int rows_read_each(struct rows **list, size_t *n, const char *path, const struct rows_options *options, struct err *err)
{
	struct reading g;
	size_t cap = 0;
	int rc = open_reading(&g, path, options, err);
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

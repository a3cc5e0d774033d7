/* late: a device that computes nothing before it must. It stands before ref, copies what begin() is given, queues every
 * call, and runs the queue only as far as something that is asked for needs it; a later download is not a number until
 * its own ticket is asked for. What uses a result too early, or memory that a queue still reads, shows in numbers. */
#ifndef VIC_TEST_LATE_H
#define VIC_TEST_LATE_H

#include "models/core/backend.h"
#include "pipeline/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct late_batch {
	struct batch b;
	struct words words;
	struct images images;
	const void **pixel;
};

struct late_job {
	enum { JOB_FORWARD, JOB_BACKWARD, JOB_UPDATE, JOB_AVERAGE, JOB_COPY, JOB_END } what;
	struct op_call call;
	struct param *param;
	struct update u;
	uint32_t *rows; /* [n_rows], owned */
	int n_rows;
	void *to;
	const void *from;
	void *owned; /* one of these two, of an upload */
	size_t bytes; /* AVERAGE: floats */
	double rate;
	struct late_batch *batch; /* END: to be freed */
};

struct late_ticket {
	uint64_t number; /* 0: free */
	void *to, *copy;
	size_t bytes, jobs; /* has its bytes when so many jobs were run */
};

struct backend_ctx { /* of the late device */
	struct late_job *job;
	size_t jobs, cap, queued, run; /* waiting; so many were ever queued, and run */
	struct late_batch *batch;      /* of the pass that is being queued */
	struct late_ticket ticket[LATE];
	uint64_t tickets;
	/* images that were offered, and their copies, which batches are made of then */
	int keeps, kept, offers;
	unsigned char *pixels;
};

static inline void *late_copy(const void *from, size_t bytes)
{
	struct err err = ERR_NONE;
	void *p = NULL;
	if (!from)
		return NULL;
	assert_int_equal(mem_alloc(&p, bytes, 1, &err), 0);
	memcpy(p, from, bytes);
	return p;
}

static inline void late_forget(struct late_batch *k)
{
	for (int i = 0; i < k->images.count; i++)
		free((void *)(uintptr_t)k->pixel[i]);
	const void *mine[] = { k->words.begin,  k->words.local,  k->words.word, k->images.view, k->images.scale,
			       k->images.shift, k->b.partner,    k->b.lambda,   k->b.target,    k->b.sample,
			       k->pixel,        k };
	for (size_t i = 0; i < sizeof mine / sizeof *mine; i++)
		free((void *)(uintptr_t)mine[i]);
}

/* The batch with all that it points to. */
static inline struct late_batch *late_keep(const struct backend_ctx *c, const struct graph *g, const struct batch *b)
{
	struct late_batch *k = late_copy(&(struct late_batch){ .b = *b }, sizeof *k);
	size_t n = (size_t)b->n, classes = shape_size(g->value[g->logits].shape);
	k->b.partner = late_copy(b->partner, n * sizeof *b->partner);
	k->b.lambda = late_copy(b->lambda, n * sizeof *b->lambda);
	k->b.target = late_copy(b->target, n * classes * sizeof *b->target);
	k->b.sample = late_copy(b->sample, n * sizeof *b->sample);
	if (b->words) {
		const struct words *w = b->words;
		k->words = *w;
		k->words.begin = late_copy(w->begin, ((size_t)w->sentences + 1) * sizeof *w->begin);
		k->words.local = late_copy(w->local, w->begin[w->sentences] * sizeof *w->local);
		k->words.word = late_copy(w->word, (size_t)w->distinct * sizeof *w->word);
		k->b.words = &k->words;
	}
	if (b->images) {
		const struct images *m = b->images;
		size_t count = (size_t)m->count, each = (size_t)(m->h * m->w * m->c) * (m->is_float ? 4 : 1);
		k->images = *m;
		k->pixel = late_copy(m->pixel, count * sizeof *k->pixel);
		for (size_t i = 0; i < count; i++)
			k->pixel[i] = late_copy(c->kept ? c->pixels + m->item[i] * each : m->pixel[i], each);
		k->images.pixel = k->pixel;
		k->images.view = late_copy(m->view, count * sizeof *m->view);
		k->images.scale = late_copy(m->scale, (size_t)m->c * sizeof *m->scale);
		k->images.shift = late_copy(m->shift, (size_t)m->c * sizeof *m->shift);
		k->b.images = &k->images;
	}
	return k;
}

static inline int late_queue(struct backend_ctx *c, struct late_job job)
{
	struct err err = ERR_NONE;
	assert_int_equal(mem_grow(&c->job, &c->cap, c->jobs + 1, sizeof *c->job, &err), 0);
	c->job[c->jobs++] = job;
	c->queued++;
	return 0;
}

static inline void late_do(struct late_job *j)
{
	struct err err = ERR_NONE;
	int rc = 0;
	if (j->what == JOB_FORWARD)
		rc = backend_ref.forward(NULL, &j->call, &err);
	else if (j->what == JOB_BACKWARD)
		rc = backend_ref.backward(NULL, &j->call, &err);
	else if (j->what == JOB_UPDATE)
		rc = backend_ref.update(NULL, j->param, &j->u, j->rows, j->n_rows, &err);
	else if (j->what == JOB_AVERAGE)
		rc = backend_ref.average(NULL, j->to, j->from, j->bytes, j->rate, &err);
	else if (j->what == JOB_COPY)
		memcpy(j->to, j->from, j->bytes);
	else
		late_forget(j->batch);
	assert_int_equal(rc, 0);
	free(j->rows);
	free(j->owned);
}

/* Until `upto` of all jobs ever queued have been run. */
static inline void late_run(struct backend_ctx *c, size_t upto)
{
	size_t n = upto > c->run ? upto - c->run : 0;
	for (size_t i = 0; i < n; i++)
		late_do(&c->job[i]);
	c->run += n;
	c->jobs -= n;
	if (n)
		memmove(c->job, c->job + n, c->jobs * sizeof *c->job);
}

static int late_alloc(struct backend_ctx *c, void **p, size_t bytes, struct err *err)
{
	(void)c;
	return backend_ref.alloc(NULL, p, bytes, err);
}

static void late_free(struct backend_ctx *c, void *p)
{
	late_run(c, c->queued);
	backend_ref.release(NULL, p);
}

static int late_upload(struct backend_ctx *c, void *to, const void *from, size_t bytes, struct err *err)
{
	(void)err;
	void *copy = late_copy(from, bytes);
	return late_queue(c, (struct late_job){ JOB_COPY, .to = to, .from = copy, .owned = copy, .bytes = bytes });
}

static int late_download(struct backend_ctx *c, void *to, const void *from, size_t bytes, struct err *err)
{
	(void)err;
	late_run(c, c->queued);
	memcpy(to, from, bytes);
	return 0;
}

static int late_download_later(struct backend_ctx *c, void *to, const void *from, size_t bytes, uint64_t *ticket,
			       struct err *err)
{
	int i = 0;
	while (i < LATE && c->ticket[i].number)
		i++;
	if (i == LATE)
		fail_msg("more than %d downloads on their way", LATE);
	struct late_ticket *t = &c->ticket[i];
	*t = (struct late_ticket){ .number = *ticket = ++c->tickets, .to = to, .bytes = bytes };
	if (mem_alloc(&t->copy, bytes, 1, err))
		return -1;
	late_queue(c, (struct late_job){ JOB_COPY, .to = t->copy, .from = from, .bytes = bytes });
	t->jobs = c->queued;
	memset(to, 0xff, bytes); /* no float */
	return 0;
}

static int late_arrived(struct backend_ctx *c, uint64_t ticket, struct err *err)
{
	(void)err;
	for (int i = 0; i < LATE; i++) {
		struct late_ticket *t = &c->ticket[i];
		if (t->number != ticket)
			continue;
		late_run(c, t->jobs);
		memcpy(t->to, t->copy, t->bytes);
		free(t->copy);
		t->number = 0;
		return 0;
	}
	fail_msg("no download has ticket %llu", (unsigned long long)ticket);
	return -1;
}

static int late_begin_pass(struct backend_ctx *c, const struct graph *g, const struct batch *b, enum phase phase,
			   int back, const struct update *u, struct err *err)
{
	(void)phase;
	(void)back;
	(void)u;
	(void)err;
	assert_null(c->batch);
	c->batch = late_keep(c, g, b);
	return 0;
}

static int late_end_pass(struct backend_ctx *c, int failed, struct err *err)
{
	(void)err;
	late_queue(c, (struct late_job){ JOB_END, .batch = c->batch });
	c->batch = NULL;
	return failed;
}

static int late_call(struct backend_ctx *c, const struct op_call *call, int backward)
{
	struct late_job job = { backward ? JOB_BACKWARD : JOB_FORWARD, .call = *call };
	job.call.batch = &c->batch->b;
	return late_queue(c, job);
}

static int late_forward(struct backend_ctx *c, const struct op_call *call, struct err *err)
{
	(void)err;
	return late_call(c, call, 0);
}

static int late_backward(struct backend_ctx *c, const struct op_call *call, struct err *err)
{
	(void)err;
	return late_call(c, call, 1);
}

static int late_update(struct backend_ctx *c, struct param *p, const struct update *u, const uint32_t *rows,
		       int n_rows, struct err *err)
{
	(void)err;
	return late_queue(c, (struct late_job){ JOB_UPDATE, .param = p, .u = *u, .n_rows = n_rows,
						.rows = late_copy(rows, (size_t)n_rows * sizeof *rows) });
}

static int late_average(struct backend_ctx *c, float *average, const float *w, size_t n, double rate, struct err *err)
{
	(void)err;
	return late_queue(c, (struct late_job){ JOB_AVERAGE, .to = average, .from = w, .bytes = n, .rate = rate });
}

static int late_prepare(struct backend_ctx *c, const struct op *op, const struct graph *g, int max_n, int training,
			void **state, struct err *err)
{
	(void)c;
	return backend_ref.prepare(NULL, op, g, max_n, training, state, err);
}

static void late_unprepare(struct backend_ctx *c, const struct op *op, void *state)
{
	late_run(c, c->queued);
	backend_ref.unprepare(NULL, op, state);
}

/* Where the test wants it: copies, and every pixel of the batches to come is read from there. */
static int late_keep_images(struct backend_ctx *c, const struct images *all, struct err *err)
{
	size_t each = (size_t)(all->h * all->w * all->c) * (all->is_float ? 4 : 1);
	c->offers++;
	if (!c->keeps)
		return 0;
	if (mem_alloc(&c->pixels, (size_t)all->count * each, 1, err))
		return -1;
	for (size_t i = 0; i < (size_t)all->count; i++)
		memcpy(c->pixels + i * each, all->pixel[i], each);
	c->kept = 1;
	return 1;
}

static const char *late_engine(const struct backend_ctx *c)
{
	(void)c;
	return "ref";
}

/* Whoever asked for a result has waited for it. */
static void late_close(struct backend_ctx *c)
{
	for (int i = 0; i < LATE; i++)
		assert_int_equal(c->ticket[i].number, 0);
	late_run(c, c->queued);
	free(c->job);
	free(c->pixels);
	*c = (struct backend_ctx){ 0 };
}

static const struct backend backend_late = {
	.abi = BACKEND_ABI,
	.name = "late",
	.close = late_close,
	.engine = late_engine,
	.describe = late_engine,
	.alloc = late_alloc,
	.release = late_free,
	.upload = late_upload,
	.download = late_download,
	.download_later = late_download_later,
	.arrived = late_arrived,
	.begin = late_begin_pass,
	.end = late_end_pass,
	.keep = late_keep_images,
	.prepare = late_prepare,
	.unprepare = late_unprepare,
	.forward = late_forward,
	.backward = late_backward,
	.update = late_update,
	.average = late_average,
};

/* device_close ends it. c: zeroed. */
static inline struct device late_device(struct backend_ctx *c)
{
	return (struct device){ .b = &backend_late, .ctx = c };
}

#endif

/* A thread takes what was begun, oldest first, and runs its pictures as tasks of a pool, of which it is one thread. All
 * that both sides write is under one lock, but a picture's own pixels. Where the system grants no thread, the caller
 * decodes what it begins. */
#include "pictures.h"

#include "pipeline/base/mem.h"
#include "pipeline/base/pool.h"
#include "vision/pixels/codec.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* One thread's memory. */
struct worker {
	struct jpeg_scratch scratch;
	struct image record;
};

struct pictures {
	struct pool *pool;
	struct worker *worker; /* [pool_threads] */
	pthread_t thread;
	int has_thread, stop;
	pthread_mutex_t lock;
	pthread_cond_t begun, done;
	struct decoding *first, **last; /* waiting, and the one at work in front */
	struct decoding *now;
};

size_t pictures_bytes(const struct dataset *d)
{
	return (size_t)d->head.height * (size_t)d->head.width * (size_t)d->head.channels;
}

static int decode_one(const struct decoding *d, int i, struct worker *w, struct err *err)
{
	static const struct codec_options options = { .max_pixels = CODEC_MAX_PIXELS,
						      .too_many = "that are decoded here; vic-images --format stream "
								  "--resize HxW --max-pixels N makes pixels of such "
								  "records" };
	const struct dataset *data = d->data;
	const struct stream_head *h = &data->head;
	struct want want = { h->height, h->width, data->images.fit };
	uint32_t r = d->record[i];
	if (jpeg_record(data->images.pixel[r], data->images.len[r], &options, &want, h->channels, &w->record,
			 &w->scratch, err)) {
		struct err why = *err;
		if (why.cause == CAUSE_SYSTEM)
			return -1;
		return err_set(err,
			       "record with id %llu: %.800s (vic-images --format stream --encoding jpeg --on-bad skip "
			       "leaves such records out)",
			       (unsigned long long)data->id[r], why.msg);
	}
	size_t bytes = pictures_bytes(data);
	memcpy(d->pixel + (size_t)i * bytes, w->record.px, bytes);
	return 0;
}

static void decode_task(void *arg, int task, int worker)
{
	struct pictures *p = arg;
	struct decoding *d = p->now;
	struct err why = ERR_NONE;
	if (!decode_one(d, task, &p->worker[worker], &why))
		return;
	pthread_mutex_lock(&p->lock);
	if (d->bad < 0 || task < d->bad) {
		d->bad = task;
		*d->why = why;
	}
	pthread_mutex_unlock(&p->lock);
}

static void run(struct pictures *p, struct decoding *d)
{
	p->now = d;
	pool_run(p->pool, d->n, decode_task, p);
}

static void *thread_main(void *arg)
{
	struct pictures *p = arg;
	pthread_mutex_lock(&p->lock);
	for (;;) {
		while (!p->first && !p->stop)
			pthread_cond_wait(&p->begun, &p->lock);
		struct decoding *d = p->first;
		if (!d)
			break;
		pthread_mutex_unlock(&p->lock);
		run(p, d);
		pthread_mutex_lock(&p->lock);
		p->first = d->next;
		if (!p->first)
			p->last = &p->first;
		d->busy = 0;
		pthread_cond_broadcast(&p->done);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

int pictures_open(struct pictures **out, int threads, struct err *err)
{
	struct pictures *p;
	if (mem_alloc(&p, 1, sizeof *p, err))
		return -1;
	p->last = &p->first;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->begun, NULL);
	pthread_cond_init(&p->done, NULL);
	if (pool_open(&p->pool, threads, err) ||
	    mem_alloc(&p->worker, (size_t)pool_threads(p->pool), sizeof *p->worker, err)) {
		pictures_close(p);
		return -1;
	}
	p->has_thread = !pthread_create(&p->thread, NULL, thread_main, p);
	*out = p;
	return 0;
}

void pictures_close(struct pictures *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = 1;
	pthread_cond_broadcast(&p->begun);
	pthread_mutex_unlock(&p->lock);
	if (p->has_thread)
		pthread_join(p->thread, NULL);
	for (int i = 0; p->worker && i < pool_threads(p->pool); i++) {
		jpeg_scratch_release(&p->worker[i].scratch);
		image_release(&p->worker[i].record);
	}
	pool_close(p->pool);
	free(p->worker);
	pthread_cond_destroy(&p->done);
	pthread_cond_destroy(&p->begun);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

int pictures_begin(struct pictures *p, struct decoding *d, struct err *err)
{
	if ((!d->why && mem_alloc(&d->why, 1, sizeof *d->why, err)) ||
	    mem_grow(&d->pixel, &d->cap, (size_t)d->n * pictures_bytes(d->data), 1, err))
		return -1;
	d->bad = -1;
	d->next = NULL;
	if (!p->has_thread) {
		run(p, d);
		return 0;
	}
	pthread_mutex_lock(&p->lock);
	d->busy = 1;
	*p->last = d;
	p->last = &d->next;
	pthread_cond_signal(&p->begun);
	pthread_mutex_unlock(&p->lock);
	return 0;
}

int pictures_await(struct pictures *p, struct decoding *d, struct err *err)
{
	pthread_mutex_lock(&p->lock);
	while (d->busy)
		pthread_cond_wait(&p->done, &p->lock);
	pthread_mutex_unlock(&p->lock);
	if (!d->n || d->bad < 0)
		return 0;
	*err = *d->why;
	return -1;
}

void decoding_release(struct decoding *d)
{
	free(d->pixel);
	free(d->why);
	*d = (struct decoding){ 0 };
}

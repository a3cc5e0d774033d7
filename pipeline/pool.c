#include "pool.h"
#include "mem.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Phases of a training step last microseconds, so workers spin a little before they sleep. SPIN is about 20 us here. */
enum { SPIN = 4000 };

struct pool {
	int threads;
	pthread_t *thread; /* [threads - 1] */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	atomic_uint round; /* raised once for every pool_run */
	atomic_int next, left, stop, asleep;
	int n;
	void (*f)(void *, int, int);
	void *arg;
};

struct worker {
	struct pool *p;
	int index;
};

static void work(struct pool *p, int worker)
{
	int i;
	while ((i = atomic_fetch_add(&p->next, 1)) < p->n)
		p->f(p->arg, i, worker);
}

static void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#else
	sched_yield();
#endif
}

static void *worker_main(void *arg)
{
	struct worker w = *(struct worker *)arg;
	free(arg);
	unsigned seen = 0;
	for (;;) {
		for (int i = 0; i < SPIN && atomic_load(&w.p->round) == seen; i++)
			relax();
		if (atomic_load(&w.p->round) == seen) {
			pthread_mutex_lock(&w.p->lock);
			atomic_fetch_add(&w.p->asleep, 1);
			while (atomic_load(&w.p->round) == seen)
				pthread_cond_wait(&w.p->wake, &w.p->lock);
			atomic_fetch_sub(&w.p->asleep, 1);
			pthread_mutex_unlock(&w.p->lock);
		}
		seen++;
		if (atomic_load(&w.p->stop))
			return NULL;
		work(w.p, w.index);
		atomic_fetch_sub(&w.p->left, 1);
	}
}

static void start_round(struct pool *p)
{
	atomic_store(&p->next, 0);
	atomic_store(&p->left, p->threads - 1);
	atomic_fetch_add(&p->round, 1);
	if (atomic_load(&p->asleep)) {
		pthread_mutex_lock(&p->lock);
		pthread_cond_broadcast(&p->wake);
		pthread_mutex_unlock(&p->lock);
	}
}

int pool_open(struct pool **out, int threads, struct err *err)
{
	struct pool *p;
	if (threads <= 0) {
		cpu_set_t set;
		threads = sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);
	}
	if (mem_alloc(&p, 1, sizeof *p, err))
		return -1;
	p->threads = 1;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wake, NULL);
	if (mem_alloc(&p->thread, (size_t)threads, sizeof *p->thread, err))
		goto fail;
	while (p->threads < threads) {
		struct worker *w = malloc(sizeof *w);
		if (!w) {
			err_set(err, "out of memory");
			goto fail;
		}
		*w = (struct worker){ p, p->threads };
		int rc = pthread_create(&p->thread[p->threads - 1], NULL, worker_main, w);
		if (rc) {
			free(w);
			errno = rc;
			err_sys(err, "starting thread %d", p->threads + 1);
			goto fail;
		}
		p->threads++;
	}
	*out = p;
	return 0;
fail:
	pool_close(p);
	return -1;
}

void pool_close(struct pool *p)
{
	if (!p)
		return;
	atomic_store(&p->stop, 1);
	start_round(p);
	for (int i = 0; i < p->threads - 1; i++)
		pthread_join(p->thread[i], NULL);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->wake);
	free(p->thread);
	free(p);
}

int pool_threads(const struct pool *p)
{
	return p->threads;
}

void pool_run(struct pool *p, int n, void (*f)(void *, int, int), void *arg)
{
	if (p->threads == 1 || n <= 1) {
		for (int i = 0; i < n; i++)
			f(arg, i, 0);
		return;
	}
	p->n = n;
	p->f = f;
	p->arg = arg;
	start_round(p);
	work(p, 0);
	while (atomic_load(&p->left) > 0)
		relax();
}


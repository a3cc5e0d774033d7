/* A fork-join pool. pool_run publishes a round; the workers and the caller claim its tasks from one atomic counter.
 * The order in start_round matters: the old counter is put out of reach, then f, arg and n are set, then the new
 * ticket. Wake-ups are not lost because a worker adds itself to `asleep` before it looks at the ticket for the last
 * time, and start_round reads `asleep` after it has set the ticket; this needs the sequentially consistent atomics
 * used here. */
#include "pool.h"
#include "mem.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

/* Phases of a training step last microseconds, so a worker spins, then yields its processor, then sleeps. A pause takes about
 * 13 ns here: SPIN is 15 us, and a yield costs little when nobody else wants the processor. */
enum { SPIN = 1200, YIELD = 200 };

/* Tasks are claimed from one counter that also holds the round's number, so a worker that comes late to a round can neither
 * take a task of the next one nor be waited for: the caller returns when all tasks are done, whoever did them. */
struct pool {
	int threads;
	pthread_t *thread; /* [threads - 1] */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	_Atomic uint64_t ticket; /* round << 32 | next task */
	atomic_uint n;
	atomic_int done, stop, asleep;
	void (*f)(void *, int, int);
	void *arg;
};

struct worker {
	struct pool *p;
	int index;
};

static void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#else
	sched_yield();
#endif
}

static uint32_t round_of(uint64_t ticket)
{
	return (uint32_t)(ticket >> 32);
}

/* Does tasks of one round until none is left. n is read before the claim and may be the next round's by then, but in that case
 * the ticket has changed and the claim fails; f and arg are read after it, when the round cannot end without this task. */
static void work(struct pool *p, uint32_t round, int worker)
{
	uint64_t t = atomic_load(&p->ticket);
	while (round_of(t) == round && (uint32_t)t < atomic_load(&p->n)) {
		if (!atomic_compare_exchange_weak(&p->ticket, &t, t + 1))
			continue;
		p->f(p->arg, (int)(uint32_t)t, worker);
		atomic_fetch_add(&p->done, 1);
		t = atomic_load(&p->ticket);
	}
}

static uint32_t await_round(struct pool *p, uint32_t seen)
{
	for (int i = 0; i < SPIN + YIELD; i++) {
		if (round_of(atomic_load(&p->ticket)) != seen)
			return round_of(atomic_load(&p->ticket));
		if (i < SPIN)
			relax();
		else
			sched_yield();
	}
	pthread_mutex_lock(&p->lock);
	atomic_fetch_add(&p->asleep, 1);
	while (round_of(atomic_load(&p->ticket)) == seen)
		pthread_cond_wait(&p->wake, &p->lock);
	atomic_fetch_sub(&p->asleep, 1);
	pthread_mutex_unlock(&p->lock);
	return round_of(atomic_load(&p->ticket));
}

static void *worker_main(void *arg)
{
	struct worker w = *(struct worker *)arg;
	uint32_t seen = 0;
	free(arg);
	for (;;) {
		seen = await_round(w.p, seen);
		if (atomic_load(&w.p->stop))
			return NULL;
		work(w.p, seen, w.index);
	}
}

/* A new round with n tasks; wakes who sleeps. First the old round's counter is put out of reach: a worker still on its way
 * through it must not take the new n for the old one and claim a task that was never there. */
static uint32_t start_round(struct pool *p, int n, void (*f)(void *, int, int), void *arg)
{
	uint32_t old = round_of(atomic_load(&p->ticket)), round = old + 1;
	atomic_store(&p->ticket, (uint64_t)old << 32 | UINT32_MAX);
	p->f = f;
	p->arg = arg;
	atomic_store(&p->done, 0);
	atomic_store(&p->n, (unsigned)n);
	atomic_store(&p->ticket, (uint64_t)round << 32);
	if (atomic_load(&p->asleep)) {
		pthread_mutex_lock(&p->lock);
		pthread_cond_broadcast(&p->wake);
		pthread_mutex_unlock(&p->lock);
	}
	return round;
}

/* Starts one thread more; -1 where the system has none to give: no result depends on how many there are. */
static int start(struct pool *p)
{
	struct worker *w = malloc(sizeof *w);
	if (!w)
		return -1;
	*w = (struct worker){ p, p->threads };
	if (!pthread_create(&p->thread[p->threads - 1], NULL, worker_main, w))
		return 0;
	free(w);
	return -1;
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
	while (p->threads < threads && !start(p))
		p->threads++;
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
	start_round(p, 0, NULL, NULL);
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
	work(p, start_round(p, n, f, arg), 0);
	for (int i = 0; atomic_load(&p->done) < n; i++) {
		if (i < SPIN)
			relax();
		else
			sched_yield();
	}
}

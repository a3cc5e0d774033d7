/* A fork-join pool. pool_run publishes a round; the workers and the caller claim its tasks from one atomic counter,
 * `ticket`, which holds the round's number and the next task. What makes it right:
 *
 * 1. A task is done once: it is claimed by a compare-and-exchange of the whole ticket, and no two rounds have one
 *    number (within 2^32 of them).
 * 2. A worker late for a round claims nothing of the next: the round's number in its ticket is the old one. Nor is it
 *    waited for: pool_run returns when `done` says that all tasks are done, whoever did them.
 * 3. A claim against the n of another round fails: start_round puts the old counter out of reach before it sets f, arg
 *    and n, and sets the new ticket after them, so for whoever has read the new n the old ticket has changed.
 * 4. f and arg are those of the claimed task: they are read after the claim, and the round cannot end, nor another
 *    begin, before that task is done.
 * 5. No wake-up is lost: a worker adds itself to `asleep` before it looks at the ticket for the last time, and
 *    start_round reads `asleep` after it has set the ticket. This needs sequentially consistent atomics.
 * 6. Rounds do not nest and are begun by one thread: f must not call pool_run on its own pool. */
#include "pool.h"
#include "mem.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

/* Phases of a training step last microseconds, so a worker spins, then yields its processor, then sleeps. A pause takes
 * about 13 ns here: SPIN is 15 us, and a yield costs little when nobody else wants the processor. */
enum { SPIN = 1200, YIELD = 200 };

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

/* Does tasks of one round until none is left. n is read before the claim, f and arg after it (3, 4). */
static void run_tasks(struct pool *p, uint32_t round, int worker)
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
		run_tasks(w.p, seen, w.index);
	}
}

/* A new round with n tasks, set in the order of 3; wakes who sleeps (5). */
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
static int start_threads(struct pool *p)
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
	while (p->threads < threads && !start_threads(p))
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
	run_tasks(p, start_round(p, n, f, arg), 0);
	for (int i = 0; atomic_load(&p->done) < n; i++) {
		if (i < SPIN)
			relax();
		else
			sched_yield();
	}
}

/* host: runs kernels on the host, one block at a time. */
#include "host.h"
#include "queue.h"

#if defined(__SANITIZE_THREAD__) && !defined(VIC_THREADS)
#define VIC_THREADS 1
#endif
#ifdef VIC_THREADS
#include <pthread.h>
#else
#include "fibre.h"
#endif
#include <math.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { THREADS = 1024, LANES = 32 };
_Thread_local struct host_index threadIdx, blockIdx;
struct host_index blockDim, gridDim;

/* Where threads meet: a block, or a warp. */
struct meeting {
	unsigned members, here, turn;
};

static struct {
	struct host_kernel kernel;
	const void *args;
	int barriers;
	unsigned threads, waiting, done;
	struct meeting all, warp[THREADS / LANES];
	float lane[2][THREADS];
} block;

/* Of this link: NULL when no kernel of it has shared memory. */
extern unsigned char __start_vic_shared[] __attribute__((weak));
extern unsigned char __stop_vic_shared[] __attribute__((weak));

static void lose_shared(void)
{
	if (__start_vic_shared)
		memset(__start_vic_shared, 0xff, (size_t)(__stop_vic_shared - __start_vic_shared));
}

#ifdef VIC_THREADS
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static void block_lock(void) { pthread_mutex_lock(&lock); }
static void block_unlock(void) { pthread_mutex_unlock(&lock); }
static void block_moved(void) { pthread_cond_broadcast(&moved); }
static void thread_rest(void) { pthread_cond_wait(&moved, &lock); }
#else
static struct fibre fibre[THREADS];
static struct meeting *waits[THREADS]; /* what each rests at */
static unsigned turn_of[THREADS];
static void block_lock(void) { }
static void block_unlock(void) { }
static void block_moved(void) { }
static void thread_rest(void) { fibre_rest(&fibre[threadIdx.x]); }
#endif

static void must_move(void)
{
	if (block.waiting + block.done == block.threads && block.waiting)
		fake_die("kernel %s, block %u,%u: %u of %u threads wait at a barrier or shuffle, the others %s",
			 block.kernel.name, blockIdx.x, blockIdx.y, block.waiting, block.threads,
			 block.done ? "have ended" : "at another");
}

/* Returns how many times the members had met before. */
static unsigned meet(struct meeting *m, const char *what)
{
	if (!block.barriers)
		fake_die("kernel %s was declared without barriers and calls %s", block.kernel.name, what);
	block_lock();
	unsigned turn = m->turn;
	if (++m->here == m->members) {
		m->here = 0;
		m->turn++;
		block.waiting -= m->members - 1;
		block_moved();
	} else {
		block.waiting++;
		must_move();
#ifndef VIC_THREADS
		waits[threadIdx.x] = m;
		turn_of[threadIdx.x] = turn;
#endif
		while (m->turn == turn)
			thread_rest();
	}
	block_unlock();
	return turn;
}

void host_barrier(void)
{
	meet(&block.all, "__syncthreads");
}

/* Two rows of lanes, in turns: who comes to the next shuffle may write while others still read. */
float shuffle_xor(float v, int mask)
{
	unsigned i = threadIdx.x, from = i ^ (unsigned)mask;
	struct meeting *warp = &block.warp[i / LANES];
	float *row = block.lane[warp->turn & 1];
	if (block.barriers)
		row[i] = v;
	meet(warp, "a shuffle");
	return from / LANES == i / LANES && from < block.threads ? row[from] : NAN;
}

static void thread_main(void)
{
	block.kernel.run(block.args);
	block_lock();
	block.done++;
	must_move();
	block_unlock();
}

#ifdef VIC_THREADS
struct place {
	struct host_index thread, block;
};

static void *thread_start(void *arg)
{
	const struct place *p = arg;
	threadIdx = p->thread;
	blockIdx = p->block;
	thread_main();
	return NULL;
}

static void run_together(void)
{
	static pthread_t thread[THREADS];
	static struct place place[THREADS];
	for (unsigned i = 0; i < block.threads; i++) {
		place[i] = (struct place){ { i, 0 }, blockIdx };
		if (pthread_create(&thread[i], NULL, thread_start, &place[i]))
			fake_die("no more threads");
	}
	for (unsigned i = 0; i < block.threads; i++)
		pthread_join(thread[i], NULL);
}
#else
static void fibre_main(void)
{
	fibre_started();
	thread_main();
	fibre_leave(&fibre[threadIdx.x]);
}

/* Forth and back by turns, so that no order of threads is the right one by chance. */
static void run_together(void)
{
	for (unsigned i = 0; i < block.threads; i++) {
		if (!fibre[i].stack)
			fibre_allot(&fibre[i]);
		fibre_begin(&fibre[i], fibre_main);
		waits[i] = NULL;
	}
	static unsigned char over[THREADS];
	memset(over, 0, sizeof over);
	for (int back = 0; block.done < block.threads; back = !back)
		for (unsigned k = 0; k < block.threads; k++) {
			unsigned i = back ? block.threads - 1 - k : k, done = block.done;
			if (over[i] || (waits[i] && waits[i]->turn == turn_of[i]))
				continue;
			threadIdx = (struct host_index){ i, 0 };
			fibre_enter(&fibre[i]);
			over[i] = block.done > done;
		}
}
#endif

static void run_block(void)
{
	lose_shared();
	block.waiting = block.done = 0;
	block.all = (struct meeting){ .members = block.threads };
	for (unsigned i = 0; i * LANES < block.threads; i++) {
		unsigned left = block.threads - i * LANES;
		block.warp[i] = (struct meeting){ .members = left < LANES ? left : LANES };
	}
	if (block.barriers) {
		run_together();
		return;
	}
	for (unsigned i = 0; i < block.threads; i++) {
		threadIdx = (struct host_index){ i, 0 };
		block.kernel.run(block.args);
	}
}

void host_run(struct host_kernel kernel, int barriers, const void *args, unsigned grid_x, unsigned grid_y,
	      unsigned threads)
{
	int back = (int)queue_random(2);
	uint64_t n = (uint64_t)grid_x * grid_y;
	blockDim = (struct host_index){ threads, 1 };
	gridDim = (struct host_index){ grid_x, grid_y };
	block.kernel = kernel;
	block.args = args;
	block.barriers = barriers;
	block.threads = threads;
	for (uint64_t k = 0; k < n; k++) {
		uint64_t i = back ? n - 1 - k : k;
		blockIdx = (struct host_index){ (unsigned)(i % grid_x), (unsigned)(i / grid_x) };
		run_block();
	}
	fake_counts.kernels++;
}

struct launch {
	struct host_kernel kernel;
	int barriers;
	unsigned grid_x, grid_y, threads;
	_Alignas(16) unsigned char args[4096];
};

static void launch_run(const void *p)
{
	const struct launch *l = p;
	host_run(l->kernel, l->barriers, l->args, l->grid_x, l->grid_y, l->threads);
}

/* A kernel that follows a pointer to the host's own memory works here, and nowhere else. Looks for one among the words
 * of the argument: they lie high, and something is there. A small number in the lower half is an int with whatever
 * padding follows it. */
static void refuse_host_pointers(struct host_kernel kernel, const unsigned char *args, size_t bytes)
{
	for (size_t i = 0; i + 8 <= bytes; i += 8) {
		uint64_t word;
		unsigned char in_memory;
		memcpy(&word, args + i, 8);
		void *p = (void *)(uintptr_t)word;
		if (word >> 40 == 0 || word >> 47 || (uint32_t)word < 65536 || memory_is_device(p) ||
		    memory_pinned(p, 1))
			continue;
		if (mincore((void *)(uintptr_t)(word & ~(uint64_t)4095), 1, &in_memory) == 0)
			fake_die("kernel %s is given a pointer to host memory, %zu bytes into its argument", kernel.name, i);
	}
}

int host_launch(struct host_kernel kernel, int barriers, const void *args, size_t bytes, unsigned grid_x,
		unsigned grid_y, unsigned threads, cudaStream_t stream)
{
	struct launch l = { kernel, barriers, grid_x, grid_y, threads, { 0 } };
	cudaError_t e = runtime_enter();
	if (!e && (!grid_x || !grid_y || !threads || grid_x > 0x7fffffffu || grid_y > 65535 || threads > THREADS))
		e = cudaErrorInvalidConfiguration;
	if (!e && bytes > sizeof l.args)
		e = cudaErrorInvalidValue;
	if (e)
		return (int)runtime_said(e);
	refuse_host_pointers(kernel, args, bytes);
	memcpy(l.args, args, bytes);
	return fake_submit(stream, kernel.name, launch_run, &l, offsetof(struct launch, args) + bytes);
}

/* host: runs kernels on the host, one block at a time. No order of blocks and threads is kept that a device would
 * not keep: blocks run forwards or backwards, as chance has it, and so do a block's threads.
 *
 * With VIC_THREADS the threads of a block that has barriers are threads of the system, and so are four that share
 * all threads of a kernel without: ThreadSanitizer sees every two that use one value and do not wait for each other.
 * It does not see blocks of a kernel with barriers that do so, since these still run one after the other. */
#include "host.h"
#include "queue.h"

#if defined(__SANITIZE_THREAD__) && !defined(VIC_THREADS)
#define VIC_THREADS 1
#endif
#ifdef VIC_THREADS
#include <pthread.h>
#include <sched.h>
#else
#include "fibre.h"
#endif
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { THREADS = 1024, LANES = 32, MEETINGS = 1 + THREADS / LANES, SHARERS = 4 };
HOST_LOCAL struct host_index threadIdx, blockIdx;
struct host_index blockDim, gridDim;

/* Where threads meet: a block, or a warp. */
struct meeting {
	unsigned members, here, turn;
};

#define DONE ((uint64_t)1 << 32)
static struct {
	struct host_kernel kernel;
	const void *args;
	int barriers;
	int back; /* last first */
	unsigned threads;
	uint64_t standing; /* threads that wait, and DONE for each that has ended: one number, of one moment */
	struct meeting meeting[MEETINGS]; /* of all; of each warp */
	float lane[2][THREADS];
} block;

/* Of this link: NULL when no kernel of it has shared memory. */
extern unsigned char __start_vic_shared[] __attribute__((weak));
extern unsigned char __stop_vic_shared[] __attribute__((weak));

#ifdef VIC_THREADS
static void meeting_wait(const struct meeting *m, unsigned turn)
{
	while (__atomic_load_n(&m->turn, __ATOMIC_ACQUIRE) == turn)
		sched_yield();
}
#else
static unsigned ended(void)
{
	return (unsigned)(block.standing / DONE);
}

static struct fibre fibre[THREADS];
static struct {
	const struct meeting *at; /* where it rests */
	unsigned turn;
	int over;
} rest[THREADS];

/* run_together() comes back here when the turn is over. */
static void meeting_wait(const struct meeting *m, unsigned turn)
{
	unsigned i = threadIdx.x;
	rest[i].at = m;
	rest[i].turn = turn;
	fibre_rest(&fibre[i]);
}
#endif

/* Counts of threads bind no two of them: a lock would order what the kernel does not, and hide its races. */
static void count(uint64_t more)
{
	__atomic_add_fetch(&block.standing, more, __ATOMIC_RELAXED);
}

/* Nobody is left who could end the waiting. */
static void must_move(void)
{
	uint64_t standing = __atomic_load_n(&block.standing, __ATOMIC_RELAXED);
	unsigned waiting = (unsigned)(standing % DONE);
	if (waiting && waiting + (unsigned)(standing / DONE) == block.threads)
		fake_die("kernel %s, block %u,%u: %u of %u threads wait at a barrier or shuffle, some for ever",
			 block.kernel.name, blockIdx.x, blockIdx.y, waiting, block.threads);
}

static void meet(struct meeting *m, const char *what)
{
	if (!block.barriers)
		fake_die("kernel %s was declared without barriers and calls %s", block.kernel.name, what);
	unsigned turn = m->turn;
	if (__atomic_add_fetch(&m->here, 1, __ATOMIC_ACQ_REL) == m->members) {
		__atomic_store_n(&m->here, 0, __ATOMIC_RELAXED);
		count(-(uint64_t)(m->members - 1));
		__atomic_store_n(&m->turn, turn + 1, __ATOMIC_RELEASE);
	} else {
		count(1);
		must_move();
		meeting_wait(m, turn);
	}
}

void host_barrier(void)
{
	meet(&block.meeting[0], "__syncthreads");
}

/* Two rows of lanes, in turns: who comes to the next shuffle may write while others still read. */
float shuffle_xor(float v, int mask)
{
	unsigned i = threadIdx.x, from = i ^ (unsigned)mask;
	struct meeting *warp = &block.meeting[1 + i / LANES];
	float *row = block.lane[warp->turn & 1];
	if (block.barriers)
		row[i] = v;
	meet(warp, "a shuffle");
	return from / LANES == i / LANES && from < block.threads ? row[from] : NAN;
}

static void block_begin(void)
{
	if (__start_vic_shared)
		memset(__start_vic_shared, 0xff, (size_t)(__stop_vic_shared - __start_vic_shared));
	block.standing = 0;
	block.meeting[0] = (struct meeting){ .members = block.threads };
	for (unsigned i = 0; i * LANES < block.threads; i++) {
		unsigned left = block.threads - i * LANES;
		block.meeting[1 + i] = (struct meeting){ .members = left < LANES ? left : LANES };
	}
}

static struct host_index index_of(uint64_t i, unsigned width)
{
	return (struct host_index){ (unsigned)(i % width), (unsigned)(i / width) };
}

static void thread_main(void)
{
	block.kernel.run(block.args, threadIdx.x, threadIdx.x + 1, 1);
	count(DONE);
	must_move();
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

static void run_block(void)
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

static void *sharer_start(void *sharer)
{
	uint64_t n = (uint64_t)gridDim.x * gridDim.y * block.threads;
	for (uint64_t i = 0; i < n; i++) {
		if ((uint32_t)i * 0x9e3779b9u / (UINT32_MAX / SHARERS + 1) != (uintptr_t)sharer)
			continue;
		unsigned t = (unsigned)(i % block.threads);
		blockIdx = index_of(i / block.threads, gridDim.x);
		block.kernel.run(block.args, t, t + 1, 1);
	}
	return NULL;
}

static void run_alone(void)
{
	pthread_t thread[SHARERS];
	for (uintptr_t i = 0; i < SHARERS; i++)
		if (pthread_create(&thread[i], NULL, sharer_start, (void *)i))
			fake_die("no more threads");
	for (int i = 0; i < SHARERS; i++)
		pthread_join(thread[i], NULL);
}
#else
static void fibre_main(void)
{
	fibre_started();
	thread_main();
	fibre_leave(&fibre[threadIdx.x]);
}

/* Forth and back by turns. */
static void run_block(void)
{
	for (unsigned i = 0; i < block.threads; i++) {
		if (!fibre[i].stack)
			fibre_allot(&fibre[i]);
		fibre_begin(&fibre[i], fibre_main);
		rest[i].at = NULL;
		rest[i].over = 0;
	}
	for (int back = block.back; ended() < block.threads; back = !back)
		for (unsigned k = 0; k < block.threads; k++) {
			unsigned i = back ? block.threads - 1 - k : k, done = ended();
			if (rest[i].over || (rest[i].at && rest[i].at->turn == rest[i].turn))
				continue;
			threadIdx = (struct host_index){ i, 0 };
			fibre_enter(&fibre[i]);
			rest[i].over = ended() > done;
		}
}

static void run_alone(void)
{
	uint64_t blocks = (uint64_t)gridDim.x * gridDim.y;
	for (uint64_t b = 0; b < blocks; b++) {
		blockIdx = index_of(block.back ? blocks - 1 - b : b, gridDim.x);
		if (block.back)
			block.kernel.run(block.args, block.threads - 1, UINT_MAX, UINT_MAX);
		else
			block.kernel.run(block.args, 0, block.threads, 1);
	}
}
#endif

void host_run(struct host_kernel kernel, int barriers, const void *args, unsigned grid_x, unsigned grid_y,
	      unsigned threads)
{
	uint64_t blocks = (uint64_t)grid_x * grid_y;
	blockDim = (struct host_index){ threads, 1 };
	gridDim = (struct host_index){ grid_x, grid_y };
	block.kernel = kernel;
	block.args = args;
	block.barriers = barriers;
	block.threads = threads;
	block.back = (int)queue_random(2);
	fake_counts.kernels++;
	block_begin();
	if (!barriers)
		run_alone();
	for (uint64_t b = 0; barriers && b < blocks; b++) {
		blockIdx = index_of(block.back ? blocks - 1 - b : b, grid_x);
		block_begin();
		run_block();
	}
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
 * of the argument: they lie high (above the shadow of sanitizers), and something is there. A small number in the lower
 * half is an int with whatever padding follows it. */
static void refuse_host_pointers(struct host_kernel kernel, const unsigned char *args, size_t bytes)
{
	for (size_t i = 0; i + 8 <= bytes; i += 8) {
		uint64_t word;
		unsigned char in_memory;
		memcpy(&word, args + i, 8);
		void *p = (void *)(uintptr_t)word;
		if (word >> 46 == 0 || word >> 48 || (uint32_t)word < 65536 || memory_is_device(p) ||
		    memory_pinned(p, 1))
			continue;
		if (mincore((void *)(uintptr_t)(word & ~(uint64_t)4095), 1, &in_memory) == 0)
			fake_die("kernel %s is given a pointer to host memory, %zu bytes into its argument",
				 kernel.name, i);
	}
}

int host_launch(struct host_kernel kernel, int barriers, const void *args, size_t bytes, unsigned grid_x,
		unsigned grid_y, unsigned threads, cudaStream_t stream)
{
	struct launch l = { kernel, barriers, grid_x, grid_y, threads, { 0 } };
	cudaError_t e = runtime_enter(cudaErrorUnknown);
	if (!e && (!grid_x || !grid_y || !threads || grid_x > 0x7fffffffu || grid_y > 65535 || threads > THREADS))
		e = cudaErrorInvalidConfiguration;
	if (!e && bytes > sizeof l.args)
		e = cudaErrorInvalidValue;
	if (!e) {
		memcpy(l.args, args, bytes);
		if (kernel.tidy) {
			kernel.tidy(l.args);
			refuse_host_pointers(kernel, l.args, bytes);
		}
		e = (cudaError_t)fake_submit(stream, kernel.name, launch_run, &l,
					     offsetof(struct launch, args) + bytes);
	}
	cudaError_t before = cudaGetLastError(); /* as a launch on a device: the error of this call, or of one before */
	return (int)(e ? e : before);
}

/* fake: a CUDA device of the tests. The same objects that are linked with cudart and cuBLAS for a real device are
 * linked with these files instead; kernels run on the host (host.h). What CUDA leaves open is done in the way that
 * hurts most:
 *  - queued work runs late, when somebody waits, and streams take turns at random, held only by their own order and by
 *    events. $VIC_GPU_SEED chooses the order;
 *  - device memory can be touched by queued work alone. What the host does there, what lies beyond an allocation and
 *    what was freed ends the program with a sentence; fresh memory is NaN;
 *  - copies between device and pinned memory read and write the host's bytes only when they run;
 *  - what CUDA refuses while a stream is captured is refused. The legacy stream is refused always;
 *  - errors that nobody fetched come back from the next launch of a kernel.
 * Calls come from one thread. */
#ifndef VIC_GPU_FAKE_H
#define VIC_GPU_FAKE_H

#include <cuda_runtime_api.h>
#include <stddef.h>
#include <stdint.h>

/* Counted since the start; $VIC_CUDA_STATS=1 prints them at exit. A replay of a graph counts what it ran. */
struct fake_counts {
	long kernels, gemms, memsets, others; /* that ran; others: for who submits them to count */
	long up, down, across;		      /* copies that ran */
	long ahead;			      /* of those up, that ran before work queued earlier on another stream */
	long sums_ahead;		      /* NCCL's calls, that began likewise */
	long captures, graphs;		      /* that ended, that were launched */
	long workspaces;		      /* products in a workspace that cuBLAS allocates */
	long launches;			      /* calls that queued work: each costs the host time */
	long waits;			      /* of the host: synchronisations, cudaFree, pageable copies */
	long pageable;			      /* of these, copies of pageable memory */
	long event_waits;		      /* of these, for an event; one that has happened is not waited for */
	long allocations, frees;
	size_t bytes_up, bytes_down, bytes, peak; /* bytes: of device memory, now */
};
extern struct fake_counts fake_counts;

/* The order from here on. */
void fake_seed(uint64_t seed);
/* The n-th call from here (0: the next) that CUDA allows to fail does; -1: none. Calls made since are returned. */
long fake_fail_at(long n);
/* Runs all that is queued; no wait is counted. Not while a stream is captured. */
void fake_settle(void);

/* Queues or captures run(copy of args) on a stream. `what` is its name, which must live on. 0 or a cudaError_t. */
int fake_submit(cudaStream_t stream, const char *what, void (*run)(const void *args), const void *args, size_t bytes);
/* The same of work that has to wait for others than this device: `attempt` goes as far as it can and returns 1 when it
 * is through; while it is not, other streams go on. block: nothing else can. Never in a capture. */
int fake_submit_attempt(cudaStream_t stream, const char *what, int (*attempt)(const void *args, int block),
			const void *args, size_t bytes);
/* Whether bytes from p lie in one live allocation of device memory. */
int fake_holds(const void *p, size_t bytes);
/* Says a sentence and aborts. */
_Noreturn void fake_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

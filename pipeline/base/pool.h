/* pool: a few threads that run one function over numbered tasks. The tasks of a call must not depend on how many
 * threads there are: cut the work by size, never by pool_threads(), and every thread count gives the same bytes. */
#ifndef VIC_POOL_H
#define VIC_POOL_H

#include "err.h"

struct pool;

/* threads: 1.. ; 0 means as many as the process may run on. With 1 no thread is made. Where the system grants fewer
 * threads (ulimit -u, memory), those that did start do the work. */
int pool_open(struct pool **p, int threads, struct err *err) VIC_CHECKED;
void pool_close(struct pool *p); /* NULL is fine */
int pool_threads(const struct pool *p);
/* Runs f(arg, task, worker) for task 0..n-1, in any order, on the pool's threads and the calling one; returns when all
 * are done. worker is 0..pool_threads()-1: an index for scratch memory. f must not call pool_run on the same pool. */
void pool_run(struct pool *p, int n, void (*f)(void *arg, int task, int worker), void *arg);

#endif

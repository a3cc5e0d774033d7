/* fixture: what the tests of the fake device share: streams, memory, copies of floats, and a kernel. */
#ifndef VIC_GPU_FIXTURE_H
#define VIC_GPU_FIXTURE_H

#include "fake.h"
#include "models/core/cuda/kernels/kernel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { N = 1000, SEEDS = 40 };
#define CUDA(call) assert_int_equal(call, cudaSuccess)

struct pair_args {
	const float *x;
	float *y;
	size_t n;
	float by;
};

KERNEL(scale, struct pair_args)
{
	size_t i = thread_index();
	if (i < a.n)
		a.y[i] = a.x[i] * a.by;
}

static inline cudaStream_t stream_new(void)
{
	cudaStream_t s;
	CUDA(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking));
	return s;
}

static inline float *device_new(size_t n)
{
	void *p;
	CUDA(cudaMalloc(&p, n * sizeof(float)));
	return p;
}

static inline float *pinned_new(size_t n, float first)
{
	void *p;
	CUDA(cudaMallocHost(&p, n * sizeof(float)));
	for (size_t i = 0; i < n; i++)
		((float *)p)[i] = first + (float)i;
	return p;
}

static inline int up(float *to, const float *from, size_t n, cudaStream_t s)
{
	return (int)cudaMemcpyAsync(to, from, n * sizeof(float), cudaMemcpyHostToDevice, s);
}

static inline int down(float *to, const float *from, size_t n, cudaStream_t s)
{
	return (int)cudaMemcpyAsync(to, from, n * sizeof(float), cudaMemcpyDeviceToHost, s);
}

static inline int scaled(const float *x, float *y, size_t n, float by, cudaStream_t s)
{
	const struct pair_args a = { x, y, n, by };
	return LAUNCH(scale, blocks_for(n), 1, BLOCK, s, &a);
}

static inline float at(const float *x, size_t i, cudaStream_t s)
{
	float v;
	CUDA(down(&v, x + i, 1, s));
	return v;
}

/* Runs f in a child, which must not live, and say what is wanted. */
static inline void dies(void (*f)(void), const char *wanted)
{
	char said[4096];
	int fd[2], status;
	size_t n = 0;
	ssize_t got;
	assert_int_equal(pipe(fd), 0);
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(fd[1], 2);
		close(fd[1]);
		signal(SIGABRT, SIG_DFL); /* cmocka's would go on with the next test */
		signal(SIGSEGV, SIG_DFL);
		alarm(60);
		f();
		_exit(0);
	}
	close(fd[1]);
	while (n < sizeof said - 1 && (got = read(fd[0], said + n, sizeof said - 1 - n)) > 0)
		n += (size_t)got;
	said[n] = 0;
	close(fd[0]);
	waitpid(pid, &status, 0);
	if (!strstr(said, wanted) || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
		fail_msg("status %d, said '%s', wanted '%s'", status, said, wanted);
}

#endif

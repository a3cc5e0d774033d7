/* The fake device itself: it must go wrong where a device would, or the tests that use it prove nothing. */
#include "fixture.h"

BLOCK_KERNEL(half_waits, struct pair_args)
{
	if (threadIdx.x < 64)
		__syncthreads();
	a.y[thread_index()] = 1;
}

BLOCK_KERNEL(warps_apart, struct pair_args)
{
	if (threadIdx.x < 32)
		__syncthreads();
	else
		a.y[thread_index()] = shuffle_xor(1, 1);
	if (threadIdx.x == 40)
		__syncthreads();
}

BLOCK_KERNEL(all_apart, struct pair_args)
{
	if (threadIdx.x < 32 || threadIdx.x == 63)
		__syncthreads();
	else
		a.y[thread_index()] = shuffle_xor(1, 1);
}

KERNEL(undeclared, struct pair_args)
{
	a.y[0] = block_sum(1);
}

/* A thread too many at either end: n is the element written. */
KERNEL(poke, struct pair_args)
{
	if (thread_index() == 0)
		a.y[(ptrdiff_t)a.n] = a.by;
}

static void test_late(void **state)
{
	(void)state;
	cudaStream_t s = stream_new();
	float *x = device_new(N), *host = pinned_new(N, 0), *back = pinned_new(N, -1);
	struct fake_counts was = fake_counts;
	CUDA(up(x, host, N, s));
	CUDA(scaled(x, x, N, 2, s));
	CUDA(down(back, x, N, s));
	assert_true(back[5] == 4); /* not yet */
	host[5] = 100;		   /* too early: the copy has not run */
	assert_int_equal(fake_counts.kernels, was.kernels);
	assert_int_equal(fake_counts.waits, was.waits);
	CUDA(cudaStreamSynchronize(s));
	assert_true(back[5] == 200 && back[6] == 12);
	assert_int_equal(fake_counts.kernels, was.kernels + 1);
	assert_int_equal(fake_counts.launches, was.launches + 3);
	assert_int_equal(fake_counts.waits, was.waits + 1);
	assert_int_equal(fake_counts.bytes_up - was.bytes_up, N * sizeof(float));
	assert_int_equal(fake_counts.pageable, was.pageable);
	float plain[N];
	CUDA(down(plain, x, N, s)); /* at once */
	assert_true(plain[5] == 200);
	assert_int_equal(fake_counts.pageable, was.pageable + 1);
	assert_int_equal(fake_counts.waits, was.waits + 2);
	cudaEvent_t e;
	CUDA(cudaEventCreateWithFlags(&e, cudaEventDisableTiming));
	CUDA(scaled(x, x, N, 2, s));
	CUDA(cudaEventRecord(e, s));
	for (int i = 0; i < 2; i++) { /* what has happened is not waited for again */
		CUDA(cudaEventSynchronize(e));
		assert_int_equal(fake_counts.waits, was.waits + 3);
		assert_int_equal(fake_counts.event_waits, was.event_waits + 1);
	}
	CUDA(cudaEventDestroy(e));
	CUDA(cudaFree(x));
	assert_int_equal(fake_counts.waits, was.waits + 4);
	assert_int_equal(was.bytes - fake_counts.bytes, N * sizeof(float));
	CUDA(cudaFreeHost(host));
	CUDA(cudaFreeHost(back));
	CUDA(cudaStreamDestroy(s));
}

/* How often one of SEEDS orders gives wrong numbers when a stream reads what another writes. */
static int orders_wrong(int waits, int captured)
{
	cudaStream_t s = stream_new(), t = stream_new();
	cudaEvent_t e, f;
	int wrong = 0;
	float *x = device_new(N), *y = device_new(N), *host = pinned_new(N, 0);
	CUDA(cudaEventCreateWithFlags(&e, cudaEventDisableTiming));
	CUDA(cudaEventCreateWithFlags(&f, cudaEventDisableTiming));
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		cudaGraph_t g;
		cudaGraphExec_t run;
		fake_seed(seed);
		CUDA(cudaMemsetAsync(x, 0, N * sizeof *x, s));
		CUDA(cudaMemsetAsync(y, 0, N * sizeof *y, s));
		CUDA(cudaStreamSynchronize(s));
		if (captured) {
			CUDA(cudaStreamBeginCapture(s, cudaStreamCaptureModeGlobal));
			CUDA(cudaEventRecord(f, s)); /* the other stream joins */
			CUDA(cudaStreamWaitEvent(t, f, 0));
		}
		CUDA(up(x, host, N, s));
		CUDA(scaled(x, x, N, 2, s));
		CUDA(cudaEventRecord(e, s));
		if (waits)
			CUDA(cudaStreamWaitEvent(t, e, 0));
		CUDA(scaled(x, y, N, 3, t));
		if (captured) {
			CUDA(cudaEventRecord(f, t));
			CUDA(cudaStreamWaitEvent(s, f, 0));
			CUDA(cudaStreamEndCapture(s, &g));
			CUDA(cudaGraphInstantiate(&run, g, 0));
			CUDA(cudaGraphDestroy(g));
			CUDA(cudaGraphLaunch(run, s));
			CUDA(cudaGraphExecDestroy(run));
			CUDA(cudaStreamSynchronize(s));
		}
		wrong += !(at(y, 7, t) == 42);
		CUDA(cudaDeviceSynchronize());
	}
	CUDA(cudaEventDestroy(e));
	CUDA(cudaEventDestroy(f));
	CUDA(cudaStreamDestroy(s));
	CUDA(cudaStreamDestroy(t));
	CUDA(cudaFree(x));
	CUDA(cudaFree(y));
	CUDA(cudaFreeHost(host));
	return wrong;
}

/* The same of a graph's part that ends with an external event. *early: how often the rest of the graph had not run. */
static int marks_wrong(int waits, int *early)
{
	cudaStream_t s = stream_new(), t = stream_new();
	cudaGraph_t g;
	cudaGraphExec_t run;
	cudaEvent_t e;
	int wrong = 0;
	float *x = device_new(N), *y = device_new(N), *z = device_new(N), *host = pinned_new(N, 0);
	CUDA(cudaEventCreateWithFlags(&e, cudaEventDisableTiming));
	CUDA(cudaStreamBeginCapture(s, cudaStreamCaptureModeGlobal));
	CUDA(up(x, host, N, s));
	CUDA(scaled(x, x, N, 2, s));
	CUDA(cudaEventRecordWithFlags(e, s, cudaEventRecordExternal));
	CUDA(scaled(x, z, N, 5, s));
	CUDA(cudaStreamEndCapture(s, &g));
	CUDA(cudaGraphInstantiate(&run, g, 0));
	CUDA(cudaGraphDestroy(g));
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		fake_seed(seed);
		CUDA(cudaMemsetAsync(x, 0, N * sizeof *x, s));
		CUDA(cudaStreamSynchronize(s));
		long kernels = fake_counts.kernels;
		CUDA(cudaGraphLaunch(run, s));
		if (waits)
			CUDA(cudaStreamWaitEvent(t, e, 0));
		CUDA(scaled(x, y, N, 3, t));
		wrong += !(at(y, 7, t) == 42);
		*early += fake_counts.kernels - kernels < 3;
		CUDA(cudaDeviceSynchronize());
	}
	CUDA(cudaGraphExecDestroy(run));
	assert_int_equal(cudaEventRecordWithFlags(e, s, cudaEventRecordExternal), cudaErrorInvalidValue);
	assert_int_equal(cudaGetLastError(), cudaErrorInvalidValue);
	CUDA(cudaEventDestroy(e));
	CUDA(cudaStreamDestroy(s));
	CUDA(cudaStreamDestroy(t));
	CUDA(cudaFree(x));
	CUDA(cudaFree(y));
	CUDA(cudaFree(z));
	CUDA(cudaFreeHost(host));
	return wrong;
}

static void test_marks(void **state)
{
	(void)state;
	int early = 0, chance = 0;
	assert_int_equal(marks_wrong(1, &early), 0);
	assert_in_range(early, 1, SEEDS);
	assert_in_range(marks_wrong(0, &chance), SEEDS / 4, SEEDS - 1);
}

static void test_events(void **state)
{
	(void)state;
	for (int captured = 0; captured < 2; captured++) {
		assert_int_equal(orders_wrong(1, captured), 0);
		assert_in_range(orders_wrong(0, captured), SEEDS / 4, SEEDS - 1); /* right by chance */
	}
	/* An event that was waited for says when its part is through, and no more. */
	cudaStream_t s = stream_new();
	cudaEvent_t e;
	int early = 0;
	float *host = pinned_new(2, 0), *x = device_new(2);
	CUDA(cudaEventCreateWithFlags(&e, cudaEventDisableTiming));
	CUDA(cudaEventQuery(e));
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		fake_seed(seed);
		host[0] = host[1] = -1;
		CUDA(cudaMemsetAsync(x, 0, 2 * sizeof *x, s));
		CUDA(down(host, x, 1, s));
		CUDA(cudaEventRecord(e, s));
		CUDA(down(host + 1, x, 1, s));
		CUDA(cudaEventSynchronize(e));
		assert_true(host[0] == 0);
		early += host[1] == 0;
		assert_int_equal(cudaEventQuery(e), cudaSuccess);
		CUDA(cudaStreamSynchronize(s));
		assert_true(host[1] == 0);
	}
	assert_in_range(early, 1, SEEDS - 1);
	CUDA(cudaEventRecord(e, s));
	int polls = 0;
	while (cudaEventQuery(e) == cudaErrorNotReady)
		polls++;
	assert_true(polls < 1000);
	cudaGetLastError();
	CUDA(cudaEventDestroy(e));
	CUDA(cudaFree(x));
	CUDA(cudaFreeHost(host));
	CUDA(cudaStreamDestroy(s));
}

static void test_replay(void **state)
{
	(void)state;
	cudaStream_t s = stream_new();
	cudaGraph_t g;
	cudaGraphExec_t run;
	enum cudaStreamCaptureStatus status;
	float *x = device_new(N), *host = pinned_new(N, 1);
	float by = 2;
	CUDA(cudaStreamBeginCapture(s, cudaStreamCaptureModeThreadLocal));
	CUDA(cudaStreamIsCapturing(s, &status));
	assert_int_equal(status, cudaStreamCaptureStatusActive);
	CUDA(up(x, host, N, s));
	CUDA(scaled(x, x, N, by, s));
	by = 3; /* the graph keeps 2 */
	CUDA(cudaStreamEndCapture(s, &g));
	CUDA(cudaGraphInstantiate(&run, g, 0));
	CUDA(cudaGraphDestroy(g));
	assert_true(at(x, 4, s) != 10); /* recorded, not run */
	struct fake_counts was = fake_counts;
	CUDA(cudaGraphLaunch(run, s));
	assert_true(at(x, 4, s) == 10);
	host[4] = 50;
	CUDA(cudaGraphLaunch(run, s));
	assert_true(at(x, 4, s) == 100); /* the host's bytes are read anew */
	assert_int_equal(fake_counts.launches, was.launches + 4);
	assert_int_equal(fake_counts.kernels, was.kernels + 2);
	assert_int_equal(fake_counts.graphs, was.graphs + 2);
	CUDA(cudaGraphExecDestroy(run));
	CUDA(cudaFree(x));
	CUDA(cudaFreeHost(host));
	CUDA(cudaStreamDestroy(s));
}

/* Calls that a capture does not bear; each with the error that CUDA gives. */
enum forbidden {
	ALLOCATES,
	FREES,
	WAITS,
	QUERIES,
	ASKS_EVENT,
	AWAITS_EVENT,
	COPIES_PAGEABLE,
	ON_LEGACY,
	BEFORE,
	UNJOINED
};
static const cudaError_t refusal[] = {
	[ALLOCATES] = cudaErrorStreamCaptureUnsupported,
	[FREES] = cudaErrorStreamCaptureUnsupported,
	[WAITS] = cudaErrorStreamCaptureUnsupported,
	[QUERIES] = cudaErrorStreamCaptureUnsupported,
	[ASKS_EVENT] = cudaErrorCapturedEvent,
	[AWAITS_EVENT] = cudaErrorCapturedEvent,
	[COPIES_PAGEABLE] = cudaErrorStreamCaptureUnsupported,
	[ON_LEGACY] = cudaErrorStreamCaptureImplicit,
	[BEFORE] = cudaErrorStreamCaptureIsolation,
};

static cudaError_t forbidden_call(enum forbidden what, cudaStream_t s, cudaStream_t t, cudaEvent_t e, float *x)
{
	void *p;
	float v = 0;
	switch (what) {
	case ALLOCATES:
		return cudaMalloc(&p, 4);
	case FREES:
		return cudaFree(x);
	case WAITS:
		return cudaStreamSynchronize(t);
	case QUERIES:
		return cudaStreamQuery(s);
	case ASKS_EVENT:
		CUDA(cudaEventRecord(e, s));
		return cudaEventQuery(e);
	case AWAITS_EVENT:
		CUDA(cudaEventRecord(e, s));
		return cudaEventSynchronize(e);
	case COPIES_PAGEABLE:
		return (cudaError_t)up(x, &v, 1, s);
	case ON_LEGACY:
		return cudaMemsetAsync(x, 0, 4, NULL);
	case BEFORE:
		return cudaStreamWaitEvent(s, e, 0);
	case UNJOINED:
		CUDA(cudaEventRecord(e, s));
		CUDA(cudaStreamWaitEvent(t, e, 0));
		return cudaMemsetAsync(x, 0, 4, t);
	}
	return cudaErrorUnknown;
}

static void test_refusals(void **state)
{
	(void)state;
	cudaStream_t s = stream_new(), t = stream_new();
	cudaEvent_t e;
	cudaGraph_t g;
	float *x = device_new(N);
	for (enum forbidden what = ALLOCATES; what <= UNJOINED; what++) {
		CUDA(cudaEventCreateWithFlags(&e, cudaEventDisableTiming));
		CUDA(cudaEventRecord(e, t));
		CUDA(cudaStreamBeginCapture(s, cudaStreamCaptureModeGlobal));
		CUDA(cudaMemsetAsync(x, 0, 4, s));
		cudaError_t got = forbidden_call(what, s, t, e, x);
		if (what == UNJOINED) {
			CUDA(got);
			assert_int_equal(cudaStreamEndCapture(s, &g), cudaErrorStreamCaptureUnjoined);
		} else {
			if (got != refusal[what])
				fail_msg("call %d is answered with %s", what, cudaGetErrorName(got));
			assert_int_equal(cudaMemsetAsync(x, 0, 4, s), cudaErrorStreamCaptureInvalidated);
			assert_int_equal(cudaStreamEndCapture(s, &g), cudaErrorStreamCaptureInvalidated);
		}
		assert_null(g);
		CUDA(cudaEventDestroy(e));
		CUDA(cudaStreamSynchronize(t));
		cudaGetLastError();
	}
	assert_int_equal(cudaMemsetAsync(x, 0, 4, NULL), cudaErrorInvalidResourceHandle);
	cudaGetLastError();
	CUDA(cudaFree(x));
	CUDA(cudaStreamDestroy(s));
	CUDA(cudaStreamDestroy(t));
}

static void reads_device(void)
{
	float *x = device_new(N);
	printf("%g", (double)*x);
}
static void reads_device_later(void)
{
	float *x = device_new(N);
	cudaStream_t s = stream_new();
	cudaMemsetAsync(x, 0, 4, s);
	cudaStreamSynchronize(s);
	printf("%g", (double)*x);
}
static void poke_at(size_t n, ptrdiff_t i)
{
	cudaStream_t s = stream_new();
	const struct pair_args a = { NULL, device_new(n), (size_t)i, 1 };
	LAUNCH(poke, 1, 1, 32, s, &a);
	cudaStreamSynchronize(s);
}
static void pokes_before(void)
{
	poke_at(3, -1);
}
static void pokes_far_before(void)
{
	poke_at(N, -1);
}
static void pokes_behind(void)
{
	poke_at(N, N);
}
static void pokes_far(void)
{
	poke_at(N, N + 64);
}
static void uses_freed(void)
{
	cudaStream_t s = stream_new();
	float *x = device_new(N);
	cudaFree(x);
	scaled(x, x, N, 2, s);
	cudaStreamSynchronize(s);
}
static void gives_host(void)
{
	float plain[4] = { 0 };
	scaled(plain, plain, 4, 2, stream_new());
}
static void frees_pinned(void)
{
	cudaStream_t s = stream_new();
	float *x = device_new(N), *host = pinned_new(N, 0);
	up(x, host, N, s);
	cudaFreeHost(host);
	cudaStreamSynchronize(s);
}
static void overruns_pinned(void)
{
	float *host = pinned_new(N, 0);
	host[N] = 1;
	cudaFreeHost(host);
}
static void block_kernel(struct host_kernel k, int barriers, unsigned threads)
{
	cudaStream_t s = stream_new();
	const struct pair_args a = { NULL, device_new(N), N, 1 };
	host_launch(k, barriers, &a, sizeof a, 1, 1, threads, s);
	cudaStreamSynchronize(s);
}
static void waits_half(void)
{
	block_kernel(half_waits_host, half_waits_barriers, 128);
}
static void waits_apart(void)
{
	block_kernel(warps_apart_host, warps_apart_barriers, 64);
}
static void waits_all(void)
{
	block_kernel(all_apart_host, all_apart_barriers, 64);
}
static void waits_undeclared(void)
{
	block_kernel(undeclared_host, undeclared_barriers, 64);
}

static void test_deaths(void **state)
{
	(void)state;
	dies(reads_device, "host code touched device memory, byte 0 of 4000");
	dies(reads_device_later, "host code touched device memory");
	dies(pokes_before, "before the begin of 12 bytes");
	dies(pokes_far_before, "poke touched device memory, byte -4 of 4000");
	dies(pokes_behind, "behind the end of 4000 bytes");
	dies(pokes_far, "poke touched device memory, byte 4256 of 4000");
	dies(uses_freed, "of 4000, freed before");
	if (scale_host.tidy)
		dies(gives_host, "scale is given a pointer to host memory, 0 bytes into");
	dies(frees_pinned, "copy up touched pinned memory, byte 0 of 4000, freed before");
	dies(overruns_pinned, "behind the end of 4000 bytes of pinned memory");
	dies(waits_half, "half_waits, block 0,0: 64 of 128 threads wait at a barrier or shuffle, some for ever");
	dies(waits_apart, "warps_apart, block 0,0: 33 of 64 threads wait");
	dies(waits_all, "all_apart, block 0,0: 64 of 64 threads wait");
	dies(waits_undeclared, "undeclared was declared without barriers and calls");
}

static void test_memory(void **state)
{
	(void)state;
	cudaStream_t s = stream_new();
	size_t left, total, less;
	float *x = device_new(3);
	void *p;
	assert_int_equal((uintptr_t)x % 256, 0);
	assert_true(isnan(at(x, 0, s)) && isnan(at(x, 2, s)));
	CUDA(cudaMemGetInfo(&left, &total));
	assert_int_equal(cudaMalloc(&p, total), cudaErrorMemoryAllocation);
	float *y = device_new(1 << 20);
	CUDA(cudaMemGetInfo(&less, &total));
	assert_int_equal(left - less, 4 << 20);
	assert_int_equal(cudaFree(y + 1), cudaErrorInvalidValue);
	CUDA(cudaFree(y));
	assert_int_equal(cudaFree(y), cudaErrorInvalidValue);
	CUDA(cudaFree(NULL));
	fake_fail_at(1);
	CUDA(cudaMalloc(&p, 4));
	assert_int_equal(cudaMalloc((void **)&y, 4), cudaErrorMemoryAllocation);
	assert_int_equal(fake_fail_at(-1), 2);
	assert_int_equal(cudaGetLastError(), cudaErrorMemoryAllocation);
	CUDA(cudaFree(p));
	CUDA(cudaFree(x));
	CUDA(cudaStreamDestroy(s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_late),	 cmocka_unit_test(test_events), cmocka_unit_test(test_replay),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_refusals), cmocka_unit_test(test_deaths), cmocka_unit_test(test_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

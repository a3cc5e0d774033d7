/* runtime: the rest of the fake cudart: devices, versions, errors, copies. */
#include "queue.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake_counts fake_counts;
static cudaError_t last;
static long fail_in = -1, entered;

void fake_die(const char *format, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	fprintf(stderr, "fake device: %s\n", text); /* in one piece: threads may die side by side */
	abort();
}

static void print_counts(void)
{
	const struct fake_counts *c = &fake_counts;
	fprintf(stderr, "fake device: %ld launches, %ld kernels, %ld gemms, %ld memsets, %ld others, %ld graphs, "
		"%ld captures\n",
		c->launches, c->kernels, c->gemms, c->memsets, c->others, c->graphs, c->captures);
	fprintf(stderr, "fake device: %ld copies up (%zu bytes), %ld down (%zu bytes), %ld across, %ld pageable, "
		"%ld ahead, %ld sums early\n",
		c->up, c->bytes_up, c->down, c->bytes_down, c->across, c->pageable,
		c->ahead, c->sums_ahead);
	fprintf(stderr, "fake device: %ld waits (%ld for events), %ld allocations, %ld freed, %zu bytes at most\n",
		c->waits, c->event_waits, c->allocations, c->frees, c->peak);
}

__attribute__((constructor)) static void start(void)
{
	const char *s = getenv("VIC_CUDA_STATS");
	if (s && !strcmp(s, "1"))
		atexit(print_counts);
}

cudaError_t runtime_enter(cudaError_t due)
{
	entered++;
	return fail_in >= 0 && fail_in-- == 0 ? due : cudaSuccess;
}

cudaError_t runtime_said(cudaError_t e)
{
	if (e)
		last = e;
	return e;
}

long fake_fail_at(long n)
{
	long made = entered;
	entered = 0;
	fail_in = n;
	return made;
}

cudaError_t cudaGetLastError(void)
{
	cudaError_t e = last;
	last = cudaSuccess;
	return e;
}

cudaError_t cudaPeekAtLastError(void)
{
	return last;
}

static const struct {
	cudaError_t e;
	const char *name, *text;
} errors[] = {
	{ cudaSuccess, "cudaSuccess", "no error" },
	{ cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument" },
	{ cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory" },
	{ cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration", "invalid configuration argument" },
	{ cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA-capable device is detected" },
	{ cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal" },
	{ cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle" },
	{ cudaErrorNotReady, "cudaErrorNotReady", "device not ready" },
	{ cudaErrorIllegalState, "cudaErrorIllegalState", "the operation cannot be performed in the present state" },
	{ cudaErrorInvalidMemcpyDirection, "cudaErrorInvalidMemcpyDirection", "invalid copy direction for memcpy" },
	{ cudaErrorStreamCaptureUnmatched, "cudaErrorStreamCaptureUnmatched",
	  "capture was not ended in the same stream as it began" },
	{ cudaErrorStreamCaptureUnjoined, "cudaErrorStreamCaptureUnjoined", "capturing stream has unjoined work" },
	{ cudaErrorStreamCaptureIsolation, "cudaErrorStreamCaptureIsolation",
	  "dependency created on uncaptured work in another stream" },
	{ cudaErrorCapturedEvent, "cudaErrorCapturedEvent",
	  "operation not permitted on an event last recorded in a capturing stream" },
	{ cudaErrorNotSupported, "cudaErrorNotSupported", "operation not supported" },
	{ cudaErrorStreamCaptureUnsupported, "cudaErrorStreamCaptureUnsupported",
	  "operation not permitted when stream is capturing" },
	{ cudaErrorStreamCaptureInvalidated, "cudaErrorStreamCaptureInvalidated",
	  "operation failed due to a previous error during capture" },
	{ cudaErrorStreamCaptureImplicit, "cudaErrorStreamCaptureImplicit",
	  "operation would make the legacy stream depend on a capturing blocking stream" },
	{ cudaErrorUnknown, "cudaErrorUnknown", "unknown error" },
};

static int error_row(cudaError_t e)
{
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (errors[i].e == e)
			return (int)i;
	return -1;
}

const char *cudaGetErrorName(cudaError_t e)
{
	return error_row(e) < 0 ? "an error without a name here" : errors[error_row(e)].name;
}

const char *cudaGetErrorString(cudaError_t e)
{
	return error_row(e) < 0 ? "an error without a text here" : errors[error_row(e)].text;
}

/* $VIC_GPU_COUNT: 1 unless it says otherwise. */
static int devices(void)
{
	const char *s = getenv("VIC_GPU_COUNT");
	return s ? (int)strtol(s, NULL, 10) : 1;
}

cudaError_t cudaGetDeviceCount(int *count)
{
	cudaError_t e = runtime_enter(cudaErrorUnknown);
	*count = e ? 0 : devices();
	return runtime_said(e || *count ? e : cudaErrorNoDevice);
}

cudaError_t cudaSetDevice(int device)
{
	cudaError_t e = runtime_enter(cudaErrorUnknown);
	return runtime_said(e ? e : device < 0 || device >= devices() ? cudaErrorInvalidDevice : cudaSuccess);
}

cudaError_t cudaGetDevice(int *device)
{
	*device = 0;
	return cudaSuccess;
}

/* As an A100, but for its memory. */
static const struct {
	enum cudaDeviceAttr attr;
	int value;
} attributes[] = {
	{ cudaDevAttrComputeCapabilityMajor, 8 },
	{ cudaDevAttrComputeCapabilityMinor, 0 },
	{ cudaDevAttrMultiProcessorCount, 108 },
	{ cudaDevAttrMaxThreadsPerBlock, 1024 },
	{ cudaDevAttrMaxGridDimX, 2147483647 },
	{ cudaDevAttrMaxGridDimY, 65535 },
	{ cudaDevAttrMaxSharedMemoryPerBlock, 49152 },
	{ cudaDevAttrWarpSize, 32 },
	{ cudaDevAttrIntegrated, 0 },
};

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attr, int device)
{
	cudaError_t e = runtime_enter(cudaErrorUnknown);
	if (!e && (device < 0 || device >= devices()))
		e = cudaErrorInvalidDevice;
	for (size_t i = 0; !e && i < sizeof attributes / sizeof *attributes; i++)
		if (attributes[i].attr == attr) {
			*value = attributes[i].value;
			return cudaSuccess;
		}
	return runtime_said(e ? e : cudaErrorInvalidValue);
}

/* What $VIC_GPU_DEVICE (cuDNN's description of a device, JSON) says after "key": , as text; NULL where nothing does. */
static const char *described(const char *text, const char *key)
{
	char quoted[64];
	snprintf(quoted, sizeof quoted, "\"%s\":", key);
	const char *at = strstr(text, quoted);
	return at ? at + strlen(quoted) + strspn(at + strlen(quoted), " \"") : NULL;
}

static void describe_device(struct cudaDeviceProp *prop)
{
	const char *name = getenv("VIC_GPU_DEVICE"), *at;
	char text[8192];
	FILE *f = name ? fopen(name, "r") : NULL;
	if (!f)
		return;
	text[fread(text, 1, sizeof text - 1, f)] = 0;
	fclose(f);
	if ((at = described(text, "deviceName")))
		snprintf(prop->name, sizeof prop->name, "%.*s, a fake", (int)strcspn(at, "\""), at);
	if ((at = described(text, "deviceVer"))) {
		long version = strtol(at, NULL, 10);
		prop->major = (int)(version / 100);
		prop->minor = (int)(version / 10 % 10);
	}
	if ((at = described(text, "multiProcessorCount")))
		prop->multiProcessorCount = (int)strtol(at, NULL, 10);
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *prop, int device)
{
	cudaError_t e = runtime_enter(cudaErrorUnknown);
	if (!e && (device < 0 || device >= devices()))
		e = cudaErrorInvalidDevice;
	if (e)
		return runtime_said(e);
	size_t left;
	memset(prop, 0, sizeof *prop);
	snprintf(prop->name, sizeof prop->name, "Fake Device");
	prop->major = 8;
	prop->multiProcessorCount = 108;
	prop->maxThreadsPerBlock = 1024;
	prop->warpSize = 32;
	prop->sharedMemPerBlock = 49152;
	prop->sharedMemPerBlockOptin = 166912;
	prop->sharedMemPerMultiprocessor = 167936;
	prop->regsPerBlock = prop->regsPerMultiprocessor = 65536;
	prop->maxThreadsPerMultiProcessor = 2048;
	prop->l2CacheSize = 40 << 20;
	describe_device(prop);
	return cudaMemGetInfo(&left, &prop->totalGlobalMem);
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
	*version = CUDART_VERSION;
	return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int *version)
{
	*version = CUDART_VERSION;
	return cudaSuccess;
}

struct copy {
	void *to;
	const void *from;
	size_t bytes;
	enum cudaMemcpyKind kind;
};

static void copy_run(const void *args)
{
	const struct copy *c = args;
	fake_counts.up += c->kind == cudaMemcpyHostToDevice;
	fake_counts.down += c->kind == cudaMemcpyDeviceToHost;
	fake_counts.across += c->kind == cudaMemcpyDeviceToDevice;
	fake_counts.bytes_up += c->kind == cudaMemcpyHostToDevice ? c->bytes : 0;
	fake_counts.bytes_down += c->kind == cudaMemcpyDeviceToHost ? c->bytes : 0;
	memcpy(c->to, c->from, c->bytes);
}

static int end_fits(const void *p, size_t bytes, int device)
{
	return device ? fake_holds(p, bytes) : !memory_is_device(p) || memory_pinned(p, bytes);
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind, cudaStream_t s)
{
	cudaError_t e = runtime_enter(cudaErrorUnknown);
	int up = kind == cudaMemcpyHostToDevice, down = kind == cudaMemcpyDeviceToHost;
	if (!e && !up && !down && kind != cudaMemcpyDeviceToDevice)
		e = cudaErrorInvalidMemcpyDirection;
	if (e || !bytes)
		return runtime_said(e);
	if (!end_fits(to, bytes, !down) || !end_fits(from, bytes, !up))
		return runtime_said(cudaErrorInvalidValue);
	int pageable = (up && !memory_pinned(from, bytes)) || (down && !memory_pinned(to, bytes));
	e = pageable ? capture_forbids() : cudaSuccess;
	struct copy c = { to, from, bytes, kind };
	e = e ? e : (cudaError_t)fake_submit(s, up ? "copy up" : down ? "copy down" : "copy", copy_run, &c, sizeof c);
	if (!e && pageable) {
		fake_counts.pageable++;
		fake_counts.waits++;
		queue_run_stream(s);
	}
	return runtime_said(e);
}

struct set {
	void *to;
	int value;
	size_t bytes;
};

static void set_run(const void *args)
{
	const struct set *m = args;
	fake_counts.memsets++;
	memset(m->to, m->value, m->bytes);
}

cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t s)
{
	cudaError_t e = runtime_enter(cudaErrorUnknown);
	if (e || !bytes)
		return runtime_said(e);
	if (!fake_holds(to, bytes))
		return runtime_said(cudaErrorInvalidValue);
	struct set m = { to, value, bytes };
	return runtime_said((cudaError_t)fake_submit(s, "memset", set_run, &m, sizeof m));
}

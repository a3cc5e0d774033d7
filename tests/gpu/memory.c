/* memory: device memory of the fake, one reservation that is never given twice; and pinned host memory. A block of
 * device memory ends, up to 256 bytes, at a page that nobody may touch, and lies behind another; what is left around
 * it is filled and looked at. All blocks are closed to the host but while queued work runs: by a protection key
 * where the processor has them, else (or with VIC_GPU_KEYS=0) by mprotect. */
#include "queue.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define RESERVED ((size_t)64 << 30)
enum { PAGE = 4096, ALIGNED = 256, EDGE = 256, GUARD = 0xffa5 /* NaN, too */ };

struct piece {
	unsigned char *at; /* what the program has */
	size_t bytes;
	unsigned char *pages;
	size_t size;
	int pinned, live;
};

static unsigned char *base, *top;
static struct piece *piece;
static int pieces, room, key = -1, is_open;

/* The piece that p lies in or closely behind. They lie in the order of their addresses. */
static struct piece *piece_of(const void *p)
{
	const unsigned char *at = p;
	int low = 0, high = pieces;
	while (low < high) { /* below low: begin at `at` or before */
		int middle = low + (high - low) / 2;
		if (piece[middle].pages <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low && at < piece[low - 1].pages + piece[low - 1].size + PAGE ? &piece[low - 1] : NULL;
}

static struct sigaction before;

static void touched(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)context;
	const unsigned char *p = info->si_addr;
	const struct piece *x = piece_of(p);
	if (!memory_is_device(p) && !x) { /* no matter of ours: happens once more */
		sigaction(SIGSEGV, &before, NULL);
		return;
	}
	if (x && x + 1 < piece + pieces && p >= x->pages + x->size + PAGE / 2)
		x++; /* rather before the next */
	const char *who = queue_running ? queue_running : "host code";
	if (!x)
		fake_die("%s touched device memory at %p, which nothing was ever allocated at", who, (const void *)p);
	fake_die("%s touched %s memory, byte %td of %zu%s", who, x->pinned ? "pinned" : "device", p - x->at, x->bytes,
		 x->live ? "" : ", freed before");
}

/* Again and again: cmocka sets its own before each test. */
static void watch(void)
{
	struct sigaction sa = { .sa_sigaction = touched, .sa_flags = SA_SIGINFO }, now;
	if (sigaction(SIGSEGV, NULL, &now) || now.sa_sigaction == touched)
		return;
	before = now;
	sigaction(SIGSEGV, &sa, NULL);
}

static void memory_start(void)
{
	if (base)
		return;
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	base = mmap(NULL, RESERVED, PROT_NONE, flags, -1, 0);
	if (base == MAP_FAILED)
		fake_die("no room for device memory");
	madvise(base, RESERVED, MADV_HUGEPAGE); /* large blocks are opened and closed ten times as fast */
	top = base + PAGE;
	const char *keys = getenv("VIC_GPU_KEYS");
	key = keys && !strcmp(keys, "0") ? -1 : pkey_alloc(0, PKEY_DISABLE_ACCESS);
}

static void protect(const struct piece *x, int how)
{
	if (key >= 0 ? pkey_mprotect(x->pages, x->size, how, x->pinned ? 0 : key) : mprotect(x->pages, x->size, how))
		fake_die("mprotect: no more mappings");
}

static void all_blocks(int how)
{
	if (key >= 0)
		pkey_set(key, how ? 0 : PKEY_DISABLE_ACCESS);
	for (int i = 0; key < 0 && i < pieces; i++)
		if (piece[i].live && !piece[i].pinned)
			protect(&piece[i], how);
}

/* Bytes of GUARD as they lie from p on; at most EDGE of them. */
static const unsigned char *guard_at(const unsigned char *p)
{
	static unsigned char guard[EDGE + 1];
	for (int i = 0; !guard[0] && i <= EDGE; i++)
		guard[i] = (unsigned char)(GUARD >> 8 * (i & 1));
	return guard + ((uintptr_t)p & 1);
}

static int stands(const unsigned char *from, const unsigned char *to)
{
	return !memcmp(from, guard_at(from), (size_t)(to - from));
}

/* What is looked at around a block: from `low` to its begin, and from its end to `high`. */
static void edges(const struct piece *x, unsigned char **low, unsigned char **high)
{
	*low = x->at - x->pages < EDGE ? x->pages : x->at - EDGE;
	*high = x->pages + x->size - (x->at + x->bytes) < EDGE ? x->pages + x->size : x->at + x->bytes + EDGE;
}

static void look_at(const struct piece *x)
{
	unsigned char *low, *high;
	edges(x, &low, &high);
	const char *kind = x->pinned ? "pinned" : "device";
	if (!stands(low, x->at))
		fake_die("somebody wrote before the begin of %zu bytes of %s memory", x->bytes, kind);
	if (!stands(x->at + x->bytes, high))
		fake_die("somebody wrote behind the end of %zu bytes of %s memory", x->bytes, kind);
}

void memory_open(void)
{
	memory_start();
	watch();
	if (!is_open++)
		all_blocks(PROT_READ | PROT_WRITE);
}

void memory_close(void)
{
	if (--is_open)
		return;
	for (int i = 0; i < pieces; i++)
		if (piece[i].live)
			look_at(&piece[i]);
	all_blocks(PROT_NONE);
}

int memory_is_device(const void *p)
{
	return base && (const unsigned char *)p >= base && (const unsigned char *)p < base + RESERVED;
}

static int inside(const void *p, size_t bytes, int pinned)
{
	const struct piece *x = piece_of(p);
	const unsigned char *at = p;
	return x && x->live && x->pinned == pinned && at >= x->at && bytes <= x->bytes &&
	       (size_t)(at - x->at) <= x->bytes - bytes;
}

int fake_holds(const void *p, size_t bytes)
{
	return inside(p, bytes, 0);
}

int memory_pinned(const void *p, size_t bytes)
{
	return inside(p, bytes, 1);
}

static cudaError_t piece_new(void **p, size_t bytes, int pinned)
{
	if (!p)
		return cudaErrorInvalidValue;
	*p = NULL;
	if (!bytes)
		return cudaSuccess;
	memory_start();
	size_t whole = (bytes + ALIGNED - 1) / ALIGNED * ALIGNED, size = (bytes + PAGE - 1) / PAGE * PAGE;
	if (size > (size_t)(base + RESERVED - top) - PAGE)
		return cudaErrorMemoryAllocation;
	if (pieces == room) {
		room = room ? 2 * room : 64;
		piece = realloc(piece, (size_t)room * sizeof *piece);
		if (!piece)
			fake_die("out of memory");
	}
	struct piece x = { .pages = top, .size = size, .bytes = bytes, .pinned = pinned, .live = 1 };
	x.at = pinned ? top : top + size - whole;
	unsigned char *low, *high;
	memory_open();
	protect(&x, PROT_READ | PROT_WRITE);
	memset(x.at, 0xff, bytes);
	edges(&x, &low, &high);
	memcpy(low, guard_at(low), (size_t)(x.at - low));
	memcpy(x.at + bytes, guard_at(x.at + bytes), (size_t)(high - x.at) - bytes);
	piece[pieces++] = x;
	memory_close();
	top += size + PAGE;
	*p = x.at;
	return cudaSuccess;
}

static cudaError_t piece_free(void *p, int pinned)
{
	struct piece *x = piece_of(p);
	if (!x || !x->live || x->at != p || x->pinned != pinned)
		return cudaErrorInvalidValue;
	memory_open();
	look_at(x);
	x->live = 0;
	protect(x, PROT_NONE);
	madvise(x->pages, x->size, MADV_DONTNEED);
	memory_close();
	return cudaSuccess;
}

static size_t device_total = (size_t)16 << 30;

cudaError_t cudaMemGetInfo(size_t *left, size_t *total)
{
	cudaError_t e = runtime_enter(cudaErrorUnknown);
	if (!e) {
		*total = device_total;
		*left = device_total - fake_counts.bytes;
	}
	return runtime_said(e);
}

cudaError_t cudaMalloc(void **p, size_t bytes)
{
	cudaError_t e = runtime_enter(cudaErrorMemoryAllocation);
	e = e ? e : capture_forbids();
	if (!e && bytes > device_total - fake_counts.bytes)
		e = cudaErrorMemoryAllocation;
	e = e ? e : piece_new(p, bytes, 0);
	if (!e) {
		fake_counts.allocations++;
		fake_counts.bytes += bytes;
		if (fake_counts.bytes > fake_counts.peak)
			fake_counts.peak = fake_counts.bytes;
	}
	return runtime_said(e);
}

cudaError_t cudaFree(void *p)
{
	cudaError_t e = capture_forbids();
	if (e || !p)
		return runtime_said(e);
	fake_counts.waits++;
	fake_settle();
	e = piece_free(p, 0);
	if (!e) {
		fake_counts.frees++;
		fake_counts.bytes -= piece_of(p)->bytes;
	}
	return runtime_said(e);
}

cudaError_t cudaHostAlloc(void **p, size_t bytes, unsigned flags)
{
	(void)flags;
	cudaError_t e = runtime_enter(cudaErrorMemoryAllocation);
	e = e ? e : capture_forbids();
	return runtime_said(e ? e : piece_new(p, bytes, 1));
}

cudaError_t cudaMallocHost(void **p, size_t bytes)
{
	return cudaHostAlloc(p, bytes, 0);
}

cudaError_t cudaFreeHost(void *p)
{
	cudaError_t e = capture_forbids();
	return runtime_said(e || !p ? e : piece_free(p, 1));
}

/* A plug-in is closed and opened again many times, and there are 15 keys. */
__attribute__((destructor)) static void memory_end(void)
{
	if (key >= 0)
		pkey_free(key);
}

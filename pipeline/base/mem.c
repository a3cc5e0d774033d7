/* Kinds of memory: mem_alloc's is zeroed and 64-byte aligned, mem_room's and mem_pages' aligned. mem_grow's is
 * realloc's and neither of these, also where it grows an array that mem_alloc made.
 * Results are stored by memcpy: the caller's pointer has a type of its own, and a store through void ** would break
 * the aliasing rule. */
#include "mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int too_much(size_t n, size_t size, struct err *err)
{
	return err_system(err, "out of memory (%zu items of %zu bytes)", n, size);
}

/* *out: as many bytes, in lines of 64. */
static int take(void *out, size_t n, size_t size, size_t *taken, struct err *err)
{
	size_t bytes;
	if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX - 64)
		return too_much(n, size, err);
	*taken = bytes ? (bytes + 63) / 64 * 64 : 64;
	void *p = aligned_alloc(64, *taken);
	if (!p)
		return too_much(n, size, err);
	memcpy(out, &p, sizeof p);
	return 0;
}

int mem_alloc(void *out, size_t n, size_t size, struct err *err)
{
	size_t bytes = 0;
	void *p = NULL;
	if (take(&p, n, size, &bytes, err))
		return -1;
	memset(p, 0, bytes);
	memcpy(out, &p, sizeof p);
	return 0;
}

int mem_room(void *out, size_t n, struct err *err)
{
	size_t bytes = 0;
	return take(out, n, 1, &bytes, err);
}

int mem_pages(void *out, size_t n, size_t size, struct err *err)
{
	size_t bytes = 0;
	char *p = NULL;
	if (take(&p, n, size, &bytes, err))
		return -1;
#ifdef MADV_POPULATE_WRITE
	/* A request: where it is not known, or memory is short, pages come one by one as they are written. */
	size_t page = (size_t)sysconf(_SC_PAGESIZE), off = (page - (uintptr_t)p % page) % page;
	if (bytes >= 256 * page)
		madvise(p + off, (bytes - off) / page * page, MADV_POPULATE_WRITE);
#endif
	memcpy(out, &p, sizeof p);
	return 0;
}

int mem_grow(void *array, size_t *cap, size_t need, size_t size, struct err *err)
{
	if (need <= *cap)
		return 0;
	size_t want = *cap ? *cap : 16, bytes;
	while (want < need)
		want = want > SIZE_MAX / 2 ? need : want * 2;
	if (__builtin_mul_overflow(want, size, &bytes))
		return too_much(want, size, err);
	void *old, *p;
	memcpy(&old, array, sizeof old);
	p = realloc(old, bytes);
	if (!p)
		return too_much(want, size, err);
	memcpy(array, &p, sizeof p);
	*cap = want;
	return 0;
}

int mem_text(char **out, const char *text, size_t n, struct err *err)
{
	char *p = malloc(n + 1);
	if (!p)
		return too_much(n, 1, err);
	memcpy(p, text, n);
	p[n] = 0;
	*out = p;
	return 0;
}

int mem_printf(char **out, struct err *err, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	char *p = n < 0 ? NULL : malloc((size_t)n + 1);
	if (!p)
		return too_much(n < 0 ? SIZE_MAX : (size_t)n, 1, err);
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	*out = p;
	return 0;
}

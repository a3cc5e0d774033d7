/* mem: memory whose size was multiplied without overflow and whose failure has a message. Freed with free(). */
#ifndef VIC_MEM_H
#define VIC_MEM_H

#include "err.h"
#include <stddef.h>

/* Zeroed memory for n items of `size` bytes, 64-byte aligned; *out owns it. n == 0 gives a valid pointer. */
int mem_alloc(void *out, size_t n, size_t size, struct err *err) VIC_CHECKED;

/* Room for n bytes that are written before they are read: aligned alike, and not zeroed, so that a program which fills
 * little of a large buffer does not pay for its pages when it starts. */
int mem_room(void *out, size_t n, struct err *err) VIC_CHECKED;

/* Room for n items of `size` bytes that are all written soon: aligned alike, not zeroed, and where it is large its
 * pages are asked for at once, which takes half the time that one by one does. */
int mem_pages(void *out, size_t n, size_t size, struct err *err) VIC_CHECKED;

/* Grows *array (malloc'ed or NULL, items of `size` bytes, *cap of them) to hold at least `need` items; doubles, so that
 * appending is linear in all. On failure the old array stays valid. */
int mem_grow(void *array, size_t *cap, size_t need, size_t size, struct err *err) VIC_CHECKED;

/* n bytes of text, copied, with a NUL after. */
int mem_text(char **out, const char *text, size_t n, struct err *err) VIC_CHECKED;

/* What the format makes, of any length: names and paths are never cut to a buffer. */
int mem_printf(char **out, struct err *err, const char *fmt, ...) VIC_CHECKED __attribute__((format(printf, 3, 4)));

#endif

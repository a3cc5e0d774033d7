/* append: text put together piece by piece in a buffer of a test's own, which is seen to have room for it. */
#ifndef VIC_TEST_APPEND_H
#define VIC_TEST_APPEND_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Prints at to[*n], and moves *n to the end. */
static inline __attribute__((format(printf, 4, 5))) void append(char *to, size_t room, size_t *n, const char *format,
								...)
{
	va_list args;
	va_start(args, format);
	int k = vsnprintf(to + *n, room - *n, format, args);
	va_end(args);
	if (k < 0 || (size_t)k >= room - *n)
		abort();
	*n += (size_t)k;
}

#endif

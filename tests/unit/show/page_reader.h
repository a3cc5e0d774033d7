/* page_reader: what a page of vic-report says, for tests. */
#ifndef VIC_TEST_PAGE_READER_H
#define VIC_TEST_PAGE_READER_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *page;
static inline FILE *open_page(void)
{
	static size_t len;
	free(page);
	page = NULL;
	return open_memstream(&page, &len);
}

/* Whether the page says it, once or more; what is behind it. */
static inline const char *after(const char *at, const char *form, ...) __attribute__((format(printf, 2, 3)));
static inline const char *after(const char *at, const char *form, ...)
{
	static char text[4000];
	va_list args;
	va_start(args, form);
	vsnprintf(text, sizeof text, form, args);
	va_end(args);
	at = at ? strstr(at, text) : NULL;
	return at ? at + strlen(text) : NULL;
}

static inline int count(const char *text, const char *what)
{
	int n = 0;
	for (const char *at = text; (at = strstr(at, what)); at++)
		n++;
	return n;
}

#endif

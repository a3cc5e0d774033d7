/* See gzip.h: calls handed on to the input. */
#include "gzip.h"
#include "pipeline/base/mem.h"
#include "pipeline/files/io.h"

#include <stdlib.h>

struct gzip {
	struct input in;
};

int gzip_open(struct gzip **g, const char *path, struct err *err)
{
	if (mem_alloc(g, 1, sizeof **g, err))
		return -1;
	if (!input_open(&(*g)->in, path, err))
		return 0;
	free(*g);
	*g = NULL;
	return -1;
}

int gzip_over(struct gzip **g, int fd, const char *name, struct err *err)
{
	if (mem_alloc(g, 1, sizeof **g, err))
		return -1;
	if (!input_over(&(*g)->in, fd, name, err))
		return 0;
	free(*g);
	*g = NULL;
	return -1;
}

int gzip_read(struct gzip *g, void *to, size_t n, size_t *got, struct err *err)
{
	return input_read(&g->in, to, n, got, err);
}

int gzip_packed(const struct gzip *g)
{
	return input_packed(&g->in);
}

void gzip_close(struct gzip *g)
{
	if (g)
		input_release(&g->in);
	free(g);
}

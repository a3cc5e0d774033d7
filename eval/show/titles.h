/* titles: what curves are called, each by a name of its own: those of one name would be drawn as one. */
#ifndef VIC_EVAL_TITLES_H
#define VIC_EVAL_TITLES_H

#include "pipeline/base/err.h"

#include <stddef.h>

struct titles {
	char **title; /* [n], owned */
	size_t n, cap;
};
/* *title, owned by t, is the name, or where one before it has that, "NAME (PATH)", or "NAME (2)" and so on. */
int titles_add(struct titles *t, const char *name, const char *path, const char **title, struct err *err) VIC_CHECKED;
void titles_release(struct titles *t);

#endif

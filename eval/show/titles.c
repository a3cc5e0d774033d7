/* Each title is compared with all before it: they are as few as streams on a command line. */
#include "titles.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

static int is_taken(const struct titles *t, const char *title)
{
	for (size_t i = 0; i < t->n; i++)
		if (!strcmp(t->title[i], title))
			return 1;
	return 0;
}

int titles_add(struct titles *t, const char *name, const char *path, const char **title, struct err *err)
{
	char *own = NULL;
	int rc = mem_grow(&t->title, &t->cap, t->n + 1, sizeof *t->title, err) || mem_printf(&own, err, "%s", name);
	for (size_t i = strcmp(name, path) ? 1 : 2; !rc && is_taken(t, own); i++) {
		free(own);
		own = NULL;
		rc = i == 1 ? mem_printf(&own, err, "%s (%s)", name, path) : mem_printf(&own, err, "%s (%zu)", name, i);
	}
	if (rc) {
		free(own);
		return -1;
	}
	*title = t->title[t->n++] = own;
	return 0;
}

void titles_release(struct titles *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->title[i]);
	free(t->title);
	*t = (struct titles){ 0 };
}

/* What the readers of the corpora share: paths, and lines as records. */
#include "formats.h"
#include "lines.h"
#include "pipeline/base/mem.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int path_is_folder(const char *path, struct err *err)
{
	struct stat st;
	if (stat(path, &st))
		return err_sys(err, "%s", path);
	return S_ISDIR(st.st_mode);
}

int path_below(char **out, const char *dir, const char *name, struct err *err)
{
	size_t n = strlen(dir) + strlen(name) + 2;
	if (mem_alloc(out, n, 1, err))
		return -1;
	snprintf(*out, n, "%s%s%s", dir, *dir && dir[strlen(dir) - 1] == '/' ? "" : "/", name);
	return 0;
}

int put_lines(struct sink *s, struct lines *l, int32_t label, struct err *err)
{
	const char *line;
	size_t len;
	int got;
	while ((got = lines_next(l, &line, &len, err)) == 1)
		if (sink_put(s, &l->at, line, len, label, -1, err))
			return -1;
	s->returns += l->returns;
	return got;
}

int read_lines(struct sink *s, const char *path, struct err *err)
{
	struct lines l;
	int rc;
	if (lines_open(&l, path, s, err))
		return -1;
	rc = put_lines(s, &l, -1, err);
	lines_release(&l);
	return rc;
}

/* Names of a folder are read whole before anything below it is met: one descriptor at a time, whatever the depth. */
#include "walk.h"
#include "pipeline/base/mem.h"
#include "retry.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 256 };

struct walker {
	int follow;
	walk_visit *visit;
	void *arg;
};

/* The folders above, to know a loop by. */
struct above {
	const struct above *up;
	dev_t dev;
	ino_t ino;
};

/* The names in a folder, one after the other, each with its NUL. */
static int names_of(const char *path, char **names, size_t *used, struct err *err)
{
	DIR *dir = retry_folder(path);
	struct dirent *e;
	size_t cap = 0;
	int rc = 0;
	if (!dir)
		return err_sys(err, "%s", path);
	while (!rc && (errno = 0, e = readdir(dir))) {
		size_t n = strlen(e->d_name) + 1;
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		rc = mem_grow(names, &cap, *used + n, 1, err);
		if (!rc)
			memcpy(*names + *used, e->d_name, n);
		*used += n;
	}
	if (!rc && errno)
		rc = err_sys(err, "%s", path);
	closedir(dir);
	return rc;
}

static int meet(const struct walker *w, const struct above *up, const char *path, int level, struct err *err);

static int meet_all(const struct walker *w, const struct above *up, const struct walk_item *folder, struct err *err)
{
	char *names = NULL;
	size_t used = 0, n = strlen(folder->path);
	int rc = names_of(folder->path, &names, &used, err);
	for (size_t at = 0; !rc && at < used; at += strlen(names + at) + 1) {
		char *path;
		rc = mem_printf(&path, err, "%s%s%s", folder->path, n && folder->path[n - 1] == '/' ? "" : "/",
				names + at);
		if (rc)
			break;
		rc = meet(w, up, path, folder->level + 1, err);
		free(path);
	}
	free(names);
	return rc;
}

static int meet_folder(const struct walker *w, const struct above *up, struct walk_item *item, struct err *err)
{
	const struct above here = { up, item->st.st_dev, item->st.st_ino };
	for (const struct above *a = up; a; a = a->up)
		if (a->dev == here.dev && a->ino == here.ino)
			return err_set(err, "%s: a link leads back to a folder above it", item->path);
	if (item->level > DEEPEST)
		return err_set(err, "%s: folders are nested more than %d deep", item->path, DEEPEST);
	item->at = WALK_FOLDER;
	int rc = w->visit(w->arg, item, err);
	if (rc)
		return rc < 0 ? -1 : 0;
	if (meet_all(w, &here, item, err))
		return -1;
	item->at = WALK_LEFT;
	return w->visit(w->arg, item, err) < 0 ? -1 : 0;
}

static int meet(const struct walker *w, const struct above *up, const char *path, int level, struct err *err)
{
	const char *slash = strrchr(path, '/');
	struct walk_item item = { .path = path, .name = slash ? slash + 1 : path, .level = level };
	if (w->follow ? stat(path, &item.st) : lstat(path, &item.st)) {
		if (errno == ENOENT && level && !lstat(path, &item.st))
			return err_set(err, "%s: a link to nothing", path);
		return err_sys(err, "%s", path);
	}
	if (S_ISDIR(item.st.st_mode))
		return meet_folder(w, up, &item, err);
	return w->visit(w->arg, &item, err) < 0 ? -1 : 0;
}

int walk(const char *root, int follow, walk_visit *visit, void *arg, struct err *err)
{
	const struct walker w = { follow, visit, arg };
	return meet(&w, NULL, root, 0, err);
}

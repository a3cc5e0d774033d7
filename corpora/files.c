/* Paths, trees and counts, on pipeline/files/walk.h. remove_tree removes a link itself, copy_tree refuses it;
 * count_files and path_kind follow it, as whoever reads the data does. A copied file appears whole, because struct
 * output gives it its name at the commit. Lines are counted in blocks of any cut: the place in the current line and in
 * the prefix is carried from block to block. */
#include "files.h"
#include "pipeline/files/io.h"
#include "pipeline/base/mem.h"
#include "pipeline/files/walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_BLOCK = 1 << 20 };

int path_join(char **path, const char *folder, const char *name, struct err *err)
{
	size_t n = strlen(folder), k = strlen(name), slash = n && folder[n - 1] != '/';
	if (mem_alloc(path, n + slash + k + 1, 1, err))
		return -1;
	memcpy(*path, folder, n);
	if (slash)
		(*path)[n] = '/';
	memcpy(*path + n + slash, name, k);
	return 0;
}

enum path_kind path_kind(const char *path)
{
	struct stat st;
	if (stat(path, &st))
		return PATH_NONE;
	return S_ISREG(st.st_mode) ? PATH_FILE : S_ISDIR(st.st_mode) ? PATH_FOLDER : PATH_OTHER;
}

int make_folders(const char *path, struct err *err)
{
	char *copy;
	int rc = 0;
	if (mem_text(&copy, path, strlen(path), err))
		return -1;
	for (char *p = copy + 1; *copy && !rc; p++) {
		char was = *p;
		if (was && was != '/')
			continue;
		*p = 0;
		if (mkdir(copy, 0777) && (errno != EEXIST || path_kind(copy) != PATH_FOLDER))
			rc = errno == EEXIST ? err_set(err, "%s: is not a folder", copy)
					     : err_sys(err, "%s: cannot make the folder", copy);
		*p = was;
		if (!was)
			break;
	}
	free(copy);
	return rc;
}

static int remove_one(void *arg, const struct walk_item *e, struct err *err)
{
	(void)arg;
	if (e->at == WALK_FOLDER)
		return 0;
	if ((e->at == WALK_LEFT ? rmdir(e->path) : unlink(e->path)) && errno != ENOENT)
		return err_sys(err, "%s: cannot remove", e->path);
	return 0;
}

int remove_tree(const char *path, struct err *err)
{
	struct stat st;
	return lstat(path, &st) && errno == ENOENT ? 0 : walk(path, 0, remove_one, NULL, err);
}

int copy_file(const char *from, const char *to, struct err *err)
{
	struct input in = { .fd = -1 };
	struct output out = { .fd = -1 };
	unsigned char *block = NULL;
	size_t got = 1;
	int rc = io_regular(from, err) || mem_alloc(&block, COPY_BLOCK, 1, err) || input_open_as_is(&in, from, err) ||
				 output_open(&out, to, err)
			 ? -1
			 : 0;
	while (!rc && got) {
		rc = input_read(&in, block, COPY_BLOCK, &got, err);
		if (!rc)
			rc = output_write(&out, block, got, err);
	}
	if (!rc)
		rc = output_commit(&out, err);
	output_release(&out);
	input_release(&in);
	free(block);
	return rc;
}

struct copying {
	size_t skip; /* length of the source's own path */
	const char *to;
};

static int copy_one(void *arg, const struct walk_item *e, struct err *err)
{
	const struct copying *c = arg;
	const char *rest = e->path + c->skip;
	char *to;
	if (e->at == WALK_LEFT)
		return 0;
	while (*rest == '/')
		rest++;
	if (e->at == WALK_ENTRY && !S_ISREG(e->st.st_mode))
		return err_set(err, "%s: is %s, neither a file nor a folder", e->path, io_kind(e->st.st_mode));
	if (path_join(&to, c->to, rest, err))
		return -1;
	int rc = e->at == WALK_FOLDER ? make_folders(to, err) : copy_file(e->path, to, err);
	free(to);
	return rc;
}

int copy_tree(const char *from, const char *to, struct err *err)
{
	struct copying c = { strlen(from), to };
	return walk(from, 0, copy_one, &c, err);
}

int file_bytes(const char *path, uint64_t *n, struct err *err)
{
	struct stat st;
	if (stat(path, &st))
		return err_sys(err, "%s", path);
	*n = (uint64_t)st.st_size;
	return 0;
}

struct counting {
	const char *suffix;
	uint64_t n;
};

static int count_one(void *arg, const struct walk_item *e, struct err *err)
{
	struct counting *c = arg;
	size_t n = strlen(c->suffix), len = strlen(e->name);
	(void)err;
	c->n += e->at == WALK_ENTRY && S_ISREG(e->st.st_mode) && len >= n && !strcmp(e->name + len - n, c->suffix);
	return 0;
}

int count_files(const char *path, const char *suffix, uint64_t *n, struct err *err)
{
	struct counting c = { suffix, 0 };
	int rc = walk(path, 1, count_one, &c, err);
	*n = c.n;
	return rc;
}

/* Counts in one block; *at is the place in the present line while it still agrees with prefix, -1 when it does not. */
static uint64_t count_block(const char *p, size_t len, const char *prefix, long *at, int *in_line)
{
	uint64_t n = 0;
	long want = (long)strlen(prefix);
	for (size_t i = 0; i < len; i++) {
		if (!*in_line) {
			*in_line = 1;
			*at = 0;
			n += !want;
		}
		if (p[i] == '\n') {
			*in_line = 0;
		} else if (!want || *at < 0) { /* nothing to compare: on to the line's end */
			const char *lf = memchr(p + i, '\n', len - i);
			i = (lf ? (size_t)(lf - p) : len) - 1;
		} else if (p[i] != prefix[*at]) {
			*at = -1;
		} else if (++*at == want) {
			n++;
			*at = -1;
		}
	}
	return n;
}

int count_lines(const char *path, const char *prefix, uint64_t *n, struct err *err)
{
	struct input in;
	char *block = NULL;
	size_t got = COPY_BLOCK;
	long at = 0;
	int in_line = 0;
	*n = 0;
	if (io_regular(path, err) || input_open(&in, path, err))
		return -1;
	int rc = mem_alloc(&block, COPY_BLOCK, 1, err);
	while (!rc && got == COPY_BLOCK) {
		rc = input_read(&in, block, COPY_BLOCK, &got, err);
		if (!rc)
			*n += count_block(block, got, prefix, &at, &in_line);
	}
	free(block);
	input_release(&in);
	return rc;
}

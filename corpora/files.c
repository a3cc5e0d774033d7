#include "files.h"
#include "pipeline/io.h"
#include "pipeline/mem.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

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

/* Walks a tree without following links; visit sees every entry, folders before (FTS_D) and after (FTS_DP) what is in
 * them. */
static int walk(const char *path, int (*visit)(void *arg, const FTSENT *e, struct err *err), void *arg, struct err *err)
{
	char *const paths[] = { (char *)path, NULL };
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *e;
	int rc = 0;
	if (!fts)
		return err_sys(err, "%s", path);
	while (!rc && (errno = 0, e = fts_read(fts))) {
		if (e->fts_info == FTS_ERR || e->fts_info == FTS_DNR || e->fts_info == FTS_NS) {
			errno = e->fts_errno;
			rc = errno == ENOENT && e->fts_level == 0 ? 0 : err_sys(err, "%s", e->fts_path);
			continue;
		}
		rc = visit(arg, e, err);
	}
	if (!rc && errno)
		rc = err_sys(err, "%s", path);
	fts_close(fts);
	return rc;
}

static int remove_one(void *arg, const FTSENT *e, struct err *err)
{
	(void)arg;
	if (e->fts_info == FTS_D)
		return 0;
	if ((e->fts_info == FTS_DP ? rmdir(e->fts_path) : unlink(e->fts_path)) && errno != ENOENT)
		return err_sys(err, "%s: cannot remove", e->fts_path);
	return 0;
}

int remove_tree(const char *path, struct err *err)
{
	return walk(path, remove_one, NULL, err);
}

int copy_file(const char *from, const char *to, struct err *err)
{
	struct input in = { .fd = -1 };
	struct output out = { .fd = -1 };
	unsigned char *block = NULL;
	size_t got = 1;
	int rc = mem_alloc(&block, COPY_BLOCK, 1, err) || input_open(&in, from, err) || output_open(&out, to, err) ? -1
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

static int copy_one(void *arg, const FTSENT *e, struct err *err)
{
	const struct copying *c = arg;
	const char *rest = e->fts_path + c->skip;
	char *to;
	if (e->fts_info == FTS_DP)
		return 0;
	while (*rest == '/')
		rest++;
	if (path_join(&to, c->to, rest, err))
		return -1;
	int rc;
	if (e->fts_info == FTS_D)
		rc = make_folders(to, err);
	else if (e->fts_info == FTS_F)
		rc = copy_file(e->fts_path, to, err);
	else
		rc = err_set(err, "%s: is neither a file nor a folder", e->fts_path);
	free(to);
	return rc;
}

int copy_tree(const char *from, const char *to, struct err *err)
{
	struct copying c = { strlen(from), to };
	return walk(from, copy_one, &c, err);
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

static int count_one(void *arg, const FTSENT *e, struct err *err)
{
	struct counting *c = arg;
	size_t n = strlen(c->suffix);
	(void)err;
	c->n += e->fts_info == FTS_F && e->fts_namelen >= n && !strcmp(e->fts_name + e->fts_namelen - n, c->suffix);
	return 0;
}

int count_files(const char *path, const char *suffix, uint64_t *n, struct err *err)
{
	struct counting c = { suffix, 0 };
	int rc = walk(path, count_one, &c, err);
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
	gzFile z = gzopen(path, "rb"); /* passes what is not gzip through */
	char *block;
	long at = 0;
	int in_line = 0, got, rc;
	*n = 0;
	if (!z)
		return err_sys(err, "%s", path);
	if (mem_alloc(&block, COPY_BLOCK, 1, err)) {
		gzclose(z);
		return -1;
	}
	while ((got = gzread(z, block, COPY_BLOCK)) > 0)
		*n += count_block(block, (size_t)got, prefix, &at, &in_line);
	free(block);
	rc = gzclose(z);
	if (got < 0 || rc != Z_OK)
		return err_set(err, "%s: cannot be read to its end; damaged or cut short", path);
	return 0;
}

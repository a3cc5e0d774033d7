/* Lists the files of folders, tars and single files, and reads their bytes. Entries are sorted when all roots are
 * listed; their numbers are fixed from then on. A folder's file is opened for each read; a tar or single file stays
 * open in its root. Every read, but of our own copies, is followed by a comparison with the file's mark of when it
 * was listed or opened. add_found and add_member must leave out the same names, so that the same files give the same
 * list. Tars are opened one level deep. */
#include "archive_parts.h"
#include "pipeline/files/io.h"
#include "pipeline/files/retry.h"
#include "pipeline/base/mem.h"
#include "pipeline/stream/sniff.h"
#include "pipeline/files/unpack.h"
#include "pipeline/files/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is left out wherever it lies: names with a dot in front, and the folder that macOS puts into its archives. */
static int is_hidden(const char *name)
{
	return *name == '.' || (!strncmp(name, "__MACOSX", 8) && (!name[8] || name[8] == '/'));
}

static int add_folder(struct archive *a, int root, const char *name, size_t len, struct err *err)
{
	struct entry e = { .root = root };
	while (len && name[len - 1] == '/')
		len--;
	if (!len)
		return 0;
	if (mem_grow(&a->folder, &a->cap_folder, a->folders + 1, sizeof *a->folder, err) ||
	    mem_text(&e.name, name, len, err))
		return -1;
	a->folder[a->folders++] = e;
	return 0;
}

/* name is copied. */
static int add_entry(struct archive *a, struct entry e, const char *name, size_t len, struct err *err)
{
	if (mem_grow(&a->entry, &a->cap, a->n + 1, sizeof *a->entry, err) || mem_text(&e.name, name, len, err))
		return -1;
	a->entry[a->n++] = e;
	return 0;
}

void archive_release(struct archive *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->entry[i].name);
	for (size_t i = 0; i < a->folders; i++)
		free(a->folder[i].name);
	for (int i = 0; i < a->roots; i++)
		if (a->root[i].fd > STDIN_FILENO)
			close(a->root[i].fd);
	free(a->entry);
	free(a->folder);
	free(a->root);
	*a = (struct archive){ 0 };
}

const char *archive_base(const struct entry *e)
{
	const char *slash = strrchr(e->name, '/');
	return slash ? slash + 1 : e->name;
}

void archive_describe(const struct archive *a, const struct entry *e, char *text, size_t size)
{
	const struct archive_root *r = &a->root[e->root];
	const char *base = strrchr(r->path, '/') ? strrchr(r->path, '/') + 1 : r->path;
	if (r->fd < 0)
		err_phrase(text, size, "%s%s%s", r->path, r->path[strlen(r->path) - 1] == '/' ? "" : "/", e->name);
	else if (!strncmp(base, e->name, strlen(e->name))) /* the one file itself, less .gz */
		err_phrase(text, size, "%s", r->path);
	else
		err_phrase(text, size, "%s: %s", r->path, e->name);
}

int archive_path(const struct archive *a, const struct entry *e, char **path, struct err *err)
{
	const struct archive_root *r = &a->root[e->root];
	if (r->fd >= 0)
		return mem_text(path, e->name, strlen(e->name), err);
	return mem_printf(path, err, "%s%s%s", r->path, r->path[strlen(r->path) - 1] == '/' ? "" : "/", e->name);
}

struct finding {
	struct archive *a;
	int root;
	size_t skip; /* bytes of the root's path, in front of the names */
};

static int add_found(void *arg, const struct walk_item *item, struct err *err)
{
	const struct finding *f = arg;
	const char *name = item->path + f->skip;
	while (*name == '/')
		name++;
	if (item->at == WALK_LEFT)
		return 0;
	if (item->level > 0 && is_hidden(item->name)) {
		f->a->hidden++;
		return 1;
	}
	if (item->at == WALK_FOLDER)
		return add_folder(f->a, f->root, name, strlen(name), err);
	if (!S_ISREG(item->st.st_mode))
		return err_set(err, "%s: is %s, neither a file nor a folder; take it out of the folder", item->path,
			       io_kind(item->st.st_mode));
	struct entry e = { .root = f->root, .size = (uint64_t)item->st.st_size, .mark = io_mark_of(&item->st) };
	return add_entry(f->a, e, name, strlen(name), err);
}

static int add_tar(struct archive *a, int root, uint64_t at, uint64_t size, const char *prefix, struct err *err);

/* prefix + name without "./", "../" and "/" in front; a hidden component, or an empty name: nothing is added. */
int archive_add_member(struct archive *a, int root, const char *prefix, const struct tar_entry *e, struct err *err)
{
	char full[8192];
	const char *name = e->name;
	for (;;) /* nothing is unpacked: where the archive was made from does not matter */
		if (!strncmp(name, "./", 2))
			name += 2;
		else if (!strncmp(name, "../", 3))
			name += 3;
		else if (*name == '/')
			name++;
		else
			break;
	int n = snprintf(full, sizeof full, "%s%s", prefix, name);
	if (n >= (int)sizeof full)
		return err_set(err, "a name longer than %zu bytes", sizeof full);
	if (!*name || is_hidden(name) || strstr(name, "/.") || strstr(name, "/__MACOSX/")) {
		a->hidden += *name && e->type == '0';
		return 0;
	}
	if (e->type == '5')
		return add_folder(a, root, full, (size_t)n, err);
	if (!*prefix && n > 4 && !strcmp(full + n - 4, ".tar")) {
		full[n - 4] = '/';
		full[n - 3] = 0;
		return add_tar(a, root, e->at, e->size, full, err);
	}
	return add_entry(a, (struct entry){ .root = root, .at = e->at, .size = e->size }, full, (size_t)n, err);
}

int archive_is_packed(const char *name)
{
	static const char *const ends[] = { ".tar", ".zip", ".tgz", ".tbz2", ".txz", ".rar", ".7z",
					    ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst" };
	size_t n = strlen(name);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		size_t k = strlen(ends[i]);
		if (n > k && !strcasecmp(name + n - k, ends[i]))
			return 1;
	}
	return 0;
}

/* The entries of the tar at `at` of the root's file; names get `prefix` in front. Where it is empty, the tars inside
 * are folders. */
static int add_tar(struct archive *a, int root, uint64_t at, uint64_t size, const char *prefix, struct err *err)
{
	struct tar *t;
	struct tar_entry e;
	int more, rc = 0;
	if (tar_over(&t, a->root[root].fd, at, size, err))
		return -1;
	while (!rc && (more = tar_next(t, &e, err))) {
		if (more < 0)
			rc = -1;
		else if (e.type == '0' || e.type == '5')
			rc = archive_add_member(a, root, prefix, &e, err);
		else
			rc = tar_plain(&e, err);
	}
	tar_close(t);
	return rc;
}

size_t archive_stem(const char *name)
{
	static const char *const ends[] = { ".gz", ".bz2", ".xz", ".zst" };
	size_t n = strlen(name);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		size_t k = strlen(ends[i]);
		if (n > k && !strcmp(name + n - k, ends[i]))
			return n - k;
	}
	return n;
}

/* A tar's or zip's entries, or the file itself under its name less .gz. */
static int add_file(struct archive *a, int root, const char *path, struct err *err)
{
	struct stat st;
	unsigned char head[UNPACK_HEAD];
	const char *kind = NULL;
	int fd = a->root[root].fd;
	if (fstat(fd, &st))
		return err_sys(err, "%s", path);
	ssize_t got = S_ISREG(st.st_mode) ? retry_read_at(fd, head, sizeof head, 0) : 0;
	if (got < 0)
		return err_sys(err, "%s", path);
	a->root[root].mark = io_mark_of(&st);
	if (!S_ISREG(st.st_mode) || fd == STDIN_FILENO || unpack_kind(head, (size_t)got, NULL)) {
		int rc = archive_unpack(a, root, path, fd, &kind, err);
		if (fd != STDIN_FILENO)
			close(fd);
		if (rc || (kind && !strcmp(kind, "zip")))
			return rc;
		fd = a->root[root].fd;
	}
	if (fstat(fd, &st))
		return err_sys(err, "%s", path);
	int tar = tar_is(fd, err);
	if (tar)
		return tar < 0 || add_tar(a, root, 0, (uint64_t)st.st_size, "", err) ? err_context(err, "%s", path) : 0;
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	return add_entry(a, (struct entry){ .root = root, .size = (uint64_t)st.st_size }, base,
			 kind ? archive_stem(base) : strlen(base), err);
}

static int by_name(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	return x->root != y->root ? (x->root > y->root) - (x->root < y->root) : strcmp(x->name, y->name);
}

static int open_root(struct archive *a, int i, const char *path, struct err *err)
{
	struct stat st;
	size_t before = a->n;
	a->root[i].path = strcmp(path, "-") ? path : "stdin";
	if (!strcmp(path, "-")) {
		a->root[i].fd = STDIN_FILENO;
	} else if (stat(path, &st)) {
		return err_sys(err, "%s", path);
	} else if (S_ISDIR(st.st_mode)) {
		struct finding f = { a, i, strlen(path) };
		if (walk(path, 1, add_found, &f, err))
			return -1;
	} else {
		a->root[i].fd = retry_open(AT_FDCWD, path, O_RDONLY);
		if (a->root[i].fd < 0)
			return io_cannot_open(path, err);
	}
	if (a->root[i].fd >= 0 && add_file(a, i, a->root[i].path, err))
		return -1;
	return a->n > before ? 0 : err_set(err, "%s: holds no files", path);
}

int archive_open(struct archive *a, char *const *paths, int n, struct err *err)
{
	char text[1024];
	*a = (struct archive){ 0 };
	if (mem_alloc(&a->root, (size_t)n, sizeof *a->root, err))
		return -1;
	for (int i = 0; i < n; i++)
		a->root[i] = (struct archive_root){ .path = paths[i], .fd = -1 };
	a->roots = n;
	for (int i = 0; i < n; i++)
		if (open_root(a, i, paths[i], err))
			goto fail;
	qsort(a->entry, a->n, sizeof *a->entry, by_name);
	for (size_t i = 1; i < a->n; i++)
		if (!by_name(&a->entry[i - 1], &a->entry[i])) {
			archive_describe(a, &a->entry[i], text, sizeof text);
			err_set(err, "%s: is there twice", text);
			goto fail;
		}
	return 0;
fail:
	archive_release(a);
	return -1;
}

/* Looked at after the reading: what was changed before that, or meanwhile, shows. `was` NULL: a copy that nobody else
 * can change. */
static int read_part(int fd, uint64_t at, void *to, size_t n, const struct io_mark *was, const char *name,
		     struct err *err)
{
	int rc = io_read_at(fd, at, to, n);
	if (rc && errno)
		return err_sys(err, "%s: read", name);
	if (was && io_unchanged(fd, was, name, err))
		return -1;
	return rc ? err_system(err, "%s: became shorter while it was read", name) : 0;
}

static int read_found(const struct archive *a, const struct entry *e, uint64_t at, void *to, size_t n, struct err *err)
{
	char *path;
	if (archive_path(a, e, &path, err))
		return -1;
	int fd = io_open_regular(path, err), rc = fd < 0 ? -1 : read_part(fd, at, to, n, &e->mark, path, err);
	if (fd >= 0)
		close(fd);
	free(path);
	return rc;
}

int archive_lacks(const struct archive *a, const char *what, struct err *err)
{
	unsigned char head[SNIFF_BYTES];
	char text[1024];
	struct sniffed s;
	const struct entry *e = &a->entry[0];
	size_t n = e->size < sizeof head ? (size_t)e->size : sizeof head;
	archive_describe(a, e, text, sizeof text);
	if (archive_read(a, e, 0, head, n, err))
		return -1;
	sniff(&s, head, n, text);
	if (!s.known)
		return err_set(err, "%s: %s is in it; --format says what it holds", a->root[0].path, what);
	if (!strcmp(text, a->root[0].path))
		return err_set(err, "%s: is %s; %s is in it; %s", a->root[0].path, s.what, what, s.remedy);
	return err_set(err, "%s: %s is in it; --format says what it holds; %s is %s: %s", a->root[0].path, what, text,
		       s.what, s.remedy);
}

int archive_read(const struct archive *a, const struct entry *e, uint64_t at, void *to, size_t n, struct err *err)
{
	const struct archive_root *r = &a->root[e->root];
	char text[1024];
	if (at > e->size || n > e->size - at) {
		archive_describe(a, e, text, sizeof text);
		return err_set(err, "%s: ends before byte %llu", text, (unsigned long long)(at + n));
	}
	return r->fd < 0 ? read_found(a, e, at, to, n, err)
			 : read_part(r->fd, e->at + at, to, n, r->copied ? NULL : &r->mark, r->path, err);
}

int archive_load(const struct archive *a, const struct entry *e, size_t max, unsigned char **data, size_t *len,
		 struct err *err)
{
	char text[1024];
	unsigned char *raw = NULL;
	archive_describe(a, e, text, sizeof text);
	if (e->size > max)
		return err_set(err, "%s: longer than %zu bytes", text, max);
	if (mem_alloc(&raw, e->size + 1, 1, err))
		return -1;
	if (archive_read(a, e, 0, raw, e->size, err))
		goto fail;
	if (unpack_kind(raw, e->size < UNPACK_HEAD ? e->size : UNPACK_HEAD, NULL)) {
		if (unpack_memory(raw, e->size, max, data, len, err)) {
			err_context(err, "%s", text);
			goto fail;
		}
		free(raw);
		return 0;
	}
	*data = raw;
	*len = e->size;
	return 0;
fail:
	free(raw);
	return -1;
}

const struct entry *archive_beside(const struct archive *a, const struct entry *beside, const char *base)
{
	size_t folder = (size_t)(archive_base(beside) - beside->name), n = strlen(base);
	for (size_t i = 0; i < a->n; i++) {
		const struct entry *e = &a->entry[i];
		if (e->root == beside->root && !strncmp(e->name, beside->name, folder) &&
		    !strncmp(e->name + folder, base, n) && !e->name[folder + n])
			return e;
	}
	return NULL;
}

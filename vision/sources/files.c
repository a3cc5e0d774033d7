/* Pictures without classes, as one meets them: files by name, those of a folder (sorted, at any depth), or a list of
 * names on stdin, a name a line. A file that is named is a picture, whatever its ending; of a folder, those are that
 * end as pictures do, and the rest is counted. Each is opened when it is decoded, so their number has no limit but
 * memory. Ids count in the order of the names, and every record is of split test. */
#include "listing.h"
#include "pipeline/base/mem.h"
#include "pipeline/files/io.h"
#include "pipeline/files/walk.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 128 << 20, NAME_LONGEST = 1 << 16 /* bytes */ };

struct found {
	char *path; /* owned */
	uint64_t size;
	struct io_mark mark; /* when it was listed */
};

struct found_files {
	struct found *file;
	size_t n, cap, others; /* others: passed over in folders */
};

static int add_file(struct found_files *f, const char *path, const struct stat *st, struct err *err)
{
	struct found one = { .size = (uint64_t)st->st_size, .mark = io_mark_of(st) };
	if (!S_ISREG(st->st_mode))
		return err_set(err, "%s: is %s, neither a file nor a folder", path, io_kind(st->st_mode));
	if (mem_grow(&f->file, &f->cap, f->n + 1, sizeof *f->file, err) ||
	    mem_text(&one.path, path, strlen(path), err))
		return -1;
	f->file[f->n++] = one;
	return 0;
}

static int visit_file(void *arg, const struct walk_item *item, struct err *err)
{
	struct found_files *f = arg;
	if (item->at == WALK_LEFT || !item->level)
		return 0;
	if (*item->name == '.') {
		f->others++;
		return 1;
	}
	if (item->at == WALK_FOLDER)
		return 0;
	if (listing_is_image(item->name))
		return add_file(f, item->path, &item->st, err);
	f->others++;
	return 0;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct found *)a)->path, ((const struct found *)b)->path);
}

static int add_path(struct found_files *f, const char *path, struct err *err)
{
	struct stat st;
	size_t before = f->n;
	if (stat(path, &st))
		return err_sys(err, "%s", path);
	if (!S_ISDIR(st.st_mode))
		return add_file(f, path, &st, err);
	if (walk(path, 1, visit_file, f, err))
		return -1;
	if (f->n == before)
		return err_set(err, "%s: no " LISTING_ENDS " file is in it", path);
	qsort(f->file + before, f->n - before, sizeof *f->file, by_path);
	return 0;
}

static int add_names(struct found_files *f, struct err *err)
{
	struct input in;
	const char *line;
	char *name = NULL;
	size_t len, before = f->n, cap = 0;
	uint64_t number = 0;
	int rc = input_open(&in, "-", err);
	if (rc)
		return -1;
	while (!rc && (rc = input_line(&in, NAME_LONGEST, &line, &len, NULL, err)) == 1) {
		number++;
		rc = 0;
		if (memchr(line, 0, len))
			rc = err_set(err, "stdin: line %llu holds a NUL byte and is no name of a file; names are "
					  "separated by line ends", (unsigned long long)number);
		if (!rc && len && line[len - 1] == '\r')
			len--;
		if (rc || !len)
			continue;
		rc = mem_grow(&name, &cap, len + 1, 1, err);
		if (!rc) {
			memcpy(name, line, len);
			name[len] = 0;
			rc = add_path(f, name, err);
		}
	}
	free(name);
	input_release(&in);
	if (!rc && f->n == before)
		rc = err_set(err, "stdin: holds no name of a file");
	return rc;
}

static int files_bytes(const struct source *s, const struct item *item, const unsigned char **bytes, size_t *len,
		       struct scratch *scratch, struct err *err)
{
	const struct found *e = &((const struct found_files *)s->own)->file[item->at];
	if (e->size > FILE_MAX)
		return err_set(err, "longer than %d bytes", FILE_MAX);
	if (mem_grow(&scratch->bytes, &scratch->cap, e->size, 1, err))
		return -1;
	int fd = io_open_regular(e->path, err);
	if (fd < 0)
		return -1;
	int rc = io_read_at(fd, 0, scratch->bytes, e->size);
	if (rc && errno)
		err_sys(err, "%s: read", e->path);
	else if (io_unchanged(fd, &e->mark, e->path, err))
		rc = -1;
	else if (rc)
		err_system(err, "%s: became shorter while it was read", e->path);
	close(fd);
	*bytes = scratch->bytes;
	*len = e->size;
	return rc;
}

static int files_load(const struct source *s, const struct item *item, const struct want *want, struct image *out,
		      struct scratch *scratch, char *note, struct err *err)
{
	const unsigned char *bytes;
	size_t len;
	*note = 0;
	if (files_bytes(s, item, &bytes, &len, scratch, err))
		return -1;
	return codec_decode(bytes, len, &s->opt.codec, want, out, &scratch->b, note, err);
}

static int files_name(const struct source *s, const struct item *item, char **name, struct err *err)
{
	const char *path = ((const struct found_files *)s->own)->file[item->at].path;
	return mem_text(name, path, strlen(path), err);
}

static void files_describe(const struct source *s, const struct item *item, char *text, size_t size)
{
	err_phrase(text, size, "%s", ((const struct found_files *)s->own)->file[item->at].path);
}

static void files_release(struct source *s)
{
	struct found_files *f = s->own;
	for (size_t i = 0; f && i < f->n; i++)
		free(f->file[i].path);
	if (f)
		free(f->file);
	free(f);
}

static const struct source_ops ops = { .next = source_next_indexed,
				       .load = files_load,
				       .file = files_bytes,
				       .name = files_name,
				       .describe = files_describe,
				       .release = files_release };

int files_open(struct source *s, char *const *paths, int n, struct err *err)
{
	struct found_files *f;
	s->ops = &ops;
	if (mem_alloc(&f, 1, sizeof *f, err))
		return -1;
	s->own = f;
	for (int i = 0; i < n; i++)
		if (strcmp(paths[i], "-") ? add_path(f, paths[i], err) : add_names(f, err))
			return -1;
	s->head.names = 1;
	for (size_t i = 0; i < f->n; i++)
		if (source_add(s, -1, SPLIT_TEST, i, err))
			return -1;
	const char *more = f->others == 1 ? "" : "s";
	return f->others ? source_note(s, err, "%zu file%s or hidden folder%s passed over, no " LISTING_ENDS, f->others,
				       more, more)
			 : 0;
}

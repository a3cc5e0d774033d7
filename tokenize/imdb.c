/* IMDB (Maas et al. 2011) as a folder or an archive. Neither a tar nor a folder has an order to rely on, so all
 * reviews are listed and sorted by part, number and rating before the first is written. An archive's texts are held
 * in memory; a folder's files are read one by one. parse_name takes only the spelling that the numbers give back, so
 * names are made anew from the numbers. */
#include "formats.h"
#include "lines.h"
#include "pipeline/files/io.h"
#include "pipeline/files/retry.h"
#include "pipeline/base/mem.h"
#include "pipeline/files/text.h"
#include "pipeline/base/num.h"
#include "pipeline/formats/tar.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REVIEW_MAX = 16 << 20 };

/* The five folders, in the order in which their reviews are written. */
static const struct part {
	const char *dir;
	int split, label;
} parts[] = {
	{ "train/neg", SPLIT_TRAIN, 0 }, { "train/pos", SPLIT_TRAIN, 1 }, { "test/neg", SPLIT_TEST, 0 },
	{ "test/pos", SPLIT_TEST, 1 },	 { "train/unsup", SPLIT_EXTRA, -1 },
};
enum { PARTS = sizeof parts / sizeof *parts };

struct review {
	int part;
	uint32_t id, rating;
	size_t at, len; /* of its text in reviews.text; only for an archive */
};

struct reviews {
	struct review *r;
	char *text;
	size_t n, cap, used, cap_text;
};

static void reviews_release(struct reviews *all)
{
	free(all->r);
	free(all->text);
}

static int by_place(const void *a, const void *b)
{
	const struct review *x = a, *y = b;
	if (x->part != y->part)
		return x->part < y->part ? -1 : 1;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->rating < y->rating ? -1 : x->rating > y->rating;
}

/* "123_7.txt", without leading zeros: so that number and name determine each other. */
static int parse_name(const char *name, struct review *r)
{
	struct err none = ERR_NONE;
	const char *mark = strchr(name, '_');
	char id[16], rating[16], again[40];
	int64_t i, k;
	size_t n = strlen(name), at = mark ? (size_t)(mark - name) : 0;
	if (!mark || n < 4 || n > 24 || at > 10 || n - at - 5 > 10 || strcmp(name + n - 4, ".txt"))
		return 0;
	snprintf(id, sizeof id, "%.*s", (int)at, name);
	snprintf(rating, sizeof rating, "%.*s", (int)(n - at - 5), mark + 1);
	if (num_i64("", id, 0, UINT32_MAX, &i, &none) || num_i64("", rating, 0, UINT32_MAX, &k, &none))
		return 0;
	r->id = (uint32_t)i;
	r->rating = (uint32_t)k;
	snprintf(again, sizeof again, "%u_%u.txt", r->id, r->rating);
	return !strcmp(again, name);
}

static int add_review(struct reviews *all, struct review r, struct err *err)
{
	if (mem_grow(&all->r, &all->cap, all->n + 1, sizeof *all->r, err))
		return -1;
	all->r[all->n++] = r;
	return 0;
}

/* Makes a review one line: the corpus writes its line breaks as <br />. */
static int put_review(struct sink *s, const char *file, const struct review *r, char *text, size_t len, struct err *err)
{
	struct place at = { .file = file };
	const char *begin = text;
	for (char *p = text; (p = memmem(p, len - (size_t)(p - text), "<br />", 6)); p += 6)
		memset(p, ' ', 6);
	if (text_drop_bom(&begin, &len, &s->boms, err))
		return place_context(&at, err);
	return sink_put(s, &at, begin, len, parts[r->part].label, parts[r->part].split, err);
}

/* aclImdb/train/pos/0_9.txt, with anything in front of "train": the part and the file's own name, or -1. */
static int part_of(const char *name, const char **base)
{
	for (int p = 0; p < PARTS; p++) {
		size_t k = strlen(parts[p].dir);
		const char *slash = strrchr(name, '/');
		if (!slash || (size_t)(slash - name) < k || memcmp(slash - k, parts[p].dir, k) ||
		    (slash - k > name && slash[-(ptrdiff_t)k - 1] != '/'))
			continue;
		*base = slash + 1;
		return p;
	}
	return -1;
}

static int read_archive(struct sink *s, const char *path, struct err *err)
{
	struct tar *a;
	struct tar_entry e;
	struct reviews all = { 0 };
	int got, rc = -1;
	if (tar_open(&a, path, err))
		return -1;
	while ((got = tar_next(a, &e, err)) == 1) {
		const char *base;
		struct review r = { .part = part_of(e.name, &base), .at = all.used, .len = (size_t)e.size };
		if (tar_plain(&e, err)) {
			err_context(err, "%s", path);
			goto out;
		}
		if (e.type != '0')
			continue;
		if (r.part < 0 || !parse_name(base, &r)) {
			s->passed_over += r.part >= 0;
			continue;
		}
		if (e.size > REVIEW_MAX) {
			err_set(err, "%s: %s has %llu bytes", path, e.name, (unsigned long long)e.size);
			goto out;
		}
		if (mem_grow(&all.text, &all.cap_text, all.used + r.len + 1, 1, err) ||
		    tar_read(a, all.text + all.used, err) || add_review(&all, r, err))
			goto out;
		all.used += r.len;
	}
	if (got < 0)
		goto out;
	if (!all.n) {
		err_set(err, "%s: has no train/pos/ID_RATING.txt or the like", path);
		goto out;
	}
	qsort(all.r, all.n, sizeof *all.r, by_place);
	for (size_t i = 0; i < all.n; i++) {
		const struct review *r = &all.r[i];
		char file[96];
		snprintf(file, sizeof file, "%s/%u_%u.txt", parts[r->part].dir, r->id, r->rating);
		if (i && !by_place(r - 1, r)) { /* a folder cannot hold it twice */
			err_set(err, "%s: %s is there twice", path, file);
			goto out;
		}
		if (put_review(s, file, r, all.text + r->at, r->len, err)) {
			err_context(err, "%s", path);
			goto out;
		}
	}
	rc = 0;
out:
	tar_close(a);
	reviews_release(&all);
	return rc;
}

/* Reads one small file whole into all->text. input_open's buffer is larger than a hundred reviews, so not by that. */
static int slurp(struct reviews *all, const char *path, struct err *err)
{
	int fd = io_open_regular(path, err), rc = -1;
	if (fd < 0)
		return -1;
	all->used = 0;
	for (;;) {
		ssize_t k;
		if (mem_grow(&all->text, &all->cap_text, all->used + 8192, 1, err))
			break;
		k = retry_read(fd, all->text + all->used, all->cap_text - all->used);
		if (k < 0) {
			err_sys(err, "%s: read", path);
			break;
		}
		all->used += (size_t)k;
		if (all->used > REVIEW_MAX) {
			err_set(err, "%s: has more than %d bytes", path, REVIEW_MAX);
			break;
		}
		if (!k) {
			rc = 0;
			break;
		}
	}
	close(fd);
	return rc;
}

static int list_folder(struct sink *s, struct reviews *all, int part, const char *dir, struct err *err)
{
	DIR *d = retry_folder(dir);
	struct dirent *e;
	int rc = 0;
	if (!d)
		return errno == ENOENT ? 0 : err_sys(err, "%s", dir);
	while (!rc && (errno = 0, e = readdir(d))) {
		struct review r = { .part = part };
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (parse_name(e->d_name, &r))
			rc = add_review(all, r, err);
		else
			s->passed_over++;
	}
	if (!rc && errno)
		rc = err_sys(err, "%s", dir);
	closedir(d);
	return rc;
}

/* `root` holds train/ and test/. */
static int read_folder(struct sink *s, const char *root, struct err *err)
{
	struct reviews all = { 0 };
	char *dir[PARTS] = { NULL };
	int rc = 0;
	for (int p = 0; p < PARTS && !rc; p++)
		rc = path_below(&dir[p], root, parts[p].dir, err) || list_folder(s, &all, p, dir[p], err) ? -1 : 0;
	if (!rc && !all.n)
		rc = err_set(err, "%s: has no train/pos/ID_RATING.txt or the like", root);
	if (!rc)
		qsort(all.r, all.n, sizeof *all.r, by_place);
	for (size_t i = 0; i < all.n && !rc; i++) {
		const struct review *r = &all.r[i];
		char name[32], *file;
		snprintf(name, sizeof name, "%u_%u.txt", r->id, r->rating);
		rc = path_below(&file, dir[r->part], name, err);
		if (rc)
			break;
		rc = slurp(&all, file, err) || put_review(s, file, r, all.text, all.used, err) ? -1 : 0;
		free(file);
	}
	for (int p = 0; p < PARTS; p++)
		free(dir[p]);
	reviews_release(&all);
	return rc;
}

/* What `dir` holds: 1 and *out the folder around train/, 2 and *out the one archive aclImdb*.tar.gz. */
static int look_into(const char *dir, char **out, struct err *err)
{
	static const char *const holds[] = { "train", "test" };
	DIR *d;
	struct dirent *e;
	int found = 0;
	*out = NULL;
	for (int i = 0; i < 2; i++) {
		char *path;
		if (path_below(&path, dir, holds[i], err))
			return -1;
		found |= !access(path, F_OK);
		free(path);
	}
	if (found)
		return path_below(out, dir, "", err) ? -1 : 1;
	if (path_below(out, dir, "aclImdb", err))
		return -1;
	if (!access(*out, F_OK))
		return 1;
	free(*out);
	*out = NULL;
	d = retry_folder(dir);
	if (!d)
		return err_sys(err, "%s", dir);
	while ((errno = 0, e = readdir(d)))
		if (!fnmatch("aclImdb*.tar.gz", e->d_name, 0) && !found++ && path_below(out, dir, e->d_name, err)) {
			closedir(d);
			return -1;
		}
	int rc = errno ? err_sys(err, "%s", dir) : 0;
	closedir(d);
	if (rc)
		return -1;
	return found == 1 ? 2 : err_set(err, "%s: has neither train/ nor aclImdb/ nor one aclImdb*.tar.gz", dir);
}

int read_imdb(struct sink *s, const char *path, struct err *err)
{
	char *at;
	int is_folder = path_is_folder(path, err), rc;
	if (is_folder < 0)
		return -1;
	if (!is_folder)
		return read_archive(s, path, err);
	rc = look_into(path, &at, err);
	if (rc > 0)
		rc = rc == 1 ? read_folder(s, at, err) : io_regular(at, err) ? -1 : read_archive(s, at, err);
	free(at);
	return rc;
}

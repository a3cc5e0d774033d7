/* IDX as MNIST and Fashion-MNIST have it: big-endian, 00 00 type rank, then a u32 for each dimension, then the
 * values. Images: unsigned bytes (type 8) of rank 3 [n][h][w], or rank 4 [n][h][w][c]; labels: rank 1. `where` of an
 * item: file << 32 | record. Image files are loaded whole when the source is opened, and kept until it is released,
 * since most come gzipped. Training files come first. */
#include "source.h"
#include "pipeline/base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILES = 64 };

struct idx_files {
	int n;
	unsigned char *data[MAX_FILES]; /* owned */
	size_t entry[MAX_FILES];
};

static uint32_t be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* 1 when the entry (packed or not) begins as IDX of unsigned bytes does; *rank is its number of dimensions. */
static int sniff(const unsigned char *p, size_t n, int *rank)
{
	*rank = n >= 4 ? p[3] : 0;
	return n >= 4 && !p[0] && !p[1] && p[2] == 8 && (*rank == 1 || *rank == 3 || *rank == 4) &&
	       n >= 4 + 4 * (size_t)*rank;
}

/* Checks that the header accounts for every byte. dim: [4]. */
static int idx_header(const char *text, const unsigned char *p, size_t n, int *rank, uint32_t *dim, struct err *err)
{
	uint64_t size = 1;
	if (!sniff(p, n, rank))
		return err_set(err, "%s: is no IDX file of bytes (rank 1, 3 or 4)", text);
	for (int i = 0; i < *rank; i++) {
		dim[i] = be32(p + 4 + 4 * i);
		if (__builtin_mul_overflow(size, dim[i], &size))
			return err_set(err, "%s: its size overflows", text);
	}
	size_t lead = 4 + 4 * (size_t)*rank;
	if (n - lead != size)
		return err_set(err, "%s: %s: its header promises %" PRIu64 " bytes, it has %zu", text,
			       n - lead < size ? "truncated" : "too long", size, n - lead);
	return 0;
}

static int idx_load(const struct source *s, const struct item *item, const struct want *want, struct image *out,
		struct scratch *scratch, char *note, struct err *err)
{
	const struct idx_files *f = s->own;
	const unsigned char *data = f->data[s->where[item->at] >> 32];
	size_t each = stream_record_size(&s->head), lead = 4 + 4 * (size_t)data[3];
	(void)want, (void)scratch;
	*note = 0;
	if (image_shape(out, s->head.height, s->head.width, s->head.channels, err))
		return -1;
	memcpy(out->px, data + lead + (s->where[item->at] & UINT32_MAX) * each, each);
	return 0;
}

static void idx_describe(const struct source *s, const struct item *item, char *text, size_t size)
{
	const struct idx_files *f = s->own;
	char file[1024];
	archive_describe(&s->archive, &s->archive.entry[f->entry[s->where[item->at] >> 32]], file, sizeof file);
	err_phrase(text, size, "%s: record %" PRIu64, file, s->where[item->at] & UINT32_MAX);
}

static void idx_release(struct source *s)
{
	struct idx_files *f = s->own;
	for (int i = 0; f && i < f->n; i++)
		free(f->data[i]);
	free(f);
}

/* The labels of an image file: the same name with "labels" and rank 1, as MNIST's four files are called. */
static const struct entry *labels_of(const struct source *s, const struct entry *e)
{
	static const char *const as[][2] = { { "images-idx3", "labels-idx1" },
					     { "images.idx3", "labels.idx1" },
					     { "images-idx4", "labels-idx1" },
					     { "images", "labels" } };
	char base[512];
	for (size_t i = 0; i < sizeof as / sizeof *as; i++) {
		const char *name = archive_base(e), *at = strstr(name, as[i][0]);
		if (!at)
			continue;
		if (strlen(name) + 24 > sizeof base) /* no file system has such a name */
			return NULL;
		snprintf(base, sizeof base, "%.*s%s%s", (int)(at - name), name, as[i][1], at + strlen(as[i][0]));
		const struct entry *found = archive_beside(&s->archive, e, base);
		size_t n = strlen(base);
		if (!found && n > 3 && !strcmp(base + n - 3, ".gz")) { /* one packed, one not */
			base[n - 3] = 0;
			found = archive_beside(&s->archive, e, base);
		} else if (!found) {
			memcpy(base + n, ".gz", 4);
			found = archive_beside(&s->archive, e, base);
		}
		if (found)
			return found;
	}
	return NULL;
}

static int same_shape(struct source *s, const char *text, int rank, const uint32_t *dim, struct err *err)
{
	uint32_t c = rank == 4 ? dim[3] : 1;
	if (!dim[1] || !dim[2] || dim[1] > 65535 || dim[2] > 65535 || (c != 1 && c != 3))
		return err_set(err, "%s: images of %ux%ux%u; up to 65535 a side and 1 or 3 channels are read", text,
			       dim[1], dim[2], c);
	if (!s->head.height) {
		s->head.height = (int)dim[1];
		s->head.width = (int)dim[2];
		s->head.channels = (int)c;
	}
	if (s->head.height != (int)dim[1] || s->head.width != (int)dim[2] || s->head.channels != (int)c)
		return err_set(err, "%s: images of %ux%ux%u after %dx%dx%d", text, dim[1], dim[2], c, s->head.height,
			       s->head.width, s->head.channels);
	return 0;
}

/* Adds the images of entry i. *top: the highest label so far. */
static int add_images(struct source *s, size_t i, int split, int *top, struct err *err)
{
	struct idx_files *f = s->own;
	const struct entry *e = &s->archive.entry[i], *le = labels_of(s, e);
	unsigned char *data, *labels = NULL;
	size_t len, n_labels = 0;
	uint32_t dim[4], count[4];
	char text[1024], ltext[1024] = "";
	int rank, lrank, rc = -1;
	archive_describe(&s->archive, e, text, sizeof text);
	if (f->n == MAX_FILES)
		return err_set(err, "%s: more than %d image files", text, MAX_FILES);
	if (archive_load(&s->archive, e, (size_t)4 << 30, &data, &len, err))
		return -1;
	f->entry[f->n] = i;
	f->data[f->n++] = data;
	if (idx_header(text, data, len, &rank, dim, err) || same_shape(s, text, rank, dim, err))
		return -1;
	if (le) {
		archive_describe(&s->archive, le, ltext, sizeof ltext);
		if (archive_load(&s->archive, le, 1 << 30, &labels, &n_labels, err))
			return -1;
		if (idx_header(ltext, labels, n_labels, &lrank, count, err))
			goto done;
		if (lrank != 1 || count[0] != dim[0]) {
			err_set(err, "%s: %u labels for the %u images of %s", ltext, count[0], dim[0], text);
			goto done;
		}
	}
	for (uint32_t k = 0; k < dim[0]; k++) {
		int label = le ? labels[8 + k] : -1;
		if (label > *top)
			*top = label;
		if (source_add(s, label, split, (uint64_t)(f->n - 1) << 32 | k, err))
			goto done;
	}
	rc = 0;
done:
	free(labels);
	return rc;
}

/* 1 when the entry, packed or not, is an IDX file of images; -1: it cannot be read. */
static int holds_images(const struct source *s, const struct entry *e, struct err *err)
{
	const char *base = archive_base(e);
	unsigned char head[20];
	int rank;
	if (e->size >= 20) {
		if (archive_read(&s->archive, e, 0, head, 20, err))
			return -1;
		if (sniff(head, 20, &rank))
			return rank != 1;
		if (head[0] == 0x1f &&
		    head[1] == 0x8b) /* what it holds shows when it is unpacked; its name says what to expect */
			return strstr(base, "images") && !strstr(base, "labels");
	}
	return strstr(base, "images") && strstr(base, "idx");
}

static const struct source_ops ops = {
	.next = source_next_indexed, .load = idx_load, .describe = idx_describe, .release = idx_release
};

int idx_open(struct source *s, struct err *err)
{
	int top = -1;
	s->ops = &ops;
	if (mem_alloc(&s->own, 1, sizeof(struct idx_files), err))
		return -1;
	for (int split = SPLIT_TRAIN; split <= SPLIT_TEST; split += SPLIT_TEST)
		for (size_t i = 0; i < s->archive.n; i++) {
			const char *base = archive_base(&s->archive.entry[i]);
			int test = !strncmp(base, "t10k", 4) || !strncmp(base, "test", 4) ||
				   strstr(base, "-test-") != NULL;
			if (test != (split == SPLIT_TEST))
				continue;
			int images = holds_images(s, &s->archive.entry[i], err);
			if (images < 0 || (images && add_images(s, i, split, &top, err)))
				return -1;
		}
	if (!s->n)
		return archive_lacks(&s->archive, "no IDX file of images", err);
	return source_classes_numbered(s, top + 1, err);
}

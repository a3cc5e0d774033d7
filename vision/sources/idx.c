/* IDX as MNIST and Fashion-MNIST have it: big-endian, 00 00 type rank, then a u32 for each dimension, then the
 * values. Images: unsigned bytes (type 8) of rank 3 [n][h][w], or rank 4 [n][h][w][c]. Labels: rank 1 of bytes or
 * 4-byte integers (type 12), or, as QMNIST has them, rank 2 [n][k] of such integers, of which the first is the class.
 * `where` of an item: file << 32 | record. Image files are loaded whole when the source is opened, and kept until it
 * is released, since most come gzipped. Training files come first. Which labels go with which images is told by their
 * names, wherever they lie; where there is but one file of each, nothing need be told. */
#include "source.h"
#include "pipeline/base/mem.h"
#include "pipeline/files/unpack.h"
#include "splits.h"

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

/* Entries of the archive. */
struct idx_list {
	size_t *image, *label;
	size_t images, labels, cap_image, cap_label;
};

static uint32_t be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* 1 when the bytes begin as those of IDX images or labels do; *rank is the number of dimensions. */
static int idx_begins(const unsigned char *p, size_t n, int *rank)
{
	*rank = n >= 4 ? p[3] : 0;
	if (n < 4 || p[0] || p[1] || n < 4 + 4 * (size_t)*rank)
		return 0;
	return (p[2] == 8 && (*rank == 1 || *rank == 3 || *rank == 4)) || (p[2] == 12 && (*rank == 1 || *rank == 2));
}

/* Checks that the header accounts for every byte. dim: [4]. */
static int idx_header(const char *text, const unsigned char *p, size_t n, int *rank, uint32_t *dim, struct err *err)
{
	uint64_t size = 1;
	if (!idx_begins(p, n, rank))
		return err_set(err, "%s: is no IDX file of images (bytes, rank 3 or 4) or labels (rank 1, or rank 2 of "
				    "4-byte integers)", text);
	for (int i = 0; i < *rank; i++) {
		dim[i] = be32(p + 4 + 4 * i);
		if (__builtin_mul_overflow(size, dim[i], &size))
			return err_set(err, "%s: its size overflows", text);
	}
	if (p[2] == 12 && __builtin_mul_overflow(size, 4u, &size))
		return err_set(err, "%s: its size overflows", text);
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
	const unsigned char *px = data + lead + (s->where[item->at] & UINT32_MAX) * each;
	size_t c = (size_t)s->head.channels, h = (size_t)s->head.height, w = (size_t)s->head.width;
	if (!s->opt.transpose)
		memcpy(out->px, px, each);
	for (size_t y = 0; s->opt.transpose && y < h; y++) /* the file has [w][h] */
		for (size_t x = 0; x < w; x++)
			memcpy(out->px + (y * w + x) * c, px + (x * h + y) * c, c);
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

static int same_stem(const char *a, const char *b)
{
	size_t n = archive_stem(a);
	return n == archive_stem(b) && !memcmp(a, b, n);
}

/* One of the labels' files whose name is `base`, with .gz or without: one beside e, else the only one. */
static const struct entry *labels_named(const struct source *s, const struct idx_list *l, const struct entry *e,
					const char *base)
{
	const struct entry *found = NULL;
	size_t folder = (size_t)(archive_base(e) - e->name), n = 0;
	for (size_t i = 0; i < l->labels; i++) {
		const struct entry *x = &s->archive.entry[l->label[i]];
		if (!same_stem(archive_base(x), base))
			continue;
		if (x->root == e->root && (size_t)(archive_base(x) - x->name) == folder &&
		    !memcmp(x->name, e->name, folder))
			return x;
		n++;
		found = x;
	}
	return n == 1 ? found : NULL;
}

/* The labels of an image file: the same name with "labels", as MNIST's four files are called. */
static const struct entry *labels_of(const struct source *s, const struct idx_list *l, const struct entry *e)
{
	static const char *const as[][2] = { { "images-idx3", "labels-idx1" }, { "images.idx3", "labels.idx1" },
					     { "images-idx4", "labels-idx1" }, { "images-idx3", "labels-idx2" },
					     { "images-idx3-ubyte", "labels-idx2-int" },
					     { "images-idx3-ubyte", "labels-idx1-int" },
					     { "images", "labels" },	       { "image", "label" } };
	char base[512];
	for (size_t i = 0; i < sizeof as / sizeof *as; i++) {
		const char *name = archive_base(e), *at = strstr(name, as[i][0]);
		if (!at || strlen(name) + 24 > sizeof base) /* no file system has such a name */
			continue;
		snprintf(base, sizeof base, "%.*s%s%s", (int)(at - name), name, as[i][1], at + strlen(as[i][0]));
		const struct entry *found = labels_named(s, l, e, base);
		if (found)
			return found;
	}
	return l->labels == 1 && l->images == 1 ? &s->archive.entry[l->label[0]] : NULL;
}

static int same_shape(struct source *s, const char *text, int rank, const uint32_t *dim, struct err *err)
{
	uint32_t h = dim[s->opt.transpose ? 2 : 1], w = dim[s->opt.transpose ? 1 : 2], c = rank == 4 ? dim[3] : 1;
	if (!h || !w || h > 65535 || w > 65535 || (c != 1 && c != 3))
		return err_set(err, "%s: images of %ux%ux%u; up to 65535 a side and 1 or 3 channels are read", text, h,
			       w, c);
	if (!s->head.height) {
		s->head.height = (int)h;
		s->head.width = (int)w;
		s->head.channels = (int)c;
	}
	if (s->head.height != (int)h || s->head.width != (int)w || s->head.channels != (int)c)
		return err_set(err, "%s: images of %ux%ux%u after %dx%dx%d", text, h, w, c, s->head.height,
			       s->head.width, s->head.channels);
	return 0;
}

/* [n] classes from a labels' file, from 0; *labels is the caller's. */
static int read_labels(struct source *s, const struct entry *e, uint32_t n, const char *images, int32_t **labels,
		       struct err *err)
{
	unsigned char *data;
	uint32_t count[4];
	size_t len;
	char text[1024];
	int rank;
	archive_describe(&s->archive, e, text, sizeof text);
	if (archive_load(&s->archive, e, 1 << 30, &data, &len, err))
		return -1;
	int rc = idx_header(text, data, len, &rank, count, err) || mem_alloc(labels, n, sizeof **labels, err) ? -1 : 0;
	if (!rc && (rank > 2 || count[0] != n || (rank == 2 && !count[1])))
		rc = rank > 2	     ? err_set(err, "%s: holds images, not labels", text)
		     : count[0] != n ? err_set(err, "%s: %u labels for the %u images of %s", text, count[0], n, images)
				     : err_set(err, "%s: its labels have no column, and the first is read", text);
	if (rc) {
		free(data);
		return rc;
	}
	size_t lead = 4 + 4 * (size_t)rank, step = rank == 2 ? 4 * (size_t)count[1] : data[2] == 12 ? 4 : 1;
	for (uint32_t k = 0; !rc && k < n; k++) {
		const unsigned char *p = data + lead + k * step;
		int64_t v = (data[2] == 12 ? (int64_t)(int32_t)be32(p) : *p) - s->opt.labels_from;
		if (v < 0 || v >= STREAM_MAX_CLASSES)
			rc = err_set(err, "%s: record %u: label %lld is outside the classes from %d on", text, k,
				     (long long)v + s->opt.labels_from, s->opt.labels_from);
		(*labels)[k] = (int32_t)v;
	}
	free(data);
	return rc;
}

/* Adds the images of entry i. *top: the highest label so far. */
static int add_images(struct source *s, const struct idx_list *l, size_t i, int split, int *top, struct err *err)
{
	struct idx_files *f = s->own;
	const struct entry *e = &s->archive.entry[i], *le = labels_of(s, l, e);
	unsigned char *data;
	int32_t *labels = NULL;
	size_t len;
	uint32_t dim[4];
	char text[1024];
	int rank, rc = 0;
	archive_describe(&s->archive, e, text, sizeof text);
	if (f->n == MAX_FILES)
		return err_set(err, "%s: more than %d image files", text, MAX_FILES);
	if (archive_load(&s->archive, e, (size_t)4 << 30, &data, &len, err))
		return -1;
	f->entry[f->n] = i;
	f->data[f->n++] = data;
	if (idx_header(text, data, len, &rank, dim, err) || same_shape(s, text, rank, dim, err))
		return -1;
	if (!le && l->labels)
		return err_set(err, "%s: none of the %zu files of labels is named like it ('labels' for 'images')",
			       text, l->labels);
	if (le)
		rc = read_labels(s, le, dim[0], text, &labels, err);
	for (uint32_t k = 0; !rc && k < dim[0]; k++) {
		int label = labels ? labels[k] : -1;
		if (label > *top)
			*top = label;
		rc = source_add(s, label, split, (uint64_t)(f->n - 1) << 32 | k, err);
	}
	free(labels);
	return rc;
}

/* 'i' or 'l' when the entry, packed or not, is an IDX file of images or labels, 0 when neither; -1: it cannot be read.
 * What is packed is told by its name: what it holds shows when it is unpacked. */
static int kind_of(const struct source *s, const struct entry *e, struct err *err)
{
	const char *base = archive_base(e);
	unsigned char head[UNPACK_HEAD];
	size_t n = e->size < sizeof head ? (size_t)e->size : sizeof head;
	int rank;
	if (archive_read(&s->archive, e, 0, head, n, err))
		return -1;
	if (idx_begins(head, n, &rank))
		return rank > 2 ? 'i' : 'l';
	int packed = unpack_kind(head, n, NULL) != NULL;
	if (strstr(base, "label") && (packed || strstr(base, "idx")))
		return 'l';
	return strstr(base, "image") && (packed || strstr(base, "idx")) ? 'i' : 0;
}

/* X.gz beside X is the same once more. */
static int is_twin(const struct source *s, size_t i)
{
	const struct entry *e = &s->archive.entry[i];
	for (size_t k = i; archive_stem(e->name) < strlen(e->name) && k-- > 0 && s->archive.entry[k].root == e->root;)
		if (same_stem(s->archive.entry[k].name, e->name))
			return 1;
		else if (strncmp(s->archive.entry[k].name, e->name, archive_stem(e->name)))
			break;
	return 0;
}

static int list_files(struct source *s, struct idx_list *l, struct err *err)
{
	size_t others = 0;
	char text[1024];
	for (size_t i = 0; i < s->archive.n; i++) {
		int kind = kind_of(s, &s->archive.entry[i], err);
		if (kind < 0)
			return -1;
		others += !kind;
		if (!kind)
			continue;
		if (is_twin(s, i)) {
			archive_describe(&s->archive, &s->archive.entry[i], text, sizeof text);
			if (source_note(s, err, "%s: passed over, since the same file unpacked lies beside it", text))
				return -1;
			continue;
		}
		size_t *n = kind == 'i' ? &l->images : &l->labels;
		if (kind == 'i' ? mem_grow(&l->image, &l->cap_image, *n + 1, sizeof *l->image, err)
				: mem_grow(&l->label, &l->cap_label, *n + 1, sizeof *l->label, err))
			return -1;
		(kind == 'i' ? l->image : l->label)[(*n)++] = i;
	}
	return others && l->images ? source_note(s, err, "%zu files passed over, no IDX", others) : 0;
}

/* What the file's name says, or the folder's, or the operand's; -1: nothing. */
static int split_of_file(const struct source *s, const struct entry *e)
{
	const char *path = s->archive.root[e->root].path, *base = archive_base(e);
	const char *ends[] = { base + strlen(base), base > e->name ? base - 1 : base, path + strlen(path) };
	const char *begins[] = { base, e->name, path };
	for (int k = 0; k < 3; k++) {
		struct split_hint h;
		const char *end = ends[k], *from;
		while (k == 2 && end > path && end[-1] == '/')
			end--;
		for (from = end; from > begins[k] && from[-1] != '/';)
			from--;
		splits_hint(&h, from, (size_t)(end - from));
		if (h.split >= 0)
			return h.split;
	}
	return -1;
}

/* What EMNIST's files need, and do not say themselves. */
static int note_emnist(struct source *s, const struct idx_list *l, struct err *err)
{
	int least = INT32_MAX;
	for (size_t i = 0; i < s->n; i++)
		least = s->label[i] >= 0 && s->label[i] < least ? s->label[i] : least;
	if (least > 0 && least < INT32_MAX &&
	    source_note(s, err, "no label is %d; --labels-from 1 where classes are counted from 1", s->opt.labels_from))
		return -1;
	return strcasestr(s->archive.entry[l->image[0]].name, "emnist") && !s->opt.transpose
		       ? source_note(s, err, "EMNIST's pictures lie column by column; --transpose turns them upright")
		       : 0;
}

static int add_all(struct source *s, const struct idx_list *l, struct err *err)
{
	int top = -1, unsaid = 0;
	for (int split = SPLIT_TRAIN; split < SPLIT_COUNT; split++)
		for (size_t i = 0; i < l->images; i++) {
			int says = split_of_file(s, &s->archive.entry[l->image[i]]);
			unsaid |= says < 0;
			s->says_split |= says >= 0;
			if ((says < 0 ? SPLIT_TRAIN : says) == split && add_images(s, l, l->image[i], split, &top, err))
				return -1;
		}
	if (!s->n)
		return archive_lacks(&s->archive, "no IDX file of images", err);
	if (unsaid &&
	    source_note(s, err, "no name says a split (train, t10k, test), so these records are marked train"))
		return -1;
	if (note_emnist(s, l, err))
		return -1;
	return source_classes_numbered(s, s->opt.labels_from, top + 1, err);
}

static const struct source_ops ops = {
	.next = source_next_indexed, .load = idx_load, .describe = idx_describe, .release = idx_release
};

int idx_open(struct source *s, struct err *err)
{
	struct idx_list l = { 0 };
	s->ops = &ops;
	int rc = mem_alloc(&s->own, 1, sizeof(struct idx_files), err) || list_files(s, &l, err) || add_all(s, &l, err);
	free(l.image);
	free(l.label);
	return rc ? -1 : 0;
}

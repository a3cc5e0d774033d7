/* STL-10's binary files (https://cs.stanford.edu/~acoates/stl10/): an image is 96x96 red, green, blue, each column
 * by column; labels in X's companion y, 1 to 10. `where` of an item: entry number << 32 | record. Order: train,
 * test, unlabeled. With --fold, training images outside the fold are never listed, so ids count those of the fold. */
#include "source.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/num.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 96, PLANE = SIDE * SIDE, PIXELS = 3 * PLANE };

static int stl10_load(const struct source *s, const struct item *item, const struct want *want, struct image *out,
		struct scratch *scratch, char *note, struct err *err)
{
	const struct entry *e = &s->archive.entry[s->where[item->at] >> 32];
	(void)want;
	*note = 0;
	if (mem_grow(&scratch->bytes, &scratch->cap, PIXELS, 1, err) ||
	    archive_read(&s->archive, e, (s->where[item->at] & UINT32_MAX) * PIXELS, scratch->bytes, PIXELS, err) ||
	    image_shape(out, SIDE, SIDE, 3, err))
		return -1;
	for (int y = 0; y < SIDE; y++)
		for (int x = 0; x < SIDE; x++)
			for (int c = 0; c < 3; c++)
				out->px[3 * (y * SIDE + x) + c] = scratch->bytes[c * PLANE + x * SIDE + y];
	return 0;
}

static void stl10_describe(const struct source *s, const struct item *item, char *text, size_t size)
{
	char file[1024];
	archive_describe(&s->archive, &s->archive.entry[s->where[item->at] >> 32], file, sizeof file);
	err_phrase(text, size, "%s: record %" PRIu64, file, s->where[item->at] & UINT32_MAX);
}

/* Marks in fold[n] the 0-based numbers on line `k` of fold_indices.txt. */
static int read_fold(struct source *s, const struct entry *x, unsigned char *fold, uint64_t n, struct err *err)
{
	const struct entry *e = archive_beside(&s->archive, x, "fold_indices.txt");
	char text[1024];
	unsigned char *data;
	size_t len;
	if (!e)
		return err_set(err, "--fold: fold_indices.txt is not beside train_X.bin");
	archive_describe(&s->archive, e, text, sizeof text);
	if (archive_load(&s->archive, e, 16 << 20, &data, &len, err))
		return -1;
	char *line = (char *)data, *save = NULL;
	for (int k = 0; line && k < s->opt.fold; k++) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	int rc = line && *line ? 0 : err_set(err, "%s: has no fold %d (the first is 0)", text, s->opt.fold);
	if (!rc)
		line[strcspn(line, "\r\n")] = 0;
	for (char *p = rc ? NULL : strtok_r(line, " ", &save); p && !rc; p = strtok_r(NULL, " ", &save)) {
		int64_t v;
		rc = num_i64("fold index", p, 0, (int64_t)n - 1, &v, err);
		if (!rc)
			fold[v] = 1;
		else
			rc = err_set(err, "%s: fold %d: '%.20s' is no number of one of the %" PRIu64 " training images",
				     text, s->opt.fold, p, n);
	}
	free(data);
	return rc;
}

static int add_file(struct source *s, size_t number, int split, struct err *err)
{
	const struct entry *e = &s->archive.entry[number];
	unsigned char *y = NULL, *fold = NULL;
	uint64_t n = e->size / PIXELS;
	size_t len;
	char text[1024];
	int rc = -1;
	archive_describe(&s->archive, e, text, sizeof text);
	if (e->size % PIXELS || n > UINT32_MAX)
		return err_set(err,
			       "%s: %" PRIu64
			       " bytes are no whole number of %d-byte images: truncated, or another format",
			       text, e->size, PIXELS);
	if (split != SPLIT_EXTRA) {
		const char *name = split == SPLIT_TRAIN ? "train_y.bin" : "test_y.bin";
		const struct entry *labels = archive_beside(&s->archive, e, name);
		if (!labels)
			return err_set(err, "%s: %s is not beside it", text, name);
		if (archive_load(&s->archive, labels, 1 << 30, &y, &len, err))
			return -1;
		if (len != n) {
			err_set(err, "%s: %" PRIu64 " images, but %s has %zu labels", text, n, name, len);
			goto done;
		}
	}
	if (split == SPLIT_TRAIN && s->opt.fold >= 0 && (mem_alloc(&fold, n, 1, err) || read_fold(s, e, fold, n, err)))
		goto done;
	for (uint64_t i = 0; i < n; i++) {
		if (y && (y[i] < 1 || y[i] > 10)) {
			err_set(err, "%s: record %" PRIu64 ": label %d is outside 1 to 10", text, i, y[i]);
			goto done;
		}
		if ((!fold || fold[i]) && source_add(s, y ? y[i] - 1 : -1, split, (uint64_t)number << 32 | i, err))
			goto done;
	}
	rc = 0;
done:
	free(y);
	free(fold);
	return rc;
}

static const struct source_ops ops = { .next = source_next_indexed, .load = stl10_load, .describe = stl10_describe };
static const char *const ten[] = {
	"airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck"
};

int stl10_open(struct source *s, struct err *err)
{
	static const struct {
		const char *file;
		int split;
	} parts[] = { { "train_X.bin", SPLIT_TRAIN },
		      { "test_X.bin", SPLIT_TEST },
		      { "unlabeled_X.bin", SPLIT_EXTRA } };
	int used[3] = { 0 };
	s->ops = &ops;
	s->says_split = 1;
	s->head.height = s->head.width = SIDE;
	s->head.channels = 3;
	if (mem_text(&s->head.name, "STL-10", 6, err) || stream_head_classes(&s->head, 10, ten, err))
		return -1;
	for (int p = 0; p < 3; p++)
		for (size_t i = 0; i < s->archive.n; i++)
			if (!strcmp(archive_base(&s->archive.entry[i]), parts[p].file)) {
				const struct entry *names =
					archive_beside(&s->archive, &s->archive.entry[i], "class_names.txt");
				if (names && source_classes_from(s, names, 10, err))
					return -1;
				if (add_file(s, i, parts[p].split, err))
					return -1;
				used[p]++;
			}
	if (s->opt.fold >= 0 && !used[0])
		return err_set(err, "--fold: there is no train_X.bin");
	return s->n ? 0
		    : archive_lacks(&s->archive, "none of train_X.bin, test_X.bin and unlabeled_X.bin", err);
}

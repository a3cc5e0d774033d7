/* CIFAR's binary version (https://www.cs.toronto.edu/~kriz/cifar.html): a record is 1 label byte (CIFAR-100: coarse,
 * then fine) and 32x32 red, green, blue, each row by row. `where` of an item: entry number << 32 | record. Labels
 * are read when the source is opened, pixels when an image is loaded. `own` is no memory but a mark: set where
 * records have two label bytes. */
#include "source.h"
#include "pipeline/base/mem.h"
#include "splits.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 32, PLANE = SIDE * SIDE, PIXELS = 3 * PLANE };

static int label_bytes(const struct source *s)
{
	return s->own ? 2 : 1;
}

static int cifar_load(const struct source *s, const struct item *item, const struct want *want, struct image *out,
		struct scratch *scratch, char *note, struct err *err)
{
	unsigned char record[PIXELS];
	const struct entry *e = &s->archive.entry[s->where[item->at] >> 32];
	uint64_t at = s->where[item->at] & UINT32_MAX;
	int lead = label_bytes(s);
	(void)want, (void)scratch;
	*note = 0;
	if (archive_read(&s->archive, e, at * (uint64_t)(PIXELS + lead) + (uint64_t)lead, record, PIXELS, err) ||
	    image_shape(out, SIDE, SIDE, 3, err))
		return -1;
	for (int i = 0; i < PLANE; i++)
		for (int c = 0; c < 3; c++)
			out->px[3 * i + c] = record[c * PLANE + i];
	return 0;
}

static void cifar_describe(const struct source *s, const struct item *item, char *text, size_t size)
{
	char file[1024];
	archive_describe(&s->archive, &s->archive.entry[s->where[item->at] >> 32], file, sizeof file);
	err_phrase(text, size, "%s: record %" PRIu64, file, s->where[item->at] & UINT32_MAX);
}

/* Reads the labels of one .bin; the records stay where they are. */
static int cifar_scan(struct source *s, size_t number, int split, struct err *err)
{
	enum { AT_ONCE = 256 };
	const struct entry *e = &s->archive.entry[number];
	int lead = label_bytes(s);
	size_t each = (size_t)(PIXELS + lead);
	uint64_t n = e->size / each;
	char text[1024];
	unsigned char *buf;
	int rc = 0, top = s->head.n_classes, which = lead == 2 && !s->opt.coarse;
	archive_describe(&s->archive, e, text, sizeof text);
	if (e->size % each)
		return err_set(err,
			       "%s: %" PRIu64
			       " bytes are no whole number of %zu-byte records: truncated, or another format",
			       text, e->size, each);
	if (n > UINT32_MAX)
		return err_set(err, "%s: too many records", text);
	if (mem_alloc(&buf, AT_ONCE * each, 1, err))
		return -1;
	for (uint64_t i = 0; !rc && i < n; i += AT_ONCE) {
		size_t k = n - i < AT_ONCE ? (size_t)(n - i) : AT_ONCE;
		rc = archive_read(&s->archive, e, i * each, buf, k * each, err);
		for (size_t j = 0; !rc && j < k; j++) {
			int label = buf[j * each + (size_t)which];
			if (label >= top)
				rc = err_set(err,
					     "%s: record %" PRIu64
					     ": label %d is outside the %d classes (damaged, or another format)",
					     text, i + j, label, top);
			else
				rc = source_add(s, label, split, (uint64_t)number << 32 | (i + j), err);
		}
	}
	free(buf);
	return rc;
}

static int is_bin(const char *base)
{
	size_t n = strlen(base);
	return n > 4 && !strcmp(base + n - 4, ".bin");
}

static const char *const ten[] = { "airplane", "automobile", "bird",  "cat",  "deer",
				   "dog",      "frog",	     "horse", "ship", "truck" };

static int name_classes(struct source *s, int hundred, struct err *err)
{
	const char *file = !hundred	   ? "batches.meta.txt"
			   : s->opt.coarse ? "coarse_label_names.txt"
					   : "fine_label_names.txt";
	int n = !hundred ? 10 : s->opt.coarse ? 20 : 100;
	const char *title = !hundred ? "CIFAR-10" : s->opt.coarse ? "CIFAR-100 coarse" : "CIFAR-100";
	if (mem_text(&s->head.name, title, strlen(title), err))
		return -1;
	for (size_t i = 0; i < s->archive.n; i++)
		if (!strcmp(archive_base(&s->archive.entry[i]), file))
			return source_classes_from(s, &s->archive.entry[i], n, err);
	return hundred ? source_classes_numbered(s, 0, n, err) : stream_head_classes(&s->head, 10, ten, err);
}

static const struct source_ops ops = { .next = source_next_indexed, .load = cifar_load, .describe = cifar_describe };

int cifar_open(struct source *s, int hundred, struct err *err)
{
	s->ops = &ops;
	s->own = hundred ? s : NULL; /* a mark: two label bytes */
	s->head.height = s->head.width = SIDE;
	s->head.channels = 3;
	if (name_classes(s, hundred, err))
		return -1;
	s->says_split = 1;
	/* Training files first, as the authors number the images; theirs are called data_batch_1.bin or train.bin. */
	for (int split = SPLIT_TRAIN; split < SPLIT_COUNT; split++)
		for (size_t i = 0; i < s->archive.n; i++) {
			const char *base = archive_base(&s->archive.entry[i]);
			struct split_hint h;
			splits_hint(&h, base, strlen(base));
			if (is_bin(base) && split == (h.split < 0 ? SPLIT_TRAIN : h.split) &&
			    cifar_scan(s, i, split, err))
				return -1;
		}
	return s->n ? 0 : archive_lacks(&s->archive, "no .bin file of CIFAR's binary version", err);
}

/* Any bytes as the lists of Tiny ImageNet: wnids.txt, words.txt and val/val_annotations.txt, parted by 0xFF, beside a
 * few images. Refused, or every image has a class that the lists give it. */
#include "vision/sources/source.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const lists[] = { "wnids.txt", "words.txt", "val/val_annotations.txt" };
static const char *const folders[] = { "train",	     "train/n01", "train/n01/images", "train/n02", "train/n02/images",
				       "val",	     "val/images", "test",	      "test/images" };
static const char *const images[] = { "train/n01/images/n01_0.JPEG", "train/n02/images/n02_0.JPEG",
				      "val/images/val_0.JPEG", "val/images/val_1.JPEG", "test/images/test_0.JPEG" };
enum { LISTS = 3, FOLDERS = sizeof folders / sizeof *folders, IMAGES = sizeof images / sizeof *images };

static char root[200];

static const char *below(const char *name)
{
	static char path[300];
	snprintf(path, sizeof path, "%s/%s", root, name);
	return path;
}

static void write_file(const char *path, const uint8_t *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size || close(fd))
		abort();
}

static void remove_all(void)
{
	for (int i = 0; i < LISTS; i++)
		unlink(below(lists[i]));
	for (int i = 0; i < IMAGES; i++)
		unlink(below(images[i]));
	for (int i = FOLDERS; i-- > 0;)
		rmdir(below(folders[i]));
	rmdir(root);
}

static void make_all(void)
{
	const char *tmp = getenv("TMPDIR");
	snprintf(root, sizeof root, "%.150s/vic-fuzz-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(root))
		abort();
	atexit(remove_all);
	for (int i = 0; i < FOLDERS; i++)
		if (mkdir(below(folders[i]), 0700))
			abort();
	for (int i = 0; i < IMAGES; i++)
		write_file(below(images[i]), (const uint8_t *)"x", 1);
}

/* The lists: empty ones are left out. */
static void part(const uint8_t *data, size_t size)
{
	for (int i = 0; i < LISTS; i++) {
		const uint8_t *end = memchr(data, 0xFF, size);
		size_t n = end && i < LISTS - 1 ? (size_t)(end - data) : size;
		unlink(below(lists[i]));
		if (n)
			write_file(below(lists[i]), data, n);
		n += n < size;
		data += n;
		size -= n;
	}
}

static void look(const struct source *s)
{
	if (s->n != IMAGES || s->head.n_classes < 0)
		abort();
	for (size_t i = 0; i < s->n; i++)
		if (s->label[i] < -1 || s->label[i] >= s->head.n_classes || s->split[i] >= SPLIT_COUNT ||
		    s->where[i] >= s->archive.n)
			abort();
	for (int k = 0; k < s->head.n_classes; k++) {
		if (!s->head.classes[k][0])
			abort();
		for (int i = 0; i < k && k < 100; i++)
			if (!strcmp(s->head.classes[i], s->head.classes[k]))
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct source s;
	struct err err = ERR_NONE;
	struct source_options opt = { .codec.max_pixels = 1 << 14, .fold = -1 };
	char *path = root;
	if (!root[0])
		make_all();
	part(data, size);
	if (source_open(&s, SOURCE_FOLDER, &path, 1, &opt, &err)) {
		if (!err.msg[0] || err.cause != CAUSE_DATA)
			abort();
		return 0;
	}
	look(&s);
	source_release(&s);
	return 0;
}

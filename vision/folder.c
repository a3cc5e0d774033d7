/* Image folders. These are read, each also inside folders that hold nothing else (TOP/, "shared top" below):
 *
 *   CLASS/                     SPLIT/                    wnids.txt              (Tiny ImageNet)
 *     FILE                       CLASS/                  train/
 *     more/folders/FILE            FILE                    CLASS/images/FILE
 *   CLASS/ ...                   CLASS/ ...              val/
 *                              SPLIT/ ...                  val_annotations.txt
 *   no split: train                                        images/FILE
 *                                                        test/
 *                                                          images/FILE         (no class)
 *
 * SPLIT: a name that source_split_of knows. FILE: .jpg, .jpeg, .jpe, .png; others are counted and left out. A FILE with
 * no folder for a class has no label. wnids.txt names and orders the classes, which are else sorted by name.
 * val_annotations.txt has lines "FILE<TAB>CLASS<TAB>..." for the files of the folder images beside it.
 *
 * `where` of an item: its entry. Steps: find split and class by position, replace class "images" by the annotation,
 * sort the class names, number them. A struct part points into an entry's name or an annotation file's text, and both
 * stay until the list is built. */
#include "source.h"
#include "pipeline/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { FILE_MAX = 128 << 20 };

/* A piece of an entry's name. */
struct part {
	const char *p;
	size_t n;
};

/* A folder's name with its slash, and which operand it is in: two may have folders of one name. */
struct home {
	int root;
	struct part name;
};

/* Where an image stands before class numbers are known. */
struct placed {
	size_t entry;
	int split;
	struct part class; /* p NULL: none */
	struct home home;  /* SPLIT folder, where val_annotations.txt would be */
};

struct annotation {
	struct home home;
	struct part file, class;
};

struct annotated {
	unsigned char *text; /* owned */
	struct home home;
};

struct listing {
	struct placed *image;
	size_t n, cap;
	struct annotation *note;
	size_t notes, cap_notes, used;
	struct annotated *text; /* annotation files */
	size_t texts, cap_texts;
	struct part *class; /* sorted, or in the order of wnids.txt */
	size_t classes, cap_classes;
};

static int part_cmp(struct part a, struct part b)
{
	int c = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
	return c ? c : (a.n > b.n) - (a.n < b.n);
}

static int by_part(const void *a, const void *b)
{
	return part_cmp(*(const struct part *)a, *(const struct part *)b);
}

static int home_cmp(struct home a, struct home b)
{
	return a.root != b.root ? (a.root > b.root) - (a.root < b.root) : part_cmp(a.name, b.name);
}

static int is_image(const char *name)
{
	static const char *const ends[] = { ".jpg", ".jpeg", ".png", ".jpe" };
	const char *dot = strrchr(name, '.');
	for (size_t i = 0; dot && i < sizeof ends / sizeof *ends; i++)
		if (!strcasecmp(dot, ends[i]))
			return 1;
	return 0;
}

/* The folders that all images of a root are in, as far as they are neither splits nor needed as classes: how many bytes
 * of the names they take. */
static size_t shared_top(const struct archive *a, int root)
{
	const char *first = NULL;
	size_t shared = 0;
	for (;;) {
		size_t next = 0;
		first = NULL;
		for (size_t i = 0; i < a->n; i++) {
			const struct entry *e = &a->entry[i];
			if (e->root != root || !is_image(e->name))
				continue;
			const char *rest = e->name + shared, *slash = strchr(rest, '/');
			if (!slash || !strchr(slash + 1, '/') || source_split_of(rest, (size_t)(slash - rest)) >= 0)
				return shared;
			if (!first) {
				first = e->name;
				next = (size_t)(slash + 1 - e->name);
			} else if (strncmp(first, e->name, next)) {
				return shared;
			}
		}
		if (!first)
			return shared;
		shared = next;
	}
}

static int place_images(struct source *s, struct listing *l, struct err *err)
{
	const struct archive *a = &s->archive;
	size_t top = 0;
	int root = -1;
	for (size_t i = 0; i < a->n; i++) {
		const struct entry *e = &a->entry[i];
		if (e->root != root)
			top = shared_top(a, root = e->root);
		if (!is_image(e->name))
			continue;
		struct placed p = { .entry = i, .split = SPLIT_TRAIN, .home = { root, { e->name, top } } };
		const char *rest = e->name + top, *slash = strchr(rest, '/');
		int split = slash ? source_split_of(rest, (size_t)(slash - rest)) : -1;
		if (split >= 0) {
			p.split = split;
			rest = slash + 1;
			p.home.name.n = (size_t)(rest - e->name);
			slash = strchr(rest, '/');
		}
		if (slash)
			p.class = (struct part){ rest, (size_t)(slash - rest) };
		if (mem_grow(&l->image, &l->cap, l->n + 1, sizeof *l->image, err))
			return -1;
		l->image[l->n++] = p;
	}
	return 0;
}

/* Lines of one val_annotations.txt to l->note. */
static int read_annotations(struct source *s, struct listing *l, const struct entry *e, struct err *err)
{
	unsigned char *text;
	size_t len, line = 0;
	char what[1024];
	archive_describe(&s->archive, e, what, sizeof what);
	if (mem_grow(&l->text, &l->cap_texts, l->texts + 1, sizeof *l->text, err) ||
	    archive_load(&s->archive, e, 256 << 20, &text, &len, err))
		return -1;
	struct home home = { e->root, { e->name, (size_t)(archive_base(e) - e->name) } };
	l->text[l->texts++] = (struct annotated){ text, home };
	for (char *p = (char *)text, *end = p + len; p < end;) {
		char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((nl ? nl : end) - p);
		char *tab = memchr(p, '\t', n);
		size_t rest = tab ? (size_t)(p + n - tab - 1) : 0;
		size_t class = tab ? strcspn(tab + 1, "\t\r\n") : 0;
		line++;
		if (!tab || !class || class > rest)
			return err_set(err, "%s: line %zu is not FILE<TAB>CLASS", what, line);
		if (mem_grow(&l->note, &l->cap_notes, l->notes + 1, sizeof *l->note, err))
			return -1;
		l->note[l->notes++] = (struct annotation){ home, { p, (size_t)(tab - p) }, { tab + 1, class } };
		p += n + 1;
	}
	return 0;
}

static int by_file(const void *a, const void *b)
{
	const struct annotation *x = a, *y = b;
	int c = home_cmp(x->home, y->home);
	return c ? c : part_cmp(x->file, y->file);
}

/* Gives the images of SPLIT/images their classes from the annotations beside. */
static int apply_annotations(struct source *s, struct listing *l, int have_wnids, struct err *err)
{
	char what[1024];
	for (size_t i = 0; i < s->archive.n; i++)
		if (!strcmp(archive_base(&s->archive.entry[i]), "val_annotations.txt") &&
		    read_annotations(s, l, &s->archive.entry[i], err))
			return -1;
	if (l->notes)
		qsort(l->note, l->notes, sizeof *l->note, by_file);
	for (size_t i = 1; i < l->notes; i++)
		if (!by_file(&l->note[i - 1], &l->note[i]))
			return err_set(err, "val_annotations.txt: '%.*s' is there twice", (int)l->note[i].file.n,
				       l->note[i].file.p);
	for (size_t i = 0; i < l->n; i++) {
		struct placed *p = &l->image[i];
		const struct entry *e = &s->archive.entry[p->entry];
		if (!p->class.p || p->class.n != 6 || memcmp(p->class.p, "images", 6))
			continue;
		struct annotation key = { .home = p->home, .file = { archive_base(e), strlen(archive_base(e)) } };
		struct annotation *found = l->notes ? bsearch(&key, l->note, l->notes, sizeof *l->note, by_file) : NULL;
		int annotated = 0;
		for (size_t k = 0; k < l->texts; k++) /* one or two */
			annotated |= !home_cmp(l->text[k].home, p->home);
		if (annotated && !found) {
			archive_describe(&s->archive, e, what, sizeof what);
			return err_set(err, "%s: val_annotations.txt has no line for it", what);
		}
		l->used += found != NULL;
		if (found)
			p->class = found->class;
		else if (have_wnids)
			p->class.p = NULL; /* Tiny ImageNet's test images have no labels */
	}
	return 0;
}

static int collect_classes(struct listing *l, struct err *err)
{
	struct part last = { NULL, 0 };
	for (size_t i = 0; i < l->n; i++) {
		struct part c = l->image[i].class;
		if (!c.p || (last.p && !part_cmp(last, c)))
			continue;
		if (mem_grow(&l->class, &l->cap_classes, l->classes + 1, sizeof *l->class, err))
			return -1;
		l->class[l->classes++] = last = c;
	}
	if (l->classes)
		qsort(l->class, l->classes, sizeof *l->class, by_part);
	size_t n = 0;
	for (size_t i = 0; i < l->classes; i++)
		if (!n || part_cmp(l->class[n - 1], l -> class[i]))
			l->class[n++] = l->class[i];
	l->classes = n;
	if (n > STREAM_MAX_CLASSES)
		return err_set(err, "%zu class folders; a stream holds %d", n, STREAM_MAX_CLASSES);
	return 0;
}

static int set_class_names(struct source *s, const struct listing *l, struct err *err)
{
	char **name;
	int rc = -1;
	size_t n = 0;
	if (mem_alloc(&name, l->classes, sizeof *name, err))
		return -1;
	for (; n < l->classes; n++)
		if (mem_text(&name[n], l->class[n].p, l->class[n].n, err))
			goto done;
	rc = stream_head_classes(&s->head, (int)n, (const char *const *)name, err);
done:
	while (n)
		free(name[--n]);
	free(name);
	return rc;
}

/* order[k]: the number in head.classes of the k-th name in the sorted list l->class, which all come from the images. */
static int number_classes(struct source *s, const struct listing *l, const struct entry *wnids, int32_t *order,
			  struct err *err)
{
	if (!wnids) {
		for (size_t k = 0; k < l->classes; k++)
			order[k] = (int32_t)k;
		return set_class_names(s, l, err);
	}
	if (source_classes_from(s, wnids, 0, err))
		return -1;
	for (size_t k = 0; k < l->classes; k++)
		order[k] = -1;
	for (int i = 0; i < s->head.n_classes; i++) {
		struct part key = { s->head.classes[i], strlen(s->head.classes[i]) };
		struct part *at = l->classes ? bsearch(&key, l->class, l->classes, sizeof *l->class, by_part) : NULL;
		if (at)
			order[at - l->class] = i;
	}
	for (size_t k = 0; k < l->classes; k++)
		if (order[k] < 0)
			return err_set(err, "class '%.*s' is not in wnids.txt", (int)l->class[k].n, l->class[k].p);
	return 0;
}

static int build_items(struct source *s, struct listing *l, struct err *err)
{
	const struct entry *wnids = NULL;
	size_t sides = 0;
	for (size_t i = 0; i < s->archive.n; i++) {
		const char *base = archive_base(&s->archive.entry[i]);
		if (!wnids && !strcmp(base, "wnids.txt"))
			wnids = &s->archive.entry[i];
		sides += !strcmp(base, "wnids.txt") || !strcmp(base, "val_annotations.txt");
	}
	if (place_images(s, l, err) || apply_annotations(s, l, wnids != NULL, err) || collect_classes(l, err))
		return -1;
	if (!l->n)
		return archive_lacks(&s->archive, "no .jpg, .jpeg, .jpe or .png file", err);
	int32_t *order;
	if (mem_alloc(&order, l->classes, sizeof *order, err))
		return -1;
	int rc = number_classes(s, l, wnids, order, err);
	for (size_t i = 0; !rc && i < l->n; i++) {
		const struct placed *p = &l->image[i];
		struct part *at =
			p->class.p ? bsearch(&p->class, l->class, l->classes, sizeof *l->class, by_part) : NULL;
		rc = source_add(s, at ? order[at - l->class] : -1, p->split, p->entry, err);
	}
	free(order);
	size_t others = s->archive.n - l->n - sides;
	int n = 0;
	if (others)
		n = snprintf(s->note, sizeof s->note, "%zu files that are neither .jpg, .jpeg, .jpe nor .png left out",
			     others);
	if (l->notes > l->used)
		snprintf(s->note + n, sizeof s->note - (size_t)n, "%s%zu annotations without an image", n ? "; " : "",
			 l->notes - l->used);
	return rc;
}

static int file(const struct source *s, const struct item *item, const unsigned char **bytes, size_t *len,
		struct scratch *scratch, struct err *err)
{
	const struct entry *e = &s->archive.entry[s->where[item->at]];
	if (e->size > FILE_MAX)
		return err_set(err, "longer than %d bytes", FILE_MAX);
	if (mem_grow(&scratch->bytes, &scratch->cap, e->size, 1, err) ||
	    archive_read(&s->archive, e, 0, scratch->bytes, e->size, err))
		return -1;
	*bytes = scratch->bytes;
	*len = e->size;
	return 0;
}

static int folder_load(const struct source *s, const struct item *item, const struct want *want, struct image *out,
		struct scratch *scratch, char *note, struct err *err)
{
	const unsigned char *bytes;
	size_t len;
	*note = 0;
	if (file(s, item, &bytes, &len, scratch, err))
		return -1;
	return codec_decode(bytes, len, &s->opt.codec, want, out, &scratch->b, note, err);
}

static void folder_describe(const struct source *s, const struct item *item, char *text, size_t size)
{
	archive_describe(&s->archive, &s->archive.entry[s->where[item->at]], text, size);
}

static const struct source_ops ops = {
	.next = source_next_indexed, .load = folder_load, .file = file, .describe = folder_describe
};

int folder_open(struct source *s, struct err *err)
{
	struct listing l = { 0 };
	s->ops = &ops;
	int rc = build_items(s, &l, err);
	while (l.texts)
		free(l.text[--l.texts].text);
	free(l.text);
	free(l.note);
	free(l.image);
	free(l.class);
	return rc ? -1 : 0;
}

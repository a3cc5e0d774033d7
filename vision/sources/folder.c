/* Image folders. These are read, each also inside folders that hold nothing else:
 *
 *   CLASS/                     SPLIT/                    wnids.txt              (Tiny ImageNet)
 *     FILE                       CLASS/                  train/
 *     more/folders/FILE            FILE                    CLASS/images/FILE
 *   CLASS/ ...                   CLASS/ ...              val/
 *                              SPLIT/ ...                  val_annotations.txt
 *   CLASS/                                                 images/FILE
 *     SPLIT/                   FILE                      test/
 *       FILE                   no class, or --labels       images/FILE         (no class)
 *
 * SPLIT: a name that splits.h knows; without one, the operand's own name is asked. FILE: one of LISTING_ENDS; others
 * are counted and passed over. wnids.txt names and orders the classes, which are else sorted by name.
 * val_annotations.txt has lines "FILE<TAB>CLASS<TAB>..." for the files of the folder images beside it.
 *
 * `where` of an item: its entry. Steps: find split and class by position (layout.c), replace class "images" by the
 * annotation, or all by a file of labels (labels.c), sort the class names, number them. A struct part points into an
 * entry's name or a text of the listing, and both stay until the list is built. */
#include "listing.h"
#include "pipeline/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { FILE_MAX = 128 << 20 };

static int by_part(const void *a, const void *b)
{
	return part_cmp(*(const struct part *)a, *(const struct part *)b);
}

static int home_cmp(struct home a, struct home b)
{
	return a.root != b.root ? (a.root > b.root) - (a.root < b.root) : part_cmp(a.name, b.name);
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
	for (size_t i = 0; i < l->n + l->empties; i++) {
		struct part c = i < l->n ? l->image[i].class : l->empty[i - l->n];
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
		if (!n || part_cmp(l->class[n - 1], l->class[i]))
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

/* What is read beside pictures. */
static int is_side(const char *base)
{
	return !strcmp(base, "wnids.txt") || !strcmp(base, "val_annotations.txt");
}

/* Archives that lie in what is read: their pictures, if they hold any, are no records. */
static int note_archives(struct source *s, struct err *err)
{
	size_t n = 0, first = 0;
	char text[1024];
	for (size_t i = 0; i < s->archive.n; i++)
		if (archive_is_packed(s->archive.entry[i].name) && !n++)
			first = i;
	if (!n)
		return 0;
	archive_describe(&s->archive, &s->archive.entry[first], text, sizeof text);
	return source_note(s, err, "%zu of them %s, which nobody looks into: unpack %s, or give each as a PATH; the "
				   "first: %s",
			   n, n == 1 ? "is an archive" : "are archives", n == 1 ? "it" : "them", text);
}

/* Notes how many files are no pictures, by the ends of their names. */
static int note_others(struct source *s, struct err *err)
{
	enum { KINDS = 8 };
	struct {
		const char *end;
		size_t n;
	} kind[KINDS + 1] = { { "", 0 } }; /* [0]: the rest */
	size_t all = s->archive.hidden, kinds = 0, used = 0;
	char text[256] = "";
	for (size_t i = 0; i < s->archive.n; i++) {
		const char *base = archive_base(&s->archive.entry[i]), *dot = strrchr(base, '.');
		if (listing_is_image(base) || is_side(base))
			continue;
		all++;
		size_t k = 1;
		while (dot && k <= kinds && strcasecmp(kind[k].end, dot))
			k++;
		if (!dot || strlen(dot) > 12 || k > KINDS)
			k = 0;
		else if (k > kinds)
			kind[kinds = k].end = dot;
		kind[k].n++;
	}
	for (size_t k = 1; k <= kinds; k++)
		used += (size_t)snprintf(text + used, sizeof text - used, ", %zu %s", kind[k].n, kind[k].end);
	if (kind[0].n)
		used += (size_t)snprintf(text + used, sizeof text - used, ", %zu others", kind[0].n);
	if (s->archive.hidden)
		snprintf(text + used, sizeof text - used, ", %zu hidden", s->archive.hidden);
	return all ? source_note(s, err, "%zu file%s passed over, no " LISTING_ENDS ": %s", all,
				 all == 1 ? "" : "s", text + 2)
		   : 0;
}

/* The order of names but for their case; vic-tokenize says the same of its classes. */
static int by_folded(const void *a, const void *b)
{
	const struct part *x = a, *y = b;
	int c = strncasecmp(x->p, y->p, x->n < y->n ? x->n : y->n);
	return c ? c : (x->n > y->n) - (x->n < y->n);
}

/* train/cat beside test/Cat. */
static int note_alike(struct source *s, const struct listing *l, struct err *err)
{
	struct part *sorted;
	size_t pairs = 0, first = 0;
	if (mem_alloc(&sorted, l->classes, sizeof *sorted, err))
		return -1;
	if (l->classes)
		memcpy(sorted, l->class, l->classes * sizeof *sorted);
	qsort(sorted, l->classes, sizeof *sorted, by_folded);
	for (size_t i = 1; i < l->classes; i++)
		if (!by_folded(&sorted[i - 1], &sorted[i]) && !pairs++)
			first = i;
	int rc = pairs ? source_note(s, err, "%zu pair%s of classes differ in case alone, the first: '%.*s' and '%.*s'",
				     pairs, pairs == 1 ? "" : "s", (int)sorted[first - 1].n, sorted[first - 1].p,
				     (int)sorted[first].n, sorted[first].p)
		       : 0;
	free(sorted);
	return rc;
}

static int build_items(struct source *s, struct listing *l, struct err *err)
{
	const struct entry *wnids = NULL;
	size_t images = 0;
	for (size_t i = 0; i < s->archive.n; i++) {
		const char *base = archive_base(&s->archive.entry[i]);
		images += (size_t)listing_is_image(base);
		if (!wnids && !strcmp(base, "wnids.txt"))
			wnids = &s->archive.entry[i];
	}
	if (!images)
		return archive_lacks(&s->archive, "no " LISTING_ENDS " file", err);
	if (listing_place(s, l, err) || apply_annotations(s, l, wnids != NULL, err) ||
	    (s->opt.labels && listing_label(s, l, err)) || collect_classes(l, err))
		return -1;
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
	if (!rc && l->notes > l->used)
		rc = source_note(s, err, "%zu annotations without an image", l->notes - l->used);
	return rc || note_alike(s, l, err) || note_others(s, err) || note_archives(s, err) ? -1 : 0;
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

static int folder_name(const struct source *s, const struct item *item, char **name, struct err *err)
{
	return archive_path(&s->archive, &s->archive.entry[s->where[item->at]], name, err);
}

static const struct source_ops ops = { .next = source_next_indexed,
				       .load = folder_load,
				       .file = file,
				       .name = folder_name,
				       .describe = folder_describe };

int folder_open(struct source *s, struct err *err)
{
	struct listing l = { 0 };
	s->ops = &ops;
	s->head.names = 1;
	int rc = build_items(s, &l, err);
	while (l.texts)
		free(l.text[--l.texts].text);
	while (l.owns)
		free(l.own[--l.owns]);
	free(l.own);
	free(l.text);
	free(l.note);
	free(l.empty);
	free(l.image);
	free(l.class);
	return rc ? -1 : 0;
}

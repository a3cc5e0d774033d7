/* Finds splits and classes by position. A root's folders below what all its pictures share are read in one of three
 * ways: all are splits, all are classes, or all are classes that hold split folders. What is a bit of two is refused
 * with an example of each. Entries are sorted, so the pictures of one folder stand together. */
#include "layout.h"
#include "pipeline/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define NO_SPLITS "--no-splits takes every folder for a class, whatever its name"

int listing_is_image(const char *name)
{
	static const char *const ends[] = { ".jpg",  ".jpeg", ".jpe",  ".jfif", ".png",
					    ".webp", ".tif",  ".tiff", ".bmp" };
	const char *dot = strrchr(name, '.');
	for (size_t i = 0; dot && i < sizeof ends / sizeof *ends; i++)
		if (!strcasecmp(dot, ends[i]))
			return 1;
	return 0;
}

static int split_at(const struct source *s, struct part f)
{
	return f.p && !s->opt.no_splits ? splits_of(f.p, f.n) : -1;
}

/* The folders that all pictures are in, as far as they are neither splits nor needed as classes. */
static size_t shared_top(const struct source *s, const struct root *r)
{
	const char *first = NULL;
	size_t shared = 0;
	for (;;) {
		size_t next = 0;
		first = NULL;
		for (size_t i = r->begin; i < r->end; i++) {
			const char *name = s->archive.entry[i].name;
			if (!listing_is_image(name))
				continue;
			struct part f = folder_at(name + shared);
			if (!f.p || !strchr(f.p + f.n + 1, '/') || split_at(s, f) >= 0)
				return shared;
			if (!first) {
				first = name;
				next = shared + f.n + 1;
			} else if (strncmp(first, name, next)) {
				return shared;
			}
		}
		if (!first)
			return shared;
		shared = next;
	}
}

/* train/train: what lies in the second, which holds all that the first does. */
static void look_into_peeled(const struct source *s, const struct root *r, struct first *in)
{
	size_t skip = in->name.n + 1 + in->peel.n;
	in->deeper = NULL;
	for (size_t i = r->begin; i < r->end; i++) {
		const char *name = s->archive.entry[i].name;
		if (!listing_is_image(name) || strncmp(name + r->top, in->name.p, skip))
			continue;
		const char **seen = folder_at(name + r->top + skip).p ? &in->deeper : &in->direct;
		*seen = *seen ? *seen : name;
	}
}

static int list_first(const struct source *s, struct root *r, struct err *err)
{
	for (size_t i = r->begin; i < r->end; i++) {
		const char *name = s->archive.entry[i].name;
		if (!listing_is_image(name))
			continue;
		struct part f = folder_at(name + r->top);
		r->picture = r->picture ? r->picture : name;
		if (!f.p) {
			r->loose = r->loose ? r->loose : name;
			continue;
		}
		struct part below = folder_at(f.p + f.n + 1);
		if (!r->n || part_cmp(r->first[r->n - 1].name, f)) {
			if (mem_grow(&r->first, &r->cap, r->n + 1, sizeof *r->first, err))
				return -1;
			r->first[r->n] = (struct first){ .name = f, .split = split_at(s, f) };
			splits_hint(&r->first[r->n].hint, f.p, f.n);
			if (r->first[r->n].split >= 0 && split_at(s, below) == r->first[r->n].split)
				r->first[r->n].peel = (struct part){ below.p, below.n + 1 };
			r->n++;
		}
		struct first *in = &r->first[r->n - 1];
		const char **seen = below.p ? &in->deeper : &in->direct;
		*seen = *seen ? *seen : name;
		if (in->peel.n && strncmp(f.p + f.n + 1, in->peel.p, in->peel.n))
			in->peel.n = 0;
	}
	for (size_t i = 0; i < r->n; i++)
		if (r->first[i].peel.n)
			look_into_peeled(s, r, &r->first[i]);
	return 0;
}

/* Fails: one name is a split's and the other none. */
static int in_part(const struct source *s, const struct root *r, struct part split, struct part other, struct err *err)
{
	return err_set(err,
		       "%s: folder '%.*s' is named like a split and '%.*s' is not, so one of them is read wrongly: "
		       "%s; else rename one or take it out",
		       s->archive.root[r->number].path, (int)split.n, split.p, (int)other.n, other.p, NO_SPLITS);
}

/* Folders below classes: all splits with the pictures in them, or none. */
static int look_below(const struct source *s, struct root *r, struct err *err)
{
	struct part split = { NULL, 0 }, other = { NULL, 0 };
	for (size_t i = r->begin; i < r->end; i++) {
		const char *name = s->archive.entry[i].name;
		struct part class = listing_is_image(name) ? folder_at(name + r->top) : (struct part){ NULL, 0 };
		if (!class.p)
			continue;
		struct part f = folder_at(class.p + class.n + 1);
		if (split_at(s, f) >= 0 && !strchr(f.p + f.n + 1, '/'))
			split = (struct part){ class.p, class.n + 1 + f.n };
		else
			other = f.p ? (struct part){ class.p, class.n + 1 + f.n } : class;
		if (split_at(s, f) >= 0 && other.p == class.p) /* and folders in it */
			return err_set(
				err,
				"%s: folder '%.*s' is named like a split and lies in a class folder, with folders "
				"below; %s",
				s->archive.root[r->number].path, (int)other.n, other.p, NO_SPLITS);
	}
	r->classes_split = split.p != NULL;
	return split.p && other.p ? in_part(s, r, split, other, err) : 0;
}

/* What first[] are. */
static int recognise(const struct source *s, struct root *r, struct err *err)
{
	const struct first *split = NULL, *other = NULL;
	struct split_hint *hint;
	if (s->opt.no_splits)
		return 0;
	if (mem_alloc(&hint, r->n, sizeof *hint, err))
		return -1;
	for (size_t i = 0; i < r->n; i++) {
		hint[i] = r->first[i].hint;
		*(r->first[i].split >= 0 ? &split : &other) = &r->first[i];
	}
	int one = splits_of_one(hint, r->n), all = splits_all(hint, r->n);
	free(hint);
	for (size_t i = 0; one && i < r->n; i++)
		r->first[i].split = r->first[i].hint.split;
	r->splits = one || (split && !other);
	if (r->splits)
		return 0;
	if (split)
		return in_part(s, r, split->name, other->name, err);
	if (all)
		return err_set(err,
			       "%s: the folders '%.*s' and others each name a split beside something else; make them "
			       "SPLIT/CLASS folders; %s",
			       s->archive.root[r->number].path, (int)r->first[0].name.n, r->first[0].name.p, NO_SPLITS);
	return look_below(s, r, err);
}

/* A picture's class is its folder: beside class folders it has none. */
static int nothing_between(const struct source *s, const struct root *r, struct err *err)
{
	const char *direct = r->loose;
	struct part in = r->n ? r->first[0].name : (struct part){ NULL, 0 };
	if (s->opt.labels)
		return 0;
	for (size_t i = 0; r->splits && !(direct && in.p) && i < r->n; i++) {
		const struct first *f = &r->first[i];
		direct = f->direct;
		in = f->deeper ? folder_at(f->deeper + r->top + f->name.n + 1 + f->peel.n) : (struct part){ NULL, 0 };
	}
	return !direct || !in.p
		       ? 0
		       : err_set(err,
				 "%s: the picture '%s' lies beside the folder '%.*s' of pictures, and would have "
				 "no class; take it out, or into a folder",
				 s->archive.root[r->number].path, direct, (int)in.n, in.p);
}

/* The operand's own name and that of the folder above, behind links and dots. */
static int name_root(const struct source *s, struct root *r, struct err *err)
{
	const struct archive_root *a = &s->archive.root[r->number];
	char *path = a->fd < 0 ? realpath(a->path, NULL) : NULL;
	if (!path) /* an archive; or a folder above may not be looked into, which a relative path need not */
		path = strdup(a->path);
	if (!path)
		return err_memory(err);
	char *base = strrchr(path, '/');
	snprintf(r->name, sizeof r->name, "%s", base ? base + 1 : path);
	if (base)
		*base = 0;
	char *above = strrchr(path, '/');
	snprintf(r->above, sizeof r->above, "%s", base ? (above ? above + 1 : path) : "");
	free(path);
	if (a->fd >= 0) /* train.tar.gz: the name before the first dot that ends one */
		r->name[strcspn(r->name, ".")] = 0;
	splits_hint(&r->hint, r->name, strlen(r->name));
	r->split = s->opt.no_splits ? -1 : splits_of(r->name, strlen(r->name));
	return 0;
}

static int is_flat(const struct root *r)
{
	return !r->n && r->loose;
}

/* What the operands' own names say, where no folder below says it. */
static int read_names(struct source *s, struct root *root, int n, struct err *err)
{
	struct split_hint *hint;
	int flat = 0;
	if (mem_alloc(&hint, (size_t)n, sizeof *hint, err))
		return -1;
	for (int i = 0; i < n; i++)
		hint[i] = root[i].hint;
	for (int i = 0; !s->opt.no_splits && splits_of_one(hint, (size_t)n) && i < n; i++)
		root[i].split = hint[i].split;
	free(hint);
	for (int i = 0; i < n; i++)
		flat += is_flat(&root[i]) && root[i].split < 0 && s->archive.root[i].fd < 0;
	if (flat == n && n > 1 && !s->opt.labels) { /* what CLASS folders are called one by one */
		for (int i = 0; i < n; i++) {
			root[i].class = (struct part){ root[i].name, strlen(root[i].name) };
			root[i].split = s->opt.no_splits ? -1 : splits_of(root[i].above, strlen(root[i].above));
		}
		return 0;
	}
	for (int i = 0; i < n; i++)
		if (flat && n > 1 && root[i].n && !root[i].splits && !s->opt.labels)
			return err_set(
				err,
				"%s: holds class folders, and another PATH only pictures; give folders of one kind",
				s->archive.root[i].path);
	return 0;
}

static int note_names(struct source *s, const struct root *r, struct err *err)
{
	const char *path = s->archive.root[r->number].path;
	struct part top = { r->picture, r->top ? r->top - 1 : 0 };
	struct split_hint h;
	if (!r->picture || r->splits || r->classes_split || s->opt.no_splits)
		return 0;
	if (r->split >= 0)
		return source_note(s, err, "%s: its %sname makes its records %s (--split changes that)", path,
				   r->class.p ? "folder's " : "", split_name(r->split));
	splits_hint(&h, top.p, top.n);
	if (h.split < 0)
		h = r->hint;
	if (h.split < 0 || h.split == SPLIT_TRAIN)
		return 0;
	return source_note(s, err, "%s: sounds like split %s, and its records are marked train (--split changes that)",
			   path, split_name(h.split));
}

const struct first *layout_first(const struct root *r, struct part f)
{
	for (size_t i = 0; f.p && i < r->n; i++)
		if (!part_cmp(r->first[i].name, f))
			return &r->first[i];
	return NULL;
}

static struct placed place_one(const struct source *s, const struct root *r, size_t entry)
{
	const char *name = s->archive.entry[entry].name, *rest = name + r->top;
	struct placed p = { .entry = entry, .split = r->split >= 0 ? r->split : SPLIT_TRAIN, .class = r->class };
	struct part f = folder_at(rest);
	if (r->splits && f.p) {
		const struct first *in = layout_first(r, f);
		p.split = in->split;
		rest += f.n + 1 + in->peel.n;
		f = folder_at(rest);
	}
	p.home = (struct home){ r->number, { name, (size_t)(rest - name) } };
	if (f.p)
		p.class = f;
	if (r->classes_split && f.p)
		p.split = split_at(s, folder_at(f.p + f.n + 1));
	return p;
}

/* The folder below a picture's class folder, and below its split's; p NULL: it lies in the class folder itself. */
static struct part below_class(const struct root *r, const struct placed *p)
{
	if (!p->class.p || p->class.p == r->name)
		return (struct part){ NULL, 0 };
	struct part f = folder_at(p->class.p + p->class.n + 1);
	return f.p && r->classes_split ? folder_at(f.p + f.n + 1) : f;
}

/* Folders whose names became nothing: animals/cat has the class animals. */
static int note_deeper(struct source *s, const struct listing *l, const struct root *r, size_t from, struct err *err)
{
	size_t deeper = 0;
	struct part first = { NULL, 0 }, class = { NULL, 0 };
	for (size_t i = from; i < l->n; i++) {
		struct part f = below_class(r, &l->image[i]);
		if (f.p && !deeper++) {
			first = f;
			class = l->image[i].class;
		}
	}
	return deeper ? source_note(s, err,
				    "%s: %zu of the pictures lie in folders below their class's, whose names are not "
				    "read: those of '%.*s', as '%.*s', have the class '%.*s'",
				    s->archive.root[r->number].path, deeper, (int)(first.p + first.n - class.p),
				    class.p, (int)first.n, first.p, (int)class.n, class.p)
		      : 0;
}

static int place_root(struct source *s, struct listing *l, const struct root *r, struct err *err)
{
	size_t from = l->n;
	s->says_split |= r->splits || r->classes_split || r->split >= 0;
	for (size_t i = r->begin; i < r->end; i++) {
		if (!listing_is_image(s->archive.entry[i].name))
			continue;
		if (mem_grow(&l->image, &l->cap, l->n + 1, sizeof *l->image, err))
			return -1;
		l->image[l->n++] = place_one(s, r, i);
	}
	return s->opt.labels ? 0 : note_deeper(s, l, r, from, err);
}

static int place_roots(struct source *s, struct listing *l, struct root *root, struct err *err)
{
	size_t at = 0;
	for (int i = 0; i < s->archive.roots; i++) {
		struct root *r = &root[i];
		r->number = i;
		r->begin = at;
		while (at < s->archive.n && s->archive.entry[at].root == i)
			at++;
		r->end = at;
		r->top = shared_top(s, r);
		if (list_first(s, r, err) || recognise(s, r, err) || nothing_between(s, r, err) || name_root(s, r, err))
			return -1;
	}
	if (read_names(s, root, s->archive.roots, err))
		return -1;
	for (int i = 0; i < s->archive.roots; i++)
		if (place_root(s, l, &root[i], err) || note_names(s, &root[i], err) ||
		    (!s->opt.labels && layout_empty(s, l, &root[i], err)))
			return -1;
	/* a class named by its operand outlives the root */
	for (size_t i = 0; i < l->n; i++) {
		struct part *c = &l->image[i].class;
		const char *name = root[l->image[i].home.root].name;
		if (c->p != name)
			continue;
		if (!l->owns || strcmp(l->own[l->owns - 1], name)) {
			if (mem_grow(&l->own, &l->cap_own, l->owns + 1, sizeof *l->own, err) ||
			    mem_text(&l->own[l->owns], c->p, c->n, err))
				return -1;
			l->owns++;
		}
		c->p = l->own[l->owns - 1];
	}
	return 0;
}

int listing_place(struct source *s, struct listing *l, struct err *err)
{
	struct root *root;
	if (mem_alloc(&root, (size_t)s->archive.roots, sizeof *root, err))
		return -1;
	int rc = place_roots(s, l, root, err);
	for (int i = 0; i < s->archive.roots; i++) {
		free(root[i].first);
		free(root[i].empty_split);
	}
	free(root);
	return rc;
}

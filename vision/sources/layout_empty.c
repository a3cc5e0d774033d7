/* Folders that stand where a class's or a split's stands and hold no picture: of those that the archive lists, and of
 * those that passed over files lie in. */
#include "layout.h"
#include "pipeline/base/mem.h"

/* The folder of a name that should hold a class's pictures (or a split's): bytes of it, 0 where there is none. */
static size_t class_folder(const struct root *r, const char *name, const char *picture, int is_folder)
{
	const char *rest = name + r->top;
	if (!picture || strncmp(name, picture, r->top)) /* beside what the pictures share */
		return 0;
	for (int level = 0; level < 1 + (r->splits || r->classes_split); level++) {
		size_t n = strcspn(rest, "/");
		struct part f = { rest, n };
		const struct first *in = layout_first(r, f);
		int last = !rest[n];
		if (!n || (last && !is_folder))
			return 0;
		if (!level && r->splits) {
			if (!in)
				return splits_of(f.p, f.n) >= 0 ? (size_t)(rest + n - name) : 0;
			if (last)
				return 0;
			rest += n + 1;
			if (in->peel && strlen(rest) >= in->peel)
				rest += in->peel;
			else if (in->peel)
				return 0;
			if (in->direct) /* a split without classes */
				return 0;
			continue;
		}
		if (!level && r->classes_split && in)
			return 0;
		return (size_t)(rest + n - name);
	}
	return 0;
}

static int has_picture(const struct source *s, const struct root *r, const char *name, size_t n)
{
	size_t lo = r->begin, hi = r->end;
	while (lo < hi) { /* the first entry not before the folder */
		size_t mid = lo + (hi - lo) / 2;
		if (strncmp(s->archive.entry[mid].name, name, n) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < r->end && !strncmp(s->archive.entry[lo].name, name, n); lo++)
		if (s->archive.entry[lo].name[n] == '/' && listing_is_image(s->archive.entry[lo].name))
			return 1;
	return 0;
}

/* Counts and keeps a folder without pictures, once. *last: the folder looked at before, since those of one folder come
 * one after the other. */
static int look_empty(struct source *s, struct listing *l, const struct root *r, const char *name, int is_folder,
		      const char *picture, struct part *last, struct err *err)
{
	size_t n = class_folder(r, name, picture, is_folder), base = n;
	if (!n || (last->n == n && !memcmp(last->p, name, n)))
		return 0;
	*last = (struct part){ name, n };
	if (has_picture(s, r, name, n))
		return 0;
	while (base && name[base - 1] != '/')
		base--;
	struct part class = { name + base, n - base };
	for (size_t i = 0; i < l->empties; i++)
		if (!part_cmp(l->empty[i], class))
			return 0;
	if (!s->opt.allow_empty)
		return err_set(
			err,
			"%s: folder '%.*s' holds no picture that is read (" LISTING_ENDS "), though it stands among "
			"those of classes; take it out, convert what it holds, or go on by --allow-empty",
			s->archive.root[r->number].path, (int)n, name);
	if (source_note(s, err, "%s: folder '%.*s' holds no picture", s->archive.root[r->number].path, (int)n, name))
		return -1;
	if (splits_of(class.p, class.n) >= 0 && r->splits)
		return 0;
	if (mem_grow(&l->empty, &l->cap_empty, l->empties + 1, sizeof *l->empty, err))
		return -1;
	l->empty[l->empties++] = class;
	return 0;
}

int layout_empty(struct source *s, struct listing *l, const struct root *r, struct err *err)
{
	const char *picture = NULL;
	struct part last = { NULL, 0 };
	for (size_t i = r->begin; !picture && i < r->end; i++)
		if (listing_is_image(s->archive.entry[i].name))
			picture = s->archive.entry[i].name;
	for (size_t i = r->begin; i < r->end; i++)
		if (!listing_is_image(s->archive.entry[i].name) &&
		    look_empty(s, l, r, s->archive.entry[i].name, 0, picture, &last, err))
			return -1;
	for (size_t i = 0; i < s->archive.folders; i++)
		if (s->archive.folder[i].root == r->number &&
		    look_empty(s, l, r, s->archive.folder[i].name, 1, picture, &last, err))
			return -1;
	return 0;
}

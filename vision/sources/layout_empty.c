/* Folders that stand where a class's or a split's stands and hold no picture: of those that the archive lists, and of
 * those that passed over files lie in. */
#include "layout.h"
#include "pipeline/base/mem.h"

/* The folder of a name that should hold a class's pictures, or a split's (*split): bytes of it; 0: there is none. */
static size_t class_folder(const struct root *r, const char *name, int is_folder, int *split)
{
	const char *rest = name + r->top;
	*split = 0;
	if (!r->picture || strncmp(name, r->picture, r->top)) /* beside what the pictures share */
		return 0;
	struct part f = { rest, strcspn(rest, "/") };
	if (r->splits) {
		const struct first *in = layout_first(r, f);
		*split = !in;
		if (!in && splits_of(f.p, f.n) < 0)
			return 0;
		if (in) {
			rest += f.n + (rest[f.n] == '/');
			if (in->direct) /* a split without classes */
				return 0;
			if (in->peel.n && strncmp(rest, in->peel.p, in->peel.n)) /* beside them */
				return 0;
			rest += in->peel.n;
			f = (struct part){ rest, strcspn(rest, "/") };
		}
	}
	return f.n && (f.p[f.n] || is_folder) ? (size_t)(f.p + f.n - name) : 0;
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

static int is_among(struct part f, const struct part *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!part_cmp(all[i], f))
			return 1;
	return 0;
}

/* Counts and keeps a folder without pictures, once. *last: the folder looked at before, since those of one folder come
 * one after the other. */
static int look_empty(struct source *s, struct listing *l, struct root *r, const char *name, int is_folder,
		      struct part *last, struct err *err)
{
	int split;
	size_t n = class_folder(r, name, is_folder, &split), base = n;
	if (!n || (last->n == n && !memcmp(last->p, name, n)))
		return 0;
	*last = (struct part){ name, n };
	if (has_picture(s, r, name, n))
		return 0;
	while (base && name[base - 1] != '/')
		base--;
	struct part own = { name + base, n - base };
	if (split ? is_among(own, r->empty_split, r->empty_splits) : is_among(own, l->empty, l->empties))
		return 0;
	if (!s->opt.allow_empty)
		return err_set(
			err,
			"%s: folder '%.*s' holds no picture that is read (" LISTING_ENDS "), though it stands among "
			"those of classes; take it out, convert what it holds, or go on by --allow-empty",
			s->archive.root[r->number].path, (int)n, name);
	if (source_note(s, err, "%s: folder '%.*s' holds no picture", s->archive.root[r->number].path, (int)n, name))
		return -1;
	if (split ? mem_grow(&r->empty_split, &r->cap_empty_splits, r->empty_splits + 1, sizeof own, err)
		  : mem_grow(&l->empty, &l->cap_empty, l->empties + 1, sizeof own, err))
		return -1;
	*(split ? &r->empty_split[r->empty_splits++] : &l->empty[l->empties++]) = own;
	return 0;
}

int layout_empty(struct source *s, struct listing *l, struct root *r, struct err *err)
{
	struct part last = { NULL, 0 };
	for (size_t i = r->begin; i < r->end; i++)
		if (!listing_is_image(s->archive.entry[i].name) &&
		    look_empty(s, l, r, s->archive.entry[i].name, 0, &last, err))
			return -1;
	for (size_t i = 0; i < s->archive.folders; i++)
		if (s->archive.folder[i].root == r->number &&
		    look_empty(s, l, r, s->archive.folder[i].name, 1, &last, err))
			return -1;
	return 0;
}

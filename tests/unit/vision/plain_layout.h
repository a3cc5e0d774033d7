/* plain_layout: what vision/sources/layout.h and layout_empty.c find in a list of names, told again from names that are
 * cut into their parts, one question at a time: which folders are shared, what the next ones are, where each picture
 * belongs, what is said and what is refused. Shares with them the meaning of one name (splits.h) alone. */
#ifndef VIC_PLAIN_LAYOUT_H
#define VIC_PLAIN_LAYOUT_H

#include "vision/sources/listing.h"
#include "vision/sources/splits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLAIN_FILES = 24, PLAIN_PARTS = 10, PLAIN_WORD = 24, PLAIN_NAME = PLAIN_PARTS * PLAIN_WORD, PLAIN_SETS = 3 };

/* A file, or a folder that is listed. */
struct plain_file {
	char name[PLAIN_NAME];
	char part[PLAIN_PARTS][PLAIN_WORD]; /* [folders], and of a file its last */
	int folders;
	int picture;
};

enum plain_kind { PLAIN_CLASSES, PLAIN_SPLITS, PLAIN_CLASSES_OF_SPLITS };

/* A folder below the shared ones. */
struct plain_first {
	char name[PLAIN_WORD];
	int split, peel; /* peel: 1 when train/train holds all */
};

/* An operand. */
struct plain_set {
	char path[PLAIN_NAME];
	int packed;
	struct plain_file file[PLAIN_FILES], dir[PLAIN_FILES];
	int files, dirs;
	/* found by plain_read */
	struct plain_first first[PLAIN_FILES];
	int top, firsts, split, own_class;
	enum plain_kind kind;
	char name[PLAIN_NAME], above[PLAIN_NAME];
	struct split_hint hint;
};

struct plain_answer {
	char error[2048]; /* "" where there is none */
	char note[16][2048];
	int notes, says_split, empties;
	char empty[PLAIN_SETS * PLAIN_FILES][PLAIN_WORD];
};

struct plain_options {
	int no_splits, labels, allow_empty;
};

/* Puts `more` behind the text in t. */
static inline void plain_add(char *t, size_t room, const char *more)
{
	size_t n = strlen(t), m = strlen(more);
	if (n + m >= room)
		abort();
	memcpy(t + n, more, m + 1);
}

#define PLAIN_ADD(t, more) plain_add(t, sizeof(t), more)
#define PLAIN_SET(t, text) (*(t) = 0, PLAIN_ADD(t, text))

/* "a/b/" of the parts from..to - 1, without the last '/' unless `slash`. */
static inline const char *plain_join(const struct plain_file *f, int from, int to, int slash)
{
	static char text[4][PLAIN_NAME + 1];
	static int turn;
	char *t = text[turn++ % 4];
	*t = 0;
	for (int i = from; i < to; i++) {
		plain_add(t, sizeof text[0], f->part[i]);
		plain_add(t, sizeof text[0], i + 1 < to || slash ? "/" : "");
	}
	return t;
}

static inline int plain_says(const struct plain_options *o, const char *name)
{
	return o->no_splits ? -1 : splits_of(name, strlen(name));
}

static inline const struct plain_file *plain_picture(const struct plain_set *s)
{
	for (int i = 0; i < s->files; i++)
		if (s->file[i].picture)
			return &s->file[i];
	return NULL;
}

/* How many folders all pictures are in that are no splits and leave each picture a folder. */
static inline int plain_top(const struct plain_set *s, const struct plain_options *o)
{
	const struct plain_file *p = plain_picture(s);
	for (int top = 0; p; top++)
		for (int i = 0; i < s->files; i++) {
			const struct plain_file *f = &s->file[i];
			if (f->picture && (f->folders < top + 2 || strcmp(f->part[top], p->part[top]) ||
					   plain_says(o, f->part[top]) >= 0))
				return top;
		}
	return 0;
}

static inline int plain_number(const struct plain_set *s, const char *name)
{
	for (int k = 0; k < s->firsts; k++)
		if (!strcmp(s->first[k].name, name))
			return k;
	return -1;
}

/* Whether a picture of folder k lies in it at its place `at`; NULL: none. deep: in a folder there. */
static inline const struct plain_file *plain_in(const struct plain_set *s, int k, int at, int deep)
{
	for (int i = 0; i < s->files; i++) {
		const struct plain_file *f = &s->file[i];
		if (f->picture && f->folders > s->top && !strcmp(f->part[s->top], s->first[k].name) &&
		    (deep ? f->folders > at : f->folders == at))
			return f;
	}
	return NULL;
}

static inline void plain_list(struct plain_set *s, const struct plain_options *o)
{
	s->top = plain_top(s, o);
	s->firsts = 0;
	for (int i = 0; i < s->files; i++)
		if (s->file[i].picture && s->file[i].folders > s->top && plain_number(s, s->file[i].part[s->top]) < 0) {
			struct plain_first *k = &s->first[s->firsts++];
			PLAIN_SET(k->name, s->file[i].part[s->top]);
			k->split = plain_says(o, k->name);
		}
	for (int k = 0; k < s->firsts; k++) {
		const struct plain_file *in = plain_in(s, k, s->top + 1, 1);
		s->first[k].peel = in && s->first[k].split >= 0 && !plain_in(s, k, s->top + 1, 0) &&
				   plain_says(o, in->part[s->top + 1]) == s->first[k].split;
		for (int i = 0; i < s->files; i++)
			if (s->file[i].picture && s->file[i].folders > s->top + 1 &&
			    !strcmp(s->file[i].part[s->top], s->first[k].name) &&
			    strcmp(s->file[i].part[s->top + 1], in->part[s->top + 1]))
				s->first[k].peel = 0;
	}
}

#define PLAIN_REMEDY "--no-splits takes every folder for a class, whatever its name"
static inline void plain_in_part(const struct plain_set *s, const char *split, const char *other, char *error)
{
	snprintf(error, 2048,
		 "%s: folder '%s' is named like a split and '%s' is not, so one of them is read wrongly: " PLAIN_REMEDY
		 "; else rename one or take it out",
		 s->path, split, other);
}

/* Classes that hold splits: each picture at CLASS/SPLIT/, or none. */
static inline void plain_below(struct plain_set *s, const struct plain_options *o, char *error)
{
	char split[PLAIN_NAME] = "", other[PLAIN_NAME] = "";
	for (int i = 0; i < s->files; i++) {
		const struct plain_file *f = &s->file[i];
		int below = f->folders - s->top - 1;
		if (!f->picture || below < 0)
			continue;
		int named = below && plain_says(o, f->part[s->top + 1]) >= 0;
		if (named && below > 1) {
			snprintf(error, 2048,
				 "%s: folder '%s' is named like a split and lies in a class folder, with folders "
				 "below; " PLAIN_REMEDY,
				 s->path, plain_join(f, s->top, s->top + 2, 0));
			return;
		}
		*(named ? split : other) = 0;
		plain_add(named ? split : other, PLAIN_NAME, plain_join(f, s->top, s->top + 1 + (below > 0), 0));
	}
	if (*split && *other)
		plain_in_part(s, split, other, error);
	else if (*split)
		s->kind = PLAIN_CLASSES_OF_SPLITS;
}

static inline void plain_kinds(struct plain_set *s, const struct plain_options *o, char *error)
{
	struct split_hint hint[PLAIN_FILES];
	const char *split = NULL, *other = NULL;
	s->kind = PLAIN_CLASSES;
	for (int k = 0; k < s->firsts; k++) {
		splits_hint(&hint[k], s->first[k].name, strlen(s->first[k].name));
		*(s->first[k].split >= 0 ? &split : &other) = s->first[k].name;
	}
	if (o->no_splits)
		return;
	if (splits_of_one(hint, (size_t)s->firsts) || (split && !other)) {
		s->kind = PLAIN_SPLITS;
		for (int k = 0; k < s->firsts && splits_of_one(hint, (size_t)s->firsts); k++)
			s->first[k].split = hint[k].split;
	} else if (split) {
		plain_in_part(s, split, other, error);
	} else if (splits_all(hint, (size_t)s->firsts)) {
		snprintf(error, 2048,
			 "%s: the folders '%s' and others each name a split beside something else; make them "
			 "SPLIT/CLASS folders; " PLAIN_REMEDY,
			 s->path, s->first[0].name);
	} else {
		plain_below(s, o, error);
	}
}

/* A picture beside folders of pictures has no class. */
static inline void plain_beside(const struct plain_set *s, char *error)
{
	const struct plain_file *picture = NULL;
	const char *folder = NULL;
	for (int i = 0; i < s->files && !picture; i++)
		if (s->file[i].picture && s->file[i].folders == s->top && s->firsts) {
			picture = &s->file[i];
			folder = s->first[0].name;
		}
	for (int k = 0; k < s->firsts && s->kind == PLAIN_SPLITS && !picture; k++) {
		int at = s->top + 1 + s->first[k].peel;
		const struct plain_file *deep = plain_in(s, k, at, 1);
		if (deep && plain_in(s, k, at, 0)) {
			picture = plain_in(s, k, at, 0);
			folder = deep->part[at];
		}
	}
	if (picture)
		snprintf(error, 2048,
			 "%s: the picture '%s' lies beside the folder '%s' of pictures, and would have no class; take "
			 "it "
			 "out, or into a folder",
			 s->path, picture->name, folder);
}

/* The last two parts of the path; of an archive without its endings. */
static inline void plain_name(struct plain_set *s, const struct plain_options *o)
{
	char path[PLAIN_NAME], *slash;
	PLAIN_SET(path, s->path);
	slash = strrchr(path, '/');
	PLAIN_SET(s->name, slash ? slash + 1 : path);
	*(slash ? slash : path) = 0;
	slash = strrchr(path, '/');
	PLAIN_SET(s->above, slash ? slash + 1 : path);
	if (s->packed && strchr(s->name, '.'))
		*strchr(s->name, '.') = 0;
	s->split = plain_says(o, s->name);
	splits_hint(&s->hint, s->name, strlen(s->name));
}

/* What operands' names say of all of them. */
static inline void plain_names(struct plain_set *set, int n, const struct plain_options *o, char *error)
{
	struct split_hint hint[PLAIN_SETS];
	int flat = 0;
	for (int i = 0; i < n; i++)
		hint[i] = set[i].hint;
	for (int i = 0; i < n; i++) {
		if (!o->no_splits && splits_of_one(hint, (size_t)n))
			set[i].split = hint[i].split;
		flat += !set[i].firsts && plain_picture(&set[i]) && set[i].split < 0 && !set[i].packed;
		set[i].own_class = 0;
	}
	if (n == 1 || o->labels)
		return;
	for (int i = 0; i < n; i++)
		if (flat == n) {
			set[i].own_class = 1;
			set[i].split = plain_says(o, set[i].above);
		} else if (flat && set[i].firsts && set[i].kind != PLAIN_SPLITS && !*error) {
			snprintf(error, 2048,
				 "%s: holds class folders, and another PATH only pictures; give folders of one kind",
				 set[i].path);
		}
}

/* Where a picture's class stands among its parts; -1: none. *home: how many folders its split's are. */
static inline int plain_class(const struct plain_set *s, const struct plain_file *f, int *home)
{
	*home = s->top;
	if (s->kind == PLAIN_SPLITS && f->folders > s->top)
		*home += 1 + s->first[plain_number(s, f->part[s->top])].peel;
	return f->folders > *home ? *home : -1;
}

static inline int plain_split(const struct plain_set *s, const struct plain_file *f, const struct plain_options *o)
{
	if (s->kind == PLAIN_SPLITS && f->folders > s->top)
		return s->first[plain_number(s, f->part[s->top])].split;
	if (s->kind == PLAIN_CLASSES_OF_SPLITS && f->folders > s->top)
		return plain_says(o, f->part[s->top + 1]);
	return s->split >= 0 ? s->split : SPLIT_TRAIN;
}

static inline void plain_notes(const struct plain_set *s, const struct plain_options *o, struct plain_answer *a)
{
	const struct plain_file *first = NULL, *p = plain_picture(s);
	int deeper = 0, home;
	for (int i = 0; i < s->files; i++) {
		int at = s->file[i].picture ? plain_class(s, &s->file[i], &home) : -1;
		int below = at + 1 + (s->kind == PLAIN_CLASSES_OF_SPLITS);
		if (at < 0 || s->file[i].folders <= below)
			continue;
		first = deeper++ ? first : &s->file[i];
	}
	if (deeper && !o->labels) {
		int at = plain_class(s, first, &home);
		snprintf(
			a->note[a->notes++], 2048,
			"%s: %d of the pictures lie in folders below their class's, whose names are not read: those of "
			"'%s', as '%s', have the class '%s'",
			s->path, deeper, plain_join(first, at, at + 2, 0), first->part[at + 1], first->part[at]);
	}
	if (s->kind != PLAIN_CLASSES || o->no_splits || !p)
		return;
	struct split_hint h;
	splits_hint(&h, plain_join(p, 0, s->top, 0), strlen(plain_join(p, 0, s->top, 0)));
	h = h.split < 0 ? s->hint : h;
	if (s->split >= 0)
		snprintf(a->note[a->notes++], 2048, "%s: its %sname makes its records %s (--split changes that)",
			 s->path, s->own_class ? "folder's " : "", split_name(s->split));
	else if (h.split >= 0 && h.split != SPLIT_TRAIN)
		snprintf(a->note[a->notes++], 2048,
			 "%s: sounds like split %s, and its records are marked train (--split changes that)", s->path,
			 split_name(h.split));
}

/* How many parts of f's are a folder that stands where classes stand, or splits (*split); 0: none. */
static inline int plain_place(const struct plain_set *s, const struct plain_file *f, int *split)
{
	const struct plain_file *p = plain_picture(s);
	*split = 0;
	if (!p || f->folders <= s->top || strcmp(plain_join(f, 0, s->top, 0), plain_join(p, 0, s->top, 0)))
		return 0;
	if (s->kind != PLAIN_SPLITS)
		return s->top + 1;
	int k = plain_number(s, f->part[s->top]);
	if (k < 0) {
		*split = 1;
		return splits_of(f->part[s->top], strlen(f->part[s->top])) >= 0 ? s->top + 1 : 0;
	}
	int at = s->top + 1 + s->first[k].peel;
	if (f->folders <= at || plain_in(s, k, at, 0))
		return 0;
	return s->first[k].peel && strcmp(f->part[s->top + 1], plain_in(s, k, at, 1)->part[s->top + 1]) ? 0 : at + 1;
}

static inline void plain_empty(const struct plain_set *s, const struct plain_options *o, struct plain_answer *a)
{
	char splits[PLAIN_FILES][PLAIN_WORD];
	int n_splits = 0, split = 0;
	for (int i = 0; i < s->files + s->dirs && !*a->error; i++) {
		const struct plain_file *f = i < s->files ? &s->file[i] : &s->dir[i - s->files];
		int n = f->picture ? 0 : plain_place(s, f, &split), known = !n;
		for (int k = 0; k < s->files && !known; k++)
			known = s->file[k].picture && s->file[k].folders >= n &&
				!strcmp(plain_join(&s->file[k], 0, n, 0), plain_join(f, 0, n, 0));
		for (int k = 0; k < (split ? n_splits : a->empties) && !known; k++)
			known = !strcmp(split ? splits[k] : a->empty[k], f->part[n - 1]);
		if (known)
			continue;
		if (!o->allow_empty) {
			snprintf(a->error, sizeof a->error,
				 "%s: folder '%s' holds no picture that is read (" LISTING_ENDS
				 "), though it stands among "
				 "those of classes; take it out, convert what it holds, or go on by --allow-empty",
				 s->path, plain_join(f, 0, n, 0));
			return;
		}
		snprintf(a->note[a->notes++], 2048, "%s: folder '%s' holds no picture", s->path,
			 plain_join(f, 0, n, 0));
		char *kept = split ? splits[n_splits++] : a->empty[a->empties++];
		*kept = 0;
		plain_add(kept, PLAIN_WORD, f->part[n - 1]);
	}
}

static inline void plain_layout(struct plain_set *set, int n, const struct plain_options *o, struct plain_answer *a)
{
	memset(a, 0, sizeof *a);
	for (int i = 0; i < n && !*a->error; i++) {
		plain_list(&set[i], o);
		plain_kinds(&set[i], o, a->error);
		if (!*a->error && !o->labels)
			plain_beside(&set[i], a->error);
		plain_name(&set[i], o);
	}
	if (!*a->error)
		plain_names(set, n, o, a->error);
	for (int i = 0; i < n && !*a->error; i++) {
		a->says_split |= set[i].kind != PLAIN_CLASSES || set[i].split >= 0;
		plain_notes(&set[i], o, a);
		if (!o->labels)
			plain_empty(&set[i], o, a);
	}
}

#endif

/* layout: what layout.c and layout_empty.c share: an operand and the folders in it. Private to them. */
#ifndef VIC_LAYOUT_H
#define VIC_LAYOUT_H

#include "listing.h"
#include "splits.h"

#include <limits.h>

/* A folder below the shared ones that holds pictures. */
struct first {
	struct part name;
	struct split_hint hint;
	int split;	  /* it stands for; -1 none */
	struct part peel; /* the folder of the same split in it that holds all its pictures, and a slash; n 0: none */
	const char *direct, *deeper; /* a picture in it, or in peel; one in a folder of that; or NULL */
};

/* One operand. */
struct root {
	int number;
	size_t begin, end;   /* of the archive's entries */
	const char *picture; /* the first, or NULL */
	size_t top;        /* bytes of names that all its pictures share */
	struct first *first;
	size_t n, cap;
	const char *loose;   /* a picture in none of them, or NULL */
	int splits;          /* first[] are splits */
	int classes_split;   /* first[] are classes that hold split folders */
	char name[NAME_MAX + 1], above[NAME_MAX + 1]; /* of the operand and of the folder that it lies in */
	struct split_hint hint;
	int split;	     /* of all, where no folder says one */
	struct part class;   /* of all, or p NULL */
	struct part *empty_split; /* splits' folders without a picture */
	size_t empty_splits, cap_empty_splits;
};

/* The next component with more after it, or p NULL. */
static inline struct part folder_at(const char *name)
{
	const char *slash = strchr(name, '/');
	return slash ? (struct part){ name, (size_t)(slash - name) } : (struct part){ NULL, 0 };
}

/* The first of r's folders whose name is f, or NULL. */
const struct first *layout_first(const struct root *r, struct part f);
/* Looks for folders without a picture, which are an error, or noted and put among l->empty. */
int layout_empty(struct source *s, struct listing *l, struct root *r, struct err *err) VIC_CHECKED;

#endif

/* listing: the pictures of a folder format while their splits and classes are found. Private to vision/folder.c, which
 * calls the others in the order in which they stand here, and their own. */
#ifndef VIC_LISTING_H
#define VIC_LISTING_H

#include "source.h"

#include <string.h>

/* A piece of an entry's name, or of a text that stays until the list is built. */
struct part {
	const char *p;
	size_t n;
};

static inline int part_cmp(struct part a, struct part b)
{
	int c = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
	return c ? c : (a.n > b.n) - (a.n < b.n);
}

/* A folder's name with its slash, and which operand it is in: two may have folders of one name. */
struct home {
	int root;
	struct part name;
};

/* Where a picture stands before class numbers are known. */
struct placed {
	size_t entry;
	int split;
	struct part class; /* p NULL: none */
	struct home home;  /* SPLIT folder, where val_annotations.txt would be */
};

/* A line of a val_annotations.txt, and the files of them. */
struct annotation {
	struct home home;
	struct part file, class;
};
struct annotated {
	unsigned char *text; /* owned */
	struct home home;
};

struct listing {
	struct placed *image; /* in the order of the archive's entries */
	size_t n, cap;
	struct part *empty; /* classes whose folder holds no picture */
	size_t empties, cap_empty;
	struct annotation *note;
	size_t notes, cap_notes, used;
	struct annotated *text;
	size_t texts, cap_texts;
	char **own; /* other texts that parts point into; owned */
	size_t owns, cap_own;
	struct part *class; /* sorted, or in the order of wnids.txt */
	size_t classes, cap_classes;
};

#define LISTING_ENDS ".jpg, .jpeg, .jpe, .jfif, .png, .webp, .tif, .tiff or .bmp"
/* 1 when the name ends as a picture's does that is read: in one of LISTING_ENDS, in any case. */
int listing_is_image(const char *name);
/* Fills l->image with every picture, its split and the folder that is its class, and l->empty. Sets s->says_split.
 * What must be known of the layout is noted in s. Errors: a layout that is recognised in part, class folders without a
 * picture (unless s->opt.allow_empty). */
int listing_place(struct source *s, struct listing *l, struct err *err) VIC_CHECKED;
/* Gives every picture the class that s->opt.labels, a file of names and classes, has for it. Errors: a line that is
 * none, a picture without a line, a line that means two pictures. */
int listing_label(struct source *s, struct listing *l, struct err *err) VIC_CHECKED;

#endif

/* walk: what lies in a folder and below. glibc's fts ends the program where memory is short (it does not look at what
 * its own malloc returned); here that is an error like any other, and so is a folder or file that cannot be looked at:
 * nothing is passed over. */
#ifndef VIC_WALK_H
#define VIC_WALK_H

#include "pipeline/base/err.h"

#include <sys/stat.h>

enum walk_at { WALK_ENTRY, WALK_FOLDER, WALK_LEFT }; /* no folder; a folder before, and after what lies in it */

struct walk_item {
	enum walk_at at;
	const char *path; /* the root's as given, '/' and the rest; valid during the visit */
	const char *name; /* its last component */
	int level;        /* 0: the root itself */
	struct stat st;
};

/* 0 to go on, 1 to pass over the folder just met, -1 to end with err filled. */
typedef int walk_visit(void *arg, const struct walk_item *item, struct err *err);

/* Visits `root` and all below it, in the order in which the system has it. `follow`: links are what they lead to
 * (errors: to nothing, to a folder above), else they are entries. Errors: a folder or an entry that cannot be looked
 * at, folders nested beyond 256. */
int walk(const char *root, int follow, walk_visit *visit, void *arg, struct err *err) VIC_CHECKED;

#endif

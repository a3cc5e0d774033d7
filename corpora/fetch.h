/* fetch: puts a data set into a folder, whole or not at all.
 *
 * All work is done in TO/NAME.part: files are loaded into FILE.part there (and go on where they stopped), checked,
 * unpacked into a folder, and that folder is renamed to TO/NAME at the end. So TO/NAME exists only complete, and holds
 * nothing but files and folders (members.h). */
#ifndef VIC_FETCH_H
#define VIC_FETCH_H

#include "pipeline/base/err.h"
#include "registry.h"

struct fetch {
	const char *to;				  /* the data folder */
	const char *from;			  /* a folder with a local copy, or NULL: the official address */
	int offline;				  /* never try the network */
	int quiet;				  /* no progress of curl */
	void (*say)(void *arg, const char *line); /* notes: what is done, what deviates */
	void *arg;
};

/* Puts data set `d` into f->to. Where it is there already nothing is done; says so. With `from`, files are taken from
 * FROM/NAME, FROM/OTHER or FROM itself, packed or not, and what differs from the published sums and counts is said;
 * without, it is an error. Errors: no network (what to do is said), a server's error, a wrong sum, a missing program, a
 * second fetch at the same time. */
int fetch_dataset(const struct dataset *d, const struct fetch *f, struct err *err) VIC_CHECKED;

#endif

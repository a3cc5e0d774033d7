/* download: a data set's published files from the network. Private to fetch.c, which shares its work with it. */
#ifndef VIC_DOWNLOAD_H
#define VIC_DOWNLOAD_H

#include "fetch.h"

/* Paths of one fetch; owned. */
struct fetch_work {
	const struct dataset *d;
	const struct fetch *f;
	char *goal;  /* TO/NAME */
	char *part;  /* TO/NAME.part */
	char *stage; /* TO/NAME.part/unpacked */
	int lock;
};

/* A line to whoever called fetch_dataset. */
void fetch_say(const struct fetch_work *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The file in w->part, loaded unless it is there already; *file, its path, is owned by the caller, also after a failure
 * (or NULL). Errors: no network, or VIC_OFFLINE; the server's; what was loaded is not the published file. */
int download(const struct fetch_work *w, const struct remote *r, char **file, struct err *err) VIC_CHECKED;

#endif

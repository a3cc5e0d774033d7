/* memtext: text printed into memory whose missing memory is noticed. A FILE of open_memstream() keeps silent when it
 * cannot grow: neither ferror() nor fclose() says so, and the text is short or empty. */
#ifndef VIC_MEMTEXT_H
#define VIC_MEMTEXT_H

#include "err.h"
#include <stdio.h>

struct memtext {
	FILE *to; /* print here */
	struct memtext_held *held;
};

int memtext_open(struct memtext *m, struct err *err) VIC_CHECKED;
/* Ends the printing. *text, NUL-terminated and the caller's to free, has *n bytes (n may be NULL) before the NUL. On
 * failure it is NULL: what was printed did not all find memory. */
int memtext_close(struct memtext *m, char **text, size_t *n, struct err *err) VIC_CHECKED;
/* Ends it and throws the text away; nothing to do for one that is {0} or closed. */
void memtext_drop(struct memtext *m);

#endif

/* spool: what must be kept until it is known to be whole. Files without a name in $TMPDIR (else /tmp): a killed program
 * leaves nothing behind. */
#ifndef VIC_SPOOL_H
#define VIC_SPOOL_H

#include "pipeline/base/err.h"
#include "io.h"

#include <sys/types.h>

/* An output that lies in such a file; it is never committed. */
int spool_output(struct output *out, struct err *err) VIC_CHECKED;
/* Copies all that was written to `spool` after what `to` has. */
int spool_copy(struct output *spool, struct output *to, struct err *err) VIC_CHECKED;

/* An input that is read more than once. */
struct spool {
	const char *path; /* for stream_open or input_open; "-" when the input was copied */
	off_t start;
};
/* A regular file stays where it is. Anything else (a pipe, a device) is copied to a file without a name, which takes
 * the place of the process's stdin: so at most one input of a process. */
int spool_input(struct spool *s, const char *path, struct err *err) VIC_CHECKED;
/* Call before each reading but the first. */
int spool_rewind(const struct spool *s, struct err *err) VIC_CHECKED;

#endif

/* process: what every program settles with the system before it does anything. */
#ifndef VIC_PROCESS_H
#define VIC_PROCESS_H

#include "err.h"

/* Where stdin, stdout or stderr is closed, puts something there that cannot be read or written: the next file that is opened would
 * get its number, and be taken for it. Makes a write beyond `ulimit -f` fail with EFBIG instead of ending the program. */
int process_begin(struct err *err) VIC_CHECKED;

#endif

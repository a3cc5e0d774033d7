/* leftover: names of unfinished files, removed also when a signal ends the program. */
#ifndef VIC_LEFTOVER_H
#define VIC_LEFTOVER_H

#include "pipeline/base/err.h"

enum { LEFTOVER_NAME = 32 };

/* Makes up a name that is free in the folder and remembers it: a signal that ends the program (not SIGKILL) unlinks it
 * first. The caller makes the file, and gives its own error where that fails with anything but EEXIST. Returns a number
 * for leftover_name and leftover_forget, or -1: so many files are being written that none can be remembered (errno:
 * EMFILE). `folder` is a descriptor that stays open until leftover_forget. */
int leftover_add(int folder);
const char *leftover_name(int number);
/* Removes them all now, from a signal handler. */
void leftover_remove(void);
/* The file has got its name for good, or was unlinked. */
void leftover_forget(int number);

#endif

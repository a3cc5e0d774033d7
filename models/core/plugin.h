/* plugin: shared objects of this installation that are opened when they are asked for, so that a program pays for none
 * that it does not use. Each exports one function without arguments, which returns a struct of constants that begins
 * with the number of its interface. */
#ifndef VIC_PLUGIN_H
#define VIC_PLUGIN_H

#include "pipeline/base/err.h"

struct plugin {
	void *library;    /* dlopen handle, NULL: none is open */
	const void *what; /* the struct */
};

/* Where `file` would lie: in $VIC_BACKENDS, or in ../lib/vicinal beside the running program. */
int plugin_path(char *path, size_t size, const char *file, struct err *err) VIC_CHECKED;
/* Opens it and calls its function `entry`. Errors are of VIC_NO_DEVICE and name the file, and what the loader says,
 * which may be a library that the plug-in wants; or that it was built for another interface than `abi`. */
int plugin_open(struct plugin *p, const char *file, const char *entry, int abi, struct err *err) VIC_CHECKED;
void plugin_close(struct plugin *p); /* safe on a zeroed struct and twice */

#endif

/* archive_parts: what archive.c and archive_unpack.c share. Private to them. */
#ifndef VIC_ARCHIVE_PARTS_H
#define VIC_ARCHIVE_PARTS_H

#include "archive.h"
#include "pipeline/formats/tar.h"

/* Adds a file or folder of an archive: prefix + its name without "./", "../" and "/" in front; a hidden component, or
 * an empty name: nothing is added. A tar is looked into, where prefix is empty. */
int archive_add_member(struct archive *a, int root, const char *prefix, const struct tar_entry *e,
		       struct err *err) VIC_CHECKED;
/* Unpacks fd from where it stands into the root's own file; a zip's files are added. fd stays the caller's. *kind:
 * unpack_kind of what it was. */
int archive_unpack(struct archive *a, int root, const char *path, int fd, const char **kind,
		   struct err *err) VIC_CHECKED;

#endif

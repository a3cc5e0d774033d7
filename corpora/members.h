/* members: what an archive may put on the disk. Archives come from others, by a network or a friend: only regular files
 * and folders, under names that stay where they are unpacked. tar and unzip do the unpacking; here is what is looked at
 * before and after. */
#ifndef VIC_CORPORA_MEMBERS_H
#define VIC_CORPORA_MEMBERS_H

#include "pipeline/base/err.h"

/* Before: every member of a tar (gzipped or not) is a file or a folder, and no name is absolute or leads up ("..",
 * "a/../b"). Errors: one that is not so, named; a damaged archive. */
int members_of_tar(const char *path, struct err *err) VIC_CHECKED;
/* The same of a zip archive, by its central directory (also zip64). */
int members_of_zip(const char *path, struct err *err) VIC_CHECKED;
/* After: everything in the folder is a file with one name, or a folder. Errors: a link, a second name of a file (hard
 * link), a FIFO, a socket, a device. */
int members_unpacked(const char *folder, struct err *err) VIC_CHECKED;

#endif

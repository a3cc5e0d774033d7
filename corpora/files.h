/* files: folders, paths and counts of files. */
#ifndef VIC_CORPORA_FILES_H
#define VIC_CORPORA_FILES_H

#include "pipeline/base/err.h"
#include <stddef.h>
#include <stdint.h>

/* folder/name in new memory, owned by the caller. */
int path_join(char **path, const char *folder, const char *name, struct err *err) VIC_CHECKED;
/* mkdir -p. */
int make_folders(const char *path, struct err *err) VIC_CHECKED;
/* rm -r; a path that does not exist is fine. Does not follow links. */
int remove_tree(const char *path, struct err *err) VIC_CHECKED;
/* Copies one regular file; the copy is put in place whole. */
int copy_file(const char *from, const char *to, struct err *err) VIC_CHECKED;
/* Copies a folder with what is in it (regular files and folders), into a `to` that does not exist yet. */
int copy_tree(const char *from, const char *to, struct err *err) VIC_CHECKED;

enum path_kind { PATH_NONE, PATH_FILE, PATH_FOLDER, PATH_OTHER };
enum path_kind path_kind(const char *path); /* follows links; PATH_NONE: errno says why */

/* Lines of a file that begin with `prefix` ("" counts all); a last line without LF is a line. A gzip file is
 * decompressed. */
int count_lines(const char *path, const char *prefix, uint64_t *n, struct err *err) VIC_CHECKED;
/* Regular files below a folder, at any depth, whose names end in `suffix` ("" counts all). Links are followed. Errors:
 * walk.h's of links. */
int count_files(const char *path, const char *suffix, uint64_t *n, struct err *err) VIC_CHECKED;
int file_bytes(const char *path, uint64_t *n, struct err *err) VIC_CHECKED;

#endif

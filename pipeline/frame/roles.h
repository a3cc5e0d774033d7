/* roles: which files a run reads and which it writes, and that none of them is two at once.
 *
 * A program's options say of themselves whether they name something read or written (opt.h), and operands are read; the
 * frame asks here before any work is done. Two names are one file when they lead to one, links followed: another
 * spelling, a hard link, /dev/stdin, /dev/fd/N. Refused are: an output that is an input, two outputs that are one file
 * or one pipe, and a descriptor that is read twice. Devices (terminals, /dev/null) may be named as often as one likes,
 * and sockets both read and written. */
#ifndef VIC_ROLES_H
#define VIC_ROLES_H

#include "stage.h"

/* All files of the command line. Then every output is proved to be writable (its folder is there, and a file can be
 * made in it), and a file that it would replace to be of a kind that the program writes there, or empty (opt.h,
 * `writes`). Errors: VIC_USAGE for two roles of one file and for a file of another kind, VIC_DATA for an output that
 * cannot be written. */
int roles_check(const struct stage *st, struct err *err) VIC_CHECKED;
/* The same of n outputs whose names the program makes from those of the command line, for an option of it, whose row
 * says what they may replace. Call it before any work. */
int roles_check_further(const struct stage *st, const char *option, char *const *path, size_t n,
			struct err *err) VIC_CHECKED;
/* For tests, "PROGRAM<TAB>OPTION<TAB>ROLE": a line an option that takes a text, two where it may be given again. Roles:
 * read, written, written or stdout (where it is not given), read or written, folder, list (read where it begins with
 * @), prints (on stdout), text (no file); " alone" after it: no operands go with it. Then what operands, stdin and
 * stdout are. */
void roles_print(const struct program *prog, FILE *to);

#endif

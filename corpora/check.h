/* check: does a folder hold a data set as it should be? */
#ifndef VIC_CHECK_H
#define VIC_CHECK_H

#include "pipeline/base/err.h"
#include "registry.h"

/* Called for every fact: ok, and a line such as "rt-polarity.neg: 5331 lines" or "train/unsup: is missing". */
typedef void check_say(void *arg, int ok, const char *line);

/* *holds: one of the files that facts are known of is in `folder`, or no fact is known. */
int check_holds(const struct dataset *d, const char *folder, int *holds, struct err *err) VIC_CHECKED;
/* Looks at every fact of `d` in `folder`; *differ counts those that are not so. say may be NULL. Errors: a file that is
 * there cannot be read. */
int check_facts(const struct dataset *d, const char *folder, check_say *say, void *arg, int *differ,
		struct err *err) VIC_CHECKED;
/* 0 when the file's sum is the published one ("sha256:HEX" or "md5:HEX"), 1 when it is not; got[160] has what it is. */
int check_sum(const char *path, const char *published, char got[160], int *differs, struct err *err) VIC_CHECKED;
/* The first of "a|b" that exists in folder, in new memory; NULL in *path when none does. */
int find_one_of(const char *folder, const char *names, char **path, struct err *err) VIC_CHECKED;

#endif

/* marks: what options of one program mean to another, which meets them in provenance. The table in marks.c is the only
 * place that names them: a reader asks for a mark, and a new option that has one gets its row there. tests/cli/marks.t
 * holds the rows and the programs' option tables together. Nothing is written for it, so streams and models of any age
 * are read alike. */
#ifndef VIC_MARKS_H
#define VIC_MARKS_H

#include "opt.h"

#include <jansson.h>

enum mark {
	MARK_SEED = 1,       /* runs that differ in it alone are one experiment */
	MARK_METHOD = 2,     /* of a training: stands in the title of its logits */
	MARK_DISTANCE = 4,   /* how far images were moved */
	MARK_DEV = 8,        /* marks records dev */
	MARK_DEV_EPOCH = 16, /* the epoch that was best on dev is kept */
	MARK_MAP = 32,       /* the file of the calibration map that was applied */
};

/* The marks of an argument ("--name=value") of a program, as provenance holds both. */
unsigned marks_of(const char *program, const char *arg);
/* The next argument from *i on of a line of provenance that is an option; *i moves after it. What follows "--" are
 * operands, which may look like options. NULL: none is left, or the line is none. */
const char *marks_option(const json_t *line, size_t *i);
/* The next argument from *i on that has the mark, in the options of a line of provenance; *i moves after it. NULL: none
 * is left, or the line is none. */
const char *marks_next(const json_t *line, enum mark mark, size_t *i);
/* The value of the first option with the mark; where none was given its default, if the program has such an option and
 * the default has the mark; else NULL. */
const char *marks_value(const json_t *line, enum mark mark);

/* For tests: a line an option, "PROGRAM<TAB>--NAME<TAB>MARKS", and what the table says wrongly of the program's
 * options. */
void marks_print(const char *program, const struct opt *opts, FILE *to);

#endif

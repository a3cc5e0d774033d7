/* opt: one table a program, from which come parsing, --help with defaults, the man page and the provenance line.
 *
 *   static struct { int64_t epochs; double alpha; int mode; } o = { 25, 0, 0 };
 *   static const struct opt opts[] = {
 *       { "epochs", 'e', OPT_INT, &o.epochs, "N", "passes over the training records", .lo = 1, .hi = 100000 },
 *       { "mixup", 0, OPT_REAL, &o.alpha, "ALPHA", "Beta(ALPHA, ALPHA) mixing; 0 is none", .flo = 0, .fhi = 100 },
 *       { "mixup-mode", 0, OPT_CHOICE, &o.mode, NULL, "what is mixed", .choices = "full|features|manifold" },
 *       { 0 } };
 *
 * The value a target holds before parsing is the default that help shows. Names are matched whole; `--name value`,
 * `--name=value`, `-e value`, `--` and `-` (an operand) are understood. An option given twice, or two options that set
 * the same target, is refused: one of them would have been ignored. */
#ifndef VIC_OPT_H
#define VIC_OPT_H

#include "pipeline/base/err.h"
#include <stdint.h>
#include <stdio.h>

enum opt_type {
	OPT_END,
	OPT_FLAG,   /* int *: set to .value (1 when .value is 0 and .zero is not set) */
	OPT_INT,    /* int64_t *: lo..hi */
	OPT_REAL,   /* double *: flo..fhi */
	OPT_TEXT,   /* const char **: points into argv */
	OPT_CHOICE, /* int *: index into .choices, "a|b|c" */
	OPT_MANY,   /* struct opt_many *: may be given again; points into argv */
};

enum opt_flags {
	OPT_LOCAL = 1,  /* cannot change a byte of the output (threads, progress, where to): not in the provenance */
	OPT_HIDDEN = 2, /* not in --help */
	OPT_NO_DEFAULT = 4, /* help text says what the default is */
	OPT_INPUT = 8,      /* names a file that is read; "-": stdin */
	OPT_OUTPUT = 16,    /* names a file that is written; "-": stdout */
	OPT_FOLDER = 32,    /* with either: a folder, in which files are looked for or put under names of their own */
	OPT_NAME = 64,      /* a title or a name of a class: must be UTF-8 */
	OPT_LIST = 128,     /* with OPT_INPUT: a file only where it begins with @ */
	OPT_PRINTS = 256,   /* a flag: what it asks for goes to stdout; an output that is not given is then none */
	OPT_NO_OPERANDS = 512, /* stands for the operands: without them stdin is not read */
	/* says how a line of text or a picture becomes a record: new ones for a model are given it again (stage.h) */
	OPT_LINE = 1024,
	OPT_ANEW = 2048, /* with OPT_OUTPUT: written again and again, each time whole, so never to stdout or a pipe */
};

struct opt_many {
	const char **item; /* owned by the table's user; free with opt_many_release */
	size_t n, cap;
};

struct opt {
	const char *name; /* without dashes */
	char letter;      /* or 0 */
	enum opt_type type;
	void *target;
	const char *arg;  /* "N", "FILE"; NULL for flags and choices */
	const char *help;
	int64_t lo, hi;
	double flo, fhi;
	const char *choices;
	int value, zero; /* OPT_FLAG: store value; .zero = 1 stores 0 */
	unsigned flags;
	const char *reads_with; /* OPT_INPUT | OPT_OUTPUT: the option that makes it an input; an output without */
	/* OPT_OUTPUT: the kinds of file that it writes, as sniff.h calls them, | between: it replaces no others. And
	 * "OPTION:KINDS": those that it writes instead where OPTION is given. */
	const char *writes, *writes_with;
	const char *renews;     /* OPT_INPUT: the option of an output that may be the same file, by design */
	/* options without whose effect this one has none, or with which it has none; refused then (condition.h) */
	const char *with, *without;
};

/* Parses argv[1..argc-1]. Operands are moved, in order, to argv[1..]; *n_operands says how many. When `given` is not
 * NULL it is filled with 1 for each table entry that was present (length: entries before OPT_END).
 * Errors: VIC_USAGE with the nearest option's name. */
int opt_parse(const struct opt *opts, int argc, char **argv, int *n_operands, unsigned char *given, struct err *err)
	VIC_CHECKED;

int opt_count(const struct opt *opts);
/* Of n arguments as provenance holds them ("--name", "--name=value", operands), moves those whose options have the flag
 * to the front, in order; *kept says how many. Errors: an option that is not of the table. */
int opt_keep(const struct opt *opts, unsigned flag, int n, char **args, int *kept, struct err *err) VIC_CHECKED;
/* 1 when `name` was present on the command line. Errors in `name` abort: it is a programmer's slip. */
int opt_given(const struct opt *opts, const unsigned char *given, const char *name);
/* The default as help shows it, empty where there is none; defaults are short. Call before parsing, while the target
 * holds it. */
void opt_default(const struct opt *opt, char *text, size_t size);
/* The table as --help prints it, with defaults. Call before parsing, while targets hold their defaults. */
void opt_help(const struct opt *opts, FILE *to);
/* The same for a man page (roff). */
void opt_roff(const struct opt *opts, FILE *to);
/* How often the option was given: 1, for OPT_MANY the number of its items. */
size_t opt_times(const struct opt *opt);
/* The option with its present value (of OPT_MANY the k-th) as one argument that sets it again, "--name=value", of any
 * length. *text is owned by the caller, freed with free(). */
int opt_argument(const struct opt *opt, size_t k, char **text, struct err *err) VIC_CHECKED;
/* The nearest of n names (edit distance below 4, and below the length of `text`), or -1: for "did you mean". */
int opt_nearest(const char *text, const char *const *names, int n);
void opt_many_release(struct opt_many *many);

#endif

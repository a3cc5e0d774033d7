/* stage: the frame every program stands in. A program is a `struct program`, a table of options and one function.
 *
 *   static int run(struct stage *st, struct err *err) { ... return 0; }
 *   int main(int argc, char **argv) { return stage_main(&prog, argc, argv, run); }
 *
 * The frame parses options, answers --help, --version and --help-man, checks which files are read and written
 * (roles.h), runs the function, closes stdout (a device that is full says so here), prints the one error line to stderr
 * as "vic-name: message" and gives the exit status. It adds the options --quiet, --help and --version to every table.
 * Nothing else prints errors or ends a program but process.c, on a signal: where a file that is mapped was cut. */
#ifndef VIC_STAGE_H
#define VIC_STAGE_H

#include "pipeline/base/err.h"
#include "opt.h"

#include <jansson.h>

struct stage;
struct program {
	const char *name;        /* "vic-tokenize" */
	const char *summary;     /* one line, as `vic help` and the man page's NAME show it */
	const char *operands;    /* "PATH...", "[FILE]" or "" */
	const char *description; /* paragraphs, blank line between; ~78 columns */
	const char *example;     /* command lines, newline between */
	const char *see_also;    /* "vic-embed(1), vic-split(1)" or NULL */
	const struct opt *opts;
	int min_operands, max_operands; /* max -1: any number */
	const char *(*libraries)(void); /* "zlib 1.2.13, jansson 2.14"; may be NULL */
	/* a filter: which operand (from 1) may name the stream that it passes on. It is left out of the provenance,
	 * where the stage before stands for it: `f x` and `f < x` give the same bytes. Where any number of operands
	 * may be given it holds where it is the last */
	int stream_operand;
	/* 1: operands are words, no files. Else they are read, and where `operands` has them in brackets and none is
	 * given, stdin is */
	int words;
	void (*about)(FILE *f); /* further lines of --version; may be NULL */
	/* The command line was refused, before `run`: called with that error, for a program whose processes may be one
	 * run of several, which says it once (st->mute). argv: what is not read yet is in it. May be NULL */
	void (*refused)(struct stage *st, int argc, char **argv, struct err *err);
};

struct stage {
	const struct program *prog;
	int n;             /* operands */
	char **operand;    /* [n], borrowed from argv */
	const unsigned char *given; /* which options were present; use stage_given */
	int quiet;         /* --quiet: no progress and no reports on stderr */
	int mute;          /* the run's: another process of this one's says the error that it returns */
	json_t *provenance; /* this stage's line: {"program","version","args"}; owned by the frame */
};

int stage_main(const struct program *prog, int argc, char **argv, int (*run)(struct stage *, struct err *));

/* As its first argument every program takes --line-as-in and then, up to "--", the arguments of an earlier run of it,
 * as provenance holds them: those whose options say how a line (or picture) becomes a record (OPT_LINE) count as given,
 * all others are dropped. So a program that reads new lines for a model needs no list of another program's options. */

/* 1 when the option was present on the command line. */
int stage_given(const struct stage *st, const char *name);
/* operand i, or "-" when there are fewer: a filter without operands reads stdin. */
const char *stage_operand(const struct stage *st, int i);
/* "vic-name: " and a line to stderr unless --quiet: counts, warnings, notes. Never data. */
void stage_say(const struct stage *st, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same with --quiet, too: what could not be done, where the run goes on. */
void stage_complain(const struct stage *st, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Full path of another program of this installation ("vic-tokenize"), found beside this one. Owned by the caller. */
int stage_peer(const char *name, char **path, struct err *err) VIC_CHECKED;

#endif

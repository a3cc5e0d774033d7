/* lines: a file, stdin or a block of memory as lines that end at LF and nowhere else (never at NEL, VT, FF). A CR
 * before the LF is not part of the line; a last line without LF is a line. A byte order mark at the start of a line is
 * dropped and counted; UTF-16, what is no text and what is a document (sniff.h) are refused. Private to tokenize/. */
#ifndef VIC_LINES_H
#define VIC_LINES_H

#include "pipeline/files/io.h"
#include "sink.h"

enum { LINE_MAX_BYTES = 64 << 20 };

struct lines {
	struct input in;
	const char *mem; /* or NULL: read `in` */
	size_t left;     /* of mem */
	struct place at; /* of the line last returned */
	uint64_t *boms;
	uint64_t returns; /* lines that hold a CR before their end */
};

/* `path` "-" is stdin; borrowed until lines_release. Of s: `boms` is counted up when there is a mark, `documents` says
 * whether they are taken. */
int lines_open(struct lines *l, const char *path, struct sink *s, struct err *err) VIC_CHECKED;
/* The same over memory, which is borrowed; `name` for messages. */
void lines_of(struct lines *l, const char *name, const char *mem, size_t n, uint64_t *boms);
/* 1 with *line, 0 at the end, -1 on failure. */
int lines_next(struct lines *l, const char **line, size_t *len, struct err *err) VIC_CHECKED;
void lines_release(struct lines *l);

#endif

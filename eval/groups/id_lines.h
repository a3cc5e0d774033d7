/* id_lines: what a file says of each record: lines "id<TAB>text", or lines of text alone in their order. */
#ifndef VIC_ID_LINES_H
#define VIC_ID_LINES_H

#include "eval/records/rows.h"

struct id_lines {
	char *path; /* owned */
	size_t n;
	int with_ids;
	/* [n] by rising id, where there are ids; else as they came. item: how many lines came before; number: in the
	 * file */
	uint64_t *id;
	uint32_t *item, *number;
};

/* Calls take(arg, text) for each line in turn; `text` may be changed. A first line whose id is "id" or "record", in any
 * case, is a header; a CR before the LF and a byte order mark are no part of lines. Errors, with file and line: take's;
 * an id that is no number or stands twice, lines of both kinds, no text, a NUL, no lines. what: "group", for
 * messages. */
int id_lines_read(struct id_lines *l, const char *path, const char *what,
		  int (*take)(void *arg, char *text, struct err *err), void *arg, struct err *err) VIC_CHECKED;
/* item[]: of each record of all documents, one after the other, its line's; item: [sum of list[].n]. list: read with
 * ROWS_ALL, ROWS_KEEP and COL_ID, so that it holds every record. Errors, with the id: a record without a line, a line
 * without a record; more or fewer lines than records where there are no ids. */
int id_lines_match(const struct id_lines *l, const struct rows *list, size_t n, uint32_t *item,
		   struct err *err) VIC_CHECKED;
void id_lines_release(struct id_lines *l);

#endif

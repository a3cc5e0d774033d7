/* grouping: which group each record of a stream belongs to, by a column of the stream or by a file. */
#ifndef VIC_GROUPING_H
#define VIC_GROUPING_H

#include "id_lines.h"
#include "pipeline/base/vocab.h"

enum grouping_by { BY_SPLIT, BY_LABEL, BY_PREDICTED, BY_FILE };
/* More are taken for a mistake: a column of measurements, a group a record. */
enum { GROUPS_MAX = 10000 };

struct grouping {
	enum grouping_by by;
	char **name; /* [n] owned: "split=test", "label=cat", "predicted=cat", "group=NAME"; of a file in its order */
	int n;
	struct vocab names;    /* NAMEs alone, by number */
	struct vocab folded;   /* of a file: the same without white space and case */
	char *alike; /* owned: which groups differ in these alone, to be said; NULL: none */
	struct id_lines lines; /* BY_FILE */
	uint32_t *line_group;  /* [lines.n], by item */
};
enum { NO_GROUP = UINT32_MAX };

/* what: "split", "label", "predicted", or a file as id_lines.h has it. Errors, with file and line: no such file or
 * column; id_lines_read's; a group of white space alone; more than GROUPS_MAX groups. */
int grouping_open(struct grouping *g, const char *what, struct err *err) VIC_CHECKED;
/* Groups of the records of all documents, one after the other: *of (owned) of [sum of list[].n]; NO_GROUP where a
 * record has no label and groups are labels. list: read with ROWS_ALL and ROWS_KEEP, with COL_ID, COL_SPLIT, COL_LABEL
 * and, for `predicted`, COL_PREDICTED, so that it holds every record. Columns make their groups here, those that occur.
 * Errors, with the id: a record that the file lacks; a line of the file whose record is not there; as many groups as
 * records where they come without ids. */
int grouping_of(struct grouping *g, const struct rows *list, size_t n, uint32_t **of, struct err *err) VIC_CHECKED;
void grouping_release(struct grouping *g);

#endif

/* Groups from a file or a column. */
#include "grouping.h"
#include "pipeline/base/mem.h"
#include "pipeline/files/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const columns[] = { "split", "label", "predicted", "group" };

struct group_reading {
	struct grouping *g;
	size_t cap_lines, cap_names, n;
};

static int add_group(struct grouping *g, size_t *cap, const char *name, uint32_t *at, struct err *err)
{
	if (vocab_add(&g->names, name, strlen(name), at, err))
		return -1;
	if (*at < (uint32_t)g->n)
		return 0;
	if (g->n == GROUPS_MAX)
		return err_set(err, "more than %d groups ('%s' is the next): a group is to be shared by records",
			       GROUPS_MAX, name);
	if (mem_grow(&g->name, cap, (size_t)g->n + 1, sizeof *g->name, err) ||
	    mem_printf(&g->name[g->n], err, "%s=%s", columns[g->by], name))
		return -1;
	g->n++;
	return 0;
}

/* "Rome " and "rome" are most likely one group; said of the first such pair. */
static int note_alike(struct grouping *g, const char *name, struct err *err)
{
	uint32_t before = g->folded.n, at;
	size_t n = 0;
	char *folded = NULL;
	if (mem_text(&folded, name, strlen(name), err))
		return -1;
	for (const char *c = name; *c; c++)
		if (!isspace((unsigned char)*c))
			folded[n++] = (char)tolower((unsigned char)*c);
	int rc = vocab_add(&g->folded, folded, n, &at, err);
	free(folded);
	if (rc || at == before || g->alike)
		return rc;
	return mem_printf(&g->alike, err, "group '%s' differs from an earlier one in white space or case alone", name);
}

static int take_group(void *arg, char *text, struct err *err)
{
	struct group_reading *r = arg;
	struct grouping *g = r->g;
	text_restore(text);
	if (!text[strspn(text, " \t\n\v\f\r")])
		return err_set(err, "names no group: there is white space alone");
	if (mem_grow(&g->line_group, &r->cap_lines, r->n + 1, sizeof *g->line_group, err))
		return -1;
	int before = g->n;
	return add_group(g, &r->cap_names, text, &g->line_group[r->n++], err) ||
			       (g->n > before && note_alike(g, text, err))
		       ? -1
		       : 0;
}

int grouping_open(struct grouping *g, const char *what, struct err *err)
{
	struct group_reading r = { .g = g };
	struct stat st;
	*g = (struct grouping){ .by = BY_FILE };
	for (int c = BY_SPLIT; c < BY_FILE; c++)
		if (!strcmp(what, columns[c])) {
			g->by = (enum grouping_by)c;
			return 0;
		}
	if (strcmp(what, "-") && !strchr(what, '/') && stat(what, &st))
		return err_usage(err, "--by: '%s' is none of split, label and predicted, and no file", what);
	if (!id_lines_read(&g->lines, what, "group", take_group, &r, err))
		return 0;
	grouping_release(g);
	return -1;
}

/* Groups of a column: numbers of splits or classes, which are named once they occur. */
static int by_column(struct grouping *g, const struct rows *list, size_t n, uint32_t *of, struct err *err)
{
	int values = g->by == BY_SPLIT ? SPLIT_COUNT : list[0].head.n_classes, rc = 0;
	size_t cap = 0, at = 0;
	uint32_t *number;
	if (mem_alloc(&number, (size_t)values, sizeof *number, err))
		return -1;
	for (size_t d = 0; d < n; d++)
		for (size_t i = 0; i < list[d].n; i++, at++) {
			int32_t v = g->by == BY_SPLIT ? list[d].split_of[i] :
				    g->by == BY_LABEL ? list[d].label[i] : list[d].predicted[i];
			of[at] = v < 0 ? NO_GROUP : (uint32_t)v;
			if (v >= 0)
				number[v] = 1;
		}
	for (int v = 0; v < values && !rc; v++)
		if (number[v])
			rc = add_group(g, &cap, g->by == BY_SPLIT ? split_name(v) : list[0].head.classes[v], &number[v],
				       err);
	for (size_t i = 0; i < at && !rc; i++)
		of[i] = of[i] == NO_GROUP ? NO_GROUP : number[of[i]];
	free(number);
	return rc;
}

int grouping_of(struct grouping *g, const struct rows *list, size_t n, uint32_t **of, struct err *err)
{
	size_t records = 0;
	for (size_t d = 0; d < n; d++)
		records += list[d].n;
	if (mem_alloc(of, records, sizeof **of, err))
		return -1;
	int rc = g->by == BY_FILE ? id_lines_match(&g->lines, list, n, *of, err) : by_column(g, list, n, *of, err);
	for (size_t i = 0; i < records && !rc && g->by == BY_FILE; i++)
		(*of)[i] = g->line_group[(*of)[i]];
	if (rc) {
		free(*of);
		*of = NULL;
	}
	return rc;
}

void grouping_release(struct grouping *g)
{
	for (int i = 0; i < g->n; i++)
		free(g->name[i]);
	free(g->name);
	vocab_release(&g->names);
	vocab_release(&g->folded);
	free(g->alike);
	free(g->line_group);
	id_lines_release(&g->lines);
	*g = (struct grouping){ 0 };
}

/* Groups from a file or a column. Lines are kept in the file's order until all are read, then sorted by id, so that a
 * record is found by binary search and an id that stands twice lies beside itself. */
#include "grouping.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/num.h"
#include "pipeline/files/io.h"
#include "pipeline/files/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LINE_BYTES = 1 << 16 };

static const char *const columns[] = { "split", "label", "predicted", "group" };

struct group_reading {
	struct grouping *g;
	size_t caps[4];
	int with_ids; /* -1: not known yet */
	uint64_t number;
};

static int add_group(struct grouping *g, size_t *cap, const char *name, uint32_t *at, struct err *err)
{
	size_t before = strlen(columns[g->by]) + 1;
	for (*at = 0; *at < (uint32_t)g->n; ++*at)
		if (!strcmp(g->name[*at] + before, name))
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

/* A line, cut at its tab. */
static int take_line(struct group_reading *r, char *line, struct err *err)
{
	struct grouping *g = r->g;
	char *group = line, *tab = strchr(line, '\t');
	int64_t id = 0;
	if (tab) {
		*tab = 0;
		group = tab + 1;
		if (r->number == 1 && (!strcmp(line, "id") || !strcmp(line, "record")))
			return 0;
		if (num_i64("an id", line, 0, INT64_MAX, &id, err)) {
			err->status = VIC_DATA; /* no slip on the command line */
			return -1;
		}
	}
	if (strchr(group, '\t'))
		return err_set(err, "more than two fields; a line is an id and its group, or a group alone");
	if (r->with_ids >= 0 && r->with_ids != (tab != NULL))
		return err_set(err, "%s an id, unlike the lines before", tab ? "has" : "lacks");
	if (!*group)
		return err_set(err, "names no group");
	r->with_ids = tab != NULL;
	if (mem_grow(&g->id, &r->caps[0], g->lines + 1, sizeof *g->id, err) ||
	    mem_grow(&g->line_group, &r->caps[1], g->lines + 1, sizeof *g->line_group, err) ||
	    mem_grow(&g->line_number, &r->caps[2], g->lines + 1, sizeof *g->line_number, err))
		return -1;
	text_restore(group);
	if (add_group(g, &r->caps[3], group, &g->line_group[g->lines], err))
		return -1;
	g->id[g->lines] = (uint64_t)id;
	g->line_number[g->lines++] = (uint32_t)r->number;
	return 0;
}

static int read_lines(struct group_reading *r, struct input *in, struct err *err)
{
	const char *line;
	size_t len;
	uint64_t boms = 0;
	int rc;
	while ((rc = input_line(in, LINE_BYTES, &line, &len, NULL, err)) == 1) {
		char *copy = NULL;
		r->number++;
		if (r->number == UINT32_MAX)
			return err_set(err, "%s: more than 2^32 lines", in->name);
		if (r->number == 1)
			rc = text_drop_bom(&line, &len, &boms, err);
		len -= len && line[len - 1] == '\r';
		if (rc >= 0 && memchr(line, 0, len))
			rc = err_set(err, "holds a NUL byte: this is no file of groups");
		rc = rc < 0 || mem_text(&copy, line, len, err) || take_line(r, copy, err);
		free(copy);
		if (rc)
			return err_context(err, "%s: line %" PRIu64, in->name, r->number);
	}
	if (!rc && !r->g->lines)
		return err_set(err, "%s: holds no groups", in->name);
	return rc;
}

struct group_line {
	uint64_t id;
	uint32_t group, number;
};

static int by_line_id(const void *a, const void *b)
{
	const struct group_line *x = a, *y = b;
	return x->id != y->id ? (x->id > y->id) - (x->id < y->id) : (x->number > y->number) - (x->number < y->number);
}

static int sort_lines(struct grouping *g, struct err *err)
{
	struct group_line *line;
	int rc = 0;
	if (mem_alloc(&line, g->lines, sizeof *line, err))
		return -1;
	for (size_t i = 0; i < g->lines; i++)
		line[i] = (struct group_line){ g->id[i], g->line_group[i], g->line_number[i] };
	qsort(line, g->lines, sizeof *line, by_line_id);
	for (size_t i = 0; i < g->lines; i++) {
		g->id[i] = line[i].id;
		g->line_group[i] = line[i].group;
		g->line_number[i] = line[i].number;
		if (i && line[i].id == line[i - 1].id && !rc)
			rc = err_set(err, "%s: line %" PRIu32 ": id %" PRIu64 " stands on line %" PRIu32 " already",
				     g->path, line[i].number, line[i].id, line[i - 1].number);
	}
	free(line);
	return rc;
}

int grouping_open(struct grouping *g, const char *what, struct err *err)
{
	struct group_reading r = { .g = g, .with_ids = -1 };
	struct input in;
	struct stat st;
	*g = (struct grouping){ .by = BY_FILE };
	for (int c = BY_SPLIT; c < BY_FILE; c++)
		if (!strcmp(what, columns[c])) {
			g->by = (enum grouping_by)c;
			return 0;
		}
	if (strcmp(what, "-") && !strchr(what, '/') && stat(what, &st))
		return err_usage(err, "--by: '%s' is none of split, label and predicted, and no file", what);
	if (mem_text(&g->path, what, strlen(what), err) || input_open(&in, what, err)) {
		grouping_release(g);
		return -1;
	}
	int rc = read_lines(&r, &in, err) || (r.with_ids && sort_lines(g, err));
	input_release(&in);
	if (!r.with_ids) {
		free(g->id);
		g->id = NULL;
	}
	if (rc)
		grouping_release(g);
	return rc ? -1 : 0;
}

/* Of id rising: its line, or `lines`. */
static size_t find_line(const struct grouping *g, uint64_t id)
{
	size_t from = 0, to = g->lines;
	while (from < to) {
		size_t mid = from + (to - from) / 2;
		if (g->id[mid] < id)
			from = mid + 1;
		else
			to = mid;
	}
	return from < g->lines && g->id[from] == id ? from : g->lines;
}

static int by_ids(const struct grouping *g, const struct rows *list, size_t n, uint32_t *of, struct err *err)
{
	unsigned char *seen;
	int rc = mem_alloc(&seen, g->lines, 1, err);
	for (size_t d = 0, at = 0; d < n && !rc; d++)
		for (size_t i = 0; i < list[d].n && !rc; i++) {
			size_t line = find_line(g, list[d].id[i]);
			if (line == g->lines) {
				rc = err_set(err, "%s: the record with id %" PRIu64 " has no line in %s", list[d].name,
					     list[d].id[i], g->path);
				break;
			}
			seen[line] = 1;
			of[at++] = g->line_group[line];
		}
	for (size_t i = 0; i < g->lines && !rc; i++)
		if (!seen[i])
			rc = err_set(err, "%s: line %" PRIu32 ": no record of %s has the id %" PRIu64, g->path,
				     g->line_number[i], list[0].name, g->id[i]);
	free(seen);
	return rc;
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
	int rc = 0;
	for (size_t d = 0; d < n; d++)
		records += list[d].n;
	if (g->by == BY_FILE && !g->id && g->lines != records)
		return err_set(err, "%s: %zu lines without ids for the %zu records of %s; a line each, and no header",
			       g->path, g->lines, records, list[0].name);
	if (mem_alloc(of, records, sizeof **of, err))
		return -1;
	if (g->by != BY_FILE)
		rc = by_column(g, list, n, *of, err);
	else if (g->id)
		rc = by_ids(g, list, n, *of, err);
	else
		memcpy(*of, g->line_group, records * sizeof **of);
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
	free(g->id);
	free(g->line_group);
	free(g->line_number);
	free(g->path);
	*g = (struct grouping){ 0 };
}

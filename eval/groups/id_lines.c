/* Lines are kept in the file's order until all are read, then sorted by id, so that a record is found by binary search
 * and an id that stands twice lies beside itself. */
#include "id_lines.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/num.h"
#include "pipeline/files/io.h"
#include "pipeline/files/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LINE_BYTES = 1 << 16 };

struct line_reading {
	struct id_lines *l;
	size_t caps[3];
	uint64_t number;
	const char *what;
	int (*take)(void *arg, char *text, struct err *err);
	void *arg;
	size_t numbered;  /* lines without a tab that begin with a number and `separator` */
	char separator;
};

/* "7,a" is an id and a group that no tab parts, where numbers rise from line to line, or many lines have none twice; in
 * "5 stars" they do not. */
static uint64_t note_number(struct line_reading *r, const char *line)
{
	size_t digits = strspn(line, "0123456789");
	char after = line[digits];
	if (!digits || !after || !strchr(",;| ", after) || (r->numbered && after != r->separator))
		return 0;
	r->numbered++;
	r->separator = after;
	return strtoull(line, NULL, 10);
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* A first line without a number is their header. Lines without ids need none, so their numbers are sorted where they
 * are. */
static int refuse_numbers(const struct line_reading *r, const char *name, struct err *err)
{
	enum { MANY = 8 };
	size_t n = r->l->n, header = r->numbered + 1 == n;
	uint64_t *id = r->l->id;
	if (r->l->with_ids || r->numbered < 2 || r->numbered + 1 < n)
		return 0;
	if (r->numbered >= MANY)
		qsort(id + header, n - header, sizeof *id, by_number);
	for (size_t i = header + 1; i < n; i++)
		if (id[i] <= id[i - 1])
			return 0;
	return err_set(err,
		       "%s: its lines begin with ids and '%c'; a tab is what parts an id from its %s: tr '%c' '\\t'",
		       name, r->separator, r->what, r->separator);
}

/* A line, cut at its tab. */
static int take_line(struct line_reading *r, char *line, struct err *err)
{
	struct id_lines *l = r->l;
	char *text = line, *tab = strchr(line, '\t');
	uint64_t id = 0;
	if (!*line)
		return err_set(err, "is blank; a line is an id and its %s, or a %s alone", r->what, r->what);
	if (strchr(line, '\r'))
		return err_set(err, "holds a CR; lines end with LF, or CR LF");
	if (tab) {
		*tab = 0;
		text = tab + 1;
		if (r->number == 1 && (!strcasecmp(line, "id") || !strcasecmp(line, "record")))
			return 0;
		if (num_id("an id", line, &id, err))
			return -1;
	} else {
		id = note_number(r, line);
	}
	if (strchr(text, '\t'))
		return err_set(err, "more than two fields; a line is an id and its %s, or a %s alone", r->what,
			       r->what);
	if (l->n && l->with_ids != (tab != NULL))
		return err_set(err, "%s an id, unlike the lines before", tab ? "has" : "lacks");
	if (!*text)
		return err_set(err, "names no %s", r->what);
	l->with_ids = tab != NULL;
	if (mem_grow(&l->id, &r->caps[0], l->n + 1, sizeof *l->id, err) ||
	    mem_grow(&l->item, &r->caps[1], l->n + 1, sizeof *l->item, err) ||
	    mem_grow(&l->number, &r->caps[2], l->n + 1, sizeof *l->number, err) || r->take(r->arg, text, err))
		return -1;
	l->id[l->n] = id;
	l->item[l->n] = (uint32_t)l->n;
	l->number[l->n++] = (uint32_t)r->number;
	return 0;
}

static int read_lines(struct line_reading *r, struct input *in, struct err *err)
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
			rc = err_set(err, "holds a NUL byte: this is no file of %ss", r->what);
		rc = rc < 0 || mem_text(&copy, line, len, err) || take_line(r, copy, err);
		free(copy);
		if (rc)
			return err_context(err, "%s: line %" PRIu64, in->name, r->number);
	}
	if (!rc && !r->l->n)
		return err_set(err, "%s: holds no %ss", in->name, r->what);
	return rc || refuse_numbers(r, in->name, err) ? -1 : 0;
}

struct id_line {
	uint64_t id;
	uint32_t item, number;
};

static int by_line_id(const void *a, const void *b)
{
	const struct id_line *x = a, *y = b;
	return x->id != y->id ? (x->id > y->id) - (x->id < y->id) : (x->number > y->number) - (x->number < y->number);
}

static int sort_lines(struct id_lines *l, struct err *err)
{
	struct id_line *line;
	int rc = 0;
	if (mem_alloc(&line, l->n, sizeof *line, err))
		return -1;
	for (size_t i = 0; i < l->n; i++)
		line[i] = (struct id_line){ l->id[i], l->item[i], l->number[i] };
	qsort(line, l->n, sizeof *line, by_line_id);
	for (size_t i = 0; i < l->n; i++) {
		l->id[i] = line[i].id;
		l->item[i] = line[i].item;
		l->number[i] = line[i].number;
		if (i && line[i].id == line[i - 1].id && !rc)
			rc = err_set(err, "%s: line %" PRIu32 ": id %" PRIu64 " stands on line %" PRIu32 " already",
				     l->path, line[i].number, line[i].id, line[i - 1].number);
	}
	free(line);
	return rc;
}

int id_lines_read(struct id_lines *l, const char *path, const char *what,
		  int (*take)(void *arg, char *text, struct err *err), void *arg, struct err *err)
{
	struct line_reading r = { .l = l, .what = what, .take = take, .arg = arg };
	struct input in;
	*l = (struct id_lines){ 0 };
	if (mem_text(&l->path, path, strlen(path), err) || input_open(&in, path, err)) {
		id_lines_release(l);
		return -1;
	}
	int rc = read_lines(&r, &in, err) || (l->with_ids && sort_lines(l, err));
	input_release(&in);
	if (rc)
		id_lines_release(l);
	return rc ? -1 : 0;
}

/* Of id rising: its line, or n. */
static size_t find_line(const struct id_lines *l, uint64_t id)
{
	size_t from = 0, to = l->n;
	while (from < to) {
		size_t mid = from + (to - from) / 2;
		if (l->id[mid] < id)
			from = mid + 1;
		else
			to = mid;
	}
	return from < l->n && l->id[from] == id ? from : l->n;
}

static int match_ids(const struct id_lines *l, const struct rows *list, size_t n, uint32_t *item, unsigned char *seen,
		     struct err *err)
{
	for (size_t d = 0, at = 0; d < n; d++)
		for (size_t i = 0; i < list[d].n; i++) {
			size_t line = find_line(l, list[d].id[i]);
			if (line == l->n)
				return err_set(err, "%s: the record with id %" PRIu64 " has no line in %s",
					       list[d].name, list[d].id[i], l->path);
			seen[line] = 1;
			item[at++] = l->item[line];
		}
	for (size_t i = 0; i < l->n; i++)
		if (!seen[i])
			return err_set(err, "%s: line %" PRIu32 ": no record of %s has the id %" PRIu64, l->path,
				       l->number[i], list[0].name, l->id[i]);
	return 0;
}

int id_lines_match(const struct id_lines *l, const struct rows *list, size_t n, uint32_t *item, struct err *err)
{
	unsigned char *seen;
	size_t records = 0;
	for (size_t d = 0; d < n; d++)
		records += list[d].n;
	if (!l->with_ids) {
		for (size_t i = 0; i < records && l->n == records; i++)
			item[i] = (uint32_t)i;
		return l->n == records ? 0
				       : err_set(err,
						 "%s: %zu lines without ids for the %zu records of %s; a line each, "
						 "and no header",
						 l->path, l->n, records, list[0].name);
	}
	if (mem_alloc(&seen, l->n, 1, err))
		return -1;
	int rc = match_ids(l, list, n, item, seen, err);
	free(seen);
	return rc;
}

void id_lines_release(struct id_lines *l)
{
	free(l->path);
	free(l->id);
	free(l->item);
	free(l->number);
	*l = (struct id_lines){ 0 };
}

/* Labels for pictures whose folder says none, from a file of lines NAME,CLASS (or with TAB, ; or a space): the
 * validation set of ImageNet, most of Kaggle's. NAME is a path or its last part, with or without its ending. A first
 * line without a digit or dot in its NAME that is no picture here is a header. Fields may stand in double quotes. */
#include "listing.h"
#include "pipeline/base/mem.h"
#include "pipeline/files/io.h"
#include "pipeline/files/text.h"
#include "pipeline/stream/sniff.h"

#include <stdlib.h>

struct line {
	struct part name, class;
	size_t number;
	int used;
};

struct lines {
	struct line *line;
	size_t n, cap;
};

static struct part unquoted(struct part f)
{
	while (f.n && f.p[f.n - 1] == ' ')
		f.n--;
	while (f.n && *f.p == ' ')
		f.p++, f.n--;
	if (f.n > 1 && *f.p == '"' && f.p[f.n - 1] == '"')
		f = (struct part){ f.p + 1, f.n - 2 };
	return f;
}

/* Cuts a line in two at its separator: the comma or TAB, else a semicolon, else a space; 0 where there are not two
 * parts. */
static int cut(const char *p, size_t n, struct line *l)
{
	const char *tab = memchr(p, '\t', n), *comma = memchr(p, ',', n), *at = tab ? tab : comma;
	if (!at)
		at = memchr(p, ';', n);
	if (!at)
		at = memchr(p, ' ', n);
	if (!at)
		return 0;
	l->name = unquoted((struct part){ p, (size_t)(at - p) });
	l->class = unquoted((struct part){ at + 1, (size_t)(p + n - at - 1) });
	return l->name.n && l->class.n && !memchr(l->class.p, *at, l->class.n);
}

static int by_line(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int c = part_cmp(x->name, y->name);
	return c ? c : (x->number > y->number) - (x->number < y->number);
}

static int by_line_name(const void *a, const void *b)
{
	return part_cmp(((const struct line *)a)->name, ((const struct line *)b)->name);
}

static struct line *find(const struct lines *all, const char *p, size_t n)
{
	struct line key = { .name = { p, n } };
	return all->n ? bsearch(&key, all->line, all->n, sizeof *all->line, by_line_name) : NULL;
}

/* The line of a file: by its path, ever shorter from the left, with its ending and without. */
static struct line *line_of(const struct lines *all, const char *path)
{
	for (;;) {
		const char *dot = strrchr(path, '.'), *slash;
		struct line *l = find(all, path, strlen(path));
		if (!l && dot)
			l = find(all, path, (size_t)(dot - path));
		slash = strchr(path, '/');
		if (l || !slash)
			return l;
		path = slash + 1;
	}
}

/* The line of an entry, whose path begins with the folder that was given. */
static int find_line(const struct source *s, const struct lines *all, const struct entry *e, struct line **l,
		     struct err *err)
{
	char *path;
	if (archive_path(&s->archive, e, &path, err))
		return -1;
	*l = line_of(all, path);
	free(path);
	return 0;
}

static int read_lines(struct source *s, struct listing *l, struct lines *all, struct err *err)
{
	const char *path = s->opt.labels;
	char *text;
	size_t len, number = 0;
	if (mem_grow(&l->own, &l->cap_own, l->owns + 1, sizeof *l->own, err) ||
	    io_slurp(path, (size_t)1 << 30, &text, &len, err))
		return -1;
	l->own[l->owns++] = text;
	const char *begin = text;
	uint64_t boms = 0;
	if (sniff_foreign(path, text, len, NULL, "a list of names and classes", NULL, err))
		return -1;
	size_t n_begin = len;
	if (text_drop_bom(&begin, &n_begin, &boms, err) || text_no_nul(begin, n_begin, err))
		return err_context(err, "%s", path);
	for (char *p = text + (len - n_begin), *end = text + len; p < end;) {
		char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((nl ? nl : end) - p), used = n;
		struct line one = { .number = ++number };
		while (used && (p[used - 1] == '\r' || p[used - 1] == ' '))
			used--;
		if (used && !cut(p, used, &one))
			return err_set(err, "%s: line %zu is not NAME,CLASS (also with TAB, ; or a space)", path,
				       number);
		if (used) {
			if (mem_grow(&all->line, &all->cap, all->n + 1, sizeof *all->line, err))
				return -1;
			all->line[all->n++] = one;
		}
		p += n + 1;
	}
	return all->n ? 0 : err_set(err, "%s: holds no line", path);
}

static int names_picture(const struct source *s, const struct listing *l, struct part name)
{
	struct line line = { .name = name };
	const struct lines one = { &line, 1, 1 };
	for (size_t i = 0; i < l->n; i++)
		if (line_of(&one, s->archive.entry[l->image[i].entry].name))
			return 1;
	return 0;
}

/* CLASS,NAME would be told as a name that is there twice. The last line is no header. */
static int refuse_turned(const struct source *s, const struct listing *l, const struct line *last, struct err *err)
{
	if (names_picture(s, l, last->name) || !names_picture(s, l, last->class))
		return 0;
	return err_set(err, "%s: line %zu has the picture, '%.*s', behind its class; NAME,CLASS is read", s->opt.labels,
		       last->number, (int)last->class.n, last->class.p);
}

/* 1 when the first line names its columns: a word that no picture is called, with neither digit nor dot. */
static int is_header(const struct source *s, const struct listing *l, const struct line *first)
{
	for (size_t i = 0; i < first->name.n; i++)
		if (strchr("0123456789./", first->name.p[i]))
			return 0;
	return !names_picture(s, l, first->name);
}

/* A split of which no picture has a line has no labels; in the others every picture needs one. */
static int give_classes(struct source *s, struct listing *l, struct lines *all, struct err *err)
{
	const char *path = s->opt.labels;
	char what[1024];
	size_t unused = 0, labelled[SPLIT_COUNT] = { 0 };
	for (size_t i = 0; i < l->n; i++) {
		const struct entry *e = &s->archive.entry[l->image[i].entry];
		struct line *line;
		if (find_line(s, all, e, &line, err))
			return -1;
		l->image[i].class = line ? line->class : (struct part){ NULL, 0 };
		labelled[l->image[i].split] += line != NULL;
		if (!line || !line->used++)
			continue;
		archive_describe(&s->archive, e, what, sizeof what);
		return err_set(err, "%.400s: line %zu ('%.*s') means two pictures, one of them %.400s", path,
			       line->number, (int)line->name.n, line->name.p, what);
	}
	for (size_t i = 0; i < l->n; i++) {
		if (l->image[i].class.p || (!labelled[l->image[i].split] && l->image[i].split != SPLIT_TRAIN))
			continue;
		archive_describe(&s->archive, &s->archive.entry[l->image[i].entry], what, sizeof what);
		return err_set(err, "%.500s: %.400s has no line for it", what, path);
	}
	for (size_t i = 0; i < all->n; i++)
		unused += !all->line[i].used;
	return unused ? source_note(s, err, "%s: %zu of its lines name no picture here", path, unused) : 0;
}

int listing_label(struct source *s, struct listing *l, struct err *err)
{
	struct lines all = { NULL, 0, 0 };
	int rc = read_lines(s, l, &all, err) || refuse_turned(s, l, &all.line[all.n - 1], err);
	size_t header = !rc && is_header(s, l, &all.line[0]);
	if (header) {
		all.n--;
		memmove(all.line, all.line + 1, all.n * sizeof *all.line);
		rc = source_note(s, err, "%s: its first line is a header", s->opt.labels);
	}
	if (!rc && all.n)
		qsort(all.line, all.n, sizeof *all.line, by_line);
	for (size_t i = 1; !rc && i < all.n; i++)
		if (!part_cmp(all.line[i - 1].name, all.line[i].name))
			rc = err_set(err, "%s: '%.*s' is there twice, in lines %zu and %zu", s->opt.labels,
				     (int)all.line[i].name.n, all.line[i].name.p, all.line[i - 1].number,
				     all.line[i].number);
	rc = rc || give_classes(s, l, &all, err);
	free(all.line);
	return rc ? -1 : 0;
}

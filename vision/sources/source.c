/* Opens a source by its format, and what the formats share: the index of labels and splits, class names, names of
 * splits. Ids are numbers in the order of source_add, so a format adds its records in an order that depends on the
 * data alone. --classes and --title are applied after the format has filled the head, and again for every further
 * document. */
#include "source.h"
#include "pipeline/base/mem.h"
#include "pipeline/files/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void scratch_release(struct scratch *s)
{
	image_release(&s->a);
	image_release(&s->b);
	free(s->bytes);
	*s = (struct scratch){ 0 };
}

void source_release(struct source *s)
{
	if (s->ops && s->ops->release)
		s->ops->release(s);
	archive_release(&s->archive);
	stream_head_release(&s->head);
	free(s->label);
	free(s->split);
	free(s->where);
	while (s->notes)
		free(s->note[--s->notes]);
	free(s->note);
	*s = (struct source){ 0 };
}

int source_add(struct source *s, int32_t label, int split, uint64_t where, struct err *err)
{
	if (mem_grow(&s->label, &s->cap_label, s->n + 1, sizeof *s->label, err) ||
	    mem_grow(&s->split, &s->cap_split, s->n + 1, sizeof *s->split, err) ||
	    mem_grow(&s->where, &s->cap_where, s->n + 1, sizeof *s->where, err))
		return -1;
	s->label[s->n] = label;
	s->split[s->n] = (uint8_t)split;
	s->where[s->n++] = where;
	return 0;
}

int source_next_indexed(struct source *s, struct item *item, int max, int *n, struct err *err)
{
	(void)err;
	for (*n = 0; *n < max && s->done < s->n; s->done++)
		item[(*n)++] = (struct item){
			.id = s->done, .label = s->label[s->done], .split = s->split[s->done], .at = s->done
		};
	return 0;
}

int source_note(struct source *s, struct err *err, const char *fmt, ...)
{
	char text[1024];
	va_list args;
	va_start(args, fmt);
	err_vphrase(text, sizeof text, fmt, args);
	va_end(args);
	if (mem_grow(&s->note, &s->cap_note, s->notes + 1, sizeof *s->note, err) ||
	    mem_text(&s->note[s->notes], text, strlen(text), err))
		return -1;
	s->notes++;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* No name is there twice. */
static int all_differ(const char *const *name, size_t n, const char *what, struct err *err)
{
	const char **sorted;
	int rc = 0;
	if (mem_alloc(&sorted, n, sizeof *sorted, err))
		return -1;
	memcpy(sorted, name, n * sizeof *sorted);
	qsort(sorted, n, sizeof *sorted, by_name);
	for (size_t i = 1; !rc && i < n; i++)
		if (!strcmp(sorted[i - 1], sorted[i]))
			rc = err_set(err, "%s: class '%s' is there twice", what, sorted[i]);
	free(sorted);
	return rc;
}

/* The names are the parts of `text` between `sep`; empty ones are refused. text is cut up. */
static int classes_of(struct source *s, char *text, char sep, const char *what, struct err *err)
{
	const char **name = NULL;
	size_t n = 0, cap = 0;
	int rc = 0;
	for (char *p; !rc && (p = text_field(&text, sep));) {
		size_t len = strlen(p);
		if (len && p[len - 1] == '\r')
			p[--len] = 0;
		if (!len)
			rc = err_set(err, "%s: class %zu has no name", what, n);
		else if (n == STREAM_MAX_CLASSES)
			rc = err_set(err, "%s: more than %d classes", what, STREAM_MAX_CLASSES);
		if (!rc)
			rc = mem_grow(&name, &cap, n + 1, sizeof *name, err);
		if (!rc)
			name[n++] = p;
	}
	if (!rc)
		rc = all_differ(name, n, what, err);
	if (!rc)
		rc = stream_head_classes(&s->head, (int)n, name, err);
	free(name);
	return rc;
}

int source_classes_from(struct source *s, const struct entry *e, int n, struct err *err)
{
	char what[1024];
	unsigned char *text;
	size_t len;
	archive_describe(&s->archive, e, what, sizeof what);
	if (archive_load(&s->archive, e, 64 << 20, &text, &len, err))
		return -1;
	while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		text[--len] = 0;
	int rc = strlen((char *)text) == len ? classes_of(s, (char *)text, '\n', what, err)
					     : err_set(err, "%s: holds a NUL byte", what);
	free(text);
	if (!rc && n && s->head.n_classes != n)
		return err_set(err, "%s: %d names for %d classes", what, s->head.n_classes, n);
	return rc;
}

int source_classes_numbered(struct source *s, int first, int n, struct err *err)
{
	const char **name;
	char(*text)[12];
	if (mem_alloc(&name, (size_t)n, sizeof *name, err))
		return -1;
	if (mem_alloc(&text, (size_t)n, sizeof *text, err)) {
		free(name);
		return -1;
	}
	for (int i = 0; i < n; i++) {
		snprintf(text[i], sizeof text[i], "%d", first + i);
		name[i] = text[i];
	}
	int rc = stream_head_classes(&s->head, n, name, err);
	free(name);
	free(text);
	return rc;
}

static int open_format(struct source *s, enum source_format format, struct err *err)
{
	switch (format) {
	case SOURCE_CIFAR10:
	case SOURCE_CIFAR100:
		return cifar_open(s, format == SOURCE_CIFAR100, err);
	case SOURCE_STL10:
		return stl10_open(s, err);
	case SOURCE_IDX:
		return idx_open(s, err);
	case SOURCE_FOLDER:
		return folder_open(s, err);
	case SOURCE_STREAM:
	case SOURCE_FILES:
		break;
	}
	return err_set(err, "no such format");
}

/* The title and the class names that were asked for: a name for each class there is; IDX files do not say how many
 * there are, so more are welcome. */
static int rename_head(struct source *s, int more_allowed, struct err *err)
{
	char *text;
	int had = s->head.n_classes;
	if (s->opt.title) {
		if (mem_text(&text, s->opt.title, strlen(s->opt.title), err))
			return -1;
		free(s->head.name);
		s->head.name = text;
	}
	if (!s->opt.classes)
		return 0;
	if (mem_text(&text, s->opt.classes, strlen(s->opt.classes), err))
		return -1;
	int rc = classes_of(s, text, ',', "--classes", err);
	free(text);
	if (!rc && (more_allowed ? s->head.n_classes < had : s->head.n_classes != had))
		return err_usage(err, "--classes: %d names for %d classes", s->head.n_classes, had);
	return rc;
}

/* A path that is given twice, or a folder inside another that is given: every picture would be there twice, and a model
 * would be tried on what it was trained on. */
static int refuse_overlap(char *const *paths, int n, struct err *err)
{
	int rc = 0;
	char **real;
	if (mem_alloc(&real, (size_t)n, sizeof *real, err))
		return -1;
	for (int i = 0; i < n && !rc; i++) {
		real[i] = strcmp(paths[i], "-") ? realpath(paths[i], NULL) : NULL; /* NULL: whoever opens it says why */
		for (int k = 0; k < i && real[i] && !rc; k++) {
			size_t a = real[k] ? strlen(real[k]) : 0, b = strlen(real[i]), less = a < b ? a : b;
			const char *longer = a < b ? real[i] : real[k];
			if (a && !strncmp(real[i], real[k], less) && (a == b || longer[less] == '/'))
				rc = err_set(err, "%s and %s %s, whose pictures would be there twice; give each once",
					     paths[k], paths[i], a == b ? "are one" : "lie one in the other");
		}
	}
	for (int i = 0; i < n; i++)
		free(real[i]);
	free(real);
	return rc;
}

int source_open(struct source *s, enum source_format format, char *const *paths, int n,
		const struct source_options *opt, struct err *err)
{
	*s = (struct source){ .opt = *opt };
	s->head.kind = STREAM_IMAGES;
	int rc;
	if (format == SOURCE_STREAM)
		rc = n == 1 ? restream_open(s, paths[0], err)
			    : err_usage(err, "--format stream reads one PATH (streams are joined by cat)");
	else if (format == SOURCE_FILES)
		rc = files_open(s, paths, n, err);
	else
		rc = refuse_overlap(paths, n, err) || archive_open(&s->archive, paths, n, err) ||
		     open_format(s, format, err);
	if (!rc)
		rc = rename_head(s, format == SOURCE_IDX, err);
	if (rc)
		source_release(s);
	return rc ? -1 : 0;
}

int source_more(struct source *s, struct err *err)
{
	int rc = s->ops->more ? s->ops->more(s, err) : 0;
	return rc == 1 && rename_head(s, 0, err) ? -1 : rc;
}

void source_rewind(struct source *s)
{
	s->done = 0;
}

/* TSV, fastText and the labels of CSV. With --classes a record goes straight to the sink. Without, tokens are kept
 * and labels are numbered as they are met, until labelled_classes sorts the names and renumbers all records; so it
 * is called once, between the last labelled_put and labelled_drain. */
#include "labelled.h"
#include "evidence.h"
#include "lines.h"
#include "pipeline/base/mem.h"
#include "white.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

int labelled_init(struct labelled *t, struct sink *s, struct err *err)
{
	*t = (struct labelled){ .sink = s, .names.charset = s->decoder.charset,
			       .names.keep_zero_width = 1 };
	return vocab_init(&t->labels, 0, err);
}

void labelled_release(struct labelled *t)
{
	vocab_release(&t->labels);
	decoder_release(&t->names);
	free(t->tokens);
	free(t->end);
	free(t->label);
	free(t->name);
	free(t->name_end);
	free(t->first);
	free(t->first_file);
	free(t->alike);
	free(t->one_number);
	free(t->missing);
	*t = (struct labelled){ 0 };
}

int labelled_give(struct labelled *t, const char *names, struct err *err)
{
	for (const char *p = names;;) {
		size_t n = strcspn(p, ",");
		uint32_t before = t->labels.n;
		if (!n)
			return err_usage(err, "--classes: an empty name in \"%s\"", names);
		if (vocab_add(&t->labels, p, n, NULL, err))
			return -1;
		if (t->labels.n == before)
			return err_usage(err, "--classes: \"%.*s\" is there twice", (int)n, p);
		if (!p[n])
			break;
		p += n + 1;
	}
	t->given = 1;
	return 0;
}

/* Nothing but white space; the label is UTF-8. */
static int is_blank(const char *label, size_t n)
{
	utf8proc_int32_t c;
	for (utf8proc_ssize_t k; n; label += k, n -= (size_t)k) {
		k = utf8proc_iterate((const utf8proc_uint8_t *)label, (utf8proc_ssize_t)n, &c);
		if (k < 1 || (k == 1 ? !is_white(*label) : !is_white_point((uint32_t)c)))
			return 0;
	}
	return 1;
}

/* The label's number, or -2 on failure. */
static int32_t number_of(struct labelled *t, const char *label, size_t n, struct err *err)
{
	uint32_t id;
	if (decoder_line(&t->names, label, n, &label, &n, err))
		return -2;
	int blank = is_blank(label, n);
	if (blank || memchr(label, 0, n)) {
		err_set(err, "%s%s", !blank ? "the label holds a NUL byte" : n ? "the label is white space alone" :
			"the label is empty", blank ? "; --format lines reads text without labels" : "");
		return -2;
	}
	if (t->given) {
		id = vocab_find(&t->labels, label, n);
		if (id == VOCAB_NONE)
			err_set(err, "\"%.*s\" is none of the --classes", (int)(n < 60 ? n : 60), label);
		return id == VOCAB_NONE ? -2 : (int32_t)id;
	}
	if (vocab_add(&t->labels, label, n, &id, err))
		return -2;
	if (id >= STREAM_MAX_CLASSES) {
		err_set(err, "more than %d different labels; is the label column the text?", STREAM_MAX_CLASSES);
		return -2;
	}
	return (int32_t)id;
}

static int is_null(const char *field, size_t n)
{
	return field && n == 2 && !memcmp(field, "\\N", 2);
}

/* That of the record that is kept next. */
static int keep_name(struct labelled *t, struct err *err)
{
	size_t used = t->n ? t->name_end[t->n - 1] : 0, n = t->sink->name_len;
	if (mem_grow(&t->name, &t->cap_name, used + n + 1, 1, err) ||
	    mem_grow(&t->name_end, &t->cap_name_end, t->n + 1, sizeof *t->name_end, err))
		return -1;
	memcpy(t->name + used, t->sink->name, n);
	t->name_end[t->n] = used + n;
	return 0;
}

int labelled_put(struct labelled *t, const struct place *at, const char *label, size_t label_len, const char *text,
		 size_t n, struct err *err)
{
	const char *tokens;
	size_t len, used = t->n ? t->end[t->n - 1] : 0;
	if (!t->null_said && (is_null(label, label_len) || is_null(text, n))) {
		err_set(err, "\\N stands for no value where MySQL or PostgreSQL wrote the file: --format csv --quotes "
			     "backslash "
			     "reads it so (with --separator tab for TSV), --quotes none as it stands");
		return place_context(at, err);
	}
	int32_t number = label ? number_of(t, label, label_len, err) : -1;
	if (number < -1)
		return place_context(at, err);
	if (sink_tokenise(t->sink, at, text, n, &tokens, &len, err) ||
	    (!label && sink_unlabelled(t->sink, at, -1, err)))
		return -1;
	if (t->given)
		return sink_add(t->sink, tokens, len, number, -1, err);
	if (mem_grow(&t->tokens, &t->cap_tokens, used + len + 1, 1, err) ||
	    mem_grow(&t->end, &t->cap_end, t->n + 1, sizeof *t->end, err) ||
	    mem_grow(&t->label, &t->cap_label, t->n + 1, sizeof *t->label, err))
		return place_context(at, err);
	if (len)
		memcpy(t->tokens + used, tokens, len);
	t->end[t->n] = used + len;
	if (t->sink->name && keep_name(t, err))
		return -1;
	t->label[t->n++] = number;
	return 0;
}

struct named {
	const char *name;
	uint32_t id;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

int labelled_classes(struct labelled *t, char ***names, int *n, struct err *err)
{
	uint32_t count = t->labels.n;
	size_t len, text = 0;
	struct named *sorted;
	int32_t *place;
	char *p;
	for (uint32_t i = 0; i < count; i++) {
		vocab_word(&t->labels, i, &len);
		text += len + 1;
	}
	if (mem_alloc(names, count * sizeof **names + text, 1, err) || mem_alloc(&sorted, count, sizeof *sorted, err))
		return -1;
	if (mem_alloc(&place, count, sizeof *place, err)) {
		free(sorted);
		return -1;
	}
	p = (char *)(*names + count);
	for (uint32_t i = 0; i < count; i++) {
		const char *word = vocab_word(&t->labels, i, &len);
		memcpy(p, word, len);
		sorted[i] = (struct named){ p, i };
		p += len + 1;
	}
	if (count && !t->given)
		qsort(sorted, count, sizeof *sorted, by_name);
	for (uint32_t i = 0; i < count; i++) {
		memcpy(*names + i, &sorted[i].name, sizeof **names);
		place[sorted[i].id] = (int32_t)i;
	}
	for (size_t i = 0; i < t->n; i++)
		if (t->label[i] >= 0)
			t->label[i] = place[t->label[i]];
	free(sorted);
	free(place);
	*n = (int)count;
	return 0;
}

int labelled_drain(struct labelled *t, struct err *err)
{
	for (size_t i = 0; i < t->n; i++) {
		size_t from = i ? t->end[i - 1] : 0, name = i && t->name ? t->name_end[i - 1] : 0;
		t->sink->name = t->name ? t->name + name : NULL;
		t->sink->name_len = t->name ? t->name_end[i] - name : 0;
		if (sink_add(t->sink, t->tokens + from, t->end[i] - from, t->label[i], -1, err))
			return -1;
	}
	return 0;
}

static int tsv_line(struct labelled *t, const struct place *at, const char *line, size_t len, struct err *err)
{
	const char *tab = memchr(line, '\t', len);
	if (!tab) {
		err_set(err, "has no TAB between label and text; --format lines reads text without labels");
		return place_context(at, err);
	}
	size_t label = (size_t)(tab - line);
	return labelled_put(t, at, line, label, tab + 1, len - label - 1, err);
}

static int fasttext_line(struct labelled *t, const struct place *at, const char *line, size_t len, struct err *err)
{
	static const char mark[] = "__label__";
	const size_t k = sizeof mark - 1;
	const char *end = line + len, *label = line, *text, *p;
	while (label < end && is_white(*label))
		label++;
	text = label + word_length(label, (size_t)(end - label));
	if ((size_t)(text - label) < k || memcmp(label, mark, k)) {
		err_set(err, "does not begin with %sNAME; --format lines reads text without labels", mark);
		return place_context(at, err);
	}
	for (p = text; (p = memmem(p, (size_t)(end - p), mark, k)); p += k)
		if (is_white(p[-1])) {
			err_set(err, "has several labels; one class a record is what is read here");
			return place_context(at, err);
		}
	return labelled_put(t, at, label + k, (size_t)(text - label) - k, text, (size_t)(end - text), err);
}

int labelled_first(struct labelled *t, const char *file, struct err *err)
{
	if (t->given)
		return 0;
	if (mem_grow(&t->first, &t->cap_first, t->n_first + 1, sizeof *t->first, err) ||
	    (!t->n_first && mem_text(&t->first_file, file, strlen(file), err)))
		return -1;
	t->first[t->n_first++] = t->n;
	return 0;
}

/* Is the first line of TSV a header? 1, 0, or -1: one of other columns. */
static int tsv_header(const struct place *at, const char *line, size_t len, struct err *err)
{
	int label = -1, text = -1, i = 0;
	for (const char *p = line, *end = line + len; p <= end; i++) {
		const char *tab = memchr(p, '\t', (size_t)(end - p)), *stop = tab ? tab : end;
		enum column_name is = column_name(p, (size_t)(stop - p));
		label = is == NAME_LABEL && label < 0 ? i : label;
		text = is == NAME_TEXT && text < 0 ? i : text;
		p = stop + 1;
	}
	if (label < 0 || text < 0)
		return 0;
	if (label == 0 && text == 1 && i == 2)
		return 1;
	err_set(err,
		"looks like a header of %d columns, and tsv is label<TAB>text; --format csv --separator tab --quotes "
		"none "
		"--label-column %d --text-column %d reads it, --no-header makes it a record",
		i, label + 1, text + 1);
	return place_context(at, err);
}

static int each_line(struct labelled *t, const char *path, const struct columns *tsv, struct err *err)
{
	struct lines l;
	const char *line;
	size_t len;
	int got, header;
	if (lines_open(&l, path, t->sink, err))
		return -1;
	while ((got = lines_next(&l, &line, &len, err)) == 1) {
		header = tsv && l.at.line == 1 && tsv->header == HEADER_YES;
		if (tsv && l.at.line == 1 && tsv->header == HEADER_AUTO)
			header = tsv_header(&l.at, line, len, err);
		if (tsv && l.at.line == 1 && !header && labelled_first(t, l.at.file, err))
			header = -1;
		if (header < 0 || (!header && (tsv ? tsv_line : fasttext_line)(t, &l.at, line, len, err))) {
			got = -1;
			break;
		}
		t->headers += (uint64_t)header;
		t->label_said |= header; /* it names them */
	}
	t->sink->returns += l.returns;
	lines_release(&l);
	return got;
}

int read_tsv(struct labelled *t, const char *path, const struct columns *columns, struct err *err)
{
	return each_line(t, path, columns, err);
}

int read_fasttext(struct labelled *t, const char *path, struct err *err)
{
	return each_line(t, path, NULL, err);
}

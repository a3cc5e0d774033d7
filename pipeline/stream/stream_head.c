/* The head of a document: its JSON form, its copies and comparisons. The tables of names are in the order of the
 * enums in stream.h and are part of the format: a new name goes to the end, and none is changed.
 * head_from_json bounds every number from outside, so that stream_record_size cannot overflow. It counts n_classes
 * up name by name, so that after a failure stream_head_release frees just what is there. */
#include "pipeline/files/jsontext.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/num.h"
#include "stream_format.h"

#include <stdlib.h>
#include <string.h>

const unsigned char stream_signature[8] = { 0x89, 'V', 'I', 'C', 0x0D, 0x0A, 0x1A, 0x0A };

static const char *const kinds[] = { "tokens", "text", "images", "logits" };
static const char *const splits[] = { "train", "dev", "test", "extra" };
static const char *const dtypes[] = { "f32", "f64" };
static const char *const values[] = { "logits", "probs" };
static const char *const encodings[] = { "raw", "jpeg", "f32" };

#define NAMES(list) list, (int)(sizeof(list) / sizeof *(list))

static int index_of(const char *name, const char *const *list, int n)
{
	for (int i = 0; name && i < n; i++)
		if (!strcmp(name, list[i]))
			return i;
	return -1;
}

const char *stream_kind_name(enum stream_kind kind)
{
	return kinds[kind];
}

const char *split_name(int split)
{
	return split >= 0 && split < SPLIT_COUNT ? splits[split] : "?";
}

int split_of(const char *name)
{
	return index_of(name, NAMES(splits));
}

int stream_class_named(const struct stream_head *h, const char *name)
{
	return index_of(name, (const char *const *)h->classes, h->n_classes);
}

int stream_class_of(const struct stream_head *h, const char *text)
{
	struct err ignored = ERR_NONE;
	int64_t number;
	int k = stream_class_named(h, text);
	return k < 0 && h->n_classes && !num_i64("class", text, 0, h->n_classes - 1, &number, &ignored) ? (int)number
													: k;
}

size_t stream_record_size(const struct stream_head *h)
{
	if (h->kind == STREAM_LOGITS)
		return (size_t)h->samples * (size_t)h->n_classes * (h->dtype == DTYPE_F64 ? 8 : 4);
	if (h->kind == STREAM_IMAGES && h->encoding != ENCODING_JPEG)
		return (size_t)h->height * (size_t)h->width * (size_t)h->channels *
		       (h->encoding == ENCODING_F32 ? 4 : 1);
	return 0;
}

void stream_head_release(struct stream_head *h)
{
	for (int i = 0; i < h->n_classes; i++)
		free(h->classes[i]);
	free(h->classes);
	free(h->name);
	*h = (struct stream_head){ 0 };
}

int stream_head_classes(struct stream_head *h, int n, const char *const *names, struct err *err)
{
	char **copy;
	if (mem_alloc(&copy, (size_t)n, sizeof *copy, err))
		return -1;
	for (int i = 0; i < n; i++) {
		if (mem_text(&copy[i], names[i], strlen(names[i]), err)) {
			while (i--)
				free(copy[i]);
			free(copy);
			return -1;
		}
	}
	for (int i = 0; i < h->n_classes; i++)
		free(h->classes[i]);
	free(h->classes);
	h->classes = copy;
	h->n_classes = n;
	return 0;
}

int stream_head_copy(struct stream_head *to, const struct stream_head *from, struct err *err)
{
	*to = *from;
	to->classes = NULL;
	to->n_classes = 0;
	to->name = NULL;
	if (stream_head_classes(to, from->n_classes, (const char *const *)from->classes, err) ||
	    (from->name && mem_text(&to->name, from->name, strlen(from->name), err))) {
		stream_head_release(to);
		return -1;
	}
	return 0;
}

int stream_head_same(const struct stream_head *a, const struct stream_head *b, struct err *err)
{
	if (a->kind != b->kind)
		return err_set(err, "kind %s after kind %s", kinds[b->kind], kinds[a->kind]);
	if (a->n_classes != b->n_classes)
		return err_set(err, "%d classes after %d", b->n_classes, a->n_classes);
	for (int i = 0; i < a->n_classes; i++)
		if (strcmp(a->classes[i], b->classes[i]))
			return err_set(err, "class %d is '%s' after '%s'", i, b->classes[i], a->classes[i]);
	if (a->dim != b->dim)
		return err_set(err, "%d-d vectors after %d-d", b->dim, a->dim);
	if (a->height != b->height || a->width != b->width || a->channels != b->channels || a->encoding != b->encoding)
		return err_set(err, "%dx%dx%d %s images after %dx%dx%d %s", b->height, b->width, b->channels,
			       encodings[b->encoding], a->height, a->width, a->channels, encodings[a->encoding]);
	if (a->dtype != b->dtype || a->values != b->values || a->samples != b->samples)
		return err_set(err, "%s %s x%d after %s %s x%d", dtypes[b->dtype], values[b->values], b->samples,
			       dtypes[a->dtype], values[a->values], a->samples);
	return 0;
}

/* Adds what the kind needs; json_object_set_new takes NULL (no memory) as failure, seen by the caller's final test. */
json_t *head_to_json(const struct stream_head *h)
{
	json_t *classes = json_array(), *j;
	int bad = !classes;
	for (int i = 0; i < h->n_classes; i++)
		bad |= json_array_append_new(classes, jsontext_name(h->classes[i]));
	j = json_pack("{s:s, s:o}", "kind", kinds[h->kind], "classes", classes);
	if (!j)
		return NULL;
	if (h->name)
		bad |= json_object_set_new(j, "name", jsontext_name(h->name));
	if (h->names)
		bad |= json_object_set_new(j, "columns", json_pack("[s]", "name"));
	if (h->kind == STREAM_TEXT)
		bad |= json_object_set_new(j, "dim", json_integer(h->dim));
	if (h->kind == STREAM_IMAGES)
		bad |= json_object_set_new(j, "shape", json_pack("[i,i,i]", h->height, h->width, h->channels)) |
		       json_object_set_new(j, "encoding", json_string(encodings[h->encoding]));
	if (h->kind == STREAM_LOGITS)
		bad |= json_object_set_new(j, "dtype", json_string(dtypes[h->dtype])) |
		       json_object_set_new(j, "values", json_string(values[h->values])) |
		       json_object_set_new(j, "samples", json_integer(h->samples));
	if (!bad)
		return j;
	json_decref(j);
	return NULL;
}

static int whole(const json_t *j, int lo, int hi, int *out, const char *what, struct err *err)
{
	if (!json_is_integer(j) || json_integer_value(j) < lo || json_integer_value(j) > hi)
		return err_set(err, "head: '%s' is not a whole number from %d to %d", what, lo, hi);
	*out = (int)json_integer_value(j);
	return 0;
}

static int one_of(const json_t *j, const char *const *list, int n, int *out, const char *what, struct err *err)
{
	*out = index_of(json_string_value(j), list, n);
	if (*out < 0)
		return err_set(err, "head: '%s' is missing or has an unknown value", what);
	return 0;
}

/* Columns that not every stream has: a reader that does not know one would take its bytes for others. */
static int columns_from_json(struct stream_head *h, const json_t *columns, struct err *err)
{
	const json_t *one;
	size_t i;
	if (columns && !json_is_array(columns))
		return err_set(err, "head: 'columns' is not a list");
	json_array_foreach(columns, i, one)
	{
		const char *name = json_string_value(one);
		if (!name || strcmp(name, "name") || h->names++)
			return err_set(err, "head: 'columns' has '%.40s'; this program knows 'name', once",
				       name ? name : "something that is no text");
	}
	return 0;
}

int head_from_json(struct stream_head *h, const json_t *j, struct err *err)
{
	int kind;
	const json_t *classes = json_object_get(j, "classes"), *shape = json_object_get(j, "shape");
	if (one_of(json_object_get(j, "kind"), NAMES(kinds), &kind, "kind", err))
		return -1;
	h->kind = (enum stream_kind)kind;
	if (!json_is_array(classes) || json_array_size(classes) > STREAM_MAX_CLASSES)
		return err_set(err, "head: 'classes' is not a list of at most %d names", STREAM_MAX_CLASSES);
	size_t n = json_array_size(classes);
	if (mem_alloc(&h->classes, n, sizeof *h->classes, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		const json_t *s = json_array_get(classes, i);
		if (!json_is_string(s))
			return err_set(err, "head: class %zu is not a text", i);
		if (mem_text(&h->classes[i], json_string_value(s), json_string_length(s), err))
			return -1;
		h->n_classes = (int)i + 1;
	}
	const json_t *name = json_object_get(j, "name");
	if (name && !json_is_string(name))
		return err_set(err, "head: 'name' is not a text");
	if (name && mem_text(&h->name, json_string_value(name), json_string_length(name), err))
		return -1;
	if (columns_from_json(h, json_object_get(j, "columns"), err))
		return -1;
	if (kind == STREAM_TEXT)
		return whole(json_object_get(j, "dim"), 1, STREAM_MAX_DIM, &h->dim, "dim", err);
	if (kind == STREAM_IMAGES) {
		if (one_of(json_object_get(j, "encoding"), NAMES(encodings), &h->encoding, "encoding", err))
			return -1;
		int least = h->encoding != ENCODING_JPEG; /* jpeg records may each have their own size */
		if (whole(json_array_get(shape, 0), least, 65535, &h->height, "shape[0]", err) ||
		    whole(json_array_get(shape, 1), least, 65535, &h->width, "shape[1]", err) ||
		    whole(json_array_get(shape, 2), least, STREAM_MAX_CHANNELS, &h->channels, "shape[2]", err))
			return -1;
	}
	if (kind == STREAM_LOGITS) {
		if (one_of(json_object_get(j, "dtype"), NAMES(dtypes), &h->dtype, "dtype", err) ||
		    one_of(json_object_get(j, "values"), NAMES(values), &h->values, "values", err) ||
		    whole(json_object_get(j, "samples"), 1, 100000, &h->samples, "samples", err))
			return -1;
		if (h->n_classes < 1)
			return err_set(err, "head: logits need class names");
	}
	if (stream_record_size(h) > STREAM_MAX_BLOCK / 2)
		return err_set(err, "head: one record would take %zu bytes", stream_record_size(h));
	return 0;
}

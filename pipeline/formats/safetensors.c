/* Tensor lists and the safetensors writer; the reader is safetensors_read.c. safetensors_write goes over the tensors
 * twice, for the header and for the data, by element sizes 8, 4, 2, 1: both loops must take the same order, or
 * data_offsets lie. The seal covers the header's length and padding, so it is set when both are final. jansson keeps
 * the order in which members were added, so the same content gives the same bytes. */
#include "safetensors.h"
#include "pipeline/base/crc.h"
#include "pipeline/files/jsontext.h"
#include "pipeline/base/mem.h"
#include "seal.h"
#include "pipeline/stream/sniff.h"
#include "pipeline/files/text.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	size_t size;
} dtypes[ST_DTYPES] = {
	[ST_BOOL] = { "BOOL", 1 }, [ST_U8] = { "U8", 1 },   [ST_I8] = { "I8", 1 },     [ST_U16] = { "U16", 2 },
	[ST_I16] = { "I16", 2 },   [ST_F16] = { "F16", 2 }, [ST_BF16] = { "BF16", 2 }, [ST_U32] = { "U32", 4 },
	[ST_I32] = { "I32", 4 },   [ST_F32] = { "F32", 4 }, [ST_U64] = { "U64", 8 },   [ST_I64] = { "I64", 8 },
	[ST_F64] = { "F64", 8 },
};

size_t st_dtype_size(enum st_dtype dtype)
{
	return dtypes[dtype].size;
}

const char *st_dtype_name(enum st_dtype dtype)
{
	return dtypes[dtype].name;
}

void safetensors_release(struct safetensors *st)
{
	for (size_t i = 0; i < st->n; i++)
		free(st->tensor[i].name);
	free(st->tensor);
	json_decref(st->meta);
	free(st->name);
	free(st->bytes);
	*st = (struct safetensors){ 0 };
}

const struct st_tensor *safetensors_find(const struct safetensors *st, const char *name)
{
	for (size_t i = 0; i < st->n; i++)
		if (!strcmp(st->tensor[i].name, name))
			return &st->tensor[i];
	return NULL;
}

const char *safetensors_meta(const struct safetensors *st, const char *key)
{
	return json_string_value(json_object_get(st->meta, key));
}

int safetensors_version(const struct safetensors *st, const char *family, int newest, int *version, struct err *err)
{
	const char *format = safetensors_meta(st, "format");
	size_t n = strlen(family);
	if (!format || strncmp(format, family, n) || format[n] != ' ' || format[n + 1] < '1' || format[n + 1] > '9' ||
	    format[n + 2]) {
		const char *own = strchr(family, '-') + 1;
		err_set(err, "%s: is not a %s of this program (format '%s')", st->name, own, format ? format : "");
		return sniff_explain(st->name, own, err);
	}
	*version = format[n + 1] - '0';
	if (*version > newest)
		return err_set(err, "%s: is of version %d; this program reads up to %d", st->name, *version, newest);
	if (*version > 1 && !st->sealed)
		return err_set(err, "%s: damaged: has no checksums, which version %d has", st->name, *version);
	return 0;
}

/* "[3,4]" */
static void shape_text(int ndim, const size_t *shape, char *text, size_t size)
{
	size_t at = (size_t)snprintf(text, size, "[");
	for (int i = 0; i < ndim && at < size; i++)
		at += (size_t)snprintf(text + at, size - at, i ? ",%zu" : "%zu", shape[i]);
	if (at < size)
		snprintf(text + at, size - at, "]");
}

int safetensors_need(const struct safetensors *st, const char *name, enum st_dtype dtype, int ndim, const size_t *shape,
		     const struct st_tensor **out, struct err *err)
{
	const struct st_tensor *t = safetensors_find(st, name);
	const char *file = st->name ? st->name : "model";
	char want[192], have[192];
	if (!t)
		return err_set(err, "%s: has no tensor '%s'", file, name);
	shape_text(ndim, shape, want, sizeof want);
	shape_text(t->ndim, t->shape, have, sizeof have);
	if (t->dtype != dtype || strcmp(want, have))
		return err_set(err, "%s: tensor '%s' is %s %s, not %s %s", file, name, st_dtype_name(t->dtype), have,
			       st_dtype_name(dtype), want);
	*out = t;
	return 0;
}

int safetensors_add(struct safetensors *st, const char *name, enum st_dtype dtype, int ndim, const size_t *shape,
		    const void *data, struct err *err)
{
	struct st_tensor t = { .dtype = dtype, .ndim = ndim, .bytes = st_dtype_size(dtype), .data = data };
	if (!text_is_utf8(name, strlen(name)))
		return err_set(err, "tensor '%s': the name is not UTF-8", name);
	if (!*name || !strcmp(name, "__metadata__") || safetensors_find(st, name))
		return err_set(err, "tensor '%s': the name is empty, reserved or taken", name);
	if (ndim < 0 || ndim > ST_MAX_DIMS)
		return err_set(err, "tensor '%s': %d dimensions; the most is %d", name, ndim, ST_MAX_DIMS);
	for (int i = 0; i < ndim; i++) {
		t.shape[i] = shape[i];
		if (__builtin_mul_overflow(t.bytes, shape[i], &t.bytes) || t.bytes > INT64_MAX || shape[i] > INT64_MAX)
			return err_set(err, "tensor '%s': its size overflows", name);
	}
	if (mem_grow(&st->tensor, &st->cap, st->n + 1, sizeof *st->tensor, err) ||
	    mem_text(&t.name, name, strlen(name), err))
		return -1;
	st->tensor[st->n++] = t;
	return 0;
}

int safetensors_set(struct safetensors *st, const char *key, const char *value, struct err *err)
{
	if (!text_is_utf8(key, strlen(key)) || !text_is_utf8(value, strlen(value)))
		return err_set(err, "model metadata '%s': is not UTF-8", key);
	if (!st->meta)
		st->meta = json_object();
	if (!st->meta || json_object_set_new(st->meta, key, json_string(value)))
		return err_memory(err);
	return 0;
}

static int add_entry(json_t *head, const struct st_tensor *t, size_t from)
{
	json_t *shape = json_array();
	int bad = !shape;
	for (int i = 0; i < t->ndim; i++)
		bad |= json_array_append_new(shape, json_integer((json_int_t)t->shape[i]));
	json_t *entry = json_pack("{s:s, s:o, s:[I,I]}", "dtype", st_dtype_name(t->dtype), "shape", shape,
				  "data_offsets", (json_int_t)from, (json_int_t)(from + t->bytes));
	return bad | json_object_set_new(head, t->name, entry);
}

/* The metadata with each tensor's checksum, and room for the header's. */
static json_t *sealed_meta(const struct safetensors *st)
{
	json_t *meta = st->meta ? jsontext_copy(st->meta) : json_object(), *list = json_object();
	char digits[9], *text = NULL;
	struct err ignored; /* nothing but memory can be short: the caller says it */
	int bad = !meta || !list;
	for (size_t i = 0; i < st->n && !bad; i++) {
		seal_digits(crc32_of(0, st->tensor[i].data, st->tensor[i].bytes), digits);
		bad = json_object_set_new(list, st->tensor[i].name, json_string(digits));
	}
	bad = bad || jsontext_write(&text, list, JSON_COMPACT, &ignored) ||
	      json_object_set_new(meta, "tensors crc32", json_string(text)) ||
	      json_object_set_new(meta, SEAL_KEY, json_string(SEAL_BLANK));
	free(text);
	json_decref(list);
	if (!bad)
		return meta;
	json_decref(meta);
	return NULL;
}

/* Header text and the spaces after it, sealed, into *out. */
static int seal_header(const char *text, size_t n, size_t pad, char **out, struct err *err)
{
	uint64_t length = n + pad;
	if (mem_alloc(out, length, 1, err))
		return -1;
	memcpy(*out, text, n);
	memset(*out + n, ' ', pad);
	seal_set(*out, length, crc32_of(0, &length, sizeof length));
	return 0;
}

int safetensors_write(const struct safetensors *st, struct output *out, struct err *err)
{
	json_t *head = json_object(), *meta = sealed_meta(st);
	char *text = NULL, *header = NULL;
	size_t from = 0;
	int bad = !head || !meta || json_object_set(head, "__metadata__", meta), rc = -1;
	/* Wide elements first: each tensor then begins at a multiple of its element's size, as the format has no
	 * padding. */
	for (size_t size = 8; size; size /= 2)
		for (size_t i = 0; i < st->n; i++)
			if (st_dtype_size(st->tensor[i].dtype) == size) {
				if (__builtin_add_overflow(from, st->tensor[i].bytes, &from) || from > INT64_MAX) {
					err_set(err, "%s: the tensors' size overflows", out->name);
					goto done;
				}
				bad |= add_entry(head, &st->tensor[i], from - st->tensor[i].bytes);
			}
	if (jsontext_write(&text, bad ? NULL : head, JSON_COMPACT, err)) {
		err_context(err, "%s", out->name);
		goto done;
	}
	size_t n = strlen(text), pad = (ST_ALIGN - (8 + n) % ST_ALIGN) % ST_ALIGN;
	if (n + pad > ST_MAX_HEADER) {
		err_set(err, "%s: a header of %zu bytes; the most is %d", out->name, n + pad, ST_MAX_HEADER);
		goto done;
	}
	uint64_t length = n + pad;
	rc = seal_header(text, n, pad, &header, err) || output_write(out, &length, 8, err) ||
	     output_write(out, header, length, err);
	for (size_t size = 8; !rc && size; size /= 2)
		for (size_t i = 0; !rc && i < st->n; i++)
			if (st_dtype_size(st->tensor[i].dtype) == size && st->tensor[i].bytes)
				rc = output_write(out, st->tensor[i].data, st->tensor[i].bytes, err);
	rc = rc ? -1 : 0;
done:
	free(text);
	free(header);
	json_decref(head);
	json_decref(meta);
	return rc;
}

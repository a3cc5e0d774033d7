/* The safetensors reader. The header's checksum is checked before the header is parsed, each tensor's as it is read.
 * Entries are sorted by offset and must tile the data without hole or overlap; the data is then read in that order,
 * each tensor to a multiple of ST_ALIGN of one block. The block may move while it grows, so `data` is set when all
 * is read. No length is trusted with memory: a regular file's size is compared first, else memory grows as bytes
 * arrive. */
#include "pipeline/base/crc.h"
#include "pipeline/files/jsontext.h"
#include "pipeline/base/mem.h"
#include "safetensors.h"
#include "seal.h"
#include "pipeline/stream/sniff.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A tensor and where the header says its bytes lie. */
struct placed {
	struct st_tensor t;
	uint64_t from, to;
};

static int dtype_of(const char *name, enum st_dtype *out)
{
	for (int i = 0; name && i < ST_DTYPES; i++)
		if (!strcmp(name, st_dtype_name((enum st_dtype)i))) {
			*out = (enum st_dtype)i;
			return 0;
		}
	return -1;
}

static int count(const json_t *j, uint64_t *out)
{
	if (!json_is_integer(j) || json_integer_value(j) < 0)
		return -1;
	*out = (uint64_t)json_integer_value(j);
	return 0;
}

/* One entry of the header into *p; p->t.name is not set. */
static int parse_entry(struct placed *p, const char *name, const json_t *j, struct err *err)
{
	const json_t *shape = json_object_get(j, "shape"), *at = json_object_get(j, "data_offsets");
	const char *dtype = json_string_value(json_object_get(j, "dtype"));
	if (!json_is_array(shape) || !json_is_array(at) || json_array_size(at) != 2 || json_object_size(j) != 3)
		return err_set(err, "tensor '%s': not exactly dtype, shape and data_offsets", name);
	if (dtype_of(dtype, &p->t.dtype))
		return err_set(err, "tensor '%s': unknown dtype '%s'", name, dtype ? dtype : "");
	if (json_array_size(shape) > ST_MAX_DIMS)
		return err_set(err, "tensor '%s': %zu dimensions; the most is %d", name, json_array_size(shape),
			       ST_MAX_DIMS);
	p->t.ndim = (int)json_array_size(shape);
	p->t.bytes = st_dtype_size(p->t.dtype);
	for (int i = 0; i < p->t.ndim; i++) {
		uint64_t n;
		if (count(json_array_get(shape, (size_t)i), &n) || __builtin_mul_overflow(p->t.bytes, n, &p->t.bytes))
			return err_set(err, "tensor '%s': shape[%d] is no count, or the size overflows", name, i);
		p->t.shape[i] = n;
	}
	if (count(json_array_get(at, 0), &p->from) || count(json_array_get(at, 1), &p->to) || p->to < p->from)
		return err_set(err, "tensor '%s': data_offsets are no range", name);
	if (p->to - p->from != p->t.bytes)
		return err_set(err, "tensor '%s': %llu bytes, but its dtype and shape make %zu", name,
			       (unsigned long long)(p->to - p->from), p->t.bytes);
	return 0;
}

static int by_place(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;
	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return (x->to > y->to) - (x->to < y->to); /* an empty tensor before the one that begins where it lies */
}

static int take_meta(struct safetensors *st, json_t *meta, struct err *err)
{
	const char *key;
	json_t *value;
	if (!json_is_object(meta))
		return err_set(err, "__metadata__ is not an object");
	json_object_foreach(meta, key, value) if (!json_is_string(value)) return err_set(
		err, "__metadata__: '%s' is not a text", key);
	st->meta = json_incref(meta);
	return 0;
}

/* Header to st->tensor in the order of the bytes. *total: bytes after the header. */
static int take_header(struct safetensors *st, json_t *head, uint64_t *total, struct err *err)
{
	struct placed *list;
	const char *key;
	json_t *value;
	size_t n = 0, room = json_object_size(head);
	int rc = -1;
	if (mem_alloc(&list, room, sizeof *list, err))
		return -1;
	if (mem_grow(&st->tensor, &st->cap, room, sizeof *st->tensor, err))
		goto done;
	json_object_foreach(head, key, value)
	{
		if (!strcmp(key, "__metadata__")) {
			if (take_meta(st, value, err))
				goto done;
			continue;
		}
		if (parse_entry(&list[n], key, value, err) || mem_text(&list[n].t.name, key, strlen(key), err))
			goto done;
		n++;
	}
	qsort(list, n, sizeof *list, by_place);
	*total = 0;
	for (size_t i = 0; i < n; i++) {
		if (list[i].from != *total) {
			err_set(err, "tensor '%s': its bytes %s the ones before", list[i].t.name,
				list[i].from < *total ? "overlap" : "leave a hole after");
			goto done;
		}
		*total = list[i].to;
	}
	for (size_t i = 0; i < n; i++)
		st->tensor[i] = list[i].t;
	st->n = n;
	n = 0;
	rc = 0;
done:
	while (n)
		free(list[--n].t.name);
	free(list);
	return rc;
}

/* The tensors' checksums, which a sealed header has and another has not. */
static int take_checksums(struct safetensors *st, struct err *err)
{
	const char *text = safetensors_meta(st, "tensors crc32");
	json_t *list = NULL;
	if (!text != !st->sealed)
		return err_set(err, "damaged: the header has lost one of its two kinds of checksums");
	if (!text)
		return 0;
	int rc = jsontext_parse(&list, text, strlen(text), NULL, err);
	if (!rc && json_object_size(list) != st->n)
		rc = err_set(err, "damaged: %zu checksums of %zu tensors", json_object_size(list), st->n);
	for (size_t i = 0; i < st->n && !rc; i++) {
		const char *digits = json_string_value(json_object_get(list, st->tensor[i].name));
		if (!digits || strlen(digits) != 8 || seal_number(digits, &st->tensor[i].crc))
			rc = err_set(err, "damaged: tensor '%s' has no checksum", st->tensor[i].name);
	}
	json_decref(list);
	return rc;
}

static int take_bytes(struct safetensors *st, struct input *in, uint64_t total, int size_known, struct err *err)
{
	unsigned char *buf = NULL, more;
	size_t cap = 0, at = 0, limit = 0, got;
	uint64_t done = 0;
	for (size_t i = 0; i < st->n; i++)
		if (st->tensor[i].bytes > SIZE_MAX / 4 ||
		    __builtin_add_overflow(limit, (st->tensor[i].bytes + 63) & ~(size_t)63, &limit))
			return err_set(err, "the tensors do not fit in memory");
	if (size_known || !limit) {
		if (mem_alloc(&buf, limit, 1, err))
			return -1;
		cap = limit;
	}
	for (size_t i = 0; i < st->n; i++) {
		struct st_tensor *t = &st->tensor[i];
		int rc = input_read_grown(in, &buf, &cap, at, t->bytes, limit, &got, err);
		st->bytes = buf;
		done += got;
		if (rc)
			return -1;
		if (got < t->bytes)
			return err_set(err, "truncated inside tensor '%s': %llu of %llu bytes after the header",
				       t->name, (unsigned long long)done, (unsigned long long)total);
		if (st->sealed && crc32_of(0, buf + at, t->bytes) != t->crc)
			return err_set(err, "damaged: tensor '%s' does not match its checksum", t->name);
		at += (t->bytes + ST_ALIGN - 1) / ST_ALIGN * ST_ALIGN;
	}
	st->bytes = buf;
	if (input_read(in, &more, 1, &got, err))
		return -1;
	if (got)
		return err_set(err, "bytes follow the last tensor");
	at = 0;
	for (size_t i = 0; i < st->n; i++) {
		st->tensor[i].data = (unsigned char *)st->bytes + at;
		at += (st->tensor[i].bytes + ST_ALIGN - 1) / ST_ALIGN * ST_ALIGN;
	}
	return 0;
}

/* A regular file's length is known before a byte is read. */
static int check_size(const struct input *in, uint64_t header, uint64_t total, int *known, struct err *err)
{
	struct stat s;
	*known = in->fd > 0 && !input_packed(in) && !fstat(in->fd, &s) && S_ISREG(s.st_mode);
	if (*known && (uint64_t)s.st_size < 8 + header + total)
		return err_set(err, "truncated: %llu bytes of tensors are missing",
			       (unsigned long long)(8 + header + total - (uint64_t)s.st_size));
	return 0;
}

static int read_all(struct safetensors *st, struct input *in, struct err *err)
{
	uint64_t n, total;
	size_t got, cap = 0;
	unsigned char *text = NULL;
	json_t *head = NULL;
	int known, rc;
	if (input_read(in, &n, 8, &got, err))
		return -1;
	if (got < 8)
		return err_set(err, "is no safetensors file: shorter than 8 bytes");
	if (n < 2 || n > ST_MAX_HEADER)
		return err_set(err, "is no safetensors file, or damaged: a header of %llu bytes (2 to %d)",
			       (unsigned long long)n, ST_MAX_HEADER);
	if (input_read_grown(in, &text, &cap, 0, n, n, &got, err)) {
		free(text);
		return -1;
	}
	enum seal seal = got == n ? seal_check((char *)text, n, crc32_of(0, &n, sizeof n)) : SEAL_NONE;
	st->sealed = seal == SEAL_WHOLE;
	if (got < n)
		rc = err_set(err, "truncated or damaged: a header of %llu bytes, of which %zu are there",
			     (unsigned long long)n, got);
	else if (seal == SEAL_BROKEN)
		rc = err_set(err, "damaged: the header does not match its checksum");
	else if (*text != '{')
		rc = err_set(err, "is no safetensors file, or damaged: the header is no JSON object");
	else if (jsontext_parse(&head, (char *)text, n, NULL, err))
		rc = err->cause == CAUSE_SYSTEM ? -1 : err_context(err, "damaged header");
	else
		rc = take_header(st, head, &total, err) || take_checksums(st, err) ||
		     check_size(in, n, total, &known, err) || take_bytes(st, in, total, known, err);
	free(text);
	json_decref(head);
	return rc ? -1 : 0;
}

int safetensors_begins(const unsigned char *bytes, size_t n)
{
	return n > 8 && bytes[8] == '{' && !bytes[4] && !bytes[5] && !bytes[6] && !bytes[7];
}

int safetensors_open(struct safetensors *st, const char *path, struct err *err)
{
	struct input in;
	*st = (struct safetensors){ 0 };
	if (input_open(&in, path, err))
		return -1;
	int rc = safetensors_read(st, &in, err);
	input_release(&in);
	return rc;
}

/* Says what a file is that is certainly something else; what may be a damaged one is left to read_all. */
static int other_kind(struct input *in, struct err *err)
{
	struct sniffed s;
	const unsigned char *head;
	size_t n;
	if (input_peek(in, SNIFF_BYTES, &head, &n, err))
		return -1;
	sniff(&s, head, n, in->name);
	return s.known && !safetensors_begins(head, n) ? sniff_refuse(in->name, head, n, "a model or checkpoint", err)
						       : 0;
}

int safetensors_read(struct safetensors *st, struct input *in, struct err *err)
{
	*st = (struct safetensors){ 0 };
	if (other_kind(in, err))
		return -1;
	int rc = mem_text(&st->name, in->name, strlen(in->name), err);
	if (!rc && read_all(st, in, err))
		rc = err_context(err, "%s", in->name);
	if (rc)
		safetensors_release(st);
	return rc;
}

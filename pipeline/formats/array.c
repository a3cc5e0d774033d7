/* Arrays of any file that holds them. A tensor's bytes are in memory and stand for a source. */
#include "array.h"
#include "pipeline/base/mem.h"
#include "pipeline/files/retry.h"
#include "pipeline/stream/sniff.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum array_form array_form_of(const char *path)
{
	unsigned char head[9];
	struct stat st;
	if (!strcmp(path, "-") || stat(path, &st) || !S_ISREG(st.st_mode))
		return ARRAY_NPY;
	int fd = retry_open(AT_FDCWD, path, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : retry_read_at(fd, head, sizeof head, 0);
	if (fd >= 0)
		close(fd);
	if (n >= 4 && !memcmp(head, "PK\3\4", 4))
		return ARRAY_NPZ;
	return n > 0 && safetensors_begins(head, (size_t)n) ? ARRAY_SAFETENSORS : ARRAY_NPY;
}

/* What the messages list: names of a file that holds several. */
struct names {
	const struct array *a;
	size_t n;
};

static const char *name_at(const struct names *l, size_t i)
{
	return l->a->z ? npz_array_name(l->a->z, i) : l->a->st.tensor[i].name;
}

static int must_choose(const struct names *l, const char *file, const char *option, const char *name, struct err *err)
{
	char list[512] = "";
	for (size_t i = 0; i < l->n && strlen(list) < sizeof list - 4; i++) {
		size_t at = strlen(list);
		err_phrase(list + at, sizeof list - at, "%s%s", i ? ", " : "", name_at(l, i));
	}
	if (!l->n)
		return err_set(err, "%s: holds no array", file);
	if (name)
		return err_set(err, "%s: holds no array '%s'; it holds %s", file, name, list);
	return err_set(err, "%s: holds the arrays %s; choose with %s NAME", file, list, option);
}

/* The number of the array of that name, or of the only one. */
static int choose(const struct names *l, const char *file, const char *option, const char *name, size_t *out,
		  struct err *err)
{
	for (*out = 0; name && *out < l->n; ++*out)
		if (!strcmp(name, name_at(l, *out)))
			return 0;
	return !name && l->n == 1 ? 0 : must_choose(l, file, option, name, err);
}

static int tensor_read(void *from, void *to, size_t n, size_t *got, struct err *err)
{
	struct array *a = from;
	(void)err;
	*got = n < a->left ? n : a->left;
	if (*got)
		memcpy(to, a->next, *got);
	a->next += *got;
	a->left -= *got;
	return 0;
}

/* The tensor as a reader. */
static int begin_tensor(struct array *a, const struct st_tensor *t, struct err *err)
{
	static const struct {
		char type;
		int brain;
	} is[ST_DTYPES] = {
		[ST_BOOL] = { 'b', 0 }, [ST_U8] = { 'u', 0 },	[ST_I8] = { 'i', 0 },  [ST_U16] = { 'u', 0 },
		[ST_I16] = { 'i', 0 },	[ST_F16] = { 'f', 0 },	[ST_BF16] = { 'f', 1 }, [ST_U32] = { 'u', 0 },
		[ST_I32] = { 'i', 0 },	[ST_F32] = { 'f', 0 },	[ST_U64] = { 'u', 0 }, [ST_I64] = { 'i', 0 },
		[ST_F64] = { 'f', 0 },
	};
	struct npy_head h = { .type = is[t->dtype].type, .brain = is[t->dtype].brain, .size = st_dtype_size(t->dtype),
			      .dims = t->ndim };
	uint64_t all = h.size;
	if (!t->ndim)
		return err_set(err, "%s: is a single value, not an array", a->label);
	for (int i = 0; i < t->ndim; i++) {
		h.shape[i] = t->shape[i];
		if (__builtin_mul_overflow(all, h.shape[i] ? h.shape[i] : 1, &all) || all > INT64_MAX / 8)
			return err_set(err, "%s: the shape is too large", a->label);
	}
	a->next = t->data;
	a->left = t->bytes;
	npy_bare(&a->r, tensor_read, a, a->label, &h);
	return 0;
}

static int open_npz(struct array *a, const char *path, const char *option, const char *name, struct err *err)
{
	size_t i;
	if (npz_open(&a->z, path, err))
		return -1;
	const struct names list = { a, npz_arrays(a->z) };
	return choose(&list, path, option, name, &i, err) || npz_begin(a->z, i, &a->member, &a->r, err) ? -1 : 0;
}

static int open_safetensors(struct array *a, const char *path, const char *option, const char *name, struct err *err)
{
	struct input in;
	const unsigned char *head;
	size_t i, got;
	if (input_open(&in, path, err))
		return -1;
	int rc = input_peek(&in, 9, &head, &got, err);
	if (!rc && !safetensors_begins(head, got))
		rc = sniff_refuse_input(&in, "", 0, "a safetensors file", err);
	rc = rc || safetensors_read(&a->st, &in, err);
	input_release(&in);
	if (rc)
		return -1;
	const struct names list = { a, a->st.n };
	if (choose(&list, path, option, name, &i, err) ||
	    mem_printf(&a->label, err, "%s: array '%s'", path, a->st.tensor[i].name))
		return -1;
	return begin_tensor(a, &a->st.tensor[i], err);
}

int array_open(struct array *a, enum array_form form, const char *path, const char *option, const char *name,
	       struct err *err)
{
	int rc;
	*a = (struct array){ 0 };
	if (form == ARRAY_NPZ)
		rc = open_npz(a, path, option, name, err);
	else if (form == ARRAY_SAFETENSORS)
		rc = open_safetensors(a, path, option, name, err);
	else if (name)
		rc = err_usage(err, "%s: %s names an array of an NPZ or safetensors file; an NPY file holds one", path,
			       option);
	else
		rc = npy_open(&a->r, path, err);
	if (rc)
		array_release(a);
	return rc ? -1 : 0;
}

void array_release(struct array *a)
{
	npy_release(&a->r);
	npz_end(a->member);
	npz_close(a->z);
	safetensors_release(&a->st);
	free(a->label);
	*a = (struct array){ 0 };
}

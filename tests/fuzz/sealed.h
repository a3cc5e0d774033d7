/* For targets whose files are under checksums: a mutator changes what a file says and seals it anew, since a checksum
 * would refuse almost everything that plain mutation makes. */
#ifndef VIC_FUZZ_SEALED_H
#define VIC_FUZZ_SEALED_H

#include "pipeline/formats/safetensors.h"
#include "pipeline/formats/seal.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

/* A file in memory with these bytes; *path (64 bytes) names it, the descriptor is the caller's. */
static inline int memory_file(char *path, const void *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || (size && write(fd, data, size) != (ssize_t)size))
		abort();
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

/* The next number that a seed leads to. */
static inline unsigned draw(unsigned *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* JSON, of which one number becomes another value, or (one time in four) any byte changes. malloc'd; NUL-ended. */
static inline char *mutate_json(const char *text, unsigned *seed)
{
	static const char *const values[] = {
		"0",   "1",	"-1",	"2",	  "3",		"4",	      "5",	    "8",
		"9",   "64",	"65",	"100000", "2147483647", "2147483648", "4294967296", "9223372036854775807",
		"0.5", "1e-30", "-0.0", "1e308",  "5e-324",	"null",	      "true",	    "\"x\"",
		"[]",  "{}"
	};
	enum { MORE = 64 };
	size_t n = strlen(text), numbers = 0;
	char *to = calloc(n + MORE + 1, 1);
	if (!to)
		abort();
	for (const char *p = text; *(p += strcspn(p, "-0123456789")); p += strspn(p, "-+.eE0123456789"))
		numbers++;
	if (!numbers || draw(seed) % 4 == 0) {
		memcpy(to, text, n);
		to[LLVMFuzzerMutate((uint8_t *)to, n, n + MORE)] = 0;
		return to;
	}
	const char *at = text;
	for (size_t skip = draw(seed) % numbers; *(at += strcspn(at, "-0123456789")) && skip--;)
		at += strspn(at, "-+.eE0123456789");
	const char *rest = at + strspn(at, "-+.eE0123456789");
	snprintf(to, n + MORE, "%.*s%s%s", (int)(at - text), text,
		 values[draw(seed) % (sizeof values / sizeof *values)], rest);
	return to;
}

/* Tensor `from` with something changed: its bytes, one length, or its name. *bytes is malloc'd and goes with the
 * caller. */
static inline int add_changed(struct safetensors *to, const struct st_tensor *from, unsigned *seed, uint8_t **bytes,
			      struct err *err)
{
	struct st_tensor t = *from;
	unsigned how = draw(seed) % 8;
	size_t room = from->bytes + 64;
	if (how == 0 && t.ndim)
		t.shape[draw(seed) % (unsigned)t.ndim] = draw(seed) % 6;
	if (how == 1)
		t.dtype = (enum st_dtype)(draw(seed) % ST_DTYPES);
	if (how == 2)
		t.ndim = (int)(draw(seed) % 4);
	size_t need = st_dtype_size(t.dtype);
	for (int i = 0; i < t.ndim; i++)
		need *= t.shape[i];
	room = need > room ? need : room;
	if (room > 1 << 20 || !(*bytes = calloc(room, 1)))
		return -1;
	if (from->bytes)
		memcpy(*bytes, from->data, from->bytes);
	if (how > 3 && from->bytes)
		LLVMFuzzerMutate(*bytes, from->bytes, from->bytes);
	return safetensors_add(to, how == 3 ? "x" : t.name, t.dtype, t.ndim, t.shape, *bytes, err);
}

/* A file of tensors: one tensor or one text of its metadata changed, or left out. */
static inline int change_tensors(struct safetensors *to, const struct safetensors *from, unsigned seed, uint8_t **bytes,
				 struct err *err)
{
	unsigned kind = draw(&seed) % 8, pick = draw(&seed), lose = draw(&seed) % 16 == 0, i = 0;
	const char *key;
	json_t *value;
	for (size_t k = 0; k < from->n; k++) {
		const struct st_tensor *t = &from->tensor[k];
		int chosen = kind < 4 && k == pick % from->n;
		if (chosen && lose)
			continue;
		if (chosen ? add_changed(to, t, &seed, bytes, err) :
			     safetensors_add(to, t->name, t->dtype, t->ndim, t->shape, t->data, err))
			return -1;
	}
	json_object_foreach(from->meta, key, value)
	{
		int chosen = kind >= 4 && i++ == pick % json_object_size(from->meta);
		char *text = chosen ? mutate_json(json_string_value(value), &seed) : NULL;
		int rc = chosen && lose ? 0 : safetensors_set(to, key, text ? text : json_string_value(value), err);
		free(text);
		if (rc)
			return -1;
	}
	return 0;
}

/* Into data[max]; 0 where nothing came of it. */
static inline size_t mutate_tensors(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	struct safetensors from, to = { 0 };
	struct output out;
	struct err err = ERR_NONE;
	char path[64], copy[64];
	uint8_t *bytes = NULL;
	int fd = memory_file(path, data, size), result = memory_file(copy, "", 0);
	size_t n = 0;
	if (!safetensors_open(&from, path, &err)) {
		/* a device: no file is renamed or synced */
		if (!change_tensors(&to, &from, seed, &bytes, &err) && !output_open(&out, "/dev/null", &err)) {
			if (dup2(result, out.fd) >= 0 && !safetensors_write(&to, &out, &err) &&
			    !output_flush(&out, &err))
				n = (size_t)lseek(result, 0, SEEK_END);
			output_release(&out);
		}
		safetensors_release(&from);
	}
	if (n > max || (n && pread(result, data, n, 0) != (ssize_t)n))
		n = 0;
	safetensors_release(&to);
	free(bytes);
	close(fd);
	close(result);
	return n;
}

#endif

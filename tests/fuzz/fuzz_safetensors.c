/* Any bytes as a model file: refused or read, never more. What is read is written again and must read the same. */
#include "tests/scratch.h"
#include "pipeline/formats/safetensors.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int memory_file(char *path, size_t n, const void *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || (size && write(fd, data, size) != (ssize_t)size))
		abort();
	snprintf(path, n, "/proc/self/fd/%d", fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = ERR_NONE;
	struct safetensors st, again;
	struct output out;
	char path[64];
	int fd = memory_file(path, sizeof path, data, size);
	int rc = safetensors_open(&st, path, &err);
	close(fd);
	if (rc) {
		if (!err.msg[0])
			abort();
		return 0;
	}
	for (size_t i = 0; i < st.n; i++) /* every byte promised is there */
		for (size_t k = 0; k < st.tensor[i].bytes; k++)
			((unsigned char *)(uintptr_t)st.tensor[i].data)[k] ^= 1;
	char to[SCRATCH_PATH];
	if (scratch_file(to, "fuzz-safetensors") || output_open(&out, to, &err) || safetensors_write(&st, &out, &err) ||
	    output_commit(&out, &err))
		abort();
	output_release(&out);
	if (safetensors_open(&again, to, &err) || again.n != st.n)
		abort();
	for (size_t i = 0; i < st.n; i++) {
		const struct st_tensor *t = safetensors_find(&again, st.tensor[i].name);
		if (!t || t->bytes != st.tensor[i].bytes || memcmp(t->data, st.tensor[i].data, t->bytes))
			abort();
	}
	safetensors_release(&again);
	safetensors_release(&st);
	unlink(to);
	return 0;
}

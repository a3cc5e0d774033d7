/* Any bytes as an NPY file and as a table of numbers: refused or made into a stream that vic-cat --check would
 * accept. */
#include "pipeline/cat/cat.h"
#include "pipeline/formats/npy.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_stream(const char *path)
{
	struct stream_reader *r;
	struct block b;
	struct err err = ERR_NONE;
	int rc;
	if (stream_open(&r, path, &err) || stream_next_of(r, STREAM_LOGITS, &err) != 1)
		abort();
	while ((rc = stream_next_block(r, &b, &err)) == 1)
		if (logits_check(stream_head_of(r), &b, "fuzz", &err))
			abort();
	if (rc || !stream_records(r) || stream_next_document(r, &err))
		abort();
	stream_close(r);
}

static void import_as(const char *path, enum export_form form, int values, const char *labels)
{
	struct err err = ERR_NONE;
	struct import_notes notes = { 0 };
	struct output out;
	char to[64];
	const struct import im = { .form = form, .path = path, .values = values, .labels = labels, .dtype = DTYPE_F32 };
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	/* a device: no file is renamed or synced */
	if (fd < 0 || output_open(&out, "/dev/null", &err) || dup2(fd, out.fd) < 0)
		abort();
	snprintf(to, sizeof to, "/proc/self/fd/%d", fd);
	if (!import_stream(&im, NULL, &out, &notes, &err)) {
		if (output_commit(&out, &err))
			abort();
		check_stream(to);
	} else if (!err.msg[0]) {
		abort();
	}
	output_release(&out);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct npy_head head;
	struct err err = ERR_NONE;
	char path[64];
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || (size && write(fd, data, size) != (ssize_t)size))
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (!npy_parse((const char *)data, size, &head, &err) && npy_values(&head) > INT64_MAX / 8)
		abort();
	if (size && data[0] == 0x93) {
		import_as(path, EXPORT_NPY, VALUES_LOGITS, NULL);
		import_as(path, EXPORT_NPY, VALUES_PROBS, path);
	} else {
		import_as(path, EXPORT_CSV, VALUES_LOGITS, NULL);
		import_as(path, EXPORT_TSV, VALUES_PROBS, NULL);
	}
	close(fd);
	return 0;
}

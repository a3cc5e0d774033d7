/* Any bytes as a zip archive: however many come at a time, and whether a file is read or passed over, the same
 * names, the same bytes and the same end; an end without an error has passed every checksum. */
#include "pieces.h"
#include "pipeline/base/crc.h"
#include "pipeline/files/zip.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds)
{
	if (!holds)
		abort();
}

enum { MOST = 1 << 20 }; /* bytes that are read of an archive */

struct outcome {
	int rc;        /* of the last zip_next or zip_read; 2: it holds more than MOST */
	size_t files;
	uint32_t sum;  /* of names and bytes */
	uint32_t names;
};

static struct outcome read_archive(const uint8_t *data, size_t size, size_t step, size_t room, int pass_over)
{
	struct outcome o = { 1, 0, 0, 0 };
	struct pieces from;
	struct err err = ERR_NONE;
	struct zip *z = NULL;
	const char *name;
	size_t all = 0;
	unsigned char *to = malloc(room);
	must(to != NULL);
	pieces_begin(&from, data, size, step);
	must(!zip_open(&z, &from.supply, "fuzz", &err));
	while (o.rc == 1 && (o.rc = zip_next(z, &name, &err)) == 1) {
		size_t got = 1;
		o.files++;
		o.names = crc32_of(o.names, name, strlen(name) + 1);
		while (!pass_over && got && o.rc == 1) {
			if (zip_read(z, to, room, &got, &err))
				o.rc = -1;
			else
				must(got <= room);
			o.sum = o.rc == 1 ? crc32_of(o.sum, to, got) : o.sum;
			all += o.rc == 1 ? got : 0;
			o.rc = all > MOST ? 2 : o.rc;
		}
	}
	must((o.rc < 0) == (err.msg[0] != 0));
	zip_close(z);
	pieces_release(&from);
	free(to);
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome a = read_archive(data, size, 1 << 16, 4096, 0), b = read_archive(data, size, 1, 4096, 0);
	must(a.rc == b.rc && a.files == b.files && a.names == b.names && (a.rc < 0 || a.sum == b.sum));
	b = read_archive(data, size, 7, 3, 0);
	must(a.rc == b.rc && a.files == b.files && a.names == b.names && (a.rc || a.sum == b.sum));
	if (a.rc != 2) {
		b = read_archive(data, size, 5, 1, 1);
		must(a.rc == b.rc && a.names == b.names);
	}
	return 0;
}

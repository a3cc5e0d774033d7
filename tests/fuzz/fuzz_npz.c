/* Any bytes as an NPZ archive: refused, or every array of it refused or read to its end, in both orders of its axes,
 * with the values that its head promises. */
#include "pipeline/formats/npz.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds)
{
	if (!holds)
		abort();
}

/* Values that were read without an error, at most 10000. */
static uint64_t read_values(struct npy_reader *r, struct err *err)
{
	uint64_t n = 0;
	double v;
	char *text;
	int is_text = strchr("US", r->head.type) != NULL;
	while (r->left && n < 10000 && !(is_text ? npy_read_text(r, &text, err) : npy_read_number(r, &v, err)))
		n++;
	return n;
}

static void read_array(struct npz *z, size_t i, int moved)
{
	struct npz_member *m = NULL;
	struct npy_reader r = { 0 };
	struct err err = ERR_NONE;
	if (npz_begin(z, i, &m, &r, &err)) {
		must(err.msg[0]);
		return;
	}
	uint64_t all = npy_values(&r.head), n;
	if (moved)
		npy_move_last(&r, 0);
	must(npy_values(&r.head) == all && r.left == all);
	n = read_values(&r, &err);
	must(n <= all);
	if (n == all && !npy_at_end(&r, &err))
		must(r.left == 0);
	else
		must(n == 10000 || err.msg[0]);
	npy_release(&r);
	npz_end(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = ERR_NONE;
	struct npz *z;
	char path[64];
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (npz_open(&z, path, &err)) {
		must(err.msg[0]);
	} else {
		for (size_t i = 0; i < npz_arrays(z) && i < 16; i++)
			for (int moved = 0; moved < 2; moved++)
				read_array(z, i, moved);
		npz_close(z);
	}
	close(fd);
	return 0;
}

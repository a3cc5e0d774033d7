/* Any bytes as packed ones: however many come at a time and are asked for, the same bytes come out and the same
 * end; what unpacks in memory is the same; what is none of the kinds is not taken for one later, however much of it
 * is seen. */
#include "pieces.h"
#include "pipeline/base/crc.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds)
{
	if (!holds)
		abort();
}

enum { MOST = 1 << 20 };

struct outcome {
	int rc; /* 0: the end; 1: more than MOST; -1 */
	uint32_t sum;
	size_t n;
};

static struct outcome unpack_by(const char *kind, const uint8_t *data, size_t size, size_t step, size_t room)
{
	struct outcome o = { 0, 0, 0 };
	struct pieces from;
	struct err err = ERR_NONE;
	struct unpack *u = NULL;
	size_t got = room;
	unsigned char *to = malloc(room);
	must(to != NULL);
	pieces_begin(&from, data, size, step);
	o.rc = unpack_open(&u, kind, &from.supply, "fuzz", &err);
	while (!o.rc && got == room) {
		o.rc = unpack_read(u, to, room, &got, &err);
		must(o.rc || got <= room);
		if (o.rc)
			break;
		o.sum = crc32_of(o.sum, to, got);
		o.n += got;
		o.rc = o.n > MOST;
	}
	must((o.rc < 0) == (err.msg[0] != 0));
	unpack_close(u);
	pieces_release(&from);
	free(to);
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = ERR_NONE;
	unsigned char *out;
	size_t n = size < UNPACK_HEAD ? size : UNPACK_HEAD, len;
	const char *kind = unpack_kind(data, n, NULL), *early;
	int more;
	for (size_t k = 1; k < n; k++) { /* it is told early only where it stays so */
		early = unpack_kind(data, k, &more);
		must(more || early == kind);
	}
	if (!kind)
		return 0;
	struct outcome a = unpack_by(kind, data, size, 1 << 16, 4096), b = unpack_by(kind, data, size, 1, 4096);
	must(a.rc == b.rc && (a.rc < 0 || (a.n == b.n && a.sum == b.sum)));
	b = unpack_by(kind, data, size, 7, 33);
	must(a.rc == b.rc && (a.rc || (a.n == b.n && a.sum == b.sum)));
	if (unpack_memory(data, size, MOST, &out, &len, &err)) {
		must(a.rc && err.msg[0]);
	} else {
		must(!a.rc && len == a.n && crc32_of(0, out, len) == a.sum && !out[len]);
		free(out);
	}
	return 0;
}

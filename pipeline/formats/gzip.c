/* Gunzip by zlib's inflate. The reader is in one of three states: not packed (bytes pass through), inside a member,
 * or `between` two members, where the input may end and nothing may follow but another member.
 * zlib counts in 32 bits, so no call is given more than 1 GiB. Large reads unpack into the caller's memory, small
 * ones into `out`; what `out` still holds is handed out first, so both kinds may alternate. */
#include "gzip.h"
#include "pipeline/files/io.h"
#include "pipeline/base/mem.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { RAW = 256 * 1024, OUT = 256 * 1024 };

struct gzip {
	struct input in; /* .name NULL: the bytes lie in memory */
	const unsigned char *memory;
	size_t left;         /* of memory */
	unsigned char *raw;  /* [RAW] read and not yet unpacked: z.next_in, z.avail_in */
	unsigned char *out;  /* [OUT] unpacked and not yet handed out, for small reads; NULL before the first */
	size_t have, used;   /* of out */
	z_stream z;
	int packed, between; /* z is in use; a member has ended and none has begun */
};

/* Puts the file's name in front of what went wrong. */
static int gzip_context(const struct gzip *g, struct err *err)
{
	return g->in.name ? err_context(err, "%s", g->in.name) : -1;
}

/* The next packed bytes; none, only at the end. */
static int refill(struct gzip *g, struct err *err)
{
	size_t k = g->left < 1u << 30 ? g->left : 1u << 30;
	if (g->in.name) {
		if (input_read(&g->in, g->raw, RAW, &k, err))
			return -1;
		g->z.next_in = g->raw;
	} else {
		g->z.next_in = (unsigned char *)(uintptr_t)g->memory;
		g->memory += k;
		g->left -= k;
	}
	g->z.avail_in = (uInt)k;
	return 0;
}

/* n < 2^32 bytes, or up to the end. Output that inflate holds back at the end of its input needs no care: the eight
 * bytes of a member's trailer are taken only when all is out. */
static int unpack(struct gzip *g, unsigned char *to, size_t n, size_t *got, struct err *err)
{
	z_stream *z = &g->z;
	z->next_out = to;
	z->avail_out = (uInt)n;
	while (z->avail_out) {
		if (!z->avail_in && refill(g, err))
			return -1;
		if (!z->avail_in && g->between)
			break;
		if (!z->avail_in) {
			err_set(err, "the gzip data is truncated; get the file again");
			return gzip_context(g, err);
		}
		if (g->between) { /* another member, or something else */
			if (*z->next_in != 0x1F) {
				err_set(err, "bytes that are no gzip data follow its end");
				return gzip_context(g, err);
			}
			if (inflateReset(z) != Z_OK) {
				err_system(err, "zlib cannot start again");
				return gzip_context(g, err);
			}
			g->between = 0;
		}
		int rc = inflate(z, Z_NO_FLUSH);
		if (rc == Z_STREAM_END) {
			g->between = 1;
		} else if (rc == Z_MEM_ERROR) { /* the window is made when it is first needed */
			err_memory(err);
			return gzip_context(g, err);
		} else if (rc != Z_OK && rc != Z_BUF_ERROR) {
			err_set(err, "the gzip data is damaged (%s); get the file again",
				z->msg ? z->msg : "zlib error");
			return gzip_context(g, err);
		}
	}
	*got = n - z->avail_out;
	return 0;
}

/* The same of bytes that need no unpacking; the first of them were read to tell. */
static int pass_on(struct gzip *g, unsigned char *to, size_t n, size_t *got, struct err *err)
{
	size_t k = g->z.avail_in < n ? g->z.avail_in : n;
	memcpy(to, g->z.next_in, k);
	g->z.next_in += k;
	g->z.avail_in -= (uInt)k;
	*got = 0;
	if (k < n && input_read(&g->in, to + k, n - k, got, err))
		return -1;
	*got += k;
	return 0;
}

static int produce(struct gzip *g, unsigned char *to, size_t n, size_t *got, struct err *err)
{
	return g->packed ? unpack(g, to, n, got, err) : pass_on(g, to, n, got, err);
}

int gzip_read(struct gzip *g, void *to, size_t n, size_t *got, struct err *err)
{
	unsigned char *p = to;
	size_t done = 0, k;
	for (;;) {
		k = g->have - g->used < n - done ? g->have - g->used : n - done;
		if (k)
			memcpy(p + done, g->out + g->used, k);
		g->used += k;
		done += k;
		k = n - done < 1u << 30 ? n - done : 1u << 30;
		if (!k)
			break;
		if (k >= OUT) {
			size_t want = k;
			if (produce(g, p + done, want, &k, err))
				return -1;
			done += k;
			if (k < want)
				break;
		} else {
			if (!g->out && mem_alloc(&g->out, OUT, 1, err))
				return -1;
			g->used = g->have = 0;
			if (produce(g, g->out, OUT, &g->have, err))
				return -1;
			if (!g->have)
				break;
		}
	}
	*got = done;
	return 0;
}

static int start_member(struct gzip *g, struct err *err)
{
	g->packed = g->z.avail_in >= 2 && g->z.next_in[0] == 0x1F && g->z.next_in[1] == 0x8B;
	if (!g->packed || inflateInit2(&g->z, 15 + 16) == Z_OK)
		return 0;
	g->packed = 0;
	err_system(err, "zlib cannot start");
	return gzip_context(g, err);
}

/* Takes what g->in has over. */
static int gzip_begin(struct gzip **out, struct gzip *g, struct err *err)
{
	if (mem_alloc(&g->raw, RAW, 1, err) || refill(g, err) || start_member(g, err)) {
		gzip_close(g);
		return -1;
	}
	*out = g;
	return 0;
}

int gzip_open(struct gzip **out, const char *path, struct err *err)
{
	struct gzip *g;
	if (mem_alloc(&g, 1, sizeof *g, err))
		return -1;
	if (!input_open(&g->in, path, err))
		return gzip_begin(out, g, err);
	free(g);
	return -1;
}

int gzip_over(struct gzip **out, int fd, const char *name, struct err *err)
{
	struct gzip *g;
	if (mem_alloc(&g, 1, sizeof *g, err))
		return -1;
	g->in = (struct input){ .name = name, .fd = -1 };
	if (mem_alloc(&g->in.buf, INPUT_BUFFER, 1, err)) {
		gzip_close(g);
		return -1;
	}
	g->in.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (g->in.fd >= 0)
		return gzip_begin(out, g, err);
	err_sys(err, "%s", name);
	gzip_close(g);
	return -1;
}

int gzip_packed(const struct gzip *g)
{
	return g->packed;
}

void gzip_close(struct gzip *g)
{
	if (!g)
		return;
	if (g->packed)
		inflateEnd(&g->z);
	input_release(&g->in);
	free(g->raw);
	free(g->out);
	free(g);
}

int gunzip(const unsigned char *data, size_t len, size_t max, unsigned char **out, size_t *out_len, struct err *err)
{
	struct gzip g = { .in.fd = -1, .memory = data, .left = len };
	unsigned char *buf = NULL;
	size_t cap = 0, n = 0, got;
	if (inflateInit2(&g.z, 15 + 16) != Z_OK)
		return err_system(err, "zlib cannot start");
	do {
		if (mem_grow(&buf, &cap, n + OUT + 1, 1, err) || unpack(&g, buf + n, OUT, &got, err))
			goto fail;
		n += got;
		if (n > max) {
			err_set(err, "unpacks to more than %zu bytes", max);
			goto fail;
		}
	} while (got == OUT);
	buf[n] = 0;
	inflateEnd(&g.z);
	*out = buf;
	*out_len = n;
	return 0;
fail:
	inflateEnd(&g.z);
	free(buf);
	return -1;
}

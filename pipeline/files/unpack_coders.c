/* The decoders, a library each. Libraries count in 32 bits or in size_t, so no step is given more than 1 GiB; xz may
 * use as much memory. What a build does without names its library in the table. */
#include "unpack_coders.h"

#include <string.h>

enum { MOST = 1 << 30 };

static size_t at_most(size_t n)
{
	return n < MOST ? n : MOST;
}

static enum step gzip_begin(struct unpack *u)
{
	if (u->begun)
		return inflateReset(&u->z) == Z_OK ? STEP_MORE : STEP_MEMORY;
	return inflateInit2(&u->z, 15 + 16) == Z_OK ? STEP_MORE : STEP_MEMORY;
}

static enum step gzip_step(struct unpack *u)
{
	size_t in = at_most(u->from->n), out = at_most(u->room);
	u->z.next_in = (Bytef *)(uintptr_t)u->from->p;
	u->z.avail_in = (uInt)in;
	u->z.next_out = u->out;
	u->z.avail_out = (uInt)out;
	int rc = inflate(&u->z, Z_NO_FLUSH);
	u->why = u->z.msg;
	unpack_advance(u, in - u->z.avail_in, out - u->z.avail_out);
	return rc == Z_STREAM_END ? STEP_END
	       : rc == Z_MEM_ERROR /* the window is made when it is first needed */
		       ? STEP_MEMORY
	       : rc == Z_OK || rc == Z_BUF_ERROR ? STEP_MORE
						 : STEP_BAD;
}

static void gzip_end(struct unpack *u)
{
	inflateEnd(&u->z);
}

#ifdef VIC_LIB_bz2
static void bzip2_end(struct unpack *u)
{
	BZ2_bzDecompressEnd(&u->bz);
}

static enum step bzip2_begin(struct unpack *u)
{
	if (u->begun)
		bzip2_end(u);
	memset(&u->bz, 0, sizeof u->bz);
	return BZ2_bzDecompressInit(&u->bz, 0, 0) == BZ_OK ? STEP_MORE : STEP_MEMORY;
}

static enum step bzip2_step(struct unpack *u)
{
	size_t in = at_most(u->from->n), out = at_most(u->room);
	u->bz.next_in = (char *)(uintptr_t)u->from->p;
	u->bz.avail_in = (unsigned)in;
	u->bz.next_out = (char *)u->out;
	u->bz.avail_out = (unsigned)out;
	int rc = BZ2_bzDecompress(&u->bz);
	unpack_advance(u, in - u->bz.avail_in, out - u->bz.avail_out);
	return rc == BZ_STREAM_END ? STEP_END : rc == BZ_MEM_ERROR ? STEP_MEMORY : rc == BZ_OK ? STEP_MORE : STEP_BAD;
}
#define WITH_BZIP2 NULL, bzip2_begin, bzip2_step, bzip2_end
#else
#define WITH_BZIP2 "libbz2 (Debian and Ubuntu: libbz2-dev)", NULL, NULL, NULL
#endif

#ifdef VIC_LIB_lzma
static void xz_end(struct unpack *u)
{
	lzma_end(&u->xz);
}

static enum step xz_begin(struct unpack *u)
{
	const lzma_stream fresh = LZMA_STREAM_INIT;
	if (!u->begun)
		u->xz = fresh;
	return lzma_stream_decoder(&u->xz, MOST, LZMA_TELL_UNSUPPORTED_CHECK) == LZMA_OK ? STEP_MORE : STEP_MEMORY;
}

static enum step xz_step(struct unpack *u)
{
	size_t in = at_most(u->from->n), out = at_most(u->room);
	u->xz.next_in = u->from->p;
	u->xz.avail_in = in;
	u->xz.next_out = u->out;
	u->xz.avail_out = out;
	lzma_ret rc = lzma_code(&u->xz, LZMA_RUN);
	unpack_advance(u, in - u->xz.avail_in, out - u->xz.avail_out);
	if (rc == LZMA_MEMLIMIT_ERROR)
		u->why = "it needs more than 1 GiB of memory";
	return rc == LZMA_STREAM_END			? STEP_END
	       : rc == LZMA_MEM_ERROR			? STEP_MEMORY
	       : rc == LZMA_OK || rc == LZMA_BUF_ERROR ? STEP_MORE
							: STEP_BAD;
}
#define WITH_LZMA NULL, xz_begin, xz_step, xz_end
#else
#define WITH_LZMA "liblzma (Debian and Ubuntu: liblzma-dev)", NULL, NULL, NULL
#endif

#ifdef VIC_LIB_zstd
static void zstd_end(struct unpack *u)
{
	ZSTD_freeDStream(u->zstd);
}

static enum step zstd_begin(struct unpack *u)
{
	if (!u->zstd)
		u->zstd = ZSTD_createDStream();
	return u->zstd && !ZSTD_isError(ZSTD_initDStream(u->zstd)) ? STEP_MORE : STEP_MEMORY;
}

static enum step zstd_step(struct unpack *u)
{
	ZSTD_inBuffer in = { u->from->p, u->from->n, 0 };
	ZSTD_outBuffer out = { u->out, u->room, 0 };
	size_t rc = ZSTD_decompressStream(u->zstd, &out, &in);
	unpack_advance(u, in.pos, out.pos);
	if (!ZSTD_isError(rc))
		return rc ? STEP_MORE : STEP_END;
	u->why = ZSTD_getErrorName(rc);
	return strstr(u->why, "llocation") ? STEP_MEMORY : STEP_BAD;
}
#define WITH_ZSTD NULL, zstd_begin, zstd_step, zstd_end
#else
#define WITH_ZSTD "libzstd (Debian and Ubuntu: libzstd-dev)", NULL, NULL, NULL
#endif

const struct coder unpack_coders[UNPACK_CODERS] = {
	{ "gzip", "\x1F\x8B", 2, NULL, gzip_begin, gzip_step, gzip_end },
	{ "bzip2", "BZh", 3, WITH_BZIP2 },
	{ "xz",
	  "\xFD"
	  "7zXZ\0",
	  6, WITH_LZMA },
	{ "Zstandard", "\x28\xB5\x2F\xFD", 4, WITH_ZSTD },
	{ "zip", "PK\3\4", 4, NULL, NULL, NULL, NULL },
};

#define LZMA_TEXT ", liblzma " LZMA_VERSION_STRING
#define ZSTD_TEXT ", libzstd " ZSTD_VERSION_STRING
const char *unpack_libraries(void)
{
	return "zlib " ZLIB_VERSION
#ifdef VIC_LIB_bz2
	       ", libbz2"
#endif
#ifdef VIC_LIB_lzma
	       LZMA_TEXT
#endif
#ifdef VIC_LIB_zstd
	       ZSTD_TEXT
#endif
		;
}

/* unpack_coders: the decoders behind unpack.c, and the state that they share. Private to the two. */
#ifndef VIC_UNPACK_CODERS_H
#define VIC_UNPACK_CODERS_H

#include "unpack.h"
#include "zip.h"

#include <zlib.h>
#ifdef VIC_LIB_bz2
#include <bzlib.h>
#endif
#ifdef VIC_LIB_lzma
#include <lzma.h>
#endif
#ifdef VIC_LIB_zstd
#include <zstd.h>
#endif

enum step { STEP_MORE, STEP_END, STEP_BAD, STEP_MEMORY };

struct coder;
struct unpack {
	const struct coder *coder;
	const char *name;
	struct supply *from;
	int begun, between;
	unsigned char *out; /* where the next bytes go */
	size_t room;
	size_t padding; /* zeros between members of xz */
	const char *why;
	z_stream z;
#ifdef VIC_LIB_bz2
	bz_stream bz;
#endif
#ifdef VIC_LIB_lzma
	lzma_stream xz;
#endif
#ifdef VIC_LIB_zstd
	ZSTD_DStream *zstd;
#endif
	struct zip *zip;
};

/* begin and step return enum step, begin also for each further member; step takes from u->from and gives to u->out. */
struct coder {
	const char *kind, *magic;
	size_t magic_n;
	const char *without; /* the library that the build does without; NULL: it has it */
	enum step (*begin)(struct unpack *u);
	enum step (*step)(struct unpack *u);
	void (*end)(struct unpack *u);
};

/* So many bytes of the supply were taken and of the room filled. */
static inline void unpack_advance(struct unpack *u, size_t in, size_t out)
{
	u->from->p += in;
	u->from->n -= in;
	u->out += out;
	u->room -= out;
}

enum { UNPACK_CODERS = 5 };
extern const struct coder unpack_coders[UNPACK_CODERS];

#endif

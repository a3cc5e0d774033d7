/* pieces: bytes in memory as a supply that hands them over a few at a time, for the fuzzers of unpacking. */
#ifndef VIC_TEST_PIECES_H
#define VIC_TEST_PIECES_H

#include "pipeline/files/unpack.h"

#include <stdint.h>
#include <stdlib.h>

/* Every piece is a block of its own, so that a read past its end is seen. */
struct pieces {
	struct supply supply;
	const uint8_t *left;
	size_t n, step;
	unsigned char *piece;
};

static inline int pieces_fill(struct supply *s, struct err *err)
{
	struct pieces *p = s->arg;
	size_t n = p->n < p->step ? p->n : p->step;
	(void)err;
	free(p->piece);
	p->piece = malloc(n ? n : 1);
	if (!p->piece)
		abort();
	for (size_t i = 0; i < n; i++)
		p->piece[i] = p->left[i];
	p->left += n;
	p->n -= n;
	s->p = p->piece;
	s->n = n;
	return 0;
}

static inline void pieces_begin(struct pieces *p, const uint8_t *data, size_t n, size_t step)
{
	*p = (struct pieces){ .supply = { .fill = pieces_fill, .arg = p }, .left = data, .n = n, .step = step };
}

static inline void pieces_release(struct pieces *p)
{
	free(p->piece);
}

#endif

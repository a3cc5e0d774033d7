/* bytes: numbers of 16 and 32 bits as image files hold them, low byte first or high byte first. */
#ifndef VIC_BYTES_H
#define VIC_BYTES_H

#include <stdint.h>

static inline unsigned u16_of(const unsigned char *p, int big)
{
	return big ? (unsigned)(p[0] << 8 | p[1]) : (unsigned)(p[1] << 8 | p[0]);
}

static inline uint32_t u32_of(const unsigned char *p, int big)
{
	uint32_t hi = u16_of(big ? p : p + 2, big), lo = u16_of(big ? p + 2 : p, big);
	return hi << 16 | lo;
}

#endif

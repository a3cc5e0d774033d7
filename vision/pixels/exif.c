/* The orientation in an EXIF segment. The bytes may be anything: each offset is compared with what is left before it
 * is used, and what is invalid means 1, upright. */
#include "bytes.h"
#include "formats.h"

#include <string.h>

/* EXIF 2.3 as TIFF: byte order, 42, offset of the first directory; entries of 12 bytes: tag, type,
 * count, value. */
int exif_orientation(const unsigned char *tiff, size_t n)
{
	if (n < 8)
		return 1;
	int big = !memcmp(tiff, "MM", 2);
	if ((!big && memcmp(tiff, "II", 2)) || u16_of(tiff + 2, big) != 42)
		return 1;
	size_t at = u32_of(tiff + 4, big);
	if (at > n || n - at < 2)
		return 1;
	unsigned entries = u16_of(tiff + at, big);
	for (at += 2; entries-- && at <= n && n - at >= 12; at += 12)
		if (u16_of(tiff + at, big) == 0x0112 && u16_of(tiff + at + 2, big) == 3 &&
		    u32_of(tiff + at + 4, big) == 1) {
			unsigned v = u16_of(tiff + at + 8, big);
			return v >= 1 && v <= 8 ? (int)v : 1;
		}
	return 1;
}

/* CRC-32 by libdeflate where the build found it (VIC_LIBDEFLATE), else by zlib: crc32_z, whose length is a size_t. */
#include "crc.h"

#ifdef VIC_LIBDEFLATE
#include <libdeflate.h>
#else
#include <zlib.h>
#endif

uint32_t crc32_of(uint32_t crc, const void *data, size_t n)
{
#ifdef VIC_LIBDEFLATE
	return libdeflate_crc32(crc, data, n);
#else
	return (uint32_t)crc32_z(crc, data, n);
#endif
}

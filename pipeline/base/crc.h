/* crc: CRC-32 as zlib defines it (reflected polynomial 0xEDB88320, initial and final inversion), by whichever library
 * computes it fastest here. The values are the same; libdeflate's is about 15 times faster than zlib 1.2.13's, which
 * matters because every byte of every stream passes through it. */
#ifndef VIC_CRC_H
#define VIC_CRC_H

#include <stddef.h>
#include <stdint.h>

/* Continues `crc` (0 at the start) over n bytes. */
uint32_t crc32_of(uint32_t crc, const void *data, size_t n);

#endif

/* philox_block: one block of Philox4x32-10, for every compiler that needs it: the host's, and nvcc's (philox.h says
 * what it is for and has it as a function). */
#ifndef VIC_PHILOX_BLOCK_H
#define VIC_PHILOX_BLOCK_H

#include <stdint.h>

#ifdef __CUDACC__
#define PHILOX_INLINE static __device__ __forceinline__
#else
#define PHILOX_INLINE static inline
#endif

/* out = Philox4x32-10(ctr, key); out may be ctr. */
PHILOX_INLINE void philox_block(uint32_t out[4], const uint32_t ctr[4], const uint32_t key[2])
{
	uint32_t c0 = ctr[0], c1 = ctr[1], c2 = ctr[2], c3 = ctr[3], k0 = key[0], k1 = key[1];
	for (int round = 0; round < 10; round++) {
		uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
		c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
		c1 = (uint32_t)p1;
		c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
		c3 = (uint32_t)p0;
		k0 += 0x9E3779B9u;
		k1 += 0xBB67AE85u;
	}
	out[0] = c0;
	out[1] = c1;
	out[2] = c2;
	out[3] = c3;
}

#endif

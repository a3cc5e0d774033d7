/* checks: how many random checks a test makes, and from which numbers. */
#ifndef VIC_TEST_CHECKS_H
#define VIC_TEST_CHECKS_H

#include "pipeline/base/philox.h"

#include <stdint.h>
#include <stdlib.h>

/* How many checks: few in make check, VIC_CHECKS where that is set, more in make test. */
static inline int plain_checks(int few)
{
	const char *said = getenv("VIC_CHECKS");
	return said ? (int)strtol(said, NULL, 10) : getenv("VIC_THOROUGH") ? 4 * few : few;
}

/* Another seed draws other records (VIC_SEED); what failed is named by its number, which is all it depends on. */
static inline void plain_rng(struct rng *r, uint32_t number, uint32_t purpose)
{
	const char *said = getenv("VIC_SEED");
	rng_init(r, said ? strtoull(said, NULL, 10) : 1, RNG_TEST, number, purpose);
}

#endif

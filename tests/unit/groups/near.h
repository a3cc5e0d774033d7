/* near: a number that was added up in another order, or a NaN or an infinity where one is wanted. */
#ifndef VIC_TEST_NEAR_H
#define VIC_TEST_NEAR_H

#include <math.h>

#define near(got, want)                                                                                                \
	do {                                                                                                           \
		long double g_ = (got), w_ = (want);                                                                   \
		if (!(fabsl(g_ - w_) <= 1e-11L * fabsl(w_) + 1e-14L) && !(isinf(g_) && g_ == w_) &&                    \
		    !(isnan(g_) && isnan(w_)))                                                                         \
			fail_msg("%s:%d: %s is %.17Lg, not %.17Lg", __func__, __LINE__, #got, g_, w_);                 \
	} while (0)

#endif

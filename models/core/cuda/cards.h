/* cards: graphics cards that are known by name, so that a step can be planned where none is. */
#ifndef VIC_CUDA_CARDS_H
#define VIC_CUDA_CARDS_H

#include "pipeline/base/err.h"

#include <stdint.h>

struct card_spec {
	const char *name;      /* as in --plan-device: "h100" */
	const char *full_name; /* as CUDA says it */
	int version;           /* compute capability: 900 is 9.0 */
	int64_t bytes;         /* of device memory */
	int multiprocessors, blocks, threads; /* blocks and threads that one multiprocessor holds, at most */
	int shared, reserved;  /* shared memory of a block that asks for more, and what the system keeps of it: bytes */
	int clock_khz, memory_khz, cache; /* cache: bytes of L2 */
	/* What a large product or copy is seen to reach: 10^12 operations and 10^12 bytes a second. 0: not offered. */
	double float32, tf32, bf16, bandwidth;
};

/* NULL when no card is named so. */
const struct card_spec *card_find(const char *name);
/* "h100, a100, ..." */
void card_names(char *text, size_t size);
/* The description that cuDNN's planner takes (CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION). *text is the caller's. */
int card_json(const struct card_spec *card, char **text, struct err *err) VIC_CHECKED;

#endif

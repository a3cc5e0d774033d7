/* The table of cards. Sizes and clocks: NVIDIA's data sheets and the CUDA C++ Programming Guide, "Compute
 * Capabilities". Rates: of the H100 and A100 those that the best published ResNet-50 runs imply (MLPerf Training 3.0;
 * NVIDIA's DeepLearningExamples); of the others 0.8 of the data sheet's dense rate and 0.9 of its bandwidth, in
 * proportion. */
#include "cards.h"

#include "pipeline/base/mem.h"

#include <stdio.h>
#include <string.h>

#define GIB(n) ((int64_t)(n) << 30)

static const struct card_spec cards[] = {
	{ "h100", "NVIDIA H100 80GB HBM3", 900, GIB(80), 132, 32, 2048, 232448, 1024, 1980000, 2619000, 50 << 20,
	  54, 400, 798, 3.0 },
	{ "a100", "NVIDIA A100-SXM4-80GB", 800, GIB(80), 108, 32, 2048, 166912, 1024, 1410000, 1593000, 40 << 20,
	  16, 125, 265, 1.8 },
	{ "b200", "NVIDIA B200", 1000, GIB(180), 148, 32, 2048, 232448, 1024, 1965000, 3996000, 126 << 20, 60, 900,
	  1800, 7.2 },
	{ "l4", "NVIDIA L4", 890, GIB(24), 58, 24, 1536, 101376, 1024, 2040000, 6251000, 48 << 20, 24, 48, 97, 0.27 },
	{ "4090", "NVIDIA GeForce RTX 4090", 890, GIB(24), 128, 24, 1536, 101376, 1024, 2520000, 10501000, 72 << 20,
	  66, 66, 132, 0.9 },
	{ "t4", "Tesla T4", 750, GIB(16), 40, 16, 1024, 65536, 0, 1590000, 5001000, 4 << 20, 6.5, 0, 0, 0.29 },
};
enum { CARDS = sizeof cards / sizeof *cards };

const struct card_spec *card_find(const char *name)
{
	for (int i = 0; i < CARDS; i++)
		if (!strcmp(cards[i].name, name))
			return &cards[i];
	return NULL;
}

void card_names(char *text, size_t size)
{
	size_t n = 0;
	for (int i = 0; i < CARDS && n < size; i++)
		n += (size_t)snprintf(text + n, size - n, "%s%s", i ? ", " : "", cards[i].name);
}

int card_json(const struct card_spec *c, char **text, struct err *err)
{
	return mem_printf(
		text, err,
		"{\"cudaDeviceId\": 0, \"driverVer\": 13000, \"maxGridSize\": [2147483647, 65535, 65535], "
		"\"maxBlockSize\": [1024, 1024, 64], \"regsPerBlock\": 65536, \"warpSize\": 32, "
		"\"maxSharedMemoryPerBlock\": 49152, \"reservedSharedMemoryPerBlock\": %d, "
		"\"maxRegistersPerSM\": 65536, \"maxThreadsPerBlock\": 1024, \"pciDeviceId\": 0, \"isTccDriver\": 0, "
		"\"supportCoopLaunch\": 1, \"deviceName\": \"%s\", \"deviceVer\": %d, \"totalGlobalMem\": %lld, "
		"\"multiProcessorCount\": %d, \"maxSharedMemoryPerBlockOptin\": %d, \"maxCtasPerSM\": %d, "
		"\"maxThreadsPerSM\": %d, \"smClockRateKHz\": %d, \"memClockRateKHz\": %d, \"l2CacheSize\": %d}",
		c->reserved, c->full_name, c->version, (long long)c->bytes, c->multiprocessors, c->shared, c->blocks,
		c->threads, c->clock_khz, c->memory_khz, c->cache);
}

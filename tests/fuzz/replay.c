/* Runs a fuzz target without a fuzzer: each seed file as it is, cut at many lengths, with bits flipped in fixed places
 * and, where the target has a mutator of its own, changed by that. Seeds are the arguments, or the files of
 * tests/fuzz/seeds/TOPIC for a program called fuzz_TOPIC. Passing means that nothing crashed; the sanitizers of
 * MODE=asan make that mean more. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed) __attribute__((weak));

enum { QUICK = 60, THOROUGH = 300, MAX_SEED = 1 << 20 };
static size_t times = QUICK; /* cuts, and again as many flips, of each seed; $VIC_THOROUGH: more */

/* What a mutator calls: here a bit, the next one each time. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max)
{
	static uint32_t turn;
	(void)max;
	turn++;
	if (size)
		data[(uint64_t)turn * 2654435761u % size] ^= (uint8_t)(1u << turn % 8);
	return size;
}

/* Each run gets a block of exactly its size, so that a sanitizer sees a read after it. */
static void run(const uint8_t *data, size_t n)
{
	uint8_t *copy = calloc(n ? n : 1, 1);
	if (!copy)
		abort();
	memcpy(copy, data, n);
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static void mutate(const uint8_t *data, size_t n)
{
	enum { MORE = 4096 };
	uint8_t *copy = calloc(n + MORE, 1);
	if (!copy)
		abort();
	for (size_t i = 0; LLVMFuzzerCustomMutator && i < times; i++) {
		memcpy(copy, data, n);
		run(copy, LLVMFuzzerCustomMutator(copy, n, n + MORE, (unsigned)(i * 2654435761u)));
	}
	free(copy);
}

static int replay(const char *path)
{
	static uint8_t data[MAX_SEED];
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(data, 1, sizeof data, f) : 0;
	if (!f || ferror(f) || !feof(f)) {
		fprintf(stderr, "%s: cannot be read, or is longer than %d bytes\n", path, MAX_SEED);
		return -1;
	}
	fclose(f);
	run(data, n);
	for (size_t i = 0; i < times && i < n; i++)
		run(data, n <= times ? i : (size_t)((uint64_t)n * i / times));
	for (size_t i = 0; i < times && n; i++) {
		size_t at = (size_t)((uint64_t)i * 2654435761u % n);
		data[at] ^= (uint8_t)(1u << i % 8);
		run(data, n);
		data[at] ^= (uint8_t)(1u << i % 8);
	}
	mutate(data, n);
	return 0;
}

static int replay_folder(const char *folder, int *n)
{
	struct dirent **list;
	int found = scandir(folder, &list, NULL, alphasort), bad = 0;
	for (int i = 0; i < found; i++) {
		char path[4096];
		snprintf(path, sizeof path, "%s/%s", folder, list[i]->d_name);
		if (list[i]->d_name[0] != '.') {
			int rc = replay(path);
			bad |= rc;
			printf("%s %d - %s, cut and flipped\n", rc ? "not ok" : "ok", ++*n, path);
		}
		free(list[i]);
	}
	if (found >= 0)
		free(list);
	return bad;
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	int n = 0, bad = 0;
	if (getenv("VIC_THOROUGH"))
		times = THOROUGH;
	run((const uint8_t *)"", 0);
	printf("ok %d - %s takes an empty input\n", ++n, name);
	for (int i = 1; i < argc; i++) {
		bad |= replay(argv[i]);
		printf("%s %d - %s, cut and flipped\n", bad ? "not ok" : "ok", ++n, argv[i]);
	}
	if (argc == 1 && !strncmp(name, "fuzz_", 5)) {
		char folder[512];
		snprintf(folder, sizeof folder, "tests/fuzz/seeds/%s", name + 5);
		bad |= replay_folder(folder, &n);
	}
	printf("1..%d\n", n);
	return bad ? 1 : 0;
}

/* Any bytes as a tar, a gzip, or a data set. The first byte says as what; the rest is the file. */
#include "tests/scratch.h"
#include "pipeline/files/io.h"
#include "vision/records/pack.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_file(const char *path, const uint8_t *data, size_t size)
{
	FILE *f = fopen(path, "wb");
	if (!f || fwrite(data, 1, size, f) != size || fclose(f))
		abort();
}

/* Reads every byte of every entry. */
static void read_archive(char *path)
{
	struct archive a;
	struct err err = ERR_NONE;
	unsigned char *bytes;
	size_t n;
	if (archive_open(&a, &path, 1, &err)) {
		if (!err.msg[0])
			abort();
		return;
	}
	for (size_t i = 0; i < a.n; i++)
		if (!archive_load(&a, &a.entry[i], 1 << 20, &bytes, &n, &err))
			free(bytes);
	archive_release(&a);
}

static void read_source(enum source_format format, char *path)
{
	struct source s;
	struct err err = ERR_NONE;
	struct source_options so = { .codec.max_pixels = 1 << 14, .fold = format == SOURCE_STL10 ? 0 : -1 };
	struct pack_options po = { .want = { 4, 4, FIT_CROP }, .on_bad = PACK_SKIP };
	struct filter_options fo = { .per_class = 5 };
	struct pack_report report = { .bad = 0 };
	struct progress progress = { .on = 0 };
	struct pool *pool;
	struct output out;
	if (source_open(&s, format, &path, 1, &so, &err)) {
		if (!err.msg[0])
			abort();
		return;
	}
	if (pool_open(&pool, 1, &err) || output_open(&out, "/dev/null", &err))
		abort();
	if (pack_source(&s, &fo, &po, pool, &out, NULL, &progress, &report, &err) && !err.msg[0])
		abort();
	pack_report_release(&report);
	output_release(&out);
	pool_close(pool);
	source_release(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "x.tar", "data_batch_1.bin", "train.bin", "t10k-images-idx3-ubyte",
					     "x.tar", "x.tar",		"x.vic",     "x.tar" };
	static const enum source_format formats[] = { SOURCE_FOLDER, SOURCE_CIFAR10, SOURCE_CIFAR100, SOURCE_IDX,
						      SOURCE_FOLDER, SOURCE_STL10,   SOURCE_STREAM,   SOURCE_IDX };
	char dir[SCRATCH_PATH], path[SCRATCH_PATH + 32];
	if (!size || scratch_folder(dir, "fuzz-archive"))
		return 0;
	int as = data[0] % 8;
	snprintf(path, sizeof path, "%s/%s", dir, names[as]);
	write_file(path, data + 1, size - 1);
	if (as == 0)
		read_archive(path);
	else
		read_source(formats[as], path);
	unlink(path);
	rmdir(dir);
	return 0;
}

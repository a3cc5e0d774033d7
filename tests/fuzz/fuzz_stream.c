/* Any bytes as a stream: refused or read, never more; and what was read is written again and reads the same. Most
 * mutations would die at the first checksum, so the mutator repairs the checksums of what it changed and thereby gets
 * deep. */
#include "pipeline/cat/cat.h"
#include "pipeline/base/crc.h"
#include "pipeline/stream/stream_format.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

static int memory_file(char *path, size_t n)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0)
		abort();
	snprintf(path, n, "/proc/self/fd/%d", fd);
	return fd;
}

/* Sums over everything that a program may touch, so that a sanitizer sees it touched. */
struct tally {
	uint64_t records, words, documents, hash;
};

static void touch_block(struct tally *t, const struct stream_head *h, const struct block *b)
{
	size_t each = stream_record_size(h), len;
	if (b->type == BLOCK_WORDS) {
		for (uint32_t i = 0; i < b->n; i++)
			t->hash = t->hash * 31 + b->word_end[i] + b->origin[i];
		if (b->n)
			t->hash += crc32_of(0, b->word, b->word_end[b->n - 1]);
		t->hash += crc32_of(0, b->vector, 4 * (size_t)b->n * (size_t)h->dim);
		t->words += b->n;
		return;
	}
	for (uint32_t i = 0; i < b->n; i++) {
		const unsigned char *record = block_record(b, each, i, &len);
		const char *name = block_name(b, i, &len);
		t->hash = t->hash * 31 + crc32_of(0, name, len);
		record = block_record(b, each, i, &len);
		t->hash =
			t->hash * 31 + crc32_of(0, record, len) + b->id[i] + (uint64_t)(b->label[i] + 2) + b->split[i];
	}
	t->records += b->n;
}

/* Reads all of it; on success, what was read is also written to `out` (when it is not NULL). */
static int read_all(const char *path, struct tally *t, struct output *out, struct err *err)
{
	struct stream_reader *r;
	struct block b;
	int rc;
	*t = (struct tally){ 0 };
	if (stream_open(&r, path, err))
		return -1;
	while ((rc = stream_next_document(r, err)) == 1) {
		struct stream_writer *w = NULL;
		t->documents++;
		if (out && stream_begin(&w, out, stream_head_of(r), stream_provenance(r), NULL, err))
			abort();
		while ((rc = stream_next_block(r, &b, err)) == 1) {
			touch_block(t, stream_head_of(r), &b);
			if (b.type == BLOCK_ROWS && stream_head_of(r)->kind == STREAM_LOGITS) {
				struct err values = ERR_NONE;
				t->hash += (uint64_t)!logits_check(stream_head_of(r), &b, "fuzz", &values);
			}
			if (w && stream_add_block(w, &b, err))
				abort();
		}
		if (w && !rc && stream_finish(w, err))
			abort();
		stream_writer_free(w);
		if (rc)
			break;
	}
	stream_close(r);
	return rc;
}

/* The views of vic-cat, over the same bytes. */
static void show_all(const char *path)
{
	struct err err = ERR_NONE;
	struct output out;
	if (output_open(&out, "/dev/null", &err))
		abort();
	for (int view = 0; view < 4; view++) {
		struct stream_reader *r;
		struct stats stats = { 0 };
		struct pick pick = { .split = -1, .limit = UINT64_MAX };
		if (stream_open(&r, path, &err))
			abort();
		while (stream_next_document(r, &err) == 1) {
			int rc = view == 0   ? cat_twin(r, 1, &pick, &out, &err)
				 : view == 1 ? cat_head(r, &out, &err)
				 : view == 2 ? stats_add(&stats, r, &err)
					     : cat_provenance(r, &out, &err);
			if (rc)
				break;
		}
		stats_release(&stats);
		stream_close(r);
	}
	output_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = ERR_NONE;
	struct tally first, again;
	struct output out;
	char path[64], copy_path[64];
	int fd = memory_file(path, sizeof path);
	if (size && write(fd, data, size) != (ssize_t)size)
		abort();
	int rc = read_all(path, &first, NULL, &err);
	if (rc) {
		if (!err.msg[0])
			abort(); /* a refusal has words */
		close(fd);
		return 0;
	}
	int copy = memory_file(copy_path, sizeof copy_path);
	/* a device: no file is renamed or synced */
	if (output_open(&out, "/dev/null", &err) || dup2(copy, out.fd) < 0 || read_all(path, &again, &out, &err) ||
	    output_commit(&out, &err))
		abort();
	output_release(&out);
	if (read_all(copy_path, &again, NULL, &err) || memcmp(&first, &again, sizeof first))
		abort();
	close(copy);
	show_all(path);
	close(fd);
	return 0;
}

/* Makes the checksums of the chunks at `data` right as far as they hang together. */
static void repair(uint8_t *data, size_t size)
{
	uint32_t crcs = 0;
	for (size_t at = 0; at + 64 <= size;) {
		uint64_t len;
		uint32_t crc;
		if (!memcmp(data + at, stream_signature, 8)) {
			crcs = 0;
			at += 64;
			continue;
		}
		memcpy(&len, data + at + 8, 8);
		if (len > size - at - 64)
			break;
		int done = !memcmp(data + at, "DONE", 4);
		if (done && len == 24)
			memcpy(data + at + 64 + 16, &crcs, 4);
		crc = crc32_of(0, data + at + 64, len);
		memcpy(data + at + 4, &crc, 4);
		if (!done)
			crcs = crc32_of(crcs, data + at + 4, 4);
		crc = crc32_of(0, data + at, 24);
		memcpy(data + at + 24, &crc, 4);
		at += 64 + pad64(len);
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	uint64_t len;
	if (seed % 4 == 0 || size < 128) /* anything, anywhere */
		size = LLVMFuzzerMutate(data, size, max);
	else if (seed % 4 == 1) /* one chunk's payload, its length kept */
		for (size_t at = 64, pick = seed / 4 % 6; at + 64 < size; pick--) {
			memcpy(&len, data + at + 8, 8);
			if (len > size - at - 64)
				break;
			if (!pick && len) {
				uint8_t *copy = calloc(len, 1);
				if (!copy)
					break;
				memcpy(copy, data + at + 64, len);
				LLVMFuzzerMutate(copy, len, len);
				memcpy(data + at + 64, copy, len);
				free(copy);
				break;
			}
			at += 64 + pad64(len);
		}
	else /* a few bits of headers and payloads */
		for (unsigned i = 0; i <= seed / 4 % 3; i++)
			data[(seed >> 5) * (i * 2654435761u + 1) % size] ^= (uint8_t)(1u << (seed >> 3) % 8);
	if (seed % 16 != 3)
		repair(data, size);
	return size;
}

/* Any bytes as a file of word vectors. The first byte picks the format asked for and the dimension; the rest is the
 * file, read by mapping and by a pipe: both must end alike, every row must be accounted for, and what was found must be
 * finite. */
#include "embed/vectors.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds)
{
	if (!holds)
		abort();
}

static struct vocab words;
static struct pool *pool;
enum { N_WORDS = 6 };

static void prepare(void)
{
	static const char *const word[N_WORDS] = { "the", "a", ".", "cat", "5", "<unk>" };
	struct err err;
	must(!vocab_init(&words, 0, &err) && !pool_open(&pool, 1, &err));
	for (int i = 0; i < N_WORDS; i++)
		must(!vocab_add(&words, word[i], strlen(word[i]), NULL, &err));
}

static void check(const struct vectors *v)
{
	uint32_t found = 0;
	for (int i = 0; i < N_WORDS; i++) {
		found += v->found[i];
		for (int k = 0; k < v->dim; k++) {
			float x = v->row[(size_t)i * (size_t)v->dim + (size_t)k];
			must(isfinite(x) && (v->found[i] || x == 0));
		}
	}
	must(found == v->n_found);
	must(vectors_garbled(&v->count) <= v->count.rows);
	must(v->count.rows >= found + v->count.repeats + vectors_garbled(&v->count));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	char path[64];
	struct vectors v, piped;
	struct err err = ERR_NONE, piped_err = ERR_NONE;
	if (!pool)
		prepare();
	if (!size)
		return 0;
	enum vectors_format format = (enum vectors_format)(data[0] % 3);
	int dim = data[0] / 3 % 8; /* 0: to be found */
	if (fd < 0)
		fd = memfd_create("vectors", 0);
	must(fd >= 0 && !ftruncate(fd, 0) && pwrite(fd, data + 1, size - 1, 0) == (ssize_t)(size - 1));
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	int rc = vectors_read(&v, path, format, dim, &words, pool, &err);
	int was = dup(0);
	must(lseek(fd, 0, SEEK_SET) == 0 && dup2(fd, 0) == 0);
	int rc2 = vectors_read(&piped, "-", format, dim, &words, pool, &piped_err);
	must(dup2(was, 0) == 0);
	close(was);
	must(rc == rc2);
	if (!rc) {
		check(&v);
		must(v.dim == piped.dim && !memcmp(&v.count, &piped.count, sizeof v.count));
		must(!memcmp(v.row, piped.row, N_WORDS * (size_t)v.dim * sizeof(float)));
	} else {
		must(err.msg[0] && err.status == piped_err.status);
	}
	vectors_release(&v);
	vectors_release(&piped);
	return 0;
}

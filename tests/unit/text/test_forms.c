/* The corpora as they are distributed: the same random records as folders and as archives, whatever order and prefix
 * the archive has, give the same stream, in the one order that numbers and names determine. */
#include "tests/append.h"
#include "tests/scratch.h"
#include "pipeline/base/philox.h"
#include "pipeline/stream/stream.h"
#include "tokenize/formats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

enum { MOST = 14, TEXT = 64 };

static char folder[SCRATCH_PATH], made[40];
static int made_fd;

/* One record, as it stands in a file and as it comes out. */
struct record {
	char file[64], text[TEXT], tokens[TEXT];
	int label, split, part;
	uint32_t id, rating;
};
static struct record rec[MOST];
static int n_rec;

static void put(const char *name, const char *text)
{
	char path[SCRATCH_PATH + 80];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	for (char *p = path + strlen(folder) + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = 0;
		mkdir(path, 0700);
	}
	assert_int_equal(scratch_put(path, text, strlen(text)), 0);
}

static void add_to_tar(FILE *f, const char *name, const char *text)
{
	char h[512] = { 0 };
	unsigned sum = 0;
	snprintf(h, 100, "%s", name);
	snprintf(h + 100, 8, "0000644");
	snprintf(h + 124, 12, "%011zo", strlen(text));
	snprintf(h + 136, 12, "00000000000");
	memcpy(h + 148, "        ", 8);
	h[156] = '0';
	memcpy(h + 257, "ustar\00000", 8);
	for (int i = 0; i < 512; i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum);
	fwrite(h, 1, 512, f);
	memset(h, 0, 512);
	if (*text) {
		memcpy(h, text, strlen(text));
		fwrite(h, 1, 512, f);
	}
}

/* An archive of the records in any order, with other files between. */
static void write_tar(struct rng *r, const char *prefix, const char *twice)
{
	char path[SCRATCH_PATH + 16], name[200];
	uint32_t order[MOST];
	snprintf(path, sizeof path, "%s/x.tar", folder);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	for (uint32_t i = 0; i < (uint32_t)n_rec; i++)
		order[i] = i;
	rng_shuffle(r, order, (size_t)n_rec);
	for (int i = 0; i < n_rec; i++) {
		snprintf(name, sizeof name, "%s%s", prefix, rec[order[i]].file);
		add_to_tar(f, name, rec[order[i]].text);
		snprintf(name, sizeof name, "%sREADME%d", prefix, i);
		if (rng_below(r, 4) == 0)
			add_to_tar(f, name, "1_1.txt");
	}
	snprintf(name, sizeof name, "%s%s", prefix, twice ? twice : "");
	if (twice)
		add_to_tar(f, name, "again");
	char zeros[1024] = { 0 };
	fwrite(zeros, 1, sizeof zeros, f);
	assert_int_equal(fclose(f), 0);
}

typedef int (*reader)(struct sink *s, const char *path, struct err *err);

static int read_fine(struct sink *s, const char *path, struct err *err)
{
	return read_trec(s, path, 1, err);
}

static int read_coarse(struct sink *s, const char *path, struct err *err)
{
	return read_trec(s, path, 0, err);
}

/* Reads folder/name into the stream. */
static int read_form(reader read, const char *name, const char *const *classes, int n, struct sink *s, struct err *err)
{
	char path[SCRATCH_PATH + 80];
	struct output out;
	struct stream_head head = { .kind = STREAM_TOKENS };
	snprintf(path, sizeof path, "%s/%s", folder, name);
	*s = (struct sink){ .split = -1 };
	rule_table(&s->rules, RULE_WHITESPACE, 0);
	assert_int_equal(stream_head_classes(&head, n, classes, err), 0);
	assert_int_equal(ftruncate(made_fd, 0) || lseek(made_fd, 0, SEEK_SET), 0);
	assert_int_equal(output_open(&out, made, err) || sink_begin(s, &out, &head, NULL, err), 0);
	stream_head_release(&head);
	int rc = read(s, path, err);
	if (!rc)
		assert_int_equal(stream_finish(s->writer, err) || output_commit(&out, err), 0);
	output_release(&out);
	return rc;
}

/* The stream is rec[from..to). */
static void compare(int from, int to)
{
	struct err err = ERR_NONE;
	struct stream_reader *s;
	struct block b;
	size_t len;
	assert_int_equal(stream_open(&s, made, &err), 0);
	assert_int_equal(stream_next_document(s, &err), 1);
	while (stream_next_block(s, &b, &err) == 1)
		for (uint32_t k = 0; k < b.n; k++, from++) {
			const unsigned char *tokens = block_record(&b, 0, k, &len);
			assert_true(from < to);
			if (len != strlen(rec[from].tokens) || memcmp(tokens, rec[from].tokens, len))
				fail_msg("%.*s, not %s", (int)len, tokens, rec[from].tokens);
			assert_int_equal(b.label[k], rec[from].label);
			assert_int_equal(b.split[k], rec[from].split);
		}
	assert_int_equal(from, to);
	stream_close(s);
}

static void reads(reader read, const char *name, const char *const *classes, int n, int from, int to, uint64_t returns)
{
	struct err err = ERR_NONE;
	struct sink s;
	if (read_form(read, name, classes, n, &s, &err))
		fail_msg("%s: %s", name, err.msg);
	compare(from, to);
	assert_int_equal(s.n, to - from);
	assert_int_equal(s.returns, returns);
	sink_release(&s);
}

static void refuses(reader read, const char *name, const char *const *classes, int n, const char *why)
{
	struct err err = ERR_NONE;
	struct sink s;
	assert_int_equal(read_form(read, name, classes, n, &s, &err), -1);
	if (!strstr(err.msg, why))
		fail_msg("%s, not %s", err.msg, why);
	sink_release(&s);
}

/* Empties the scratch folder. */
static void empty(void)
{
	char command[SCRATCH_PATH + 40];
	snprintf(command, sizeof command, "rm -rf '%s' && mkdir '%s'", folder, folder);
	assert_int_equal(system(command), 0);
}

static int by_place(const void *a, const void *b)
{
	const struct record *x = a, *y = b;
	uint64_t p = (uint64_t)x->part << 56 | (uint64_t)x->id << 24 | x->rating,
		 q = (uint64_t)y->part << 56 | (uint64_t)y->id << 24 | y->rating;
	return (p > q) - (p < q);
}

static void imdb(void **state)
{
	static const struct {
		const char *dir;
		int split, label;
	} parts[] = { { "train/neg", SPLIT_TRAIN, 0 },
		      { "train/pos", SPLIT_TRAIN, 1 },
		      { "test/neg", SPLIT_TEST, 0 },
		      { "test/pos", SPLIT_TEST, 1 },
		      { "train/unsup", SPLIT_EXTRA, -1 } };
	static const char *const prefix[] = { "", "aclImdb/", "./", "a/train/pos/b/" };
	(void)state;
	for (uint32_t i = 0; i < 30; i++) {
		struct rng r;
		rng_init(&r, 55, RNG_TEST, i, 0);
		n_rec = 1 + (int)rng_below(&r, MOST - 1);
		for (int k = 0; k < n_rec; k++) {
			struct record *x = &rec[k];
			x->part = (int)rng_below(&r, 5);
			x->id = rng_below(&r, 200) + 200 * (uint32_t)k; /* no name twice */
			x->rating = rng_below(&r, 11);
			x->label = parts[x->part].label;
			x->split = parts[x->part].split;
			snprintf(x->file, sizeof x->file, "%s/%u_%u.txt", parts[x->part].dir, x->id, x->rating);
			snprintf(x->text, sizeof x->text, rng_below(&r, 2) ? "review<br />%d" : "review %d", k);
			snprintf(x->tokens, sizeof x->tokens, "review %d", k);
		}
		write_tar(&r, prefix[i % 4], NULL);
		for (int k = 0; k < n_rec; k++)
			put(rec[k].file, rec[k].text);
		qsort(rec, (size_t)n_rec, sizeof *rec, by_place);
		reads(read_imdb, "x.tar", polarity_classes, 2, 0, n_rec, 0);
		reads(read_imdb, "", polarity_classes, 2, 0, n_rec, 0);
		write_tar(&r, prefix[i % 4], rec[rng_below(&r, 2) ? 0 : rng_below(&r, (uint32_t)n_rec)].file);
		refuses(read_imdb, "x.tar", polarity_classes, 2, "is there twice");
		empty();
	}
	put("train/pos/01_1.txt", "leading zeros are another name");
	refuses(read_imdb, "", polarity_classes, 2, "has no train/pos/ID_RATING.txt");
	empty();
}

static void trec(void **state)
{
	static const char *const names[] = { "train_5500.label", "TREC_10.label" };
	(void)state;
	for (uint32_t i = 0; i < 20; i++) {
		struct rng r;
		char file[2][MOST * 2 * TEXT] = { "", "" };
		uint64_t returns[2] = { 0, 0 };
		size_t used[2] = { 0, 0 };
		int first;
		rng_init(&r, 56, RNG_TEST, i, 0);
		n_rec = 2 + (int)rng_below(&r, MOST - 1);
		first = 1 + (int)rng_below(&r, (uint32_t)n_rec - 1);
		for (int k = 0; k < n_rec; k++) {
			int half = k >= first, fine = rng_below(&r, 4) ? (int)rng_below(&r, TREC_FINE) : 0,
			    cr = rng_below(&r, 4) == 0;
			rec[k] = (struct record){ .label = fine, .split = half ? SPLIT_TEST : SPLIT_TRAIN };
			snprintf(rec[k].tokens, TEXT, "why %d ?", k);
			append(file[half], sizeof file[half], &used[half], "%s why%c%d ?\n", trec_fine[fine],
			       cr ? '\r' : ' ', k);
			returns[half] += (uint64_t)cr;
		}
		put(names[0], file[0]);
		refuses(read_fine, "", trec_fine, TREC_FINE, names[1]);
		put(names[1], file[1]);
		put("other", file[0]);
		reads(read_fine, "", trec_fine, TREC_FINE, 0, n_rec, returns[0] + returns[1]);
		reads(read_fine, names[0], trec_fine, TREC_FINE, 0, first, returns[0]);
		reads(read_fine, names[1], trec_fine, TREC_FINE, first, n_rec, returns[1]);
		reads(read_fine, "other", trec_fine, TREC_FINE, 0, first, returns[0]);
		for (int k = 0; k < n_rec; k++) {
			const char *fine = trec_fine[rec[k].label];
			for (int c = 0; c < TREC_COARSE; c++)
				if (!strncmp(trec_coarse[c], fine, strcspn(fine, ":")) &&
				    trec_coarse[c][strcspn(fine, ":")] == 0)
					rec[k].label = c;
		}
		reads(read_coarse, "", trec_coarse, TREC_COARSE, 0, n_rec, returns[0] + returns[1]);
		empty();
	}
	put("train_5500.label/x", "");
	refuses(read_fine, "", trec_fine, TREC_FINE, "is a folder");
	empty();
}

static void mr(void **state)
{
	static const char *const below[] = { "", "rt-polaritydata/" };
	(void)state;
	for (uint32_t i = 0; i < 10; i++) {
		struct rng r;
		char file[2][MOST * TEXT] = { "", "" };
		rng_init(&r, 57, RNG_TEST, i, 0);
		int all = 2 + (int)rng_below(&r, MOST - 1), first = 1 + (int)rng_below(&r, (uint32_t)all - 1);
		uint64_t returns = 0;
		size_t used[2] = { 0, 0 };
		for (int k = 0; k < all; k++) {
			int cr = rng_below(&r, 4) == 0;
			append(file[k >= first], sizeof file[0], &used[k >= first], "film%c%d\n", cr ? '\r' : ' ', k);
			returns += (uint64_t)cr;
		}
		/* an archive's file is not one record but all of a class */
		n_rec = 2;
		for (int half = 0; half < 2; half++) {
			char name[64];
			snprintf(rec[half].file, sizeof rec[half].file, "rt-polarity.%s", polarity_classes[half]);
			snprintf(rec[half].text, TEXT, "%.*s", TEXT - 1, file[half]);
			snprintf(name, sizeof name, "%s%s", below[i % 2], rec[half].file);
			put(name, file[half]);
		}
		int short_enough = strlen(file[0]) < TEXT && strlen(file[1]) < TEXT;
		write_tar(&r, below[i % 2], NULL);
		for (int k = 0; k < all; k++) {
			rec[k] = (struct record){ .label = k >= first, .split = SPLIT_TRAIN };
			snprintf(rec[k].tokens, TEXT, "film %d", k);
		}
		reads(read_mr, "", polarity_classes, 2, 0, all, returns);
		if (short_enough)
			reads(read_mr, "x.tar", polarity_classes, 2, 0, all, returns);
		empty();
	}
	refuses(read_mr, "", polarity_classes, 2, "has neither rt-polarity.neg nor");
	put("rt-polarity.neg", "x\n");
	refuses(read_mr, "", polarity_classes, 2, "rt-polarity.pos");
	empty();
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(imdb), cmocka_unit_test(trec), cmocka_unit_test(mr) };
	made_fd = memfd_create("made", MFD_CLOEXEC);
	snprintf(made, sizeof made, "/proc/self/fd/%d", made_fd);
	if (made_fd < 0 || scratch_folder(folder, "forms"))
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(folder);
	return rc;
}

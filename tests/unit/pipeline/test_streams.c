/* Streams at random sizes against plain lists, across every limit of a block; and documents put together here, byte by
 * byte from docs/STREAM.md, that are wrong in one place each. */
#include "pipeline/base/mem.h"
#include "pipeline/base/philox.h"
#include "pipeline/stream/stream.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <zlib.h>

static char path[4096], second[4200];

/* What a document of the list holds. Record i has len[i] bytes; byte k of it is noise(i + k). */
struct plan {
	struct stream_head head;
	uint32_t n, words, *len;
	uint32_t word_len, name_len; /* of words and names, at most; most names are short, some are empty */
};

static unsigned char noise(uint64_t i)
{
	i *= 0x9E3779B97F4A7C15u;
	return (unsigned char)(i >> 40);
}

/* Bytes of the name of record i, which are noise(7 i + k). */
static uint32_t name_of(const struct plan *p, uint32_t i)
{
	return !p->head.names ? 0 : i % 11 ? noise(i) % 40u : p->name_len;
}

static void fill(const struct plan *p, uint32_t i, unsigned char *to)
{
	for (uint32_t k = 0; k < p->len[i]; k++)
		to[k] = noise((uint64_t)i + k);
	uint32_t *id = (uint32_t *)to;
	for (uint32_t k = 0; p->head.kind == STREAM_TEXT && k < p->len[i] / 4; k++)
		id[k] = id[k] % p->words;
}

static size_t word_of(const struct plan *p, uint32_t i, char *to, float *v)
{
	size_t n = 1 + i % p->word_len;
	for (size_t k = 0; k < n; k++)
		to[k] = (char)('a' + noise(i + k) % 26);
	for (int d = 0; d < p->head.dim; d++)
		v[d] = (float)noise(i + (unsigned)d) / 8;
	return n;
}

/* Sizes that cross a block's limits: records of its size and of a byte, as many as close one by their number. */
static void draw(struct rng *r, struct plan *p)
{
	static const char *const name[] = { "neg", "pos", "\xe2\x80\xae" };
	struct err err = ERR_NONE;
	uint32_t shape = rng_below(r, 5), top = shape == 0   ? 0
						: shape == 1 ? 40
						: shape == 2 ? 3000
						: shape == 3 ? 300000
							     : 1100000;
	*p = (struct plan){ .head.kind = (enum stream_kind)rng_below(r, 4), .word_len = 1 + rng_below(r, 30) };
	struct stream_head *h = &p->head;
	p->n = shape == 0 ? 65530 + rng_below(r, 12) : shape < 3 ? rng_below(r, 700) : rng_below(r, 9);
	p->words = 1 + rng_below(r, 2000);
	h->names = (int)rng_below(r, 2);
	p->name_len = shape == 0 ? 0 : shape < 3 ? 3000 : STREAM_MAX_NAME;
	h->dim = h->kind == STREAM_TEXT ? 1 + (int)rng_below(r, rng_below(r, 2) ? 4 : 700) : 0;
	h->height = h->width = h->channels = h->kind == STREAM_IMAGES ? 1 + (int)rng_below(r, 3) : 0;
	h->encoding = h->kind == STREAM_IMAGES && rng_below(r, 2) ? ENCODING_JPEG : ENCODING_RAW;
	h->samples = h->kind == STREAM_LOGITS ? 1 + (int)rng_below(r, 2) : 0;
	h->dtype = h->kind == STREAM_LOGITS && rng_below(r, 2) ? DTYPE_F64 : DTYPE_F32;
	assert_int_equal(stream_head_classes(h, h->kind == STREAM_LOGITS ? 3 : (int)rng_below(r, 4), name, &err), 0);
	assert_int_equal(mem_alloc(&p->len, p->n, sizeof *p->len, &err), 0);
	for (uint32_t i = 0; i < p->n; i++) {
		size_t each = stream_record_size(h);
		p->len[i] = each ? (uint32_t)each : top ? rng_below(r, top) : 0;
		if (h->kind == STREAM_TEXT)
			p->len[i] -= p->len[i] % 4;
	}
}

/* One that is too long is refused, and leaves no trace. */
static void put_name(const struct plan *p, struct stream_writer *w, uint32_t i)
{
	static char name[STREAM_MAX_NAME + 1];
	struct err err = ERR_NONE;
	uint32_t n = name_of(p, i);
	for (uint32_t k = 0; k < n; k++)
		name[k] = (char)noise((uint64_t)7 * i + k);
	assert_int_equal(stream_add_name(w, name, sizeof name, &err), p->head.names ? -1 : 0);
	if (n)
		assert_int_equal(stream_add_name(w, name, n, &err), 0);
}

static void put(const struct plan *p, struct output *out, struct rng *r)
{
	struct err err = ERR_NONE;
	struct stream_writer *w;
	unsigned char *data = malloc(1200000);
	float v[700];
	char word[32];
	json_t *self = json_pack("{s:s, s:s, s:[s]}", "program", "p", "version", "0", "args", "a b");
	assert_int_equal(stream_begin(&w, out, &p->head, NULL, self, &err), 0);
	for (uint32_t i = 0; p->head.kind == STREAM_TEXT && i < p->words; i++) {
		size_t n = word_of(p, i, word, v);
		assert_int_equal(stream_add_word(w, word, n, v, i % 3 ? WORD_PRETRAINED : WORD_INITIALISED, &err), 0);
	}
	for (uint32_t i = 0; i < p->n; i++) {
		fill(p, i, data);
		put_name(p, w, i);
		assert_int_equal(stream_add(w, i * UINT64_C(1000000007),
					    (int)(i % (unsigned)(p->head.n_classes + 1)) - 1, (int)(i % 4), data,
					    p->len[i], &err),
				 0);
		if (!rng_below(r, p->n > 1000 ? 20000 : 60))
			assert_int_equal(stream_flush(w, &err), 0);
	}
	assert_int_equal(stream_finish(w, &err), 0);
	if (p->head.kind == STREAM_TEXT && p->n)
		assert_int_equal(stream_add_word(w, "late", 4, v, WORD_PRETRAINED, &err), -1);
	stream_writer_free(w);
	json_decref(self);
	free(data);
}

static void same_words(const struct plan *p, const struct block *b)
{
	char word[32];
	float v[700];
	for (uint32_t i = 0; i < b->n; i++) {
		uint32_t number = (uint32_t)b->first + i, from = i ? b->word_end[i - 1] : 0;
		size_t n = word_of(p, number, word, v);
		assert_int_equal(b->word_end[i] - from, n);
		assert_memory_equal(b->word + from, word, n);
		assert_memory_equal(b->vector + (size_t)i * (size_t)p->head.dim, v, 4 * (size_t)p->head.dim);
		assert_int_equal(b->origin[i], number % 3 ? WORD_PRETRAINED : WORD_INITIALISED);
	}
}

static void same_rows(const struct plan *p, const struct block *b)
{
	unsigned char *want = malloc(1200000);
	for (uint32_t i = 0; i < b->n; i++) {
		uint32_t number = (uint32_t)b->first + i;
		size_t len;
		const unsigned char *record = block_record(b, stream_record_size(&p->head), i, &len);
		fill(p, number, want);
		assert_int_equal(len, p->len[number]);
		assert_memory_equal(record, want, len);
		assert_int_equal(b->id[i], number * UINT64_C(1000000007));
		assert_int_equal(b->label[i], (int)(number % (unsigned)(p->head.n_classes + 1)) - 1);
		assert_int_equal(b->split[i], number % 4);
		const char *name = block_name(b, i, &len);
		assert_int_equal(len, name_of(p, number));
		for (uint32_t k = 0; k < len; k++)
			assert_int_equal((unsigned char)name[k], noise((uint64_t)7 * number + k));
	}
	free(want);
}

/* Reads a document, compares it, and passes its blocks on to `copy`. */
static void take(const struct plan *p, struct stream_reader *r, struct output *copy)
{
	struct err err = ERR_NONE;
	struct stream_writer *w;
	struct block b;
	uint64_t rows = 0, words = 0, at;
	int rc, fd;
	assert_int_equal(stream_next_of(r, p->head.kind, &err), 1);
	assert_int_equal(stream_head_same(stream_head_of(r), &p->head, &err), 0);
	assert_int_equal(stream_begin(&w, copy, stream_head_of(r), stream_provenance(r), NULL, &err), 0);
	uint64_t expected = stream_expected(r), size = stream_record_size(&p->head);
	assert_true(size ? expected >= p->n : !expected);
	while ((rc = stream_next_block(r, &b, &err)) == 1) {
		assert_int_equal(b.first, b.type == BLOCK_ROWS ? rows : words);
		rows += b.type == BLOCK_ROWS ? b.n : 0;
		words += b.type == BLOCK_WORDS ? b.n : 0;
		assert_int_equal(stream_records(r), rows);
		assert_int_equal(stream_words(r), words);
		if (b.type == BLOCK_WORDS) {
			same_words(p, &b);
		} else {
			assert_true(b.n == 1 || b.data_len <= STREAM_BLOCK);
			assert_true(b.n <= 65536);
			same_rows(p, &b);
			unsigned char some[16];
			struct io_mark mark;
			struct stat st;
			assert_int_equal(stream_in_file(r, &b, &fd, &mark, &at), 1);
			assert_int_equal(fstat(fd, &st), 0);
			/* Each takes a record's bytes, and 13 for its id, label and split. */
			if (size) {
				assert_true(stream_expected(r) >= p->n - rows);
				assert_true(stream_expected(r) <= expected - b.n);
				uint64_t left = (uint64_t)st.st_size - at - b.data_len;
				assert_true(stream_expected(r) <= left / (size + 13));
			}
			assert_int_equal(mark.size, st.st_size);
			assert_int_equal(mark.s, st.st_mtim.tv_sec);
			assert_int_equal(mark.ns, st.st_mtim.tv_nsec);
			size_t n = b.data_len < sizeof some ? b.data_len : sizeof some;
			assert_int_equal(pread(fd, some, n, (off_t)at), n);
			assert_memory_equal(some, b.data, n);
		}
		assert_int_equal(stream_add_block(w, &b, &err), 0);
	}
	assert_int_equal(rc, 0);
	assert_int_equal(rows, p->n);
	assert_int_equal(words, p->head.kind == STREAM_TEXT ? p->words : 0);
	assert_int_equal(stream_finish(w, &err), 0);
	stream_writer_free(w);
}

static void documents_come_back(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 60; round++) {
		struct err err = ERR_NONE;
		struct plan plan[3];
		struct output out, copy;
		struct stream_reader *r;
		struct rng rng;
		rng_init(&rng, 3, RNG_TEST, round, 0);
		uint32_t n = 1 + rng_below(&rng, 3);
		assert_int_equal(output_open(&out, path, &err), 0);
		out.hasty = 1;
		for (uint32_t i = 0; i < n; i++) {
			draw(&rng, &plan[i]);
			put(&plan[i], &out, &rng);
		}
		assert_int_equal(output_commit(&out, &err), 0);
		output_release(&out);
		assert_int_equal(output_open(&copy, second, &err), 0);
		copy.hasty = 1;
		assert_int_equal(stream_open(&r, path, &err), 0);
		for (uint32_t i = 0; i < n; i++)
			take(&plan[i], r, &copy);
		assert_int_equal(stream_next_document(r, &err), 0);
		stream_close(r);
		assert_int_equal(output_commit(&copy, &err), 0);
		output_release(&copy);
		/* what passed through block by block is the same file; and it is read to its end by skipping alone */
		char *a, *b;
		size_t a_len, b_len;
		assert_int_equal(io_slurp(path, 1 << 30, &a, &a_len, &err), 0);
		assert_int_equal(io_slurp(second, 1 << 30, &b, &b_len, &err), 0);
		assert_int_equal(a_len, b_len);
		assert_int_equal(memcmp(a, b, a_len), 0);
		free(a);
		free(b);
		assert_int_equal(stream_open(&r, second, &err), 0);
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(stream_next_document(r, &err), 1);
		assert_int_equal(stream_next_document(r, &err), 0);
		stream_close(r);
		for (uint32_t i = 0; i < n; i++) {
			stream_head_release(&plan[i].head);
			free(plan[i].len);
		}
	}
}

/* A document by hand. */
struct forged {
	unsigned char byte[1 << 16];
	size_t n, block; /* where the last block's header lies */
	uint32_t crcs;
};

static void raw(struct forged *f, const void *p, size_t n)
{
	memcpy(f->byte + f->n, p, n);
	f->n += n;
}

static void pad(struct forged *f)
{
	while (f->n % 64)
		f->byte[f->n++] = 0;
}

/* A block of n payload bytes that are at f->byte + f->block + 64 already. */
static void seal(struct forged *f, const char *type, uint32_t records)
{
	unsigned char *h = f->byte + f->block;
	uint64_t len = f->n - f->block - 64;
	uint32_t crc = (uint32_t)crc32(0, h + 64, (uInt)len);
	memset(h, 0, 64);
	memcpy(h, type, 4);
	memcpy(h + 4, &crc, 4);
	memcpy(h + 8, &len, 8);
	memcpy(h + 16, &records, 4);
	uint32_t own = (uint32_t)crc32(0, h, 24);
	memcpy(h + 24, &own, 4);
	if (memcmp(type, "DONE", 4))
		f->crcs = (uint32_t)crc32(f->crcs, h + 4, 4);
	pad(f);
}

static void begin(struct forged *f)
{
	f->block = f->n;
	f->n += 64;
}

/* What is wrong with it; 0: nothing. Every field stands at its right value but one. */
enum wrong {
	NOTHING,
	TOP_LABEL,
	TOP_SPLIT,
	SMALL_MINOR,
	NO_COLUMNS,
	NAMES, /* these are right, too */
	NAMES_FALL,
	NAMES_LONG,
	NAMES_SHORT,
	NAMES_NOT_SAID,
	COLUMN_OTHER,
	COLUMN_TWICE,
	COLUMNS_TEXT,
	LABEL_HIGH,
	LABEL_LOW,
	SPLIT_HIGH,
	ID_HIGH,
	END_ODD,
	END_FALLS,
	END_SHORT,
	END_LONG,
	ROWS_FEW,
	ROWS_MANY,
	ROWS_LONG,
	WORDS_COUNT,
	WORDS_DIM,
	WORDS_ZERO,
	WORDS_END,
	WORDS_LONG,
	WORDS_SHORT,
	WORDS_NAN,
	WORDS_LATE,
	DONE_RECORDS,
	DONE_BLOCKS,
	DONE_CRC,
	DONE_ZERO,
	DONE_LONG,
	TYPE,
	HEAD_KIND,
	HEAD_LIST,
	PROV_LIST,
	PROV_LATE,
	HEADER_ZERO,
	HEADER_PAD,
	PADDING,
	SIGNATURE_PAD,
	MAJOR,
	BEHIND,
	CASES
};

static void words_block(struct forged *f, enum wrong wrong)
{
	uint32_t fixed[16] = { 2, 2 }, end[2] = { 3, 5 };
	unsigned char origin[2] = { 0, 1 };
	float v[4] = { 1, 2, 3, wrong == WORDS_NAN ? NAN : 4 };
	fixed[0] += wrong == WORDS_COUNT;
	fixed[1] -= wrong == WORDS_DIM;
	fixed[15] += wrong == WORDS_ZERO;
	end[0] += wrong == WORDS_END ? 3 : 0;
	begin(f);
	raw(f, fixed, sizeof fixed);
	raw(f, end, sizeof end);
	pad(f);
	raw(f, origin, 2);
	pad(f);
	raw(f, "catat", 5);
	pad(f);
	raw(f, v, sizeof v - (wrong == WORDS_SHORT ? 4 : 0));
	if (wrong == WORDS_LONG)
		raw(f, v, 4);
	seal(f, "WORD", 2);
}

static void rows_block(struct forged *f, enum wrong wrong)
{
	uint64_t id[3] = { 5, 6, 7 };
	int32_t label[3] = { -1, 0, wrong == TOP_LABEL ? 1 : 0 };
	unsigned char split[3] = { 0, 1, wrong == TOP_SPLIT ? 3 : 2 };
	uint32_t end[3] = { 4, 4, 12 }, word[3] = { 0, 1, 1 };
	label[2] = wrong == LABEL_HIGH ? 2 : wrong == LABEL_LOW ? -2 : label[2];
	split[2] = wrong == SPLIT_HIGH ? 4 : split[2];
	word[2] += wrong == ID_HIGH;
	end[0] += wrong == END_ODD;
	end[1] += wrong == END_ODD;
	end[1] -= wrong == END_FALLS ? 4 : 0;
	end[2] += wrong == END_LONG ? 4 : wrong == END_SHORT ? -4 : 0;
	begin(f);
	raw(f, id, sizeof id);
	pad(f);
	raw(f, label, sizeof label);
	pad(f);
	raw(f, split, sizeof split);
	pad(f);
	raw(f, end, sizeof end);
	pad(f);
	if (wrong >= NAMES && wrong <= NAMES_NOT_SAID) {
		uint32_t name_end[3] = { 64, wrong == NAMES_FALL ? 63 : 64, wrong == NAMES_LONG ? 200 : 70 };
		char name[70];
		memset(name, 'n', sizeof name);
		raw(f, name_end, sizeof name_end);
		pad(f);
		raw(f, name, wrong == NAMES_SHORT ? 64 : sizeof name);
		pad(f);
	}
	raw(f, word, sizeof word);
	if (wrong == ROWS_LONG)
		raw(f, word, 4);
	seal(f, wrong == TYPE ? "ROWX" : "ROWS", wrong == ROWS_FEW ? 2 : wrong == ROWS_MANY ? 17 : 3);
}

static void json_block(struct forged *f, const char *type, const char *text)
{
	begin(f);
	raw(f, text, strlen(text));
	seal(f, type, 0);
}

static void done_block(struct forged *f, enum wrong wrong)
{
	uint64_t records = 3 + (wrong == DONE_RECORDS), blocks = 1 + (wrong == DONE_BLOCKS);
	uint32_t last[2] = { f->crcs ^ (wrong == DONE_CRC), wrong == DONE_ZERO };
	begin(f);
	raw(f, &records, 8);
	raw(f, &blocks, 8);
	raw(f, last, 8);
	if (wrong == DONE_LONG)
		raw(f, last + 1, 4);
	seal(f, "DONE", 0);
}

#define TEXT_HEAD(columns) "{\"kind\":\"text\",\"classes\":[\"a\",\"b\"],\"dim\":2" columns "}"

static const char *head_of(enum wrong wrong)
{
	switch ((int)wrong) {
	case NO_COLUMNS: return TEXT_HEAD(",\"columns\":[]");
	case NAMES:
	case NAMES_FALL:
	case NAMES_LONG:
	case NAMES_SHORT: return TEXT_HEAD(",\"columns\":[\"name\"]");
	case COLUMN_OTHER: return TEXT_HEAD(",\"columns\":[\"weight\"]");
	case COLUMN_TWICE: return TEXT_HEAD(",\"columns\":[\"name\",\"name\"]");
	case COLUMNS_TEXT: return TEXT_HEAD(",\"columns\":\"name\"");
	}
	return TEXT_HEAD("");
}

static void forge(struct forged *f, enum wrong wrong)
{
	static const unsigned char signature[12] = { 0x89, 'V', 'I', 'C', 0x0D, 0x0A, 0x1A, 0x0A, 1, 0, 0, 0 };
	*f = (struct forged){ .n = 0 };
	raw(f, signature, sizeof signature);
	pad(f);
	f->byte[8] += wrong == MAJOR;
	f->byte[10] += wrong == SMALL_MINOR;
	f->byte[63] += wrong == SIGNATURE_PAD;
	json_block(f, "HEAD", wrong == HEAD_KIND ? "{\"kind\":\"tokens\",\"classes\":[\"a\",\"b\"]}"
			      : wrong == HEAD_LIST ? "[]" : head_of(wrong));
	json_block(f, "PROV", wrong == PROV_LIST ? "[]" : "{\"program\":\"p\",\"version\":\"0\",\"args\":[]}");
	if (wrong == PADDING)
		f->byte[f->n - 1] = 1;
	words_block(f, wrong);
	rows_block(f, wrong);
	if (wrong == HEADER_ZERO || wrong == HEADER_PAD) {
		unsigned char *h = f->byte + f->block;
		h[wrong == HEADER_ZERO ? 20 : 63] = 1;
		uint32_t own = (uint32_t)crc32(0, h, 24);
		memcpy(h + 24, &own, 4);
	}
	if (wrong == WORDS_LATE)
		words_block(f, NOTHING);
	if (wrong == PROV_LATE)
		json_block(f, "PROV", "{}");
	done_block(f, wrong);
	if (wrong == BEHIND)
		raw(f, "x", 1);
}

static int records_of(const struct forged *f, struct err *err)
{
	struct stream_reader *r;
	struct block b;
	int rc, records = 0, fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0600);
	assert_int_equal(write(fd, f->byte, f->n), f->n);
	close(fd);
	assert_int_equal(stream_open(&r, path, err), 0);
	while ((rc = stream_next_document(r, err)) == 1) {
		while ((rc = stream_next_block(r, &b, err)) == 1)
			records += b.type == BLOCK_ROWS ? (int)b.n : 0;
		if (rc)
			break;
	}
	stream_close(r);
	return rc ? -1 : records;
}

static void wrong_in_one_place(void **state)
{
	(void)state;
	static struct forged f;
	for (int wrong = NOTHING; wrong < CASES; wrong++) {
		struct err err = ERR_NONE;
		forge(&f, (enum wrong)wrong);
		int got = records_of(&f, &err);
		if (got != (wrong <= NAMES ? 3 : -1))
			fail_msg("case %d: %d records, %s", wrong, got, err.msg);
		if (wrong > NAMES)
			assert_true(err.msg[0] && strstr(err.msg, path));
	}
}

/* logits_check against its sentence: NaN and +Inf are none, -Inf is; probabilities lie in [0, 1] and sum to 1 within
 * 1e-3. */
static void logits_are_looked_at(void **state)
{
	(void)state;
	static const double pool[] = { 0,      1,      -1,   0.5, 0.25,	    0.2502,    0.7509, 0.7511,
				       0.7489, 1.0005, -0.0, NAN, INFINITY, -INFINITY, 1e30 };
	struct rng r;
	rng_init(&r, 5, RNG_TEST, 0, 0);
	for (int k = 0; k < 100000; k++) {
		struct err err = ERR_NONE;
		struct stream_head h = { .kind = STREAM_LOGITS, .n_classes = 1 + (int)rng_below(&r, 3) };
		h.samples = 1 + (int)rng_below(&r, 2);
		h.dtype = (int)rng_below(&r, 2);
		h.values = (int)rng_below(&r, 2);
		float f[12];
		double d[12];
		uint32_t n = 1 + rng_below(&r, 2);
		int per = h.n_classes * h.samples, right = 1;
		for (int i = 0; i < (int)n * per; i++) {
			d[i] = pool[rng_below(&r, rng_below(&r, 6) ? 9 : sizeof pool / sizeof *pool)];
			if (h.values == VALUES_PROBS && i % h.n_classes == h.n_classes - 1 && rng_below(&r, 4)) {
				double sum = 0;
				for (int j = i - h.n_classes + 1; j < i; j++)
					sum += d[j];
				d[i] = 1 - sum + 0.0001 * ((int)rng_below(&r, 25) - 12);
			}
			f[i] = (float)d[i];
			if (h.dtype == DTYPE_F32)
				d[i] = f[i];
		}
		for (int i = 0; i < (int)n * per; i++) {
			double sum = 0;
			right &= h.values == VALUES_PROBS ? d[i] >= 0 && d[i] <= 1 : !isnan(d[i]) && d[i] != INFINITY;
			for (int j = 0; h.values == VALUES_PROBS && i % h.n_classes == 0 && j < h.n_classes; j++)
				sum += d[i + j];
			if (h.values == VALUES_PROBS && i % h.n_classes == 0)
				right &= fabs(sum - 1) <= 1e-3;
		}
		struct block b = { .type = BLOCK_ROWS,
				   .n = n,
				   .data = h.dtype == DTYPE_F64 ? (unsigned char *)d : (unsigned char *)f };
		assert_int_equal(logits_check(&h, &b, "x", &err), right ? 0 : -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(documents_come_back), cmocka_unit_test(wrong_in_one_place),
					    cmocka_unit_test(logits_are_looked_at) };
	snprintf(path, sizeof path, "%s/vic-streams-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	close(mkstemp(path));
	snprintf(second, sizeof second, "%s.2", path);
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	unlink(second);
	return rc;
}

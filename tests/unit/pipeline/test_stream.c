/* What a writer writes a reader reads; every cut and every flipped bit is noticed, and tokens that are none. */
#include "tests/scratch.h"
#include "pipeline/base/philox.h"
#include "pipeline/cat/cat.h"
#include "pipeline/stream/stream.h"

#include <math.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char path[SCRATCH_PATH];

static size_t write_text(void)
{
	struct err err = ERR_NONE;
	struct output out;
	struct stream_writer *w;
	struct stream_head head = { .kind = STREAM_TEXT, .dim = 3 };
	const char *names[] = { "neg", "pos" };
	assert_int_equal(stream_head_classes(&head, 2, names, &err), 0);
	assert_int_equal(output_open(&out, path, &err), 0);
	assert_int_equal(stream_begin(&w, &out, &head, NULL, NULL, &err), 0);
	float v[3] = { 1, 2, 3 };
	for (int i = 0; i < 5; i++)
		assert_int_equal(stream_add_word(w, "word", 4, v, WORD_PRETRAINED, &err), 0);
	for (uint32_t i = 0; i < 7; i++) {
		uint32_t ids[8] = { i % 5, 4, 0 };
		assert_int_equal(stream_add(w, 100 + i, (int)i % 3 - 1, (int)i % 3, ids, 4 * i, &err), 0);
	}
	assert_int_equal(stream_finish(w, &err), 0);
	stream_writer_free(w);
	assert_int_equal(output_commit(&out, &err), 0);
	size_t n = out.at;
	output_release(&out);
	stream_head_release(&head);
	return n;
}

/* Reads all there is: number of records, or -1. */
static int read_all(struct err *err)
{
	struct stream_reader *r;
	struct block b;
	int rc, records = 0;
	if (stream_open(&r, path, err))
		return -1;
	while ((rc = stream_next_document(r, err)) == 1) {
		while ((rc = stream_next_block(r, &b, err)) == 1)
			if (b.type == BLOCK_ROWS)
				records += (int)b.n;
		if (rc < 0)
			break;
	}
	stream_close(r);
	return rc < 0 ? -1 : records;
}

static void round_trip(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct stream_reader *r;
	struct block b;
	write_text();
	assert_int_equal(stream_open(&r, path, &err), 0);
	assert_int_equal(stream_next_of(r, STREAM_TEXT, &err), 1);
	assert_string_equal(stream_head_of(r)->classes[1], "pos");
	assert_int_equal(stream_next_block(r, &b, &err), 1);
	assert_int_equal(b.type, BLOCK_WORDS);
	assert_int_equal(b.n, 5);
	assert_memory_equal(b.word, "wordwordwordwordword", 20);
	assert_true(b.vector[14] == 3);
	assert_int_equal(stream_next_block(r, &b, &err), 1);
	assert_int_equal(b.type, BLOCK_ROWS);
	assert_int_equal(b.n, 7);
	assert_int_equal(b.id[6], 106);
	assert_int_equal(b.label[3], -1);
	assert_int_equal(b.split[2], SPLIT_TEST);
	size_t len;
	assert_int_equal(*(const uint32_t *)block_record(&b, 0, 3, &len), 3);
	assert_int_equal(len, 12);
	assert_int_equal(stream_next_block(r, &b, &err), 0);
	assert_int_equal(stream_next_document(r, &err), 0);
	stream_close(r);
}

static void every_cut_is_noticed(void **state)
{
	(void)state;
	size_t n = write_text();
	for (size_t keep = n; keep-- > 0;) {
		struct err err = ERR_NONE;
		assert_int_equal(truncate(path, (off_t)keep), 0);
		assert_int_equal(read_all(&err), -1);
		assert_non_null(strstr(err.msg, keep ? "runcated" : "empty"));
	}
}

static void flip_bit(size_t at)
{
	int fd = open(path, O_RDWR);
	unsigned char c;
	assert_int_equal(pread(fd, &c, 1, (off_t)at), 1);
	c ^= (unsigned char)(1 << at % 8);
	assert_int_equal(pwrite(fd, &c, 1, (off_t)at), 1);
	close(fd);
}

static void every_flip_is_noticed(void **state)
{
	(void)state;
	size_t n = write_text();
	for (size_t at = 0; at < n; at++) {
		struct err err = ERR_NONE;
		flip_bit(at);
		int got = read_all(&err);
		/* the minor version may rise without harm; everything else must be refused */
		assert_int_equal(got, at == 10 || at == 11 ? 7 : -1);
		flip_bit(at); /* back */
	}
}

/* Writes two 1x2x3 float images, `last` the last pixel; reads them back. */
static int float_images(float last, struct err *err)
{
	struct output out;
	struct stream_writer *w;
	struct stream_head head = {
		.kind = STREAM_IMAGES, .height = 1, .width = 2, .channels = 3, .encoding = ENCODING_F32
	};
	float v[6] = { -100, 0, 1, 2.5f, 100, 0 };
	assert_int_equal(stream_record_size(&head), 24);
	assert_int_equal(output_open(&out, path, err), 0);
	assert_int_equal(stream_begin(&w, &out, &head, NULL, NULL, err), 0);
	assert_int_equal(stream_add(w, 0, -1, SPLIT_TEST, v, sizeof v, err), 0);
	v[5] = last;
	assert_int_equal(stream_add(w, 1, -1, SPLIT_TEST, v, sizeof v, err), 0);
	assert_int_equal(stream_add(w, 2, -1, SPLIT_TEST, v, 6, err), -1);
	assert_int_equal(stream_finish(w, err), 0);
	stream_writer_free(w);
	assert_int_equal(output_commit(&out, err), 0);
	output_release(&out);
	return read_all(err);
}

static void float_images_are_finite(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	assert_int_equal(float_images(1e30f, &err), 2);
	assert_int_equal(float_images(NAN, &err), -1);
	assert_non_null(strstr(err.msg, "record 1: a pixel is not finite"));
	assert_int_equal(float_images(-INFINITY, &err), -1);
}

/* `lines` stages whose arguments are `items` empty objects, or one text of so many letters. */
static int provenance_of(int lines, int items, int letters, struct err *err)
{
	struct stream_head head = { .kind = STREAM_TOKENS };
	struct stream_writer *w = NULL;
	struct output out;
	json_t *history = json_array(), *args = json_array();
	for (int i = 0; i < items; i++)
		assert_int_equal(json_array_append_new(args, json_object()), 0);
	if (letters) {
		char *text = malloc((size_t)letters);
		assert_non_null(text);
		memset(text, 'a', (size_t)letters);
		assert_int_equal(json_array_append_new(args, json_stringn(text, (size_t)letters)), 0);
		free(text);
	}
	for (int i = 0; i < lines; i++)
		assert_int_equal(json_array_append_new(history, json_pack("{s:O}", "args", args)), 0);
	assert_int_equal(output_open(&out, path, err), 0);
	int rc = stream_begin(&w, &out, &head, history, NULL, err);
	rc = rc || stream_finish(w, err) || output_commit(&out, err) ? -1 : 0;
	stream_writer_free(w);
	output_release(&out);
	json_decref(history);
	json_decref(args);
	return rc ? -1 : read_all(err);
}

/* One line may be long, many may not be longer together than one; what no reader takes is not written. */
static void provenance_is_bounded(void **state)
{
	struct err err = ERR_NONE;
	(void)state;
	assert_int_equal(provenance_of(1, 60000, 0, &err), 0);
	assert_int_equal(provenance_of(2, 60000, 0, &err), -1);
	assert_non_null(strstr(err.msg, "memory"));
	assert_int_equal(provenance_of(1, 0, STREAM_MAX_HEAD, &err), -1);
	assert_non_null(strstr(err.msg, "a stream holds"));
}

/* What --check says of tokens, by the rule of docs/STREAM.md written down plainly: UTF-8, no line feed, no NUL, single
 * spaces between tokens and none around them. NULL, or what is wrong first. */
static const char *plainly(const char *text, size_t n, int torn)
{
	if (torn)
		return "is not UTF-8";
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\n')
			return "holds a line feed";
		if (text[i] == 0)
			return "holds a NUL";
		int edge = i == 0 || i == n - 1;
		if (text[i] == ' ' && (edge || text[i - 1] == ' '))
			return "has tokens that are not joined by single spaces";
	}
	return NULL;
}

/* Drawn from few characters, so that each fault comes often, alone, and at every place. */
static void tokens_are_checked(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 400; i++) {
		static const char *const piece[] = { "a", "b ", "\xC3\xA9", " ", "\n", "", "\xC3" };
		static const size_t length[] = { 1, 2, 2, 1, 1, 1, 1 };
		struct rng r;
		struct err err = ERR_NONE;
		struct output out;
		struct stream_writer *w;
		struct stream_reader *in;
		struct stream_head head = { .kind = STREAM_TOKENS };
		const char *fault = NULL;
		char wanted[80] = "";
		rng_init(&r, 61, RNG_TEST, i, 0);
		uint32_t records = 1 + rng_below(&r, 5), kinds = i % 2 ? 4 : 7;
		assert_int_equal(output_open(&out, path, &err) || stream_begin(&w, &out, &head, NULL, NULL, &err), 0);
		for (uint32_t k = 0; k < records; k++) {
			char text[40];
			size_t n = 0;
			int torn = 0;
			for (uint32_t left = rng_below(&r, 6); left; left--) {
				uint32_t p = rng_below(&r, 3) ? rng_below(&r, 3) : rng_below(&r, kinds);
				memcpy(text + n, piece[p], length[p]);
				n += length[p];
				torn |= p == 6;
			}
			n -= n > 1 && text[n - 1] == ' ' && rng_below(&r, 3);
			assert_int_equal(stream_add(w, k, -1, 0, text, n, &err), 0);
			if (!fault && (fault = plainly(text, n, torn)))
				snprintf(wanted, sizeof wanted, "record %u %s", k, fault);
		}
		assert_int_equal(stream_finish(w, &err) || output_commit(&out, &err), 0);
		stream_writer_free(w);
		output_release(&out);
		assert_int_equal(stream_open(&in, path, &err), 0);
		assert_int_equal(stream_next_document(in, &err), 1);
		int rc = check_document(in, &err);
		if (rc != (fault ? -1 : 0) || (fault && !strstr(err.msg, wanted)))
			fail_msg("%u: '%s', not '%s'", i, rc ? err.msg : "taken", wanted);
		stream_close(in);
	}
}

int main(void)
{
	if (scratch_file(path, "stream"))
		return 1;
	const struct CMUnitTest tests[] = { cmocka_unit_test(round_trip), cmocka_unit_test(every_cut_is_noticed),
					    cmocka_unit_test(every_flip_is_noticed),
					    cmocka_unit_test(float_images_are_finite),
					    cmocka_unit_test(provenance_is_bounded),
					    cmocka_unit_test(tokens_are_checked) };
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return rc;
}

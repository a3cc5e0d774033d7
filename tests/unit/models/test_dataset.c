/* A document read for training is what was written: words, records cut to a length, splits, images where they lie or in
 * memory; and its checksum changes with whatever training depends on. */
#include "models/data/dataset.h"
#include "pipeline/base/philox.h"

#include <pthread.h>
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

enum { WORDS = 30, DIM = 3, RECORDS = 60, TOKENS = 12, H = 3, W = 5, C = 2, PIXELS = H * W * C };

static struct rng random_state;

static uint32_t below(uint32_t n)
{
	return rng_below(&random_state, n);
}

struct content {
	struct stream_head head;
	uint32_t words, n, length[RECORDS], token[RECORDS][TOKENS];
	float vector[WORDS][DIM];
	unsigned char pixel[RECORDS][PIXELS * 4];
	uint64_t id[RECORDS];
	int32_t label[RECORDS];
	uint8_t split[RECORDS];
	int flush[RECORDS];
	int documents;
};

static void make_content(struct content *c, int images)
{
	static const char *const classes[] = { "no", "yes" };
	struct err err = ERR_NONE;
	memset(c, 0, sizeof *c);
	c->head.kind = images ? STREAM_IMAGES : STREAM_TEXT;
	c->head.dim = images ? 0 : DIM;
	if (images) {
		c->head.height = H;
		c->head.width = W;
		c->head.channels = C;
		c->head.encoding = (int)below(3);
	}
	assert_int_equal(stream_head_classes(&c->head, 2, classes, &err), 0);
	c->words = 1 + below(WORDS);
	c->n = 1 + below(RECORDS);
	c->documents = 1;
	for (uint32_t i = 0; i < c->words; i++)
		for (int k = 0; k < DIM; k++)
			c->vector[i][k] = (float)rng_normal(&random_state);
	for (uint32_t i = 0; i < c->n; i++) {
		c->length[i] = below(TOKENS + 1);
		for (uint32_t k = 0; k < c->length[i]; k++)
			c->token[i][k] = below(c->words);
		for (int k = 0; k < PIXELS; k++) {
			float f = (float)rng_real(&random_state);
			if (c->head.encoding == ENCODING_RAW)
				c->pixel[i][k] = (unsigned char)below(256);
			else
				memcpy(c->pixel[i] + 4 * k, &f, 4);
		}
		c->id[i] = below(1000);
		c->label[i] = (int32_t)below(3) - 1;
		c->split[i] = (uint8_t)below(4);
		c->flush[i] = below(8) == 0;
	}
}

/* The word of number i into to[64]. */
static size_t name_of(uint32_t i, char *to)
{
	return (size_t)snprintf(to, 64, "word%u%s", i, i % 3 ? "" : "-and-more");
}

/* Of a picture; of a JPEG file, which is not looked into here, of one of its own. */
static size_t bytes_of(const struct content *c, uint32_t i)
{
	return c->head.encoding == ENCODING_JPEG ? 1 + 5 * c->length[i] : stream_record_size(&c->head);
}

static void add_record(struct stream_writer *w, const struct content *c, uint32_t i)
{
	struct err err = ERR_NONE;
	int images = c->head.kind == STREAM_IMAGES;
	const void *data = images ? (const void *)c->pixel[i] : c->token[i];
	size_t len = images ? bytes_of(c, i) : 4 * c->length[i];
	char line[64 * TOKENS];
	if (c->head.kind == STREAM_TOKENS) {
		data = line;
		len = 0;
		for (uint32_t k = 0; k < c->length[i]; k++) {
			line[len] = ' ';
			len += k > 0;
			len += name_of(c->token[i][k], line + len);
		}
	}
	if (stream_add(w, c->id[i], c->label[i], c->split[i], data, len, &err) ||
	    (c->flush[i] && stream_flush(w, &err)))
		fail_msg("%s", err.msg);
}

static void write_content(const struct content *c, const char *path)
{
	struct err err = ERR_NONE;
	struct output out;
	json_t *self = json_pack("{s:s, s:s, s:[]}", "program", "vic-none", "version", "0", "args");
	if (output_open(&out, path, &err))
		fail_msg("%s", err.msg);
	for (int d = 0; d < c->documents; d++) {
		struct stream_writer *w;
		char word[64];
		if (stream_begin(&w, &out, &c->head, NULL, self, &err))
			fail_msg("%s", err.msg);
		for (uint32_t i = 0; i < c->words && c->head.kind == STREAM_TEXT; i++) {
			size_t n = name_of(i, word);
			if (stream_add_word(w, word, n, c->vector[i], WORD_PRETRAINED, &err))
				fail_msg("%s", err.msg);
		}
		for (uint32_t i = 0; i < c->n; i++)
			add_record(w, c, i);
		if (stream_finish(w, &err))
			fail_msg("%s", err.msg);
		stream_writer_free(w);
	}
	if (output_commit(&out, &err))
		fail_msg("%s", err.msg);
	output_release(&out);
	json_decref(self);
}

static int read_dataset(struct dataset *d, const char *path, int most, struct err *err)
{
	struct stream_reader *r;
	if (stream_open(&r, path, err))
		return -1;
	int rc =
		stream_next_document(r, err) != 1 || dataset_begin(d, r, err) || dataset_read(d, r, most, err) ? -1 : 0;
	stream_close(r);
	return rc;
}

static void same_text(const struct dataset *d, const struct content *c, uint32_t most)
{
	const struct text_data *t = &d->text;
	uint64_t cut = 0;
	assert_int_equal(t->words, c->words);
	for (uint32_t i = 0; i < c->words; i++) {
		char word[64];
		size_t n = name_of(i, word), from = i ? t->word_end[i - 1] : 0;
		assert_int_equal(t->word_end[i] - from, n);
		assert_memory_equal(t->text + from, word, n);
		assert_memory_equal(t->vector + i * DIM, c->vector[i], sizeof c->vector[i]);
	}
	assert_int_equal(t->begin[0], 0);
	for (uint32_t i = 0; i < c->n; i++) {
		uint32_t n = most && c->length[i] > most ? most : c->length[i];
		cut += n < c->length[i];
		assert_int_equal(t->begin[i + 1] - t->begin[i], n);
		assert_true(!n || !memcmp(t->token + t->begin[i], c->token[i], 4 * n));
	}
	assert_int_equal(t->cut, cut);
}

static void same_rows(const struct dataset *d, const struct content *c)
{
	assert_int_equal(d->n, c->n);
	assert_memory_equal(d->id, c->id, c->n * sizeof *c->id);
	assert_memory_equal(d->label, c->label, c->n * sizeof *c->label);
	assert_memory_equal(d->split, c->split, c->n);
	assert_int_equal(json_array_size(d->provenance), 1);
	for (uint32_t i = 0; i < c->n && c->head.kind == STREAM_IMAGES; i++) {
		assert_memory_equal(d->images.pixel[i], c->pixel[i], bytes_of(c, i));
		assert_true(c->head.encoding != ENCODING_JPEG || d->images.len[i] == bytes_of(c, i));
	}
}

static int memory_file(char *path)
{
	int fd = memfd_create("dataset", MFD_CLOEXEC);
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

static uint32_t crc_of(const struct content *c)
{
	struct dataset d;
	struct err err = ERR_NONE;
	char path[64];
	int fd = memory_file(path);
	write_content(c, path);
	if (read_dataset(&d, path, 0, &err))
		fail_msg("%s", err.msg);
	uint32_t crc = d.crc;
	dataset_release(&d);
	close(fd);
	return crc;
}

/* Anything that training depends on, changed, is another data set; ids are not. */
static void checksum(const struct content *c)
{
	static struct content other;
	uint32_t was = crc_of(c), i = below(c->n);
	for (int change = 0; change < 4; change++) {
		other = *c;
		if (change == 0)
			other.label[i] = (other.label[i] + 2) % 3 - 1;
		if (change == 1)
			other.split[i] = (uint8_t)((other.split[i] + 1) % 4);
		if (change == 2)
			other.id[i]++;
		if (change == 3 && c->head.kind == STREAM_TEXT)
			other.vector[below(c->words)][2] += 1;
		else if (change == 3)
			other.pixel[i][0] ^= 1;
		assert_int_equal(crc_of(&other) == was, change == 2);
	}
}

/* A mapped file that was only touched is the same; with another bit in a picture it is not. */
static void touched(const struct dataset *d, int fd)
{
	const struct timespec once[2] = { { 1, 0 }, { 1, 0 } };
	struct err err = ERR_NONE;
	const unsigned char *bytes = d->images.file.bytes, *pixel = d->images.pixel[0];
	unsigned char other = *pixel ^ 1;
	assert_int_equal(futimens(fd, once), 0);
	assert_int_equal(dataset_unchanged(d, &err), 0);
	assert_int_equal(pwrite(fd, &other, 1, pixel - bytes), 1);
	assert_int_equal(dataset_unchanged(d, &err), -1);
	assert_non_null(strstr(err.msg, "the training data have changed"));
}

static void what_was_written(void **state)
{
	static struct content c;
	int mapped = 0;
	(void)state;
	for (uint32_t k = 0; k < 120; k++) {
		struct dataset d;
		struct err err = ERR_NONE;
		char path[64];
		rng_init(&random_state, 71, RNG_TEST, k, 0);
		make_content(&c, k % 2);
		int most = (int)below(TOKENS + 2), fd = memory_file(path);
		write_content(&c, path);
		if (read_dataset(&d, path, most, &err))
			fail_msg("%s", err.msg);
		same_rows(&d, &c);
		if (c.head.kind == STREAM_TEXT)
			same_text(&d, &c, (uint32_t)most);
		assert_int_equal(dataset_unchanged(&d, &err), 0);
		if (d.images.file.bytes)
			touched(&d, fd);
		mapped += d.images.file.bytes != NULL;
		dataset_release(&d);
		if (k < 20)
			checksum(&c);
		stream_head_release(&c.head);
		close(fd);
	}
	assert_int_equal(mapped, 60);
}

static void *write_pipe(void *arg)
{
	struct content *c = arg;
	char path[64];
	snprintf(path, sizeof path, "/dev/fd/%d", c->flush[0]);
	write_content(c, path);
	return NULL;
}

/* Of a pipe nothing is mapped, and nothing can change. */
static void from_a_pipe(void **state)
{
	static struct content c;
	(void)state;
	for (uint32_t k = 0; k < 20; k++) {
		struct dataset d;
		struct err err = ERR_NONE;
		pthread_t writer;
		char path[64];
		int fd[2];
		rng_init(&random_state, 72, RNG_TEST, k, 0);
		make_content(&c, 1);
		assert_int_equal(pipe(fd), 0);
		c.flush[0] = fd[1];
		snprintf(path, sizeof path, "/dev/fd/%d", fd[0]);
		assert_int_equal(pthread_create(&writer, NULL, write_pipe, &c), 0);
		/* the reader opens the pipe by name; its end comes when no writer is left */
		struct stream_reader *r;
		if (stream_open(&r, path, &err) || stream_next_document(r, &err) != 1 || dataset_begin(&d, r, &err))
			fail_msg("%s", err.msg);
		pthread_join(writer, NULL);
		close(fd[1]);
		if (dataset_read(&d, r, 0, &err))
			fail_msg("%s", err.msg);
		stream_close(r);
		same_rows(&d, &c);
		assert_null(d.images.file.bytes);
		assert_int_equal(dataset_unchanged(&d, &err), 0);
		dataset_release(&d);
		stream_head_release(&c.head);
		close(fd[0]);
	}
}

static void refused(void **state)
{
	static struct content c;
	struct dataset d;
	struct err err = ERR_NONE;
	char path[64];
	int fd = memory_file(path);
	(void)state;
	rng_init(&random_state, 73, RNG_TEST, 0, 0);
	make_content(&c, 0);
	c.documents = 2;
	write_content(&c, path);
	assert_int_equal(read_dataset(&d, path, 0, &err), -1);
	assert_non_null(strstr(err.msg, "holds a second document; give vic-embed all tokens"));
	dataset_release(&d);
	c.documents = 1;
	c.n = 0;
	assert_int_equal(ftruncate(fd, 0) || lseek(fd, 0, SEEK_SET), 0);
	write_content(&c, path);
	err = ERR_NONE;
	assert_int_equal(read_dataset(&d, path, 0, &err), -1);
	assert_non_null(strstr(err.msg, "holds no record at all"));
	dataset_release(&d);
	stream_head_release(&c.head);
	close(fd);
	struct stream_head head = { .kind = STREAM_IMAGES, .height = 32767, .width = 32767, .channels = 1 };
	assert_int_equal(image_data_usable(&head, &err), 0);
	head.width = 32768;
	assert_int_equal(image_data_usable(&head, &err), -1);
	head.width = 1;
	head.height = 32768;
	assert_int_equal(image_data_usable(&head, &err), -1);
}

/* A word table comes in blocks of any number of words, whose ends count anew in each. */
static void words_in_blocks(void **state)
{
	(void)state;
	rng_init(&random_state, 44, RNG_TEST, 0, 0);
	for (int t = 0; t < 50; t++) {
		struct dataset d = { .head = { .kind = STREAM_TEXT, .dim = DIM } };
		struct err err = ERR_NONE;
		char text[WORDS * 64];
		uint32_t ends[WORDS];
		float vector[WORDS][DIM];
		size_t at = 0;
		for (uint32_t i = 0; i < WORDS; i++) {
			at += name_of(i, text + at);
			ends[i] = (uint32_t)at;
			for (int k = 0; k < DIM; k++)
				vector[i][k] = (float)rng_normal(&random_state);
		}
		for (uint32_t from = 0, n; from < WORDS; from += n) {
			uint32_t end[WORDS], start = from ? ends[from - 1] : 0;
			n = 1 + below(t % 2 ? 4 : WORDS);
			n = n < WORDS - from ? n : WORDS - from;
			for (uint32_t i = 0; i < n; i++)
				end[i] = ends[from + i] - start;
			struct block b = { .n = n, .word_end = end, .word = text + start, .vector = vector[from] };
			assert_int_equal(text_data_add_words(&d, &b, &err), 0);
		}
		assert_int_equal(d.text.words, WORDS);
		assert_memory_equal(d.text.text, text, at);
		assert_memory_equal(d.text.word_end, ends, sizeof ends);
		assert_memory_equal(d.text.vector, vector, sizeof vector);
		dataset_release(&d);
	}
}

/* Of tokens: the words are those of what is kept, numbered as they come. */
static void tokens_as_words(void **state)
{
	static struct content c;
	(void)state;
	for (uint32_t k = 0; k < 60; k++) {
		struct dataset d;
		struct err err = ERR_NONE;
		char path[64], word[64];
		uint32_t words = 0;
		uint64_t cut = 0;
		rng_init(&random_state, 57, RNG_TEST, k, 0);
		make_content(&c, 0);
		c.head.kind = STREAM_TOKENS;
		c.head.dim = 0;
		for (uint32_t i = 0; i < c.n; i++)
			c.length[i] += c.length[i] == 0;
		uint32_t most = below(TOKENS + 2);
		int fd = memory_file(path);
		write_content(&c, path);
		if (read_dataset(&d, path, (int)most, &err))
			fail_msg("%s", err.msg);
		same_rows(&d, &c);
		const struct text_data *t = &d.text;
		assert_int_equal(t->begin[0], 0);
		for (uint32_t i = 0; i < c.n; i++) {
			uint32_t n = most && c.length[i] > most ? most : c.length[i];
			cut += n < c.length[i];
			assert_int_equal(t->begin[i + 1] - t->begin[i], n);
			for (uint32_t at = 0; at < n; at++) {
				uint32_t number = t->token[t->begin[i] + at];
				uint32_t from = number ? t->word_end[number - 1] : 0;
				size_t len = name_of(c.token[i][at], word);
				assert_in_range(number, 0, words);
				words += number == words;
				assert_int_equal(t->word_end[number] - from, len);
				assert_memory_equal(t->text + from, word, len);
			}
		}
		assert_true(t->words == words && t->cut == cut);
		dataset_release(&d);
		stream_head_release(&c.head);
		close(fd);
	}
}

/* Records of which none is marked train are refused, with what they are marked. */
static void how_they_are_marked(void **state)
{
	static const char *const names[] = { "train", "dev", "test", "extra" };
	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		uint8_t split[40];
		struct err err = ERR_NONE;
		size_t of[4] = { 0 };
		rng_init(&random_state, 56, RNG_TEST, i, 0);
		struct dataset d = { .n = 1 + below(40), .split = split };
		uint32_t least = below(2), kinds = 1 + below(4 - least);
		char want[128] = "(";
		for (size_t r = 0; r < d.n; r++)
			of[split[r] = (uint8_t)(least + below(kinds))]++;
		size_t at = 1;
		for (int k = 1; k < 4; k++)
			if (of[k])
				at += (size_t)snprintf(want + at, sizeof want - at, "%s%zu %s", at > 1 ? ", " : "",
						       of[k], names[k]);
		snprintf(want + at, sizeof want - at, ");");
		assert_int_equal(dataset_need_train(&d, &err), of[0] ? 0 : -1);
		if (!of[0] && !strstr(err.msg, want))
			fail_msg("%s: not %s", err.msg, want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(what_was_written), cmocka_unit_test(from_a_pipe),
					    cmocka_unit_test(refused), cmocka_unit_test(words_in_blocks),
					    cmocka_unit_test(tokens_as_words),
					    cmocka_unit_test(how_they_are_marked) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

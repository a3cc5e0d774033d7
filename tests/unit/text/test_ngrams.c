/* N-grams of random records against strings put together one by one: the table, in the order of first appearance in
 * records marked train, every record's numbers, and those of the records of any document that a model with such a table
 * reads: of text or tokens, its words in any order and cut into blocks anywhere, some of them not the model's. */
#include "models/data/ngrams.h"
#include "models/predict/predictor.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/philox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* A word lies in another one, and an n-gram of some is the beginning of one of others. */
static const char *const word[] = { "a", "ab", "b", "ba", "aba", "x", "aa", "bab" };
enum { RECORDS = 12, TOKENS = 11, VOCABULARY = 6, KNOWN_TO_US = 8, CLASSES = 3, LETTERS = 4 * TOKENS };
enum { TABLE = 1 + RECORDS * TOKENS * NGRAMS_LONGEST };

static struct rng random_state;

static int below(int n)
{
	return (int)rng_below(&random_state, (uint32_t)n);
}

/* What a reader of text makes; its memory is the data set's. */
static void make(struct dataset *d)
{
	struct err err = ERR_NONE;
	struct text_data *t = &d->text;
	size_t n = (size_t)below(RECORDS), at = 0;
	uint32_t end = 0;
	*d = (struct dataset){ .n = n, .head = { .kind = STREAM_TEXT, .dim = 7 } };
	if (stream_head_classes(&d->head, CLASSES, word, &err) || mem_alloc(&d->split, n + 1, 1, &err) ||
	    mem_alloc(&t->begin, n + 1, sizeof *t->begin, &err) ||
	    mem_alloc(&t->token, n * TOKENS + 1, sizeof *t->token, &err) ||
	    mem_alloc(&t->text, VOCABULARY * LETTERS, 1, &err) ||
	    mem_alloc(&t->word_end, VOCABULARY, sizeof *t->word_end, &err))
		fail_msg("%s", err.msg);
	t->words = VOCABULARY;
	for (int w = 0; w < VOCABULARY; w++) {
		memcpy(t->text + end, word[w], strlen(word[w]));
		t->word_end[w] = end += (uint32_t)strlen(word[w]);
	}
	for (size_t r = 0; r < n; r++) {
		d->split[r] = below(2) ? SPLIT_TRAIN : (uint8_t)below(SPLIT_COUNT);
		for (int k = below(TOKENS + 1); k; k--)
			t->token[at++] = (uint32_t)below(VOCABULARY);
		t->begin[r + 1] = at;
	}
}

/* Words from..from + n - 1 of the text. */
static void plain_run(char to[LETTERS], const uint32_t *token, int from, int n)
{
	int at = 0;
	for (int i = from; i < from + n; i++)
		at += snprintf(to + at, (size_t)(LETTERS - at), "%s%s", i > from ? " " : "", word[token[i]]);
}

static char table[TABLE][LETTERS];
static uint32_t rows;

/* Its number, or `rows`. */
static uint32_t row_of(const char *run)
{
	uint32_t i = 0;
	while (i < rows && strcmp(table[i], run))
		i++;
	return i;
}

static void plain_table(const struct dataset *d, int n)
{
	const struct text_data *t = &d->text;
	char run[LETTERS];
	rows = 1;
	*table[0] = 0;
	for (size_t r = 0; r < d->n; r++)
		for (int k = 1; k <= n && d->split[r] == SPLIT_TRAIN; k++)
			for (int i = 0, len = (int)(t->begin[r + 1] - t->begin[r]); i + k <= len; i++) {
				plain_run(run, t->token + t->begin[r], i, k);
				if (row_of(run) == rows)
					memcpy(table[rows++], run, LETTERS);
			}
}

/* was: the records before. */
static void check(const struct dataset *d, const struct dataset *was, int n)
{
	const struct text_data *t = &d->text;
	char run[LETTERS];
	size_t at = 0;
	assert_int_equal(d->head.dim, CLASSES);
	assert_int_equal(t->words, rows);
	for (uint32_t i = 0; i < rows; i++) {
		uint32_t from = i ? t->word_end[i - 1] : 0;
		assert_int_equal(t->word_end[i] - from, strlen(table[i]));
		assert_memory_equal(t->text + from, table[i], strlen(table[i]));
		for (int c = 0; c < CLASSES; c++)
			assert_true(t->vector[i * CLASSES + (uint32_t)c] == 0);
	}
	for (size_t r = 0; r < d->n; r++) {
		assert_int_equal(t->begin[r], at);
		for (int k = 1; k <= n; k++)
			for (int i = 0, len = (int)(was->text.begin[r + 1] - was->text.begin[r]); i + k <= len; i++) {
				plain_run(run, was->text.token + was->text.begin[r], i, k);
				uint32_t row = row_of(run);
				assert_int_equal(t->token[at++], row == rows ? 0 : row);
			}
	}
	assert_int_equal(t->begin[d->n], at);
}

static void datasets(void **state)
{
	(void)state;
	int none = 0;
	for (int i = 0; i < 300; i++) {
		struct dataset d, was;
		struct err err = ERR_NONE;
		int n = 1 + below(NGRAMS_LONGEST);
		rng_init(&random_state, 81, RNG_TEST, (uint32_t)i, 0);
		make(&was);
		rng_init(&random_state, 81, RNG_TEST, (uint32_t)i, 0);
		make(&d);
		plain_table(&d, n);
		int rc = ngrams_dataset(&d, n, &err);
		assert_int_equal(rc, rows == 1 ? -1 : 0);
		if (rc)
			assert_string_equal(err.msg, "no record marked train has a word");
		else
			check(&d, &was, n);
		none += rc;
		dataset_release(&d);
		dataset_release(&was);
	}
	assert_true(none < 0 && none > -150);
}

/* Words order[0], order[1], ... of a document, in blocks that end anywhere. */
static void give_words(struct predictor *p, const uint32_t *order)
{
	char text[KNOWN_TO_US * LETTERS];
	uint32_t end[KNOWN_TO_US];
	struct err err = ERR_NONE;
	for (int from = 0; from < KNOWN_TO_US;) {
		struct block b = { .type = BLOCK_WORDS, .word = text, .word_end = end };
		uint32_t at = 0;
		for (int n = below(KNOWN_TO_US - from + 1); n; n--) {
			const char *one = word[order[from++]];
			memcpy(text + at, one, strlen(one));
			end[b.n++] = at += (uint32_t)strlen(one);
		}
		if (predictor_words(p, &b, &err))
			fail_msg("%s", err.msg);
	}
}

/* The runs of the first `most` words (0: all) of a record, each as the row of its letters; what the table lacks is the
 * row behind it. Returns where they end. */
static size_t check_record(const struct predictor *p, const uint32_t *token, int len, size_t at)
{
	int most = p->model->max_tokens;
	char run[LETTERS];
	len = most && len > most ? most : len;
	for (int k = 1; k <= p->model->config.ngrams; k++)
		for (int i = 0; i + k <= len; i++) {
			plain_run(run, token, i, k);
			assert_int_equal(p->data.text.token[at++], row_of(run));
		}
	assert_int_equal(p->data.text.begin[p->data.n + 1], at);
	return at;
}

/* A document of text or tokens after others; what was counted before it stays. */
static void predict_document(struct predictor *p)
{
	struct stream_head head = { .kind = below(2) ? STREAM_TEXT : STREAM_TOKENS, .dim = 7 };
	struct err err = ERR_NONE;
	uint64_t tokens = p->tokens, unknown = p->unknown;
	uint32_t order[KNOWN_TO_US], token[TOKENS], number[TOKENS] = { 0 };
	char line[LETTERS];
	size_t at = 0;
	int most = p->model->max_tokens;
	for (uint32_t i = 0; i < KNOWN_TO_US; i++)
		order[i] = i;
	rng_shuffle(&random_state, order, KNOWN_TO_US);
	if (predictor_document(p, &head, &err))
		fail_msg("%s", err.msg);
	if (head.kind == STREAM_TEXT)
		give_words(p, order);
	for (int left = below(RECORDS); left; left--) {
		int len = below(TOKENS + 1);
		for (int i = 0; i < len; i++) {
			token[i] = (uint32_t)below(KNOWN_TO_US);
			for (uint32_t place = 0; place < KNOWN_TO_US; place++)
				number[i] = order[place] == token[i] ? place : number[i];
			tokens += !most || i < most;
			unknown += (!most || i < most) && row_of(word[token[i]]) == rows;
		}
		*line = 0;
		plain_run(line, token, 0, len);
		const void *record = head.kind == STREAM_TEXT ? (const void *)number : line;
		size_t size = head.kind == STREAM_TEXT ? 4 * (size_t)len : strlen(line);
		if (predictor_text_add(p, record, size, &err))
			fail_msg("%s", err.msg);
		at = check_record(p, token, len, at);
		p->data.n++;
	}
	assert_true(p->tokens == tokens && p->unknown == unknown);
}

static void predictions(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		struct dataset d;
		struct predictor p;
		struct err err = ERR_NONE;
		rng_init(&random_state, 82, RNG_TEST, (uint32_t)i, 0);
		struct model m = { .net = &net_bow, .max_tokens = below(2) ? 0 : 1 + below(TOKENS) };
		int n = 1 + below(NGRAMS_LONGEST);
		make(&d);
		plain_table(&d, n);
		if (rows > 1) {
			if (ngrams_dataset(&d, n, &err))
				fail_msg("%s", err.msg);
			m.config = (struct net_config){
				.classes = CLASSES, .vocabulary = (int)rows, .ngrams = n, .dim = CLASSES };
			m.classes = d.head.classes;
			m.text = d.text.text;
			m.word_end = d.text.word_end;
			if (safetensors_add(&m.file, "words.vectors", ST_F32, 2, (size_t[]){ rows, CLASSES },
					    d.text.vector, &err) ||
			    predictor_open(&p, &m, NULL, 0, 0, &err))
				fail_msg("%s", err.msg);
			for (int documents = 1 + below(3); documents; documents--)
				predict_document(&p);
			predictor_release(&p);
			safetensors_release(&m.file);
		}
		dataset_release(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(datasets), cmocka_unit_test(predictions) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* N-grams of random records against strings put together one by one: the table, in the order of first appearance in
 * records marked train, and every record's numbers. */
#include "models/data/ngrams.h"
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
static const char *const word[] = { "a", "ab", "b", "ba", "aba", "x" };
enum { RECORDS = 12, TOKENS = 11, VOCABULARY = 6, CLASSES = 3, LETTERS = 4 * NGRAMS_LONGEST };
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

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(datasets) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

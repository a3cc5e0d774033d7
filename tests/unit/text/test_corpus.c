/* Token streams read into word ids and written as text, against plain lists: words in order of their counts, each
 * record's words where they were. And the spread of drawn vectors. */
#include "embed/corpus.h"
#include "embed/oov.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/philox.h"

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

enum { RECORDS = 40, TOKENS = 12, WORDS = 60 };

static char path[4096], other[4200];

struct plain {
	size_t n, documents;
	uint64_t id[3 * RECORDS];
	int label[3 * RECORDS], split[3 * RECORDS], n_tokens[3 * RECORDS];
	int token[3 * RECORDS][TOKENS]; /* numbers of words */
};

static void word_of(int i, char *to)
{
	snprintf(to, 16, i % 7 ? "w%d" : "\xc3\xa9%d", i * i);
}

static json_t *line_of(const char *program)
{
	return json_pack("{s:s, s:s, s:[]}", "program", program, "version", "0", "args");
}

/* Writes up to three documents; ids may repeat between them. */
static void write_tokens(struct rng *r, struct plain *p)
{
	static const char *const class[] = { "a", "b" };
	struct err err = ERR_NONE;
	struct output out;
	struct stream_head head = { .kind = STREAM_TOKENS };
	*p = (struct plain){ .documents = 1 + rng_below(r, 3) };
	assert_int_equal(stream_head_classes(&head, 2, class, &err), 0);
	assert_int_equal(output_open(&out, path, &err), 0);
	out.hasty = 1;
	uint32_t alike = rng_below(r, 3); /* ids: all documents' own, the same in all, or one of them */
	int words = 1 + (int)rng_below(r, WORDS);
	for (size_t d = 0; d < p->documents; d++) {
		struct stream_writer *w;
		json_t *self = line_of(d == 1 ? "second" : "first");
		assert_int_equal(stream_begin(&w, &out, &head, NULL, self, &err), 0);
		json_decref(self);
		uint32_t n = rng_below(r, RECORDS);
		for (uint32_t i = 0; i < n; i++, p->n++) {
			char text[TOKENS * 20] = "", word[16];
			size_t len = 0;
			int k = (int)rng_below(r, TOKENS);
			p->id[p->n] = 10 * i + (alike == 1 || (alike == 2 && d == 1 && i == 3) ? 0 : 1000 * d);
			p->label[p->n] = (int)rng_below(r, 3) - 1;
			p->split[p->n] = (int)rng_below(r, 4);
			p->n_tokens[p->n] = k;
			for (int j = 0; j < k; j++) {
				uint32_t at = rng_below(r, (uint32_t)words);
				/* some often */
				p->token[p->n][j] = (int)(at * rng_below(r, 2) + rng_below(r, 2)) % WORDS;
				word_of(p->token[p->n][j], word);
				len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", j ? " " : "", word);
			}
			assert_int_equal(stream_add(w, p->id[p->n], p->label[p->n], p->split[p->n], text, len, &err),
					 0);
		}
		assert_int_equal(stream_finish(w, &err), 0);
		stream_writer_free(w);
	}
	assert_int_equal(output_commit(&out, &err), 0);
	output_release(&out);
	stream_head_release(&head);
}

/* What must come out: `rank[i]` is the word of rank i. Counts fall; equal ones stand as they first came. */
static int rank_words(const struct plain *p, int rank[WORDS], uint64_t times[WORDS])
{
	int first[WORDS], seen = 0;
	memset(times, 0, WORDS * sizeof *times);
	for (size_t i = 0; i < p->n; i++)
		for (int j = 0; j < p->n_tokens[i]; j++)
			if (!times[p->token[i][j]]++)
				first[p->token[i][j]] = seen++;
	int n = 0;
	for (int k = 0; k < WORDS; k++) {
		if (!times[k])
			continue;
		int at = n++;
		while (at && (times[rank[at - 1]] < times[k] ||
			      (times[rank[at - 1]] == times[k] && first[rank[at - 1]] > first[k]))) {
			rank[at] = rank[at - 1];
			at--;
		}
		rank[at] = k;
	}
	return n;
}

static void check_written(const struct plain *p, const struct vectors *v, const struct corpus *c, int repeated)
{
	struct err err = ERR_NONE;
	struct stream_reader *r;
	struct block b;
	int rank[WORDS], rc, n = rank_words(p, rank, (uint64_t[WORDS]){ 0 });
	size_t words = 0, rows = 0;
	assert_int_equal(stream_open(&r, other, &err), 0);
	assert_int_equal(stream_next_of(r, STREAM_TEXT, &err), 1);
	/* each line once, then our own */
	assert_int_equal(json_array_size(stream_provenance(r)), (p->documents > 1) + 2);
	while ((rc = stream_next_block(r, &b, &err)) == 1) {
		for (uint32_t i = 0; b.type == BLOCK_WORDS && i < b.n; i++, words++) {
			char word[16];
			uint32_t from = i ? b.word_end[i - 1] : 0;
			word_of(rank[words], word);
			assert_int_equal(b.word_end[i] - from, strlen(word));
			assert_memory_equal(b.word + from, word, strlen(word));
			uint32_t id = vocab_find(&c->vocab, word, strlen(word));
			assert_int_equal(b.origin[i], v->found[id] ? WORD_PRETRAINED : WORD_INITIALISED);
			assert_memory_equal(b.vector + (size_t)i * (size_t)v->dim, v->row + id * (size_t)v->dim,
					    4 * (size_t)v->dim);
		}
		for (uint32_t i = 0; b.type == BLOCK_ROWS && i < b.n; i++, rows++) {
			size_t len;
			const uint32_t *id = (const uint32_t *)block_record(&b, 0, i, &len);
			assert_int_equal(len, 4 * p->n_tokens[rows]);
			for (int j = 0; j < p->n_tokens[rows]; j++)
				assert_int_equal(rank[id[j]], p->token[rows][j]);
			assert_int_equal(b.id[i], repeated ? rows : p->id[rows]);
			assert_int_equal(b.label[i], p->label[rows]);
			assert_int_equal(b.split[i], p->split[rows]);
		}
	}
	assert_int_equal(rc, 0);
	assert_int_equal(words, n);
	assert_int_equal(rows, p->n);
	stream_close(r);
}

static int ids_repeat(const struct plain *p)
{
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < i; k++)
			if (p->id[i] == p->id[k])
				return 1;
	return 0;
}

/* As vic-embed does it, with a third of the words found. */
static void corpus_round(struct rng *r)
{
	static struct plain p;
	struct err err = ERR_NONE;
	struct corpus c;
	struct vectors v;
	struct output out;
	uint32_t *order;
	write_tokens(r, &p);
	assert_int_equal(corpus_init(&c, &err), 0);
	assert_int_equal(corpus_read(&c, path, &err), 0);
	assert_int_equal(c.documents, p.documents);
	assert_int_equal(c.n_records, p.n);
	assert_int_equal(corpus_unique_ids(&c, &err), 0);
	int repeated = ids_repeat(&p);
	assert_int_equal(c.renumbered, repeated);
	assert_int_equal(vectors_init(&v, 3, c.vocab.n, &err), 0);
	double sum = 0, squares = 0;
	for (uint32_t i = 0; i < c.vocab.n; i++)
		if (i == 0 || rng_below(r, 3) == 0) {
			v.found[i] = 1;
			v.n_found++;
			for (int d = 0; d < 3; d++) {
				v.row[3 * i + (uint32_t)d] = (float)rng_below(r, 100) / 8;
				sum += v.row[3 * i + (uint32_t)d];
				squares += (double)v.row[3 * i + (uint32_t)d] * v.row[3 * i + (uint32_t)d];
			}
		}
	struct oov oov = { .kind = (enum oov_kind)rng_below(r, 3), .a = 0.5 };
	if (v.n_found) {
		double n = 3.0 * v.n_found,
		       a = oov.kind == OOV_STD ? sqrt(3 * (squares / n - sum / n * (sum / n))) : 0.5;
		assert_int_equal(oov_fill(&oov, 7, &c.vocab, &v, &err), 0);
		assert_true(fabs(oov.a - a) <= 1e-6 * (1 + a)); /* one pass here, two there */
		for (uint32_t i = 0; i < c.vocab.n; i++) {
			size_t len;
			const char *word = vocab_word(&c.vocab, i, &len);
			float want[3] = { 0 };
			if (oov.kind != OOV_ZERO)
				oov_draw(7, oov.a, word, len, want, 3);
			if (!v.found[i])
				assert_memory_equal(v.row + 3 * i, want, sizeof want);
		}
	}
	json_t *self = line_of("own");
	assert_int_equal(corpus_by_frequency(&c, &order, &err), 0);
	assert_int_equal(output_open(&out, other, &err), 0);
	out.hasty = 1;
	assert_int_equal(corpus_write(&c, order, &v, &out, self, &err), 0);
	assert_int_equal(output_commit(&out, &err), 0);
	output_release(&out);
	json_decref(self);
	check_written(&p, &v, &c, repeated);
	free(order);
	vectors_release(&v);
	corpus_release(&c);
}

static void corpora_come_back(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 120; round++) {
		struct rng r;
		rng_init(&r, 31, RNG_TEST, round, 0);
		corpus_round(&r);
	}
}

/* The draw is a function of the word's hash: FNV-1a, whose values are published. */
static void draws_are_keyed_by_fnv(void **state)
{
	static const struct {
		const char *word;
		uint64_t hash;
	} known[] = { { "", 0xCBF29CE484222325u }, { "a", 0xAF63DC4C8601EC8Cu }, { "foobar", 0x85944171F73967E8u } };
	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		float row[5];
		struct rng r;
		oov_draw(9, 0.75, known[i].word, strlen(known[i].word), row, 5);
		rng_init(&r, 9, RNG_OOV, (uint32_t)(known[i].hash >> 32), (uint32_t)known[i].hash);
		for (int k = 0; k < 5; k++)
			assert_true(row[k] == (float)(0.75 * (2 * rng_real(&r) - 1)));
	}
}

static void empty_tokens_are_refused(void **state)
{
	static const char *const text[] = { " ", "a ", " a", "a  b" };
	(void)state;
	for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
		struct err err = ERR_NONE;
		struct corpus c;
		struct output out;
		struct stream_writer *w;
		struct stream_head head = { .kind = STREAM_TOKENS };
		assert_int_equal(output_open(&out, path, &err), 0);
		out.hasty = 1;
		assert_int_equal(stream_begin(&w, &out, &head, NULL, NULL, &err), 0);
		assert_int_equal(stream_add(w, 0, -1, 0, "fine here", 9, &err), 0);
		assert_int_equal(stream_add(w, 1, -1, 0, text[i], strlen(text[i]), &err), 0);
		assert_int_equal(stream_finish(w, &err), 0);
		assert_int_equal(output_commit(&out, &err), 0);
		stream_writer_free(w);
		output_release(&out);
		assert_int_equal(corpus_init(&c, &err), 0);
		assert_int_equal(corpus_read(&c, path, &err), -1);
		assert_non_null(strstr(err.msg, "record 1 has an empty token"));
		corpus_release(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(corpora_come_back),
					    cmocka_unit_test(draws_are_keyed_by_fnv),
					    cmocka_unit_test(empty_tokens_are_refused) };
	snprintf(path, sizeof path, "%s/vic-corpus-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	close(mkstemp(path));
	snprintf(other, sizeof other, "%s.text", path);
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	unlink(other);
	return rc;
}

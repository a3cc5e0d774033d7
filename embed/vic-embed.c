/* vic-embed: tokens to word ids with a table of word vectors. */
#include "corpus.h"
#include "oov.h"
#include "pipeline/frame/stage.h"
#include "pipeline/files/text.h"
#include "vectors.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

static struct {
	const char *vectors, *oov, *output, *oov_report;
	int64_t dim, seed, top_oov, threads;
	int format, random, allow_oov;
} o = { .oov = "uniform:0.25", .output = "-", .top_oov = 10 };

static const struct opt opts[] = {
	{ "vectors", 0, OPT_TEXT, &o.vectors, "FILE",
	  "word vectors: GloVe text or word2vec binary, also gzipped; -: stdin", .flags = OPT_INPUT },
	{ "vectors-format", 0, OPT_CHOICE, &o.format, NULL, "format of FILE", .choices = "auto|text|word2vec" },
	{ "dim", 0, OPT_INT, &o.dim, "N", "numbers a word; default: as in FILE, 300 with --random", .lo = 1,
	  .hi = VECTORS_MAX_DIM, .flags = OPT_NO_DEFAULT },
	{ "oov", 0, OPT_TEXT, &o.oov, "HOW",
	  "words not in FILE: uniform:A (each number in -A..A), zero, std (variance of FILE)", .flags = 0 },
	{ "allow-oov", 0, OPT_FLAG, &o.allow_oov, NULL, "go on where FILE has under 1 % of the types, or none",
	  .flags = OPT_LOCAL, .with = "vectors" },
	{ "random", 0, OPT_FLAG, &o.random, NULL, "no file: every word is drawn as --oov says (Kim's rand)",
	  .value = 1 },
	{ "seed", 's', OPT_INT, &o.seed, "N", "seed of the drawn vectors", .lo = 0, .hi = INT64_MAX },
	{ "top-oov", 0, OPT_INT, &o.top_oov, "N", "how many words not in FILE to name on stderr", .lo = 0,
	  .hi = 1000000, .flags = OPT_LOCAL, .with = "vectors" },
	{ "oov-report", 0, OPT_TEXT, &o.oov_report, "TSV", "write all of them: word, count",
	  .flags = OPT_LOCAL | OPT_OUTPUT,
	  .writes = "a list of words with counts" },
	{ "threads", 0, OPT_INT, &o.threads, "N", "threads; 0: as many as there are", .lo = 0, .hi = 1024,
	  .flags = OPT_LOCAL },
	{ "output", 'o', OPT_TEXT, &o.output, "FILE", "where to", .flags = OPT_LOCAL | OPT_OUTPUT,
	  .writes = "a vicinal stream of text" },
	{ 0 },
};

static const char *libraries(void)
{
	static char text[32];
	snprintf(text, sizeof text, "utf8proc %s", utf8proc_version());
	return text;
}

static const struct program prog = {
	.name = "vic-embed",
	.summary = "join word vectors to tokens",
	.operands = "[TOKENS...]",
	.description =
		"Reads streams of tokens and writes one stream of text: a table of the words,\n"
		"most frequent first (ties by first appearance), each with its vector, then the\n"
		"records as indices into it, with their ids, labels and splits. Where several\n"
		"documents repeat an id, records are renumbered from 0.\n"
		"\n"
		"Only rows of words that occur are read from FILE. White space separates; the\n"
		"last N fields of a line are its numbers; of a word with several valid rows the\n"
		"first counts; words are compared in Unicode's form C. Words with spaces,\n"
		"repeated words, headers and garbled rows are counted on stderr, as are the\n"
		"words that FILE lacks. A word that FILE lacks gets a draw that depends on\n"
		"--seed and its letters alone.\n"
		"\n"
		"Of the first 100 rows of FILE most must be a word and N numbers, and of the\n"
		"data's types 1 % must be in it: else it is another file, and an error.",
	.example =
		"vic-tokenize --format mr data/mr |\n"
		"    vic-embed --vectors glove.6B.300d.txt > mr.text\n"
		"zcat glove.txt.gz | vic-embed --vectors - --oov std mr.tokens > mr.text",
	.see_also = "vic-tokenize(1), vic-split(1), vic-train(1)",
	.opts = opts,
	.min_operands = 0,
	.max_operands = -1,
	.libraries = libraries,
	.stream_operand = 1,
};

static void say_records(const struct stage *st, const struct corpus *c)
{
	size_t empty = 0;
	for (size_t i = 0; i < c->n_records; i++)
		empty += c->record[i].end == (i ? c->record[i - 1].end : 0);
	stage_say(st, "%zu records, %zu tokens, %" PRIu32 " types", c->n_records, c->n_tokens, c->vocab.n);
	if (empty)
		stage_say(st, empty == c->n_records ? "all %zu records are empty: there is no word in them"
						    : "%zu records are empty", empty);
	if (c->renumbered)
		stage_say(st, "the %zu documents repeat ids: records are numbered anew from 0", c->documents);
}

static void say_counts(const struct stage *st, const struct vectors *v)
{
	const struct vectors_counts *c = &v->count;
	stage_say(st, "%s: %" PRIu64 " rows of %d numbers%s", strcmp(o.vectors, "-") ? o.vectors : "stdin", c->rows,
		  v->dim, c->is_binary ? ", word2vec" : "");
	if (c->has_header && c->rows != c->header_rows)
		stage_say(st, "its header says %" PRIu64 " rows", c->header_rows);
	if (c->has_bom)
		stage_say(st, "it begins with a byte-order mark, which was skipped");
	if (c->spaced)
		stage_say(st, "%" PRIu64 " rows are of words with spaces; no token can match them", c->spaced);
	if (c->repeats)
		stage_say(st, "%" PRIu64 " rows repeat a word; its first row counts", c->repeats);
	if (c->blank)
		stage_say(st, "%" PRIu64 " empty lines", c->blank);
	if (vectors_garbled(c))
		stage_say(st,
			  "%" PRIu64 " garbled rows passed over (first: %s %" PRIu64 "): %" PRIu64
			  " with too few numbers or no word, %" PRIu64 " with too many, "
			  "%" PRIu64 " with a field that is no number, %" PRIu64 " with one that is not finite",
			  vectors_garbled(c), c->is_binary ? "row" : "line", c->first_bad, c->fields, c->wide,
			  c->numbers, c->nonfinite);
	if (c->met.renormalised)
		stage_say(st, "%" PRIu64 " rows are of words that are the data's only in Unicode's form C",
			  c->met.renormalised);
	if (c->met.not_utf8)
		stage_say(st,
			  "%" PRIu64 " rows are of words that are not UTF-8, which no token can match; Latin-1 is "
			  "recoded by iconv -f latin1 -t utf-8",
			  c->met.not_utf8);
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

/* Names the most frequent missing words on stderr and, where asked, all of them in a file. */
static int report_oov(const struct stage *st, const struct corpus *c, const uint32_t *order, const struct vectors *v,
		      const struct oov *oov, struct err *err)
{
	static const char *const how[] = { "drawn from U(-a, a), a = ", "zero", "drawn from U(-a, a), a = " };
	const struct vocab *w = &c->vocab;
	struct output out = { .fd = -1 };
	uint64_t tokens = 0, named = 0;
	char a[32] = "", line[4096];
	size_t used = 0;
	line[0] = 0;
	if (o.oov_report && (output_open(&out, o.oov_report, err) || output_printf(&out, err, "word\tcount\n")))
		goto fail;
	for (uint32_t k = 0; k < w->n; k++) {
		size_t len;
		const char *word = vocab_word(w, order[k], &len);
		if (v->found[order[k]])
			continue;
		tokens += w->count[order[k]];
		if (o.oov_report && (text_write(&out, word, len, TEXT_NAME, err) ||
				     output_printf(&out, err, "\t%" PRIu64 "\n", w->count[order[k]])))
			goto fail;
		if (named < (uint64_t)o.top_oov && len < 100 && used < sizeof line - 150) {
			used += (size_t)snprintf(line + used, sizeof line - used, " %.*s %" PRIu64, (int)len, word,
						 w->count[order[k]]);
			named++;
		}
	}
	if (o.oov_report && output_commit(&out, err))
		goto fail;
	if (oov->kind != OOV_ZERO)
		snprintf(a, sizeof a, "%g", oov->a);
	stage_say(st, "not in it: %" PRIu32 " types (%.2f %%), %" PRIu64 " tokens (%.2f %%); %s%s", w->n - v->n_found,
		  percent(w->n - v->n_found, w->n), tokens, percent(tokens, c->n_tokens), how[oov->kind], a);
	if (named)
		stage_say(st, "most frequent of these:%s", line);
	output_release(&out);
	return 0;
fail:
	output_release(&out);
	return -1;
}

static int check_options(const struct stage *st, struct oov *oov, struct err *err)
{
	if (oov_parse(o.oov, oov, err))
		return -1;
	if (!o.vectors == !o.random)
		return err_usage(err, "give --vectors FILE or --random%s", o.vectors ? ", not both" : "");
	if (o.random && oov->kind != OOV_UNIFORM)
		return err_usage(err, "--random draws every word: --oov must be uniform:A");
	if (o.random && (o.oov_report || stage_given(st, "vectors-format")))
		return err_usage(err, "--random reads no vectors, so --vectors-format and --oov-report say nothing");
	return 0;
}

static int read_vectors(struct vectors *v, const struct vocab *words, struct err *err)
{
	struct pool *pool;
	if (o.random)
		return vectors_init(v, o.dim ? (int)o.dim : 300, words->n, err);
	if (pool_open(&pool, (int)o.threads, err))
		return -1;
	int rc = vectors_read(v, o.vectors, (enum vectors_format)o.format, (int)o.dim, words, pool, err);
	pool_close(pool);
	return rc;
}

/* A file that has next to none of the data's words is another file. */
static int check_found(const struct vectors *v, const struct vocab *words, struct err *err)
{
	const char *name = strcmp(o.vectors, "-") ? o.vectors : "stdin";
	if (o.allow_oov || (uint64_t)v->n_found * 100 >= words->n)
		return 0;
	size_t len;
	const char *word = vocab_word(words, 0, &len);
	return err_set(err,
		       "%s: has %" PRIu32 " of the %" PRIu32 " types of the data (%.2f %%; their first is '%.*s'): is "
		       "it the right file, and its case and language those of the tokens? --allow-oov goes on",
		       name, v->n_found, words->n, percent(v->n_found, words->n), (int)(len < 60 ? len : 60), word);
}

static int embed(struct stage *st, struct corpus *c, struct vectors *v, struct output *out, struct oov *oov,
		 struct err *err)
{
	uint32_t *order = NULL;
	for (int i = 0; i < (st->n ? st->n : 1); i++)
		if (corpus_read(c, stage_operand(st, i), err))
			return -1;
	if (corpus_unique_ids(c, err) || read_vectors(v, &c->vocab, err))
		return -1;
	say_records(st, c);
	if (!o.random)
		say_counts(st, v);
	if ((!o.random && check_found(v, &c->vocab, err)) || oov_fill(oov, (uint64_t)o.seed, &c->vocab, v, err))
		return -1;
	if (o.random)
		stage_say(st, "every vector: %d numbers drawn from U(-a, a), a = %g", v->dim, oov->a);
	int rc = corpus_by_frequency(c, &order, err);
	if (!rc && !o.random)
		rc = report_oov(st, c, order, v, oov, err);
	if (!rc)
		rc = corpus_write(c, order, v, out, st->provenance, err);
	free(order);
	return rc ? -1 : output_commit(out, err);
}

static int run_embed(struct stage *st, struct err *err)
{
	struct corpus c = { 0 };
	struct vectors v = { 0 };
	struct output out = { .fd = -1 };
	struct oov oov;
	int rc = check_options(st, &oov, err) || corpus_init(&c, err) || output_open(&out, o.output, err);
	if (!rc)
		rc = embed(st, &c, &v, &out, &oov, err);
	output_release(&out);
	vectors_release(&v);
	corpus_release(&c);
	return rc ? -1 : 0;
}

int main(int argc, char **argv)
{
	return stage_main(&prog, argc, argv, run_embed);
}

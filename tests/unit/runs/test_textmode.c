/* Lines and tables of text to answers: how vic-tokenize is called for a model of any history, what becomes of its
 * records and of its end, and answers themselves. */
#include "models/predict/textmode.h"
#include "peers.h"

/* Logits of any kind: with ties, of which the class that comes first is named first. */
static void answers(void **state)
{
	struct model m = { .config = { .classes = CLASSES }, .classes = (char **)(uintptr_t)classes };
	float z[RECORDS][CLASSES];
	(void)state;
	for (int i = 0; i < 40; i++) {
		struct answers a;
		struct err err = ERR_NONE;
		int top_k = below(CLASSES + 2), bad = 0;
		struct calibrated *map = make_map();
		listen_to();
		int rc = answers_open(&a, &m, map, top_k, &err);
		for (int r = 0; r < RECORDS && !rc; r++) {
			for (int k = 0; k < CLASSES; k++)
				z[r][k] = (float)(below(2) ? below(3) : 3 * signed_unit());
			rc = answers_put(&a, z[r], &err);
		}
		rc = rc || output_flush(&a.out, &err);
		if (mapped.is == 1) { /* whose map gives no number */
			double t = mapped.weight[0];
			mapped.weight[0] = (double)NAN;
			bad = answers_put(&a, z[0], &err);
			mapped.weight[0] = t;
		}
		answers_release(&a);
		listened();
		assert_int_equal(rc, 0);
		assert_int_equal(bad, mapped.is == 1 ? -1 : 0);
		const char *at = out;
		for (int r = 0; r < RECORDS; r++)
			check_answer(&at, NULL, z[r], top_k);
		assert_true(!*at);
	}
}

static uint64_t words, unknown;

static void add_text(struct stream_writer *w, int i)
{
	struct err err = ERR_NONE;
	char line[64] = "", word[16];
	int n = 1 + below(3);
	for (int k = 0; k < n; k++) {
		uint32_t which = (uint32_t)below(WORDS + 2);
		word_of(which, word);
		append(line, sizeof line, &(size_t){ strlen(line) }, "%s%s", k ? " " : "", word);
		unknown += which >= WORDS;
	}
	words += (uint64_t)n;
	assert_int_equal(stream_add(w, (uint64_t)i, -1, SPLIT_TEST, line, strlen(line), &err), 0);
}

/* What is asked of the tokenizer; by its manual. */
static void wants_tokenizer(const struct text_source *t, int line)
{
	static const char *const table[] = { "--format=csv", "--label-column=none", "--allow-empty",
					     "--allow-documents", "--asked-by=--column" };
	char arg[64];
	int named = 0;
	wants_begin("vic-tokenize", line);
	wants("--quiet");
	for (int i = 0; i < 5 && t->column; i++)
		wants(table[i]);
	snprintf(arg, sizeof arg, "--text-column=%s", t->column ? t->column : "");
	wants(t->column ? arg : "--flush");
	if (!t->column)
		wants("--format=lines");
	snprintf(arg, sizeof arg, "--separator=%s", t->separator ? t->separator : "");
	if (t->separator)
		wants(arg);
	for (const char *c = t->column ? t->column : ""; *c; c++)
		named |= *c < '0' || *c > '9';
	if (t->header == TEXT_HEADER || (t->header == TEXT_HEADER_AUTO && named))
		wants("--header");
	if (t->header == TEXT_NO_HEADER)
		wants("--no-header");
	wants("--");
	wants(t->path);
}

static void check_text(const struct text_source *t, int rc, const struct err *err, int line, int top_k, int cut,
		       uint64_t before, int quiet)
{
	char want[256];
	const char *at = out;
	int ends = play.status > 0 && play.status <= 128;
	assert_int_equal(rc, line < 0 || ends || cut ? -1 : 0);
	if (line < 0) {
		snprintf(want, sizeof want,
			 "%s: does not say how its text was tokenised; pipe tokens in instead of --text",
			 s.model.file.name);
		assert_string_equal(err->msg, want);
		assert_int_equal(access(in_folder("argv"), F_OK), -1);
		return;
	}
	wants_tokenizer(t, line);
	check_argv();
	if (ends) {
		snprintf(want, sizeof want, "%s could not be tokenised", strcmp(t->path, "-") ? t->path : "stdin");
		assert_string_equal(err->msg, want);
	}
	for (int i = 0; i < s.n && !cut; i++)
		check_answer(&at, NULL, s.z[i], top_k);
	assert_true(cut || !*at);
	snprintf(want, sizeof want, "vic-none: %llu of %llu words are not the model's and stand as zeros\n",
		 (unsigned long long)(before + unknown), (unsigned long long)words);
	assert_string_equal(said, !rc && unknown && !quiet ? want : "");
}

static void texts(void **state)
{
	static const char *const programs[] = { "vic-tokenize", "vic-embed", "vic-tokenize", "" },
				 *const args[] = { "--rules=kim", "-", "--hyphens", "file", "--", "--seed=1" },
				 *const columns[] = { NULL, NULL, "3", "12", "name", "3rd", "" };
	static const struct opt opts[] = { { 0 } };
	static const struct program prog = { .name = "vic-none", .operands = "", .opts = opts };
	static struct made made;
	(void)state;
	make_model(&made);
	made.plan.max_tokens = 0;
	for (int i = 0; i < 50; i++) {
		struct err err = ERR_NONE;
		struct stage st = { .prog = &prog, .quiet = below(3) == 0 };
		struct text_source t = { .path = below(2) ? "-" : "a file",
					 .column = columns[below(7)],
					 .separator = below(2) ? ";" : NULL,
					 .header = below(3) };
		struct stream_head head = { .kind = STREAM_TOKENS };
		int line = -1, top_k = below(CLASSES + 1), cut = below(5) == 0;
		open_model(&made, make_history(programs, 4, args, 6));
		for (int k = 0; k < s.lines; k++)
			line = strcmp(s.program[k], "vic-tokenize") ? line : k;
		struct calibrated *map = make_map();
		words = unknown = play.names = 0;
		make_stream(&head, add_text);
		play.stream -= cut ? 1 + (size_t)below((int)play.stream) : 0;
		put_play();
		listen_to();
		int rc = textmode_run(&st, &s.p, map, &t, top_k, &err);
		listened();
		check_text(&t, rc, &err, line, top_k, cut, 0, st.quiet);
		close_model();
	}
	release_model(&made);
}

int main(int argc, char **argv)
{
	if (strstr(argv[0], "vic-tokenize"))
		return as_peer(argc, argv);
	const struct CMUnitTest tests[] = { cmocka_unit_test(answers), cmocka_unit_test(texts) };
	rng_init(&random_state, 81, RNG_TEST, 0, 0);
	peers_begin("vic-tokenize");
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	peers_end("vic-tokenize");
	return failed;
}

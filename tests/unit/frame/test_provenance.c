/* Histories as shell text: what a shell makes of each stage are its arguments as they were noted, whatever bytes they
 * hold. One shell runs all of them; a stage there is a function that says what it was given. */
#include "tests/append.h"
#include "tests/scratch.h"
#include "pipeline/base/philox.h"
#include "pipeline/frame/provenance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

enum { CASES = 300, ROOM = 1 << 20, ARGS = 4000 };

static char folder[SCRATCH_PATH], path[SCRATCH_PATH + 16];

/* A few characters that shells, printf and terminals have views on. */
static size_t draw_text(struct rng *r, char *to)
{
	static const char *const piece[] = {
		"a", "=",  "-",	   "--", " ",  "'",   "\"",	 "\\",	     "\\n",	     "%s",
		"%", "$x", "`id`", "\n", "\n", "\t",  "\x1b[1m", "\xc3\xa9", "\xe2\x80\xae", "!",
		"*", "~",  "#",	   ";",	 "7",  "\\0", "\xcc\x81"
	};
	size_t n = 0;
	for (uint32_t k = rng_below(r, rng_below(r, 4) ? 4 : 9); k; k--) {
		const char *p = piece[rng_below(r, sizeof piece / sizeof *piece)];
		memcpy(to + n, p, strlen(p));
		n += strlen(p);
	}
	to[n] = 0;
	return n;
}

/* Arguments as the frame notes them: options as --name or --name=value, "--" before operands where one of them begins
 * with a dash, operands. Lines of old lack the "--": it is told by the first argument that can be no option, so
 * without it the first operand has no second dash. */
static json_t *draw_args(struct rng *r, char *want)
{
	json_t *args = json_array();
	char text[200];
	size_t n = 0;
	int dashes = 0, noted = rng_below(r, 2), k = (int)rng_below(r, 4), operands = (int)rng_below(r, 4);
	for (int i = 0; i < k; i++) {
		snprintf(text, sizeof text, "%s", rng_below(r, 2) ? "--name=" : "--flag");
		if (text[6] == '=')
			draw_text(r, text + 7);
		json_array_append_new(args, json_string(text));
		append(want, ARGS, &n, "<%s>", text);
	}
	char operand[3][200];
	for (int i = 0; i < operands; i++) {
		size_t len = draw_text(r, operand[i]);
		if (!noted && !i && len > 1 && operand[0][0] == '-' && operand[0][1] == '-')
			operand[0][1] = 'x';
		dashes |= operand[i][0] == '-' && operand[i][1];
	}
	if (dashes && noted)
		json_array_append_new(args, json_string("--"));
	for (int i = 0, said = 0; i < operands; i++) {
		int dash = operand[i][0] == '-' && operand[i][1];
		if (!said && (noted ? dashes : dash)) {
			append(want, ARGS, &n, "<-->");
			said = 1;
		}
		if (!noted && !strcmp(operand[i], "--") && said == 1 && i) /* may stand for the end itself */
			operand[i][1] = 'y';
		json_array_append_new(args, json_string(operand[i]));
		append(want, ARGS, &n, "<%s>", operand[i]);
	}
	want[n] = 0;
	return args;
}

static void a_shell_reads_them_back(void **state)
{
	static char want[ROOM], got[ROOM];
	size_t n = 0;
	(void)state;
	snprintf(path, sizeof path, "%s/script", folder);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	/* a dot keeps what $( ) would take away */
	fputs("f() { printf '%s:' \"$#\"; for a; do printf '<%s>' \"$a\"; done; printf '\\n'; }\n", f);
	for (uint32_t i = 0; i < CASES; i++) {
		struct rng r;
		struct err err = ERR_NONE;
		char *text, args[ARGS];
		rng_init(&r, 81, RNG_TEST, i, 0);
		json_t *history = json_pack("[{s:s, s:o}]", "program", "f", "args", draw_args(&r, args));
		assert_non_null(history);
		assert_int_equal(provenance_shell(history, &text, &err), 0);
		for (const char *p = text; *p; p++)
			assert_true((unsigned char)*p >= ' ' || *p == '\n' || *p == '\t');
		fprintf(f, "%s\n", text);
		free(text);
		size_t count = 0;
		for (const char *p = args; (p = strchr(p, '<')); p++)
			count++;
		n += (size_t)snprintf(want + n, ROOM - n, "%zu:%s\n", count, args);
		json_decref(history);
	}
	assert_int_equal(fclose(f), 0);
	char command[SCRATCH_PATH + 40];
	snprintf(command, sizeof command, "sh '%s'", path);
	FILE *p = popen(command, "r");
	assert_non_null(p);
	size_t k = fread(got, 1, ROOM - 1, p);
	assert_int_equal(pclose(p), 0);
	got[k] = 0;
	for (size_t at = 0; at < n; at++)
		if (got[at] != want[at])
			fail_msg("\"%.60s\" and not \"%.60s\"", got + at, want + at);
	assert_int_equal(k, n);
	unlink(path);
}

static void expect(json_t *history, const char *want)
{
	struct err err = ERR_NONE;
	char *text;
	assert_non_null(history);
	assert_int_equal(provenance_shell(history, &text, &err), 0);
	assert_string_equal(text, want);
	free(text);
	json_decref(history);
}

/* What a stage used is made first, and once. */
static void what_was_used(void **state)
{
	(void)state;
	expect(json_array(), "");
	expect(json_pack("[{s:s, s:[]}, {s:s, s:[s, s]}]", "program", "a", "args", "program", "b", "args", "x", "it's"),
	       "a |\nb x 'it'\\''s'");
	/* without its "--", as it was noted once: what can be no option tells where they end */
	expect(json_pack("[{s:s, s:[s, s, s, s]}]", "program", "a", "args", "--x=1", "-", "--y", "-z"),
	       "a --x=1 - -- --y -z");
	expect(json_pack("[{s:s, s:[s, s, s]}]", "program", "a", "args", "--", "--y", "--"), "a -- --y --");
	/* newlines at the end, which $( ) would take away, stand after it */
	expect(json_pack("[{s:s, s:[s, s]}]", "program", "a", "args", "--name=\x1b\n\n", "\x1b\nb"),
	       "a --name=\"$(printf '\\033')\"'\n\n' \"$(printf '\\033\\012b')\"");
	json_t *model = json_pack("[{s:s, s:[s]}, {s:s, s:[]}]", "program", "vic-embed", "args", "t", "program",
				  "vic-train", "args");
	json_t *map = json_pack("{s:[s], s:[{s:s, s:[s], s:O}]}", "args", "--method=isotonic", "history", "program",
				"vic-predict", "args", "m.vm", "model", model);
	expect(json_pack("[{s:s, s:[s, s], s:O}, {s:s, s:[s], s:O}]", "program", "vic-predict", "args", "--", "-m.vm",
			 "model", model, "program", "vic-calibrate", "args", "--apply=t.map", "map", map),
	       "vic-embed t |\nvic-train > -m.vm\n"
	       "vic-predict m.vm |\nvic-calibrate --method=isotonic > t.map\n"
	       "vic-predict -- -m.vm |\nvic-calibrate --apply=t.map");
	json_decref(map);
	/* of a map whose logits have no history: a word for them; no name of a file: a word for that */
	map = json_pack("{s:[], s:[]}", "args", "history");
	expect(json_pack("[{s:s, s:[s], s:o}]", "program", "vic-calibrate", "args", "--apply=-", "map", map),
	       "vic-calibrate LOGITS > MAP\nvic-calibrate --apply=-");
	expect(json_pack("[{s:s, s:[s], s:o}]", "program", "vic-predict", "args", "--threads=1", "model", model),
	       "vic-embed t |\nvic-train > MODEL\nvic-predict --threads=1");
}

static void what_is_no_history(void **state)
{
	static const char *const bad[] = { "[1]",
					   "[{}]",
					   "[{\"program\": \"a\"}]",
					   "[{\"program\": 1, \"args\": []}]",
					   "[{\"program\": \"a\", \"args\": [1]}]",
					   "[{\"program\": \"a\", \"args\": {}}]" };
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct err err = ERR_NONE;
		char *text;
		json_t *j = json_loads(bad[i], 0, NULL), *good = json_pack("[{s:s, s:[]}]", "program", "a", "args");
		json_array_extend(good, j);
		assert_int_equal(provenance_shell(good, &text, &err), -1);
		assert_null(text);
		assert_string_equal(err.msg, "provenance line 2 is not a program with its arguments");
		json_decref(j);
		json_decref(good);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_shell_reads_them_back), cmocka_unit_test(what_was_used),
					    cmocka_unit_test(what_is_no_history) };
	if (scratch_folder(folder, "provenance"))
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(folder);
	return rc;
}

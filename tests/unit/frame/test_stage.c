/* What the frame hands to a program, and notes of it: random command lines, each in a process of its own, whose run
 * writes down its provenance and what it was given. */
#include "tests/append.h"
#include "pipeline/base/philox.h"
#include "pipeline/frame/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { ROOM = 4000, MOST = 12 };

static struct {
	const char *title;
	int64_t limit;
	int all, threads, rule, form;
	struct opt_many more;
} o;

static const struct opt opts[] = {
	{ "title", 't', OPT_TEXT, &o.title, "TEXT", "", .flags = 0 },
	{ "limit", 'n', OPT_INT, &o.limit, "N", "", .lo = 0, .hi = 99 },
	{ "all", 0, OPT_FLAG, &o.all, NULL, "", .flags = 0 },
	{ "threads", 0, OPT_FLAG, &o.threads, NULL, "", .flags = OPT_LOCAL },
	{ "rule", 0, OPT_CHOICE, &o.rule, NULL, "", .choices = "kim|ptb", .flags = OPT_LINE },
	{ "more", 0, OPT_MANY, &o.more, "TEXT", "", .flags = 0 },
	{ 0 },
};

static int run(struct stage *st, struct err *err)
{
	char *text = json_dumps(json_object_get(st->provenance, "args"), JSON_COMPACT);
	printf("%s %d %s %s", text, st->n, stage_operand(st, 0), stage_operand(st, 1));
	for (int i = 0; opts[i].type != OPT_END; i++)
		printf(" %d", stage_given(st, opts[i].name));
	free(text);
	return o.all && o.threads ? err_set(err, "fails as it was asked to") : 0;
}

/* Runs it; its status, and what it wrote to stdout and stderr. */
static int run_with(const struct program *prog, int argc, char **argv, char said[2][ROOM])
{
	int ends[2][2], status;
	for (int i = 0; i < 2; i++)
		assert_int_equal(pipe(ends[i]), 0);
	pid_t pid = fork();
	if (!pid) {
		for (int i = 0; i < 2; i++) {
			dup2(ends[i][1], 1 + i);
			close(ends[i][0]);
			close(ends[i][1]);
		}
		exit(stage_main(prog, argc, argv, run));
	}
	for (int i = 0; i < 2; i++) {
		size_t n = 0;
		ssize_t k;
		close(ends[i][1]);
		while ((k = read(ends[i][0], said[i] + n, ROOM - 1 - n)) > 0)
			n += (size_t)k;
		said[i][n] = 0;
		close(ends[i][0]);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* One argument of the provenance, as JSON. */
static void note(char *to, size_t *n, const char *text)
{
	append(to, ROOM, n, "%s\"%s\"", to[1] ? "," : "", text);
}

static void what_is_noted(void **state)
{
	static char said[2][ROOM];
	static const char *const names[] = { "a", "b.x", "-", "-dash", "--double", "x=1" };
	(void)state;
	fflush(stdout);
	for (uint32_t i = 0; i < 400; i++) {
		struct rng r;
		char want[ROOM] = "[", *argv[2 * MOST] = { (char *)"test" }, number[16];
		const char *operand[3] = { "-", "-", "-" };
		size_t n = 1;
		int argc = 1, given[6] = { 0 }, dash = 0;
		rng_init(&r, 92, RNG_TEST, i, 0);
		struct program prog = { .name = "vic-test",
					.summary = "s",
					.operands = "[WORD...]",
					.description = "d",
					.example = "vic-test",
					.opts = opts,
					.words = 1,
					.min_operands = (int)rng_below(&r, 2),
					.max_operands = (int)rng_below(&r, 4) - 1,
					.stream_operand = (int)rng_below(&r, 4) };
		int operands = (int)rng_below(&r, 4);
		if ((given[0] = rng_below(&r, 2))) {
			argv[argc++] = (char *)"--title=T x";
			note(want, &n, "--title=T x");
		}
		if ((given[1] = rng_below(&r, 2))) {
			snprintf(number, sizeof number, "%u", rng_below(&r, 99));
			argv[argc++] = (char *)"-n";
			argv[argc++] = number;
			char text[40];
			snprintf(text, sizeof text, "--limit=%s", number);
			note(want, &n, text);
		}
		if ((given[2] = rng_below(&r, 2)) && (argv[argc++] = (char *)"--all"))
			note(want, &n, "--all");
		if ((given[3] = rng_below(&r, 2))) /* of no bearing on the output: not noted */
			argv[argc++] = (char *)"--threads";
		if ((given[4] = rng_below(&r, 2)) && (argv[argc++] = (char *)"--rule=ptb"))
			note(want, &n, "--rule=ptb");
		for (uint32_t k = rng_below(&r, 3); k; k--, given[5] = 1) {
			argv[argc++] = (char *)"--more";
			argv[argc++] = (char *)(k > 1 ? "one" : "two");
			note(want, &n, k > 1 ? "--more=one" : "--more=two");
		}
		argv[argc++] = (char *)"--";
		/* the stream that is passed on: its stage stands for it; of any number of operands the last */
		int stream = prog.max_operands > 0 || operands == prog.stream_operand ? prog.stream_operand : 0;
		for (int k = 0; k < operands; k++) {
			operand[k] = names[rng_below(&r, 6)];
			argv[argc++] = (char *)(uintptr_t)operand[k];
			dash |= k + 1 != stream && operand[k][0] == '-' && operand[k][1];
		}
		if (dash)
			note(want, &n, "--");
		for (int k = 0; k < operands; k++)
			if (k + 1 != stream)
				note(want, &n, operand[k]);
		append(want, ROOM, &n, "] %d %s %s", operands, operand[0], operand[1]);
		for (int k = 0; k < 6; k++)
			append(want, ROOM, &n, " %d", given[k]);
		int status = run_with(&prog, argc, argv, said);
		if (operands < prog.min_operands || (prog.max_operands >= 0 && operands > prog.max_operands)) {
			assert_int_equal(status, VIC_USAGE);
			assert_string_equal(said[1], operands < prog.min_operands
							     ? "vic-test: [WORD...] is missing; --help shows how\n"
							     : "vic-test: unexpected operand; --help shows how\n");
			continue;
		}
		int fails = given[2] && given[3];
		assert_int_equal(status, fails ? VIC_DATA : VIC_OK);
		assert_string_equal(said[1], fails ? "vic-test: fails as it was asked to\n" : "");
		if (!fails && strcmp(said[0], want))
			fail_msg("%u: %s, not %s", i, said[0], want);
	}
}

/* Options of an earlier run that say how a line becomes a record count as given; the others are dropped. */
static void as_in_an_earlier_run(void **state)
{
	static char said[2][ROOM];
	static const struct program prog = { .name = "vic-test",
					     .summary = "s",
					     .operands = "[WORD...]",
					     .description = "d",
					     .example = "vic-test",
					     .opts = opts,
					     .words = 1,
					     .max_operands = -1 };
	static const struct {
		const char *line, *want;
	} lines[] = {
		{ "t --line-as-in --title=x --rule=ptb word -- --all a",
		  "[\"--all\",\"--rule=ptb\",\"a\"] 1 a - 0 0 1 0 1 0" },
		{ "t --line-as-in --title=x --rule=ptb", "[\"--rule=ptb\"] 0 - - 0 0 0 0 1 0" },
		{ "t --line-as-in -- a --title=y", "[\"--title=y\",\"a\"] 1 a - 1 0 0 0 0 0" },
		{ "t --line-as-in --title=x -- a b", "[\"a\",\"b\"] 2 a b 0 0 0 0 0 0" },
	};
	(void)state;
	fflush(stdout);
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		char text[200], *argv[MOST], *at = text;
		int argc = 0;
		snprintf(text, sizeof text, "%s", lines[i].line);
		while ((argv[argc] = strtok_r(at, " ", &at)))
			argc++;
		assert_int_equal(run_with(&prog, argc, argv, said), VIC_OK);
		assert_string_equal(said[0], lines[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(what_is_noted), cmocka_unit_test(as_in_an_earlier_run) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
